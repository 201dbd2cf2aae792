"""Backends that were written for `mlflow run`, found where MLflow finds them."""

"""Run notebooks and MLflow Projects again, anywhere, with other parameters, and see what came out."""

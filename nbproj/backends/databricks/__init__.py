"""Entry points that run as jobs of a Databricks workspace, each on a new cluster of its own."""

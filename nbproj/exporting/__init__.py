"""A project in the words of others: an MLproject file and plain notebooks that `mlflow run` and papermill run as nbproj would."""

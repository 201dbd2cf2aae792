"""The tracking gateway: MLflow's REST API for one run, for clients that cannot open the run's store themselves."""

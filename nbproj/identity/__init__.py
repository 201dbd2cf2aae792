"""What makes two runs the same: entry point, parameters, the specification of the environment, and the project's files."""

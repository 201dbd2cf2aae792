"""Runs as Jobs on a cluster: the project's image pushed to a repository, a Job made from the user's template, its pods followed to their end."""

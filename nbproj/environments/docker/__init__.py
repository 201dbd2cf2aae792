"""Containers as environments: images, the project's layer above them, and what a project asks of Docker."""

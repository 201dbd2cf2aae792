"""The fixtures of runs, with kernels."""

from backends.conftest import cli, mark, nobody_left, notebook, only_run, project, store

__all__ = ["cli", "mark", "nobody_left", "notebook", "only_run", "project", "store"]

"""The file that a cluster starts: it unpacks a project and runs an entry point of it. It stands alone, and is read by whatever Python is there."""

import json
import os
import runpy
import sys
import tarfile
import tempfile

_OLDEST = (3, 11)
_OF_SPARK = ("spark", "sc", "sqlContext", "dbutils", "display", "displayHTML")


def unpack(archive: str, folder: str) -> None:
    """Unpack an archive of ours into a folder."""
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(folder, filter="tar")
        else:
            tar.extractall(folder)  # noqa: S202 - our own archive, on a Python that knows no filters


def run_file(task: dict, root: str) -> None:  # type: ignore[type-arg]  # as every Python reads it
    """Run a Python file in this very process, where Spark's session is."""
    os.chdir(root)
    sys.argv = [task["python_file"]] + list(task["arguments"])  # noqa: RUF005 - as every Python reads it
    sys.path.insert(0, root)
    given = {name: globals()[name] for name in _OF_SPARK if name in globals()}
    runpy.run_path(os.path.join(root, task["python_file"]), init_globals=given, run_name="__main__")  # noqa: PTH118 - every Python


def main(task: dict) -> None:  # type: ignore[type-arg]  # as every Python reads it
    """Do what a task says."""
    if "python_file" not in task and sys.version_info < _OLDEST:
        raise RuntimeError(
            "nbproj needs Python %d.%d on the cluster, and this one has %d.%d: choose spark_version 15.4 or later" % (_OLDEST + sys.version_info[:2])  # noqa: UP031 - every Python
        )
    os.environ.update(task["variables"])
    with tempfile.TemporaryDirectory(prefix="nbproj-") as folder:
        unpack(task["project"], folder)
        root = os.path.join(os.path.realpath(folder), "project")  # noqa: PTH118 - every Python
        if not os.path.isdir(root):  # noqa: PTH112 - every Python
            os.mkdir(root)  # noqa: PTH102 - every Python
        start = os.getcwd()  # noqa: PTH109 - every Python
        try:
            if "python_file" in task:
                run_file(task, root)
                return
            unpack(task["package"], folder)
            sys.path.insert(0, os.path.join(folder, "package"))  # noqa: PTH118 - every Python
            from nbproj.backends.databricks.inside import carry

            reason = carry(task, root)
        finally:
            os.chdir(start)
    if reason:
        raise RuntimeError(reason)  # Databricks takes whatever is raised for a failure, and SystemExit(0) too


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

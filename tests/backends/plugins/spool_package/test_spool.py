"""The stranger's own tests: the contract, and nothing else. They run where the package is installed (../test_contract.py sees to that)."""

import os

from nbproj.testing.backends import BackendContract


class TestSpool(BackendContract):
    backend = "spool"
    config = {"folder": os.environ.get("SPOOL", "spool")}

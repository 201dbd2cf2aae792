"""Backends that do what none may do; the configuration says where."""

import os
import sys
import time
from pathlib import Path

from nbproj.backends import Backend, BackendError, Event, Outcome


class Half:
    name = "half"

    def check(self, entry_point, environment, config):
        pass


class OddExecution:
    artifacts = None

    def __init__(self, config):
        self.config = config
        self.ended = False

    def start(self):
        odd(self.config, "start")

    def next(self, timeout):
        given = odd(self.config, "next")
        time.sleep(0 if given else timeout)
        return given or Event("output", "still here\n")

    @property
    def outcome(self):
        return odd(self.config, "outcome")

    def cancel(self):
        odd(self.config, "cancel")


class OddBackend(Backend):
    name = "odd"

    def check(self, entry_point, environment, config):
        odd(config, "check")

    def check_store(self, uri):
        odd(self.config, "check_store") if hasattr(self, "config") else None

    def submit(self, request, workplace):
        given = odd(request.config, "submit")
        return OddExecution(request.config) if given is None else given


def odd(config, where):
    """Do what the configuration asks for in one method; return what it may return."""
    if config.get("where") != where:
        return None
    how = config["how"]
    if how == "raise":
        msg = f"lost in {where} with {os.environ['ODD_TOKEN']}"
        raise ValueError(msg)
    if how == "refuse":
        msg = f"closed on Sundays, says {os.environ['ODD_TOKEN']}"
        raise BackendError(msg)
    if how == "exit":
        sys.exit(3)
    if how == "hang":
        if "there" in config:
            Path(config["there"]).touch()
        time.sleep(600)
    return {"number": 7, "outcome": Outcome("zero"), "text": "done"}[how]

"""The attendant: a program that stands for a container among the processes of this host.

It runs alone, as `python -I attendant.py ORDER.json`, leads the run's process group, starts the container that was created before, prints what the
container prints, and ends with its exit code. TERM is passed on; what does not end by itself is killed; in every case the container is removed. So
whoever ends a run's process group - the driver, its guard - ends the container too. Nothing of nbproj is imported: it must start quickly.

How it ended is left in the file that the order names: {"exit_code": N, "out_of_memory": bool, "memory": BYTES, "error": TEXT, "gone": bool}.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import runpy
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

NOT_STARTED = 125
INSIDE = 50000
"""Port N of a kernel is this much more in the container."""
_LAST_SECONDS = 10.0
_ANSWER_SECONDS = 60
_LATE_SECONDS = 2.0
"""How much later than of its end the engine may hear that a container's memory was exhausted: the two come on different ways."""
_KILLED = 128 + signal.SIGKILL


class GoneError(Exception):
    """The engine has ended, or was started again, while the container ran."""


class Stopped(BaseException):
    """Somebody wants it to end."""


class Ending:
    """Hears of TERM, INT and HUP: raised while something is waited for, else kept until then."""

    def __init__(self) -> None:
        self.asked = False
        self._armed = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._heard)

    def _heard(self, *_signal: object) -> None:
        self.asked = True
        if self._armed:
            self._armed = False
            raise Stopped

    def arm(self) -> None:
        """From here on raise."""
        self._armed = True
        if self.asked:
            self._armed = False
            raise Stopped

    def disarm(self) -> None:
        """From here on only remember."""
        self._armed = False


def pump(stream: Any) -> None:
    """Print what comes, until nothing does."""
    with contextlib.suppress(Exception):  # the connection ends with the container
        for piece in stream:
            left = memoryview(piece)
            while left:
                left = left[os.write(1, left) :]


def wait_until_ended(client: Any, container: str, seconds: float) -> bool:
    """Wait for a container's end; return whether it came in time."""
    deadline = time.monotonic() + seconds
    while client.inspect_container(container)["State"]["Running"]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def ended(client: Any, container: str) -> dict[str, Any]:
    """Return what is known of a container that has ended by itself; of one that was killed and had a limit of memory, also why."""
    deadline = time.monotonic() + _LATE_SECONDS
    while True:
        about: dict[str, Any] = client.inspect_container(container)
        state = about["State"]
        unclear = state["ExitCode"] == _KILLED and not state.get("OOMKilled") and about["HostConfig"].get("Memory")
        if not unclear or time.monotonic() > deadline:
            return about
        time.sleep(0.05)


def tell_kernel(order: dict[str, Any]) -> None:
    """Write where the kernel in the container listens: as the driver knows it, or on ports, which `lead` leads to."""
    known = Path(order["kernel"])
    told = json.loads(known.read_text(encoding="utf-8"))
    if order["ports"]:
        told = {name: value + INSIDE if name.endswith("_port") else value for name, value in told.items()}
        told |= {"transport": "tcp", "ip": "0.0.0.0"}  # noqa: S104 - published on the loopback address only, and every message is signed
    inside = known.with_name("inside.json")
    inside.touch(mode=0o600)
    inside.write_text(json.dumps(told), encoding="utf-8")
    if order["shared"]:  # with another user of the container; the folder around it is closed to others of this machine
        inside.chmod(0o644)


def lead(client: Any, order: dict[str, Any]) -> None:
    """Let the sockets that the driver speaks to lead to the container's published ports."""
    relay = runpy.run_path(str(Path(__file__).with_name("relay.py")))["Relay"]
    told = json.loads(Path(order["kernel"]).read_text(encoding="utf-8"))
    published = client.inspect_container(order["container"])["NetworkSettings"]["Ports"]
    for name in [name for name in told if name.endswith("_port")]:
        found = published.get(f"{told[name] + INSIDE}/tcp")
        if not found:
            msg = "the container's network publishes no ports"
            raise ConnectionError(msg)
        port = int(found[0]["HostPort"])
        relay(Path(f"{told['ip']}-{told[name]}"), functools.partial(socket.create_connection, ("127.0.0.1", port))).open()


def carry(client: Any, order: dict[str, Any], ending: Ending) -> dict[str, Any]:
    """Start the container and follow it; return how it ended."""
    from docker.errors import APIError
    from requests import RequestException

    container = order["container"]
    printer = None
    started = False
    try:
        ending.arm()
        stream = client.attach(container, stdout=True, stderr=True, stream=True)
        printer = threading.Thread(target=pump, args=(stream,), daemon=True)
        if order["kernel"]:
            tell_kernel(order)
        client.start(container)
        started = True
        printer.start()
        if order["ports"]:
            lead(client, order)
        client.wait(container, timeout=None)
        ending.disarm()
    except Stopped:
        # A signal may come in the middle of an answer: what is asked from here on is asked over a new connection.
        client = connect(order)
        with contextlib.suppress(APIError):
            client.kill(container, signal="SIGTERM")
            if not wait_until_ended(client, container, order["grace"]):
                return {"exit_code": _KILLED}  # removing it kills it, whatever becomes of this program meanwhile
    except APIError as error:
        ending.disarm()
        if started:
            raise GoneError from error
        return {"exit_code": NOT_STARTED, "error": " ".join(str(error.explanation or error).split())}
    except RequestException as error:
        ending.disarm()
        if started:
            raise GoneError from error
        raise
    if started and printer is not None and printer.ident is not None:
        printer.join(_LAST_SECONDS)
    about = ended(client, container) if started and not ending.asked else client.inspect_container(container)
    state = about["State"]
    return {
        "exit_code": int(state["ExitCode"]) if started else 128 + signal.SIGTERM,
        "out_of_memory": bool(state.get("OOMKilled")),
        "memory": int(about["HostConfig"].get("Memory") or 0),
        "error": state.get("Error") or "",
    }


def connect(order: dict[str, Any]) -> Any:
    """Return a client of the engine."""
    import docker

    return docker.APIClient(base_url=order["address"], version=order["version"], timeout=_ANSWER_SECONDS)


def main() -> int:
    """Carry out the order; return the exit code."""
    ending = Ending()
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result: dict[str, Any] = {"exit_code": NOT_STARTED, "error": "the engine does not answer"}
    try:
        result = carry(connect(order), order, ending)
    except GoneError:
        result = {"exit_code": NOT_STARTED, "gone": True, "error": "the Docker engine does not answer any more"}
    except Exception as error:  # noqa: BLE001 - whatever it is, the container must go, and the driver is told in one line
        result["error"] = " ".join(str(error).split())
    finally:
        ending.disarm()
        with contextlib.suppress(Exception):
            connect(order).remove_container(order["container"], force=True, v=True)
    if order["tell"] and result.get("error") and result["exit_code"] == NOT_STARTED:
        sys.stdout.write(f"docker: {result['error']}\n")
        sys.stdout.flush()
    outcome = Path(order["outcome"])
    beside = outcome.with_suffix(".new")
    with contextlib.suppress(OSError):
        beside.write_text(json.dumps(result), encoding="utf-8")
        beside.replace(outcome)
    return int(result["exit_code"])


if __name__ == "__main__":
    sys.exit(main())

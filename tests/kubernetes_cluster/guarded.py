"""A registry on loopback that asks for a login."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from docker_engine import plain
from ports import held_port

NAME, WORD = "eva", "right-word"
_LINE = "eva:$2y$05$abcdefghijklmnopqrstuuvGyvvTSL0OOra8n20NNRFnrrvSffZty\n"
"""Of the two above, as `htpasswd -B` writes it."""
_SETTINGS = """version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: 127.0.0.1:{port}}}
auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}
"""


@contextlib.contextmanager
def guarded_registry(folder: Path) -> Iterator[str]:
    """Start it, and give its address; it is ended by its pid."""
    folder.mkdir()
    (folder / "htpasswd").write_text(_LINE)
    with held_port() as port:
        (folder / "settings.yml").write_text(_SETTINGS.format(folder=folder, port=port))
        with (folder / "log").open("wb") as log:
            command = ["docker-registry", "serve", str(folder / "settings.yml")]
            process = subprocess.Popen(command, env=plain(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            while not _asks_for_a_login(port):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.1)
            yield f"localhost:{port}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def _asks_for_a_login(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == 401
    except OSError:
        pass
    return False

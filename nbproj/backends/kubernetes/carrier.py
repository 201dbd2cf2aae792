"""What a pod needs to carry a notebook: this very nbproj, and the packages that it executes notebooks with, as a layer above the project's image."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nbproj.environments.docker.building import alone, build
from nbproj.environments.docker.images import image_or_none
from nbproj.environments.docker.reports import Report
from nbproj.progress import Progress

if TYPE_CHECKING:
    import docker

__all__ = ["PACKAGE_FOLDER", "carrier_image"]

PACKAGE_FOLDER: Final = "/mlflow/nbproj/package"
"""Where a pod's Python finds nbproj. It is put behind everything else on the path: what the image has installed comes first."""

_PACKAGE: Final = Path(__file__).parents[2]
_SKIPPED: Final = {"__pycache__", "labextension", "widgets", "server"}
_NEEDED: Final = {
    "ipykernel": "ipykernel",
    "mlflow-skinny": "mlflow",
    "nbclient": "nbclient",
    "nbformat": "nbformat",
    "packaging": "packaging",
    "papermill": "papermill",
    "pathspec": "pathspec",
    "platformdirs": "platformdirs",
    "psutil": "psutil",
    "PyYAML": "yaml",
    "filelock": "filelock",
}
"""Distributions that a notebook is executed and recorded with, and what they are imported as."""


def carrier_image(client: docker.DockerClient, base: Any, progress: Progress) -> Any:  # noqa: ANN401 - docker-py's images
    """Return an image that can carry a notebook, above another one; built unless it is there.

    What the image has of the packages is used as it is; only what is missing is installed, by the image's own pip.

    Parameters
    ----------
    client : DockerClient
        The engine.
    base : Image
        The project's own.
    progress : Progress
        Told that it is built.

    Raises
    ------
    EnvironmentPreparationError
        There is no Python in it, or the packages cannot be installed.
    """
    files = _files()
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(f"{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    wanted = _requirements()
    digest.update(json.dumps([str(base.id), wanted]).encode())
    tag = f"nbproj-carrier:{digest.hexdigest()[:24]}"

    def fill(into: tarfile.TarFile) -> dict[str, str]:
        for name, data in {**{name: path.read_bytes() for name, path in files.items()}, "install.sh": _script(wanted).encode()}.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size, entry.mode = len(data), 0o644
            into.addfile(entry, io.BytesIO(data))
        return {}

    with alone(tag, progress):
        found = image_or_none(client, tag)
        if found is not None:
            return found
        report = Report(progress, f"putting what carries notebooks above {next(iter(base.tags), base.short_id)}")
        report.begin()
        user = base.attrs.get("Config", {}).get("User") or "0"
        install = f"COPY package {PACKAGE_FOLDER}\nRUN /bin/sh {PACKAGE_FOLDER}/install.sh"
        return build(client, tag, f"FROM {base.id}\nUSER 0\n{install}\nUSER {user}\n", fill, report)


def _files() -> dict[str, Path]:
    """Return the files of this nbproj by their path below the folder that is on the path."""
    found = {}
    for path in sorted(_PACKAGE.rglob("*")):
        inside = path.relative_to(_PACKAGE)
        if path.is_file() and not _SKIPPED & set(inside.parts) and path.suffix in {".py", ".json", ".yaml", ".css", ".html", ".txt", ".typed"}:
            found[f"nbproj/{inside}"] = path
    return found


def _requirements() -> dict[str, str]:
    """Return the requirements of those packages by their module, in the versions that this nbproj asks for."""
    try:
        declared = requires("nbproj") or []
    except PackageNotFoundError:
        declared = []
    versions = {match[1].lower(): match[0] for line in declared if (match := re.match(r"([A-Za-z0-9_.-]+)[^;]*", line)) and "extra ==" not in line}
    return {module: versions.get(name.lower(), name).strip() for name, module in _NEEDED.items()}


def _script(wanted: dict[str, str]) -> str:
    look = (
        "import importlib.util as u, json, sys; w = json.loads(sys.argv[1]); print(chr(10).join(r for m, r in w.items() if u.find_spec(m) is None))"
    )
    return f"""set -e
p=$(command -v python || command -v python3) || {{ echo "no python is on its PATH"; exit 3; }}
"$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {{ echo "a notebook needs Python 3.11 or newer in the image: $("$p" -V)"; exit 4; }}
missing=$("$p" -c '{look}' '{json.dumps(wanted)}')
if [ -n "$missing" ]; then
  echo "$missing" > /tmp/nbproj-requirements.txt
  "$p" -m pip install --no-cache-dir --disable-pip-version-check -r /tmp/nbproj-requirements.txt 2>&1 ||
    {{ echo "cannot install" $missing; exit 1; }}
  rm /tmp/nbproj-requirements.txt
fi
"""

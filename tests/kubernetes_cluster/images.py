"""An image that pods of the tests run: this Python with the packages that carry notebooks, from this very environment; nothing is downloaded."""

from __future__ import annotations

import io
import os
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from docker_engine import FOLDER, Layer, make_images, name_of
from filelock import FileLock
from packaging.requirements import Requirement

WANTED = (
    "alembic",
    "filelock",
    "ipykernel",
    "mlflow-skinny",
    "nbclient",
    "nbformat",
    "papermill",
    "pathspec",
    "platformdirs",
    "psutil",
    "PyYAML",
    "sqlalchemy",
)


def closure(names: tuple[str, ...]) -> list[str]:
    """Return distributions with all that they need, by their normalised names."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = re.sub(r"[-_.]+", "-", left.pop()).lower()
        if name in found:
            continue
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:  # for another platform
            continue
        found.add(name)
        left += [one.name for one in map(Requirement, needs) if one.marker is None or one.marker.evaluate({"extra": ""})]
    return sorted(found)


def pod_image(client: Any) -> str:
    """Return the name of the image, made when it is not there."""
    distributions = closure(WANTED)
    versions = [f"{name}=={distribution(name).version}" for name in distributions]
    name = name_of("pod", *versions)
    make_images(client)
    with FileLock(f"{FOLDER}-pod.lock", timeout=600):
        if not client.images.list(name):
            layer = Layer()
            target = f"{os.path.realpath(sys.base_prefix)}/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
            layer.text("Dockerfile", f"FROM {name_of('bare')}\nCOPY site {target}\n")
            for one in distributions:
                for file in distribution(one).files or ():
                    path = file.locate()
                    if ".." not in file.parts and "__pycache__" not in file.parts and Path(str(path)).is_file():
                        layer.file(str(path), f"site/{file}")
            client.images.build(fileobj=io.BytesIO(layer.data()), custom_context=True, tag=name, rm=True)
    return name

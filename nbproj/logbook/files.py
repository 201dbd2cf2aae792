"""Files and figures: written where the driver of the run, or MLflow, keeps them."""

from __future__ import annotations

import os
import posixpath
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbproj.logbook.ways import mlflow_run, not_recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

__all__ = ["log_artifact", "log_figure"]

Writer: TypeAlias = "Callable[[Path], None]"

_RESERVED = "run"


def log_artifact(source: str | bytes | os.PathLike[str], name: str | None = None) -> None:
    r"""Keep a file, a folder or bytes among the artifacts of the run.

    Parameters
    ----------
    source : path or bytes
        What is kept; a file is copied as it is now.
    name : str, optional
        Its path among the artifacts, with `/` between folders; the name of the file by default. Bytes need one.

    Raises
    ------
    ValueError
        The name leads out of the artifacts, or is missing.
    OSError
        The file cannot be read, or the copy not be written.

    Examples
    --------
    >>> import nbproj
    >>> nbproj.log_artifact("model.onnx")  # doctest: +SKIP
    >>> nbproj.log_artifact(b"alpha,rmse\n0.1,58.8\n", "tables/best.csv")  # doctest: +SKIP
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source)
        if name is None:
            message = "log_artifact: bytes need a name, as in log_artifact(data, 'table.csv')"
            raise ValueError(message)
        _keep(_artifact_name(name), lambda path: _write(path, content))
        return
    origin = Path(source).expanduser()
    if not origin.exists():
        message = f"log_artifact: there is no file {str(source)!r}"
        raise FileNotFoundError(message)

    def copy(path: Path) -> None:
        if origin.is_dir():
            shutil.copytree(origin, path)
        else:
            shutil.copyfile(origin, path)

    _keep(_artifact_name(origin.resolve().name if name is None else name), copy)


def log_figure(figure: Any, name: str) -> None:  # noqa: ANN401 - many libraries draw
    """Keep a figure among the artifacts of the run.

    Parameters
    ----------
    figure : object
        A figure or axes of matplotlib, seaborn or pandas; a figure of Plotly; an image of PIL; or anything that shows itself in a notebook as PNG or
        SVG.
    name : str
        Its path among the artifacts. The ending says in which format; without one it is `.png`, for Plotly `.html`.

    Raises
    ------
    TypeError
        It is none of these.
    ValueError
        The name leads out of the artifacts.

    Examples
    --------
    >>> import nbproj
    >>> nbproj.log_figure(figure, "residuals.png")  # doctest: +SKIP
    """
    path = _artifact_name(name)
    ending, write = _drawing(figure, posixpath.splitext(path)[1].lower())
    _keep(path if path.lower().endswith(ending) else path + ending, write)


def _artifact_name(name: str) -> str:
    path = posixpath.normpath(str(name).replace(os.sep, "/"))
    first = path.split("/")[0]
    if not name or path.startswith("/") or first in {"..", "."} or "\0" in path:
        message = f"artifact {name!r}: a path inside the run's artifacts is expected, such as 'tables/best.csv'"
        raise ValueError(message)
    if first == _RESERVED:
        message = f"artifact {name!r}: 'run' is where the record of the run itself is kept: choose another folder"
        raise ValueError(message)
    return path


def _drawing(figure: Any, ending: str) -> tuple[str, Writer]:  # noqa: ANN401 - as above
    """Return the ending of the file that a figure becomes, and what writes it."""
    if hasattr(figure, "write_html") and hasattr(figure, "to_plotly_json"):
        if ending in {"", ".html", ".htm"}:
            return ending or ".html", lambda path: figure.write_html(str(path), include_plotlyjs=True)
        return ending, lambda path: figure.write_image(str(path), format=ending[1:])
    ending_or_png = ending or ".png"
    drawn: Any = next((one for one in (figure, getattr(figure, "figure", None), getattr(figure, "fig", None)) if hasattr(one, "savefig")), None)
    if drawn is not None:
        return ending_or_png, lambda path: drawn.savefig(str(path), format=ending_or_png[1:], bbox_inches="tight")
    if hasattr(figure, "save") and hasattr(figure, "getbands"):
        kind = {".jpg": "JPEG", ".tif": "TIFF"}.get(ending, ending_or_png[1:].upper())
        return ending_or_png, lambda path: figure.save(str(path), format=kind)
    for way, its_ending in (("_repr_png_", ".png"), ("_repr_svg_", ".svg")):
        shown = getattr(figure, way)() if hasattr(figure, way) and ending in {"", its_ending} else None
        shown = shown[0] if isinstance(shown, tuple) else shown  # with metadata
        if shown:
            content = shown if isinstance(shown, bytes) else str(shown).encode()
            return its_ending, lambda path: _write(path, content)  # noqa: B023 - returned at once
    message = f"log_figure: {type(figure).__name__} is no figure of matplotlib, Plotly or PIL. Save it yourself, then nbproj.log_artifact(path)"
    raise TypeError(message)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()


def _keep(name: str, write: Writer) -> None:
    """Write a file where the driver of the run, or MLflow, keeps it."""
    folder = os.environ.get("NBPROJ_OUTPUT_DIR")
    if folder:
        path = Path(folder, *name.split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{os.getpid()}.{path.name}")
        try:
            write(beside)
            if path.is_dir():
                _remove(path)
            beside.replace(path)
        finally:
            _remove(beside)
        return
    run = mlflow_run()
    if run is None:
        not_recorded(name, "")
        return
    client, run_id = run
    with tempfile.TemporaryDirectory(prefix="nbproj-") as holder:
        path = Path(holder, posixpath.basename(name))
        write(path)
        if path.is_dir():
            client.log_artifacts(run_id, str(path), name)
        else:
            client.log_artifact(run_id, str(path), posixpath.dirname(name) or None)

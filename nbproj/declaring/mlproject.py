"""The entry points of an MLproject file as rows, and rows as that file: comments, order and spelling of what nobody touched stay."""

from __future__ import annotations

import difflib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from nbproj.declaring.rows import EntryRow, ParameterRow, Revision
from nbproj.errors import ProjectError
from nbproj.paths import inside
from nbproj.project.conversion import default_text
from nbproj.project.directory import mlproject_file
from nbproj.project.document import parse_document
from nbproj.project.mlproject import project_of

__all__ = ["MLprojectDeclarations"]

_FILE: Final = "MLproject"
_PLAIN: Final = (bool, int, float, list, dict)
_TEXTS: Final = ("string", "path", "uri", "date", "datetime", "choice", "str")
_WIDE: Final = 4096


class MLprojectDeclarations:
    r"""The entry points of a folder's MLproject file, which need not be there yet.

    Parameters
    ----------
    folder : Path
        The project's folder.

    Raises
    ------
    ProjectError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name, "MLproject")
    >>> _ = file.write_text("entry_points:\n  main:  # the one\n    parameters: {alpha: float}\n    command: train {alpha}\n")
    >>> declared = MLprojectDeclarations(Path(folder.name))
    >>> (main,) = declared.entries
    >>> beta = ParameterRow("beta", "int", "3", "how often")
    >>> print(declared.revised([EntryRow("main", main.runs, [*main.parameters, beta], main.was)]).difference)
    --- MLproject
    +++ MLproject
    @@ -1,4 +1,4 @@
     entry_points:
       main:  # the one
    -    parameters: {alpha: float}
    +    parameters: {alpha: float, beta: {type: int, default: 3, help: how often}}
         command: train {alpha}
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder.resolve()
        name = mlproject_file(self.root)
        self.path = inside(self.root, name or _FILE, what="the file")
        self.before = self.path.read_bytes() if name is not None else None
        self._text = (self.before or b"").decode("utf-8-sig")
        project = project_of(parse_document(self._text, self.path.name), self.root, self.path.name)
        self._wrong = {name for name, point in project.entry_points.items() if point.problem is not None}
        self.entries: tuple[EntryRow, ...] = tuple(
            EntryRow(
                point.name,
                point.notebook or point.command or "",
                tuple(
                    ParameterRow(one.name, f"list[{one.item}]" if one.item else one.type, default_text(one) or "", one.help, one.name)
                    for one in point.parameters
                    if one.declared is None or one.declared.cell is None
                ),
                point.name,
            )
            for point in project.entry_points.values()
            if point.problem is None
        )

    def revised(self, entries: Sequence[EntryRow]) -> Revision:
        """Return the file as it would be with other rows.

        Parameters
        ----------
        entries : sequence of EntryRow
            All that shall be declared, in their order; an entry point that cannot be read stays where it is.

        Raises
        ------
        ProjectError
            The file would be wrong, with the place in it.
        """
        from ruamel.yaml import YAML
        from ruamel.yaml.comments import CommentedMap
        from ruamel.yaml.util import load_yaml_guess_indent

        reader = YAML()
        reader.preserve_quotes = True
        document, indent, offset = load_yaml_guess_indent(self._text, yaml=reader) if self._text.strip() else (None, None, None)
        document = CommentedMap({"name": self.root.name or "project"}) if document is None else document
        points = document.get("entry_points")
        if not isinstance(points, CommentedMap):
            points = CommentedMap()
            document["entry_points"] = points
        known: dict[str | None, EntryRow] = {row.was: row for row in self.entries}
        _arrange(points, [(row.name, row.was) for row in entries], known, "entry point")
        for row in entries:
            _write_entry(points, row, known.get(row.was))
        _order(points, [row.name for row in entries])
        text = _dumped(document, indent, offset) if tuple(entries) != self.entries else self._text
        after = text.encode()
        self._check(text)
        difference = "\n".join(
            difflib.unified_diff(self._text.splitlines(), text.splitlines(), self.path.name, self.path.name, lineterm=""),
        )
        return Revision(self.path, self.before, after if difference or self.before is None else self.before, difference)

    def _check(self, text: str) -> None:
        """Refuse a file in which an entry point is wrong that is not wrong now."""
        project = project_of(parse_document(text, self.path.name), self.root, self.path.name)
        for name, point in project.entry_points.items():
            if point.problem is not None and name not in self._wrong:
                raise point.problem


def _arrange(mapping: Any, wanted: Sequence[tuple[str, str | None]], known: Any, what: str) -> None:  # noqa: ANN401 - ruamel has no types
    """Take from a mapping what is not wanted any more, and give the rest its new names; comments stay with their keys."""
    names = [name for name, _ in wanted]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None or not all(names):
        msg = f"{what} {twice!r} is declared twice: give one of the two another name" if twice else f"a name is missing: give every {what} one"
        raise ProjectError(msg)
    kept = {was for _, was in wanted if was is not None}
    for name in [key for key in mapping if key in known and key not in kept]:
        del mapping[name]
    for name, was in wanted:
        if was is not None and was != name and was in mapping:
            comments = mapping.ca.items.pop(was, None)
            position = list(mapping).index(was)
            mapping.insert(position, name, mapping.pop(was))
            if comments is not None:
                mapping.ca.items[name] = comments


def _order(mapping: Any, names: Sequence[str]) -> None:  # noqa: ANN401 - as above
    """Put the entries of a mapping into an order; what is not named stays in front."""
    if [name for name in mapping if name in names] != list(names):
        for name in names:
            mapping.move_to_end(name)


def _write_entry(points: Any, row: EntryRow, was: EntryRow | None) -> None:  # noqa: ANN401 - as above
    from ruamel.yaml.comments import CommentedMap

    if was == row:
        return
    entry = points.get(row.name)
    if not isinstance(entry, CommentedMap):
        entry = points[row.name] = CommentedMap()
    if was is None or was.runs != row.runs:
        key, other = ("notebook", "command") if row.runs.endswith(".ipynb") and " " not in row.runs else ("command", "notebook")
        entry.pop(other, None)
        entry[key] = row.runs
    known: dict[str | None, ParameterRow] = {one.was: one for one in was.parameters} if was is not None else {}
    if was is not None and tuple(was.parameters) == tuple(row.parameters):
        return
    parameters = entry.get("parameters")
    if not isinstance(parameters, CommentedMap):
        if not row.parameters:
            return
        parameters = CommentedMap()
        entry.pop("parameters", None)
        entry.insert(0, "parameters", parameters)
    _arrange(parameters, [(one.name, one.was) for one in row.parameters], known, "parameter")
    for one in row.parameters:
        if known.get(one.was) != one:
            _write_parameter(parameters, one, known.get(one.was))
    _order(parameters, [one.name for one in row.parameters])
    if not row.parameters:
        del entry["parameters"]


def _write_parameter(parameters: Any, row: ParameterRow, was: ParameterRow | None) -> None:  # noqa: ANN401 - as above
    from ruamel.yaml.comments import CommentedMap

    declared = parameters.get(row.name)
    if not isinstance(declared, CommentedMap):
        if not row.default and not row.help:
            parameters[row.name] = row.type or "string"
            return
        written = declared
        declared = CommentedMap({"type": written if isinstance(written, str) else row.type or "string"})
        declared.fa.set_flow_style()
        parameters[row.name] = declared
    if was is None or was.type != row.type:
        declared["type"] = row.type or "string"
    if was is None or was.default != row.default or was.type != row.type:
        declared.pop("default", None)
        if row.default:
            declared["default"] = _value(row)
    if was is None or was.help != row.help:
        declared.pop("help", None)
        if row.help:
            declared["help"] = row.help


def _value(row: ParameterRow) -> object:
    """Return a default as YAML writes it: a number as a number, and a text that looks like one in quotes."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if row.type in _TEXTS:
        return row.default
    try:
        value = YAML().load(row.default)
    except YAMLError:
        return row.default
    return value if isinstance(value, _PLAIN) else row.default


def _dumped(document: Any, indent: int | None, offset: int | None) -> str:  # noqa: ANN401 - as above
    from ruamel.yaml import YAML

    writer = YAML()
    writer.preserve_quotes = True
    writer.width = _WIDE
    writer.indent(mapping=indent or 2, sequence=max((offset or 0) + 2, 2), offset=offset or 0)
    stream = io.StringIO()
    writer.dump(document, stream)
    return stream.getvalue()

"""`%mlproject --edit`: the declarations of a project in a table, written once the difference was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbproj.declaring.mlproject import MLprojectDeclarations
from nbproj.declaring.notebook import NotebookDeclarations
from nbproj.declaring.rows import EntryRow, Revision
from nbproj.display.card import IGNORED
from nbproj.display.html import element, style
from nbproj.errors import NbprojError
from nbproj.project.conversion import TYPES
from nbproj.widgets.said import line, tell
from nbproj.widgets.table import Table, row_buttons

__all__ = ["Editor"]

_ANNOTATIONS: Final = ("float", "int", "bool", "str", "Path", "date", "datetime", "list", "list[float]", "dict", "Secret")
_PRE: Final = style(
    margin="4px 0",
    padding="6px 8px",
    overflow="auto",
    max_height="360px",
    white_space="pre",
    font_family="monospace",
    line_height="1.3",
    background="rgba(117,117,117,0.12)",
)
_CHARACTERS: Final = 64
"""Of a command, in a line of its field."""
_WRAP: Final = {"flex_flow": "row wrap", "align_items": "center", "overflow": "visible"}


@dataclass(slots=True)
class _Section:
    """An entry point, or a cell, in the editor."""

    was: str | None
    name: Any
    runs: Any
    table: Table | None
    box: Any = None


class Editor:
    """A table of entry points and parameters, of an MLproject file or of a notebook.

    Parameters
    ----------
    path : Path
        A folder, or a notebook.

    Raises
    ------
    NbprojError
        What is declared there cannot be read.
    """

    def __init__(self, path: Path) -> None:
        import ipywidgets

        self._path = path
        self._declared: MLprojectDeclarations | NotebookDeclarations
        self._sections: list[_Section] = []
        self._table: Table | None = None
        self._revision: Revision | None = None
        self._status = line()
        self._difference = ipywidgets.HTML(layout={"overflow": "auto"})  # long lines are scrolled to, and do not leave the page
        self._body = ipywidgets.VBox(layout={"overflow": "visible"})
        add, look, self._write, self._again = (
            ipywidgets.Button(description=text, tooltip=hint, button_style=look)
            for text, hint, look in (
                ("Add entry point", "add an entry point at the end", ""),
                ("Show changes", "show what would be written", "primary"),
                ("Write", "write what is shown", "primary"),
                ("Begin again", "read the file again; what was typed is lost", ""),
            )
        )
        add.on_click(lambda _button: self.add())
        look.on_click(lambda _button: self.look())
        self._write.on_click(lambda _button: self.write())
        self._again.on_click(lambda _button: self.read())
        self._add = add
        self._look = look
        actions = ipywidgets.HBox([look, self._write, self._again], layout=_WRAP)
        self.widget = ipywidgets.VBox([self._body, actions, self._status, self._difference], layout={"overflow": "visible"})
        self.widget.add_class("nbproj-editor")
        self.read()

    @property
    def table(self) -> Table:
        """The parameters: of a notebook, or of the first entry point of a file."""
        found = self._table or next((section.table for section in self._sections if section.table is not None), None)
        if found is None:
            self.add()
            return self.table
        return found

    @property
    def difference(self) -> str:
        """What was shown last as what would change."""
        return self._revision.difference if self._revision is not None else ""

    def read(self) -> None:
        """Show what is declared now.

        Raises
        ------
        NbprojError
            It cannot be read.
        """
        self._declared = NotebookDeclarations(self._path) if self._path.is_file() else MLprojectDeclarations(self._path)
        self._table = Table(self._declared.parameters, _ANNOTATIONS, "the notebook") if isinstance(self._declared, NotebookDeclarations) else None
        self._sections = [self._section(row) for row in self._declared.entries]
        self._forget("")
        self._draw()

    def add(self) -> None:
        """Add an entry point; in a notebook that is a new cell at its end."""
        self._sections.append(self._section(EntryRow()))
        self._draw()

    def look(self) -> None:
        """Show what would be written; what is wrong is said instead."""
        try:
            self._revision = self._revised()
        except NbprojError as error:
            self._forget(str(error), wrong=True)
            return
        if not self._revision.difference:
            self._forget("nothing has changed")
            return
        lines = element("pre", self._revision.difference, tabindex="0", style=_PRE)
        self._difference.value = str(element("div", lines, class_=IGNORED))
        tell(self._status, f"what would change in {self._revision.path.name}:")
        self._write.disabled = False

    def write(self) -> None:
        """Write what was shown, unless the file has changed meanwhile; what goes wrong is said."""
        if self._revision is None:
            return
        try:
            self._revision.write()
            written = f"{self._revision.path.name} is written"
            reload = ". It is open here: reload it from disk (File menu) before you save it" if self._path.is_file() else ""
            self.read()
            tell(self._status, written + reload)
        except NbprojError as error:
            self._forget(str(error), wrong=True)

    def show(self) -> None:
        """Show the editor below the cell that is executed."""
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        display({"text/plain": f"editor of {self._path.name}", "application/vnd.jupyter.widget-view+json": view}, raw=True)

    def _forget(self, text: str, *, wrong: bool = False) -> None:
        self._revision = None
        self._write.disabled = True
        self._difference.value = ""
        tell(self._status, text, "problem" if wrong else "plain")

    def _revised(self) -> Revision:
        rows = self._rows()
        if isinstance(self._declared, NotebookDeclarations):
            return self._declared.revised(self._table.rows if self._table is not None else (), rows)
        return self._declared.revised(rows)

    def _rows(self) -> Sequence[EntryRow]:
        return [EntryRow(one.name.value.strip(), one.runs.value, one.table.rows if one.table is not None else (), one.was) for one in self._sections]

    def _section(self, row: EntryRow) -> _Section:
        import ipywidgets

        told = row.name or "a new entry point"
        is_notebook = isinstance(self._declared, NotebookDeclarations)
        if is_notebook and row.was is not None:
            common = {"style": {"description_width": "70px"}, "layout": {"width": "300px"}}
            name = ipywidgets.Text(value=row.name, description=f"cell {row.was}", placeholder="every entry point", **common)
            section = _Section(row.was, name, line(row.runs, "quiet", indent="8px"), None)
            section.box = ipywidgets.HBox([name, section.runs], layout=_WRAP)
            return section
        name = ipywidgets.Text(value=row.name, description="entry point", layout={"width": "300px"}, style={"description_width": "90px"})
        runs = ipywidgets.Textarea(
            value=row.runs,
            description="code" if is_notebook else "command",
            rows=4 if is_notebook else max(1, min(sum(1 + len(one) // _CHARACTERS for one in row.runs.split("\n")), 6)),
            placeholder="what the new cell does" if is_notebook else "python train.py {alpha}, or train.ipynb",
            layout={"width": "600px", "max_width": "100%"},
            style={"description_width": "90px"},
        )
        section = _Section(row.was, name, runs, None if is_notebook else Table(row.parameters, TYPES, told))
        buttons = row_buttons(told, lambda by: self._move(section, by), lambda: self._remove(section))
        table = section.table.box if section.table is not None else None
        section.box = ipywidgets.VBox(
            [ipywidgets.HBox([name, *buttons], layout=_WRAP), runs, *([table] if table is not None else [])],
            layout={"overflow": "visible", "margin": "0 0 12px 0"},
        )
        return section

    def _move(self, section: _Section, by: int) -> None:
        index = self._sections.index(section)
        if 0 <= index + by < len(self._sections):
            self._sections.insert(index + by, self._sections.pop(index))
            self._draw()

    def _remove(self, section: _Section) -> None:
        self._sections.remove(section)
        self._draw()

    def _draw(self) -> None:
        is_notebook = isinstance(self._declared, NotebookDeclarations)
        title = line(f"parameters of {self._path.name}" if is_notebook else f"entry points of {self._path.resolve().name}")
        marks = [line("entry points of each cell, between spaces; without one a cell belongs to all")] if is_notebook and self._sections else []
        boxes = [section.box for section in self._sections]
        self._body.children = [title, *([self._table.box] if self._table is not None else []), *marks, *boxes, self._add]

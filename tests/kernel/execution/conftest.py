"""Notebooks that are executed in real kernels, without a store: what the kernel did, what was shown, what the executed notebook says."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest

from nbproj.execution.execution import Outcome
from nbproj.execution.kernels import Kernel, named_kernel
from nbproj.execution.notebook import NotebookExecution, NotebookTask
from nbproj.execution.process import Guard
from nbproj.paths import sockets_folder
from nbproj.progress import Event
from nbproj.tracking.redact import Redactor


@dataclass
class Done:
    """What an execution left."""

    outcome: Outcome
    document: dict
    events: list[Event]
    log: str
    saves: int

    @property
    def statuses(self) -> list[str]:
        """papermill's word on each cell."""
        return [cell["metadata"]["papermill"]["status"] for cell in self.document["cells"]]

    @property
    def marks(self) -> list[str | None]:
        """Our own word on each cell."""
        return [cell["metadata"].get("nbproj", {}).get("status") for cell in self.document["cells"]]

    def texts(self, index: int = 0) -> str:
        """Return what a cell printed, as the notebook holds it."""
        return "".join(line for output in self.document["cells"][index]["outputs"] for line in output.get("text", ()))


@dataclass
class Running:
    """An execution that the test itself follows."""

    execution: NotebookExecution
    output: Path
    log: Path
    saves: list[str] = field(default_factory=list)

    def document(self) -> dict:
        """Return the executed notebook as it is now."""
        while not self.output.exists():
            self.execution.next(0.1)
        return json.loads(self.output.read_text())

    def finish(self, listen: Callable[[Event], None] | None = None) -> Done:
        """Follow it to its end."""
        events = []
        while self.execution.outcome is None:
            event = self.execution.next(1.0)
            if event is not None:
                events.append(event)
                if listen is not None:
                    listen(event)
        document = self.document()
        nbformat.validate(nbformat.from_dict(document))
        return Done(self.execution.outcome, document, events, self.log.read_text(), len(self.saves))


@pytest.fixture
def begin(tmp_path, mark, nobody_left):
    """Return a function that starts the execution of a notebook with these cells; at the end of the test no process is left."""
    begun: list[Running] = []
    with Guard() as guard:

        def start(
            *sources: str,
            values: dict | None = None,
            kernel: Kernel | None = None,
            redactor: Redactor | None = None,
            tags: dict[int, list[str]] | None = None,
            **options: object,
        ) -> Running:
            folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            cells = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
            for index, names in (tags or {}).items():
                cells[index].metadata["tags"] = names
            source = folder / "nb.ipynb"
            source.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))
            own = folder / uuid.uuid4().hex  # as a run's folder: where the sockets lie is named after it
            own.mkdir()
            chosen = kernel or named_kernel("python3", "nb.ipynb")
            servers = options.pop("servers", None)
            task = NotebookTask(
                source,
                own / "nb.ipynb",
                values=values or {},
                secrets=options.pop("secrets", {}),
                kernel=chosen,
                cwd=options.pop("cwd", folder),
                environment={name: value for name, value in {**os.environ, **options.pop("environment", {})}.items() if value is not None},
                **options,
            )
            known = redactor or Redactor()
            log = own / "output.log"
            execution = NotebookExecution(
                task, log=log, mask=known.stream(), text_mask=known.text, guard=guard, started=lambda _group: None, servers=servers
            )
            running = Running(execution, task.output, log)
            save = execution._save
            execution._save = lambda text: (running.saves.append(text), save(text))[1]
            begun.append(running)
            execution.start()
            return running

        yield start
        for running in begun:
            running.execution.cancel()
            shutil.rmtree(sockets_folder(running.log.parent), ignore_errors=True)
        nobody_left()


@pytest.fixture
def execute(begin):
    """Return a function that executes a notebook with these cells to its end."""

    def run(*sources: str, listen: Callable[[Event], None] | None = None, **options: object) -> Done:
        return begin(*sources, **options).finish(listen)

    return run

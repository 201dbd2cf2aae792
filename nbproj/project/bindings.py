"""Which names a cell binds and which it reads: enough to say that a value would be lost, never a guess (contract, sections 8 and 9)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from nbproj.project.python_source import python_of

__all__ = ["Bindings", "read_bindings"]

SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# They reach names that no syntax shows.
REFLECTING: Final = frozenset({"eval", "exec", "get_ipython", "globals", "locals", "setattr", "vars"})

# Magics that bind and read no names but those on their line.
HARMLESS: Final = frozenset(
    {"autoreload", "capture", "cd", "conda", "config", "env", "load_ext", "matplotlib", "mlproject", "mlruns", "pip", "reload_ext", "time", "timeit"},
)


@dataclass(frozen=True, slots=True)
class Bindings:
    """What a cell does to the names of its notebook.

    Parameters
    ----------
    binds : frozenset of str
        Names that it may bind, in whatever way.
    assigned : frozenset of str
        Names that a plain assignment of the cell's own level binds: what a parameters cell declares.
    reads : mapping of str to int
        Names that it reads from the notebook, and the first line that does; a read behind the cell's own assignment counts no more.
    deferred : frozenset of str
        Names that functions of the cell read: whenever they are called.
    opaque : bool
        Whether it could read or bind any name: magics, `exec`, `import *`, source that is not Python.
    first : mapping of str to int
        Names that the cell surely assigns before it reads them, and the line.
    """

    binds: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()
    reads: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    deferred: frozenset[str] = frozenset()
    opaque: bool = False
    first: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def overwrites(self, name: str) -> int | None:
        """Return the line in which the cell assigns a name before anything of it could have read it, or None."""
        return None if self.opaque else self.first.get(name)


def read_bindings(source: str) -> Bindings:
    r"""Return what a cell does to the names of its notebook. Nothing is executed.

    Parameters
    ----------
    source : str
        The cell, without its declaration lines.

    Examples
    --------
    >>> found = read_bindings("print(alpha)\nalpha = 1\nbeta = 2")
    >>> sorted(found.assigned), dict(found.reads), found.overwrites("alpha"), found.overwrites("beta")
    (['alpha', 'beta'], {'print': 1, 'alpha': 1}, None, 3)
    """
    try:
        python, tree = python_of(source)
        steps = [_Step(node) for node in tree.body]
    except (SyntaxError, RecursionError):
        return Bindings(opaque=True)
    binds: set[str] = set()
    assigned: set[str] = set()
    surely: set[str] = set()
    deferred: set[str] = set()
    reads: dict[str, int] = {}
    first: dict[str, int] = {}
    words, opaque = _of_special_lines(source, python)
    reads.update(words)
    binds.update(words)
    for step in steps:
        for name, line in step.reads.items():
            if name not in surely:
                reads.setdefault(name, line)
        deferred |= step.deferred
        opaque = opaque or step.opaque
        for name in step.surely:
            if name not in reads and name not in binds and name not in deferred and not opaque:
                first.setdefault(name, step.line)
        surely |= step.surely
        assigned |= step.assigned
        binds |= step.binds
    return Bindings(frozenset(binds), frozenset(assigned), MappingProxyType(reads), frozenset(deferred), opaque, MappingProxyType(first))


def _of_special_lines(source: str, python: str) -> tuple[dict[str, int], bool]:
    """Return the names in the lines of IPython's own syntax, which may read or bind them, and whether such a line could do more than it shows."""
    words: dict[str, int] = {}
    opaque = False
    if python == source:
        return words, opaque
    for number, (line, other) in enumerate(zip(source.split("\n"), python.split("\n"), strict=True), start=1):
        if line == other:
            continue
        for word in re.findall(r"[^\W\d]\w*", line):
            words.setdefault(word, number)
        magic = re.search(r"%%?(\w+)", line)
        opaque = opaque or (magic is not None and magic[1] not in HARMLESS)
    return words, opaque


class _Step:
    """What one statement of a cell's own level does."""

    def __init__(self, node: ast.stmt) -> None:
        self.line = node.lineno
        self.binds: set[str] = set()
        self.reads: dict[str, int] = {}
        self.deferred: set[str] = set()
        self.opaque = False
        self.assigned = _targets(node)
        for inner, scope in _walk(node):
            self._look(inner, scope)
        self.binds |= self.assigned
        # `import x`, `def x` and `class x` surely bind, too.
        surely = set(self.assigned)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            surely.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            surely |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        self.surely = surely

    def _look(self, node: ast.AST, scope: frozenset[str] | None) -> None:
        if isinstance(node, ast.Name):
            self._name(node, scope)
        elif isinstance(node, ast.Global):
            self.binds.update(node.names)
        elif scope is None and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.binds.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
            self.opaque = self.opaque or "*" in names
            if scope is None:
                self.binds |= names
        elif scope is None and isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            self.binds.add(node.name)

    def _name(self, node: ast.Name, scope: frozenset[str] | None) -> None:
        if node.id in REFLECTING and isinstance(node.ctx, ast.Load):
            self.opaque = True
        if scope is not None and node.id in scope:
            return
        if isinstance(node.ctx, ast.Load):
            self.reads.setdefault(node.id, node.lineno)
            if scope is not None:
                self.deferred.add(node.id)
        elif scope is None:
            self.binds.add(node.id)
            if isinstance(node.ctx, ast.Del):
                self.reads.setdefault(node.id, node.lineno)


def _targets(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.AnnAssign):
        return {node.target.id} if isinstance(node.target, ast.Name) else set()
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()


def _walk(top: ast.AST) -> Iterator[tuple[ast.AST, frozenset[str] | None]]:
    """Give every node of a statement with the names that are local where it stands; None at the cell's own level."""
    waiting: list[tuple[ast.AST, frozenset[str] | None]] = [(top, None)]
    while waiting:
        node, scope = waiting.pop()
        yield node, scope
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            waiting.append((ast.Name(node.target.id, ast.Load(), lineno=node.lineno, col_offset=0), scope))
        inner = scope
        if isinstance(node, FUNCTIONS):
            inner = (scope or frozenset()) | _locals(node)
        elif isinstance(node, COMPREHENSIONS):
            inner_names = {name.id for generator in node.generators for name in ast.walk(generator.target) if isinstance(name, ast.Name)}
            inner = scope | inner_names if scope is not None else frozenset(inner_names)
        outside: list[ast.AST] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            outside = [*node.decorator_list, *node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)]
        children = [child for child in ast.iter_child_nodes(node) if child not in outside]
        waiting += [(child, inner) for child in reversed(children)]
        waiting += [(child, scope) for child in reversed(outside)]


def _locals(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    arguments = function.args
    names = {argument.arg for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
    names |= {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None}
    given_away: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            given_away.update(node.names)
    return frozenset(names - given_away)

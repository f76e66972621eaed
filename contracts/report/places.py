"""Where a promise stands in the project: the code of its clause, or its line in the document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from ..model import Contract, Finding, Request

ROOT = Path(__file__).resolve().parents[2]
"""What paths are relative to: the folder that the package is in, where all of the project is."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file of the project."""

    path: str
    line: int


class Places:
    """The places of one contract's promises; its document is read when it is first asked for."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def of(self, finding: Finding) -> Place:
        """Return where the promise stands; what a schema says stands in the document."""
        clause = finding.clause
        path, _, line = clause.where.rpartition(":")
        of_schema = clause.id.startswith(f"{self._contract.name}.schema.")
        if path and not of_schema:
            return Place(_relative(Path(path)), int(line))
        exchanges = finding.failure.exchanges if finding.failure else ()
        asked = exchanges[-1].request if exchanges else None
        return Place(_relative(self._contract.document), self._document.line(asked))

    @cached_property
    def _document(self) -> _Lines:
        return _Lines(self._contract.document)


class _Lines:
    """At which lines of an OpenAPI document its operations and paths begin."""

    def __init__(self, document: Path) -> None:
        self._operations: dict[str, int] = {}
        self._paths: dict[str, int] = {}
        self._top = 1
        text = document.read_text("utf-8") if document.is_file() else ""
        for key, paths in _pairs(yaml.compose(text, _LOADER)):
            if key.value == "paths":
                self._top = _line(key)
                for path, item in _pairs(paths):
                    self._paths[path.value] = _line(path)
                    self._read(item)

    def _read(self, item: yaml.Node) -> None:
        for method, definition in _pairs(item):
            if method.value in _METHODS:
                named = {key.value: value.value for key, value in _pairs(definition)}
                self._operations[str(named.get("operationId"))] = _line(method)

    def line(self, asked: Request | None) -> int:
        """Return the line of the operation that was asked for, else of its path, else of all."""
        if asked is None:
            return self._top
        if asked.operation in self._operations:
            return self._operations[asked.operation]
        target = asked.target.partition("?")[0]
        for path, line in self._paths.items():
            pieces = map(re.escape, re.split(r"{[^}]+}", path))
            if re.fullmatch("[^/]+".join(pieces), target):
                return line
        return self._top


def _pairs(node: yaml.Node | None) -> list[tuple[Any, Any]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _relative(path: Path) -> str:
    """Return a path without the machine's part of it."""
    whole = path.resolve()
    return whole.relative_to(ROOT).as_posix() if whole.is_relative_to(ROOT) else whole.name

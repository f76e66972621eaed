"""A look through a whole document: what is of the wrong type, and what a mock leaves alone."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .grammar import FORMATS, GRAMMAR, OPEN, TYPES
from .loading import DocumentError
from .references import Files, Node

Shape = str
"""What GRAMMAR says of a member."""


@dataclass(slots=True)
class Survey:
    """What was found: where each thing that is left alone stands, and names that hide secrets."""

    left: dict[str, list[str]] = field(default_factory=dict)
    passwords: set[str] = field(default_factory=set)

    def lines(self) -> list[str]:
        """Return a line for each thing that is left alone: how often, and where first."""
        return [
            f"{what}: {places[0]}" + (f" and {len(places) - 1} more" if len(places) > 1 else "")
            for what, places in self.left.items()
        ]

    def leave(self, what: str, where: str) -> None:
        """Note something that is left alone, and where."""
        self.left.setdefault(what, []).append(where)


def survey(files: Files) -> Survey:
    """Look through a document and the files that it refers to; raises DocumentError."""
    found = Survey()
    _Surveyor(files, found).look(files.root, "document")
    return found


class _Surveyor:
    def __init__(self, files: Files, found: Survey) -> None:
        self._files = files
        self._found = found
        self._new = not str(files.root.value.get("openapi", "")).startswith("3.0")
        self._seen: set[tuple[int, str]] = set()
        self._ahead: list[tuple[Node, Shape]] = []

    def look(self, node: Node, shape: Shape) -> None:
        """Look through a value that should be of this shape, and all below it."""
        self._ahead.append((node, shape))
        while self._ahead:
            self._look(*self._ahead.pop())

    def _look(self, node: Node, shape: Shape) -> None:
        if (check := _CHECKS.get(shape)) is not None:
            if not check(node.value):
                raise self._wrong(node, _WORDS[shape])
        elif isinstance(node.value, dict | list):
            # An alias, or what two references name, is looked through once.
            if (id(node.value), shape) not in self._seen:
                self._seen.add((id(node.value), shape))
                self._inside(node, shape)
        elif shape == "schema" and (node.value is None or isinstance(node.value, bool)):
            if node.value is None:
                self._found.leave("a schema that is null, and lets all through", self._place(node))
        elif shape != "any":
            raise self._wrong(node, f"should be {_kind(shape)}")

    def _inside(self, node: Node, shape: Shape) -> None:
        if shape[0] in "[{":
            self._ahead.extend((child, shape[1:-1]) for child in self._members(node, shape))
        elif shape == "any":
            return
        elif not isinstance(node.value, dict):
            raise self._wrong(node, f"should be {_kind(shape)}")
        elif shape == "paths":
            self._ahead.extend(self._paths(node))
        elif shape not in OPEN:
            self._object(node, shape)

    def _members(self, node: Node, shape: Shape) -> Iterator[Node]:
        if not isinstance(node.value, list if shape[0] == "[" else dict):
            raise self._wrong(node, f"should be {_kind(shape)}")
        keys = range(len(node.value)) if isinstance(node.value, list) else node.value
        for key in keys:
            if shape != "{response}" or not str(key).startswith("x-"):
                yield node.child(key)

    def _paths(self, node: Node) -> Iterator[tuple[Node, Shape]]:
        for path in node.value:
            if path.startswith("/"):
                yield node.child(path), "path item"
            elif not path.startswith("x-"):
                raise self._wrong(node.child(path), "a path begins with /")

    def _object(self, node: Node, kind: str) -> None:
        grammar = GRAMMAR[kind]
        if isinstance(node.value.get("$ref"), str) and "$ref" in grammar:
            self._ahead.append((self._files.target(node), kind))
        if kind == "schema":
            self._note(node)
        for name in node.value:
            shape = grammar.get(name)
            if shape is None:
                self._unknown(node, name, grammar, kind)
            elif shape == "left":
                if node.value[name]:
                    self._found.leave(name, self._files.where(node.child(name)))
            elif shape != "any":
                self._ahead.append((node.child(name), shape))

    def _unknown(self, node: Node, name: str, grammar: Mapping[str, Shape], kind: str) -> None:
        if name.startswith("x-"):
            return
        near = difflib.get_close_matches(name, grammar, n=1, cutoff=0.8)
        hint = f", did you mean {near[0]}?" if near else ""
        what = f"{name} (unknown in {'an' if kind[0] in 'aeio' else 'a'} {kind}{hint})"
        self._found.leave(what, self._files.where(node.child(name)))

    def _note(self, node: Node) -> None:
        """Note formats that are not known, and members whose values nobody should see."""
        for name, schema in _dicts(node.value.get("properties")):
            if schema.get("format") == "password":
                self._found.passwords.add(name)
        if "nullable" in node.value and self._new:
            what = 'nullable (OpenAPI 3.1 has it not: say type: [..., "null"])'
            self._found.leave(what, self._files.where(node.child("nullable")))
        named = node.value.get("format")
        if isinstance(named, str) and named not in FORMATS:
            self._found.leave(f"format {named}", self._files.where(node.child("format")))

    def _place(self, node: Node) -> str:
        return self._files.where(node)

    def _wrong(self, node: Node, what: str) -> DocumentError:
        return DocumentError(f"{self._files.where(node)}: {what}, not {_shown(node.value)}")


def _kind(shape: Shape) -> str:
    plain = {"[": "a list", "{": "an object"}
    return plain.get(shape[0], "an object" if shape == "paths" else f"an object ({shape})")


def _dicts(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in value.items() if isinstance(value, dict) else ():
        if isinstance(one, dict):
            yield name, one


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return "null" if value is None else text if len(text) <= 40 else f"{text[:40]}…"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and int(value) == value


def _is_type(value: Any) -> bool:
    types = value if isinstance(value, list) else [value]
    return bool(types) and all(isinstance(one, str) and one in TYPES for one in types)


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "number": _is_number,
    "bound": lambda value: isinstance(value, bool) or _is_number(value),
    "count": _is_count,
    "list": lambda value: isinstance(value, list),
    "names": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    "type": _is_type,
}

_WORDS: Mapping[str, str] = {
    "text": "should be a text",
    "flag": "should be true or false",
    "number": "should be a number",
    "bound": "should be a number, or true or false",
    "count": "should be a whole number from 0 up",
    "list": "should be a list",
    "names": "should be a list of texts",
    "type": f"should be one of {', '.join(sorted(TYPES))}",
}

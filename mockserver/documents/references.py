"""What a `$ref` names: in the document, or in a file of its folder."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from .loading import DocumentError, load

MOST_STEPS = 50
"""References that one may follow until something stands there."""

MOST_FILES = 200


class Node(NamedTuple):
    """A value of a document, in which file it stands, and where in it (a JSON Pointer)."""

    value: Any
    file: Path
    pointer: str

    def child(self, key: str | int) -> Node:
        """Return what is below a key, which has to be there."""
        step = str(key).replace("~", "~0").replace("/", "~1")
        return Node(self.value[key], self.file, f"{self.pointer}/{step}")

    def get(self, key: str) -> Node | None:
        """Return what is below a key of an object, None where there is nothing."""
        return self.child(key) if isinstance(self.value, dict) and key in self.value else None


class Files:
    """The files of one document: the first, and those that it refers to, in its own folder."""

    def __init__(self, path: Path) -> None:
        self._first = path.resolve()
        self._read: dict[Path, Any] = {self._first: load(path)}

    @property
    def root(self) -> Node:
        """The whole document."""
        return Node(self._read[self._first], self._first, "#")

    def where(self, node: Node) -> str:
        """Return where something stands, for people."""
        inside = unquote(node.pointer).replace("~1", "/").replace("~0", "~")
        if node.file == self._first:
            return inside
        return f"{node.file.relative_to(self._first.parent)}{inside}"

    def follow(self, node: Node) -> Node:
        """Return what stands there in the end, whatever the references on the way.

        Raises DocumentError for one that names nothing, goes in a circle, or leaves the folder.
        """
        at = node
        for _ in range(MOST_STEPS):
            if not isinstance(at.value, dict) or not isinstance(at.value.get("$ref"), str):
                return at
            at = self.target(at)
        raise DocumentError(f"{self.where(node)}: $ref goes round in a circle")

    def target(self, node: Node) -> Node:
        """Return what the `$ref` of a node names, by one step; raises DocumentError."""
        reference = node.value["$ref"]
        where = self.where(node)
        try:
            parts = urlsplit(reference)
        except ValueError as error:
            raise DocumentError(f"{where}: $ref {reference!r} is no reference") from error
        if parts.scheme or parts.netloc:
            raise DocumentError(
                f"{where}: $ref {reference!r} is elsewhere, and nothing is fetched; "
                "put a copy beside the document, and refer to that"
            )
        file = self._file(node.file, unquote(parts.path), where) if parts.path else node.file
        fragment = unquote(parts.fragment)
        if fragment and not fragment.startswith("/"):
            raise DocumentError(
                f"{where}: $ref {reference!r} names an anchor, which is not understood; "
                "write a path, like #/components/schemas/Name"
            )
        return self._pointed(file, fragment, f"{where}: $ref {reference!r}")

    def _file(self, beside: Path, name: str, where: str) -> Path:
        file = (beside.parent / name).resolve()
        if not file.is_relative_to(self._first.parent):
            raise DocumentError(f"{where}: $ref {name!r} is outside of the document's folder")
        if file not in self._read:
            if len(self._read) >= MOST_FILES:
                raise DocumentError(f"{where}: $ref {name!r} is one file more than {MOST_FILES}")
            self._read[file] = load(file)
        return file

    def _pointed(self, file: Path, fragment: str, who: str) -> Node:
        at = Node(self._read[file], file, "#")
        for step in fragment.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(at.value, dict) and key in at.value:
                at = at.child(key)
            elif isinstance(at.value, list) and key.isdecimal() and int(key) < len(at.value):
                at = at.child(int(key))
            else:
                known = list(at.value) if isinstance(at.value, dict) else []
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise DocumentError(f"{who} names nothing: there is no {key!r}{hint}")
        return at

"""A document as it stands in a file: YAML or JSON, and never more than can be looked through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import yaml

from ..faults import Impossible

SUFFIXES = (".yaml", ".yml", ".json")
"""By how its file's name ends a document is told from an API's name."""

MOST_BYTES = 64 * 1024 * 1024
MOST_VALUES = 5_000_000
MOST_DEPTH = 120
"""What a document may be: bytes of a file, values with every alias written out, levels."""


class DocumentError(Impossible):
    """A document cannot be served; says what is wrong, and where in it."""


class _Plain(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as JSON means it: a day is a text, `no` is a text, and so is 12:30."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_MEANINGS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?",
     "-+.0123456789"),
    ("merge", r"<<", "<"),
)  # fmt: skip

for _tag, _text_of, _first in _MEANINGS:
    _Plain.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(rf"^(?:{_text_of})$"),
        [*_first, ""] if _tag == "null" else list(_first),
    )


def load(path: Path) -> Any:
    """Return what a file says as JSON values whose keys are texts; raises DocumentError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DocumentError(f"{path}: larger than {MOST_BYTES // 2**20} MiB")
        text = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    value = _parsed(path, text)
    _Measure(path).of(value, 0)
    return value


def _parsed(path: Path, text: bytes) -> Any:
    json_error: ValueError | None = None
    if path.suffix == ".json" or text.lstrip()[:1] in (b"{", b"["):
        try:
            return orjson.loads(text.removeprefix(b"\xef\xbb\xbf"))
        except ValueError as error:
            json_error = error
    if json_error is not None and path.suffix == ".json":
        raise DocumentError(f"{path}: not JSON: {json_error}") from json_error
    try:
        return yaml.load(_shallow(path, text.decode("utf-8-sig")), _Plain)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(f"{path}: not YAML: {_short(error)}") from error


def _shallow(path: Path, text: str) -> str:
    """Return a text that is not nested without end: the parser's own stack would be at its end."""
    depth = 0
    deep = _INDICATORS.search(text) is not None
    if text.count("[") + text.count("{") > MOST_OPEN:
        for bracket in _BRACKETS.findall(text):
            # Brackets may stand in texts as well, without their partners.
            depth = depth + 1 if bracket in "[{" else max(0, depth - 1)
            deep = deep or depth > MOST_OPEN
    if deep:
        raise DocumentError(f"{path}: nested deeper than {MOST_DEPTH} levels")
    return text


MOST_OPEN = 4000
"""Brackets that are open at a time; at some 15,000 the parser ends the whole process."""

_BRACKETS = re.compile(r"[\[\]{}]")
_INDICATORS = re.compile(r"(?:[-?:][ \t]+){1000}")


def _short(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    said = str(getattr(error, "problem", None) or error).splitlines() or ["it cannot be read"]
    return f"line {mark.line + 1}: {said[0]}" if mark is not None else said[0]


class _Measure:
    """Looks through a value once, makes texts of its keys, and knows how much it is in full."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[int, tuple[int, int]] = {}

    def of(self, value: Any, depth: int) -> tuple[int, int]:
        """Return how many values there are, and how many levels; raises DocumentError."""
        if not isinstance(value, dict | list):
            if value is not None and not isinstance(value, str | int | float):
                raise DocumentError(f"{self._path}: {type(value).__name__} is no value of JSON")
            return 1, 0
        known = self._known.get(id(value))
        if known is None:
            if depth > MOST_DEPTH:
                raise DocumentError(f"{self._path}: nested deeper than {MOST_DEPTH} levels")
            self._known[id(value)] = (0, MOST_DEPTH + 1)  # while it is looked through
            if isinstance(value, dict):
                _name(value)
            known = self._sum(_children(value), depth)
            self._known[id(value)] = known
        if depth + known[1] > MOST_DEPTH:
            raise DocumentError(f"{self._path}: nested deeper than {MOST_DEPTH} levels")
        return known

    def _sum(self, children: Iterator[Any], depth: int) -> tuple[int, int]:
        count, levels = 1, 1
        for child in children:
            more, below = self.of(child, depth + 1)
            count, levels = count + more, max(levels, below + 1)
        if count > MOST_VALUES:
            raise DocumentError(f"{self._path}: more than {MOST_VALUES:,} values, aliases in full")
        return count, levels


def _name(value: dict[Any, Any]) -> None:
    """Make texts of keys that are numbers, as the status codes of YAML are."""
    if all(type(key) is str for key in value):
        return
    items = [(key if isinstance(key, str) else _text(key), one) for key, one in value.items()]
    value.clear()
    value.update(items)


def _text(key: object) -> str:
    return str(orjson.dumps(key), "ascii") if key is None or isinstance(key, bool) else str(key)


def _children(value: dict[str, Any] | list[Any]) -> Iterator[Any]:
    return iter(value.values() if isinstance(value, dict) else value)

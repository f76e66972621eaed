"""The values within a request, and where in its raw text each of them stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from .recipes import Step

JSON_WAYS: tuple[Step, ...] = (("json",), ("json_utf8",))
URL_WAYS: tuple[Step, ...] = (("url",), ("form",))
"""How a value may be written there; as it is comes after all of these."""

_JSON = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?', re.DOTALL)
_COLON = re.compile(r"\s*:")
_INTEGER = re.compile(r"-?\d{1,40}")


@dataclass(frozen=True, slots=True)
class Token:
    """A value between two places of a text, and the name of its parameter or member, if any."""

    begin: int
    end: int
    value: str | int
    name: str
    ways: tuple[Step, ...]


def in_target(target: str) -> Iterator[Token]:
    """Yield the segments of a path, and the values of a query string."""
    path = target.partition("?")[0]
    for segment in re.finditer(r"[^/]+", path):
        yield Token(*segment.span(), _unquoted(segment[0]), "", URL_WAYS)
    yield from _pairs(target, len(path) + 1)


def in_body(body: str, kind: str) -> Iterator[Token]:
    """Yield the values of a form, or of what may be JSON; of anything else none."""
    if kind.lower().startswith("application/x-www-form-urlencoded"):
        yield from _pairs(body, 0)
    elif body.lstrip()[:1] in ("{", "["):
        yield from _members(body)


def _pairs(text: str, begin: int) -> Iterator[Token]:
    for pair in re.compile(r"([^&=]*)=([^&]*)").finditer(text, begin):
        value = unquote_plus(pair[2], errors="replace")
        yield Token(*pair.span(2), value, unquote_plus(pair[1], errors="replace"), URL_WAYS)


def _unquoted(text: str) -> str:
    return unquote(text, errors="replace")


def _members(text: str) -> Iterator[Token]:
    name, after_name = "", -1
    for found in _JSON.finditer(text):
        colon = _COLON.match(text, found.end())
        value = _value(found[0])
        if colon and isinstance(value, str):
            name, after_name = value, colon.end()
        elif value is not None:
            alone = text[after_name : found.start()].strip() if after_name >= 0 else "-"
            yield Token(*found.span(), value, "" if alone else name, JSON_WAYS)


def _value(token: str) -> str | int | None:
    if not token.startswith('"'):
        return int(token) if _INTEGER.fullmatch(token) else None
    try:
        found = json.loads(token, strict=False)
    except ValueError:
        return None
    return found if isinstance(found, str) else None

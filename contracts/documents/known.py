"""Which values exist: those that the user gave, and those that this run's own answers showed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ..model import Exchange
from ..schemas import Json
from .outline import Listed

IDS = ("id", "uid", "uuid", "_id", "key", "slug", "code", "name")
MOST_LISTED = 5
FITTING = re.compile(r"[A-Za-z0-9_.:@~+=-]{1,200}")
"""What is surely one segment of a path."""


class Known:
    """Values of path parameters, by the path that they stand below: `/pets` has 7 and 8.

    What was made in this run may be changed and deleted; what was only seen in a list is
    somebody's, and is read and nothing else.
    """

    def __init__(self, given: Mapping[str, str], operations: Sequence[Listed]) -> None:
        self._given = given
        self._made: dict[str, list[str]] = {}
        self._seen: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        for one in operations:
            pieces = one.path.split("/")
            for place, piece in enumerate(pieces):
                if re.fullmatch(r"{[^{}]+}", piece):
                    self._names.setdefault("/".join(pieces[:place]), piece[1:-1])

    def learn(self, listed: Listed, exchange: Exchange) -> None:
        """Take from an accepted answer what it says there is."""
        name = self._names.get(listed.path.rstrip("/"))
        if name is None or listed.method not in ("GET", "POST"):
            return
        path = exchange.request.target.partition("?")[0].rstrip("/")
        if listed.method == "POST":
            found = [*_located(exchange, path), *_identified(_body(exchange), name)]
            store = self._made.setdefault(path, [])
        else:
            rows = _rows(_body(exchange))[:MOST_LISTED]
            found = [one for row in rows for one in _own(row, name)]
            store = self._seen.setdefault(path, [])
        fresh = next((one for one in found), None) if listed.method == "POST" else None
        for value in [fresh] if fresh else (found if listed.method == "GET" else []):
            if value not in store and FITTING.fullmatch(value):
                store.append(value)

    def values(self, listed: Listed, plain: Mapping[str, str], free: set[str]) -> dict[str, str]:
        """Return a value for each parameter of a path, of things that there are if any are known.

        Raises Missing where one is to be changed and none was made or given; `free` are those
        whose plain value is nobody's thing: one of a listed few.
        """
        chosen: dict[str, str] = {}
        pieces = listed.path.split("/")
        for place, piece in enumerate(pieces):
            for name in re.findall(r"{([^{}]+)}", piece):
                whole = piece == f"{{{name}}}"
                below = _filled(pieces[:place], chosen) if whole else ""
                chosen[name] = self._value(listed, name, below, plain.get(name, ""), free)
        return chosen

    def _value(self, listed: Listed, name: str, below: str, plain: str, free: set[str]) -> str:
        path = listed.path.rstrip("/")
        last = path.endswith(f"{{{name}}}")
        # What is deleted is the last thing that the path names, or all that is below it.
        deleted = listed.method == "DELETE" and (last or not path.endswith("}"))
        own = self._given.get(f"{listed.id}.{name}")
        common = None if deleted else self._given.get(name)
        if own is not None or common is not None:
            return own if own is not None else str(common)
        made = self._made.get(below, []) if below else []
        if made:
            return made.pop() if deleted and last else made[-1]
        if deleted and name not in free:
            raise Missing(name)
        seen = self._seen.get(below, []) if below else []
        if listed.safe and seen:
            return seen[0]
        if listed.safe or name in free:
            return plain
        raise Missing(name)

    def lacks(self, listed: Listed) -> Iterator[str]:
        """Yield the paths, as the document has them, below which a value is wanted and unknown."""
        pieces = listed.path.split("/")
        for place, piece in enumerate(pieces):
            name = piece[1:-1]
            names = {f"{listed.id}.{name}"} | ({name} if listed.method != "DELETE" else set())
            given = names & self._given.keys()
            if re.fullmatch(r"{[^{}]+}", piece) and not given:
                yield "/".join(pieces[:place])


class Missing(Exception):
    """A thing would have to be changed that this run did not make; the message is its parameter."""


def _filled(pieces: Sequence[str], chosen: Mapping[str, str]) -> str:
    path = "/".join(pieces)
    for name, value in chosen.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def _body(exchange: Exchange) -> Json:
    try:
        return json.loads(exchange.body)
    except (ValueError, RecursionError):
        return None


def _located(exchange: Exchange, path: str) -> Iterator[str]:
    """Yield what a new thing is called in the path to it."""
    location = exchange.response.header("location") if exchange.response else None
    try:
        where = urlsplit(location or "").path
    except ValueError:
        return
    before, _, last = where.rstrip("/").rpartition("/")
    if last and before.endswith(path):
        yield unquote(last)


def _identified(body: Json, name: str) -> Iterator[str]:
    """Yield the likeliest ids of a thing, be it the answer or a member of it."""
    if isinstance(body, dict):
        yield from _own(body, name)
        inner = [value for value in body.values() if isinstance(value, dict)]
        if len(inner) == 1:
            yield from _own(inner[0], name)


def _own(row: Any, name: str) -> list[str]:
    if not isinstance(row, dict):
        return []
    plain = {key.lower().replace("_", "").replace("-", ""): key for key in reversed(row)}
    wanted = name.lower().replace("_", "").replace("-", "")
    names = [plain[wanted]] if wanted in plain else []
    for key in [*names, *IDS]:
        value = row.get(key)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return [str(value)]
    return []


def _rows(body: Json) -> list[Any]:
    if isinstance(body, list):
        return body
    if isinstance(body, dict):
        lists = [value for value in body.values() if isinstance(value, list)]
        objects = [rows for rows in lists if rows and isinstance(rows[0], dict)]
        if len(objects) == 1:
            return objects[0]
        inner = [value for value in body.values() if isinstance(value, dict)]
        if not objects and len(inner) == 1:
            return _rows(inner[0])
    return []

"""/_counterfoil/journal: what was asked, looked for, waited for, and taken away."""

from __future__ import annotations

import json
import time
from dataclasses import fields
from typing import Any

import orjson
from flask import Blueprint, Response, jsonify, request

from .har import as_har
from .journal import Entry, Filter, Journal
from .model import PACES

MOST_WAIT = 600.0
"""Seconds that a question may be kept waiting for its entries."""

PAUSE = 0.02
"""Seconds between two looks at the journal, for whoever waits for an entry."""

AGAIN = "mockserver.again"
"""Where a view says to ask it again, and in how many seconds: it must not block the loop."""

_BEGAN = "mockserver.began"
_SEEN = "mockserver.seen"
_NUMBERS = ("since", "status")
_WAITS = ("wait", "timeout", "limit")


class BadQuestion(Exception):
    """A query string asks for nothing that a journal has; says what it may ask for."""


def add_journal(pages: Blueprint, journal: Journal) -> None:
    """Add the pages that read, wait for, export and clear the journal."""

    @pages.errorhandler(BadQuestion)
    def refuse(problem: BadQuestion) -> tuple[Response, int]:
        return jsonify(error=str(problem)), 400

    @pages.get("/journal")
    def read_journal() -> Response | tuple[Response, int]:
        """Answer with the entries that were asked for, once there are as many as waited for."""
        wanted, waits = asked_for(*_WAITS)
        least = int(waits.get("wait", 0))
        while pause := _pause(journal, wanted, least, waits.get("timeout", 10.0)):
            if request.environ.get(PACES):
                request.environ[AGAIN] = pause
                return jsonify(entries=[])
            time.sleep(pause)
        found = _looked_for(journal, wanted)
        limit = int(waits.get("limit", len(found)))
        shown = found[len(found) - min(limit, len(found)) :]
        if len(found) >= least:
            return as_json({"entries": shown, "last": journal.written})
        said = f"{least} entries were waited for, and {len(found)} came"
        return as_json({"error": said, "entries": shown, "last": journal.written}), 408

    @pages.get("/journal/<int:number>")
    def read_entry(number: int) -> Response | tuple[Response, int]:
        entry = journal.find(number)
        if entry is None:
            return jsonify(error=f"the journal does not keep exchange {number}"), 404
        return as_json(entry)

    @pages.get("/journal.har")
    def export() -> Response:
        wanted, _ = asked_for(*_WAITS)
        answer = as_json(as_har(_looked_for(journal, wanted), request.host_url.rstrip("/")))
        answer.headers["Content-Disposition"] = "attachment; filename=journal.har"
        return answer

    @pages.delete("/journal")
    def clear_journal() -> Response:
        journal.clear()
        return jsonify(entries=[], last=journal.written)


def _looked_for(journal: Journal, wanted: Filter) -> list[Entry]:
    """Return the entries that are asked for; those before `since` are not looked at."""
    return [entry for entry in journal.after(wanted.since, journal.most) if wanted(entry)]


def _pause(journal: Journal, wanted: Filter, least: int, timeout: float) -> float:
    """Return the seconds after which to look again, 0 where nothing more is waited for."""
    left = _left(timeout) if least else 0.0
    if left <= 0:
        return 0.0
    written = journal.written
    if written != request.environ.get(_SEEN):  # else there is nothing that was not looked at
        request.environ[_SEEN] = written
        if len(_looked_for(journal, wanted)) >= least:
            return 0.0
    return min(PAUSE, left)


def as_json(value: object) -> Response:
    """Return a value, entries of a journal in it as they are, as a response.

    A journal that is full has megabytes, and nobody else is served while they are written.
    """
    try:
        text = orjson.dumps(value, default=Entry._asdict)
    except orjson.JSONEncodeError:  # half a character, which JSON can say and UTF-8 cannot
        text = json.dumps(_plain(value)).encode("ascii")
    return Response(text + b"\n", content_type="application/json")


def _plain(value: object) -> object:
    """Return the same with entries as objects; to the standard library's JSON they are lists."""
    if isinstance(value, Entry):
        return value._asdict()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def asked_for(*numbers: str) -> tuple[Filter, dict[str, float]]:
    """Return which entries the query string asks for, and what it says of these further numbers.

    Raises BadQuestion.
    """
    known = [one.name for one in fields(Filter)]
    asked: dict[str, Any] = {}
    waits: dict[str, float] = {}
    for name, value in request.args.items():
        if name in known:
            asked[name] = int(_number(name, value)) if name in _NUMBERS else value
        elif name in numbers:
            waits[name] = _number(name, value)
        else:
            names = ", ".join([*known, *numbers])
            raise BadQuestion(f"a journal is not asked for {name!r}, but by {names}")
    if waits.get("timeout", 0) > MOST_WAIT:
        raise BadQuestion(f"timeout is at most {MOST_WAIT:g} seconds")
    return Filter(**asked), waits


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9 or (name != "timeout" and number != int(number)):
        raise BadQuestion(f"{name} is a number from 0 up, not {value!r}")
    return number


def _left(seconds: float) -> float:
    """Return how much is left of the seconds that the request may wait."""
    now = time.monotonic()
    began: float = request.environ.setdefault(_BEGAN, now)
    return began + seconds - now

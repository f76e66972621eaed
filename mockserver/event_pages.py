"""/_counterfoil/events: the journal while it is written, as server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from flask import Blueprint, Response, request

from .journal import Entry, Filter, Journal
from .journal_pages import BadQuestion, asked_for
from .model import FEED, FEED_PAUSE, PACES

AT_ONCE = 500
"""Entries that are looked through before others are served again."""

SILENCE = 10.0
"""Seconds without an event after which a comment is sent, so that nobody takes it for dead."""

_SHOWN = ("number", "at", "api", "operation", "session", "caller", "method", "path", "status",
          "fixture", "faults", "chaos")  # fmt: skip


class Feed:
    """What is sent next to one who follows the journal.

    An event `entry` for each that is asked for: a line of the journal, of which
    /_counterfoil/journal/<number> says the rest. An event `state` after them: the numbers of the
    `first` that is kept and of the `last` that was looked at, asked for or not; whether it is the
    last there is; and which journal it is, for a mock that is started anew counts anew.
    """

    def __init__(self, journal: Journal, wanted: Filter, now: Callable[[], float]) -> None:
        self._journal = journal
        self._wanted = replace(wanted, since=0)
        self._seen = min(wanted.since, journal.written)
        self._told: tuple[int, int, bool] | None = None
        self._now = now
        self._spoke = now()

    def __call__(self) -> bytes:
        """Return the events since the last call, b"" where there are none."""
        begun = b"" if self._told else b"retry: 1000\n\n"
        new = self._journal.after(self._seen, AT_ONCE)
        if new:
            self._seen = new[-1].number
        events = [begun, *(_event(entry) for entry in new if self._wanted(entry))]
        state = self._journal.first, self._seen, self._seen >= self._journal.written
        if state != self._told:
            self._told = state
            events.append(_state(self._journal, *state))
        sent = b"".join(events)
        if not sent and self._now() - self._spoke >= SILENCE:
            sent = b":\n\n"
        if sent:
            self._spoke = self._now()
        return sent


def add_events(pages: Blueprint, journal: Journal) -> None:
    """Add the page that follows the journal."""

    @pages.get("/events")
    def follow() -> Response:
        feed = Feed(journal, _wanted(), time.monotonic)
        body: Iterator[bytes] = iter(())
        if request.environ.get(PACES):
            request.environ[FEED] = feed
        else:
            body = _passed_on(feed)
        return Response(
            body, content_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )


def _wanted() -> Filter:
    """Return which entries are asked for; a browser that comes again says which it had last."""
    wanted, _ = asked_for()
    last = request.headers.get("Last-Event-ID")
    if last is None:
        return wanted
    if not (last.isascii() and last.isdecimal() and len(last) < 16):
        raise BadQuestion(f"Last-Event-ID is the number of an entry, not {last!r}")
    return replace(wanted, since=int(last))


def _passed_on(feed: Feed) -> Iterator[bytes]:
    """Yield what the feed has, for servers that give each request a thread of its own."""
    while True:
        if sent := feed():
            yield sent
        else:
            time.sleep(FEED_PAUSE)


def _event(entry: Entry) -> bytes:
    line = {name: getattr(entry, name) for name in _SHOWN}
    line["remarks"] = len(entry.remarks)
    line["chunks"] = len(entry.chunks)
    return f"id: {entry.number}\nevent: entry\ndata: {json.dumps(line)}\n\n".encode()


def _state(journal: Journal, first: int, last: int, caught_up: bool) -> bytes:
    which = str(journal.began)
    data = json.dumps({"journal": which, "first": first, "last": last, "caught_up": caught_up})
    # Its id, too, so that who comes again is not asked to look again at what was not asked for.
    return f"id: {last}\nevent: state\ndata: {data}\n\n".encode()

"""Replies that are scripted while a mock runs: over the admin API, or in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from .faults import UnknownName, faults_of
from .model import Api
from .replies import Reply
from .reply_files import FixtureError, read_entry
from .store import Record, Store

MOST_SCRIPTED = 1000
"""Replies of one API that may be scripted at a time."""

_ALL = "all"


class Scripted:
    """What was scripted for one API; what is JSON is kept in the store, for every process.

    A predicate in Python is no JSON: it counts in this process alone.
    """

    def __init__(self, api: type[Api], store: Store) -> None:
        self._api = api
        self._store = store
        self.scope = (api.name, "scripted")
        self._here: list[Reply] = []
        self._read: tuple[Record | None, list[Reply]] = (None, [])

    def add(self, entry: object) -> str:
        """Script a reply as an entry of `replies.yaml` describes it; return its id.

        Raises FixtureError for an entry that describes none, and UnknownName for its faults.
        """
        described = {"basis": "authored", **entry} if isinstance(entry, dict) else entry
        self._checked(described)
        id = f"s{1 + self._store.count(self.scope, 'ids')}"

        def append(before: dict[str, Any] | None) -> dict[str, Any]:
            entries = before["entries"] if before else []
            if len(entries) >= MOST_SCRIPTED:
                raise FixtureError(f"{MOST_SCRIPTED} replies are scripted: take some of them away")
            return {"entries": [*entries, {"id": id, "entry": described}]}

        self._store.change(self.scope, _ALL, append)
        return id

    def _checked(self, described: object) -> Reply:
        reply = read_entry("the reply", described, self._api.reply_fields)
        try:
            self._api.check_reply(reply)
        except ValueError as error:
            raise FixtureError(f"the reply: {error}") from error
        known = faults_of(self._api)
        for fault in reply.faults:
            if fault not in known:
                raise UnknownName("fault", fault, known)
        return reply

    def add_where(self, where: Callable[[str], bool], entry: Reply | Mapping[str, Any]) -> None:
        """Script a reply to every question of which a predicate is true, in this process.

        `entry` is as in `replies.yaml`, without a question. Raises what `add` does.
        """
        reply = entry
        if not isinstance(reply, Reply):
            reply = self._checked({"basis": "authored", "question": "", **reply})
        self._here.append(replace(reply, where=where, source=f"scripted, p{1 + len(self._here)}"))

    def remove(self, id: str) -> bool:
        """Take a reply away; return whether it was there."""
        if id not in [kept["id"] for kept in self.entries()]:
            return False

        def without(before: dict[str, Any] | None) -> dict[str, Any]:
            entries = before["entries"] if before else []
            return {"entries": [kept for kept in entries if kept["id"] != id]}

        self._store.change(self.scope, _ALL, without)
        return True

    def clear(self) -> None:
        """Take all replies away."""
        self._here.clear()
        self._store.change(self.scope, _ALL, lambda _: {"entries": []})

    def entries(self) -> list[dict[str, Any]]:
        """Return what is kept: `id` and `entry` of each, oldest first."""
        record = self._store.read(self.scope, _ALL)
        return list(record["entries"]) if record else []

    def __bool__(self) -> bool:
        """Say whether anything was ever scripted: mostly nothing was, which is soon seen."""
        return bool(self._here) or self._store.read(self.scope, _ALL) is not None

    def __iter__(self) -> Iterator[Reply]:
        """Yield the replies, the last one first."""
        yield from reversed(self._here)
        yield from self._kept()

    def _kept(self) -> list[Reply]:
        record = self._store.read(self.scope, _ALL)
        if record is None:
            return []
        before, replies = self._read
        if record is not before and record != before:
            replies = [self._reply(kept) for kept in reversed(record["entries"])]
            self._read = record, replies
        return replies

    def _reply(self, kept: dict[str, Any]) -> Reply:
        reply = read_entry("the reply", kept["entry"], self._api.reply_fields)
        return replace(reply, source=f"scripted, {kept['id']}")

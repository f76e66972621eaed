"""Where conversations and sessions are kept."""

from __future__ import annotations

import marshal
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol

from . import stored
from .stored import StoreError as StoreError

Record = dict[str, Any]
"""One conversation or session as JSON values; never changed in place, only replaced."""

Scope = tuple[str, ...]
"""Whose records they are: the API, then the credential. Two scopes never meet."""


class Store(Protocol):
    """Records by scope and key; every method is atomic."""

    def read(self, scope: Scope, key: str) -> Record | None:
        """Return the record, or None where there is none."""

    def change(
        self, scope: Scope, key: str, step: Callable[[Record | None], Record | None]
    ) -> Record | None:
        """Replace the record by what `step` makes of it; None leaves things as they are.

        No other change happens between what `step` is given and what it returns. What `step`
        raises comes out, and nothing is changed. It may be asked again where another process was
        faster, so it does nothing but make a record.
        """

    def records(self, scope: Scope) -> list[Record]:
        """Return all records of the scope, oldest first."""

    def latest(self, within: Scope, most: int) -> list[tuple[Scope, str, Record]]:
        """Return the last used records of all scopes that begin with `within`, and where they are.

        The one that was used last is first; to be looked at here is no use. Where processes share a
        store, what another has only read may come a second late.
        """

    def count(self, scope: Scope, key: str) -> int:
        """Return how often this was called before for the scope and key."""

    def clear(self, within: Scope = ()) -> None:
        """Forget every scope that begins with `within`."""

    def snapshot(self) -> dict[str, Any]:
        """Return everything as of one moment as a JSON value that any store can restore.

        Which record was used last is not in it.
        """

    def restore(self, snapshot: object) -> None:
        """Hold what the snapshot says and nothing else; a snapshot that is none changes nothing.

        Where it says more than fits, what it names last stays.
        """

    def close(self) -> None:
        """Let go of files and connections; nobody uses the store afterwards."""


def _kept(record: Record) -> bytes:
    # Not JSON: this is four times as fast, and loses nothing either.
    try:
        return marshal.dumps(record)
    except ValueError as error:
        raise StoreError(f"{stored.NO_VALUE}: {error}") from error


@lru_cache(64)
def _record(kept: bytes) -> Record:
    """Read a record; what every request asks for, as scripts and switches, is read once.

    There is no room for more than a few conversations: they should not be read faster where there
    are a hundred of them than where there are a hundred thousand.
    """
    record: Record = marshal.loads(kept)
    return record  # the same one for who asks again: nobody changes it in place


_EMPTY: dict[str, bytes] = {}


class MemoryStore:
    """Records in this process; the least recently used one goes when there are too many.

    They are kept as bytes: a hundred thousand of them as dicts and lists are a million objects, all
    over the memory, that a garbage collector goes through and a processor has never at hand.
    """

    def __init__(
        self, most_records: int = stored.MOST_RECORDS, most_counters: int = stored.MOST_COUNTERS
    ) -> None:
        self._most_records = most_records
        self._most_counters = most_counters
        self._records: dict[Scope, dict[str, bytes]] = {}
        self._used: OrderedDict[tuple[Scope, str], None] = OrderedDict()
        self._counters: OrderedDict[tuple[Scope, str], int] = OrderedDict()
        self._lock = threading.RLock()

    def read(self, scope: Scope, key: str) -> Record | None:
        """Return the record, or None where there is none."""
        if key not in self._records.get(scope, _EMPTY):
            return None  # of most of what is looked for, as faults and scripts, there is nothing
        with self._lock:
            kept = self._records.get(scope, _EMPTY).get(key)
            if kept is None:
                return None
            self._used.move_to_end((scope, key))
        return _record(kept)

    def change(
        self, scope: Scope, key: str, step: Callable[[Record | None], Record | None]
    ) -> Record | None:
        """Replace the record by what `step` makes of it; None leaves things as they are."""
        with self._lock:
            kept = self._records.get(scope, _EMPTY).get(key)
            before = None if kept is None else _record(kept)
            after = step(before)
            if after is None:
                return before
            shelf = self._records.get(scope)
            if shelf is None:
                shelf = self._records[scope] = {}
            shelf[key] = _kept(after)
            self._used[scope, key] = None  # a new one is the last one
            if kept is not None:
                self._used.move_to_end((scope, key))
            while len(self._used) > self._most_records:
                self._take_away(*self._used.popitem(last=False)[0])
            return after

    def records(self, scope: Scope) -> list[Record]:
        """Return all records of the scope, oldest first."""
        with self._lock:
            kept = list(self._records.get(scope, _EMPTY).values())
        return list(map(_record, kept))

    def latest(self, within: Scope, most: int) -> list[tuple[Scope, str, Record]]:
        """Return the last used records of all scopes that begin with `within`, the last first."""
        depth = len(within)
        with self._lock:
            found = (used for used in reversed(self._used) if used[0][:depth] == within)
            kept = [(s, key, self._records[s][key]) for s, key in islice(found, most)]
        return [(s, key, _record(data)) for s, key, data in kept]

    def count(self, scope: Scope, key: str) -> int:
        """Return how often this was called before for the scope and key."""
        place, counters = (scope, key), self._counters
        with self._lock:
            before = counters.get(place, 0)
            counters[place] = before + 1
            if before:
                counters.move_to_end(place)
            elif len(counters) > self._most_counters:
                counters.popitem(last=False)
            return before

    def clear(self, within: Scope = ()) -> None:
        """Forget every scope that begins with `within`."""
        depth = len(within)
        with self._lock:
            for scope, key in [used for used in self._used if used[0][:depth] == within]:
                del self._used[scope, key]
                self._take_away(scope, key)
            for counter in [c for c in self._counters if c[0][:depth] == within]:
                del self._counters[counter]

    def snapshot(self) -> dict[str, Any]:
        """Return everything as of one moment as a JSON value that any store can restore."""
        with self._lock:
            records = [
                (scope, key, data)
                for scope, shelf in self._records.items()
                for key, data in shelf.items()
            ]
            counters = [(scope, key, calls) for (scope, key), calls in self._counters.items()]
        # Who changes the snapshot must not change the store.
        copies = ((scope, key, stored.copy(_record(data))) for scope, key, data in records)
        return stored.snapshot_of(copies, counters)

    def restore(self, snapshot: object) -> None:
        """Hold what the snapshot says and nothing else; a snapshot that is none changes nothing."""
        contents = stored.contents_of(snapshot, self._most_records, self._most_counters)
        with self._lock:
            self.clear()
            for scope, key, record in contents.records:
                self._records.setdefault(scope, {})[key] = _kept(record)
                self._used[scope, key] = None
            for scope, key, calls in contents.counters:
                self._counters[scope, key] = calls

    def close(self) -> None:
        """Hold nothing that would have to be let go of."""

    def _take_away(self, scope: Scope, key: str) -> None:
        shelf = self._records[scope]
        del shelf[key]
        if not shelf:
            del self._records[scope]

"""Where conversations and sessions are kept."""

from __future__ import annotations

import itertools
import marshal
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import Any, Protocol

from . import stored
from .stored import StoreError as StoreError

Record = dict[str, Any]
"""One conversation or session as JSON values; never changed in place, only replaced."""

Scope = tuple[str, ...]
"""Whose records they are: the API, then the credential. Two scopes never meet."""


_Place = tuple[Scope, str]

MOST_LISTED = 1_000
"""Of so many scopes a store in memory knows by heart which records they have."""


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


def _kept(born: int, record: Record) -> bytes:
    # Not JSON: this is four times as fast, and loses nothing either.
    try:
        return marshal.dumps((born, record))
    except ValueError as error:
        raise StoreError(f"{stored.NO_VALUE}: {error}") from error


@lru_cache(64)
def _read(kept: bytes) -> tuple[int, Record]:
    """Read a record; what every request asks for, as scripts and switches, is read once.

    There is no room for more than a few conversations: they should not be read faster where there
    are a hundred of them than where there are a hundred thousand.
    """
    read: tuple[int, Record] = marshal.loads(kept)
    return read  # the same one for who asks again: nobody changes it in place


class MemoryStore:
    """Records in this process; the least recently used one goes when there are too many.

    They are kept as bytes, each with the number of its birth: a hundred thousand of them as dicts
    and lists are a million objects, all over the memory, that a garbage collector goes through and
    a processor has never at hand. For the same reason all are in one place, and which belong to a
    scope is written down for those scopes alone that were asked for it.
    """

    def __init__(
        self, most_records: int = stored.MOST_RECORDS, most_counters: int = stored.MOST_COUNTERS
    ) -> None:
        self._most_records = most_records
        self._most_counters = most_counters
        self._records: OrderedDict[_Place, bytes] = OrderedDict()
        self._listed: OrderedDict[Scope, dict[str, None]] = OrderedDict()
        self._counters: OrderedDict[_Place, int] = OrderedDict()
        self._births = itertools.count()
        self._lock = threading.RLock()

    def read(self, scope: Scope, key: str) -> Record | None:
        """Return the record, or None where there is none."""
        place = (scope, key)
        if place not in self._records:
            return None  # of most of what is looked for, as faults and scripts, there is nothing
        with self._lock:
            kept = self._records.get(place)
            if kept is None:
                return None
            self._records.move_to_end(place)
        return _read(kept)[1]

    def change(
        self, scope: Scope, key: str, step: Callable[[Record | None], Record | None]
    ) -> Record | None:
        """Replace the record by what `step` makes of it; None leaves things as they are."""
        place = (scope, key)
        with self._lock:
            kept = self._records.get(place)
            born, before = (next(self._births), None) if kept is None else _read(kept)
            after = step(before)
            if after is None:
                return before
            self._records[place] = _kept(born, after)
            if kept is not None:
                self._records.move_to_end(place)
                return after
            if (listed := self._listed.get(scope)) is not None:
                listed[key] = None
            while len(self._records) > self._most_records:
                self._forget(*self._records.popitem(last=False)[0])
            return after

    def records(self, scope: Scope) -> list[Record]:
        """Return all records of the scope, oldest first."""
        with self._lock:
            kept = [self._records[scope, key] for key in self._keys(scope)]
        return [_read(data)[1] for data in kept]

    def latest(self, within: Scope, most: int) -> list[tuple[Scope, str, Record]]:
        """Return the last used records of all scopes that begin with `within`, the last first."""
        depth = len(within)
        with self._lock:
            found = (used for used in reversed(self._records) if used[0][:depth] == within)
            kept = [(place, self._records[place]) for place in itertools.islice(found, most)]
        return [(*place, _read(data)[1]) for place, data in kept]

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
            for kept in (self._records, self._counters):
                for place in [place for place in kept if place[0][:depth] == within]:
                    del kept[place]
            for scope in [scope for scope in self._listed if scope[:depth] == within]:
                del self._listed[scope]

    def snapshot(self) -> dict[str, Any]:
        """Return everything as of one moment as a JSON value that any store can restore."""
        with self._lock:
            records = list(self._records.items())
            counters = [(scope, key, calls) for (scope, key), calls in self._counters.items()]
        oldest_first = sorted(((*_read(data), place) for place, data in records), key=itemgetter(0))
        # Who changes the snapshot must not change the store.
        copies = ((*place, stored.copy(record)) for _, record, place in oldest_first)
        return stored.snapshot_of(copies, counters)

    def restore(self, snapshot: object) -> None:
        """Hold what the snapshot says and nothing else; a snapshot that is none changes nothing."""
        contents = stored.contents_of(snapshot, self._most_records, self._most_counters)
        with self._lock:
            # Who reads without the lock sees all that was there, or all that is.
            self._records = OrderedDict(
                ((scope, key), _kept(next(self._births), record))
                for scope, key, record in contents.records
            )
            self._counters = OrderedDict(
                ((scope, key), calls) for scope, key, calls in contents.counters
            )
            self._listed.clear()

    def close(self) -> None:
        """Hold nothing that would have to be let go of."""

    def _keys(self, scope: Scope) -> dict[str, None]:
        """Return the keys of a scope, the oldest first; from now on they are written down."""
        if scope in self._listed:
            self._listed.move_to_end(scope)
        else:
            mine = [place for place in self._records if place[0] == scope]
            mine.sort(key=lambda place: _read(self._records[place])[0])
            self._listed[scope] = {key: None for _, key in mine}
            if len(self._listed) > MOST_LISTED:
                self._listed.popitem(last=False)
        return self._listed[scope]

    def _forget(self, scope: Scope, key: str) -> None:
        if (listed := self._listed.get(scope)) is not None:
            del listed[key]

"""Faults that are switched on and off while a mock runs: for everybody, or for one conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .faults import read_chances, with_faults
from .model import Api, Chance
from .store import Record, Store

MOST_SESSIONS = 1000
"""Conversations that may have faults of their own at a time."""

_ON = "on"


class TooMany(ValueError):
    """There is no room for one more conversation with faults of its own."""


class Switches:
    """What is switched on in one API; kept in the store, for every process that serves it."""

    def __init__(self, api: type[Api], store: Store) -> None:
        self._api = api
        self._store = store
        self.scope = (api.name, "faults")
        self._read: tuple[Record | None, dict[str | None, tuple[Chance, ...]]] = (None, {})

    def set(self, faults: Sequence[str], session: str | None = None) -> None:
        """Switch on these (`ID` or `ID@CHANCE`) and no others, in one session or in all.

        Raises UnknownName for what is no fault, and TooMany.
        """
        with_faults(self._api, [chance.fault for chance in read_chances(faults)])

        def switched(before: Record | None) -> Record:
            sessions = dict(before["sessions"]) if before else {}
            everywhere = before["faults"] if before else []
            if session is None:
                return {"faults": list(faults), "sessions": sessions}
            sessions.pop(session, None)
            if faults and len(sessions) >= MOST_SESSIONS:
                raise TooMany(f"{MOST_SESSIONS} conversations have faults of their own already")
            own = {session: list(faults)} if faults else {}
            return {"faults": everywhere, "sessions": {**sessions, **own}}

        self._store.change(self.scope, _ON, switched)

    def clear(self) -> None:
        """Switch everything off, in all sessions."""
        self._store.change(self.scope, _ON, lambda _: {"faults": [], "sessions": {}})

    def as_json(self) -> dict[str, Any]:
        """Return what is on: `faults` for everybody, `sessions` with those of their own."""
        return self._store.read(self.scope, _ON) or {"faults": [], "sessions": {}}

    def now(self, session: str) -> tuple[Chance, ...]:
        """Return what is on in a session."""
        record = self._store.read(self.scope, _ON)
        if record is None:
            return ()
        if record is not self._read[0] and record != self._read[0]:
            own = {name: read_chances(on) for name, on in record["sessions"].items()}
            self._read = record, {None: read_chances(record["faults"]), **own}
        known = self._read[1]
        return known[None] + known.get(session, ()) if session in known else known[None]

"""Records of a file that were read, known until a process that shares the file changes them."""

from __future__ import annotations

import os
import sys
import time
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from .shared_words import PAGE, WORD, Words
from .store import Record, Scope

SLOTS = PAGE // WORD // 2
"""Slots, in which scopes stand; a slot has two numbers, of changes begun and of changes done."""

_HALVES = slice(SLOTS * WORD), slice(SLOTS * WORD, PAGE)

EVERY = 0
"""The slot of what changes all scopes."""

MOST_BYTES = 8_000_000
"""What the records that are known have together as they are written: then all are forgotten."""


Place = tuple[bytes, bytes]
"""A scope and a key as they are written: bytes, for not every text is Unicode that SQLite takes."""

NAP = 0.00005
"""Seconds between two looks whether another process has ended its turn."""


class Known(NamedTuple):
    """A record, or that there is none, and the changes that were begun when it was read."""

    record: Record | None
    place: Place
    slot: int
    every: int
    own: int
    settled: bool
    """Whether no change was under way; else it is not kept."""


class KnownRecords:
    """What was read, and a small file in which each process tells the others what it changes.

    A change is told before its transaction is committed, and that it is done afterwards; nothing
    is kept that is read in between. So what is kept is what the file has as long as no change of
    its slot has begun since. Of a process that is killed in between the next transaction knows
    that it is over: while it lasts, no other does.
    """

    def __init__(self, path: str) -> None:
        """Open the file, or make it; raises OSError."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        self._words = Words(self._file)
        self._numbers = self._words.integers
        self._known: dict[tuple[Scope, str], Known] = {}
        self._bytes = 0

    def find(self, scope: Scope, key: str) -> Known | None:
        """Return what is known of a record, None where it has to be read."""
        known = self._known.get((scope, key))
        if known is None:
            return None
        numbers = self._numbers
        if numbers[known.slot] != known.own or numbers[EVERY] != known.every:
            return None
        return known

    def state(self, scope: bytes) -> tuple[int, int, int, bool]:
        """Return the slot of a scope, the changes of it, and whether none is under way."""
        slot, numbers = slot_of(scope), self._numbers
        own, every = numbers[slot], numbers[EVERY]
        done = numbers[SLOTS + slot] == own and numbers[SLOTS + EVERY] == every
        return slot, every, own, done

    def keep(self, name: tuple[Scope, str], read: Known, size: int) -> Known:
        """Keep what was read, so many bytes, after its changes were looked at."""
        if read.settled:
            if self._bytes > MOST_BYTES:
                self.forget()
            self._bytes += size + 100
            self._known[name] = read
        return read

    def forget(self) -> None:
        """Forget all that is known here."""
        self._known.clear()
        self._bytes = 0

    def take_turn(self, patience: float) -> None:
        """Wait until no other process has the turn, or for so many seconds.

        SQLite itself lets a process sleep for milliseconds before it tries again.
        """
        until = time.monotonic() + patience
        while not self._taken() and time.monotonic() < until:
            time.sleep(NAP)

    def _taken(self) -> bool:
        if sys.platform == "win32":
            return True  # SQLite's own way has to do
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def end_turn(self) -> None:
        """Let another process have its turn; one that is killed does, too."""
        if sys.platform == "win32":
            return
        import fcntl

        fcntl.flock(self._file, fcntl.LOCK_UN)

    def settle(self) -> None:
        """In a transaction: note that none is under way but this one, which has changed nothing."""
        if not self._words.same(*_HALVES):
            self._numbers[SLOTS:] = self._numbers[:SLOTS]

    def begin(self, slots: Iterable[int]) -> dict[int, int]:
        """In a transaction, before it is committed: tell what it changes."""
        begun = {}
        for slot in slots:
            begun[slot] = self._numbers[slot] = self._numbers[slot] + 1
        return begun

    def end(self, begun: dict[int, int]) -> None:
        """Tell that what was begun is done."""
        for slot, number in begun.items():
            self._numbers[SLOTS + slot] = number

    def close(self) -> None:
        """Let go of the file."""
        self.forget()
        self._numbers.release()
        self._words.close()
        os.close(self._file)


def slot_of(scope: bytes) -> int:
    """Return the slot of a written scope."""
    return 1 + zlib.crc32(scope) % (SLOTS - 1)

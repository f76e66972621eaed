"""One journal of several processes: a file that each appends to, and reads what is new in it."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .journal import EVERY, MOST_ENTRIES, MOST_SIZE, Entry, Journal, numbered
from .stored import from_bytes, to_bytes

HEAD = struct.Struct("<QQQ")
"""What the file begins with: when it was made, how often it was begun anew, the last number."""

LAG = 1_000_000
"""Bytes that are written before a process that is never asked reads them all the same."""

MOST_FILE = 3 * MOST_SIZE
"""Bytes of the file: then it is begun anew, with what is kept of it."""


class SharedJournal(Journal):
    """The last exchanges of all processes that have opened the file; they are numbered in one row.

    Who writes locks the file; a process that is killed lets go of it. An entry that was cut off by
    that is passed over.
    """

    def __init__(
        self,
        path: Path,
        most: int = MOST_ENTRIES,
        most_size: int = MOST_SIZE,
        most_file: int = MOST_FILE,
    ) -> None:
        super().__init__(most, most_size)
        self._most_file = most_file
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._begun = 0
        self._read = HEAD.size
        with self._locked():
            made, begun, last = self._head()
            self.began = made or time.time_ns()
            os.pwrite(self._file, HEAD.pack(self.began, begun, last), 0)

    @property
    def written(self) -> int:
        """How many exchanges there were, of all processes."""
        return self._head()[2]

    @property
    def kept(self) -> int:
        """How many entries there are."""
        self.catch_up()
        return super().kept

    def write(self, seconds: float, entry: Entry) -> Entry:
        """Keep one exchange, whose answer was made in so many seconds; number it."""
        with self._locked():
            _, begun, last = self._head()
            entry = numbered(entry, last + 1)
            # The number first: of two entries with one number a reader would lose one.
            os.pwrite(self._file, HEAD.pack(self.began, begun, entry.number), 0)
            end = self._append(_line(entry, seconds))
            if end > self._most_file:
                self._begin_anew(begun, entry.number)
        if end - self._read > LAG:
            self.catch_up()
        return entry

    def entries(self, wanted: Callable[[Entry], bool] = EVERY) -> list[Entry]:
        """Return what is kept and asked for, oldest first."""
        self.catch_up()
        return super().entries(wanted)

    @property
    def first(self) -> int:
        """The number of the oldest entry that is kept; of the next one where none is."""
        self.catch_up()
        return super().first

    def after(self, number: int, most: int) -> list[Entry]:
        """Return the entries that are kept after this one, at most so many, oldest first."""
        self.catch_up()
        return super().after(number, most)

    def find(self, number: int) -> Entry | None:
        """Return one entry, None where it is not kept."""
        self.catch_up()
        return super().find(number)

    def clear(self) -> None:
        """Forget all entries, in every process; numbers go on."""
        with self._locked():
            _, begun, last = self._head()
            self._catch_up()
            super().clear()
            self._begin_anew(begun, last)

    def catch_up(self) -> None:
        """Read what was written since the last time, by whichever process."""
        with self._locked():
            self._catch_up()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _catch_up(self) -> None:
        _, begun, _ = self._head()
        if begun != self._begun:
            self._begun, self._read = begun, HEAD.size
            super().clear()
        unread = max(os.fstat(self._file).st_size - self._read, 0)
        data = os.pread(self._file, unread, self._read)
        whole = data.rfind(b"\n") + 1
        self._read += whole
        for line in data[:whole].split(b"\n"):
            if line:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            found = from_bytes(line)
        except Exception:
            return  # its writer was killed in the middle of it
        if "totals" in found:
            self.metrics.set(found["totals"])
            return
        entry = _entry(found["entry"])
        self._keep(entry)
        if found["seconds"] is not None:
            self.metrics.note(entry, found["seconds"])

    def _begin_anew(self, begun: int, last: int) -> None:
        """Write the file anew, with what is kept: the totals so far, and the entries."""
        self._catch_up()
        kept = [_line(entry, None) for entry in super().entries()]
        os.ftruncate(self._file, HEAD.size)
        os.pwrite(self._file, HEAD.pack(self.began, begun + 1, last), 0)
        self._append(to_bytes({"totals": self.metrics.totals()}) + b"\n" + b"".join(kept))

    def _append(self, data: bytes) -> int:
        end = max(os.fstat(self._file).st_size, HEAD.size)
        if end > HEAD.size and os.pread(self._file, 1, end - 1) != b"\n":
            data = b"\n" + data  # after an entry that was cut off
        while data:
            done = os.pwrite(self._file, data, end)
            data, end = data[done:], end + done
        return end

    def _head(self) -> tuple[int, int, int]:
        head = os.pread(self._file, HEAD.size, 0)
        return HEAD.unpack(head) if len(head) == HEAD.size else (0, 0, 0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        import fcntl

        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)


def _line(entry: Entry, seconds: float | None) -> bytes:
    return to_bytes({"entry": entry._asdict(), "seconds": seconds}) + b"\n"


def _entry(fields: dict[str, Any]) -> Entry:
    return Entry(**{name: _frozen(value) for name, value in fields.items()})


def _frozen(value: Any) -> Any:
    """Return lists as the tuples that they were before they were written as JSON."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value

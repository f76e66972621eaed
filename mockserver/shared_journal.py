"""One journal of several processes: files that each writes to, and reads when it is asked."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from .journal import EVERY, MOST_ENTRIES, MOST_SIZE, Entry, Journal, numbered
from .shared_metrics import SharedMetrics
from .shared_words import PAGE, Words
from .stored import from_bytes, to_bytes

HEAD = struct.Struct("<QQQ")
"""What the file begins with: when it was made, how often a part was begun, the last number."""

MOST_FILE = 8_000_000
"""Bytes of a part after which the other one is begun anew, once it alone has all that is kept."""

_MADE, _BEGUN, _LAST, _CLEARED = range(4)
"""Numbers of the head; up to _CLEARED nothing is kept."""

_COUNT, _SIZE, _ENDS = 4, 5, 6
"""Entries of the part that is written, characters of them, and where each of two parts ends."""


class SharedJournal(Journal):
    """The last exchanges of all processes that have opened the file; they are numbered in one row.

    Lines are written into one of two parts, in turn; each begins one page into a file, of which the
    first one has a head of numbers. Who writes locks the file, which a process that is killed lets
    go of; it writes the line first and then where it ends, so that no line is ever found cut off.
    Who reads locks nothing, and nobody reads who is not asked: what is counted is not in the lines.
    A part is written over when the other one has all that is kept.
    """

    metrics: SharedMetrics

    def __init__(
        self,
        path: Path,
        most: int = MOST_ENTRIES,
        most_size: int = MOST_SIZE,
        most_file: int = MOST_FILE,
    ) -> None:
        super().__init__(most, most_size)
        self._most_file = most_file
        other = path.with_name(f"{path.name}.other")
        self._files = [os.open(one, os.O_RDWR | os.O_CREAT, 0o600) for one in (path, other)]
        self._writing = _Lock(self._files[0])
        with self._writing:
            self._words = Words(self._files[0])
            self.metrics = SharedMetrics(path)
            head = self._head = self._words.integers
            if not head[_MADE]:
                head[_ENDS] = head[_ENDS + 1] = PAGE
                head[_MADE] = time.time_ns()
            self.began = head[_MADE]
        self._begun = head[_BEGUN]
        self._begun -= bool(self._begun)
        self._read = PAGE
        self._cleared = head[_CLEARED]

    @property
    def written(self) -> int:
        """How many exchanges there were, of all processes."""
        return self._head[_LAST]

    @property
    def kept(self) -> int:
        """How many entries there are."""
        self.catch_up()
        return super().kept

    def write(self, seconds: float, entry: Entry) -> Entry:
        """Keep one exchange, whose answer was made in so many seconds; number it."""
        line, size, head = _line(entry), entry.size, self._head
        with self._writing:
            number = head[_LAST] + 1
            place = head[_BEGUN] & 1
            end = self._put(place, head[_ENDS + place], b"%d %b" % (number, line))
            # The number first: of two entries with one number a reader would lose one.
            head[_LAST] = number
            head[_ENDS + place] = end
            head[_COUNT] += 1
            head[_SIZE] += size
            self.metrics.note(entry, seconds)
            if end > self._most_file and self._has_all():
                self._begin_other()
        return numbered(entry, number)

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
        if number >= self.written:
            return []
        self.catch_up()
        return super().after(number, most)

    def find(self, number: int) -> Entry | None:
        """Return one entry, None where it is not kept."""
        self.catch_up()
        return super().find(number)

    def clear(self) -> None:
        """Forget all entries, in every process; numbers go on."""
        with self._writing:
            self._head[_CLEARED] = self._head[_LAST]
        self.catch_up()

    def catch_up(self) -> None:
        """Read what was written since the last time, by whichever process."""
        with self._lock:
            while data := self._unread():
                lines = data.split(b"\n")[:-1]
                for line in lines[-self.most :]:
                    self._take(line)
            cleared = self._head[_CLEARED]
            if cleared != self._cleared:
                self._cleared = cleared
                while self._entries and self._entries[0].number <= cleared:
                    self._entries.popleft()
                    self._size -= self._sizes.popleft()

    def close(self) -> None:
        """Let go of the files."""
        self.metrics.close()
        self._head.release()
        self._words.close()
        for file in self._files:
            os.close(file)

    def _has_all(self) -> bool:
        """Say whether the part that is written has all that is kept."""
        return self._head[_COUNT] >= self.most or self._head[_SIZE] >= self._most_size

    def _begin_other(self) -> None:
        """Write over the older part from now on.

        Whoever is killed between two of these steps leaves an older part that has nothing, or a
        part that is said to have less than it has: it is written for longer.
        """
        head = self._head
        head[_ENDS + (head[_BEGUN] + 1 & 1)] = PAGE
        head[_COUNT] = head[_SIZE] = 0
        head[_BEGUN] += 1

    def _put(self, place: int, end: int, data: bytes) -> int:
        while data:
            done = os.pwrite(self._files[place], data, end)
            data, end = data[done:], end + done
        return end

    def _unread(self) -> bytes:
        """Return the next lines that were not read, b"" where there are none."""
        head = self._head
        while True:
            begun = head[_BEGUN]
            if begun - self._begun > 1:
                # What was missed was not kept, nor is what was read before it.
                self._begun, self._read = begun - 1, PAGE
                super().clear()
            place = self._begun & 1
            end = head[_ENDS + place]
            data = os.pread(self._files[place], max(end - self._read, 0), self._read)
            if head[_BEGUN] - self._begun > 1:
                continue  # it was being written over
            if data:
                self._read += len(data)
                return data
            if begun == self._begun:
                return b""
            self._begun, self._read = begun, PAGE

    def _take(self, line: bytes) -> None:
        number, _, fields = line.partition(b" ")
        try:
            if int(number) <= self._head[_CLEARED]:
                return
            self._keep(_entry(int(number), fields))
        except Exception:
            return  # somebody else has written into the file


class _Lock:
    """Held by one thread of one process; a process that is killed lets go of it."""

    def __init__(self, file: int) -> None:
        import fcntl

        self._take = partial(fcntl.flock, file, fcntl.LOCK_EX)
        self._release = partial(fcntl.flock, file, fcntl.LOCK_UN)
        self._threads = threading.Lock()

    def __enter__(self) -> None:
        self._threads.acquire()
        self._take()

    def __exit__(self, *_: object) -> None:
        self._release()
        self._threads.release()


def _line(entry: Entry) -> bytes:
    fields = entry[1:]
    try:
        return orjson.dumps(fields) + b"\n"
    except orjson.JSONEncodeError:  # half a character, which JSON can say and UTF-8 cannot
        return to_bytes(fields) + b"\n"


def _entry(number: int, line: bytes) -> Entry:
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        fields = from_bytes(line)
    return Entry._make((number, *map(_frozen, fields)))


def _frozen(value: Any) -> Any:
    """Return lists as the tuples that they were before they were written as JSON."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value

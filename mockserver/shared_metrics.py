"""What several processes did, counted together in a file."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from pathlib import Path
from typing import Any

import orjson

from .journal import Entry
from .metrics import BOUNDS, Metrics
from .shared_words import PAGE, WORD, Words

ROW = 128
"""Bytes of the numbers of one row: pieces, seconds, answers by their seconds."""

ROWS = 32 * PAGE // ROW
"""How many rows the file grows by."""

_KIND, _FAULT, _CHAOS = "exchanges", "faults", "chaos"  # as `Metrics.totals` has them
_CHUNKS, _SECONDS, _ANSWERS = 0, 1, 2


class SharedMetrics(Metrics):
    """Counters in two files: names, a line each, and numbers, a row each in the same order.

    Whoever counts holds the lock of the journal. What a process that is killed was about to count
    is missing; nothing that it had counted is.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        flags = os.O_RDWR | os.O_CREAT
        self._names = os.open(path.with_name(f"{path.name}.names"), flags | os.O_APPEND, 0o600)
        self._file = os.open(path.with_name(f"{path.name}.totals"), flags, 0o600)
        self._rows: dict[tuple[Any, ...], int] = {}
        self._read = 0
        self._room = ROWS
        self._words = Words(self._file, ROWS * ROW)
        self._turn = threading.RLock()

    def note(self, entry: Entry, seconds: float) -> None:
        """Count one exchange, whose answer was made in so many seconds."""
        with self._turn:
            row = self._row(_KIND, entry.api, entry.operation or "", entry.status, entry.caller)
            integers = self._words.integers
            integers[row + _CHUNKS] += len(entry.chunks)
            self._words.floats[row + _SECONDS] += seconds
            integers[row + _ANSWERS + bisect_left(BOUNDS, seconds)] += 1
            for fault in entry.faults:
                row = self._row(_FAULT, fault)
                self._words.integers[row] += 1
            for one in entry.chaos:
                row = self._row(_CHAOS, one.partition("=")[0])
                self._words.integers[row] += 1

    def totals(self) -> dict[str, Any]:
        """Return all that was counted, by every process."""
        self.catch_up()
        return super().totals()

    def text(self, kept: int) -> tuple[bytes, str]:
        """Return the metrics of all processes as Prometheus reads them, and their content type."""
        self.catch_up()
        return super().text(kept)

    def catch_up(self) -> None:
        """Read what was counted by whichever process."""
        with self._turn:
            self._read_names()
            self.set(self._found())

    def _found(self) -> dict[str, Any]:
        found: dict[str, Any] = {_KIND: [], _FAULT: {}, _CHAOS: {}}
        for (name, *what), row in self._rows.items():
            integers = self._words.integers[row : row + _ANSWERS + len(BOUNDS) + 1].tolist()
            if name == _KIND:
                total = {
                    "chunks": integers[_CHUNKS],
                    "seconds": self._words.floats[row + _SECONDS],
                    "answers": integers[_ANSWERS:],
                }
                found[_KIND].append([*what, total])
            else:
                found[name][what[0]] = integers[0]
        return found

    def close(self) -> None:
        """Let go of the files."""
        self._words.close()
        os.close(self._file)
        os.close(self._names)

    def _row(self, *name: Any) -> int:
        """Return where the numbers of a name begin; a new name gets the next row."""
        row = self._rows.get(name)
        if row is None:
            self._read_names()
            row = self._rows.get(name)
        if row is None:
            os.write(self._names, b"\n" + orjson.dumps(name) + b"\n")
            self._read_names()
            row = self._rows[name]
        return row

    def _read_names(self) -> None:
        """Read the names that are new; one that was cut off is no name and has no row."""
        data = os.pread(self._names, max(os.fstat(self._names).st_size - self._read, 0), self._read)
        whole = data.rfind(b"\n") + 1
        self._read += whole
        for line in data[:whole].split(b"\n"):
            try:
                name = tuple(orjson.loads(line))
            except orjson.JSONDecodeError:
                continue
            self._rows.setdefault(name, len(self._rows) * ROW // WORD)
        if len(self._rows) > self._room:
            self._room = -(-len(self._rows) // ROWS) * ROWS
            self._words.close()
            self._words = Words(self._file, self._room * ROW)

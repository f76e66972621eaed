"""Conversations and sessions in a file that several processes share, and that outlives them."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import stored
from .known_records import EVERY, Known, KnownRecords, Place, slot_of
from .sqlite_statements import (
    APPLICATION,
    COUNT,
    EVICT,
    FAILURES,
    FIND,
    KEEP,
    LATEST,
    LATEST_OF_ALL,
    LIST,
    PUT_COUNTER,
    PUT_RECORD,
    TOTAL,
    TOUCH,
    WITHIN,
    ends,
    schema,
)
from .store import Record, Scope, StoreError

MOST_TOUCHES = 4_000
"""Records that are read before their use is written down, where nothing else is written."""

ROOM = 1_000
"""One of so many records goes where there is no room: to find each by itself takes longer."""

LOOK = 0.05
"""Seconds after which it is looked whether a program that is not ours has changed the file."""


class SqliteStore:
    """Records in a file; of too many, the thousandth that was not used for longest goes.

    What is written counts as used at once. What is read is noted in memory and written down with
    the next change of this process, or by a read when a second has passed: so among the uses of
    one process the order is exact, and another process learns of a read a second late, or at the
    next read or change after that. A process that dies forgets the reads of its last second.

    What was read is known until a store on the same file changes it; `KnownRecords` tells when.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        most_records: int = stored.MOST_RECORDS,
        most_counters: int = stored.MOST_COUNTERS,
        patience: float = 30.0,
    ) -> None:
        # Absolute, so that `:memory:` is a file's name too, and `chdir` changes nothing.
        self._path = os.path.abspath(path)
        self._most = {"records": most_records, "counters": most_counters}
        self._patience = patience
        self._mine = threading.local()
        self._opened: weakref.WeakSet[_Opened] = weakref.WeakSet()
        self._inherited: list[_Opened] = []
        self._closed = False
        self._opening = threading.Lock()
        # Threads line up here: SQLite would let them sleep and try again.
        self._writing = threading.RLock()
        self._writer = 0
        self._changed: set[int] = set()
        self._known: KnownRecords | None = None
        self._looked = 0.0
        self._touching = threading.Lock()
        self._touched: dict[Place, None] = {}
        self._touches_written = time.monotonic()
        self._prepare()

    def read(self, scope: Scope, key: str) -> Record | None:
        """Return the record, or None where there is none."""
        known = self._known
        if known is None or self._writer == threading.get_ident():
            place = _place(scope, key)
            record = self._find(place)
        else:
            self._look_for_others(known)
            found = known.find(scope, key) or self._learn(known, scope, key)
            place, record = found.place, found.record
        if record is not None:
            self._touch(place)
        return record

    def change(
        self, scope: Scope, key: str, step: Callable[[Record | None], Record | None]
    ) -> Record | None:
        """Replace the record by what `step` makes of it; None leaves things as they are."""
        place = _place(scope, key)
        with self._transaction():
            before = self._find(place)
            after = step(before)
            if after is None:
                return before
            value = stored.to_bytes(after)
            self._write_touches(besides=place)
            self._run(KEEP, *place, value)
            self._changed.add(slot_of(place[0]))
            if before is None:
                self._evict("records")
            return after

    def records(self, scope: Scope) -> list[Record]:
        """Return all records of the scope, oldest first."""
        return [stored.from_bytes(value) for (value,) in self._run(LIST, stored.to_bytes(scope))]

    def latest(self, within: Scope, most: int) -> list[tuple[Scope, str, Record]]:
        """Return the last used records of all scopes that begin with `within`, the last first.

        What this process has read since its last change comes where it was before.
        """
        rows = self._run(LATEST, *ends(within), most) if within else self._run(LATEST_OF_ALL, most)
        read = stored.from_bytes
        return [(tuple(read(scope)), read(key), read(value)) for scope, key, value in rows]

    def count(self, scope: Scope, key: str) -> int:
        """Return how often this was called before for the scope and key."""
        with self._transaction():
            calls = int(self._run(COUNT, *_place(scope, key))[0][0])
            if calls == 1:
                self._evict("counters")
            return calls - 1

    def clear(self, within: Scope = ()) -> None:
        """Forget every scope that begins with `within`."""
        with self._transaction():
            self._changed.add(EVERY)
            for table in EVICT:
                if within:
                    self._run(f"DELETE FROM {table} {WITHIN}", *ends(within))
                else:
                    self._run(f"DELETE FROM {table}")

    def snapshot(self) -> dict[str, Any]:
        """Return everything as of one moment as a JSON value that any store can restore."""
        self._run("BEGIN")
        try:
            records = self._run("SELECT scope, key, value FROM records ORDER BY born")
            counters = self._run("SELECT scope, key, calls FROM counters")
        finally:
            self._run("COMMIT")
        read = stored.from_bytes
        return stored.snapshot_of(
            ((read(scope), read(key), read(value)) for scope, key, value in records),
            ((read(scope), read(key), calls) for scope, key, calls in counters),
        )

    def restore(self, snapshot: object) -> None:
        """Hold what the snapshot says and nothing else; a snapshot that is none changes nothing."""
        contents = stored.contents_of(snapshot, self._most["records"], self._most["counters"])
        with self._transaction():
            self.clear()
            for used, (scope, key, record) in enumerate(contents.records):
                self._run(PUT_RECORD, *_place(scope, key), stored.to_bytes(record), used)
            for used, (scope, key, calls) in enumerate(contents.counters):
                self._run(PUT_COUNTER, *_place(scope, key), calls, used)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._opening:
            self._closed = True
            for opened in list(self._opened):
                opened.close()
            if self._known is not None:
                self._known.close()
                self._known = None

    # What is done with the file.

    def _look_for_others(self, known: KnownRecords) -> None:
        """Forget what is known where a program that is not ours may have changed it."""
        now = time.monotonic()
        if now - self._looked > LOOK:
            self._looked = now
            opened = self._mine_opened()
            version = self._run("PRAGMA data_version")[0][0]
            if version != opened.version:
                opened.version = version
                known.forget()

    def _learn(self, known: KnownRecords, scope: Scope, key: str) -> Known:
        place = _place(scope, key)
        state = known.state(place[0])
        value = self._value(place)
        record = stored.from_bytes(value) if value else None
        return known.keep((scope, key), Known(record, place, *state), len(value))

    def _find(self, place: Place) -> Record | None:
        return stored.from_bytes(value) if (value := self._value(place)) else None

    def _value(self, place: Place) -> bytes:
        """Return a record as it is written, nothing where there is none."""
        found = self._run(FIND, *place)
        return found[0][0] if found else b""

    def _touch(self, place: Place) -> None:
        with self._touching:
            self._touched.pop(place, None)
            self._touched[place] = None
            late = time.monotonic() - self._touches_written > 1
            due = late or len(self._touched) >= MOST_TOUCHES
        # Within a change, the change will write it.
        if due and not self._connection().in_transaction:
            with self._transaction():
                self._write_touches()

    def _write_touches(self, besides: Place | None = None) -> None:
        with self._touching:
            touched, self._touched = self._touched, {}
            self._touches_written = time.monotonic()
        for place in touched:
            if place != besides:
                self._run(TOUCH, *place)

    def _evict(self, table: str) -> None:
        excess = self._run(TOTAL, table)[0][0] - self._most[table]
        if excess > 0:
            gone = self._run(EVICT[table], excess + self._most[table] // ROOM)
            self._changed.update(slot_of(scope) for (scope,) in gone)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._writing:
            if self._connection().in_transaction:
                # A step that uses the store itself: all of it happens, or nothing.
                yield
                return
            known = self._known
            if known is not None:
                known.take_turn(self._patience)
            try:
                self._run("BEGIN IMMEDIATE")
                self._writer = threading.get_ident()
                yield
                self._commit()
            except BaseException:
                if self._connection().in_transaction:
                    self._run("ROLLBACK")
                raise
            finally:
                self._writer = 0
                self._changed.clear()
                if known is not None:
                    known.end_turn()

    def _commit(self) -> None:
        if self._known is None:
            self._run("COMMIT")
            return
        self._known.settle()
        begun = self._known.begin(self._changed)
        self._run("COMMIT")
        self._known.end(begun)

    def _run(self, statement: str, *values: bytes | int | str) -> list[tuple[Any, ...]]:
        try:
            # The connection keeps its statements prepared.
            return self._connection().execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    # Connections.

    def _connection(self) -> sqlite3.Connection:
        return self._mine_opened().connection

    def _mine_opened(self) -> _Opened:
        """Return what this thread of this process has opened."""
        if self._closed:
            raise StoreError(f"The store {self._path} is closed. Open it anew")
        opened: _Opened | None = getattr(self._mine, "opened", None)
        if opened is None or opened.process != os.getpid():
            if opened is not None:
                # A child of a fork must not touch what its parent opened, not even to close it.
                self._inherited.append(opened)
            opened = self._mine.opened = self._open()
        return opened

    def _open(self) -> _Opened:
        try:
            connection = sqlite3.connect(
                self._path, self._patience, isolation_level=None, check_same_thread=False
            )
            opened = _Opened(connection)
            # With a write-ahead log, NORMAL hands every commit to the operating system before
            # `change` returns, so a process that is killed loses nothing; only a machine that
            # loses its power may lose the last commits, and even then the file stays whole.
            connection.execute("PRAGMA synchronous = NORMAL")
            # The disk is waited for only when the log goes into the file: each 16 MB, not each 4.
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
        except sqlite3.Error as error:
            raise self._failed(error) from error
        with self._opening:
            self._opened.add(opened)
        return opened

    def _prepare(self) -> None:
        folder = os.path.dirname(self._path)
        if "\0" in self._path:
            raise StoreError(f"{self._path!r} is no name of a file. Name one without NUL")
        if not os.path.isdir(folder):
            raise StoreError(f"There is no folder {folder} for the store. Make it first")
        if os.path.isdir(self._path):
            raise StoreError(f"The store {self._path} is a folder. Name a file in it")
        try:
            self._run("BEGIN")  # or another process makes it its own between two of the looks
            self._is_ours()
            self._run("COMMIT")
            self._write_ahead()
            with self._transaction():
                if not self._is_ours():
                    self._create()
            self._known = KnownRecords(f"{self._path}-changes")
        except OSError as error:
            self.close()
            said = f"The file {self._path}-changes cannot be opened: {error.strerror}"
            raise StoreError(f"{said}. Mend its permissions") from error
        except StoreError:
            self.close()
            raise

    def _is_ours(self) -> bool:
        """Say whether the file is one of ours, or a new one; refuse any other, untouched."""
        application = self._run("PRAGMA application_id")[0][0]
        version = self._run("PRAGMA user_version")[0][0]
        if application == APPLICATION and version == stored.FORMAT:
            return True
        if application == APPLICATION:
            raise StoreError(
                f"The store {self._path} has format {version}, and this program reads format "
                f"{stored.FORMAT}. Name another file, or use the program that wrote it"
            )
        if application or version or self._run("SELECT count(*) FROM sqlite_master")[0][0]:
            raise StoreError(
                f"{self._path} is a database of another program. Name another file for the store"
            )
        return False

    def _write_ahead(self) -> None:
        until = time.monotonic() + self._patience
        while True:
            try:
                mode = self._run("PRAGMA journal_mode = WAL")[0][0]
                break
            except StoreError as error:
                # SQLite does not wait where two processes do this to a new file at once.
                code = getattr(error.__cause__, "sqlite_errorcode", None)
                if code != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)
        if mode != "wal":
            raise StoreError(
                f"The store {self._path} cannot have a write-ahead log, only {mode}. "
                "Name a file on a local disk"
            )

    def _create(self) -> None:
        for statement in schema():
            self._run(statement)
        self._run(f"PRAGMA application_id = {APPLICATION}")
        self._run(f"PRAGMA user_version = {stored.FORMAT}")

    def _failed(self, error: sqlite3.Error) -> StoreError:
        what = FAILURES.get(str(error), f"fails: {error}. Mend that, or name another file")
        return StoreError(f"The store {self._path} {what}")


class _Opened:
    """The connection of one thread; closed when the thread ends, with its thread-local values."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.process = os.getpid()
        self.version = 0

    def close(self) -> None:
        if self.process == os.getpid():
            self.connection.close()

    __del__ = close


def _place(scope: Scope, key: str) -> Place:
    return stored.to_bytes(scope), stored.to_bytes(key)

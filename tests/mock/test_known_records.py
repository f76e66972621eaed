"""What a store in a file knows without reading, and when it does not know it any more."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mockserver import sqlite_store
from mockserver.known_records import EVERY, slot_of
from mockserver.sqlite_store import SqliteStore
from mockserver.store import Record
from mockserver.stored import to_bytes

MINE, OTHER = ("echo", "mine"), ("echo", "other")
SPAWN = multiprocessing.get_context("spawn")


def add_one(record: Record | None) -> Record:
    return {"value": (record or {"value": 0})["value"] + 1}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[SqliteStore, SqliteStore]]:
    # Two stores on one file are to each other as two processes are.
    with (
        closing(SqliteStore(tmp_path / "a", most_records=3)) as one,
        closing(SqliteStore(tmp_path / "a", most_records=3)) as other,
    ):
        yield one, other


@pytest.fixture
def reads(pair: tuple[SqliteStore, SqliteStore], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    store, found = pair[0], []
    value = store._value
    monkeypatch.setattr(store, "_value", lambda place: found.append(place) or value(place))
    return found


def test_what_is_read_again_is_not_read_from_the_file(
    pair: tuple[SqliteStore, SqliteStore], reads: list[Any]
) -> None:
    store, other = pair
    store.change(MINE, "a", add_one)
    del reads[:]
    for _ in range(5):
        assert store.read(MINE, "a") == {"value": 1}
        assert store.read(MINE, "none") is None
        other.count(MINE, "a")
        other.change(OTHER, "a", add_one)
    assert len(reads) == 2
    store.change(MINE, "a", add_one)
    assert store.read(MINE, "a") == {"value": 2}
    assert len(reads) == 4


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (lambda store: store.change(MINE, "a", add_one), {"value": 2}),
        (lambda store: store.clear(MINE), None),
        (lambda store: store.clear(), None),
        (lambda store: store.restore({"format": 1, "records": [], "counters": []}), None),
        (lambda store: [store.change(OTHER, key, add_one) for key in "abc"], None),
    ],
    ids=["change", "clear", "clear all", "restore", "evict"],
)
def test_what_another_process_changes_is_read_anew_at_once(
    pair: tuple[SqliteStore, SqliteStore],
    change: Callable[[SqliteStore], object],
    value: Record | None,
) -> None:
    store, other = pair
    store.change(MINE, "a", add_one)
    assert store.read(MINE, "a") == store.read(MINE, "a") == {"value": 1}
    change(other)
    assert store.read(MINE, "a") == value
    assert store.read(MINE, "a") == value


def test_what_a_step_changed_and_took_back_is_not_known(
    pair: tuple[SqliteStore, SqliteStore],
) -> None:
    store, _ = pair
    store.change(MINE, "a", add_one)

    def failing(record: Record | None) -> Record:
        store.change(MINE, "a", add_one)
        assert store.read(MINE, "a") == {"value": 2}
        raise LookupError("no")

    with pytest.raises(LookupError):
        store.change(MINE, "b", failing)
    assert store.read(MINE, "a") == {"value": 1}


@pytest.mark.parametrize("slot", [EVERY, slot_of(to_bytes(MINE))])
def test_while_a_change_is_under_way_nothing_is_kept_and_one_that_died_is_got_over(
    pair: tuple[SqliteStore, SqliteStore], reads: list[Any], slot: int
) -> None:
    store, other = pair
    store.change(MINE, "a", add_one)
    assert store.read(MINE, "a") == {"value": 1}
    assert other._known
    other._known.begin([slot])  # and it is killed before it can say that it is done
    del reads[:]
    for _ in range(3):
        assert store.read(MINE, "a") == {"value": 1}
    assert len(reads) == 3
    other.count(MINE, "a")
    for _ in range(3):
        assert store.read(MINE, "a") == {"value": 1}
    assert len(reads) == 4


def test_what_another_program_changes_is_seen_soon(
    tmp_path: Path, pair: tuple[SqliteStore, SqliteStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = pair
    store.change(MINE, "a", add_one)
    assert store.read(MINE, "a") == {"value": 1}
    with closing(sqlite3.connect(tmp_path / "a")) as program, program:
        program.execute("UPDATE records SET value = ?", (b'{"value":7}',))
    monkeypatch.setattr(sqlite_store, "LOOK", 0)
    assert store.read(MINE, "a") == {"value": 7}


def test_what_is_known_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.known_records.MOST_BYTES", 5000)
    with closing(SqliteStore(tmp_path / "a")) as store:
        for number in range(100):
            store.change(MINE, str(number), add_one)
            store.read(MINE, str(number))
            assert store._known and len(store._known._known) < 50


def counting(path: Path, told: Any) -> None:
    with closing(SqliteStore(path)) as store:
        while True:
            record = store.change(MINE, "a", add_one)
            told.send(record["value"] if record else 0)


def test_a_process_never_reads_less_than_another_has_said_even_when_that_is_killed(
    tmp_path: Path,
) -> None:
    said = 0
    with closing(SqliteStore(tmp_path / "a")) as store:
        for _ in range(3):
            here, there = SPAWN.Pipe(duplex=False)
            process = SPAWN.Process(target=counting, args=(tmp_path / "a", there))
            process.start()
            there.close()
            for _ in range(300):
                said = here.recv()
                record = store.read(MINE, "a")
                assert record and record["value"] >= said
            process.kill()
            process.join(10)
            while here.poll():
                try:
                    said = here.recv()
                except EOFError:
                    break
            record = store.read(MINE, "a")
            assert record and record["value"] in (said, said + 1)

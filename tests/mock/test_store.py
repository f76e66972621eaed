from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.store import MemoryStore, Record, Store

MAKERS: dict[str, Callable[[Path], Store]] = {"memory": lambda folder: MemoryStore()}
MINE = ("echo", "mine")
OTHER = ("echo", "other")


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MAKERS[request.param](tmp_path)


def put(store: Store, key: str, value: object, scope: tuple[str, ...] = MINE) -> Record | None:
    return store.change(scope, key, lambda _: {"value": value})


def values(store: Store, scope: tuple[str, ...] = MINE) -> list[object]:
    return [record["value"] for record in store.records(scope)]


def test_what_was_never_kept_is_none(store: Store) -> None:
    assert store.read(MINE, "a") is None
    assert store.records(MINE) == []


def test_change_keeps_and_returns_what_the_step_makes(store: Store) -> None:
    assert put(store, "a", 1) == {"value": 1}
    assert store.read(MINE, "a") == {"value": 1}


def test_change_gives_the_step_what_was_kept(store: Store) -> None:
    seen: list[Record | None] = []

    def step(record: Record | None) -> Record:
        seen.append(record)
        return {"value": 2}

    put(store, "a", 1)
    store.change(MINE, "a", step)
    store.change(MINE, "b", step)
    assert seen == [{"value": 1}, None]


def test_change_by_a_step_that_returns_none_leaves_things_as_they_are(store: Store) -> None:
    put(store, "a", 1)
    assert store.change(MINE, "a", lambda _: None) == {"value": 1}
    assert store.change(MINE, "b", lambda _: None) is None
    assert values(store) == [1]


def test_change_lets_out_what_the_step_raises_and_changes_nothing(store: Store) -> None:
    def step(record: Record | None) -> Record:
        raise LookupError("no")

    put(store, "a", 1)
    with pytest.raises(LookupError, match="no"):
        store.change(MINE, "a", step)
    assert store.read(MINE, "a") == {"value": 1}
    assert put(store, "a", 2) == {"value": 2}, "the store is still usable"


def test_records_come_oldest_first_and_a_changed_one_keeps_its_place(store: Store) -> None:
    for key in "cab":
        put(store, key, key)
    put(store, "c", "changed")
    assert values(store) == ["changed", "a", "b"]


def test_scopes_never_meet(store: Store) -> None:
    put(store, "a", "mine")
    put(store, "a", "other", OTHER)
    assert values(store) == ["mine"]
    assert values(store, OTHER) == ["other"]
    assert store.read(("echo",), "a") is None
    assert store.read(("echo", "mine", "deeper"), "a") is None


def test_scopes_whose_parts_are_joined_alike_never_meet(store: Store) -> None:
    scopes = [
        ("a", "b", "c"),
        ("ab", "c"),
        ("a", "bc"),
        ("a/b", "c"),
        ("a\x1fb", "c"),
        ("a", "b\0c"),
    ]
    for scope in scopes:
        put(store, "key", "".join(scope), scope)
    assert all(values(store, scope) == ["".join(scope)] for scope in scopes)
    assert [store.count(scope, "key") for scope in scopes] == [0] * len(scopes)


@pytest.mark.parametrize("text", ["", "é", "🙂", "a\0b", "'; --", "%", "_", "\u2028", "x" * 10_000])
def test_any_text_is_a_key_a_scope_and_a_value(store: Store, text: str) -> None:
    put(store, text, text, ("echo", text))
    put(store, "another", "one", ("echo", text))
    assert store.read(("echo", text), text) == {"value": text}
    assert store.count(("echo", text), text) == 0
    assert store.count(("echo", text), text) == 1


def test_records_hold_json_values_of_every_kind(store: Store) -> None:
    value = {"a": [1, 2.5, True, None, {"b": "ü"}], "big": 2**53, "less": -1}
    put(store, "a", value)
    assert store.read(MINE, "a") == {"value": value}


def test_count_tells_how_often_it_was_asked_before(store: Store) -> None:
    assert [store.count(MINE, "a") for _ in range(3)] == [0, 1, 2]
    assert store.count(MINE, "b") == 0
    assert store.count(OTHER, "a") == 0


def test_counters_and_records_of_one_name_do_not_meet(store: Store) -> None:
    store.count(MINE, "a")
    assert store.read(MINE, "a") is None
    assert store.records(MINE) == []


def test_clear_forgets_every_scope_that_begins_with_the_prefix(store: Store) -> None:
    deeper, neighbour = (*MINE, "deeper"), ("echo", "mine too")
    for scope in (MINE, deeper, neighbour, OTHER):
        put(store, "a", 1, scope)
        store.count(scope, "a")
    store.clear(MINE)
    assert [values(store, scope) for scope in (MINE, deeper, neighbour, OTHER)] == [
        [],
        [],
        [1],
        [1],
    ]
    assert [store.count(scope, "a") for scope in (MINE, deeper, neighbour, OTHER)] == [0, 0, 1, 1]


def test_clear_without_a_prefix_forgets_everything(store: Store) -> None:
    put(store, "a", 1)
    put(store, "a", 1, ("another",))
    store.count(MINE, "a")
    store.clear()
    assert values(store) == values(store, ("another",)) == []
    assert store.count(MINE, "a") == 0


def test_a_cleared_store_can_be_used_again(store: Store) -> None:
    put(store, "a", 1)
    store.clear()
    put(store, "b", 2)
    put(store, "a", 3)
    assert values(store) == [2, 3]


def test_eight_threads_lose_no_change_and_no_count(store: Store) -> None:
    numbers: list[int] = []
    start = threading.Barrier(8)

    def add_one(record: Record | None) -> Record:
        return {"value": (record or {"value": 0})["value"] + 1}

    def work(name: str) -> None:
        start.wait()
        for place in range(200):
            store.change(MINE, "shared", add_one)
            put(store, f"{name} {place}", place)
            numbers.append(store.count(MINE, "shared"))

    threads = [threading.Thread(target=work, args=(str(name),)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read(MINE, "shared") == {"value": 1600}
    assert len(store.records(MINE)) == 1601
    assert sorted(numbers) == list(range(1600))


# What holds for the memory alone: it is bounded.


def test_memory_forgets_the_record_that_was_not_used_for_longest() -> None:
    store = MemoryStore(most_records=3)
    for key in "abc":
        put(store, key, key)
    store.read(MINE, "a")
    put(store, "b", "again")
    put(store, "d", "d", OTHER)
    assert values(store) == ["a", "again"]
    assert values(store, OTHER) == ["d"]


def test_memory_forgets_the_counter_that_was_not_used_for_longest() -> None:
    store = MemoryStore(most_counters=2)
    for key in "abac":
        store.count(MINE, key)
    assert store.count(MINE, "a") == 2
    assert store.count(MINE, "b") == 0


def test_memory_does_not_grow_beyond_its_bounds_nor_keep_empty_scopes() -> None:
    store = MemoryStore(most_records=10, most_counters=10)
    for number in range(1000):
        put(store, "a", number, ("echo", str(number)))
        store.count(("echo", str(number)), "a")
    kept = [number for number in range(1000) if values(store, ("echo", str(number)))]
    assert kept == list(range(990, 1000))
    assert len(store._records) == len(store._used) == len(store._counters) == 10

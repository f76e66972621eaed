from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from mockserver import store as store_module
from mockserver.redis_store import RedisStore
from mockserver.sqlite_store import SqliteStore
from mockserver.store import MemoryStore, Record, Store, StoreError
from mockserver.stores import open_store

Make = Callable[..., Store]
MAKERS: dict[str, Make] = {
    "memory": lambda place, **bounds: MemoryStore(**bounds),
    "sqlite": lambda place, **bounds: SqliteStore(place, **bounds),
    "redis": lambda place, **bounds: RedisStore(place, **bounds),
}
SHARED = [name for name in MAKERS if name != "memory"]
MINE = ("echo", "mine")
OTHER = ("echo", "other")


class Places:
    """Where the stores of one test are: files and databases with numbers, from 0 on."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self._request, self._folder = request, folder

    def __call__(self, kind: str, number: int = 0) -> str:
        if kind == "redis":
            return f"{self._request.getfixturevalue('redis_url')}/{number}"
        return str(self._folder / f"{number}.store")

    def as_text(self, kind: str) -> str:
        return self(kind) if kind == "redis" else f"{kind}:{self(kind)}"


@pytest.fixture
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    return Places(request, tmp_path)


@pytest.fixture
def opened() -> Iterator[Callable[[Store], Store]]:
    """Takes a store and closes it when the test is over."""
    with ExitStack() as stack:
        yield lambda store: stack.enter_context(closing(store))


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest, places: Places, opened: Callable[..., Store]) -> Make:
    place = places(request.param)
    return lambda **bounds: opened(MAKERS[request.param](place, **bounds))


@pytest.fixture
def store(make: Make) -> Store:
    return make()


@pytest.fixture(params=SHARED)
def text(request: pytest.FixtureRequest, places: Places) -> str:
    """What `open_store` is told for a store that processes share."""
    return places.as_text(request.param)


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


def latest(store: Store, within: tuple[str, ...] = ("echo",), most: int = 9) -> list[object]:
    return [(scope, key, record["value"]) for scope, key, record in store.latest(within, most)]


def test_latest_has_what_was_used_last_first_wherever_within_it_is(store: Store) -> None:
    put(store, "a", 1)
    put(store, "b", 2, OTHER)
    put(store, "c", 3)
    put(store, "d", 4, ("echoes", "mine"))
    put(store, "a", 5)
    everything = [(MINE, "a", 5), (MINE, "c", 3), (OTHER, "b", 2)]
    assert latest(store) == everything
    assert latest(store, most=2) == everything[:2]
    assert latest(store, most=0) == []
    assert latest(store, MINE) == everything[:2]
    assert latest(store, ()) == [everything[0], (("echoes", "mine"), "d", 4), *everything[1:]]
    assert latest(store, ("ech",)) == []


def test_latest_knows_what_was_read_when_something_else_is_changed(store: Store) -> None:
    for key in "ab":
        put(store, key, key)
    store.read(MINE, "a")
    put(store, "c", "c")
    assert [key for _, key, _ in latest(store)] == ["c", "a", "b"]


def test_latest_is_no_use(make: Make) -> None:
    store = make(most_records=2)
    for key in "ab":
        put(store, key, key)
    latest(store)
    put(store, "c", "c")
    assert [key for _, key, _ in latest(store)] == ["c", "b"]


def test_latest_finds_one_among_many_of_others(store: Store) -> None:
    put(store, "\ud800", "mine")
    for number in range(1100):
        put(store, str(number), number, OTHER)
    assert latest(store, MINE) == [(MINE, "\ud800", "mine")]


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


TEXTS = [
    "",
    "é",
    "🙂",
    "a\0b",
    "'; --",
    "%",
    "_",
    "\u2028",
    "x" * 10_000,
    "\ud83d",
    "\n",
    '"]',
    "\\",
]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_any_text_is_a_key_a_scope_and_a_value(store: Store, text: str) -> None:
    put(store, text, text, ("echo", text))
    put(store, "another", "one", ("echo", text))
    assert store.read(("echo", text), text) == {"value": text}
    assert store.count(("echo", text), text) == 0
    assert store.count(("echo", text), text) == 1


def test_records_hold_json_values_of_every_kind(store: Store) -> None:
    value = {"a": [1, 2.5, True, None, {"b": "ü"}], "big": 2**53, "less": -1, "a\0\ud83d": {}}
    put(store, "a", value)
    assert store.read(MINE, "a") == {"value": value}


@pytest.mark.parametrize("value", [2**63, 2**64, -(10**400), 0.1 + 0.2, 5e-324, 1e300, -0.0, 1.0])
def test_numbers_come_back_as_they_were(store: Store, value: float) -> None:
    put(store, "a", value)
    record = store.read(MINE, "a")
    assert record is not None
    assert (repr(record["value"]), type(record["value"])) == (repr(value), type(value))


def test_what_json_has_no_number_for_comes_back(store: Store) -> None:
    put(store, "a", [float("inf"), float("nan")])
    record = store.read(MINE, "a")
    assert repr(record) == "{'value': [inf, nan]}"


def test_two_halves_of_a_character_stay_two_and_are_another_key_than_it(store: Store) -> None:
    halves, whole = "\ud83d" + "\ude00", "\U0001f600"
    put(store, halves, halves, ("echo", halves))
    put(store, halves, halves)
    put(store, whole, whole)
    assert store.read(MINE, halves) == {"value": halves}
    assert store.read(MINE, whole) == {"value": whole}
    assert store.records(("echo", whole)) == []
    assert store.snapshot()["records"][0]["key"] == halves


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


@pytest.mark.parametrize("part", ["a", "", "a,", 'a"', 'a","b', "a]", "a\\", "\ud83d", "[", "\n"])
def test_clear_takes_each_part_of_the_prefix_exactly(store: Store, part: str) -> None:
    goners = [("echo", part), ("echo", part, ""), ("echo", part, "b", "c")]
    others = ["a", "ab", "", "a,", 'a"', 'a","b', "a]", "a\\", "\ud83d", "[", "\n", "a-", "a+"]
    stayers: list[tuple[str, ...]] = [("echo", other) for other in others if other != part]
    stayers += [("echo",), (part,), (), ("other", "echo", part)]
    for scope in goners + stayers:
        put(store, "key", 1, scope)
        store.count(scope, "key")
    store.clear(("echo", part))
    assert [values(store, scope) for scope in goners] == [[]] * len(goners)
    assert [values(store, scope) for scope in stayers] == [[1]] * len(stayers)
    assert [store.count(scope, "key") for scope in goners] == [0] * len(goners)
    assert [store.count(scope, "key") for scope in stayers] == [1] * len(stayers)


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


def test_threads_that_come_and_go_leave_nothing_open(text: str) -> None:
    with closing(open_store(text)) as store:
        put(store, "a", 1)
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        for _ in range(50):
            thread = threading.Thread(target=put, args=(store, "a", 2))
            thread.start()
            thread.join()
        after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        assert after <= before + 4


# A store is bounded.


def test_the_record_that_was_not_used_for_longest_is_forgotten(make: Make) -> None:
    store = make(most_records=3)
    for key in "abc":
        put(store, key, key)
    store.read(MINE, "a")
    put(store, "b", "again")
    put(store, "d", "d", OTHER)
    assert values(store) == ["a", "again"]
    assert values(store, OTHER) == ["d"]


def test_records_are_forgotten_in_the_order_of_their_last_use(make: Make) -> None:
    store = make(most_records=6)
    for key in "abcdef":
        put(store, key, key)
    for key in "cafeb":
        store.read(MINE, key)
    put(store, "c", "c")
    for new, gone in zip("123456", "dafebc", strict=True):
        assert store.change(MINE, gone, lambda _: None) is not None
        put(store, new, new)
        assert store.change(MINE, gone, lambda _: None) is None


def test_the_counter_that_was_not_used_for_longest_is_forgotten(make: Make) -> None:
    store = make(most_counters=2)
    for key in "abac":
        store.count(MINE, key)
    assert store.count(MINE, "a") == 2
    assert store.count(MINE, "b") == 0


def test_a_store_does_not_grow_beyond_its_bounds(make: Make) -> None:
    store = make(most_records=10, most_counters=10)
    for number in range(300):
        put(store, "a", number, ("echo", str(number)))
        store.count(("echo", str(number)), "a")
    kept = [number for number in range(300) if values(store, ("echo", str(number)))]
    assert kept == list(range(290, 300))
    assert len(store.snapshot()["counters"]) == 10
    store.clear()
    for number in range(20):
        put(store, str(number), number)
    assert values(store) == list(range(10, 20)), "what was cleared does not count any more"


def test_memory_does_not_keep_empty_scopes() -> None:
    store = MemoryStore(most_records=10, most_counters=10)
    for number in range(1000):
        put(store, "a", number, ("echo", str(number)))
        store.count(("echo", str(number)), "a")
    assert len(store._records) == len(store._counters) == 10


# Everything can be taken out and put back.


def fill(store: Store) -> None:
    for key in "cab":
        put(store, key, [key, {"big": 2**70, "odd": "a\0\ud83d", "none": None}])
    put(store, "c", "changed")
    put(store, "", "deeper", (*MINE, '"],[\ud83d'))
    put(store, "a", "no scope", ())
    for key in "aab":
        store.count(MINE, key)
    store.count((), "a\0")


@pytest.mark.parametrize(("giver", "taker"), list(itertools.product(MAKERS, repeat=2)))
def test_a_snapshot_of_any_store_is_restored_into_any_other(
    giver: str, taker: str, places: Places, opened: Callable[[Store], Store]
) -> None:
    first = opened(MAKERS[giver](places(giver, 0)))
    second = opened(MAKERS[taker](places(taker, 1)))
    fill(first)
    put(second, "its own", 1)
    second.count(OTHER, "its own")
    snapshot = json.loads(json.dumps(first.snapshot()))
    second.restore(snapshot)
    assert second.snapshot() == first.snapshot() == snapshot
    assert values(second) == values(first)
    assert values(second)[0] == "changed"
    assert values(second, OTHER) == []
    assert [second.count(MINE, key) for key in "abc"] == [2, 1, 0]
    assert second.count(OTHER, "its own") == 0
    put(second, "d", "the newest")
    put(second, "a", "changed")
    assert values(second)[1:] == ["changed", values(first)[2], "the newest"]


def test_a_snapshot_is_alike_whatever_store_gave_it(
    places: Places, opened: Callable[[Store], Store]
) -> None:
    stores = [opened(maker(places(kind))) for kind, maker in MAKERS.items()]
    for store in stores:
        fill(store)
    first, *others = [json.dumps(store.snapshot()) for store in stores]
    assert others == [first] * len(others)


def test_an_empty_store_is_restored_too(store: Store) -> None:
    empty = store.snapshot()
    fill(store)
    store.restore(empty)
    assert store.snapshot() == empty == {"format": 1, "records": [], "counters": []}


def test_who_changes_a_snapshot_does_not_change_the_store(store: Store) -> None:
    put(store, "a", ["kept"])
    snapshot = store.snapshot()
    snapshot["records"][0]["record"]["value"].append("forged")
    assert values(store) == [["kept"]]
    store.restore(snapshot)
    snapshot["records"][0]["record"]["value"].append("forged")
    assert values(store) == [["kept", "forged"]]


def test_what_does_not_fit_is_left_out_from_the_front(make: Make) -> None:
    store = make(most_records=2, most_counters=1)
    record: Record = {"value": 1}
    store.restore(
        {
            "format": 1,
            "records": [{"scope": [], "key": key, "record": record} for key in "abc"],
            "counters": [{"scope": [], "key": key, "calls": 3} for key in "ab"],
        }
    )
    assert [item["key"] for item in store.snapshot()["records"]] == ["b", "c"]
    assert [store.count((), key) for key in "ba"] == [3, 0]


def test_two_thousand_five_hundred_records_are_restored(store: Store) -> None:
    item = {"scope": ["a"], "record": {"value": 1}}
    records = [{**item, "key": str(number)} for number in range(2500)]
    store.restore({"format": 1, "records": records, "counters": []})
    assert store.snapshot()["records"] == records


RECORD = {"scope": ["a"], "key": "a", "record": {}}
COUNTER = {"scope": ["a"], "key": "a", "calls": 1}
CYCLE: list[Any] = []
CYCLE.append(CYCLE)
DEEP: Any = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        "records",
        {},
        {"format": 2},
        {"format": True},
        {"format": "1"},
        {"more": 1},
        {"records": None},
        {"records": {"a": 1}},
        {"records": [None]},
        {"records": [{**RECORD, "more": 1}]},
        {"records": [{**RECORD, "scope": "a"}]},
        {"records": [{**RECORD, "scope": [1]}]},
        {"records": [{**RECORD, "key": None}]},
        {"records": [{**RECORD, "record": None}]},
        {"records": [{**RECORD, "record": []}]},
        {"records": [{**RECORD, "record": {"a": {1}}}]},
        {"records": [{**RECORD, "record": {"a": b"a"}}]},
        {"records": [{**RECORD, "record": {"a": CYCLE}}]},
        {"records": [{**RECORD, "record": {"a": DEEP}}]},
        {"records": [RECORD, RECORD]},
        {"counters": 1},
        {"counters": [RECORD]},
        {"counters": [COUNTER, COUNTER]},
        {"counters": [{**COUNTER, "calls": True}]},
        {"counters": [{**COUNTER, "calls": 0}]},
        {"counters": [{**COUNTER, "calls": -1}]},
        {"counters": [{**COUNTER, "calls": 1.0}]},
        {"counters": [{**COUNTER, "calls": "1"}]},
        {"counters": [{**COUNTER, "calls": 2**64}]},
    ],
)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(store: Store, wrong: object) -> None:
    fill(store)
    before = store.snapshot()
    whole = {"format": 1, "records": [RECORD], "counters": [COUNTER]}
    hostile = {**whole, **wrong} if isinstance(wrong, dict) and wrong else wrong
    with pytest.raises(StoreError, match=r"\. |: "):
        store.restore(hostile)
    assert store.snapshot() == before


@pytest.mark.parametrize("kind", SHARED)
@pytest.mark.parametrize("value", [{1}, b"a", CYCLE, DEEP], ids=["set", "bytes", "cycle", "deep"])
def test_what_is_no_json_is_not_kept(
    kind: str, value: object, places: Places, opened: Callable[[Store], Store]
) -> None:
    store = opened(MAKERS[kind](places(kind)))
    put(store, "a", 1)
    with pytest.raises(StoreError, match="Keep dicts, lists"):
        put(store, "a", value)
    assert store.read(MINE, "a") == {"value": 1}


def test_a_store_may_be_closed_twice(store: Store) -> None:
    put(store, "a", 1)
    store.close()
    store.close()


# What several processes share.


def test_what_one_keeps_another_finds(text: str) -> None:
    with closing(open_store(text)) as one, closing(open_store(text)) as other:
        fill(one)
        assert other.snapshot() == one.snapshot()
        assert other.count(MINE, "a") == 2
        assert one.count(MINE, "a") == 3
        other.clear()
        assert one.records(MINE) == []
    with closing(open_store(text)) as later:
        assert later.count(MINE, "a") == 0


def start(text: str, script: str) -> subprocess.Popen[str]:
    """Start a process with a store in it, which waits for a line before it goes on."""
    opening = (
        "import sys; from mockserver.stores import open_store\n"
        "store = open_store(sys.argv[1])\n"
        "def add_one(record): return {'value': (record or {'value': 0})['value'] + 1}\n"
        "print('ready', flush=True); input()\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", opening + script, text],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


INCREMENTS = """
numbers = []
for place in range(200):
    store.change(("echo", "mine"), "shared", add_one)
    store.change(("echo", "mine"), f"{sys.argv[1:]} {__import__('os').getpid()} {place}", add_one)
    numbers.append(store.count(("echo", "mine"), "shared"))
print(*numbers)
"""


@pytest.mark.parametrize("processes", [4, 8])
def test_processes_lose_no_change_and_no_count(text: str, processes: int) -> None:
    workers = [start(text, INCREMENTS) for _ in range(processes)]
    for worker in workers:
        assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
    numbers: list[int] = []
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        said, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0
        numbers += map(int, said.split())
    with closing(open_store(text)) as store:
        assert store.read(MINE, "shared") == {"value": processes * 200}
        assert len(store.records(MINE)) == processes * 200 + 1
        assert sorted(numbers) == list(range(processes * 200))
        assert store.count(MINE, "shared") == processes * 200


def test_stores_that_make_one_new_file_at_once_all_have_it(tmp_path: Path) -> None:
    for place in range(30):
        text = f"sqlite:{tmp_path / str(place)}"
        with ThreadPoolExecutor(8) as pool:
            stores = list(pool.map(open_store, [text] * 8))
        assert [store.count(MINE, "shared") for store in stores] == list(range(8))
        for store in stores:
            store.close()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing is killed at once here")
def test_a_writer_that_is_killed_loses_nothing_that_change_returned(text: str) -> None:
    script = "while True: print(store.change(('a',), 'a', add_one)['value'], flush=True)"
    with start(text, script) as writer:
        assert writer.stdin is not None and writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        writer.stdin.write("go\n")
        writer.stdin.flush()
        for _ in range(200):
            writer.stdout.readline()
        writer.kill()
        rest = writer.stdout.read()
    last = int(rest.rpartition("\n")[0].rpartition("\n")[2] or 200)
    with closing(open_store(text)) as store:
        record = store.read(("a",), "a")
        assert record is not None
        assert record["value"] in (last, last + 1), "or one that it could not tell any more"
        assert put(store, "a", 1) == {"value": 1}


def test_large_store_on_disk_makes_room_for_some_at_once(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "store", most_records=3000)) as store:
        for number in range(3000):
            put(store, f"{number:04}", number)
        assert len(store.records(MINE)) == 3000
        store.read(MINE, "0000")
        put(store, "one more", 0)
        left = [record["value"] for record in store.records(MINE)]
        assert left == [0, *range(5, 3000), 0], "one too many, and a thousandth of what it holds"


def test_who_reads_while_memory_is_restored_sees_what_was_or_what_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    put(store, "a", 1)
    found: list[Record | None] = []
    reader = threading.Thread(target=lambda: found.append(store.read(MINE, "a")))
    kept = store_module._kept

    def meanwhile(born: int, record: Record) -> bytes:
        reader.start()
        reader.join(0.1)  # it may wait until all is restored
        return kept(born, record)

    snapshot = store.snapshot()
    monkeypatch.setattr(store_module, "_kept", meanwhile)
    store.restore(snapshot)
    reader.join()
    assert found == [{"value": 1}]

"""One journal of several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.journal import Entry, Filter, Journal
from mockserver.shared_journal import HEAD, SharedJournal

FIELDS: dict[str, Any] = {
    "at": 1.5,
    "api": "echo",
    "operation": "hear",
    "session": "s",
    "caller": "known",
    "method": "GET",
    "path": "/say/a",
    "query": "",
    "headers": (("Host", "localhost"),),
    "body": "\ud800 é",
    "status": 200,
    "answer_headers": (),
    "answer": "a",
    "chunks": ((0.0, 1), (0.5, 3)),
    "fixture": "",
    "remarks": ("one",),
    "faults": ("echo.a",),
    "chaos": ("drip=64",),
}

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def pair(path: Path) -> Iterator[tuple[SharedJournal, SharedJournal]]:
    both = SharedJournal(path), SharedJournal(path)
    yield both
    for one in both:
        one.close()


def test_what_one_writes_the_other_reads_as_it_was(
    pair: tuple[SharedJournal, SharedJournal],
) -> None:
    here, there = pair
    written = [
        here.write(0.1, Entry(0, **FIELDS)),
        there.write(0.2, Entry(0, **{**FIELDS, "status": 404})),
    ]
    assert [entry.number for entry in written] == [1, 2]
    assert here.entries() == there.entries() == written
    assert here.entries(Filter(status=404)) == written[1:]
    assert here.written == there.written == 2
    assert here.metrics_text() == there.metrics_text()
    assert b'counterfoil_answer_seconds_sum{api="echo"} 0.3' in here.metrics_text()[0]
    here.clear()
    assert there.entries() == here.entries() == []
    assert there.write(0.1, Entry(0, **FIELDS)).number == 3
    assert b'operation="hear",status="200"} 2.0' in here.metrics_text()[0]


def test_everything_that_was_counted_is_known_to_who_comes_after_the_journal_was_cleared(
    path: Path, pair: tuple[SharedJournal, SharedJournal]
) -> None:
    here, _ = pair
    here.write(0.1, Entry(0, **FIELDS))
    here.write(0.1, Entry(0, **FIELDS))
    counted = here.metrics_text()[0].replace(b"journal_entries 2.0", b"journal_entries 0.0")
    here.clear()
    late = SharedJournal(path)
    assert late.metrics_text()[0] == counted
    assert b'chaos_total{kind="drip"} 2.0' in counted
    late.close()


def test_it_does_what_a_journal_of_one_process_does(path: Path) -> None:
    alone, shared = Journal(3, 10_000), SharedJournal(path, 3, 10_000)
    for number in range(20):
        fields = {**FIELDS, "body": "x" * (number * 300), "at": float(number)}
        for journal in (alone, shared):
            journal.write(0.1, Entry(0, **fields))
        assert shared.entries() == alone.entries()
        assert (shared.kept, shared.written) == (alone.kept, alone.written)
    assert shared.metrics_text() == alone.metrics_text()


def test_a_file_that_grows_too_large_is_begun_anew_and_nothing_that_is_kept_is_lost(
    path: Path,
) -> None:
    journals = [SharedJournal(path, most=5, most_file=20_000) for _ in range(2)]
    for number in range(500):
        journals[number % 2].write(0.1, Entry(0, **{**FIELDS, "at": float(number)}))
        assert path.stat().st_size < 30_000
    for journal in journals:
        assert [entry.at for entry in journal.entries()] == [495.0, 496.0, 497.0, 498.0, 499.0]
        assert sum(journal.metrics.totals()["exchanges"][0][-1]["answers"]) == 500


def test_an_entry_that_was_cut_off_is_passed_over(path: Path) -> None:
    journal, other = SharedJournal(path), SharedJournal(path)
    journal.write(0.1, Entry(0, **FIELDS))
    with path.open("ab") as file:
        file.write(b'{"entry":{"number":2,"at"')
    assert [entry.number for entry in other.entries()] == [1]
    other.write(0.1, Entry(0, **FIELDS))
    assert [entry.number for entry in journal.entries()] == [1, 2]
    assert [entry.number for entry in other.entries()] == [1, 2]


def test_a_head_that_was_never_written_is_that_of_an_empty_journal(path: Path) -> None:
    path.write_bytes(b"\0" * (HEAD.size - 1))
    assert SharedJournal(path).entries() == []
    assert SharedJournal(path).write(0.1, Entry(0, **FIELDS)).number == 1


def written_by(path: Path, count: int, name: str) -> None:
    journal = SharedJournal(path, most=1000, most_file=100_000)
    for _ in range(count):
        journal.write(0.1, Entry(0, **{**FIELDS, "session": name}))


def test_processes_that_write_at_the_same_time_lose_nothing(path: Path) -> None:
    writers = [SPAWN.Process(target=written_by, args=(path, 200, f"s{n}")) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    journal = SharedJournal(path, most=1000)
    assert [entry.number for entry in journal.entries()] == list(range(1, 601))
    assert {len(journal.entries(Filter(session=f"s{n}"))) for n in range(3)} == {200}


def test_a_process_that_is_killed_leaves_a_journal_that_others_go_on_with(path: Path) -> None:
    writer = SPAWN.Process(target=written_by, args=(path, 10**9, "killed"))
    writer.start()
    journal = SharedJournal(path, most=1000, most_file=100_000)
    until = time.monotonic() + 20
    while journal.written < 300 and time.monotonic() < until:
        time.sleep(0.01)
    assert writer.pid
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(10)
    before = journal.written
    assert before >= 300
    assert journal.write(0.1, Entry(0, **FIELDS)).number == before + 1
    numbers = [entry.number for entry in journal.entries()]
    assert numbers == sorted(set(numbers)) and numbers[-1] == before + 1


def test_a_page_that_follows_is_fed_by_every_process(
    pair: tuple[SharedJournal, SharedJournal],
) -> None:
    here, there = pair
    for number in range(6):
        pair[number % 2].write(0.1, Entry(0, **{**FIELDS, "at": float(number)}))
    for journal in pair:
        assert [entry.number for entry in journal.after(2, 3)] == [3, 4, 5]
        assert journal.after(6, 3) == []
        assert journal.first == 1
        assert (journal.find(4) or journal.find(1)) == journal.entries()[3]
        assert journal.find(7) is None
    assert here.began == there.began != 0


def test_a_number_that_nobody_has_is_a_hole_and_no_more(path: Path) -> None:
    journal = SharedJournal(path)
    journal.write(0.1, Entry(0, **FIELDS))
    made, begun, last = HEAD.unpack(path.read_bytes()[: HEAD.size])
    with path.open("r+b") as file:
        file.write(HEAD.pack(made, begun, last + 2))  # of writers that were killed
    journal.write(0.1, Entry(0, **FIELDS))
    journal.write(0.1, Entry(0, **FIELDS))
    assert [entry.number for entry in journal.after(0, 10)] == [1, 4, 5]
    assert [entry.number for entry in journal.after(2, 10)] == [4, 5]
    assert [bool(journal.find(number)) for number in range(7)] == [False, True] + [False] * 2 + [
        True, True, False,
    ]  # fmt: skip


def test_who_follows_and_who_comes_seldom_read_the_same_while_parts_take_turns(path: Path) -> None:
    bounds = {"most": 20, "most_file": 10_000}
    writer, follower, rare = (SharedJournal(path, **bounds) for _ in range(3))
    seen: list[int] = []
    for number in range(1, 1001):
        writer.write(0.1, Entry(0, **{**FIELDS, "body": "x" * (number % 700)}))
        seen += [entry.number for entry in follower.after(len(seen), 100)]
        if number % 333 == 0:
            last = list(range(number - 19, number + 1))
            assert [entry.number for entry in rare.entries()] == last
            late = SharedJournal(path, **bounds)
            assert late.entries() == rare.entries() == follower.entries()
            late.close()
    assert seen == list(range(1, 1001))
    assert sum(one.stat().st_size for one in path.parent.iterdir()) < 200_000
    for journal in (writer, follower, rare):
        journal.close()


def test_what_is_counted_is_known_at_once_to_all_and_names_have_room(
    pair: tuple[SharedJournal, SharedJournal],
) -> None:
    here, there = pair
    for number in range(1100):
        faults = (f"echo.{number}", "echo.always")
        pair[number % 2].write(0.1, Entry(0, **{**FIELDS, "faults": faults, "chunks": ()}))
    assert here.metrics.totals() == there.metrics.totals()
    found = here.metrics.totals()["faults"]
    assert found.pop("echo.always") == 1100
    assert set(found.values()) == {1} and len(found) == 1100


def test_a_name_that_was_cut_off_counts_for_nothing(path: Path) -> None:
    journal, other = SharedJournal(path), SharedJournal(path)
    journal.write(0.1, Entry(0, **FIELDS))
    with path.with_name("journal.names").open("ab") as file:
        file.write(b'\n["faults","echo')
    other.write(0.1, Entry(0, **{**FIELDS, "status": 404}))
    journal.write(0.1, Entry(0, **{**FIELDS, "status": 404}))
    assert journal.metrics.totals() == other.metrics.totals()
    counted = {kind[2]: sum(kind[4]["answers"]) for kind in journal.metrics.totals()["exchanges"]}
    assert counted == {200: 1, 404: 2}
    for one in (journal, other):
        one.close()


def telling(path: Path, name: str, told: Any) -> None:
    journal = SharedJournal(path, most=1000, most_file=50_000)
    while True:
        told.send(journal.write(0.1, Entry(0, **{**FIELDS, "session": name})).number)


def test_nothing_that_was_written_is_lost_by_processes_that_are_killed(path: Path) -> None:
    journal = SharedJournal(path, most=1000, most_file=50_000)
    told: dict[int, str] = {}
    for round in range(4):
        running = []
        for place in range(2):
            here, there = SPAWN.Pipe(duplex=False)
            name = f"{round}.{place}"
            process = SPAWN.Process(target=telling, args=(path, name, there))
            process.start()
            there.close()
            running.append((process, here, name))
        for process, here, name in running:
            for _ in range(150 + 37 * round):
                told[here.recv()] = name
            process.kill()
            while True:
                try:
                    told[here.recv()] = name
                except EOFError:
                    break
            process.join(10)
        last = journal.written
        kept = {entry.number: entry.session for entry in journal.entries()}
        expected = {number: name for number, name in told.items() if number > last - 1000}
        assert expected.items() <= kept.items()
        counted = sum(sum(one[4]["answers"]) for one in journal.metrics.totals()["exchanges"])
        assert len(told) <= counted <= last <= len(told) + 2 * (round + 1)

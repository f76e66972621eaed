"""`growth`: is a mock that holds many conversations as fast as one that holds few? Their size?"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from . import ours, stores, wrk
from .client import answers
from .performance_page import Limit, Section, Table, figure, machine, parser, tell
from .processes import cpu_seconds, resident
from .stores import Kind, NoStore, Place
from .wrk import Asked, load_of_many

LEAST = 0.9

EVERY = 50
"""Of so many conversations one is read when GETs are measured."""

UNTIL_READ = 0.3
"""Seconds after which the replies to what was posted are there."""

FILLED = 0.2
"""The part of the conversations after which sizes are taken for the first time: by then the journal
holds all that it ever will, and what is imported late is there."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A mock with conversations: how some are read, and, where it is known, what each takes."""

    pid: int
    url: str
    reads: Sequence[Asked] = ()
    process_bytes: float = math.nan
    store_bytes: float | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Rates of one verb with few conversations and with many, in turns."""

    verb: str
    few: Sequence[float]
    many: Sequence[float]
    failed: int
    costs: float
    """Processor time that a request takes with few, as a part of that with many."""

    @property
    def ratio(self) -> float:
        """Return the median of the ratios, each of two runs that followed one another."""
        pairs = zip(self.many, self.few, strict=True)
        return statistics.median(many / few for many, few in pairs) if self.few else math.nan


def fill(url: str, first: int, count: int, every: int) -> list[Asked]:
    """Post so many messages, numbered from `first` on, each to a conversation of its own.

    Return how one in `every` is read.
    """
    asked = (
        ours.bedrock_post(f"This is question number {number}, which nobody has asked before.")
        for number in range(first, first + count)
    )
    reads = []
    for number, (status, body) in enumerate(answers(url, asked)):
        if status != 200:
            raise ours.Lost(f"a message was not accepted: {status} {body[:200]!r}")
        if number % every == 0:
            made = json.loads(body)
            reads.append(ours.bedrock_get(made["conversationId"], made["messageId"]))
    return reads


def filled(place: Place, pid: int, url: str, count: int) -> Filled:
    """Fill a mock, and take its sizes on the way."""
    begin = int(count * FILLED)
    reads = fill(url, 0, begin, EVERY)
    before = resident(pid) * 1e6, place.size()
    reads += fill(url, begin, count - begin, EVERY)
    after = resident(pid) * 1e6, place.size()
    more = count - begin
    kept = None
    if before[1] is not None and after[1] is not None:
        kept = (after[1] - before[1]) / more
    return Filled(pid, url, reads, (after[0] - before[0]) / more, kept)


def emptied(url: str, count: int) -> list[Asked]:
    """Leave so many conversations in a mock; return how they are read."""
    ours.admin(url, "POST", "reset", {"api": "bedrock"})
    return fill(url, 10_000_000, count, 1)[:count]


def pairs(few: Filled, many: Filled, count: int, rounds: int, seconds: float) -> list[Pair]:
    """Measure both mocks in turns; the one with few is emptied each time, as POST fills it."""
    post = ours.bedrock_post()
    runs: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
    for _ in range(rounds):
        reads = emptied(few.url, count)
        time.sleep(UNTIL_READ)
        for name, one, some in (("few", few, reads), ("many", many, many.reads)):
            for verb, asked in (("GET", some), ("POST", [post])):
                runs.setdefault((verb, name), []).append(one_run(one, asked, seconds))
        # What made room for messages that were posted since is not asked for again.
        left = [read for read in many.reads if ours.call(many.url, read)[0] == 200]
        many = replace(many, reads=left)
    return [pair(verb, runs[verb, "few"], runs[verb, "many"]) for verb in ("POST", "GET")]


def one_run(one: Filled, asked: Sequence[Asked], seconds: float) -> tuple[float, float, int]:
    """Return requests a second, processor seconds a request, and failures."""
    before = cpu_seconds(one.pid)
    found = load_of_many(one.url, asked, seconds)
    return (
        found.per_second,
        (cpu_seconds(one.pid) - before) / max(1, found.requests),
        found.failed,
    )


def pair(
    verb: str, few: Sequence[tuple[float, float, int]], many: Sequence[tuple[float, float, int]]
) -> Pair:
    return Pair(
        verb,
        [rate for rate, _, _ in few],
        [rate for rate, _, _ in many],
        sum(failed for _, _, failed in (*few, *many)),
        statistics.median(small[1] / large[1] for small, large in zip(few, many, strict=True)),
    )


def measured(
    kind: Kind, few: int, many: int, rounds: int, seconds: float
) -> tuple[Filled, list[Pair]]:
    with ExitStack() as stack:
        small = stack.enter_context(stores.place(kind))
        large = stack.enter_context(stores.place(kind))
        serving = [
            stack.enter_context(ours.serving(["bedrock"], "--state", one.state))
            for one in (small, large)
        ]
        process, url = serving[1]
        full = filled(large, process.pid, url, many)
        other = Filled(serving[0][0].pid, serving[0][1])
        fill(other.url, 0, int(many * FILLED), EVERY)  # its journal is full, too
        return full, pairs(other, full, few, rounds, seconds)


def main(words: list[str]) -> None:
    options = parser("growth", __doc__ or "")
    options.add_argument("--few", type=int, default=100, metavar="N")
    options.add_argument("--many", type=int, default=100_000, metavar="N")
    options.add_argument("--rounds", type=int, default=3, metavar="N")
    options.add_argument("--seconds", type=int, default=3, metavar="S", help="of each run")
    options.add_argument("--stores", nargs="*", default=stores.KINDS, choices=stores.KINDS)
    given = options.parse_args(words)
    if not wrk.have_wrk():
        raise SystemExit("no wrk here, and apt-get installs none")
    rows, reached, lost = [], [], []
    for kind in given.stores:
        try:
            full, found = measured(kind, given.few, given.many, given.rounds, given.seconds)
        except NoStore as problem:
            lost.append(f"{kind}: {problem}.")
            continue
        rows += [row(kind, full, pair) for pair in found]
        reached += [
            Limit(f"{kind}: {pair.verb}, {given.many:,} / {given.few:,}", pair.ratio, LEAST)
            for pair in found
        ]
        print(rows[-2:], file=sys.stderr, flush=True)
    about = ABOUT.format(
        setting=machine(), few=given.few, many=given.many, rounds=given.rounds,
        seconds=given.seconds, lost=" ".join(lost), every=EVERY,
    ).strip()  # fmt: skip
    head = ("store", "", f"req/s with {given.few:,}", f"with {given.many:,}", "ratio", "by CPU",
            "failed", "bytes of the process", "of the store")  # fmt: skip
    command = " ".join(["python -m benchmarks growth", *words])
    section = Section("growth", "Growth", command, about, [Table(head, rows)], reached)
    tell(section, given.write)


def row(kind: Kind, full: Filled, pair: Pair) -> tuple[str, ...]:
    kept = "" if full.store_bytes is None else figure(full.store_bytes)
    return (
        kind, pair.verb, figure(statistics.median(pair.few)), figure(statistics.median(pair.many)),
        figure(pair.ratio), figure(pair.costs), str(pair.failed), figure(full.process_bytes), kept,
    )  # fmt: skip


ABOUT = """\
{setting}. Two `counterfoil serve bedrock` a store, one with {few:,} conversations and one with
{many:,}, under the same load in turns, runs of {seconds:g} s, rounds: {rounds}, medians; the ratio
is the median of the rounds', once more by the processor time that a request took the mock. GET
reads one stored message after the other, of {many:,} conversations one in {every}. Every store
keeps 100,000 records and lets the least recently used go: with 100,000, each POST lets one go, and
in SQLite one POST of a hundred lets a hundred go.
Bytes are what one more conversation takes, of one question and its reply, two messages: by the
resident memory of the process, and by the file (with its log) or by Redis' own figure. {lost}"""

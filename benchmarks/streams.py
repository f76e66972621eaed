"""`streams`: thousands of paced streams at once; is each in time, and what do they cost?"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import ours
from .client import as_bytes
from .performance_page import Limit, Section, Table, figure, machine, parser, tell
from .processes import ROOT, cpu_seconds, raise_open_files, resident
from .stream_client import LATER, SAMPLE
from .wrk import Asked

QUESTION = "How long may it take?"
CHUNK = 24

LATE, FIRST, MEMORY = 1.15, 0.1, 200.0
"""Of its ideal time a stream may take; seconds until its first byte; MB of the server."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was seen of one run; times in seconds, sorted."""

    ramp: float
    whole: int
    first: Sequence[float]
    ratios: Sequence[float]
    gaps: Sequence[float]
    memory: float
    cpu: float
    busy: float


def judged(said: Mapping[str, Any], ramp: float, ideal: float, size: int) -> dict[str, Any]:
    """Return of what the client says how long each whole stream took, in parts of its ideal time.

    A stream of another length than `size` is not whole.
    """
    whole = [one for one in said["streams"] if one["bytes"] == size and not math.isnan(one["last"])]
    return {
        "ramp": ramp,
        "whole": len(whole),
        "first": sorted(one["first"] - one["sent"] for one in whole),
        "ratios": sorted((one["last"] - one["sent"]) / ideal for one in whole),
        "gaps": sorted(
            after - before
            for one in whole
            for before, after in zip(one["arrivals"], one["arrivals"][1:], strict=False)
        ),
    }


def share(values: Sequence[float], part: float) -> float:
    """Return the value that this part of them does not exceed; NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


@contextmanager
def watched_memory(pid: int) -> Iterator[list[float]]:
    """Yield a list to which the MB of the process are added, ten times a second."""
    seen = [resident(pid)]
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            seen.append(resident(pid))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def scripted(url: str, chunks: int) -> tuple[Asked, float, int]:
    """Script a reply that leaves in so many chunks.

    Return how it is asked for, the seconds that it takes by its schedule, and its bytes.
    """
    asked = ours.chatbot_post(QUESTION, stream=True)
    length = CHUNK * (chunks - 10)
    for _ in range(20):
        ours.admin(url, "DELETE", "replies")
        ours.admin(url, "POST", "replies", {"question": QUESTION, "answer": "x" * length})
        status, body = ours.call(url, asked)
        entry = ours.admin(url, "GET", "journal")["entries"][-1]
        # What leaves in the same moment is one chunk to whoever reads it.
        leaves = sorted({at for at, _ in entry["chunks"]})
        if status == 200 and len(leaves) == chunks:
            return asked, leaves[-1], len(body)
        length += CHUNK * (chunks - len(leaves))
    raise ours.Lost(f"no reply leaves in {chunks} chunks")


def one_run(pid: int, url: str, count: int, ramp: float, how: tuple[Asked, float, int]) -> Run:
    asked, ideal, size = how
    where = urlsplit(url)
    job = {
        "host": where.hostname, "port": where.port, "count": count, "ramp": ramp, "ideal": ideal,
        "patience": 20 * ideal, "request": as_bytes(asked, where.netloc).decode(),
    }  # fmt: skip
    before = cpu_seconds(pid)
    with watched_memory(pid) as seen:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.stream_client"], input=json.dumps(job), text=True,
            cwd=ROOT, check=True, stdout=subprocess.PIPE,
        )  # fmt: skip
    said = json.loads(done.stdout)
    return Run(
        **judged(said, ramp, ideal, size),
        memory=max(seen),
        cpu=cpu_seconds(pid) - before,
        busy=said["busy"],
    )


def row(run: Run, count: int) -> tuple[str, ...]:
    name = f"over {run.ramp:g} s" if run.ramp else "all in one burst"
    times = [share(run.ratios, part) for part in (0.5, 0.99, 1)]
    firsts = [share(run.first, part) * 1000 for part in (0.5, 0.99, 1)]
    gaps = [share(run.gaps, part) * 1000 for part in (0.5, 0.99)]
    return (
        name, f"{run.whole} of {count}", *map(figure, times), *map(figure, firsts),
        *map(figure, gaps), figure(run.memory), figure(run.cpu), f"{run.busy:.0%}",
    )  # fmt: skip


HEAD = (
    "requests sent", "whole", "time/ideal p50", "p99", "max", "first byte ms p50", "p99", "max",
    "gap ms p50", "p99", "MB", "CPU s", "client busy",
)  # fmt: skip


def limits(run: Run, count: int) -> list[Limit]:
    name = f"{count:,} streams over {run.ramp:g} s" if run.ramp else f"{count:,} streams at once"
    return [
        Limit(f"{name}: whole", run.whole, count),
        Limit(f"{name}: slowest / ideal", share(run.ratios, 1), at_most=LATE),
        Limit(f"{name}: latest first byte", share(run.first, 1) * 1000,
              at_most=FIRST * 1000, unit=" ms"),
        Limit(f"{name}: memory", run.memory, at_most=MEMORY, unit=" MB"),
    ]  # fmt: skip


def main(words: list[str]) -> None:
    options = parser("streams", __doc__ or "")
    options.add_argument("--count", type=int, default=2000, metavar="N")
    options.add_argument("--chunks", type=int, default=50, metavar="N")
    options.add_argument("--delay", type=float, default=0.02, metavar="S", help="between chunks")
    options.add_argument("--ramp", type=float, nargs="*", default=[0.0, 0.5], metavar="S",
                         help="seconds over which requests are sent; 0 is one burst")  # fmt: skip
    options.add_argument("--rounds", type=int, default=3, metavar="N")
    given = options.parse_args(words)
    files = raise_open_files()
    if files < given.count + 100:
        raise SystemExit(f"{given.count} streams take more open files than the {files} here")
    settings = ("--chunk-size", str(CHUNK), "--chunk-delay", str(given.delay))
    runs: dict[float, list[Run]] = {ramp: [] for ramp in given.ramp}
    with ours.serving(["chatbot"], *settings) as (process, url):
        how = scripted(url, given.chunks)
        one_run(process.pid, url, min(200, given.count), 0.0, how)  # what is imported late is in
        for _ in range(given.rounds):
            for ramp in given.ramp:
                runs[ramp].append(one_run(process.pid, url, given.count, ramp, how))
    middles = [middle(of) for of in runs.values()]
    about = ABOUT.format(
        setting=machine(), count=given.count, chunks=given.chunks, delay=given.delay * 1000,
        ideal=how[1], sample=SAMPLE, later=LATER, rounds=given.rounds,
    )  # fmt: skip
    tell(
        Section(
            "streams",
            "Streams",
            " ".join(["python -m benchmarks streams", *words]),
            about,
            [Table(HEAD, [row(run, given.count) for run in middles])],
            [limit for run in middles for limit in limits(run, given.count)],
        ),
        given.write,
    )


def middle(runs: Sequence[Run]) -> Run:
    """Return the run whose slowest stream is the median of all runs; its figures belong together.

    One that lost a stream is slower than any that did not.
    """

    def slowest(run: Run) -> tuple[int, float]:
        return -run.whole, share(run.ratios, 1)

    place = statistics.median_low(range(len(runs)))
    return sorted(runs, key=slowest)[place]


ABOUT = """\
{setting}. {count:,} connections to one `counterfoil serve chatbot`, a question on each, its
answer in {chunks} chunks {delay:g} ms apart (ideal {ideal:g} s, from when the request left). The
client is another process on the same cores; it looks at each stream's first byte and, from
{later:g} of its time on, at its end, and at one in {sample} all the time (gaps). Rounds: {rounds};
the one whose slowest stream is the median."""

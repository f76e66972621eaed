"""`start`: seconds until the first answer of all four mocks, and the memory that they then hold."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mockserver.faults import names as api_names

from . import ours
from .peers import peers
from .performance_page import Limit, Section, Table, figure, machine, parser, tell
from .processes import ROOT, NotStarted, answers, cpu_seconds, end, free_port, resident
from .throughput import BARE, as_subject, bare_subjects

FLASK = "a Flask app of one view"

SECONDS, MEMORY = 0.45, 120.0

IDLE = 0.5
"""Seconds after the first answer at which memory is looked at."""


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds of the wall's clock and of the processor until the first answer, and MB after it."""

    seconds: float
    cpu: float
    memory: float


def started(command: Sequence[str], url: str) -> Start:
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        while not answers(url):
            if process.poll() is not None or time.perf_counter() - began > 60:
                raise NotStarted(" ".join(command))
            time.sleep(0.002)
        seconds, cpu = time.perf_counter() - began, cpu_seconds(process.pid)
        time.sleep(IDLE)
        return Start(seconds, cpu, resident(process.pid))
    finally:
        end(process)


Starter = Callable[[], Start]


def starters(with_peers: bool) -> tuple[dict[str, Starter], list[str]]:
    """Return what is started, ours first, and the versions of the peers among it."""

    def of(command: Callable[[int], Sequence[str]], path: str = "") -> Starter:
        def start() -> Start:
            port = free_port()
            return started(command(port), f"http://127.0.0.1:{port}{path}")

        return start

    names = api_names()
    made = {
        f"ours, {' '.join(names)}": of(
            lambda port: ours.serve_command([], port), "/_counterfoil/health"
        ),
        f"ours, {names[0]} alone": of(
            lambda port: ours.serve_command(names[:1], port), "/_counterfoil/health"
        ),
        FLASK: of(lambda port: [sys.executable, "-m", "benchmarks.bare", "flask", str(port)]),
        "Python, `import flask`": lambda: imported("flask"),
    }
    for bare in bare_subjects():
        if bare.name == BARE:
            made[bare.name] = of(bare.command)
    found = peers()[0] if with_peers else []
    made |= {peer.name: of(as_subject(peer).command) for peer in found}
    return made, [peer.version for peer in found]


def imported(module: str) -> Start:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, cwd=ROOT)
    return Start(time.perf_counter() - began, 0.0, 0.0)


def section(rounds: int, with_peers: bool, words: Sequence[str]) -> Section:
    made, versions = starters(with_peers)
    runs: dict[str, list[Start]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, start in made.items():
            runs[name].append(start())
    middles = {
        name: Start(*(statistics.median(getattr(one, field) for one in of) for field in FIELDS))
        for name, of in runs.items()
    }
    mine = next(iter(middles.values()))
    flask = middles[FLASK].seconds
    rows = [
        (name, figure(one.seconds), figure(one.seconds / flask), figure(one.cpu or float("nan")),
         figure(one.memory or float("nan")))
        for name, one in middles.items()
    ]  # fmt: skip
    versions = [ours.named(), *versions]
    return Section(
        "start",
        "Start and memory",
        " ".join(["python -m benchmarks start", *words]),
        ABOUT.format(
            setting=machine(), versions=", ".join(versions), rounds=rounds, idle=IDLE
        ),
        [Table(("", "first answer s", "of a Flask app", "CPU s", "idle MB"), rows)],
        [Limit("all four mocks, first answer", mine.seconds, at_most=SECONDS, unit=" s"),
         Limit("all four mocks, idle", mine.memory, at_most=MEMORY, unit=" MB")],
    )  # fmt: skip


FIELDS = ("seconds", "cpu", "memory")

ABOUT = """\
{setting}; {versions}. From the start of the process until its first answer of whatever status,
asked for every 2 ms; memory is what is resident {idle:g} s later. All in turns; rounds:
{rounds}, medians."""


def main(words: list[str]) -> None:
    options = parser("start", __doc__ or "")
    options.add_argument("--rounds", type=int, default=7, metavar="N")
    options.add_argument("--no-peers", action="store_true", help="ours and Python's alone")
    given = options.parse_args(words)
    tell(section(given.rounds, not given.no_peers, words), given.write)

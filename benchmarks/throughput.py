"""`throughput`: requests a second and latencies, ours, other mock servers and the bare server."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from . import ours, wrk
from .peers import FRESH, GET, POST, STORED, Peer, peers
from .performance_page import Limit, Section, Table, figure, machine, parser, tell
from .processes import NotStarted, cpu_seconds, free_port, running
from .wrk import Asked, Load, load

OURS, SECOND = "ours, bedrock", "ours, mtmai"
BARE = "bare WSGI callable"

WARM = 40
"""Seconds of load after which WireMock's Java is at its best."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A server on a port of its own, and what it is asked; `get` may have to post first."""

    name: str
    command: Callable[[int], Sequence[str]]
    post: Asked
    get: Callable[[str], Asked]
    peer: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: what wrk saw, the bytes of an answer, and what a request cost the server."""

    load: Load
    size: int
    cpu: float
    """Microseconds of processor time, of all processes and threads."""


@dataclass(frozen=True, slots=True)
class Row:
    """A subject and the median of its rounds; of nothing measured the rate is NaN."""

    name: str
    peer: bool
    rate: float
    p50: float
    p99: float
    cpu: float
    size: int
    failed: int


def our_subjects(*options: str) -> list[Subject]:
    def command(api: str) -> Callable[[int], Sequence[str]]:
        return lambda port: ours.serve_command([api], port, *options)

    return [
        Subject(OURS, command("bedrock"), ours.bedrock_post(), ours.bedrock_stored),
        Subject(SECOND, command("mtmai"), ours.mtmai_post(), ours.mtmai_stored),
    ]


def bare_subjects() -> list[Subject]:
    def command(port: int) -> Sequence[str]:
        return [sys.executable, "-m", "benchmarks.bare", "wsgi", str(port)]

    return [Subject(BARE, command, POST, lambda _: GET)]


def as_subject(peer: Peer) -> Subject:
    return Subject(peer.name, peer.command, peer.post, lambda _: peer.get, peer=True)


def measured(subject: Subject, verb: str, seconds: float, warm_up: float) -> Measured:
    """Start the server, warm it up with the same load, measure, end it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(subject.command(port), url) as process:
        asked = subject.post if verb == "POST" else subject.get(url)
        status, body = ours.call(url, asked)
        if status != 200:
            raise NotStarted(f"{subject.name}: {verb} is answered with {status} {body[:200]!r}")
        load(url, asked, warm_up)
        before = cpu_seconds(process.pid)
        found = load(url, asked, seconds)
        cpu = (cpu_seconds(process.pid) - before) * 1e6 / max(1, found.requests)
    return Measured(found, len(body), cpu)


def rounds(
    subjects: Sequence[Subject], verb: str, times: int, seconds: float, warm_up: float
) -> list[Row]:
    """Measure all in turns, so that whatever else the machine does falls on each."""
    runs: dict[str, list[Measured]] = {subject.name: [] for subject in subjects}
    for number in range(times):
        for subject in subjects:
            one = measured(subject, verb, seconds, warm_up)
            runs[subject.name].append(one)
            print(f"round {number + 1} {verb:4} {subject.name:32} {one.load.per_second:9,.0f}/s",
                  file=sys.stderr, flush=True)  # fmt: skip
    return [row(subject, runs[subject.name]) for subject in subjects]


def row(subject: Subject, runs: Sequence[Measured]) -> Row:
    def middle(read: Callable[[Measured], float]) -> float:
        return statistics.median(read(one) for one in runs) if runs else math.nan

    return Row(
        subject.name,
        subject.peer,
        middle(lambda one: one.load.per_second),
        middle(lambda one: one.load.p50),
        middle(lambda one: one.load.p99),
        middle(lambda one: one.cpu),
        int(middle(lambda one: one.size)) if runs else 0,
        sum(one.load.failed for one in runs),
    )


def table(verb: str, rows: Sequence[Row]) -> Table:
    """Return the rows; each rate beside that of the fastest peer and of the bare server."""
    fastest = fastest_peer(rows)
    bare = rate_of(rows, BARE)
    head = (verb, "req/s", "of the fastest peer", "of the bare server", "p50 ms", "p99 ms",
            "CPU µs", "bytes", "failed")  # fmt: skip
    return Table(head, [
        (one.name, figure(one.rate), figure(one.rate / fastest), figure(one.rate / bare),
         figure(one.p50 * 1000), figure(one.p99 * 1000), figure(one.cpu), str(one.size),
         str(one.failed))
        for one in rows
    ])  # fmt: skip


def fastest_peer(rows: Iterable[Row]) -> float:
    """Return the rate of the fastest peer without a failure; NaN where there is none."""
    return max((one.rate for one in rows if one.peer and not one.failed), default=math.nan)


def rate_of(rows: Iterable[Row], name: str) -> float:
    return next((one.rate for one in rows if one.name == name), math.nan)


def limits(posts: Sequence[Row], gets: Sequence[Row]) -> list[Limit]:
    """Return what is promised of one process, for each of our mocks that was measured."""
    found = []
    for name in (OURS, SECOND):
        for verb, rows, least in (("POST", posts, 1.5), ("GET", gets, 1.0)):
            for one in (row for row in rows if row.name == name):
                what = f"{name}: {verb}"
                found += [
                    Limit(f"{what} / fastest peer", one.rate / fastest_peer(rows), least),
                    Limit(f"{what} / bare server", one.rate / rate_of(rows, BARE), 0.2),
                    Limit(f"{what}, p99", one.p99 * 1000, at_most=5, unit=" ms"),
                    Limit(f"{what}, failed", one.failed, at_most=0),
                ]
    return found


def two_workers(seconds: float, times: int) -> tuple[Table, list[Limit]]:
    """Measure GETs of two of our workers beside a WireMock that is warm."""
    mine = our_subjects("--workers", "2")[0]
    theirs = next((as_subject(peer) for peer in peers()[0] if peer.name == "WireMock"), None)
    found = rounds([one for one in (mine, theirs) if one], "GET", times, seconds, WARM)
    workers = row_named(found[0], f"{OURS}, 2 workers")
    shown = [workers, *found[1:]]
    ratio = workers.rate / fastest_peer(found)
    made = table(f"GET, after {WARM} s of warm-up", shown)
    return made, [Limit("GET of 2 workers / warm WireMock", ratio, 1.0),
                  Limit("GET of 2 workers, failed", workers.failed, at_most=0)]  # fmt: skip


def row_named(one: Row, name: str) -> Row:
    return Row(name, one.peer, one.rate, one.p50, one.p99, one.cpu, one.size, one.failed)


def main(words: list[str]) -> None:
    options = parser("throughput", __doc__ or "")
    options.add_argument("--rounds", type=int, default=3, metavar="N")
    options.add_argument("--seconds", type=int, default=5, metavar="S", help="of each run")
    options.add_argument("--warm-up", type=int, default=3, metavar="S", help="before each run")
    options.add_argument("--only", nargs="*", default=[], metavar="NAME", help="leave others out")
    options.add_argument("--workers", action="store_true", help="2 workers beside a warm WireMock")
    options.add_argument("--no-single", action="store_true", help="leave out what is one process")
    given = options.parse_args(words)
    if not wrk.have_wrk():
        raise SystemExit("no wrk here, and apt-get installs none")
    tell(section(given, words), given.write)


def section(given: object, words: Sequence[str]) -> Section:
    options = vars(given)
    every, lost = peers()
    subjects = [*our_subjects(), *map(as_subject, every), *bare_subjects()]
    subjects = [
        one for one in subjects
        if not options["only"] or any(word in one.name for word in options["only"])
    ]  # fmt: skip
    how = options["rounds"], options["seconds"], options["warm_up"]
    tables, reached = [], []
    if not options["no_single"]:
        posts, gets = (rounds(subjects, verb, *how) for verb in ("POST", "GET"))
        tables += [table("POST", posts), table("GET", gets)]
        reached += limits(posts, gets)
    if options["workers"]:
        more, wanted = two_workers(options["seconds"], options["rounds"])
        tables.append(more)
        reached += wanted
    versions = ", ".join([ours.named(), *(peer.version for peer in every), wrk.version()])
    return Section(
        "workers" if options["no_single"] else "throughput",
        "Throughput of two workers" if options["no_single"] else "Throughput",
        " ".join(["python -m benchmarks throughput", *words]),
        ABOUT.format(
            setting=machine(), versions=versions, connections=wrk.CONNECTIONS,
            lost=("Not had here: " + "; ".join(lost) + ".") if lost else "", rounds=how[0],
            seconds=how[1], warm_up=how[2],
            size=len(STORED), fresh=len(FRESH),
        ).strip(),
        tables,
        reached,
    )  # fmt: skip


ABOUT = """\
{setting}; {versions}. wrk with one thread and {connections} keep-alive connections, on the same
cores as the server. Each run is a fresh server, {warm_up:g} s of warm-up and {seconds:g} s that
count; all take their turns; rounds: {rounds}, medians. Ours is `counterfoil serve API` as it comes:
one process, with journal, validation, redaction and authentication; POST stores a message
(bedrock) or a chat (mtmai), GET reads a stored one. A peer has two stubs: POST answers a fresh id
({fresh} bytes; Prism always the same one, aimock a chat completion), GET {size} bytes (aimock its
list of models), and stores nothing; WireMock runs without its journal and request log. The bare
server is the mocks' own, with a WSGI callable that reads the body and answers fixed bytes. CPU is
what a request cost the server, of all its threads. {lost}"""


if __name__ == "__main__":
    main(sys.argv[1:])

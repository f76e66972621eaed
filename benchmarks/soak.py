"""`soak`: minutes of mixed load on all four mocks, with faults that come and go and workers killed.

Load comes in rounds. At the end of each everything is switched off, all that was acknowledged is
looked for, and the mocks forget it: so memory is compared in like states. What a second caller said
before the first round is looked for after the last.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from . import ours, stores
from .client import answers
from .performance_page import Limit, Section, Table, figure, machine, parser, tell
from .processes import family, resident
from .soak_findings import Event, Lost, Orders, Sample, Window, ordered, settled, slope, unexplained
from .soak_load import Client, Ledger, together
from .stores import NoStore

APIS = ("bedrock", "chatbot", "genesis", "mtmai")

FAULTS: Sequence[tuple[str, str, Orders, str]] = (
    ("bedrock", "bedrock.conversation.unknown_is_500", "5xx", "refused"),
    ("chatbot", "chatbot.status.refusal_with_500", "5xx", "refused"),
    ("genesis", "genesis.robustness.malformed", "5xx", "refused"),
    ("mtmai", "mtmai.body.malformed_500", "5xx", "refused"),
    ("bedrock", "bedrock.conversation.without_title@0.5", "odd", "none"),
    ("chatbot", "chatbot.shape.request_id_missing@0.5", "odd", "none"),
    ("genesis", "genesis.shape.message_missing", "odd", "none"),
    ("mtmai", "mtmai.list.rows_null@0.5", "odd", "none"),
)
"""Faults that leave alone what is stored; which requests each may answer with what."""

CHAOS: Sequence[tuple[dict[str, Any], Orders]] = (
    ({"latency": "uniform:0,0.02"}, "odd"),
    ({"connection": ["reset@0.05", "truncated@0.05"]}, "cut"),
)

ON, OFF = 1.5, 0.5
"""Seconds that a switch is on, and those until the next one."""

AFTERMATH = 5.0
"""Seconds after the end of a worker in which connections to it may break."""

FLAT, LONG = 0.5, 300.0
"""MB a minute that memory may grow, and the seconds of a soak that is long enough to say so."""


@dataclass(slots=True)
class Soak:
    """One server under load, and what was found."""

    kind: str
    workers: int
    windows: list[Window] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    memory: list[Sample] = field(default_factory=list)
    requests: int = 0
    acknowledged: int = 0
    killed: int = 0
    came_back: bool = True
    switches: int = 0


def workers_of(pid: int) -> list[int]:
    """Return the processes that serve, of a server that has several."""
    return [one for one in family(pid)[1:] if b"spawn_main" in _command(one)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def switch(url: str, soak: Soak, over: threading.Event, seed: int) -> None:
    """Switch faults and chaos on and off, one after the other, until it is over."""
    draw = random.Random(seed)
    while not over.is_set():
        began = time.monotonic()
        if draw.random() < 0.75:
            api, fault, orders, kind = draw.choice(FAULTS)
            ours.admin(url, "PUT", "faults", {"api": api, "faults": [fault]})
        else:
            (plan, orders), api, kind = draw.choice(CHAOS), draw.choice(APIS), ""
            ours.admin(url, "PUT", "chaos", {"api": api, **plan})
        over.wait(ON)
        ours.admin(url, "DELETE", "faults")
        ours.admin(url, "DELETE", "chaos")
        soak.windows.append(Window(orders, began, time.monotonic(), api, kind))
        soak.switches += 1
        over.wait(OFF)


def kill(pid: int, url: str, soak: Soak, count: int) -> None:
    """End one worker at once, and see that another takes its place."""
    before = workers_of(pid)
    began = time.monotonic()
    os.kill(random.Random(count).choice(before), signal.SIGKILL)
    soak.killed += 1
    until = began + 30
    while time.monotonic() < until:
        now = workers_of(pid)
        if len(now) == soak.workers and set(now) != set(before):
            break
        time.sleep(0.1)
    else:
        soak.came_back = False
    soak.windows.append(Window("killed", began, time.monotonic() + AFTERMATH))


def one_round(
    pid: int, url: str, soak: Soak, clients: Sequence[Client], seconds: float, pause: float,
    kills: bool,
) -> None:  # fmt: skip
    """Load, with switches; then look for all that was acknowledged, and let it be forgotten.

    The last of the clients does nothing but look, for what all have written into.
    """
    over = threading.Event()
    switcher = threading.Thread(
        target=switch, args=(url, soak, over, len(soak.memory)), daemon=True
    )
    switcher.start()
    until = time.monotonic() + seconds
    killer = threading.Timer(seconds / 2, kill, (pid, url, soak, len(soak.memory)))
    killer.daemon = True
    if kills:
        killer.start()
    *busy, reader = clients
    together([partial(one.run, lambda: time.monotonic() > until, pause) for one in busy])
    over.set()
    switcher.join()
    if kills:
        killer.join()
    state = remembered(url)
    ledgers = [*((one, one.own) for one in busy), (reader, reader.shared)]
    together([partial(verified, soak, *pair, state) for pair in ledgers])
    soak.acknowledged += sum(ledger.messages() for _, ledger in ledgers)
    for _, ledger in ledgers:
        ledger.clear()
    for api in APIS:
        ours.admin(url, "POST", "reset", {"api": api, "caller": "first"})


def remembered(url: str) -> str:
    """Return everything that the mocks remember as one text, as it stands in JSON."""
    return json.dumps(ours.admin(url, "GET", "state"), ensure_ascii=False)


def verified(soak: Soak, client: Client, ledger: Ledger, state: str) -> None:
    soak.lost += client.verify(ledger, state)


def begun(url: str, count: int) -> dict[str, dict[str, str]]:
    """Let a second caller say something; return what was acknowledged."""
    kept: dict[str, dict[str, str]] = {}
    for number in range(count):
        text = f"What will be left of {number}?"
        made = ours.told(url, ours.bedrock_post(text, at="/bedrock", caller="other_"))
        kept.setdefault(made["conversationId"], {})[made["messageId"]] = text
    return kept


def fill(url: str, count: int) -> None:
    """Ask so much that the counters and the journal are full; what was said is forgotten again."""
    asked = (
        ours.chatbot_post(f"What is number {number}?", stream=False, at="/chatbot")
        for number in range(count)
    )
    for status, body in answers(url, asked):
        if status != 200:
            raise ours.Lost(f"a question was not answered: {status} {body[:200]!r}")
    ours.admin(url, "POST", "reset", {"api": "chatbot", "caller": "first"})


def run(kind: stores.Kind, workers: int, given: Any) -> Soak:
    soak = Soak(kind, workers)
    options = ["--workers", str(workers)] if workers > 1 else []
    with (
        stores.place(kind) as place,
        ours.serving([], *options, "--state", place.state) as (process, url),
    ):
        fill(url, given.fill if kind == "memory" else 0)
        old = begun(url, 100)
        shared = Ledger()
        clients = [Client(url, number, shared) for number in range(given.clients)]
        reader = Client(url, given.clients, shared)
        began, rounds = time.monotonic(), 0
        while time.monotonic() - began < given.seconds:
            rounds += 1
            kills = workers > 1 and rounds % 2 == 1
            left = given.seconds - (time.monotonic() - began)
            seconds = max(min(given.round, left), 5.0)
            one_round(process.pid, url, soak, [*clients, reader], seconds, given.pause, kills)
            at = time.monotonic() - began
            soak.memory.append(Sample(at, resident(process.pid, shared=workers > 1)))
            print(f"{kind} x {workers}: {at:5.0f} s, {soak.memory[-1].memory:6.1f} MB, "
                  f"{len(soak.lost)} lost", file=sys.stderr, flush=True)  # fmt: skip
        other = Client(url, 0, Ledger(bedrock=old), "other_")
        soak.lost += other.verify(other.shared, "")
        soak.acknowledged += other.shared.messages()
        for one in (*clients, reader, other):
            one.hang_up()
            soak.events += one.events
            soak.requests += one.requests
    return soak


def row(soak: Soak) -> tuple[str, ...]:
    odd = unexplained(soak.events, soak.windows)
    cut = sum(event.status == 0 for event in soak.events) - sum(event.status == 0 for event in odd)
    levels = [sample.memory for sample in settled(soak.memory)]
    return (
        f"{soak.kind}, {soak.workers} process{'es' if soak.workers > 1 else ''}",
        f"{soak.requests:,}", f"{soak.acknowledged:,}", str(len(soak.lost)), str(soak.switches),
        str(ordered(soak.events, soak.windows)), str(cut), str(soak.killed), str(len(odd)),
        f"{levels[0]:.0f}, {levels[-1]:.0f}", figure(slope(settled(soak.memory))),
    )  # fmt: skip


HEAD = (
    "store", "requests", "acknowledged", "lost", "switches", "5xx ordered", "cut as ordered",
    "workers killed", "unexplained", "MB first, last", "MB a minute",
)  # fmt: skip


def limits(soak: Soak, seconds: float) -> list[Limit]:
    name = f"{soak.kind} x {soak.workers}"
    odd = unexplained(soak.events, soak.windows)
    failed = sum(event.status >= 500 for event in odd)
    found = [
        Limit(f"{name}: 5xx that no fault ordered", failed, at_most=0),
        Limit(f"{name}: other answers that nothing explains", len(odd) - failed, at_most=0),
        Limit(f"{name}: acknowledged and lost", len(soak.lost), at_most=0),
        # Where there was none, no fault was ever on, and the first line says nothing.
        Limit(f"{name}: 5xx that a fault ordered", ordered(soak.events, soak.windows), 1),
    ]
    if soak.workers > 1:
        found.append(Limit(f"{name}: workers that came back", float(soak.came_back), 1))
    if seconds >= LONG:
        grown = slope(settled(soak.memory))
        found.append(Limit(f"{name}: memory", grown, at_most=FLAT, unit=" MB/min"))
    return found


def main(words: list[str]) -> None:
    options = parser("soak", __doc__ or "")
    options.add_argument("--seconds", type=float, default=600, metavar="S", help="of each server")
    options.add_argument("--round", type=float, default=20, metavar="S", help="of load")
    options.add_argument("--clients", type=int, default=16, metavar="N")
    options.add_argument("--pause", type=float, default=0.01, metavar="S", help="between requests")
    options.add_argument("--fill", type=int, default=110_000, metavar="N",
                         help="questions asked of a mock in memory before it begins")  # fmt: skip
    options.add_argument("--servers", nargs="*", default=SERVERS, metavar="STORE:WORKERS")
    given = options.parse_args(words)
    found, lost = [], []
    for server in given.servers:
        kind, _, workers = server.partition(":")
        try:
            soak = run(kind, int(workers), given)
        except NoStore as problem:
            lost.append(f"{server}: {problem}.")
            continue
        found.append(soak)
        explain(soak)
    about = ABOUT.format(
        setting=machine(), seconds=given.seconds, clients=given.clients, round=given.round,
        fill=given.fill, lost=" ".join(lost),
    ).strip()  # fmt: skip
    command = " ".join(["python -m benchmarks soak", *words])
    reached = [limit for soak in found for limit in limits(soak, given.seconds)]
    several = all(soak.workers > 1 for soak in found)
    name = ("soak of several", "Soak, several processes") if several else ("soak", "Soak")
    tell(Section(*name, command, about, [Table(HEAD, list(map(row, found)))], reached),
         given.write)  # fmt: skip


SERVERS = ("memory:1", "sqlite:3", "redis:3")


def explain(soak: Soak) -> None:
    """Say of all that was found what it is, the same things together."""
    odd = unexplained(soak.events, soak.windows)
    kinds = Counter((event.api, event.kind, event.status, event.said[:120]) for event in odd)
    for (api, kind, status, said), times in kinds.most_common(20):
        print(f"unexplained, {times} times: {api} {kind} {status} {said}", file=sys.stderr)
    for one in soak.lost[:20]:
        print(f"lost: {one.api} {one.what}: {one.said}", file=sys.stderr)


ABOUT = """\
{setting}. `counterfoil serve` with all four APIs, {seconds:g} s each, {clients} clients that post,
stream, go on with conversations, write into common ones at once, rename, read and are refused;
faults and chaos of one API after the other are switched on and off by the admin API meanwhile.
After every {round:g} s of load all is switched off, and everything that was acknowledged is looked
for. Of several workers one is ended by `kill -9` in every other round. A 5xx, another status or a
broken connection counts as unexplained where nothing that was on may have done it. Memory is what
is resident after each round (of several workers, shared pages once), as the straight line through
the second half; a mock in memory is asked {fill:,} questions before the first round: its
counters and its journal, which have bounds, are full then, and in the first half its conversations
become those of this load, which have more messages. {lost}"""

"""What two judges found on the same servers: as lines for a terminal, and as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

THEIRS, OURS = "Schemathesis", "Counterfoil"


@dataclass(frozen=True, slots=True)
class Search:
    """One judge on one faulty server; `found` is what it said first, "" where it said nothing.

    `cut` is one that the time limit ended.
    """

    found: str
    calls: int
    seconds: float
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Both judges on one faulty server."""

    api: str
    group: str
    fault: str
    theirs: Search
    ours: Search


@dataclass(frozen=True, slots=True)
class Calm:
    """One judge on an honest server: what it complained of all the same, and what it reached.

    `never` are the operations of which no request of its was accepted.
    """

    alarms: tuple[str, ...]
    calls: int
    accepted: int
    seconds: float
    never: tuple[str, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Honest:
    """Both judges on the honest server of an API."""

    api: str
    theirs: Calm
    ours: Calm


@dataclass(frozen=True, slots=True)
class Comparison:
    """A whole benchmark; `setting` are the circumstances in which it was measured."""

    honest: Sequence[Honest]
    rows: Sequence[Row]
    setting: str


def totals(found: Comparison) -> str:
    """Return the last line."""
    n, servers = len(found.rows), len(found.honest)
    theirs = sum(len(one.theirs.alarms) for one in found.honest)
    ours = sum(len(one.ours.alarms) for one in found.honest)
    return (
        f"found by {THEIRS} {sum(bool(row.theirs.found) for row in found.rows)} of {n} with "
        f"{theirs} false alarms on {servers} honest servers; by us "
        f"{sum(bool(row.ours.found) for row in found.rows)} of {n} with {ours}"
    )


def head_line() -> str:
    return f"{'':50} {THEIRS:35} {'calls':>6} {'s':>5}  {OURS:35} {'calls':>6} {'s':>5}"


def honest_line(one: Honest) -> str:
    cells = [
        f"{_count(len(calm.alarms)):35} {calm.calls:6} {calm.seconds:5.1f}"
        for calm in (one.theirs, one.ours)
    ]
    return f"{one.api + ', honest':50} {cells[0]}  {cells[1]}"


def row_line(row: Row) -> str:
    cells = [
        f"{_fitted(search.found or _missed(search)):35} {search.calls:6} {search.seconds:5.1f}"
        for search in (row.theirs, row.ours)
    ]
    return f"{row.fault:50} {cells[0]}  {cells[1]}"


def page(found: Comparison) -> str:
    """Return the Markdown page."""
    parts = [
        "# Against plain Schemathesis",
        "Written by `make bench`, not by hand. " + found.setting,
        f"**F{totals(found)[1:]}.**",
        ABOUT,
        "## Faulty servers",
        _table(
            ("API", "group", "fault", THEIRS, "calls", "s", OURS, "calls", "s"),
            "llllrrlrr",
            (_row_cells(row) for row in found.rows),
        ),
        "## Honest servers",
        _table(
            ("API", "judge", "false alarms", "calls", "accepted", "s", "never accepted"),
            "llrrrrl",
            (cells for one in found.honest for cells in _honest_cells(one)),
        ),
        *_alarms(found.honest),
    ]
    return "\n\n".join(parts) + "\n"


ABOUT = """\
How to read it:

- The faults are ours: mocks with one step replaced. The suite was written by people who knew them,
  and the audit holds it to catching every one. So our column shows what a suite of clauses can
  reach and what that costs, not luck; what is to be learnt from the table is Schemathesis' column.
- The sample looks at no outcome. The groups of an API's faults take turns, in the order of
  the SHA-256 of `api.group`; at its turn a group gives the fault whose id has the smallest SHA-256
  among those that it has left. `--faults N` takes N an API.
- Both judge a fresh mock on a socket with the real clock, one after the other, each in a process of
  its own. Calls are counted by the server. Seconds run from the start of the process until the
  finding is told, or until its end where there is none. A mock replies after 0.02 s, and its
  streams come at once.
- Schemathesis is `st run`: all checks, all phases, its own number of examples, a fixed seed, and
  `openapi.yaml` as it is. Found is a failure (check, operation, code) or an error that the honest
  server did not give, also where its cause is another than the fault.
- One thing is not its default, in its favour: `--continue-on-failure`. Without it a false alarm
  ends the scenario, and the API whose refusals are HTTP 200 is done after 13 calls.
- It is given the credentials by `[auth.openapi.*]`, the tenant and the bot by `[parameters]`. For
  the signed API a `before_call` hook puts the application in and signs, or nothing would be let in.
- Some of its false alarms come from how we write `openapi.yaml`: request schemas there say what is
  surely valid, and what else may be accepted stands in `x-permitted`, which only our suites read.
- Counterfoil is the standard profile in its own order, without looking for a smallest case. Found
  is the first clause that is broken, or deviates where it was only ever observed.\
"""


def _row_cells(row: Row) -> tuple[str, ...]:
    cells = [row.api, row.group, f"`{row.fault}`"]
    for search in (row.theirs, row.ours):
        found = f"`{search.found}`" if search.found else _missed(search)
        cells += [found, str(search.calls), f"{search.seconds:.1f}"]
    return tuple(cells)


def _honest_cells(one: Honest) -> Iterable[tuple[str, ...]]:
    for judge, calm in ((THEIRS, one.theirs), (OURS, one.ours)):
        yield (
            one.api,
            judge,
            str(len(calm.alarms)),
            str(calm.calls),
            str(calm.accepted),
            f"{calm.seconds:.1f}" + (" (cut)" if calm.cut else ""),
            ", ".join(f"`{name}`" for name in calm.never),
        )


def _alarms(honest: Iterable[Honest]) -> Iterable[str]:
    lines = [
        f"- {one.api}, {judge}: `{alarm}`"
        for one in honest
        for judge, calm in ((THEIRS, one.theirs), (OURS, one.ours))
        for alarm in calm.alarms
    ]
    if lines:
        yield "The false alarms:"
        yield "\n".join(lines)


def _table(head: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> str:
    rule = ["---:" if side == "r" else "---" for side in sides]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _missed(search: Search) -> str:
    return "missed (time)" if search.cut else "missed"


def _count(alarms: int) -> str:
    return f"{alarms or 'no'} false alarm{'' if alarms == 1 else 's'}"


def _fitted(text: str) -> str:
    return text if len(text) <= 35 else text[:34] + "…"

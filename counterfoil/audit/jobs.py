"""The servers that an audit judges, each in a job of its own, on all cores."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from contracts.drawing import Drawn
from contracts.model import Clause, Contract, Finding, Verdict
from contracts.runner import PROFILES, Judged, Outcome, Plan, run
from contracts.target import Target
from mockserver.clock import VirtualClock
from mockserver.faults import faults_of
from mockserver.journal import Journal
from mockserver.model import Api
from mockserver.variants import variants_of

from .. import catalogue, wiring
from .wire import FRAMINGS, Wire, transport

CAUGHT = (Verdict.BROKEN, Verdict.DEVIATION)
ALARMS = (Verdict.BROKEN, Verdict.ERROR)
"""What no honest server may give; it may deviate from what was only observed of another one."""

ORIGIN = "http://127.0.0.1:8600"

MATRIX, DETECTION = "quick", "standard"
"""The profile by which each fault meets the whole suite, and the one by which it must be caught."""


@dataclass(frozen=True, slots=True)
class Row:
    """A fault against the suite; `caught` are the clauses that it breaks.

    The first of them broke after so many `calls` and `seconds` of a run. `missed` are the seeds
    on which no clause broke, `errors` the clauses in which we made a mistake.
    """

    api: str
    fault: str
    group: str
    caught: tuple[str, ...]
    calls: int
    seconds: float
    missed: tuple[int, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Honest:
    """An honest server on one seed; `alarms` are the clauses said to be broken, with the reason.

    The `variant` is "" for the default, one of the mock's, or a way to put answers on the wire.
    `calls` are what each clause cost.
    """

    api: str
    variant: str
    seed: int
    profile: str
    alarms: tuple[str, ...]
    calls: dict[str, int]


@dataclass(frozen=True, slots=True)
class Matrix:
    """What an audit found, and on how many seeds."""

    apis: tuple[str, ...]
    seeds: int
    rows: list[Row]
    honest: list[Honest]
    seconds: float


def audit(
    apis: Sequence[str],
    faults: Mapping[str, Sequence[str]],
    seeds: int,
    honest_seeds: int,
    tell: Callable[[int, int], None],
) -> Matrix:
    """Judge every faulty and every honest server of these APIs, on seeds 0 to N - 1 each.

    Without seeds only the honest servers are tried; without honest seeds only the faults, and no
    clause is looked at twice. `tell` is called with the jobs that are done and that there are.
    """
    began = time.monotonic()
    faulty = [partial(_row, api, fault, seeds) for api in apis for fault in faults[api]]
    honest = [
        partial(_honest, api, "", DETECTION, seed)
        for api in apis
        for seed in range(min(seeds or honest_seeds, honest_seeds))
    ]
    honest += [
        partial(_honest, api, variant, MATRIX, seed)
        for api in apis
        for variant in ("", *variants_of(_mock(api)), *(f"{api}.{framing}" for framing in FRAMINGS))
        for seed in range(honest_seeds)
    ]
    found: list[Any] = []
    with _workers(apis) as pool:
        for result in pool.map(_call, [*faulty, *honest]):
            found.append(result)
            tell(len(found), len(faulty) + len(honest))
        rows = found[: len(faulty)]
        if rows and honest_seeds:
            rows = _looked_at_twice(pool, rows)
    seconds = time.monotonic() - began
    return Matrix(tuple(apis), seeds, rows, found[len(faulty) :], seconds)


def _looked_at_twice(pool: ProcessPoolExecutor, rows: list[Row]) -> list[Row]:
    """Hold the clauses that caught nothing against every fault once more, by the other profile."""
    biting = {id for row in rows for id in row.caught}
    idle = {
        api: [clause.id for clause in _contract(api).clauses if clause.id not in biting]
        for api in {row.api for row in rows}
    }
    again = [
        partial(_second_look, row.api, row.fault, idle[row.api]) if idle[row.api] else tuple
        for row in rows
    ]
    late = pool.map(_call, again)
    return [replace(row, caught=(*row.caught, *more)) for row, more in zip(rows, late, strict=True)]


def judge_mock(
    api: str,
    fault: str | None,
    profile: str,
    seed: int,
    *,
    variant: str = "",
    only: Sequence[str] | None = None,
    first: bool = False,
    drawn: Drawn | None = None,
) -> Outcome:
    """Judge a mock in this process, on virtual time.

    `only` are the ids of the clauses to judge, in that order; with `first` the run ends with the
    first that is broken. A `variant` may also be a way to put answers on the wire. `drawn` is what
    earlier runs have drawn, and gets what this one draws.
    """
    clock = VirtualClock()
    known = wiring.all_credentials(api)
    faults = [fault] if fault else []
    framing = variant.removeprefix(f"{api}.")
    framed = framing in FRAMINGS
    made = wiring.mocks(
        [api], clock=clock, seed=seed, credentials=known, faults=faults,
        variant="" if framed else variant, journal=Journal(0),
    )  # fmt: skip
    contract, app = _contract(api), made.app.wsgi_app
    if framed:
        wire = Wire(app, ORIGIN, clock, framing)
        target = Target(ORIGIN, clock=clock, transport=transport(wire))
    else:
        target = Target(ORIGIN, app=app, clock=clock)
    # What matters is whether a clause breaks, not by which smallest case.
    unshrunk = replace(PROFILES[profile], shrink_calls=0)
    plan = Plan(_chosen(contract.clauses, only), unshrunk, seed, drawn=drawn)
    for event in run(contract, target, known, plan):
        if first and isinstance(event, Judged) and event.finding.verdict in CAUGHT:
            outcome = Outcome(contract, plan, target.url, [event.finding])
            outcome.calls = target.calls
            return outcome
    assert isinstance(event, Outcome)
    return event


def _chosen(clauses: tuple[Clause, ...], only: Sequence[str] | None) -> tuple[Clause, ...]:
    if only is None:
        return clauses
    by_id = {clause.id: clause for clause in clauses}
    return tuple(by_id[id] for id in only)


_judged = partial(judge_mock, drawn=Drawn())
"""Judges as `judge_mock` does; the jobs of one process draw a case only once."""


def _row(api: str, fault: str, seeds: int) -> Row:
    whole = _judged(api, fault, MATRIX, 0)
    # What a schema says is held against all its cases: alone it is dear.
    caught = sorted(_caught(whole), key=lambda f: (".schema." in f.clause.id, f.calls))
    order = [finding.clause.id for finding in caught]
    missed = []
    for seed in range(seeds):
        found = _judged(api, fault, DETECTION, seed, only=order, first=True) if order else whole
        if not order or not _caught(found):
            # By what the matrix knows it is not caught: then all that the suite has.
            rest = [clause.id for clause in _contract(api).clauses if clause.id not in order]
            found = _judged(api, fault, DETECTION, seed, only=rest)
            order += [finding.clause.id for finding in _caught(found)]
        if not _caught(found):
            missed.append(seed)
        elif not _caught(whole):
            whole = found
    calls, seconds = _until_caught(whole)
    return Row(
        api=api,
        fault=fault,
        group=_group(api, fault),
        caught=tuple(order),
        calls=calls,
        seconds=seconds,
        missed=tuple(missed),
        errors=tuple(f.clause.id for f in whole.findings if f.verdict is Verdict.ERROR),
    )


def _second_look(api: str, fault: str, clauses: Sequence[str]) -> tuple[str, ...]:
    """Return which of the clauses that have caught nothing yet catch this fault after all."""
    return tuple(f.clause.id for f in _caught(_judged(api, fault, DETECTION, 0, only=clauses)))


def _honest(api: str, variant: str, profile: str, seed: int) -> Honest:
    outcome = _judged(api, None, profile, seed, variant=variant)
    alarms = [
        f"{finding.clause.id} {finding.verdict}: {finding.reason}"
        for finding in outcome.findings
        if finding.verdict in ALARMS or (finding.failure and finding.verdict is Verdict.UNTESTED)
    ]
    return Honest(
        api=api,
        variant=variant,
        seed=seed,
        profile=profile,
        alarms=(*alarms, *([outcome.trouble] if outcome.trouble else [])),
        calls={finding.clause.id: finding.calls for finding in outcome.findings},
    )


def _caught(outcome: Outcome) -> list[Finding]:
    return [finding for finding in outcome.findings if finding.verdict in CAUGHT]


def _until_caught(outcome: Outcome) -> tuple[int, float]:
    calls, seconds = 0, 0.0
    for finding in outcome.findings:
        calls, seconds = calls + finding.calls, seconds + finding.duration
        if finding.verdict in CAUGHT:
            break
    return calls, seconds


def _group(api: str, fault: str) -> str:
    change = faults_of(_mock(api))[fault].fault
    return change.group if change else ""


@contextmanager
def _workers(apis: Sequence[str]) -> Iterator[ProcessPoolExecutor]:
    """Yield a process a core; where processes can be forked, each has what is loaded here."""
    for api in apis:
        _judged(api, None, MATRIX, 0)
    forks = "fork" in multiprocessing.get_all_start_methods()
    gc.freeze()
    try:
        context = multiprocessing.get_context("fork" if forks else "spawn")
        with ProcessPoolExecutor(os.cpu_count(), context, gc.set_threshold, (100_000,)) as pool:
            yield pool
    finally:
        gc.unfreeze()


def _contract(api: str) -> Contract:
    return catalogue.here().contract(api)


def _mock(api: str) -> type[Api]:
    return catalogue.here().mock(api)


def _call(job: Callable[[], Any]) -> Any:
    return job()

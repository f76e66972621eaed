"""Every fault against the suite: what is caught, by which clauses, and what cries wolf."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import contracts
from contracts.model import Verdict
from contracts.runner import PROFILES, Outcome, Plan, run
from contracts.target import Target
from mockserver.clock import VirtualClock
from mockserver.faults import faults_of

from . import wiring

CAUGHT = (Verdict.BROKEN, Verdict.DEVIATION)


@dataclass(frozen=True, slots=True)
class Row:
    """One server against the suite; `fault` is None for the honest one.

    `broken` are the clauses that caught it; `trouble` says why a target could not be judged at all.
    """

    api: str
    fault: str | None
    group: str
    seed: int
    broken: tuple[str, ...]
    errors: tuple[str, ...]
    trouble: str
    calls: int
    duration: float


def audit(apis: Iterable[str], profile: str, seeds: Iterable[int]) -> Iterator[Row]:
    """Judge the honest server and every faulty one of each API, on all cores."""
    seeds = list(seeds)
    jobs = [
        (api, fault, profile, seed)
        for api in apis
        for fault in (None, *faults_of(api))
        for seed in seeds
    ]
    context = get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        yield from pool.map(_row, jobs)


def judge_mock(api: str, fault: str | None, profile: str, seed: int) -> Outcome:
    """Judge a mock in this process, on virtual time."""
    clock = VirtualClock()
    known = wiring.all_credentials(api)
    made = wiring.mocks(
        [api], clock=clock, seed=seed, credentials=known, faults=[fault] if fault else ()
    )
    contract = contracts.load(api)
    target = Target("http://127.0.0.1:8600", app=made.app.wsgi_app, clock=clock)
    # What matters is whether a clause breaks, not by which smallest case.
    unshrunk = replace(PROFILES[profile], shrink_calls=0)
    plan = Plan(contract.clauses, unshrunk, seed)
    *_, outcome = run(contract, target, known, plan)
    assert isinstance(outcome, Outcome)
    return outcome


def _row(job: tuple[str, str | None, str, int]) -> Row:
    api, fault, profile, seed = job
    outcome = judge_mock(api, fault, profile, seed)
    change = faults_of(api)[fault].fault if fault else None
    return Row(
        api=api,
        fault=fault,
        group=change.group if change else "",
        seed=seed,
        broken=tuple(f.clause.id for f in outcome.findings if f.verdict in CAUGHT),
        errors=tuple(f.clause.id for f in outcome.findings if f.verdict is Verdict.ERROR),
        trouble=outcome.trouble,
        calls=outcome.calls,
        duration=outcome.duration,
    )

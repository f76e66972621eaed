"""A suite of clauses from start to end, as a stream of events."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from .document import document_at
from .drawing import Drawn
from .driver import Attempts, Driver, GaveUp
from .model import (
    BaselineEntry,
    Broken,
    Clause,
    Contract,
    ContractError,
    Failure,
    Finding,
    NotReached,
    Stopped,
    Verdict,
)
from .redaction import Redaction, redaction_for
from .target import Target
from .trial import Trial


@dataclass(frozen=True, slots=True)
class Profile:
    """How thorough a run is: cases a clause, steps of a state machine, calls spent on shrinking.

    Without calls for it, the first case that breaks is shown as it is.
    """

    name: str
    examples: int
    steps: int
    shrink_calls: int


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", examples=4, steps=6, shrink_calls=60),
        Profile("standard", examples=20, steps=12, shrink_calls=400),
        Profile("thorough", examples=200, steps=30, shrink_calls=4000),
    )
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, and how; the same plan against the same server gives the same findings."""

    clauses: tuple[Clause, ...]
    profile: Profile = PROFILES["standard"]
    seed: int = 0
    command: str = ""
    """What a user types to run it again; reports add which clause."""
    serve: str = ""
    """What a user types to have the target on a socket, where it is a mock in this process."""
    every_operation: bool = False
    """Whether a partial contract, too, is only judged where every operation accepted a request."""
    drawn: Drawn | None = field(default=None, compare=False, repr=False)
    """What other runs have drawn, where many servers are judged by one plan."""


@dataclass(frozen=True, slots=True)
class Started:
    """The target let us in; `clauses` will be judged one after another."""

    contract: Contract
    plan: Plan


@dataclass(frozen=True, slots=True)
class Judging:
    """A clause is about to be judged."""

    clause: Clause


@dataclass(frozen=True, slots=True)
class Judged:
    """A clause was judged."""

    finding: Finding


@dataclass(slots=True)
class Outcome:
    """The end of a run: all findings, and `trouble`, why the target could not be judged, if so.

    Of a baseline's entries for this target, `outdated` are about clauses that are kept, and
    `unjudged` about clauses on which there is no verdict.
    """

    contract: Contract
    plan: Plan
    target: str
    findings: list[Finding] = field(default_factory=list)
    trouble: str = ""
    calls: int = 0
    accepted: dict[str, int] = field(default_factory=dict)
    began: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    duration: float = 0.0
    interrupted: bool = False
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    outdated: tuple[BaselineEntry, ...] = ()
    unjudged: tuple[BaselineEntry, ...] = ()

    def redact(self, text: str) -> str:
        """Return a text without the caller's secrets."""
        return self.redact_failure(None)(text)

    def redact_failure(self, failure: Failure | None) -> Redaction:
        """Return the redaction of a failure; it also knows what was signed for it."""
        exchanges = failure.exchanges if failure else ()
        return redaction_for(self.contract, self.credentials, exchanges)

    def rerun(self, id: str) -> str:
        """Return the command that sees one clause again."""
        return f"{self.plan.command} --only {id}"

    @property
    def reached(self) -> tuple[int, int]:
        """How many operations of a partial contract accepted a request, and how many there are."""
        asked = {clause.id.split(".")[1] for clause in self.plan.clauses}
        return len(asked & self.accepted.keys()), len(asked)

    @property
    def verdict(self) -> Verdict:
        """BROKEN if a clause is; else UNTESTED or ERROR where the target could not be judged.

        What a baseline accepts does not count; that it accepts what is kept counts as broken.
        """
        found = {finding.verdict for finding in self.findings}
        if self.outdated or Verdict.BROKEN in {f.verdict for f in self.findings if not f.baseline}:
            return Verdict.BROKEN
        if Verdict.ERROR in found:
            return Verdict.ERROR
        if self.trouble or self.interrupted or not found - {Verdict.UNTESTED}:
            return Verdict.UNTESTED
        return Verdict.KEPT


Event = Started | Judging | Judged | Outcome


def choose(clauses: Sequence[Clause], only: Sequence[str]) -> tuple[Clause, ...]:
    """Return the clauses whose id a pattern fits; raises ContractError for an idle pattern."""
    for pattern in only:
        if not any(fnmatchcase(clause.id, pattern) for clause in clauses):
            raise ContractError(
                f"no clause is called {pattern!r}; `counterfoil clauses` lists them"
            )
    if not only:
        return tuple(clauses)
    return tuple(
        clause for clause in clauses if any(fnmatchcase(clause.id, pattern) for pattern in only)
    )


def run(
    contract: Contract, target: Target, credentials: Mapping[str, str], plan: Plan
) -> Generator[Event]:
    """Judge the clauses of the plan; the last event is the Outcome, whatever happened before."""
    began = time.monotonic()
    driver = contract.driver(contract, target, credentials)
    outcome = Outcome(contract, plan, target.url, credentials=credentials)
    try:
        knock(driver)
        yield Started(contract, plan)
        for clause in plan.clauses:
            yield Judging(clause)
            finding = judge(clause, driver, plan)
            outcome.findings.append(finding)
            yield Judged(finding)
    except Stopped as stop:
        outcome.trouble = str(stop)
    except KeyboardInterrupt as interrupt:
        outcome.interrupted = True
        if isinstance(interrupt, Interrupted):
            outcome.findings.append(interrupt.finding)
    _untested(outcome)
    outcome.calls = target.calls
    outcome.accepted = dict(driver.accepted_operations)
    if not outcome.trouble and not outcome.interrupted:
        outcome.trouble = _partly(outcome) if contract.partial else unreached(driver, plan)
    outcome.duration = time.monotonic() - began
    yield outcome


def judge(clause: Clause, driver: Driver, plan: Plan) -> Finding:
    """Judge one clause; raises Stopped when the target is gone, and KeyboardInterrupt.

    A clause that was already seen to break when that happened is broken.
    """
    began, calls = time.monotonic(), driver.target.calls
    missing = [name for name in clause.needs if name not in driver.credentials]
    if missing:
        names = ", ".join(driver.contract.variable(name) for name in missing)
        return Finding(clause, Verdict.UNTESTED, f"it needs {names}")
    trial, interrupted = Trial(clause, driver, plan), False
    try:
        verdict, reason = trial.verdict()
    except (Stopped, KeyboardInterrupt) as stop:
        if trial.failure is None:
            raise
        verdict, reason = trial.broken()
        interrupted = isinstance(stop, KeyboardInterrupt)
    finding = Finding(
        clause,
        verdict,
        reason,
        examples=driver.attempts.reached,
        calls=driver.target.calls - calls,
        duration=time.monotonic() - began,
        failure=trial.failure,
    )
    if interrupted:
        raise Interrupted(finding)
    return finding


class Interrupted(KeyboardInterrupt):
    """The user ended the run, in the middle of a clause that was already seen to break."""

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding


def knock(driver: Driver) -> None:
    """Make sure that the target lets us in at all, once; raises Stopped where it does not."""
    exchange = driver.probe()
    if exchange.response is None:
        raise Stopped(
            f"{driver.target.url} does not answer as a web server does: {exchange.failure}"
        )
    if not driver.accepted(exchange) and not driver.contract.partial:
        raise Stopped(f"the target turned our first request down: {driver.describe(exchange)}")
    driver.exchanges.clear()


def unreached(driver: Driver, plan: Plan) -> str:
    """Say which operations never once accepted a request, and how they refused it, "" for none.

    Clauses about refusals would else be kept for nothing. A part of the suite may be about nothing
    else: then what was refused is asked for once more, in a way that an honest server accepts.
    """
    tried = set(driver.refusals)
    if set(plan.clauses) == set(driver.contract.clauses):
        tried |= {
            one.id for one in document_at(driver.contract.document).operations if one.promised
        }
    else:
        try:
            _ask_plainly(
                driver, plan, {one for one in tried if not driver.accepted_operations[one]}
            )
        except Stopped as stop:
            return str(stop)
    never = [
        f"{operation} ({driver.describe(driver.refusals[operation])})"
        if operation in driver.refusals
        else f"{operation} (never called)"
        for operation in sorted(tried)
        if not driver.accepted_operations[operation]
    ]
    return "these operations never accepted a request: " + "; ".join(never) if never else ""


def _partly(outcome: Outcome) -> str:
    """Say that too little of a partial contract was reached, "" where it was enough."""
    reached, all_there_are = outcome.reached
    if reached == 0:
        return "no operation ever accepted a request"
    if outcome.plan.every_operation and reached < all_there_are:
        return f"{all_there_are - reached} of {all_there_are} operations never accepted a request"
    return ""


VALID = ".schema.valid_accepted"
"""The clause of every document whose cases are requests that its operations accept."""

MOST_PLAIN = 3
"""Valid requests that an operation may turn down before it counts as one that accepts none."""


def _ask_plainly(driver: Driver, plan: Plan, operations: set[str]) -> None:
    """Send valid requests to these operations, until each has accepted one or had its share."""
    valid = (clause for clause in driver.contract.clauses if clause.id.endswith(VALID))
    asked: Counter[str] = Counter()
    for clause in valid:
        for case in clause.cases(plan) if operations and clause.cases else ():
            operation = case["sample"].operation.id
            open_still = operation in operations and not driver.accepted_operations[operation]
            if not open_still or not case["sample"].conforms or asked[operation] >= MOST_PLAIN:
                continue
            asked[operation] += 1
            driver.attempts = Attempts()
            try:
                clause.test(driver, **case)
            except (Broken, NotReached, GaveUp):
                pass  # what it said is judged by the clause itself, where that is chosen


def _untested(outcome: Outcome) -> None:
    judged = {finding.clause.id for finding in outcome.findings}
    reason = outcome.trouble or "the run was interrupted"
    outcome.findings.extend(
        Finding(clause, Verdict.UNTESTED, reason)
        for clause in outcome.plan.clauses
        if clause.id not in judged
    )

"""One clause from start to end, and a suite of them as a stream of events."""

from __future__ import annotations

import time
import traceback
import zlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import wraps
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import given
from hypothesis.errors import Flaky, HypothesisException, Unsatisfiable
from hypothesis.stateful import get_state_machine_test

from .document import Document
from .drawing import drawn_alike, settings
from .driver import Attempts, Driver, GaveUp
from .model import (
    Basis,
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
    """The end of a run: all findings, and `trouble`, why the target could not be judged, if so."""

    contract: Contract
    plan: Plan
    target: str
    findings: list[Finding] = field(default_factory=list)
    trouble: str = ""
    calls: int = 0
    accepted: dict[str, int] = field(default_factory=dict)
    duration: float = 0.0
    interrupted: bool = False
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)

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
    def verdict(self) -> Verdict:
        """BROKEN if a clause is; else UNTESTED or ERROR where the target could not be judged."""
        found = {finding.verdict for finding in self.findings}
        if Verdict.BROKEN in found:
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
        _knock(driver)
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
    if not outcome.trouble and not outcome.interrupted:
        outcome.trouble = _unreached(driver, plan)
    outcome.calls = target.calls
    outcome.accepted = dict(driver.accepted_operations)
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


class Trial:
    """One clause held against one target, case by case, until it breaks or the cases are done."""

    def __init__(self, clause: Clause, driver: Driver, plan: Plan) -> None:
        self.clause = clause
        self.driver = driver
        self.plan = plan
        self.failure: Failure | None = None
        self._shrink_until: int | None = None
        self._shrunk_enough = False
        driver.attempts = Attempts()

    def verdict(self) -> tuple[Verdict, str]:
        """Return the verdict and its reason."""
        try:
            with drawn_alike():
                self._try_cases()
        except (Broken, _ShrunkEnough):
            return self.broken()
        except Flaky:
            if self._shrunk_enough:
                # A case that was not tried drew nothing, which Hypothesis takes for flaky.
                return self.broken()
            if self.failure is None:
                return Verdict.UNTESTED, "the same case went another way when it was repeated"
            return Verdict.UNTESTED, f"seen once, and not when repeated: {self.failure.message}"
        except (GaveUp, NotReached, Unsatisfiable):
            pass
        except _Mistaken as mistaken:
            # What was seen to break before the mistake was seen.
            return self.broken() if self.failure else (Verdict.ERROR, str(mistaken))
        except Exception as error:
            return Verdict.ERROR, _mishap(error, self.clause)
        if self.driver.attempts.reached == 0:
            return Verdict.UNTESTED, self.driver.attempts.reason or "no case applies to this target"
        return Verdict.KEPT, ""

    def broken(self) -> tuple[Verdict, str]:
        """Return the verdict on a clause that was seen to break, and its reason."""
        assert self.failure is not None
        observed = self.clause.basis is Basis.OBSERVED
        return Verdict.DEVIATION if observed else Verdict.BROKEN, self.failure.message

    def _try_cases(self) -> None:
        clause = self.clause
        if clause.cases:
            self._try_made(clause.cases(self.plan))
            return
        if clause.smaller:
            self._try_made(clause.examples)
        if not clause.draws and not clause.machine:
            self._try(clause.test, self.driver)
            return
        most = self.plan.profile.examples
        shrink = self.plan.profile.shrink_calls > 0
        chosen = settings(min(most, clause.most or most), self.plan.profile.steps, shrink=shrink)
        if clause.machine:
            test: Any = get_state_machine_test(clause.test(self.driver), settings=chosen)
            test.hypothesis.inner_test = self._tried(test.hypothesis.inner_test)
        else:
            test = given(**clause.draws)(
                lambda **drawn: self._try(clause.test, self.driver, **drawn)
            )
            for case in () if clause.smaller else reversed(clause.examples):
                test = hypothesis.example(**case)(test)
            test = chosen(test)
        hypothesis.seed(self._seed())(test)()

    def _tried(self, steps: Callable[..., Any]) -> Callable[..., Any]:
        """Return a test that tries these steps; Hypothesis asks it for its name and its code."""

        @wraps(steps)
        def tried(*args: Any, **drawn: Any) -> None:
            self._try(steps, *args, **drawn)

        return tried

    def _try_made(self, cases: Iterable[Mapping[str, Any]]) -> None:
        """Try cases that were not drawn, and smaller ones in the place of one that breaks."""
        cases, broken = iter(cases), None
        while (case := next(cases, None)) is not None:
            try:
                self._try(self.clause.test, self.driver, **case)
            except NotReached:
                pass
            except Broken as found:
                broken = found
                smaller = self.plan.profile.shrink_calls and self.clause.smaller
                cases = iter(smaller(case) if smaller else ())
        if broken:
            raise broken

    def _try(self, test: Callable[..., Any], /, *args: Any, **drawn: Any) -> None:
        """Try one case, and remember how it broke: the last time is the smallest case."""
        if self._shrink_until is not None and self.driver.target.calls > self._shrink_until:
            self._shrunk_enough = True
            raise _ShrunkEnough
        self.driver.exchanges.clear()
        try:
            test(*args, **drawn)
        except Broken as broken:
            self._remember(broken)
            raise
        except HypothesisException:
            raise
        except Exception as error:
            raise _Mistaken(_mishap(error, self.clause)) from error
        self.driver.attempts.reached += 1

    def _remember(self, broken: Broken) -> None:
        self.failure = Failure(str(broken), tuple(self.driver.exchanges))
        self.driver.attempts.reached += 1
        if self._shrink_until is None:
            self._shrink_until = self.driver.target.calls + self.plan.profile.shrink_calls

    def _seed(self) -> int:
        return zlib.crc32(f"{self.plan.seed} {self.clause.id}".encode())


class _ShrunkEnough(BaseException):
    """A smaller case would cost more calls than a profile spends on it."""


class _Mistaken(BaseException):
    """A mistake of ours: of it there need not be a smallest case."""


def _knock(driver: Driver) -> None:
    """Make sure that the target lets us in at all, once, before forty clauses find out."""
    exchange = driver.probe()
    if exchange.response is None:
        raise Stopped(
            f"{driver.target.url} does not answer as a web server does: {exchange.failure}"
        )
    if not driver.accepted(exchange):
        raise Stopped(f"the target turned our first request down: {driver.describe(exchange)}")
    driver.exchanges.clear()


def _unreached(driver: Driver, plan: Plan) -> str:
    """Say which operations never once accepted a request, and how they refused it."""
    tried = set(driver.refusals)
    if set(plan.clauses) == set(driver.contract.clauses):
        tried |= {one.id for one in Document(driver.contract.document).operations if one.promised}
    never = [
        f"{operation} ({driver.describe(driver.refusals[operation])})"
        if operation in driver.refusals
        else f"{operation} (never called)"
        for operation in sorted(tried)
        if not driver.accepted_operations[operation]
    ]
    return "these operations never accepted a request: " + "; ".join(never) if never else ""


def _untested(outcome: Outcome) -> None:
    judged = {finding.clause.id for finding in outcome.findings}
    reason = outcome.trouble or "the run was interrupted"
    outcome.findings.extend(
        Finding(clause, Verdict.UNTESTED, reason)
        for clause in outcome.plan.clauses
        if clause.id not in judged
    )


def _mishap(error: Exception, clause: Clause) -> str:
    """Say what went wrong, and the last place where it was our code that ran."""
    places = traceback.extract_tb(error.__traceback__)
    ours = (str(Path(__file__).parent), clause.where.rpartition(":")[0])
    last = [place for place in places if Path(place.filename).as_posix().startswith(ours)][-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return f"{type(error).__name__} in {last.name} ({where}): {error}"

"""One clause held against one target: case by case, until it breaks or the cases are done."""

from __future__ import annotations

import traceback
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import hypothesis
from hypothesis import given
from hypothesis.errors import Flaky, HypothesisException, Unsatisfiable
from hypothesis.stateful import RuleBasedStateMachine, get_state_machine_test

from .drawing import Draw, drawn_alike, settings
from .driver import Attempts, Driver, GaveUp
from .model import Basis, Broken, Clause, Failure, NotReached, Verdict

if TYPE_CHECKING:
    from .runner import Plan


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
        except _SeenOnce:
            return self.seen_once()
        except Flaky:
            # A case that was not tried drew nothing, which Hypothesis takes for flaky.
            return self.broken() if self._shrunk_enough else self.seen_once()
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

    def seen_once(self) -> tuple[Verdict, str]:
        """Return the verdict on a clause whose case went another way when it was repeated."""
        if self.failure is None:
            return Verdict.UNTESTED, "the same case went another way when it was repeated"
        return Verdict.UNTESTED, f"seen once, and not when repeated: {self.failure.message}"

    def _try_cases(self) -> None:
        clause = self.clause
        if clause.cases:
            self._try_made(clause.cases(self.plan))
            return
        if not clause.draws and not clause.machine:
            self._try_made([{}])
            return
        self._try_made(clause.examples)
        most = self.plan.profile.examples
        shrink = self.plan.profile.shrink_calls > 0
        chosen = settings(min(most, clause.most or most), self.plan.profile.steps, shrink=shrink)
        if clause.machine:
            self._try_machine(clause.test(self.driver), chosen)
            return
        self._try_drawn(chosen)

    def _try_drawn(self, chosen: hypothesis.settings) -> None:
        """Try what is drawn, or what was drawn for this clause before.

        Where one of those does not apply to this target, another would be drawn in its place.
        """
        drawn, key = self.plan.drawn, (self.clause.id, self.plan.seed, chosen.max_examples)
        attempts, before = self.driver.attempts, self.driver.attempts.reached
        known = drawn.draws.get(key) if drawn else None
        if known:
            self._try_made(known.cases)
            if attempts.reached - before >= known.reached:
                return
            before = attempts.reached
        cases: list[Mapping[str, Any]] = []

        def tried(**case: Any) -> None:
            cases.append(case)
            self._try(self.clause.test, self.driver, **case)

        self._run_seeded(chosen(given(**self.clause.draws)(tried)))
        reached = attempts.reached - before
        if drawn and not known and reached == len(cases):
            # Else some were drawn in the place of others, which this target alone turned down.
            drawn.draws[key] = Draw(cases, reached)

    def _try_machine(
        self, machine: type[RuleBasedStateMachine], chosen: hypothesis.settings
    ) -> None:
        test: Any = get_state_machine_test(machine, settings=chosen)
        test.hypothesis.inner_test = self._tried(test.hypothesis.inner_test)
        try:
            self._run_seeded(test)
        finally:
            # Hypothesis keeps every machine that it ever ran, and with it all that was exchanged.
            if "driver" in vars(machine):
                machine.driver = None

    def _run_seeded(self, test: Any) -> None:
        """Run a test of Hypothesis; it would else read the test's code, to file what it found."""
        seeded = hypothesis.seed(self._seed())(test)
        seeded._hypothesis_internal_database_key = b""
        seeded()

    def _tried(self, steps: Callable[..., Any]) -> Callable[..., Any]:
        """Return a test that tries these steps; Hypothesis asks it for its name and its code."""

        @wraps(steps)
        def tried(*args: Any, **drawn: Any) -> None:
            self._try(steps, *args, **drawn)

        return tried

    def _try_made(self, cases: Iterable[Mapping[str, Any]]) -> None:
        """Try cases that were not drawn, and smaller ones in the place of one that breaks.

        The smallest is tried once more: what Hypothesis draws it repeats by itself.
        """
        cases, smallest = iter(cases), None
        try:
            while (case := next(cases, None)) is not None:
                try:
                    self._try(self.clause.test, self.driver, **case)
                except NotReached:
                    pass
                except Broken:
                    smallest = case
                    smaller = self.plan.profile.shrink_calls and self.clause.smaller
                    cases = iter(smaller(case) if smaller else ())
        except _ShrunkEnough:
            pass
        if smallest is not None:
            self._repeat(smallest)

    def _repeat(self, case: Mapping[str, Any]) -> NoReturn:
        """Try the case that broke the clause once more; raises Broken or _SeenOnce."""
        self._shrink_until = None
        self.driver.repeats = True
        try:
            self._try(self.clause.test, self.driver, **case)
        except NotReached:
            pass
        finally:
            self.driver.repeats = False
        raise _SeenOnce

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


class _SeenOnce(BaseException):
    """A case broke the clause, and did not when it was repeated."""


class _ShrunkEnough(BaseException):
    """A smaller case would cost more calls than a profile spends on it."""


class _Mistaken(BaseException):
    """A mistake of ours: of it there need not be a smallest case."""


def _mishap(error: Exception, clause: Clause) -> str:
    """Say what went wrong, and the last place where it was our code that ran."""
    places = traceback.extract_tb(error.__traceback__)
    ours = (str(Path(__file__).parent), clause.where.rpartition(":")[0])
    last = [place for place in places if Path(place.filename).as_posix().startswith(ours)][-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return f"{type(error).__name__} in {last.name} ({where}): {error}"

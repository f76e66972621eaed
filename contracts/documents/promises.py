"""The promises of one operation of a stranger's document; each is a clause's test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..driver import Driver, GaveUp
from ..model import Basis, Broken, Clause, Exchange, NotReached, expect, shortened
from ..samples import Sample
from ..schema_rules import IN_FRONT, smaller
from .answers import Answers
from .asking import Asking
from .desk import Desk
from .driver import DocumentDriver
from .ledger import Ledger, shared
from .outline import Listed, Outline

if TYPE_CHECKING:
    from ..runner import Plan

Cases = Iterator[Mapping[str, Any]]

NO_SUCH_METHOD = "COUNTERFOIL"
NOT_NOW = frozenset({429, 503})
"""Statuses of a server that is busy, or away for a while."""

NOT_OFFERED = {405: "its method", 415: "its media type", 406: "its answers", 501: "all of it"}
"""What a server that says so does not know of a request that the document lists."""

REFUSALS = ("400", "422", "4XX")
SERVER_ERRORS = ("500", "502", "504", "5XX")


@dataclass(frozen=True, slots=True)
class Promises:
    """What one operation promises."""

    outline: Outline
    desk: Desk
    listed: Listed
    answers: Answers

    def offered(self, driver: Driver, sample: Sample) -> None:
        """The operation is there: a request that conforms is not of an unknown method or type."""
        exchange = self._exchange(driver, sample)
        what = NOT_OFFERED.get(exchange.status) if sample is None or sample.plain else None
        if what and not self.listed.lists(str(exchange.status), f"{exchange.status // 100}XX"):
            raise Broken(
                f"{self.listed.label}: the document lists it, and the server does not know "
                f"{what}: {driver.describe(exchange)}"
            )
        self._only_if_reached(driver)

    def no_server_error(self, driver: Driver, sample: Sample) -> None:
        """No request that conforms is answered by a server error, or by hanging up."""
        exchange = self._exchange(driver, sample, no_answer=False)
        self._must_not_fail(driver, exchange)
        self._only_if_reached(driver)

    def success_status(self, driver: Driver, sample: Sample) -> None:
        """A request that conforms is accepted with a status that the document lists."""
        exchange = self._answer(driver, sample)
        if not 200 <= exchange.status < 300:
            raise NotReached
        self._hold(self.answers.status(exchange))

    def refusal_status(self, driver: Driver, sample: Sample) -> None:
        """A request that conforms is turned down, if at all, with a status that is listed."""
        exchange = self._answer(driver, sample)
        if not 400 <= exchange.status < 500 or exchange.status in IN_FRONT:
            raise NotReached
        self._hold(self.answers.status(exchange))

    def content_type(self, driver: Driver, sample: Sample) -> None:
        """Every answer has a content type that the document lists for its status."""
        exchange = self._shaped(driver, sample)
        if not self.answers.applies(exchange):
            raise NotReached
        self._hold(self.answers.content_type(exchange))

    def headers(self, driver: Driver, sample: Sample) -> None:
        """Every answer has the headers that the document requires, and they are as it says."""
        self._hold(self.answers.headers(self._shaped(driver, sample)))

    def body(self, driver: Driver, sample: Sample) -> None:
        """The body of every answer is as the document says for its status."""
        exchange = self._shaped(driver, sample)
        if not self.answers.applies(exchange):
            raise NotReached
        self._hold(self.answers.body(exchange))

    def required(self, driver: Driver, sample: Sample, what: str) -> None:
        """A request without what the document requires is turned down."""
        self._refused(driver, sample, f"a request without {what}, which is required,")

    def wrong_body(self, driver: Driver, sample: Sample, what: str) -> None:
        """A body that no reading of its schema permits, in what is required, is turned down."""
        self._refused(driver, sample, f"a request with a wrong body ({what})")

    def wrong_field(self, driver: Driver, sample: Sample, what: str) -> None:
        """A field of a body that its schema forbids is not accepted, though it might be absent."""
        self._refused(driver, sample, f"a request with a wrong field ({what})")

    def wrong_parameter(self, driver: Driver, sample: Sample, what: str) -> None:
        """A query parameter that no reading of its schema permits is turned down."""
        self._refused(driver, sample, f"a request with {what}, which its schema forbids,")

    def credentials(self, driver: Driver) -> None:
        """Without the credentials that the document asks for, nothing is done."""
        self._turned_away(driver, "without credentials", lambda ours, request: request)

    def wrong_credentials(self, driver: Driver) -> None:
        """With made-up credentials, nothing is done."""
        self._turned_away(
            driver,
            "with made-up credentials",
            lambda ours, request: ours.impostor(request, self.listed),
        )

    def method(self, driver: Driver) -> None:
        """A method that HTTP does not have is not taken for one that it has."""
        ours, ledger = self._at(driver)
        sample = ledger.filled(ledger.reach(self.listed))
        request = replace(sample.request, method=NO_SUCH_METHOD, operation=None)
        exchange = ours.send(ours.admitted(request, self.listed))
        if exchange.response is None:
            raise NotReached
        expect(
            not ours.accepted(exchange),
            f"{NO_SUCH_METHOD} {self.listed.path} was accepted: {ours.describe(exchange)}",
        )

    def robust(self, driver: Driver, sample: Sample) -> None:
        """No text that servers trip over, and no request that the schema forbids, makes it fail."""
        _, ledger = self._at(driver)
        ledger.reach(self.listed)
        exchange = ledger.ask(sample, again=driver.repeats)
        if exchange.response is None:
            raise NotReached
        self._must_not_fail(driver, exchange)

    def lone_surrogate(self, driver: Driver, sample: Sample) -> None:
        """Half a surrogate pair in a text, which JSON can write, does not make the server fail."""
        self.robust(driver, sample)

    def valid_cases(self, plan: Plan) -> Cases:
        """Yield requests that conform."""
        id, most = self.listed.id, plan.profile.examples
        return self._read({"sample": one} for one in self.desk.valid(id, plan.seed, most))

    def lacking_cases(self, plan: Plan) -> Cases:
        """Yield requests that lack one thing."""
        return self._told(plan, Asking.lacking)

    def body_cases(self, plan: Plan) -> Cases:
        """Yield requests with a wrong body."""
        return self._told(plan, Asking.wrong_bodies)

    def field_cases(self, plan: Plan) -> Cases:
        """Yield requests with a wrong field."""
        return self._told(plan, Asking.wrong_fields)

    def parameter_cases(self, plan: Plan) -> Cases:
        """Yield requests with a wrong parameter."""
        return self._told(plan, Asking.strange)

    def hard_cases(self, plan: Plan) -> Cases:
        """Yield requests that servers trip over."""
        id, most = self.listed.id, plan.profile.examples
        return self._read({"sample": one} for one in self.desk.hard(id, plan.seed, most))

    def alone_cases(self, plan: Plan) -> Cases:
        """Yield requests with half a surrogate pair."""
        id, most = self.listed.id, plan.profile.examples
        return self._read({"sample": one} for one in self.desk.alone(id, most))

    def _told(self, plan: Plan, kind: Callable[[Asking], Iterable[tuple[Sample, str]]]) -> Cases:
        made = islice(kind(self.desk.asking(self.listed.id)), plan.profile.examples)
        return self._read(({"sample": one, "what": what} for one, what in made), what="")

    def _read(self, cases: Iterable[Mapping[str, Any]], **rest: Any) -> Cases:
        """Yield the cases; where the document is not understood, one whose clause says so."""
        if self.desk.trouble(self.listed.id):
            yield {"sample": None, **rest}
        else:
            yield from cases

    def _at(self, driver: Driver) -> tuple[DocumentDriver, Ledger]:
        assert isinstance(driver, DocumentDriver)
        return driver, shared(driver, self.desk)

    def _exchange(self, driver: Driver, sample: Sample, *, no_answer: bool = True) -> Exchange:
        """Send a valid request, unless the operation is known to accept none."""
        ours, ledger = self._at(driver)
        exchange = None
        try:
            ledger.reach(self.listed)
        except GaveUp:
            # What it answered is judged by what needs no acceptance, and no more is sent.
            exchange = ledger.last(self.listed)
            if exchange is None:
                raise
            ours.exchanges.append(exchange)
        if exchange is None or driver.repeats:
            exchange = ledger.ask(sample, again=driver.repeats)
        if exchange.status in NOT_NOW or (no_answer and exchange.response is None):
            raise NotReached
        return exchange

    def _only_if_reached(self, driver: Driver) -> None:
        _, ledger = self._at(driver)
        ledger.reach(self.listed)

    def _answer(self, driver: Driver, sample: Sample) -> Exchange:
        """Return the answer to a valid request to an operation that accepts some.

        An answer that broke a promise did so for good: what changes things is not sent again.
        """
        _, ledger = self._at(driver)
        ledger.reach(self.listed)
        exchange = ledger.ask(sample, again=driver.repeats and self.listed.safe)
        if exchange.response is None or exchange.status in NOT_NOW:
            raise NotReached
        return exchange

    def _shaped(self, driver: Driver, sample: Sample) -> Exchange:
        """Return an answer whose form is the operation's own, not that of what stands before it."""
        exchange = self._answer(driver, sample)
        refused = not 200 <= exchange.status < 300
        if refused and not (sample.plain and 400 <= exchange.status < 500):
            raise NotReached
        if refused and (exchange.status in IN_FRONT or not self.answers.is_own(exchange.status)):
            raise NotReached
        return exchange

    def _hold(self, complaint: str) -> None:
        expect(not complaint, f"{self.listed.label}: {complaint}")

    def _must_not_fail(self, driver: Driver, exchange: Exchange) -> None:
        said = f"HTTP {exchange.status} {shortened(exchange.body)}"
        hung_up = exchange.response is None and "connection" in (exchange.failure or "")
        expect(not hung_up, f"{self.listed.label}: no answer: {exchange.failure}")
        failed = exchange.status >= 500 and exchange.status not in (501, *NOT_NOW)
        # A status such as 507 that is listed by itself is an answer; 500 never is one.
        if str(exchange.status) not in SERVER_ERRORS and self.listed.lists(str(exchange.status)):
            failed = False
        expect(not failed, f"{self.listed.label}: a server error: {said}")

    def _refused(self, driver: Driver, sample: Sample, what: str) -> None:
        ours, ledger = self._at(driver)
        ledger.reach(self.listed)
        exchange = ledger.ask(sample, again=driver.repeats)
        if exchange.response is None:
            raise NotReached
        expect(
            not ours.accepted(exchange),
            f"{self.listed.label}: {what} was accepted: {ours.describe(exchange)}",
        )

    def _turned_away(
        self, driver: Driver, how: str, made: Callable[[DocumentDriver, Any], Any]
    ) -> None:
        ours, ledger = self._at(driver)
        if not ours.proof(self.listed):
            wanted = " and ".join(ours.wanting(self.listed)) or "a credential that is known"
            raise _missed(driver, f"it needs {wanted}")
        sample = ledger.reach(self.listed)
        sample = ledger.filled(sample, anew=self.listed.method == "DELETE")
        exchange = ours.send(made(ours, sample.request))
        if exchange.response is None:
            raise NotReached
        done = ours.accepted(exchange) and not self.answers.content_type(exchange)
        expect(not done, f"{self.listed.label}: done {how}: {ours.describe(exchange)}")


def _missed(driver: Driver, reason: str) -> NotReached:
    driver.attempts.reason = reason
    return NotReached(reason)


Row = tuple[Callable[..., None], Basis, str, Callable[["Plan"], Cases] | None]
DOCUMENTED, IMPLIED, OBSERVED = Basis


def promised(name: str, promises: Promises, *, first: bool) -> Iterator[Clause]:
    """Yield the clauses of an operation; the `first` of its path is asked by an odd method."""
    rows = [*_of_answers(promises), *_of_requests(promises)]
    if first:
        said_by = "RFC 9110, section 9.1, which leaves it to the server"
        rows.append((promises.method, OBSERVED, said_by, None))
    answers = f"{promises.listed.where}.responses"
    rows.append((promises.robust, _failing(promises.listed), answers, promises.hard_cases))
    if promises.listed.body:
        source = "RFC 8259, section 8.2, which calls it unpredictable"
        rows.append((promises.lone_surrogate, OBSERVED, source, promises.alone_cases))
    for rule, basis, source, cases in rows:
        yield Clause(
            id=f"{name}.{promises.listed.id}.{rule.__name__}",
            sentence=" ".join((rule.__doc__ or "").split()),
            source=source,
            basis=basis,
            test=rule,
            cases=cases,
            smaller=smaller if rule in (promises.robust, promises.no_server_error) else None,
        )


def _failing(listed: Listed) -> Basis:
    """Return how sure it is that no server error may come: a document may have a place for one."""
    return OBSERVED if listed.lists(*SERVER_ERRORS) else IMPLIED


def _of_answers(promises: Promises) -> Iterator[Row]:
    listed, valid = promises.listed, promises.valid_cases
    answers = f"{listed.where}.responses"
    yield promises.offered, DOCUMENTED, listed.where, valid
    yield promises.no_server_error, _failing(listed), answers, valid
    # A document that lists no success at all has not forgotten one of them.
    if any(status[0] == "2" or status == "DEFAULT" for status in listed.responses):
        yield promises.success_status, DOCUMENTED, answers, valid
        incomplete = f"{answers}, which need not be complete"
        yield promises.refusal_status, OBSERVED, incomplete, valid
    said = listed.responses.values()
    if any(one.get("headers") for one in said):
        yield promises.headers, DOCUMENTED, f"{answers}, headers", valid
    if listed.method != "HEAD" and any(one.get("content") for one in said):
        yield promises.content_type, DOCUMENTED, f"{answers}, content", valid
        yield promises.body, DOCUMENTED, f"{answers}, schemas", valid


def _of_requests(promises: Promises) -> Iterator[Row]:
    listed = promises.listed
    where = listed.where
    refuses = IMPLIED if listed.lists(*REFUSALS) else OBSERVED
    needed = (one for one in listed.parameters if one.get("required") is True)
    if listed.body or any(one["in"] == "query" for one in needed):
        # What a patch has to hold is often said by the schema of the whole.
        basis = OBSERVED if listed.method == "PATCH" else refuses
        yield promises.required, basis, where, promises.lacking_cases
    if listed.body:
        body = f"{where}.requestBody"
        yield promises.wrong_body, refuses, body, promises.body_cases
        yield promises.wrong_field, OBSERVED, body, promises.field_cases
    if any(one["in"] == "query" for one in listed.parameters):
        source = f"{where}.parameters, which a server may read kindly"
        yield promises.wrong_parameter, OBSERVED, source, promises.parameter_cases
    if listed.security and () not in listed.security:
        yield promises.credentials, DOCUMENTED, f"{where}.security", None
        # A sandbox may take whatever is brought: which are right the document does not say.
        yield promises.wrong_credentials, OBSERVED, f"{where}.security", None

"""The promises of a schema; each is a clause's test, over one sample at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .document import Operation
from .driver import Driver
from .model import Broken, Exchange, NotReached, Request, expect, shortened
from .samples import Sample

if TYPE_CHECKING:
    from .openapi import Schema
    from .runner import Plan

Tolerates = Callable[[Request], bool]
Cases = Iterator[Mapping[str, Any]]

UNKNOWN = "/counterfoil-unknown"
NEVER_DECLARED = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""Methods that may be turned down; HEAD, OPTIONS and TRACE belong to the server, not to the API."""

IN_FRONT = frozenset({413, 414, 425, 429, 431})
"""Statuses of what stands before an API and lets in only so much; no API has to list them."""

CONFLICT = 409


class Rules:
    """What one document promises: its operations, and two views of what it says of answers."""

    def __init__(
        self,
        operations: tuple[Operation, ...],
        promised: Schema,
        described: Schema,
        tolerates: Tolerates,
    ) -> None:
        self._operations = operations
        self._promised = promised
        self._described = described
        self._tolerates = tolerates
        self._samples: dict[tuple[int, int], list[Sample]] = {}

    def status(self, driver: Driver, sample: Sample) -> None:
        """Every answer has a status that the document lists for its operation."""
        if self._answered(driver, sample).status in IN_FRONT:
            raise NotReached
        driver.exchanges.clear()
        self._judge(driver, sample, "status_code_conformance")

    def content_type(self, driver: Driver, sample: Sample) -> None:
        """Every answer has a content type that the document lists for its status."""
        self._judge(driver, sample, "content_type_conformance")

    def headers(self, driver: Driver, sample: Sample) -> None:
        """Every answer has the headers that the document lists for its status, well formed."""
        self._judge(driver, sample, "response_headers_conformance")

    def body(self, driver: Driver, sample: Sample) -> None:
        """The body of every answer is as the document says for its status."""
        self._judge(driver, sample, "response_schema_conformance")

    def observed_body(self, driver: Driver, sample: Sample) -> None:
        """Where only observation tells what an answer looks like, it looks like that."""
        check = "response_schema_conformance"
        exchange = self._answered(driver, sample)
        if self._promised.complaint(sample.operation, exchange, check):
            raise NotReached
        complaint = self._described.complaint(sample.operation, exchange, check)
        expect(not complaint, f"{sample.operation.label}: {complaint}")

    def valid_accepted(self, driver: Driver, sample: Sample) -> None:
        """A request that conforms to the schema, with ids that exist, is accepted."""
        shared = _shared(driver)
        sample = shared.filled(sample)
        existing = set(shared.existing(sample.operation.id)) - sample.kept
        if not (sample.operation.promised and sample.conforms and existing >= set(sample.path)):
            raise NotReached
        if sample.operation.id in shared.unmade:
            # Then the request may name what nobody made, and rightly be turned down for it.
            raise NotReached
        exchange = shared.exchange(sample.request)
        if driver.accepted(exchange):
            return
        if exchange.status in {CONFLICT, *IN_FRONT}:
            raise NotReached  # good as it is, it cannot be met at this moment
        raise Broken(
            f"{sample.operation.label}: a request that conforms to the schema was turned down: "
            f"{driver.describe(exchange)}"
        )

    def invalid_refused(self, driver: Driver, sample: Sample) -> None:
        """A request that breaks the schema is turned down, and not by a server error."""
        sample = _shared(driver).filled(sample)
        if not sample.operation.promised or not sample.forbidden:
            raise NotReached
        self._refused(driver, sample, f"a request that the schema forbids ({sample.forbidden[0]})")

    def no_server_error(self, driver: Driver, sample: Sample) -> None:
        """No request is answered by a server error, or not at all."""
        shared = _shared(driver)
        exchange = shared.exchange(shared.filled(sample).request)
        expect(exchange.response is not None, f"{_label(sample)}: no answer: {exchange.failure}")
        expect(exchange.status < 500, f"{_label(sample)}: a server error: {_said(exchange)}")

    def method(self, driver: Driver, sample: Sample) -> None:
        """A method that the document does not list for a path is turned down in good order."""
        self._refused(driver, _shared(driver).filled(sample), "a method that the document lacks")

    def unknown_path(self, driver: Driver, sample: Sample) -> None:
        """A path that the document does not list is turned down in good order."""
        self._refused(driver, _shared(driver).filled(sample), "a path that the document lacks")

    def plain_cases(self, plan: Plan) -> Cases:
        """Yield what Schemathesis makes."""
        return ({"sample": sample} for sample in self._all(plan) if sample.plain)

    def all_cases(self, plan: Plan) -> Cases:
        """Yield what Schemathesis makes, and what is made harder than that."""
        return ({"sample": sample} for sample in self._all(plan))

    def method_cases(self, plan: Plan) -> Cases:
        """Yield a valid request to every path, by every method that it lacks."""
        listed: dict[str, set[str]] = {}
        for operation in self._operations:
            listed.setdefault(operation.path, set()).add(operation.method)
        # Where several operations share a path, the last: a body makes acceptance likelier.
        for path, sample in {s.operation.path: s for s in self._valid(plan)}.items():
            for method in NEVER_DECLARED:
                # Deleting is only tried on what was made for this run, never on all there is.
                if method == "DELETE" and not path.endswith("}"):
                    continue
                if method not in listed[path]:
                    asked = replace(sample, method=method)
                    if method == "GET":
                        asked = replace(asked, kind=None, body=None)
                    yield {"sample": asked}

    def path_cases(self, plan: Plan) -> Cases:
        """Yield a valid request to every operation, its path made one that no operation has."""
        for sample in self._valid(plan):
            beyond = UNKNOWN
            while self._known(replace(sample, beyond=beyond)):
                beyond += UNKNOWN
            yield {"sample": replace(sample, beyond=beyond)}

    def _known(self, sample: Sample) -> bool:
        path = sample.request.target.partition("?")[0]
        return any(o.path_pattern.fullmatch(path) for o in self._operations)

    def _valid(self, plan: Plan) -> list[Sample]:
        """Return the first valid sample of each operation."""
        first: dict[str, Sample] = {}
        for sample in self._all(plan):
            if sample.plain and sample.conforms:
                first.setdefault(sample.operation.id, sample)
        return list(first.values())

    def _all(self, plan: Plan) -> list[Sample]:
        """Return the samples of a plan; they depend on the document and the seed alone."""
        key = (plan.seed, plan.profile.examples)
        if key not in self._samples:
            self._samples.clear()
            self._samples[key] = _distinct(self._promised.samples(*key))
        return self._samples[key]

    def _judge(self, driver: Driver, sample: Sample, check: str) -> None:
        exchange = self._answered(driver, sample)
        complaint = self._promised.complaint(sample.operation, exchange, check)
        expect(not complaint, f"{sample.operation.label}: {complaint}")

    def _answered(self, driver: Driver, sample: Sample) -> Exchange:
        shared = _shared(driver)
        exchange = shared.exchange(shared.filled(sample).request)
        if exchange.response is None:
            raise NotReached
        return exchange

    def _refused(self, driver: Driver, sample: Sample, what: str) -> None:
        if self._tolerates(sample.request):
            raise NotReached
        exchange = _shared(driver).exchange(sample.request)
        if driver.accepted(exchange):
            raise Broken(f"{_label(sample)}: {what} was accepted: {driver.describe(exchange)}")
        expect(
            exchange.response is not None and exchange.status < 500,
            f"{_label(sample)}: {what} was answered by a server error: {_said(exchange)}",
        )


class _Shared:
    """What the schema clauses of one run have in common, so that no request is sent twice.

    `unmade` are the operations for which the target did not make the values that exist.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._exchanges: dict[Request, Exchange] = {}
        self._existing: dict[str, Mapping[str, Any]] = {}
        self._made_by: dict[str, list[Exchange]] = {}
        self._filled: dict[Sample, Sample] = {}
        self.unmade: set[str] = set()

    def exchange(self, request: Request) -> Exchange:
        """Send a request with credentials on it, unless it was sent before; return its exchange.

        A case that is tried once more is sent once more.
        """
        if request in self._exchanges and not self._driver.repeats:
            self._driver.exchanges.append(self._exchanges[request])
        else:
            sent = self._driver.send(self._driver.authorize(request))
            self._exchanges[request] = sent
        return self._exchanges[request]

    def existing(self, operation: str) -> Mapping[str, Any]:
        """Return values that exist, by the parameters and fields of an operation that name them."""
        exchanges = self._driver.exchanges
        if operation not in self._existing:
            before = len(exchanges)
            try:
                self._existing[operation] = self._driver.existing(operation)
            except NotReached:
                self._existing[operation] = {}
                self.unmade.add(operation)
            except Exception:
                # What the server said of them is judged by other clauses.
                self._existing[operation] = {}
            self._made_by[operation] = exchanges[before:] if self._existing[operation] else []
            del exchanges[before:]
        return self._existing[operation]

    def filled(self, sample: Sample) -> Sample:
        """Return the sample with values that exist; the exchanges that made them come first."""
        if sample not in self._filled:
            self._filled[sample] = sample.filled(self.existing(sample.operation.id))
        filled = self._filled[sample]
        if filled.request != sample.request:
            self._driver.exchanges[:0] = self._made_by[sample.operation.id]
        return filled


def _shared(driver: Driver) -> _Shared:
    found: _Shared = driver.shared.setdefault(_Shared, _Shared(driver))
    return found


def _distinct(samples: Iterable[Sample]) -> list[Sample]:
    return list({(sample.request, sample.kept): sample for sample in samples}.values())


def smaller(case: Mapping[str, Any]) -> Cases:
    """Yield simpler cases than one that broke a promise."""
    return ({"sample": sample} for sample in case["sample"].smaller())


def _label(sample: Sample) -> str:
    path = sample.operation.path.rstrip("/") if sample.beyond else sample.operation.path
    return f"{sample.request.method} {path}{sample.beyond}"


def _said(exchange: Exchange) -> str:
    return f"HTTP {exchange.status} {shortened(exchange.body)}"

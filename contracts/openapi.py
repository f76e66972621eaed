"""All that a schema can say, by Schemathesis: it is imported here alone, and only when used."""

from __future__ import annotations

import json
import random
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import hypothesis
from hypothesis import given
from hypothesis.errors import Unsatisfiable

from .document import Document, Operation
from .drawing import drawn_alike, settings
from .model import Basis, Clause, Exchange, clause, shortened
from .samples import Sample, read_sample
from .schema_rules import Cases, Rules, Tolerates, smaller
from .schemas import answer_schema, complaints, place, readable, validator

if TYPE_CHECKING:
    from schemathesis.generation import GenerationMode

    from .runner import Plan

COVERAGE_PER_EXAMPLE = 3
"""How many of Schemathesis' coverage cases an operation gets for each example of the profile."""

NOWHERE = "http://nowhere.invalid"


def schema_clauses(api: str, document: Path, *, tolerates: Tolerates | None = None) -> list[Clause]:
    """Return what the document promises by itself; `tolerates` names what it leaves open."""
    read = Document(document)
    rules = Rules(
        read.operations,
        promised=Schema(read, lambda: read.promised),
        described=Schema(read, lambda: read.described),
        tolerates=tolerates or (lambda request: False),
    )
    documented, implied, observed = Basis
    answers, requests = "OpenAPI document, responses", "OpenAPI document, parameters and bodies"
    table: list[tuple[Callable[..., None], Basis, str, Callable[[Plan], Cases]]] = [
        (rules.status, documented, answers, rules.plain_cases),
        (rules.content_type, documented, answers, rules.plain_cases),
        (rules.body, documented, answers, rules.plain_cases),
        (rules.valid_accepted, documented, requests, rules.plain_cases),
        (rules.invalid_refused, implied, requests, rules.all_cases),
        (rules.no_server_error, implied, "no document has a place for one", rules.all_cases),
        (rules.method, implied, "OpenAPI document, paths", rules.method_cases),
        (rules.unknown_path, implied, "OpenAPI document, paths", rules.path_cases),
    ]
    if read.lists_headers:
        table.insert(2, (rules.headers, implied, answers, rules.plain_cases))
    if read.observes:
        table.insert(-5, (rules.observed_body, observed, answers, rules.plain_cases))
    return [
        clause(
            f"{api}.schema.{rule.__name__}",
            basis=basis,
            source=source,
            cases=cases,
            smaller=smaller,
        )(rule)
        for rule, basis, source, cases in table
    ]


class Listing(Protocol):
    """What lists operations: a document, or one operation alone."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn for one operation, of a document that holds nothing but that."""

    operations: tuple[Operation, ...]
    document: dict[str, Any]

    def samples(self, seed: int, count: int) -> list[Sample]:
        """Return valid requests that are drawn; none where Schemathesis finds no way."""
        schema = Schema(self, lambda: self.document)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # Schemathesis is loaded first, and Hypothesis is as it was afterwards.
                return list(schema.drawn_valid(self.operations[0], count, seed))
        except Exception:
            # A stranger's schema may ask for anything; the plain requests are there as well.
            return []


class Schema:
    """One view of a document, as Schemathesis has it; read when it is first needed."""

    def __init__(self, document: Listing, view: Callable[[], dict[str, Any]]) -> None:
        self._document = document
        self._view = view
        self._covering: dict[str, list[Sample]] = {}

    @cached_property
    def _loaded(self) -> Any:
        with _hypothesis_left_alone():
            import schemathesis
        # A config of our own: none is looked for, and nothing is written.
        config = schemathesis.Config.from_dict(
            {
                "cache": {"enabled": False},
                "analysis": {"constants": {"enabled": False}},
                "generation": {
                    "database": "none",
                    "with-security-parameters": False,
                    "allow-extra-parameters": False,
                    "allow-x00": False,
                },
                "phases": {
                    "coverage": {
                        "generate-duplicate-query-parameters": False,
                        "unexpected-methods": [],
                    }
                },
            }
        )
        return schemathesis.openapi.from_dict(self._view(), config=config)

    def samples(self, seed: int, examples: int) -> Iterator[Sample]:
        """Yield requests, valid and not: what covers the schema, what is drawn, what is harder."""
        choice = random.Random(seed)
        for operation in self._document.operations:
            yield from _spread(self._coverage(operation), COVERAGE_PER_EXAMPLE * examples, choice)
        for operation in self._document.operations:
            for sample in self._drawn(operation, examples // 2, seed):
                yield sample
                if operation.path_names and sample.conforms:
                    # What does not exist is answered too.
                    yield sample.as_is()
        for operation in self._document.operations:
            yield from _hardest(self._coverage(operation))

    def _coverage(self, operation: Operation) -> list[Sample]:
        """Return Schemathesis' own choice of values at and beyond every bound of the schema."""
        if operation.id not in self._covering:
            from schemathesis.generation import GenerationMode
            from schemathesis.generation.coverage import GenerationSession

            theirs = self._theirs(operation)
            cases = self._loaded.iter_coverage_cases(
                theirs,
                generation_modes=list(GenerationMode),
                generation_config=self._loaded.config.generation_for(
                    operation=theirs, phase="coverage"
                ),
                session=GenerationSession(),
            )
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*regular expression.*")
                self._covering[operation.id] = list(_samples(operation, cases))
        return self._covering[operation.id]

    def _drawn(self, operation: Operation, count: int, seed: int) -> Iterator[Sample]:
        """Yield samples of values drawn at random, as many valid ones as others."""
        from schemathesis.generation import GenerationMode

        for mode in GenerationMode:
            # A path that is not valid is one that does not exist, which the valid ones show too.
            breakable = operation.bodies or operation.names("query")
            if mode is GenerationMode.NEGATIVE and not breakable:
                continue
            yield from self.drawn_as(mode, operation, count, seed)

    def drawn_as(
        self, mode: GenerationMode, operation: Operation, count: int, seed: int
    ) -> Iterator[Sample]:
        """Yield samples of values drawn at random, all of them valid, or none."""
        strategy = self._theirs(operation).as_strategy(generation_mode=mode)
        own_seed = zlib.crc32(f"{seed} {operation.id} {mode}".encode())
        yield from _samples(operation, _draw(strategy, count, own_seed))

    def drawn_valid(self, operation: Operation, count: int, seed: int) -> Iterator[Sample]:
        """Yield valid samples that are drawn alike in every process, whatever else is loaded."""
        self._theirs(operation)
        from schemathesis.generation import GenerationMode

        with drawn_alike():
            yield from self.drawn_as(GenerationMode.POSITIVE, operation, count, seed)

    def complaint(self, operation: Operation, exchange: Exchange, check: str) -> str:
        """Return what a check of Schemathesis has against an answer, in a line; "" for nothing."""
        from schemathesis.specs.openapi import checks

        # What stands in the path matters only to the request that it would print.
        path = {name: "0" for name in operation.path_names}
        case = self._theirs(operation).Case(path_parameters=path)
        try:
            case.validate_response(_answer(exchange), checks=[getattr(checks, check)])
        except (AssertionError, BaseExceptionGroup) as failed:
            failures = failed.exceptions if isinstance(failed, BaseExceptionGroup) else (failed,)
            lines = (self._line(f, operation, exchange) for f in failures if _fits(f, check))
            return next(lines, "")
        except UnicodeEncodeError:
            return ""  # half a surrogate pair, which no validator can take in
        return ""

    def _line(self, failure: Any, operation: Operation, exchange: Exchange) -> str:
        """Return in a line what was promised and what came."""
        response = exchange.response
        if response and type(failure).__name__ == "JsonSchemaError" and not _of_header(failure):
            # Schemathesis rewrites what depends on a condition, and then has less to say about it.
            view = self._view()
            schema = answer_schema(
                view, operation.path, operation.method, response.status, response.media_type
            )
            judge = validator(schema, view["components"])
            with suppress(ValueError):
                for problem in complaints("body", judge, json.loads(response.body)):
                    return f"{problem} (in an answer of status {response.status})"
        return _line(failure, exchange.status)

    def _theirs(self, operation: Operation) -> Any:
        return self._loaded[operation.path][operation.method]


def _draw(strategy: Any, count: int, seed: int) -> list[Any]:
    cases: list[Any] = []

    @hypothesis.seed(seed)
    @settings(count, shrink=False)
    @given(strategy)
    def keep(case: Any) -> None:
        cases.append(case)

    with suppress(Unsatisfiable):
        keep()
    return cases


def _samples(operation: Operation, cases: Iterable[Any]) -> Iterator[Sample]:
    """Take apart what Schemathesis would send."""
    import requests
    from schemathesis.errors import SerializationNotPossible

    for case in cases:
        try:
            wanted = case.as_transport_kwargs(base_url=NOWHERE)
            parts = {k: v for k, v in wanted.items() if k not in ("cookies", "files")}
            prepared = requests.Request(**parts).prepare()
        except (SerializationNotPossible, requests.RequestException, ValueError):
            continue
        body: Any = prepared.body or b""
        body = body.encode() if isinstance(body, str) else body
        headers = {name: str(value) for name, value in prepared.headers.items()}
        sample = read_sample(operation, prepared.path_url, headers, body)
        if sample and (sample.kind is None or sample.kind in operation.bodies):
            yield sample


def _spread(samples: list[Sample], most: int, choice: random.Random) -> list[Sample]:
    """Return so many of the samples, and of as many likenesses as there is room for."""
    alike: dict[object, list[int]] = {}
    for nth in choice.sample(range(1, len(samples)), max(len(samples) - 1, 0)):
        alike.setdefault(samples[nth].likeness, []).append(nth)
    in_turn = [nth for row in zip_longest(*alike.values()) for nth in row if nth is not None]
    # The first is the plainest; without it nothing may ever be accepted.
    return [samples[nth] for nth in sorted([0, *in_turn[: most - 1]])] if samples else []


def _hardest(samples: list[Sample]) -> Iterator[Sample]:
    """Yield what can be made of the valid sample of which most can be made, of each media type."""
    most: dict[str | None, list[Sample]] = {}
    for sample in samples:
        harder = list(sample.harder()) if sample.conforms else []
        most[sample.kind] = max(most.get(sample.kind, []), harder, key=len)
    return chain(*most.values())


def _answer(exchange: Exchange) -> Any:
    import requests
    from schemathesis import Response

    assert exchange.response is not None
    headers: dict[str, list[str]] = {}
    for name, value in exchange.response.headers:
        headers.setdefault(name.lower(), []).append(value)
    asked = requests.PreparedRequest()
    asked.method, asked.url = exchange.request.method, NOWHERE
    asked.headers = requests.structures.CaseInsensitiveDict()
    return Response(exchange.status, headers, exchange.body, asked, exchange.duration, verify=False)


def _fits(failure: Any, check: str) -> bool:
    """Leave out of the body's check the missing content type, which has a check of its own."""
    missing = type(failure).__name__ == "MissingContentType"
    return not (missing and check == "response_schema_conformance")


def _of_header(failure: Any) -> bool:
    return "header" in failure.title


def _line(failure: Any, status: int) -> str:
    """Return in a line what was promised and what came."""
    kind = type(failure).__name__
    if kind == "UndefinedStatusCode":
        return f"status {status}; the document lists {', '.join(failure.defined_status_codes)}"
    if kind == "MissingContentType":
        return f"no content type; the document lists {', '.join(failure.media_types)}"
    if kind == "UndefinedContentType":
        listed = ", ".join(failure.defined_content_types)
        return f"content type {failure.content_type}; the document lists {listed} for {status}"
    if kind == "MissingHeaders":
        return f"no header {', '.join(failure.missing_headers)} in an answer of status {status}"
    if kind == "JsonSchemaError":
        root = "header" if _of_header(failure) else "body"
        message = readable(failure.validation_message, failure.instance)
        return f"{place(root, failure.instance_path)}: {message} (in an answer of status {status})"
    return f"{failure.title}: {shortened(failure.message.splitlines()[0].encode())}"


@contextmanager
def _hypothesis_left_alone() -> Iterator[None]:
    """Undo what importing Schemathesis does to everybody else's Hypothesis in this process."""
    from hypothesis import core
    from hypothesis.internal.conjecture import engine
    from hypothesis.strategies._internal import collections

    names = ("RepresentationPrinter", "BUFFER_SIZE")
    before = [
        (module, name, getattr(module, name))
        for module in (core, engine, collections)
        for name in names
        if hasattr(module, name)
    ]
    yield
    from schemathesis.generation.hypothesis import setup

    setup()
    for module, name, value in before:
        setattr(module, name, value)

"""A JSON report read back, strictly: a stranger may have written it, so it is data and no more."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from .model import Chunk, ContractError, Exchange, Request, Response, shortened
from .recipes import Step

FORMAT = "counterfoil report 1"
"""What the reports that are read begin with; a change in what is read here changes the number."""

MOST_STEPS = 8
"""Changes that are done to one text at most."""
MOST_DEPTH = 4
"""How deep a piece is made of others."""

Pieces = tuple["Piece | str", ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text that is made anew; contracts/report/anew.py says how it is written down.

    One of `credential`, `answer`, `made` and `unknown` (a label) says from what.
    """

    credential: str = ""
    answer: int | None = None
    at: tuple[Piece | str | int, ...] = ()
    made: str = ""
    parts: tuple[Pieces, ...] = ()
    unknown: str = ""
    then: tuple[Step, ...] = ()
    label: str = ""
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a failure as it is made anew, what is waited before it, and its answer."""

    method: str
    operation: str | None
    target: Pieces
    headers: tuple[tuple[str, Pieces], ...]
    body: Pieces
    pause: float
    answer: Exchange

    @property
    def request(self) -> object:
        """What it has in common with the same request, asked again."""
        return self.method, self.operation, self.target, self.headers, self.body


@dataclass(frozen=True, slots=True)
class StoredFailure:
    """How a clause was seen to break."""

    clause: str
    message: str
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class StoredReport:
    """The report of one API, as far as it is needed to see its failures again."""

    api: str
    target: str
    seed: int
    failures: tuple[StoredFailure, ...]


def read(data: bytes, name: str) -> tuple[StoredReport, ...]:
    """Return the reports in a file, one an API; raises ContractError where it is none of ours."""
    try:
        found = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{name} is no report: it is not JSON in UTF-8") from error
    reports = found if isinstance(found, list) else [found]
    if not reports or not all(isinstance(one, dict) and "clauses" in one for one in reports):
        raise ContractError(
            f"{name} is no report, as `counterfoil check --report FILE.json` makes one"
        )
    for one in reports:
        if one.get("format") != FORMAT:
            said = shortened(one.get("format", "none"), 60)
            raise ContractError(f"{name}: its format is {said}, and this is read: {FORMAT!r}")
    places = [f"{name}: [{at}]" for at in range(len(reports))]
    if not isinstance(found, list):
        places = [f"{name}: report"]
    try:
        return tuple(_report(_At(one, at)) for one, at in zip(reports, places, strict=True))
    except RecursionError as error:
        raise ContractError(f"{name}: a value is nested too deep to be shown") from error


class _At:
    """A JSON value, and the place in the file that it is at."""

    def __init__(self, value: object, place: str) -> None:
        self.value: Any = value
        self.place = place

    def refuse(self, wanted: str) -> NoReturn:
        raise ContractError(f"{self.place} should be {wanted}, not {shortened(self.value, 60)}")

    def member(self, name: str, otherwise: object = None) -> _At:
        if not isinstance(self.value, dict):
            self.refuse("an object")
        return _At(self.value.get(name, otherwise), f"{self.place}.{name}")

    def items(self) -> Iterator[_At]:
        if not isinstance(self.value, list):
            self.refuse("a list")
        return (_At(item, f"{self.place}[{at}]") for at, item in enumerate(self.value))

    def text(self) -> str:
        if not isinstance(self.value, str):
            self.refuse("a text")
        return self.value

    def line(self) -> str:
        """Return a text that is short, and holds nothing that cannot be seen."""
        if len(self.text()) > 200 or not self.text().isprintable():
            self.refuse("a short text of visible characters")
        return self.text()

    def whole(self, least: int, most: int) -> int:
        number = isinstance(self.value, int) and not isinstance(self.value, bool)
        if not number or not least <= self.value <= most:
            self.refuse(f"a whole number from {least} to {most}")
        return int(self.value)

    def seconds(self) -> float:
        number = isinstance(self.value, (int, float)) and not isinstance(self.value, bool)
        if not number or not math.isfinite(self.value) or not 0 <= self.value <= 1e9:
            self.refuse("a number of seconds")
        return float(self.value)


def _report(at: _At) -> StoredReport:
    failures = (
        _failure(one, one.member("failure"))
        for one in at.member("clauses").items()
        if one.member("failure").value is not None
    )
    return StoredReport(
        at.member("api").line(),
        at.member("target").line(),
        at.member("seed").whole(0, 2**63),
        tuple(failures),
    )


def _failure(clause: _At, failure: _At) -> StoredFailure:
    last = failure.member("exchange")
    answers = [*failure.member("before").items(), *([last] if last.value is not None else [])]
    steps = list(failure.member("replay").items())
    if len(steps) != len(answers):
        failure.member("replay").refuse(f"a list of {len(answers)} steps, as many as exchanges")
    return StoredFailure(
        clause.member("id").line(),
        failure.member("message").text(),
        tuple(
            _asked(step, answer, before)
            for before, (step, answer) in enumerate(zip(steps, answers, strict=True))
        ),
    )


def _asked(step: _At, answer: _At, before: int) -> Asked:
    method = step.member("method").line()
    if not re.fullmatch(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+", method):
        step.member("method").refuse("a method of HTTP")
    named = step.member("operation")
    operation = named.line() if named.value is not None else None
    return Asked(
        method,
        operation,
        _pieces(step.member("target"), before),
        tuple(_header(line, before) for line in step.member("headers").items()),
        _pieces(step.member("body"), before),
        step.member("pause_s").seconds(),
        _exchange(answer, Request(method, "", operation=operation)),
    )


def _header(at: _At, before: int) -> tuple[str, Pieces]:
    parts = list(at.items())
    if len(parts) != 2:
        at.refuse("a header's name and its value")
    return parts[0].line(), _pieces(parts[1], before)


def _pieces(at: _At, before: int, depth: int = 0) -> Pieces:
    """Return the pieces of a text; those of step `before` know the answers to earlier steps."""
    if isinstance(at.value, str):
        return (at.value,)
    return tuple(
        item.value if isinstance(item.value, str) else _piece(item, before, depth)
        for item in at.items()
    )


def _piece(at: _At, before: int, depth: int) -> Piece:
    if depth >= MOST_DEPTH:
        at.refuse("a text: it is made of pieces of pieces of pieces")
    label, was = at.member("label", "").line(), at.member("was").value
    if was is not None and not isinstance(was, str):
        at.member("was").refuse("a text")
    then = tuple(_step(step) for step in at.member("then", []).items())
    if len(then) > MOST_STEPS:
        at.member("then").refuse(f"a list of {MOST_STEPS} changes at most")
    kinds = [name for name in ("credential", "answer", "made", "hidden") if name in at.value]
    if kinds == ["credential"]:
        return Piece(credential=at.member("credential").line(), then=then, label=label, was=was)
    if kinds == ["made"]:
        parts = tuple(_pieces(part, before, depth + 1) for part in at.member("parts").items())
        return Piece(made=at.member("made").line(), parts=parts, then=then, label=label)
    if kinds == ["hidden"]:
        return Piece(unknown=shortened(at.member("hidden").text().encode("utf-8", "replace")))
    if kinds != ["answer"]:
        at.refuse("a piece with a credential, an answer, what is made, or what is hidden")
    answer = at.member("answer").whole(0, before - 1)
    keys = tuple(_key(key, answer + 1, depth + 1) for key in at.member("at").items())
    return Piece(answer=answer, at=keys, then=then, was=was)


def _key(at: _At, before: int, depth: int) -> Piece | str | int:
    if isinstance(at.value, dict):
        return _piece(at, before, depth)
    return at.text() if isinstance(at.value, str) else at.whole(0, 10**9)


def _step(at: _At) -> Step:
    found = tuple(item.value for item in at.items())
    if not found or not all(type(item) in (str, int) for item in found):
        at.refuse('a change, like ["cut", 8]')
    return found


def _exchange(at: _At, request: Request) -> Exchange:
    failure, answer = at.member("failure"), at.member("response")
    seconds = at.member("duration_s").seconds()
    if answer.value is None:
        return Exchange(request, None, 0.0, 0.0, failure.text())
    status = answer.member("status").whole(100, 999)
    body = _body(answer)
    headers = tuple(
        (line.member("name").text(), line.member("value").text())
        for line in answer.member("headers").items()
    )
    said = failure.text() if failure.value is not None else None
    chunks = tuple(
        Chunk(chunk.member("at_s").seconds(), b"") for chunk in answer.member("chunks").items()
    )
    return Exchange(request, Response(status, headers, body, chunks), 0.0, seconds, said)


def _body(at: _At) -> bytes:
    if "body_base64" not in at.value:
        return at.member("body").text().encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(at.member("body_base64").text(), validate=True)
    except (binascii.Error, ValueError):
        at.member("body_base64").refuse("base64")

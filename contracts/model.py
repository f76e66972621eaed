"""The nouns of a contract: what is promised, what was exchanged, what was found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis.errors import UnsatisfiedAssumption

if TYPE_CHECKING:
    from .driver import Driver
    from .runner import Plan


class Basis(StrEnum):
    """How sure we are of a promise; only the first two can break a contract."""

    DOCUMENTED = "documented"
    IMPLIED = "implied"
    OBSERVED = "observed"


class Verdict(StrEnum):
    """What is found of a clause; `deviation` is a broken clause that was only ever observed."""

    KEPT = "kept"
    BROKEN = "broken"
    DEVIATION = "deviation"
    UNTESTED = "untested"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a text is made anew: from a `credential`, from `text`, or by the API's driver.

    What the driver makes is named `made`, of the texts that `parts` give. `then` are the changes
    that are done to it afterwards, one after another, like ("cut", 8); recipes.py knows them.
    """

    credential: str = ""
    text: str = ""
    made: str = ""
    parts: tuple[Recipe, ...] = ()
    then: tuple[tuple[str | int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Hidden:
    """A secret within a request: how reports show it, and how a POSIX shell makes it anew.

    `shell` may be a function where the words take long to write, and are seldom asked for; so may
    `recipe`, by which a replay makes it anew.
    """

    value: str = field(repr=False)
    label: str
    shell: str | Callable[[], str]
    recipe: Recipe | Callable[[], Recipe] | None = field(default=None, compare=False)

    def anew(self) -> Recipe | None:
        """Return the recipe, if there is one."""
        return self.recipe() if callable(self.recipe) else self.recipe

    def in_shell(self) -> str:
        """Return the words that make the secret anew."""
        return self.shell if isinstance(self.shell, str) else self.shell()


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `target` is the raw request target below the base URL, percent-encoded."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    operation: str | None = None
    hidden: tuple[Hidden, ...] = ()

    def __repr__(self) -> str:
        """Return what was asked without what may be secret."""
        path = self.target.partition("?")[0]
        return f"<{self.method} {path}, {len(self.body)} bytes>"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they came, `at` seconds after the request was sent."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; `chunks` joined are `body`."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    chunks: tuple[Chunk, ...] = ()

    def __repr__(self) -> str:
        """Return what came without what a target may have told."""
        return f"<HTTP {self.status}, {len(self.body)} bytes>"

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its response, or with `failure`, a sentence, where none came.

    `at` is the target's clock when the request left, `duration` the seconds until the last byte.
    """

    request: Request
    response: Response | None
    at: float
    duration: float
    failure: str | None = None

    @property
    def status(self) -> int:
        """The HTTP status, 0 where no response came."""
        return self.response.status if self.response else 0

    @property
    def body(self) -> bytes:
        """The response's body, empty where none came."""
        return self.response.body if self.response else b""

    def json(self) -> Any:
        """Return the response's body as JSON; raises Broken where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Broken(f"the body is not JSON: {shortened(self.body)}") from error

    def members(self) -> Mapping[str, Any]:
        """Return the response's body as a JSON object; raises Broken where it is none."""
        found = self.json()
        if not isinstance(found, dict):
            raise Broken(f"the body is not a JSON object: {shortened(self.body)}")
        return found


class Broken(AssertionError):
    """The clause is broken; the message says what was promised and what came instead."""


class NotReached(UnsatisfiedAssumption):
    """What the clause is about was not reached: a request that it builds on was turned down."""


class ContractError(Exception):
    """We cannot judge: unknown API, missing credential, unusable document. Says the mend."""


class Stopped(BaseException):
    """The run ends here. A BaseException, so that Hypothesis neither shrinks nor repeats it."""


class BudgetSpent(Stopped):
    """The next call would cost more than was allowed; it was not made."""


class Unreachable(Stopped):
    """Nobody answers at the target, or somebody who does not speak HTTP."""


Draws = Mapping[str, Any]
"""Hypothesis strategies by the name of the argument that they fill."""


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """One promise and the code that tests it.

    `examples` are argument sets that are always tried first. `cases` makes them for a plan instead,
    and all are tried; `smaller` yields simpler ones than one of either that broke the clause, the
    boldest first. `most` bounds the number of examples of a clause whose examples are dear. `needs`
    names credentials without which it is untested. A `machine` clause returns a Hypothesis state
    machine class instead of testing at once.
    """

    id: str
    sentence: str
    source: str
    basis: Basis
    test: Callable[..., Any]
    draws: Draws = field(default_factory=dict)
    examples: tuple[Mapping[str, Any], ...] = ()
    cases: Callable[[Plan], Iterable[Mapping[str, Any]]] | None = None
    smaller: Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]] | None = None
    most: int | None = None
    needs: tuple[str, ...] = ()
    machine: bool = False
    where: str = ""


def clause(
    id: str,
    /,
    *,
    basis: Basis,
    source: str,
    examples: tuple[Mapping[str, Any], ...] = (),
    cases: Callable[[Plan], Iterable[Mapping[str, Any]]] | None = None,
    smaller: Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]] | None = None,
    most: int | None = None,
    needs: tuple[str, ...] = (),
    machine: bool = False,
    **draws: Any,
) -> Callable[[Callable[..., Any]], Clause]:
    """Make a function over a driver a clause; its docstring is the sentence.

    `source` names the document's section, or the fact sheet's, that promises it.
    """

    def made(test: Callable[..., Any]) -> Clause:
        code = test.__code__
        return Clause(
            id=id,
            sentence=" ".join((test.__doc__ or "").split()),
            source=source,
            basis=basis,
            test=test,
            draws=draws,
            examples=examples,
            cases=cases,
            smaller=smaller,
            most=most,
            needs=needs,
            machine=machine,
            where=f"{Path(code.co_filename).as_posix()}:{code.co_firstlineno}",
        )

    return made


@dataclass(frozen=True, slots=True)
class Credential:
    """What a caller has to bring. `secret` values are shown as the name of their variable."""

    name: str
    about: str
    required: bool = True
    secret: bool = True


@dataclass(frozen=True, slots=True)
class Contract:
    """All that is promised by one API, and how to hold somebody to it.

    Of a `partial` one what was not reached is untested, clause by clause, and keeps nothing else
    from being judged.
    """

    name: str
    title: str
    base_url: str | None
    credentials: tuple[Credential, ...]
    document: Path
    driver: type[Driver]
    clauses: tuple[Clause, ...]
    variables: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where credentials are read from instead, by their names."""
    partial: bool = False

    def variable(self, credential: str) -> str:
        """Return the name of the environment variable that a credential is read from."""
        if credential in self.variables:
            return self.variables[credential]
        return f"COUNTERFOIL_{self.name}_{credential}".upper()


@dataclass(frozen=True, slots=True)
class Failure:
    """How a clause was seen to break: the smallest case, with every exchange that led to it."""

    message: str
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class BaselineEntry:
    """A known deviation that does not fail a run: where (a base URL, a glob or `mock`), and why."""

    clause: str
    target: str
    reason: str
    date: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is found of one clause. `examples` counts the cases that reached what it is about.

    A `failure` of an untested clause was seen once, and not when the case was repeated. `baseline`
    is the entry by which a broken clause is accepted.
    """

    clause: Clause
    verdict: Verdict
    reason: str = ""
    examples: int = 0
    calls: int = 0
    duration: float = 0.0
    failure: Failure | None = None
    baseline: BaselineEntry | None = None


def expect(promise: object, message: str) -> None:
    """Raise Broken with `message` unless the promise is true."""
    if not promise:
        raise Broken(message)


def suppose(condition: object) -> None:
    """Leave the case at hand, which does not apply, unless the condition is true."""
    if not condition:
        raise NotReached


def shortened(value: object, most: int = 160) -> str:
    """Return a value as a reader can take it in; bytes as the text that they are."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else repr(value)
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"

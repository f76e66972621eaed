"""How a client speaks to an API: what every API's driver has in common."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from .model import (
    Contract,
    ContractError,
    Exchange,
    Hidden,
    NotReached,
    Recipe,
    Request,
    shortened,
)
from .recipes import Step
from .target import Clock, Target


class GaveUp(BaseException):
    """Case after case was turned down before the clause's subject was reached."""


class Attempts:
    """How often a clause reached what it is about, and what turned it down when it did not."""

    MOST_MISSES = 8

    def __init__(self) -> None:
        self.reached = 0
        self.missed = 0
        self.reason = ""

    def miss(self, reason: str) -> None:
        """Count a case that was turned down; raises GaveUp when there were too many of them."""
        self.missed += 1
        self.reason = reason
        if self.reached == 0 and self.missed >= self.MOST_MISSES:
            raise GaveUp


class Driver:
    """One client with one set of credentials; `exchanges` are those of the case at hand.

    `shared` is for whatever the clauses of one run have in common, by who put it there. While it
    `repeats` a case that broke a clause, nothing counts that was seen before.

    An API's driver adds its operations as methods, and those that say `Each API` below.
    """

    def __init__(self, contract: Contract, target: Target, credentials: Mapping[str, str]) -> None:
        self.contract = contract
        self.target = target
        self.credentials = credentials
        self.exchanges: list[Exchange] = []
        self.attempts = Attempts()
        self.accepted_operations: Counter[str] = Counter()
        self.refusals: dict[str, Exchange] = {}
        self.shared: dict[Any, Any] = {}
        self.repeats = False

    @property
    def clock(self) -> Clock:
        """The clock that waiting is done on."""
        return self.target.clock

    def accepted(self, exchange: Exchange) -> bool:
        """Each API: say whether the request did what was asked, by the body where it matters."""
        raise NotImplementedError

    def describe(self, exchange: Exchange) -> str:
        """Each API: say in a line how the request was answered."""
        if exchange.response is None:
            return exchange.failure or "no answer"
        return f"HTTP {exchange.status} {shortened(exchange.body)}"

    def authorize(self, request: Request) -> Request:
        """Each API: put the credentials on a request that was made elsewhere, signatures last."""
        raise NotImplementedError

    def probe(self) -> Exchange:
        """Each API: send one plain request that an honest server accepts."""
        raise NotImplementedError

    def say(self, text: str) -> Exchange:
        """Each API: send any text where a user's own words go."""
        raise NotImplementedError

    def send_body(self, body: bytes, content_type: str | None) -> Exchange:
        """Each API: send a body as it is, by a caller who is let in."""
        raise NotImplementedError

    def existing(self, operation: str) -> Mapping[str, Any]:
        """Each API, if it has any: values that exist, by the operation's parameters and fields.

        It is asked once a run. A path parameter that is not named keeps the operation's valid
        requests from being judged; name it with any value where any is good.
        """
        return {}

    secret_headers: frozenset[str] = frozenset()
    """Each API: the headers, in lower case, that a secret may be sent in by a replay."""
    one_way: frozenset[str] = frozenset()
    """Each API: what it makes anew that tells nobody what it was made of; it may be anywhere."""
    volatile: frozenset[str] = frozenset()
    """Each API: the names of members of answers that differ from call to call: ids, times."""
    shared_lists: frozenset[str] = frozenset()
    """Each API: the names of lists in answers that hold what other cases made, too."""
    prose: frozenset[str] = frozenset()
    """Each API: the names of members of answers that are written for people, by a model perhaps."""

    def make_anew(self, made: str, parts: Sequence[str]) -> str:
        """Each API: make what its recipes name of the parts that they give."""
        raise ContractError(f"{self.contract.name} has no way to make {shortened(made)}")

    @classmethod
    def reading(cls, exchange: Exchange) -> Any:
        """Return an answer as JSON values, or as a text; each API that has other forms: those."""
        text = exchange.body.decode("utf-8", "surrogateescape")
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text

    def send(self, request: Request) -> Exchange:
        """Send a request as it is, and keep the exchange."""
        exchange = self.target.send(request)
        self.exchanges.append(exchange)
        if request.operation:
            if self.accepted(exchange):
                self.accepted_operations[request.operation] += 1
            else:
                self.refusals[request.operation] = exchange
        return exchange

    def must(self, exchange: Exchange) -> Exchange:
        """Return the exchange if it was accepted; else the case at hand does not apply."""
        if not self.accepted(exchange):
            reason = (
                f"{exchange.request.operation or exchange.request.method} was turned down: "
                f"{self.describe(exchange)}"
            )
            self.attempts.miss(reason)
            raise NotReached(reason)
        return exchange

    def must_not(self, exchange: Exchange) -> Exchange:
        """Return the exchange if it was turned down; else the case at hand does not apply."""
        if self.accepted(exchange):
            reason = f"{exchange.request.operation} was accepted, so there is no refusal to judge"
            self.attempts.miss(reason)
            raise NotReached(reason)
        return exchange

    def refused(self, exchange: Exchange) -> bool:
        """Say whether the request was turned down in good order: an answer, and no 5xx."""
        return (
            exchange.response is not None and exchange.status < 500 and not self.accepted(exchange)
        )

    def eventually(
        self,
        ask: Callable[[], Exchange],
        done: Callable[[Exchange], bool],
        within: float,
        usual: float = 0.0,
    ) -> list[Exchange]:
        """Ask again and again until it is done or `within` seconds are over; return all answers.

        The pauses grow, so that a long wait costs few calls; where it `usual`ly takes so many
        seconds, the first question waits for most of them.
        """
        began = self.clock.now()
        if usual:
            self.clock.sleep(min(0.9 * usual, within))
        pause = max(0.02, usual / 10)
        answers = [ask()]
        while not done(answers[-1]) and self.clock.now() - began < within:
            self.clock.sleep(min(pause, within))
            pause = min(pause * 1.6, 2.0)
            answers.append(ask())
        return answers

    def as_other(self) -> Self:
        """Return a client with the second set of credentials; it notes its exchanges here."""
        other = {
            name.removeprefix("other_"): value
            for name, value in self.credentials.items()
            if name.startswith("other_")
        }
        return self.with_credentials({**other}, prefix="other_")

    def with_credentials(self, credentials: Mapping[str, str], prefix: str = "") -> Self:
        """Return a client with these credentials; it notes its exchanges here."""
        twin = type(self)(self.contract, self.target, credentials)
        twin.exchanges = self.exchanges
        twin.attempts = self.attempts
        twin.accepted_operations = self.accepted_operations
        twin.refusals = self.refusals
        twin.prefix = prefix
        return twin

    prefix = ""
    """What stands before the names of this client's credentials in the environment."""

    def hidden(
        self,
        name: str,
        value: str | None = None,
        shell: str | None = None,
        then: tuple[Step, ...] = (),
    ) -> Hidden:
        """Return a credential as a secret of a request, made anew from its variable.

        A `value` that differs from the credential's is made from it by `shell`, and by `then`.
        """
        variable = self.contract.variable(self.prefix + name)
        return Hidden(
            self.credentials[name] if value is None else value,
            f"${variable}",
            f'"${{{variable}}}"' if shell is None else shell,
            Recipe(credential=self.prefix + name, then=then),
        )

    def without(self, request: Request, header: str) -> Request:
        """Return the request without a header, its secrets still known."""
        kept = tuple(line for line in request.headers if line[0].lower() != header.lower())
        return replace(request, headers=kept)

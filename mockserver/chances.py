"""When a fault happens: always, by chance, or because the request itself asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from .faults import Impossible, with_faults
from .model import Api, Call, Chance, World
from .routing import routes

FAULT_HEADER = "Counterfoil-Fault"
"""The request that carries it breaks in the ways that it lists, and no other does."""

SESSION_HEADER = "Counterfoil-Session"
"""Names the session whose requests are counted together, whatever else the request says."""

MOST_KEPT = 256
"""Combinations of faults that are kept ready: whoever calls can ask for any."""

_FAULT = "HTTP_COUNTERFOIL_FAULT"
_SESSION = "HTTP_COUNTERFOIL_SESSION"


def happens(world: World, chance: Chance, session: str, ordinal: int) -> bool:
    """Decide for one request, by nothing but the seed, the fault, the session and the ordinal."""
    return world.number("chance", chance.fault, session, ordinal) < chance.probability * 2**128


def session_named(call: Call) -> str:
    """Return the session that a request says it belongs to, "" where it says nothing."""
    return str(call.request.environ.get(_SESSION, ""))


def no_fault_in(variant: str) -> Impossible:
    """Return the refusal of a fault where a variant is served."""
    return Impossible(
        f"no fault can be had with the variant {variant}: a fault breaks the plain class"
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who serves a call: an instance, the faults in it, and its routes where they are its own."""

    api: Api
    faults: tuple[str, ...] = ()
    routes: Map | None = None

    def route(self, call: Call, problem: HTTPException | None) -> tuple[Call, HTTPException | None]:
        """Find the operation once more where a fault has routes of its own."""
        if self.routes is None:
            return call, problem
        try:
            operation, path = self.routes.bind_to_environ(call.request.environ).match()
        except HTTPException as other:
            return replace(call, operation=None, path={}), other
        return replace(call, operation=operation, path=path), None


class Chooser:
    """Chooses who serves each call to one API; instances with the same faults are one."""

    def __init__(self, api: Api, prefix: str) -> None:
        chances = api.world.chances
        self.api = api
        self._prefix = prefix
        self._sometimes = tuple(chance for chance in chances if chance.probability < 1)
        always = (chance.fault for chance in chances if chance.probability == 1)
        self._usual = Chosen(api, tuple(always))
        self._with = lru_cache(MOST_KEPT)(self._make)

    def choose(self, call: Call, conversation: str) -> Chosen:
        """Return who serves the call of a conversation; UnknownName for what its header asks for.

        The header is taken away: the API's own code sees the request as if it had none.
        """
        asked = call.request.take(_FAULT)
        scripted = self._script(call)
        switched = self._switched(conversation)
        if asked is None and not self._sometimes and not scripted and not switched:
            return self._usual
        chosen = self._usual if asked is None else self._ask(call, asked)
        always = [chance.fault for chance in switched if chance.probability == 1]
        sometimes = [chance for chance in switched if chance.probability < 1]
        happening = [*scripted, *always, *self._draw(call, [*self._sometimes, *sometimes])]
        if not happening:
            return chosen
        return self._with(tuple(dict.fromkeys((*chosen.faults, *happening))))

    def _switched(self, conversation: str) -> tuple[Chance, ...]:
        """Return what is switched on for the conversation; a variant breaks in no way."""
        return () if self.api.variant else self.api.world.switches.now(conversation)

    def _script(self, call: Call) -> tuple[str, ...]:
        """Return the faults that come with the reply to what is asked."""
        replies = self.api.world.replies
        question = self.api.question_of(call) if replies.may_break else None
        return () if question is None else replies.faults(question)

    def conversation_of(self, call: Call) -> str:
        """Return the conversation of a call: what its header says, else what its request names."""
        return session_named(call) or self.api.conversation_of(call)

    def _ask(self, call: Call, asked: str) -> Chosen:
        wanted = [id for id in map(str.strip, asked.split(",")) if id]
        if not wanted:
            raise Impossible(f"{FAULT_HEADER} names no fault")
        chosen = self._with(tuple(dict.fromkeys((*self._usual.faults, *wanted))))
        call.remarks.append(f"{FAULT_HEADER}: {', '.join(wanted)}")
        return chosen

    def _draw(self, call: Call, sometimes: Sequence[Chance]) -> list[str]:
        """Return which faults happen by chance; one request counts once for all of them."""
        if not sometimes:
            return []
        world = self.api.world
        session = session_named(call) or self.api.session_of(call)
        # A digest: credentials are not written into any store.
        digest = f"{world.number('session', session):032x}"
        ordinal = world.store.count((self.api.name, "chances"), digest)
        return [one.fault for one in sometimes if happens(world, one, session, ordinal)]

    def _make(self, faults: tuple[str, ...]) -> Chosen:
        if self.api.variant:
            raise no_fault_in(self.api.variant.id)
        api = with_faults(type(self.api), faults)(self.api.world)
        own = api.operations != self.api.operations
        return Chosen(api, faults, routes(self._prefix, api.operations) if own else None)

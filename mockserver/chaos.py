"""What happens to a connection, and how long it takes: planned, and drawn for each request.

A draw is a function of the seed, the session and the request's place in it, so that a schedule
repeats whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .chances import session_named
from .faults import Impossible, UnknownName, read_chance
from .latency import Latency, read_latency
from .model import Answer, Api, Call, Chunk
from .quotas import Limit, read_limit, take_one
from .store import Record, Scope
from .switches import MOST_SESSIONS

CHAOS_HEADER = "Counterfoil-Chaos"
"""The request that carries it meets what it lists, and no other does."""

CUTS = "mockserver.cuts"
"""Where a server says that it can cut the connection of a request."""

KINDS: Mapping[str, str] = {
    "reset": "The connection is reset before a byte of the answer.",
    "empty": "The connection is closed without an answer.",
    "garbage": "Bytes come that are no HTTP, and the connection is closed.",
    "truncated": "The body stops half way, and the connection is closed.",
    "stalled": "The body stops half way, and nothing more comes for `stalled:SECONDS`.",
    "drip": "The body trickles, `drip:BYTES` a second.",
}

_CUT = frozenset({"reset", "empty", "garbage"})
_ENDS = _CUT | {"truncated", "stalled"}
_AMOUNTS = {"stalled": (600.0, 0.0, 600.0), "drip": (64.0, 1.0, 1e6)}
"""What stands after the colon unless it is told, and the least and the most that may."""

_HEADER = "HTTP_COUNTERFOIL_CHAOS"
_ON = "on"


class BadChaos(Impossible):
    """Chaos was asked for that there is not, or not here; says what there is."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """One thing that happens to a connection, and how likely; `amount` is seconds or bytes."""

    kind: str
    amount: float = 0.0
    probability: float = 1.0

    @property
    def said(self) -> str:
        """How the journal says it."""
        return f"{self.kind}={self.amount:g}" if self.kind in _AMOUNTS else self.kind


def read_mishap(text: str) -> Mishap:
    """Return what `KIND`, `KIND:AMOUNT` or either with `@CHANCE` names; raises BadChaos."""
    try:
        chance = read_chance(text)
    except Impossible as problem:
        raise BadChaos(str(problem)) from problem
    kind, colon, number = chance.fault.partition(":")
    if kind not in KINDS:
        raise BadChaos(str(UnknownName("chaos", kind, KINDS)))
    amount, least, most = _AMOUNTS.get(kind, (0.0, 0.0, 0.0))
    if colon:
        try:
            amount = float(number)
        except ValueError:
            amount = -1.0
        if not (most and least <= amount <= most):
            takes = f"a number from {least:g} to {most:g} after its colon" if most else "no number"
            raise BadChaos(f"{text!r}: {kind} takes {takes}")
    return Mishap(kind, amount, chance.probability)


def _read_mishaps(asked: object) -> tuple[Mishap, ...]:
    if not isinstance(asked, list) or not all(isinstance(text, str) for text in asked):
        raise BadChaos(f"connection is a list of texts, KIND or KIND@CHANCE: {', '.join(KINDS)}")
    return tuple(map(read_mishap, asked))


@dataclass(frozen=True, slots=True)
class Plan:
    """What may happen; of several mishaps the first that is drawn happens."""

    latency: Latency | None = None
    chunk_latency: Latency | None = None
    connection: tuple[Mishap, ...] = ()
    rate_limit: Limit | None = None

    @property
    def draws(self) -> bool:
        """Whether a request's place in its session decides anything."""
        return (
            any(one is not None and one.shape != "fixed"
                for one in (self.latency, self.chunk_latency))
            or any(one.probability < 1 for one in self.connection)
        )  # fmt: skip


QUIET = Plan()

_READERS: Mapping[str, Callable[[Any], Any]] = {
    "latency": read_latency,
    "chunk_latency": read_latency,
    "connection": _read_mishaps,
    "rate_limit": read_limit,
}

PLAN_KEYS = tuple(_READERS)


_TIMES = ("latency", "chunk_latency")
"""What a request may ask for itself besides mishaps."""


def _asked_for(header: str) -> tuple[dict[str, Any], list[str]]:
    """Return the times and the mishaps that a request lists; raises BadChaos.

    A comma stands between them, and between the numbers of `latency=uniform:0.1,0.5` as well.
    """
    items: list[str] = []
    for text in filter(None, map(str.strip, header.split(","))):
        if items and "=" in items[-1] and (text[0] in ".0123456789" or text.startswith("p95=")):
            items[-1] += f",{text}"
        else:
            items.append(text)
    times: dict[str, Any] = {}
    kinds = []
    for item in items:
        name, says, value = item.partition("=")
        if says and name in _TIMES:
            try:
                times[name] = read_latency(value)
            except Impossible as problem:
                raise BadChaos(f"{name}: {problem}") from problem
        else:
            kinds.append(item)
    return times, kinds


def read_plan(asked: Mapping[str, Any]) -> Plan:
    """Return the plan that a JSON object describes, null being nothing; raises Impossible."""
    for name in asked:
        if name not in _READERS:
            raise BadChaos(f"there is no {name!r} in chaos; known are {', '.join(PLAN_KEYS)}")
    read = {name: _READERS[name](asked[name]) for name in asked if asked[name] is not None}
    return Plan(**read) if read else QUIET


def check_here(plan: Plan, cuts: bool) -> None:
    """Raise BadChaos for what cannot happen where no connection can be cut."""
    for mishap in plan.connection:
        if mishap.kind in _CUT and not cuts:
            raise BadChaos(
                f"{mishap.kind} cannot be had here: it takes counterfoil's own server "
                "to cut a connection; truncated, stalled and drip can be had anywhere"
            )


@dataclass(frozen=True, slots=True)
class Happening:
    """What happens to one request."""

    delay: float = 0.0
    mishap: Mishap | None = None
    limit: Limit | None = None
    cuts: bool = False
    """Whether the server can cut the connection."""
    pause: Callable[[int], float] | None = None
    """How many seconds later a chunk leaves, by its place."""

    def admit(self, api: Api, call: Call) -> None:
        """Count the request where there is a limit; raises what the vendor answers."""
        if self.limit and call.operation is not None:
            take_one(api, call, self.limit)

    @property
    def ending(self) -> tuple[str, float] | None:
        """How the connection ends, where it does: for who delivers the answer."""
        mishap = self.mishap
        return (mishap.kind, mishap.amount) if mishap and mishap.kind in _ENDS else None

    def leaves(self, answer: Answer) -> Answer:
        """Return what leaves of an answer, and when; its length is promised as if it were whole.

        A stream promises no length, but must where only that shows that it was cut.
        """
        kind = self.mishap.kind if self.mishap else ""
        whole = isinstance(answer.body, bytes)
        if not kind and (whole or self.pause is None):
            return answer
        if kind in _CUT:
            return replace(answer, body=())
        if whole or (kind in _ENDS and not self.cuts):
            length = str(len(answer.body_bytes()))
            answer = answer.with_headers(("Content-Length", length))
        return replace(answer, body=tuple(self._chunks(answer, kind)))

    def _chunks(self, answer: Answer, kind: str) -> Iterable[Chunk]:
        body = answer.body
        chunks = (Chunk(0.0, body),) if isinstance(body, bytes) else body
        if self.pause is not None:
            chunks = tuple(
                chunk._replace(delay=chunk.delay + (self.pause(place) if place else 0.0))
                for place, chunk in enumerate(chunks)
            )
        if kind in _ENDS:
            return _first(chunks, len(answer.body_bytes()) // 2)
        return _dripped(chunks, self.mishap.amount) if self.mishap else chunks


def _first(chunks: Iterable[Chunk], size: int) -> Iterable[Chunk]:
    for chunk in chunks:
        if size <= 0:
            return
        yield chunk._replace(data=chunk.data[:size])
        size -= len(chunk.data)


def _dripped(chunks: Iterable[Chunk], rate: float) -> Iterable[Chunk]:
    # Ten drops a second are slow enough to be seen, and not more than a loop can send.
    size = max(1, round(rate / 10))
    waits = 0.0
    for chunk in chunks:
        waits += chunk.delay
        for place in range(0, len(chunk.data), size):
            drop = chunk.data[place : place + size]
            yield Chunk(waits + len(drop) / rate, drop)
            waits = 0.0


def scope_of_chaos(api: str) -> Scope:
    """Return where it is kept what is switched on for an API."""
    return (api, "chaos")


class Chaos:
    """What may happen to the requests to one API: as it is served, and switched while it runs.

    What is switched on is kept in the store, for every process that serves the API.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._store = api.world.store
        self._scope = scope_of_chaos(api.name)
        self._served = dict(api.world.settings.chaos)
        self._usual = read_plan(self._served)
        self._read: tuple[Record | None, dict[str | None, Plan]] = (None, {})

    def set(self, asked: Mapping[str, Any], session: str | None = None) -> None:
        """Switch on what a JSON object describes and nothing else, in one session or in all.

        Raises Impossible.
        """
        read_plan(asked)

        def switched(before: Record | None) -> Record:
            everywhere = before["everywhere"] if before else {}
            sessions = dict(before["sessions"]) if before else {}
            if session is None:
                return {"everywhere": dict(asked), "sessions": sessions}
            sessions.pop(session, None)
            if asked and len(sessions) >= MOST_SESSIONS:
                raise BadChaos(f"{MOST_SESSIONS} conversations have chaos of their own already")
            own = {session: dict(asked)} if asked else {}
            return {"everywhere": everywhere, "sessions": {**sessions, **own}}

        self._store.change(self._scope, _ON, switched)

    def clear(self) -> None:
        """Switch off, in all sessions, what was switched on."""
        self._store.clear(self._scope)

    def as_json(self) -> dict[str, Any]:
        """Return what the API is served with, what is on for everybody, and in which sessions."""
        on = self._store.read(self._scope, _ON) or {"everywhere": {}, "sessions": {}}
        return {"served_with": self._served, **on}

    def plan(self, conversation: str) -> Plan:
        """Return what may happen in a conversation."""
        record = self._store.read(self._scope, _ON)
        if record is None:
            return self._usual
        if record is not self._read[0] and record != self._read[0]:
            everywhere = {**self._served, **record["everywhere"]}
            own = {name: {**everywhere, **on} for name, on in record["sessions"].items()}
            plans = {name: read_plan(on) for name, on in own.items()}
            self._read = record, {None: read_plan(everywhere), **plans}
        known = self._read[1]
        return known.get(conversation, known[None])

    def draw(self, call: Call, conversation: str) -> Happening | None:
        """Return what happens to a call, None for nothing; BadChaos for what its header asks.

        The header is taken away: the API's own code sees the request as if it had none.
        """
        asked = call.request.take(_HEADER)
        plan = self.plan(conversation)
        if asked is not None:
            plan = self._ask(call, asked, plan)
        elif plan is QUIET or plan == QUIET:
            return None
        happening = self._draw(call, plan)
        if happening.mishap and happening.mishap.kind in _CUT and not happening.cuts:
            call.remarks.append(
                f"{happening.mishap.said} did not happen: no connection is cut here"
            )
            happening = replace(happening, mishap=None)
        told = [f"latency={happening.delay:.6g}"] if happening.delay else []
        told += ["chunk_latency"] if happening.pause else []
        call.chaos.extend(told + ([happening.mishap.said] if happening.mishap else []))
        return happening

    def _ask(self, call: Call, asked: str, plan: Plan) -> Plan:
        times, kinds = _asked_for(asked)
        wanted = _read_mishaps(kinds)
        if not (wanted or times):
            known = [*(f"{name}=…" for name in _TIMES), *KINDS]
            raise BadChaos(f"{CHAOS_HEADER} names nothing; known are {', '.join(known)}")
        check_here(Plan(connection=wanted), bool(call.request.environ.get(CUTS)))
        return replace(plan, connection=wanted + plan.connection, **times)

    def _draw(self, call: Call, plan: Plan) -> Happening:
        world = self._api.world
        session, ordinal = "", 0
        if plan.draws:
            session = session_named(call) or self._api.session_of(call)
            digest = f"{world.number('session', session):032x}"
            ordinal = world.store.count((world.api, "chaotic"), digest)

        def number(*what: object) -> int:
            return world.number("chaos", *what, session, ordinal)

        later, between = plan.latency, plan.chunk_latency
        happening = (one for one in plan.connection if number(one.kind) < one.probability * 2**128)
        return Happening(
            delay=later.draw(number("latency")) if later else 0.0,
            mishap=next(happening, None),
            limit=plan.rate_limit,
            cuts=bool(call.request.environ.get(CUTS)),
            pause=(lambda place: between.draw(number("chunk", place))) if between else None,
        )

"""One request from start to end, for every API."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import orjson
from flask import Flask, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from .admin import admin_pages
from .chances import FAULT_HEADER, Chooser, Chosen, no_fault_in
from .chaos import CHAOS_HEADER, BadChaos, Chaos, Happening
from .clock import Clock, RealClock
from .faults import UnknownName, find_api, read_chances, with_faults
from .journal import Entry, Journal, Redaction, redaction_of
from .lean_flask import LeanFlask, LeanRequest, Sent
from .model import (
    BELOW,
    DELAY,
    ENDING,
    ON_ANY_CLOCK,
    PACES,
    SCHEDULE,
    Answer,
    Api,
    Call,
    Identity,
    Refusal,
    Settings,
    World,
)
from .replies import CHOSEN, PICKED, SESSION, Replies
from .reply_files import Watched
from .routing import paths, without_head
from .scripted import Scripted
from .store import Store
from .streaming import at_once, paced, stalled
from .switches import Switches
from .variants import with_variant

log = logging.getLogger("mockserver")
# Who wants to read it configures logging, as `counterfoil serve` does.
log.addHandler(logging.NullHandler())
requests = logging.getLogger("mockserver.requests")
requests.setLevel(logging.WARNING)


def emulator(
    name: str | type[Api],
    *,
    fixtures: Path,
    clock: Clock,
    store: Store,
    seed: int = 0,
    settings: Settings | None = None,
    credentials: Mapping[str, str] | None = None,
    faults: Iterable[str] = (),
    variant: str = "",
) -> Api:
    """Make the emulator of one API by name or class, with faults (`ID@CHANCE`) or as a variant.

    It is one of ours by its name, or any API's class. Raises UnknownName and FixtureError.
    """
    honest = find_api(name) if isinstance(name, str) else name
    api, name, settings = honest, honest.name, settings or Settings()
    chances = read_chances(faults)
    with_faults(api, [chance.fault for chance in chances])  # all are known, also the rare ones
    if variant:
        if chances:
            raise no_fault_in(variant)
        api, settings = with_variant(api, variant, settings)
    files = Watched(fixtures, api, settings)
    scripted = Scripted(honest, store)
    replies = Replies(
        files.read(),
        seed,
        count=partial(store.count, (honest.name, "replies")),
        scripted=scripted,
        strict=settings.strict,
        watch=files.changed if settings.watch else None,
    )
    world = World(
        api=honest.name,
        seed=seed,
        clock=clock,
        store=store,
        replies=replies,
        scripted=scripted,
        switches=Switches(honest, store),
        identities=identities(api, credentials or {}),
        settings=settings,
        chances=chances,
    )
    always = [chance.fault for chance in chances if chance.probability == 1]
    return with_faults(api, always)(world)


def identities(api: type[Api], credentials: Mapping[str, str]) -> tuple[Identity, ...]:
    """Return whom a mock knows: the API's own callers, changed by what `credentials` names.

    `NAME` belongs to the first caller, `other_NAME` to the second. Raises UnknownName.
    """
    callers = [dict(identity) for identity in api.identities]
    known = set(callers[0]) | api.optional_credentials
    for name, value in credentials.items():
        plain = name.removeprefix("other_")
        if plain not in known:
            raise UnknownName("credential", name, known | {f"other_{one}" for one in known})
        callers[plain != name][plain] = value
    return tuple(callers)


def create_app(
    emulators: Mapping[str, Api], journal: Journal, *, admin_token: str | None = None
) -> Flask:
    """Serve the emulators, each under the prefix that is its key: "" for the root, or /NAME."""
    for prefix in emulators:
        if prefix and (prefix[0] != "/" or prefix[-1] == "/"):
            raise ValueError(f"a prefix is empty or like /name, not {prefix!r}")
    app = LeanFlask("mockserver")
    serve = {
        prefix: partial(_serve, Chooser(api, prefix), Chaos(api), journal, redaction_of(api))
        for prefix, api in emulators.items()
    }
    for prefix, api in emulators.items():
        if api.routes_itself:
            continue
        views = {one.name: _view(serve[prefix], one.name) for one in api.operations}
        for path, operation in paths(prefix, api.operations):
            app.add_url_rule(
                path,
                endpoint=f"{prefix}:{operation.name}",
                view_func=views[operation.name],
                methods=[operation.method],
                provide_automatic_options=False,
            )
            app.lane.add(operation.method, path, partial(_on_lane, serve[prefix], operation.name))
    without_head(app.url_map)
    app.register_blueprint(admin_pages(emulators, journal, admin_token))
    own = frozenset(prefix for prefix, api in emulators.items() if api.routes_itself)
    app.register_error_handler(HTTPException, _unrouted(serve, own))
    return app


Serve = Callable[[Call, HTTPException | None], Sent]


def _view(serve: Serve, operation: str) -> Callable[..., Any]:
    def view(**path: str) -> Sent:
        return serve(Call(operation, _asked(), path), None)

    return view


def _on_lane(serve: Serve, operation: str, asked: LeanRequest, path: dict[str, str]) -> Sent:
    return serve(Call(operation, asked, path), None)


def _asked() -> LeanRequest:
    """Return the request itself: Flask's name for it finds it anew at every look."""
    asked: LeanRequest = request._get_current_object()  # type: ignore[attr-defined]
    return asked


def _unrouted(serve: Mapping[str, Serve], own: frozenset[str]) -> Callable[[HTTPException], Any]:
    """Where no operation has the path and method, the API that the path belongs to refuses.

    An API whose prefix is one of its `own` looks for the operation itself.
    """

    def refuse(problem: HTTPException) -> Any:
        # Their frames know the request, which knows the problem.
        problem.__traceback__ = problem.__context__ = None
        path = request.path + "/"
        if path.startswith("/_counterfoil/"):
            said = f"{request.method} {request.path}: {problem.name.lower()}"
            allowed = [line for line in problem.get_headers() if line[0] == "Allow"]
            return jsonify(error=said), problem.code, allowed
        for prefix in sorted(serve, key=len, reverse=True):
            if path.startswith(prefix + "/"):
                if prefix in own and isinstance(problem, NotFound):
                    below = {BELOW: request.path[len(prefix) :] or "/"}
                    return serve[prefix](Call(None, _asked(), below), None)
                return serve[prefix](Call(None, _asked()), problem)
        served = ", ".join(sorted(prefix + "/" for prefix in serve))
        return jsonify(error=f"nothing is served at {request.path}; try {served}"), 404

    return refuse


def _serve(
    chooser: Chooser,
    chaos: Chaos,
    journal: Journal,
    redact: Redaction,
    call: Call,
    problem: HTTPException | None,
) -> Sent:
    """The life of a request: choose who serves it, answer or refuse, dress, write down, send.

    Chaos is drawn before it is answered, and happens to it when it is sent.
    """
    began = time.perf_counter()
    named = chooser.conversation_of(call)
    SESSION.set(named)
    CHOSEN.set(None)
    PICKED.set(None)
    happening = None
    try:
        chosen = chooser.choose(call, named)
        happening = chaos.draw(call, named)
    except UnknownName as mistake:
        chosen, answer = Chosen(chooser.api), _mistaken(call, mistake)
    else:
        call, problem = chosen.route(call, problem)
        answer = chosen.api.dress(call, _answer(chosen.api, call, problem, happening))
    leaving = answer if happening is None else happening.leaves(answer)
    if journal.most:
        seconds = time.perf_counter() - began
        entry = _write_down(chosen, journal, redact, call, (answer, leaving), named, seconds)
        _tell(entry, seconds)
    return _send(leaving, call.request, chooser.api.world.clock, _delay(chosen.api), happening)


def _mistaken(call: Call, mistake: UnknownName) -> Answer:
    """Tell whoever asked for a fault that there is none such: the vendor has no part in it."""
    header = CHAOS_HEADER if isinstance(mistake, BadChaos) else FAULT_HEADER
    call.remarks.append(f"{header}: {mistake}")
    body = orjson.dumps({"error": str(mistake)})
    return Answer(400, body, (("Content-Type", "application/json"),))


def _answer(
    api: Api, call: Call, problem: HTTPException | None, happening: Happening | None
) -> Answer:
    try:
        if api.routes_itself and problem is None:
            api.route(call)
        if happening is not None:
            happening.admit(api, call)
        if problem is not None:
            raise _refusal(problem)
        return api.answer(call)
    except Refusal as refusal:
        call.refusal = refusal
        answer = api.refuse(call, refusal)
        # Its frames know the call, which knows it: a circle that would wait for the collector.
        refusal.__traceback__ = refusal.__cause__ = refusal.__context__ = None
        return answer
    except HTTPException as error:
        return api.refuse(call, _refusal(error))
    except Exception:
        log.exception("%s: the mock itself failed", api.name)
        return api.refuse(call, Refusal("internal error", status=500))


def _refusal(problem: HTTPException) -> Refusal:
    status = problem.code or 500
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(problem, MethodNotAllowed) and problem.valid_methods:
        headers = (("Allow", ", ".join(sorted(set(problem.valid_methods) - {"HEAD"}))),)
    return Refusal(
        "not found" if isinstance(problem, NotFound) else problem.name.lower(),
        status=status,
        headers=headers,
    )


def _write_down(
    chosen: Chosen,
    journal: Journal,
    redact: Redaction,
    call: Call,
    made: tuple[Answer, Answer],
    named: str,
    seconds: float,
) -> Entry:
    """Write down the answer as it was made, and the pieces in which what is left of it leaves."""
    api, reply, (answer, leaving) = chosen.api, CHOSEN.get(), made
    begun = api.conversation_begun(answer) if not named and answer.status < 300 else ""
    texts, (asked, answered) = redact.exchange(
        (
            call.request.path,
            call.request.query_string.decode("latin-1"),
            _request_text(call),
            answer.body_bytes().decode("utf-8", "replace"),
            named or begun,
            *call.remarks,
        ),
        call.request.header_lines(),
        answer.headers,
    )
    return journal.write(
        seconds,
        Entry(
            0,
            api.world.clock.now(),
            api.name,
            call.operation,
            texts[4],
            api.caller_of(call.refusal),
            call.request.method,
            texts[0],
            texts[1],
            asked,
            texts[2],
            answer.status,
            answered,
            texts[3],
            _chunks(leaving),
            reply.source if reply else "",
            tuple(texts[5:]),
            chosen.faults,
            tuple(call.chaos),
        ),
    )


def _delay(api: Api) -> float:
    """Return how much longer the answer takes; where replies come later, that is in them."""
    reply = CHOSEN.get()
    return 0.0 if reply is None or api.replies_later else reply.delay


def _chunks(answer: Answer) -> tuple[tuple[float, int], ...]:
    if isinstance(answer.body, bytes):
        return ((0.0, len(answer.body)),)
    delays, data = zip(*answer.body, strict=True) if answer.body else ((), ())
    return _pieces(delays, tuple(map(len, data)))


@lru_cache(64)
def _pieces(delays: tuple[float, ...], sizes: tuple[int, ...]) -> tuple[tuple[float, int], ...]:
    # Many streams have the same pieces: they are made once, and kept once.
    return tuple(zip((round(at, 6) for at in accumulate(delays)), sizes, strict=True))


def _request_text(call: Call) -> str:
    try:
        data: bytes = call.request.get_data()
        return data.decode("utf-8", "replace")
    except HTTPException as error:
        return f"<{error.name}>"


def _tell(entry: Entry, seconds: float) -> None:
    """Log what the owner should know, and the request, where that is asked for."""
    for remark in entry.remarks:
        log.warning("%s: %s", entry.api, _in_a_line(remark))
    if requests.isEnabledFor(logging.INFO):
        path = _in_a_line(entry.path)
        told = ("number", "api", "operation", "session", "caller", "method", "status", "faults",
                "chaos")  # fmt: skip
        more = {name: getattr(entry, name) for name in told}
        more |= {"path": path, "milliseconds": round(seconds * 1000, 3)}
        requests.info("%s %s %d", entry.method, path, entry.status, extra=more)


def _in_a_line(text: str) -> str:
    """Return a text in which nothing can pass for another line of the log."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _send(
    answer: Answer, request: LeanRequest, clock: Clock, delay: float, happening: Happening | None
) -> Sent:
    delay += happening.delay if happening else 0.0
    ending = happening.ending if happening else None
    served = request.environ.get(PACES)
    # The server waits and paces streams itself: no thread sleeps for it, and others are served.
    paced_here = isinstance(clock, RealClock) or request.environ.get(ON_ANY_CLOCK)
    waits = served and paced_here
    if delay and waits:
        request.environ[DELAY] = delay
    elif delay:
        clock.sleep(delay)
    if isinstance(answer.body, bytes):
        body: Any = answer.body
    elif waits or (served and ending):
        request.environ[SCHEDULE] = answer.body if waits else at_once(answer.body, clock)
        body = iter(())
    else:
        body = stalled(answer.body, clock, ending[1]) if ending else paced(answer.body, clock)
    if ending:
        request.environ[ENDING] = ending
    return Sent(answer.status, answer.headers, body)

"""/_counterfoil/state: all that the mocks remember, taken away, brought back, forgotten."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request

from .journal import Journal
from .journal_pages import as_json
from .model import MOST_SNAPSHOT, Api
from .store import StoreError

CALLERS = ("first", "other")
"""The callers that a mock knows, as a user names them: `other` has the credentials `other_…`."""


class BadState(ValueError):
    """A body names nothing that could be forgotten; says what would be."""


def add_state(pages: Blueprint, emulators: Mapping[str, Api], journal: Journal) -> None:
    """Add the pages that show, restore and reset what the mocks remember."""
    apis = {api.name: api for api in emulators.values()}
    store = next(iter(apis.values())).world.store

    @pages.errorhandler(BadState)
    @pages.errorhandler(StoreError)
    def refuse(problem: Exception) -> tuple[Response, int]:
        return jsonify(error=str(problem)), 400

    @pages.get("/state")
    def snapshot() -> Response:
        return as_json(store.snapshot())

    @pages.put("/state")
    def restore() -> Response:
        request.max_content_length = MOST_SNAPSHOT
        body = request.get_json(silent=True)
        if body is None:
            raise BadState("send a snapshot, as GET gives it, as application/json")
        store.restore(body)
        return jsonify(status="ok")

    @pages.post("/reset")
    def reset() -> Response:
        api, caller = _asked(apis)
        if api is None:
            for one in apis.values():
                one.world.store.clear((one.name,))
            journal.clear()
        elif caller is None:
            api.world.store.clear((api.name,))
        else:
            api.world.store.clear(api.scope_of_caller(api.world.identities[CALLERS.index(caller)]))
        return jsonify(status="ok")


def _asked(apis: Mapping[str, Api]) -> tuple[Api | None, str | None]:
    """Return the API and the caller that are named, None for all of them."""
    if not request.get_data():
        return None, None
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or set(body) - {"api", "caller"}:
        raise BadState('send {} for all, {"api": NAME}, and "caller" for one credential of it')
    name = body.get("api", next(iter(apis)) if len(apis) == 1 and body else None)
    caller = body.get("caller")
    if name is not None and (not isinstance(name, str) or name not in apis):
        raise BadState(f"api should be one of {', '.join(apis)}")
    if caller is not None and (caller not in CALLERS or name is None):
        raise BadState(f"caller should be {' or '.join(CALLERS)}, of an api that is named")
    return (apis[name] if name is not None else None), caller

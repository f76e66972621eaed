"""/_counterfoil/chaos: what happens to connections, switched on and off while the mocks run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import latency
from .chaos import CUTS, KINDS, PLAN_KEYS, BadChaos, Chaos, check_here, read_plan
from .model import Api


def add_chaos(pages: Blueprint, emulators: Mapping[str, Api]) -> None:
    """Add the pages that say what may happen, switch it on, and switch all off."""
    apis = {api.name: Chaos(api) for api in emulators.values()}

    @pages.errorhandler(BadChaos)
    def refuse(problem: BadChaos) -> tuple[Response, int]:
        return jsonify(error=str(problem)), 400

    @pages.get("/chaos")
    def show_chaos() -> Response:
        return jsonify(
            apis={name: chaos.as_json() for name, chaos in apis.items()},
            known={"connection": dict(KINDS), "latency": latency.FORMS, "rate_limit": "N/SECONDS"},
        )

    @pages.put("/chaos")
    def switch_chaos() -> Response:
        names, plan, session = _asked(list(apis))
        for name in names:
            apis[name].set(plan, session)
        return show_chaos()

    @pages.delete("/chaos")
    def clear_chaos() -> Response:
        for chaos in apis.values():
            chaos.clear()
        return show_chaos()


def _asked(apis: list[str]) -> tuple[list[str], dict[str, Any], str | None]:
    """Return which APIs, what and in which session; all is looked at before anything is set."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadChaos(
            f"send a JSON object with {', '.join(PLAN_KEYS)}; with an api, or a session, for one"
        )
    name, session = body.pop("api", None), body.pop("session", None)
    if name is not None and name not in apis:
        raise BadChaos(f"api should be one of {', '.join(apis)}, or left out for all")
    if session is not None and (not isinstance(session, str) or not session):
        raise BadChaos("session is a text that is not empty")
    check_here(read_plan(body), bool(request.environ.get(CUTS)))
    return apis if name is None else [name], body, session

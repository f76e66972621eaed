"""/_counterfoil: what a running mock is asked about itself."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Response, jsonify, request

from .clock import VirtualClock
from .journal import Journal
from .model import Api

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def admin_pages(emulators: Mapping[str, Api], journal: Journal, token: str | None) -> Blueprint:
    """Return the admin pages; closed to other hosts unless they bring `token` as a bearer."""
    pages = Blueprint("admin", __name__, url_prefix="/_counterfoil")

    @pages.before_request
    def closed_to_strangers() -> tuple[Response, int] | None:
        if _is_local() or _has(token):
            return None
        return jsonify(error="this page is for the machine it runs on, or needs its token"), 403

    @pages.get("/")
    def index() -> Response:
        return jsonify(
            apis=[
                {"api": api.name, "title": api.title, "path": prefix or "/"}
                for prefix, api in emulators.items()
            ]
        )

    @pages.get("/health")
    def health() -> Response:
        return jsonify(status="ok")

    @pages.get("/journal")
    def read_journal() -> Response:
        return jsonify(entries=journal.as_json())

    @pages.delete("/journal")
    def clear_journal() -> Response:
        journal.clear()
        return jsonify(entries=[])

    @pages.post("/reset")
    def reset() -> Response:
        for api in emulators.values():
            api.world.store.clear((api.name,))
        journal.clear()
        return jsonify(status="ok")

    @pages.get("/clock")
    def read_clock() -> Response:
        return jsonify(now=_clock(emulators).now())

    @pages.post("/clock")
    def move_clock() -> tuple[Response, int] | Response:
        clock = _clock(emulators)
        if not isinstance(clock, VirtualClock):
            return jsonify(error="this mock runs on real time; start it with --clock virtual"), 409
        seconds = (request.get_json(silent=True) or {}).get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            return jsonify(error='send {"advance": SECONDS}, a number from 0 up'), 400
        clock.sleep(seconds)
        return jsonify(now=clock.now())

    return pages


def _clock(emulators: Mapping[str, Api]) -> Any:
    return next(iter(emulators.values())).world.clock


def _is_local() -> bool:
    # A page of another site can make a browser ask us under that site's name: the name must be ours.
    name = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    try:
        return name in LOOPBACK_NAMES and ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _has(token: str | None) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return token is not None and hmac.compare_digest(given.encode(), token.encode())

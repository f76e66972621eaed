"""/_counterfoil: what a running mock is asked about itself."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Response, jsonify, request

from .chaos_pages import add_chaos
from .clock import MovedClock, VirtualClock
from .event_pages import add_events
from .fault_pages import add_faults
from .journal import Journal
from .journal_pages import add_journal
from .model import Api
from .page import add_files, asks_for_a_file, html, prefers_html
from .record_pages import add_records
from .reply_pages import add_replies
from .state_pages import add_state

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

MOST_ADVANCE = 1_000_000_000
"""Seconds that the clock is moved at once: some thirty years, well within what a date can say."""


def admin_pages(emulators: Mapping[str, Api], journal: Journal, token: str | None) -> Blueprint:
    """Return the admin pages; closed to other hosts unless they bring `token` as a bearer."""
    pages = Blueprint("admin", __name__, url_prefix="/_counterfoil")

    @pages.before_request
    def closed_to_strangers() -> tuple[Response, int] | None:
        if (_is_local() and not _comes_from_a_page_elsewhere()) or _has(token):
            return None
        if token is not None and asks_for_a_file():
            return None  # a browser cannot send the token before it has the page that asks for it
        return jsonify(error="this page is for the machine it runs on, or needs its token"), 403

    add_files(pages)
    add_journal(pages, journal)
    add_events(pages, journal)
    add_records(pages, emulators)
    add_replies(pages, emulators)
    add_faults(pages, emulators)
    add_chaos(pages, emulators)
    add_state(pages, emulators, journal)
    _add_reports(pages, emulators, journal)
    _add_clock(pages, emulators)
    return pages


def _add_reports(pages: Blueprint, emulators: Mapping[str, Api], journal: Journal) -> None:
    @pages.get("/")
    def index() -> Response:
        if prefers_html():
            return html()
        answer = jsonify(
            apis=[
                {"api": api.name, "title": api.title, "path": prefix or "/"}
                for prefix, api in emulators.items()
            ]
        )
        answer.vary.add("Accept")
        return answer

    @pages.get("/metrics")
    def read_metrics() -> Response:
        text, kind = journal.metrics_text()
        return Response(text, content_type=kind)

    @pages.get("/health")
    def health() -> Response:
        return jsonify(status="ok")


def _add_clock(pages: Blueprint, emulators: Mapping[str, Api]) -> None:
    @pages.get("/clock")
    def read_clock() -> Response:
        clock = _clock(emulators)
        return jsonify(now=clock.now(), virtual=isinstance(clock, VirtualClock))

    @pages.post("/clock")
    def move_clock() -> tuple[Response, int] | Response:
        clock = _clock(emulators)
        if not isinstance(clock, VirtualClock | MovedClock):
            return jsonify(error="this mock runs on real time; start it with --clock virtual"), 409
        body = request.get_json(silent=True)
        seconds = body.get("advance") if isinstance(body, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            return jsonify(error='send {"advance": SECONDS} as application/json'), 400
        if not 0 <= seconds <= MOST_ADVANCE:
            return jsonify(error=f"the clock moves forward, by up to {MOST_ADVANCE} seconds"), 400
        clock.advance(seconds)
        return jsonify(now=clock.now())


def _clock(emulators: Mapping[str, Api]) -> Any:
    return next(iter(emulators.values())).world.clock


def _is_local() -> bool:
    # A page of another site can make a browser ask us under that site's name: so look at the name.
    try:
        address = ip_address((request.remote_addr or "").strip("[]"))
    except ValueError:
        return False
    # Where one socket serves both families, IPv4 comes as ::ffff:127.0.0.1.
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback and _is_our_name(request.host)


def _comes_from_a_page_elsewhere() -> bool:
    # A browser sends a bare POST to any site without asking first; its Origin says for whom.
    origin = request.headers.get("Origin")
    return origin is not None and not _is_our_name(origin.partition("://")[2])


def _is_our_name(host: str) -> bool:
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return name.lower() in LOOPBACK_NAMES


def _has(token: str | None) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return token is not None and hmac.compare_digest(given.encode(), token.encode())

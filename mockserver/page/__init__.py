"""The page that is kept open beside a running mock: one file each of HTML, CSS and JavaScript.

The files hold nothing of the mock: all that is shown is fetched from the pages beside it.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, request

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src data:",  # the icon, which would be asked of the mock itself
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)
"""What the page may do: run and read what comes from here, make no HTML of texts, no more."""

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


def add_files(pages: Blueprint) -> None:
    """Add what the page is made of, besides its HTML."""

    @pages.get("/page.css")
    def css() -> Response:
        return _file("page.css")

    @pages.get("/page.js")
    def js() -> Response:
        return _file("page.js")


def html() -> Response:
    """Return the page itself."""
    return _file("page.html")


def prefers_html() -> bool:
    """Say whether the client would rather have HTML than JSON: a browser would, curl not."""
    accepts = request.accept_mimetypes
    return accepts["text/html"] > accepts["application/json"]


def asks_for_a_file() -> bool:
    """Say whether the request is for the page itself, which tells nobody anything."""
    page = request.endpoint == "admin.index" and prefers_html()
    return page or request.endpoint in ("admin.css", "admin.js")


def _file(name: str) -> Response:
    data = (Path(__file__).parent / name).read_bytes()
    answer = Response(data, content_type=f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8")
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-cache"
    answer.vary.add("Accept")
    return answer

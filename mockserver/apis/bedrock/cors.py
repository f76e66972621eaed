"""What browsers are told of other sites: any may call, and may send credentials (as observed)."""

from __future__ import annotations

from flask import Request

from ...model import Answer

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def preflight(request: Request) -> Answer | None:
    """Answer a browser that asks before it calls, on any path; None for any other request."""
    origin = request.headers.get("Origin")
    method = request.headers.get("Access-Control-Request-Method")
    if request.method != "OPTIONS" or origin is None or method is None:
        return None
    answer = Answer(
        200 if method in METHODS else 400,
        b"OK" if method in METHODS else b"Disallowed CORS method",
        (
            ("Vary", "Origin"),
            ("Access-Control-Allow-Methods", ", ".join(METHODS)),
            ("Access-Control-Max-Age", "600"),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Allow-Origin", origin),
            ("Content-Type", "text/plain; charset=utf-8"),
        ),
    )
    asked = request.headers.get("Access-Control-Request-Headers")
    return answer if asked is None else answer.with_headers(("Access-Control-Allow-Headers", asked))


def share(request: Request, answer: Answer) -> Answer:
    """Let the site that the call came from read the answer."""
    origin = request.headers.get("Origin")
    if origin is None or any(name == "Access-Control-Allow-Origin" for name, _ in answer.headers):
        return answer
    if "Cookie" not in request.headers:
        return answer.with_headers(
            ("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Credentials", "true")
        )
    # With a cookie a browser takes no asterisk for an answer.
    return answer.with_headers(
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    )

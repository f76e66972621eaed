"""The head of an answer as it stands on the wire (RFC 9112)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

Headers = Iterable[tuple[str, str]]

CHUNKED, AS_IT_IS = "chunked", "as it is"
"""How a body comes of which nobody says how long it is, and one of which the headers say it."""


@lru_cache(1024)
def head(
    status: int, headers: tuple[tuple[str, str], ...], framing: str, keeps: bool, version: str
) -> bytes:
    """Return the head of an answer but for the line with the date, which ends it.

    `framing` is how the body comes, or its length; `keeps` says whether the connection goes on, and
    `version` what the client speaks.
    """
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    names = {name.lower() for name, _ in headers}
    if framing == CHUNKED:
        lines.append("Transfer-Encoding: chunked")
    elif framing != AS_IT_IS and "content-length" not in names and has_body(status):
        lines.append(f"Content-Length: {framing}")
    if "connection" not in names and keeps != (version == "1.1"):
        lines.append(f"Connection: {'keep-alive' if keeps else 'close'}")
    return "\r\n".join([*lines, ""]).encode("latin-1", "replace")


def has_body(status: int) -> bool:
    """Say whether an answer of this status has a body."""
    return status >= 200 and status not in (204, 304)


def length(headers: Headers) -> int | None:
    """Return the length that headers promise, None where they promise none."""
    for name, value in headers:
        if len(name) == 14 and name.lower() == "content-length" and value.isdecimal():
            return int(value)
    return None


_dated: tuple[int, bytes] = (0, b"")


def date() -> bytes:
    """Return the line with the date, and the end of the head."""
    global _dated
    now = int(time.time())
    if _dated[0] != now:
        _dated = now, f"Date: {formatdate(now, usegmt=True)}\r\n\r\n".encode("ascii")
    return _dated[1]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""

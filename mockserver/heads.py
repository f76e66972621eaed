"""The head of an answer as it stands on the wire (RFC 9112)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

Headers = Iterable[tuple[str, str]]

CHUNKED, AS_IT_IS, NOTHING = "chunked", "as it is", "nothing"
"""How a body comes of which nobody says how long it is, one of which the headers say it or which
lasts until the connection ends, and one that does not come at all."""


class Top(NamedTuple):
    """The head of an answer, and what it says of the rest."""

    data: bytes
    dated: bool
    """Whether it is whole: else the line with the date ends it."""
    keeps: bool
    """Whether the connection goes on."""
    bare: bool
    """Whether no body follows, whatever the application made."""


@lru_cache(1024)
def head(
    status: int, headers: tuple[tuple[str, str], ...], framing: str, keeps: bool, version: str
) -> Top:
    """Return the head of an answer, but for the line with the date if the application has none.

    `framing` is how the body comes, or its length; `keeps` says whether the connection may go on,
    and `version` what the client speaks.
    """
    if status < 200 or status == 204:  # nobody looks for a body there (RFC 9110, 8.6)
        headers = tuple(line for line in headers if line[0].lower() != "content-length")
    names = {name.lower(): value for name, value in headers}
    bare = framing == NOTHING or not has_body(status)
    counted = framing.isdecimal() and not bare
    if names.get("connection", "").lower() == "close":
        keeps = False
    if counted and length(headers) not in (None, int(framing)):
        keeps = False  # where this body ends, and the next answer begins, is anybody's guess
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if framing == CHUNKED:
        lines.append("Transfer-Encoding: chunked")
    elif counted and "content-length" not in names:
        lines.append(f"Content-Length: {framing}")
    if "connection" not in names and keeps != (version == "1.1"):
        lines.append(f"Connection: {'keep-alive' if keeps else 'close'}")
    dated = "date" in names
    lines += ["", ""] if dated else [""]
    return Top("\r\n".join(lines).encode("latin-1", "replace"), dated, keeps, bare)


def refusal(status: int, why: str) -> bytes:
    """Return an answer to what is no request, after which the connection ends."""
    body = f"{why}\n".encode()
    kind = (("Content-Type", "text/plain"),)
    top = head(status, kind, str(len(body)), keeps=False, version="1.1")
    return b"".join((top.data, date(), body))


def has_body(status: int) -> bool:
    """Say whether an answer of this status has a body."""
    return status >= 200 and status not in (204, 304)


def length(headers: Headers) -> int | None:
    """Return the length that headers promise, None where they promise none."""
    for name, value in headers:
        if len(name) == 14 and name.lower() == "content-length" and value.isdecimal():
            return int(value)
    return None


def date() -> bytes:
    """Return the line with the date, and the end of the head."""
    return _dated(int(time.time()))


@lru_cache(1)
def _dated(now: int) -> bytes:
    return f"Date: {formatdate(now, usegmt=True)}\r\n\r\n".encode("ascii")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""

"""What a recorder heard, as a HAR 1.2 file that is whole at any moment and free of secrets."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus

import h11

from .concealing import Concealer
from .journal import Headers, Redaction

MOST_BODY = 64 * 1024 * 1024
"""The largest body that is passed on to an upstream, and that is written down of an answer."""

MOST_HELD = 512 * 1024 * 1024
"""Bytes of bodies that a recording holds; what comes later is passed on, and counted."""

SECONDS_BETWEEN = 1.0
"""A recording is written at most this often."""

_FRAME = """{
 "log": {
  "version": "1.2",
  "creator": {"name": "counterfoil", "version": "0"},
  "entries": []
 }
}
"""

Pieces = list[tuple[float, int]]


@dataclass(slots=True)
class Exchange:
    """One request and what came back, as it was; pieces are seconds since the head, and bytes."""

    at: float
    method: str
    url: str
    headers: Headers
    body: bytes
    status: int = 0
    reason: str = ""
    version: str = "HTTP/1.1"
    answer_headers: Headers = ()
    answer: bytearray = field(default_factory=bytearray)
    pieces: Pieces = field(default_factory=list)
    waited: float = 0.0
    problem: str = ""
    hung_up: bool = False
    too_large: bool = False

    def begin(self, head: h11.Response, waited: float) -> None:
        """Take the head of the answer."""
        self.status = head.status_code
        self.reason = head.reason.decode("latin-1")
        self.version = f"HTTP/{head.http_version.decode('ascii')}"
        self.answer_headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in head.headers.raw_items()
        )
        self.waited = waited

    def take(self, data: bytes, at: float) -> None:
        """Take the next bytes of the answer."""
        self.too_large = self.too_large or len(self.answer) + len(data) > MOST_BODY
        if not self.too_large:
            self.answer += data
            self.pieces.append((at, len(data)))


class Recording:
    """Exchanges in the order in which they ended, and the file that holds them."""

    def __init__(self, path: Path, concealer: Concealer) -> None:
        self.path = path
        self.dropped = 0
        """Exchanges that there was no room for."""
        self.unread = 0
        """Answers that are in the file without their body."""
        self._concealer = concealer
        self._held: list[tuple[Exchange, bytes, str]] = []
        self._size = 0
        self._changed = asyncio.Event()
        self._one_writes = threading.Lock()
        self._turn = self._last = 0

    @property
    def count(self) -> int:
        """How many exchanges there are."""
        return len(self._held)

    def add(self, exchange: Exchange) -> None:
        """Take an exchange, and hide what it shows to be a secret in the earlier ones, too."""
        size = len(exchange.body) + len(exchange.answer)
        if self._size + size > MOST_HELD:
            self.dropped += 1
            return
        self._size += size
        asked, answered = _readable(exchange)
        self.unread += answered.data is None
        haystack = _haystack(exchange, asked.data or b"", answered.data or b"")
        learned = self._concealer.learn(
            (*exchange.headers, *exchange.answer_headers), _texts_of(exchange, asked, answered)
        )
        for place, (earlier, hay, _) in enumerate(self._held) if learned else ():
            if any(secret.stands_in(hay) for secret in learned):
                self._held[place] = (earlier, hay, self._written(earlier, hay))
        self._held.append((exchange, haystack, self._written(exchange, haystack)))
        self._changed.set()

    def _written(self, exchange: Exchange, haystack: bytes) -> str:
        redact = self._concealer.redaction(haystack)
        asked, answered = _readable(exchange)
        entry = _entry(exchange, asked, answered, redact)
        return json.dumps(entry, ensure_ascii=False, indent=1).replace("\n", "\n   ")

    def write(self) -> None:
        """Write the file beside itself and put it in its place, so that it is always whole."""
        self._write(*self._now())

    def _now(self) -> tuple[int, list[str]]:
        self._turn += 1
        return self._turn, [written for *_, written in self._held]

    def _write(self, turn: int, entries: list[str]) -> None:
        inside = "\n   {}\n  ".format(",\n   ".join(entries)) if entries else ""
        beside = self.path.with_name(f".{self.path.name}.part")
        with self._one_writes:
            if turn < self._last:
                return  # a thread that was late: what it has is older than what is there
            self._last = turn
            beside.write_text(_FRAME.replace("[]", f"[{inside}]"), "utf-8", newline="\n")
            os.replace(beside, self.path)

    async def keep_written(self) -> None:
        """Write the file whenever there is more to write, once a second at most.

        In a thread, for the times of a stream would be late by as long as a large file takes.
        """
        while True:
            await self._changed.wait()
            self._changed.clear()
            await asyncio.to_thread(self._write, *self._now())
            await asyncio.sleep(SECONDS_BETWEEN)


# How a body reads


@dataclass(frozen=True, slots=True)
class Body:
    """A body without its content coding, None where it cannot be read; its pieces; the reason."""

    data: bytes | None
    pieces: Pieces
    why: str = ""


def _readable(exchange: Exchange) -> tuple[Body, Body]:
    """Return the request's body and the answer's as their readers see them."""
    asked = _decoded(exchange.headers, exchange.body, [(0.0, len(exchange.body))])
    if exchange.too_large:
        return asked, Body(None, exchange.pieces, f"it has more than {MOST_BODY} bytes")
    answered = _decoded(exchange.answer_headers, bytes(exchange.answer), exchange.pieces)
    return asked, answered


def _decoded(headers: Headers, data: bytes, pieces: Pieces) -> Body:
    codings = [v.strip().lower() for k, v in headers if k.lower() == "content-encoding"]
    coding = ",".join(codings)
    if coding in ("", "identity") or not data:
        return Body(data, pieces)
    if coding not in ("gzip", "x-gzip", "deflate"):
        return Body(None, pieces, f"its content coding {coding[:40]} cannot be undone")
    # Deflate is meant to have a header (RFC 9110, section 8.4.1.2), and often has none.
    for window in (31,) if coding != "deflate" else (15, -15):
        try:
            return _inflated(zlib.decompressobj(window), data, pieces)
        except zlib.error:
            continue
    return Body(None, pieces, f"it is not {coding}, as it says")


def _inflated(inflater: Any, data: bytes, pieces: Pieces) -> Body:
    """Unpack each piece when it came: a piece of the text is what then could be read."""
    plain, when, start = bytearray(), [], 0
    for at, size in pieces:
        piece = inflater.decompress(data[start : start + size], MOST_BODY + 1 - len(plain))
        start += size
        plain += piece
        if len(plain) > MOST_BODY:
            return Body(None, pieces, f"unpacked it has more than {MOST_BODY} bytes")
        if piece:
            when.append((at, len(piece)))
    return Body(bytes(plain), when)


def _texts_of(exchange: Exchange, *bodies: Body) -> Iterator[str]:
    yield exchange.url
    for name, value in (*exchange.headers, *exchange.answer_headers):
        yield f"{name}: {value}"
    for body in bodies:
        if body.data is not None and (text := _text(body.data)) is not None:
            yield text


def _text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _haystack(exchange: Exchange, *bodies: bytes) -> bytes:
    """Return all in which a secret may stand."""
    lines = (*exchange.headers, *exchange.answer_headers)
    heads = (exchange.url, unquote_plus(exchange.url), *(value for _, value in lines))
    return b"\n".join([*(h.encode("utf-8", "replace") for h in heads), *bodies])


# An entry, as HAR 1.2 has it; what begins with an underscore is ours.


def _entry(exchange: Exchange, asked: Body, answered: Body, redact: Redaction) -> dict[str, Any]:
    wait = round(1000 * exchange.waited, 3)
    receive = round(1000 * exchange.pieces[-1][0], 3) if exchange.pieces else 0.0
    marks = {
        "_error": redact(exchange.problem),
        "_hung_up": exchange.hung_up,
        "_left_out": answered.why,
        "_request_left_out": asked.why,
    }
    started = datetime.fromtimestamp(exchange.at, UTC).isoformat(timespec="milliseconds")
    return {
        "startedDateTime": started,
        "time": round(wait + receive, 3),
        "request": _request(exchange, asked, redact),
        "response": _response(exchange, answered, redact),
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": receive},
        "_basis": "observed",
        **{name: mark for name, mark in marks.items() if mark},
    }


def _request(exchange: Exchange, body: Body, redact: Redaction) -> dict[str, Any]:
    url = _hidden_url(exchange.url, redact)
    query = url.partition("?")[2]
    request: dict[str, Any] = {
        "method": redact(exchange.method),
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _lines(exchange.headers, redact),
        "queryString": [
            {"name": redact(name), "value": redact(value)}
            for name, value in parse_qsl(query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(exchange.body),
    }
    if body.data:
        held = _hidden(body.data, redact)
        request["postData"] = {"mimeType": _kind(exchange.headers, redact), **_written_as(held)}
    return request


def _response(exchange: Exchange, body: Body, redact: Redaction) -> dict[str, Any]:
    content: dict[str, Any] = {"size": 0, "mimeType": _kind(exchange.answer_headers, redact)}
    if body.data is not None:
        held = _hidden(body.data, redact)
        content |= {"size": len(held), **_written_as(held)}
    location = next((v for k, v in exchange.answer_headers if k.lower() == "location"), "")
    return {
        "status": exchange.status,
        "statusText": redact(exchange.reason),
        "httpVersion": exchange.version,
        "cookies": [],
        "headers": _lines(exchange.answer_headers, redact),
        "content": content,
        "redirectURL": _hidden_url(location, redact),
        "headersSize": -1,
        "bodySize": sum(size for _, size in exchange.pieces),
        "_chunks": _chunks(body, redact),
    }


def _hidden(data: bytes, redact: Redaction) -> bytes:
    text = _text(data)
    return redact.binary(data) if text is None else redact(text).encode("utf-8")


def _written_as(held: bytes) -> dict[str, str]:
    text = _text(held)
    if text is not None:
        return {"text": text}
    return {"text": base64.b64encode(held).decode("ascii"), "encoding": "base64"}


def _chunks(body: Body, redact: Redaction) -> list[dict[str, float]]:
    """Return the pieces of the text that is in the file, which is shorter where secrets stood."""
    ends = _ends(body, redact)
    sizes = [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
    return [
        {"at": round(at, 6), "size": size} for (at, _), size in zip(body.pieces, sizes, strict=True)
    ]


def _ends(body: Body, redact: Redaction) -> Sequence[int]:
    ends, end = [], 0
    for _, size in body.pieces:
        end += size
        ends.append(end)
    if body.data is None or (held := _hidden(body.data, redact)) == body.data:
        return ends
    # A piece that ends within a secret ends somewhere in its name.
    before = 0
    for place, end in enumerate(ends[:-1]):
        before = min(max(before, len(_hidden(body.data[:end], redact))), len(held))
        ends[place] = before
    return [*ends[:-1], len(held)]


def _hidden_url(url: str, redact: Redaction) -> str:
    """Return a URL without secrets, also where letters are escaped that need not be."""
    parts = []
    for part in _split(redact(url)):
        plain = unquote_plus(part)
        shown = redact(plain)
        parts.append(part if shown == plain else quote(shown, safe="<>"))
    return "".join(parts)


def _split(url: str) -> Iterable[str]:
    start = 0
    for place, char in enumerate(url):
        if char in "/?&=#;":
            yield url[start:place]
            yield char
            start = place + 1
    yield url[start:]


def _lines(headers: Headers, redact: Redaction) -> list[dict[str, str]]:
    return [{"name": redact(name), "value": redact.line(name, value)} for name, value in headers]


def _kind(headers: Headers, redact: Redaction) -> str:
    return next((redact(value) for name, value in headers if name.lower() == "content-type"), "")

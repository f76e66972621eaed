"""Applications as servers put their answers on the wire: HTTP/1.0, a length, chunks, or neither.

No socket is opened, so that virtual time stays virtual; a client reads and parses every byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from http import HTTPStatus
from typing import Any

import h11
import httpcore
import httpx

from contracts.target import Answer, Clock, WsgiCaller

Lines = list[tuple[str, str]]
Framing = Callable[[Answer, Lines], Iterator[bytes]]

_OF_THE_CONNECTION = {"connection", "content-length", "keep-alive", "transfer-encoding"}


def _head(version: str, answer: Answer, lines: Lines) -> bytes:
    known = {status.value: status.phrase for status in HTTPStatus}
    start = f"HTTP/{version} {answer.status} {known.get(answer.status, '')}\r\n"
    return "".join([start, *(f"{k}: {v}\r\n" for k, v in lines), "\r\n"]).encode("latin-1")


def _by_http_1_0(answer: Answer, lines: Lines) -> Iterator[bytes]:
    yield _head("1.0", answer, lines)
    yield from answer.chunks


def _until_it_closes(answer: Answer, lines: Lines) -> Iterator[bytes]:
    yield _head("1.1", answer, [*lines, ("Connection", "close")])
    yield from answer.chunks


def _in_chunks(answer: Answer, lines: Lines) -> Iterator[bytes]:
    yield _head("1.1", answer, [*lines, ("Transfer-Encoding", "chunked")])
    for chunk in answer.chunks:
        if chunk:
            yield b"%x;name=value\r\n%b\r\n" % (len(chunk), chunk)
    yield b"0\r\nServer-Timing: app\r\n\r\n"


def _with_length(answer: Answer, lines: Lines) -> Iterator[bytes]:
    length = [line for line in answer.headers if line[0].lower() == "content-length"]
    if not length:  # it becomes known with the last byte alone
        yield from _in_chunks(answer, lines)
        return
    yield _head("1.1", answer, [*lines, *length])
    yield from answer.chunks


FRAMINGS: dict[str, tuple[str, Framing]] = {
    "over_http_1_0": ("Answers by HTTP/1.0, and closes the connection.", _by_http_1_0),
    "until_it_closes": ("Ends every answer by closing the connection.", _until_it_closes),
    "with_length": (
        "Says how long an answer is where that is known, and keeps the connection.",
        _with_length,
    ),
    "in_chunks": ("Sends every answer in chunks, with extensions and a trailer.", _in_chunks),
}
"""Ways to put an answer on the wire by name, each with the sentence that says so."""


class Wire(httpcore.NetworkBackend):
    """A network on which an application is the only server."""

    def __init__(self, app: Any, origin: str, clock: Clock, framing: str) -> None:
        self._caller = WsgiCaller(app, origin)
        self._clock = clock
        self._framing = FRAMINGS[framing][1]

    def connect_tcp(self, host: str, port: int, *args: Any, **how: Any) -> httpcore.NetworkStream:
        """Return a new connection to the application, whatever address was asked for."""
        return _Connection(self._caller, self._framing)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._clock.sleep(seconds)


def transport(wire: Wire) -> httpx.BaseTransport:
    """Return the ordinary transport of an HTTP client, on this wire."""
    ordinary = httpx.HTTPTransport(verify=False, retries=0)
    ordinary._pool = httpcore.ConnectionPool(network_backend=wire)
    return ordinary


class _Connection(httpcore.NetworkStream):
    """One connection: what was written is a whole request when its answer is read."""

    def __init__(self, caller: WsgiCaller, framing: Framing) -> None:
        self._caller = caller
        self._framing = framing
        self._asked = b""
        self._answer: Iterator[bytes] = iter(())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take a part of a request."""
        self._asked += buffer

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next part of the answer, b"" where the connection is closed."""
        if self._asked:
            self._answer = self._say(*_read(self._asked))
            self._asked = b""
        return next(filter(None, self._answer), b"")

    def close(self) -> None:
        """Forget the answer."""
        self._answer = iter(())

    def _say(self, request: h11.Request, body: bytes) -> Iterator[bytes]:
        lines = [(bytes(name), bytes(value)) for name, value in request.headers.raw_items()]
        answer = self._caller.answer(request.method.decode(), bytes(request.target), lines, body)
        with closing(answer):
            kept = [line for line in answer.headers if line[0].lower() not in _OF_THE_CONNECTION]
            # RFC 9112, section 6.3: these end with their head, whatever it says.
            bare = request.method == b"HEAD" or answer.status in (204, 304)
            yield from [_head("1.1", answer, kept)] if bare else self._framing(answer, kept)


def _read(asked: bytes) -> tuple[h11.Request, bytes]:
    """Return the one request in these bytes, and its body."""
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(asked)
    request, body = parser.next_event(), b""
    assert isinstance(request, h11.Request)
    while isinstance(event := parser.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    return request, body

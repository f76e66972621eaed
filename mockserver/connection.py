"""One connection of HTTP/1.1: requests are read off it, and answers written to it, in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any, Protocol

import httptools

from .asked import Asked, Gone
from .heads import AS_IT_IS, CHUNKED, NOTHING, date, has_body, head, length, refusal
from .model import MOST_SNAPSHOT, SNAPSHOT_PATH
from .targets import ascii_target

log = logging.getLogger("mockserver")

MOST_READ = 32 * 1024 * 1024
"""Bytes of a body that are read at all; what it then comes to is the application's to refuse."""

MOST_HEAD = 256 * 1024
"""Bytes that come without any of a body, but for one read; some APIs ask in the query string."""

MOST_WAITING = 16
"""Requests that a client may send before it has the answer to the first; the rest is not read."""

LINGER = 5.0
"""Seconds in which a client that still sends may read why nobody listens (RFC 9112, 9.6)."""


class Takes(Protocol):
    """Who answers requests; `joined` and `left` say which connections there are."""

    def joined(self, connection: Connection) -> None:
        """Note a new connection."""

    def left(self, connection: Connection) -> None:
        """Forget a connection."""

    def take(self, connection: Connection) -> None:
        """Call `next_asked` soon, answer by `send`, or by `begin` and `end`, and `flush`."""


class Connection(asyncio.Protocol):
    """Reads requests, hands them over one at a time, and writes what is answered."""

    def __init__(self, server: Takes) -> None:
        self.gone = False
        """Whether nobody reads any more what would be answered."""
        self.transport: Any = None
        self.environ: Any = None
        """Where whoever serves the connection keeps what its requests have in common."""
        self._server = server
        self._parser: Any = httptools.HttpRequestParser(self)
        self._place = _BETWEEN
        self._vain: int | None = 0
        """Bytes since the last of a body; None until the read that brought it is over."""
        self._waiting: deque[Asked] = deque()
        self._asked: Asked | None = None
        self._chunked = self._bare = False
        self._paused = self._held = self._expects = self._deaf = self._ends = False
        self._target = self._refusal = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: bytes | bytearray = b""
        self._size, self._most, self._owed = 0, MOST_READ, 0
        self._out: list[bytes] = []

    # What asyncio calls.

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self.transport = transport
        self._server.joined(self)

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        self.gone = self._deaf = True
        self._waiting.clear()
        self._parser = None  # it knows this connection, which knows it
        self._server.left(self)

    def eof_received(self) -> bool:
        """Answer what was asked before the client said that it asks no more; else it has left."""
        self._ends = True
        stays = bool(self._waiting) and self._asked is None and self.transport.can_write_eof()
        if not stays:
            self.gone = self._deaf = True
            self._waiting.clear()
        return bool(stays)

    def pause_writing(self) -> None:
        """Read no more from a client that does not read."""
        self._paused = True
        self._hold()

    def resume_writing(self) -> None:
        """Go on, with what was asked meanwhile first."""
        self._paused = False
        if self.waits:
            self._server.take(self)
        if self._held:
            self._listen()

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._deaf:
            return
        if self._place is _BETWEEN and not data.isascii():
            data = ascii_target(data)
        try:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self._stay(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if not self._deaf:
                self._give_up(error)
        if self._place is not _BETWEEN and not self._deaf:
            self._vain = 0 if self._vain is None else self._vain + len(data)
            if self._vain > MOST_HEAD:
                self._turn_down(431, f"a request line with its headers has {MOST_HEAD} bytes")

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Expect a request."""
        self._target, self._headers, self._body = b"", [], b""
        self._place, self._vain = _HEAD, None
        self._size, self._expects = 0, False

    def on_url(self, piece: bytes) -> None:
        """Take a piece of the target."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if self._place is not _HEAD:
            return  # a trailer
        self._headers.append((name, value))
        if len(name) == 6 and name.lower() == b"expect":
            self._expects = value.strip().lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        """Expect the body."""
        self._place = _BODY
        self._most = MOST_SNAPSHOT if self._target == _SNAPSHOT else MOST_READ
        if self._expects:
            self._tell_to_go_on()

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body; beyond all bounds, the request is over."""
        if self._deaf:
            return
        if not self._size:
            self._body = piece  # most come whole
        elif isinstance(self._body, bytearray):
            self._body += piece
        else:
            self._body = bytearray(self._body + piece)
        self._vain = None
        self._size += len(piece)
        if self._size > self._most:
            self._deaf = True
            self._hand_over(keeps=False)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        self._place = _BETWEEN
        if not self._deaf:
            self._expects = False
            self._hand_over(self._parser.should_keep_alive())

    # What the server calls.

    @property
    def waits(self) -> bool:
        """Whether a request is there, none is being answered, and the client reads."""
        return bool(self._waiting) and self._asked is None and not self._paused

    def next_asked(self) -> Asked:
        """Return the request that is to be answered now."""
        self._asked = asked = self._waiting.popleft()
        return asked

    def send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Add an answer that is there as a whole; it leaves when it is flushed."""
        asked = self._asked
        assert asked is not None
        if self.gone:
            return
        framing = NOTHING if asked.method == "HEAD" else str(len(body))
        top = head(status, tuple(headers), framing, self._goes_on(asked), asked.version)
        line = b"" if top.dated else date()
        self._out += top.data, line, b"" if top.bare else body
        self._over(top.keeps)

    def begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Begin an answer that comes in chunks; it leaves when it is flushed, or at its end."""
        asked = self._asked
        assert asked is not None
        if self.gone:
            return
        promised = length(headers)
        self._bare = asked.method == "HEAD" or not has_body(status)
        self._chunked = not self._bare and promised is None and asked.version == "1.1"
        self._owed = 0 if self._bare or promised is None else promised
        keeps = self._goes_on(asked) and (self._bare or self._chunked or promised is not None)
        framing = CHUNKED if self._chunked else NOTHING if self._bare else AS_IT_IS
        top = head(status, tuple(headers), framing, keeps, asked.version)
        if not top.keeps and asked.keeps:
            self._asked = asked._replace(keeps=False)
        self._out.append(top.data if top.dated else top.data + date())

    def send_bytes(self, data: bytes) -> None:
        """Add a chunk to an answer that was begun; raises Gone."""
        if self.gone:
            raise Gone
        if self._chunked:
            if data:  # a chunk of nothing would be the end
                self._out.append(b"%x\r\n%b\r\n" % (len(data), data))
        elif not self._bare:
            self._owed -= len(data)
            self._out.append(data)

    def flush(self) -> None:
        """Write what was begun and added: to the system, twice as much costs little more."""
        if self._out:
            if not self.gone:
                self.transport.write(b"".join(self._out))
            self._out = []

    def write(self, data: bytes) -> None:
        """Write what is no answer."""
        self._out.append(data)
        self.flush()

    @property
    def takes_chunks(self) -> bool:
        """Whether the client of the request that is being answered knows chunks."""
        return self._asked is not None and self._asked.version == "1.1"

    def unread(self) -> int:
        """Return how many bytes were written that the client has not taken yet."""
        return 0 if self.gone else int(self.transport.get_write_buffer_size())

    def end(self) -> None:
        """Write the end of an answer that was begun."""
        asked = self._asked
        if asked is None or self.gone:
            return
        if self._chunked:
            self._out.append(b"0\r\n\r\n")
        self._over(self._goes_on(asked) and not self._owed)

    def hang_up(self) -> None:
        """Close the connection, once what was written has left."""
        if not self.gone:
            self.flush()
            self.gone = self._deaf = True
            self._waiting.clear()
            self.transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self.gone = self._deaf = True
        self._waiting.clear()
        self.transport.abort()

    # What is left.

    def _hand_over(self, keeps: bool) -> None:
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            self._turn_down(505, "HTTP/1.1 is spoken here")
            return
        method, body = self._parser.get_method().decode("ascii"), bytes(self._body)
        asked = Asked(method, self._target, self._headers, body, version, keeps)
        self._body = b""
        self._waiting.append(asked)
        if self._asked is None and len(self._waiting) == 1:
            self._server.take(self)
        elif self._full():
            self._hold()

    def _full(self) -> bool:
        """Say whether more waits than should be kept."""
        waiting = self._waiting
        return len(waiting) >= MOST_WAITING or sum(len(one.body) for one in waiting) > MOST_READ

    def _stay(self, rest: bytes) -> None:
        """Go on as it was where a request wants another protocol, none of which is known here.

        The parser takes all that follows for that protocol, also the request's body (RFC 9110,
        7.8): it reads the head once more, as if nothing else were wanted.
        """
        while not self._deaf:
            asked = self._waiting.pop()
            if asked.method == "CONNECT":
                self._waiting.append(asked._replace(keeps=False))
                self._deaf = True  # what follows is for somebody whom it cannot reach
                return
            self._read_again(asked)
            rest = b"\r\n" + rest
            try:
                self._parser.feed_data(rest)
                return
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]

    def _read_again(self, asked: Asked) -> None:
        """Read the head of a request but for its end, and for what else it wants."""
        self._parser = httptools.HttpRequestParser(self)
        wants = [line for line in asked.headers if line[0].lower() == b"upgrade"]
        lines = [b"%b %b HTTP/%b" % (asked.method.encode(), asked.target, asked.version.encode())]
        lines += [b"%b: %b" % line for line in asked.headers if line not in wants]
        self._parser.feed_data(b"\r\n".join([*lines, b""]))
        self._headers += wants

    def _goes_on(self, asked: Asked) -> bool:
        return asked.keeps and (not self._ends or bool(self._waiting or self._refusal))

    def _over(self, keeps: bool) -> None:
        """Go on after an answer."""
        self._asked, self._chunked = None, False
        if self.gone:
            return
        if not keeps:
            # To close it while bytes of the client's are unread may take the answer away from it.
            if self._deaf or self._waiting or self._place is not _BETWEEN:
                self._linger()
            else:
                self.hang_up()
        elif self._waiting:
            self._server.take(self)
        elif self._refusal:
            self.write(self._refusal)
            self._linger()
        elif self._expects:
            self._tell_to_go_on()
        if self._held:
            self._listen()

    def _hold(self) -> None:
        self._held = True
        self.transport.pause_reading()

    def _listen(self) -> None:
        if not (self._paused or self._ends or self.transport.is_closing() or self._full()):
            self._held = False
            self.transport.resume_reading()

    def _tell_to_go_on(self) -> None:
        """Tell who waits for it to send the body of a request, once it is the first in line."""
        first = not (self._waiting or self._asked or self._deaf)
        if self._place is _BODY and first:
            self._expects = False
            if self._parser.get_http_version() == "1.1":
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _give_up(self, error: httptools.HttpParserError) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            log.error("a request could not be read", exc_info=error.__context__)
            self._turn_down(500, "the mock itself failed")
        elif isinstance(error, httptools.HttpParserInvalidMethodError):
            self._turn_down(501, "this method is not known here")
        else:
            self._turn_down(400, f"this is no HTTP/1.1: {str(error).lower()}")

    def _turn_down(self, status: int, why: str) -> None:
        """Answer what is no request, after those that were, and read no more."""
        self._deaf = True
        self._refusal = refusal(status, why)
        if not (self._waiting or self._asked):
            self.write(self._refusal)
            self._linger()

    def _linger(self) -> None:
        """Close the connection when the client has read the answer, or does not."""
        self._deaf = True
        self._waiting.clear()
        self.flush()
        if self._ends or self.transport.is_closing():
            self.hang_up()
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.transport.resume_reading()
        asyncio.get_running_loop().call_later(LINGER, self.hang_up)


_BETWEEN, _HEAD, _BODY = "between requests", "in a head", "in a body"
_SNAPSHOT = SNAPSHOT_PATH.encode()

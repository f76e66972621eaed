"""One connection of HTTP/1.1: requests are read off it, and answers written to it, in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any, NamedTuple, Protocol

import httptools

from .heads import AS_IT_IS, CHUNKED, date, has_body, head, length
from .model import MOST_SNAPSHOT, SNAPSHOT_PATH

log = logging.getLogger("mockserver")

MOST_READ = 32 * 1024 * 1024
"""Bytes of a body that are read at all; what it then comes to is the application's to refuse."""

MOST_HEAD = 256 * 1024
"""Bytes of a request line with its headers; some APIs ask in the query string."""

MOST_WAITING = 16
"""Requests that a client may send before it has the answer to the first; the rest is not read."""

LINGER = 5.0
"""Seconds in which a client that still sends may read why nobody listens (RFC 9112, 9.6)."""


class Gone(Exception):
    """The client has left; there is nobody to tell."""


class Asked(NamedTuple):
    """A request as it came, its body whole: of one beyond all bounds, so much that it shows."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    version: str
    keeps: bool
    """Whether the client goes on with this connection after the answer."""


class Takes(Protocol):
    """Who answers requests; `joined` and `left` say which connections there are."""

    def joined(self, connection: Connection) -> None:
        """Note a new connection."""

    def left(self, connection: Connection) -> None:
        """Forget a connection."""

    def take(self, connection: Connection) -> None:
        """Call `next_asked` soon, and then answer: by `send`, or by `begin`, and `end`."""


class Connection(asyncio.Protocol):
    """Reads requests, hands them over one at a time, and writes what is answered."""

    def __init__(self, server: Takes) -> None:
        self.gone = False
        self.transport: Any = None
        self.environ: Any = None
        """Where whoever serves the connection keeps what its requests have in common."""
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Asked] = deque()
        self._asked: Asked | None = None
        self._chunked = False
        self._paused = self._expects = self._deaf = self._ends = False
        self._head, self._in_head = 0, False
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._size, self._most = 0, MOST_READ

    # What asyncio calls.

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self.transport = transport
        self._server.joined(self)

    def connection_lost(self, error: Exception | None) -> None:
        """End: nobody reads what would be answered."""
        self.gone = True
        self._waiting.clear()
        self._server.left(self)

    def eof_received(self) -> bool:
        """Answer what was asked before the client said that it asks no more; else it has left."""
        self._ends = True
        goes_on = bool(self._waiting) and self._asked is None and self.transport.can_write_eof()
        self.gone = not goes_on
        return bool(goes_on)

    def pause_writing(self) -> None:
        """Read no more from a client that does not read."""
        self._paused = True
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self._paused = False
        self._listen()

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._deaf:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # What it asked to change to is not known here, so that it goes on as it was.
            self._parser = httptools.HttpRequestParser(self)
            if rest := data[upgrade.args[0] :]:
                self.data_received(rest)
            return
        except httptools.HttpParserError as error:
            self._give_up(error)
            return
        if self._in_head:
            self._head += len(data)
            if self._head > MOST_HEAD:
                self._turn_down(431, f"a request line with its headers has {MOST_HEAD} bytes")

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Expect a request."""
        self._target, self._headers, self._pieces = b"", [], []
        self._head, self._in_head = 0, True
        self._size, self._expects = 0, False

    def on_url(self, piece: bytes) -> None:
        """Take a piece of the target."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if not self._in_head:
            return  # a trailer
        self._headers.append((name, value))
        if len(name) == 6 and name.lower() == b"expect":
            self._expects = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        """Expect the body."""
        self._in_head = False
        self._most = MOST_SNAPSHOT if self._target == _SNAPSHOT else MOST_READ
        if self._expects:
            self._tell_to_go_on()

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body; beyond all bounds, the request is over."""
        if self._deaf:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._most:
            self._deaf = True
            self._hand_over(keeps=False)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        if not self._deaf:
            self._expects = False
            self._hand_over(self._parser.should_keep_alive())

    # What the server calls.

    @property
    def waits(self) -> bool:
        """Whether a request is there and none is being answered."""
        return bool(self._waiting) and self._asked is None

    def next_asked(self) -> Asked:
        """Return the request that is to be answered now."""
        self._asked = asked = self._waiting.popleft()
        return asked

    def send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Write an answer that is there as a whole."""
        asked = self._asked
        assert asked is not None
        if self.gone:
            self._over(False)
            return
        keeps = self._goes_on(asked)
        framing = AS_IT_IS if asked.method == "HEAD" else str(len(body))
        top = head(status, tuple(headers), framing, keeps, asked.version)
        self.transport.write(b"".join((top, date(), body)))
        promised = length(headers) if body else None
        self._over(keeps and promised in (None, len(body)))

    def begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Write the head of an answer that comes in chunks."""
        asked = self._asked
        assert asked is not None
        if self.gone:
            return
        bare = asked.method == "HEAD" or not has_body(status)
        said = bare or length(headers) is not None
        self._chunked = not said and asked.version == "1.1"
        keeps = self._goes_on(asked) and (said or self._chunked)
        if not keeps and asked.keeps:
            self._asked = asked._replace(keeps=False)
        framing = CHUNKED if self._chunked else AS_IT_IS
        self.transport.write(head(status, tuple(headers), framing, keeps, asked.version) + date())

    def send_bytes(self, data: bytes) -> None:
        """Write a chunk of an answer that was begun; raises Gone."""
        if self.gone:
            raise Gone
        if self._chunked:
            if data:  # a chunk of nothing would be the end
                self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self.transport.write(data)

    def write(self, data: bytes) -> None:
        """Write what is no answer."""
        if not self.gone:
            self.transport.write(data)

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
        if asked is None:
            return
        if self._chunked and not self.gone:
            self.transport.write(b"0\r\n\r\n")
        self._over(self._goes_on(asked))

    def hang_up(self) -> None:
        """Close the connection, once what was written has left."""
        self._deaf = True
        self._asked = None
        self._waiting.clear()
        self.gone = True
        self.transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._deaf = self.gone = True
        self.transport.abort()

    # What is left.

    def _hand_over(self, keeps: bool) -> None:
        pieces = self._pieces
        asked = Asked(
            self._parser.get_method().decode("ascii"),
            self._target,
            self._headers,
            pieces[0] if len(pieces) == 1 else b"".join(pieces),
            self._parser.get_http_version(),
            keeps,
        )
        self._pieces = []
        self._waiting.append(asked)
        if self._asked is None and len(self._waiting) == 1:
            self._server.take(self)
        elif len(self._waiting) >= MOST_WAITING:
            self.transport.pause_reading()

    def _goes_on(self, asked: Asked) -> bool:
        return asked.keeps and (bool(self._waiting) or not self._ends)

    def _over(self, keeps: bool) -> None:
        """Go on after an answer."""
        self._asked, self._chunked = None, False
        if self.gone:
            return
        if not keeps:
            if self._deaf:
                self._linger()
            else:
                self.hang_up()
            return
        if self._waiting:
            self._server.take(self)
        self._tell_to_go_on()
        self._listen()

    def _listen(self) -> None:
        full = len(self._waiting) >= MOST_WAITING
        if not (self._paused or full or self.gone or self.transport.is_closing()):
            self.transport.resume_reading()

    def _tell_to_go_on(self) -> None:
        """Tell who waits for it to send the body of a request, once it is the first in line."""
        if self._expects and not (self._in_head or self._waiting or self._asked):
            self._expects = False
            if self._parser.get_http_version() == "1.1":
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

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
        if self._waiting or self._asked:
            self._ends = True
            return
        body = f"{why}\n".encode()
        kind = (("Content-Type", "text/plain"),)
        top = head(status, kind, str(len(body)), keeps=False, version="1.1")
        self.transport.write(b"".join((top, date(), body)))
        self._linger()

    def _linger(self) -> None:
        """Close the connection when the client has read the answer, or does not.

        To close it while bytes of the client's are unread would take the answer away from it.
        """
        if not self.transport.can_write_eof():
            self.hang_up()
            return
        self.transport.write_eof()
        self.transport.resume_reading()
        asyncio.get_running_loop().call_later(LINGER, self.hang_up)


_SNAPSHOT = SNAPSHOT_PATH.encode()

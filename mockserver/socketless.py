"""A connection without a socket: bytes are written to it and read from it in the same process."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from .asked import Asked
from .clock import Clock, RealClock
from .connection import Connection
from .delivery import GARBAGE, with_length
from .environment import Environ, Environments
from .journal_pages import AGAIN
from .model import DELAY, ENDING, FEED, FEED_PAUSE, ON_ANY_CLOCK, SCHEDULE, Chunk
from .service import FAILED, Head, Wsgi, call

log = logging.getLogger("mockserver")

_SOON = 1e-6
"""Seconds that are no wait: a clock that counts from 1970 knows no shorter ones."""


class Wait(NamedTuple):
    """Nothing comes for so many seconds; `clock` is the one on which they pass."""

    seconds: float
    clock: Clock


class Socketless:
    """The server's end of one connection; whoever holds the client's end lets the time pass.

    HTTP is spoken as on a socket, by the same code: only the waiting is left to who reads.
    `prefix` is the path below which the application is mounted, as it stands in a request.
    """

    def __init__(self, app: Wsgi, clock: Clock, origin: tuple[str, str, int], prefix: str) -> None:
        self._app = app
        self._clock = clock
        self._prefix = unquote_to_bytes(prefix).decode("latin-1")
        self._transport = _Transport()
        self._machine = RealClock()
        self._steps: Iterator[Wait] | None = None
        self._due: tuple[float, Clock] | None = None
        self._connection = Connection(self)
        self._connection.connection_made(self._transport)
        scheme, host, port = origin
        self._environments = Environments(scheme, (host, port), ("127.0.0.1", 0))

    def write(self, data: bytes) -> None:
        """Take what the client sends."""
        self._connection.data_received(data)

    def read(self) -> bytes | Wait:
        """Return what came, b"" at the end, or how long to wait before asking again.

        Raises ConnectionResetError.
        """
        while not self._transport.out:
            if (wait := self._left()) is not None:
                return wait
            if self._transport.reset:
                raise ConnectionResetError(104, "Connection reset by peer")
            if self._steps is None:
                if self._transport.closed or not self._connection.waits:
                    return b""
                self._steps = self._answer(self._connection.next_asked())
            step = next(self._steps, None)
            if step is None:
                self._steps = None
            else:
                self._due = _now(step.clock) + step.seconds, step.clock
        data = b"".join(self._transport.out)
        self._transport.out.clear()
        return data

    def close(self) -> None:
        """Hang up; nothing of an answer that is under way is made any more."""
        self._steps = self._due = None
        self._transport.out.clear()
        self._connection.hang_up()
        self._connection.connection_lost(None)

    # What the connection asks of a server.

    def joined(self, connection: Connection) -> None:
        """Nothing is counted."""

    def left(self, connection: Connection) -> None:
        """Nothing is counted."""

    def take(self, connection: Connection) -> None:
        """Requests wait until somebody reads."""

    # What is left.

    def _left(self) -> Wait | None:
        """Return how long it is until something is due, None where it is now."""
        if self._due is None:
            return None
        due, clock = self._due
        left = due - _now(clock)
        if left > _SOON:
            return Wait(left, clock)
        self._due = None
        return None

    def _environ(self, asked: Asked) -> Environ:
        environ = self._environments.of(asked)
        environ[ON_ANY_CLOCK] = True
        environ["SCRIPT_NAME"] = self._prefix
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(self._prefix) or "/"
        return environ

    def _answer(self, asked: Asked) -> Iterator[Wait]:
        """Answer one request, as a server does; what would block is left to who reads."""
        connection, environ = self._connection, self._environ(asked)
        try:
            head, body = call(self._app, environ)
            while (pause := environ.pop(AGAIN, None)) is not None:
                yield Wait(pause, self._machine)
                environ["wsgi.input"] = io.BytesIO(asked.body)
                head, body = call(self._app, environ)
        except Exception:
            log.exception("the application failed at a request")
            connection.send(500, FAILED, b"the mock itself failed\n")
            connection.flush()
            return
        if delay := environ.get(DELAY):
            yield Wait(delay, self._clock)
        schedule, feed = environ.get(SCHEDULE), environ.get(FEED)
        if badly := environ.get(ENDING):
            yield from self._end_badly(badly, head, schedule or ())
        elif schedule is not None:
            connection.begin(*head)
            yield from self._paced(schedule)
            connection.end()
        elif feed is not None:
            connection.begin(*head)
            yield from self._passed_on(feed)
            connection.end()
        else:
            connection.send(*head, body)
        connection.flush()

    def _paced(self, chunks: tuple[Chunk, ...]) -> Iterator[Wait]:
        """Send the chunks, those with nothing between them together; delays do not add up."""
        due = _now(self._clock)
        for chunk in chunks:
            due += chunk.delay
            if (left := due - _now(self._clock)) > _SOON:
                self._connection.flush()
                yield Wait(left, self._clock)
            self._connection.send_bytes(chunk.data)
        self._connection.flush()

    def _passed_on(self, feed: Callable[[], bytes | None]) -> Iterator[Wait]:
        while (data := feed()) is not None:
            self._connection.send_bytes(data)
            self._connection.flush()
            yield Wait(0.0 if data else FEED_PAUSE, self._machine)

    def _end_badly(
        self, ending: tuple[str, float], head: Head, chunks: tuple[Chunk, ...]
    ) -> Iterator[Wait]:
        """Let the connection of a request end badly, after the chunks that still leave."""
        (kind, amount), connection = ending, self._connection
        if kind == "reset":
            connection.abort()
            return
        if kind == "garbage":
            connection.write(GARBAGE)
        elif kind in ("truncated", "stalled"):
            connection.begin(*(head if connection.takes_chunks else with_length(head, chunks)))
            yield from self._paced(chunks)
            if kind == "stalled":
                yield Wait(amount, self._clock)
        connection.hang_up()


class _Transport:
    """Where a connection writes to."""

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.closed = self.reset = False

    def write(self, data: bytes) -> None:
        self.out.append(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.reset = True

    def is_closing(self) -> bool:
        # Who lingers waits for a client that still sends; nobody does after the request here.
        return True

    def pause_reading(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


def _now(clock: Any) -> float:
    """Return the time of a clock; the machine's own does not go back, nor is it moved by hand."""
    return time.monotonic() if isinstance(clock, RealClock) else float(clock.now())

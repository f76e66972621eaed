"""How requests are answered: by the application, inline, and what it leaves to the server."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable
from typing import Any

from .asked import Asked, Gone
from .connection import Connection
from .delivery import end
from .draining import Ending, Open
from .environment import Environ, Environments
from .journal_pages import AGAIN
from .model import DELAY, ENDING, FEED, FEED_PAUSE, SCHEDULE
from .pacing import Pacer

log = logging.getLogger("mockserver")

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Any]
Head = tuple[int, list[tuple[str, str]]]

MOST_UNREAD = 1024 * 1024
"""Bytes of a feed that wait for the client; as long as there are more, it is not asked."""

TURNED_AWAY = [("Content-Type", "text/plain"), ("Connection", "close"), ("Retry-After", "1")]
FAILED = [("Content-Type", "text/plain"), ("Connection", "close")]


class Service:
    """Answers the requests of all connections of a server."""

    def __init__(self, app: Wsgi, scheme: str, ending: Ending) -> None:
        self.open = Open(ending)
        """The answers that are under way."""
        self._app = app
        self._scheme = scheme
        self._ending = ending
        self._pacer = Pacer(ending)
        self._ready: list[Connection] = []
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def joined(self, connection: Connection) -> None:
        """Note a new connection."""
        transport = connection.transport
        own = transport.get_extra_info("sockname") or ("127.0.0.1", 0)
        peer = transport.get_extra_info("peername") or ("", 0)
        connection.environ = Environments(self._scheme, own, peer)
        self._connections.add(connection)

    def left(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def take(self, connection: Connection) -> None:
        """Answer with those that come in the same moment.

        To read all of them first, and to write all answers last, takes a third less time than to
        go to and fro between the system and the application: what each has at hand stays there.
        """
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._answer_all)
        self._ready.append(connection)

    async def let_go(self, seconds: float) -> None:
        """Close all connections, when what was written has left or after so many seconds."""
        for connection in list(self._connections):
            connection.hang_up()
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self._connections and loop.time() < until:
            await asyncio.sleep(0.001)
        for connection in list(self._connections):
            connection.abort()

    def _answer_all(self) -> None:
        ready, self._ready = self._ready, []
        for connection in ready:
            if not connection.waits:
                continue
            try:
                self._answer(connection, connection.next_asked())
            except Exception:
                log.exception("an answer could not be delivered")
                connection.abort()
        for connection in ready:
            connection.flush()

    def _answer(self, connection: Connection, asked: Asked) -> None:
        if self._ending.asked:
            connection.send(503, TURNED_AWAY, b"this mock server is stopping\n")
            return
        environ = connection.environ.of(asked)
        try:
            head, body = call(self._app, environ)
        except Exception:
            log.exception("the application failed at a request")
            connection.send(500, FAILED, b"the mock itself failed\n")
            return
        if not environ.keys().isdisjoint(_LATER):
            self._begin(self._later(connection, environ, asked.body, (head, body)))
        elif (schedule := environ.get(SCHEDULE)) is not None:
            connection.begin(*head)
            self.open.begin()
            self._pacer.start(connection, schedule, lambda: self._ended(connection))
        else:
            connection.send(*head, body)

    def _ended(self, connection: Connection) -> None:
        if self._ending.over:
            connection.hang_up()  # what was cut off shall not look as if it were whole
        else:
            connection.end()
        self.open.end()

    def _begin(self, answer: Any) -> None:
        self.open.begin()
        task = asyncio.ensure_future(answer)
        self._tasks.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.open.end()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an answer could not be delivered", exc_info=error)

    async def _later(
        self,
        connection: Connection,
        environ: Environ,
        asked: bytes,
        made: tuple[Head, bytes],
    ) -> None:
        """Deliver an answer that takes its time, or ends badly."""
        try:
            head, body = made
            while (pause := environ.pop(AGAIN, None)) is not None:
                await self._ending.sleep(pause, connection)
                if connection.gone or self._ending.over:
                    connection.hang_up()
                    return
                environ["wsgi.input"] = io.BytesIO(asked)
                head, body = call(self._app, environ)
            if delay := environ.get(DELAY):
                await self._ending.sleep(delay, connection)
            schedule, feed = environ.get(SCHEDULE), environ.get(FEED)
            if badly := environ.get(ENDING):
                await end(badly, connection, head, schedule or (), self._pacer, self._ending)
            elif schedule is not None:
                connection.begin(*head)
                await self._pacer.pace(connection, schedule)
                if self._ending.over:
                    connection.hang_up()
                connection.end()
            elif feed is not None:
                connection.begin(*head)
                await _pass_on(connection, feed, self._ending)
                connection.end()
            else:
                connection.send(*head, body)
            connection.flush()
        except BaseException:
            connection.abort()
            raise


_LATER = frozenset({AGAIN, DELAY, ENDING, FEED})
"""What an application leaves where its answer is not sent at once."""


def call(app: Wsgi, environ: Environ) -> tuple[Head, bytes]:
    """Return the head and the body that an application answers with."""
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        started[:] = status, headers

    result = app(environ, start)
    if type(result) is tuple and len(result) == 1:  # as the mocks' plain answers are
        status, headers = started
        return (int(status[:3]), headers), result[0]
    try:
        body = b"".join(result)
    finally:
        if hasattr(result, "close"):
            result.close()
    status, headers = started
    return (int(status[:3]), headers), body


async def _pass_on(
    connection: Connection, feed: Callable[[], bytes | None], ending: Ending
) -> None:
    """Send what a feed has, until it is over, the client hangs up, or the server stops."""
    try:
        while not (connection.gone or ending.asked):
            data = feed() if connection.unread() < MOST_UNREAD else b""
            if data is None:
                return
            if data:
                connection.send_bytes(data)
            connection.flush()
            await asyncio.sleep(0 if data else FEED_PAUSE)
    except Gone:
        return

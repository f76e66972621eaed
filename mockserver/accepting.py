"""How connections come in: all that wait, whenever the loop comes round."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any, Protocol

log = logging.getLogger("mockserver")

BACKLOG = 4096
"""Connections that may wait to be taken; the system has a limit of its own."""

MOST_AT_ONCE = 256
"""Connections that are taken before those that are there have their turn again."""

PAUSE = 1.0
"""Seconds until the next try where the system has no room for a connection."""


class Listening(Protocol):
    """What takes connections until it is closed."""

    def close(self) -> None:
        """Take no more."""


async def listen(
    own: socket.socket, made: Callable[[], asyncio.BaseProtocol], context: ssl.SSLContext | None
) -> Listening:
    """Take the connections of a socket that is bound, each with a protocol made for it."""
    loop = asyncio.get_running_loop()
    if type(loop).__module__.partition(".")[0] != "uvloop":
        return await loop.create_server(made, sock=own, backlog=BACKLOG, ssl=context)
    return Accepting(loop, own, made, context)


class Accepting:
    """Takes connections for uvloop, whose own server takes one in each round of the loop.

    Where thousands come together and a round takes its time, the last would wait for seconds.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        own: socket.socket,
        made: Callable[[], asyncio.BaseProtocol],
        context: ssl.SSLContext | None,
    ) -> None:
        self._loop, self._own, self._made, self._context = loop, own, made, context
        self._tasks: set[asyncio.Task[None]] = set()
        own.setblocking(False)
        own.listen(BACKLOG)
        loop.add_reader(own, self._take)

    def close(self) -> None:
        """Take no more, and let go of those that still agree on how to speak."""
        if self._own.fileno() >= 0:
            self._loop.remove_reader(self._own)
            self._own.close()
        for task in self._tasks:
            task.cancel()

    def _take(self) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                one, _ = self._own.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue  # it left before it was taken
            except OSError as error:  # too many files are open, or there is no memory
                log.error("no connection can be taken: %s", error)
                self._loop.remove_reader(self._own)
                self._loop.call_later(PAUSE, self._go_on)
                return
            task = self._loop.create_task(self._meet(one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _go_on(self) -> None:
        if self._own.fileno() >= 0:
            self._loop.add_reader(self._own, self._take)

    async def _meet(self, one: socket.socket) -> None:
        one.setblocking(False)
        how: dict[str, Any] = {} if self._context is None else {"ssl": self._context}
        try:
            await self._loop.connect_accepted_socket(self._made, one, **how)
        except OSError:  # it left, or what it speaks is no TLS that is taken here
            one.close()
        except BaseException:
            one.close()
            raise

"""How streams leave: each chunk when it is due, all streams by one timer."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from granian._granian import RSGIProtocolClosed as ProtocolClosed

from .draining import NAP, Ending
from .model import Chunk

TICK = 0.0005
"""Seconds by which a chunk may leave too early: a loop counts in milliseconds."""


@dataclass(slots=True)
class _Stream:
    """What is left of a stream, when the next chunk of it is due, and who waits for its end."""

    out: Any
    chunk: Chunk
    rest: Iterator[Chunk]
    due: float
    over: asyncio.Future[None]


class Pacer:
    """Sends the chunks of all streams of a server.

    A task and a timer for each would be most of the work that thousands of streams are.
    """

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._waiting: list[tuple[float, int, _Stream]] = []
        self._begun = 0
        self._timer: asyncio.TimerHandle | None = None

    async def pace(self, out: Any, chunks: tuple[Chunk, ...]) -> None:
        """Send the chunks; return when the last one is sent, the client is gone, or all is over.

        They are due counted from now, so that delays do not add up.
        """
        if not chunks:
            return
        loop = asyncio.get_running_loop()
        rest = iter(chunks)
        first, now = next(rest), loop.time()
        stream = _Stream(out, first, rest, now + first.delay, loop.create_future())
        self._begun += 1
        self._send(stream, self._begun, now)
        self._wind(loop)
        await stream.over

    def _send(self, stream: _Stream, number: int, now: float) -> None:
        """Send what is due of a stream, and let the rest of it wait."""
        try:
            while stream.due <= now + TICK:
                if self._ending.over or stream.over.done():
                    break
                stream.out.send_bytes(stream.chunk.data)  # it takes all there is, and never waits
                stream.chunk = next(stream.rest)
                stream.due += stream.chunk.delay
            else:
                heapq.heappush(self._waiting, (stream.due, number, stream))
                return
        except (StopIteration, ProtocolClosed):
            pass  # at its end, or the client hung up: there is nobody to tell
        if not stream.over.done():
            stream.over.set_result(None)

    def _wind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake up when the next chunk is due, and now and then to see whether all is over."""
        if not self._waiting:
            return
        due = min(self._waiting[0][0], loop.time() + NAP)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = loop.call_at(due, self._wake, loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        until = float("inf") if self._ending.over else now + TICK
        ready = []
        while self._waiting and self._waiting[0][0] <= until:
            ready.append(heapq.heappop(self._waiting))
        for _, number, stream in ready:
            self._send(stream, number, max(now, stream.due))
        self._wind(loop)

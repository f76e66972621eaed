"""How streams leave: each chunk when it is due, all streams by one timer."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .connection import Gone
from .draining import NAP, Ending
from .model import Chunk

TICK = 0.0005
"""Seconds by which a chunk may leave too early: a loop counts in milliseconds."""


class Out(Protocol):
    """Where a stream goes."""

    gone: bool
    """Whether nobody takes it any more."""

    def send_bytes(self, data: bytes) -> None:
        """Take a chunk, without waiting for the client; raises Gone."""


@dataclass(slots=True)
class _Stream:
    """What is left of a stream, when the next chunk of it is due, and what is called at its end."""

    out: Out
    chunk: Chunk
    rest: Iterator[Chunk]
    due: float
    over: Callable[[], None]


class Pacer:
    """Sends the chunks of all streams of a server.

    A task and a timer for each would be most of the work that thousands of streams are.
    """

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._waiting: list[tuple[float, int, _Stream]] = []
        self._begun = 0
        self._timer: asyncio.Handle | None = None
        self._due = 0.0  # uvloop's handle of what is due now is no timer, and does not say it

    def start(self, out: Out, chunks: tuple[Chunk, ...], over: Callable[[], None]) -> None:
        """Send the chunks; call `over` when the last is sent, the client is gone, or all is over.

        They are due counted from now, so that delays do not add up.
        """
        if not chunks:
            over()
            return
        loop = asyncio.get_running_loop()
        rest = iter(chunks)
        first, now = next(rest), loop.time()
        self._begun += 1
        self._send(_Stream(out, first, rest, now + first.delay, over), self._begun, now)
        self._wind(loop)

    async def pace(self, out: Out, chunks: tuple[Chunk, ...]) -> None:
        """Send the chunks, and return when that is over."""
        over = asyncio.Event()
        self.start(out, chunks, over.set)
        await over.wait()

    def _send(self, stream: _Stream, number: int, now: float) -> None:
        """Send what is due of a stream, and let the rest of it wait."""
        try:
            while stream.due <= now + TICK:
                if self._ending.over:
                    break
                stream.out.send_bytes(stream.chunk.data)
                stream.chunk = next(stream.rest)
                stream.due += stream.chunk.delay
            else:
                heapq.heappush(self._waiting, (stream.due, number, stream))
                return
        except (StopIteration, Gone):
            pass  # at its end, or the client hung up
        stream.over()

    def _wind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake up when the next chunk is due, and now and then to see whether all is over."""
        if not self._waiting:
            return
        due = min(self._waiting[0][0], loop.time() + NAP)
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = loop.call_at(due, self._wake, loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        if self._ending.asked:
            self._forget_the_gone()
        until = float("inf") if self._ending.over else now + TICK
        ready = []
        while self._waiting and self._waiting[0][0] <= until:
            ready.append(heapq.heappop(self._waiting))
        for _, number, stream in ready:
            self._send(stream, number, max(now, stream.due))
        self._wind(loop)

    def _forget_the_gone(self) -> None:
        """Let no stream keep the server whose client left, and would be found out by a chunk."""
        gone = [entry for entry in self._waiting if entry[2].out.gone]
        if gone:
            self._waiting = [entry for entry in self._waiting if not entry[2].out.gone]
            heapq.heapify(self._waiting)
        for _, _, stream in gone:
            stream.over()

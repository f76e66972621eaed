"""How streams leave: each chunk when it is due, all streams by one timer."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .asked import Gone
from .draining import NAP, Ending
from .model import Chunk

TICKS = 1000
"""Moments of a second: what is due in the same one leaves together, half of one early at most."""

_EARLY = 0.5 / TICKS


class Out(Protocol):
    """Where a stream goes."""

    gone: bool
    """Whether nobody takes it any more."""

    def send_bytes(self, data: bytes) -> None:
        """Take a chunk, without waiting for the client; raises Gone."""

    def flush(self) -> None:
        """Let what was taken leave."""


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
        self._waiting: dict[int, list[_Stream]] = {}
        self._moments: list[int] = []
        self._timer: asyncio.Handle | None = None
        self._due = 0.0  # uvloop's handle of what is due now is no timer, and does not say it

    def start(self, out: Out, chunks: tuple[Chunk, ...], over: Callable[[], None]) -> None:
        """Send the chunks; call `over` when the last is sent, the client is gone, or all is over.

        What is due at once leaves when the caller flushes it. Chunks are due counted from now, so
        that delays do not add up.
        """
        if not chunks:
            over()
            return
        loop = asyncio.get_running_loop()
        rest = iter(chunks)
        first, now = next(rest), loop.time()
        self._send(_Stream(out, first, rest, now + first.delay, over), now + _EARLY)
        self._wind(loop)

    async def pace(self, out: Out, chunks: tuple[Chunk, ...]) -> None:
        """Send the chunks, and return when that is over."""
        over = asyncio.Event()
        self.start(out, chunks, over.set)
        out.flush()
        await over.wait()

    def _send(self, stream: _Stream, until: float) -> None:
        """Send what is due of a stream, and let the rest of it wait."""
        due = stream.due
        try:
            while due <= until:
                if self._ending.over:
                    break
                stream.out.send_bytes(stream.chunk.data)
                chunk = stream.chunk = next(stream.rest)
                due += chunk.delay
            else:
                stream.due = due
                moment = round(due * TICKS)
                waiting = self._waiting.get(moment)
                if waiting is None:
                    self._waiting[moment] = [stream]
                    heapq.heappush(self._moments, moment)
                else:
                    waiting.append(stream)
                return
        except (StopIteration, Gone):
            pass  # at its end, or the client hung up
        stream.over()

    def _wind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake up when the next chunk is due, and now and then to see whether all is over."""
        if not self._moments:
            return
        due = self._moments[0] / TICKS
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = min(due, loop.time() + NAP)
        self._timer = loop.call_at(self._due, self._wake, loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._ending.asked:
            self._forget_the_gone()
        until = loop.time() + _EARLY
        last = float("inf") if self._ending.over else until * TICKS
        ready = []
        while self._moments and self._moments[0] <= last:
            ready += self._waiting.pop(heapq.heappop(self._moments))
        for stream in ready:
            self._send(stream, max(until, stream.due))
        for stream in ready:
            stream.out.flush()
        self._wind(loop)

    def _forget_the_gone(self) -> None:
        """Let no stream keep the server whose client left, and would be found out by a chunk."""
        gone = []
        for moment, streams in self._waiting.items():
            gone += [stream for stream in streams if stream.out.gone]
            self._waiting[moment] = [stream for stream in streams if not stream.out.gone]
        for stream in gone:
            stream.over()

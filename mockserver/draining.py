"""How a server ends: what was begun is finished, what comes late is turned away."""

from __future__ import annotations

import asyncio

from .connection import Connection

GRACE = 30.0
"""Seconds that open answers get to come to their end."""

NAP = 0.25
"""Seconds after which a long wait looks whether it is over."""


class Ending:
    """Whether a server is to end: `asked`, and then `over` for answers that go on and on."""

    def __init__(self) -> None:
        self.asked = False
        self.over = False

    async def sleep(self, seconds: float, client: Connection | None = None) -> None:
        """Let so many seconds pass, or fewer where it is over, or the client has left."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not (self.over or (client and client.gone)) and (left := until - loop.time()) > 0:
            await asyncio.sleep(min(left, NAP))


class Open:
    """How many answers are under way."""

    def __init__(self, ending: Ending) -> None:
        self._count = 0
        self._ending = ending
        self._empty = asyncio.Event()

    def begin(self) -> None:
        """Count one more."""
        self._count += 1

    def end(self) -> None:
        """Count one less."""
        self._count -= 1
        if not self._count:
            self._empty.set()

    async def drain(self, grace: float = GRACE) -> None:
        """Return when no answer is under way any more, or after so many seconds.

        From then on none is to begin. Asked twice, nobody waits any longer.
        """
        if self._ending.asked or not self._count:
            self._ending.asked = self._ending.over = True
            self._empty.set()
            return
        self._ending.asked = True
        self._empty.clear()
        try:
            await asyncio.wait_for(self._empty.wait(), grace)
        except TimeoutError:
            pass
        self._ending.over = True

"""How a server ends: what was begun is finished, what comes late is turned away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Rsgi = Callable[[Any, Any], Awaitable[None]]

GRACE = 30.0
"""Seconds that open answers get to come to their end."""

TURNED_AWAY = [("content-type", "text/plain"), ("connection", "close"), ("retry-after", "1")]

NAP = 0.25
"""Seconds after which a long wait looks whether it is over."""


class Ending:
    """Whether a server is to end: `asked`, and then `over` for answers that go on and on."""

    def __init__(self) -> None:
        self.asked = False
        self.over = False

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds pass, or fewer where it is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self.over and (left := until - loop.time()) > 0:
            await asyncio.sleep(min(left, NAP))


class Draining:
    """An RSGI application that knows how many of its answers are under way."""

    def __init__(self, app: Rsgi, ending: Ending) -> None:
        self._app = app
        self._open = 0
        self._ending = ending
        self._empty = asyncio.Event()

    async def __call__(self, scope: Any, protocol: Any) -> None:
        """Answer, or turn away with a 503 whoever comes after the end was asked for."""
        if self._ending.asked:
            protocol.response_str(503, TURNED_AWAY, "this mock server is stopping\n")
            return
        self._open += 1
        try:
            await self._app(scope, protocol)
        finally:
            self._open -= 1
            if not self._open:
                self._empty.set()

    async def drain(self, grace: float = GRACE) -> None:
        """Return when no answer is under way any more, or after so many seconds.

        Asked twice, nobody waits any longer.
        """
        if self._ending.asked or not self._open:
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

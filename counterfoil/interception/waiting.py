"""Reading from a connection without a socket, as long as a client's patience lasts."""

from __future__ import annotations

import time

from mockserver.clock import RealClock
from mockserver.socketless import Socketless, Wait


def receive(line: Socketless, timeout: float | None) -> bytes:
    """Return what comes next, b"" at the end; raises TimeoutError and ConnectionResetError."""
    left = float("inf") if timeout is None else timeout
    while isinstance(step := line.read(), Wait):
        nap = min(step.seconds, left)
        if isinstance(step.clock, RealClock):
            time.sleep(nap)
        else:
            step.clock.sleep(nap)
        left -= step.seconds
        _check(left)
    return step


async def receive_async(line: Socketless, timeout: float | None) -> bytes:
    """Do the same, and let other tasks go on meanwhile, of asyncio or trio."""
    import anyio  # it comes with httpx; who has requests alone goes without

    left = float("inf") if timeout is None else timeout
    while isinstance(step := line.read(), Wait):
        nap = min(step.seconds, left)
        if isinstance(step.clock, RealClock):
            await anyio.sleep(nap)
        else:
            step.clock.sleep(nap)
            await anyio.sleep(0)
        left -= step.seconds
        _check(left)
    return step


def _check(left: float) -> None:
    if left < 0:
        raise TimeoutError("timed out")

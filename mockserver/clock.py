"""Where time comes from: the machine, or a hand that moves it."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Unix time in seconds, and a way to let it pass."""

    def now(self) -> float:
        """Return the time in seconds since 1970."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""


class RealClock:
    """The machine's own time."""

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Block this thread for `seconds`."""
        time.sleep(seconds)


class MovedClock(RealClock):
    """The machine's own time, and so much more as it was moved forward by."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the time forward by `seconds` and return at once."""
        _check(seconds)
        with self._lock:
            self._ahead += seconds


class VirtualClock:
    """Time that stands still until it is moved; it starts at 2026-01-01 unless told otherwise."""

    def __init__(self, start: float = 1767225600.0) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the time forward by `seconds` and return at once."""
        _check(seconds)
        with self._lock:
            self._now += seconds

    def sleep(self, seconds: float) -> None:
        """Move the time forward by `seconds` and return at once."""
        self.advance(seconds)


def _check(seconds: float) -> None:
    if not seconds >= 0:
        raise ValueError(f"a clock moves forward only, not by {seconds} seconds")

"""Who answers a request: which interceptions are open, and which of them is meant."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from mockserver.socketless import Socketless

from .addresses import Origin

if TYPE_CHECKING:
    from . import Interception

Connect = Callable[[], Socketless]

_HERE: ContextVar[tuple[Interception, ...]] = ContextVar("counterfoil.interceptions", default=())
"""What was opened in this thread or task, or in the task that began it."""


class Refused(Exception):
    """A request goes where nobody answers; says where, and how to let it out."""


class Board:
    """The interceptions of one library that are open in this process.

    Its transport is changed (`start`) as long as there is one, and then put back (`stop`).
    """

    def __init__(self, start: Callable[[], object], stop: Callable[[], object]) -> None:
        self._start, self._stop = start, stop
        self._lock = threading.Lock()
        self._open: tuple[Interception, ...] = ()

    def add(self, one: Interception) -> None:
        """Open an interception."""
        with self._lock:
            if not self._open:
                self._start()
            self._open = (*self._open, one)

    def remove(self, one: Interception) -> None:
        """Close it."""
        with self._lock:
            self._open = tuple(other for other in self._open if other is not one)
            if not self._open:
                self._stop()

    def find(self, origin: Origin, path: str) -> Connect | None:
        """Return what connects to the mock that is meant, None for a request that goes out.

        An interception that was opened here (in this thread or task) goes before others, and the
        last one before those before it. Raises Refused.
        """
        known = self._open
        here = [one for one in _HERE.get() if one in known]
        nearest = [*reversed(here), *(one for one in reversed(known) if one not in here)]
        for one in nearest:
            if (connect := one.at(origin, path)) is not None:
                return connect
        if not nearest or nearest[0].lets_out(origin) or any(o.passes(origin) for o in nearest):
            return None
        raise Refused(_said(origin, nearest))


def enter_here(one: Interception) -> None:
    """Note that an interception is open in this thread or task."""
    _HERE.set((*_HERE.get(), one))


def leave_here(one: Interception) -> None:
    """Note that it is no more."""
    _HERE.set(tuple(other for other in _HERE.get() if other is not one))


def _said(origin: Origin, nearest: list[Interception]) -> str:
    told = "; ".join(
        f"{one.name} at {', '.join(address.written for address in one.addresses)}"
        for one in reversed(nearest)
    )
    return (
        f"nobody answers at {origin}; intercepted: {told} "
        f'(to let it out: passing=["{origin.host}"], or unknown="pass")'
    )

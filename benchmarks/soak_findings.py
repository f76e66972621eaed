"""What a soak looks for: answers that no fault ordered, messages lost, memory that grows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Orders = Literal["5xx", "odd", "cut", "killed"]
"""What a switch may do to an answer: make it 5xx, another than it should be, or cut it short.

`killed` is a worker's end: what it had in hand is cut, and nothing else happens to anything.
"""


@dataclass(frozen=True, slots=True)
class Event:
    """An answer that was not the expected one; status 0 is none at all. Times are in seconds."""

    api: str
    kind: str
    began: float
    ended: float
    status: int
    said: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """When something was switched on: from before it was asked for until it was off again.

    `api` and `kind` are whose requests and which of them it concerns, "" all.
    """

    orders: Orders
    began: float
    ended: float
    api: str = ""
    kind: str = ""

    def covers(self, event: Event) -> bool:
        """Say whether the event is the switch's doing."""
        if event.began > self.ended or event.ended < self.began:
            return False
        if self.api not in ("", event.api) or self.kind not in ("", event.kind):
            return False
        if event.status == 0:
            return self.orders in ("cut", "killed")
        if event.status >= 500:
            return self.orders == "5xx"
        return self.orders in ("5xx", "odd")


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that was acknowledged and is not there, or is there otherwise."""

    api: str
    what: str
    said: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The memory of a server at a moment: seconds since it began, and MB."""

    at: float
    memory: float


def unexplained(events: Iterable[Event], windows: Sequence[Window]) -> list[Event]:
    """Return the events that nothing that was switched on can have done."""
    return [one for one in events if not any(window.covers(one) for window in windows)]


def ordered(events: Iterable[Event], windows: Sequence[Window]) -> int:
    """Return how many 5xx a fault had ordered: of none, no fault was ever on."""
    return sum(
        one.status >= 500 and any(window.covers(one) for window in windows) for one in events
    )


def slope(samples: Sequence[Sample]) -> float:
    """Return MB a minute: the straight line through the samples, by least squares."""
    if len(samples) < 2:
        return float("nan")
    middle = sum(one.at for one in samples) / len(samples)
    level = sum(one.memory for one in samples) / len(samples)
    spread = sum((one.at - middle) ** 2 for one in samples)
    if not spread:
        return float("nan")
    rise = sum((one.at - middle) * (one.memory - level) for one in samples)
    return 60 * rise / spread


def settled(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples of the second half: by then what a mock holds is all of this load."""
    return list(samples[len(samples) // 2 :])

"""What is drawn for one answer: by the seed and the place in it, never by the order of requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

Number = Callable[..., int]
"""Makes 128 bits of parts, as `World.number` does."""


class Chance:
    """Numbers that follow from where something stands; `at` leads to the next place."""

    __slots__ = ("_number", "_place", "_step")

    def __init__(self, number: Number, place: str) -> None:
        self._number = number
        self._place = place
        self._step = 0

    def at(self, *place: object) -> Chance:
        """Return the chances at a place below this one."""
        return Chance(self._number, "\x1e".join([self._place, *map(str, place)]))

    def bits(self) -> int:
        """Return the next 128 bits."""
        self._step += 1
        return self._number("document", self._place, self._step)

    def below(self, limit: int) -> int:
        """Return a number from 0 up to the one before `limit`, which is at least 1."""
        return self.bits() % max(1, limit)

    def one_of(self, choices: Sequence[T]) -> T:
        """Return one of some choices, of which there is at least one."""
        return choices[self.below(len(choices))]

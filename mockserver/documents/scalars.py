"""Texts and numbers that fit what a schema asks of them."""

from __future__ import annotations

import math
from typing import Any

from .chance import Chance
from .formats import text_of, word
from .patterns import compiled, text_for

MOST_TEXT = 100_000
"""Characters of a text that is made, however long it should be."""

_TRIES = 20


def text_for_schema(schema: dict[str, Any], chance: Chance) -> str | None:
    """Return a text, None where none was found."""
    least, most = schema.get("minLength", 0), schema.get("maxLength", MOST_TEXT)
    if least > min(most, MOST_TEXT):
        return None
    pattern = compiled(schema["pattern"]) if "pattern" in schema else None
    for turn in range(_TRIES):
        made = text_of(schema["format"], chance.at(turn)) if "format" in schema else None
        if pattern is not None and (made is None or not pattern.search(made)):
            made = text_for(schema["pattern"], chance.at("pattern", turn), least, most)
        elif made is None:
            made = _words(chance.at(turn), least, most)
        if made is not None and least <= len(made) <= most:
            return made
    if "format" in schema and pattern is None and schema["format"] in ("binary", "password", "url"):
        return _words(chance, least, most)
    return None


def _words(chance: Chance, least: int, most: int) -> str:
    made = f"{word(chance)} {word(chance)}"
    if len(made) < least:
        made = (made + " ") * (least // len(made) + 1)
        made = made[:least].rstrip().ljust(least, "a")
    return made[:most].rstrip().ljust(min(most, max(least, 1)), "a")


def number_for(schema: dict[str, Any], chance: Chance, *, whole: bool) -> int | float | None:
    """Return a number, None where none was found."""
    step = schema.get("multipleOf")
    low, high = _bounds(schema, whole)
    if low > high:
        return None
    if step is not None:
        return _multiple(step, (low, high), chance, schema, whole)
    if whole:
        return math.ceil(low) + chance.below(math.floor(high) - math.ceil(low) + 1)
    return _fraction(low, high, chance, schema)


def _bounds(schema: dict[str, Any], whole: bool) -> tuple[float, float]:
    low: float | None = schema.get("minimum")
    high: float | None = schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is not None and (low is None or above >= low):
        low = math.floor(above) + 1 if whole else above
    if below is not None and (high is None or below <= high):
        high = math.ceil(below) - 1 if whole else below
    if whole:
        low = None if low is None else math.ceil(low)
        high = None if high is None else math.floor(high)
    if low is None:
        return (1, 100) if high is None else (min(1, high - 100), high)
    return (low, max(100, low + 100)) if high is None else (low, high)


def _multiple(
    step: float, bounds: tuple[float, float], chance: Chance, schema: dict[str, Any], whole: bool
) -> int | float | None:
    low, high = bounds
    first, last = math.ceil(low / step), math.floor(high / step)
    if first > last:
        return None
    uneven = None
    for turn in range(200):
        times = first + (chance.below(last - first + 1) if turn < 50 else turn - 50)
        value = times * step
        value = int(value) if float(value).is_integer() else round(value, 10)
        # What a validator divides by is a float, and not every multiple comes out even.
        even = (value / step).is_integer()
        fits = (not whole or value == int(value)) and low <= value <= high
        if fits and _is_within(value, schema):
            if even:
                return value
            uneven = value if uneven is None else uneven
    return uneven


def _fraction(
    low: float, high: float, chance: Chance, schema: dict[str, Any]
) -> int | float | None:
    for digits in (2, 4, 8, 16):
        value = round(low + (high - low) * (1 + chance.below(98)) / 100, digits)
        if low <= value <= high and _is_within(value, schema):
            return value
    return low if low == high and _is_within(low, schema) else None


def _is_within(value: float, schema: dict[str, Any]) -> bool:
    """Say whether a value is beyond no bound that it may not even reach."""
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return (above is None or value > above) and (below is None or value < below)

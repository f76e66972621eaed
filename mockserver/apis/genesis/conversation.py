"""The lists `Role.N` and `Content.N`: what a call says of the dialogue so far."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ...model import Refusal
from .parameters import Values

Message = tuple[str, str]
"""Role and content."""

INDEX = re.compile(r"0|[1-9][0-9]*", re.ASCII)
ROLES = ("user", "assistant")

MOST_INDEX_DIGITS = 9
"""Longer indexes are not even turned into numbers."""


def missing(name: str) -> Refusal:
    """Return the refusal of a call that lacks a required parameter."""
    return Refusal(f"Missing params [{name}]", code=220)


def not_available(name: str) -> Refusal:
    """Return the refusal of a value that is not acceptable."""
    return Refusal(f"Params [{name}] not available", code=230)


def has_list(name: str, values: Values) -> bool:
    """Say whether anything was sent for the list, be it acceptable or not."""
    return bool(values.get(name) not in (None, []) or any(_indexed(name, values)))


def read_list(name: str, values: Values) -> dict[int, str]:
    """Return the items by their indexes; a bare name is a list of one (our choice)."""
    bare = values.get(name)
    found = dict(enumerate([bare] if isinstance(bare, str) else bare or []))
    for key, index in _indexed(name, values):
        value = values[key]
        if bare is not None or isinstance(value, list) or len(index) > MOST_INDEX_DIGITS:
            raise not_available(key)
        found[int(index)] = value
    return {place: found[place] for place in sorted(found)}


def _indexed(name: str, values: Values) -> Iterable[tuple[str, str]]:
    start = f"{name}."
    for key in values:
        if key.startswith(start) and INDEX.fullmatch(index := key.removeprefix(start)):
            yield key, index


def gap(places: Iterable[int]) -> int | None:
    """Return the first index that does not follow the one before it; lists begin at 0 or 1."""
    last: int | None = None
    for place in places:
        if place > 1 if last is None else place != last + 1:
            return place
        last = place
    return None


def odd_one(roles: Mapping[int, str], contents: Mapping[int, str]) -> str:
    """Return the first item whose partner is missing."""
    place = min(set(roles) ^ set(contents))
    return f"Role.{place}" if place in roles else f"Content.{place}"


def question(messages: list[Message]) -> str:
    """Return what is to be answered: the last thing that the user said."""
    said = [content for role, content in messages if role == "user"]
    return said[-1] if said else messages[-1][1]

"""What is known put into an answer that was made: a thing, a list of things, a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Fits = Callable[[Any], bool]
"""Says whether a whole answer fits its schema."""

WORDS = ("detail", "message", "error_description", "description", "error", "title", "reason", "msg")
"""Members in which APIs say what was wrong, in words."""

TOTALS = ("total", "count", "total_count", "totalCount", "total_results", "size")


def overlaid(made: Any, thing: Mapping[str, Any], path: tuple[str, ...], fits: Fits) -> Any:
    """Return an answer that says of a thing what it can: member by member, where all do not fit."""
    whole = _put(made, path, lambda before: {**before, **thing} if isinstance(before, dict) else
                 dict(thing))  # fmt: skip
    if fits(whole):
        return whole
    for name, value in thing.items():
        tried = _put(made, path, lambda before, n=name, v=value: {**before, n: v}  # type: ignore[misc]
                     if isinstance(before, dict) else before)  # fmt: skip
        if fits(tried):
            made = tried
    return made


def without_others(made: Any, path: tuple[str, ...], keep: set[str], fits: Fits) -> Any:
    """Return an answer without the members of a thing that nobody ever said, where it may be so."""
    thing = inside(made, path)
    for name in list(thing) if isinstance(thing, dict) else ():
        if name not in keep:
            tried = _put(made, path, lambda before, n=name: {  # type: ignore[misc]
                key: value for key, value in before.items() if key != n})  # fmt: skip
            made = tried if fits(tried) else made
    return made


def listed(made: Any, things: list[Any], path: tuple[str, ...], fits: Fits) -> Any:
    """Return an answer that lists these things, as many of them as fit, and says how many."""
    found = _put(made, path, lambda before: list(things))
    if not fits(found):
        template = inside(made, path)
        first = template[0] if isinstance(template, list) and template else {}
        found = _put(made, path, lambda before: [])
        if not fits(found):
            found = made
        for thing in things:
            before = inside(found, path)
            base = first if isinstance(first, dict) else {}
            for shown in (thing, {**base, **thing}):
                tried = _put(found, path, lambda _, b=before, s=shown: [*b, s])  # type: ignore[misc]
                if fits(tried):
                    found = tried
                    break
    return _counted(found, len(things), path, fits)


def _counted(made: Any, count: int, path: tuple[str, ...], fits: Fits) -> Any:
    if not path or not isinstance(made, dict):
        return made
    for name in TOTALS:
        if isinstance(made.get(name), int) and not isinstance(made[name], bool):
            tried = {**made, name: count}
            made = tried if fits(tried) else made
    return made


def worded(made: Any, words: str, fits: Fits) -> Any:
    """Return an answer that says these words where it says something in words."""
    for path in _wordings(made):
        tried = _put(made, path, lambda before: words)
        if fits(tried):
            made = tried
            break
    return made


def _wordings(made: Any) -> Iterator[tuple[Any, ...]]:
    if not isinstance(made, dict):
        return
    for name in WORDS:
        if isinstance(made.get(name), str):
            yield (name,)
    for outer, inner in made.items():
        if isinstance(inner, list) and inner and isinstance(inner[0], dict | str):
            yield from _first_words(outer, inner[0])
        for name in WORDS if isinstance(inner, dict) else ():
            if isinstance(inner.get(name), str):
                yield (outer, name)


def _first_words(outer: str, first: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(first, str):
        yield (outer, 0)
    else:
        yield from ((outer, 0, name) for name in WORDS if isinstance(first.get(name), str))


def inside(made: Any, path: tuple[Any, ...]) -> Any:
    """Return what is deep within a value, None where there is nothing."""
    for step in path:
        try:
            made = made[step]
        except (LookupError, TypeError):
            return None
    return made


def _put(made: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """Return a value in which what is deep within it is changed; the value itself stays."""
    if not path:
        return change(made)
    step, rest = path[0], path[1:]
    if isinstance(made, list):
        return [_put(one, rest, change) if place == step else one for place, one in enumerate(made)]
    before = made if isinstance(made, dict) else {}
    return {**before, step: _put(before.get(step), rest, change)}

"""When one answer is of the same kind as another: here and nowhere else it is defined.

The kind of an answer is its status, the headers that say what it is, and its body, value for value.
Values that are volatile are left aside:

- what the API's driver calls volatile may be another value of the same form;
- what it calls prose may be any text, unless one of the two is blank, or no UTF-8, or repeats what
  was sent; and two answers whose words differed must not say the same now;
- ids, wherever they stand, are compared up to renaming: what was the same id twice is the same id
  twice, and what was two is two;
- times are compared by which of two came first;
- of a list that holds what others made too, the items with this failure's own ids are compared;
  where there are none, whether some items have the same members, of the same kinds.

An answer that did not come is of the same kind as another for the same reason.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from .driver import Driver
from .model import Exchange, shortened

TELLING = ("allow", "location", "www-authenticate")
"""Headers that say what an answer is; of the others a request id at most is worth a look."""

IN_FRONT = frozenset(
    {"age", "alt-svc", "connection", "content-length", "date", "keep-alive", "server", "set-cookie"}
    | {"transfer-encoding", "vary", "via", "x-cache", "x-powered-by", "cf-ray", "cf-cache-status"}
)
"""Headers that come and go with what stands in front of a server."""

_ID = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{16,}"
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:?\d\d)?")
_VOLATILE = re.compile(rf"{_TIME.pattern}|{_ID.pattern}|\d{{6,}}")
_TIME_NAME = re.compile(r"(?i)time|date|created|[a-z]At$")

BODY = "the body"

MILLISECONDS = 1e11
"""A time from here on is not in seconds, so that two at the same time are no chance."""

MOST_TIMES = 200
"""So many times of one failure are compared with each other."""

MOST_VALUES = 200_000
"""So many values are compared of one answer; what is more is alike if it is the same."""

ENDLESS = 60.0
"""Seconds after which an answer is taken for one without an end."""
HELD_BACK = 0.5
"""Seconds after which an answer that comes in one piece was held back."""

LEAST_NUMBER = 1000
"""A smaller number is the same as another by chance."""


class Likeness:
    """Compares the answers of one failure with those of its replay, in their order."""

    open = ""
    """What the last two answers leave open, alike as they are."""

    def __init__(self, driver: type[Driver]) -> None:
        self._driver = driver
        self._forth: dict[object, object] = {}
        self._back: dict[object, object] = {}
        self._words: dict[str, str] = {}
        self._seen: dict[str, list[tuple[float, float]]] = {"text": [], "number": []}
        self._sent: set[str] = set()
        self._left = 0

    def sent(self, old: str | None, new: str) -> None:
        """Note a value that was sent, and what is sent in its place."""
        self._sent.add(new)
        if old is not None and old != new:
            self._forth.setdefault(old, new)
            self._back.setdefault(new, old)

    def difference(self, old: Exchange, new: Exchange) -> str:
        """Return in a few words how an answer differs in kind from an old one; "" for alike."""
        times = {kind: list(found) for kind, found in self._seen.items()}
        before = dict(self._forth), dict(self._back), dict(self._words), times
        self._left, self.open = MOST_VALUES, ""
        try:
            found = next(self._differences(old, new), "")
        except (RecursionError, _TooMuch):
            found = "" if old.body == new.body else "another body, too large or deep to compare"
        if found:
            self._forth, self._back, self._words, self._seen = before
        return found

    def _differences(self, old: Exchange, new: Exchange) -> Iterator[str]:
        if old.response is None or new.response is None:
            was, now = (_failed(one) for one in (old, new))
            if was != now:
                yield f"{now} instead of {was}"
            return
        if old.status != new.status:
            yield f"status {new.status} instead of {old.status}"
        if _endless(old) != _endless(new):
            yield f"{'no end' if _endless(new) else 'an end'} of it within {ENDLESS:.0f} s"
        if _held_back(old) and len(new.response.chunks) > 1:
            yield "it comes in pieces instead of in one, held back"
        yield from self._headers(old, new)
        old_body, new_body = self._driver.reading(old), self._driver.reading(new)
        yield from self._values(old_body, new_body, BODY, "")

    def _headers(self, old: Exchange, new: Exchange) -> Iterator[str]:
        was, now = _headers(old), _headers(new)
        for name in sorted(was.keys() ^ now.keys()):
            yield f"header {name} is {'gone' if name in was else 'new'}"
        for name in sorted(was.keys() & now.keys()):
            if bool(was[name]) != bool(now[name]):
                yield f"header {name} is {'blank' if was[name] else 'no longer blank'}"
            elif name == "content-type" or name in TELLING or _ID.fullmatch(was[name]):
                yield from self._texts(was[name], now[name], f"header {name}", name)

    def _values(self, old: Any, new: Any, place: str, name: str) -> Iterator[str]:
        self._left -= 1
        if self._left < 0:
            raise _TooMuch
        if _kind(old) != _kind(new):
            yield f"{place} is {_kind(new)} instead of {_kind(old)}"
        elif isinstance(old, dict):
            yield from self._objects(old, new, place)
        elif isinstance(old, list):
            yield from self._lists(old, new, place, name)
        elif isinstance(old, str):
            yield from self._texts(old, new, place, name)
        elif isinstance(old, bool) or old is None or name not in self._driver.volatile:
            if old != new:
                yield _instead(place, old, new)
        else:
            yield from self._numbers(old, new, place, name)

    def _objects(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[str]:
        names = {key: str(self._forth.get(key, key)) for key in old}
        gone = [key for key, name in names.items() if name not in new]
        come = [key for key in new if key not in names.values()]
        # Members that are named by ids that were not seen before, in the order that they come in.
        if len(gone) == len(come) and all(map(_alike, gone, come)):
            for key, other in zip(gone, come, strict=True):
                names[key] = other
                yield from self._bound(key, other, f"a member of {place}")
            gone, come = [], []
        for key, other in names.items():
            if other in new:
                yield from self._values(old[key], new[other], _below(place, other), key)
        yield from (f"{place} has no {shortened(key, 40)}" for key in gone)
        yield from (f"{place} has {shortened(key, 40)}" for key in come)

    def _lists(self, old: list[Any], new: list[Any], place: str, name: str) -> Iterator[str]:
        if name in self._driver.shared_lists:
            ours = [item for item in old if self._mentions(item, self._forth)]
            theirs = [item for item in new if self._mentions(item, self._back)]
            if not ours and not theirs:
                yield from self._others(old, new, place)
                return
            old, new = ours, theirs
        if len(old) != len(new):
            yield f"{place} has {len(new)} items instead of {len(old)}"
            return
        for at, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from self._values(one, other, f"{place}[{at}]", name)

    def _others(self, old: list[Any], new: list[Any], place: str) -> Iterator[str]:
        if old and not new:
            self.open = f"{place} had {len(old)} items, and has none now to compare"
        was, now = ({self._shape(item, "") for item in items} for items in (old, new))
        if was and now and not was & now:
            yield f"the items of {place} are of another shape"

    def _shape(self, value: Any, name: str) -> Hashable:
        """Return of a value only what members it has, and of which kind they are."""
        if isinstance(value, dict):
            return frozenset((key, self._shape(item, key)) for key, item in value.items())
        if isinstance(value, list):
            return frozenset(self._shape(item, name) for item in value)
        if isinstance(value, str) and name in self._driver.volatile:
            return _form(value)
        return _kind(value)

    def _mentions(self, item: Any, known: Mapping[object, object]) -> bool:
        if isinstance(item, dict):
            return any(self._mentions(value, known) for value in item.values())
        if isinstance(item, list):
            return any(self._mentions(value, known) for value in item)
        return isinstance(item, str) and item in known

    def _texts(self, old: str, new: str, place: str, name: str) -> Iterator[str]:
        if name in self._driver.prose:
            if self._repeated(old, new) is False or _prose(old) != _prose(new):
                yield _instead(place, old, new)
            elif self._words.setdefault(new, old) != old:
                yield f"{place} says the same as another answer"
        elif name in self._driver.volatile or _ID.fullmatch(old):
            if _form(old) != _form(new) or self._repeated(old, new) is False:
                yield _instead(place, old, new)
            elif _TIME.fullmatch(old):
                yield from self._times(old, new, place)
            elif old.strip():
                yield from self._bound(old, new, place)
        elif old != new and _plain(self._renamed(old)) != _plain(new):
            yield _instead(place, old, new)

    def _repeated(self, old: str, new: str) -> bool | None:
        """Say whether both repeat what was sent, or (False) one of them alone; None for neither."""
        was, now = self._forth.get(old, old) in self._sent, new in self._sent
        if not was and not now:
            return None
        return was and self._forth.get(old, old) == new

    def _times(self, old: str, new: str, place: str) -> Iterator[str]:
        """Compare a time with those before it: which came first, and which were the same."""
        with suppress(ValueError):  # a day that no calendar has
            one, other = (datetime.fromisoformat(text) for text in (old, new))
            if one.tzinfo and other.tzinfo:
                moments = one.timestamp(), other.timestamp()
                yield from self._ordered("text", *moments, place, exact="." in old)

    def _ordered(
        self, kind: str, old: float, new: float, place: str, *, exact: bool
    ) -> Iterator[str]:
        """Compare moments; what came in the same second once need not do so again."""
        for was, now in self._seen[kind]:
            same = exact and (old == was) != (new == now)
            if same or (old < was and new > now) or (old > was and new < now):
                yield f"{place} came before, with or after another time, and does not any more"
                return
        if len(self._seen[kind]) < MOST_TIMES:
            self._seen[kind].append((old, new))

    def _numbers(self, old: float, new: float, place: str, name: str) -> Iterator[str]:
        signs = (old > 0) - (old < 0), (new > 0) - (new < 0)
        if signs[0] != signs[1]:
            yield _instead(place, old, new)
        elif _TIME_NAME.search(name):
            # Seconds are no milliseconds.
            if max(abs(old), abs(new)) > 100 * min(abs(old), abs(new)):
                yield _instead(place, old, new)
            else:
                exact = abs(old) >= MILLISECONDS
                yield from self._ordered("number", old, new, place, exact=exact)
        elif _width(old) != _width(new):
            yield _instead(place, old, new)
        else:
            yield from self._bound((name, old), (name, new), place)

    def _bound(self, old: object, new: object, place: str) -> Iterator[str]:
        """Take one id for the other, from here on; it must be no other's."""
        chance = isinstance(new, tuple) and abs(new[1]) < LEAST_NUMBER
        back = old if chance else self._back.setdefault(new, old)
        if self._forth.setdefault(old, new) != new or back != old:
            yield f"{place} is another's id, or no longer the one that it was before"

    def _renamed(self, text: str) -> str:
        for old, new in self._forth.items():
            if isinstance(old, str) and isinstance(new, str) and len(old) >= 4:
                text = text.replace(old, new)
        return text


class _TooMuch(Exception):
    """There is more in an answer than is worth comparing."""


def _headers(exchange: Exchange) -> dict[str, str]:
    assert exchange.response is not None
    lines = ((name.lower(), value) for name, value in exchange.response.headers)
    return {
        name: re.sub(r"\s*([;,=])\s*", r"\1", value.lower() if name == "content-type" else value)
        for name, value in lines
        if name not in IN_FRONT and not name.startswith(("access-control-", "x-ratelimit-"))
    }


def _failed(exchange: Exchange) -> str:
    if exchange.response is not None:
        return f"an answer of status {exchange.status}"
    return _plain(re.sub(r"\d+", "#", (exchange.failure or "no answer").partition(":")[0]))


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "a boolean"
    if isinstance(value, (int, float)):
        return "a whole number" if isinstance(value, int) else "a number with a fraction"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "a text"


def _endless(exchange: Exchange) -> bool:
    return exchange.duration > ENDLESS


def _held_back(exchange: Exchange) -> bool:
    """Say whether an answer took its time and then came in one piece."""
    chunks = exchange.response.chunks if exchange.response else ()
    return len(chunks) == 1 and chunks[0].at > HELD_BACK


def _prose(text: str) -> tuple[bool, bool]:
    """Return what is compared of words: whether there are any, and whether they are UTF-8."""
    return bool(text.strip()), re.search("[\\udc80-\\udcff]", text) is None


def _width(number: float) -> int:
    """Return the size that a client needs to read a number: of 32 bits, of 64, of a fraction."""
    return sum(abs(number) >= 2**bits for bits in (32, 53, 63))


def _form(text: str) -> str:
    if not text.strip():
        return "blank"
    if text.isdecimal():
        return "digits"
    time = _TIME.fullmatch(text)
    if time:
        return "a time in a zone" if time[3] else "a time"
    return "#" if _ID.fullmatch(text) else "id"


def _alike(old: str, new: str) -> bool:
    return bool(_ID.fullmatch(old) and _ID.fullmatch(new))


def _plain(text: str) -> str:
    return _VOLATILE.sub("#", text)


def _below(place: str, name: str) -> str:
    said = shortened(name, 40)[1:-1]
    return said if place == BODY else f"{place}.{said}"


def _instead(place: str, old: object, new: object) -> str:
    return f"{place} is {shortened(new, 80)} instead of {shortened(old, 80)}"

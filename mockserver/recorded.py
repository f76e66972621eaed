"""The entries of a HAR file, whoever wrote it, as the APIs read them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any

from .model import Chunk

MOST_RECORDED = 1024 * 1024 * 1024
"""Bytes of a file that is read: it is held several times over while it is."""

Entry = dict[str, Any]


def usable(entries: Iterable[Entry]) -> list[Entry]:
    """Return the exchanges that an API could have answered so again, their bodies as texts.

    Left out are those that say that they came to no end or to no success: a status outside of
    200 to 299, an `_error`, an answer that is not in the file.
    """
    return [_with_texts(entry) for entry in entries if not _failed(entry)]


def from_browser(entries: Iterable[Entry]) -> bool:
    """Say whether a browser wrote them: then they hold all that a page asked of anybody."""
    return any("pageref" in entry for entry in entries)


def _failed(entry: Entry) -> bool:
    response = entry.get("response")
    status = response.get("status") if isinstance(response, dict) else None
    # A status that is no number is an odd entry: the API says so when it reads it.
    ended_badly = type(status) is int and not 200 <= status < 300
    method = entry.get("request", {}).get("method") if isinstance(entry.get("request"), dict) else 0
    return (
        ended_badly
        or bool(entry.get("_error") or entry.get("_left_out") or entry.get("_request_left_out"))
        or method in ("HEAD", "OPTIONS")
    )


def _with_texts(entry: Entry) -> Entry:
    """Return an entry whose Base64 is undone wherever it is a text; the rest stays as it is."""
    changed = dict(entry)
    for side, body in (("request", "postData"), ("response", "content")):
        message = entry.get(side)
        held = message.get(body) if isinstance(message, dict) else None
        if isinstance(held, dict) and held.get("encoding") == "base64":
            try:
                text = base64.b64decode(held["text"]).decode("utf-8")
            except (KeyError, TypeError, ValueError):
                continue
            plain = {key: value for key, value in held.items() if key != "encoding"}
            changed[side] = {**message, body: {**plain, "text": text}}  # type: ignore[dict-item]
    return changed


@dataclass(frozen=True, slots=True)
class Pace:
    """How a recorded answer came: for each piece the pause before it, and where it ends.

    Ends are counted in bytes from `start`, where the part of the answer begins that is said again:
    what stands before it may be of another length the next time.
    """

    pauses: tuple[float, ...]
    ends: tuple[int, ...]

    def cut(self, before: bytes, data: bytes, delay: float | None = None) -> tuple[Chunk, ...]:
        """Cut what is said, and what stands before it, as it was cut then.

        The pauses are those of then, or `delay` between any two pieces.
        """
        whole = before + data
        places = [0]
        for end in self.ends:
            places.append(min(max(places[-1], len(before) + end), len(whole)))
        places[-1] = len(whole)
        found: list[Chunk] = []
        waited = 0.0
        for pause, (begin, end) in zip(self.pauses, pairwise(places), strict=True):
            waited += pause
            if end > begin:
                usual = 0.0 if delay is not None and not found else delay
                found.append(Chunk(waited if usual is None else usual, whole[begin:end]))
                waited = 0.0
        return tuple(found)


def pace_of(response: Mapping[str, Any], start: int, size: int) -> Pace | None:
    """Return the pace of a recorded answer of `size` bytes, None where its chunks are not told.

    Raises TypeError or ValueError for chunks that are none, or not those of this answer.
    """
    told = response.get("_chunks")
    if not told:
        return None
    if not isinstance(told, list) or not all(isinstance(chunk, dict) for chunk in told):
        raise TypeError("_chunks should be a list of objects")
    times = [chunk.get("at") for chunk in told]
    sizes = [chunk.get("size") for chunk in told]
    if not all(type(one) is int and one >= 0 for one in sizes):
        raise TypeError("the size of a chunk should be a number of bytes")
    if not all(type(one) in (int, float) and 0 <= one <= MOST_SECONDS for one in times):
        raise TypeError(f"a chunk comes `at` a number of seconds up to {MOST_SECONDS}")
    if sum(sizes) != size:
        raise ValueError(f"the chunks have {sum(sizes)} bytes, the answer has {size}")
    pauses = [later - earlier for earlier, later in pairwise([times[0], *times])]
    if min(pauses) < 0:
        raise ValueError("the chunks are not in the order of time")
    # Until the first piece it is the upstream that thinks: its journal says so in `timings`.
    return Pace(tuple(pauses), tuple(end - start for end in accumulate(sizes)))


MOST_SECONDS = 86_400
"""How long an answer may have taken."""

MOST_WAITED = 3600.0
"""Seconds that a reply is waited for, as `delay` in `replies.yaml` has it."""


def waited(exchange: Mapping[str, Any]) -> float:
    """Return the seconds until a recorded answer began, 0 where nobody says."""
    timings = exchange.get("timings")
    return _seconds(timings.get("wait") if isinstance(timings, dict) else None)


def between(asked: Mapping[str, Any], answered: Mapping[str, Any]) -> float:
    """Return the seconds from the end of one exchange to the end of another, 0 if unknown."""
    first, last = _end(asked), _end(answered)
    return 0.0 if first is None or last is None else min(max(0.0, last - first), MOST_WAITED)


def _end(exchange: Mapping[str, Any]) -> float | None:
    began = exchange.get("startedDateTime")
    try:
        start = datetime.fromisoformat(str(began)).timestamp()
    except (ValueError, OverflowError):
        return None
    return start + _seconds(exchange.get("time"))


def _seconds(milliseconds: object) -> float:
    # A browser says -1 for what does not apply.
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return 0.0
    return min(milliseconds / 1000, MOST_WAITED) if 0 <= milliseconds <= 1e12 else 0.0

"""A response's chunks along the time axis, as numbers for whoever draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from ..model import Chunk, Exchange

MOST_ROWS = 200
"""Chunks that are listed one by one."""

HIGHEST = 48
"""Height of the largest chunk's bar; the others' areas are as their sizes."""

_LEFT, _WIDTH = 2.0, 94.0
_SLOTS = 240
_LABEL_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """The chunks that came at one time, as far as a reader can see: `x` in hundredths, `height`."""

    x: float
    height: float
    said: str
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk; `pause` is the time since the one before, or since the request."""

    number: int
    at: str
    size: int
    pause: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A stream: in a sentence, as bars over an axis (none where all came at once), as a list."""

    sentence: str
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    end: float
    rows: tuple[Row, ...]
    left_out: int


def timeline(exchange: Exchange) -> Timeline | None:
    """Return the timeline of a response that came in more than one chunk."""
    chunks = exchange.response.chunks if exchange.response else ()
    if len(chunks) < 2:
        return None
    last = max(chunk.at for chunk in chunks)
    whole = max(exchange.duration, last)
    rows = _rows(chunks[:MOST_ROWS])
    told = (_sentence(chunks, last), rows, len(chunks) - len(rows))
    # Less than a millisecond between the first and the last is nothing that an axis would show.
    if last - min(chunk.at for chunk in chunks) < 0.001:
        return Timeline(told[0], (), (), 0.0, *told[1:])
    return Timeline(told[0], _bars(chunks, whole), _ticks(whole), _x(whole, whole), *told[1:])


def seconds(value: float) -> str:
    """Return a time as it is read: in milliseconds where it is short."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def _sentence(chunks: Sequence[Chunk], last: float) -> str:
    size = sum(len(chunk.data) for chunk in chunks)
    first = min(chunk.at for chunk in chunks)
    if last - first < 0.001:
        return f"{len(chunks)} chunks, {size} bytes, all {seconds(last)} after the request"
    pauses = [b.at - a.at for a, b in zip(chunks, chunks[1:], strict=False)]
    return (
        f"{len(chunks)} chunks, {size} bytes: the first after {seconds(first)}, the last after "
        f"{seconds(last)}, the longest pause {seconds(max(pauses))}"
    )


def _bars(chunks: Sequence[Chunk], whole: float) -> tuple[Bar, ...]:
    slots: dict[int, list[Chunk]] = {}
    for chunk in chunks:
        slots.setdefault(round(chunk.at / whole * _SLOTS), []).append(chunk)
    sizes = {slot: sum(len(chunk.data) for chunk in held) for slot, held in slots.items()}
    largest = max(1, *sizes.values())
    bars, labelled = [], -_LABEL_WIDTH
    for slot, held in sorted(slots.items()):
        label = ""
        if slot - labelled >= _LABEL_WIDTH:
            label, labelled = f"{sizes[slot]} B", slot
        many = f"{len(held)} chunks, " if len(held) > 1 else ""
        said = f"{seconds(held[0].at)}: {many}{sizes[slot]} bytes"
        height = max(2.0, HIGHEST * sqrt(sizes[slot] / largest))
        bars.append(Bar(_x(slot / _SLOTS, 1), round(height, 1), said, label))
    return tuple(bars)


def _ticks(whole: float) -> tuple[Tick, ...]:
    return tuple(Tick(_x(part, 4), seconds(whole * part / 4)) for part in range(5))


def _x(value: float, whole: float) -> float:
    return round(_LEFT + _WIDTH * value / whole, 2)


def _rows(chunks: Sequence[Chunk]) -> tuple[Row, ...]:
    before, rows = 0.0, []
    for number, chunk in enumerate(chunks, 1):
        pause = seconds(max(0.0, chunk.at - before))
        rows.append(Row(number, seconds(chunk.at), len(chunk.data), pause))
        before = chunk.at
    return tuple(rows)

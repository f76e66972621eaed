"""How bytes leave: a body cut into chunks, each with the delay before it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

from .clock import Clock
from .model import Chunk, ChunkSize

Draw = Callable[[], random.Random]
"""Makes what decides at random; seldom asked for, and dear."""


def cut(body: bytes, size: ChunkSize, draw: Draw, needles: Iterable[bytes] = ()) -> list[bytes]:
    """Cut `body` into pieces, none of them empty.

    `size` is a number of bytes, or `random` (1 to 48 bytes, as `draw` says), or `adversarial`:
    cut within every character of several bytes and within every occurrence of the `needles`.
    """
    if size == "adversarial":
        ends = _hostile_ends(body, needles)
    elif size == "random":
        ends = _random_ends(len(body), draw())
    elif size < 1:
        raise ValueError(f"a chunk has 1 byte or more, not {size}")
    else:
        return [body[start : start + size] for start in range(0, len(body), size)]
    return list(filter(None, map(body.__getitem__, map(slice, (0, *ends), (*ends, len(body))))))


def spread(pieces: list[bytes], at_once: int, delay: float) -> tuple[Chunk, ...]:
    """Return a schedule: the first pieces, so many, leave at once, each later one after `delay`."""
    delays = chain(repeat(0.0, at_once), repeat(delay))
    # As `Chunk(...)` for each would do, in little more than half the time.
    return tuple(map(tuple.__new__, repeat(Chunk), zip(delays, pieces, strict=False)))


MOST_RANDOM = 48
"""The largest chunk of the size `random`: a few words, as a language model lets them go."""


def _random_ends(length: int, draw: random.Random) -> list[int]:
    ends: list[int] = []
    place = draw.randint(1, MOST_RANDOM)
    while place < length:
        ends.append(place)
        place += draw.randint(1, MOST_RANDOM)
    return ends


def _hostile_ends(body: bytes, needles: Iterable[bytes]) -> list[int]:
    # A byte of the form 10xxxxxx continues a UTF-8 character: a cut before it falls inside one.
    ends = {place for place, byte in enumerate(body) if byte & 0xC0 == 0x80}
    for needle in needles:
        # Nothing lies inside a needle of one byte: a cut there would be one at its edge.
        inside = {1, len(needle) // 2, len(needle) - 1} & set(range(1, len(needle)))
        found = body.find(needle) if inside else -1
        while found >= 0:
            ends.update(found + within for within in inside)
            found = body.find(needle, found + 1)
    return sorted(end for end in ends if 0 < end < len(body))


def at_once(chunks: tuple[Chunk, ...], clock: Clock) -> tuple[Chunk, ...]:
    """Let the time pass that the chunks take, and return them without it."""
    return tuple(Chunk(0.0, data) for data in paced(chunks, clock))


def stalled(chunks: tuple[Chunk, ...], clock: Clock, seconds: float) -> Iterator[bytes]:
    """Yield the bytes when they are due, then nothing more for so long."""
    yield from paced(chunks, clock)
    if seconds:
        clock.sleep(seconds)


def paced(chunks: tuple[Chunk, ...], clock: Clock) -> Iterator[bytes]:
    """Yield the bytes when they are due, for servers that give a stream a thread of its own."""
    for chunk in chunks:
        if chunk.delay:
            clock.sleep(chunk.delay)
        yield chunk.data

"""The streamed form: a JSON header, the magic number, the answer (Returns, Stream)."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

from ...model import Chunk, Settings
from ...streaming import Draw, cut, spread

MAGIC = b"645130146e8d07b175fd8b1d5682d520"

# Its last character as a JSON escape. Not its first: in `\u0006` + `45130146...` that one belongs
# to an escape itself, while all but the first four of an occurrence are characters of their own.
_HIDDEN = MAGIC[:-1] + rb"\u%04x" % MAGIC[-1]


def write_header(fields: Mapping[str, Any]) -> bytes:
    """Write the header as the document spaces it; the magic number is never in it."""
    # Not in ASCII: then a chunk may end inside a character of the header as well.
    return without_magic(_JSON.encode(fields).encode())


_JSON = json.JSONEncoder(ensure_ascii=False)


def without_magic(text: bytes) -> bytes:
    """Return the same JSON with the magic number escaped wherever it stands in a string."""
    return text.replace(MAGIC, _HIDDEN)


def header_of(chunks: Iterable[Chunk]) -> bytes:
    """Return what stands before the magic number; all there is where it never comes."""
    return b"".join([chunk.data for chunk in chunks]).partition(b"\n" + MAGIC)[0]


def schedule(prologue: bytes, answer: bytes, settings: Settings, draw: Draw) -> tuple[Chunk, ...]:
    """Cut the stream; all that stands before the answer leaves at once, and before its last chunk.

    A long question makes a long header: that costs no time, only the answer does.
    """
    pieces = cut(prologue + answer, settings.chunk_size, draw, [MAGIC])
    if answer and len(pieces[-1]) > len(answer):
        last = pieces.pop()
        pieces += last[: -len(answer)], answer
    begins = list(accumulate(map(len, pieces), initial=0))
    return spread(pieces, max(1, bisect_left(begins, len(prologue))), settings.chunk_delay)

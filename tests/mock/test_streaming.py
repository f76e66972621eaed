"""Cutting a body into chunks, and letting them go in time."""

from __future__ import annotations

import random
from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.clock import VirtualClock
from mockserver.model import Chunk, ChunkSize
from mockserver.streaming import MOST_RANDOM, cut, paced, spread

SIZES: st.SearchStrategy[ChunkSize] = st.integers(1, 60) | st.sampled_from(
    ["random", "adversarial"]
)
NEEDLES = st.lists(st.binary(max_size=6), max_size=3)
BODIES = (
    st.binary(max_size=300)
    | st.text(max_size=100).map(str.encode)
    | st.lists(st.sampled_from([b"ab", b"abab", "é".encode(), "👩🏽‍🦼".encode(), b"\n"])).map(
        b"".join
    )
)


def _cut(body: bytes, size: ChunkSize, *needles: bytes, seed: int = 0) -> list[bytes]:
    return cut(body, size, lambda: random.Random(seed), needles)


def _inner_ends(pieces: list[bytes]) -> set[int]:
    return set(list(accumulate(len(piece) for piece in pieces))[:-1])


@given(body=BODIES, size=SIZES, needles=NEEDLES, seed=st.integers(0, 3))
@example(body=b"", size="adversarial", needles=[b""], seed=0)
@example(body=b"aaaa", size="adversarial", needles=[b"a", b""], seed=0)
@example(body=b"\x80\x80", size="adversarial", needles=[], seed=0)
def test_pieces_join_to_the_body_and_none_is_empty(
    body: bytes, size: ChunkSize, needles: list[bytes], seed: int
) -> None:
    pieces = _cut(body, size, *needles, seed=seed)
    assert b"".join(pieces) == body
    assert all(pieces)


@given(pieces=st.lists(st.binary(min_size=1)), at_once=st.integers(0, 9))
def test_first_pieces_leave_at_once_and_each_later_one_after_the_delay(
    pieces: list[bytes], at_once: int
) -> None:
    chunks = spread(pieces, at_once, 0.5)
    delays = [0.0] * min(at_once, len(pieces)) + [0.5] * max(0, len(pieces) - at_once)
    assert chunks == tuple(map(Chunk, delays, pieces))
    assert all(type(chunk) is Chunk for chunk in chunks)


def test_who_decides_at_random_is_asked_for_where_it_is_needed_alone() -> None:
    asked: list[str] = []

    def draw() -> random.Random:
        asked.append("once")
        return random.Random(0)

    assert len(cut(bytes(300), 24, draw)) == 13
    assert cut(bytes(3), "adversarial", draw) == [bytes(3)]
    assert asked == []
    assert b"".join(cut(bytes(300), "random", draw)) == bytes(300)
    assert asked == ["once"]


@given(body=BODIES, size=st.integers(1, 400))
def test_number_is_the_size_of_every_chunk_but_the_last(body: bytes, size: int) -> None:
    pieces = _cut(body, size)
    assert all(len(piece) == size for piece in pieces[:-1])
    assert len(pieces) == -(-len(body) // size)


@given(body=BODIES, seed=st.integers())
def test_random_chunks_are_bounded_and_the_same_for_the_same_draw(body: bytes, seed: int) -> None:
    pieces = _cut(body, "random", seed=seed)
    assert all(len(piece) <= MOST_RANDOM for piece in pieces)
    assert pieces == _cut(body, "random", seed=seed)


def test_random_chunks_are_of_all_sizes() -> None:
    sizes = {len(piece) for piece in _cut(bytes(20_000), "random")[:-1]}
    assert sizes == set(range(1, MOST_RANDOM + 1))


@given(text=st.text(max_size=100))
@example(text="aé€👩🏽‍🦼z")
def test_adversarial_cuts_at_every_byte_inside_every_character(text: str) -> None:
    ends = _inner_ends(_cut(text.encode(), "adversarial"))
    begin = 0
    for letter in text:
        size = len(letter.encode())
        assert set(range(begin + 1, begin + size)) <= ends
        begin += size


@given(
    parts=st.lists(st.sampled_from([b"abab", b"a", b"b", "é".encode(), b"  "]), max_size=30),
    needle=st.sampled_from([b"ab", b"aba", b"abab", b"ababab", b"b  b", "éa".encode()]),
)
@example(parts=[b"abab"] * 3, needle=b"abab")
def test_adversarial_cuts_inside_every_occurrence_of_a_needle(
    parts: list[bytes], needle: bytes
) -> None:
    body = b"".join(parts)
    ends = _inner_ends(_cut(body, "adversarial", needle))
    for found in range(len(body)):
        if body.startswith(needle, found):
            assert {found + 1, found + len(needle) // 2, found + len(needle) - 1} <= ends


@given(text=st.text(st.characters(max_codepoint=127), max_size=100))
def test_adversarial_leaves_the_rest_whole(text: str) -> None:
    assert _cut(text.encode(), "adversarial", b"\x00\x00never") == [text.encode()][: len(text)]


@pytest.mark.parametrize("needle", [b"", b"a"])
def test_needle_that_has_no_inside_is_not_cut(needle: bytes) -> None:
    assert _cut(b"banana", "adversarial", needle) == [b"banana"]


@pytest.mark.parametrize("size", [1, 24, "random", "adversarial"])
def test_empty_body_has_no_piece(size: ChunkSize) -> None:
    assert _cut(b"", size, b"needle") == []


def test_size_beyond_the_body_is_one_chunk() -> None:
    assert _cut(b"body", 5) == [b"body"]
    assert _cut(b"body", 4) == [b"body"]
    assert _cut(b"body", 1) == [b"b", b"o", b"d", b"y"]


@pytest.mark.parametrize("size", [0, -1])
def test_size_below_one_byte_is_an_error(size: int) -> None:
    with pytest.raises(ValueError, match="1 byte or more"):
        _cut(b"body", size)


def test_invalid_utf_8_is_cut_like_any_other_body() -> None:
    assert _cut(b"a\x80\xffb\xc3", "adversarial") == [b"a", b"\x80\xffb\xc3"]


def test_paced_lets_each_chunk_go_when_it_is_due() -> None:
    clock = VirtualClock(0.0)
    chunks = (Chunk(0.0, b"a"), Chunk(2.0, b"b"), Chunk(0.0, b"c"), Chunk(0.25, b"d"))
    assert [(clock.now(), data) for data in paced(chunks, clock)] == [
        (0.0, b"a"),
        (2.0, b"b"),
        (2.0, b"c"),
        (2.25, b"d"),
    ]


def test_paced_waits_no_longer_than_it_is_listened_to() -> None:
    clock = VirtualClock(0.0)
    stream = paced((Chunk(0.0, b"a"), Chunk(9.0, b"b")), clock)
    assert next(stream) == b"a"
    assert clock.now() == 0.0

"""The streamed form: its bytes, its chunks, and when they leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockserver.apis.chatbot.framing import write_header

Serve = Callable[..., Any]

MAGIC = b"645130146e8d07b175fd8b1d5682d520"
DOCUMENTED = (
    '{"answer": "", "question": "Ut minim ex", "related_docs": [], "conversation_uid": '
    '"9628808a-dbb6-42c3-aba6-9fe5b772c724", "is_qa_mode": true, "system_message": ""}\n'
    "645130146e8d07b175fd8b1d5682d520answer"
)
SIZES = [1, 2, 7, 24, 48, 10_000, "random", "adversarial"]
QUESTIONS = ["Ut minim ex", "営業時間は？", "Blanks?", "Separator?", "References?", "Unheard of? é"]


@pytest.mark.parametrize("size", SIZES)
def test_documented_example_is_streamed_byte_for_byte(serve: Serve, size: Any) -> None:
    seen = serve(chunk_size=size).ask("Ut minim ex", stream=True)
    assert (seen.status, seen.type) == (200, "text/plain; charset=utf-8")
    uid = seen.uid
    assert seen.body.decode() == DOCUMENTED.replace("9628808a-dbb6-42c3-aba6-9fe5b772c724", uid)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("q", QUESTIONS)
def test_streamed_answer_is_the_unstreamed_one(serve: Serve, q: str, size: Any) -> None:
    server = serve(chunk_size=size)
    data = server.ask(q).fields["data"]
    seen = server.ask(q, stream=True)
    assert seen.answer == data["answer"]
    assert seen.header["question"] == q
    assert (seen.header["is_qa_mode"], seen.header["system_message"]) == (
        data["is_qa_mode"],
        data["system_message"],
    )
    assert list(seen.header) == [
        "answer",
        "question",
        "related_docs",
        "conversation_uid",
        "is_qa_mode",
        "system_message",
    ]
    assert seen.header["answer"] == ""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("q", QUESTIONS)
def test_all_before_the_answer_arrives_at_once_and_before_its_last_chunk(
    serve: Serve, q: str, size: Any
) -> None:
    seen = serve(chunk_size=size, chunk_delay=0.5).ask(q, stream=True)
    prologue = len(seen.body.partition(MAGIC)[0]) + len(MAGIC)
    begins = [0, *accumulate(len(data) for _, data in seen.chunks)][:-1]
    assert begins[-1] >= prologue
    arrivals = [at for at, _ in seen.chunks]
    late = [begin for begin in begins if begin >= prologue]
    assert arrivals[: len(begins) - len(late)] == [0.0] * (len(begins) - len(late))
    assert arrivals[len(begins) - len(late) :] == [0.5 * (n + 1) for n in range(len(late))]


def test_whole_stream_in_one_chunk_is_still_two(serve: Serve) -> None:
    seen = serve(chunk_size=10**9, chunk_delay=3).ask("Ut minim ex", stream=True)
    (first, head), (second, answer) = seen.chunks
    assert (first, second) == (0.0, 3.0)
    assert head.endswith(MAGIC)
    assert answer == b"answer"


def test_adversarial_chunks_end_inside_the_magic_number_and_every_character(serve: Serve) -> None:
    seen = serve(chunk_size="adversarial").ask("営業時間は？", stream=True)
    ends = set(accumulate(len(data) for _, data in seen.chunks))
    found = seen.body.index(MAGIC)
    assert {found + 1, found + 16, found + 31} <= ends
    continued = [place for place, byte in enumerate(seen.body) if byte & 0xC0 == 0x80]
    assert len(continued) == 39
    assert set(continued) <= ends


def test_random_chunks_differ_from_request_to_request_and_repeat_with_the_seed(
    serve: Serve,
) -> None:
    def sizes(server: Any) -> list[list[int]]:
        streams = [server.ask("営業時間は？", stream=True) for _ in range(3)]
        return [[len(data) for _, data in seen.chunks] for seen in streams]

    first = sizes(serve(chunk_size="random"))
    assert first == sizes(serve(chunk_size="random"))
    assert first != sizes(serve(chunk_size="random", seed=1))
    assert len({tuple(one) for one in first}) == 3


def test_magic_number_in_the_question_is_hidden_in_the_header(serve: Serve) -> None:
    server = serve()
    for q in (MAGIC.decode(), f"Known? {MAGIC.decode() * 2}é", "\x06" + MAGIC.decode()[1:]):
        seen = server.ask(q, stream=True)
        head, _, answer = seen.body.partition(MAGIC)
        assert json.loads(head)["question"] == q
        assert answer.decode() == server.ask(q).fields["data"]["answer"]


def test_magic_number_in_the_answer_is_sent_as_it_is(serve: Serve) -> None:
    assert serve().ask("Separator?", stream=True).answer == MAGIC.decode() + "é"


PARTS = st.sampled_from([MAGIC.decode(), MAGIC.decode()[1:], MAGIC.decode()[4:], "\\", '"', "6"])
CONTROLS = st.characters(max_codepoint=0x1F)


@settings(max_examples=500, deadline=None)
@given(parts=st.lists(PARTS | CONTROLS | st.characters(codec="utf-8"), max_size=8))
@example(parts=["\x06", MAGIC.decode()[1:]])
@example(parts=["\\", MAGIC.decode()])
@example(parts=["\\u000", MAGIC.decode()])
def test_no_header_contains_the_magic_number(parts: list[str]) -> None:
    fields = {"question": "".join(parts), "related_docs": [{"title": "".join(reversed(parts))}]}
    written = write_header(fields)
    assert MAGIC not in written
    assert MAGIC not in (written + b"\n" + MAGIC)[:-1]
    assert json.loads(written) == fields


def test_large_question_costs_no_time_when_streamed(serve: Serve) -> None:
    server = serve(chunk_size=24, chunk_delay=1.0)
    begun = server.clock.now()
    seen = server.ask("Known? " + "x" * 100_000, stream=True)
    assert len(seen.chunks) > 4000
    assert server.clock.now() - begun <= len(b"This is known.")

import base64
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.framing import Framed, Incomplete, NotText, Reader

FIXTURES = Path(__file__).parents[2] / "fixtures"
MAGIC = b"645130146e8d07b175fd8b1d5682d520"


def recorded_streams() -> list[bytes]:
    found = []
    for path in sorted(FIXTURES.glob("chatbot/*.har")):
        for entry in json.loads(path.read_text("utf-8"))["log"]["entries"]:
            content = entry["response"]["content"]
            text = content.get("text", "")
            encoded = content.get("encoding") == "base64"
            body = base64.b64decode(text) if encoded else text.encode("utf-8")
            if MAGIC in body and content["mimeType"] != "application/json":
                found.append(body)
    return found


STREAMS = recorded_streams()


def read(*chunks: bytes, delimiter: bytes = MAGIC) -> Framed:
    reader = Reader(delimiter)
    for chunk in chunks:
        reader.feed(chunk)
    return reader.close()


def pieces(body: bytes, ends: list[int]) -> list[bytes]:
    places = [0, *sorted(ends), len(body)]
    return [body[start:end] for start, end in pairwise(places)]


def test_there_are_recorded_streams_to_read_some_with_characters_of_several_bytes():
    assert len(STREAMS) >= 5
    assert any(len(body) != len(body.decode()) for body in STREAMS)


def test_the_documents_stream_is_read_as_the_document_says():
    body = b'{"answer": "", "question": "Ut minim ex"}\n' + MAGIC + b"answer"
    found = read(body)
    assert json.loads(found.header) == {"answer": "", "question": "Ut minim ex"}
    assert (found.answer_bytes, found.answer) == (b"answer", "answer")


@pytest.mark.parametrize("body", STREAMS, ids=lambda body: f"{len(body)} bytes")
def test_a_recorded_stream_is_read_alike_wherever_it_is_cut_in_two(body):
    header, _, answer = body.partition(MAGIC)
    for cut in range(len(body) + 1):
        found = read(body[:cut], body[cut:])
        assert (found.header_bytes, found.answer_bytes) == (header, answer), cut
        assert found.answer == answer.decode()


@pytest.mark.parametrize("body", STREAMS, ids=lambda body: f"{len(body)} bytes")
@pytest.mark.parametrize("size", [1, 2, 3, 5, 31, 32, 33, 100_000])
def test_a_recorded_stream_is_read_alike_in_chunks_of_any_size(body, size):
    assert read(*(body[at : at + size] for at in range(0, len(body), size))) == read(body)


@given(st.data())
def test_a_recorded_stream_is_read_alike_in_chunks_of_random_sizes(data):
    body = data.draw(st.sampled_from(STREAMS))
    ends = data.draw(st.lists(st.integers(0, len(body)), max_size=40))
    assert read(*pieces(body, ends)) == read(body)


@given(
    delimiter=st.text("ab", min_size=1, max_size=5),
    body=st.text("ab", max_size=30),
    ends=st.lists(st.integers(0, 30), max_size=8),
)
def test_the_first_delimiter_separates_even_where_it_overlaps_itself(delimiter, body, ends):
    chunks = pieces(body.encode(), [min(end, len(body)) for end in ends])
    header, found, answer = body.encode().partition(delimiter.encode())
    if found:
        assert read(*chunks, delimiter=delimiter.encode()) == Framed(header, answer)
    else:
        with pytest.raises(Incomplete):
            read(*chunks, delimiter=delimiter.encode())


@given(
    header=st.binary(max_size=40).filter(lambda data: MAGIC not in data),
    answer=st.lists(st.sampled_from([MAGIC, MAGIC[:9], b"}", b"\n", "é🙂".encode(), b"\xff"])),
    ends=st.lists(st.integers(0, 120), max_size=12),
)
def test_what_follows_the_first_delimiter_is_the_answer_byte_for_byte(header, answer, ends):
    body = header + MAGIC + b"".join(answer)
    found = read(*pieces(body, [min(end, len(body)) for end in ends]))
    assert found == Framed(header, b"".join(answer))


def test_the_header_is_whole_as_soon_as_the_delimiter_is_and_not_before():
    reader = Reader(MAGIC)
    for byte in b"{}" + MAGIC[:-1]:
        reader.feed(bytes([byte]))
        assert not reader.separated
    reader.feed(MAGIC[-1:])
    assert reader.separated
    assert reader.close() == Framed(b"{}", b"")


def test_a_reader_can_be_closed_again_when_more_has_come():
    reader = Reader(MAGIC)
    reader.feed(b"{}" + MAGIC + b"a")
    early = reader.close()
    reader.feed(b"b")
    assert (early.answer_bytes, reader.close().answer_bytes) == (b"a", b"ab")


@pytest.mark.parametrize("cut", range(len(MAGIC)))
def test_an_incomplete_stream_says_how_much_of_the_delimiter_is_missing(cut):
    with pytest.raises(Incomplete) as caught:
        read(b"{}\n", MAGIC[:cut])
    assert (caught.value.received, caught.value.begun) == (3 + cut, cut)
    wanted = f"the last {len(MAGIC) - cut} bytes of the delimiter" if cut else "; the delimiter "
    assert wanted in str(caught.value)


def test_every_recorded_stream_that_is_cut_off_before_its_answer_is_incomplete():
    for body in STREAMS:
        end = body.find(MAGIC) + len(MAGIC)
        for cut in range(end):
            with pytest.raises(Incomplete):
                read(body[:cut])
        assert read(body[:end]).answer_bytes == b""


@pytest.mark.parametrize(
    ("body", "part", "at"),
    [
        (b"{\xff}" + MAGIC + b"answer", "header", 1),
        (b"{}" + MAGIC + b"caf\xe9", "answer", 3),
        (b"{}" + MAGIC + "ab🙂".encode()[:-1], "answer", 2),
    ],
)
def test_what_is_not_utf_8_says_which_part_and_where(body, part, at):
    found = read(body)
    with pytest.raises(NotText) as caught:
        getattr(found, part)
    assert (caught.value.part, caught.value.at) == (part, at)
    other = {"header": "answer", "answer": "header"}[part]
    assert isinstance(getattr(found, other), str)


def test_a_delimiter_of_no_bytes_is_refused():
    with pytest.raises(ValueError, match="one byte"):
        Reader(b"")

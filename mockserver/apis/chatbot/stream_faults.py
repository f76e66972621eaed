"""What can be made to go wrong with a streamed answer; the unstreamed one stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from ...faults import fault
from ...model import Answer, Api, Call, Chunk, Refusal
from ...streaming import Draw
from . import Emulator, Turn
from .fault_families import member
from .framing import MAGIC
from .question import Question

Frame = tuple[bytes, bytes]
"""What stands before the answer, up to the magic number; and the answer as it is sent."""


def _framed(rule: str, sentence: str, change: Callable[[bytes, bytes], Frame]) -> type[Api]:
    """Return the fault that frames a stream as `change` makes of the right prologue and answer."""

    @member("stream", rule, sentence)
    class Broken(Emulator):
        def frame(self, header: bytes, answer: bytes) -> Frame:
            return change(*super().frame(header, answer))

    return Broken


def _as_latin_1(prologue: bytes, answer: bytes) -> Frame:
    return prologue, answer.decode().encode("latin-1", "replace")


def _as_ascii(prologue: bytes, answer: bytes) -> Frame:
    return prologue, "".join(
        letter if letter.isascii() else "\ufffd" for letter in answer.decode()
    ).encode()


FRAMES: list[type[Api]] = [
    _framed(
        "magic_number_missing",
        "The stream has no magic number: the answer follows the header's newline.",
        lambda prologue, answer: (prologue.removesuffix(MAGIC), answer),
    ),
    _framed(
        "magic_number_twice",
        "The magic number stands twice before the answer.",
        lambda prologue, answer: (prologue + MAGIC, answer),
    ),
    _framed(
        "magic_number_first",
        "The stream begins with the magic number, and the answer follows the header.",
        lambda prologue, answer: (MAGIC + prologue.removesuffix(MAGIC), answer),
    ),
    _framed(
        "magic_number_upper_case",
        "The magic number is written in capital letters.",
        lambda prologue, answer: (prologue.removesuffix(MAGIC) + MAGIC.upper(), answer),
    ),
    _framed(
        "magic_number_broken_by_newline",
        "A newline stands in the middle of the magic number.",
        lambda prologue, answer: (prologue[:-16] + b"\n" + prologue[-16:], answer),
    ),
    _framed(
        "answer_before_header",
        "The answer stands before the magic number, and the header after it.",
        lambda prologue, answer: (answer + b"\n" + MAGIC, prologue.removesuffix(b"\n" + MAGIC)),
    ),
    _framed(
        "header_not_closed",
        "The header lacks its last brace, so that it is not JSON.",
        lambda prologue, answer: (prologue.replace(b"}\n" + MAGIC, b"\n" + MAGIC), answer),
    ),
    _framed(
        "byte_order_mark_first",
        "The stream begins with a byte order mark.",
        lambda prologue, answer: (b"\xef\xbb\xbf" + prologue, answer),
    ),
    _framed(
        "byte_order_mark_before_answer",
        "A byte order mark stands between the magic number and the answer.",
        lambda prologue, answer: (prologue + b"\xef\xbb\xbf", answer),
    ),
    _framed(
        "newline_before_answer",
        "A newline stands between the magic number and the answer.",
        lambda prologue, answer: (prologue + b"\n", answer),
    ),
    _framed(
        "trailer_after_answer",
        "A last line [DONE] follows the answer.",
        lambda prologue, answer: (prologue, answer + b"\n[DONE]\n"),
    ),
    _framed(
        "last_byte_lost",
        "The answer ends one byte early, be it in the middle of a character.",
        lambda prologue, answer: (prologue, answer[:-1]),
    ),
    _framed(
        "answer_empty",
        "The stream ends with the magic number, whatever the answer is.",
        lambda prologue, answer: (prologue, b""),
    ),
    _framed(
        "answer_differs_from_unstreamed",
        "A streamed answer begins with words that the unstreamed one has not.",
        lambda prologue, answer: (prologue, b"Well: " + answer),
    ),
    _framed(
        "answer_stripped",
        "A streamed answer loses the blanks and newlines around it.",
        lambda prologue, answer: (prologue, answer.strip()),
    ),
    _framed(
        "answer_json_escaped",
        "The streamed answer is a JSON string, quoted and escaped.",
        lambda prologue, answer: (prologue, json.dumps(answer.decode()).encode()),
    ),
    _framed("answer_in_latin_1", "The streamed answer is encoded in Latin-1.", _as_latin_1),
    _framed(
        "answer_loses_characters",
        "In the streamed answer a replacement character stands for each that is not ASCII.",
        _as_ascii,
    ),
]


def _header(
    rule: str, sentence: str, change: Callable[[dict[str, Any], Turn], object]
) -> type[Api]:
    """Return the fault that does `change` to the fields of the header."""

    @member("stream", rule, sentence)
    class Broken(Emulator):
        def header(self, turn: Turn) -> dict[str, Any]:
            fields = super().header(turn)
            change(fields, turn)
            return fields

    return Broken


def _without(name: str) -> type[Api]:
    return _header(
        f"header_without_{name}",
        f"The header of a stream has no field {name}.",
        lambda fields, turn: fields.pop(name),
    )


HEADERS: list[type[Api]] = [
    _without("answer"),
    _without("question"),
    _without("related_docs"),
    _without("conversation_uid"),
    _without("is_qa_mode"),
    _without("system_message"),
    _header(
        "header_holds_answer",
        "The header's answer is the whole answer, not the empty string.",
        lambda fields, turn: fields.update(answer=turn.answer),
    ),
    _header(
        "header_question_empty",
        "The header's question is empty: the question is not repeated.",
        lambda fields, turn: fields.update(question=""),
    ),
    _header(
        "header_related_docs_null",
        "The header's related_docs is null where there are none.",
        lambda fields, turn: fields.update(related_docs=turn.related_docs or None),
    ),
    _header(
        "header_with_code",
        "The header of a stream has code and msg, as the envelope has.",
        lambda fields, turn: fields.update(code=0, msg="Success."),
    ),
]


@fault("chatbot.stream.magic_number_in_header", "stream")
class MagicNumberInHeader(Emulator):
    """A magic number in the question stands in the header as it is."""

    def write_header(self, fields: dict[str, Any]) -> bytes:
        """Write the header, and hide nothing in it."""
        return json.dumps(fields, ensure_ascii=False).encode()


@fault("chatbot.stream.content_type_json", "stream")
class ContentTypeJson(Emulator):
    """A stream is announced as application/json."""

    stream_type: ClassVar[str] = "application/json"


@fault("chatbot.stream.never_streams", "stream")
class NeverStreams(Emulator):
    """The stream flag is ignored: every answer is the JSON envelope."""

    def streams(self, asked: Question) -> bool:
        """Never stream."""
        return False


@fault("chatbot.stream.stream_refused", "stream")
class StreamRefused(Emulator):
    """A question with stream true is refused."""

    def streams(self, asked: Question) -> bool:
        """Refuse what is to be streamed."""
        if super().streams(asked):
            raise Refusal("There are no streams here.", code=40005)
        return False


@fault("chatbot.stream.always_streams", "stream")
class AlwaysStreams(Emulator):
    """The stream flag is ignored: every answer is streamed."""

    def streams(self, asked: Question) -> bool:
        """Always stream."""
        return True


@fault("chatbot.stream.all_at_once", "stream")
class AllAtOnce(Emulator):
    """A stream is held back until it is complete, and then sent in one piece."""

    def schedule(self, prologue: bytes, answer: bytes, draw: Draw) -> tuple[Chunk, ...]:
        """Put the chunks together, after the time that they take together."""
        chunks = super().schedule(prologue, answer, draw)
        whole = b"".join(chunk.data for chunk in chunks)
        return (Chunk(sum(chunk.delay for chunk in chunks), whole),)


@fault("chatbot.stream.never_ends", "stream")
class NeverEnds(Emulator):
    """The last chunk of a stream does not come for a million seconds."""

    def schedule(self, prologue: bytes, answer: bytes, draw: Draw) -> tuple[Chunk, ...]:
        """Hold the last chunk back."""
        *chunks, last = super().schedule(prologue, answer, draw)
        return (*chunks, last._replace(delay=1e6))


@fault("chatbot.stream.only_first_chunk", "stream")
class OnlyFirstChunk(Emulator):
    """A stream ends after its first chunk."""

    def schedule(self, prologue: bytes, answer: bytes, draw: Draw) -> tuple[Chunk, ...]:
        """Drop all chunks but the first."""
        return super().schedule(prologue, answer, draw)[:1]


@fault("chatbot.stream.refusal_streamed", "stream")
class RefusalStreamed(Emulator):
    """A refused streaming request gets status 200 and a stream whose answer says what is wrong."""

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Stream the reason, where the request can be read well enough to tell what it wants."""
        fields = _streaming_request(self, call)
        if fields is None:
            return super().refuse(call, refusal)
        question = fields.get("q")
        return self.write_stream(
            call,
            Turn(
                question=question if isinstance(question, str) else "",
                answer=refusal.reason,
                conversation_uid="",
                is_qa_mode=False,
                system_message="",
                related_docs=[],
            ),
        )


@fault("chatbot.stream.refusal_in_plain_text", "stream")
class RefusalInPlainText(Emulator):
    """A refused streaming request is answered with the reason alone, without the envelope."""

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Write the reason in the content type of a stream."""
        if _streaming_request(self, call) is None:
            return super().refuse(call, refusal)
        headers = (("Content-Type", self.stream_type), *refusal.headers)
        return Answer(self.refusal_status(refusal), refusal.reason.encode(), headers)


def _streaming_request(emulator: Emulator, call: Call) -> dict[str, Any] | None:
    """Return the fields of a request for a stream; None where it is none, or cannot be read."""
    try:
        fields = emulator.parse(call.request.get_data())
    except Exception:  # whatever it is that cannot be read
        return None
    return fields if isinstance(fields, dict) and fields.get("stream") is True else None


OTHERS: list[type[Api]] = [
    MagicNumberInHeader,
    ContentTypeJson,
    NeverStreams,
    StreamRefused,
    AlwaysStreams,
    AllAtOnce,
    NeverEnds,
    OnlyFirstChunk,
    RefusalStreamed,
    RefusalInPlainText,
]

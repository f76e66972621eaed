"""Honest servers that differ: in what the document does not say, which is much."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import ConfigDict, ValidationError

from ...manners import Rewrite, everyday, mannered, rewrites, speaking, spoken, with_content_type
from ...model import Answer, Api, Call, Chunk, Refusal
from ...store import Scope
from ...streaming import Draw
from ...variants import variant
from . import Emulator, Turn, framing, question
from .question import Question

# The fields of an envelope are in the order of their names, as it happens.
EVERYDAY = [*everyday(Emulator, but={"json_sorted"}), *spoken(Emulator)]

SILENT = speaking(Emulator, "silent", "Has nothing to say.", lambda text, before: "")


# The header of a stream.


def _heading(what: str, sentence: str, rewrite: Rewrite) -> type[Api]:
    @variant(f"chatbot.header_{what}", sentence)
    class Heading(Emulator):
        def write_header(self, fields: dict[str, Any]) -> bytes:
            """Write the same JSON in another way, still without the magic number."""
            return framing.without_magic(rewrite(json.dumps(fields).encode()))

    return Heading


HEADINGS = [
    _heading(what, sentence, rewrite)
    for what, (sentence, rewrite) in rewrites(it="the header of a stream").items()
]


def _separating(what: str, sentence: str, before: bytes, after: bytes) -> type[Api]:
    @variant(f"chatbot.{what}", sentence)
    class Separating(Emulator):
        def frame(self, header: bytes, answer: bytes) -> tuple[bytes, bytes]:
            """Separate the same parts in another way."""
            return before + header + after + framing.MAGIC, answer

    return Separating


SEPARATING = [
    _separating("no_line_break", "Writes the magic number right after the header.", b"", b""),
    _separating("crlf", "Ends the header of a stream with CR and LF.", b"", b"\r\n"),
    _separating("blank_lines", "Writes blank lines around the header.", b"\n\n", b" \n\t\n"),
]


# When a stream leaves.


@variant("chatbot.chunks_of_1", chunk_size=1)
class ChunksOf1(Emulator):
    """Streams byte by byte."""


@variant("chatbot.chunks_of_1000", chunk_size=1000)
class ChunksOf1000(Emulator):
    """Streams a thousand bytes at a time."""


@variant("chatbot.random_chunks", chunk_size="random")
class RandomChunks(Emulator):
    """Streams as many bytes at a time as it happens to have."""


@variant("chatbot.adversarial_chunks", chunk_size="adversarial")
class AdversarialChunks(Emulator):
    """Ends a chunk within every character and every magic number."""


@variant("chatbot.quick_chunks", chunk_delay=0.0)
class QuickChunks(Emulator):
    """Streams without a pause."""


@variant("chatbot.slow_chunks", chunk_delay=0.4)
class SlowChunks(Emulator):
    """Streams with a pause of 0.4 seconds before each chunk."""


@variant("chatbot.stream_at_once")
class StreamAtOnce(Emulator):
    """Has every answer at once, and streams it in one piece."""

    def schedule(self, prologue: bytes, answer: bytes, draw: Draw) -> tuple[Chunk, ...]:
        """Send the one chunk."""
        return (Chunk(0.0, prologue + answer),)


@variant("chatbot.thinks_first")
class ThinksFirst(Emulator):
    """Sends the header at once, and begins with the answer five seconds later."""

    def schedule(self, prologue: bytes, answer: bytes, draw: Draw) -> tuple[Chunk, ...]:
        """Pause once, where the answer begins."""
        pieces = super().schedule(prologue, answer, draw)
        header, rest = Chunk(0.0, prologue), b"".join(one.data for one in pieces)[len(prologue) :]
        return (header, Chunk(5.0, rest)) if rest else (header,)


STATED = mannered(
    Emulator,
    "length_stated",
    "Says beforehand how long a stream will be.",
    lambda answer: answer.with_headers(("Content-Length", str(len(answer.body_bytes())))),
)


def _streaming_as(what: str, kind: str) -> type[Api]:
    @variant(f"chatbot.{what}", f"Labels a stream {kind}.")
    class StreamingAs(Emulator):
        stream_type: ClassVar[str] = kind

    return StreamingAs


KINDS = [
    _streaming_as("event_stream", "text/event-stream"),
    _streaming_as("octet_stream", "application/octet-stream"),
    _streaming_as("plain_text", "text/plain"),
    _streaming_as("html_stream", "text/html; charset=UTF-8"),
    _streaming_as("markdown", "text/markdown; charset=utf-8; variant=CommonMark"),
]


# What an answer says.


def _identifying(what: str, sentence: str, write: Callable[[int], str]) -> type[Api]:
    @variant(f"chatbot.{what}", sentence)
    class Identifying(Emulator):
        def uid(self, *parts: object) -> str:
            """Write the same number in another way."""
            return write(self.world.number(*parts))

    return Identifying


IDENTIFYING = [
    _identifying("hex_ids", "Has ids in hexadecimal, without hyphens.", lambda n: f"{n:032x}"),
    _identifying("numbers", "Has numbers for ids, written as texts.", lambda n: str(n % 10**18)),
    _identifying("odd_ids", "Has ids with blanks and signs in them.", lambda n: f"c/{n:x} é+=%20;"),
    _identifying(
        "short_ids",
        "Has ids of ten small letters.",
        lambda n: "".join(chr(97 + n // 26**place % 26) for place in range(10)),
    ),
]


@variant("chatbot.message_in_chinese")
class MessageInChinese(Emulator):
    """Says in Chinese that all went well."""

    def envelope(self, call: Call, turn: Turn) -> dict[str, Any]:
        """Say it in other words."""
        return {**super().envelope(call, turn), "msg": "成功"}


@variant("chatbot.in_full")
class InFull(Emulator):
    """Answers in QA mode, with references and a message of the system."""

    def make_turn(self, *given: Any) -> Turn:
        """Add what there may be."""
        docs: list[object] = [{"uid": "d1", "title": "Öffnungszeiten", "page": 3}, "d2", None]
        said = "Your plan ends soon.\n"
        turn = super().make_turn(*given)
        return replace(turn, is_qa_mode=True, system_message=said, related_docs=docs)


# What a refusal says.


class Refusing(Emulator):
    """Writes refusals in another way."""

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Change what would have been written."""
        return self.other(super().refuse(call, refusal), refusal)

    def other(self, answer: Answer, refusal: Refusal) -> Answer:
        """Return the refusal as it is written here."""
        return answer

    def with_fields(self, answer: Answer, **fields: object) -> Answer:
        """Return the refusal with some fields changed."""
        envelope = json.loads(answer.body_bytes())
        return replace(answer, body=json.dumps({**envelope, **fields}).encode())


@variant("chatbot.refused_with_200")
class RefusedWith200(Refusing):
    """Refuses with HTTP status 200, and a code that is not 0."""

    def other(self, answer: Answer, refusal: Refusal) -> Answer:
        """Leave the status to others."""
        return replace(answer, status=200)


@variant("chatbot.refused_with_400")
class RefusedWith400(Refusing):
    """Refuses everything with HTTP status 400."""

    def other(self, answer: Answer, refusal: Refusal) -> Answer:
        """Know one status alone."""
        return replace(answer, status=400)


@variant("chatbot.forbidden")
class Forbidden(Refusing):
    """Refuses a missing or wrong key with HTTP status 403."""

    def other(self, answer: Answer, refusal: Refusal) -> Answer:
        """Say 403 for 401."""
        return replace(answer, status=403) if answer.status == 401 else answer


@variant("chatbot.negative_codes")
class NegativeCodes(Refusing):
    """Refuses with the code -1, and data that are empty."""

    def other(self, answer: Answer, refusal: Refusal) -> Answer:
        """Use one code for all."""
        return self.with_fields(answer, code=-1, data={})


@variant("chatbot.refusals_in_french")
class RefusalsInFrench(Refusing):
    """Says in French what is wrong with a question."""

    def other(self, answer: Answer, refusal: Refusal) -> Answer:
        """Say it in other words."""
        return self.with_fields(answer, msg="Requête refusée : vérifiez vos paramètres.")


@variant("chatbot.refusals_of_a_framework")
class RefusalsOfAFramework(Refusing):
    """Refuses in the shape of a web framework, without an envelope."""

    def other(self, answer: Answer, refusal: Refusal) -> Answer:
        """Write a detail and nothing else."""
        problem = {"detail": [{"loc": ["body"], "msg": refusal.reason, "type": "value_error"}]}
        status = 422 if answer.status == 400 else answer.status
        return replace(answer, status=status, body=json.dumps(problem).encode())


@variant("chatbot.refusals_in_words")
class RefusalsInWords(Refusing):
    """Refuses with a line of text."""

    def other(self, answer: Answer, refusal: Refusal) -> Answer:
        """Write the reason alone."""
        text = f"{refusal.reason}\n".encode("utf-8", "replace")
        return with_content_type(replace(answer, body=text), "text/plain; charset=utf-8")


@variant("chatbot.empty_refusals")
class EmptyRefusals(Refusing):
    """Refuses with a status, and no body at all."""

    def other(self, answer: Answer, refusal: Refusal) -> Answer:
        """Say nothing."""
        return replace(answer, body=b"", headers=refusal.headers)


# What is taken, and what is turned down.

_SPELT = {"true": True, "false": False, "1": True, "0": False}


@variant("chatbot.tolerant")
class Tolerant(Emulator):
    """Takes null and empty texts for what is absent, and the usual spellings of a boolean."""

    def check(self, fields: object) -> Question:
        """Put the fields in order first."""
        return super().check(self.in_order(fields) if isinstance(fields, dict) else fields)

    def in_order(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that say something, and booleans as they are meant."""
        said = {
            name: value
            for name, value in fields.items()
            if name == "q" or (value is not None and value != "")
        }
        stream = said.get("stream")
        if isinstance(stream, (str, int)):
            said["stream"] = _SPELT.get(str(stream).lower(), stream)
        return said


@variant("chatbot.any_language")
class AnyLanguage(Emulator):
    """Answers as it does by default where it does not know the language."""

    def check(self, fields: object) -> Question:
        """Take a text that is no code for auto."""
        try:
            return super().check(fields)
        except Refusal as refusal:
            if refusal.code != 40004 or not isinstance(fields, dict):
                raise
            return super().check({**fields, "language": "auto"})


@variant("chatbot.lost_conversations_begin_anew")
class LostConversationsBeginAnew(Emulator):
    """Begins a new conversation where it does not know the one that is named."""

    def find_conversation(self, scope: Scope, asked: Question) -> str | None:
        """Return None for an unknown one."""
        try:
            return super().find_conversation(scope, asked)
        except Refusal:
            return None


@variant("chatbot.empty_questions")
class EmptyQuestions(Emulator):
    """Answers an empty question, too."""

    def check(self, fields: object) -> Question:
        """Take an empty q."""
        if isinstance(fields, dict) and fields.get("q") == "":
            return super().check({**fields, "q": " "}).model_copy(update={"q": ""})
        return super().check(fields)


@variant("chatbot.any_content_type")
class AnyContentType(Emulator):
    """Reads a body as JSON whatever its content type says."""

    def read(self, call: Call) -> Question:
        """Look at the body alone."""
        return self.check(self.parse(call.request.get_data()))


class _Closed(Question):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


@variant("chatbot.no_other_fields")
class NoOtherFields(Emulator):
    """Refuses fields that the document does not name."""

    def check(self, fields: object) -> Question:
        """Refuse what would be ignored."""
        found = super().check(fields)
        try:
            _Closed.model_validate(fields)
        except ValidationError as error:
            raise Refusal("There is an unknown field.", code=40005) from error
        return found


@variant("chatbot.blank_questions_refused")
class BlankQuestionsRefused(Emulator):
    """Refuses a question of nothing but blanks."""

    def check(self, fields: object) -> Question:
        """Look for a word."""
        found = super().check(fields)
        if not found.q.strip():
            raise Refusal("q must not be blank.", code=40002)
        return found


@variant("chatbot.short_questions")
class ShortQuestions(Emulator):
    """Refuses a question of more than two thousand characters."""

    def check(self, fields: object) -> Question:
        """Measure the question."""
        found = question.check(fields)
        if len(found.q) > 2000:
            raise Refusal("q is too long.", status=413, code=41301)
        return found

"""Chat with the Chatbot: one question, answered in an envelope or streamed."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import orjson
from werkzeug.exceptions import HTTPException

from ...model import (
    Answer,
    Api,
    Call,
    Chunk,
    Identity,
    Operation,
    Refusal,
    Settings,
    member_in,
    member_of,
)
from ...recorded import Pace, pace_of, waited
from ...replies import Reply
from ...store import Record, Scope
from ...streaming import Draw
from . import framing, question
from .languages import locale_of
from .question import Question

MOST_TURNS = 100
"""Turns of one conversation that are kept: the last ones."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer, as both forms of response tell it."""

    question: str
    answer: str
    conversation_uid: str
    is_qa_mode: bool
    system_message: str
    related_docs: list[object]
    pace: Pace | None = None


class Emulator(Api):
    """Who asks, what, in which conversation; then the reply in the form that was asked for."""

    name: ClassVar[str] = "chatbot"
    title: ClassVar[str] = "Chat with the Chatbot"
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("chat", "POST", "/api/v1/backend/chatbot/<bot_uid>/chat"),
    )
    identities: ClassVar[tuple[Identity, ...]] = (
        {"bot_uid": "counterfoil-bot"},
        {"bot_uid": "counterfoil-other-bot"},
    )
    optional_credentials: ClassVar[frozenset[str]] = frozenset({"api_key"})
    secrets: ClassVar[frozenset[str]] = frozenset({"api_key"})
    reply_fields: ClassVar[frozenset[str]] = frozenset(
        {"is_qa_mode", "system_message", "related_docs"}
    )

    stream_type: ClassVar[str] = "text/plain; charset=utf-8"
    """Our choice; the document names none."""

    def answer(self, call: Call) -> Answer:
        """Answer one question; each step raises the refusal that belongs to it."""
        scope = self.find_scope(call)
        asked = self.read(call)
        conversation_uid = self.find_conversation(scope, asked) or self.new_uid(scope, asked)
        turn = self.make_turn(asked, self.choose_reply(asked), conversation_uid)
        self.store_turn(scope, asked, turn)
        if self.streams(asked):
            return self.write_stream(call, turn)
        return self.write_json(200, self.envelope(call, turn))

    def find_scope(self, call: Call) -> Scope:
        """Return whose conversations these are: the bot's and the key's."""
        bot_uid, key = call.path["bot_uid"], self.read_key(call)
        callers = self.find_callers(bot_uid)
        if self.world.settings.authenticate:
            self.authenticate(callers, key)
        return self.scope(bot_uid, key)

    def scope_of_caller(self, identity: Identity) -> Scope:
        """Return where the conversations with a caller's bot and key are."""
        return self.scope(identity["bot_uid"], identity.get("api_key", ""))

    def scope(self, bot_uid: str, key: str) -> Scope:
        """Return the scope of a bot and a key; the key itself is not written into any store."""
        return (self.name, bot_uid, key and hashlib.sha256(key.encode()).hexdigest()[:32])

    def read_key(self, call: Call) -> str:
        """Return the bearer key of the request, or "" where there is none."""
        scheme, _, key = call.request.headers.get("Authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    def credential_of(self, call: Call) -> str:
        """Return the bot and the key: by default there are no keys, and each bot is a caller."""
        return repr((call.path.get("bot_uid", ""), self.read_key(call)))

    def session_of(self, call: Call) -> str:
        """Return the bot, the key and the conversation that the body names."""
        bot_uid = call.path.get("bot_uid", "")
        return repr((bot_uid, self.read_key(call), self.conversation_of(call)))

    def conversation_of(self, call: Call) -> str:
        """Return the conversation that the body names."""
        return question.named_conversation(_body(call))

    def question_of(self, call: Call) -> str | None:
        """Return the question in the body."""
        try:
            return self.read(call).q
        except (Refusal, HTTPException):
            return None

    def conversation_begun(self, answer: Answer) -> str:
        """Return the conversation that an envelope names, or the header of a stream."""
        if isinstance(answer.body, bytes):
            return member_of(answer, "data", "conversation_uid")
        return member_in(framing.header_of(answer.body), "conversation_uid")

    def find_callers(self, bot_uid: str) -> list[Identity]:
        """Return the identities that know the bot; refuse a bot that none knows."""
        callers = [caller for caller in self.world.identities if caller["bot_uid"] == bot_uid]
        if not callers:
            raise Refusal("There is no such chatbot.", status=404, code=40401)
        return callers

    def authenticate(self, callers: list[Identity], key: str) -> None:
        """Refuse a missing or wrong key, where one is configured for the bot (our choice)."""
        keys = {caller["api_key"] for caller in callers if caller.get("api_key")}
        if keys and key not in keys:
            raise Refusal(
                "A valid key is required.",
                status=401,
                code=40101,
                headers=(("WWW-Authenticate", "Bearer"),),
            )

    def read(self, call: Call) -> Question:
        """Return the question in the body."""
        if call.request.mimetype != "application/json":
            raise Refusal("Content-Type must be application/json.", status=415, code=41501)
        return self.check(self.parse(call.request.get_data()))

    def parse(self, raw: bytes) -> object:
        """Return the JSON value of the body."""
        return question.parse(raw)

    def check(self, fields: object) -> Question:
        """Return the question that the fields ask."""
        return question.check(fields)

    def find_conversation(self, scope: Scope, asked: Question) -> str | None:
        """Return the conversation that is continued, None for a new one; refuse an unknown one."""
        if not asked.continues:
            return None
        if self.world.store.read(scope, asked.conversation_uid) is None:
            raise Refusal("There is no such conversation.", status=404, code=40402)
        return asked.conversation_uid

    def new_uid(self, scope: Scope, asked: Question) -> str:
        """Return the uid of a new conversation."""
        opening = _digest(repr((asked.q, asked.language, asked.stream)).encode())
        place = self.world.store.count((*scope, "openings"), opening)
        return self.uid("conversation", *scope, opening, place)

    def uid(self, *parts: object) -> str:
        """Return a UUID that depends on the seed and `parts` alone."""
        return str(uuid.UUID(int=self.world.number(*parts), version=4))

    def choose_reply(self, asked: Question) -> Reply:
        """Return the fixture that answers the question, the same in every form of response."""
        return self.world.replies.choose(asked.q, locale_of(asked.language, asked.q))

    def make_turn(self, asked: Question, reply: Reply, conversation_uid: str) -> Turn:
        """Put the turn together; without references there is no QA mode (Data, is_qa_mode)."""
        return Turn(
            question=self.echo(asked),
            answer=reply.answer,
            conversation_uid=conversation_uid,
            is_qa_mode=reply.fields.get("is_qa_mode", False),
            system_message=reply.fields.get("system_message", ""),
            related_docs=reply.fields.get("related_docs", []),
            pace=reply.pace,
        )

    def echo(self, asked: Question) -> str:
        """Return the question as it is repeated."""
        return asked.q

    def store_turn(self, scope: Scope, asked: Question, turn: Turn) -> None:
        """Keep the turn at the end of its conversation."""
        uid = turn.conversation_uid
        spoken = {"language": asked.language, "question": asked.q, "answer": turn.answer}

        def extend(before: Record | None) -> Record:
            turns = [*(before["turns"] if before else []), spoken][-MOST_TURNS:]
            return {"conversation_uid": uid, "turns": turns}

        self.world.store.change(scope, uid, extend)

    def streams(self, asked: Question) -> bool:
        """Say whether the answer is streamed."""
        return asked.stream

    def envelope(self, call: Call, turn: Turn) -> dict[str, Any]:
        """Return the normal response (Returns, Normal)."""
        data = {
            "answer": turn.answer,
            "conversation_uid": turn.conversation_uid,
            "is_qa_mode": turn.is_qa_mode,
            "question": turn.question,
            "system_message": turn.system_message,
        }
        return {"code": 0, "data": data, "msg": "Success.", "request_id": self.identify(call)}

    def header(self, turn: Turn) -> dict[str, Any]:
        """Return what stands before the magic number (Returns, Stream)."""
        return {
            "answer": "",
            "question": turn.question,
            "related_docs": turn.related_docs,
            "conversation_uid": turn.conversation_uid,
            "is_qa_mode": turn.is_qa_mode,
            "system_message": turn.system_message,
        }

    def write_json(
        self, status: int, fields: dict[str, Any], headers: tuple[tuple[str, str], ...] = ()
    ) -> Answer:
        """Write an envelope, its fields in the order of the document."""
        return Answer(
            status, orjson.dumps(fields), (("Content-Type", "application/json"), *headers)
        )

    def write_stream(self, call: Call, turn: Turn) -> Answer:
        """Write the stream whole, as the schedule by which it leaves."""
        prologue, answer = self.frame(self.write_header(self.header(turn)), turn.answer.encode())
        if turn.pace and self.keeps_pace():
            asked = self.world.settings
            usual = None if asked.recorded_times else asked.chunk_delay
            chunks = turn.pace.cut(prologue, answer, usual)
        else:
            chunks = self.schedule(prologue, answer, partial(self.draw, call))
        return Answer(200, chunks, (("Content-Type", self.stream_type),))

    def write_header(self, fields: dict[str, Any]) -> bytes:
        """Return the header's JSON text."""
        return framing.write_header(fields)

    def frame(self, header: bytes, answer: bytes) -> tuple[bytes, bytes]:
        """Return what stands before the answer, and the answer as it is sent."""
        return header + b"\n" + framing.MAGIC, answer

    def keeps_pace(self) -> bool:
        """Say whether a recorded stream is cut as it was: unless another way was asked for."""
        usual = self.world.settings.chunk_size == Settings().chunk_size
        return type(self).schedule is Emulator.schedule and usual

    def draw(self, call: Call) -> random.Random:
        """Return what decides where the answer to a request is cut: to be called once a request."""
        return random.Random(self.world.number("chunks", self.identify(call)))

    def schedule(self, prologue: bytes, answer: bytes, draw: Draw) -> tuple[Chunk, ...]:
        """Return the chunks as they leave."""
        return framing.schedule(prologue, answer, self.world.settings, draw)

    def identify(self, call: Call) -> str:
        """Return a request id that no other request has: to be called once a request."""
        asked = _digest(_whole_request(call))
        place = self.world.store.count((self.name, "requests"), asked)
        return self.uid("request", asked, place)

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Write a refusal: always the envelope, also where a stream was asked for (our choice)."""
        return self.write_json(
            self.refusal_status(refusal), self.refused(call, refusal), refusal.headers
        )

    def refusal_status(self, refusal: Refusal) -> int:
        """Return the HTTP status of a refusal."""
        return refusal.status

    def refused(self, call: Call, refusal: Refusal) -> dict[str, Any]:
        """Return the envelope of a refusal."""
        code, reason = refusal.code, refusal.reason
        if not code:
            code, reason = _PLAIN.get(refusal.status, (refusal.status * 100, f"{reason}."))
        return {"code": code, "data": None, "msg": reason, "request_id": self.identify(call)}

    @classmethod
    def read_recording(cls, exchanges: list[dict[str, Any]]) -> list[Reply]:
        """Return the question and answer of each recorded success, streamed or not."""
        found = []
        for exchange in exchanges:
            text = _recorded_text(exchange["response"]["content"])
            read = _recorded_answer(text)
            if exchange["response"]["status"] == 200 and read:
                answer, said = read
                asked = orjson.loads(exchange["request"]["postData"]["text"])["q"]
                basis = str(exchange.get("_basis", "observed"))
                fields = {name: said[name] for name in sorted(cls.reply_fields & set(said))}
                pace = _recorded_pace(exchange["response"], text)
                reply = Reply("question", asked, answer, basis, fields=fields, pace=pace)
                found.append(replace(reply, waited=waited(exchange)))
        return found


# What failed before a question was looked at: our choice, as the codes of the refusals are.
_PLAIN = {
    404: (40403, "There is no such path."),
    405: (40501, "Use POST."),
    413: (41301, "The body is too large."),
    500: (50001, "Internal error."),
}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _whole_request(call: Call) -> bytes:
    """Return what tells one request from another; the key as well, so that callers never meet."""
    asked = call.request
    about = (asked.method, asked.full_path, asked.headers.get("Authorization", ""))
    return repr(about).encode("utf-8", "surrogatepass") + _body(call)


def _body(call: Call) -> bytes:
    try:
        data: bytes = call.request.get_data()
        return data
    except HTTPException:  # too large, or broken off: it is refused for that
        return b""


def _recorded_text(content: dict[str, Any]) -> str:
    text: str = content.get("text", "")
    return base64.b64decode(text).decode() if content.get("encoding") == "base64" else text


def _recorded_answer(text: str) -> tuple[str, dict[str, Any]] | None:
    said = _recorded_object(text)
    if said:
        # An envelope, though its answer may well quote the magic number.
        data = said.get("data")
        return (data["answer"], data) if said.get("code") == 0 and data else None
    head, magic, answer = text.partition(framing.MAGIC.decode())
    header = _recorded_object(head)
    return (answer, header) if magic and header else None


def _recorded_pace(response: Mapping[str, Any], text: str) -> Pace | None:
    head, magic, _ = text.partition(framing.MAGIC.decode())
    if not magic or _recorded_object(text):
        return None
    return pace_of(response, len((head + magic).encode()), len(text.encode()))


def _recorded_object(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}

"""The Bedrock Claude Chat published API: a post only queues, and the reply is read later."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import takewhile
from typing import Any, ClassVar
from urllib.parse import quote

import orjson
from werkzeug.exceptions import HTTPException

from ...model import Answer, Api, Call, Identity, Operation, Refusal, member_of
from ...replies import Reply
from ...store import Record, Scope
from . import cors, recording
from .chat_input import (
    NOT_JSON_COMPLIANT,
    PLAIN,
    UNPARSABLE,
    ChatInput,
    named_conversation,
    question,
    read_value,
    shown,
    validate,
)
from .conversation import Turn, chain, digest_of, ulid

TITLE = "New conversation"

# 2024-10-10, the day of the version that was observed: the bot is older than its conversations.
PUBLISHED = 1728518400000


class Emulator(Api):
    """A gateway that knows keys, and behind it an application that answers in its own time."""

    name: ClassVar[str] = "bedrock"
    title: ClassVar[str] = "Bedrock Claude Chat published API"
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("health", "GET", "/health"),
        Operation("post_message", "POST", "/conversation"),
        Operation("get_conversation", "GET", "/conversation/<conversation_id>"),
        Operation("get_message", "GET", "/conversation/<conversation_id>/<message_id>"),
    )
    identities: ClassVar[tuple[Identity, ...]] = (
        {"api_key": "counterfoil-api-key"},
        {"api_key": "counterfoil-other-api-key"},
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"api_key"})
    replies_later: ClassVar[bool] = True
    reply_fields: ClassVar[frozenset[str]] = recording.REPLY_FIELDS

    def answer(self, call: Call) -> Answer:
        """Answer one request of a caller who is known."""
        self.pass_gateway(call)
        scope = self.find_scope(call)
        if call.operation == "health":
            return self.health()
        if call.operation == "post_message":
            return self.post_message(scope, call)
        conversation_id = call.path["conversation_id"]
        if call.operation == "get_conversation":
            return self.get_conversation(scope, conversation_id)
        return self.get_message(scope, conversation_id, call.path["message_id"])

    # The gateway

    def pass_gateway(self, call: Call) -> None:
        """Refuse strangers; then paths with a slash too many in front, which the router ignores."""
        self.authenticate(call)
        if call.request.environ.get("PATH_INFO", "").startswith("//"):
            raise Refusal("not found", status=404)

    def authenticate(self, call: Call) -> None:
        """Refuse an absent or unknown key as the gateway does, before anything else."""
        if self.world.settings.authenticate and not self.is_known(self.read_key(call)):
            raise self.forbidden()

    def read_key(self, call: Call) -> str:
        """Return the key that came with the request, or ""."""
        return str(call.request.headers.get("x-api-key", ""))

    def credential_of(self, call: Call) -> str:
        """Return the key that came with the request."""
        return self.read_key(call)

    def throttled(self, seconds: float) -> Refusal:
        """Return what the gateway says over quota; it does not say how long (its documentation)."""
        said = "Too Many Requests"
        return Refusal(said, status=429, detail={"message": said})

    def session_of(self, call: Call) -> str:
        """Return the key and the conversation that the path or the body names."""
        return repr((self.read_key(call), self.conversation_of(call)))

    def conversation_of(self, call: Call) -> str:
        """Return the conversation that the path or the body names."""
        return call.path.get("conversation_id") or named_conversation(call.request)

    def question_of(self, call: Call) -> str | None:
        """Return what a message that is valid says in words."""
        if call.operation != "post_message":
            return None
        try:
            return question(self.read_input(call))
        except (Refusal, HTTPException):
            return None

    def conversation_begun(self, answer: Answer) -> str:
        """Return the conversation that a receipt names."""
        return member_of(answer, "conversationId")

    def is_known(self, key: str) -> bool:
        """Say whether one of the callers has this key."""
        given = key.encode("utf-8", "replace")
        for caller in self.world.identities:
            if hmac.compare_digest(given, caller["api_key"].encode()):
                return True
        return False

    def forbidden(self) -> Refusal:
        """Return the gateway's refusal (fact sheet, Authentication)."""
        return Refusal("no known key", status=403, detail={"message": "Forbidden"})

    def find_scope(self, call: Call) -> Scope:
        """Return whose conversations these are; those of all callers together without keys."""
        if not self.world.settings.authenticate:
            return (self.name, "")
        return self.scope_of(self.read_key(call))

    def scope_of(self, key: str) -> Scope:
        """Return where the conversations of a key are; the key itself is not written there."""
        return _scope(self.name, key)

    def scope_of_caller(self, identity: Identity) -> Scope:
        """Return where the conversations of a caller's key are."""
        return self.scope_of(identity["api_key"])

    # The operations

    def health(self) -> Answer:
        """Say that the server is there."""
        return self.write({"status": "ok"})

    def post_message(self, scope: Scope, call: Call) -> Answer:
        """Queue a message; its reply can be read when it is due."""
        asked = self.read_input(call)
        turn = self.make_turn(scope, asked)
        conversation_id = self.choose_conversation(scope, asked, turn)
        self.store_turn(scope, conversation_id, turn)
        return self.write(self.receipt(conversation_id, turn))

    def get_conversation(self, scope: Scope, conversation_id: str) -> Answer:
        """Show a conversation as far as it has been answered."""
        return self.write(self.conversation_body(self.find_conversation(scope, conversation_id)))

    def get_message(self, scope: Scope, conversation_id: str, message_id: str) -> Answer:
        """Show the reply to one message."""
        conversation = self.find_conversation(scope, conversation_id)
        turn = self.find_turn(conversation, message_id)
        return self.write(self.reply_body(conversation, turn))

    # A message comes in

    def read_input(self, call: Call) -> ChatInput:
        """Return what was posted; refuse what is not valid (fact sheet, Errors)."""
        value = read_value(call.request)
        return call.request.environ.get(PLAIN) or validate(value)

    def read_content(self, asked: ChatInput) -> list[dict[str, Any]]:
        """Return the parts of the message as they will be shown."""
        return list(map(shown, asked.message.content))

    def make_turn(self, scope: Scope, asked: ChatInput) -> dict[str, Any]:
        """Return the message with its ids, its reply and the time when both will be seen."""
        content = self.read_content(asked)
        reply = self.choose_reply(asked)
        sent = self.now()
        ready = sent + self.delay() + round(reply.delay * 1000)
        said = asked.conversation_id, content, asked.message.model, asked.continue_generate
        digest = digest_of(said)
        key = "\x1f".join((*scope, digest, str(self.world.store.count(scope, digest))))
        return {
            "new_conversation": self.make_id("conversation", sent, key),
            "sent": sent,
            "ready": ready,
            "user_id": self.make_id("user", sent, key),
            "reply_id": self.make_id("assistant", ready, key),
            "content": content,
            "model": asked.message.model,
            "reply": reply.answer,
            "fields": dict(reply.fields),
            "continue_generate": asked.continue_generate,
        }

    def choose_reply(self, asked: ChatInput) -> Reply:
        """Return the fixture that answers what the message says in words."""
        return self.world.replies.choose(question(asked))

    def delay(self) -> int:
        """Return the milliseconds from a message to its reply."""
        return round(self.world.settings.reply_after * 1000)

    def make_id(self, kind: str, milliseconds: int, *parts: object) -> str:
        """Return an id of the given time that nobody else gets."""
        if (place := _PLACES.get(kind)) is None:
            return ulid(milliseconds, self.world.digits(kind, *parts))
        # The ids of one message are parts of one digest, which is made once.
        return ulid(milliseconds, self.world.digits(*parts)[place])

    def choose_conversation(self, scope: Scope, asked: ChatInput, turn: Turn) -> str:
        """Return the id that the client chose, which may be blank, or a new one."""
        if asked.conversation_id is not None:
            return asked.conversation_id
        return str(turn["new_conversation"])

    def store_turn(self, scope: Scope, conversation_id: str, turn: Turn) -> None:
        """Put the message at the end of its conversation, whoever else is writing to it."""
        self.world.store.change(
            scope, conversation_id, lambda before: self.add_turn(before, conversation_id, turn)
        )

    def add_turn(self, before: Record | None, conversation_id: str, turn: Turn) -> Record:
        """Return the conversation with one message more."""
        if before is None:
            return {"id": conversation_id, "createTime": turn["sent"], "turns": [turn]}
        return {**before, "turns": [*before["turns"], turn]}

    def receipt(self, conversation_id: str, turn: Turn) -> dict[str, Any]:
        """Return what a post is answered with: the id is that of the user's message."""
        return {"conversationId": conversation_id, "messageId": turn["user_id"]}

    # A conversation is read

    def now(self) -> int:
        """Return the time in milliseconds since 1970."""
        return round(self.world.clock.now() * 1000)

    def find_conversation(self, scope: Scope, conversation_id: str) -> Record:
        """Return what can be seen of a conversation by now; refuse one of which nothing can."""
        record = self.world.store.read(scope, conversation_id)
        turns = self.visible_turns(record) if record else []
        if record is None or not turns:
            raise self.no_conversation(conversation_id)
        return {**record, "turns": turns}

    def visible_turns(self, record: Record) -> list[Turn]:
        """Return the turns that have been answered; none is seen before those that it follows."""
        now = self.now()
        return list(takewhile(lambda turn: self.is_answered(turn, now), record["turns"]))

    def is_answered(self, turn: Turn, now: int) -> bool:
        """Say whether the reply is there."""
        return bool(turn["ready"] <= now)

    def find_turn(self, conversation: Record, message_id: str) -> Turn:
        """Return the turn that began with a message; ids of replies and `system` are nobody's."""
        for turn in conversation["turns"]:
            if turn["user_id"] == message_id:
                return dict(turn)
        raise self.no_message(conversation["id"], message_id)

    def message_map(self, conversation: Record) -> dict[str, dict[str, Any]]:
        """Return the messages by id."""
        return chain(conversation["turns"])

    def last_message_id(self, conversation: Record) -> str:
        """Return the id of the reply that came last."""
        return str(conversation["turns"][-1]["reply_id"])

    def create_time(self, conversation: Record) -> float:
        """Return when the conversation began: milliseconds, written as a float (as observed)."""
        return float(conversation["createTime"])

    def conversation_body(self, conversation: Record) -> dict[str, Any]:
        """Return a Conversation in the vendor's field order."""
        return {
            "id": conversation["id"],
            "title": TITLE,
            "createTime": self.create_time(conversation),
            "messageMap": self.message_map(conversation),
            "lastMessageId": self.last_message_id(conversation),
            "botId": self.make_id("bot", PUBLISHED),
            "shouldContinue": False,
        }

    def reply_body(self, conversation: Record, turn: Turn) -> dict[str, Any]:
        """Return a ChatOutput in the vendor's field order."""
        return {
            "conversationId": conversation["id"],
            "message": self.message_map(conversation)[turn["reply_id"]],
            "createTime": self.create_time(conversation),
        }

    # Refusals

    def no_conversation(self, conversation_id: str) -> Refusal:
        """Return the refusal of a conversation of which nothing can be seen."""
        reason = f"No conversation found with id: {conversation_id}"
        return Refusal(reason, status=404, detail={"errors": [reason]})

    def no_message(self, conversation_id: str, message_id: str) -> Refusal:
        """Return the refusal of a message that a conversation does not have, or not yet."""
        reason = f"Message {message_id} not found in conversation {conversation_id}"
        return Refusal(reason, status=404, detail={"detail": reason})

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Write a refusal; where nothing is served, the gateway and the router speak first."""
        if call.operation is not None:
            return self.write_refusal(refusal)
        preflight = cors.preflight(call.request)
        if preflight is not None:
            return preflight  # a browser sends no key with it
        try:
            self.pass_gateway(call)
        except Refusal as first:
            return self.write_refusal(first)
        return self.redirect(call) or self.write_refusal(refusal)

    def redirect(self, call: Call) -> Answer | None:
        """Point from a path with a slash too many to the one that is served, for any method."""
        path = call.request.path
        if not path.endswith("/") or not call.request.finds(path.rstrip("/")):
            return None  # with another method it is there, which is all that the router asks
        query = call.request.query_string.decode("latin-1")
        location = call.request.root_url.rstrip("/") + quote(path.rstrip("/"))
        return Answer(307, b"", (("Location", f"{location}?{query}" if query else location),))

    def write_refusal(self, refusal: Refusal) -> Answer:
        """Write a refusal in the shape of the place where it arose (fact sheet, Errors)."""
        body = refusal.detail or _BODIES.get(refusal.status) or {"errors": [refusal.reason]}
        status, raw = _rendered(refusal.status, body)
        return Answer(status, raw, (("Content-Type", "application/json"), *refusal.headers))

    # What leaves

    def write(self, body: Mapping[str, Any], status: int = 200) -> Answer:
        """Write the body of an answer; nulls are written out."""
        return Answer(status, orjson.dumps(body), (("Content-Type", "application/json"),))

    def dress(self, call: Call, answer: Answer) -> Answer:
        """Let other sites read the answer; a crash is written outside of what does that."""
        if answer.status == 500 and answer.body_bytes().startswith(b'{"errors"'):
            return answer
        return cors.share(call.request, answer)

    @classmethod
    def check_reply(cls, reply: Reply) -> None:
        """Raise ValueError for a fixture that is no text, or cannot be written as JSON."""
        if reply.messages:
            raise ValueError("a reply of this API has an answer, not messages")
        for name, value in reply.fields.items():
            if not isinstance(value, list):
                raise ValueError(f"{name} should be a list")
        try:
            orjson.dumps([reply.answer, dict(reply.fields)])
        except orjson.JSONEncodeError as error:
            raise ValueError(f"the reply cannot be written as JSON: {error}") from error

    @classmethod
    def read_recording(cls, exchanges: list[dict[str, Any]]) -> list[Reply]:
        """Return each message that was taken with the reply that was read back for it."""
        return recording.read_recording(exchanges)


@lru_cache(64)
def _scope(api: str, key: str) -> Scope:
    # One object for all that a store holds of a caller: there may be a hundred thousand of it.
    return (api, hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32])


_PLACES = {"user": slice(16), "assistant": slice(16, 32), "conversation": slice(32, 48)}
"""Where in a message's digits those of each of its ids are."""

_BODIES: Mapping[int, Mapping[str, str]] = {
    404: {"detail": "Not Found"},
    405: {"detail": "Method Not Allowed"},
    # The gateway lets no body of this size through to the application (its documentation).
    413: {"message": "Request Too Long"},
}


def _rendered(status: int, body: object) -> tuple[int, bytes]:
    """Return the refusal as bytes; one that quotes what cannot be written becomes a 400."""
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return status, text.encode("utf-8")
    except UnicodeEncodeError as error:
        return 400, orjson.dumps({"errors": [str(error)]})
    except ValueError:
        return 400, orjson.dumps({"errors": [NOT_JSON_COMPLIANT]})
    except RecursionError:
        return 400, orjson.dumps({"detail": UNPARSABLE})

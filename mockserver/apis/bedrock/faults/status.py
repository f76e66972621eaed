"""The wrong status: what should be refused is taken, or refused by another name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ....faults import fault
from ....model import Answer, Call, Refusal
from ....store import Scope
from .. import TITLE, Emulator
from ..chat_input import CONTENT_TYPES, MODELS, ChatInput, read_value, validate
from ..conversation import Turn, chain
from .naming import named

MODEL = MODELS[4]
EMPTY_MESSAGE = {"content": [{"contentType": "text", "body": ""}], "model": MODEL}


@fault("bedrock.conversation.unknown_is_empty", "status")
class UnknownConversationIsEmpty(Emulator):
    """A conversation that is not there is shown with 200, as an empty one."""

    def get_conversation(self, scope: Scope, conversation_id: str) -> Answer:
        """Show nothing rather than refuse."""
        try:
            return super().get_conversation(scope, conversation_id)
        except Refusal:
            body = {"id": conversation_id, "title": TITLE, "createTime": 0.0, "messageMap": {}}
            return self.write({**body, "lastMessageId": "", "botId": None, "shouldContinue": False})


@fault("bedrock.message.unknown_is_empty", "status")
class UnknownMessageIsEmpty(Emulator):
    """A message that nobody sent is answered with 200 and an empty reply."""

    def get_message(self, scope: Scope, conversation_id: str, message_id: str) -> Answer:
        """Make up a reply, but for messages that wait for one."""
        record = self.find_conversation(scope, conversation_id)
        sent = self.world.store.read(scope, conversation_id) or record
        if message_id in [turn["user_id"] for turn in sent["turns"]]:
            return super().get_message(scope, conversation_id, message_id)
        turn: Turn = {
            "user_id": message_id,
            "reply_id": f"reply to {message_id}",
            "content": [],
            "model": MODEL,
            "reply": "",
            "fields": {},
        }
        reply = chain([turn])[turn["reply_id"]]
        time = self.create_time(record)
        return self.write({"conversationId": record["id"], "message": reply, "createTime": time})


@fault("bedrock.conversation.unknown_is_500", "status")
class UnknownConversationIs500(Emulator):
    """A conversation that is not there gives 500."""

    def no_conversation(self, conversation_id: str) -> Refusal:
        """Refuse with the wrong status."""
        refusal = super().no_conversation(conversation_id)
        refusal.status = 500
        return refusal


@fault("bedrock.message.unknown_is_500", "status")
class UnknownMessageIs500(Emulator):
    """A message that is not there gives 500."""

    def no_message(self, conversation_id: str, message_id: str) -> Refusal:
        """Refuse with the wrong status."""
        refusal = super().no_message(conversation_id, message_id)
        refusal.status = 500
        return refusal


@fault("bedrock.body.invalid_is_400", "status")
class InvalidIs400(Emulator):
    """A body that is not valid gives 400 where 422 is promised."""

    def read_input(self, call: Call) -> ChatInput:
        """Refuse with the wrong status."""
        try:
            return super().read_input(call)
        except Refusal as refusal:
            refusal.status = 400
            raise


@fault("bedrock.post.is_202", "status")
class PostIs202(Emulator):
    """POST answers 202 where 200 is promised."""

    def post_message(self, scope: Scope, call: Call) -> Answer:
        """Answer with another success."""
        return replace(super().post_message(scope, call), status=202)


Repair = Callable[[dict[str, Any]], dict[str, Any]]


def _accepting(rule: str, sentence: str, repair: Repair) -> type[Emulator]:
    """Return a server that mends what it should refuse."""

    class Accepting(Emulator):
        def read_input(self, call: Call) -> ChatInput:
            try:
                return super().read_input(call)
            except Refusal:
                value = read_value(call.request)
                if not isinstance(value, dict):
                    raise
                return validate(repair(value))

    return named(Accepting, f"bedrock.accepts.{rule}", "status", sentence)


def _in_message(change: Repair) -> Repair:
    def repair(value: dict[str, Any]) -> dict[str, Any]:
        message = value.get("message")
        return {**value, "message": change(message)} if isinstance(message, dict) else value

    return repair


def _in_parts(change: Repair) -> Repair:
    def repair(message: dict[str, Any]) -> dict[str, Any]:
        parts = message.get("content")
        if not isinstance(parts, list):
            return message
        mended = [change(part) if isinstance(part, dict) else part for part in parts]
        return {**message, "content": mended}

    return _in_message(repair)


def _known_model(message: dict[str, Any]) -> dict[str, Any]:
    known = "model" not in message or message["model"] in MODELS
    return message if known else {**message, "model": MODEL}


def _known_content_type(part: dict[str, Any]) -> dict[str, Any]:
    known = "contentType" not in part or part["contentType"] in CONTENT_TYPES
    return part if known else {**part, "contentType": "text"}


def _text_body(part: dict[str, Any]) -> dict[str, Any]:
    says = part.get("contentType") == "text" and "body" in part
    return {**part, "body": str(part["body"])} if says else part


def _base64_body(part: dict[str, Any]) -> dict[str, Any]:
    is_file = part.get("contentType") in ("image", "attachment")
    return {**part, "body": ""} if is_file and isinstance(part.get("body"), str) else part


ACCEPTING = [
    _accepting(
        "no_message",
        "A body without a message is taken.",
        lambda value: {"message": EMPTY_MESSAGE} | value,
    ),
    _accepting("unknown_model", "A model that nobody knows is taken.", _in_message(_known_model)),
    _accepting(
        "unknown_content_type",
        "A contentType that nobody knows is taken for a text.",
        _in_parts(_known_content_type),
    ),
    _accepting(
        "text_that_is_no_string",
        "A text that is no string is taken and made one.",
        _in_parts(_text_body),
    ),
    _accepting(
        "file_not_in_base64",
        "An image or attachment that is not base64 is taken for an empty one.",
        _in_parts(_base64_body),
    ),
]


@fault("bedrock.accepts.malformed_json", "status")
class AcceptsMalformedJson(Emulator):
    """A body that is no JSON is taken for an empty message."""

    def read_input(self, call: Call) -> ChatInput:
        """Make up a message where there is none."""
        try:
            read_value(call.request)
        except Refusal:
            return validate({"message": EMPTY_MESSAGE})
        return super().read_input(call)


@fault("bedrock.key.not_required", "status")
class KeyNotRequired(Emulator):
    """A call without a key is let in."""

    def is_known(self, key: str) -> bool:
        """Know the caller who does not say who it is."""
        return key == "" or super().is_known(key)


@fault("bedrock.key.any_will_do", "status")
class AnyKeyWillDo(Emulator):
    """A call with any key at all is let in."""

    def is_known(self, key: str) -> bool:
        """Know everyone who has a key."""
        return key != ""


class Misrouting(Emulator):
    """Has something else to say where no operation is."""

    def write_refusal(self, refusal: Refusal) -> Answer:
        """Change what the router refuses, and that alone."""
        routed = refusal.detail is None
        return super().write_refusal(self.reroute(refusal) if routed else refusal)

    def reroute(self, refusal: Refusal) -> Refusal:
        """Return another refusal."""
        return refusal


@fault("bedrock.path.unknown_is_200", "status")
class UnknownPathIs200(Misrouting):
    """A path that is not there gives 200."""

    def reroute(self, refusal: Refusal) -> Refusal:
        """Say that all is well."""
        if refusal.status == 404:
            return Refusal(refusal.reason, status=200, detail={"detail": "Not Found"})
        return super().reroute(refusal)


@fault("bedrock.method.wrong_is_404", "status")
class WrongMethodIs404(Misrouting):
    """A method that a path does not have gives 404."""

    def reroute(self, refusal: Refusal) -> Refusal:
        """Deny the path."""
        if refusal.status == 405:
            return Refusal(refusal.reason, status=404)
        return super().reroute(refusal)


@fault("bedrock.method.allow_left_out", "status")
class AllowLeftOut(Misrouting):
    """A 405 does not say which methods are allowed."""

    def reroute(self, refusal: Refusal) -> Refusal:
        """Leave the header out."""
        if refusal.status == 405:
            return Refusal(refusal.reason, status=405)
        return super().reroute(refusal)

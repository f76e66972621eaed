"""What a conversation shows that is not what was said in it, or not its own."""

from __future__ import annotations

from typing import Any

from ....faults import fault
from ....store import Record, Scope
from .. import Emulator
from ..chat_input import MODELS, ChatInput
from ..conversation import Turn
from .shape import _reshaped

ONE = MODELS[0]


def _mark_question(message: dict[str, Any]) -> None:
    if message["role"] == "user":
        message["model"] = ONE


def _rename_question(message: dict[str, Any]) -> None:
    message["role"] = message["role"].replace("user", "bot")


def _rename_reply(message: dict[str, Any]) -> None:
    message["role"] = message["role"].replace("assistant", "model")


SHOWN = [
    _reshaped(
        "message",
        "model_of_the_question_is_the_first",
        "A user message is shown with the first model of the list.",
        _mark_question,
    ),
    _reshaped(
        "message",
        "model_has_its_vendor",
        "The model of a message has the name of its vendor in front.",
        lambda message: message.update(model=f"anthropic.{message['model']}"),
    ),
    _reshaped(
        "message",
        "question_is_the_bots",
        "A user message has the role `bot`.",
        _rename_question,
    ),
    _reshaped(
        "message",
        "role_is_model",
        "A reply has the role `model`, which no document names.",
        _rename_reply,
    ),
    _reshaped(
        "part",
        "content_type_in_capitals",
        "The contentType of a part is in capitals.",
        lambda part: part.update(contentType=part["contentType"].upper()),
    ),
    _reshaped(
        "conversation",
        "id_in_lower_case",
        "A conversation has its id in lower case.",
        lambda body: body.update(id=body["id"].lower()),
    ),
    _reshaped(
        "conversation",
        "bot_id_of_its_own",
        "Each conversation has another botId.",
        lambda body: body.update(botId=body["lastMessageId"]),
    ),
    _reshaped(
        "conversation",
        "should_continue",
        "A conversation whose reply has come to its end should be continued.",
        lambda body: body.update(shouldContinue=True),
    ),
    _reshaped(
        "reply",
        "differs_from_the_history",
        "GET message gives the reply with a blank more than the conversation has.",
        lambda body: body["message"]["content"][0].update(
            body=body["message"]["content"][0]["body"] + " "
        ),
    ),
]


@fault("bedrock.content.all_is_text", "state")
class AllIsText(Emulator):
    """Images and attachments are kept as texts."""

    def read_content(self, asked: ChatInput) -> list[dict[str, Any]]:
        """Call everything a text."""
        return [{**part, "contentType": "text"} for part in super().read_content(asked)]


@fault("bedrock.reply.empty", "state")
class ReplyIsEmpty(Emulator):
    """A reply has an empty text."""

    def make_turn(self, scope: Scope, asked: ChatInput) -> dict[str, Any]:
        """Say nothing."""
        return {**super().make_turn(scope, asked), "reply": ""}


@fault("bedrock.last_message_id.ahead", "time")
class LastMessageIdAhead(Emulator):
    """The lastMessageId is that of a reply that is not there yet."""

    def find_conversation(self, scope: Scope, conversation_id: str) -> Record:
        """Remember what waits."""
        found = super().find_conversation(scope, conversation_id)
        record = self.world.store.read(scope, conversation_id) or found
        return {**found, "waiting": record["turns"][-1]["reply_id"]}

    def last_message_id(self, conversation: Record) -> str:
        """Return the id of the reply that will come."""
        return str(conversation["waiting"])


@fault("bedrock.conversation.copied_to_another_key", "state")
class CopiedToAnotherKey(Emulator):
    """A message with another key is added to a copy of the conversation of that id."""

    def store_turn(self, scope: Scope, conversation_id: str, turn: Turn) -> None:
        """Begin with what somebody else has."""
        for caller in self.world.identities:
            owner = self.scope_of(caller["api_key"])
            self._copy(self.world.store.read(owner, conversation_id), scope, conversation_id)
        super().store_turn(scope, conversation_id, turn)

    def _copy(self, theirs: Record | None, scope: Scope, conversation_id: str) -> None:
        self.world.store.change(scope, conversation_id, lambda mine: mine or theirs)

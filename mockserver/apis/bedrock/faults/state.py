"""What is kept wrongly, or shown to the wrong caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....faults import fault
from ....model import Answer, Refusal
from ....store import Record, Scope
from .. import Emulator
from ..chat_input import MODELS, ChatInput
from ..conversation import Turn
from .naming import named

MOST_CHARACTERS = 100


@fault("bedrock.message.under_any_conversation", "state")
class MessageUnderAnyConversation(Emulator):
    """A message can be read under the id of any conversation of its owner."""

    def get_message(self, scope: Scope, conversation_id: str, message_id: str) -> Answer:
        """Look everywhere."""
        asked_under = self.find_conversation(scope, conversation_id)
        for record in [asked_under, *self.world.store.records(scope)]:
            shown = {**record, "id": conversation_id, "turns": self.visible_turns(record)}
            try:
                return self.write(self.reply_body(shown, self.find_turn(shown, message_id)))
            except Refusal:
                continue
        raise self.no_message(conversation_id, message_id)


@fault("bedrock.conversation.readable_with_another_key", "state")
class ReadableWithAnotherKey(Emulator):
    """A conversation can be read with any known key."""

    def find_conversation(self, scope: Scope, conversation_id: str) -> Record:
        """Look with every caller's key."""
        for caller in self.world.identities:
            try:
                return super().find_conversation(self.scope_of(caller["api_key"]), conversation_id)
            except Refusal:
                continue
        return super().find_conversation(scope, conversation_id)


@fault("bedrock.conversation.writable_with_another_key", "state")
class WritableWithAnotherKey(Emulator):
    """A message with another key goes to the conversation of that id, whosever it is."""

    def store_turn(self, scope: Scope, conversation_id: str, turn: Turn) -> None:
        """Write where the conversation is."""
        for caller in self.world.identities:
            owner = self.scope_of(caller["api_key"])
            if self.world.store.read(owner, conversation_id):
                return super().store_turn(owner, conversation_id, turn)
        return super().store_turn(scope, conversation_id, turn)


@fault("bedrock.message.second_is_lost", "state")
class SecondMessageIsLost(Emulator):
    """A second message of a conversation is taken and then lost."""

    def add_turn(self, before: Record | None, conversation_id: str, turn: Turn) -> Record:
        """Keep what is there."""
        return before or super().add_turn(before, conversation_id, turn)


def _retold(rule: str, sentence: str, retell: Callable[[str], str]) -> type[Emulator]:
    """Return a server that keeps another text than was sent."""

    class Retold(Emulator):
        def read_content(self, asked: ChatInput) -> list[dict[str, Any]]:
            parts = super().read_content(asked)
            return [
                {**part, "body": retell(part["body"])} if part["contentType"] == "text" else part
                for part in parts
            ]

    return named(Retold, f"bedrock.text.{rule}", "state", sentence)


RETOLD = [
    _retold("trimmed", "The blanks around a text are lost.", str.strip),
    _retold(
        "reduced_to_ascii",
        "The characters of a text that are not ASCII become question marks.",
        lambda body: body.encode("ascii", "replace").decode("ascii"),
    ),
    _retold(
        "on_one_line",
        "The line breaks of a text are lost.",
        lambda body: " ".join(body.splitlines()),
    ),
    _retold(
        "cut_short",
        f"A text is cut after {MOST_CHARACTERS} characters.",
        lambda body: body[:MOST_CHARACTERS],
    ),
]


@fault("bedrock.content.later_parts_lost", "state")
class LaterPartsLost(Emulator):
    """Of the parts of a message only the first is kept."""

    def read_content(self, asked: ChatInput) -> list[dict[str, Any]]:
        """Keep the first part."""
        return super().read_content(asked)[:1]


@fault("bedrock.content.names_lost", "state")
class NamesLost(Emulator):
    """The mediaType and fileName of a part are not kept."""

    def read_content(self, asked: ChatInput) -> list[dict[str, Any]]:
        """Write nulls."""
        nothing = {"mediaType": None, "fileName": None}
        return [{**part, **nothing} for part in super().read_content(asked)]


@fault("bedrock.model.of_the_first_message", "state")
class ModelOfTheFirstMessage(Emulator):
    """All messages of a conversation are shown with the model of the first."""

    def message_map(self, conversation: Record) -> dict[str, dict[str, Any]]:
        """Copy the model of the first."""
        first = conversation["turns"][0]["model"]
        messages = super().message_map(conversation)
        return {id: {**message, "model": first} for id, message in messages.items()}


@fault("bedrock.model.replaced", "state")
class ModelReplaced(Emulator):
    """A reply is shown with another model than the one that was asked."""

    def message_map(self, conversation: Record) -> dict[str, dict[str, Any]]:
        """Put the next model of the list in the replies."""
        messages = super().message_map(conversation)
        for message in messages.values():
            if message["role"] == "assistant":
                message["model"] = MODELS[MODELS.index(message["model"]) - 1]
        return messages

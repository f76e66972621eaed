"""Ids that are not kept, not unique, or somebody else's."""

from __future__ import annotations

from typing import Any

from ....faults import fault
from ....store import Record, Scope
from .. import PUBLISHED, Emulator
from ..chat_input import ChatInput
from ..conversation import Turn


@fault("bedrock.conversation_id.chosen_one_ignored", "identity")
class ChosenIdIgnored(Emulator):
    """A new conversation gets an id of the server's where the client chose one."""

    def choose_conversation(self, scope: Scope, asked: ChatInput, turn: Turn) -> str:
        """Keep only ids that are known."""
        chosen = super().choose_conversation(scope, asked, turn)
        if self.world.store.read(scope, chosen):
            return chosen
        return str(turn["new_conversation"])


@fault("bedrock.conversation_id.not_continued", "identity")
class NotContinued(Emulator):
    """A message to a known conversation starts a new one."""

    def choose_conversation(self, scope: Scope, asked: ChatInput, turn: Turn) -> str:
        """Keep only ids that are not known."""
        chosen = super().choose_conversation(scope, asked, turn)
        if not self.world.store.read(scope, chosen):
            return chosen
        return str(turn["new_conversation"])


@fault("bedrock.conversation_id.reused", "identity")
class NewIdReused(Emulator):
    """All conversations that the server names have the same id."""

    def choose_conversation(self, scope: Scope, asked: ChatInput, turn: Turn) -> str:
        """Name them alike."""
        if asked.conversation_id is not None:
            return asked.conversation_id
        return self.make_id("conversation", PUBLISHED, *scope)


@fault("bedrock.conversation_id.receipt_names_another", "identity")
class ReceiptNamesAnother(Emulator):
    """POST answers with another conversationId than that under which the message is kept."""

    def receipt(self, conversation_id: str, turn: Turn) -> dict[str, Any]:
        """Make one up."""
        return super().receipt(self.make_id("another", turn["sent"], turn["user_id"]), turn)


@fault("bedrock.conversation_id.reply_names_another", "identity")
class ReplyNamesAnother(Emulator):
    """GET message answers with another conversationId than it was asked for."""

    def reply_body(self, conversation: Record, turn: Turn) -> dict[str, Any]:
        """Make one up."""
        another = self.make_id("another", turn["sent"], turn["user_id"])
        return {**super().reply_body(conversation, turn), "conversationId": another}


@fault("bedrock.message_id.repeats", "identity")
class MessageIdRepeats(Emulator):
    """Messages with the same text get the same id."""

    def make_turn(self, scope: Scope, asked: ChatInput) -> dict[str, Any]:
        """Make ids of nothing but the text."""
        turn = super().make_turn(scope, asked)
        user_id = self.make_id("user", PUBLISHED, repr(turn["content"]))
        return {**turn, "user_id": user_id}


@fault("bedrock.message_id.of_the_reply", "identity")
class MessageIdOfTheReply(Emulator):
    """POST answers with the id that the reply will have, not with that of the user's message."""

    def receipt(self, conversation_id: str, turn: Turn) -> dict[str, Any]:
        """Put in the id of the reply."""
        return {**super().receipt(conversation_id, turn), "messageId": turn["reply_id"]}

"""Messages that are not linked as a chain from `system` to the last reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....faults import fault
from ....store import Record
from .. import PUBLISHED, Emulator
from ..conversation import ROOT, Turn
from .naming import named

Messages = dict[str, dict[str, Any]]
Relink = Callable[[Messages, list[Turn]], None]


def _relinked(rule: str, sentence: str, relink: Relink) -> type[Emulator]:
    """Return a server whose messages are linked once more by `relink`."""

    class Relinked(Emulator):
        def message_map(self, conversation: Record) -> Messages:
            messages = super().message_map(conversation)
            relink(messages, conversation["turns"])
            return messages

    return named(Relinked, f"bedrock.links.{rule}", "links", sentence)


def _orphan(messages: Messages, turns: list[Turn]) -> None:
    messages[turns[-1]["user_id"]]["parent"] = None


def _cycle(messages: Messages, turns: list[Turn]) -> None:
    messages[turns[-1]["reply_id"]]["children"] = [turns[0]["user_id"]]


def _reply_below_root(messages: Messages, turns: list[Turn]) -> None:
    for turn in turns:
        messages[turn["reply_id"]]["parent"] = ROOT


def _no_children(messages: Messages, turns: list[Turn]) -> None:
    for message in messages.values():
        message["children"] = []


def _reply_is_no_child(messages: Messages, turns: list[Turn]) -> None:
    for turn in turns:
        messages[turn["user_id"]]["children"] = []


def _unknown_child(messages: Messages, turns: list[Turn]) -> None:
    messages[turns[-1]["reply_id"]]["children"] = [turns[-1]["reply_id"].lower()]


def _no_root(messages: Messages, turns: list[Turn]) -> None:
    del messages[ROOT]


def _first_message_lost(messages: Messages, turns: list[Turn]) -> None:
    if len(turns) > 1:
        del messages[turns[0]["user_id"]]


RELINKED = [
    _relinked("orphan", "The last user message has no parent.", _orphan),
    _relinked("cycle", "The last reply has the first user message as its child.", _cycle),
    _relinked(
        "reply_below_root",
        "The parent of a reply is not the message that it replies to.",
        _reply_below_root,
    ),
    _relinked("no_children", "No message has children.", _no_children),
    _relinked(
        "reply_is_no_child", "A reply is not among the children of its parent.", _reply_is_no_child
    ),
    _relinked("unknown_child", "The last reply has a child that is not there.", _unknown_child),
    _relinked("no_root", "The message `system` is not in the map.", _no_root),
    _relinked(
        "first_message_lost",
        "The first user message is gone from a conversation when there is a second.",
        _first_message_lost,
    ),
]


@fault("bedrock.last_message_id.unknown", "links")
class LastMessageIdUnknown(Emulator):
    """The lastMessageId is that of no message."""

    def last_message_id(self, conversation: Record) -> str:
        """Return an id that nobody has."""
        return self.make_id("nobody", PUBLISHED, conversation["id"])


@fault("bedrock.last_message_id.of_the_question", "links")
class LastMessageIdOfTheQuestion(Emulator):
    """The lastMessageId is that of the last user message."""

    def last_message_id(self, conversation: Record) -> str:
        """Return the id of what was asked."""
        return str(conversation["turns"][-1]["user_id"])


@fault("bedrock.reply.of_the_first_message", "links")
class ReplyOfTheFirstMessage(Emulator):
    """GET message gives the first reply of the conversation, whatever is asked for."""

    def find_turn(self, conversation: Record, message_id: str) -> Turn:
        """Return the first turn."""
        super().find_turn(conversation, message_id)
        return dict(conversation["turns"][0])


@fault("bedrock.reply.is_the_question", "links")
class ReplyIsTheQuestion(Emulator):
    """GET message gives the message asked for instead of the reply to it."""

    def reply_body(self, conversation: Record, turn: Turn) -> dict[str, Any]:
        """Put in the user's message."""
        messages = self.message_map(conversation)
        return {**super().reply_body(conversation, turn), "message": messages[turn["user_id"]]}

"""Defects of the real backend, with its own statuses and bodies (fact sheet, Real defects)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....faults import fault
from ....model import Answer, Call, Refusal
from ....store import Record, Scope
from .. import Emulator
from ..chat_input import ChatInput
from ..conversation import ROOT, Turn
from .naming import named

# Where the recorded answers broke off: the database takes sort keys of so many bytes.
MOST_KEY_BYTES = 1024
CONSUMERS = 3
NOT_WRITABLE = (
    "Error serializing to JSON: UnicodeEncodeError: 'utf-8' codec can't encode "
    "character '\\ud800' in position 0: surrogates not allowed"
)
MEDIA_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@fault("bedrock.observed.id_of_the_last_reply", "observed")
class IdOfTheLastReply(Emulator):
    """GET with the id of the last reply gives 500: it has no child to show."""

    def find_turn(self, conversation: Record, message_id: str) -> Turn:
        """Take the first of no children."""
        if message_id == conversation["turns"][-1]["reply_id"]:
            reason = "list index out of range"
            raise Refusal(reason, status=500, detail={"errors": [reason]})
        return super().find_turn(conversation, message_id)


class FirstChild(Emulator):
    """Shows the first child of a message, even where that is no reply."""

    def get_message(self, scope: Scope, conversation_id: str, message_id: str) -> Answer:
        """Look among the messages that are nobody's question."""
        conversation = self.find_conversation(scope, conversation_id)
        messages = self.message_map(conversation)
        if message_id in messages and self.is_taken(messages[message_id]):
            children = messages[message_id]["children"]
            if children:
                body = self.reply_body(conversation, conversation["turns"][0])
                return self.write({**body, "message": messages[children[0]]})
        return super().get_message(scope, conversation_id, message_id)

    def is_taken(self, message: dict[str, Any]) -> bool:
        """Say whether this is a message whose child is shown."""
        return False


@fault("bedrock.observed.id_of_an_older_reply", "observed")
class IdOfAnOlderReply(FirstChild):
    """GET with the id of an older reply gives the user message that follows it."""

    def is_taken(self, message: dict[str, Any]) -> bool:
        """Take replies."""
        return message["role"] == "assistant" or super().is_taken(message)


@fault("bedrock.observed.id_of_the_root", "observed")
class IdOfTheRoot(FirstChild):
    """GET with the id `system` gives the first user message."""

    def is_taken(self, message: dict[str, Any]) -> bool:
        """Take the root."""
        return message["role"] == ROOT or super().is_taken(message)


@fault("bedrock.observed.body_not_utf8", "observed")
class BodyNotUtf8(Emulator):
    """A body that is not UTF-8 gives 500, on any route."""

    def pass_gateway(self, call: Call) -> None:
        """Read the body as a text before anything is done with it."""
        super().pass_gateway(call)
        try:
            call.request.get_data().decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refusal("not UTF-8", status=500, detail={"errors": [str(error)]}) from error


@fault("bedrock.observed.lone_surrogate", "observed")
class LoneSurrogate(Emulator):
    """A lone surrogate in a text gives 500."""

    def read_input(self, call: Call) -> ChatInput:
        """Fail where the message is written to the queue."""
        try:
            return super().read_input(call)
        except Refusal as refusal:
            if not isinstance(refusal.detail, dict) or refusal.status != 422:
                raise
            if {item["type"] for item in refusal.detail["detail"]} != {"string_unicode"}:
                raise
            raise Refusal(NOT_WRITABLE, status=500, detail={"detail": NOT_WRITABLE}) from refusal


def _unanswered(rule: str, sentence: str, is_lost: Callable[[Turn], bool]) -> type[Emulator]:
    """Return a server that takes some messages and never answers them."""

    class Unanswered(Emulator):
        def store_turn(self, scope: Scope, conversation_id: str, turn: Turn) -> None:
            if not is_lost(turn):
                super().store_turn(scope, conversation_id, turn)

    return named(Unanswered, f"bedrock.observed.{rule}_unanswered", "observed", sentence)


def _lacks(content_type: str, field: str) -> Callable[[Turn], bool]:
    return lambda turn: any(
        part["contentType"] == content_type and part[field] is None for part in turn["content"]
    )


def _has_odd_media_type(turn: Turn) -> bool:
    return any(
        part["contentType"] == "image" and part["mediaType"] not in (None, *MEDIA_TYPES)
        for part in turn["content"]
    )


UNANSWERED = [
    _unanswered(
        "empty_content",
        "A message without content is never answered.",
        lambda turn: not turn["content"],
    ),
    _unanswered(
        "image_without_media_type",
        "A message with an image without mediaType is never answered.",
        _lacks("image", "mediaType"),
    ),
    _unanswered(
        "image_of_odd_media_type",
        "A message with an image of a mediaType that is none is never answered.",
        _has_odd_media_type,
    ),
    _unanswered(
        "attachment_without_file_name",
        "A message with an attachment without fileName is never answered.",
        _lacks("attachment", "fileName"),
    ),
    _unanswered(
        "continue_generate",
        "A message with continueGenerate is never answered.",
        lambda turn: bool(turn["continue_generate"]),
    ),
]


@fault("bedrock.observed.long_id_unanswered", "observed")
class LongIdUnanswered(Emulator):
    """A message to a conversation whose id has more than 1024 bytes is never answered."""

    def store_turn(self, scope: Scope, conversation_id: str, turn: Turn) -> None:
        """Lose it."""
        if len(conversation_id.encode("utf-8")) <= MOST_KEY_BYTES:
            super().store_turn(scope, conversation_id, turn)


@fault("bedrock.observed.id_cut_at_the_hash_sign", "observed")
class IdCutAtTheHashSign(Emulator):
    """A second message to a conversation with # in its id goes to a copy named by what follows."""

    def store_turn(self, scope: Scope, conversation_id: str, turn: Turn) -> None:
        """Take the id apart where the database joins its keys."""
        before = self.world.store.read(scope, conversation_id)
        rest = conversation_id.rpartition("#")[2]
        if before is None or rest == conversation_id:
            return super().store_turn(scope, conversation_id, turn)
        copy = {**self.add_turn(before, rest, turn), "id": rest}
        self.world.store.change(scope, rest, lambda _: copy)


@fault("bedrock.observed.parallel_posts_lost", "observed")
class ParallelPostsLost(Emulator):
    """Of messages sent in parallel to one conversation only each third and the last are kept."""

    def add_turn(self, before: Record | None, conversation_id: str, turn: Turn) -> Record:
        """Let each of the consumers at work overwrite what the one before it wrote."""
        after = super().add_turn(before, conversation_id, turn)
        *earlier, last = after["turns"]
        waiting = sum(not self.is_answered(one, self.now()) for one in earlier)
        if waiting % CONSUMERS:
            earlier[-1] = {**earlier[-1], "overwritten": True}
        return {**after, "turns": [*earlier, last]}

    def visible_turns(self, record: Record) -> list[Turn]:
        """Leave out what was overwritten."""
        return [turn for turn in super().visible_turns(record) if not turn.get("overwritten")]

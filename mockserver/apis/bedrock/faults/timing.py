"""Replies that come at the wrong time, and what is seen before and after they do."""

from __future__ import annotations

from typing import Any

from ....faults import fault
from ....model import Answer, Refusal
from ....store import Record, Scope
from .. import Emulator
from ..conversation import Turn, text

HOUR = 3_600_000
LAG = 60_000


@fault("bedrock.reply.never_comes", "time")
class ReplyNeverComes(Emulator):
    """No message is ever answered."""

    def is_answered(self, turn: Turn, now: int) -> bool:
        """Say that it is not."""
        return False


@fault("bedrock.reply.second_never_comes", "time")
class SecondReplyNeverComes(Emulator):
    """Only the first message of a conversation is answered."""

    def visible_turns(self, record: Record) -> list[Turn]:
        """Show the first turn alone."""
        return super().visible_turns(record)[:1]


@fault("bedrock.reply.an_hour_late", "time")
class ReplyAnHourLate(Emulator):
    """A reply takes an hour longer than it should."""

    def delay(self) -> int:
        """Wait for the hour too."""
        return super().delay() + HOUR


@fault("bedrock.reply.vanishes", "time")
class ReplyVanishes(Emulator):
    """A reply that was read once is not found again."""

    def get_message(self, scope: Scope, conversation_id: str, message_id: str) -> Answer:
        """Answer once."""
        answer = super().get_message(scope, conversation_id, message_id)
        if self.world.store.count((*scope, "replies read"), f"{conversation_id}/{message_id}"):
            raise self.no_message(conversation_id, message_id)
        return answer


@fault("bedrock.reply.changes_later", "time")
class ReplyChangesLater(Emulator):
    """A reply has another text when it is read again."""

    def reply_body(self, conversation: Record, turn: Turn) -> dict[str, Any]:
        """Count the readings in the text."""
        body = super().reply_body(conversation, turn)
        before = self.world.store.count((self.name, "replies read"), turn["user_id"])
        if not before:
            return body
        said = text(f"{turn['reply']} ({before})")
        return {**body, "message": {**body["message"], "content": [said]}}


class Impatient(Emulator):
    """Has something else to say of a message that was taken and is not answered yet."""

    def get_message(self, scope: Scope, conversation_id: str, message_id: str) -> Answer:
        """Tell a message that waits from one that nobody sent."""
        try:
            return super().get_message(scope, conversation_id, message_id)
        except Refusal:
            record = self.world.store.read(scope, conversation_id)
            sent = [turn["user_id"] for turn in record["turns"]] if record else []
            if record is None or message_id not in sent:
                raise
            return self.not_yet({**record, "turns": record["turns"][: sent.index(message_id) + 1]})

    def not_yet(self, conversation: Record) -> Answer:
        """Say so of the last turn."""
        raise NotImplementedError


@fault("bedrock.pending.is_500", "time")
class PendingIs500(Impatient):
    """A message that is not answered yet gives 500."""

    def not_yet(self, conversation: Record) -> Answer:
        """Fail."""
        raise Refusal("the reply is not there", status=500)


@fault("bedrock.pending.is_202", "time")
class PendingIs202(Impatient):
    """A message that is not answered yet gives 202."""

    def not_yet(self, conversation: Record) -> Answer:
        """Ask for patience."""
        return self.write({"conversationId": conversation["id"], "status": "pending"}, 202)


@fault("bedrock.pending.is_an_empty_reply", "time")
class PendingIsAnEmptyReply(Impatient):
    """A message that is not answered yet gives 200 and a reply with an empty text."""

    def not_yet(self, conversation: Record) -> Answer:
        """Show the reply that will come, without its words."""
        body = self.reply_body(conversation, conversation["turns"][-1])
        return self.write({**body, "message": {**body["message"], "content": [text("")]}})


@fault("bedrock.pending.question_is_shown", "time")
class QuestionIsShownEarly(Emulator):
    """A conversation shows the user's message before its reply is there."""

    def visible_turns(self, record: Record) -> list[Turn]:
        """Show one turn more than are answered."""
        answered = len(super().visible_turns(record))
        return list(record["turns"][: answered + 1])

    def message_map(self, conversation: Record) -> dict[str, dict[str, Any]]:
        """Leave out the reply that is not there."""
        messages = super().message_map(conversation)
        last = conversation["turns"][-1]
        if not self.is_answered(last, self.now()):
            del messages[last["reply_id"]]
            messages[last["user_id"]]["children"] = []
        return messages

    def last_message_id(self, conversation: Record) -> str:
        """Return the question's id where it has no reply."""
        last = conversation["turns"][-1]
        return str(last["reply_id" if self.is_answered(last, self.now()) else "user_id"])

    def find_turn(self, conversation: Record, message_id: str) -> Turn:
        """Give no reply that is not there."""
        turn = super().find_turn(conversation, message_id)
        if not self.is_answered(turn, self.now()):
            raise self.no_message(conversation["id"], message_id)
        return turn


@fault("bedrock.conversation.lags_behind_its_replies", "time")
class ConversationLags(Emulator):
    """A reply can be read a minute before the conversation shows it."""

    def get_conversation(self, scope: Scope, conversation_id: str) -> Answer:
        """Show what could be seen a minute ago."""
        conversation = self.find_conversation(scope, conversation_id)
        turns = [turn for turn in conversation["turns"] if turn["ready"] + LAG <= self.now()]
        if not turns:
            raise self.no_conversation(conversation_id)
        return self.write(self.conversation_body({**conversation, "turns": turns}))


@fault("bedrock.conversation.hidden_while_pending", "time")
class ConversationHiddenWhilePending(Emulator):
    """A known conversation is not found while one of its messages waits for a reply."""

    def visible_turns(self, record: Record) -> list[Turn]:
        """Show all or nothing."""
        turns = super().visible_turns(record)
        return turns if len(turns) == len(record["turns"]) else []


@fault("bedrock.create_time.moves_with_each_read", "time")
class CreateTimeMovesWithEachRead(Emulator):
    """The createTime of a conversation is later each time it is read."""

    def create_time(self, conversation: Record) -> float:
        """Add a second for each reading."""
        read = self.world.store.count((self.name, "create times"), str(conversation["createTime"]))
        return super().create_time(conversation) + 1000.0 * read


@fault("bedrock.create_time.moves_with_each_message", "time")
class CreateTimeMovesWithEachMessage(Emulator):
    """The createTime of a conversation is that of its last message."""

    def create_time(self, conversation: Record) -> float:
        """Return when the last message was sent."""
        return float(conversation["turns"][-1]["sent"])


@fault("bedrock.create_time.of_the_reply", "time")
class CreateTimeOfTheReply(Emulator):
    """GET message has the reply's time where the conversation's belongs."""

    def reply_body(self, conversation: Record, turn: Turn) -> dict[str, Any]:
        """Put in the time of the reply."""
        return {**super().reply_body(conversation, turn), "createTime": float(turn["ready"]) + 1.0}


@fault("bedrock.create_time.in_seconds", "time")
class CreateTimeInSeconds(Emulator):
    """A createTime is in seconds."""

    def create_time(self, conversation: Record) -> float:
        """Divide by a thousand."""
        return super().create_time(conversation) / 1000

"""Several conversations over time, held against a model of what has to be seen."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from ....model import Basis, clause, expect, shortened
from .. import requests
from ..driver import Asked, BedrockDriver, Message, ids_in, lasting, message_in

HISTORY = "Get a conversation history"


class Memory:
    """One conversation as it has to be remembered: what was asked, and all that was ever seen."""

    def __init__(self, driver: BedrockDriver, first: Asked) -> None:
        """Begin with the message that started the conversation."""
        self.driver = driver
        self.id = first.conversation
        self.waiting: list[Asked] = [first]
        self.replied: dict[str, dict[str, Any]] = {}
        self.answered: list[Asked] = []
        self.seen: dict[str, Message] = {}

    def settle(self) -> None:
        """Wait for what is still to be answered."""
        while self.waiting:
            asked = self.waiting[0]
            self.replied[asked.message] = lasting(message_in(self.driver.reply(asked)))
            self.answered.append(self.waiting.pop(0))

    def go_on(self, text: str, model: str) -> None:
        """Post a message, and do not wait for its reply."""
        self.settle()
        self.waiting.append(self.driver.ask(text, self.id, model))

    def read_history(self) -> None:
        """Raise Broken where the history lost or changed what was in it."""
        found = self.driver.message_map(self.id)
        for asked in self.answered:
            expect(asked.message in found, f"answered, and not in the history: {asked.message}")
        for id, before in self.seen.items():
            expect(id in found, f"seen before, and not in the history: {id}")
            _must_be_unchanged(id, before, found[id])
        self.seen.update(found)

    def read_reply(self, which: int) -> None:
        """Raise Broken where a reply is gone or another than it was."""
        asked = self.answered[which % len(self.answered)]
        again = self.driver.message(asked)
        expect(self.driver.accepted(again), f"answered, and gone: {self.driver.describe(again)}")
        _must_be_unchanged(f"the reply to {asked.message}", self.replied[asked.message],
                           lasting(message_in(again)))  # fmt: skip


def _must_be_unchanged(name: str, before: Message, now: Message) -> None:
    for field, value in lasting(before).items():
        later = now.get(field)
        expect(
            later == value, f"{field} of {name} was {shortened(value)}, and is {shortened(later)}"
        )
    children = ids_in(now.get("children", before.get("children")))
    gone = [child for child in ids_in(before.get("children")) if child not in children]
    expect(not gone, f"{name} had the children {', '.join(gone)}, and has them no more")


@clause("bedrock.history.follows_the_conversation", basis=Basis.IMPLIED, source=HISTORY,
        machine=True, most=6)  # fmt: skip
def follows_the_conversation(driver: BedrockDriver) -> type[RuleBasedStateMachine]:
    """A history has every earlier message, unchanged, however many conversations there are."""

    class Talks(RuleBasedStateMachine):
        conversations: Bundle[Memory] = Bundle("conversations")

        @rule(target=conversations, text=requests.questions, model=requests.models)
        def begin(self, text: str, model: str) -> Memory:
            return Memory(driver, driver.ask(text, model=model))

        @rule(conversation=conversations, text=requests.questions, model=requests.models)
        def go_on(self, conversation: Memory, text: str, model: str) -> None:
            conversation.go_on(text, model)

        @rule(conversation=conversations)
        def read_history(self, conversation: Memory) -> None:
            if not conversation.answered:
                conversation.settle()
            conversation.read_history()

        @rule(conversation=conversations, which=st.integers(0, 9))
        def read_reply(self, conversation: Memory, which: int) -> None:
            conversation.settle()
            conversation.read_reply(which)

        @rule(seconds=st.sampled_from([0.05, 0.3]))
        def wait(self, seconds: float) -> None:
            driver.clock.sleep(seconds)

    return Talks

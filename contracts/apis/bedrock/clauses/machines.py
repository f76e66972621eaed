"""Several conversations over time, held against a model of what has to be seen."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ....model import Basis, clause, expect, shortened
from .. import requests
from ..driver import MODEL, Asked, BedrockDriver, Message, ids_in, lasting, message_in

HISTORY = "Get a conversation history"

whiches = st.integers(0, 2)


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
        """Post a message, and do not wait for its reply; what is there by then is noted."""
        self.settle()
        self.read_history()
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


@clause("bedrock.history.loses_nothing", basis=Basis.IMPLIED, source=HISTORY)
def loses_nothing(driver: BedrockDriver) -> None:
    """After each reply the history has every earlier message, unchanged."""
    talk = Memory(driver, driver.ask("one"))
    for text in ("two", "three", "four", ""):
        talk.settle()
        talk.read_history()
        if text:
            talk.go_on(text, MODEL)


class Talks(RuleBasedStateMachine):
    """Up to three conversations; what was seen of one is seen of it for ever."""

    driver: BedrockDriver

    def __init__(self) -> None:
        super().__init__()
        self.talks: list[Memory] = []

    @initialize(text=requests.questions)
    def begin(self, text: str) -> None:
        """Start a conversation."""
        self.talks.append(Memory(self.driver, self.driver.ask(text)))

    @rule(which=whiches, text=requests.questions, model=requests.models)
    def say(self, which: int, text: str, model: str) -> None:
        """Go on in a conversation, or start one more."""
        if which < len(self.talks):
            self.talks[which].go_on(text, model)
        else:
            self.begin(text)

    @rule(which=whiches)
    def read_history(self, which: int) -> None:
        """Read a history when all is answered."""
        talk = self.talks[which % len(self.talks)]
        talk.settle()
        talk.read_history()

    @rule(which=whiches, earlier=st.integers(0, 9), seconds=st.sampled_from([0.0, 0.05, 0.3]))
    def read_reply_later(self, which: int, earlier: int, seconds: float) -> None:
        """Read a reply once more, after a while."""
        talk = self.talks[which % len(self.talks)]
        talk.settle()
        self.driver.clock.sleep(seconds)
        talk.read_reply(earlier)


@clause("bedrock.history.follows_the_conversation", basis=Basis.IMPLIED, source=HISTORY,
        machine=True, most=6)  # fmt: skip
def follows_the_conversation(driver: BedrockDriver) -> type[RuleBasedStateMachine]:
    """A history has what was asked in it, as it was, however many conversations there are."""
    return type("Talks", (Talks,), {"driver": driver})

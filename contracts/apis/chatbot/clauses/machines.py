"""Conversations over time, as a state machine: begun and continued in any order and form."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from ....model import Basis, clause, expect
from .. import requests
from ..driver import ChatbotDriver
from .conversations import PARAMETER, go_on


class Conversations(RuleBasedStateMachine):
    """Conversations of one caller, beside the list of those that were begun."""

    driver: ClassVar[ChatbotDriver]
    conversations = Bundle("conversations")

    def __init__(self) -> None:
        """Begin without a conversation."""
        super().__init__()
        self.begun: list[object] = []

    @rule(target=conversations, text=requests.plain, stream=st.booleans())
    def begin(self, text: str, stream: bool) -> str:
        """Ask a question without a conversation."""
        uid = self.driver.conversation(self.driver.ask(text, stream=stream))
        expect(uid not in self.begun, f"conversation_uid {uid} was given out twice")
        self.begun.append(uid)
        return uid

    @rule(uid=conversations, text=requests.plain, stream=st.booleans())
    def go_on(self, uid: str, text: str, stream: bool) -> None:
        """Ask one more question in a conversation."""
        go_on(self.driver, uid, text, stream=stream)

    @rule(uid=conversations, field=st.sampled_from(["q", "language"]))
    def stumble(self, uid: str, field: str) -> None:
        """Send a question that has to be refused in a conversation."""
        body = {"q": "Hello", "conversation_uid": uid, field: 5}
        self.driver.must_not(self.driver.post(body))


@clause("chatbot.conversation.follows_every_question", basis=Basis.IMPLIED, source=PARAMETER,
        machine=True, most=6)  # fmt: skip
def follows_every_question(driver: ChatbotDriver) -> type[RuleBasedStateMachine]:
    """Conversations go on whatever was asked in them and in others, streamed or not, or refused."""
    return type("Conversations", (Conversations,), {"driver": driver})

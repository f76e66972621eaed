"""Conversations: begun by the first question, continued by whoever sends their uid."""

from __future__ import annotations

from hypothesis import strategies as st

from ....model import Basis, clause, expect
from .. import requests
from ..driver import ChatbotDriver
from .parameters import CHOICE, must_grant

PARAMETER = "Body Parameters: conversation_uid"
FIELD = "Data: conversation_uid"

texts = st.lists(requests.plain, min_size=1, max_size=3)


def go_on(driver: ChatbotDriver, uid: str, text: str = "Go on", **more: object) -> None:
    """Raise Broken unless one more question is answered in the same conversation."""
    exchange = driver.ask(text, uid, **more)
    if not driver.accepted(exchange):
        # It is the conversation's fault only if the question is answered without one.
        driver.must(driver.ask(text, **more))
    must_grant(driver, exchange, "a conversation_uid that was returned")
    found = driver.conversation(exchange)
    expect(found == uid, f"conversation_uid {uid} was sent, and {found} came back")


@clause("chatbot.conversation.given", basis=Basis.DOCUMENTED, source=PARAMETER, most=8,
        text=requests.questions, stream=st.booleans(),
        examples=({"text": "Hello", "stream": True}, {"text": "Hello", "stream": False}),
)  # fmt: skip
def given(driver: ChatbotDriver, text: str, stream: bool) -> None:
    """Every answer says in conversation_uid which conversation it belongs to."""
    fields = driver.fields(driver.ask(text, stream=stream))
    expect(fields.get("conversation_uid") != "", "conversation_uid is empty")


@clause("chatbot.conversation.new", basis=Basis.DOCUMENTED, source=FIELD, most=8,
        flags=st.lists(st.booleans(), min_size=2, max_size=3), text=requests.questions,
        examples=({"flags": [False, False], "text": "Hello"},))  # fmt: skip
def new(driver: ChatbotDriver, flags: list[bool], text: str) -> None:
    """Each question without a conversation_uid begins a conversation that no other got."""
    seen = [driver.conversation(driver.ask(text, stream=flag)) for flag in flags]
    expect(len(set(seen)) == len(seen), f"a conversation_uid was given out twice: {seen}")


@clause("chatbot.conversation.continued", basis=Basis.DOCUMENTED, source=PARAMETER, most=10,
        texts=texts, examples=({"texts": ["Tell me more", "And then?", "Thanks"]},))  # fmt: skip
def continued(driver: ChatbotDriver, texts: list[str]) -> None:
    """A question with a conversation_uid that was returned continues that conversation."""
    uid = driver.conversation(driver.ask())
    for text in texts:
        go_on(driver, uid, text)


@clause("chatbot.conversation.either_form", basis=Basis.IMPLIED, source=PARAMETER, most=6,
        flags=st.lists(st.booleans(), min_size=2, max_size=3),
        examples=({"flags": [True, False, True]}, {"flags": [False, True, False]}))  # fmt: skip
def either_form(driver: ChatbotDriver, flags: list[bool]) -> None:
    """A conversation goes on whether its answers are streamed or not."""
    uid = driver.conversation(driver.ask(stream=flags[0]))
    for flag in flags[1:]:
        go_on(driver, uid, stream=flag)


@clause("chatbot.conversation.apart", basis=Basis.IMPLIED, source=PARAMETER, most=5,
        order=st.lists(st.integers(0, 1), min_size=2, max_size=4),
        examples=({"order": [0, 1, 0]},))  # fmt: skip
def apart(driver: ChatbotDriver, order: list[int]) -> None:
    """Two conversations at the same time do not get into each other's way."""
    uids = [driver.conversation(driver.ask()) for _ in range(2)]
    for which in order:
        go_on(driver, uids[which])


@clause("chatbot.conversation.unknown", basis=Basis.OBSERVED, source=CHOICE, most=4,
        uid=requests.uids)  # fmt: skip
def unknown(driver: ChatbotDriver, uid: str) -> None:
    """A conversation_uid that was never returned is refused."""
    driver.must(driver.ask())
    exchange = driver.ask(conversation=uid)
    expect(not driver.accepted(exchange), f"{uid} was never returned, and it was accepted")


@clause("chatbot.conversation.other_bot", basis=Basis.OBSERVED, source=CHOICE, most=2,
        needs=("other_bot_uid",), stream=st.booleans())  # fmt: skip
def other_bot(driver: ChatbotDriver, stream: bool) -> None:
    """A conversation with one bot is not continued with another."""
    # A key may open one bot alone: then the other bot is asked with the other key.
    has_key = "other_api_key" in driver.credentials
    other = driver.other_caller() if has_key else driver.other_bot()
    _not_continued(driver, other, stream, "another bot")


@clause("chatbot.conversation.other_caller", basis=Basis.IMPLIED, source=PARAMETER, most=2,
        needs=("api_key", "other_bot_uid", "other_api_key"), stream=st.booleans())  # fmt: skip
def other_caller(driver: ChatbotDriver, stream: bool) -> None:
    """A conversation of one caller is not continued by another, who has another key."""
    _not_continued(driver, driver.other_caller(), stream, "another caller")


def _not_continued(driver: ChatbotDriver, other: ChatbotDriver, stream: bool, who: str) -> None:
    uid = driver.conversation(driver.ask())
    other.must(other.ask())
    exchange = other.ask("Go on", uid, stream=stream)
    if driver.accepted(exchange):
        # A new conversation in the place of one that is not theirs gives nothing away.
        found = driver.fields(exchange).get("conversation_uid")
        expect(found != uid, f"conversation {uid} was continued with {who}")

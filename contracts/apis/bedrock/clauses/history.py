"""What the history says of the conversation, of the questions in it, and of time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ....model import Basis, clause, expect, shortened
from .. import requests
from ..driver import (
    MODEL,
    BedrockDriver,
    Content,
    Message,
    items_of,
    map_in,
    members_of,
    text_item,
)

HISTORY = "Get a conversation history"
LIFE = "fact sheet, The asynchronous life of a message"
TEXTS = (" Hi,\n 🙂 ", "Say ditto. " * 150)
ROLES = ("user", "bot", "assistant", "system", "instruction")


def _bodies(content: Content) -> list[Any]:
    return [item.get("body") for item in content]


def _questions(driver: BedrockDriver, content: Content, model: str = MODEL) -> list[Message]:
    """Ask, and return what the history has with these very bodies."""
    asked = driver.ask(content, model=model)
    driver.reply(asked)
    found = [message for message in driver.message_map(asked.conversation).values()
             if _bodies(items_of(message)) == _bodies(content)]  # fmt: skip
    if not found:
        driver.miss("the question is not in the history as it was sent")
    return found


def _same_items(driver: BedrockDriver, content: Content, field: str) -> None:
    sent = [item.get(field) for item in content]
    found = [[item.get(field) for item in items_of(one)] for one in _questions(driver, content)]
    expect(sent in found, f"{field} was sent as {sent}, and comes back as {found[0]}")


@clause("bedrock.question.body", basis=Basis.IMPLIED, source=f"{HISTORY}: content",
        content=requests.contents,
        examples=tuple({"content": [text_item(text)]} for text in TEXTS))  # fmt: skip
def body(driver: BedrockDriver, content: Content) -> None:
    """The texts and files of a question come back in the history as they were sent."""
    asked = driver.ask(content)
    driver.reply(asked)
    found = [_bodies(items_of(one)) for one in driver.message_map(asked.conversation).values()]
    sent = shortened(_bodies(content))
    expect(_bodies(content) in found, f"{sent} was sent, and the history has {shortened(found)}")


PIECES = [text_item("Look at these two."), requests.IMAGE, requests.ATTACHMENT, text_item("Why?")]
pieces: Any = st.permutations(PIECES)


@clause("bedrock.question.content_type", basis=Basis.IMPLIED, source=f"{HISTORY}: contentType",
        content=pieces, most=4)  # fmt: skip
def content_type(driver: BedrockDriver, content: Content) -> None:
    """The content types of a question come back as they were sent, in their order."""
    _same_items(driver, content, "contentType")


@clause("bedrock.question.media_type", basis=Basis.IMPLIED, source=f"{HISTORY}: mediaType",
        content=pieces, most=3)  # fmt: skip
def media_type(driver: BedrockDriver, content: Content) -> None:
    """The media type of an image comes back as it was sent, and null where there was none."""
    _same_items(driver, content, "mediaType")


@clause("bedrock.question.file_name", basis=Basis.IMPLIED, source=f"{HISTORY}: fileName",
        content=pieces, most=3)  # fmt: skip
def file_name(driver: BedrockDriver, content: Content) -> None:
    """The file name of an attachment comes back as it was sent, and null where there was none."""
    _same_items(driver, content, "fileName")


@clause("bedrock.question.model", basis=Basis.IMPLIED, source=f"{HISTORY}: model",
        model=requests.models, most=4,
        examples=({"model": "mistral-large"}, {"model": "claude-instant-v1"}))  # fmt: skip
def model(driver: BedrockDriver, model: str) -> None:
    """The model of a question comes back as it was sent."""
    found = [one.get("model", model) for one in _questions(driver, [text_item("Who? Me?")], model)]
    expect(model in found, f"{model} was sent, and the question has {found[0]!r}")


@clause("bedrock.question.model_of_its_own", basis=Basis.IMPLIED, source=f"{HISTORY}: model",
        models=st.lists(requests.models, min_size=2, max_size=3, unique=True), most=3)  # fmt: skip
def model_of_its_own(driver: BedrockDriver, models: list[str]) -> None:
    """Each message of a conversation keeps the model that it was sent with."""
    conversation = None
    sent = {}
    for model in models:
        asked = driver.ask("Who? Me?", conversation, model)
        conversation = asked.conversation
        driver.reply(asked)
        sent[asked.message] = model
    found = driver.message_map(conversation or "")
    for id, model in sent.items():
        now = found.get(id, {}).get("model", model)
        expect(now == model, f"{id} was sent with {model}, and has {now!r}")


@clause("bedrock.question.role", basis=Basis.IMPLIED, source=f"{HISTORY}: role, user or bot",
        text=requests.plain_questions, most=1)  # fmt: skip
def question_role(driver: BedrockDriver, text: str) -> None:
    """A question has the role user in the history."""
    sent = [text_item(f"{text} Tell me in a word.")]
    roles = [one.get("role", "user") for one in _questions(driver, sent)]
    expect("user" in roles, f"the question's role is {roles[0]!r}")


@clause("bedrock.question.has_the_id", basis=Basis.OBSERVED, source=f"{LIFE}: 1",
        text=requests.plain_questions, most=1)  # fmt: skip
def has_the_id(driver: BedrockDriver, text: str) -> None:
    """The messageId that a post returns is the question's in the history."""
    asked = driver.ask(text)
    driver.reply(asked)
    found = driver.message_map(asked.conversation).get(asked.message)
    expect(found is None or found.get("role", "user") == "user",
           f"{asked.message} is no question: {shortened(found)}")  # fmt: skip


@clause("bedrock.history.roles", basis=Basis.IMPLIED, source=f"{HISTORY}: role",
        text=requests.plain_questions, most=1)  # fmt: skip
def roles(driver: BedrockDriver, text: str) -> None:
    """Every message is the user's, the bot's or the system's."""
    asked = driver.answered(text)
    for id, message in driver.message_map(asked.conversation).items():
        role = message.get("role", "user")
        expect(role in ROLES, f"the role of {id} is {role!r}, none of {', '.join(ROLES)}")


@clause("bedrock.history.named", basis=Basis.IMPLIED, source=f"{HISTORY}: id",
        text=requests.plain_questions, most=1)  # fmt: skip
def named(driver: BedrockDriver, text: str) -> None:
    """A history has the id that it was asked for by."""
    asked = driver.answered(text)
    history = members_of(driver.must(driver.history(asked.conversation)))
    found = history.get("id", asked.conversation)
    expect(found == asked.conversation, f"id is {found!r}, not {asked.conversation!r}")


@clause("bedrock.history.last_message_named", basis=Basis.IMPLIED,
        source=f"{HISTORY}: lastMessageId",
        texts=st.lists(requests.plain_questions, min_size=1, max_size=3), most=2)  # fmt: skip
def last_message_named(driver: BedrockDriver, texts: list[str]) -> None:
    """lastMessageId names a message of the history."""

    def in_map(last: str, found: dict[str, Message]) -> None:
        expect(last in found, f"lastMessageId {last!r} is not among {', '.join(found)}")

    _judge_last(driver, texts, in_map)


@clause("bedrock.history.last_is_reply", basis=Basis.OBSERVED, source=f"{LIFE}: 4",
        texts=st.lists(requests.plain_questions, min_size=1, max_size=3), most=2)  # fmt: skip
def last_is_reply(driver: BedrockDriver, texts: list[str]) -> None:
    """lastMessageId is the id of the latest reply."""

    seen: set[str] = set()

    def is_reply(last: str, found: dict[str, Message]) -> None:
        role = found.get(last, {}).get("role", "assistant")
        latest = last not in seen and role in ("assistant", "bot")
        expect(latest, f"lastMessageId {last!r} is not the latest reply's")
        seen.update(found)

    _judge_last(driver, texts, is_reply)


Judge = Callable[[str, dict[str, Message]], None]


def _judge_last(driver: BedrockDriver, texts: list[str], judge: Judge) -> None:
    conversation = None
    for text in texts:
        asked = driver.ask(text, conversation)
        conversation = asked.conversation
        driver.reply(asked)
        history = driver.must(driver.history(conversation))
        last, found = members_of(history).get("lastMessageId"), map_in(history)
        if isinstance(last, str) and found:
            judge(last, found)


@clause("bedrock.history.readable_meanwhile", basis=Basis.IMPLIED, source=HISTORY,
        reads=st.integers(2, 5), most=4)  # fmt: skip
def readable_meanwhile(driver: BedrockDriver, reads: int) -> None:
    """While a message waits, its conversation is readable, with every earlier message in it."""
    conversation = driver.answered().conversation
    before = driver.message_map(conversation)
    driver.ask("Why?", conversation)
    for _ in range(reads):
        exchange = driver.history(conversation)
        expect(driver.accepted(exchange), f"not readable: {driver.describe(exchange)}")
        found = map_in(exchange) or before
        lost = ", ".join(id for id in before if id not in found)
        expect(not lost, f"while a message waits, {lost} is not in the history")
        driver.clock.sleep(0.03)


def _times(driver: BedrockDriver, text: str) -> tuple[Any, Any, str]:
    """Ask, and return createTime of the reply and of the history; None where it is missing."""
    asked = driver.ask(text)
    reply = members_of(driver.reply(asked)).get("createTime")
    history = members_of(driver.must(driver.history(asked.conversation))).get("createTime")
    return reply, history, asked.conversation


@clause("bedrock.time.number", basis=Basis.DOCUMENTED, source=f"{HISTORY}: createTime",
        text=requests.plain_questions, most=1)  # fmt: skip
def number(driver: BedrockDriver, text: str) -> None:
    """createTime is a number, neither true nor a string of digits."""
    for found in _times(driver, text)[:2]:
        expect(found is None or type(found) in (int, float), f"createTime is {found!r}")


@clause("bedrock.time.fixed", basis=Basis.IMPLIED, source=f"{HISTORY}: createTime")
def fixed(driver: BedrockDriver) -> None:
    """The createTime of a conversation never changes, not even when it goes on."""
    _, first, conversation = _times(driver, "Hello")
    driver.clock.sleep(1.1)
    driver.reply(driver.ask("Go on.", conversation))
    later = members_of(driver.must(driver.history(conversation))).get("createTime")
    expect(later == first, f"createTime was {first!r}, and is {later!r} later")


@clause("bedrock.time.repeated", basis=Basis.OBSERVED, source=f"{LIFE}: createTime",
        text=requests.plain_questions, most=1)  # fmt: skip
def repeated(driver: BedrockDriver, text: str) -> None:
    """The createTime of a reply is its conversation's."""
    reply, history, _ = _times(driver, text)
    if type(reply) in (int, float) and type(history) in (int, float):
        expect(reply == history, f"createTime is {reply!r}, and the conversation's {history!r}")


@clause("bedrock.time.milliseconds", basis=Basis.OBSERVED, source=f"{LIFE}: createTime",
        text=requests.plain_questions, most=1)  # fmt: skip
def milliseconds(driver: BedrockDriver, text: str) -> None:
    """createTime counts milliseconds since 1970."""
    # From 2020 to 2100: whatever the clock says, and no number of seconds or microseconds.
    for found in _times(driver, text)[:2]:
        if type(found) in (int, float):
            expect(1.577e12 < found < 4.102e12, f"createTime is {found!r}")


@clause("bedrock.history.bot_same", basis=Basis.OBSERVED, source=f"{LIFE}: botId")
def bot_same(driver: BedrockDriver) -> None:
    """Every conversation has the same botId, for one bot is published."""
    found = []
    for text in ("Hello", "Why?"):
        asked = driver.answered(text)
        found.append(members_of(driver.must(driver.history(asked.conversation))).get("botId"))
    expect(found[0] == found[1], f"botId is {found[0]!r} in one and {found[1]!r} in another")


@clause("bedrock.history.finished", basis=Basis.OBSERVED, source=f"{LIFE}: shouldContinue",
        text=requests.plain_questions, most=1)  # fmt: skip
def finished(driver: BedrockDriver, text: str) -> None:
    """After a reply that has come to its end shouldContinue is false."""
    asked = driver.answered(text)
    found = members_of(driver.must(driver.history(asked.conversation))).get("shouldContinue", False)
    expect(found is not True, f"shouldContinue is {found!r}")

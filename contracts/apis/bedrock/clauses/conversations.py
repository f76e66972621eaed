"""Which conversation a message belongs to."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ....model import Basis, clause, expect
from .. import requests
from ..driver import BedrockDriver, chat_input, items_of
from .posting import must_be_accepted

SOURCE = "Send chat message: conversationId"


@clause("bedrock.conversation.new", basis=Basis.DOCUMENTED, source=SOURCE,
        texts=st.lists(requests.plain_questions, min_size=2, max_size=4), null=st.booleans(),
        most=6)  # fmt: skip
def new(driver: BedrockDriver, texts: list[str], null: bool) -> None:
    """Each message without a conversationId starts a conversation that no other message is in."""
    more: dict[str, Any] = {"conversationId": None} if null else {}
    seen: list[str] = []
    for text in texts:
        conversation = driver.ask(text, **more).conversation
        expect(conversation not in seen, f"conversation {conversation} was started twice")
        seen.append(conversation)


@clause("bedrock.conversation.continued", basis=Basis.DOCUMENTED, source=SOURCE,
        texts=st.lists(requests.plain_questions, min_size=1, max_size=2), most=6)  # fmt: skip
def continued(driver: BedrockDriver, texts: list[str]) -> None:
    """A message with the conversationId of a conversation is accepted into that conversation."""
    conversation = driver.answered().conversation
    for text in texts:
        exchange = driver.post(chat_input(text, conversation))
        must_be_accepted(driver, exchange, "a message to a conversation that exists")
        found = exchange.members().get("conversationId", conversation)
        expect(found == conversation, f"{conversation} was sent, and {found!r} came back")
        driver.reply(driver.accept(exchange))


@clause(
    "bedrock.conversation.own_id",
    basis=Basis.OBSERVED,
    source="fact sheet, The asynchronous life of a message: 1",
    id=requests.own_ids,
    most=8,
)
def own_id(driver: BedrockDriver, id: str) -> None:
    """An id of the caller's own starts a conversation of that id."""
    exchange = driver.post(chat_input(conversation=id))
    must_be_accepted(driver, exchange, f"a message to {id!r}")
    found = exchange.members().get("conversationId")
    expect(found == id, f"{id!r} was sent, and {found!r} came back")


@clause(
    "bedrock.conversation.own_id_read_back",
    basis=Basis.OBSERVED,
    source="fact sheet, Errors: ids in paths are decoded once",
    id=requests.own_ids,
    most=8,
)
def own_id_read_back(driver: BedrockDriver, id: str) -> None:
    """A conversation with an id of the caller's own is read under that id, whatever it holds."""
    asked = driver.ask(conversation=id)
    answer = driver.wait(asked, driver.patience)[-1]
    expect(driver.accepted(answer), f"no reply in {id!r}: {driver.describe(answer)}")
    exchange = driver.history(id)
    expect(driver.accepted(exchange), f"no history of {id!r}: {driver.describe(exchange)}")


@clause("bedrock.conversation.apart", basis=Basis.IMPLIED, source=SOURCE,
        order=st.lists(st.integers(0, 2), min_size=3, max_size=5), most=4)  # fmt: skip
def apart(driver: BedrockDriver, order: list[int]) -> None:
    """What is posted to one conversation is in no other."""
    first = [driver.ask(f"conversation {place}, message 0") for place in range(3)]
    for asked in first:
        driver.reply(asked)
    for number, place in enumerate(order, 1):
        text = f"conversation {place}, message {number}"
        driver.reply(driver.ask(text, first[place].conversation))
    for place, asked in enumerate(first):
        for message in driver.message_map(asked.conversation).values():
            for item in items_of(message) if message.get("role") == "user" else ():
                mine = str(item.get("body", "")).startswith(f"conversation {place},")
                expect(mine, f"conversation {place} has a message of another: {item.get('body')!r}")

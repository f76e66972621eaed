"""Which conversation a message belongs to."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ....model import Basis, clause, expect
from .. import requests
from ..driver import Asked, BedrockDriver, chat_input, items_of
from .posting import must_be_accepted
from .reply import must_be_answered

SOURCE = "Send chat message: conversationId"
LIFE = "fact sheet, The asynchronous life of a message"


@clause("bedrock.conversation.new", basis=Basis.DOCUMENTED, source=SOURCE,
        texts=st.lists(requests.plain_questions, min_size=2, max_size=4), null=st.booleans(),
        most=1, examples=({"texts": ["Why?"] * 2, "null": True},
                          {"texts": ["Why?"] * 2, "null": False}))  # fmt: skip
def new(driver: BedrockDriver, texts: list[str], null: bool) -> None:
    """Each message without a conversationId starts a conversation that no other message is in."""
    more: dict[str, Any] = {"conversationId": None} if null else {}
    seen: list[str] = []
    for text in texts:
        conversation = driver.ask(text, **more).conversation
        expect(conversation not in seen, f"conversation {conversation} was started twice")
        seen.append(conversation)


@clause("bedrock.conversation.continued", basis=Basis.DOCUMENTED, source=SOURCE,
        texts=st.lists(requests.plain_questions, min_size=1, max_size=2), most=2)  # fmt: skip
def continued(driver: BedrockDriver, texts: list[str]) -> None:
    """A message with the conversationId of a conversation is accepted into that conversation."""
    conversation = driver.answered().conversation
    for text in texts:
        exchange = driver.post(chat_input(text, conversation))
        must_be_accepted(driver, exchange, "a message to a conversation that exists")
        found = exchange.members().get("conversationId", conversation)
        expect(found == conversation, f"{conversation} was sent, and {found!r} came back")
        driver.reply(driver.accept(exchange))


@clause("bedrock.conversation.kept", basis=Basis.DOCUMENTED, source=SOURCE,
        id=requests.own_ids, most=8)  # fmt: skip
def kept(driver: BedrockDriver, id: str) -> None:
    """A conversationId that is accepted is the one that comes back."""
    found = (
        driver.must(driver.post(chat_input(conversation=id))).members().get("conversationId", id)
    )
    expect(found == id, f"{id!r} was sent, and {found!r} came back")


@clause("bedrock.conversation.own_id", basis=Basis.OBSERVED, source=f"{LIFE}: 1",
        id=requests.own_ids, most=8)  # fmt: skip
def own_id(driver: BedrockDriver, id: str) -> None:
    """An id of the caller's own starts a conversation."""
    must_be_accepted(driver, driver.post(chat_input(conversation=id)), f"a message to {id!r}")


@clause("bedrock.conversation.own_id_read_back", basis=Basis.OBSERVED,
        source="fact sheet, Errors: ids in paths are decoded once",
        id=requests.own_ids, most=8)  # fmt: skip
def own_id_read_back(driver: BedrockDriver, id: str) -> None:
    """A conversation with an id of the caller's own is read under that id, whatever it holds."""
    asked = _own(driver, id)
    answer = driver.wait(asked, driver.patience, early=False)[-1]
    expect(driver.accepted(answer), f"no reply in {id!r}: {driver.describe(answer)}")


@clause("bedrock.conversation.own_id_continued", basis=Basis.IMPLIED, source=SOURCE)
def own_id_continued(driver: BedrockDriver) -> None:
    """Where an id of the caller's own is accepted and answered, so is the next message to it."""
    first = [_own(driver, id) for id in ("plain", "a b", "a#b", "é?=1", "%41")]
    for asked in first:
        driver.reply(asked)
    ids = [asked.conversation for asked in first]
    must_be_answered(driver, {f"the second to {id!r}": driver.ask("Why?", id) for id in ids})


def _own(driver: BedrockDriver, id: str) -> Asked:
    """Start a conversation with an id that nobody had before, on a server that answers others."""
    plain = driver.answered()
    return driver.ask(conversation=f"{id} {plain.message}")


@clause("bedrock.conversation.apart", basis=Basis.IMPLIED, source=SOURCE,
        order=st.permutations([0, 1, 2, 0]), most=1)  # fmt: skip
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
                text = str(item.get("body"))
                mine = text.startswith(f"conversation {place},")
                ours = text.startswith("conversation ")
                expect(mine or not ours, f"conversation {place} has a message of another: {text!r}")

"""What does not exist is answered with 404, whatever it is called."""

from __future__ import annotations

from hypothesis import strategies as st

from ....model import Basis, Exchange, clause, expect
from .. import requests
from ..driver import BedrockDriver, members_of, message_in

CONVERSATION = "Get a conversation history: if the conversation does not exist"
MESSAGE = "Get specified message in a conversation: if the message does not exist"


def must_be_404(driver: BedrockDriver, exchange: Exchange, what: str) -> None:
    """Raise Broken where what does not exist is not answered with 404."""
    expect(exchange.status == 404, f"{what} does not exist: {driver.describe(exchange)}")


@clause(
    "bedrock.conversation.unknown",
    basis=Basis.DOCUMENTED,
    source=CONVERSATION,
    id=requests.unmade_ids(),
    examples=tuple({"id": text * 9} for text in requests.ODD[:8]),
)
def conversation(driver: BedrockDriver, id: str) -> None:
    """The history of a conversation that does not exist is answered with 404."""
    must_be_404(driver, driver.get("conversation", id), f"conversation {id!r}")


@clause("bedrock.message.unknown_conversation", basis=Basis.DOCUMENTED, source=MESSAGE,
        id=requests.unmade_ids(), message=requests.unmade_message_ids)  # fmt: skip
def unknown_conversation(driver: BedrockDriver, id: str, message: str) -> None:
    """A message of a conversation that does not exist is answered with 404."""
    must_be_404(driver, driver.get("conversation", id, message), f"conversation {id!r}")


@clause("bedrock.message.unknown", basis=Basis.DOCUMENTED, source=MESSAGE,
        ids=st.lists(requests.unmade_message_ids, min_size=4, max_size=8), most=5,
        examples=({"ids": list(requests.ODD)},))  # fmt: skip
def message(driver: BedrockDriver, ids: list[str]) -> None:
    """A message that does not exist is answered with 404 in a conversation that does."""
    asked = driver.answered()
    for id in ids:
        must_be_404(driver, driver.get("conversation", asked.conversation, id), f"message {id!r}")


@clause("bedrock.message.near_miss", basis=Basis.DOCUMENTED, source=MESSAGE)
def near_miss(driver: BedrockDriver) -> None:
    """A message id that is cut short or lengthened is no message's, and answered with 404."""
    asked = driver.answered()
    for id in (asked.message[:-1], f"{asked.message}0", f"{asked.message} ", f" {asked.message}"):
        if id:
            exchange = driver.get("conversation", asked.conversation, id)
            must_be_404(driver, exchange, f"message {id!r}")


@clause("bedrock.message.another_conversation", basis=Basis.IMPLIED, source=MESSAGE)
def another_conversation(driver: BedrockDriver) -> None:
    """A message of another conversation is answered with 404."""
    here, there = driver.ask("here"), driver.ask("there")
    driver.reply(here)
    driver.reply(there)
    exchange = driver.get("conversation", here.conversation, there.message)
    must_be_404(driver, exchange, f"in {here.conversation} message {there.message}")


def _last_reply(driver: BedrockDriver, conversation: str) -> str:
    """Return the id of the last message, which has to be a reply."""
    last = members_of(driver.must(driver.history(conversation))).get("lastMessageId")
    found = driver.message_map(conversation).get(str(last), {})
    if found.get("role") not in ("assistant", "bot"):
        driver.miss(f"lastMessageId {last!r} is no reply's")
    return str(last)


@clause("bedrock.message.reply_by_its_own_id", basis=Basis.IMPLIED,
        source=f"{MESSAGE}; no document has a place for a server error")  # fmt: skip
def reply_by_its_own_id(driver: BedrockDriver) -> None:
    """Asking for a reply by its own id never makes the server fail."""
    asked = driver.answered()
    last = _last_reply(driver, asked.conversation)
    exchange = driver.get("conversation", asked.conversation, last)
    expect(exchange.response is not None and exchange.status < 500,
           f"a server error for the reply's own id: {driver.describe(exchange)}")  # fmt: skip


@clause("bedrock.message.reply_gives_no_question", basis=Basis.IMPLIED, source=MESSAGE)
def reply_gives_no_question(driver: BedrockDriver) -> None:
    """Asked for by the id of a reply, no question is returned."""
    asked = driver.answered()
    earlier = _last_reply(driver, asked.conversation)
    driver.reply(driver.ask("Why?", asked.conversation))
    _must_be_no_question(driver, asked.conversation, earlier, "a reply's")


@clause("bedrock.message.root_gives_no_question", basis=Basis.IMPLIED, source=MESSAGE)
def root_gives_no_question(driver: BedrockDriver) -> None:
    """Asked for by the id of the root, no question is returned."""
    asked = driver.answered()
    messages = driver.message_map(asked.conversation)
    roots = [id for id, message in messages.items() if message.get("role") == "system"]
    if not roots:
        driver.miss("no message has the role system")
    _must_be_no_question(driver, asked.conversation, roots[0], "the root's")


def _must_be_no_question(driver: BedrockDriver, conversation: str, id: str, whose: str) -> None:
    role = message_in(driver.get("conversation", conversation, id)).get("role")
    expect(role != "user", f"{id} is {whose} id, and a message of the role user came back")

"""Two callers: what one has is not the other's."""

from __future__ import annotations

from ....model import Basis, clause, expect
from ..driver import BedrockDriver, chat_input, items_of
from .invalid import must_not_be_there

OTHER = ("other_api_key",)
SOURCE = "publication guide: each key is a caller's own"


def let_in(driver: BedrockDriver) -> BedrockDriver:
    """Return the other caller, who has to be let in for the case at hand to apply."""
    other = driver.as_other()
    assert isinstance(other, BedrockDriver)
    driver.must(other.post(chat_input()))
    return other


@clause("bedrock.caller.history_apart", basis=Basis.IMPLIED, source=SOURCE, needs=OTHER)
def history_apart(driver: BedrockDriver) -> None:
    """Another caller does not get the history of a conversation."""
    other = let_in(driver)
    asked = driver.answered("A secret.")
    exchange = other.get("conversation", asked.conversation)
    expect(not other.accepted(exchange), f"another caller reads conversation {asked.conversation}")


@clause("bedrock.caller.message_apart", basis=Basis.IMPLIED, source=SOURCE, needs=OTHER)
def message_apart(driver: BedrockDriver) -> None:
    """Another caller does not get a message of a conversation."""
    other = let_in(driver)
    asked = driver.answered("A secret.")
    exchange = other.get("conversation", asked.conversation, asked.message)
    expect(not other.accepted(exchange), f"another caller reads message {asked.message}")


@clause("bedrock.caller.not_continued", basis=Basis.IMPLIED, source=SOURCE, needs=OTHER)
def not_continued(driver: BedrockDriver) -> None:
    """What another caller posts to a conversation is never in it."""
    other = let_in(driver)
    conversation = driver.answered().conversation
    text = "Posted by somebody else."
    exchange = other.post(chat_input(text, conversation))
    if other.accepted(exchange):
        other.wait(other.accept(exchange), other.patience, early=False)
    must_not_be_there(driver, conversation, text)


@clause("bedrock.caller.nothing_shown", basis=Basis.IMPLIED, source=SOURCE, needs=OTHER)
def nothing_shown(driver: BedrockDriver) -> None:
    """Another caller who posts to a conversation sees nothing of it."""
    other = let_in(driver)
    secret = "A secret that is told once."
    asked = driver.answered(secret)
    exchange = other.post(chat_input("Go on.", asked.conversation))
    if not other.accepted(exchange):
        return
    theirs = other.accept(exchange)
    if not other.accepted(other.wait(theirs, other.patience, early=False)[-1]):
        return
    for message in other.message_map(theirs.conversation).values():
        for item in items_of(message):
            expect(item.get("body") != secret, "another caller reads what was told in confidence")

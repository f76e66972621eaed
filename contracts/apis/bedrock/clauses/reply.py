"""The life of a message: not there, then there in one step, and from then on the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from ....model import Basis, Clause, Exchange, clause, expect, shortened
from .. import requests
from ..driver import (
    PATIENCE,
    Asked,
    BedrockDriver,
    Content,
    chat_input,
    ids_in,
    items_of,
    lasting,
    map_in,
    members_of,
    message_in,
    text_item,
)
from .posting import KINDS

LIFE = "fact sheet, The asynchronous life of a message"
MESSAGE = "Get specified message in a conversation"


def _must_all_come(driver: BedrockDriver, bodies: Mapping[str, dict[str, Any]]) -> None:
    """Post every body that is accepted, wait for all replies at once, and name who has none."""
    exchanges = {name: driver.post(body) for name, body in bodies.items()}
    asked = {name: driver.accept(e) for name, e in exchanges.items() if driver.accepted(e)}
    if not asked:
        driver.must(next(iter(exchanges.values())))
    must_be_answered(driver, asked)


def must_be_answered(driver: BedrockDriver, asked: Mapping[str, Asked]) -> None:
    """Wait for the replies to all messages at once, and raise Broken where one never comes."""
    left = driver.unanswered(asked.values())
    names = ", ".join(name for name, one in asked.items() if one in left)
    expect(not left, f"accepted, and not answered within {PATIENCE:g} s: {names}")


@clause("bedrock.reply.comes_from_every_model", basis=Basis.IMPLIED, source=MESSAGE)
def comes_from_every_model(driver: BedrockDriver) -> None:
    """A message for any documented model is answered in the end."""
    _must_all_come(driver, {model: chat_input(model=model) for model in requests.MODELS})


@clause("bedrock.reply.comes_to_every_content", basis=Basis.IMPLIED, source=MESSAGE)
def comes_to_every_content(driver: BedrockDriver) -> None:
    """A message with content of any documented type is answered in the end."""
    _must_all_come(driver, {kind: chat_input(content) for kind, content in KINDS.items()})


TEXTS = (
    "'Quoted' \"twice\"",
    " two\nlines ",
    "👩🏽‍🔬 中文 e\u0301",
    "{{a}} %s %20 <b>",
    "\u202eright to left",
)


@clause("bedrock.reply.comes_to_any_text", basis=Basis.IMPLIED, source=MESSAGE)
def comes_to_any_text(driver: BedrockDriver) -> None:
    """A text is answered in the end, whatever its characters."""
    _must_all_come(driver, {repr(text): chat_input(text) for text in TEXTS})


@clause("bedrock.reply.comes_in_a_conversation", basis=Basis.IMPLIED, source=MESSAGE)
def comes_in_a_conversation(driver: BedrockDriver) -> None:
    """Later messages of a conversation are answered as the first was."""
    conversation = driver.answered().conversation
    for text in ("second", "third"):
        must_be_answered(driver, {f"the {text} message": driver.ask(text, conversation)})


@clause("bedrock.reply.comes_to_each_of_many", basis=Basis.IMPLIED, source=MESSAGE)
def comes_to_each_of_many(driver: BedrockDriver) -> None:
    """Messages that one conversation accepts before it has answered any are all answered."""
    conversation = driver.answered().conversation
    _must_all_come(driver, {f"message {n} of 4": chat_input(f"message {n}", conversation)
                            for n in range(1, 5)})  # fmt: skip


def _bare(item: Mapping[str, Any], field: str) -> Content:
    return [{name: value for name, value in item.items() if name != field}, text_item("Look")]


ODD_IMAGE = {**requests.IMAGE, "mediaType": "nonsense"}
ODD_BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "empty_content": ("without content", chat_input([])),
    "image_without_media_type": ("with an image and no mediaType",
                                 chat_input(_bare(requests.IMAGE, "mediaType"))),
    "attachment_without_file_name": ("with an attachment and no fileName",
                                     chat_input(_bare(requests.ATTACHMENT, "fileName"))),
    "image_of_odd_media_type": ("with an image of a mediaType that nobody knows",
                                chat_input([ODD_IMAGE, text_item("Look")])),
    "long_conversation_id": ("with a conversationId of 1,100 characters",
                             chat_input(conversation="counterfoil" * 100)),
    "continue_generate": ("with continueGenerate", chat_input(continueGenerate=True)),
}  # fmt: skip


def _answered_if_accepted(rule: str, what: str, body: dict[str, Any]) -> Clause:
    def answered_if_accepted(driver: BedrockDriver) -> None:
        _must_all_come(driver, {f"a message {what}": body})

    answered_if_accepted.__doc__ = f"A message {what} is answered in the end, if it is accepted."
    return clause(f"bedrock.reply.comes_if_accepted_{rule}", basis=Basis.IMPLIED,
                  source=MESSAGE)(answered_if_accepted)  # fmt: skip


IF_ACCEPTED = [_answered_if_accepted(rule, *odd) for rule, odd in ODD_BODIES.items()]


@clause("bedrock.reply.pending", basis=Basis.DOCUMENTED,
        source=f"{MESSAGE}: if the message does not exist", known=st.booleans(), most=4,
        examples=({"known": False}, {"known": True}))  # fmt: skip
def pending(driver: BedrockDriver, known: bool) -> None:
    """Until a message is there it is answered with 404 and nothing else, and then with 200."""
    asked = driver.ask("Go on.", driver.answered().conversation if known else None)
    for answer in driver.wait(asked, driver.patience):
        found = driver.describe(answer)
        expect(answer.status in (200, 404), f"neither there nor not there: {found}")


@clause("bedrock.reply.stays", basis=Basis.IMPLIED, source=MESSAGE,
        pauses=st.lists(st.sampled_from([0.0, 0.05, 0.3]), min_size=4, max_size=8), most=2,
        examples=({"pauses": [0.0] * 12},))  # fmt: skip
def stays(driver: BedrockDriver, pauses: list[float]) -> None:
    """Once a message is there it is there for ever."""
    asked = driver.answered()
    for number, pause in enumerate(pauses, 1):
        driver.clock.sleep(pause)
        again = driver.message(asked)
        expect(driver.accepted(again), f"gone at read {number}: {driver.describe(again)}")
    driver.reply(driver.ask("Go on.", asked.conversation))
    later = driver.message(asked)
    expect(driver.accepted(later), f"gone after the next message: {driver.describe(later)}")


@clause("bedrock.reply.same", basis=Basis.IMPLIED, source=MESSAGE, text=requests.questions,
        reads=st.integers(2, 8), most=4)  # fmt: skip
def same(driver: BedrockDriver, text: str, reads: int) -> None:
    """A message is the same whenever it is read, before and after the next one."""
    asked = driver.ask(text)
    first = lasting(message_in(driver.reply(asked)))
    for _ in range(reads):
        driver.clock.sleep(0.05)
        _must_equal(first, message_in(driver.must(driver.message(asked))))
    driver.reply(driver.ask("Go on.", asked.conversation))
    _must_equal(first, message_in(driver.must(driver.message(asked))))


def _must_equal(first: dict[str, Any], message: Mapping[str, Any]) -> None:
    now = lasting(message)
    for name, value in first.items():
        expect(now[name] == value,
               f"{name} was {shortened(value)}, and later {shortened(now[name])}")  # fmt: skip


@clause("bedrock.reply.conversation_named", basis=Basis.IMPLIED,
        source=f"{MESSAGE}: conversationId", text=requests.plain_questions, most=1)  # fmt: skip
def conversation_named(driver: BedrockDriver, text: str) -> None:
    """A message is returned with the id of the conversation that it was asked for in."""
    asked = driver.ask(text)
    found = members_of(driver.reply(asked)).get("conversationId", asked.conversation)
    expect(found == asked.conversation, f"conversationId is {found!r}, not {asked.conversation!r}")


@clause("bedrock.reply.says_something", basis=Basis.IMPLIED, source=MESSAGE,
        text=requests.plain_questions, most=1)  # fmt: skip
def says_something(driver: BedrockDriver, text: str) -> None:
    """The answer to a plain question has a text that is not blank."""
    message = message_in(driver.reply(driver.ask(text)))
    if "content" in message:
        bodies = [item.get("body", "?") for item in items_of(message)]
        expect(any(str(body).strip() for body in bodies), f"the reply is blank: {bodies}")


@clause("bedrock.reply.in_history", basis=Basis.IMPLIED, source="Get a conversation history",
        text=requests.questions, most=5)  # fmt: skip
def in_history(driver: BedrockDriver, text: str) -> None:
    """The message that is returned is in the history too, with the same content."""
    asked = driver.ask(text)
    content = message_in(driver.reply(asked)).get("content")
    found = [one.get("content") for one in driver.message_map(asked.conversation).values()]
    told = f"no message of the history has {shortened(content)}"
    expect(content is None or content in found, told)


@clause("bedrock.reply.one_for_each", basis=Basis.IMPLIED, source=MESSAGE)
def one_for_each(driver: BedrockDriver) -> None:
    """Two messages of a conversation are not answered with one and the same."""
    first = driver.answered("How many legs has a spider?")
    second = driver.ask("And an ant?", first.conversation)
    later = message_in(driver.reply(second))
    earlier = message_in(driver.must(driver.message(first)))
    alike = "parent" in later and later == earlier
    expect(not alike, f"{first.message} and {second.message} give the same: {shortened(later)}")


@clause("bedrock.reply.is_child", basis=Basis.OBSERVED, source=f"{LIFE}: 4",
        texts=st.lists(requests.plain_questions, min_size=1, max_size=3), most=2)  # fmt: skip
def is_child(driver: BedrockDriver, texts: list[str]) -> None:
    """The first child of a question in the history is its reply."""
    conversation = None
    for text in texts:
        asked = driver.ask(text, conversation)
        conversation = asked.conversation
        driver.reply(asked)
        found = driver.message_map(conversation)
        children = ids_in(found.get(asked.message, {}).get("children"))
        expect(children, f"{asked.message} has no children")
        role = found.get(children[0], {}).get("role", "assistant")
        told = f"the role of {children[0]}, the child of {asked.message}, is {role!r}"
        expect(role not in ("user", "system"), told)


@clause("bedrock.reply.parent", basis=Basis.OBSERVED, source=f"{LIFE}: 4",
        texts=st.lists(requests.plain_questions, min_size=1, max_size=3), most=2)  # fmt: skip
def parent(driver: BedrockDriver, texts: list[str]) -> None:
    """The reply that is returned has the id asked for as its parent."""
    conversation = None
    for text in texts:
        asked = driver.ask(text, conversation)
        conversation = asked.conversation
        found = message_in(driver.reply(asked)).get("parent", asked.message)
        expect(found == asked.message, f"parent is {found!r}, not {asked.message!r}")


@clause("bedrock.reply.role", basis=Basis.OBSERVED, source=LIFE,
        text=requests.plain_questions, most=1)  # fmt: skip
def role(driver: BedrockDriver, text: str) -> None:
    """The reply has the role assistant."""
    found = message_in(driver.reply(driver.ask(text))).get("role", "assistant")
    expect(found == "assistant", f"the reply's role is {found!r}")


@clause("bedrock.reply.model", basis=Basis.OBSERVED, source=LIFE,
        model=requests.models, most=4)  # fmt: skip
def model(driver: BedrockDriver, model: str) -> None:
    """The reply has the model that the question was sent with."""
    found = message_in(driver.reply(driver.ask(model=model))).get("model", model)
    expect(found == model, f"{model} was asked, and the reply has model {found!r}")


@clause("bedrock.reply.in_one_step", basis=Basis.OBSERVED, source=f"{LIFE}: 2, 3",
        known=st.booleans(), most=2, examples=({"known": False}, {"known": True}))  # fmt: skip
def in_one_step(driver: BedrockDriver, known: bool) -> None:
    """Question and reply appear in the history together: there is nothing or both to be seen."""
    asked = driver.ask("Why?", driver.answered().conversation if known else None)
    found = map_in(_histories(driver, asked)[-1])
    if asked.message not in found:
        driver.miss(f"message {asked.message} was never in the history")
    replies = [one for one in found.values() if one.get("parent") == asked.message]
    expect(replies, f"{asked.message} was in the history before its reply")


@clause("bedrock.reply.old_state_until_then", basis=Basis.OBSERVED, source=f"{LIFE}: 2",
        text=requests.plain_questions, most=1)  # fmt: skip
def old_state_until_then(driver: BedrockDriver, text: str) -> None:
    """While a message waits, its conversation shows its old state."""
    conversation = driver.answered().conversation
    before = members_of(driver.must(driver.history(conversation)))
    asked = driver.ask(text, conversation)
    for answer in _histories(driver, asked):
        now = members_of(answer)
        if driver.accepted(answer) and asked.message not in map_in(answer):
            for name in ("messageMap", "lastMessageId"):
                alike = now.get(name, before.get(name)) == before.get(name)
                expect(alike, f"{asked.message} is not there yet, and {name} has changed")


def _histories(driver: BedrockDriver, asked: Asked) -> list[Exchange]:
    """Fetch the history until the message is in it."""
    return driver.eventually(
        lambda: driver.history(asked.conversation),
        lambda answer: asked.message in map_in(answer),
        driver.patience,
    )

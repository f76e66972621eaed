"""What may be posted, and what comes back at once: ids, and no more."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ....model import Basis, Exchange, clause, expect
from .. import requests
from ..driver import BedrockDriver, Content, chat_input, map_in, members_of, text_item

POST = "Send chat message"
IDS = ("conversationId", "messageId")
KINDS: dict[str, Content] = {
    "a text": [text_item("Hello")],
    "several texts": [text_item("Hello"), text_item("What is a counterfoil?")],
    "an image": [requests.IMAGE, text_item("What does this show?")],
    "an attachment": [requests.ATTACHMENT, text_item("Sum this up.")],
}


def must_be_accepted(driver: BedrockDriver, exchange: Exchange, what: str) -> None:
    """Raise Broken where a message was turned down."""
    expect(driver.accepted(exchange), f"{what} was turned down: {driver.describe(exchange)}")


@clause("bedrock.post.models", basis=Basis.DOCUMENTED, source=f"{POST}: model",
        model=requests.models, most=1,
        examples=tuple({"model": model} for model in requests.MODELS))  # fmt: skip
def models(driver: BedrockDriver, model: str) -> None:
    """A message for any model of the document is accepted."""
    must_be_accepted(driver, driver.post(chat_input(model=model)), f"a message for {model}")


@clause("bedrock.post.content_types", basis=Basis.DOCUMENTED, source=f"{POST}: contentType",
        kind=st.sampled_from(sorted(KINDS)), most=1,
        examples=tuple({"kind": kind} for kind in KINDS))  # fmt: skip
def content_types(driver: BedrockDriver, kind: str) -> None:
    """Content of any documented type is accepted."""
    must_be_accepted(driver, driver.post(chat_input(KINDS[kind])), kind)


@clause("bedrock.post.any_text", basis=Basis.DOCUMENTED, source=f"{POST}: body",
        text=requests.questions)  # fmt: skip
def any_text(driver: BedrockDriver, text: str) -> None:
    """A text is accepted whatever its characters."""
    must_be_accepted(driver, driver.post(chat_input(text)), f"the text {text!r}")


NULLS: dict[str, dict[str, Any]] = {
    "conversationId null": chat_input() | {"conversationId": None},
    "continueGenerate false": chat_input() | {"continueGenerate": False},
    "mediaType null": chat_input([{**text_item("Hello"), "mediaType": None}]),
    "fileName null": chat_input([{**text_item("Hello"), "fileName": None}]),
}


@clause("bedrock.post.optional_fields", basis=Basis.DOCUMENTED, source=POST,
        field=st.sampled_from(sorted(NULLS)), most=1,
        examples=tuple({"field": field} for field in NULLS))  # fmt: skip
def optional_fields(driver: BedrockDriver, field: str) -> None:
    """A message that spells an optional field out as its default is accepted."""
    must_be_accepted(driver, driver.post(NULLS[field]), f"a message with {field}")


EXTRA: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["foo", "user", "stream", "temperature", "", "é", "x-y"]),
    st.sampled_from([True, 5, "text", [], {"a": [1]}]), min_size=1, max_size=3,
)  # fmt: skip


@clause("bedrock.post.extra_fields", basis=Basis.OBSERVED,
        source="fact sheet, Errors: also accepted", extra=EXTRA,
        where=st.sampled_from(["body", "message", "content"]), most=8)  # fmt: skip
def extra_fields(driver: BedrockDriver, extra: dict[str, Any], where: str) -> None:
    """Fields that the document does not know do no harm."""
    body = chat_input()
    places = {"body": body, "message": body["message"], "content": body["message"]["content"][0]}
    places[where].update(extra)
    must_be_accepted(driver, driver.post(body), f"a message with {sorted(extra)} in its {where}")


@clause("bedrock.post.complete", basis=Basis.DOCUMENTED, source=f"{POST}: response",
        text=requests.plain_questions, most=1)  # fmt: skip
def complete(driver: BedrockDriver, text: str) -> None:
    """An accepted message is answered with conversationId and messageId."""
    members = driver.must(driver.post(chat_input(text))).members()
    for name in IDS:
        expect(name in members, f"{name} is missing in {dict(members)}")


@clause("bedrock.post.typed", basis=Basis.DOCUMENTED, source=f"{POST}: response",
        text=requests.plain_questions, most=1)  # fmt: skip
def typed(driver: BedrockDriver, text: str) -> None:
    """conversationId and messageId are strings."""
    members = driver.must(driver.post(chat_input(text))).members()
    for name in IDS:
        found = members.get(name, "")
        expect(isinstance(found, str), f"{name} is not a string: {found!r}")


@clause("bedrock.post.ids_not_empty", basis=Basis.IMPLIED, source=f"{POST}: response",
        text=requests.plain_questions, most=1)  # fmt: skip
def ids_not_empty(driver: BedrockDriver, text: str) -> None:
    """No id is empty, for nothing could be fetched by it."""
    members = members_of(driver.must(driver.post(chat_input(text))))
    for name in IDS:
        expect(members.get(name, "x") not in ("", None), f"{name} is {members.get(name)!r}")


@clause("bedrock.post.ids_unique", basis=Basis.IMPLIED, source=f"{POST}: messageId",
        texts=st.lists(requests.plain_questions, min_size=3, max_size=4), same=st.booleans(),
        most=1, examples=({"texts": ["Why?"] * 3, "same": True},
                          {"texts": ["Why?"] * 3, "same": False}))  # fmt: skip
def ids_unique(driver: BedrockDriver, texts: list[str], same: bool) -> None:
    """Every message has an id of its own, within a conversation and beyond it."""
    first = driver.answered() if same else driver.ask()
    seen = [first.message]
    for text in texts:
        asked = driver.ask(text, first.conversation if same else None)
        expect(asked.message not in seen, f"messageId {asked.message} was given out twice")
        seen.append(asked.message)


@clause("bedrock.post.message_in_history", basis=Basis.IMPLIED, source=f"{POST}: messageId",
        known=st.booleans(), most=2, examples=({"known": False}, {"known": True}))  # fmt: skip
def message_in_history(driver: BedrockDriver, known: bool) -> None:
    """As soon as a message is answered its messageId is in the history of its conversation."""
    asked = driver.answered()
    if known:
        asked = driver.ask("Go on.", asked.conversation)
        driver.reply(asked)
    exchange = driver.history(asked.conversation)
    told = f"{asked.message} is answered, and there is no history: {driver.describe(exchange)}"
    expect(driver.accepted(exchange), told)
    found = map_in(exchange)
    expect(asked.message in found or not found, f"{asked.message} is not among {', '.join(found)}")

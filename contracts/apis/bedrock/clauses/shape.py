"""The fields of what is fetched, their JSON types, and how answers are labelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from ....hostile import TRACES
from ....model import Basis, Exchange, clause, expect, shortened
from .. import requests
from ..driver import BedrockDriver, chat_input, map_in, members_of, message_in, text_item

HISTORY = "Get a conversation history"
MESSAGE = "Get specified message in a conversation"

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _object(**fields: Check) -> Check:
    return lambda value: isinstance(value, dict) and not _wrong(value, fields)


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _integer(value: Any) -> bool:
    return type(value) is int


ITEM = {
    "contentType": _text,
    "mediaType": _or_null(_text),
    "fileName": _or_null(_text),
    "body": _text,
}
MESSAGE_FIELDS: dict[str, Check] = {
    "role": _text,
    "content": _list_of(_object(**ITEM)),
    "model": _text,
    "children": _list_of(_text),
    "feedback": _or_null(_object(thumbsUp=_boolean, category=_text, comment=_text)),
    "usedChunks": _or_null(
        _list_of(_object(content=_text, contentType=_text, source=_text, rank=_integer))
    ),
    "parent": _or_null(_text),
    "thinkingLog": _or_null(
        _list_of(_object(role=_text, content=_list_of(_object(contentType=_text))))
    ),
}
CONVERSATION_FIELDS: dict[str, Check] = {
    "id": _text,
    "title": _text,
    "createTime": _number,
    "messageMap": lambda value: isinstance(value, dict),
    "lastMessageId": _text,
    "botId": _or_null(_text),
    "shouldContinue": _boolean,
}
OUTPUT_FIELDS: dict[str, Check] = {
    "conversationId": _text,
    "message": lambda value: isinstance(value, dict),
    "createTime": _number,
}


def _wrong(found: Mapping[str, Any], fields: Mapping[str, Check]) -> list[str]:
    """Return the fields that are there and have another type than they should."""
    return [name for name, check in fields.items() if name in found and not check(found[name])]


def _must_have(what: str, found: Mapping[str, Any], fields: Mapping[str, Check]) -> None:
    for name in fields:
        expect(name in found, f"{what} has no {name}")


def _must_be_typed(what: str, found: Mapping[str, Any], fields: Mapping[str, Check]) -> None:
    for name in _wrong(found, fields):
        expect(False, f"the {name} of {what} has the wrong type: {shortened(found[name])}")


SENT = [[text_item("Hello")], [requests.IMAGE, requests.ATTACHMENT, text_item("Look")]]
sent: Any = st.sampled_from(SENT)


def _history(driver: BedrockDriver, content: Any) -> Exchange:
    asked = driver.ask(content)
    driver.reply(asked)
    return driver.must(driver.history(asked.conversation))


@clause("bedrock.history.complete", basis=Basis.DOCUMENTED, source=HISTORY, content=sent, most=2)
def history_complete(driver: BedrockDriver, content: Any) -> None:
    """A history has every field that the document requires."""
    _must_have("the conversation", _history(driver, content).members(), CONVERSATION_FIELDS)


@clause("bedrock.history.typed", basis=Basis.DOCUMENTED, source=HISTORY, content=sent, most=2)
def history_typed(driver: BedrockDriver, content: Any) -> None:
    """The fields of a history have the types that the document gives them."""
    _must_be_typed("the conversation", _history(driver, content).members(), CONVERSATION_FIELDS)


@clause("bedrock.history.messages_complete", basis=Basis.DOCUMENTED,
        source=f"{HISTORY}: messageMap", content=sent, most=2)  # fmt: skip
def messages_complete(driver: BedrockDriver, content: Any) -> None:
    """Every message of a history has every field that the document requires."""
    for id, message in map_in(_history(driver, content)).items():
        _must_have(f"message {id}", message, MESSAGE_FIELDS)


@clause("bedrock.history.messages_typed", basis=Basis.DOCUMENTED, source=f"{HISTORY}: messageMap",
        content=sent, most=2)  # fmt: skip
def messages_typed(driver: BedrockDriver, content: Any) -> None:
    """The fields of every message of a history have the types that the document gives them."""
    for id, message in map_in(_history(driver, content)).items():
        _must_be_typed(f"message {id}", message, MESSAGE_FIELDS)


@clause("bedrock.reply.complete", basis=Basis.DOCUMENTED, source=MESSAGE, content=sent, most=2)
def reply_complete(driver: BedrockDriver, content: Any) -> None:
    """A message that is returned has every field that the document requires."""
    exchange = driver.reply(driver.ask(content))
    _must_have("the answer", exchange.members(), OUTPUT_FIELDS)
    _must_have("the message", message_in(exchange), MESSAGE_FIELDS)


@clause("bedrock.reply.typed", basis=Basis.DOCUMENTED, source=MESSAGE, content=sent, most=2)
def reply_typed(driver: BedrockDriver, content: Any) -> None:
    """The fields of a message that is returned have the types that the document gives them."""
    exchange = driver.reply(driver.ask(content))
    _must_be_typed("the answer", exchange.members(), OUTPUT_FIELDS)
    _must_be_typed("the message", message_in(exchange), MESSAGE_FIELDS)


@clause("bedrock.history.known_models", basis=Basis.DOCUMENTED, source=f"{HISTORY}: model",
        model=requests.models, most=2)  # fmt: skip
def known_models(driver: BedrockDriver, model: str) -> None:
    """Every message has one of the models of the document."""
    asked = driver.answered(model=model)
    for id, message in driver.message_map(asked.conversation).items():
        found = message.get("model", model)
        known = isinstance(found, str) and (found in requests.MODELS or found.endswith("-v2"))
        expect(known, f"the model of {id} is {found!r}")


@clause("bedrock.history.known_content_types", basis=Basis.DOCUMENTED,
        source=f"{HISTORY}: contentType", content=sent, most=2)  # fmt: skip
def known_content_types(driver: BedrockDriver, content: Any) -> None:
    """All content is text, image or attachment."""
    for id, message in map_in(_history(driver, content)).items():
        items = message.get("content")
        for item in items if isinstance(items, list) else ():
            found = item.get("contentType", "text") if isinstance(item, dict) else "text"
            known = found in ("text", "image", "attachment")
            expect(known, f"content of {id} has the type {found!r}")


def _answers(driver: BedrockDriver) -> dict[str, Callable[[], Exchange]]:
    return {
        "a message that is accepted": lambda: driver.must(driver.post(chat_input())),
        "a history": lambda: _history(driver, "Hello"),
        "a reply": lambda: driver.reply(driver.ask()),
        "a conversation that does not exist": lambda: driver.must_not(
            driver.get("conversation", "nobody made this")
        ),
        "a message that does not exist": lambda: driver.must_not(
            driver.get("conversation", driver.answered().conversation, "nobody made this")
        ),
        "a body that is not valid": lambda: driver.must_not(driver.post({})),
    }


ANSWERS = (
    "a message that is accepted", "a history", "a reply", "a conversation that does not exist",
    "a message that does not exist", "a body that is not valid",
)  # fmt: skip


@clause("bedrock.response.content_type", basis=Basis.IMPLIED,
        source="published OpenAPI: application/json", which=st.sampled_from(ANSWERS), most=1,
        examples=tuple({"which": which} for which in ANSWERS))  # fmt: skip
def content_type(driver: BedrockDriver, which: str) -> None:
    """Answers and refusals are labelled application/json."""
    response = _answers(driver)[which]().response
    kind = response.media_type if response else ""
    expect(kind == "application/json", f"{which} is labelled {kind or 'nothing'}")


@clause("bedrock.response.json", basis=Basis.IMPLIED, source="published OpenAPI: application/json",
        which=st.sampled_from(ANSWERS), most=1,
        examples=tuple({"which": which} for which in ANSWERS))  # fmt: skip
def json_object(driver: BedrockDriver, which: str) -> None:
    """Answers and refusals are JSON objects."""
    _answers(driver)[which]().members()


@clause("bedrock.response.no_stack_trace", basis=Basis.IMPLIED,
        source="no document has a place for it", which=st.sampled_from(ANSWERS[3:]), most=1,
        examples=tuple({"which": which} for which in ANSWERS[3:]))  # fmt: skip
def no_stack_trace(driver: BedrockDriver, which: str) -> None:
    """A refusal does not show where in the program it arose."""
    text = _answers(driver)[which]().body.decode("utf-8", "replace")
    for trace in TRACES:
        expect(trace not in text, f"{which}: {shortened(text)}")


@clause("bedrock.response.status", basis=Basis.DOCUMENTED, source="published OpenAPI: 200",
        which=st.sampled_from(ANSWERS[:3]), most=1,
        examples=tuple({"which": which} for which in ANSWERS[:3]))  # fmt: skip
def status(driver: BedrockDriver, which: str) -> None:
    """What succeeds is answered with 200."""
    found = _answers(driver)[which]().status
    expect(found == 200, f"{which} has status {found}")


REFUSALS = {
    "a conversation that does not exist": "errors",
    "a message that does not exist": "detail",
}


@clause("bedrock.response.refusal_shape", basis=Basis.OBSERVED, source="fact sheet, Errors",
        which=st.sampled_from(sorted(REFUSALS)), most=1,
        examples=tuple({"which": which} for which in REFUSALS))  # fmt: skip
def refusal_shape(driver: BedrockDriver, which: str) -> None:
    """What is missing is said in errors, a list, of a conversation, in detail of a message."""
    members = members_of(_answers(driver)[which]())
    name = REFUSALS[which]
    expect(name in members, f"{which} is refused without {name}: {shortened(members)}")
    kind = list if name == "errors" else str
    expect(isinstance(members[name], kind), f"{name} is {shortened(members[name])}")

"""What must not be posted: each kind is refused with 422 and says what is wrong, and where."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ....model import Basis, Clause, clause, expect, shortened
from .. import requests
from ..driver import MODEL, BedrockDriver, chat_input, items_of, text_item

POST = "Send chat message"
ERROR = "published OpenAPI: HTTPValidationError"

MESSAGE = ("body", "message")
ITEM = (*MESSAGE, "content", 0)


def _message(**changed: Any) -> dict[str, Any]:
    return {"message": {"content": [text_item("Hello")], "model": MODEL, **changed}}


def _item(**changed: Any) -> dict[str, Any]:
    return _message(content=[{**text_item("Hello"), **changed}])


def _without(body: dict[str, Any], *steps: Any) -> dict[str, Any]:
    holder: Any = body
    for step in steps[:-1]:
        holder = holder[step]
    del holder[steps[-1]]
    return body


Place = tuple[str | int, ...]
Case = tuple[Place, bytes]
"""Where the body is wrong, and the body."""


def _cases(
    place: Place, values: st.SearchStrategy[Any], wrong: Callable[[Any], Any]
) -> st.SearchStrategy[Case]:
    return values.map(lambda value: (place, json.dumps(wrong(value)).encode()))


def _missing(place: Place) -> st.SearchStrategy[Case]:
    return _cases(place, st.just(None), lambda _: _without(_message(), *place[1:]))


_wrong_kinds = requests.wrong_content_types

KINDS: dict[str, tuple[str, st.SearchStrategy[Case]]] = {
    "message_missing": ("without a message", _missing(MESSAGE)),
    "content_missing": ("whose message has no content", _missing((*MESSAGE, "content"))),
    "model_missing": ("whose message has no model", _missing((*MESSAGE, "model"))),
    "content_type_missing": ("whose content has no contentType", _missing((*ITEM, "contentType"))),
    "body_missing": ("whose content has no body", _missing((*ITEM, "body"))),
    "model_unknown": ("for a model that is not listed", _cases(
        (*MESSAGE, "model"), requests.wrong_models, lambda value: _message(model=value))),
    "content_type_unknown": ("with a contentType that is not listed", _cases(
        (*ITEM, "contentType"), _wrong_kinds, lambda value: _item(contentType=value))),
    "message_no_object": ("whose message is no object", _cases(
        MESSAGE, requests.not_objects, lambda value: {"message": value})),
    "content_no_list": ("whose content is no list", _cases(
        (*MESSAGE, "content"), requests.not_lists, lambda value: _message(content=value))),
    "item_no_object": ("whose content holds what is no object", _cases(
        ITEM, requests.not_objects, lambda value: _message(content=[value]))),
    "body_no_text": ("whose content's body is no string", _cases(
        (*ITEM, "body"), requests.not_texts | st.none(), lambda value: _item(body=value))),
    "media_type_no_text": ("whose mediaType is no string", _cases(
        (*ITEM, "mediaType"), requests.not_texts, lambda value: _item(mediaType=value))),
    "file_name_no_text": ("whose fileName is no string", _cases(
        (*ITEM, "fileName"), requests.not_texts, lambda value: _item(fileName=value))),
    "conversation_id_no_text": ("whose conversationId is no string", _cases(
        ("body", "conversationId"), requests.not_texts,
        lambda value: {**_message(), "conversationId": value})),
    "continue_generate_no_boolean": ("whose continueGenerate is no boolean", _cases(
        ("body", "continueGenerate"), requests.not_booleans,
        lambda value: {**_message(), "continueGenerate": value})),
    "no_object": ("that is no JSON object", requests.not_an_object.map(
        lambda body: (("body",), body))),
}  # fmt: skip

everything: st.SearchStrategy[Case] = st.one_of([cases for _, cases in KINDS.values()])


def _must_be_422(driver: BedrockDriver, body: bytes, what: str) -> None:
    exchange = driver.send(driver.post_request(body))
    told = f"a body {what}, and not 422: {driver.describe(exchange)}; it was {shortened(body)}"
    expect(exchange.status == 422, told)


def _refused(rule: str, what: str, cases: st.SearchStrategy[Case]) -> Clause:
    def refused(driver: BedrockDriver, case: Case) -> None:
        _must_be_422(driver, case[1], what)

    refused.__doc__ = f"A body {what} is refused with 422."
    source = f"{POST}; published OpenAPI: 422"
    named = clause(
        f"bedrock.invalid.{rule}", basis=Basis.DOCUMENTED, source=source, case=cases, most=12
    )
    return named(refused)


REFUSED = [_refused(rule, what, cases) for rule, (what, cases) in KINDS.items()]


@clause("bedrock.invalid.file_not_base64", basis=Basis.OBSERVED, source="fact sheet, Errors",
        file=st.sampled_from([requests.IMAGE, requests.ATTACHMENT]),
        body=st.sampled_from(["not base64!", "AAA", "__--", "é"]), most=4)  # fmt: skip
def file_not_base64(driver: BedrockDriver, file: Any, body: str) -> None:
    """An image or an attachment that is not in base64 is refused with 422."""
    wrong = _message(content=[{**file, "body": body}])
    _must_be_422(driver, json.dumps(wrong).encode(), "whose file is not in base64")


@clause("bedrock.invalid.continue_generate_no_truth", basis=Basis.OBSERVED,
        source="fact sheet, Errors", value=requests.not_read_as_booleans, most=4)  # fmt: skip
def continue_generate_no_truth(driver: BedrockDriver, value: Any) -> None:
    """A continueGenerate that does not even read like a boolean is refused with 422."""
    body = json.dumps({**_message(), "continueGenerate": value}).encode()
    _must_be_422(driver, body, "whose continueGenerate does not read like a boolean")


@clause("bedrock.invalid.not_json", basis=Basis.IMPLIED, source="published OpenAPI: 422",
        body=requests.not_json)  # fmt: skip
def not_json(driver: BedrockDriver, body: bytes) -> None:
    """A body that is not JSON is refused with 422."""
    _must_be_422(driver, body, "that is not JSON")


def _detail(driver: BedrockDriver, body: bytes) -> Any:
    """Return the detail of a 422; of another answer nothing is promised."""
    exchange = driver.send(driver.post_request(body))
    if exchange.status != 422:
        driver.miss(f"it was not refused with 422: {driver.describe(exchange)}")
    return exchange.members().get("detail")


def _items(driver: BedrockDriver, body: bytes) -> list[Any]:
    detail = _detail(driver, body)
    return detail if isinstance(detail, list) else []


@clause("bedrock.invalid.detail", basis=Basis.IMPLIED, source=f"{ERROR}.detail", case=everything)
def detail(driver: BedrockDriver, case: Case) -> None:
    """A 422 has in detail a list of what is wrong, which is not empty."""
    found = _detail(driver, case[1])
    expect(isinstance(found, list) and found, f"detail is no list of errors: {shortened(found)}")


@clause("bedrock.invalid.error_complete", basis=Basis.DOCUMENTED,
        source="published OpenAPI: ValidationError, required", case=everything)  # fmt: skip
def error_complete(driver: BedrockDriver, case: Case) -> None:
    """Every error of a 422 is an object with loc, msg and type."""
    for item in _items(driver, case[1]):
        expect(isinstance(item, dict), f"an error is no object: {shortened(item)}")
        for name in ("loc", "msg", "type"):
            expect(name in item, f"an error has no {name}: {shortened(item)}")


@clause("bedrock.invalid.error_typed", basis=Basis.DOCUMENTED,
        source="published OpenAPI: ValidationError", case=everything)  # fmt: skip
def error_typed(driver: BedrockDriver, case: Case) -> None:
    """In an error of a 422, msg and type are strings and loc a list of strings and integers."""
    for item in _items(driver, case[1]):
        if isinstance(item, dict):
            for name in ("msg", "type"):
                found = item.get(name, "")
                expect(isinstance(found, str), f"{name} is no string: {shortened(found)}")
            expect(_is_loc(item.get("loc", [])), f"loc is no path: {shortened(item.get('loc'))}")


def _is_loc(loc: object) -> bool:
    return isinstance(loc, list) and all(type(step) in (str, int) for step in loc)


@clause("bedrock.invalid.loc_leads_there", basis=Basis.OBSERVED, source="fact sheet, Errors",
        case=everything)  # fmt: skip
def loc_leads_there(driver: BedrockDriver, case: Case) -> None:
    """The loc of an error leads to what is wrong in the body."""
    place, body = case
    found = [item.get("loc") for item in _items(driver, body) if isinstance(item, dict)]
    expect(list(place) in found, f"{list(place)} is wrong, and loc is {shortened(found)}")


@clause("bedrock.invalid.all_at_once", basis=Basis.OBSERVED,
        source="fact sheet, Errors: all errors at once", kind=_wrong_kinds,
        value=requests.not_texts, most=6)  # fmt: skip
def all_at_once(driver: BedrockDriver, kind: Any, value: Any) -> None:
    """A body that is wrong in three places is answered with an error for each."""
    body = {**_item(contentType=kind), "conversationId": value}
    del body["message"]["model"]
    found = [item.get("loc") for item in _items(driver, json.dumps(body).encode())]
    for place in (("body", "conversationId"), (*MESSAGE, "model"), (*ITEM, "contentType")):
        expect(list(place) in found, f"nothing is said of {list(place)}, only of {found}")


@clause("bedrock.invalid.without_trace", basis=Basis.IMPLIED, source="Get a conversation history",
        value=requests.wrong_models, number=st.integers(1, 10**9), most=2)  # fmt: skip
def without_trace(driver: BedrockDriver, value: Any, number: int) -> None:
    """A refused message is never seen in its conversation."""
    conversation = driver.answered().conversation
    text = f"refused {number}"
    driver.must_not(driver.post(chat_input(text, conversation, model=value)))
    must_not_be_there(driver, conversation, text)


def must_not_be_there(driver: BedrockDriver, conversation: str, text: str) -> None:
    """Raise Broken where a text is in a history even after a later message was answered."""
    driver.reply(driver.ask("Go on.", conversation))
    for id, message in driver.message_map(conversation).items():
        bodies = [item.get("body") for item in items_of(message)]
        expect(text not in bodies, f"{text!r} was refused, and is message {id} of the history")

"""The shape of an answer that is not streamed."""

from __future__ import annotations

from ....model import Basis, Exchange, clause, expect, shortened
from .. import requests
from ..driver import ChatbotDriver

NORMAL = "Returns, Normal"
DATA = "Data"

ENVELOPE = ("code", "data", "msg", "request_id")
TYPES = {
    "answer": str, "conversation_uid": str, "is_qa_mode": bool, "question": str,
    "system_message": str,
}  # fmt: skip
WORDS = {str: "a string", bool: "a boolean", list: "an array"}


@clause("chatbot.envelope.content_type", basis=Basis.DOCUMENTED, source=NORMAL, most=4,
        text=requests.plain)  # fmt: skip
def content_type(driver: ChatbotDriver, text: str) -> None:
    """An answer that is not streamed is labelled application/json."""
    exchange = driver.must(driver.ask(text))
    assert exchange.response is not None
    kind = exchange.response.media_type
    expect(kind == "application/json", f"the content type is {kind or 'missing'}")


@clause("chatbot.envelope.complete", basis=Basis.DOCUMENTED, source=NORMAL, text=requests.questions)
def complete(driver: ChatbotDriver, text: str) -> None:
    """An answer has code, data, msg and request_id, and data is an object."""
    members = driver.envelope(driver.ask(text))
    for name in ENVELOPE:
        expect(name in members, f"there is no {name} in {shortened(dict(members))}")
    found = members["data"]
    expect(isinstance(found, dict), f"data is not an object: {shortened(found)}")


@clause("chatbot.envelope.code", basis=Basis.DOCUMENTED, source=NORMAL, text=requests.questions)
def code(driver: ChatbotDriver, text: str) -> None:
    """On success code is the integer 0, not true, "0" or 0.0."""
    found = driver.envelope(driver.ask(text)).get("code", 0)
    expect(type(found) is int and found == 0, f"code is not the integer 0: {shortened(found)}")


@clause("chatbot.envelope.texts", basis=Basis.DOCUMENTED, source=NORMAL, text=requests.questions)
def texts(driver: ChatbotDriver, text: str) -> None:
    """The envelope's msg and request_id are strings."""
    members = driver.envelope(driver.ask(text))
    for name in ("msg", "request_id"):
        found = members.get(name, "")
        expect(isinstance(found, str), f"{name} is not a string: {shortened(found)}")


@clause("chatbot.envelope.data_complete", basis=Basis.DOCUMENTED, source=DATA,
        text=requests.questions)  # fmt: skip
def data_complete(driver: ChatbotDriver, text: str) -> None:
    """An answer's data has every field that the document lists."""
    data = driver.data(driver.ask(text))
    for name in TYPES:
        expect(name in data, f"there is no {name} in data: {shortened(dict(data))}")


@clause("chatbot.envelope.data_types", basis=Basis.DOCUMENTED, source=DATA, text=requests.questions)
def data_types(driver: ChatbotDriver, text: str) -> None:
    """The fields of an answer's data have the types that the document says."""
    data = driver.data(driver.ask(text))
    for name, kind in TYPES.items():
        right = name not in data or isinstance(data[name], kind)
        expect(right, f"{name} in data is not {WORDS[kind]}: {shortened(data.get(name))}")


@clause("chatbot.envelope.question", basis=Basis.IMPLIED, source=f"{DATA}: question",
        text=requests.questions, examples=({"text": " Two  blanks "}, {"text": "ÉCOLE"}),
)  # fmt: skip
def question(driver: ChatbotDriver, text: str) -> None:
    """An answer repeats its question exactly as it was asked."""
    found = driver.data(driver.ask(text)).get("question", text)
    expect(found == text, f"question is {shortened(found)}, and {text!r} was asked")


@clause("chatbot.envelope.request_id", basis=Basis.IMPLIED, source=f"{NORMAL}: request_id", most=8,
        text=requests.questions, same=requests.plain)  # fmt: skip
def request_id(driver: ChatbotDriver, text: str, same: str) -> None:
    """Each request gets a request_id that no other got, whatever was asked."""
    seen = [_request_id(driver, driver.ask(asked)) for asked in (text, same, same)]
    expect(len(set(seen)) == len(seen), f"a request_id was given out twice: {seen}")


def _request_id(driver: ChatbotDriver, exchange: Exchange) -> str:
    found = driver.envelope(exchange).get("request_id")
    if not isinstance(found, str) or not found:
        driver.miss(f"there is no request_id: {driver.describe(exchange)}")
    return found

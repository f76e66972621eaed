"""What stands before the magic number."""

from __future__ import annotations

import json
from typing import Any

from ....framing import NotText
from ....model import Basis, Broken, clause, expect, shortened
from .. import requests
from ..driver import MAGIC, ChatbotDriver
from .envelope import TYPES, WORDS
from .stream import NOTE, STREAM

FIELDS: dict[str, type] = {**TYPES, "related_docs": list}


def _json(text: str) -> Any:
    try:
        # A byte order mark has a clause of its own.
        return json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None


@clause("chatbot.header.json", basis=Basis.DOCUMENTED, source=NOTE, text=requests.questions)
def is_json(driver: ChatbotDriver, text: str) -> None:
    """What stands before the magic number is a JSON object in UTF-8."""
    parts = driver.stream(driver.ask(text, stream=True))
    try:
        header = parts.header
    except NotText as error:
        raise Broken(f"{error}: {shortened(parts.header_bytes)}") from error
    expect(isinstance(_json(header), dict), f"the header is no JSON object: {shortened(header)}")


@clause("chatbot.header.complete", basis=Basis.DOCUMENTED, source=STREAM, most=8,
        text=requests.questions)  # fmt: skip
def complete(driver: ChatbotDriver, text: str) -> None:
    """A header has every field that the document shows."""
    header = driver.header(driver.ask(text, stream=True))
    for name in FIELDS:
        expect(name in header, f"there is no {name} in the header: {shortened(dict(header))}")


@clause("chatbot.header.types", basis=Basis.DOCUMENTED, source=f"{STREAM}; Data", most=8,
        text=requests.inviting)  # fmt: skip
def types(driver: ChatbotDriver, text: str) -> None:
    """The fields of a header have the types that the document says."""
    header = driver.header(driver.ask(text, stream=True))
    for name, kind in FIELDS.items():
        right = name not in header or isinstance(header[name], kind)
        expect(right, f"{name} in the header is not {WORDS[kind]}: {shortened(header.get(name))}")


@clause("chatbot.header.answer_empty", basis=Basis.DOCUMENTED, source=STREAM, most=8,
        text=requests.questions)  # fmt: skip
def answer_empty(driver: ChatbotDriver, text: str) -> None:
    """The header's answer is empty: the answer comes after the magic number."""
    answer = driver.header(driver.ask(text, stream=True)).get("answer", "")
    filled = isinstance(answer, str) and answer
    expect(not filled, f"the header's answer is not empty: {shortened(answer)}")


@clause("chatbot.header.no_envelope", basis=Basis.DOCUMENTED, source=STREAM, most=4,
        text=requests.questions)  # fmt: skip
def no_envelope(driver: ChatbotDriver, text: str) -> None:
    """The fields of a header stand by themselves, without code and data around them."""
    header = driver.header(driver.ask(text, stream=True))
    found = [name for name in ("code", "data") if name in header]
    expect(not found, f"there is {' and '.join(found)} in the header: {shortened(dict(header))}")


@clause("chatbot.header.question", basis=Basis.IMPLIED, source="Data: question",
        text=requests.questions, examples=({"text": " Two  blanks "}, {"text": "ÉCOLE"}),
)  # fmt: skip
def question(driver: ChatbotDriver, text: str) -> None:
    """A header repeats the question exactly as it was asked."""
    found = driver.header(driver.ask(text, stream=True)).get("question", text)
    expect(found == text, f"question is {shortened(found)}, and {text!r} was asked")


@clause("chatbot.header.without_magic_number", basis=Basis.IMPLIED, source=NOTE, most=4,
        before=requests.plain, after=requests.plain)  # fmt: skip
def without_magic_number(driver: ChatbotDriver, before: str, after: str) -> None:
    """A magic number in the question does not stand in the header, where it would end it."""
    driver.header(driver.ask(f"{before} {after}", stream=True))
    text = f"{before} {MAGIC.decode()} {after}"
    parts = driver.stream(driver.ask(text, stream=True))
    header = _json(parts.header_bytes.decode("utf-8", "replace"))
    cut = shortened(parts.header_bytes)
    expect(isinstance(header, dict), f"a magic number in the question cuts the header: {cut}")

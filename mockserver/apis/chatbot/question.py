"""The body of a chat request, read strictly; the codes of its refusals are our choice."""

from __future__ import annotations

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from ...model import Refusal
from .languages import Language


class Question(BaseModel):
    """Body Parameters of the document; what it does not name is ignored."""

    model_config = ConfigDict(strict=True, frozen=True)

    q: str = Field(min_length=1)
    conversation_uid: str = ""
    language: Language = "auto"
    stream: bool = False

    @property
    def continues(self) -> bool:
        """Say whether a conversation was named, be it by an empty text."""
        return "conversation_uid" in self.model_fields_set


def parse(raw: bytes) -> object:
    """Return the JSON value; text that is none (lone surrogates, invalid UTF-8) is refused too."""
    try:
        value: object = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refusal("The body is not valid JSON.", code=40001) from error
    return value


def check(fields: object) -> Question:
    """Return the question that the fields ask, or refuse the first one that is wrong."""
    try:
        return Question.model_validate(fields)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)[0]) from error


def named_conversation(raw: bytes) -> str:
    """Return the conversation that a body names, be the rest of it valid or not; else ""."""
    try:
        fields = parse(raw)
    except Refusal:
        return ""
    named = fields.get("conversation_uid", "") if isinstance(fields, dict) else ""
    return named if isinstance(named, str) else ""


_KINDS = {"q": "string", "conversation_uid": "string", "language": "string", "stream": "boolean"}


def _refusal(problem: ErrorDetails) -> Refusal:
    if not problem["loc"]:
        return Refusal("The body must be a JSON object.", code=40003)
    name = str(problem["loc"][0])
    if problem["type"] == "missing":
        return Refusal(f"{name} is required.", code=40002)
    if problem["type"] == "string_too_short":
        return Refusal(f"{name} must not be empty.", code=40002)
    if problem["type"] == "literal_error" and isinstance(problem["input"], str):
        return Refusal(f"{name} must be one of the documented codes.", code=40004)
    return Refusal(f"{name} must be a {_KINDS[name]}.", code=40003)

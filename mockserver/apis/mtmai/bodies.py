"""The one request body: ChatSessionUpdate, for create and update alike."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ...model import Refusal
from .times import is_rfc3339


def _date_time(text: str) -> str:
    if not is_rfc3339(text):
        raise ValueError("should be a date-time of RFC 3339")
    return text


DateTime = Annotated[str, AfterValidator(_date_time)]


class Metadata(BaseModel):
    """A resource meta; it is checked but changes nothing (our choice)."""

    model_config = ConfigDict(strict=True)

    id: Annotated[str, Field(max_length=36)]
    createdAt: DateTime
    updatedAt: DateTime


class ChatSessionUpdate(BaseModel):
    """What a caller may say about a session; null is the same as not said (our choice)."""

    model_config = ConfigDict(strict=True)

    metadata: Metadata | None = None
    name: str | None = None


def read_json(media_type: str, raw: bytes) -> object:
    """Read a JSON body in UTF-8; refuse what is none, and what says that it is none.

    Refused, too, is what could not be written back: half a surrogate pair, a number beyond a
    double, nesting deeper than 1024 (our choice).
    """
    if media_type not in ("", "application/json") and not media_type.endswith("+json"):
        raise refused("body", f"Content-Type should be application/json, not {media_type}")
    if not raw:
        raise refused("body", "a JSON object is needed; the smallest is {}")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise refused("body", f"the body is not JSON: {error}") from error


def read_update(body: object) -> ChatSessionUpdate:
    """Check the body against its schema; refuse it with one error a field."""
    if not isinstance(body, dict):
        raise refused("body", "the body should be a JSON object")
    try:
        return ChatSessionUpdate.model_validate(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise Refusal(
            "the body is not a ChatSessionUpdate",
            detail=[_problem(".".join(map(str, one["loc"])), one["msg"]) for one in problems],
        ) from error


def refused(field: str, description: str) -> Refusal:
    """Return the refusal (400) of a body for one reason."""
    return Refusal(description, detail=[_problem(field, description)])


def _problem(field: str, description: str) -> dict[str, Any]:
    return {"description": description, "field": field}

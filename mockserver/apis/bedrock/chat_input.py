"""Reading what a client posts: bytes to JSON to a ChatInput, or the refusal that belongs there."""

from __future__ import annotations

import base64
import json
import re
from codecs import BOM_UTF8
from typing import Annotated, Any

from flask import Request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, PydanticKnownError
from pydantic_core.core_schema import ValidationInfo
from werkzeug.exceptions import HTTPException

from ...model import Refusal

MODELS = (
    "claude-instant-v1",
    "claude-v2",
    "claude-v3-sonnet",
    "claude-v3.5-sonnet",
    "claude-v3-haiku",
    "claude-v3-opus",
    "mistral-7b-instruct",
    "mixtral-8x7b-instruct",
    "mistral-large",
)
CONTENT_TYPES = ("text", "image", "attachment")

# The version of pydantic that was observed; ours may be another.
ERRORS_PAGE = "https://errors.pydantic.dev/2.9/v/"

MOST_WRONG_PARTS = 1000
"""Parts of a message whose errors are told together; of the rest when these are right."""

NOT_JSON_COMPLIANT = "Out of range float values are not JSON compliant"
NOT_BASE64 = "body must be a valid base64 string if `content_type` is `image` or `attachment`"
UNPARSABLE = "There was an error parsing the body"


def _whole(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PydanticCustomError(
            "string_unicode",
            "Input should be a valid string, unable to parse raw data as a unicode string",
        ) from error
    return text


Text = Annotated[str, AfterValidator(_whole)]
"""A text without lone surrogates."""


def _one_of(choices: tuple[str, ...]) -> BeforeValidator:
    # Not a Literal: newer pydantic has another type for what is not one because of a surrogate.
    expected = f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"

    def check(value: Any) -> Any:
        if value not in choices:
            raise PydanticKnownError("literal_error", {"expected": expected})
        return value

    return BeforeValidator(check)


class Wire(BaseModel):
    """Camel case on the wire; snake case and unknown fields are taken too (fact sheet, Errors)."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, from_attributes=True, extra="ignore"
    )


class Content(Wire):
    """One part of a message."""

    content_type: Annotated[str, _one_of(CONTENT_TYPES)]
    media_type: Text | None = None
    file_name: Text | None = None
    body: Text

    @field_validator("media_type")
    @classmethod
    def image_has_media_type(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Refuse a null; a mediaType that is absent is let through, as was observed."""
        if info.data.get("content_type") == "image" and value is None:
            raise ValueError("media_type is required if `content_type` is `image`")
        return value

    @field_validator("body", mode="before")
    @classmethod
    def body_fits_content_type(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a text that is no text, and files that are not base64 from end to end."""
        content_type = info.data.get("content_type")
        if content_type == "text" and not isinstance(value, str):
            raise ValueError("body must be str if `content_type` is `text`")
        if content_type in ("image", "attachment"):
            try:
                base64.b64decode(value, validate=True)
            except (TypeError, ValueError) as error:
                raise ValueError(NOT_BASE64) from error
        return value


def _in_slices(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    # A body of nothing but wrong parts would make a refusal of many times its size.
    if not isinstance(value, list) or len(value) <= MOST_WRONG_PARTS:
        return validate(value)
    for start in range(0, len(value), MOST_WRONG_PARTS):
        end = start + MOST_WRONG_PARTS
        try:
            validate(value[start:end])
        except ValidationError:
            return validate(value[:end])
    return validate(value)


class Message(Wire):
    """What the client says, and to which model."""

    content: Annotated[list[Content], WrapValidator(_in_slices)]
    model: Annotated[str, _one_of(MODELS)]


class ChatInput(Wire):
    """The body of a post."""

    conversation_id: Text | None = None
    message: Message
    continue_generate: bool = False


def shown(part: Content) -> dict[str, Any]:
    """Return a part as it is shown afterwards: what it has not is null."""
    return {
        "contentType": part.content_type,
        "mediaType": part.media_type,
        "fileName": part.file_name,
        "body": part.body,
    }


def question(asked: ChatInput) -> str:
    """Return what a message says in words."""
    return "\n".join(part.body for part in asked.message.content if part.content_type == "text")


def read_value(request: Request) -> Any:
    """Return the posted JSON value, or the text where the content type does not say JSON.

    It is read once a request, and nobody changes it.
    """
    if READ not in request.environ:
        request.environ[READ] = _read(request)
    return request.environ[READ]


READ = "mockserver.value"


def _read(request: Request) -> Any:
    raw = request.get_data()
    if not raw:
        return None
    try:
        text = raw.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise Refusal("not UTF-8", detail={"detail": UNPARSABLE}) from error
    return read_json(text) if _says_json(request) else text


def named_conversation(request: Request) -> str:
    """Return the conversation that a body names, be the rest of it valid or not; else ""."""
    try:
        value = read_value(request)
    except (Refusal, HTTPException):
        return ""
    named = value.get("conversationId", "") if isinstance(value, dict) else ""
    return named if isinstance(named, str) else ""


_CONSTANT = re.compile("NaN|Infinity")


def read_json(text: str) -> Any:
    """Return the JSON value of `text`; raise the refusals of what is none."""
    constants: list[str] = []
    # A reader that tells of constants would be made anew each time.
    told = constants.append if _CONSTANT.search(text) else None
    try:
        value = json.loads(text, parse_constant=told)
    except json.JSONDecodeError as error:
        raise _not_json(error) from error
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond all measure
        raise Refusal("cannot be parsed", detail={"detail": UNPARSABLE}) from error
    if constants:
        raise Refusal("NaN or Infinity", detail={"errors": [NOT_JSON_COMPLIANT]})
    return value


def validate(value: Any) -> ChatInput:
    """Return the ChatInput that `value` is; raise a 422 with all that is wrong with it."""
    if value is None:
        raise invalid([_item("missing", ("body",), "Field required", None)])
    try:
        return ChatInput.model_validate(value)
    except ValidationError as error:
        raise invalid([_as_observed(found) for found in error.errors()]) from error


def invalid(items: list[dict[str, Any]]) -> Refusal:
    """Return the refusal of a body for the reasons in `items`."""
    return Refusal("the body is not valid", status=422, detail={"detail": items})


def _says_json(request: Request) -> bool:
    if not request.headers.get("Content-Type"):
        return True
    kind, _, subtype = request.mimetype.partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def _not_json(error: json.JSONDecodeError) -> Refusal:
    place, problem = _place_and_problem(error)
    return invalid(
        [
            {
                "type": "json_invalid",
                "loc": ["body", place],
                "msg": "JSON decode error",
                "input": {},
                "ctx": {"error": problem},
            }
        ]
    )


def _place_and_problem(error: json.JSONDecodeError) -> tuple[int, str]:
    # Python 3.13 points at a trailing comma; those before, like the one observed, behind it.
    if not error.msg.startswith("Illegal trailing comma"):
        return error.pos, error.msg
    rest = error.doc[error.pos + 1 :]
    place = error.pos + 1 + len(rest) - len(rest.lstrip(" \t\n\r"))
    if error.msg.endswith("array"):
        return place, "Expecting value"
    return place, "Expecting property name enclosed in double quotes"


def _as_observed(found: Any) -> dict[str, Any]:
    given = found["input"]
    if found["type"] == "string_unicode":
        # What is wrong with it is that it cannot be written down.
        given = given.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _item(
        found["type"], ("body", *found["loc"]), found["msg"], given, found.get("ctx") or {}
    )


def _item(
    kind: str, loc: tuple[int | str, ...], msg: str, given: Any, ctx: dict[str, Any] | None = None
) -> dict[str, Any]:
    item: dict[str, Any] = {"type": kind, "loc": list(loc), "msg": msg, "input": given}
    if ctx:
        # An exception in the context was written as an empty object.
        item["ctx"] = {k: {} if isinstance(v, Exception) else v for k, v in ctx.items()}
    item["url"] = ERRORS_PAGE + kind
    return item

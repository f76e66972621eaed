"""What a post has to be, as the vendor's own model says it (fact sheet, Errors)."""

from __future__ import annotations

import base64
from typing import Annotated, Any

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

MOST_WRONG_PARTS = 1000
"""Parts of a message whose errors are told together; of the rest when these are right."""

NOT_BASE64 = "body must be a valid base64 string if `content_type` is `image` or `attachment`"


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


class ContentModel(Wire):
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


class MessageModel(Wire):
    """What the client says, and to which model."""

    content: Annotated[list[ContentModel], WrapValidator(_in_slices)]
    model: Annotated[str, _one_of(MODELS)]


class ChatModel(Wire):
    """The body of a post."""

    conversation_id: Text | None = None
    message: MessageModel
    continue_generate: bool = False

"""Reading what a client posts: bytes to JSON to a ChatInput, or the refusal that belongs there."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeGuard

import orjson
from flask import Request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from ...model import Refusal
from .chat_model import CONTENT_TYPES as CONTENT_TYPES
from .chat_model import MODELS as MODELS
from .chat_model import ChatModel

# The version of pydantic that was observed; ours may be another.
ERRORS_PAGE = "https://errors.pydantic.dev/2.9/v/"

NOT_JSON_COMPLIANT = "Out of range float values are not JSON compliant"
UNPARSABLE = "There was an error parsing the body"


class Content(NamedTuple):
    """One part of a message."""

    content_type: str
    media_type: str | None
    file_name: str | None
    body: str


class Message(NamedTuple):
    """What the client says, and to which model."""

    content: Sequence[Content]
    model: str


class ChatInput(NamedTuple):
    """The body of a post that is valid."""

    conversation_id: str | None
    message: Message
    continue_generate: bool


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
    environ = request.environ
    if READ not in environ:
        environ[READ] = _read(request)
    return environ[READ]


READ, PLAIN = "mockserver.value", "mockserver.plain"
"""Where the value that was posted is kept, and what it says where that is plain."""


def _read(request: Request) -> Any:
    raw = request.get_data()
    if not raw:
        return None
    says_json = _says_json(request)
    if says_json and (value := _plainly(raw, request.environ)) is not None:
        return value
    try:
        text = raw.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise Refusal("not UTF-8", detail={"detail": UNPARSABLE}) from error
    return read_json(text) if says_json else text


def _plainly(raw: bytes, environ: dict[str, Any]) -> Any:
    """Return the JSON value of a plain message, read the fast way, None for any other.

    There is no number in it, which this reader and the standard library's may take differently.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if (plain := _plain(value)) is None:
        return None
    environ[PLAIN] = plain
    return value


def _plain(value: Any) -> ChatInput | None:
    """Return what the plainest message says, one text to a known model; None for any other.

    Most are; and to see that takes less time than to let the model look at them.
    """
    if type(value) is not dict or type(message := value.get("message")) is not dict:
        return None
    parts, model, named = message.get("content"), message.get("model"), value.get("conversationId")
    if type(parts) is not list or len(parts) != 1 or type(part := parts[0]) is not dict:
        return None
    body = part.get("body")
    if len(value) + len(message) + len(part) != (5 if named is None else 6):
        return None  # there is more in it, or a conversation that is null
    if part.get("contentType") != "text" or model not in MODELS:
        return None
    if not (_is_whole(body) and (named is None or _is_whole(named))):
        return None
    return ChatInput(named, Message((Content("text", None, None, body),), model), False)


def _is_whole(text: Any) -> TypeGuard[str]:
    """Say whether this is a text without half a character."""
    if type(text) is not str:
        return False
    try:
        return text.isascii() or bool(text.encode() or True)
    except UnicodeEncodeError:
        return False


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
    plain = _plain(value)
    if plain is not None:
        return plain
    try:
        found = ChatModel.model_validate(value)
    except ValidationError as error:
        raise invalid([_as_observed(one) for one in error.errors()]) from error
    parts = found.message.content
    content = [Content(one.content_type, one.media_type, one.file_name, one.body) for one in parts]
    message = Message(content, found.message.model)
    return ChatInput(found.conversation_id, message, found.continue_generate)


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

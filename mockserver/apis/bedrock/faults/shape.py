"""Bodies that have another shape than the schemas."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import orjson

from ....faults import fault
from ....model import Answer, Call, Refusal
from .. import Emulator
from ..chat_input import ChatInput
from .naming import named

Thing = Literal["receipt", "conversation", "reply", "message", "part"]
Change = Callable[[dict[str, Any]], object]

# Which step writes a thing, and how the things are found in what the step returns.
STEPS: Mapping[Thing, tuple[str, Callable[[dict[str, Any]], list[dict[str, Any]]]]] = {
    "receipt": ("receipt", lambda body: [body]),
    "conversation": ("conversation_body", lambda body: [body]),
    "reply": ("reply_body", lambda body: [body]),
    "message": ("message_map", lambda messages: list(messages.values())),
    "part": (
        "message_map",
        lambda messages: [part for message in messages.values() for part in message["content"]],
    ),
}
NAMES: Mapping[Thing, str] = {
    "receipt": "The answer to a post",
    "conversation": "A conversation",
    "reply": "The answer to GET message",
    "message": "A message",
    "part": "A part of a message",
}


def _reshaped(thing: Thing, rule: str, sentence: str, change: Change) -> type[Emulator]:
    """Return a server that does `change` to each thing of a kind before it is written."""
    step, things = STEPS[thing]

    class Reshaped(Emulator):
        pass

    def changed(self: Emulator, *given: Any) -> dict[str, Any]:
        # What is stored is shared with other readers.
        body: dict[str, Any] = copy.deepcopy(getattr(super(Reshaped, self), step)(*given))
        for one in things(body):
            change(one)
        return body

    setattr(Reshaped, step, changed)
    return named(Reshaped, f"bedrock.{thing}.{rule}", "shape", sentence)


def _lacking(thing: Thing, field: str) -> type[Emulator]:
    return _reshaped(
        thing,
        f"without_{_snake(field)}",
        f"{NAMES[thing]} has no {field}.",
        lambda body: body.pop(field),
    )


def _null(thing: Thing, field: str) -> type[Emulator]:
    return _reshaped(
        thing,
        f"{_snake(field)}_is_null",
        f"{NAMES[thing]} has null for its {field}.",
        lambda body: body.update({field: None}),
    )


def _mistyped(thing: Thing, field: str, what: str, value: Any) -> type[Emulator]:
    return _reshaped(
        thing,
        f"{_snake(field)}_is_{what.split()[-1]}",
        f"{NAMES[thing]} has {what} for its {field}.",
        lambda body: body.update({field: value}),
    )


def _snake(field: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", field)


LACKING = [
    _lacking("receipt", "messageId"),
    _lacking("conversation", "title"),
    _lacking("conversation", "createTime"),
    _lacking("reply", "createTime"),
    _lacking("message", "role"),
    _lacking("part", "body"),
]
NULL = [
    _null("receipt", "messageId"),
    _null("reply", "message"),
    _null("message", "content"),
]
MISTYPED = [
    _mistyped("conversation", "createTime", "a date", "2024-10-10T00:00:00Z"),
    _mistyped("conversation", "shouldContinue", "a string", "false"),
    _mistyped("message", "children", "an object", {}),
    _mistyped("part", "body", "a number", 0),
]
ROLE = [
    _reshaped(
        "message",
        "role_is_bot",
        "A reply has the role `bot`, which the document names and the backend never gives.",
        lambda message: message.update(role=message["role"].replace("assistant", "bot")),
    )
]


class Rewriting(Emulator):
    """Changes every body on its way out."""

    def write(self, body: Mapping[str, Any], status: int = 200) -> Answer:
        """Write what `rewritten` makes of the body."""
        return super().write(self.rewritten(body), status)

    def rewritten(self, value: Any) -> Any:
        """Return another value, inside and out."""
        if isinstance(value, list):
            return [self.rewritten(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        fields = self.fields(value).items()
        return {self.rename(name): self.rewritten(item) for name, item in fields}

    def rename(self, name: str) -> str:
        """Return what a field is called."""
        return name

    def fields(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the fields that are written."""
        return value


@fault("bedrock.nulls.left_out", "shape")
class NullsLeftOut(Rewriting):
    """A field that is null is not written."""

    def fields(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Drop the nulls."""
        return {name: item for name, item in value.items() if item is not None}


@fault("bedrock.names.in_snake_case", "shape")
class NamesInSnakeCase(Rewriting):
    """Fields have names in snake case."""

    def rename(self, name: str) -> str:
        """Change names, not ids."""
        return _snake(name) if name[:1].islower() and name.isalpha() else name


@fault("bedrock.content_type.is_html", "shape")
class ContentTypeIsHtml(Emulator):
    """The JSON of a success is called text/html."""

    def write(self, body: Mapping[str, Any], status: int = 200) -> Answer:
        """Write it under another name."""
        written = super().write(body, status)
        return replace(written, headers=(("Content-Type", "text/html; charset=utf-8"),))


@fault("bedrock.not_found.has_no_body", "shape")
class NotFoundHasNoBody(Emulator):
    """A 404 has an empty body."""

    def write_refusal(self, refusal: Refusal) -> Answer:
        """Say nothing."""
        written = super().write_refusal(refusal)
        return replace(written, body=b"") if written.status == 404 else written


@fault("bedrock.invalid.detail_is_a_string", "shape")
class DetailIsAString(Emulator):
    """The detail of a 422 is a sentence, not a list of items."""

    def read_input(self, call: Call) -> ChatInput:
        """Refuse in words."""
        try:
            return super().read_input(call)
        except Refusal as refusal:
            if refusal.status == 422:
                refusal.detail = {"detail": refusal.reason}
            raise


def _item_lacking(field: str) -> type[Emulator]:
    class ItemLacking(Emulator):
        def write_refusal(self, refusal: Refusal) -> Answer:
            written = super().write_refusal(refusal)
            if written.status != 422:
                return written
            items = orjson.loads(written.body_bytes())["detail"]
            kept = [{name: item[name] for name in item if name != field} for item in items]
            return replace(written, body=orjson.dumps({"detail": kept}))

    sentence = f"The items of a 422 have no {field}."
    return named(ItemLacking, f"bedrock.invalid.without_{field}", "shape", sentence)


ITEMS_LACKING = [_item_lacking(field) for field in ("loc", "msg", "type")]


@fault("bedrock.invalid.one_error_at_a_time", "shape")
class OneErrorAtATime(Emulator):
    """A 422 names only the first of several errors."""

    def read_input(self, call: Call) -> ChatInput:
        """Stop at the first."""
        try:
            return super().read_input(call)
        except Refusal as refusal:
            if refusal.status == 422 and isinstance(refusal.detail, dict):
                refusal.detail = {"detail": refusal.detail["detail"][:1]}
            raise

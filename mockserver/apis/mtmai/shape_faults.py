"""Faults of form: fields, times, lists, statuses and types that are not as they should be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from ...faults import fault
from ...model import Answer, Api, Call, Refusal
from ...store import Scope
from . import Emulator
from .times import EPOCH, rfc3339

Shown = dict[str, Any]

HOUR = 3_600_000_000


def _altered(step: str, change: Callable[[Shown], Shown]) -> type[Emulator]:
    """Return an emulator of which one step that shows something shows it changed."""

    class Altered(Emulator):
        pass

    def altered(self: Emulator, *given: Any) -> Shown:
        return change(getattr(super(Altered, self), step)(*given))

    setattr(Altered, step, altered)
    return Altered


def _without(field: str) -> Callable[[Shown], Shown]:
    return lambda shown: {name: value for name, value in shown.items() if name != field}


def _with(field: str, value: object) -> Callable[[Shown], Shown]:
    return lambda shown: {**shown, field: value}


# One field missing, null, or of another type.

_STEPS: Mapping[str, str] = {
    "session": "show_session",
    "metadata": "show_metadata",
    "message": "show_message",
    "list": "show_list",
    "messages": "show_messages",
}
_SUBJECTS: Mapping[str, str] = {
    "session": "A session",
    "metadata": "Metadata",
    "message": "A message",
    "list": "The list of sessions",
    "messages": "The list of messages",
}
_REQUIRED: tuple[tuple[str, str, object, str], ...] = (
    ("session", "name", 7, "a number"),
    ("session", "version", 1, "a number"),
    ("metadata", "id", 7, "a number"),
    ("metadata", "createdAt", 1767225600, "a number"),
    ("metadata", "updatedAt", 1767225600, "a number"),
    ("message", "metadata", "none", "a text"),
    ("message", "role", 1, "a number"),
    ("message", "content", ["none"], "a list"),
    ("list", "rows", {}, "an object"),
    ("messages", "messages", {}, "an object"),
)


def _field_faults(kind: str, field: str, wrong: object, called: str) -> list[type[Api]]:
    ways = {
        "missing": (f"has no {field}", _without(field)),
        "null": (f"has null as {field}", _with(field, None)),
        "wrong_type": (f"has {called} as {field}", _with(field, wrong)),
    }
    return [
        fault(f"mtmai.{kind}.{_snake(field)}_{way}", "shape", f"{_SUBJECTS[kind]} {says}.")(
            _altered(_STEPS[kind], change)
        )
        for way, (says, change) in ways.items()
    ]


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


FIELDS: list[type[Api]] = [change for row in _REQUIRED for change in _field_faults(*row)]


def _without_some_metadata(rows: str) -> Callable[[Shown], Shown]:
    def change(shown: Shown) -> Shown:
        items = [dict(item) for item in shown[rows]]
        for item in items[::2]:
            del item["metadata"]
        return {rows: items}

    return change


SOME_METADATA: list[type[Api]] = [
    fault(
        "mtmai.list.some_metadata_missing",
        "shape",
        "Every other session in the list, from the first on, has no metadata.",
    )(_altered("show_list", _without_some_metadata("rows"))),
    fault(
        "mtmai.messages.some_metadata_missing",
        "shape",
        "Every other message, from the first on, has no metadata.",
    )(_altered("show_messages", _without_some_metadata("messages"))),
]

NAMES: list[type[Api]] = [
    fault(
        "mtmai.metadata.snake_case",
        "shape",
        "Metadata has created_at and updated_at for createdAt and updatedAt.",
    )(
        _altered(
            "show_metadata", lambda shown: {_snake(name): value for name, value in shown.items()}
        )
    ),
    fault("mtmai.message.role_unknown", "shape", "An assistant's message has the role bot.")(
        _altered(
            "show_message",
            lambda shown: {**shown, "role": shown["role"].replace("assistant", "bot")},
        )
    ),
]

ORDER: list[type[Api]] = [
    fault("mtmai.messages.reversed", "shape", "Messages come newest first.")(
        _altered("show_messages", lambda shown: {"messages": shown["messages"][::-1]})
    ),
]


# Times.


@fault("mtmai.created_at.changed_by_update", "identity")
class CreatedAtChanges(Emulator):
    """An update changes createdAt, too."""

    def show_metadata(self, id: str, created: int, updated: int) -> Shown:
        """Show the later time twice."""
        return super().show_metadata(id, updated, updated)


@fault("mtmai.updated_at.stands_still", "identity")
class UpdatedAtStandsStill(Emulator):
    """An update does not move updatedAt."""

    def show_metadata(self, id: str, created: int, updated: int) -> Shown:
        """Show the earlier time twice."""
        return super().show_metadata(id, created, created)


@fault("mtmai.updated_at.moves_back", "identity")
class UpdatedAtMovesBack(Emulator):
    """Each update moves updatedAt back instead of forward."""

    def show_metadata(self, id: str, created: int, updated: int) -> Shown:
        """Count the time that passed the wrong way."""
        return super().show_metadata(id, created, created - (updated - created))


@fault("mtmai.updated_at.before_created_at", "identity")
class UpdatedAtBeforeCreatedAt(Emulator):
    """Every updatedAt is an hour early, before createdAt."""

    def show_metadata(self, id: str, created: int, updated: int) -> Shown:
        """Use a clock that is an hour slow."""
        return super().show_metadata(id, created, updated - HOUR)


def _written(write: Callable[[int], str]) -> type[Emulator]:
    class Written(Emulator):
        def show_metadata(self, id: str, created: int, updated: int) -> Shown:
            return {"id": id, "createdAt": write(created), "updatedAt": write(updated)}

    return Written


TIMES: list[type[Api]] = [
    fault("mtmai.times.without_zone", "identity", "Times do not say in which zone they are.")(
        _written(lambda microseconds: rfc3339(microseconds).removesuffix("Z"))
    ),
    fault(
        "mtmai.times.of_mail",
        "identity",
        "Times are written as in mail: Thu, 01 Jan 2026 00:00:00 +0000.",
    )(_written(lambda microseconds: format_datetime(EPOCH + timedelta(microseconds=microseconds)))),
]


# Statuses and bodies of successes.


def _created_with(status: int, body: Callable[[bytes], bytes]) -> type[Api]:
    class CreatedWith(Emulator):
        def chat_create_chat_session(self, scope: Scope, call: Call) -> Answer:
            answer = super().chat_create_chat_session(scope, call)
            return Answer(status, body(answer.body_bytes()), answer.headers)

    sentence = f"Creating a session answers {status}, not 200."
    return fault(f"mtmai.create.status_{status}", "status", sentence)(CreatedWith)


CREATED: list[type[Api]] = [
    _created_with(201, lambda body: body),
    _created_with(202, lambda body: body),
    _created_with(204, lambda body: b""),
]


@fault("mtmai.answer.content_type", "shape")
class ContentType(Emulator):
    """A success comes as text/html."""

    def write(self, value: Mapping[str, Any]) -> Answer:
        """Call it something else."""
        answer = super().write(value)
        return Answer(answer.status, answer.body, (("Content-Type", "text/html"),))


@fault("mtmai.get.wrapped", "shape")
class GetIsWrapped(Emulator):
    """Reading a session shows it inside an object with the key data."""

    def chat_get(self, scope: Scope, chat: str) -> Answer:
        """Wrap it."""
        return self.write({"data": self.show_session(self.find_session(scope, chat))})


# Refusals.


def _errors_altered(change: Callable[[Any], Any]) -> type[Emulator]:
    class Refusing(Emulator):
        def show_refusal(self, refusal: Refusal) -> Shown:
            shown = super().show_refusal(refusal)
            return {"errors": change(shown["errors"])} if "errors" in shown else shown

    return Refusing


def _without_description(errors: list[Shown]) -> list[Shown]:
    return [{"message": error["description"], **_without("description")(error)} for error in errors]


ERRORS: list[type[Api]] = [
    fault("mtmai.errors.no_list", "shape", "The errors of a refusal are one object, not a list.")(
        _errors_altered(lambda errors: errors[0])
    ),
    fault(
        "mtmai.errors.no_description",
        "shape",
        "The errors of a refusal have a message and no description.",
    )(_errors_altered(_without_description)),
]


@fault("mtmai.errors.status_200", "status")
class RefusedWith200(Emulator):
    """A malformed body and an unknown chat are refused with status 200."""

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Leave it to the body."""
        answer = super().refuse(call, refusal)
        status = 200 if answer.status in (400, 404) else answer.status
        return Answer(status, answer.body, answer.headers)

"""What can be made to go wrong with the envelope of a success."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...faults import fault
from ...model import Answer, Api, Call
from . import Emulator, Turn
from .fault_families import member

OTHER_TYPES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "code": ("a string", str),
    "data": ("a list", lambda data: [data]),
    "data.answer": ("a list", lambda answer: [answer]),
    "data.conversation_uid": ("a number", lambda uid: int(uid[:8], 16)),
    "data.is_qa_mode": ("a string", lambda mode: str(mode).lower()),
    "data.question": ("an object", lambda question: {"text": question}),
    "data.system_message": ("a list", lambda message: [message]),
    "msg": ("a boolean", lambda message: True),
    "request_id": ("a number", lambda uid: int(uid[:8], 16)),
}
"""Every field of the envelope, with another type that it could have."""


def _shaped(
    rule: str, sentence: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> type[Api]:
    """Return the fault that makes something else of a success's envelope."""

    @member("shape", rule, sentence)
    class Broken(Emulator):
        def envelope(self, call: Call, turn: Turn) -> dict[str, Any]:
            return change(super().envelope(call, turn))

    return Broken


def _at(path: str, put: Callable[[dict[str, Any], str], object]) -> Callable[[Any], Any]:
    """Return the change that does `put` to the field at `path` and nothing else."""

    def change(fields: dict[str, Any]) -> dict[str, Any]:
        *outer, name = path.split(".")
        put(fields[outer[0]] if outer else fields, name)
        return fields

    return change


def _field_faults(path: str) -> list[type[Api]]:
    rule = path.replace(".", "_")
    kind, other = OTHER_TYPES[path]
    return [
        _shaped(
            f"{rule}_missing",
            f"The JSON response has no field {path}.",
            _at(path, lambda fields, name: fields.pop(name)),
        ),
        _shaped(
            f"{rule}_null",
            f"The field {path} of the JSON response is null.",
            _at(path, lambda fields, name: fields.update({name: None})),
        ),
        _shaped(
            f"{rule}_of_another_type",
            f"The field {path} of the JSON response is {kind}.",
            _at(path, lambda fields, name: fields.update({name: other(fields[name])})),
        ),
    ]


@fault("chatbot.shape.content_type_missing", "shape")
class ContentTypeMissing(Emulator):
    """The JSON response has no content type."""

    def write_json(
        self, status: int, fields: dict[str, Any], headers: tuple[tuple[str, str], ...] = ()
    ) -> Answer:
        """Leave it to the client to guess."""
        written = super().write_json(status, fields, headers)
        return Answer(written.status, written.body, headers)


SHAPE: list[type[Api]] = [
    ContentTypeMissing,
    *(broken for path in OTHER_TYPES for broken in _field_faults(path)),
    _shaped(
        "code_true",
        "The code of a success is true, not 0.",
        lambda fields: {**fields, "code": True},
    ),
    _shaped(
        "wrapped",
        "The JSON response is wrapped in a further object.",
        lambda fields: {"result": fields},
    ),
    _shaped(
        "bare_data",
        "The JSON response is data alone, without the envelope.",
        lambda fields: dict(fields["data"]),
    ),
]

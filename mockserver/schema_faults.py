"""What goes wrong with any API: a way to break each promise that an OpenAPI document makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .faults import fault
from .manners import with_content_type
from .model import Answer, Api, Call, Refusal


def schema_faults(api: type[Api]) -> list[type[Api]]:
    """Return the faults of an API that answers in JSON, and refuses with a status from 400 on."""
    return [*_of_answers(api), *_of_refusals(api), _picky(api)]


def _of_answers(api: type[Api]) -> list[type[Api]]:
    """Return what is wrong with every success, at the very end."""

    def broken(what: str, sentence: str, change: Callable[[Answer], Answer]) -> type[Api]:
        class Broken(api):  # type: ignore[misc, valid-type]
            def dress(self, call: Call, answer: Answer) -> Answer:
                dressed = super().dress(call, answer)
                return change(dressed) if dressed.status < 300 else dressed

        return fault(f"{api.name}.schema.{what}", "schema", sentence)(Broken)

    return [
        broken(
            "status_unlisted",
            "A success has a status that the document does not list.",
            lambda answer: replace(answer, status=299),
        ),
        broken(
            "type_unlisted",
            "A success has a content type that the document does not list.",
            lambda answer: with_content_type(answer, "application/x-unlisted"),
        ),
        broken(
            "body_emptied",
            "A success has a JSON object without fields for a body.",
            lambda answer: replace(answer, body=b"{}"),
        ),
    ]


def _of_refusals(api: type[Api]) -> list[type[Api]]:
    """Return what is done instead of refusing."""

    def broken(
        what: str, sentence: str, meant: Callable[[Call, Refusal], bool], status: int
    ) -> type[Api]:
        class Broken(api):  # type: ignore[misc, valid-type]
            def refuse(self, call: Call, refusal: Refusal) -> Answer:
                if not meant(call, refusal):
                    return super().refuse(call, refusal)  # type: ignore[no-any-return]
                return Answer(status, b"{}", (("Content-Type", "application/json"),))

        return fault(f"{api.name}.schema.{what}", "schema", sentence)(Broken)

    def invalid(call: Call, refusal: Refusal) -> bool:
        return call.operation is not None and refusal.status in (400, 415, 422)

    return [
        broken("invalid_accepted", "A request that breaks the schema is accepted.", invalid, 200),
        broken("invalid_fails", "A request that breaks the schema makes it fail.", invalid, 500),
        broken(
            "method_accepted",
            "A request by a method that the path does not have is accepted.",
            lambda call, refusal: call.operation is None and refusal.status == 405,
            200,
        ),
        broken(
            "path_accepted",
            "A request to a path that the document does not list is accepted.",
            lambda call, refusal: call.operation is None and refusal.status == 404,
            200,
        ),
    ]


def _picky(api: type[Api]) -> type[Api]:
    class Picky(api):  # type: ignore[misc, valid-type]
        def answer(self, call: Call) -> Answer:
            sent = call.request.query_string + call.request.get_data()
            if b"%" in sent or b"\\u" in sent or not sent.isascii():
                raise Refusal("plain letters only")
            return super().answer(call)  # type: ignore[no-any-return]

    sentence = "A valid request is refused where anything in it is not ASCII."
    return fault(f"{api.name}.schema.valid_refused", "schema", sentence)(Picky)

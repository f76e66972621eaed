"""What a schema cannot say about a chatbot, a module a subject."""

from dataclasses import replace
from functools import wraps
from pathlib import Path

from ....apis import clauses_in
from ....driver import Driver
from ....hostile import hostile_clauses
from ....model import Broken, Clause, NotReached
from ....openapi import schema_clauses
from ....samples import Sample
from ..driver import is_stream
from . import (
    access,
    answer,
    conversations,
    envelope,
    header,
    machines,
    parameters,
    refusals,
    stream,
)

DOCUMENT = Path(__file__).parent.parent / "openapi.yaml"


def beside_streams(schema: Clause) -> Clause:
    """Return a clause about answers that leaves streams to the clauses about streams.

    How a stream is labelled no document says, and a schema takes it for what its label says.
    """

    @wraps(schema.test)
    def test(driver: Driver, sample: Sample) -> None:
        try:
            schema.test(driver, sample)
        except Broken:
            if is_stream(driver.exchanges[-1]):
                raise NotReached from None
            raise

    return replace(schema, test=test)


ABOUT_ANSWERS = ("chatbot.schema.content_type", "chatbot.schema.body")

CLAUSES = (
    *clauses_in(
        envelope, parameters, refusals, access, conversations, machines, stream, header, answer
    ),
    *(
        beside_streams(found) if found.id in ABOUT_ANSWERS else found
        for found in schema_clauses("chatbot", DOCUMENT)
    ),
    *hostile_clauses("chatbot"),
)

"""What a schema cannot say about a published chat, a module a subject."""

from pathlib import Path

from ....apis import clauses_in
from ....hostile import hostile_clauses
from ....openapi import schema_clauses
from . import (
    callers,
    conversations,
    endpoint,
    history,
    invalid,
    key,
    machines,
    message_map,
    posting,
    reply,
    shape,
    unknown,
)

DOCUMENT = Path(__file__).parent.parent / "openapi.yaml"

CLAUSES = (
    *clauses_in(posting, conversations, invalid, unknown, reply, history, message_map, machines),
    *clauses_in(shape, key, callers, endpoint),
    *schema_clauses("bedrock", DOCUMENT),
    *hostile_clauses("bedrock"),
)

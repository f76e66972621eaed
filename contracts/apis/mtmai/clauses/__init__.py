"""What a schema cannot say about mtmai, a module a subject."""

from pathlib import Path

from ....apis import clauses_in
from ....hostile import hostile_clauses
from ....openapi import schema_clauses
from . import (
    answers,
    authentication,
    machines,
    messages,
    refusals,
    sessions,
    state,
    tenants,
    updates,
)

DOCUMENT = Path(__file__).parent.parent / "openapi.yaml"

CLAUSES = (
    *clauses_in(
        answers, sessions, updates, messages, refusals, authentication, tenants, state, machines
    ),
    *schema_clauses("mtmai", DOCUMENT),
    *hostile_clauses("mtmai"),
)

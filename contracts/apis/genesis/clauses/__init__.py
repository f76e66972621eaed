"""What a schema cannot say about RunMVChat, a module a subject."""

from pathlib import Path

from ....apis import clauses_in
from ....hostile import hostile_clauses
from ....openapi import schema_clauses
from . import machines, parameters, response, sessions, signature

DOCUMENT = Path(__file__).parent.parent / "openapi.yaml"

CLAUSES = (
    *clauses_in(response, signature, parameters, sessions, machines),
    *schema_clauses("genesis", DOCUMENT),
    *hostile_clauses("genesis"),
)

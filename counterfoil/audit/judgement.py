"""What an audit has against the suites: misses, idle clauses, collateral damage, false alarms."""

from __future__ import annotations

from collections.abc import Iterator

from .. import catalogue
from .jobs import Matrix, Row

EVERYWHERE = frozenset({"schema", "robust"})
"""Subjects of clauses that look at every answer, so that they have to do with every fault."""

_SHAPES = "response retcode envelope header history map message messages metadata reply session"
_REFUSALS = (
    "access answer auth endpoint get health invalid key malformed parameters refusal retcode"
)

ABOUT = {
    group: frozenset(subjects.split())
    for group, subjects in {
        "action": "parameters response",
        "authentication": "access auth key signature tenant",
        "identity": "conversation create envelope id message metadata post reply session update",
        "links": "history map reply",
        "lists": "parameters signature",
        "observed": "conversation message reply",
        "robustness": "invalid malformed parameters",
        "routes": "endpoint parameters",
        "shape": f"{_SHAPES} conversation list post question invalid malformed",
        "signature": "access auth key parameters retcode signature",
        "state": "caller conversation create history list messages question reply session state"
        " tenant update",
        "status": f"{_REFUSALS} get message post signature unknown_chat update",
        "stream": "answer header refusal stream",
        "time": "history pending reply response time",
    }.items()
}
"""The subjects of clauses that a group of faults has to do with."""

ALLOWANCE = 3
"""So many clauses on other subjects may a fault break; a fault is seldom about one thing alone."""


def problems(matrix: Matrix, *, whole: bool) -> list[str]:
    """Return what is wrong, a line each; what catches nothing counts only in a `whole` audit."""
    found = [*_of_rows(matrix.rows)]
    for server in matrix.honest:
        name = server.variant or f"{server.api}, as it is served"
        found += [f"false alarm: {name}, seed {server.seed}: {alarm}" for alarm in server.alarms]
    if whole:
        biting = {id for row in matrix.rows for id in row.caught}
        promised = [
            clause.id for api in matrix.apis for clause in catalogue.here().contract(api).clauses
        ]
        found += [f"catches nothing: {id}" for id in promised if id not in biting]
    return found


def _of_rows(rows: list[Row]) -> Iterator[str]:
    for row in rows:
        if row.missed:
            seeds = ", ".join(map(str, row.missed))
            yield f"missed: {row.fault} on seed{'s' if len(row.missed) > 1 else ''} {seeds}"
        for id in row.errors:
            yield f"our mistake: {row.fault} in {id}"
        strangers = unrelated(row)
        if len(strangers) > ALLOWANCE:
            yield (
                f"collateral: {row.fault} breaks {len(strangers)} clauses on other subjects, "
                f"{ALLOWANCE} are allowed: {', '.join(strangers)}"
            )


def unrelated(row: Row) -> list[str]:
    """Return the clauses that a fault breaks though they are on other subjects than its own."""
    about = ABOUT.get(row.group, frozenset({row.group})) | EVERYWHERE
    return [id for id in row.caught if id.split(".")[1] not in about]

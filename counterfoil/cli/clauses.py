"""`counterfoil clauses`: every promise, its sentence, source and basis."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from contracts.model import ContractError

from .. import wiring
from ..orders import contracts_of
from .options import Format


@click.command("clauses")
@click.argument("api", required=False)
@Format
def command(api: str | None, format: str) -> None:
    """List every promise of one API or OpenAPI document, or of all."""
    try:
        found = contracts_of(api or "all")
    except ContractError as problem:
        raise click.UsageError(str(problem)) from problem
    calls: dict[str, dict[str, int]] = wiring.measured().get("calls", {})
    if format == "json":
        rows = [
            {"api": contract.name, "id": clause.id, "sentence": clause.sentence,
             "source": clause.source, "basis": str(clause.basis),
             "calls": {profile: calls[profile][clause.id] for profile in calls
                       if clause.id in calls[profile]}}
            for contract in found for clause in contract.clauses
        ]  # fmt: skip
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for contract in found:
        ids = [clause.id for clause in contract.clauses]
        click.echo(f"{contract.name}: {len(ids)} clauses{_cost(calls, ids)}")
        for clause in contract.clauses:
            click.echo(f"\n{clause.id}  [{clause.basis}{_cost(calls, [clause.id])}]")
            click.echo(f"  {clause.sentence}\n  {clause.source}")
        click.echo()


def _cost(calls: dict[str, dict[str, int]], ids: Sequence[str]) -> str:
    """Return the calls that clauses make of an honest server, by profile."""
    sums = [
        f"{sum(counted.get(id, 0) for id in ids)} {profile}"
        for profile, counted in calls.items()
        if any(id in counted for id in ids)
    ]
    measured = any(id in counted for counted in calls.values() for id in ids)
    return f"; calls: {', '.join(sums)}" if measured else ""

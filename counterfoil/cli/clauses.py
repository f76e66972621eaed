"""`counterfoil clauses`: every promise, its sentence, source and basis."""

from __future__ import annotations

import json

import click

import contracts
from contracts.model import ContractError

from .options import Format


@click.command("clauses")
@click.argument("api", required=False)
@Format
def command(api: str | None, format: str) -> None:
    """List every promise of one API, or of all."""
    try:
        found = [contracts.load(name) for name in ([api] if api else contracts.names())]
    except ContractError as problem:
        raise click.UsageError(str(problem)) from problem
    if format == "json":
        rows = [
            {"api": contract.name, "id": clause.id, "sentence": clause.sentence,
             "source": clause.source, "basis": str(clause.basis)}
            for contract in found for clause in contract.clauses
        ]  # fmt: skip
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for contract in found:
        click.echo(f"{contract.name}: {len(contract.clauses)} clauses")
        for clause in contract.clauses:
            click.echo(f"\n{clause.id}  [{clause.basis}]\n  {clause.sentence}\n  {clause.source}")
        click.echo()

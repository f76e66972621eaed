"""`counterfoil faults`: every fault that a mock can be started with."""

from __future__ import annotations

import json

import click

from mockserver.faults import faults_of

from .. import wiring
from .options import Format, mocked


@click.command("faults")
@click.argument("api", required=False)
@Format
def command(api: str | None, format: str) -> None:
    """List every way for a mock of one API, or of all, to break."""
    caught = {id: row["caught_by"] for id, row in wiring.measured().get("faults", {}).items()}
    faults = [change.fault for one in mocked(api) for change in faults_of(one).values()]
    if format == "json":
        rows = [
            {"id": f.id, "group": f.group, "sentence": f.sentence,
             "caught_by": caught.get(f.id, [])}
            for f in faults if f
        ]  # fmt: skip
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for fault in faults:
        if fault:
            click.echo(f"{fault.id}  [{fault.group}]\n  {fault.sentence}")
            if fault.id in caught:
                click.echo(f"  caught by {', '.join(caught[fault.id])}")

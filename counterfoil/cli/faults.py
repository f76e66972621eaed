"""`counterfoil faults`: every fault that a mock can be started with."""

from __future__ import annotations

import json

import click

from mockserver.faults import UnknownName, faults_of, find_api, names

from .options import Format


@click.command("faults")
@click.argument("api", required=False)
@Format
def command(api: str | None, format: str) -> None:
    """List every way for a mock of one API, or of all, to break."""
    try:
        chosen = [find_api(api).name] if api else names()
    except UnknownName as problem:
        raise click.UsageError(str(problem)) from problem
    faults = [change.fault for name in chosen for change in faults_of(name).values()]
    if format == "json":
        rows = [{"id": f.id, "group": f.group, "sentence": f.sentence} for f in faults if f]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for fault in faults:
        if fault:
            click.echo(f"{fault.id}  [{fault.group}]\n  {fault.sentence}")

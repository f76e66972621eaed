"""`counterfoil apis`: what is here."""

from __future__ import annotations

import click

from mockserver.faults import apis


@click.command("apis")
def command() -> None:
    """List the APIs, with their operations."""
    for name, api in apis().items():
        click.echo(f"{name}  {api.title}")
        for operation in api.operations:
            click.echo(f"  {operation.method:5} {operation.path}  {operation.name}")

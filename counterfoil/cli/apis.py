"""`counterfoil apis`: what is here."""

from __future__ import annotations

import click

from .options import mocked


@click.command("apis")
def command() -> None:
    """List the APIs, with their operations."""
    for api in mocked(None):
        click.echo(f"{api.name}  {api.title}")
        for operation in api.operations:
            click.echo(f"  {operation.method:5} {operation.path}  {operation.name}")

"""`counterfoil variants`: every honest server that a mock can be started as."""

from __future__ import annotations

import json

import click

from mockserver.variants import variants_of

from .options import Format, mocked


@click.command("variants")
@click.argument("api", required=False)
@Format
def command(api: str | None, format: str) -> None:
    """List every way for a mock of one API, or of all, to differ and stay honest."""
    variants = [change.variant for one in mocked(api) for change in variants_of(one).values()]
    if format == "json":
        rows = [{"id": v.id, "sentence": v.sentence, "settings": dict(v.settings)}
                for v in variants if v]  # fmt: skip
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for variant in variants:
        if variant:
            click.echo(f"{variant.id}\n  {variant.sentence}")

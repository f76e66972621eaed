"""`counterfoil config`: which file is used, and what it says. Of secrets, whether they are set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from .. import wiring
from ..configuration import FILE, Configuration, TargetSettings
from .options import ConfigurationFile, NoConfiguration, configured


@click.command("config")
@ConfigurationFile
@NoConfiguration
def command(config: Path | None, no_config: bool) -> None:
    """Show which counterfoil.toml is used, its targets, and which variables are set.

    The nearest one is used: of this folder, or of one above it. Exit codes: 0 the file is right
    (or there is none), 2 something in it is wrong.
    """
    settings = configured(config, no_config)
    if settings.path is None:
        click.echo("no file is read" if no_config else f"there is no {FILE} here or above")
        return
    for line in (settings.shown, *_lines(settings)):
        click.echo(line)


def _lines(settings: Configuration) -> Iterator[str]:
    for target in settings.targets.values():
        yield f"\n{target.name}: {target.api} at {target.url or 'a mock in the process'}"
        for name, value in _said(target):
            yield f"  {name:12} {value}"
        for name, variable in target.credentials.items():
            state = "set" if wiring.variable(variable) else "NOT SET"
            yield f"  {name:12} ${variable} ({state})"
    for name, profile in settings.profiles.items():
        said = ", ".join(f"{key} {value}" for key, value in profile.items())
        yield f"\nprofile {name}: {said or 'as standard'}"
    if settings.serve:
        yield "\nserve:"
        yield from (f"  {key:12} {_listed(value)}" for key, value in settings.serve.items())


def _said(target: TargetSettings) -> Iterator[tuple[str, str]]:
    names = ("profile", "seed", "only", "max_calls", "max_time", "rate", "baseline", "reports")
    for name in names:
        value = getattr(target, name)
        if value not in (None, ()):
            yield name, _listed(value)


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)

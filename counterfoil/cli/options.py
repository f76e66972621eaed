"""What several commands are told in the same words."""

from __future__ import annotations

import click

from mockserver.faults import UnknownName
from mockserver.model import Api

from .. import catalogue


class Assignment(click.ParamType[tuple[str, str]]):
    """NAME=VALUE; an error shows the name alone, for the value is a secret."""

    name = "[API.]NAME=VALUE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the name and the value; fails without either."""
        if isinstance(value, tuple):
            return value
        name, equals, given = str(value).partition("=")
        if not equals or not name or not given:
            self.fail(f"{name!r} should be written as NAME=VALUE, like api_key=abc")
        return name, given


def mocked(api: str | None) -> list[type[Api]]:
    """Return the one API that was named, else all that have a mock; raises UsageError."""
    try:
        known = catalogue.here()
        return [known.mock(api)] if api else [known.mock(name) for name in known.mock_names()]
    except UnknownName as problem:
        raise click.UsageError(str(problem)) from problem


Format = click.option(
    "--format", type=click.Choice(["text", "json"]), default="text", show_default=True
)

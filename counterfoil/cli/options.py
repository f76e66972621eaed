"""What several commands are told in the same words."""

from __future__ import annotations

import click

from mockserver.faults import UnknownName, find_api, names


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


def mocked(api: str | None) -> list[str]:
    """Return the one API that was named, else all that have a mock; raises UsageError."""
    try:
        return [find_api(api).name] if api else names()
    except UnknownName as problem:
        raise click.UsageError(str(problem)) from problem


Format = click.option(
    "--format", type=click.Choice(["text", "json"]), default="text", show_default=True
)

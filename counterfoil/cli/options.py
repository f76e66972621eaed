"""What several commands are told in the same words."""

from __future__ import annotations

from pathlib import Path

import click

from mockserver.faults import UnknownName
from mockserver.model import Api

from .. import catalogue, wiring
from ..configuration import FILE, Configuration, ConfigurationError


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
        if not equals or not name:  # it may be the value alone, and is not shown
            self.fail("this should be written as NAME=VALUE, like api_key=abc")
        if not given:
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

ConfigurationFile = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Read this file, not the nearest {FILE} of this folder and those above it.",
)

NoConfiguration = click.option("--no-config", is_flag=True, help=f"Read no {FILE}.")


def configured(config: Path | None, no_config: bool) -> Configuration:
    """Return what the file says that the two options choose; raises UsageError."""
    if config and no_config:
        raise click.UsageError("give either --config FILE or --no-config")
    try:
        return wiring.configured(config, none=no_config)
    except ConfigurationError as problem:
        raise click.UsageError(str(problem)) from problem


class ConfiguredServe(click.Command):
    """A command whose options have their defaults from [serve] of the file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the file that the options choose, then the options; raises UsageError."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        help = self.get_help_option(ctx)
        if help and given.get(str(help.name)) is True:
            return super().parse_args(ctx, args)
        settings = configured(
            Path(given["config"]) if isinstance(given.get("config"), str) else None,
            given.get("no_config") is True,
        )
        keys = {key: self._parameter(key) for key in settings.serve}
        ctx.default_map = {keys[key]: value for key, value in settings.serve.items()}
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as problem:
            name = problem.param.name if problem.param else None
            for key, parameter in keys.items():
                if parameter == name and not given.get(name):
                    raise click.UsageError(
                        f"{settings.shown}, serve.{key}: {problem.message}"
                    ) from problem
            raise

    def _parameter(self, key: str) -> str:
        """Return what the parameter of an option is called."""
        option = f"--{key.replace('_', '-')}"
        return next((str(one.name) for one in self.params if option in one.opts), key)

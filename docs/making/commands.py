"""A page for each command, made of the command itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from counterfoil.cli import COMMANDS, cli

from .markup import code, page, plain, table

USUAL = "Exit codes: 0 done, 2 wrong usage, 130 interrupted."
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
EXITS = re.compile(r"Exit codes: ([^.]*)\.")


def command_pages() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each page."""
    rows = [(f"[`counterfoil {name}`]({name}.md)", plain(said)) for name, said in COMMANDS.items()]
    yield (
        "commands/index.md",
        page(
            "# Commands",
            "`counterfoil COMMAND --help` says the same in a terminal. Results go to standard "
            "output, progress and logs to standard error.",
            table(("command", "what it does"), rows),
            "A mistake in what is asked for is told in one line, with the nearest known name, and "
            "the exit code is 2.",
        ),
    )
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, name
        yield f"commands/{name}.md", page(*_described(command, f"counterfoil {name}", "#"))


def _described(command: click.Command, called: str, level: str) -> Iterator[str]:
    """Yield the blocks that say all that a command says of itself, and of its own commands."""
    context = click.Context(command, info_name=called)
    words = " ".join(command.collect_usage_pieces(context))
    said = inspect.cleandoc(command.help or "")
    yield f"{level} {called}"
    yield f"```text\n{called} {words}\n```"
    yield from map(_paragraph, EXITS.sub("", said).split("\n\n"))
    yield f"{level}# Options {{ #{called.replace(' ', '-')}-options }}"
    yield table(("option", "meaning"), _options(command, context))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, name
            yield from _described(below, f"{called} {name}", level + "#")
        return
    yield f"{level}# Exit codes {{ #{called.replace(' ', '-')}-exit-codes }}"
    found = EXITS.search(" ".join(said.split())) or EXITS.search(USUAL)
    assert found is not None
    exits = (one.strip().partition(" ") for one in re.split(r",(?![^(]*\))", found[1]))
    yield table(("code", "meaning"), [(code(number), plain(said)) for number, _, said in exits])


def _paragraph(text: str) -> str:
    return _said(" ".join(text.split()))


def _said(text: str) -> str:
    """Return a text with the options that it names as code."""
    parts = text.split("`")
    parts[::2] = [OPTION.sub(r"`\g<0>`", part) for part in parts[::2]]
    return plain("`".join(parts))


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for one in [*command.params, click.Option(["-h", "--help"], is_flag=True, help="Show this.")]:
        record = one.get_help_record(context)
        if record is not None and record[1]:
            yield code(record[0]), _said(record[1])

"""`counterfoil new`: the beginning of an API of one's own."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from .. import catalogue
from ..scaffold import CannotWrite, Scaffold, check_name, is_checkout, scaffold

ABOUT = {
    "openapi.yaml": "what is promised: operations and schemas",
    "driver.py": "how a client sends, and tells success from refusal",
    "requests.py": "what a caller may send",
    "clauses.py": "what a schema cannot say: here is one clause",
    "faults.py": "how it can break: here is one fault of its own",
    "variants.py": "how it can differ and stay honest",
    "replies.yaml": "what it answers",
    "pyproject.toml": "declares both halves to Counterfoil",
}


@click.command("new")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where to write: a project of its own, or a checkout of Counterfoil.  "
    "[default: this folder if it is a checkout, else ./NAME]",
)
def command(name: str, into: Path | None) -> None:
    """Write the beginning of an API: a contract, a mock that keeps it, fixtures and a test.

    It is a project of its own, which is found in its folder, wherever it is installed, and by
    COUNTERFOIL_PATH. In a checkout of Counterfoil it is three folders and a test. All that is
    written works as it is, and nothing is overwritten.
    """
    try:
        check_name(name, catalogue.here().taken())
        folder = into or (Path() if is_checkout(Path()) else Path(name))
        made = scaffold(name, folder)
        made.write()
    except CannotWrite as problem:
        raise click.UsageError(str(problem)) from problem
    _say(name, made)


def _say(name: str, made: Scaffold) -> None:
    width = max(len(path.as_posix()) for path in made.files)
    for path in made.files:
        line = f"{path.as_posix():{width}}  {ABOUT.get(path.name, '')}"
        click.echo(line.rstrip())
    test = next(path for path in made.files if path.name.startswith("test_"))
    click.echo("\nIt works; see for yourself, then make it what the vendor's documents say:")
    if made.folder != Path():
        click.echo(f"  cd {shlex.quote(str(made.folder))}")
    click.echo(f"  counterfoil check {name} --mock")
    click.echo(f"  counterfoil check {name} --mock --fault {name}.ask.question_trimmed")
    click.echo(f"  counterfoil serve {name}")
    click.echo(f"  pytest {test.as_posix()}")
    if made.in_checkout:
        click.echo("Of an API in the tree `make test` asks for more, and says what.")

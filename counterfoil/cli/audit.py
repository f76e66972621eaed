"""`counterfoil audit`: the detection rate, and the false alarms."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contracts.model import ContractError
from mockserver.faults import UnknownName, faults_of

from .. import catalogue
from ..audit import Matrix, audit, judgement, tables
from . import EXIT_BROKEN, EXIT_KEPT

FORMATS = {".json": tables.as_json, ".md": tables.matrix_page, ".yaml": tables.bites}


@click.command("audit")
@click.argument("apis", nargs=-1, metavar="[API…]")
@click.option("--seeds", type=click.IntRange(0), default=5, show_default=True, metavar="N",
              help="Each fault must be caught on seeds 0 to N-1; 0 tries no fault.")  # fmt: skip
@click.option("--honest-seeds", type=click.IntRange(0), default=1, show_default=True, metavar="N",
              help="Each honest server must be kept on seeds 0 to N-1.")  # fmt: skip
@click.option("--only", multiple=True, metavar="GLOB",
              help="Only these faults, and no honest server; repeatable.")  # fmt: skip
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the matrix (.json, .md), or a fault for each clause that catches it (.yaml).",
)
@click.option(
    "--table",
    "documents",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help=f"Write the table into a document, between {tables.BEGIN} and {tables.END}.",
)
def command(
    apis: tuple[str, ...], seeds: int, honest_seeds: int, only: tuple[str, ...],
    reports: tuple[Path, ...], documents: tuple[Path, ...],
) -> None:  # fmt: skip
    """Try every fault of the mocks against the suites, and every honest server.

    Fails where a fault is not caught, a clause catches nothing, a fault breaks too many clauses on
    other subjects, or an honest server breaks any. Exit codes: 0 all is caught and nobody accused,
    1 otherwise, 2 wrong usage, 130 interrupted.
    """
    known = catalogue.here()
    chosen = list(dict.fromkeys(apis)) or known.contract_names()
    try:
        for name in chosen:
            known.contract(name)
            known.mock(name)
    except (ContractError, UnknownName) as problem:
        raise click.UsageError(str(problem)) from problem
    for path in reports:
        if path.suffix not in FORMATS:
            raise click.UsageError(f"{path}: a matrix ends in one of {', '.join(FORMATS)}")
    if not seeds and (only or not honest_seeds):
        raise click.UsageError("with --seeds 0 there is nothing to try but honest servers")
    wanted = _wanted(chosen, only) if seeds else dict.fromkeys(chosen, [])
    matrix = _run(chosen, seeds, 0 if only else honest_seeds, wanted)
    found = judgement.problems(matrix, whole=bool(seeds and not only))
    click.echo(tables.summary(matrix))
    for path in reports:
        path.write_text(FORMATS[path.suffix](matrix), encoding="utf-8")
    for path in documents:
        try:
            tables.write_between(path, tables.by_api(matrix))
        except ValueError as problem:
            raise click.UsageError(str(problem)) from problem
    for line in found:
        click.echo(line)
    sys.exit(EXIT_BROKEN if found else EXIT_KEPT)


def _wanted(apis: list[str], only: tuple[str, ...]) -> dict[str, list[str]]:
    known = {api: list(faults_of(catalogue.here().mock(api))) for api in apis}
    for pattern in only:
        if not any(fnmatchcase(id, pattern) for ids in known.values() for id in ids):
            raise click.UsageError(
                f"no fault is called {pattern!r}; `counterfoil faults` lists them"
            )
    if not only:
        return known
    return {
        api: [id for id in ids if any(fnmatchcase(id, pattern) for pattern in only)]
        for api, ids in known.items()
    }


def _run(apis: list[str], seeds: int, honest_seeds: int, faults: dict[str, list[str]]) -> Matrix:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("servers judged", total=None)
        return audit(
            apis, faults, seeds, honest_seeds,
            lambda done, all: bar.update(task, completed=done, total=all),
        )  # fmt: skip

"""`counterfoil check`: an endpoint, mock or real, held to its contract."""

from __future__ import annotations

import sys
from collections.abc import Generator
from datetime import date
from pathlib import Path

import click

from contracts import baseline
from contracts.documents import is_path, remarks_of
from contracts.model import BaselineEntry, Contract, ContractError, Verdict
from contracts.report import FORMATS, text, write
from contracts.runner import PROFILES, Event, Outcome, Plan, run
from contracts.target import Budget, checked_url
from mockserver.faults import UnknownName
from mockserver.reply_files import FixtureError

from ..orders import Order, contracts_of, credentials_for, entries_of, plan_of, target_for
from . import EXIT_BROKEN, EXIT_INTERRUPTED, EXIT_KEPT, EXIT_UNJUDGED, github_actions
from .options import Assignment
from .progress import Progress


@click.command("check")
@click.argument("api")
@click.option("--url", help="The base URL to judge; with `all`, each API is below it.")
@click.option("--mock", is_flag=True, help="Judge our own mock, in this process, on virtual time.")
@click.option(
    "--credential",
    "credentials",
    multiple=True,
    type=Assignment(),
    help="Also from COUNTERFOIL_<API>_<NAME>; for this machine, the mock's own.",
)
@click.option("--only", multiple=True, metavar="GLOB", help="Judge only these clauses; repeatable.")
@click.option("--profile", type=click.Choice(list(PROFILES)), default="standard", show_default=True)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="The same seed, the same requests.",
)
@click.option("--max-calls", type=click.IntRange(1), metavar="N", help="Never make more calls.")
@click.option(
    "--max-time",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    help="Make no call after so many seconds.",
)
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="Calls a second at most."
)
@click.option("--fault", "faults", multiple=True, metavar="ID", help="With --mock: break it so.")
@click.option("--value", "values", multiple=True, type=Assignment(), metavar="NAME=VALUE",
              help="With a document: a path parameter of something that there is.")  # fmt: skip
@click.option("--read-only", is_flag=True,
              help="With a document: only GET, HEAD and OPTIONS.")  # fmt: skip
@click.option("--every-operation", is_flag=True,
              help="With a document: 3 unless every operation accepts a request.")  # fmt: skip
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Write a report; the ending says which: {', '.join(FORMATS)}.",
)
@click.option("--baseline", "accepted", type=click.Path(path_type=Path), metavar="FILE",
              help="Accept the deviations that are listed here.")  # fmt: skip
@click.option("--write-baseline", "draft", type=click.Path(path_type=Path), metavar="FILE",
              help="List what is broken in a new file; reasons are yours to write.")  # fmt: skip
def command(
    api: str, url: str | None, mock: bool, credentials: tuple[tuple[str, str], ...],
    only: tuple[str, ...], profile: str, seed: int, max_calls: int | None, max_time: float | None,
    rate: float | None, faults: tuple[str, ...], values: tuple[tuple[str, str], ...],
    read_only: bool, every_operation: bool, reports: tuple[Path, ...], accepted: Path | None,
    draft: Path | None,
) -> None:  # fmt: skip
    """Say which promises of API (or `all`) an endpoint keeps, and which it breaks.

    API may be the path of any OpenAPI document: a file that ends in .yaml, .yml or .json.

    Exit codes: 0 kept, 1 broken, 2 wrong usage, 3 could not be judged, 130 interrupted.
    """
    if mock == bool(url):
        raise click.UsageError("say what to judge: either --url URL or --mock")
    if faults and not mock:
        raise click.UsageError(
            "--fault goes with --mock; start `counterfoil serve --fault` instead"
        )
    _check_reports(reports)
    _check_draft(draft)
    order = Order(
        url, only, profile, seed, Budget(max_calls, max_time, rate), dict(credentials), faults,
        dict(values), read_only, every_operation,
    )  # fmt: skip
    chosen = _chosen(api, order)
    entries = _entries(accepted, chosen)
    outcomes = judge(chosen, order, below=api == "all")
    for outcome in outcomes:
        baseline.hold(outcome, entries)
        github_actions.say(text.render(outcome))
    if len(outcomes) > 1:
        click.echo(text.summary(outcomes))
    github_actions.tell(outcomes)
    for report in reports:
        write(outcomes, report)
        click.echo(f"report: {report}", err=True)
    if draft is not None:
        draft.write_text(baseline.draft(outcomes, date.today()), encoding="utf-8")
        click.echo(f"baseline: {draft}; say in it why each entry is accepted", err=True)
    sys.exit(exit_code(outcomes))


def _chosen(api: str, order: Order) -> list[Contract]:
    """Return the contracts to judge, and tell what is to be known of a document."""
    try:
        if order.url is not None:
            checked_url(order.url)
        elif is_path(api):
            raise ContractError("--mock is for the APIs that have one; judge a document by --url")
        chosen = contracts_of(api, order)
    except ContractError as problem:
        raise click.UsageError(str(problem)) from problem
    for contract in chosen:
        if contract.partial:
            examples = PROFILES[order.profile].examples
            for remark in remarks_of(contract, order.url or "", examples):
                click.echo(f"{contract.name}: {text.visible(remark)}", err=True)
    return chosen


def judge(chosen: list[Contract], order: Order, *, below: bool) -> list[Outcome]:
    """Judge these contracts; raises a usage error for whatever is wrong with the order."""
    try:
        plans = [(contract, plan_of(contract, order, chosen)) for contract in chosen]
        jobs = [
            (contract, plan, credentials_for(contract, order, chosen))
            for contract, plan in plans
            if plan.clauses
        ]
        return _run_all(jobs, order, below=below)
    except (ContractError, UnknownName, FixtureError) as problem:
        raise click.UsageError(str(problem)) from problem


def _check_reports(reports: tuple[Path, ...]) -> None:
    for report in reports:
        if report.suffix.lstrip(".") not in FORMATS:
            endings = ", ".join(f".{ending}" for ending in FORMATS)
            raise click.UsageError(f"{report}: a report ends in one of {endings}")
        if not report.parent.is_dir():
            raise click.UsageError(f"{report}: there is no folder {report.parent}")


def _check_draft(draft: Path | None) -> None:
    if draft is not None and draft.exists():
        raise click.UsageError(f"{draft} is there already; --write-baseline makes a new file")
    if draft is not None and not draft.parent.is_dir():
        raise click.UsageError(f"{draft}: there is no folder {draft.parent}")


def _entries(path: Path | None, chosen: list[Contract]) -> tuple[BaselineEntry, ...]:
    """Return the entries of a baseline, of whichever API; raises a usage error."""
    try:
        return entries_of(path, chosen) if path else ()
    except ContractError as problem:
        raise click.UsageError(str(problem)) from problem


Job = tuple[Contract, Plan, dict[str, str]]


def _run_all(jobs: list[Job], order: Order, *, below: bool) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for contract, plan, credentials in jobs:
        target = target_for(contract, credentials, order, below)
        try:
            outcomes.append(_run(run(contract, target, credentials, plan)))
        finally:
            target.close()
        if outcomes[-1].interrupted:
            break
    return outcomes


def _run(events: Generator[Event]) -> Outcome:
    """Follow a run to its outcome; Ctrl-C ends it with what is known so far."""
    with Progress() as progress:
        event = next(events)
        while not isinstance(event, Outcome):
            try:
                progress.show(event)
                event = next(events)
            except KeyboardInterrupt as interrupt:
                event = events.throw(interrupt)
        return event


def exit_code(outcomes: list[Outcome]) -> int:
    """Return the exit code that the outcomes of a run together ask for."""
    if any(outcome.interrupted for outcome in outcomes):
        return EXIT_INTERRUPTED
    verdicts = {outcome.verdict for outcome in outcomes}
    if Verdict.BROKEN in verdicts:
        return EXIT_BROKEN
    return EXIT_KEPT if verdicts == {Verdict.KEPT} else EXIT_UNJUDGED

"""`counterfoil check`: an endpoint, mock or real, held to its contract."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click

from contracts import baseline
from contracts.documents import remarks_of
from contracts.model import BaselineEntry, Contract, ContractError, Verdict
from contracts.report import FORMATS, text, write
from contracts.runner import PROFILES, Event, Outcome, Plan, run
from mockserver.faults import UnknownName
from mockserver.reply_files import FixtureError

from .. import catalogue
from ..configuration import DOCUMENTS, FILE, Configuration, TargetSettings, nearest
from ..orders import (
    Asked,
    Order,
    contracts_for,
    credentials_for,
    entries_of,
    keep_apart,
    order_of,
    plan_of,
    profile_of,
    target_for,
)
from . import EXIT_BROKEN, EXIT_INTERRUPTED, EXIT_KEPT, EXIT_UNJUDGED, github_actions
from .options import Assignment, ConfigurationFile, NoConfiguration, configured
from .progress import Progress


@click.command("check")
@click.argument("names", nargs=-1, required=True, metavar="API|all|TARGET…")
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
@click.option("--profile", metavar="NAME", show_default="standard",
              help=f"{', '.join(PROFILES)}, or one of counterfoil.toml.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), show_default="0",
              help="The same seed, the same requests.")  # fmt: skip
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
@ConfigurationFile
@NoConfiguration
def command(
    names: tuple[str, ...], url: str | None, mock: bool, credentials: tuple[tuple[str, str], ...],
    only: tuple[str, ...], profile: str | None, seed: int | None, max_calls: int | None,
    max_time: float | None, rate: float | None, faults: tuple[str, ...], reports: tuple[Path, ...],
    accepted: Path | None, draft: Path | None, config: Path | None, no_config: bool,
    values: tuple[tuple[str, str], ...], read_only: bool, every_operation: bool,
) -> None:  # fmt: skip
    """Say which promises of API (or `all`) an endpoint keeps, and which it breaks.

    API may be the path of any OpenAPI document: a file that ends in .yaml, .yml or .json.

    A target of counterfoil.toml says by itself where it is and how it is judged; options given
    here win. Each target has a budget of its own.

    Exit codes: 0 kept, 1 broken, 2 wrong usage, 3 could not be judged, 130 interrupted.
    """
    settings = configured(config, no_config)
    asked = Asked(
        url, mock, only, profile, seed, max_calls, max_time, rate, dict(credentials), faults,
        values=dict(values), read_only=read_only, every_operation=every_operation,
    )  # fmt: skip
    _check_draft(draft)
    errands = _errands(names, asked, settings, reports, accepted)
    outcomes: list[Outcome] = []
    for errand in errands:
        outcomes += _done(errand)
        if outcomes[-1].interrupted:
            break
    if len(outcomes) > 1:
        click.echo(text.summary(outcomes))
    github_actions.tell(outcomes)
    for report in reports:
        _write(outcomes, report)
    if draft is not None:
        draft.write_text(baseline.draft(outcomes, date.today()), encoding="utf-8")
        click.echo(f"baseline: {draft}; say in it why each entry is accepted", err=True)
    sys.exit(exit_code(outcomes))


@dataclass(frozen=True, slots=True)
class Errand:
    """What is judged in one go: APIs at one place, or a target. It may have reports of its own."""

    contracts: list[Contract]
    order: Order
    entries: tuple[BaselineEntry, ...]
    reports: tuple[Path, ...]


def _errands(
    names: Sequence[str], asked: Asked, settings: Configuration, reports: tuple[Path, ...],
    accepted: Path | None,
) -> list[Errand]:  # fmt: skip
    """Return what there is to do, before any of it is done; raises a usage error."""
    apis = tuple(name for name in dict.fromkeys(names) if name not in settings.targets)
    if apis:
        _check_names(apis, asked, settings)
    targets = [settings.targets[name] for name in dict.fromkeys(names) if name not in apis]
    _check_reports(reports)
    if not reports:
        _check_shared(targets)
    try:
        keep_apart(apis, [target.name for target in targets])
        found = []
        for target in [*([None] if apis else []), *targets]:
            own = target.reports if target and not reports else ()
            _check_reports(own, f"{target.where}.reports: " if target else "")
            known = accepted or (target.baseline if target else None)
            order = order_of(asked, settings, target)
            chosen = contracts_for(apis, order)
            entries = entries_of(known, chosen) if known else ()
            found.append(Errand(chosen, order, entries, own))
        return found
    except ContractError as problem:
        raise click.UsageError(str(problem)) from problem


def _check_names(apis: Sequence[str], asked: Asked, settings: Configuration) -> None:
    """Refuse what is neither an API nor a target, and APIs of which nobody says where they are."""
    known = {"all", *catalogue.here().taken()}
    for name in apis:
        if name not in known and not name.endswith(DOCUMENTS):
            what = f"target of {settings.shown}, or API," if settings.path else "API"
            where = "" if settings.path else f" (there is no {FILE} here or above)"
            hint = nearest(name, [*known, *settings.targets])
            raise click.UsageError(f"unknown {what} {name!r}; {hint}{where}")
    if asked.mock == bool(asked.url):
        raise click.UsageError("say what to judge: either --url URL or --mock")


def _done(errand: Errand) -> list[Outcome]:
    """Judge, and say what was found."""
    for contract in errand.contracts:
        if contract.partial:
            _remark(contract, errand.order)
    outcomes = judge(errand.contracts, errand.order)
    for outcome in outcomes:
        baseline.hold(outcome, errand.entries)
        github_actions.say(text.render(outcome))
    for report in errand.reports:
        _write(outcomes, report)
    return outcomes


def _remark(contract: Contract, order: Order) -> None:
    """Tell what is to be known of a document before it is judged by."""
    examples = profile_of(order).examples
    for remark in remarks_of(contract, order.url or "", examples):
        click.echo(f"{contract.name}: {text.visible(remark)}", err=True)


def _write(outcomes: list[Outcome], report: Path) -> None:
    try:
        write(outcomes, report)
    except OSError as problem:
        raise click.UsageError(f"{report}: {problem.strerror}") from problem
    click.echo(f"report: {report}", err=True)


def judge(chosen: list[Contract], order: Order) -> list[Outcome]:
    """Judge these contracts; raises a usage error for whatever is wrong with the order."""
    try:
        plans = [(contract, plan_of(contract, order, chosen)) for contract in chosen]
        jobs = [
            (contract, plan, credentials_for(contract, order, chosen))
            for contract, plan in plans
            if plan.clauses
        ]
        return _run_all(jobs, order, below=len(chosen) > 1)
    except (ContractError, UnknownName, FixtureError) as problem:
        raise click.UsageError(str(problem)) from problem


def _check_reports(reports: tuple[Path, ...], where: str = "") -> None:
    for report in reports:
        if report.suffix.lstrip(".") not in FORMATS:
            endings = ", ".join(f".{ending}" for ending in FORMATS)
            raise click.UsageError(f"{where}{report}: a report ends in one of {endings}")
        if not report.parent.is_dir():
            raise click.UsageError(f"{where}{report}: there is no folder {report.parent}")
        if report.is_dir():
            raise click.UsageError(f"{where}{report} is a folder; a report is a file")


def _check_shared(targets: Sequence[TargetSettings]) -> None:
    """Refuse a report of two targets: the second would take the place of the first."""
    taken: dict[Path, str] = {}
    for target in targets:
        for report in target.reports:
            if (other := taken.setdefault(report.resolve(), target.name)) != target.name:
                raise click.UsageError(
                    f"{target.where}.reports: {report} is a report of {other} as well; "
                    "name another file, or write one of both by --report"
                )


def _check_draft(draft: Path | None) -> None:
    if draft is not None and draft.exists():
        raise click.UsageError(f"{draft} is there already; --write-baseline makes a new file")
    if draft is not None and not draft.parent.is_dir():
        raise click.UsageError(f"{draft}: there is no folder {draft.parent}")


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

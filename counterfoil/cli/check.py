"""`counterfoil check`: an endpoint, mock or real, held to its contract."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click

import contracts
from contracts import baseline
from contracts.model import BaselineEntry, Contract, ContractError, Verdict
from contracts.report import FORMATS, text, write
from contracts.runner import PROFILES, Event, Outcome, Plan, choose, run
from contracts.target import Budget, Target, checked_url
from mockserver.clock import VirtualClock
from mockserver.faults import UnknownName
from mockserver.reply_files import FixtureError

from .. import wiring
from . import EXIT_BROKEN, EXIT_INTERRUPTED, EXIT_KEPT, EXIT_UNJUDGED, github_actions
from .options import Assignment
from .progress import Progress

MOCK_URL = "http://127.0.0.1:8600"
"""What --mock calls its target: where `counterfoil serve API` would be, so that curl finds it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a call of the command asks for."""

    url: str | None
    only: tuple[str, ...]
    profile: str
    seed: int
    budget: Budget
    given: Mapping[str, str]
    faults: tuple[str, ...]

    def command(self, api: str) -> str:
        """Return the command that checks one API again; secrets stay in their variables."""
        words = ["counterfoil", "check", api, *self._broken(api)]
        words += ["--url", self.url] if self.url else ["--mock"]
        return shlex.join([*words, "--profile", self.profile, "--seed", str(self.seed)])

    def serve(self, api: str) -> str:
        """Return the command that serves the mock that is judged, "" where it is no mock."""
        words = ["counterfoil", "serve", api, "--seed", str(self.seed), *self._broken(api)]
        return "" if self.url else shlex.join(words)

    def _broken(self, api: str) -> list[str]:
        own = [fault for fault in self.faults if fault.startswith(f"{api}.")]
        return [word for fault in own for word in ("--fault", fault)]


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
    rate: float | None, faults: tuple[str, ...], reports: tuple[Path, ...], accepted: Path | None,
    draft: Path | None,
) -> None:  # fmt: skip
    """Say which promises of API (or `all`) an endpoint keeps, and which it breaks.

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
    entries = _entries(accepted)
    order = Order(
        url, only, profile, seed, Budget(max_calls, max_time, rate), dict(credentials), faults
    )
    outcomes = judge(api, order)
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


def judge(api: str, order: Order) -> list[Outcome]:
    """Judge one API or `all`; raises a usage error for whatever is wrong with the order."""
    try:
        if order.url is not None:
            checked_url(order.url)
        chosen = _contracts(api)
        plans = [(contract, _plan(contract, order, chosen)) for contract in chosen]
        jobs = [
            (contract, plan, credentials_for(contract, order, chosen))
            for contract, plan in plans
            if plan.clauses
        ]
        return _run_all(jobs, order, below=api == "all")
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


def _entries(path: Path | None) -> tuple[BaselineEntry, ...]:
    """Return the entries of a baseline, of whichever API; raises a usage error."""
    if path is None:
        return ()
    try:
        said = path.read_text(encoding="utf-8")
        known = {clause.id for one in _contracts("all") for clause in one.clauses}
        return baseline.read(said, str(path), known)
    except ContractError as problem:
        raise click.UsageError(str(problem)) from problem
    except OSError as problem:
        raise click.UsageError(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise click.UsageError(f"{path} is not UTF-8") from problem


def _contracts(api: str) -> list[Contract]:
    return [contracts.load(name) for name in (contracts.names() if api == "all" else [api])]


def _plan(contract: Contract, order: Order, chosen: list[Contract]) -> Plan:
    everywhere = [clause for one in chosen for clause in one.clauses]
    wanted = set(choose(everywhere, order.only))
    return Plan(
        clauses=tuple(clause for clause in contract.clauses if clause in wanted),
        profile=PROFILES[order.profile],
        seed=order.seed,
        command=order.command(contract.name),
        serve=order.serve(contract.name),
    )


def credentials_for(contract: Contract, order: Order, chosen: list[Contract]) -> dict[str, str]:
    """Return what to bring: what is given, else the environment, else (here) the mock's own."""
    names = [credential.name for credential in contract.credentials]
    given = {}
    for name, value in order.given.items():
        api, dot, plain = name.partition(".")
        if dot and api != contract.name:
            continue
        if not dot and len(chosen) > 1:
            raise ContractError(
                f"{name!r}: with `all`, say whose it is, like {chosen[0].name}.{name}"
            )
        if (plain if dot else name) not in names:
            raise ContractError(
                f"unknown credential {name!r}; {contract.name} has {', '.join(names)}"
            )
        given[plain if dot else name] = value
    found = wiring.environment_credentials(contract.name, names) | given
    if order.url is None:
        found = wiring.all_credentials(contract.name) | found
    elif wiring.is_loopback(order.url):
        found = wiring.default_credentials(contract.name) | found
    missing = [c.name for c in contract.credentials if c.required and c.name not in found]
    if missing:
        wanted = ", ".join(contract.variable(name) for name in missing)
        raise ContractError(f"{contract.name} needs {wanted} (or --credential {missing[0]}=…)")
    return {name: value for name, value in found.items() if name in names}


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


def target_for(
    contract: Contract, credentials: Mapping[str, str], order: Order, below: bool
) -> Target:
    """Return what is called: the base URL, or our own mock in this process."""
    if order.url is not None:
        url = f"{order.url.rstrip('/')}/{contract.name}" if below else order.url
        return Target(url, budget=order.budget)
    clock = VirtualClock()
    made = wiring.mocks(
        [contract.name],
        clock=clock,
        seed=order.seed,
        credentials={f"{contract.name}.{k}": v for k, v in credentials.items()},
        faults=[f for f in order.faults if f.partition(".")[0] == contract.name],
    )
    return Target(MOCK_URL, app=made.app.wsgi_app, clock=clock, budget=order.budget)


def exit_code(outcomes: list[Outcome]) -> int:
    """Return the exit code that the outcomes of a run together ask for."""
    if any(outcome.interrupted for outcome in outcomes):
        return EXIT_INTERRUPTED
    verdicts = {outcome.verdict for outcome in outcomes}
    if Verdict.BROKEN in verdicts:
        return EXIT_BROKEN
    return EXIT_KEPT if verdicts == {Verdict.KEPT} else EXIT_UNJUDGED

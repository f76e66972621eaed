"""`counterfoil replay`: the failures of a JSON report, seen again or not."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import click

from contracts.baseline import MOCK
from contracts.model import ContractError, Exchange, Stopped, shortened
from contracts.redaction import redaction_for
from contracts.replay import Replayed, Word, knock, replay
from contracts.report.text import visible
from contracts.stored import StoredFailure, StoredReport, read
from contracts.target import Budget, checked_url
from mockserver.faults import UnknownName
from mockserver.reply_files import FixtureError

from .. import catalogue, wiring
from ..orders import Order, credentials_for, target_for
from . import EXIT_BROKEN, EXIT_KEPT, EXIT_UNJUDGED
from .options import Assignment


@click.command("replay")
@click.argument("report", type=click.Path(path_type=Path))
@click.option("--url", help="The base URL to call; of several APIs, each is below it.")
@click.option("--mock", is_flag=True, help="Call our own mock, in this process, on virtual time.")
@click.option("--only", multiple=True, metavar="GLOB", help="Replay only these; repeatable.")
@click.option("--credential", "credentials", multiple=True, type=Assignment(),
              help="Also from COUNTERFOIL_<API>_<NAME>; for this machine, the mock's own.",
)  # fmt: skip
@click.option("--fault", "faults", multiple=True, metavar="ID", help="With --mock: break it so.")
@click.option("--max-calls", type=click.IntRange(1), metavar="N", help="Never make more calls.")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="Calls a second at most."
)
def command(
    report: Path, url: str | None, mock: bool, only: tuple[str, ...],
    credentials: tuple[tuple[str, str], ...], faults: tuple[str, ...], max_calls: int | None,
    rate: float | None,
) -> None:  # fmt: skip
    """Send the requests behind each failure in REPORT again, and say which are answered as then.

    REPORT is what `check --report FILE.json` wrote. Secrets are yours, not the report's: signatures
    are made anew. Exit codes: 0 nothing is seen again, 1 something is, 2 wrong usage, 3 nothing
    could be replayed.
    """
    if mock and url:
        raise click.UsageError("say what to call: either --url URL or --mock")
    try:
        stored = _chosen(read(_data(report), str(report)), only)
        order = Order(url, only, "standard", 0, Budget(max_calls, None, rate), dict(credentials),
                      faults)  # fmt: skip
        words: Counter[Word] = Counter()
        for one in stored:
            words += _replay(one, order, mock, below=len(stored) > 1)
    except (ContractError, UnknownName, FixtureError) as problem:
        raise click.UsageError(str(problem)) from problem
    if words[Word.AGAIN]:
        sys.exit(EXIT_BROKEN)
    sys.exit(EXIT_KEPT if words[Word.NOT_AGAIN] else EXIT_UNJUDGED)


def _data(report: Path) -> bytes:
    try:
        return report.read_bytes()
    except OSError as problem:
        raise click.UsageError(f"{report}: {problem.strerror}") from problem


def _chosen(stored: Sequence[StoredReport], only: Sequence[str]) -> list[StoredReport]:
    """Return the reports with those failures that a pattern fits; an idle pattern is refused."""
    ids = [failure.clause for one in stored for failure in one.failures]
    for pattern in only:
        if not any(fnmatchcase(id, pattern) for id in ids):
            there = ", ".join(ids) if ids else "none at all"
            raise ContractError(f"the report has no failure {pattern!r}; there is {there}")

    def wanted(failure: StoredFailure) -> bool:
        return not only or any(fnmatchcase(failure.clause, pattern) for pattern in only)

    return [replace(one, failures=tuple(filter(wanted, one.failures))) for one in stored]


def _replay(stored: StoredReport, order: Order, mock: bool, *, below: bool) -> Counter[Word]:
    """Replay the failures of one API, and say what became of each."""
    contract = catalogue.here().contract(stored.api)
    order = replace(order, url=None if mock else _url(stored, order), seed=stored.seed)
    if order.faults and order.url:
        raise ContractError("--fault goes with --mock; start `counterfoil serve --fault` instead")
    credentials = credentials_for(contract, order, [contract])
    target = target_for(contract, credentials, order, below and order.url is not None)
    where = f"at {target.url}" if order.url else "in this process, our own mock"
    click.echo(f"{contract.title} ({contract.name}) {where}")
    redact = redaction_for(contract, credentials, ())
    words: Counter[Word] = Counter()
    trouble = "" if stored.failures else "the report holds no failure"
    try:
        driver = contract.driver(contract, target, credentials)
        if stored.failures:
            knock(driver)
        for failure in stored.failures:
            found = replay(failure, driver)
            words[found.word] += 1
            for line in _lines(found):
                click.echo(redact(line))
    except Stopped as stop:
        trouble = str(stop)
    finally:
        target.close()
    rest = len(stored.failures) - words.total()
    if trouble:
        click.echo(f"not replayed: {visible(redact(trouble))}")
    counted = [f"{words[word]} {word}" for word in Word if words[word]]
    counted += [f"{rest} not tried"] if rest else []
    click.echo(f"{contract.name}: {', '.join(counted) or 'nothing'} ({target.calls} calls)\n")
    return words


def _url(stored: StoredReport, order: Order) -> str | None:
    """Return what to call where it is no mock: what the user names, else what the report does.

    The caller's secrets go to no other machine because a report says so.
    """
    if order.url is not None:
        checked_url(order.url)
        return order.url
    if stored.target == MOCK:
        return None
    checked_url(stored.target)
    if not wiring.is_loopback(stored.target):
        raise ContractError(
            f"the report was made at {stored.target}; to send your credentials there, "
            f"say --url {stored.target}"
        )
    click.echo(f"calling {stored.target}, which the report was made at", err=True)
    return stored.target


def _lines(found: Replayed) -> Iterator[str]:
    yield f"  {found.word:<18} {visible(found.failure.clause)}"
    if found.word is Word.CANNOT:
        at = f"step {found.step}: " if found.step else ""
        yield f"      {at}{_said(found.reason)}"
        return
    yield f"      found then: {_said(found.failure.message)}"
    if found.word is Word.NOT_AGAIN:
        steps = len(found.failure.asked)
        yield f"      step {found.step} of {steps}: {_said(found.reason)}"
        yield f"      then: {_answer(found.then)}"
    yield f"      now:  {_answer(found.now)}"


def _said(text: str) -> str:
    return visible(shortened(text.encode("utf-8", "replace"), 400))


def _answer(exchange: Exchange | None) -> str:
    if exchange is None or exchange.response is None:
        return visible(exchange.failure or "no answer") if exchange else ""
    return visible(f"HTTP {exchange.status} {shortened(exchange.body, 240)}")

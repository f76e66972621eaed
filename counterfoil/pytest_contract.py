"""The clauses of a contract as items of pytest: each is judged alone, in any order, anywhere."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from contracts import baseline
from contracts.driver import Driver
from contracts.model import BaselineEntry, Clause, Contract, ContractError, Stopped, Verdict
from contracts.report import text
from contracts.runner import PROFILES, Outcome, Plan, judge, knock, unreached
from mockserver.faults import UnknownName
from mockserver.reply_files import FixtureError

from .configuration import ConfigurationError
from .orders import (
    Asked,
    Order,
    contracts_for,
    credentials_for,
    entries_of,
    keep_apart,
    named,
    order_of,
    plan_of,
    target_for,
)
from .wiring import configured


def clause_items(session: pytest.Session) -> list[pytest.Item]:
    """Return an item for each clause that the options ask for; raises UsageError."""
    config = session.config
    try:
        benches = list(_benches(config))
    except (ContractError, ConfigurationError, UnknownName, FixtureError) as problem:
        raise pytest.UsageError(str(problem)) from problem
    for bench in benches:
        config.add_cleanup(bench.target.close)
    _share(benches, *_part(config.getoption("contract_part")))
    found: list[pytest.Item] = []
    for bench in benches:
        node = ContractNode.from_parent(
            session,
            name=f"contract of {bench.name}",
            nodeid=f"contract/{bench.name}",
            bench=bench,
        )
        found += _collected(node)
    return found


def _collected(node: ContractNode) -> list[pytest.Item]:
    """Collect a node as pytest does, so that its items are counted."""
    node.ihook.pytest_collectstart(collector=node)
    report = node.ihook.pytest_make_collect_report(collector=node)
    node.ihook.pytest_collectreport(report=report)
    found: list[pytest.Item] = report.result
    return found


def _benches(config: pytest.Config) -> Iterator[Bench]:
    """Yield a bench for each API at each place; raises what is wrong with the options."""
    file, apis = config.getoption("contract_config"), config.getoption("contract")
    targets = config.getoption("contract_target")
    profile = config.getoption("contract_profile")
    folder = config.invocation_params.dir
    reads = file or targets or profile not in {None, *PROFILES}
    settings = configured(Path(file) if file else None, none=not reads, start=folder)
    asked = _asked(config)
    if (asked.url and asked.mock) or (apis and not (asked.url or asked.mock)):
        raise pytest.UsageError(
            "say what --contract judges: either --contract-url URL or --contract-mock"
        )
    keep_apart(apis, targets)
    given = config.getoption("contract_baseline")
    chosen = [named(target, settings) for target in dict.fromkeys(targets)]
    for target in [*([None] if apis else []), *chosen]:
        order = order_of(asked, settings, target)
        known = Path(given) if given else target.baseline if target else None
        judged = contracts_for(apis, order)
        held = entries_of(known, judged) if known else ()
        for contract in judged:
            yield Bench(contract, order, judged, held)


def _asked(config: pytest.Config) -> Asked:
    """Return what the options say; the budget is for all workers together."""
    url, mock = config.getoption("contract_url"), config.getoption("contract_mock")
    if config.getoption("contract_fault") and url:
        raise pytest.UsageError("--contract-fault goes with --contract-mock")
    seed = config.getoption("contract_seed")
    if seed is not None and seed < 0:
        raise pytest.UsageError(f"--contract-seed is a number from 0 up, not {seed}")
    calls, rate = config.getoption("contract_max_calls"), config.getoption("contract_rate")
    seconds = config.getoption("contract_max_time")
    for name, value in (("max-calls", calls), ("max-time", seconds), ("rate", rate)):
        if value is not None and not value > 0:
            raise pytest.UsageError(f"--contract-{name} is a number above 0, not {value}")
    return Asked(
        url=url,
        mock=mock,
        only=tuple(config.getoption("contract_only")),
        profile=config.getoption("contract_profile"),
        seed=seed,
        calls=calls,
        seconds=seconds,
        rate=rate,
        given=dict(map(_assigned, config.getoption("contract_credential"))),
        faults=tuple(config.getoption("contract_fault")),
        shares=int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
        option="--contract-credential",
    )


def _assigned(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name and equals):  # it may be the value alone, and is not shown
        raise pytest.UsageError("--contract-credential should be written as NAME=VALUE")
    if not value:
        raise pytest.UsageError(f"--contract-credential {name!r} should be written as NAME=VALUE")
    return name, value


def _part(given: str | None) -> tuple[int, int]:
    if given is None:
        return 1, 1
    part, slash, parts = given.partition("/")
    if slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts):
        return int(part), int(parts)
    raise pytest.UsageError(f"--contract-part is K/N with K from 1 to N, like 1/3, not {given!r}")


def _share(benches: Sequence[Bench], part: int, parts: int) -> None:
    """Leave each bench its clauses of one part; parts have the same number of clauses, about."""
    before = 0
    for bench in benches:
        clauses = bench.plan.clauses
        mine = tuple(c for at, c in enumerate(clauses, before) if at % parts == part - 1)
        bench.plan = replace(bench.plan, clauses=mine)
        before += len(clauses)


class Bench:
    """What the clauses of one contract share in this process: one client, let in once."""

    def __init__(
        self, contract: Contract, order: Order, chosen: list[Contract], held: Held
    ) -> None:
        self.contract = contract
        self.name = f"{order.target.name}/{contract.name}" if order.target else contract.name
        self.plan = plan_of(contract, order, chosen)
        self._held = held
        self._credentials = credentials_for(contract, order, chosen)
        self.target = target_for(contract, self._credentials, order, len(chosen) > 1)
        self._never: dict[frozenset[str], str] = {}

    @cached_property
    def driver(self) -> Driver:
        """The client; raises Stopped where the target does not let it in."""
        driver = self.contract.driver(self.contract, self.target, self._credentials)
        knock(driver)
        return driver

    def judge(self, clause: Clause) -> Outcome:
        """Return what is found of one clause; raises Stopped when the target is gone."""
        driver, plan = self.driver, replace(self.plan, clauses=(clause,))
        driver.refusals.clear()
        outcome = Outcome(self.contract, plan, driver.target.url, credentials=self._credentials)
        calls = driver.target.calls
        outcome.findings = [judge(clause, driver, plan)]
        baseline.hold(outcome, self._held)
        outcome.trouble = self._unreached(driver, plan)
        outcome.calls = driver.target.calls - calls
        return outcome

    def _unreached(self, driver: Driver, plan: Plan) -> str:
        """Say which operations of the clause never accepted a request; they are asked once."""
        never = frozenset(driver.refusals) - set(+driver.accepted_operations)
        if never not in self._never:
            self._never[never] = unreached(driver, plan)
        return self._never[never]


Held = tuple[BaselineEntry, ...]


class ContractNode(pytest.Collector):
    """Where the clauses of one contract are, among a user's own tests."""

    def __init__(self, *, bench: Bench, **made: Any) -> None:
        super().__init__(**made)
        self.bench = bench

    def setup(self) -> None:
        """Knock, once: where nobody is let in, all clauses are errors, and none is judged."""
        trouble = ""
        try:
            self.bench.driver  # noqa: B018
        except Stopped as problem:
            trouble = str(problem)
        if trouble:  # outside of the block above, whose exceptions would be shown as well
            pytest.fail(f"not judged: {trouble}", pytrace=False)

    def collect(self) -> Iterator[ClauseItem]:
        """Yield an item for each clause that is asked for."""
        for clause in self.bench.plan.clauses:
            yield ClauseItem.from_parent(self, name=clause.id, clause=clause)


class ClauseItem(pytest.Item):
    """One clause: passes where it is kept, fails where it is broken, is skipped where untested."""

    parent: ContractNode

    def __init__(self, *, clause: Clause, **made: Any) -> None:
        super().__init__(**made)
        self.clause = clause
        for marker in ("contract", str(clause.basis)):
            self.add_marker(marker)
        self.user_properties += [
            ("sentence", clause.sentence),
            ("source", clause.source),
            ("basis", str(clause.basis)),
        ]

    def runtest(self) -> None:
        """Judge the clause."""
        trouble = ""
        with warnings.catch_warnings():
            warnings.simplefilter("default")  # a project's own filters are about its own code
            try:
                outcome = self.parent.bench.judge(self.clause)
            except Stopped as problem:
                trouble = str(problem)
        if trouble:
            pytest.fail(f"not judged: {trouble}", pytrace=False)
        self._say(outcome)

    def _say(self, outcome: Outcome) -> None:
        (finding,) = outcome.findings
        self.user_properties += [("verdict", str(finding.verdict)), ("calls", str(outcome.calls))]
        # The id and the sentence stand above it in pytest's report, and the sentence once more.
        said = text.render_finding(outcome, finding).partition("\n")[2]
        if finding.baseline:
            pytest.xfail(f"accepted by the baseline: {finding.baseline.reason}")
        if outcome.outdated:
            pytest.fail("\n".join(map(text.outdated, outcome.outdated)), pytrace=False)
        if finding.verdict in (Verdict.BROKEN, Verdict.ERROR):
            pytest.fail(said, pytrace=False)
        if finding.verdict is Verdict.DEVIATION:
            self.add_report_section("call", "deviation", said)
        if finding.verdict is Verdict.UNTESTED:
            reason = text.visible(outcome.redact(finding.reason))
            pytest.skip(f"{self.clause.id}: {reason}")
        if outcome.trouble:
            trouble = text.visible(outcome.redact(outcome.trouble))
            pytest.fail(f"not judged: {trouble}", pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return where the item is, and what stands above it in the report."""
        return self.path, None, f"{self.clause.id}: {self.clause.sentence}"

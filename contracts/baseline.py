"""Baselines: deviations that somebody knows of and lives with, each with a reason and a date."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import NoReturn

import httpx
import yaml

from .model import BaselineEntry, ContractError, Finding, Verdict, shortened
from .runner import Outcome
from .target import checked_url

KEYS = ("clause", "target", "reason", "date")
MOCK = "mock"
"""How an entry, and the JSON report, call a mock that is judged in the process."""

ACCEPTABLE = (Verdict.BROKEN, Verdict.DEVIATION)
JUDGED = (*ACCEPTABLE, Verdict.KEPT)

_TEXT = "tag:yaml.org,2002:str"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def read(text: str, name: str, clauses: Collection[str]) -> tuple[BaselineEntry, ...]:
    """Return the entries of a baseline; raises ContractError that names the file and the entry.

    `clauses` are the ids that there are, of all APIs. A file is understood, or it is refused.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ContractError(f"{name} is not YAML: {shortened(said.encode())}") from error
    if not isinstance(root, yaml.SequenceNode):
        raise ContractError(
            f"{name}: a baseline is a list of entries, each with {', '.join(KEYS)}; "
            "a list without entries is written []"
        )
    found: dict[tuple[str, str], _Place] = {}
    entries = []
    for number, node in enumerate(root.value, 1):
        place = _Place(name, number, node.start_mark.line + 1)
        entry = _entry(place, node, clauses)
        before = found.setdefault((entry.clause, entry.target), place)
        if before is not place:
            place.refuse(
                f"entry {before.number} is about {entry.clause} at {entry.target} already; "
                "leave one of them"
            )
        entries.append(entry)
    return tuple(entries)


@dataclass(frozen=True, slots=True)
class _Place:
    """An entry within a file."""

    name: str
    number: int
    line: int

    def refuse(self, what: str) -> NoReturn:
        """Raise ContractError that says where it is, what is wrong and what would be right."""
        raise ContractError(f"{self.name}: entry {self.number} (line {self.line}): {what}")


def _entry(place: _Place, node: yaml.Node, clauses: Collection[str]) -> BaselineEntry:
    if not isinstance(node, yaml.MappingNode):
        place.refuse(f"an entry is a mapping with {', '.join(KEYS)}")
    values: dict[str, str] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if name not in KEYS:
            near = difflib.get_close_matches(name, KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(KEYS)}"
            place.refuse(f"unknown key {shortened(name)}; {hint}")
        if name in values:
            place.refuse(f"{name} is there twice; leave one of them")
        values[name] = _scalar(place, name, value)
    missing = [name for name in KEYS if name not in values]
    if missing:
        place.refuse(f"there is no {' and no '.join(missing)}; an entry has {', '.join(KEYS)}")
    return BaselineEntry(
        _clause(place, values["clause"], clauses),
        _target(place, values["target"]),
        _reason(place, values["reason"]),
        _day(place, values["date"]),
    )


def _scalar(place: _Place, name: str, node: yaml.Node) -> str:
    tags = (_TEXT, _TIMESTAMP) if name == "date" else (_TEXT,)
    if not isinstance(node, yaml.ScalarNode) or node.tag not in tags:
        place.refuse(f"{name} has to be a text{', like 2024-05-31' if name == 'date' else ''}")
    return " ".join(str(node.value).split())


def _clause(place: _Place, id: str, clauses: Collection[str]) -> str:
    if id in clauses:
        return id
    near = difflib.get_close_matches(id, clauses, n=1)
    hint = f"did you mean {near[0]}?" if near else "`counterfoil clauses` lists them"
    place.refuse(f"no clause is called {shortened(id)}; {hint}")


def _target(place: _Place, target: str) -> str:
    if target == MOCK or re.search(r"[*?]", target):
        return target.rstrip("/")
    try:
        parts = checked_url(target)
    except ContractError:
        place.refuse(
            f"target {shortened(target)} is neither a base URL like https://host/path, "
            f"nor a glob of one, nor {MOCK}"
        )
    # As a run calls its target: the host in lower case, without the scheme's own port.
    return f"{parts.scheme}://{httpx.URL(target).netloc.decode()}{parts.path.rstrip('/')}"


def _reason(place: _Place, reason: str) -> str:
    if not reason:
        place.refuse("reason is empty; say in a sentence why this is accepted for now")
    return reason


def _day(place: _Place, day: str) -> str:
    try:
        if _DATE.fullmatch(day):
            return date.fromisoformat(day).isoformat()
    except ValueError:
        pass
    place.refuse(f"date {shortened(day)} is no date; write it like 2024-05-31")


def target_of(outcome: Outcome) -> str:
    """Return what a baseline's entry calls the target of a run."""
    return MOCK if outcome.plan.serve else outcome.target


def covers(entry: BaselineEntry, target: str) -> bool:
    """Say whether an entry is about a target; the brackets of an IPv6 address are no glob."""
    return fnmatchcase(target, entry.target.replace("[", "[[]"))


def hold(outcome: Outcome, entries: Collection[BaselineEntry]) -> None:
    """Mark what the entries accept of a run, and note those that are outdated or unjudged."""
    known = {clause.id for clause in outcome.contract.clauses}
    target = target_of(outcome)
    ours = [entry for entry in entries if entry.clause in known and covers(entry, target)]
    first: dict[str, BaselineEntry] = {}
    for entry in ours:
        first.setdefault(entry.clause, entry)
    verdicts = {finding.clause.id: finding.verdict for finding in outcome.findings}
    outcome.findings[:] = [_held(finding, first) for finding in outcome.findings]
    outcome.outdated = tuple(e for e in ours if verdicts.get(e.clause) is Verdict.KEPT)
    outcome.unjudged = tuple(e for e in ours if verdicts.get(e.clause) not in JUDGED)


def _held(finding: Finding, entries: dict[str, BaselineEntry]) -> Finding:
    entry = entries.get(finding.clause.id)
    return replace(finding, baseline=entry) if entry and _acceptable(finding) else finding


def _acceptable(finding: Finding) -> bool:
    return finding.verdict in ACCEPTABLE


def draft(outcomes: Collection[Outcome], day: date) -> str:
    """Return a baseline of all that is broken or deviates, with reasons for people to fill in."""
    return "".join(_drafted(outcomes, day.isoformat())) or "[]\n"


def _drafted(outcomes: Collection[Outcome], day: str) -> Iterator[str]:
    for outcome in outcomes:
        for finding in filter(_acceptable, outcome.findings):
            old = finding.baseline
            value = {
                "clause": finding.clause.id,
                "target": old.target if old else target_of(outcome),
                "reason": old.reason if old else "",
                "date": old.date if old else day,
            }
            yield yaml.safe_dump([value], sort_keys=False, allow_unicode=True, width=100)

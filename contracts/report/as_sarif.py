"""The report for code scanning: SARIF 2.1.0, a run an API, a rule a clause, a result a finding."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any
from urllib.parse import quote

from ..model import Basis, Clause, Finding, Verdict
from ..runner import Outcome
from . import text
from .places import Places
from .standing import Standing, standing

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
BASE = "%SRCROOT%"
"""What code scanning takes the top of a repository's paths to be."""

MOST_SAID = 4000
"""Characters of a target's words that a message repeats."""

LEVELS = (
    (Standing.BROKEN, "error"),
    (Standing.DEVIATION, "note"),
    (Standing.SEEN_ONCE, "warning"),
)

# What a viewer makes a link of, and what it fills in.
_LINK = re.compile(r"\](?=\()")
_PLACEHOLDER = re.compile(r"\{(?=\d+\})")


def render(outcomes: Sequence[Outcome]) -> str:
    """Return the report, in ASCII: what else is said is escaped."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(one) for one in outcomes]}
    return json.dumps(log, indent=2) + "\n"


def _run(outcome: Outcome) -> dict[str, Any]:
    rules = {clause.id: clause for clause in _clauses(outcome)}
    order = {id: index for index, id in enumerate(rules)}
    places = Places(outcome.contract)
    return {
        "tool": {"driver": _driver(rules)},
        # One file may hold several APIs: to code scanning each is an analysis of its own.
        "automationDetails": {"id": f"counterfoil/{outcome.contract.name}/"},
        "originalUriBaseIds": {
            BASE: {"description": {"text": "The folder that the package `contracts` is in."}}
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(outcome, order)],
        "results": [
            _result(outcome, finding, order, places)
            for finding in outcome.findings
            if _level(finding)
        ],
        "properties": {
            "api": outcome.contract.name,
            "target": _target(outcome),
            "profile": outcome.plan.profile.name,
            "seed": outcome.plan.seed,
            "verdict": str(outcome.verdict),
        },
    }


def _driver(rules: dict[str, Clause]) -> dict[str, Any]:
    driver: dict[str, Any] = {"name": "Counterfoil"}
    try:
        driver["version"] = driver["semanticVersion"] = metadata.version("counterfoil")
    except metadata.PackageNotFoundError:
        pass  # run from its source, without being installed
    return {**driver, "rules": [_rule(clause) for clause in rules.values()]}


def _clauses(outcome: Outcome) -> Iterator[Clause]:
    yield from outcome.plan.clauses
    yield from (finding.clause for finding in outcome.findings)


def _rule(clause: Clause) -> dict[str, Any]:
    level = "note" if clause.basis is Basis.OBSERVED else "error"
    return {
        "id": clause.id,
        "shortDescription": {"text": clause.sentence},
        "fullDescription": {"text": f"{clause.sentence} ({clause.basis}: {clause.source})"},
        "help": {"text": f"{clause.sentence}\nBasis: {clause.basis}\nSource: {clause.source}"},
        "defaultConfiguration": {"level": level},
        "properties": {
            "basis": str(clause.basis),
            "source": clause.source,
            "tags": [str(clause.basis), clause.id.split(".")[1]],
        },
    }


def _level(finding: Finding) -> str:
    """Return how grave a finding is, "" where there is nothing to report."""
    found = standing(finding)
    if found is Standing.ACCEPTED:
        found = Standing(finding.verdict)
    return dict(LEVELS).get(found, "")


def _result(
    outcome: Outcome, finding: Finding, order: dict[str, int], places: Places
) -> dict[str, Any]:
    clause = finding.clause
    same = _fingerprint(clause.id, _target(outcome))
    result: dict[str, Any] = {
        "ruleId": clause.id,
        "ruleIndex": order[clause.id],
        "level": _level(finding),
        "message": {"text": "\n".join(_told(outcome, finding))},
        "locations": [_location(finding, places)],
        # GitHub knows an alert again by the first of the partial ones alone.
        "fingerprints": {"clauseAndTarget/v1": same},
        "partialFingerprints": {"primaryLocationLineHash": same, "clauseAndTarget/v1": same},
        "properties": {
            "standing": str(standing(finding)),
            "basis": str(clause.basis),
            "examples": finding.examples,
            "calls": finding.calls,
        },
    }
    if finding.baseline:
        why = f"{_plain(finding.baseline.reason)} (since {finding.baseline.date})"
        result["suppressions"] = [{"kind": "external", "justification": why}]
    return result


def _told(outcome: Outcome, finding: Finding) -> Iterator[str]:
    clause, redact = finding.clause, outcome.redact_failure(finding.failure)
    yield _plain(redact(finding.reason))
    yield f"Promised: {clause.sentence} ({clause.basis}: {clause.source})"
    if finding.failure and finding.failure.exchanges:
        yield f"Seen: {_plain(text.brief(finding.failure.exchanges[-1], redact))}"
    yield f"See it again: {_plain(outcome.rerun(clause.id))}"


def _location(finding: Finding, places: Places) -> dict[str, Any]:
    place = places.of(finding)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place.path), "uriBaseId": BASE},
            "region": {"startLine": place.line},
        },
        "logicalLocations": [{"fullyQualifiedName": finding.clause.id, "kind": "function"}],
    }


def _invocation(outcome: Outcome, order: dict[str, int]) -> dict[str, Any]:
    judged = outcome.verdict in (Verdict.KEPT, Verdict.BROKEN)
    return {
        "executionSuccessful": judged and not outcome.trouble and not outcome.interrupted,
        "commandLine": _plain(outcome.plan.command),
        "startTimeUtc": f"{outcome.began:%Y-%m-%dT%H:%M:%SZ}",
        "toolExecutionNotifications": list(_notifications(outcome, order)),
    }


def _notifications(outcome: Outcome, order: dict[str, int]) -> Iterator[dict[str, Any]]:
    trouble = outcome.trouble or ("the run was interrupted" if outcome.interrupted else "")
    if trouble:
        said = f"not judged: {_plain(outcome.redact(trouble))}"
        yield {"level": "error", "message": {"text": said}}
    for entry in outcome.outdated:
        yield {"level": "error", "message": {"text": _plain(text.outdated(entry))}}
    for finding in outcome.findings:
        if standing(finding) is Standing.ERROR:
            said = _plain(outcome.redact_failure(finding.failure)(finding.reason))
            rule = {"id": finding.clause.id, "index": order[finding.clause.id]}
            yield {"level": "error", "message": {"text": said}, "associatedRule": rule}


def _target(outcome: Outcome) -> str:
    return "mock" if outcome.plan.serve else _plain(outcome.redact(outcome.target))


def _plain(said: str) -> str:
    """Return what was said as a message in which a viewer finds nothing to fill in or to link."""
    seen = text.visible(said)
    if len(seen) > MOST_SAID:
        seen = f"{seen[:MOST_SAID]}… ({len(seen)} characters)"
    return _PLACEHOLDER.sub("{ ", _LINK.sub("] ", seen))


def _fingerprint(*parts: str) -> str:
    """Return what is the same in each run that finds the same."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

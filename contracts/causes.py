"""One cause, one report: findings that say the same are said once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .model import Finding, Verdict, shortened

LEAST = 3
"""So many clauses with one reason are a cause; fewer are told one by one."""

_VOLATILE = re.compile(r"[0-9A-Fa-f]{8,}|\d+")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why many clauses have the same verdict, in a sentence, and which they are."""

    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...]


def causes(findings: Sequence[Finding]) -> list[Cause]:
    """Return what lies behind several findings at once, the widest first.

    Broken clauses have one cause where a server error, or no answer at all, ended the case of each
    in the same words, numbers aside; untested ones where they were left for the same reason. What
    a baseline accepts has its own.
    """
    alike: dict[tuple[Verdict, str], list[tuple[str, Finding]]] = {}
    for finding in findings:
        reason = _reason(finding)
        if reason:
            key = finding.verdict, _VOLATILE.sub("#", reason)
            alike.setdefault(key, []).append((reason, finding))
    found = [
        Cause(verdict, said[0][0], tuple(finding for _, finding in said))
        for (verdict, _), said in alike.items()
        if len(said) >= LEAST
    ]
    return sorted(found, key=lambda cause: -len(cause.findings))


def sorted_out(findings: Sequence[Finding]) -> tuple[list[Cause], list[Finding]]:
    """Return the causes, and the findings that are told one by one."""
    shared = causes(findings)
    told = {id(finding) for cause in shared for finding in cause.findings}
    return shared, [finding for finding in findings if id(finding) not in told]


def _reason(finding: Finding) -> str:
    if finding.verdict is Verdict.UNTESTED and finding.failure is None:
        return finding.reason
    judged = finding.verdict in (Verdict.BROKEN, Verdict.DEVIATION)
    if not judged or not finding.failure or finding.baseline:
        return ""
    last = finding.failure.exchanges[-1] if finding.failure.exchanges else None
    if last is None or (last.response and last.status < 500):
        return ""
    if last.failure:
        return f"no answer: {last.failure}"
    return f"the server failed: HTTP {last.status} {shortened(last.body)}".rstrip()

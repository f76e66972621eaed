"""How a reader sorts findings: by verdict, with what was seen once and what is accepted apart."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from ..model import Finding, Verdict


class Standing(StrEnum):
    """What a finding means to a reader, the ones to act on first."""

    BROKEN = "broken"
    ERROR = "error"
    DEVIATION = "deviation"
    SEEN_ONCE = "seen once"
    ACCEPTED = "accepted"
    UNTESTED = "untested"
    KEPT = "kept"


def standing(finding: Finding) -> Standing:
    """Return how a finding stands; one that a baseline accepts is no longer what it was found."""
    if finding.baseline:
        return Standing.ACCEPTED
    if finding.verdict is Verdict.UNTESTED and finding.failure:
        return Standing.SEEN_ONCE
    return Standing(finding.verdict)


def standing_so(findings: Sequence[Finding], wanted: Standing) -> list[Finding]:
    """Return the findings that stand so, in their order."""
    return [finding for finding in findings if standing(finding) is wanted]

"""What GitHub Actions is told: annotations beside the code, and a page for the summary of a run.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..causes import sorted_out
from ..model import Finding
from ..runner import Outcome
from . import text
from .places import Place, Places
from .standing import Standing, standing, standing_so

MOST_SAID = 1000
"""Characters of a target's words that are repeated."""

MOST_TOLD = 50
"""Findings of one API that the summary tells; GitHub takes no page of more than a mebibyte."""

LEVELS = (
    (Standing.BROKEN, "error"),
    (Standing.DEVIATION, "notice"),
    (Standing.SEEN_ONCE, "warning"),
)


def commands(outcomes: Sequence[Outcome]) -> list[str]:
    """Return workflow commands: of what has one cause one, as GitHub shows few of a step."""
    return [line for outcome in outcomes for line in _commands(outcome)]


def inert(said: str, token: str) -> str:
    """Return a text for the log in which GitHub obeys no commands; `token` is not to be guessed.

    It would also obey what a target said: it reads `##[…]` in the middle of a line too.
    """
    return f"::stop-commands::{token}\n{said}\n::{token}::"


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return a page in Markdown; what a target said is in it as code, in lines that we begin."""
    counted = [one for one in Standing if any(standing_so(o.findings, one) for o in outcomes)]
    columns = ["API", "verdict", *counted, "calls", "seconds"]
    lines = ["## Counterfoil", "", _row(columns), _row(["---"] * len(columns))]
    for outcome in outcomes:
        numbers = [str(len(standing_so(outcome.findings, one))) for one in counted]
        took = [str(outcome.calls), f"{outcome.duration:.1f}"]
        lines.append(_row([outcome.contract.name, f"**{text.word(outcome)}**", *numbers, *took]))
    for outcome in outcomes:
        lines += _told(outcome)
    return "\n".join([*lines, ""])


def _commands(outcome: Outcome) -> Iterator[str]:
    places = Places(outcome.contract)
    if outcome.trouble:
        said = f"not judged: {_short(outcome.redact(outcome.trouble))}"
        yield _written("error", said, outcome.contract.name)
    for entry in outcome.outdated:
        yield _written("error", _short(text.outdated(entry)), entry.clause)
    for wanted, level in LEVELS:
        for told in _by_cause(outcome, standing_so(outcome.findings, wanted)):
            clause = told.first.clause
            lines = [*told.lines, f"rerun: {_short(outcome.rerun(clause.id))}"]
            if told.others:
                lines.append(f"likewise: {', '.join(told.others)}")
            yield _written(level, "\n".join(lines), clause.id, places.of(told.first))


@dataclass(frozen=True, slots=True)
class _Told:
    """A finding as it is told, and the ids of the clauses that have the same cause."""

    first: Finding
    lines: tuple[str, ...]
    others: tuple[str, ...] = ()


def _by_cause(outcome: Outcome, found: Sequence[Finding]) -> Iterator[_Told]:
    shared, alone = sorted_out(found)
    for cause in shared:
        first, *others = cause.findings
        reason = _short(outcome.redact_failure(first.failure)(cause.reason))
        line = f"{len(cause.findings)} clauses have one cause: {reason}"
        ids = tuple(finding.clause.id for finding in others)
        yield _Told(first, (line, *_found(outcome, first)), ids)
    for finding in alone:
        yield _Told(finding, tuple(_found(outcome, finding)))


def _found(outcome: Outcome, finding: Finding) -> list[str]:
    clause = finding.clause
    said = _short(outcome.redact_failure(finding.failure)(finding.reason))
    return [
        f"found: {said}",
        f"promised: {clause.sentence} ({clause.basis}: {clause.source})",
    ]


def _short(said: str) -> str:
    seen = text.visible(said)
    return seen if len(seen) <= MOST_SAID else f"{seen[:MOST_SAID]}… ({len(seen)} characters)"


def _written(level: str, message: str, title: str, place: Place | None = None) -> str:
    properties = [f"file={_property(place.path)}", f"line={place.line}"] if place else []
    properties.append(f"title={_property(title)}")
    return f"::{level} {','.join(properties)}::{_data(message)}"


def _data(said: str) -> str:
    return said.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(said: str) -> str:
    return _data(said).replace(":", "%3A").replace(",", "%2C")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _told(outcome: Outcome) -> Iterator[str]:
    notes = [f"not judged: {_short(outcome.redact(outcome.trouble))}"] if outcome.trouble else []
    notes += [f"baseline: {_short(text.outdated(entry))}" for entry in outcome.outdated]
    if notes:
        yield from ("", f"### {outcome.contract.name}", "", *_code(notes))
    wanted = [one for one, _ in LEVELS]
    told = [t for one in wanted for t in _by_cause(outcome, standing_so(outcome.findings, one))]
    for one in told[:MOST_TOLD]:
        clause = one.first.clause
        yield from ("", f"### {standing(one.first)}: `{clause.id}`", "")
        yield from _code([*one.lines, f"rerun: {_short(outcome.rerun(clause.id))}"])
        if one.others:
            yield from ("", f"Likewise: {', '.join(f'`{id}`' for id in one.others)}")
    if len(told) > MOST_TOLD:
        yield from ("", f"And {len(told) - MOST_TOLD} more of {outcome.contract.name}.")


def _code(lines: Sequence[str]) -> list[str]:
    return ["~~~~text", *lines, "~~~~"]

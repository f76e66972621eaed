"""The report for people at a terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ..causes import Cause, sorted_out
from ..model import BaselineEntry, Exchange, Finding, Verdict
from ..redaction import Redaction
from ..runner import Outcome
from . import curl
from .standing import Standing, standing_so

MOST_BEFORE = 8
"""Exchanges before the one that broke a promise that are shown."""

MOST_BODY = 1200
"""Characters of a body that are shown."""

ACCEPTED = "accepted"
"""What is counted apart from what is broken: the deviations that a baseline accepts."""

HEADINGS = (
    (Standing.BROKEN, "broken"),
    (Standing.ERROR, "could not be judged for a mistake of ours"),
    (Standing.DEVIATION, "deviations from what was observed (nothing documented is broken)"),
    (Standing.SEEN_ONCE, "seen once, and not when repeated"),
    (Standing.UNTESTED, "untested"),
)


def render(outcome: Outcome) -> str:
    """Return the report of one API: the verdict at the end, where a terminal shows it."""
    where = ", a mock in this process" if outcome.plan.serve else f" at {outcome.target}"
    lines = [f"{outcome.contract.title} ({outcome.contract.name}){where}"]
    for finding in outcome.findings:
        if finding.verdict is Verdict.KEPT:
            lines.append(f"  kept      {finding.clause.id}")
    for wanted, heading in HEADINGS:
        found = standing_so(outcome.findings, wanted)
        if found and not _one_cause(outcome, wanted, found):
            lines += ["", f"{heading}:", *_findings(outcome, found)]
    accepted = [finding for finding in outcome.findings if finding.baseline]
    if accepted:
        lines += ["", "accepted by the baseline:"]
        for finding in accepted:
            lines += _finding(outcome, finding)
    lines += ["", *_closing(outcome)]
    return "\n".join(lines) + "\n"


def render_finding(outcome: Outcome, finding: Finding) -> str:
    """Return what is to be said of one clause."""
    return textwrap.dedent("\n".join(_finding(outcome, finding))).rstrip()


def render_all(outcomes: Sequence[Outcome]) -> str:
    """Return the reports of several APIs, and a table of them."""
    return "\n".join([*map(render, outcomes), summary(outcomes), ""])


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return a table of several APIs."""
    names = [str(verdict) for verdict in Verdict]
    if any(finding.baseline for outcome in outcomes for finding in outcome.findings):
        names.append(ACCEPTED)
    rows = [["API", "verdict", *names, "calls", "seconds"]]
    for outcome in outcomes:
        found = counts(outcome)
        rows.append(
            [outcome.contract.name, word(outcome), *(str(found[name]) for name in names),
             str(outcome.calls), f"{outcome.duration:.1f}"]
        )  # fmt: skip
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def counts(outcome: Outcome) -> Counter[str]:
    """Return how many findings there are of each verdict; what is accepted is counted as such."""
    return Counter(ACCEPTED if f.baseline else str(f.verdict) for f in outcome.findings)


def word(outcome: Outcome) -> str:
    """Return the verdict on a whole API as a reader says it."""
    if outcome.verdict in (Verdict.UNTESTED, Verdict.ERROR):
        return "interrupted" if outcome.interrupted else "not judged"
    return str(outcome.verdict)


def outdated(entry: BaselineEntry) -> str:
    """Say that an entry of the baseline has to go."""
    return (
        f"{entry.clause} is kept, and the baseline accepts that it is broken (since {entry.date}): "
        "remove the entry"
    )


def unjudged(entry: BaselineEntry) -> str:
    """Say that nothing is known of an entry of the baseline."""
    return f"{entry.clause} was not judged, so its entry in the baseline is left alone"


def details(outcome: Outcome, finding: Finding) -> Iterator[str]:
    """Yield the lines that say how a clause was seen to break, and how to see it again.

    What a target said stays within the line that it is quoted in.
    """
    return map(visible, _details(outcome, finding))


def _details(outcome: Outcome, finding: Finding) -> Iterator[str]:
    failure = finding.failure
    if failure is None:
        return
    redact = outcome.redact_failure(failure)
    if failure.exchanges:
        *before, last = failure.exchanges
        if before:
            yield f"after {len(before)} exchange{'s' if len(before) > 1 else ''}:"
            for line, times in _counted(brief(exchange, redact) for exchange in before):
                yield f"  {line}" + (f" ({times} times)" if times > 1 else "")
        yield "exchange:"
        yield from (f"  {line}" for line in _shown(last, outcome.target, redact))
        if outcome.plan.serve:
            yield f"serve: {outcome.plan.serve}"
        yield f"curl:  {curl.render(last.request, outcome.target, redact)}"
    yield f"rerun: {outcome.rerun(finding.clause.id)}"


def _findings(outcome: Outcome, found: Sequence[Finding]) -> Iterator[str]:
    """Yield the lines of findings that stand alike; what lies behind several is said once."""
    shared, alone = sorted_out(found)
    for cause in shared:
        yield from _cause(outcome, cause)
    for finding in alone:
        yield from _finding(outcome, finding)


def _cause(outcome: Outcome, cause: Cause) -> Iterator[str]:
    first, *others = cause.findings
    reason = visible(outcome.redact_failure(first.failure)(cause.reason))
    named = others if first.failure else cause.findings
    yield f"  {len(cause.findings)} clauses have one cause: {reason}"
    if first.failure:
        yield from _finding(outcome, first)
        yield "    likewise:"
    for finding in named:
        yield f"      {finding.clause.id}"
    yield ""


def _finding(outcome: Outcome, finding: Finding) -> Iterator[str]:
    clause = finding.clause
    yield f"  {clause.id}"
    reason = visible(outcome.redact_failure(finding.failure)(finding.reason))
    if finding.verdict in (Verdict.UNTESTED, Verdict.ERROR):
        # Deeper than any line of ours: where it is broken depends on what a target said.
        yield from textwrap.wrap(
            reason.strip(),
            96,
            initial_indent="    ",
            subsequent_indent=" " * 8,
            break_on_hyphens=False,
        )
        if finding.failure is None:
            return
    else:
        yield f"    promised: {clause.sentence}"
        yield f"              ({clause.basis}: {clause.source})"
        yield f"    found:    {reason}"
        if finding.baseline:
            said = visible(finding.baseline.reason)
            yield f"    accepted: {said} (since {finding.baseline.date})"
    yield from (f"    {line}" for line in details(outcome, finding))
    yield ""


def _one_cause(outcome: Outcome, wanted: Standing, found: Sequence[Finding]) -> bool:
    """Say whether the closing lines already say why these are untested."""
    return wanted is Standing.UNTESTED and all(
        outcome.trouble and finding.reason == outcome.trouble for finding in found
    )


def _closing(outcome: Outcome) -> Iterator[str]:
    found = counts(outcome)
    counted = ", ".join(f"{found[name]} {name}" for name in (*Verdict, ACCEPTED) if found[name])
    yield from map(unjudged, outcome.unjudged)
    yield from map(outdated, outcome.outdated)
    if outcome.contract.partial:
        reached, there = outcome.reached
        rest = "" if reached == there else "; the others were not judged"
        yield f"{reached} of {there} operations accepted a request{rest}"
    if outcome.trouble:
        yield f"not judged: {visible(outcome.redact(outcome.trouble))}"
    yield (
        f"{outcome.contract.name}: {word(outcome)} ({counted}; {outcome.calls} calls in "
        f"{outcome.duration:.1f} s; {outcome.plan.profile.name}, seed {outcome.plan.seed})"
    )


def _counted(lines: Iterable[str]) -> list[tuple[str, int]]:
    """Return the last of the lines; a poll that is answered alike again and again is one."""
    counted = [(line, len(list(same))) for line, same in groupby(lines)]
    return counted[-MOST_BEFORE:]


def brief(exchange: Exchange, redact: Redaction) -> str:
    """Return an exchange in one line."""
    target = redact(exchange.request.target)
    failed = exchange.failure and redact(exchange.failure)
    answer = failed or f"{exchange.status} {_cut(exchange.body, redact, 80)}"
    return f"{exchange.request.method} {target[:100]} -> {answer}"


def _shown(exchange: Exchange, base_url: str, redact: Redaction) -> Iterator[str]:
    request, response = exchange.request, exchange.response
    yield redact(f"> {request.method} {base_url}{request.target}")
    for name, value in request.headers:
        yield redact(f"> {name}: {value}")
    if request.body:
        yield f"> {_cut(request.body, redact, MOST_BODY)}"
    if response is None:
        yield redact(f"< {exchange.failure}")
        return
    yield f"< HTTP {response.status}"
    for name, value in response.headers:
        if name.lower() in ("content-type", "allow", "location", "www-authenticate"):
            yield redact(f"< {name}: {value}")
    if response.body:
        yield f"< {_cut(response.body, redact, MOST_BODY)}"


def _cut(body: bytes, redact: Redaction, most: int) -> str:
    said = visible(redact(body.decode("utf-8", "backslashreplace")))
    return said if len(said) <= most else f"{said[:most]}… ({len(body)} bytes)"


def visible(said: str) -> str:
    """Return a text in one line whose every character can be seen: the others are escaped.

    Those of a target's answer must neither steer the reader's terminal nor look like ours.
    """
    if said.isprintable():
        return said
    return "".join(char if char.isprintable() else _escape(char) for char in said)


def _escape(char: str) -> str:
    """Return an escape as Python and JSON write it."""
    return repr(char)[1:-1]

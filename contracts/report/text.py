"""The report for people at a terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ..model import Exchange, Finding, Verdict
from ..redaction import Redaction
from ..runner import Outcome
from . import curl

MOST_BEFORE = 8
"""Exchanges before the one that broke a promise that are shown."""

MOST_BODY = 1200
"""Characters of a body that are shown."""

HEADINGS = (
    (Verdict.BROKEN, "broken"),
    (Verdict.ERROR, "could not be judged for a mistake of ours"),
    (Verdict.DEVIATION, "deviations from what was observed (nothing documented is broken)"),
    (Verdict.UNTESTED, "untested"),
)


def render(outcome: Outcome) -> str:
    """Return the report of one API: the verdict at the end, where a terminal shows it."""
    where = ", a mock in this process" if outcome.plan.serve else f" at {outcome.target}"
    lines = [f"{outcome.contract.title} ({outcome.contract.name}){where}"]
    for finding in outcome.findings:
        if finding.verdict is Verdict.KEPT:
            lines.append(f"  kept      {finding.clause.id}")
    for verdict, heading in HEADINGS:
        found = [finding for finding in outcome.findings if finding.verdict is verdict]
        if found and not _one_cause(outcome, verdict, found):
            lines += ["", f"{heading}:"]
            for finding in found:
                lines += _finding(outcome, finding)
    lines += ["", *_closing(outcome)]
    return "\n".join(lines) + "\n"


def render_all(outcomes: Sequence[Outcome]) -> str:
    """Return the reports of several APIs, and a table of them."""
    return "\n".join([*map(render, outcomes), summary(outcomes), ""])


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return a table of several APIs."""
    names = [str(verdict) for verdict in Verdict]
    rows = [["API", "verdict", *names, "calls", "seconds"]]
    for outcome in outcomes:
        found = Counter(str(finding.verdict) for finding in outcome.findings)
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


def word(outcome: Outcome) -> str:
    """Return the verdict on a whole API as a reader says it."""
    if outcome.verdict in (Verdict.UNTESTED, Verdict.ERROR):
        return "interrupted" if outcome.interrupted else "not judged"
    return str(outcome.verdict)


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
            for line, times in _counted(_brief(exchange, redact) for exchange in before):
                yield f"  {line}" + (f" ({times} times)" if times > 1 else "")
        yield "exchange:"
        yield from (f"  {line}" for line in _shown(last, outcome.target, redact))
        if outcome.plan.serve:
            yield f"serve: {outcome.plan.serve}"
        yield f"curl:  {curl.render(last.request, outcome.target, redact)}"
    yield f"rerun: {outcome.rerun(finding.clause.id)}"


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
    yield from (f"    {line}" for line in details(outcome, finding))
    yield ""


def _one_cause(outcome: Outcome, verdict: Verdict, found: Sequence[Finding]) -> bool:
    """Say whether the closing lines already say why these are untested."""
    return verdict is Verdict.UNTESTED and all(
        outcome.trouble and finding.reason == outcome.trouble for finding in found
    )


def _closing(outcome: Outcome) -> Iterator[str]:
    found = Counter(finding.verdict for finding in outcome.findings)
    counts = ", ".join(f"{found[verdict]} {verdict}" for verdict in Verdict if found[verdict])
    if outcome.trouble:
        yield f"not judged: {visible(outcome.redact(outcome.trouble))}"
    yield (
        f"{outcome.contract.name}: {word(outcome)} ({counts}; {outcome.calls} calls in "
        f"{outcome.duration:.1f} s; {outcome.plan.profile.name}, seed {outcome.plan.seed})"
    )


def _counted(lines: Iterable[str]) -> list[tuple[str, int]]:
    """Return the last of the lines; a poll that is answered alike again and again is one."""
    counted = [(line, len(list(same))) for line, same in groupby(lines)]
    return counted[-MOST_BEFORE:]


def _brief(exchange: Exchange, redact: Redaction) -> str:
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

"""What the page shows, as plain values for its template: secrets are out, nothing is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http.client import responses
from itertools import groupby
from typing import Any

from ..causes import Cause, sorted_out
from ..model import Basis, Exchange, Finding, Verdict
from ..redaction import Redaction
from ..runner import Outcome
from . import as_json, curl, text
from .indented import indented
from .standing import Standing, standing, standing_so
from .timeline import timeline

MOST_BODY = 12_000
MOST_BODY_BEFORE = 2_000
MOST_LINE = 4_000
"""Characters that are shown of a body, of one of an earlier exchange, of all else."""

MOST_HEADERS = 60
MOST_BEFORE = 25
"""Headers, and earlier exchanges (those that are alike are one), that are shown."""

SYMBOLS = {
    Standing.BROKEN: "✗",
    Standing.ERROR: "!",
    Standing.DEVIATION: "≠",
    Standing.SEEN_ONCE: "?",
    Standing.ACCEPTED: "~",
    Standing.UNTESTED: "–",
    Standing.KEPT: "✓",
}

GROUPS = (
    (Standing.BROKEN, "Broken", "What was promised is not kept."),
    (Standing.ERROR, "Could not be judged", "A mistake of ours, not of the target's."),
    (
        Standing.DEVIATION,
        "Deviations",
        "These were only ever observed, not promised: nothing documented is broken.",
    ),
    (
        Standing.SEEN_ONCE,
        "Seen once",
        "The promise broke once, and not when the same case was repeated: not a verdict, but "
        "worth a look where a server should always do the same.",
    ),
    (Standing.ACCEPTED, "Accepted", "Known and accepted by the baseline; they do not fail a run."),
    (Standing.UNTESTED, "Untested", "Nothing is known of these, for the reason given."),
)


def view(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return what the page shows."""
    anchors = _Anchors()
    shown = [_outcome(outcome, anchors) for outcome in outcomes]
    words = [one["word"] for one in shown]
    worst = [word for word in ("broken", "interrupted", "not judged") if word in words]
    verdict = worst[0] if worst else "kept"
    titles = " and ".join(outcome.contract.title for outcome in outcomes)
    if len(outcomes) > 2:
        titles = f"{len(outcomes)} APIs"
    return {"outcomes": shown, "verdict": _badge(verdict), "titles": titles}


class _Anchors:
    """Names of places on the page, each given once."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def give(self, name: str) -> str:
        """Return the name, with a number where it was given before."""
        self._given[name] = self._given.get(name, 0) + 1
        return name if self._given[name] == 1 else f"{name}-{self._given[name]}"


def _badge(word: str) -> dict[str, str]:
    kind = word if word in list(Standing) else "untested"
    return {"word": word, "kind": kind.replace(" ", "-"), "symbol": SYMBOLS[Standing(kind)]}


def _outcome(outcome: Outcome, anchors: _Anchors) -> dict[str, Any]:
    word = text.word(outcome)
    links = {
        id(finding): anchors.give(finding.clause.id)
        for finding in outcome.findings
        if finding.failure or standing(finding) in (Standing.ERROR, Standing.ACCEPTED)
    }
    trouble = outcome.trouble or ("The run was interrupted." if outcome.interrupted else "")
    return {
        "anchor": anchors.give(outcome.contract.name),
        "name": outcome.contract.name,
        "title": outcome.contract.title,
        "word": word,
        "badge": _badge(word),
        "target": outcome.redact(outcome.target),
        "in_process": bool(outcome.plan.serve),
        "profile": outcome.plan.profile,
        "seed": outcome.plan.seed,
        "calls": outcome.calls,
        "began": f"{outcome.began:%Y-%m-%d %H:%M} UTC",
        "seconds": f"{outcome.duration:.1f}",
        "trouble": _short(outcome.redact(trouble)),
        "command": outcome.plan.command,
        "serve": outcome.plan.serve,
        "figures": _figures(outcome.findings),
        "operations": sorted(outcome.accepted.items()),
        "notes": [
            *map(text.outdated, outcome.outdated),
            *map(text.unjudged, outcome.unjudged),
        ],
        "groups": list(_groups(outcome, links)),
        "bases": [
            one for basis in Basis if (one := _basis(outcome, basis, links))["subjects"]
        ],
    }  # fmt: skip


def _figures(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return how many stand how, with their shares of the bar in hundredths."""
    figures, at = [], 0.0
    for one in Standing:
        count = len(standing_so(findings, one))
        width = 100 * count / max(1, len(findings))
        figures.append({**_badge(one), "count": count, "x": round(at, 3), "width": round(width, 3)})
        at += width
    return figures


def _groups(outcome: Outcome, links: dict[int, str]) -> Iterator[dict[str, Any]]:
    for wanted, heading, note in GROUPS:
        found = standing_so(outcome.findings, wanted)
        if found:
            shared, alone = sorted_out(found)
            yield {
                **_badge(wanted),
                "heading": heading,
                "note": note,
                "count": len(found),
                "jumps": [_row(finding, links) for finding in alone if finding.failure],
                "causes": [_cause(outcome, cause, links) for cause in shared],
                "alone": [_finding(outcome, finding, links) for finding in alone],
            }


def _cause(outcome: Outcome, cause: Cause, links: dict[int, str]) -> dict[str, Any]:
    first = cause.findings[0]
    return {
        "reason": _short(outcome.redact_failure(first.failure)(cause.reason)),
        "first": _finding(outcome, first, links),
        "clauses": [_row(finding, links) for finding in cause.findings],
    }


def _finding(outcome: Outcome, finding: Finding, links: dict[int, str]) -> dict[str, Any]:
    redact = outcome.redact_failure(finding.failure)
    exchanges = finding.failure.exchanges if finding.failure else ()
    *before, last = exchanges or (None,)
    url = outcome.target
    return {
        **_row(finding, links),
        "reason": _short(redact(finding.reason)),
        "baseline": finding.baseline,
        "before": _before([one for one in before if one], url, redact),
        "before_count": len(before),
        "exchange": _exchange(last, url, redact, MOST_BODY) if last else None,
        "serve": outcome.plan.serve,
        "curl": curl.render(last.request, url, redact) if last else "",
        "rerun": outcome.rerun(finding.clause.id),
    }


def _row(finding: Finding, links: dict[int, str]) -> dict[str, Any]:
    clause = finding.clause
    judged = finding.verdict is not Verdict.UNTESTED or finding.calls or finding.failure
    return {
        "id": clause.id,
        "sentence": clause.sentence,
        "source": clause.source,
        "basis": str(clause.basis),
        "badge": _badge(standing(finding)),
        "examples": finding.examples,
        "calls": finding.calls,
        "seconds": f"{finding.duration:.2f}" if judged else "",
        "anchor": links.get(id(finding), ""),
    }


def _basis(outcome: Outcome, basis: Basis, links: dict[int, str]) -> dict[str, Any]:
    found = [finding for finding in outcome.findings if finding.clause.basis is basis]
    by_subject: dict[str, list[dict[str, Any]]] = {}
    for finding in found:
        subject = finding.clause.id.split(".")[1]
        by_subject.setdefault(subject, []).append(_row(finding, links))
    return {
        "basis": str(basis),
        "count": len(found),
        "figures": [figure for figure in _figures(found) if figure["count"]],
        "subjects": [
            {"name": name, "rows": rows} for name, rows in sorted(by_subject.items())
        ],
    }  # fmt: skip


def _before(exchanges: Sequence[Exchange], url: str, redact: Redaction) -> list[dict[str, Any]]:
    """Return the last of the earlier exchanges; a poll answered alike again and again is one."""
    shown = []
    for _, same in groupby(exchanges, key=lambda one: (one.request, one.status, one.body)):
        alike = list(same)
        shown.append((alike[-1], len(alike)))
    return [
        {**_exchange(one, url, redact, MOST_BODY_BEFORE), "times": times}
        for one, times in shown[-MOST_BEFORE:]
    ]


def _exchange(exchange: Exchange, url: str, redact: Redaction, most: int) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    target, sep, query = redact(request.target).partition("?")
    return {
        "method": request.method,
        "url": _short(redact(url + request.target)),
        "brief": _short(f"{target}?…" if len(query) > 40 else f"{target}{sep}{query}"),
        "request": {**_message(request.headers, request.body, redact, most)},
        "response": _message(response.headers, response.body, redact, most) if response else None,
        "status": exchange.status,
        "phrase": responses.get(exchange.status, ""),
        "failure": _short(redact(exchange.failure or "")),
        "seconds": f"{exchange.duration:.3f}",
        "stream": timeline(exchange),
    }


def _message(
    headers: Sequence[tuple[str, str]], body: bytes, redact: Redaction, most: int
) -> dict[str, Any]:
    shown = as_json.headers_value(headers[:MOST_HEADERS], redact)
    return {
        "headers": [{name: _short(value) for name, value in one.items()} for one in shown],
        "left_out": max(0, len(headers) - MOST_HEADERS),
        **_body(body, redact, most),
    }


def _body(body: bytes, redact: Redaction, most: int) -> dict[str, Any]:
    said = redact(body.decode("utf-8", "backslashreplace"))
    formatted = indented(said) if len(said) <= most else None
    notes = [f"{len(body)} bytes" if len(body) != 1 else "1 byte"]
    notes += ["indented for reading"] if formatted not in (None, said) else []
    notes += [f"the first {most} characters"] if len(said) > most else []
    return {"body": formatted or said[:most], "about_body": ", ".join(notes) if body else ""}


def _short(said: str) -> str:
    return said if len(said) <= MOST_LINE else f"{said[:MOST_LINE]}… ({len(said)} characters)"

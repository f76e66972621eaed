"""The report for machines: everything that is known, secrets as the names of their variables."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..causes import Cause, causes
from ..model import Exchange, Failure, Finding
from ..redaction import Redaction
from ..runner import Outcome
from ..stored import FORMAT
from . import anew, curl
from .standing import Standing, standing

_COOKIE = re.compile(r"^([^=;]*)=[^;]*")


def render(outcomes: Sequence[Outcome]) -> str:
    """Return the report of one API as an object, of several as a list of such objects."""
    found = [as_value(outcome) for outcome in outcomes]
    text = json.dumps(found[0] if len(found) == 1 else found, indent=2, ensure_ascii=False)
    # Half a surrogate pair cannot be written as UTF-8, but JSON has an escape for it.
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def as_value(outcome: Outcome) -> dict[str, Any]:
    """Return the report of one API as JSON values."""
    return {
        "format": FORMAT,
        "api": outcome.contract.name,
        "target": "mock" if outcome.plan.serve else outcome.target,
        "seed": outcome.plan.seed,
        "profile": outcome.plan.profile.name,
        "verdict": str(outcome.verdict),
        "trouble": outcome.redact(outcome.trouble),
        "interrupted": outcome.interrupted,
        "calls": outcome.calls,
        "accepted": outcome.accepted,
        "began": outcome.began.isoformat(),
        "duration_s": round(outcome.duration, 3),
        "baseline": {
            "outdated": [asdict(entry) for entry in outcome.outdated],
            "unjudged": [asdict(entry) for entry in outcome.unjudged],
        },
        "causes": [_cause(outcome, cause) for cause in causes(outcome.findings)],
        "clauses": [_clause(outcome, finding) for finding in outcome.findings],
    }


def _cause(outcome: Outcome, cause: Cause) -> dict[str, Any]:
    return {
        "verdict": str(cause.verdict),
        "reason": outcome.redact_failure(cause.findings[0].failure)(cause.reason),
        "clauses": [finding.clause.id for finding in cause.findings],
    }


def _clause(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    clause = finding.clause
    return {
        "id": clause.id,
        "sentence": clause.sentence,
        "source": clause.source,
        "basis": str(clause.basis),
        "verdict": str(finding.verdict),
        "seen_once": standing(finding) is Standing.SEEN_ONCE,
        "reason": outcome.redact_failure(finding.failure)(finding.reason),
        "examples": finding.examples,
        "calls": finding.calls,
        "duration_s": round(finding.duration, 3),
        "baseline": asdict(finding.baseline) if finding.baseline else None,
        "failure": _failure(outcome, clause.id, finding.failure) if finding.failure else None,
    }


def _failure(outcome: Outcome, id: str, failure: Failure) -> dict[str, Any]:
    redact = outcome.redact_failure(failure)
    *before, last = failure.exchanges or (None,)
    return {
        "message": redact(failure.message),
        "exchange": exchange_value(last, outcome.target, redact) if last else None,
        "before": [exchange_value(one, outcome.target, redact) for one in before if one],
        "curl": curl.render(last.request, outcome.target, redact) if last else None,
        "rerun": outcome.rerun(id),
        "replay": anew.steps(failure, outcome.contract, outcome.credentials, redact),
    }


def exchange_value(exchange: Exchange, base_url: str, redact: Redaction) -> dict[str, Any]:
    """Return an exchange as JSON values, without its secrets."""
    request, response = exchange.request, exchange.response
    return {
        "request": {
            "method": request.method,
            "url": redact(base_url + request.target),
            "headers": headers_value(request.headers, redact),
            **_body(request.body, redact),
        },
        "response": response
        and {
            "status": response.status,
            "headers": headers_value(response.headers, redact),
            **_body(response.body, redact),
            "chunks": [
                {"at_s": round(chunk.at, 4), "size": len(chunk.data)} for chunk in response.chunks
            ],
        },
        "failure": exchange.failure and redact(exchange.failure),
        "duration_s": round(exchange.duration, 4),
    }


def headers_value(headers: Sequence[tuple[str, str]], redact: Redaction) -> list[dict[str, str]]:
    """Return headers as JSON values, without secrets, those that a target sets included."""
    return [
        {"name": redact(name), "value": redact(_unbaked(name, value))} for name, value in headers
    ]


def _unbaked(name: str, value: str) -> str:
    """Return a header's value; a cookie that is set lets in whoever reads of it."""
    if name.lower() != "set-cookie":
        return value
    return _COOKIE.sub(r"\1=<cookie>", value, count=1)


def _body(body: bytes, redact: Redaction) -> Mapping[str, str]:
    shown = redact(body.decode("utf-8", "surrogateescape"))
    try:
        return {"body": shown.encode("utf-8").decode("utf-8")}
    except UnicodeEncodeError:
        data = shown.encode("utf-8", "surrogateescape")
        return {"body_base64": base64.b64encode(data).decode()}

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.causes import LEAST, causes, sorted_out
from contracts.driver import Driver
from contracts.model import (
    BaselineEntry,
    Basis,
    Clause,
    Contract,
    Credential,
    Exchange,
    Failure,
    Finding,
    Request,
    Response,
    Verdict,
)
from contracts.report import as_html, as_json, github, text
from contracts.runner import Outcome, Plan

ACCEPTED = BaselineEntry("echo.a.r0", "mock", "known", "2025-01-01")


def clause(number: int) -> Clause:
    sentence = f"Promise number {number} is kept."
    return Clause(f"echo.a.r{number}", sentence, "Say", Basis.DOCUMENTED, lambda: None)


def answered(status: int, body: bytes) -> Exchange:
    return Exchange(Request("GET", "/say"), Response(status, (), body), 0.0, 0.1)


def silent(failure: str) -> Exchange:
    return Exchange(Request("GET", "/say"), None, 0.0, 30.0, failure)


def seen(number: int, *exchanges: Exchange, verdict: Verdict = Verdict.BROKEN, **more: Any):
    failure = Failure(f"message {number}", exchanges)
    return Finding(clause(number), verdict, f"message {number}", failure=failure, **more)


def untested(number: int, reason: str) -> Finding:
    return Finding(clause(number), Verdict.UNTESTED, reason)


def dying(count: int, **more: Any) -> list[Finding]:
    """Return findings whose cases a worker ended, each with a number of its own."""
    return [seen(n, answered(500, b"worker %d died" % n), **more) for n in range(count)]


def ids(findings) -> list[str]:
    return [finding.clause.id for finding in findings]


def test_server_errors_in_the_same_words_have_one_cause_whatever_numbers_they_name():
    found = dying(LEAST)
    (cause,) = causes(found)
    assert cause.verdict is Verdict.BROKEN
    assert cause.reason == "the server failed: HTTP 500 worker 0 died"
    assert ids(cause.findings) == ids(found)


def test_fewer_are_told_one_by_one():
    found = dying(LEAST - 1)
    assert sorted_out(found) == ([], found)


def test_no_answer_at_all_is_a_cause():
    found = [seen(n, silent(f"no whole answer after {30 + n} s")) for n in range(LEAST)]
    assert [one.reason for one in causes(found)] == ["no answer: no whole answer after 30 s"]


@pytest.mark.parametrize(
    "exchanges",
    [
        (),
        (answered(200, b"no"),),
        (answered(404, b"no"),),
        (answered(500, b"no"), answered(200, b"")),
    ],
    ids=["none", "accepted", "refused", "mended"],
)
def test_what_the_server_answered_in_good_order_is_told_one_by_one(exchanges):
    assert causes([seen(n, *exchanges) for n in range(9)]) == []


def test_server_errors_in_other_words_have_other_causes_the_widest_first():
    words = [b"disk full"] * 3 + [b"no such table"] * 4 + [b"alone"]
    found = [seen(n, answered(500, said)) for n, said in enumerate(words)]
    shared, alone = sorted_out(found)
    assert [(one.reason, len(one.findings)) for one in shared] == [
        ("the server failed: HTTP 500 no such table", 4),
        ("the server failed: HTTP 500 disk full", 3),
    ]
    assert alone == found[-1:]


def test_an_error_without_words_is_named_by_its_status():
    assert causes([seen(n, answered(502, b"")) for n in range(3)])[0].reason == (
        "the server failed: HTTP 502"
    )


def test_another_verdict_has_another_cause():
    found = dying(3) + dying(3, verdict=Verdict.DEVIATION)
    assert [one.verdict for one in causes(found)] == [Verdict.BROKEN, Verdict.DEVIATION]


def test_clauses_that_are_untested_for_the_same_reason_have_one_cause():
    found = [untested(n, f"it needs KEY ({n} tries)") for n in range(3)] + [untested(9, "other")]
    shared, alone = sorted_out(found)
    assert [(one.verdict, ids(one.findings)) for one in shared] == [
        (Verdict.UNTESTED, ids(found[:3]))
    ]
    assert alone == found[3:]


def test_what_was_seen_once_or_is_accepted_has_no_cause_in_common_with_the_broken():
    assert causes(dying(5, verdict=Verdict.UNTESTED)) == []
    assert causes(dying(5, baseline=ACCEPTED)) == []


def outcome(*findings: Finding, secret: str = "not-in-here") -> Outcome:
    clauses = tuple(finding.clause for finding in findings)
    key = Credential("key", "a key")
    contract = Contract("echo", "Echo", None, (key,), Path("openapi.yaml"), Driver, clauses)
    plan = Plan(clauses, command="counterfoil check echo --mock")
    return Outcome(contract, plan, "http://echo.test", list(findings), credentials={"key": secret})


def test_the_text_report_says_a_cause_once_with_the_evidence_of_one():
    shown = text.render(outcome(*dying(4), seen(7, answered(200, b"odd"))))
    assert "  4 clauses have one cause: the server failed: HTTP 500 worker 0 died\n" in shown
    assert shown.count("    curl:  ") == shown.count("    rerun: ") == 2
    assert "    likewise:\n      echo.a.r1\n      echo.a.r2\n      echo.a.r3\n" in shown
    assert "    found:    message 7\n" in shown
    assert all(f"message {n}\n" not in shown for n in (1, 2, 3))


def test_the_text_report_says_once_why_many_are_untested():
    shown = text.render(outcome(*(untested(n, "it needs KEY") for n in range(3))))
    assert shown.count("it needs KEY") == 1
    assert all(f"      echo.a.r{n}\n" in shown for n in range(3))


def test_the_text_report_has_a_heading_of_its_own_for_what_was_seen_once():
    once = seen(1, answered(200, b"odd"), verdict=Verdict.UNTESTED)
    shown = text.render(outcome(once, untested(2, "it needs KEY")))
    first, second = (shown.index(f"\n{one}:\n") for one in ("seen once, and not when repeated",
                                                           "untested"))  # fmt: skip
    assert first < shown.index("  echo.a.r1\n") < second < shown.index("  echo.a.r2\n")


def test_the_json_report_keeps_every_clause_and_names_the_causes():
    once = seen(9, answered(500, b"worker 9 died"), verdict=Verdict.UNTESTED)
    value = json.loads(as_json.render([outcome(*dying(3), once)]))
    assert value["causes"] == [
        {
            "verdict": "broken",
            "reason": "the server failed: HTTP 500 worker 0 died",
            "clauses": ["echo.a.r0", "echo.a.r1", "echo.a.r2"],
        }
    ]
    assert [one["seen_once"] for one in value["clauses"]] == [False, False, False, True]
    assert all(one["failure"]["exchange"] for one in value["clauses"])


def test_the_page_and_github_say_a_cause_once():
    one = outcome(*dying(4))
    said = "the server failed: HTTP 500 worker 0 died"
    assert as_html.render([one]).count(said) == 1
    (command,) = github.commands([one])
    assert f"4 clauses have one cause: {said}" in command
    assert "likewise: echo.a.r1, echo.a.r2, echo.a.r3" in command
    assert github.summary([one]).count(said) == 1


def test_a_cause_holds_no_secret():
    secret = "canary-5d41402abc4b"
    found = [seen(n, answered(500, f"bad key {secret}".encode())) for n in range(3)]
    one = outcome(*found, secret=secret)
    shown = [text.render(one), as_json.render([one]), as_html.render([one]), github.summary([one])]
    for said in [*shown, *github.commands([one])]:
        assert secret not in said and "bad key $COUNTERFOIL_ECHO_KEY" in said

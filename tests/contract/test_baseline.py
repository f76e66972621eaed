from __future__ import annotations

from datetime import date

import pytest
import yaml

from contracts import baseline
from contracts.driver import Driver
from contracts.model import (
    BaselineEntry,
    Basis,
    Clause,
    Contract,
    ContractError,
    Finding,
    Verdict,
    clause,
)
from contracts.runner import Outcome, Plan

KNOWN = ("echo.say.same", "echo.say.short", "echo.other.thing")
GOOD = {
    "clause": "echo.say.same",
    "target": "http://echo.test/v1",
    "reason": "They know of it.",
    "date": "2024-05-31",
}


def promise(id: str) -> Clause:
    @clause(id, basis=Basis.DOCUMENTED, source="Say")
    def kept(driver: Driver) -> None:
        """What is said is answered."""

    return kept


CLAUSES = [promise(id) for id in KNOWN]


def outcome(*verdicts: Verdict, target: str = "http://echo.test/v1", **more: object) -> Outcome:
    from pathlib import Path

    whole = Contract("echo", "Echo", None, (), Path("openapi.yaml"), Driver, tuple(CLAUSES))
    serve = "counterfoil serve echo" if target == "mock" else ""
    plan = Plan(tuple(CLAUSES[: len(verdicts)]), serve=serve)
    findings = [
        Finding(one, verdict, str(verdict)) for one, verdict in zip(CLAUSES, verdicts, strict=False)
    ]
    return Outcome(whole, plan, target, findings, **more)


def entry(**other: str) -> BaselineEntry:
    return BaselineEntry(**{**GOOD, **other})


def read(*entries: object) -> tuple[BaselineEntry, ...]:
    return baseline.read(yaml.safe_dump(list(entries)), "known.yaml", KNOWN)


def test_a_baseline_is_a_list_of_entries_and_its_date_needs_no_quotes():
    text = """
- clause: echo.say.same
  target: http://echo.test/v1
  reason: >
    They know
    of it.
  date: 2024-05-31
"""
    assert baseline.read(text, "known.yaml", KNOWN) == (entry(),)
    assert baseline.read("[]", "known.yaml", KNOWN) == ()


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([{**GOOD, "why": "x"}], "entry 1 (line 1): unknown key 'why'; known are clause, target"),
        ([{**GOOD, "reson": "x"}], "unknown key 'reson'; did you mean reason?"),
        ([{k: v for k, v in GOOD.items() if k != "date"}], "there is no date; an entry has clause"),
        ([{}], "there is no clause and no target and no reason and no date"),
        ([{**GOOD, "clause": "echo.say.sam"}], "'echo.say.sam'; did you mean echo.say.same?"),
        ([{**GOOD, "clause": "zzz"}], "no clause is called 'zzz'; `counterfoil clauses` lists"),
        ([{**GOOD, "reason": "  "}], "reason is empty; say in a sentence why"),
        ([{**GOOD, "reason": 7}], "reason has to be a text"),
        ([{**GOOD, "reason": ["x"]}], "reason has to be a text"),
        ([{**GOOD, "date": "31.5.2024"}], "date '31.5.2024' is no date; write it like 2024-05-31"),
        ([{**GOOD, "date": "2024-02-30"}], "date '2024-02-30' is no date"),
        ([{**GOOD, "date": 2024}], "date has to be a text, like 2024-05-31"),
        ([{**GOOD, "target": "echo.test"}], "target 'echo.test' is neither a base URL like"),
        ([{**GOOD, "target": "http://me:pw@echo.test"}], "is neither a base URL"),
        (["echo.say.same"], "an entry is a mapping with clause, target, reason, date"),
        ([GOOD, {**GOOD, "reason": "Twice."}], "entry 2 (line 5): entry 1 is about echo.say.same"),
        ([GOOD, {**GOOD, "target": "http://ECHO.test:80/v1/"}], "entry 1 is about echo.say.same"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said_with_its_place_and_what_would_be_right(entries, said):
    with pytest.raises(ContractError) as caught:
        read(*entries)
    line = str(caught.value)
    assert line.startswith("known.yaml: entry ") and said in line and "\n" not in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "known.yaml: a baseline is a list of entries, each with clause, target"),
        ("clause: echo.say.same", "a list without entries is written []"),
        ("- [", "known.yaml is not YAML: "),
        ("- \x00", "known.yaml is not YAML: "),
        ("[" * 5000, "known.yaml is not YAML: "),
        ("- !!python/object/apply:os.system [x]", "an entry is a mapping"),
        ("- clause: a\n  clause: b", "clause is there twice; leave one of them"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused_in_a_line(text, said):
    with pytest.raises(ContractError) as caught:
        baseline.read(text, "known.yaml", ("a", "b"))
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "found", "covered"),
    [
        ("http://echo.test/v1", "http://echo.test/v1", True),
        ("http://echo.test/v1", "http://echo.test/v2", False),
        ("http://echo.test", "http://echo.test/v1", False),
        ("http://*.test/*", "http://echo.test/v1", True),
        ("http://[::1]:8600", "http://[::1]:8600", True),
        ("http://[::1]:8600", "http://1:8600", False),
        ("mock", "mock", True),
        ("*", "mock", True),
        ("mock", "http://echo.test/v1", False),
    ],
)
def test_an_entry_is_about_a_target_or_a_glob_of_targets(wanted, found, covered):
    assert baseline.covers(entry(target=wanted), found) is covered


@pytest.mark.parametrize("verdict", [Verdict.BROKEN, Verdict.DEVIATION])
def test_what_is_accepted_does_not_fail_the_run(verdict):
    one = outcome(verdict, Verdict.KEPT)
    baseline.hold(one, [entry()])
    assert one.findings[0].baseline == entry() and one.findings[0].verdict is verdict
    assert one.findings[1].baseline is None
    assert one.verdict is Verdict.KEPT


def test_what_is_broken_and_not_accepted_fails_the_run_beside_what_is():
    one = outcome(Verdict.BROKEN, Verdict.BROKEN)
    baseline.hold(one, [entry()])
    assert one.verdict is Verdict.BROKEN


@pytest.mark.parametrize("verdict", [Verdict.UNTESTED, Verdict.ERROR])
def test_what_was_not_judged_is_neither_accepted_nor_outdated(verdict):
    one = outcome(verdict, Verdict.KEPT)
    baseline.hold(one, [entry()])
    assert one.findings[0].baseline is None
    assert (one.outdated, one.unjudged) == ((), (entry(),))


def test_an_entry_about_a_clause_that_was_left_out_is_left_alone():
    one = outcome(Verdict.KEPT)
    baseline.hold(one, [entry(clause="echo.other.thing")])
    assert (one.outdated, one.unjudged) == ((), (entry(clause="echo.other.thing"),))
    assert one.verdict is Verdict.KEPT


def test_an_entry_about_a_clause_that_is_kept_fails_the_run():
    one = outcome(Verdict.KEPT)
    baseline.hold(one, [entry()])
    assert one.outdated == (entry(),)
    assert one.verdict is Verdict.BROKEN


def test_an_entry_about_another_target_or_another_api_is_no_concern_of_the_run():
    one = outcome(Verdict.KEPT)
    baseline.hold(one, [entry(target="mock"), entry(clause="other.say.same")])
    assert (one.outdated, one.unjudged, one.verdict) == ((), (), Verdict.KEPT)


def test_a_run_that_could_not_be_judged_stays_so_whatever_is_accepted():
    one = outcome(Verdict.BROKEN, trouble="these operations never accepted a request: say")
    baseline.hold(one, [entry()])
    assert one.verdict is Verdict.UNTESTED


def test_a_draft_lists_what_is_broken_with_reasons_that_are_yet_to_be_written():
    one = outcome(Verdict.BROKEN, Verdict.KEPT, Verdict.DEVIATION, target="mock")
    baseline.hold(one, [entry(target="*")])
    text = baseline.draft([one], date(2026, 1, 2))
    assert yaml.safe_load(text) == [
        {**GOOD, "target": "*"},
        {"clause": "echo.other.thing", "target": "mock", "reason": "", "date": "2026-01-02"},
    ]
    with pytest.raises(ContractError, match="entry 2 .*reason is empty; say in a sentence"):
        baseline.read(text, "known.yaml", KNOWN)
    filled = text.replace("reason: ''", "reason: Known.")
    assert len(baseline.read(filled, "known.yaml", KNOWN)) == 2


def test_a_draft_of_nothing_is_a_baseline_of_nothing():
    assert baseline.read(baseline.draft([outcome(Verdict.KEPT)], date.min), "x", KNOWN) == ()

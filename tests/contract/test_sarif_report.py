from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

import contracts
from contracts.model import (
    BaselineEntry,
    Basis,
    Contract,
    Exchange,
    Failure,
    Finding,
    Request,
    Response,
    Verdict,
)
from contracts.report import as_sarif
from contracts.report.places import Places
from contracts.runner import Outcome, Plan

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((Path(__file__).parent / "sarif/sarif-2.1.0-rtm.5.json").read_text("utf-8"))
URL = "http://127.0.0.1:8600"
API = contracts.names()[0]


def outcome(contract: Contract, *findings: Finding, **more: Any) -> Outcome:
    plan = Plan(contract.clauses, seed=7, command=f"counterfoil check {contract.name} --url {URL}")
    target = more.pop("target", URL)
    return Outcome(contract, plan, target, list(findings), calls=9, duration=1.0, **more)


def failure(operation: str | None = None, method: str = "GET", target: str = "/") -> Failure:
    asked = Request(method, target, operation=operation)
    return Failure("it differs", (Exchange(asked, Response(500, (), b"oops"), 0.0, 0.1),))


def every_verdict(contract: Contract) -> list[Finding]:
    documented = [one for one in contract.clauses if one.basis is Basis.DOCUMENTED]
    observed = [one for one in contract.clauses if one.basis is Basis.OBSERVED]
    entry = BaselineEntry(documented[2].id, URL, "mended in {0} [spring](x)", "2025-01-31")
    return [
        Finding(documented[0], Verdict.KEPT, "", 20, 20, 0.1),
        Finding(documented[1], Verdict.BROKEN, "it differs", 3, 4, 0.5, failure()),
        Finding(documented[2], Verdict.BROKEN, "it too", 3, 4, 0.5, failure(), entry),
        Finding(documented[3], Verdict.UNTESTED, "seen once: it", 1, 2, 0.1, failure()),
        Finding(documented[4], Verdict.UNTESTED, "it needs KEY"),
        Finding(documented[5], Verdict.ERROR, "KeyError in same (a.py:1): 1"),
        Finding(observed[0], Verdict.DEVIATION, "a bit", 3, 4, 0.5, failure()),
    ]


def log(*outcomes: Outcome) -> Any:
    """Return the report as what it says, which is SARIF."""
    value = json.loads(as_sarif.render(outcomes))
    assert [error.message for error in Draft4Validator(SCHEMA).iter_errors(value)] == []
    return value


def results(one: Outcome) -> dict[str, Any]:
    (run,) = log(one)["runs"]
    return {result["ruleId"]: result for result in run["results"]}


@pytest.mark.parametrize("api", contracts.names())
def test_the_report_is_valid_and_has_a_rule_for_every_clause(api, monkeypatch):
    monkeypatch.setattr(metadata, "version", {"counterfoil": "1.2.3"}.__getitem__)
    contract = contracts.load(api)
    (run,) = log(outcome(contract, *every_verdict(contract)))["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("Counterfoil", "1.2.3")
    for rule, clause in zip(driver["rules"], contract.clauses, strict=True):
        assert rule["id"] == clause.id
        assert rule["shortDescription"]["text"] == clause.sentence
        assert clause.source in rule["fullDescription"]["text"]
        assert rule["properties"]["basis"] == clause.basis
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_a_tool_that_is_not_installed_has_no_version(monkeypatch):
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    (run,) = log(outcome(contracts.load(API)))["runs"]
    assert "version" not in run["tool"]["driver"]


def test_the_schema_that_the_tests_hold_it_against_finds_what_is_wrong():
    value = log(outcome(contracts.load(API)))
    value["runs"][0]["results"].append({"level": "grave"})
    assert len(list(Draft4Validator(SCHEMA).iter_errors(value))) == 2


def test_what_is_broken_is_an_error_a_deviation_a_note_and_what_was_seen_once_a_warning():
    contract = contracts.load(API)
    found = every_verdict(contract)
    shown = results(outcome(contract, *found))
    levels = {found[1]: "error", found[2]: "error", found[3]: "warning", found[6]: "note"}
    assert {id: one["level"] for id, one in shown.items()} == {
        finding.clause.id: level for finding, level in levels.items()
    }
    said = shown[found[1].clause.id]["message"]["text"].splitlines()
    assert said[0] == "it differs"
    assert said[1].startswith(f"Promised: {found[1].clause.sentence} (documented: ")
    assert said[2] == "Seen: GET / -> 500 oops"
    assert said[3].endswith(f"--only {found[1].clause.id}")


def test_what_a_baseline_accepts_is_suppressed_with_its_reason():
    contract = contracts.load(API)
    found = every_verdict(contract)
    shown = results(outcome(contract, *found))
    suppressed = {id: one["suppressions"] for id, one in shown.items() if "suppressions" in one}
    why = "mended in { 0} [spring] (x) (since 2025-01-31)"
    assert suppressed == {found[2].clause.id: [{"kind": "external", "justification": why}]}


def test_a_run_that_failed_says_so_and_why():
    contract = contracts.load(API)
    found = every_verdict(contract)
    old = BaselineEntry(found[0].clause.id, URL, "known", "2025-01-31")
    for one, wanted in (
        (outcome(contract, *found), ["KeyError in same"]),
        (outcome(contract, found[0], trouble="nobody answers"), ["not judged: nobody answers"]),
        (outcome(contract, found[0], interrupted=True), ["not judged: the run was interrupted"]),
        (outcome(contract, found[0], outdated=(old,)), [f"{old.clause} is kept"]),
    ):
        (run,) = log(one)["runs"]
        (invocation,) = run["invocations"]
        said = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
        assert all(a.startswith(b) for a, b in zip(said, wanted, strict=True))
        judged = not one.trouble and not one.interrupted
        assert invocation["executionSuccessful"] is judged


def place(result: Any) -> tuple[str, int]:
    (location,) = result["locations"]
    physical = location["physicalLocation"]
    assert physical["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
    return physical["artifactLocation"]["uri"], physical["region"]["startLine"]


@pytest.mark.parametrize("api", contracts.names())
def test_a_clause_of_code_is_found_where_it_is_written(api):
    contract = contracts.load(api)
    clauses = [one for one in contract.clauses if not one.id.startswith(f"{api}.schema.")]
    shown = results(outcome(contract, *(Finding(c, Verdict.BROKEN, "x") for c in clauses)))
    assert len(shown) == len(clauses)
    for result in shown.values():
        path, line = place(result)
        lines = (ROOT / path).read_text("utf-8").splitlines()
        assert path.startswith("contracts/") and re.search(r"@|def ", lines[line - 1]), path


@pytest.mark.parametrize("api", contracts.names())
def test_a_clause_of_the_schema_is_found_at_the_operation_in_the_document(api):
    contract = contracts.load(api)
    clause = next(one for one in contract.clauses if one.id == f"{api}.schema.status")
    document = contract.document.read_text("utf-8").splitlines()
    operations = re.findall(r"operationId: (\w+)", "\n".join(document))
    assert operations
    for operation in operations:
        finding = Finding(clause, Verdict.BROKEN, "x", failure=failure(operation))
        path, line = place(results(outcome(contract, finding))[clause.id])
        assert path == f"contracts/apis/{api}/openapi.yaml"
        assert re.fullmatch(r"    (get|post|put|patch|delete):", document[line - 1])
        at = document.index(f"      operationId: {operation}")
        between = document[line:at]
        assert not any(re.match(r" {2,4}\S", other) for other in between)


def test_a_request_of_no_operation_is_found_at_its_path_or_where_the_paths_begin(tmp_path):
    contract = contracts.load(API)
    document = tmp_path / "openapi.yaml"
    document.write_text(
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      operationId: a\n"
        "  /a/{id}/b:\n    parameters: []\n    get:\n      operationId: ab\n"
    )
    known = Places(replace(contract, document=document))
    clause = next(one for one in contract.clauses if one.id == f"{API}.schema.method")
    for target, line in (("/a?b=/a/1/b", 3), ("/a/1%2F/b", 6), ("/a/1/c", 2), ("/nowhere", 2)):
        found = Finding(clause, Verdict.BROKEN, "x", failure=failure(None, "PATCH", target))
        assert known.of(found).line == line, target
    for operation, line in (("a", 4), ("ab", 8), ("gone", 2)):
        found = Finding(clause, Verdict.BROKEN, "x", failure=failure(operation))
        assert known.of(found).line == line, operation
    assert known.of(Finding(clause, Verdict.BROKEN)).line == 2


def test_no_path_of_a_machine_is_in_it(tmp_path):
    contract = contracts.load(API)
    foreign = replace(contract.clauses[0], where=f"{tmp_path.as_posix()}/own clauses.py:12")
    finding = Finding(foreign, Verdict.BROKEN, "x")
    one = outcome(contract, finding, *every_verdict(contract)[1:])
    shown = as_sarif.render([one])
    assert str(ROOT) not in shown and str(tmp_path) not in shown
    assert place(results(one)[foreign.id]) == ("own%20clauses.py", 12)


def test_a_finding_is_known_again_by_its_clause_and_target_whatever_was_said():
    contract = contracts.load(API)
    first, second = contract.clauses[:2]

    def known(clause: Any, reason: str, **more: Any) -> tuple[str, str]:
        one = outcome(contract, Finding(clause, Verdict.BROKEN, reason, failure=failure()), **more)
        result = results(one)[clause.id]
        (named,) = result["fingerprints"].values()
        return named, result["partialFingerprints"]["primaryLocationLineHash"]

    assert known(first, "today") == known(first, "tomorrow")
    different = {known(first, "x"), known(second, "x"), known(first, "x", target=f"{URL}/v2")}
    assert len(different) == 3


def test_several_apis_are_analyses_of_their_own():
    loaded = [contracts.load(name) for name in contracts.names()]
    runs = log(*(outcome(one, *every_verdict(one)) for one in loaded))["runs"]
    assert [run["automationDetails"]["id"] for run in runs] == [
        f"counterfoil/{name}/" for name in contracts.names()
    ]


def test_a_viewer_fills_in_nothing_and_links_nowhere():
    contract = contracts.load(API)
    said = "[here](javascript:alert) {0} {12} {a} [](x)\x1b]]>\u2028::error"
    finding = Finding(contract.clauses[0], Verdict.BROKEN, said)
    text = results(outcome(contract, finding))[contract.clauses[0].id]["message"]["text"]
    first = text.splitlines()[0]
    assert first == "[here] (javascript:alert) { 0} { 12} {a} [] (x)\\x1b]]>\\u2028::error"

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

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
from contracts.report import github
from contracts.runner import Outcome, Plan
from counterfoil.cli.check import command

ROOT = Path(__file__).resolve().parents[2]
COMMAND = re.compile(r"::(error|notice|warning) ([^:]*)::([^\r\n]*)")


def clause(rule: str, basis: Basis = Basis.DOCUMENTED) -> Clause:
    where = f"{ROOT.as_posix()}/contracts/apis/echo/clauses.py:12"
    return Clause(f"echo.say.{rule}", "It is | kept.", "Say", basis, lambda: None, where=where)


def finding(rule: str, verdict: Verdict, reason: str = "", seen: bool = True, **more: Any):
    basis = Basis.OBSERVED if verdict is Verdict.DEVIATION else Basis.DOCUMENTED
    answered = Exchange(Request("GET", "/say"), Response(200, (), b"no"), 0.0, 0.1)
    failure = Failure(reason, (answered,)) if seen else None
    return Finding(clause(rule, basis), verdict, reason, failure=failure, **more)


def outcome(*findings: Finding, **more: Any) -> Outcome:
    clauses = tuple(one.clause for one in findings)
    key = Credential("key", "a key")
    contract = Contract("echo", "Echo", None, (key,), Path("openapi.yaml"), Driver, clauses)
    plan = Plan(clauses, command="counterfoil check echo --mock")
    return Outcome(
        contract, plan, "http://echo.test", list(findings), calls=7, duration=1.2, **more
    )


KNOWN = BaselineEntry("echo.say.known", "http://echo.test", "mended in spring", "2025-01-31")
EVERYTHING = outcome(
    finding("fine", Verdict.KEPT, seen=False),
    finding("torn", Verdict.BROKEN, "it differs"),
    finding("odd", Verdict.DEVIATION, "a bit"),
    finding("flaky", Verdict.UNTESTED, "seen once: it"),
    finding("idle", Verdict.UNTESTED, "it needs KEY", seen=False),
    finding("known", Verdict.BROKEN, "it too", baseline=KNOWN),
)


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Read a command as GitHub does."""
    level, properties, message = COMMAND.fullmatch(line).groups()

    def unescaped(said: str, *more: tuple[str, str]) -> str:
        for code, char in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
            said = said.replace(code, char)
        return said

    pairs = (one.split("=", 1) for one in properties.split(","))
    return (
        level,
        {name: unescaped(value, ("%3A", ":"), ("%2C", ",")) for name, value in pairs},
        unescaped(message),
    )


def test_what_is_broken_is_an_error_a_deviation_a_notice_and_what_was_seen_once_a_warning():
    found = [read(line) for line in github.commands([EVERYTHING])]
    assert [(level, named["title"]) for level, named, _ in found] == [
        ("error", "echo.say.torn"), ("notice", "echo.say.odd"), ("warning", "echo.say.flaky")
    ]  # fmt: skip
    for _, named, _ in found:
        assert (named["file"], named["line"]) == ("contracts/apis/echo/clauses.py", "12")
    assert found[0][2] == (
        "found: it differs\npromised: It is | kept. (documented: Say)\n"
        "rerun: counterfoil check echo --mock --only echo.say.torn"
    )


def test_a_run_that_could_not_be_judged_and_an_outdated_baseline_are_errors():
    one = outcome(trouble="nobody answers at 50%", outdated=(KNOWN,))
    (_, named, said), (_, outdated, _) = (read(line) for line in github.commands([one]))
    assert (named["title"], said) == ("echo", "not judged: nobody answers at 50%")
    assert outdated["title"] == "echo.say.known"


@pytest.mark.parametrize("said", ["a%0Ab", "50%, a:b", "::error::x", "a\r\n::error::b", "%25"])
def test_what_was_said_is_read_back_as_it_was_shown(said):
    (line,) = github.commands([outcome(finding("torn", Verdict.BROKEN, said))])
    shown = said.replace("\r", "\\r").replace("\n", "\\n")
    assert read(line)[2].splitlines()[0] == f"found: {shown}"


@pytest.mark.parametrize("said", ["a,b", "a:b", "a%2Cb", "a\nb"])
def test_a_property_is_read_back_as_it_was(said):
    line = github._written("error", "message", said)
    assert read(line) == ("error", {"title": said}, "message")


def test_the_summary_counts_and_tells_and_quotes():
    page = github.summary([EVERYTHING, outcome(trouble="nobody answers")])
    assert page.startswith(
        "## Counterfoil\n\n"
        "| API | verdict | broken | deviation | seen once | accepted | untested | kept | calls "
        "| seconds |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| echo | **broken** | 1 | 1 | 1 | 1 | 1 | 1 | 7 | 1.2 |\n"
        "| echo | **not judged** | 0 | 0 | 0 | 0 | 0 | 0 | 7 | 1.2 |\n"
    )
    assert (
        "### broken: `echo.say.torn`\n\n~~~~text\nfound: it differs\n"
        "promised: It is | kept. (documented: Say)\n"
        "rerun: counterfoil check echo --mock --only echo.say.torn\n~~~~\n"
    ) in page
    assert "~~~~text\nnot judged: nobody answers\n~~~~\n" in page
    assert "it too" not in page and "it needs KEY" not in page


def test_the_summary_stays_below_what_github_takes():
    findings = [finding(f"r{n}", Verdict.BROKEN, f"{n} " + "x" * 100_000) for n in range(200)]
    page = github.summary([outcome(*findings)] * 4)
    assert len(page.encode()) < 1 << 20
    assert page.count("And 150 more of echo.\n") == 4


def test_a_log_between_stop_and_start_commands_nothing():
    shown = github.inert("::error::x ##[error]y", "token")
    assert shown == "::stop-commands::token\n::error::x ##[error]y\n::token::"


WORDS = ["genesis", "--mock", "--profile", "quick", "--only", "genesis.signature.wrong"]
FAULT = ["--fault", "genesis.signature.any_accepted"]


def checked(*words: str, **environment: str | None) -> Any:
    around = {"GITHUB_ACTIONS": None, "GITHUB_STEP_SUMMARY": None, **environment}
    return CliRunner().invoke(command, [*WORDS, *words], env=around)


def test_in_a_step_a_check_annotates_and_adds_to_the_summary(tmp_path):
    page = tmp_path / "summary.md"
    page.write_text("before\n", "utf-8")
    done = checked(*FAULT, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    lines = done.stdout.splitlines()
    token = re.fullmatch("::stop-commands::([0-9a-f]{32})", lines[0])[1]
    (command,) = lines[lines.index(f"::{token}::") + 1 :]
    level, named, _ = read(command)
    assert (level, named["title"]) == ("error", "genesis.signature.wrong")
    assert (ROOT / named["file"]).is_file()
    assert page.read_text("utf-8").startswith("before\n## Counterfoil\n")
    assert done.exit_code == 1
    again = checked(*FAULT, GITHUB_ACTIONS="true")
    assert token not in again.stdout


def test_elsewhere_a_check_says_nothing_to_github(tmp_path):
    page = tmp_path / "summary.md"
    done = checked(*FAULT, GITHUB_STEP_SUMMARY=str(page))
    assert "::" not in done.stdout and not page.exists()
    kept = checked(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    assert kept.exit_code == 0 and "::error" not in kept.stdout
    assert "| genesis | **kept** | 1 |" in page.read_text("utf-8")


def test_a_summary_that_cannot_be_written_does_not_hide_the_verdict(tmp_path):
    done = checked(*FAULT, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(tmp_path))
    assert done.exit_code == 1 and "no summary is written: " in done.stderr

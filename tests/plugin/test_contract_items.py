from xml.etree import ElementTree

import pytest

import contracts
import counterfoil.pytest_contract  # noqa: F401  (pytester forgets what is imported within it)
from contracts.runner import PROFILES, Plan, run
from contracts.target import Target
from counterfoil.running import Mock

QUICK = ("--contract-profile", "quick")
MOCK = ("--contract", "bedrock", "--contract-mock", *QUICK)
CLAUSES = {clause.id: clause for clause in contracts.load("bedrock").clauses}


def some(*globs):
    return [word for glob in globs for word in ("--contract-only", glob)]


def told(pytester):
    """Return each item's class name and properties, as JUnit's report has them."""
    return {
        case.get("name"): {
            "class": case.get("classname"),
            **{one.get("name"): one.get("value") for one in case.iter("property")},
        }
        for case in ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    }


def listed(result):
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


# Which there are.


def test_every_clause_is_an_item(project):
    assert listed(project("", *MOCK, "--collect-only", "-q")) == list(CLAUSES)


def test_clauses_stand_beside_the_tests_of_a_project(project):
    result = project("def test_mine(): assert ask", *MOCK, *some("bedrock.health.*"))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*collected 2 items*", "test_mine.py *", "contract/bedrock .*"])


def test_without_the_option_there_is_none(project):
    assert listed(project("def test_mine(): assert ask", "--collect-only", "-q")) == ["test_mine"]


def test_markers_and_words_choose_clauses(project):
    test = "def test_mine(): assert ask"
    wanted = [id for id, one in CLAUSES.items() if one.basis == "implied" and "history" in id]
    chosen = (*MOCK, "--collect-only", "-q", "--strict-markers")
    assert wanted == listed(project(test, *chosen, "-m", "implied", "-k", "history"))
    assert listed(project(test, *chosen, "-m", "not contract")) == ["test_mine"]


def test_parts_together_are_the_whole(project):
    asked = (*MOCK, "--contract", "mtmai", "--collect-only", "-q")
    parts = [listed(project("", *asked, "--contract-part", f"{part}/3")) for part in (1, 2, 3)]
    assert sorted(sum(parts, [])) == sorted(listed(project("", *asked)))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


# What becomes of them.


def test_all_clauses_of_an_honest_mock_are_kept(project, pytester):
    result = project("", *MOCK, "--junitxml=junit.xml")
    result.assert_outcomes(passed=len(CLAUSES))
    for id, case in told(pytester).items():
        assert case["class"] == "contract.bedrock"
        assert case["sentence"] == CLAUSES[id].sentence
        assert (case["basis"], case["source"]) == (CLAUSES[id].basis, CLAUSES[id].source)
        assert case["verdict"] == "kept"


def test_a_broken_clause_fails_with_its_sentence_and_how_to_see_it_again(project, pytester):
    id, kept = "bedrock.history.loses_nothing", "bedrock.post.complete"
    result = project("", *MOCK, *some(id, kept), "--contract-fault", "bedrock.links.cycle",
                     "--junitxml=junit.xml")  # fmt: skip
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    assert f"{id}: {CLAUSES[id].sentence}" in text
    assert f"promised: {CLAUSES[id].sentence}" in text
    assert "curl -sS" in text and "> x-api-key: $COUNTERFOIL_BEDROCK_API_KEY" in text
    assert (
        "rerun: counterfoil check bedrock --fault bedrock.links.cycle --mock --profile quick "
        f"--seed 0 --only {id}" in text
    )
    assert "Traceback" not in text and "counterfoil-api-key" not in text
    assert told(pytester)[id]["verdict"] == "broken"


def test_the_command_that_is_shown_sees_the_same(project, capfd):
    result = project("", *MOCK, *some("bedrock.history.loses_nothing"),
                     "--contract-fault", "bedrock.links.cycle")  # fmt: skip
    found = next(line for line in result.outlines if line.startswith("  found:"))
    with Mock("bedrock", faults=["bedrock.links.cycle"], clock="virtual") as mock:
        contract = contracts.load("bedrock")
        plan = Plan((CLAUSES["bedrock.history.loses_nothing"],), PROFILES["quick"])
        target = Target(mock.url, app=mock.app, clock=mock.clock)
        *_, outcome = run(contract, target, dict(mock.credentials), plan)
    assert outcome.findings[0].verdict == "broken"
    # Ids are other ones, the promise is broken in the same way.
    assert found.split()[2:4] == outcome.findings[0].reason.split()[1:3]


def test_a_deviation_passes_and_the_report_says_it(project, pytester):
    result = project("", *MOCK, *some("bedrock.health.ok", "bedrock.post.complete"),
                     "--contract-fault", "bedrock.health.not_ok",
                     "-rA", "--junitxml=junit.xml")  # fmt: skip
    result.assert_outcomes(passed=2)
    assert CLAUSES["bedrock.health.ok"].basis == "observed"
    assert told(pytester)["bedrock.health.ok"]["verdict"] == "deviation"
    result.stdout.fnmatch_lines(["*Captured deviation call*", "*promised: *", "*found: *"])


def test_an_untested_clause_is_skipped_and_says_why(project):
    with Mock("chatbot") as mock:
        result = project("", "--contract", "chatbot", "--contract-url", mock.url, *QUICK, "-rs",
                         *some("chatbot.*key*", "chatbot.stream.*"))  # fmt: skip
    outcomes = result.parseoutcomes()
    assert outcomes["skipped"] and outcomes["passed"] and set(outcomes) == {"skipped", "passed"}
    result.stdout.fnmatch_lines(["SKIPPED *: chatbot.*: it needs COUNTERFOIL_CHATBOT_API_KEY*"])


def test_what_a_baseline_accepts_is_an_expected_failure_and_what_is_kept_is_not(project, pytester):
    (pytester.path / "accepted.yaml").write_text(
        "".join(
            f"- {{clause: {id}, target: mock, reason: they know, date: 2026-01-02}}\n"
            for id in ("bedrock.history.loses_nothing", "bedrock.post.complete")
        )
    )
    result = project("", *MOCK, *some("bedrock.history.loses_nothing", "bedrock.post.complete"),
                     "--contract-fault", "bedrock.links.cycle", "-rx",
                     "--contract-baseline", "accepted.yaml")  # fmt: skip
    result.assert_outcomes(xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["*bedrock.post.complete is kept, and the baseline accepts*"])
    result.stdout.fnmatch_lines(["*accepted by the baseline: they know*"])


def test_where_nobody_answers_every_clause_is_an_error_and_one_knock_is_made(project):
    result = project("", "--contract", "bedrock", "--contract-url", "http://127.0.0.1:1", *QUICK,
                     *some("bedrock.post.*"))  # fmt: skip
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"errors"} and outcomes["errors"] > 3
    result.stdout.fnmatch_lines(["not judged: nobody answers at http://127.0.0.1:1*"])
    assert (
        "Traceback" not in result.stdout.str() and "pytest_contract.py" not in result.stdout.str()
    )


def test_refusals_alone_do_not_pass_where_nothing_is_ever_accepted(project):
    asked = (*MOCK, *some("bedrock.key.missing"))
    project("", *asked).assert_outcomes(passed=1)
    result = project("", *asked, "--contract-fault", "bedrock.reply.never_comes")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not judged: these operations never accepted a request: get_*"])


def test_mistakes_in_the_options_are_one_line(project, pytester):
    def line(*options):
        result = project("", *options)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "Traceback" not in result.stderr.str()
        return result.stderr.str().strip().splitlines()[-1]

    assert "did you mean bedrock" in line("--contract", "bedrok", "--contract-mock")
    assert "either --contract-url URL or --contract-mock" in line("--contract", "bedrock")
    assert "no clause is called 'x.*'" in line(*MOCK, *some("x.*"))
    assert "did you mean bedrock.links.cycle" in line(
        *MOCK, "--contract-fault", "bedrock.links.cycl"
    )
    assert "'other.x' is no fault of bedrock" in line(*MOCK, "--contract-fault", "other.x")
    assert "like 1/3, not '4/3'" in line(*MOCK, "--contract-part", "4/3")
    assert "quick, standard, thorough" in line(*MOCK, "--contract-profile", "slow")
    assert "none.yaml: No such file" in line(*MOCK, "--contract-baseline", "none.yaml")
    away = ("--contract", "bedrock", "--contract-url", "https://example.org")
    assert "(or --contract-credential api_key=…)" in line(*away)
    secret = line(*away, "--contract-credential", "api-key-of-mine")
    assert "NAME=VALUE" in secret
    assert "a number above 0" in line(*MOCK, "--contract-max-calls", "0")
    (pytester.path / "counterfoil.toml").write_text("[targets.own]\napi = 'genesis'\nmock = true\n")
    assert "judge them one after the other" in line(*MOCK, "--contract-target", "own")


def test_without_the_checker_the_option_says_what_to_install(project, pytester):
    pytester.makeconftest("import sys; sys.modules['schemathesis'] = sys.modules['httpx'] = None")
    result = project("def test_mine(): pass", *MOCK, how=pytester.runpytest_subprocess)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --contract needs *: pip install 'counterfoil?check?'"])


# The same seed.

RECORDER = """
import os
import pathlib
import pytest
from contracts.trial import Trial

if "RECORDED" in os.environ:
    tried = Trial._try

    def noted(self, test, /, *args, **drawn):
        file = pathlib.Path(os.environ["RECORDED"]) / self.clause.id
        with file.open("a") as lines:
            print(repr(sorted(drawn.items(), key=lambda one: one[0])), file=lines)
        return tried(self, test, *args, **drawn)

    Trial._try = noted
"""


def test_the_same_seed_draws_the_same_cases_on_any_number_of_workers_and_hosts(
    project, pytester, monkeypatch
):
    pytester.makeconftest(RECORDER)
    apis = ("--contract", "bedrock", "--contract", "genesis")
    asked = (*apis, "--contract-mock", *QUICK, "--contract-seed", "3", "-k", "any_text")

    def drawn(folder, *runs):
        (pytester.path / folder).mkdir()
        monkeypatch.setenv("RECORDED", str(pytester.path / folder))
        for options in runs:
            result = project("", *asked, *options, how=pytester.runpytest_subprocess)
            assert set(result.parseoutcomes()) <= {"passed", "deselected"}
        return {file.name: file.read_text() for file in (pytester.path / folder).iterdir()}

    alone = drawn("alone", ("-p", "no:xdist"))
    assert alone and max(text.count("\n") for text in alone.values()) >= 3
    assert drawn("workers", ("-n", "2")) == alone
    assert drawn("hosts", ("--contract-part", "1/2"), ("--contract-part", "2/2")) == alone


def test_workers_together_stay_within_the_calls(project, pytester):
    with Mock("bedrock") as mock:
        project("", "--contract", "bedrock", "--contract-url", mock.url, *QUICK, "-n", "2",
                "--contract-max-calls", "40", how=pytester.runpytest_subprocess)  # fmt: skip
        assert 10 < len(mock.journal) <= 40

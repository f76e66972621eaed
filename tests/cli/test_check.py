import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from contracts.apis import names

ROOT = Path(__file__).parent.parent.parent
CANARY = "canary-7f3e9d0c"


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and "Traceback" not in text


def test_an_honest_mock_is_kept_and_the_exit_code_is_0(counterfoil):
    done = counterfoil("check", "genesis", "--mock", "--profile", "quick")
    assert done.code == 0
    assert re.search(r"^genesis: kept \(\d+ kept; \d+ calls", done.out, re.MULTILINE)
    assert done.err == ""


def test_every_clause_has_a_verdict_in_the_text_report(counterfoil):
    done = counterfoil("check", "genesis", "--mock", "--only", "genesis.id.*", "--seed", 3)
    assert "  kept      genesis.id.unique\n" in done.out
    assert "quick" not in done.out and "seed 3" in done.out


def test_a_broken_promise_is_shown_with_its_sentence_exchange_curl_and_rerun(counterfoil):
    fault = "genesis.signature.any_accepted"
    done = counterfoil(
        "check", "genesis", "--mock", "--fault", fault, "--only", "genesis.sig*wrong"
    )
    assert done.code == 1
    assert "promised: A request with a made-up signature is refused." in done.out
    assert "found:    accepted, although the signature is made up" in done.out
    assert "< HTTP 200" in done.out
    rerun = re.search(r"rerun: counterfoil (.*)", done.out)[1].split()
    again = counterfoil(*rerun)
    assert again.code == 1 and "genesis.signature.wrong" in again.out


def test_the_curl_of_a_failure_sees_it_again_when_its_variables_are_set(counterfoil, served):
    fault = "genesis.signature.any_accepted"
    url = served("genesis", faults=[fault])
    done = counterfoil("check", "genesis", "--url", url, "--only", "genesis.signature.covers_value")
    curl = re.search(r"curl:  (.*)", done.out)[1]
    assert "counterfoil-private-key" not in done.out
    environment = {**os.environ, "COUNTERFOIL_GENESIS_PRIVATE_KEY": "counterfoil-private-key"}
    seen = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, env=environment)
    assert seen.stdout.startswith("HTTP/1.1 200") and '"RetCode":0' in seen.stdout, seen


def test_the_curl_of_a_failure_is_signed_rightly(counterfoil, served):
    fault = "genesis.shape.message_missing"
    url = served("genesis")
    done = counterfoil("check", "genesis", "--mock", "--fault", fault, "--only", "genesis.*message")
    curls = re.findall(r"curl:  (.*)", done.out)
    assert curls
    environment = {**os.environ, "COUNTERFOIL_GENESIS_PRIVATE_KEY": "counterfoil-private-key"}
    for curl in curls:
        command = curl.replace("http://127.0.0.1:8600", url)
        seen = subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, env=environment
        )
        # The honest mock refuses it for its own reason, and not for the signature.
        assert "Message" in seen.stdout and '"RetCode":171' not in seen.stdout


def test_a_wrong_key_cannot_be_judged(counterfoil, served):
    url = served("genesis")
    done = counterfoil("check", "genesis", "--url", url, "--credential", f"private_key={CANARY}")
    assert done.code == 3
    assert "not judged: the target turned our first request down: " in done.out
    assert "Signature VerifyAC Error" in done.out
    assert "broken" not in done.out


def test_an_unreachable_host_cannot_be_judged(counterfoil):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = counterfoil("check", "genesis", "--url", url)
    assert done.code == 3
    assert f"not judged: nobody answers at {url}" in done.out


def test_a_port_that_speaks_something_else_cannot_be_judged(counterfoil, babbler):
    done = counterfoil("check", "genesis", "--url", babbler)
    assert done.code == 3
    assert f"not judged: {babbler} does not answer as a web server does: " in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["genesiss", "--mock"], "unknown API 'genesiss'; did you mean genesis?"),
        (["genesis"], "say what to judge: either --url URL or --mock"),
        (["genesis", "--mock", "--url", "http://x"], "either --url URL or --mock"),
        (["genesis", "--url", "nonsense"], "'nonsense' is not a base URL"),
        (["genesis", "--mock", "--only", "nope*"], "no clause is called 'nope*'"),
        (["genesis", "--mock", "--report", "r.pdf"], "r.pdf: a report ends in one of"),
        (["genesis", "--mock", "--report", "no/r.json"], "there is no folder no"),
        (["genesis", "--mock", "--credential", "secret-value"], "should be written as NAME=VALUE"),
        (["genesis", "--mock", "--report", "folder.json"], "folder.json is a folder; a report is"),
        (["genesis", "--mock", "--credential", "key=x"], "unknown credential 'key'"),
        (["genesis", "--mock", "--fault", "genesis.no"], "unknown fault 'genesis.no'"),
        (["genesis", "--url", "https://api.example"], "needs COUNTERFOIL_GENESIS_PUBLIC_KEY"),
        (["genesis", "--url", "http://x", "--fault", "a"], "--fault goes with --mock"),
        (["genesis", "--mock", "--max-calls", "0"], "--max-calls"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_exit_code_2(counterfoil, words, said):
    Path("folder.json").mkdir()
    done = counterfoil("check", *words)
    assert done.code == 2
    assert said in done.err and one_line(done.err)
    assert done.out == ""


def test_a_report_that_cannot_be_written_is_no_broken_clause(counterfoil):
    Path("r.json").symlink_to(Path("gone") / "r.json")
    done = counterfoil("check", "genesis", "--mock", "--only", "*.valid_accepted",
                       "--profile", "quick", "--report", "r.json")  # fmt: skip
    assert done.code == 2 and "genesis: kept" in done.out
    assert done.err == "counterfoil: r.json: No such file or directory\n"


def test_a_credential_without_its_name_is_not_shown(counterfoil):
    done = counterfoil("check", "genesis", "--mock", "--credential", "sk-secret")
    assert done.code == 2 and "should be written as NAME=VALUE" in done.err
    assert "sk-secret" not in done.err


def test_an_unknown_command_is_answered_with_the_nearest(counterfoil):
    done = counterfoil("chekc", "genesis")
    assert (done.code, done.err) == (
        2,
        "counterfoil: there is no command 'chekc'; did you mean check?\n",
    )


def test_the_json_report_has_the_fields_that_are_promised(counterfoil):
    fault = "genesis.signature.any_accepted"
    counterfoil("check", "genesis", "--mock", "--fault", fault, "--only", "genesis.signature.*",
                "--report", "r.json", "--profile", "quick")  # fmt: skip
    report = json.loads(Path("r.json").read_text())
    assert {"api", "target", "seed", "profile", "verdict", "calls", "accepted", "duration_s",
            "clauses"} <= set(report)  # fmt: skip
    assert (report["api"], report["verdict"], report["profile"]) == ("genesis", "broken", "quick")
    assert report["accepted"]["run_mv_chat_post"] > 0
    verdicts = {clause["verdict"] for clause in report["clauses"]}
    assert verdicts <= {"kept", "broken", "untested", "deviation", "error"}
    for clause in report["clauses"]:
        assert {"id", "sentence", "source", "basis", "verdict", "reason", "examples", "calls",
                "failure"} <= set(clause)  # fmt: skip
        if clause["verdict"] == "broken":
            assert {"message", "exchange", "curl", "rerun"} <= set(clause["failure"])


def test_several_apis_make_a_list_in_the_json_report_and_a_table_in_the_text(counterfoil):
    done = counterfoil("check", "all", "--mock", "--profile", "quick", "--only", "*.robust.nul",
                       "--report", "r.json")  # fmt: skip
    assert done.code == 0
    assert [part["api"] for part in json.loads(Path("r.json").read_text())] == names()
    assert re.search(r"^API +verdict +kept", done.out, re.MULTILINE)


def test_the_junit_report_counts_failures(counterfoil):
    fault = "genesis.signature.any_accepted"
    counterfoil("check", "genesis", "--mock", "--fault", fault, "--only", "genesis.signature.*",
                "--report", "r.xml", "--profile", "quick")  # fmt: skip
    (suite,) = ElementTree.parse("r.xml").getroot()
    failed = suite.findall("testcase/failure")
    assert int(suite.get("failures")) == len(failed) > 0
    assert "rerun: counterfoil check" in failed[0].text


def test_no_more_calls_are_made_than_allowed(counterfoil, served):
    url = served("genesis")
    done = counterfoil("check", "genesis", "--url", url, "--max-calls", 50, "--report", "r.json")
    report = json.loads(Path("r.json").read_text())
    assert report["calls"] == 50
    reasons = {clause["reason"] for clause in report["clauses"] if clause["verdict"] == "untested"}
    assert reasons == {"the budget of 50 calls is spent"}
    assert done.code == 3
    assert "not judged: the budget of 50 calls is spent" in done.out


def test_a_budget_too_small_for_a_first_call_to_be_judged_is_exit_code_3(counterfoil):
    assert counterfoil("check", "genesis", "--mock", "--max-calls", 1).code == 3


def test_a_rate_is_kept(counterfoil):
    began = time.monotonic()
    counterfoil("check", "genesis", "--mock", "--rate", 20, "--max-calls", 11)
    assert time.monotonic() - began >= 0.5


def test_secrets_reach_no_report(counterfoil, served):
    secrets = {"public_key": "pk", "private_key": CANARY, "app_id": "app"}
    fault = "genesis.signature.any_accepted"
    url = served("genesis", credentials=secrets, faults=[fault])
    words = [
        word for name, value in secrets.items() for word in ("--credential", f"{name}={value}")
    ]
    done = counterfoil("check", "genesis", "--url", url, "--profile", "quick", *words,
                       "--report", "r.json", "--report", "r.xml", "--report", "r.txt")  # fmt: skip
    assert done.code == 1
    for text in (
        done.out,
        done.err,
        *(Path(name).read_text() for name in ("r.json", "r.xml", "r.txt")),
    ):
        assert CANARY not in text


def test_ctrl_c_ends_with_what_is_known_so_far(served):
    url = served("genesis")
    command = [sys.executable, "-m", "counterfoil", "check", "genesis", "--url", url,
               "--rate", "30", "--profile", "thorough"]  # fmt: skip
    # Where the tests themselves run in the background, Ctrl-C is switched off for their children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, before)
    end = time.monotonic() + 60
    while len(httpx.get(f"{url}/_counterfoil/journal").json()["entries"]) < 30:
        assert time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    # Where it came while Python compiled a text, Python ends by the signal: 130 to a shell, too.
    assert process.returncode in (130, -signal.SIGINT), err
    assert "genesis: interrupted (" in out and "Traceback" not in out + err
    assert "the run was interrupted" in out

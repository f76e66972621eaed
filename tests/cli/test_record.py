"""`counterfoil record`: what it says, how it ends, and that a kill leaves a whole file."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parent.parent.parent
KEY = {"x-api-key": "counterfoil-api-key"}


@contextmanager
def recording(*words, **environment):
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "record", *map(str, words), "--port", "0"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    try:
        yield process, process.stdout.readline().split()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def exchanges(path):
    return json.loads(path.read_text("utf-8"))["log"]["entries"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_in_the_end_how_much_it_has(served, tmp_path, number):
    url, out = served("bedrock"), tmp_path / "mine.har"
    with recording("bedrock", "--upstream", url, "--out", out) as (process, (api, at)):
        assert api == "bedrock" and at.startswith("http://127.0.0.1:")
        assert exchanges(out) == []
        assert httpx.get(f"{at}health", headers=KEY).json() == {"status": "ok"}
        assert httpx.get(f"{at}health").status_code == 403
        process.send_signal(number)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert said == f"recording {url}/ to {out}\n2 exchanges in {out}\n"
    assert [one["response"]["status"] for one in exchanges(out)] == [200, 403]


def test_killed_recorder_leaves_a_whole_file(served, tmp_path):
    url, out = served("bedrock"), tmp_path / "mine.har"
    with recording("bedrock", "--upstream", url, "--out", out) as (process, (_, at)):
        with httpx.Client(headers=KEY) as client:
            end = time.monotonic() + 60
            while len(exchanges(out)) < 3:  # it is whole whenever it is looked at, too
                client.get(f"{at}health")
                assert time.monotonic() < end, "the file does not grow"
        process.kill()
        process.wait(10)
    assert len(exchanges(out)) >= 3


def test_credentials_of_option_and_environment_are_not_in_the_file(served, tmp_path):
    url, out = served("bedrock"), tmp_path / "mine.har"
    given = ("--credential", "api_key=given-canary", "--credential", "bedrock.other_api_key=o-nary")
    with recording(
        "bedrock", "--upstream", url, "--out", out, *given,
        COUNTERFOIL_BEDROCK_API_KEY="canary-of-the-environment",
    ) as (process, (_, at)):  # fmt: skip
        for key in ("given-canary", "canary-of-the-environment", "o-nary", "counterfoil-api-key"):
            httpx.get(f"{at}health", params={"k": key}, headers={"x-api-key": key})
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    text = out.read_text("utf-8")
    assert "nary" not in text and "counterfoil-api-key" not in text and "environment" not in text
    shown = [one["request"]["queryString"][0]["value"] for one in exchanges(out)]
    assert shown == ["<api_key>", "<api_key>", "<other_api_key>", "<api_key>"]


@pytest.mark.parametrize(
    "words, said",
    [
        (("bedrok", "--upstream", "http://x"), "did you mean bedrock?"),
        (("bedrock",), "upstream"),
        (("bedrock", "--upstream", "x"), "should be like https://"),
        (("bedrock", "--upstream", "http://u:pass-word@x"), "no user"),
        (("bedrock", "--upstream", "http://x", "--credential", "kee=v"), "unknown credential"),
        (("bedrock", "--upstream", "http://x", "--host", "256.0.0.1", "--port", "0"), "cannot li"),
    ],
)
def test_wrong_usage_is_told_in_a_line_and_leaves_no_file(counterfoil, tmp_path, words, said):
    done = counterfoil("record", *words, "--out", "mine.har")
    assert done.code == 2 and said in done.err and done.err.count("\n") == 1
    assert "pass-word" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_recording_that_is_there_already_is_kept(counterfoil, tmp_path):
    (tmp_path / "mine.har").write_text("precious")
    done = counterfoil("record", "bedrock", "--upstream", "http://x", "--out", "mine.har")
    assert done.code == 2 and "mine.har is there already" in done.err
    assert (tmp_path / "mine.har").read_text() == "precious"


def test_file_that_cannot_be_written_is_told_at_the_start(counterfoil):
    for out in ("nowhere/mine.har", "."):
        done = counterfoil("record", "bedrock", "--upstream", "http://x", "--out", out)
        assert done.code == 2 and done.err.count("\n") == 1


def test_help_and_list_of_commands_name_it(counterfoil):
    assert "--upstream URL" in counterfoil("record", "--help").out
    assert "record" in counterfoil("--help").out

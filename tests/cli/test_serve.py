import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockserver.faults import names

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def serving(*words: str, environment: dict[str, str] | None = None):
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "serve", "--port", "0", *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)


def test_one_api_is_served_at_the_root():
    with serving("bedrock") as process:
        name, url = process.stdout.readline().split()
        assert name == "bedrock" and re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{url}health")


def test_several_apis_are_served_under_their_names():
    with serving() as process:
        found = dict(process.stdout.readline().split() for _ in names())
    assert sorted(found) == names()
    assert all(url.endswith(f"/{api}/") for api, url in found.items())


def test_an_identity_comes_from_the_environment_or_an_option():
    environment = {"COUNTERFOIL_BEDROCK_API_KEY": "from-the-environment"}
    with serving(
        "bedrock", "--credential", "other_api_key=given", environment=environment
    ) as process:
        url = process.stdout.readline().split()[1]
        for key in ("from-the-environment", "given"):
            asked = urllib.request.Request(f"{url}health", headers={"x-api-key": key})
            assert urllib.request.urlopen(asked).status == 200


def test_ctrl_c_stops_it_without_a_word():
    with serving("genesis") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["genesiss"], "unknown API 'genesiss'; did you mean genesis?"),
        (["genesis", "--fault", "genesis.signature.any_acepted"],
         "did you mean genesis.signature.any_accepted?"),
        (["genesis", "--fault", "bedrock.time.never_ready"], "unknown fault"),
        (["genesis", "--fixtures", "nowhere"], "there is no such folder of fixtures"),
        (["genesis", "--chunk-size", "0"], "neither a number of bytes from 1 up nor random"),
        (["genesis", "--credential", "api_key=x"], "unknown credential 'api_key'"),
        (["genesis", "--port", "99999"], "99999 is not in the range"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_clear_line_and_exit_code_2(counterfoil, words, said):
    done = counterfoil("serve", *words)
    assert done.code == 2
    assert said in done.err and done.err.count("\n") == 1


def test_a_port_that_is_taken_is_said_so(counterfoil):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = counterfoil("serve", "genesis", "--port", taken.getsockname()[1])
    assert done.code == 2
    assert "cannot listen at 127.0.0.1:" in done.err and done.err.count("\n") == 1

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from counterfoil import wiring
from mockserver.faults import Impossible, UnknownName, names

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


KEY = "counterfoil-api-key"
BROKEN = "bedrock.health.not_ok"


def health(url, **headers):
    asked = urllib.request.Request(f"{url}health", headers={"x-api-key": KEY, **headers})
    try:
        return urllib.request.urlopen(asked).read()
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def test_request_that_asks_for_a_fault_breaks_alone():
    with serving("bedrock") as process:
        url = process.stdout.readline().split()[1]
        honest = health(url)
        broken = health(url, **{"Counterfoil-Fault": BROKEN})
        assert broken != honest == health(url) == b'{"status":"ok"}'
        error = "unknown fault 'bedrock.health.not_k'; did you mean bedrock.health.not_ok?"
        asked = {"counterfoil-fault": "bedrock.health.not_k"}
        assert health(url, **asked) == (400, {"error": error})
        seen = json.loads(urllib.request.urlopen(f"{url}_counterfoil/journal").read())["entries"]
        assert [entry["faults"] for entry in seen] == [[], [BROKEN], [], []]


def test_fault_with_a_chance_repeats_with_the_seed():
    def heard(*words):
        with serving("bedrock", "--fault", f"{BROKEN}@0.5", *words) as process:
            url = process.stdout.readline().split()[1]
            return [health(url, **{"Counterfoil-Session": "mine"}) for _ in range(30)]

    first = heard()
    assert len({str(answer) for answer in first}) == 2
    assert heard("--seed", "0") == first != heard("--seed", "1")


def test_chaos_is_served_and_repeats_with_the_seed():
    words = ("--chaos", "empty@0.5", "--latency", "uniform:0,0.001", "--rate-limit", "25/600")

    def heard(*more):
        with serving("bedrock", *words, *more) as process:
            url = process.stdout.readline().split()[1]
            found = []
            for _ in range(30):
                try:
                    found.append(health(url, **{"Counterfoil-Session": "mine"}))
                except http.client.RemoteDisconnected:
                    found.append("empty")
            shown = json.loads(urllib.request.urlopen(f"{url}_counterfoil/chaos").read())
            return found, shown["apis"]["bedrock"]["served_with"]

    first, plan = heard()
    assert plan["connection"] == ["empty@0.5"] and plan["rate_limit"] == "25/600"
    assert 5 < first.count("empty") < 25
    assert {str(one) for one in first[25:]} <= {
        "empty",
        str((429, {"message": "Too Many Requests"})),
    }
    assert heard("--seed", "0")[0] == first != heard("--seed", "1")[0]


def test_request_that_asks_for_chaos_meets_it_alone():
    with serving("bedrock") as process:
        url = process.stdout.readline().split()[1]
        with pytest.raises(ConnectionResetError):
            health(url, **{"Counterfoil-Chaos": "reset"})
        assert health(url) == b'{"status":"ok"}'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--chaos", "rest"), "did you mean reset?"),
        (("--latency", "slow"), "lognormal:MEDIAN,SIGMA"),
        (("--chunk-latency", "-1"), "lognormal:MEDIAN,SIGMA"),
        (("--rate-limit", "5"), "N/SECONDS"),
    ],
)
def test_chaos_that_there_is_not_is_wrong_usage(counterfoil, words, said):
    done = counterfoil("serve", "bedrock", "--port", "0", *words)
    assert done.code == 2 and said in " ".join(done.err.split())


def test_variant_is_served_and_said_so():
    with serving("bedrock", "genesis", "--variant", "bedrock.json_sorted") as process:
        lines = [process.stdout.readline().split() for _ in range(2)]
        assert [line[0] for line in lines] == ["bedrock", "genesis"]
        assert lines[0][2:] == ["variant", "bedrock.json_sorted"] and lines[1][2:] == []


def test_mocks_take_one_variant_of_each_api():
    def served(apis=("bedrock", "genesis"), **options):
        made = wiring.mocks(apis, **options).emulators.values()
        return [one.variant.id if one.variant else "" for one in made]

    ids = ["genesis.bare_refusals", "bedrock.json_sorted"]
    assert served(variants=ids) == ["bedrock.json_sorted", "genesis.bare_refusals"]
    assert served(variants=ids[:1], variant=ids[1]) == served(variants=ids)
    assert served(variant=ids[0]) == ["", ids[0]]
    assert served(variants=[ids[0], ids[0]], faults=[BROKEN]) == ["", ids[0]]
    with pytest.raises(Impossible):
        served(variants=ids, variant="bedrock.slow")
    with pytest.raises(UnknownName):
        served(("bedrock",), variants=ids)


def test_ctrl_c_stops_it_without_a_word():
    with serving("genesis") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_ctrl_c_stops_it_while_an_answer_is_stalled():
    with serving("bedrock", "--chaos", "stalled") as process:
        where = urllib.parse.urlsplit(process.stdout.readline().split()[1])
        with socket.create_connection((where.hostname, where.port), timeout=10) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(8) == b"HTTP/1.1"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=8)
    assert process.returncode == 0 and "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["genesiss"], "unknown API 'genesiss'; did you mean genesis?"),
        (["genesis", "--fault", "genesis.signature.any_acepted"],
         "did you mean genesis.signature.any_accepted?"),
        (["genesis", "--fault", "bedrock.time.never_ready"], "unknown fault"),
        (["genesis", "--fault", "genesis.signature.any_acepted@0.5"],
         "did you mean genesis.signature.any_accepted?"),
        (["genesis", "--fault", "genesis.signature.any_accepted@2"], "a chance from 0 to 1"),
        (["genesis", "--fault", "genesis.signature.any_accepted@-1"], "a chance from 0 to 1"),
        (["genesis", "--fault", "genesis.signature.any_accepted@x"], "a chance from 0 to 1"),
        (["genesis", "--fault", "genesis.signature.any_accepted@nan"], "a chance from 0 to 1"),
        (["genesis", "--fault", "genesis.signature.any_accepted@"], "a chance from 0 to 1"),
        (["genesis", "--fault", "@0.5"], "unknown fault '@0.5'"),
        (["genesis", "--fault", "genesis.signature.any_accepted",
          "--fault", "genesis.signature.any_accepted@0.5"], "is given two chances"),
        (["genesis", "--variant", "genesis.bare_refusal"], "did you mean genesis.bare_refusals?"),
        (["genesis", "--variant", "bedrock.json_sorted"], "unknown variant 'bedrock.json_sorted'"),
        (["genesis", "--variant", "genesis.slow", "--variant", "genesis.bare_refusals"],
         "as one variant, not as genesis.slow and genesis.bare_refusals"),
        (["genesis", "--variant", "genesis.slow", "--fault", "genesis.signature.any_accepted@0"],
         "no fault can be had with the variant genesis.slow"),
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


def test_the_port_is_in_a_file_once_the_mocks_answer(tmp_path):
    file = tmp_path / "port"
    with serving("bedrock", "--port-file", str(file)) as process:
        url = process.stdout.readline().split()[1]
        assert file.read_text("ascii") == f"{url.rstrip('/').rpartition(':')[2]}\n"
        assert [path.name for path in tmp_path.iterdir()] == ["port"]


def test_conversations_in_a_file_are_there_when_the_mock_is_started_again(tmp_path):
    state = f"sqlite:{tmp_path / 'state'}"
    form = {"Action": "RunMVChat", "AppID": "a", "PublicKey": "k",
            "Role.0": "user", "Content.0": "Hello"}  # fmt: skip
    session, known = "", []
    for _ in range(2):
        with serving("genesis", "--no-auth", "--state", state) as process:
            url = process.stdout.readline().split()[1]
            sent = urllib.parse.urlencode({**form, **({"SessionID": session} if session else {})})
            answer = json.load(urllib.request.urlopen(url, sent.encode()))
        session = str(answer["SessionID"])
        known.append((answer["RetCode"], session))
    assert known == [(0, session), (0, session)]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("disk", "is no store"),
        ("sqlite:/nowhere/at/all", "/nowhere"),
        ("redis://127.0.0.1:1", ":1"),
    ],
)  # fmt: skip
def test_a_store_that_cannot_be_is_wrong_usage(state, said):
    with serving("bedrock", "--state", state) as process:
        assert process.wait(20) == 2
        error = process.stderr.read()
    assert said in error and "Traceback" not in error


def test_a_strict_mock_makes_nothing_up():
    with serving("chatbot", "--strict", "--no-auth") as process:
        url = process.stdout.readline().split()[1]
        request = urllib.request.Request(
            f"{url}api/v1/backend/chatbot/counterfoil-bot/chat", b'{"q": "Was this ever asked?"}',
            {"Content-Type": "application/json"},
        )  # fmt: skip
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert b"no reply is scripted for" in refused.value.read()


@pytest.mark.parametrize("asked", [True, False])
def test_recorded_times_are_kept_where_they_are_asked_for(counterfoil, monkeypatch, asked):
    served = []
    monkeypatch.setattr("counterfoil.serving.serve", lambda wanted, ready: served.append(wanted))
    assert counterfoil("serve", *["--recorded-times"] * asked).code == 0
    assert [wanted.settings.recorded_times for wanted in served] == [asked]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), False),
        (("--host", "localhost"), False),
        (("--host", "0.0.0.0"), True),
        (("--host", "0.0.0.0", "--admin-token", "sesame"), False),
    ],
)
def test_who_serves_others_is_told_that_the_admin_pages_are_closed_to_them(
    counterfoil, monkeypatch, words, told
):
    def serve(wanted, ready):
        with wanted.mocks() as made:
            ready(made, f"http://{wanted.host}:8600", 8600)

    monkeypatch.setattr("counterfoil.serving.serve", serve)
    said = counterfoil("serve", "bedrock", *words)
    assert said.code == 0
    assert ("for this machine alone: no --admin-token" in said.err) is told


def test_a_certificate_for_everywhere_names_the_machine(counterfoil, monkeypatch):
    named = []
    monkeypatch.setattr("socket.gethostname", lambda: "machine.example")
    monkeypatch.setattr("counterfoil.serving.serve", lambda wanted, ready: named.append(wanted.tls))
    monkeypatch.setattr(
        "mockserver.tls.generated", lambda folder, hosts: (tuple(hosts), folder / "authority.pem")
    )
    assert counterfoil("serve", "bedrock", "--tls", "--host", "0.0.0.0").code == 0
    assert counterfoil("serve", "bedrock", "--tls").code == 0
    assert named[0] == ("127.0.0.1", "::1", "localhost", "machine.example")
    monkeypatch.setattr("socket.gethostname", lambda: "my_machine")
    assert counterfoil("serve", "bedrock", "--tls", "--host", "::").code == 0
    assert named[1] == named[2] == ("127.0.0.1", "::1", "localhost")

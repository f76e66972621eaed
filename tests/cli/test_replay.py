import json
import os
import re

import pytest

from counterfoil import wiring

FAULTS = [
    ("genesis.signature.truncated_accepted", "genesis.signature.truncated"),
    ("genesis.signature.session_id_not_covered", "genesis.signature.covers_session"),
    ("genesis.shape.message_missing", "genesis.response.refusal_message"),
    ("bedrock.key.beginning_will_do", "bedrock.key.*"),
    ("bedrock.links.reply_below_root", "bedrock.*"),
    ("chatbot.identity.newest_conversation_continued", "chatbot.conversation.*"),
    ("chatbot.stream.trailer_after_answer", "chatbot.answer.*"),
    ("mtmai.auth.password_ignored", "mtmai.auth.wrong_password_*"),
    ("mtmai.update.empty_body_resets_name", "mtmai.update.*"),
    ("mtmai.id.changed_by_update", "mtmai.update.*"),
]
FAULT, ID = FAULTS[0]
SECRET = "canary-7f3e9d0c"


def credentials(api: str) -> dict[str, str]:
    """Credentials that no mock has by itself, a second caller's too."""
    made = {
        name: f"a-key-of-our-own-{name}".replace("_", "-") for name in wiring.all_credentials(api)
    }
    tenants = {
        name: f"0b6fbd1d-7e6c-4d5e-9f57-{len(name):012}" for name in made if "tenant" in name
    }
    return {**made, **tenants}


def words(credentials: dict[str, str]) -> list[str]:
    return [word for pair in credentials.items() for word in ("--credential", "=".join(pair))]


@pytest.fixture
def reported(counterfoil):
    """Check a mock that breaks so, and return the report."""

    def check(fault: str, only: str, name: str = "r.json") -> dict:
        counterfoil("check", fault.partition(".")[0], "--mock", "--fault", fault, "--only", only,
                    "--profile", "quick", "--report", name)  # fmt: skip
        with open(name, encoding="utf-8") as file:
            found = json.load(file)
        assert any(clause["failure"] for clause in found["clauses"])
        return found

    return check


def rewritten(change, name: str = "r.json") -> None:
    with open(name, encoding="utf-8") as file:
        found = json.load(file)
    change(found)
    with open(name, "w", encoding="utf-8") as file:
        json.dump(found, file)


def step(report: dict, at: int = -1) -> dict:
    return next(clause["failure"] for clause in report["clauses"] if clause["failure"])["replay"][
        at
    ]


@pytest.mark.parametrize(("fault", "only"), FAULTS)
def test_a_failure_is_seen_again_at_a_server_that_breaks_so_and_not_at_an_honest_one(
    counterfoil, served, reported, fault, only
):
    api = fault.partition(".")[0]
    failures = sum(clause["failure"] is not None for clause in reported(fault, only)["clauses"])
    known = {f"{api}.{name}": value for name, value in wiring.all_credentials(api).items()}
    own = words(wiring.all_credentials(api))
    faulty = served(api, faults=[fault], credentials=known)
    again = counterfoil("replay", "r.json", "--url", faulty, *own)
    assert f"{api}: {failures} seen again (" in again.out, again.out
    assert again.code == 1
    gone = counterfoil("replay", "r.json", "--url", served(api, credentials=known), *own)
    assert f"{api}: {failures} not seen again (" in gone.out, gone.out
    assert gone.code == 0


@pytest.mark.parametrize(("fault", "only"), FAULTS)
def test_a_failure_is_seen_again_by_callers_whose_credentials_the_report_does_not_know(
    counterfoil, reported, fault, only
):
    api = fault.partition(".")[0]
    failures = sum(clause["failure"] is not None for clause in reported(fault, only)["clauses"])
    again = counterfoil("replay", "r.json", "--mock", "--fault", fault, *words(credentials(api)))
    assert f"{api}: {failures} seen again (" in again.out, again.out
    gone = counterfoil("replay", "r.json", "--mock", *words(credentials(api)))
    assert f"{api}: {failures} not seen again (" in gone.out, gone.out


def test_a_change_that_would_leave_a_shorter_key_as_it_is_is_not_tried(counterfoil, reported):
    reported("bedrock.key.beginning_will_do", "bedrock.key.truncated")
    done = counterfoil("replay", "r.json", "--mock", "--credential", "api_key=short")
    assert done.code == 3
    assert "cut to 18> is no other than the secret itself, for this caller" in done.out


def test_a_report_of_our_own_mock_is_replayed_there_unless_told_otherwise(counterfoil, reported):
    reported(FAULT, ID)
    done = counterfoil("replay", "r.json")
    assert done.code == 0 and "in this process, our own mock" in done.out
    assert f"  not seen again     {ID}\n" in done.out
    assert "RetCode is 171 instead of 0" in done.out
    assert re.search(r"then: HTTP 200 .*\n +now:  HTTP 200 .*Signature VerifyAC Error", done.out)


def test_secrets_come_from_the_environment_and_reach_no_output(
    counterfoil, served, reported, monkeypatch
):
    reported(FAULT, ID)
    known = {"genesis.private_key": SECRET}
    monkeypatch.setenv("COUNTERFOIL_GENESIS_PRIVATE_KEY", SECRET)
    done = counterfoil(
        "replay", "r.json", "--url", served("genesis", faults=[FAULT], credentials=known)
    )
    assert done.code == 1 and f"  seen again         {ID}\n" in done.out
    monkeypatch.setenv("COUNTERFOIL_GENESIS_PRIVATE_KEY", "not-the-key")
    refused = counterfoil("replay", "r.json", "--url", served("genesis", credentials=known))
    assert refused.code == 3 and "turned our first request down" in refused.out
    assert SECRET not in done.out + done.err + refused.out + refused.err


def test_several_apis_in_one_report_are_replayed_below_one_url(counterfoil, served, tmp_path):
    faults = ["genesis.signature.truncated_accepted", "chatbot.shape.data_missing"]
    counterfoil("check", "all", "--mock", "--profile", "quick", "--report", "r.json",
                "--only", ID, "--only", "chatbot.envelope.*",
                *(word for fault in faults for word in ("--fault", fault)))  # fmt: skip
    url = served("genesis", "chatbot", faults=faults)
    done = counterfoil("replay", "r.json", "--url", url)
    assert done.code == 1
    assert f"at {url}/genesis" in done.out and f"at {url}/chatbot" in done.out


def test_only_the_failures_that_are_asked_for_are_replayed(counterfoil, reported):
    fault = "genesis.signature.any_accepted"
    reported(fault, "genesis.signature.*")
    done = counterfoil("replay", "r.json", "--only", "*.upper_case")
    assert "genesis: 1 not seen again" in done.out
    idle = counterfoil("replay", "r.json", "--only", "genesis.id.*")
    assert idle.code == 2 and "no failure 'genesis.id.*'; there is genesis.signature." in idle.err


def test_a_report_without_a_failure_is_nothing_to_replay(counterfoil):
    counterfoil("check", "genesis", "--mock", "--only", ID, "--report", "r.json")
    done = counterfoil("replay", "r.json")
    assert done.code == 3 and "not replayed: the report holds no failure" in done.out


def test_an_unreachable_target_and_a_spent_budget_leave_failures_untried(counterfoil, reported):
    reported(FAULT, ID)
    gone = counterfoil("replay", "r.json", "--url", "http://127.0.0.1:9")
    assert gone.code == 3 and "nobody answers at" in gone.out and "1 not tried" in gone.out
    spent = counterfoil("replay", "r.json", "--max-calls", 2)
    assert spent.code == 3 and "the budget of 2 calls is spent" in spent.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "r.json: No such file or directory"),
        ("", "r.json is no report: it is not JSON in UTF-8"),
        ("[" * 100_000, "r.json is no report: it is not JSON in UTF-8"),
        ("[]", "r.json is no report, as `counterfoil check --report FILE.json` makes one"),
        ('{"a": 1}', "r.json is no report, as"),
        (
            '{"clauses": []}',
            "r.json: its format is 'none', and this is read: 'counterfoil report 1'",
        ),
        (
            '{"clauses": [], "format": "counterfoil report 2"}',
            "its format is 'counterfoil report 2'",
        ),
        ('{"clauses": {}, "format": "counterfoil report 1"}', "report.clauses should be a list"),
    ],
)
def test_what_is_no_report_of_ours_is_said_in_a_line(counterfoil, tmp_path, text, said):
    if text is not None:
        (tmp_path / "r.json").write_text(text, "utf-8")
    done = counterfoil("replay", "r.json")
    assert (done.code, done.out) == (2, "")
    assert said in done.err and done.err.count("\n") == 1


def test_a_url_and_the_mock_cannot_both_be_called(counterfoil, reported):
    reported(FAULT, ID)
    both = counterfoil("replay", "r.json", "--mock", "--url", "http://127.0.0.1:1")
    assert both.code == 2 and "either --url URL or --mock" in both.err
    fault = counterfoil("replay", "r.json", "--fault", FAULT, "--url", "http://127.0.0.1:1")
    assert fault.code == 2 and "--fault goes with --mock" in fault.err


def test_no_other_machine_is_called_because_a_report_says_so(counterfoil, reported, served):
    reported(FAULT, ID)
    rewritten(lambda report: report.update(target="https://elsewhere.test"))
    done = counterfoil("replay", "r.json")
    assert (done.code, done.out) == (2, "")
    assert "to send your credentials there, say --url https://elsewhere.test" in done.err
    url = served("genesis")
    rewritten(lambda report: report.update(target=url))
    here = counterfoil("replay", "r.json")
    assert here.code == 0 and here.err == f"calling {url}, which the report was made at\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one.update(body=[{"credential": "private_key"}]), "it would send a secret"),
        (lambda one: one.update(target=["/", {"credential": "private_key"}]), "it would send a"),
        (lambda one: one["headers"].append(["X-A", [{"credential": "private_key"}]]), "send a sec"),
        (lambda one: one.update(body=[{"credential": "x"}]), "genesis has no credential 'x'"),
        (lambda one: one.update(body=[{"made": "coffee", "parts": []}]), "no way to make 'coffee'"),
        (lambda one: one.update(body=[{"made": "signature", "parts": []}]), "no way to make"),
        (lambda one: one.update(body=[{"hidden": "$(reboot)"}]), "cannot be made anew"),
        (lambda one: one.update(target=["a b"]), "visible ASCII"),
        (lambda one: one.update(headers=[["A B", ["c"]]]), "HTTP has no way to send the header"),
        (lambda one: one.update(headers=[["A", ["c\r\nHost: x"]]]), "HTTP has no way to send"),
        (lambda one: one.update(pause_s=1e8), "seen again"),
        (lambda one: one.update(body=["\ud800"]), "half a surrogate pair"),
        (lambda one: one.update(body=[{"credential": "app_id", "then": [["twice"]] * 8}]), "step"),
        (lambda one: one.update(body=[{"credential": "app_id", "then": [["sh"]]}]), "no change"),
        (lambda one: one.update(body=[{"answer": 0, "at": ["a", 1]}]), "has nothing at 'a.1'"),
    ],
)
def test_a_hostile_step_is_not_taken(counterfoil, reported, change, said):
    reported(FAULT, ID)
    rewritten(lambda report: change(step(report)))
    done = counterfoil("replay", "r.json", "--mock", "--credential", f"private_key={SECRET}")
    assert said in done.out and done.err == "" and "Traceback" not in done.out
    assert SECRET not in done.out


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.pop("method"),
        lambda one: one.update(method="GET / HTTP/1.1\r\nHost: x"),
        lambda one: one.update(operation=7),
        lambda one: one.update(target=7),
        lambda one: one.update(target=[7]),
        lambda one: one.update(target=[{}]),
        lambda one: one.update(target=[{"credential": "app_id", "made": "signature"}]),
        lambda one: one.update(headers=[["a"]]),
        lambda one: one.update(headers=[["\x1b[2J", ["a"]]]),
        lambda one: one.update(body=[{"answer": 99, "at": []}]),
        lambda one: one.update(body=[{"answer": -1, "at": []}]),
        lambda one: one.update(body=[{"answer": True, "at": []}]),
        lambda one: one.update(body=[{"credential": "app_id", "then": [["cut", 1.5]]}]),
        lambda one: one.update(body=[{"credential": "app_id", "then": [["twice"]] * 40}]),
        lambda one: one.update(body=[{"credential": "app_id", "was": 1}]),
        lambda one: one.update(pause_s=float("nan")),
        lambda one: one.update(pause_s=-1),
        lambda one: one.update(pause_s="1"),
    ],
)
def test_a_broken_step_is_said_with_its_place_and_nothing_is_called(
    counterfoil, reported, served, change
):
    reported(FAULT, ID)
    rewritten(lambda report: change(step(report)))
    done = counterfoil("replay", "r.json", "--url", "http://127.0.0.1:9")
    assert (done.code, done.out) == (2, "")
    assert re.match(
        r"counterfoil: r\.json: report\.clauses\[\d+\]\.failure\.replay\[\d+\]", done.err
    )
    assert done.err.count("\n") == 1 and done.err.strip().isprintable()


def test_pieces_within_pieces_come_to_an_end(counterfoil, reported):
    reported(FAULT, ID)

    def nested(report: dict) -> None:
        piece: object = "x"
        for _ in range(200):
            piece = {"made": "signature", "parts": [[piece]]}
        step(report)["body"] = [piece]

    rewritten(nested)
    done = counterfoil("replay", "r.json")
    assert done.code == 2 and "pieces of pieces" in done.err and done.err.count("\n") == 1


def test_nothing_of_a_report_is_run_or_opened(counterfoil, reported, tmp_path):
    reported(FAULT, ID)
    trap = tmp_path / "trap"

    def set_trap(report: dict) -> None:
        for clause in report["clauses"]:
            clause["failure"]["curl"] = clause["failure"]["rerun"] = f"touch {trap}"
        step(report)["body"] = [f"@{trap}$(touch {trap})`touch {trap}`"]

    rewritten(set_trap)
    assert counterfoil("replay", "r.json", "--mock").code == 0
    assert not trap.exists()
    assert os.listdir(tmp_path) == ["r.json"]


def test_what_a_report_says_cannot_steer_a_terminal(counterfoil, reported):
    reported(FAULT, ID)

    def steer(report: dict) -> None:
        failure = next(one["failure"] for one in report["clauses"] if one["failure"])
        failure["message"] = "\x1b]0;owned\x07\n  seen again  \u202e"
        failure["exchange"]["response"]["body"] = "\x1b[2J"

    rewritten(steer)
    done = counterfoil("replay", "r.json")
    assert all(line.isprintable() for line in done.out.splitlines())
    assert done.out.count("\n  seen again") == 0


def test_a_server_that_repeats_a_secret_does_not_bring_it_into_the_output(
    counterfoil, served, reported, monkeypatch
):
    fault = "genesis.robustness.key_in_msg"
    monkeypatch.setenv("COUNTERFOIL_GENESIS_PRIVATE_KEY", SECRET)
    reported(fault, "genesis.*secret*")
    known = {"genesis.private_key": SECRET}
    done = counterfoil(
        "replay", "r.json", "--url", served("genesis", faults=[fault], credentials=known)
    )
    assert done.code == 1 and "$COUNTERFOIL_GENESIS_PRIVATE_KEY" in done.out
    assert SECRET not in done.out + done.err

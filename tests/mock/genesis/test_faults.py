from __future__ import annotations

import pytest

from mockserver.faults import faults_of

from . import fault_scripts, robustness_scripts
from .caller import OTHER_PRIVATE, PRIVATE, WAYS, Build, chat, signed

FAULTS = faults_of("genesis")
SCRIPTS = fault_scripts.SCRIPTS | robustness_scripts.SCRIPTS
GROUPS = {
    "signature", "shape", "status", "identity", "state", "lists", "action", "robustness", "routes"
}  # fmt: skip
FAILS_AT_TIMES = {
    f"genesis.status.{rule}" for rule in ("times_out", "gateway_fails", "unavailable")
}


@pytest.fixture(scope="module")
def honest(build: Build) -> dict[str, object]:
    return {rule: script.ask(build()) for rule, script in SCRIPTS.items()}


@pytest.mark.parametrize("id", FAULTS)
def test_every_fault_shows(build: Build, honest: dict[str, object], id: str) -> None:
    rule = id.removeprefix("genesis.")
    assert rule in SCRIPTS, "no script shows this fault"
    script = SCRIPTS[rule]
    assert script.honest != script.faulty
    assert honest[rule] == script.honest
    assert script.ask(build(faults=[id])) == script.faulty


def test_every_script_shows_a_fault() -> None:
    assert {f"genesis.{rule}" for rule in SCRIPTS} == set(FAULTS)


def test_ids_sentences_and_names_are_unique_and_well_formed() -> None:
    faults = [change.fault for change in FAULTS.values()]
    sentences = [fault.sentence for fault in faults if fault]
    assert len(set(sentences)) == len(FAULTS)
    assert len({change.__name__ for change in FAULTS.values()}) == len(FAULTS)
    for id, change in FAULTS.items():
        fault = change.fault
        assert fault is not None
        api, _, rule = id.split(".")
        assert api == "genesis"
        assert rule.isidentifier()
        assert fault.group in GROUPS
        assert fault.sentence.endswith(".")
        assert "\n" not in fault.sentence


@pytest.mark.parametrize("id", sorted(set(FAULTS) - FAILS_AT_TIMES))
def test_a_faulty_server_still_lets_an_honest_caller_in(build: Build, id: str) -> None:
    mock = build(faults=[id])
    seen = [way(mock, signed(chat("Hello"))) for way in WAYS.values()]
    assert any("世界" in one.body.decode() or "Fine" in one.body.decode() for one in seen)
    assert all(one.status == 200 for one in seen)


def test_two_faults_of_one_family_break_both(build: Build) -> None:
    rules = ["signature.upper_case_accepted", "signature.empty_accepted", "shape.id_text",
             "shape.time_text", "lists.missing_role_accepted", "lists.missing_app_id_accepted",
             "signature.content_not_covered", "signature.names_not_covered"]  # fmt: skip
    mock = build(faults=[f"genesis.{rule}" for rule in rules])
    for rule in rules:
        assert SCRIPTS[rule].ask(mock) == SCRIPTS[rule].faulty, rule


def test_no_fault_writes_a_private_key_down(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    kept = []
    for rule, script in SCRIPTS.items():
        mock = build(faults=[f"genesis.{rule}"])
        script.ask(mock)
        kept.append(repr(mock.journal.as_json()))
    text = "".join(kept) + caplog.text
    assert PRIVATE not in text
    assert OTHER_PRIVATE not in text

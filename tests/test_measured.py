"""What an audit measured is what the servers and suites of today are like."""

import pytest

import contracts
from contracts.drawing import Drawn
from contracts.model import Verdict
from counterfoil import wiring
from counterfoil.audit import judge_mock
from counterfoil.audit.jobs import ALARMS
from counterfoil.audit.jobs import CAUGHT as CATCHES
from counterfoil.audit.wire import FRAMINGS
from mockserver.faults import faults_of
from mockserver.variants import variants_of

APIS = contracts.names()
MEASURED = wiring.measured()
CAUGHT = MEASURED["faults"]
FAULTS = [(api, id) for api in APIS for id in faults_of(api)]
VARIANTS = [(api, id) for api in APIS for id in variants_of(api)]
SOME = VARIANTS[::6]
"""The audit has judged them all; these are judged with whatever was changed since."""

DRAWN = Drawn()


def test_all_that_there_is_was_audited_and_nothing_else():
    promised = {clause.id for api in APIS for clause in contracts.load(api).clauses}
    assert {id for _, id in FAULTS} == set(CAUGHT)
    framed = {f"{api}.{framing}" for api in APIS for framing in FRAMINGS}
    assert {*APIS, *(id for _, id in VARIANTS), *framed} == set(MEASURED["honest"])
    assert {id for row in CAUGHT.values() for id in row["caught_by"]} == promised
    for calls in MEASURED["calls"].values():
        assert set(calls) == promised


def test_there_are_as_many_as_we_say():
    assert len(FAULTS) >= 140
    assert len(VARIANTS) >= 40


def test_every_fault_was_caught_on_every_seed_and_no_honest_server_was_accused():
    assert MEASURED["seeds"] >= 5
    assert {id: row["missed"] for id, row in CAUGHT.items() if row["missed"]} == {}
    assert {id: alarms for id, alarms in MEASURED["honest"].items() if alarms} == {}


@pytest.mark.parametrize(("api", "fault"), FAULTS, ids=[id for _, id in FAULTS])
def test_a_fault_is_caught_as_it_was_measured(api, fault):
    known = CAUGHT[fault]["caught_by"]
    # What happens at times only may show to a few clauses once, and to the whole suite for sure.
    assert caught(api, fault, known) or caught(api, fault, None)


def caught(api, fault, only):
    outcome = judge_mock(api, fault, "standard", 0, only=only, first=True)
    return any(finding.verdict in CATCHES for finding in outcome.findings)


@pytest.mark.parametrize(("api", "variant"), SOME, ids=[id for _, id in SOME])
def test_an_honest_variant_is_not_accused(api, variant):
    outcome = judge_mock(api, None, "quick", 0, variant=variant, drawn=DRAWN)
    assert outcome.trouble == ""
    assert [
        f"{finding.clause.id}: {finding.reason}"
        for finding in outcome.findings
        if finding.verdict in ALARMS or finding.reason.startswith("seen once")
    ] == []


@pytest.mark.parametrize("profile", ["quick", "standard"])
@pytest.mark.parametrize("api", APIS)
def test_clauses_are_kept_and_cost_what_we_say_they_do(api, profile):
    outcome = judge_mock(api, None, profile, 0)
    assert outcome.trouble == "" and outcome.verdict is Verdict.KEPT
    assert {f.clause.id: f.reason for f in outcome.findings if f.verdict is not Verdict.KEPT} == {}
    calls = {finding.clause.id: finding.calls for finding in outcome.findings}
    assert calls == {id: MEASURED["calls"][profile][id] for id in calls}

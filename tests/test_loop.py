import gc

import pytest

import contracts
from contracts.drawing import Drawn
from contracts.model import Verdict
from contracts.runner import PROFILES, Plan, run
from contracts.target import Target
from counterfoil import wiring
from counterfoil.audit import judge_mock
from mockserver.clock import VirtualClock
from mockserver.model import Settings
from mockserver.server import Server

APIS = contracts.names()

# They read conversations by drawn ids alone, which nobody has made: by themselves they end with 3.
ONLY_WITH_OTHERS = {
    f"bedrock.schema.{rule}"
    for rule in ("status", "content_type", "body", "observed_body", "no_server_error")
}


def must_be_kept(outcome):
    assert outcome.trouble == ""
    found = {
        finding.clause.id: f"{finding.verdict}: {finding.reason}"
        for finding in outcome.findings
        if finding.verdict is not Verdict.KEPT
    }
    assert found == {}
    assert outcome.verdict is Verdict.KEPT


# By seed 0 they keep them in tests/test_measured.py, where it is counted what that costs.
@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("api", APIS)
def test_every_mock_keeps_every_clause_in_process_by_the_standard_profile(api, seed):
    must_be_kept(judge_mock(api, None, "standard", seed))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("api", APIS)
def test_every_mock_keeps_every_clause_in_process_and_over_a_socket(api, seed):
    drawn = Drawn()
    must_be_kept(judge_mock(api, None, "quick", seed, drawn=drawn))
    known = wiring.all_credentials(api)
    settings = Settings(reply_after=0.02)
    made = wiring.mocks([api], seed=seed, settings=settings, credentials=known)
    contract = contracts.load(api)
    with Server(made.app.wsgi_app) as server:
        target = Target(server.url)
        plan = Plan(contract.clauses, PROFILES["quick"], seed, drawn=drawn)
        *_, outcome = run(contract, target, known, plan)
        target.close()
    must_be_kept(outcome)


@pytest.mark.parametrize("api", APIS)
def test_every_clause_is_kept_alone(api):
    """As `check --only ID` judges it."""
    for clause in contracts.load(api).clauses:
        outcome = judge_mock(api, None, "quick", 3, only=[clause.id])
        if clause.id in ONLY_WITH_OTHERS:
            assert outcome.trouble.startswith("these operations never accepted a request:")
            outcome.trouble = ""
        must_be_kept(outcome)


@pytest.mark.parametrize(
    ("fault", "clause", "operation"),
    [
        ("genesis.signature.post_refused", "genesis.retcode.signature_wrong", "run_mv_chat_post"),
        ("genesis.signature.post_refused", "genesis.signature.keyless", "run_mv_chat_post"),
    ],
)
def test_a_clause_about_refusals_is_not_kept_alone_where_nothing_is_accepted(
    fault, clause, operation
):
    outcome = judge_mock("genesis", fault, "quick", 3, only=[clause])
    assert outcome.trouble.startswith("these operations never accepted a request:")
    assert operation in outcome.trouble
    assert outcome.verdict is not Verdict.KEPT


@pytest.mark.parametrize("api", APIS)
def test_the_same_seed_gives_the_same_findings_with_the_same_calls(api):
    first, second = (judge_mock(api, None, "quick", 7) for _ in range(2))
    assert first.calls == second.calls
    assert [(f.clause.id, f.verdict, f.calls) for f in first.findings] == [
        (f.clause.id, f.verdict, f.calls) for f in second.findings
    ]


@pytest.mark.parametrize("api", APIS)
def test_the_mocks_are_deterministic_byte_for_byte(api):
    def recorded():
        clock = VirtualClock()
        made = wiring.mocks([api], clock=clock, seed=5)
        contract = contracts.load(api)
        target = Target("http://127.0.0.1", app=made.app.wsgi_app, clock=clock)
        plan = Plan(contract.clauses[:6], PROFILES["quick"], 5)
        *_, _outcome = run(contract, target, wiring.default_credentials(api), plan)
        entries = [(e.path, e.body, e.status, e.answer) for e in made.journal.entries()]
        assert len(entries) > 5
        return entries

    assert recorded() == recorded()


@pytest.mark.parametrize("api", APIS)
def test_nothing_of_a_run_is_kept_when_it_is_over(api):
    contract = contracts.load(api)
    machines = [clause.id for clause in contract.clauses if clause.machine]

    def drivers():
        gc.collect()
        return sum(isinstance(held, contract.driver) for held in gc.get_objects())

    before = drivers()
    outcome = judge_mock(api, None, "quick", 0, only=machines)
    assert outcome.verdict is Verdict.KEPT and outcome.calls > 10
    assert drivers() == before

from collections import Counter
from pathlib import Path

import pytest
import yaml

import contracts
from contracts.model import Verdict
from contracts.runner import PROFILES, Plan, run
from contracts.target import Target
from counterfoil import wiring
from mockserver.clock import VirtualClock
from mockserver.faults import faults_of

# Which fault each clause is proved by: one that breaks it, of those that `make audit` found.
BITES = yaml.safe_load((Path(__file__).parent / "bites.yaml").read_text("utf-8"))
CLAUSES = {
    clause.id: (api, clause) for api in contracts.names() for clause in contracts.load(api).clauses
}


def test_every_clause_has_a_fault_that_it_is_proved_by():
    assert sorted(BITES) == sorted(CLAUSES)


def test_no_fault_proves_every_clause():
    # A server that is broken in everything would prove nothing about each.
    most = Counter(BITES.values()).most_common(1)[0][1]
    assert most <= len(CLAUSES) / 10


@pytest.mark.parametrize("id", sorted(CLAUSES))
def test_a_clause_catches_a_server_that_breaks_it(id):
    api, clause = CLAUSES[id]
    fault = BITES[id]
    assert fault in faults_of(api)
    clock = VirtualClock()
    known = wiring.all_credentials(api)
    made = wiring.mocks([api], clock=clock, faults=[fault], credentials=known)
    target = Target("http://127.0.0.1:8600", app=made.app.wsgi_app, clock=clock)
    plan = Plan((clause,), PROFILES["standard"], 0)
    *_, outcome = run(contracts.load(api), target, known, plan)
    (finding,) = outcome.findings
    assert finding.verdict in (Verdict.BROKEN, Verdict.DEVIATION), (finding, outcome.trouble)
    assert finding.failure.message
    assert finding.failure.exchanges

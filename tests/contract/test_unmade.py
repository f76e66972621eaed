"""A request that names what the target never made is not held against it."""

import pytest

import contracts
from contracts.model import NotReached, Verdict
from counterfoil.audit import judge_mock


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("api", contracts.names())
def test_an_honest_server_that_made_nothing_is_not_accused(api, seed, monkeypatch):
    def quota(driver, operation):
        raise NotReached("over the quota")

    monkeypatch.setattr(contracts.load(api).driver, "existing", quota)
    ids = [clause.id for clause in contracts.load(api).clauses if ".schema." in clause.id]
    outcome = judge_mock(api, None, "quick", seed, only=ids)
    found = {finding.clause.id: finding.reason for finding in outcome.findings
             if finding.verdict in (Verdict.BROKEN, Verdict.ERROR)}  # fmt: skip
    assert found == {}

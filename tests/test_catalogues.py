"""The catalogues of faulty and of honest servers: their size, and that no honest one is accused."""

import pytest

import contracts
from counterfoil.audit import judge_mock
from counterfoil.audit.jobs import ALARMS
from mockserver.faults import faults_of
from mockserver.variants import variants_of

APIS = contracts.names()
VARIANTS = [(api, id) for api in APIS for id in variants_of(api)]
SOME = VARIANTS[::8]
"""Each takes a second: the audit judges them all."""


def test_there_are_as_many_as_we_say():
    assert sum(len(faults_of(api)) for api in APIS) >= 140
    assert len(VARIANTS) >= 40


@pytest.mark.parametrize(("api", "variant"), SOME, ids=[id for _, id in SOME])
def test_an_honest_variant_is_not_accused(api, variant):
    outcome = judge_mock(api, None, "quick", 0, variant=variant)
    assert outcome.trouble == ""
    assert [
        f"{finding.clause.id}: {finding.reason}"
        for finding in outcome.findings
        if finding.verdict in ALARMS or finding.reason.startswith("seen once")
    ] == []

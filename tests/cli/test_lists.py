import json

import pytest

import contracts
from mockserver.faults import faults_of, names


def test_apis_lists_every_operation(counterfoil):
    done = counterfoil("apis")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines() if line[0] != " "] == names()
    assert "run_mv_chat_post" in done.out


@pytest.mark.parametrize("api", names())
def test_clauses_says_the_sentence_source_and_basis_of_every_promise(counterfoil, api):
    rows = json.loads(counterfoil("clauses", api, "--format", "json").out)
    assert [row["id"] for row in rows] == [clause.id for clause in contracts.load(api).clauses]
    for row in rows:
        assert row["id"].startswith(f"{api}.")
        assert row["sentence"].endswith(".") and row["source"]
        assert row["basis"] in ("documented", "implied", "observed")
    assert counterfoil("clauses", api).out.startswith(f"{api}: {len(rows)} clauses")


@pytest.mark.parametrize("api", names())
def test_faults_says_the_sentence_and_group_of_every_fault(counterfoil, api):
    rows = json.loads(counterfoil("faults", api, "--format", "json").out)
    assert [row["id"] for row in rows] == list(faults_of(api))
    assert all(row["id"].startswith(f"{api}.") and row["sentence"].endswith(".") for row in rows)


@pytest.mark.parametrize("command", ["clauses", "faults"])
def test_an_unknown_api_is_one_clear_line(counterfoil, command):
    done = counterfoil(command, "genesiss")
    assert (done.code, done.err) == (
        2,
        "counterfoil: unknown API 'genesiss'; did you mean genesis?\n",
    )

import json

import pytest

import contracts
from mockserver.faults import faults_of, names
from mockserver.variants import variants_of


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


@pytest.mark.parametrize("api", names())
def test_variants_says_the_sentence_and_settings_of_every_variant(counterfoil, api):
    rows = json.loads(counterfoil("variants", api, "--format", "json").out)
    assert [row["id"] for row in rows] == list(variants_of(api))
    for row in rows:
        change = variants_of(api)[row["id"]]
        assert (row["sentence"], row["settings"]) == (change.__doc__, change.variant.settings)


def test_variants_of_all_apis_are_listed_in_two_lines_each(counterfoil):
    done = counterfoil("variants")
    known = [change.variant for name in names() for change in variants_of(name).values()]
    assert done.code == 0
    assert done.out == "".join(f"{one.id}\n  {one.sentence}\n" for one in known)


@pytest.mark.parametrize("command", ["clauses", "faults", "variants"])
def test_an_unknown_api_is_one_clear_line(counterfoil, command):
    done = counterfoil(command, "genesiss")
    assert (done.code, done.err) == (
        2,
        "counterfoil: unknown API 'genesiss'; did you mean genesis?\n",
    )


def test_a_mistake_of_ours_is_no_broken_promise(counterfoil, monkeypatch):
    monkeypatch.setattr("counterfoil.cli.Commands.get_command", lambda *_: 1 / 0)
    done = counterfoil("apis")
    assert done.code == 3 and "ZeroDivisionError" in done.err and "a mistake of ours" in done.err

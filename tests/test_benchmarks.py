import sys

import pytest

from benchmarks import against_schemathesis as bench
from benchmarks.comparison import Calm, Comparison, Honest, Row, Search, page, row_line, totals
from contracts.model import Response
from counterfoil import wiring
from mockserver.faults import faults_of, names

GROUPS = {
    f"x.{group}.{n}": group for group, size in (("a", 1), ("b", 4), ("c", 2)) for n in range(size)
}
APIS = names()


def real_groups(api):
    return {id: change.fault.group for id, change in faults_of(api).items()}


def test_the_sample_is_the_same_for_ever():
    assert bench.sample("x", GROUPS, 5) == ["x.b.0", "x.c.0", "x.a.0", "x.b.2", "x.c.1"]


def test_the_sample_does_not_depend_on_the_order_of_the_faults():
    backwards = dict(reversed(GROUPS.items()))
    assert bench.sample("x", backwards, 7) == bench.sample("x", GROUPS, 7)


def test_a_larger_sample_goes_on_where_the_smaller_one_ended():
    everything = bench.sample("x", GROUPS, 99)
    assert sorted(everything) == sorted(GROUPS)
    for most in range(8):
        assert bench.sample("x", GROUPS, most) == everything[:most]


def test_a_new_fault_leaves_the_order_of_its_group_and_the_turns_of_the_others():
    more = {**GROUPS, "x.b.new": "b"}
    sampled = bench.sample("x", more, 99)
    assert [id for id in sampled if id != "x.b.new" and more[id] == "b"] == [
        id for id in bench.sample("x", GROUPS, 99) if GROUPS[id] == "b"
    ]
    assert [more[id] for id in sampled[:3]] == ["b", "c", "a"]


@pytest.mark.parametrize("api", APIS)
def test_the_sample_covers_every_group_of_an_api_when_it_is_large_enough(api):
    groups = real_groups(api)
    every = set(groups.values())
    assert {groups[id] for id in bench.sample(api, groups, len(every))} == every
    assert len({groups[id] for id in bench.sample(api, groups, 6)}) == min(6, len(every))


@pytest.mark.parametrize("api", APIS)
def test_schemathesis_is_given_credentials_that_the_mock_knows(api, tmp_path):
    command = bench.plain_schemathesis(api, "http://127.0.0.1:1", tmp_path)
    assert command[-3:] == ["--seed", "1", "--continue-on-failure"]
    written = (tmp_path / "schemathesis.toml").read_text("utf-8")
    known = wiring.all_credentials(api)
    assert "{" not in written and any(f'"{value}"' in written for value in known.values())


COMPARISON = Comparison(
    honest=[
        Honest("x", Calm(("ST401 auth GET /",), 90, 30, 4.0, ("read",)), Calm((), 80, 70, 2.0)),
        Honest("y", Calm((), 9, 3, 150.0, cut=True), Calm((), 8, 7, 0.5)),
    ],
    rows=[
        Row("x", "a", "x.a.0", Search("", 90, 4.04), Search("x.clause.one", 12, 0.5)),
        Row("y", "b", "y.b.0", Search("ST101 crashed GET /", 5, 1.0), Search("", 70, 40.0, True)),
        Row("y", "b", "y.b.1", Search("", 90, 4.0), Search("y.clause.two", 1, 0.1)),
    ],
    setting="Measured somewhere.",
)  # fmt: skip


def test_the_last_line_counts_what_was_found_and_the_false_alarms():
    assert totals(COMPARISON) == (
        "found by Schemathesis 1 of 3 with 1 false alarms on 2 honest servers; by us 2 of 3 with 0"
    )


def test_the_page_has_a_row_for_each_fault_and_two_for_each_honest_server():
    lines = page(COMPARISON).splitlines()
    assert "| x | a | `x.a.0` | missed | 90 | 4.0 | `x.clause.one` | 12 | 0.5 |" in lines
    assert (
        "| y | b | `y.b.0` | `ST101 crashed GET /` | 5 | 1.0 | missed (time) | 70 | 40.0 |" in lines
    )
    assert "| x | Schemathesis | 1 | 90 | 30 | 4.0 | `read` |" in lines
    assert "| y | Schemathesis | 0 | 9 | 3 | 150.0 (cut) |  |" in lines
    assert "| x | Counterfoil | 0 | 80 | 70 | 2.0 |  |" in lines
    assert "- x, Schemathesis: `ST401 auth GET /`" in lines
    assert "Measured somewhere." in page(COMPARISON)
    assert "Found by Schemathesis 1 of 3" in page(COMPARISON)


def test_every_row_of_a_table_has_as_many_cells_as_its_head():
    counts = [line.count("|") for line in page(COMPARISON).splitlines() if line.startswith("|")]
    assert counts == [10] * 5 + [8] * 6


def test_columns_of_the_terminal_stand_below_each_other():
    lines = [row_line(row) for row in COMPARISON.rows]
    assert len({len(line) for line in lines}) == 1
    assert "missed (time)" in lines[1]


def telling(script):
    """A judge that runs this script; `say` tells a complaint."""
    begin = (
        "import json, os, sys, time\n"
        "told = os.fdopen(int(os.environ['BENCHMARK_TELL']), 'w', buffering=1)\n"
        "def say(*what, finds=True): print(json.dumps({'what': what, 'finds': finds}), file=told)\n"
    )
    return bench.Judge(lambda api, url, folder: [sys.executable, "-c", begin + script, url])


def test_what_the_honest_server_was_accused_of_too_is_no_finding():
    judge = telling("say('old'); say('ours', finds=False); say('new', 'GET /'); time.sleep(60)")
    found = bench.searched("chatbot", "chatbot.robustness.nul_fails", judge, {("old",)})
    assert found.found == "new GET /" and found.seconds < 30 and not found.cut


def test_a_search_without_a_finding_is_missed_and_its_calls_are_counted():
    judge = telling("import urllib.error, urllib.request\n"
                    "try: urllib.request.urlopen(sys.argv[1])\n"
                    "except urllib.error.HTTPError: say('old')")  # fmt: skip
    found = bench.searched("chatbot", "chatbot.robustness.nul_fails", judge, {("old",)})
    assert (found.found, found.calls, found.cut) == ("", 1, False)


def test_a_search_that_takes_too_long_is_cut(monkeypatch):
    monkeypatch.setattr(bench, "LIMIT", 0.5)
    found = bench.searched("chatbot", "chatbot.robustness.nul_fails", telling("time.sleep(60)"), ())
    assert (found.found, found.cut) == ("", True) and 0.5 <= found.seconds < 30


def test_a_judge_that_fails_is_not_taken_for_one_that_finds_nothing():
    judge = telling("sys.exit(2)")
    with pytest.raises(RuntimeError):
        bench.searched("chatbot", "chatbot.robustness.nul_fails", judge, ())


def test_a_judge_that_was_never_let_in_ends_the_benchmark(monkeypatch):
    monkeypatch.setattr(bench, "JUDGES", (telling(""),))
    with pytest.raises(RuntimeError, match="accepted"):
        bench.complaints_of_honest("chatbot")


def test_operations_that_were_reached_are_told_from_those_that_never_were():
    import contracts

    listed = Response(200, (("Content-Type", "application/json"),), b'{"rows": []}')
    refused = Response(404, (), b"")
    answers = [
        ("GET", "/api/v1/tenants/t/chats", listed),
        ("GET", "/api/v1/tenants/t/chats/c", refused),
    ]
    accepted, never = bench.reached(contracts.load("mtmai"), answers)
    assert accepted == 1 and "chat_list" not in never and "chat_get" in never

"""What an audit has against the suites, and what it writes of them."""

import json
from dataclasses import replace

import pytest

import contracts
from contracts.drawing import Drawn
from contracts.model import Verdict
from counterfoil.audit import Honest, Matrix, Row, jobs, judgement, tables
from counterfoil.audit.wire import FRAMINGS, Wire
from mockserver.clock import VirtualClock

FOREIGN = ("genesis.session.kept", "genesis.list.one", "genesis.list.two", "genesis.list.three")


def row(**fields):
    given = {
        "api": "genesis", "fault": "genesis.shape.id_missing", "group": "shape",
        "caught": ("genesis.response.fields",), "calls": 7, "seconds": 0.25, "missed": (),
        "errors": (),
    }  # fmt: skip
    return Row(**{**given, **fields})


def honest(*alarms, variant="genesis.counted_ids"):
    return Honest("genesis", variant, 3, "quick", alarms, {"genesis.response.fields": 2})


def matrix(*rows, servers=()):
    return Matrix(("genesis",), 5, list(rows), list(servers), 1.0)


def test_nothing_is_wrong_with_a_suite_that_catches_all_and_accuses_nobody():
    assert judgement.problems(matrix(row(), servers=[honest()]), whole=False) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (matrix(row(missed=(4,))), "missed: genesis.shape.id_missing on seed 4"),
        (matrix(row(missed=(1, 4))), "missed: genesis.shape.id_missing on seeds 1, 4"),
        (matrix(row(errors=("genesis.post.x",))), "our mistake: genesis.shape.id_missing in "
                                                  "genesis.post.x"),
        (matrix(row(), servers=[honest("genesis.post.x broken: because")]),
         "false alarm: genesis.counted_ids, seed 3: genesis.post.x broken: because"),
        (matrix(row(), servers=[honest("nobody answers", variant="")]),
         "false alarm: genesis, as it is served, seed 3: nobody answers"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line(found, said):
    assert judgement.problems(found, whole=False) == [said]


def test_a_clause_that_catches_nothing_is_wrong_in_a_whole_audit():
    ids = [clause.id for clause in contracts.load("genesis").clauses]
    found = judgement.problems(matrix(row(caught=tuple(ids[1:]))), whole=True)
    assert f"catches nothing: {ids[0]}" in found
    assert not any(line.startswith("catches nothing") for line in found if ids[0] not in line)


def test_a_fault_may_break_a_few_clauses_on_other_subjects_and_no_more():
    def strangers(count):
        return row(caught=tuple(f"genesis.lists.{number}" for number in range(count)))

    assert judgement.problems(matrix(strangers(judgement.ALLOWANCE)), whole=False) == []
    (line,) = judgement.problems(matrix(strangers(judgement.ALLOWANCE + 1)), whole=False)
    assert line.startswith("collateral: genesis.shape.id_missing breaks 4 clauses on other")


def test_the_tables_tell_the_rate_and_the_alarms():
    found = matrix(row(missed=(4,)), row(fault="genesis.shape.b"), servers=[honest("x"), honest()])
    line = next(line for line in tables.by_api(found).splitlines() if line.startswith("| genesis"))
    assert line.endswith("| 2 | 90 % | 7 | 1 | 2 | 1 |")
    assert "Caught: 9 of 10 (2 faults, each on 5 seeds)." in tables.summary(found)
    assert "False alarms: 1 in 2 runs of 1 honest servers" in tables.summary(found)
    page = tables.matrix_page(found)
    assert "| `genesis.shape.b` | 7 | 0.25 | `genesis.response.fields` |" in page
    assert "- `genesis.counted_ids`: Counts sessions and messages, each from 1 on." in page


def test_what_was_measured_is_read_by_a_machine_too():
    read = json.loads(tables.as_json(matrix(row(), servers=[honest("x")])))
    assert read["faults"]["genesis.shape.id_missing"]["caught_by"] == ["genesis.response.fields"]
    assert read["honest"] == {"genesis.counted_ids": ["x"]}


def test_a_table_is_written_between_its_marks_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n", encoding="utf-8")
    tables.write_between(page, "| new |\n")
    assert page.read_text("utf-8") == (
        f"before\n{tables.BEGIN}\n\n| new |\n\n{tables.END}\nafter\n"
    )
    page.write_text("no marks\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no place for it"):
        tables.write_between(page, "| new |\n")
    assert page.read_text("utf-8") == "no marks\n"


def test_a_fault_that_no_clause_catches_is_missed_on_every_seed(monkeypatch):
    real = contracts.load("genesis")
    silent = tuple(clause for clause in real.clauses if clause.id.startswith("genesis.id."))
    monkeypatch.setattr(contracts, "load", lambda name: replace(real, clauses=silent))
    found = jobs._row("genesis", "genesis.signature.any_accepted", 2)
    assert silent and (found.missed, found.caught) == ((0, 1), ())


# On the wire.


def app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"ab", body]


def said_on_the_wire(framing, asked=b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\ncd"):
    wire = Wire(app, "http://127.0.0.1", VirtualClock(), framing)
    connection = wire.connect_tcp("127.0.0.1", 80)
    connection.write(asked)
    return b"".join(iter(lambda: connection.read(4096), b""))


@pytest.mark.parametrize(
    ("framing", "start", "end"),
    [
        ("over_http_1_0", b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"abcd"),
        ("until_it_closes", b"HTTP/1.1 200 OK\r\n", b"\r\nConnection: close\r\n\r\nabcd"),
        ("with_length", b"HTTP/1.1 200 OK\r\n", b"\r\nContent-Length: 4\r\n\r\nabcd"),
        ("in_chunks", b"HTTP/1.1 200 OK\r\n",
         b"\r\n\r\n2;name=value\r\nab\r\n2;name=value\r\ncd\r\n0\r\nServer-Timing: app\r\n\r\n"),
    ],
)  # fmt: skip
def test_an_answer_is_framed_as_it_is_said(framing, start, end):
    said = said_on_the_wire(framing)
    assert said.startswith(start) and said.endswith(end)
    assert (b"Content-Length" in said) is (framing == "with_length")


DRAWN = Drawn()
"""What the seeds draw, drawn once for all the ways to frame an answer."""


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("api", contracts.names())
def test_a_server_is_kept_however_it_frames_its_answers(api, framing):
    outcome = jobs.judge_mock(api, None, "quick", 0, variant=f"{api}.{framing}", drawn=DRAWN)
    assert outcome.trouble == "" and outcome.calls > 300
    assert {f.clause.id: f.reason for f in outcome.findings if f.verdict is not Verdict.KEPT} == {}

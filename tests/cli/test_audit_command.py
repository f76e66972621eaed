"""The command `audit`: its exit codes, and what it says."""

import pytest

from counterfoil.audit import Matrix, Row
from counterfoil.cli import audit as command

MISSED = Row("genesis", "genesis.shape.id_missing", "shape", ("genesis.response.id",), 7, 0.2,
             (0,), ())  # fmt: skip


def test_it_fails_where_a_fault_is_missed_and_says_which(counterfoil, monkeypatch):
    monkeypatch.setattr(command, "audit", lambda *given: Matrix(("genesis",), 5, [MISSED], [], 1.0))
    ended = counterfoil("audit", "genesis")
    assert ended.code == 1
    assert "missed: genesis.shape.id_missing on seed 0" in ended.out


def test_it_writes_what_it_measured(counterfoil, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- audit: begin -->\n<!-- audit: end -->\n", encoding="utf-8")
    ended = counterfoil("audit", "genesis", "--only", "genesis.shape.id_*", "--seeds", 2,
                        "--report", "m.json", "--report", "m.yaml", "--table", page)  # fmt: skip
    assert ended.code == 0
    assert "100 %" in ended.out and "100 %" in page.read_text("utf-8")
    assert "genesis.shape.id_missing" in (tmp_path / "m.json").read_text("utf-8")
    assert "genesis.response." in (tmp_path / "m.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nothing"], "nothing"),
        (["--only", "no.such"], "no fault is called 'no.such'"),
        (["--seeds", "0", "--only", "genesis.*"], "nothing to try but honest servers"),
        (["--seeds", "0", "--honest-seeds", "0"], "nothing to try but honest servers"),
        (["--report", "a.pdf"], "a matrix ends in one of .json, .md, .yaml"),
    ],
)
def test_wrong_usage_ends_with_2(counterfoil, given, said):
    ended = counterfoil("audit", *given)
    assert ended.code == 2
    assert said in ended.err

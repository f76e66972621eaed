"""A seed means the same requests in every process, whatever else is loaded there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import contracts
from contracts.drawing import Drawn
from contracts.trial import Trial
from counterfoil import audit

ROOT = Path(__file__).parents[2]

RUN = """
import hashlib, sys
sys.path[:0] = [{root!r}, {folder!r}]
import more_constants
from contracts.target import Target
from counterfoil import audit

send = Target.send
for api in {apis!r}:
    sent = hashlib.sha256()
    def noted(self, request):
        sent.update(repr((request.method, request.target, request.headers, request.body)).encode())
        return send(self, request)
    Target.send = noted
    audit.judge_mock(api, None, "quick", 0)
    print(api, sent.hexdigest())
"""


def test_another_process_sends_the_same_requests(tmp_path):
    ways, apis = [], contracts.names()
    # One after the other, each process in an order of its own: what came before is no matter.
    for nth, order in enumerate((apis, apis[::-1])):
        folder = tmp_path / f"way_{nth}"
        folder.mkdir()
        # Of one character each: most texts are drawn character by character.
        constants = [*map(chr, range(0x3400 + nth, 0x3600)), *range(nth + 999, 9000, 40)]
        (folder / "more_constants.py").write_text(f"THERE = {constants!r}\n")
        run = RUN.format(root=str(ROOT), folder=str(folder), apis=order)
        ways.append(
            subprocess.run(
                [sys.executable, "-c", run],
                env={**os.environ, "PYTHONHASHSEED": str(nth + 1)},
                cwd=tmp_path,
                check=True,
                capture_output=True,
                text=True,
            ).stdout.splitlines()
        )
    assert ways[0] == ways[1][::-1]
    assert [line.split()[0] for line in ways[0]] == apis
    assert {len(line.split()[1]) for line in ways[0]} == {64}


FAULTY = {
    "bedrock": "bedrock.message.content_is_null",
    "chatbot": "chatbot.stream.magic_number_upper_case",
    "genesis": "genesis.signature.get_refused",
    "mtmai": "mtmai.update.lost",
}


@pytest.mark.parametrize("api", contracts.names())
def test_what_was_drawn_before_gives_the_findings_that_drawing_gives(api: str) -> None:
    drawn = Drawn()

    def found(fault: str | None, drawn: Drawn | None) -> list[tuple[str, str]]:
        outcome = audit.judge_mock(api, fault, "quick", 3, drawn=drawn)
        made[fault, drawn is None] = outcome.calls
        return [(f.clause.id, f.verdict) for f in outcome.findings]

    made: dict[tuple[str | None, bool], int] = {}
    anew = {fault: found(fault, None) for fault in (None, FAULTY[api])}
    assert anew[None] != anew[FAULTY[api]]
    first = found(None, drawn)
    kept = {key: repr(draw) for key, draw in drawn.draws.items()}
    assert first == anew[None]
    assert len(kept) > 10
    for fault in (FAULTY[api], None):
        assert found(fault, drawn) == anew[fault]
    other = Drawn()
    calls = [audit.judge_mock(api, fault, "quick", 3, drawn=other).calls
             for fault in (FAULTY[api], None, None)]  # fmt: skip
    assert calls[1] == calls[2] == made[None, True]
    # No clause changes the values that it is given, and no faulty server what is kept.
    assert {key: repr(drawn.draws[key]) for key in kept} == kept


def test_nothing_is_drawn_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, asked = Drawn(), []
    run = Trial._run_seeded
    monkeypatch.setattr(
        Trial, "_run_seeded", lambda self, test: asked.append(self.clause) or run(self, test)
    )
    calls = [audit.judge_mock("genesis", None, "quick", 0, drawn=drawn).calls]
    assert len(asked) > 10
    asked.clear()
    calls.append(audit.judge_mock("genesis", None, "quick", 0, drawn=drawn).calls)
    assert all(clause.machine for clause in asked)
    assert calls[0] == calls[1]

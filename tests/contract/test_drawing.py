"""A seed means the same requests in every process, whatever else is loaded there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import contracts

ROOT = Path(__file__).parents[2]

RUN = """
import hashlib, sys, types
sys.path[:0] = [{root!r}, {folder!r}]
import more_constants
from contracts.target import Target
from counterfoil import audit

sent, send = hashlib.sha256(), Target.send
def noted(self, request):
    sent.update(repr((request.method, request.target, request.headers, request.body)).encode())
    return send(self, request)
Target.send = noted
audit.judge_mock({api!r}, None, "quick", 0)
print(sent.hexdigest())
"""


@pytest.mark.parametrize("api", contracts.names())
def test_another_process_sends_the_same_requests(api, tmp_path):
    ways = []
    for nth in range(2):
        folder = tmp_path / f"way_{nth}"
        folder.mkdir()
        # Of one character each, since most texts are drawn character by character.
        # Of one character each: most texts are drawn character by character.
        constants = [*map(chr, range(0x3400 + nth, 0x3600)), *range(nth + 999, 9000, 40)]
        (folder / "more_constants.py").write_text(f"THERE = {constants!r}\n")
        ways.append(
            subprocess.run(
                [sys.executable, "-c", RUN.format(root=str(ROOT), folder=str(folder), api=api)],
                env={**os.environ, "PYTHONHASHSEED": str(nth + 1)},
                cwd=tmp_path,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
    assert ways[0] == ways[1]
    assert len(ways[0]) == 65

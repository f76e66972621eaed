"""Transcripts of real output, for the pages and the README: `python -m docs.making.transcripts`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs" / "transcripts"
WIDTH = "100"

BROKEN = (
    "counterfoil check genesis --mock --fault genesis.signature.any_accepted "
    "--only genesis.signature.wrong"
)
COMMANDS = {
    "kept.txt": "counterfoil check bedrock --mock --only 'bedrock.key.*'",
    "broken.txt": BROKEN,
    "failing-test.txt": "pytest -q --tb=short test_opening_hours.py",
    "clauses-as-items.txt": (
        "pytest -q -rA -m contract --contract bedrock --contract-mock "
        "--contract-only 'bedrock.key.*'"
    ),
}
IN_README = {
    "counterfoil demo": "`make demo` ends like this:",
    BROKEN: f"```sh\n{BROKEN}\n```",
}
"""What stands above the transcript of a command."""

PROGRAMS = {
    "counterfoil": ("-m", "counterfoil"),
    "pytest": ("-m", "pytest", "-p", "counterfoil.pytest_plugin", "-p", "no:cacheprovider"),
}


def output(command: str) -> str:
    """Return what a command prints, in a folder that has the tests of the pages and no others."""
    program, *words = shlex.split(command)
    own = {"PYTHONPATH": str(ROOT), "COLUMNS": WIDTH, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    left_out = ("PYTEST_", "COUNTERFOIL_", "GITHUB_")
    inherited = {
        name: value
        for name, value in os.environ.items()
        # In a pipeline pytest prints more of what differs than at a terminal.
        if not name.startswith(left_out) and name not in ("CI", "BUILD_NUMBER")
    }
    with tempfile.TemporaryDirectory() as folder:
        for path in FOLDER.glob("test_*.py"):
            shutil.copy(path, folder)
        done = subprocess.run(
            [sys.executable, *PROGRAMS[program], *words],
            cwd=folder, env={**inherited, **own}, capture_output=True, text=True,
        )  # fmt: skip
    lines = (line.rstrip() for line in done.stdout.strip().splitlines())
    return "\n".join(lines)


def transcript(name: str) -> str:
    """Return a command as it is typed, and what it prints."""
    return f"$ {COMMANDS[name]}\n{output(COMMANDS[name])}\n"


def without_times(text: str) -> str:
    """Return a transcript without what differs from run to run."""
    text = re.sub(r"\d+\.\d+ ?s\b", "N s", text)
    return re.sub(r"=+ (.*?) =+", r"= \1 =", text)


def in_readme(readme: str, command: str, printed: str) -> str:
    """Return the README with what a command prints where it shows that; raises LookupError."""
    shown = re.compile(rf"({re.escape(IN_README[command])}\n\n```text\n).*?(```)", re.DOTALL)
    text, count = shown.subn(lambda found: f"{found[1]}{printed}\n{found[2]}", readme)
    if count != 1:
        raise LookupError(f"README.md shows no transcript of: {command}")
    return text


def main() -> None:
    """Write all transcripts anew."""
    for name in COMMANDS:
        (FOLDER / name).write_text(transcript(name), "utf-8")
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    for command in IN_README:
        text = in_readme(text, command, output(command))
    readme.write_text(text, "utf-8")


if __name__ == "__main__":
    main()

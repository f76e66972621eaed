import contextlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TUTORIAL = (ROOT / "docs/tutorial.md").read_text("utf-8")
WRITING = (ROOT / "docs/writing-clauses.md").read_text("utf-8")
BLOCK = re.compile(r"(?:^<!-- (file|edit): (\S+) -->\n\n)?^```(\w+)\n(.*?)^```$", re.M | re.S)
VENDOR = "https://api.polyglot.example"
EXIT_CODES = {"kept": 0, "broken": 1, "not judged": 3}


def environment() -> dict[str, str]:
    shim = f"{ROOT / 'tests' / 'bin'}{os.pathsep}{Path(sys.executable).parent}"
    path = f"{shim}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "PYTHONPATH": str(ROOT), "COUNTERFOIL_PYTHON": sys.executable}
    plugins = {"PYTEST_ADDOPTS": "-p no:schemathesis -p no:cacheprovider"}
    return {**os.environ, **own, **plugins}


def steady(text: str) -> str:
    """Return an output without what differs from run to run: seconds and ports."""
    text = re.sub(r"\d+\.\d+ s\b", "N s", text)
    text = re.sub(r"  \d\.\d\d  ", "  N.NN  ", text)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8600", text).strip()


def edited(text: str, diff: str) -> str:
    """Return a text after a diff; what it takes away stands there once."""
    lines = [(line[:1] or " ", line[1:]) for line in diff.splitlines()]
    before = "".join(f"{line}\n" for sign, line in lines if sign in " -")
    after = "".join(f"{line}\n" for sign, line in lines if sign in " +")
    assert text.count(before) == 1, before
    return text.replace(before, after)


class Reader:
    """Somebody who does what a page says, from its beginning, in a folder of their own."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._file = Path()
        self._environment = environment()
        self._said = ""
        self._served = ""
        self.commands: list[tuple[str, int]] = []

    def does(self, kind: str, body: str, marker: str, path: str) -> None:
        if path:
            self._file = self._folder / path
        if marker == "file":
            assert self._file.is_file(), f"the page replaces {path}, which is not there"
            self._file.write_text(body, "utf-8")
        elif kind == "diff":
            self._file.write_text(edited(self._file.read_text("utf-8"), body), "utf-8")
        elif kind == "sh":
            self._said = ""
            for command in body.replace("\\\n", "").splitlines():
                self._runs(command)
        elif kind == "text":
            assert steady(self._said) == steady(body)
        else:
            raise AssertionError(f"nobody does anything with this block of {kind}:\n{body}")

    def _runs(self, command: str) -> None:
        if command.startswith("cd "):
            self._folder /= command.removeprefix("cd ")
        elif command.startswith("export "):
            name = command.removeprefix("export ").partition("=")[0]
            self._environment[name] = "counterfoil-api-key"
        elif command.startswith("counterfoil serve"):
            self._serves(command)
        else:
            command = command.replace(VENDOR, self._served)
            command = command.replace("http://127.0.0.1:8600/v1", f"{self._served}/v1")
            done = subprocess.run(
                ["sh", "-c", command], cwd=self._folder, env=self._environment,
                capture_output=True, text=True,
            )  # fmt: skip
            assert "Traceback" not in done.stderr
            self._said = done.stdout
            self.commands.append((command, done.returncode))
            verdict = re.search(r"^polyglot: ([\w ]+) \(", done.stdout, re.MULTILINE)
            expected = EXIT_CODES[verdict[1]] if verdict else 0
            assert done.returncode == expected, done.stdout + done.stderr

    def _serves(self, command: str) -> None:
        words = [sys.executable, "-m", *shlex.split(command), "--port", "0"]
        process = subprocess.Popen(
            words, cwd=self._folder, env=self._environment, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._stack.callback(process.communicate, timeout=30)
        self._stack.callback(process.terminate)
        self._said = process.stdout.readline()
        self._served = self._said.split()[1].rstrip("/")


def test_the_tutorial_happens_as_it_stands(tmp_path):
    with contextlib.ExitStack() as stack:
        reader = Reader(tmp_path, stack)
        for marker, path, kind, body in BLOCK.findall(TUTORIAL):
            reader.does(kind, body, marker, path)
        project = tmp_path / "polyglot"
        for words in (["ruff", "check", "."], ["ruff", "format", "--check", "."]):
            done = subprocess.run(
                [sys.executable, "-m", *words], cwd=project, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout
    codes = [code for _, code in reader.commands]
    assert codes.count(1) == 2 and codes.count(3) == 1


CUT = re.findall(r"<!-- from: (\S+) -->\n\n```python\n(.*?)```", WRITING, re.DOTALL)


def test_every_example_is_cut_from_a_file():
    assert len(CUT) >= 8
    assert WRITING.count("```python") == len(CUT)


@pytest.mark.parametrize(("path", "example"), CUT, ids=[f"{n}" for n in range(len(CUT))])
def test_an_example_stands_in_its_file_as_it_is(path, example):
    assert example in (ROOT / path).read_text("utf-8")


def test_what_the_page_says_of_cases_is_so():
    from contracts.runner import PROFILES

    said = ", ".join(f"{profile.examples} {name}" for name, profile in PROFILES.items())
    assert f"({said})" in WRITING


def test_the_command_of_the_page_finds_the_fault(tmp_path):
    (command,) = re.findall(r"```sh\n(.*?)\n```", WRITING, re.DOTALL)
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert "chatbot.conversation.new" in done.stdout

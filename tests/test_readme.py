import contextlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
SERVING = (ROOT / "docs/serving.md").read_text("utf-8")
DOCUMENTS = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/openapi.md",
    "docs/schemathesis.md",
    "docs/configuration.md",
    "docs/ci.md",
    "docs/tutorial.md",
    "docs/writing-clauses.md",
    "docs/intercept.md",
    "docs/openapi.md",
    "docs/openapi-check.md",
]

DOCUMENT = ROOT / "contracts/apis/bedrock/openapi.yaml"

BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README + SERVING, re.DOTALL)
COMMANDS = list(
    dict.fromkeys(
        line
        for kind, block in BLOCKS
        if kind == "sh"
        for line in block.replace("\\\n", "").splitlines()
        if line.strip()
    )
)
TRANSCRIPTS = [block for kind, block in BLOCKS if kind == "text"]

MADE = {"make demo": ["demo"], "make test": ["test"]}


def environment(**more: str) -> dict[str, str]:
    shim = f"{ROOT / 'tests' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    found = {"PATH": shim, "PYTHONPATH": str(ROOT), "COUNTERFOIL_PYTHON": sys.executable}
    return {**os.environ, **found, **more}


def shell(command: str, folder: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment(**more), capture_output=True, text=True
    )


@contextlib.contextmanager
def served(*words: str, command: str = "serve", folder: Path = ROOT):
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", command, *words, "--port", "0"],
        cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield int(re.search(r":(\d+)/", process.stdout.readline())[1])
    finally:
        process.terminate()
        process.communicate(timeout=30)


def without_numbers(text: str) -> str:
    return re.sub(r" +", " ", re.sub(r"\d+(\.\d+)?", "N", text)).strip()


def test_the_readme_has_commands_and_transcripts():
    assert len(COMMANDS) >= 9 and len(TRANSCRIPTS) >= 3
    assert "@" not in "".join(TRANSCRIPTS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_works(command, tmp_path):
    command = command.partition("  #")[0].strip()
    if command.startswith("make "):
        # What make does is run by the test of the demo below, and by the one that runs this test.
        assert f"\n{command.removeprefix('make ')}:" in (ROOT / "Makefile").read_text("utf-8")
        return
    if command.startswith("export "):
        names = [word.partition("=")[0] for word in shlex.split(command)[1:]]
        assert all(name.startswith("COUNTERFOIL_GENESIS_") for name in names)
        return
    (tmp_path / "openapi.yaml").write_bytes(DOCUMENT.read_bytes())
    if command.startswith("counterfoil serve"):
        with served(*command.split()[2:], folder=tmp_path) as port:
            socket.create_connection(("127.0.0.1", port)).close()
        return
    if command.startswith("counterfoil record"):
        with served("bedrock") as port:
            command = command.replace("https://vendor.example/api", f"http://127.0.0.1:{port}")
            with served(*command.split()[2:], command="record", folder=tmp_path) as own:
                key = "-H 'x-api-key: counterfoil-api-key'"
                assert shell(f"curl -s --fail http://127.0.0.1:{own}/health {key}").returncode == 0
        assert len(json.loads((tmp_path / "recording.har").read_text())["log"]["entries"]) == 1
        return
    with contextlib.ExitStack() as stack:
        if "127.0.0.1:8600" in command:
            which = "openapi.yaml" if "openapi.yaml" in command else "bedrock"
            port = stack.enter_context(served(which, folder=tmp_path))
            command = command.replace("127.0.0.1:8600", f"127.0.0.1:{port}")
        if "https://api.genesissai.com" in command:
            port = stack.enter_context(served("genesis"))
            command = command.replace("https://api.genesissai.com", f"http://127.0.0.1:{port}")
            command = command.replace("--rate 5", "--rate 500")
        if command.startswith("counterfoil replay"):
            # What is replayed the command before it wrote.
            shell(COMMANDS[COMMANDS.index(command) - 1], tmp_path)
        done = shell(command.replace("curl -s ", "curl -s --fail-with-body "), tmp_path)
    assert done.returncode == (1 if "--fault" in command else 0), done.stdout[-2000:] + done.stderr
    assert done.stdout and "Traceback" not in done.stderr


def test_the_transcript_of_a_broken_promise_is_what_is_printed():
    command = next(line for line in COMMANDS if "--fault" in line)
    (transcript,) = [block for block in TRANSCRIPTS if "promised:" in block]
    printed = re.sub(r"in \d+\.\d s", "in N s", shell(command).stdout).strip()
    assert re.sub(r"in \d+\.\d s", "in N s", transcript).strip() == printed


def test_the_demo_prints_what_the_readme_shows_and_writes_its_reports(tmp_path):
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "counterfoil", "demo", "--reports", str(tmp_path / "report")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - began < 600
    (transcript,) = [block for block in TRANSCRIPTS if "verdict" in block]
    printed = done.stdout.replace(str(tmp_path / "report"), "report")
    assert without_numbers(printed) == without_numbers(transcript)
    assert sorted(path.suffix for path in (tmp_path / "report").iterdir()) == [
        ".html",
        ".json",
        ".txt",
        ".xml",
    ]


def test_the_python_of_the_readme_runs(tmp_path):
    test, script = (block for kind, block in BLOCKS if kind == "python")
    (tmp_path / "test_readme_example.py").write_text(test)
    asked = [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", str(tmp_path)]
    done = subprocess.run(asked, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("http://127.0.0.1:"), done.stderr


def test_the_readme_stays_one_page():
    assert README.count("\n") <= 270


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_between_documents_lead_somewhere(document):
    text = (ROOT / document).read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or ((ROOT / document).parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_documents_name_exist(document):
    text = re.sub(r"```.*?```", "", (ROOT / document).read_text("utf-8"), flags=re.DOTALL)
    for name in re.findall(
        r"`((?:contracts|mockserver|counterfoil|fixtures|tests)/[\w./-]*)`", text
    ):
        assert (ROOT / name).exists() or "/x/" in name, name

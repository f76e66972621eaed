import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parent.parent
BROKEN, CAUGHT_BY = "echo_bot.ask.question_trimmed", "echo_bot.ask.question_repeated"


def run(folder: Path, *words: str, path: Path = ROOT, code: int = 0) -> str:
    """Run a Python module; the exit code is as said, and nobody sees a traceback."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (path, ROOT)))}
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("somewhere")
    run(folder, "counterfoil", "new", "echo_bot")
    return folder / "echo_bot"


@pytest.fixture(scope="module")
def site(project, tmp_path_factory):
    """Where the project is installed: the files of its wheel, with what they declare."""
    target = tmp_path_factory.mktemp("site")
    run(project, "hatchling", "build", "-t", "wheel", "-d", str(target))
    (wheel,) = target.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(target)
    return target


def test_what_is_installed_is_listed_checked_and_broken_from_anywhere(site, tmp_path):
    def counterfoil(*words: str, code: int = 0) -> str:
        return run(tmp_path, "counterfoil", *words, path=site, code=code)

    assert "echo_bot  Echo bot\n" in counterfoil("apis")
    words = ["check", "echo_bot", "--mock", "--profile", "quick"]
    assert "echo_bot: kept (9 kept;" in counterfoil(*words)
    found = counterfoil(*words, "--fault", BROKEN, code=1)
    assert re.findall(r"^  (\S+)\n    promised:", found, re.MULTILINE) == [CAUGHT_BY]
    (rerun,) = re.findall(r"rerun: counterfoil (.*)", found)
    assert "' Hello ' was asked, and 'Hello' came back" in counterfoil(*rerun.split(), code=1)


def test_what_is_installed_is_served_from_its_own_fixtures(site, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "serve", "echo_bot", "--port", "0"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        url = process.stdout.readline().split()[1]
        key = {"Authorization": "Bearer counterfoil-api-key"}
        asked = Request(f"{url}ask", b'{"question": "Hello"}', key)
        with urlopen(asked, timeout=20) as answer:
            assert b"Hello! What can I do for you?" in answer.read()
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_an_audit_finds_nothing_amiss(project):
    found = run(project, "counterfoil", "audit", "echo_bot", "--seeds", "1")
    assert "Caught: 9 of 9" in found and "False alarms: 0 in" in found


def test_its_own_tests_pass_and_its_clauses_are_items_of_pytest(project):
    words = ["pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
    plugins = [] if declared() else ["-p", "counterfoil.pytest_plugin"]
    found = run(project, *words, *plugins, "--contract", "echo_bot", "--contract-mock")
    assert "12 passed" in found


def declared() -> bool:
    """Say whether pytest loads our plugin by itself, because we are installed."""
    from importlib.metadata import entry_points

    return any(one.value == "counterfoil.pytest_plugin" for one in entry_points(group="pytest11"))


def test_its_types_are_as_strict_as_ours(project):
    cache = f"--cache-dir={ROOT / '.mypy_cache'}"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", cache], cwd=project, capture_output=True, text=True,
        env={**os.environ, "MYPYPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_a_checkout_has_a_fifth_api_without_an_edit(tmp_path):
    for folder in ("contracts", "mockserver", "counterfoil", "fixtures"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "tests").mkdir()
    for name in ("pyproject.toml", "tests/test_architecture.py", "tests/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    there = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    before = {path: path.read_bytes() for path in there}

    def here(*words: str) -> str:
        return run(tmp_path, *words, path=tmp_path)

    said = here("counterfoil", "new", "echo_bot")
    assert "contracts/apis/echo_bot/clauses.py" in said and "pyproject.toml" not in said
    assert all(path.read_bytes() == text for path, text in before.items())
    assert "echo_bot: kept (9 kept;" in here("counterfoil", "check", "echo_bot", "--mock")
    here("ruff", "check", ".")
    here("ruff", "format", "--check", ".")
    chosen = "three_lists or echo_bot or both_halves or same_files or schemathesis"
    words = ["-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-k", chosen, "tests"]
    assert "failed" not in here("pytest", *words)

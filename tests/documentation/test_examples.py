"""Every example of the documentation is run: commands in a shell, tests by pytest."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

import pytest

import contracts
from counterfoil import pytest_plugin
from counterfoil.journal_view import JournalView
from counterfoil.mocking import Options
from counterfoil.steering import Steering
from mockserver.journal import Filter

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
OURS = ("index.md", "pytest.md", "vendor.md", "mock-page.md", "reports.md", "apis/*.md")
PAGES = sorted(path.relative_to(DOCS).as_posix() for pattern in OURS for path in DOCS.glob(pattern))
VENDOR = "https://api.genesissai.com"


def blocks(page: str, kind: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[str]:
    """Return the commands that a page shows, each on one line."""
    text = "".join(blocks(page, "sh")).replace("\\\n", "")
    return [line for line in text.splitlines() if line.strip()]


def environment() -> dict[str, str]:
    shim = f"{ROOT / 'tests' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": shim, "PYTHONPATH": str(ROOT), "COUNTERFOIL_PYTHON": sys.executable}
    return {**os.environ, **own, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=120
    )


def served(*apis: str, folder: Path, stack: ExitStack) -> str:
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "serve", *apis, "--port", "0"],
        cwd=folder, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    stack.callback(process.communicate, timeout=30)
    stack.callback(process.terminate)
    assert process.stdout is not None
    found = re.search(r"http://\S+(?=/)", process.stdout.readline())
    assert found
    return found[0]


def test_the_page_about_pytest_names_all_that_there_is() -> None:
    text = (DOCS / "pytest.md").read_text("utf-8")
    parser = pytest.Parser(_ispytest=True)
    pytest_plugin.pytest_addoption(parser)
    options = [name for one in parser.getgroup("counterfoil").options for name in one.names()]
    own = [name for of in (Steering, JournalView) for name in vars(of) if name[0] != "_"]
    names = [*options, *Options.__annotations__, *own, *(one.name for one in fields(Filter))]
    left_out = {
        "table",
        "written",
        "begin_anew",
        "api",
    }  # for reports; of which API, a mock's journal knows
    assert [name for name in names if name not in text and name not in left_out] == []


def test_files_that_pages_name_are_there() -> None:
    for page in DOCS.rglob("*.md"):
        text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
        names = r"`((?:contracts|mockserver|counterfoil|fixtures|tests|docs)/[\w./-]*\.\w+)`"
        for name in re.findall(names, text):
            assert (ROOT / name).exists() or "/x/" in name, (page, name)


def test_the_pages_have_examples() -> None:
    assert len(PAGES) >= 7
    assert all(blocks(page, "(?:python|sh)") for page in PAGES)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_the_tests_that_a_page_shows_pass(page: str, tmp_path: Path) -> None:
    for place, block in enumerate(blocks(page, "python")):
        name = "conftest.py" if "conftest" in block.partition("\n")[0] else f"test_{place}.py"
        assert "def test_" in block or name == "conftest.py", block
        (tmp_path / name).write_text(block, "utf-8")
    plugins = ["-p", "counterfoil.pytest_plugin", "-p", "xdist.plugin", "-p", "no:cacheprovider"]
    done = run([sys.executable, "-m", "pytest", *plugins, "-q", "-W", "error", "."], tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert f"{''.join(blocks(page, 'python')).count('def test_')} passed" in done.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("apis/")])
def test_the_commands_of_the_page_of_an_api_work(page: str, tmp_path: Path) -> None:
    script = "".join(blocks(page, "sh"))
    with ExitStack() as stack:
        if "127.0.0.1:8600" in script:
            url = served(Path(page).stem, folder=tmp_path, stack=stack)
            script = script.replace("http://127.0.0.1:8600", url)
        done = run(["sh", "-ec", script.replace("curl -s", "curl --fail-with-body -s")], tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert done.stdout.count(": kept (") == script.count("counterfoil check") > 0


def judged(command: str, folder: Path) -> list[str]:
    """Return the clauses that a command of pytest names in its report."""
    program, *words = shlex.split(command)
    plugins = ["-p", "counterfoil.pytest_plugin", "-p", "xdist.plugin", "-p", "no:cacheprovider"]
    done = run([sys.executable, "-m", program, *plugins, *words], folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    found = re.findall(r"^(?:PASSED )?contract/chatbot::(\S+)", done.stdout, re.MULTILINE)
    assert re.search(rf"^{len(found)} (?:tests collected|passed)", done.stdout, re.MULTILINE)
    return found


def test_the_runs_of_a_contract_by_pytest_judge_each_clause_once(tmp_path: Path) -> None:
    workers, *parts = commands("pytest.md")
    ids = [clause.id for clause in contracts.load("chatbot").clauses]
    streams = [id for id in ids if id.startswith("chatbot.stream.")]
    assert sorted(judged(f"{workers} -q -rA", tmp_path)) == sorted(streams) != []
    shares = [judged(f"{part} -q --collect-only", tmp_path) for part in parts]
    assert len(shares) == 3 and sorted(sum(shares, [])) == sorted(ids)


def test_the_commands_against_a_vendor_work_and_keep_their_budgets(tmp_path: Path) -> None:
    exports = [line for line in commands("vendor.md") if line.startswith("export ")]
    assert exports and all("COUNTERFOIL_GENESIS_" in line for line in exports)
    known = tmp_path / "known.yaml"
    with ExitStack() as stack:
        url = served("genesis", folder=tmp_path, stack=stack)
        for command in commands("vendor.md"):
            if command in exports:
                continue
            if "--baseline" in command:
                drafted = known.read_text("utf-8")
                known.write_text(drafted.replace("reason: ''", "reason: known"), "utf-8")
            here = re.sub(r"--rate \d+", "--rate 1000", command.replace(VENDOR, url))
            done = run(["sh", "-ec", here], tmp_path)
            # A baseline is drafted where something is broken; the honest mock's report has nothing
            # that could be replayed.
            expected = 1 if "--write-baseline" in command else 3 if " replay " in command else 0
            assert done.returncode == expected, command + done.stdout[-3000:] + done.stderr[-2000:]
    assert (tmp_path / "vendor.html").exists()


@pytest.mark.parametrize("page", ["index.md", "mock-page.md"])
def test_a_mock_that_a_page_serves_has_its_own_page(page: str, tmp_path: Path) -> None:
    (command,) = commands(page)
    program, serve, *apis = command.split()
    assert (program, serve) == ("counterfoil", "serve")
    with ExitStack() as stack:
        url = served(*apis, folder=tmp_path, stack=stack).removesuffix(f"/{apis[0]}")
        asked = ["curl", "-s", "--fail", "-H", "accept: text/html", f"{url}/_counterfoil/"]
        done = run(asked, tmp_path)
    assert done.returncode == 0 and "<title>Counterfoil</title>" in done.stdout


def test_the_report_that_is_shown_is_written(tmp_path: Path) -> None:
    (command,) = commands("reports.md")
    assert run(["sh", "-ec", command], tmp_path).returncode == 1
    assert "genesis.signature.wrong" in (tmp_path / "report.html").read_text("utf-8")

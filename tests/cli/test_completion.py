import os
import shutil
import stat
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import click
import pytest

from contracts.apis import load
from counterfoil import completing
from counterfoil.cli import COMMANDS
from mockserver.faults import names

ROOT = Path(__file__).parent.parent.parent
TARGET = '[targets.staging]\napi = "genesis"\nmock = true\n[profiles.nightly]\nexamples = 3\n'


@pytest.fixture
def environment(tmp_path):
    """A folder with counterfoil.toml, and `counterfoil` as the shell finds it."""
    (tmp_path / "counterfoil.toml").write_text(TARGET, "utf-8")
    command, program = tmp_path / "bin" / "counterfoil", tmp_path / "lib" / "counterfoil"
    command.parent.mkdir()
    program.parent.mkdir()
    program.write_text("from counterfoil.cli import main\nmain()\n", encoding="utf-8")
    command.write_text(
        "#!/bin/sh\n"  # the path of the interpreter may have a blank in it
        f"exec '{sys.executable}' '{program}' \"$@\"\n",
        encoding="utf-8",
    )
    command.chmod(command.stat().st_mode | stat.S_IEXEC)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}


def shell(words: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout


IN_BASH = """
eval "$(counterfoil completion bash)"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_counterfoil_completion counterfoil
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("counterfoil ch", "check"),
        ("counterfoil check ", "staging bedrock chatbot genesis mtmai all"),
        ("counterfoil check genesis s", "staging"),
        ("counterfoil check --max", "--max-calls --max-time"),
        ("counterfoil check --profile ", "quick standard thorough nightly"),
        ("counterfoil check staging --only genesis.signature.wr", "genesis.signature.wrong"),
        ("counterfoil check staging --only bedrock.", ""),
        ("counterfoil serve genesis --fault genesis.signature.an",
         "genesis.signature.any_accepted"),
        ("counterfoil serve --variant chatbot.json_re", "chatbot.json_reversed"),
        ("counterfoil serve --clock v", "virtual"),
        ("counterfoil replay --target ", "staging"),
        ("counterfoil no-such-command --x", ""),
    ],
)  # fmt: skip
def test_bash_completes(environment, tmp_path, typed, offered):
    words = typed.split(" ")
    said = shell(["bash", "-c", IN_BASH, "bash", *words], environment, tmp_path)
    assert said.split() == offered.split()


def test_zsh_completes(environment, tmp_path):
    if not shutil.which("zsh"):
        pytest.skip("no zsh here")
    script = (
        "compdef() { :; }; _describe() { :; }; compadd() { print -l -- $completions; }\n"
        'eval "$(counterfoil completion zsh)"\n'
        "words=(counterfoil check st); CURRENT=3; _counterfoil_completion"
    )
    said = shell(["zsh", "-fc", script], environment, tmp_path)
    assert said.split() == ["staging"]


def test_fish_completes(environment, tmp_path):
    if not shutil.which("fish"):
        pytest.skip("no fish here")
    script = "counterfoil completion fish | source; complete -C 'counterfoil check st'"
    assert shell(["fish", "-Nc", script], environment, tmp_path).split() == ["staging"]


def test_a_completion_is_quick(environment, tmp_path):
    asked = {**environment, "_COUNTERFOIL_COMPLETE": "bash_complete",
             "COMP_WORDS": "counterfoil check --only genesis.", "COMP_CWORD": "3"}  # fmt: skip
    took = []
    for _ in range(3):
        began = time.monotonic()
        said = shell(["counterfoil"], asked, tmp_path)
        took.append(time.monotonic() - began)
    assert said.count("\n") == len(load("genesis").clauses)
    assert min(took) < 0.6  # 0.07 s on a machine that does nothing else


def test_a_completion_imports_nothing_heavy():
    code = (
        "import sys; from counterfoil import completing\n"
        "from counterfoil.cli import COMMANDS\n"
        "for name in COMMANDS: completing.outline(name)\n"
        "print([m for m in ('flask', 'hypothesis', 'contracts', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done


@pytest.mark.parametrize("name", COMMANDS)
def test_the_source_of_a_command_says_what_its_parameters_are(name):
    def shapes(command: click.Command) -> list[tuple]:
        return [
            (one.param_type_name, one.name, one.opts, one.multiple, one.nargs,
             getattr(one, "is_flag", False))
            for one in command.params
        ]  # fmt: skip

    real = import_module(f"counterfoil.cli.{name}").command
    assert shapes(completing.outline(name)) == shapes(real)


def test_the_names_that_are_completed_are_those_that_there_are():
    assert completing.apis() == names()
    for api in names():
        clauses = {clause.id for clause in load(api).clauses}
        assert set(completing._ids("only", {api})) == clauses


def test_a_file_that_is_wrong_takes_no_names_away_but_its_own(environment, tmp_path):
    (tmp_path / "counterfoil.toml").write_text("[targets", "utf-8")
    said = shell(
        ["bash", "-c", IN_BASH, "bash", "counterfoil", "check", "g"], environment, tmp_path
    )
    assert said.split() == ["genesis"]


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_a_script_says_how_it_is_installed(counterfoil, kind):
    done = counterfoil("completion", kind)
    assert done.code == 0 and f"# For good: counterfoil completion {kind} > " in done.out
    assert done.err == ""

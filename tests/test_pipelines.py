import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from importlib.metadata import requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from counterfoil.configuration import read
from mockserver.faults import names

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
SCRIPTS = sorted((ROOT / "ci").glob("*.sh"))
TOKEN = "token-of-the-tests"


def blocks(document: str, kind: str) -> list[str]:
    text = (ROOT / "docs" / document).read_text("utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def runner(tmp_path):
    """Run a script as a step of a workflow does: what it printed, its outputs, its summary."""
    temp = tmp_path / "runner"
    temp.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    processes = []

    def run(script: str, **more: str) -> tuple[subprocess.CompletedProcess[str], dict, str]:
        files = {name: temp / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        done = subprocess.run(
            ["bash", str(ROOT / "ci" / script)], cwd=work, capture_output=True, text=True,
            env={**environment(), **{name: str(file) for name, file in files.items()},
                 "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(temp),
                 "GITHUB_PATH": str(temp / "path"), **more},
        )  # fmt: skip
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        processes.extend(int(v) for k, v in outputs.items() if k == "mocks-process")
        return done, outputs, files["GITHUB_STEP_SUMMARY"].read_text()

    run.work = work
    yield run
    for process in processes:
        os.kill(process, signal.SIGTERM)


def environment(**more: str) -> dict[str, str]:
    shim = f"{ROOT / 'tests' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": shim, "PYTHONPATH": str(ROOT), "COUNTERFOIL_PYTHON": sys.executable,
           "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
           "PYTEST_PLUGINS": "counterfoil.pytest_plugin"}  # fmt: skip
    return {**os.environ, **own, **more}


@contextmanager
def served(*words: str, **more: str):
    process = subprocess.Popen(
        [sys.executable, "-m", *words, "--port", "0"],
        cwd=ROOT, env=environment(**more), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield int(re.search(r":(\d+)/", process.stdout.readline())[1])
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_no_input_of_the_action_stands_in_a_script_and_each_is_described():
    steps = ACTION["runs"]["steps"]
    for step in steps:
        assert "${{" not in step.get("run", "")
        if "uses" in step:
            assert re.search(r"@[0-9a-f]{40}$", step["uses"]), "an action is taken by its commit"
    said = yaml.safe_dump(steps)
    used = set(re.findall(r"inputs\.([a-z-]+)", said))
    assert used == set(ACTION["inputs"])
    for one in [*ACTION["inputs"].values(), *ACTION["outputs"].values()]:
        assert one["description"]
    ids = {step["id"] for step in steps if "id" in step}
    named = re.findall(r"steps\.([a-z]+)\.outputs", (ROOT / "action.yml").read_text("utf-8"))
    assert set(named) <= ids


def test_the_steps_of_the_action_set_what_their_scripts_read():
    for step in ACTION["runs"]["steps"]:
        if "run" in step:
            name = re.fullmatch(r'bash "\$GITHUB_ACTION_PATH/(ci/\w+\.sh)"', step["run"])[1]
            script = (ROOT / name).read_text("utf-8")
            assert step["shell"] == "bash"
            for variable in step["env"]:
                assert f"${{{variable}:" in script


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_bash(script):
    assert subprocess.run(["bash", "-n", script], capture_output=True).stderr == b""
    assert script.read_text("utf-8").startswith("#!/usr/bin/env bash\n")


def test_the_action_starts_mocks_checks_them_and_passes_on_how_it_ended(runner):
    done, outputs, _ = runner(
        "mocks.sh", MOCKS="genesis", MOCKS_ARGS="--port=0\n\n--fault=genesis.signature.any_accepted"
    )
    assert done.returncode == 0, done.stderr
    url = outputs["mocks-url"]
    with urllib.request.urlopen(f"{url}/_counterfoil/health") as answer:
        assert json.load(answer) == {"status": "ok"}
    args = f"--url={url}\n--only=genesis.signature.wrong\n--profile=quick\n"
    done, outputs, summary = runner("check.sh", CHECK="genesis", ARGS=args)
    assert done.returncode == 1 and "::error" in done.stdout
    assert outputs == {
        "exit-code": "1", "verdict": "broken", "reports": "counterfoil-reports"
    }  # fmt: skip
    assert "genesis.signature.wrong" in summary
    written = {path.name for path in (runner.work / "counterfoil-reports").iterdir()}
    assert written == {f"counterfoil.{ending}" for ending in ("html", "json", "sarif", "xml")}


@pytest.mark.parametrize(
    ("check", "args", "code", "verdict"),
    [
        ("genesis", "--mock\n--profile=quick\n--only=genesis.id.unique", 0, "kept"),
        ("genesiss", "--mock", 2, "usage"),
        ("genesis", "--url=http://127.0.0.1:9", 3, "unjudged"),
        ("--help", "--mock", 2, "usage"),
        ("$(touch pwned)", "--mock", 2, "usage"),
        ("genesis;touch pwned", "--url=`touch pwned`", 2, "usage"),
    ],
)
def test_every_end_of_a_check_is_passed_on_and_no_input_is_run(runner, check, args, code, verdict):
    done, outputs, _ = runner("check.sh", CHECK=check, ARGS=args, REPORTS="r $(touch pwned)")
    assert (done.returncode, outputs["verdict"]) == (code, verdict), done.stderr
    assert not list(runner.work.rglob("pwned")) and (runner.work / "r $(touch pwned)").is_dir()


def test_mocks_that_do_not_start_say_why(runner):
    done, outputs, _ = runner("mocks.sh", MOCKS="genesiss")
    assert done.returncode == 2 and "did you mean genesis?" in done.stderr and outputs == {}


def test_a_version_that_is_none_is_not_installed(runner):
    done, _, _ = runner("install.sh", VERSION="0.1.0 --index-url=http://x")
    assert done.returncode == 2 and "a number like 0.1.0" in done.stderr


def locked():
    spec = importlib.util.spec_from_file_location("locked", ROOT / "ci" / "locked.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def closure(waiting: list[str], plain) -> set[str]:
    """Return what installed packages say that they need, on this machine."""
    found = set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        needs = [Requirement(one) for one in requires(name) or ()]
        needed = {plain(one.name) for one in needs if not one.marker or one.marker.evaluate()}
        waiting += needed - found
    return found


def test_the_part_of_the_lock_that_an_image_needs_is_whole_and_holds_hashes():
    module = locked()
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    roots = module.roots(["redis", "tls"])
    found = module.needed(roots, lock)
    installed = closure([name for name in roots if "platform" not in name], module.plain)
    assert installed <= set(found)
    assert not set(found) & {"hypothesis", "schemathesis", "httpx", "pytest"}
    assert all("==" in entry and "--hash=sha256:" in entry for entry in found.values())
    assert module.needed(["hatchling"], lock).keys() >= {"hatchling", "packaging", "pluggy"}


def test_a_name_that_the_lock_does_not_have_is_told():
    for words in (["nope"], ["--extra", "nope"]):
        done = subprocess.run(
            [sys.executable, ROOT / "ci" / "locked.py", *words], capture_output=True, text=True
        )
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and "'nope'" in done.stderr


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n", "", DOCKERFILE)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(" ", 1)) for line in lines]


def test_the_image_has_a_user_without_rights_and_no_shell_form():
    stages = DOCKERFILE.split("\nFROM ")
    last = stages[-1]
    assert re.search(r"^USER 10001$", last, re.MULTILINE)
    assert "EXPOSE 8600" in last and "STOPSIGNAL SIGTERM" in last
    for word, rest in instructions():
        if word == "ENTRYPOINT":
            assert json.loads(rest)[:2] == ["counterfoil", "serve"]
    for word, rest in instructions():
        if word == "RUN" and " install " in rest:
            assert "--require-hashes" in rest or "--no-index" in rest


def test_the_health_check_of_the_image_tells_a_mock_from_nothing():
    said = re.search(r"HEALTHCHECK.*?CMD (\[.*?\])\n", DOCKERFILE, re.DOTALL)[1]
    command = [sys.executable, *json.loads(said)[1:]]

    def ask(port: int) -> int:
        words = [word.replace(":8600", f":{port}") for word in command]
        return subprocess.run(words, capture_output=True).returncode

    [entry] = [json.loads(rest) for word, rest in instructions() if word == "ENTRYPOINT"]
    with served(*entry, "bedrock") as port:
        assert ask(port) == 0
    assert ask(port) == 1


def test_the_context_of_the_image_has_what_the_wheel_is_made_of():
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    assert all((ROOT / name).exists() for name in kept)
    assert kept >= {"counterfoil", "contracts", "mockserver", "fixtures", "README.md", "LICENSE",
                    "pyproject.toml", "requirements.lock", "ci/locked.py"}  # fmt: skip


def test_compose_waits_for_services_that_say_when_they_are_healthy():
    for service in COMPOSE["services"].values():
        for name, needed in service.get("depends_on", {}).items():
            other = COMPOSE["services"][name]
            assert needed["condition"] == "service_healthy"
            assert "healthcheck" in other or other.get("build") == "."
    mocks = COMPOSE["services"]["mocks"]
    assert mocks["read_only"] is True and mocks["ports"] == ["127.0.0.1:8600:8600"]
    assert mocks["environment"]["COUNTERFOIL_ADMIN_TOKEN"].startswith("${COUNTERFOIL_ADMIN_TOKEN:?")


def test_the_service_in_place_of_tests_gets_in_from_another_host_by_its_token(tmp_path):
    python, *words = COMPOSE["services"]["tests"]["entrypoint"]
    # What comes through a name that is not the machine's own comes from another host, to the mocks.
    (tmp_path / "sitecustomize.py").write_text(
        "import http.client as h\n"
        "put = h.HTTPConnection.putheader\n"
        "def other(self, name, *values):\n"
        "    put(self, name, *([b'mocks:8600'] if name.lower() == 'host' else values))\n"
        "h.HTTPConnection.putheader = other\n"
    )
    with served("counterfoil", "serve", COUNTERFOIL_ADMIN_TOKEN=TOKEN) as port:

        def ask(token: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, *words], capture_output=True, text=True,
                env={**os.environ, "PYTHONPATH": str(tmp_path), "COUNTERFOIL_ADMIN_TOKEN": token,
                     "MOCKS_URL": f"http://127.0.0.1:{port}"},
            )  # fmt: skip

        done = ask(TOKEN)
        assert done.returncode == 0, done.stderr
        assert "'status': 'ok'" in done.stdout and "/bedrock/health" in done.stdout
        assert "403" in ask("another").stderr


@pytest.mark.parametrize("place", range(len(blocks("ci.md", "sh"))))
def test_what_a_shell_is_told_in_the_page_about_pipelines_works(tmp_path, place):
    script = blocks("ci.md", "sh")[place]
    for said, here in (
        ("pytest ", """"$COUNTERFOIL_PYTHON" -m pytest --contract-only 'genesis.signature.w*' """),
        ("check genesis ", "check genesis --only 'genesis.signature.w*' "),
        ("--port 8600", "--port 0"),
        ("http://127.0.0.1:8600", '"http://127.0.0.1:$(cat mocks.port)"'),
    ):
        script = script.replace(said, here)
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr
    assert list(tmp_path.rglob("*.xml")) or (tmp_path / "known.yaml").exists()


def test_the_workflow_in_the_page_gives_the_action_inputs_that_it_has():
    workflow, _ = map(yaml.safe_load, blocks("ci.md", "yaml"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    ours = [step for step in steps if step.get("uses", "").startswith("OWNER/counterfoil@")]
    assert len(ours) == 2
    for step in ours:
        assert set(step["with"]) <= set(ACTION["inputs"])
    for name in re.findall(r"steps\.\w+\.outputs\.([\w-]+)", yaml.safe_dump(steps)):
        assert name in ACTION["outputs"]
    assert all("${{" not in step.get("run", "") for step in steps)


def test_what_gitlab_is_told_to_check_is_kept(tmp_path):
    _, pipeline = map(yaml.safe_load, blocks("ci.md", "yaml"))
    job = pipeline["contract"]
    with served("counterfoil", "serve", *job["services"][0]["command"]) as port:
        script = "\n".join(line for line in job["script"] if not line.startswith("pip "))
        done = subprocess.run(
            ["sh", "-ec", script.replace("http://mocks:8600", f"http://127.0.0.1:{port}")
             .replace("signature.*", "signature.w*")],
            cwd=tmp_path, env=environment(), capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / job["artifacts"]["reports"]["junit"]).exists()


def test_commands_for_jenkins_and_containers_are_ones_that_there_are():
    [jenkins] = blocks("ci.md", "groovy")
    [checks] = re.findall(r"counterfoil (check [^']*)'", jenkins)
    [run] = [line for line in blocks("ci.md", "text")[0].splitlines() if " run " in line]
    serves = ["serve", *shlex.split(run.rpartition(" counterfoil ")[2])]
    from counterfoil.cli import check, serve

    for command, words in ((check.command, shlex.split(checks)), (serve.command, serves)):
        assert command.make_context(words[0], words[1:], resilient_parsing=True).args == []


def test_the_file_in_the_page_about_it_is_understood_and_its_commands_work(tmp_path):
    [file] = blocks("configuration.md", "toml")
    path = tmp_path / "counterfoil.toml"
    path.write_text(file, "utf-8")
    settings = read(path, names())
    assert set(settings.targets) == {"staging", "here"} and set(settings.profiles) == {"nightly"}
    for script in blocks("configuration.md", "sh"):
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    [told] = blocks("configuration.md", "text")
    path.write_text(file.replace("max_calls", "max-calls"), "utf-8")
    done = subprocess.run(
        ["counterfoil", "config"], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.stderr == told

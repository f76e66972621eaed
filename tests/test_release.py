import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_the_three_packages_and_all_their_data(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    for package in ("counterfoil", "mockserver", "contracts"):
        for path in (ROOT / package).rglob("*"):
            if path.suffix in {".py", ".yaml", ".j2", ".html", ".css", ".js", ".typed"}:
                assert path.relative_to(ROOT).as_posix() in packed
    for path in (ROOT / "fixtures").rglob("*.*"):
        assert f"counterfoil/{path.relative_to(ROOT).as_posix()}" in packed


def test_the_wheel_holds_nothing_else(wheel):
    info = f"counterfoil-{PROJECT['version']}.dist-info"
    for name in zipfile.ZipFile(wheel).namelist():
        assert name.split("/")[0] in {"counterfoil", "mockserver", "contracts", info}
        measured = name == "counterfoil/measured.json"
        kinds = (".py", ".yaml", ".har", ".j2", ".html", ".css", ".js", "py.typed")
        assert measured or name.endswith(kinds) or name.startswith(info)


def test_the_installed_wheel_serves_and_checks_from_its_own_fixtures(wheel, tmp_path):
    place = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(place)
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1));"
        "from counterfoil import wiring; assert wiring.__file__.startswith(sys.path[0]);"
        "from counterfoil.cli import main; main()"
    )
    words = ["check", "genesis", "--mock", "--profile", "quick", "--only", "genesis.id.*"]
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(place), *words],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "genesis: kept" in done.stdout


def test_a_mock_starts_without_what_only_the_checker_needs():
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] in {'hypothesis', 'schemathesis', 'httpx', 'contracts'}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from counterfoil.cli import serve, apis, faults\n"
        "from counterfoil import wiring\n"
        "wiring.mocks(['bedrock']).app.test_client().get('/health')\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_command_of_the_checker_says_what_to_install_where_it_is_missing():
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] in {'hypothesis', 'schemathesis', 'httpx'}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "sys.argv = ['counterfoil', 'check', 'genesis', '--mock']\n"
        "from counterfoil.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "pip install 'counterfoil[check]'" in done.stderr


def test_every_dependency_says_its_job():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for line in text.splitlines():
        if line.startswith('  "') and ("==" in line or ">=" in line):
            assert "# " in line, line


def test_the_lock_has_a_hash_for_everything_and_names_no_host():
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pinned = [line for line in lock.splitlines() if line[:1].isalpha()]
    assert all("==" in line for line in pinned) and len(pinned) > 40
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock and "--index-url" not in lock
    locked = {line.partition("==")[0] for line in pinned}
    extras = PROJECT["optional-dependencies"]
    for wanted in [*PROJECT["dependencies"], *extras["check"], *extras["dev"]]:
        name = wanted.partition(">")[0].partition("=")[0].partition("[")[0].strip().lower()
        assert name in locked or name == "counterfoil"

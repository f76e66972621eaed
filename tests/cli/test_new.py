"""APIs that `counterfoil new` writes, and those that others declare, in this process."""

import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil import catalogue
from counterfoil.catalogue import Catalogue
from counterfoil.scaffold import LONGEST, scaffold
from mockserver.faults import UnknownName, find_api

MOCK = """
from mockserver.apis.chatbot import Emulator as Chatbot

class Emulator(Chatbot):
    name = "{name}"
"""


@pytest.fixture
def declare(tmp_path, monkeypatch):
    """Installs a package that declares the mock of an API, as an installer would."""
    monkeypatch.syspath_prepend(tmp_path / "site")

    def install(api: str, module: str, code: str | None = None, group: str = "mocks") -> str:
        package = f"{module.replace('_', '-')}-of-others"
        info = tmp_path / "site" / f"{package.replace('-', '_')}-1.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[counterfoil.{group}]\n{api} = {module}\n")
        if code is not None:
            (tmp_path / "site" / f"{module}.py").write_text(code)
        # What was read of the same path before is not looked at again.
        monkeypatch.setattr(sys, "path", [*sys.path, str(info)])
        return f"the package {package} 1.5"

    return install


def one_line(text: str) -> bool:
    return text.startswith("counterfoil: ") and text.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "why", "right"),
    [
        ("json", "a module of Python's own", "json_api"),
        ("class", "a word of Python's own", "class_api"),
        ("match", "a word of Python's own", "match_api"),
        ("bedrock", "there is an API of that name already", "bedrock_api"),
        ("all", "means something else", "all_api"),
        ("My Bot", "a lower-case letter", "my_bot"),
        ("9lives", "a lower-case letter", "lives"),
        ("a__b", "a lower-case letter", "a_b"),
        ("../up", "a lower-case letter", "up"),
        ("ü", "a lower-case letter", "my_api"),
        ("x" * (LONGEST + 1), f"at most {LONGEST}", "x" * (LONGEST - 4)),
    ],
)
def test_a_bad_name_gets_one_line_with_what_would_be_right(counterfoil, tmp_path, name, why, right):
    done = counterfoil("new", "--", name)
    assert done.code == 2 and one_line(done.err)
    assert f"{name!r} cannot be the name of an API" in done.err
    assert why in done.err and done.err.endswith(f"; {right} would do\n")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_and_nothing_begun(counterfoil, tmp_path):
    (tmp_path / "kept" / "tests").mkdir(parents=True)
    (tmp_path / "kept/tests/test_kept.py").write_text("mine")
    done = counterfoil("new", "kept")
    assert done.code == 2 and one_line(done.err)
    assert "kept/tests/test_kept.py is there already" in done.err
    assert [path.name for path in (tmp_path / "kept").rglob("*")] == ["tests", "test_kept.py"]
    assert (tmp_path / "kept/tests/test_kept.py").read_text() == "mine"


def test_what_cannot_be_written_is_said(counterfoil, tmp_path):
    (tmp_path / "file").write_text("")
    done = counterfoil("new", "fifth", "--into", "file/below")
    assert done.code == 2 and one_line(done.err) and "file" in done.err


def test_a_folder_that_holds_something_else_may_become_a_project(counterfoil, tmp_path):
    (tmp_path / "LICENSE").write_text("mine")
    done = counterfoil("new", "fifth", "--into", ".")
    assert done.code == 0 and "cd " not in done.out
    assert (tmp_path / "pyproject.toml").is_file()


def test_a_checkout_gets_three_folders_and_a_test(tmp_path):
    for half in ("contracts", "mockserver"):
        (tmp_path / half / "apis").mkdir(parents=True)
        (tmp_path / half / "apis/__init__.py").touch()
    made = scaffold("fifth", tmp_path)
    places = {path.parent.as_posix() for path in made.files}
    assert made.in_checkout
    assert places == {"contracts/apis/fifth", "mockserver/apis/fifth", "fixtures/fifth", "tests"}


def test_what_is_written_is_in_the_house_style_however_short_or_long_the_name(tmp_path):
    for name in ("a", "o" * LONGEST):
        made = scaffold(name, tmp_path / name)
        made.write()
        assert not any("{{" in text or "{%" in text for text in made.files.values())
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "."], cwd=tmp_path, capture_output=True
        )
        assert done.returncode == 0, done.stdout.decode()


def test_a_project_is_found_in_its_folder_and_by_the_path(counterfoil, tmp_path, monkeypatch):
    assert counterfoil("new", "standing_here").code == 0
    assert "standing_here" not in counterfoil("apis").out
    monkeypatch.chdir(tmp_path / "standing_here" / "tests")
    assert "standing_here  Standing here\n  POST  /ask  ask\n" in counterfoil("apis").out
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COUNTERFOIL_PATH", str(tmp_path / "standing_here"))
    assert "standing_here.ask.question_trimmed" in counterfoil("faults", "standing_here").out
    assert "standing_here.ask.question_repeated" in counterfoil("clauses", "standing_here").out


def test_a_folder_below_src_is_found_too_and_more_folders_by_argument(counterfoil, tmp_path):
    assert counterfoil("new", "below_src").code == 0
    project = tmp_path / "below_src"
    (project / "src").mkdir()
    (project / "counterfoil_below_src").rename(project / "src/counterfoil_below_src")
    known = catalogue.here([project])
    assert known.mock("below_src").title == "Below src"
    assert known.contract("below_src").document.parent.parent.parent == project / "src"
    assert known.fixtures("below_src") == project / "src/counterfoil_below_src/fixtures"


def test_an_api_that_is_installed_is_like_ours(declare):
    declare("parrot", "parrot_mock", MOCK.format(name="parrot"))
    known = catalogue.here()
    assert issubclass(known.mock("parrot"), find_api("chatbot"))
    assert "parrot" in known.mock_names() and "parrot" not in known.contract_names()


@pytest.mark.parametrize(
    ("module", "code", "said"),
    [
        ("cracked_mock", "import nothing_like_it", "ModuleNotFoundError: No module named 'nothing"),
        ("garbled_mock", "def (", "SyntaxError: "),
        ("quitting_mock", "raise RuntimeError('one\\ntwo')", "RuntimeError: one\n"),
        ("missing_mock", None, "ModuleNotFoundError: No module named 'missing_mock'"),
        ("hollow_mock", "", "hollow_mock has no Emulator that is a mockserver.model.Api"),
        ("strange_mock", MOCK.format(name="other"), "strange_mock is the mock of 'other'"),
    ],
)
def test_a_broken_api_of_others_is_one_line_and_the_rest_works(
    counterfoil, declare, module, code, said
):
    who = declare("brittle", module, code)
    done = counterfoil("apis")
    assert done.code == 0 and "bedrock" in done.out and "brittle" not in done.out
    assert one_line(done.err) and f"brittle (of {who}): " in done.err and said in done.err
    done = counterfoil("faults", "brittle")
    assert done.code == 2 and one_line(done.err) and who in done.err and said in done.err


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "hollow_contract has no CONTRACT that is a contracts.model.Contract"),
        ("from contracts.apis.chatbot import CONTRACT", "is the contract of 'chatbot', not of"),
        (
            "from dataclasses import replace\nfrom contracts.apis.chatbot import CONTRACT as one\n"
            "CONTRACT = replace(one, name='torn', clauses=())",
            "promises nothing",
        ),
        (
            "from dataclasses import replace\nfrom contracts.apis.chatbot import CONTRACT as one\n"
            "CONTRACT = replace(one, name='torn')",
            "should be called torn.…",
        ),
    ],
)
def test_what_is_no_contract_is_one_line(counterfoil, declare, monkeypatch, code, said):
    monkeypatch.delitem(sys.modules, "hollow_contract", raising=False)
    who = declare("torn", "hollow_contract", code, group="contracts")
    for words in (["check", "torn", "--url", "http://127.0.0.1:1"], ["clauses", "torn"]):
        done = counterfoil(*words)
        assert done.code == 2 and one_line(done.err)
        assert f"torn (of {who}): " in done.err and said in done.err
    done = counterfoil("clauses")
    assert done.code == 0 and "chatbot: " in done.out and one_line(done.err) and said in done.err


def test_a_name_that_is_taken_twice_is_said(counterfoil, declare):
    who = [declare("twin", f"twin_{nth}", MOCK.format(name="twin")) for nth in ("one", "two")]
    for words in (["apis"], ["faults", "twin"]):
        done = counterfoil(*words)
        assert one_line(done.err) and "twin is declared by " in done.err
        assert all(one in done.err for one in who)
        assert done.code == (0 if words == ["apis"] else 2)


@pytest.mark.parametrize("name", ["My-Bot", "a.b", "_a"])
def test_a_name_that_no_api_can_have_is_said(counterfoil, declare, name):
    who = declare(name, "oddly_named", MOCK.format(name=name))
    done = counterfoil("apis")
    assert done.code == 0 and one_line(done.err)
    assert f"{who} declares {name!r}, which cannot be the name of an API" in done.err


def test_half_an_api_is_not_called_unknown(counterfoil, declare):
    declare("half", "half_mock", MOCK.format(name="half"))
    assert counterfoil("check", "half", "--mock").err == (
        "counterfoil: half has a mock and no contract\n"
    )
    contract = (
        "from dataclasses import replace\nfrom contracts.apis.chatbot import CONTRACT as one\n"
        "first = replace(one.clauses[0], id='other_half.envelope.code')\n"
        "CONTRACT = replace(one, name='other_half', clauses=(first,))"
    )
    declare("other_half", "other_half_contract", contract, group="contracts")
    for words in (["faults", "other_half"], ["check", "other_half", "--mock"]):
        done = counterfoil(*words)
        assert done.err == "counterfoil: other_half has a contract and no mock\n"


def test_a_name_of_ours_stays_ours_and_that_is_said(counterfoil, declare):
    who = declare("bedrock", "bedrock_of_others", MOCK.format(name="bedrock"))
    done = counterfoil("apis")
    assert one_line(done.err)
    assert f"{who} declares bedrock, which is an API of Counterfoil's own" in done.err
    assert done.out.count("bedrock  ") == 1
    assert catalogue.here().mock("bedrock") is find_api("bedrock")


def test_a_folder_that_declares_nothing_is_said(counterfoil, tmp_path, monkeypatch):
    monkeypatch.setenv("COUNTERFOIL_PATH", str(tmp_path))
    done = counterfoil("apis")
    assert done.code == 0 and one_line(done.err) and str(tmp_path) in done.err
    done = counterfoil("variants", "nobody")
    assert done.code == 2 and one_line(done.err) and str(tmp_path) in done.err


@pytest.mark.parametrize(
    "text",
    [
        "counterfoil. = [",
        "project = 'counterfoil.'",
        '[project]\nentry-points = "counterfoil."',
        '[project.entry-points]\n"counterfoil.mocks" = 5',
    ],
)
def test_a_project_whose_declarations_cannot_be_read_is_in_nobodys_way(counterfoil, tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    done = counterfoil("apis")
    assert done.code == 0 and done.err == ""


def test_what_is_installed_from_a_folder_is_declared_once(declare, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project.entry-points."counterfoil.mocks"]\nonce = "once_mock"\n'
    )
    declare("once", "once_mock")
    (project / "once_mock.py").write_text(MOCK.format(name="once"))
    assert Catalogue((project,)).mock("once").name == "once"


def test_an_unknown_api_is_told_the_nearest_of_all(declare):
    declare("cockatoo", "cockatoo_mock", MOCK.format(name="cockatoo"))
    with pytest.raises(UnknownName, match=r"unknown API 'cockato'; did you mean cockatoo\?"):
        catalogue.here().mock("cockato")


def test_a_package_is_imported_from_its_folder_alone(tmp_path, monkeypatch):
    project = tmp_path / "project"
    (project / "lonely_package").mkdir(parents=True)
    (project / "lonely_package/__init__.py").write_text(MOCK.format(name="lonely"))
    (project / "stray.py").touch()
    (project / "pyproject.toml").write_text(
        '[project.entry-points."counterfoil.mocks"]\nlonely = "lonely_package"\n'
    )
    before = list(sys.path)
    found = Catalogue((project,)).mock("lonely")
    assert Path(sys.modules[found.__module__].__file__).parent == project / "lonely_package"
    assert sys.path == before

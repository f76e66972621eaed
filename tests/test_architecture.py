import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("counterfoil", "mockserver", "contracts")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
SHARED = [path for path in SOURCES if "apis" not in path.relative_to(ROOT).parts[1:-1]]
APIS = sorted(path.name for path in (ROOT / "fixtures").iterdir() if path.is_dir())


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> set[str]:
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def reaches(path: Path, package: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for name in imported(path))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_the_two_halves_do_not_know_each_other_nor_the_front_door(path):
    package = path.relative_to(ROOT).parts[0]
    strangers = {
        "mockserver": ("contracts", "counterfoil"),
        "contracts": ("mockserver", "counterfoil"),
        "counterfoil": (),
    }[package]
    assert [stranger for stranger in strangers if reaches(path, stranger)] == []


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_an_api_does_not_know_another_api(path):
    parts = path.relative_to(ROOT).parts
    if len(parts) > 2 and parts[1] == "apis" and parts[2] in APIS:
        others = [f"{parts[0]}.apis.{api}" for api in APIS if api != parts[2]]
        assert [other for other in others if reaches(path, other)] == []


@pytest.mark.parametrize("path", SHARED, ids=named)
def test_shared_code_names_no_api(path):
    text = path.read_text("utf-8")
    assert [api for api in APIS if re.search(rf"\b{api}\b", text, re.IGNORECASE)] == []


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_only_one_module_knows_schemathesis(path):
    if named(path) != "contracts/openapi.py":
        assert not reaches(path, "schemathesis")


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_modules_and_functions_stay_small(path):
    text = path.read_text("utf-8")
    long = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            if length > 45:
                long.append(f"{node.name}: {length} lines")
    assert long == []
    assert text.count("\n") <= 400


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_modules_hold_no_state_that_changes(path):
    changing = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    if path.name == "__init__.py" and path.parent == ROOT / "contracts/report":
        return
    for node in ast.parse(path.read_text("utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(node.value, changing):
                # A name in capitals, or private, is a table that is read and never written.
                assert target.id.isupper() or target.id.startswith("_"), target.id
    text = path.read_text("utf-8")
    assert not re.search(r"^\s+global ", text, re.MULTILINE)


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_module_has_a_name_that_says_nothing(path):
    assert path.stem not in {
        "util",
        "utils",
        "helper",
        "helpers",
        "common",
        "base",
        "misc",
        "manager",
    }


def test_the_three_lists_of_names_agree():
    def folders(where: str) -> list[str]:
        return sorted(
            path.name
            for path in (ROOT / where).iterdir()
            if path.is_dir() and path.name[0] not in "_."
        )

    assert folders("contracts/apis") == folders("mockserver/apis") == folders("fixtures") == APIS


@pytest.mark.parametrize("api", APIS)
def test_both_halves_speak_of_the_same_operations_and_credentials(api):
    import contracts
    from contracts.apis import load
    from mockserver.faults import find_api

    contract, emulator = load(api), find_api(api)
    document = contract.document.read_text("utf-8")
    assert api in contracts.names()
    for operation in emulator.operations:
        assert f"operationId: {operation.name}\n" in document
    ours = {credential.name for credential in contract.credentials}
    known = set(emulator.identities[0]) | emulator.optional_credentials
    assert ours == known | {f"other_{name}" for name in known}


@pytest.mark.parametrize("api", APIS)
def test_every_api_folder_of_the_contracts_has_the_same_files(api):
    folder = ROOT / "contracts/apis" / api
    for name in ("__init__.py", "openapi.yaml", "driver.py", "requests.py"):
        assert (folder / name).is_file()
    assert (folder / "clauses.py").is_file() or (folder / "clauses" / "__init__.py").is_file()


def test_no_file_holds_a_path_of_a_machine_or_a_host_of_a_registry():
    own = {str(ROOT.parent) + "/", str(Path.home()) + "/", sys.prefix + "/"} - {"//", "/"}
    hosts = ("pypi.org", "pythonhosted.org", "registry.npmjs.org", "deb.debian.org")
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in parts)
        if not path.is_file() or hidden or parts[0] in ("report", "build", "dist"):
            continue
        if path.suffix in {".py", ".md", ".toml", ".lock", ".yaml", ".har", ""}:
            text = path.read_text("utf-8", errors="ignore")
            found = [word for word in own if word in text]
            if path.name != Path(__file__).name:
                found += [host for host in hosts if host in text]
            assert found == [], path

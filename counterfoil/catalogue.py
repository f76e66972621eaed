"""Which APIs there are: ours, and those that installed packages and folders declare.

A package declares its half, or both, by entry points: in the groups `counterfoil.contracts` and
`counterfoil.mocks` each is NAME = "package.module". A folder need not be installed: its
pyproject.toml says the same.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from mockserver import faults
from mockserver.faults import Impossible, UnknownName
from mockserver.model import Api

if TYPE_CHECKING:
    from contracts.model import Contract

Half = Literal["contracts", "mocks"]
HALVES: tuple[Half, ...] = ("contracts", "mocks")

VARIABLE = "COUNTERFOIL_PATH"
"""Folders of projects that declare APIs and are not installed, separated as in PATH."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A module that is said to hold one half of an API, and by whom: a package or a folder."""

    api: str
    module: str
    by: str
    folder: Path | None = None


Declarations = Mapping[str, tuple[Declared, ...]]
"""What is declared, by the name of the API; more than one is one too many."""

Tell = Callable[[str], None]


def _tell(problem: str) -> None:
    print(f"counterfoil: {problem}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Our APIs and those of others, in `folders` or installed; modules are imported when asked for.

    What is wrong with one API is told where all are asked for, and raised where it alone is.
    """

    folders: tuple[Path, ...] = ()

    def mock_names(self, tell: Tell = _tell) -> list[str]:
        """Return the APIs that have a mock; those that cannot be used are told instead."""
        return sorted([*faults.names(), *self._usable("mocks", self.mock, tell)])

    def contract_names(self, tell: Tell = _tell) -> list[str]:
        """Return the APIs that have a contract; those that cannot be used are told instead."""
        import contracts

        return sorted([*contracts.names(), *self._usable("contracts", self.contract, tell)])

    def taken(self) -> set[str]:
        """Return the names of all APIs that there are or should be, whether they can be used."""
        declared = (self._declared(half) for half in HALVES)
        return {*faults.names(), *(name for names in declared for name in names)}

    def mock(self, name: str) -> type[Api]:
        """Return the emulator of an API; raises UnknownName."""
        if name in faults.names():
            return faults.find_api(name)
        declared = self._declared("mocks")
        if name in declared:
            one = _only(declared[name])
        elif name in self._declared("contracts"):
            raise Impossible(f"{name} has a contract and no mock")
        else:
            unknown = UnknownName("API", name, {*faults.names(), *declared})
            raise Impossible("; ".join([str(unknown), *self._unusable()]))
        module = _imported(one)
        try:
            return faults.emulator_in(module, name)
        except ValueError as problem:
            raise Impossible(f"{name} (of {one.by}): {problem}") from problem

    def contract(self, name: str) -> Contract:
        """Return the contract of an API; raises ContractError."""
        import contracts
        from contracts.model import ContractError

        if name in contracts.names():
            return contracts.load(name)
        declared = self._declared("contracts")
        if name in self._declared("mocks") and name not in declared:
            raise ContractError(f"{name} has a mock and no contract")
        if name not in declared:
            unknown = contracts.unknown(name, {*contracts.names(), *declared})
            raise ContractError("; ".join([str(unknown), *self._unusable()]))
        try:
            one = _only(declared[name])
            module = _imported(one)
        except Impossible as problem:
            raise ContractError(str(problem)) from problem
        try:
            return contracts.contract_in(module, name)
        except ValueError as problem:
            raise ContractError(f"{name} (of {one.by}): {problem}") from problem

    def fixtures(self, name: str) -> Path:
        """Return the folder of an API's fixtures: for one of others, in or beside its package.

        Raises UnknownName.
        """
        if name in faults.names():
            return ours() / name
        package = sys.modules[faults.package_of(self.mock(name))]
        folder = Path(str(package.__file__)).parent
        within = folder / "fixtures"
        return within if within.is_dir() else folder.parent / "fixtures"

    def _usable(self, half: Half, find: Callable[[str], object], tell: Tell) -> Iterator[str]:
        for problem in self._unusable():
            tell(problem)
        for name, declared in self._declared(half).items():
            if name in _ours(half):
                tell(f"{declared[0].by} declares {name}, which is an API of Counterfoil's own")
                continue
            try:
                find(name)
            except Exception as problem:  # UnknownName, or what a mock's user may not have
                tell(str(problem))
            else:
                yield name

    def _declared(self, half: Half) -> Declarations:
        found: dict[str, list[Declared]] = {}
        for one in (*_in_folders(self.folders, half), *_installed(tuple(sys.path), half)):
            same = [known for known in found.get(one.api, []) if known.module == one.module]
            if not same:  # what stands in a folder may be installed from there
                found.setdefault(one.api, []).append(one)
        return {name: tuple(declared) for name, declared in sorted(found.items())}

    def _unusable(self) -> list[str]:
        return [
            f"{folder}: no pyproject.toml there declares an API under counterfoil.mocks or "
            f"counterfoil.contracts ({VARIABLE} names the folder)"
            for folder in self.folders
            if not any(_declarations(folder).values())
        ]


def here(folders: Iterable[Path] = ()) -> Catalogue:
    """Return the catalogue as the environment has it, with what more `folders` declare.

    The environment is what is installed, COUNTERFOIL_PATH, and the project around this directory:
    like pytest, we run the code of the project that we are called in.
    """
    named = [Path(text) for text in os.environ.get(VARIABLE, "").split(os.pathsep) if text]
    around = _project_around()
    found = [folder.absolute() for folder in (*folders, *named, *around)]
    return Catalogue(tuple(dict.fromkeys(found)))


def ours() -> Path:
    """Return the folder with a folder of fixtures for each of our APIs: in the wheel, or here."""
    packed = Path(__file__).parent / "fixtures"
    return packed if packed.is_dir() else Path(__file__).parent.parent / "fixtures"


def _only(declared: tuple[Declared, ...]) -> Declared:
    """Return what is declared under a name; raises Impossible for two, and for no name."""
    first, *others = declared
    if others:
        who = " and by ".join(one.by for one in declared)
        raise Impossible(f"{first.api} is declared by {who}: one of them has to go")
    if not re.fullmatch("[a-z][a-z0-9_]*", first.api):
        raise Impossible(
            f"{first.by} declares {first.api!r}, which cannot be the name of an API: "
            "it is a lower-case letter, then letters, digits and underscores"
        )
    return first


def _ours(half: Half) -> list[str]:
    if half == "mocks":
        return faults.names()
    import contracts

    return contracts.names()


def _project_around() -> list[Path]:
    """Return the project that we are called in, if it declares an API."""
    try:
        folder = Path.cwd()
    except OSError:  # it is gone
        return []
    upward = (one for one in (folder, *folder.parents) if (one / "pyproject.toml").is_file())
    return [one for one in [*upward][:1] if any(_declarations(one).values())]


@lru_cache(8)
def _installed(path: tuple[str, ...], half: Half) -> tuple[Declared, ...]:
    """Return what the packages on sys.path declare; the same path is not looked through twice."""
    return tuple(
        Declared(one.name, one.value, f"the package {one.dist.name} {one.dist.version}")
        for one in entry_points(group=f"counterfoil.{half}")
        if one.dist
    )


def _in_folders(folders: Iterable[Path], half: Half) -> Iterator[Declared]:
    for folder in folders:
        for name, module in _declarations(folder).get(f"counterfoil.{half}", {}).items():
            yield Declared(name, module, str(folder), folder)


def _declarations(folder: Path) -> dict[str, dict[str, str]]:
    """Return our groups of entry points in a folder's pyproject.toml, as far as it can be read."""
    try:
        text = (folder / "pyproject.toml").read_text("utf-8")
        if "counterfoil." not in text:
            return {}
        groups = tomllib.loads(text).get("project", {}).get("entry-points", {})
        found = {group: groups.get(group, {}) for group in map("counterfoil.{}".format, HALVES)}
        return {group: dict(table) for group, table in found.items()}
    except (
        OSError,
        ValueError,
        TypeError,
        AttributeError,
    ):  # it is for others to say what is amiss
        return {}


def _imported(one: Declared) -> ModuleType:
    """Return the module; raises Impossible with a line that names who declares it."""
    try:
        if one.folder:
            _import_from(one.folder, one.module.partition(".")[0])
        return importlib.import_module(one.module)
    except Exception as problem:  # whatever the code of others does when it is run
        said = str(problem).splitlines()
        raise Impossible(
            f"{one.api} (of {one.by}): {one.module} cannot be imported: "
            f"{type(problem).__name__}: {said[0] if said else ''}"
        ) from problem


def _import_from(folder: Path, package: str) -> None:
    """Import a package that is in a folder, or in its `src`; nothing else there can be imported."""
    if package in sys.modules:
        return
    spec = PathFinder.find_spec(package, [str(folder), str(folder / "src")])
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"there is no package {package} in {folder}", name=package)
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[package]
        raise

"""The beginning of an API: a contract, a mock, fixtures and a test, from our templates."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

PROJECT = {
    "project/pyproject.toml": "pyproject.toml",
    "project/README.md": "README.md",
    "project/__init__.py": "{package}/__init__.py",
    "contract": "{package}/contract",
    "mock": "{package}/mock",
    "fixtures": "{package}/fixtures",
    "test.py": "tests/test_{name}.py",
}
CHECKOUT = {
    "contract": "contracts/apis/{name}",
    "mock": "mockserver/apis/{name}",
    "fixtures": "fixtures/{name}",
    "test.py": "tests/test_{name}.py",
}
"""Where the files of each template, or of a folder of them, go."""

LONGEST = 20
"""Letters of a name; ids, lines of code and columns of lists are made of it."""


class CannotWrite(Exception):
    """It cannot be called so, or would overwrite something; says what would be right."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The files of a new API by where they go, below `folder`."""

    folder: Path
    files: Mapping[Path, str]
    in_checkout: bool

    def write(self) -> None:
        """Write every file, or none where one is there already; raises CannotWrite."""
        there = sorted({path for path in self._places() if path.exists() or path.is_symlink()})
        if there:
            raise CannotWrite(f"{there[0]} is there already, and nothing is overwritten")
        try:
            for path, text in self.files.items():
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                with (self.folder / path).open("x", encoding="utf-8") as file:
                    file.write(text)
        except OSError as problem:
            raise CannotWrite(f"{problem.filename}: {problem.strerror}") from problem

    def _places(self) -> Iterator[Path]:
        for path in self.files:
            yield self.folder / path
            if path.parent.name != "tests" and path.parent != Path():
                yield self.folder / path.parent


def scaffold(name: str, folder: Path) -> Scaffold:
    """Return what belongs to a new API: within a checkout of Counterfoil, else a project."""
    checkout = is_checkout(folder)
    package = f"counterfoil_{name}"
    values = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "class": "".join(word.capitalize() for word in name.split("_")),
        "package": package,
        "distribution": package.replace("_", "-"),
        "outside": not checkout,
        "contracts": ".." if checkout else "contracts",
        "gap": "" if checkout else "\n",
    }
    templates = Path(__file__).parent / "templates"
    render = Environment(
        loader=FileSystemLoader(templates), undefined=StrictUndefined, keep_trailing_newline=True
    )
    files = {}
    for source, goal in (CHECKOUT if checkout else PROJECT).items():
        place = Path(goal.format(name=name, package=package))
        for template in _templates(templates, source):
            path = place if template.parent == Path(source).parent else place / template.stem
            files[path] = render.get_template(template.as_posix()).render(values)
    return Scaffold(folder, files, checkout)


def _templates(folder: Path, source: str) -> list[Path]:
    """Return the templates that a source names, as they are called below the folder."""
    found = sorted((folder / source).glob("*.j2")) or [folder / f"{source}.j2"]
    return [path.relative_to(folder) for path in found]


def is_checkout(folder: Path) -> bool:
    """Say whether a folder is a checkout of Counterfoil, which holds its APIs itself."""
    return all((folder / half / "apis" / "__init__.py").is_file() for half in HALVES)


HALVES = ("contracts", "mockserver")


def check_name(name: str, taken: Collection[str]) -> None:
    """Raise CannotWrite for what cannot be the name of a new API."""
    if why := _why_not(name, taken):
        likely = next((one for one in _likely(name) if not _why_not(one, taken)), "another one")
        raise CannotWrite(f"{name!r} cannot be the name of an API: {why}; {likely} would do")


def _why_not(name: str, taken: Collection[str]) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        return "a name is a lower-case letter, then letters, digits and single underscores"
    if len(name) > LONGEST:
        return f"a name has at most {LONGEST} letters"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "that is a word of Python's own"
    if name in sys.stdlib_module_names:
        return "that is a module of Python's own"
    if name in ("all", "counterfoil", *HALVES):
        return "that word means something else to the command line"
    return "there is an API of that name already" if name in taken else ""


def _likely(name: str) -> Iterator[str]:
    """Yield names that are like the one that was asked for."""
    words = "_".join(re.findall(r"[a-z0-9]+", name.lower()))
    plain = words.lstrip("0123456789_")[: LONGEST - 4].strip("_")
    if plain:
        yield from (plain, f"{plain}_api", f"my_{plain}")
    yield "my_api"

"""counterfoil.toml: which targets there are, with whose credentials, and how they are judged.

Nothing heavy is imported here: the shell asks for the names of targets while somebody types.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

FILE = "counterfoil.toml"

PROFILES = ("quick", "standard", "thorough")
"""The profiles that are there without a file."""

DOCUMENTS = (".yaml", ".yml", ".json")
"""Endings by which an API that is named is the path of its document."""

REPORTS = ("html", "json", "sarif", "txt", "xml")
"""Endings of reports."""


class ConfigurationError(Exception):
    """Something is wrong in the file; says where, and what would be right."""


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """One `[targets.NAME]`. `credentials` are names of variables; what is None was not said."""

    name: str
    where: str
    """The file and the table, for whoever finds a mistake later."""
    api: str = "all"
    url: str | None = None
    mock: bool = False
    credentials: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    seed: int | None = None
    only: tuple[str, ...] = ()
    max_calls: int | None = None
    max_time: float | None = None
    rate: float | None = None
    baseline: Path | None = None
    reports: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the file says; without a file, nothing."""

    path: Path | None = None
    targets: Mapping[str, TargetSettings] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    serve: Mapping[str, Any] = field(default_factory=dict)
    """Options of `counterfoil serve`, by their names with underscores."""

    @property
    def shown(self) -> str:
        """The path as the user would write it."""
        return _shown(self.path) if self.path else FILE


def find(start: Path) -> Path | None:
    """Return the file that is nearest: in a folder, or in one above it."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
    return None


def read(path: Path, apis: Collection[str]) -> Configuration:
    """Return what a file says; raises ConfigurationError. `apis` are names no target may have."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise ConfigurationError(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise ConfigurationError(f"{path} is not UTF-8") from problem
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise ConfigurationError(f"{path} is not TOML: {problem}") from problem
    root = _Table(data, _shown(path), "", path.parent, ("targets", "profiles", "serve"))
    profiles = {
        name: _profile(root.table("profiles", name, tuple(PROFILE)))
        for name in root.names("profiles")
    }
    targets = {
        name: _target(name, root.table("targets", name, TARGET), apis, (*PROFILES, *profiles))
        for name in root.names("targets")
    }
    served = _Table(root.data.get("serve", {}), root.file, "serve", path.parent, tuple(SERVE))
    return Configuration(path, targets, profiles, {n: SERVE[n](served, n) for n in served.data})


def _shown(path: Path) -> str:
    """Return a path as the user would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the file; knows where it stands. A key that is not `known` is refused."""

    data: Mapping[str, Any]
    file: str
    name: str
    folder: Path
    known: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.data, dict):
            raise ConfigurationError(f"{self.file}, {self.name}: this is a table, [{self.name}]")
        if self.known is None:
            return
        for key in self.data:
            if key not in self.known:
                self.refuse(key, f"unknown key; {nearest(key, self.known)}")

    def refuse(self, key: str, what: str) -> NoReturn:
        """Raise ConfigurationError that says where, and what."""
        raise ConfigurationError(f"{self.where(key)}: {what}")

    def where(self, key: str) -> str:
        """Return the place of a key."""
        inner = ".".join(part for part in (self.name, _quoted(key)) if part)
        return f"{self.file}, {inner}"

    def names(self, key: str) -> list[str]:
        """Return the names of the tables within a table."""
        return list(_Table(self.data.get(key, {}), self.file, key, self.folder).data)

    def table(self, key: str, name: str, known: tuple[str, ...] | None) -> _Table:
        """Return the table `key.name`."""
        within = f"{key}.{_quoted(name)}"
        return _Table(self.data[key][name], self.file, within, self.folder, known)

    def text(self, key: str) -> str:
        """Return a text that says something."""
        value = self.data[key]
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, f"a text is needed, not {_told(value)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return texts: a list, or one alone."""
        value = self.data[key]
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
            self.refuse(key, f"a list of texts is needed, not {_told(value)}")
        return tuple(found)

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self.data[key]
        if not isinstance(value, bool):
            self.refuse(key, f"true or false is needed, not {_told(value)}")
        return value

    def whole(self, key: str, least: int = 1) -> int:
        """Return a whole number."""
        value = self.data[key]
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.refuse(key, f"a whole number from {least} up is needed, not {_told(value)}")
        return value

    def number(self, key: str) -> float:
        """Return a number above 0."""
        value = self.data[key]
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or not 0 < value < math.inf:
            self.refuse(key, f"a number above 0 is needed, not {_told(value)}")
        return float(value)

    def path(self, key: str) -> Path:
        """Return a path; a relative one begins where the file is."""
        return self.folder / self.text(key)


def _told(value: object) -> str:
    return repr(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}"


def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'


def nearest(name: str, known: Collection[str]) -> str:
    """Return a hint for who gave a name that nothing has."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"


TARGET = (
    "api", "url", "mock", "credentials", "profile", "seed", "only", "max_calls", "max_time",
    "rate", "baseline", "reports",
)  # fmt: skip


def _target(
    name: str, table: _Table, apis: Collection[str], profiles: Collection[str]
) -> TargetSettings:
    _check_name(name, table, apis)
    found: dict[str, Any] = {key: TARGET_READERS[key](table, key) for key in table.data}
    if "api" not in found:
        raise ConfigurationError(
            f"{table.file}, {table.name}: say which API it speaks, as api = "
            f'"{min(apis, default="all")}" (or "all")'
        )
    if found.get("mock", False) == ("url" in found):
        raise ConfigurationError(
            f'{table.file}, {table.name}: say what is judged, either url = "https://…" '
            "or mock = true"
        )
    if found.get("profile", PROFILES[0]) not in profiles:
        table.refuse("profile", f"unknown {found['profile']!r}; "
                     f"{nearest(found['profile'], profiles)}")  # fmt: skip
    return TargetSettings(name, f"{table.file}, {table.name}", **found)


def _check_name(name: str, table: _Table, apis: Collection[str]) -> None:
    where = f"{table.file}, {table.name}"
    if name == "all" or name in apis:
        meant = "all APIs" if name == "all" else "the API of that name"
        raise ConfigurationError(f"{where}: `check {name}` is {meant}; call the target otherwise")
    if not re.fullmatch(r"\w[\w.-]*", name) or name.endswith(DOCUMENTS):
        raise ConfigurationError(
            f"{where}: a target's name has letters, digits, _, - and dots, "
            f"and no ending of a document ({', '.join(DOCUMENTS)})"
        )


def _url(table: _Table, key: str) -> str:
    """Return a base URL; what may hold a secret is not shown."""
    url = table.text(key)
    if not re.fullmatch(r"https?://[^\s@?#]+", url):
        table.refuse(
            key, "a base URL is written like https://host/path, without a user, a password or a ?"
        )
    return url


def _api(table: _Table, key: str) -> str:
    """Return the name of an API, or the path of its document."""
    api = table.text(key)
    return str(table.folder / api) if api.endswith(DOCUMENTS) else api


def _reports(table: _Table, key: str) -> tuple[Path, ...]:
    for name in table.texts(key):
        if Path(name).suffix.lstrip(".") not in REPORTS:
            endings = ", ".join(f".{ending}" for ending in REPORTS)
            table.refuse(key, f"{name}: a report ends in one of {endings}")
    return tuple(table.folder / name for name in table.texts(key))


def _credentials(table: _Table, key: str) -> dict[str, str]:
    """Return names of variables; those of one API may stand in a table of their own."""
    given = _Table(table.data[key], table.file, f"{table.name}.{key}", table.folder)
    flat: dict[str, Any] = {}
    for name, value in given.data.items():
        inner = value if isinstance(value, dict) else {"": value}
        flat |= {f"{name}.{one}".rstrip("."): variable for one, variable in inner.items()}
    for name, variable in flat.items():
        if not isinstance(variable, str) or not is_variable(variable):
            given.refuse(
                name,
                "this is not the name of an environment variable, in capitals like STAGING_API_KEY "
                "(not shown, as it may be a secret: a secret belongs into the variable)",
            )
    return flat


def is_variable(text: str) -> bool:
    """Say whether a text is a variable's name, and not a secret that has taken its place.

    Names are in capitals, and made of words: no word is long and full of digits.
    """
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", text) or len(text) > 100:
        return False
    return not any(
        len(word) >= 20 or (len(word) >= 10 and len(re.findall(r"\d", word)) >= 2)
        for word in text.split("_")
    )


Reader = Callable[[_Table, str], Any]

TARGET_READERS: Mapping[str, Reader] = {
    "api": _api,
    "url": _url,
    "mock": _Table.flag,
    "credentials": _credentials,
    "profile": _Table.text,
    "seed": lambda table, key: table.whole(key, 0),
    "only": _Table.texts,
    "max_calls": _Table.whole,
    "max_time": _Table.number,
    "rate": _Table.number,
    "baseline": _Table.path,
    "reports": _reports,
}

PROFILE: Mapping[str, Reader] = {
    "examples": _Table.whole,
    "steps": _Table.whole,
    "shrink_calls": lambda table, key: table.whole(key, 0),
}


def _profile(table: _Table) -> dict[str, int]:
    if table.name.removeprefix("profiles.") in PROFILES:
        raise ConfigurationError(
            f"{table.file}, {table.name}: this profile is built in; call yours otherwise"
        )
    return {key: PROFILE[key](table, key) for key in table.data}


def _state(table: _Table, key: str) -> str:
    state = table.text(key)
    if re.search(r"@|password", state):
        table.refuse(key, "a password does not belong into this file; give it as --state")
    kind, colon, path = state.partition(":")
    return f"{kind}{colon}{table.folder / path}" if kind == "sqlite" else state


def _scalar(table: _Table, key: str) -> str:
    """Return a text or a number, as it would stand on the command line."""
    value = table.data[key]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        table.refuse(key, f"a text or a number is needed, not {_told(value)}")
    return str(value)


SERVE: Mapping[str, Reader] = {
    "apis": _Table.texts,
    **dict.fromkeys(("port", "seed", "workers"), lambda table, key: table.whole(key, 0)),
    **dict.fromkeys(("host", "clock", "log"), _Table.text),
    **dict.fromkeys(
        ("reply_after", "chunk_delay", "chunk_size", "latency", "chunk_latency", "rate_limit"),
        _scalar,
    ),
    **dict.fromkeys(("fault", "variant", "chaos"), _Table.texts),
    **dict.fromkeys(
        ("recorded_times", "strict", "stateful", "tls", "log_requests", "no_auth"), _Table.flag
    ),
    "fixtures": _Table.path,
    "state": _state,
}

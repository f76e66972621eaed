"""Print the part of requirements.lock that is needed for less than everything.

    python ci/locked.py --extra redis --extra tls   what the project needs, with these extras
    python ci/locked.py hatchling                   what a package needs

The lock says of each package what it was taken for; hashes are kept. It runs before anything is
installed, so it needs Python alone.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent


def plain(requirement: str) -> str:
    """Return the name of a requirement as the lock writes it, without extras."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def entries(lock: str) -> dict[str, str]:
    """Return the lines of each package."""
    found: dict[str, str] = {}
    for entry in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE):
        if entry.strip() and not entry.startswith("#"):
            name = plain(entry)
            found[name] = found.get(name, "") + entry
    return found


def takers(entry: str) -> set[str]:
    """Return for what a package is in the lock."""
    said = entry.partition("# via")[2]
    return {plain(line.strip(" #")) for line in said.splitlines() if line.strip(" #")}


def needed(names: Iterable[str], lock: str) -> dict[str, str]:
    """Return the lines of these packages and of all that they need; KeyError for an unknown one."""
    known = entries(lock)
    for_whom = {name: takers(entry) for name, entry in known.items()}
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = known[name]
            waiting += [other for other, whom in for_whom.items() if name in whom]
    return dict(sorted(found.items()))


def roots(extras: Iterable[str]) -> list[str]:
    """Return what the project names, by itself and for extras; KeyError for an unknown extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][one] for one in extras)]
    return [plain(requirement) for one in lists for requirement in one]


def main() -> None:
    """Print the lines; exits with 2 and a sentence where a name is unknown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--extra", action="append", default=[])
    asked = parser.parse_args()
    try:
        names = [plain(one) for one in asked.packages] or roots(asked.extra)
        lock = (ROOT / "requirements.lock").read_text("utf-8")
        print("".join(needed(names, lock).values()), end="")
    except KeyError as unknown:
        print(f"neither the lock nor the project has {unknown.args[0]!r}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

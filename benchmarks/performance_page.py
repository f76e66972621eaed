"""What benchmarks measured: as lines for a terminal, and as sections of one page."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HEAD = """\
# Performance

Written by the benchmarks, section by section, not by hand: the command of each stands below its
heading. Only ratios that were measured side by side, in one run, outlast the machine; load and
server share its cores.
"""

BUSY = os.getloadavg()[0]
"""How many processes wanted a core before anything was measured; a quiet machine has none."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a head; all but the first column are figures."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Limit:
    """One figure, and what it has to be at least, or at most."""

    what: str
    value: float
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""

    @property
    def kept(self) -> bool:
        """Say whether it is within its bounds; what is no number is not."""
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    def row(self) -> tuple[str, str, str, str]:
        bound = (
            f"≥ {self.at_least:g}{self.unit}" if self.at_most is None
            else f"≤ {self.at_most:g}{self.unit}"
        )  # fmt: skip
        return self.what, figure(self.value) + self.unit, bound, "yes" if self.kept else "NO"


@dataclass(frozen=True, slots=True)
class Section:
    """What one benchmark has to say, in this order."""

    name: str
    title: str
    command: str
    about: str
    tables: Sequence[Table]
    limits: Sequence[Limit] = ()

    def parts(self) -> list[Table]:
        limits = [limit.row() for limit in self.limits]
        last = [Table(("what has to be reached", "measured", "bound", "reached"), limits)]
        return [*self.tables, *(last if limits else [])]


def figure(value: float) -> str:
    """Write a number with three digits that mean something."""
    if value != value or value in (float("inf"), float("-inf")):
        return "none"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def lines(section: Section) -> str:
    """Return the section for a terminal."""
    said = [section.title, section.about]
    for table in section.parts():
        cells = [table.head, *table.rows]
        widths = [max(len(row[place]) for row in cells) for place in range(len(table.head))]
        for row in cells:
            first, *others = (
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            said.append("  ".join([first, *others]).rstrip())
        said.append("")
    return "\n".join(said)


def markdown(section: Section) -> str:
    """Return the section for the page."""
    parts = [f"## {section.title}", f"`{section.command}`", section.about]
    for table in section.parts():
        rule = ["---", *("---:" for _ in table.head[1:])]
        rows = [table.head, rule, *table.rows]
        parts.append("\n".join("| " + " | ".join(cells) + " |" for cells in rows))
    return "\n\n".join(parts)


def with_section(page: str, section: Section) -> str:
    """Return the page with this section in the place of the one of its name, or at the end."""
    begins, ends = f"<!-- {section.name} -->", f"<!-- end of {section.name} -->"
    block = f"{begins}\n{markdown(section)}\n{ends}\n"
    page = page or HEAD
    found = re.compile(re.escape(begins) + ".*?" + re.escape(ends) + "\n", re.DOTALL)
    if found.search(page):
        return found.sub(lambda _: block, page)
    return page.rstrip("\n") + "\n\n" + block


def parser(name: str, about: str) -> argparse.ArgumentParser:
    """Return what reads the options of a benchmark; `--write` is one of each."""
    made = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=about)
    made.add_argument("--write", type=Path, metavar="FILE", help="put the section into this page")
    return made


def tell(section: Section, into: Path | None) -> None:
    """Print the section, and put it into the page; a limit that is missed makes the exit 1."""
    print(lines(section), flush=True)
    if into is not None:
        before = into.read_text("utf-8") if into.exists() else ""
        into.parent.mkdir(parents=True, exist_ok=True)
        into.write_text(with_section(before, section), "utf-8")
    if not all(limit.kept for limit in section.limits):
        raise SystemExit(1)


def machine() -> str:
    """Say on what and with which versions was measured."""
    named = ""
    if Path("/proc/cpuinfo").exists():
        text = Path("/proc/cpuinfo").read_text("utf-8")
        found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
        named = f" ({found[1]})" if found and found[1] != "unknown" else ""
    versions = ", ".join(
        f"{one} {version(one.lower())}" for one in ("httptools", "uvloop", "Flask")
    )
    python = platform.python_version()
    cores = f"{os.cpu_count()} cores{named}, load {BUSY:.1f} before it began"
    return f"{cores}, {sys.platform}, Python {python}, {versions}"

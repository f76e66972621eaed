"""What an audit measured: for a terminal, for the docs, for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from mockserver.variants import variants_of

from .. import catalogue
from .jobs import Matrix, Row
from .judgement import ALLOWANCE, unrelated
from .wire import FRAMINGS

BEGIN, END = "<!-- audit: begin -->", "<!-- audit: end -->"
"""Between these lines of a document stands the table that an audit wrote."""


UNTRIED = "–"


def summary(matrix: Matrix) -> str:
    """Return the detection rate by API and group, and the false alarms, for a terminal."""
    rows = [_HEAD, *_by_group(matrix)] if matrix.rows else []
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(len(_HEAD))]
    lines = [
        "  ".join(
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, *([""] if lines else []), *_totals(matrix)])


def by_api(matrix: Matrix) -> str:
    """Return the two figures of each API as a table in Markdown."""
    head = ["API", "clauses", "faults", "caught", "calls until caught", "honest servers",
            "runs", "false alarms"]  # fmt: skip
    return _table(head, [_api_line(matrix, api) for api in matrix.apis], 1) + "\n".join(
        ["", *_totals(matrix), ""]
    )


def by_group(matrix: Matrix) -> str:
    """Return the detection rate of each group of faults as a table in Markdown."""
    return _table(_HEAD, _by_group(matrix), 2)


def _table(head: list[str], rows: list[list[str]], words: int) -> str:
    lines = [head, [*["---"] * words, *["---:"] * (len(head) - words)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _api_line(matrix: Matrix, api: str) -> list[str]:
    rows = [row for row in matrix.rows if row.api == api]
    honest = [server for server in matrix.honest if server.api == api]
    return [
        api,
        str(len(catalogue.here().contract(api).clauses)),
        str(len(rows)),
        _rate(rows, matrix.seeds),
        f"{median(row.calls for row in rows):.0f}" if rows else UNTRIED,
        str(len({server.variant for server in honest})),
        str(len(honest)),
        str(sum(len(server.alarms) for server in honest)),
    ]


def matrix_page(matrix: Matrix) -> str:
    """Return the whole matrix as a page: the table, every fault, every clause, every variant."""
    by_clause: dict[str, list[str]] = {}
    for row in matrix.rows:
        for id in row.caught:
            by_clause.setdefault(id, []).append(row.fault)
    variants = list(dict.fromkeys(h.variant for h in matrix.honest if h.variant))
    return "\n".join(
        [
            "# What the suites catch",
            "",
            "Written by `counterfoil audit --report`, not by hand.",
            "",
            by_api(matrix),
            "## By group of faults",
            "",
            by_group(matrix),
            "## Every fault, and the clauses that catch it",
            "",
            "| fault | calls until caught | seconds | clauses |",
            "| --- | ---: | ---: | --- |",
            *(_fault_line(row) for row in matrix.rows),
            "",
            "## Every clause, and the faults that it catches",
            "",
            *(f"- `{id}`: {_codes(faults)}" for id, faults in sorted(by_clause.items())),
            "",
            "## Every honest variant, kept",
            "",
            *(f"- `{id}`: {_sentence(id)}" for id in variants),
            "",
        ]
    )


def _sentence(id: str) -> str:
    api, _, name = id.partition(".")
    if name in FRAMINGS:
        return FRAMINGS[name][0]
    change = variants_of(catalogue.here().mock(api))[id].variant
    return change.sentence if change else ""


def bites(matrix: Matrix) -> str:
    """Return in YAML, for each clause, the fault that breaks it and the fewest others."""
    best: dict[str, tuple[int, str]] = {}
    for row in matrix.rows:
        for id in row.caught:
            found = (len(row.caught), row.fault)
            best[id] = min(found, best.get(id, found))
    return "".join(f"{id}: {fault}\n" for id, (_, fault) in sorted(best.items()))


def as_json(matrix: Matrix) -> str:
    """Return what was measured as JSON: what catches each fault, and what each clause costs.

    The calls are those of the default server on seed 0, by profile and clause.
    """
    calls: dict[str, dict[str, int]] = {}
    honest: dict[str, list[str]] = {}
    for server in matrix.honest:
        honest.setdefault(server.variant or server.api, []).extend(server.alarms)
        if not server.variant and server.seed == 0:
            calls.setdefault(server.profile, {}).update(server.calls)
    measured = {
        "seeds": matrix.seeds,
        "faults": {
            row.fault: {
                "group": row.group,
                "caught_by": list(row.caught),
                "calls": row.calls,
                "seconds": round(row.seconds, 2),
                "missed": list(row.missed),
            }
            for row in matrix.rows
        },
        "honest": honest,
        "calls": calls,
    }
    return json.dumps(measured, indent=1, ensure_ascii=False) + "\n"


def write_between(path: Path, table: str) -> None:
    """Put a table between the two marks of a document; raises ValueError where it has none."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} has no place for it: write {BEGIN} and {END}, a line each")
    path.write_text(f"{before}{BEGIN}\n\n{table.rstrip()}\n\n{END}{after}", encoding="utf-8")


_HEAD = ["API", "faults", "number", "caught", "calls until caught", "seconds", "clauses that break"]


def _by_group(matrix: Matrix) -> list[list[str]]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in matrix.rows:
        groups.setdefault((row.api, row.group), []).append(row)
    return [_measured(api, group, rows, matrix.seeds) for (api, group), rows in groups.items()]


def _measured(api: str, group: str, rows: Sequence[Row], seeds: int) -> list[str]:
    return [
        api,
        group,
        str(len(rows)),
        _rate(rows, seeds),
        f"{median(row.calls for row in rows):.0f}",
        f"{median(row.seconds for row in rows):.2f}",
        f"{median(len(row.caught) for row in rows):.0f}",
    ]


def _rate(rows: Sequence[Row], seeds: int) -> str:
    chances = len(rows) * seeds
    if not chances:
        return UNTRIED
    return f"{100 * (chances - sum(len(row.missed) for row in rows)) / chances:.0f} %"


def _totals(matrix: Matrix) -> Iterable[str]:
    chances = len(matrix.rows) * matrix.seeds
    caught = chances - sum(len(row.missed) for row in matrix.rows)
    if chances:
        most = max(len(unrelated(row)) for row in matrix.rows)
        yield (
            f"Caught: {caught} of {chances} ({len(matrix.rows)} faults, each on {matrix.seeds} "
            f"seeds). A fault breaks at most {most} clauses on other subjects than its own; "
            f"{ALLOWANCE} are allowed."
        )
    if matrix.honest:
        servers = {(server.api, server.variant) for server in matrix.honest}
        alarms = sum(len(server.alarms) for server in matrix.honest)
        yield (
            f"False alarms: {alarms} in {len(matrix.honest)} runs of {len(servers)} honest "
            f"servers, {len(servers) - len(matrix.apis)} of them variants."
        )


def _fault_line(row: Row) -> str:
    return f"| `{row.fault}` | {row.calls} | {row.seconds:.2f} | {_codes(row.caught)} |"


def _codes(ids: Iterable[str]) -> str:
    return ", ".join(f"`{id}`" for id in ids)

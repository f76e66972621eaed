"""`counterfoil audit`: the detection rate, and the false alarms."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import click

import contracts
from contracts.model import ContractError
from contracts.runner import PROFILES

from ..audit import Row, audit
from . import EXIT_BROKEN, EXIT_KEPT


@click.command("audit")
@click.argument("apis", nargs=-1, metavar="[API…]")
@click.option("--profile", type=click.Choice(list(PROFILES)), default="standard", show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, metavar="N",
              help="Audit on seeds 0 to N-1.")  # fmt: skip
@click.option("--bites", type=click.Path(path_type=Path), metavar="FILE",
              help="Write for each clause a fault that breaks it and few others.")  # fmt: skip
def command(apis: tuple[str, ...], profile: str, seeds: int, bites: Path | None) -> None:
    """Try every fault of the mocks against the suite; fails for a miss or a false alarm."""
    chosen = list(apis) or contracts.names()
    try:
        promised = {c.id for name in chosen for c in contracts.load(name).clauses}
    except ContractError as problem:
        raise click.UsageError(str(problem)) from problem
    rows = list(audit(chosen, profile, range(seeds)))
    problems = _problems(rows, promised)
    click.echo(_table(rows))
    if bites is not None:
        bites.write_text(_bites(rows), encoding="utf-8")
    for line in problems:
        click.echo(line)
    sys.exit(EXIT_BROKEN if problems else EXIT_KEPT)


def _table(rows: list[Row]) -> str:
    caught: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row in rows:
        if row.fault:
            caught[row.api, row.group].append(bool(row.broken))
    lines = [f"{'API':9}{'group':12}{'faults':>8}{'caught':>8}"]
    for (api, group), found in caught.items():
        lines.append(f"{api:9}{group:12}{len(found):8}{sum(found):8}")
    every = [found for group in caught.values() for found in group]
    alarms = sum(len(row.broken) for row in rows if row.fault is None)
    lines.append(f"caught {sum(every)} of {len(every)}; false alarms {alarms}")
    return "\n".join(lines)


def _bites(rows: list[Row]) -> str:
    """Return a line a clause: the fault that breaks it and the fewest others, on every seed."""
    broken: dict[str, list[set[str]]] = defaultdict(list)
    for row in rows:
        if row.fault:
            broken[row.fault].append(set(row.broken))
    best: dict[str, tuple[int, str]] = {}
    for fault, seeds in broken.items():
        for id in set.intersection(*seeds):
            found = (len(seeds[0]), fault)
            best[id] = min(found, best.get(id, found))
    return "".join(f"{id}: {fault}\n" for id, (_, fault) in sorted(best.items()))


def _problems(rows: list[Row], promised: set[str]) -> list[str]:
    biting = {id for row in rows if row.fault for id in row.broken}
    found = [f"false alarm: {row.api}, seed {row.seed}: {', '.join(row.broken)}"
             for row in rows if row.fault is None and row.broken]  # fmt: skip
    found += [
        f"not judged: {row.api}: {row.trouble}" for row in rows if not row.fault and row.trouble
    ]
    found += [
        f"our mistake: {row.fault or row.api}: {', '.join(row.errors)}"
        for row in rows
        if row.errors
    ]
    found += [f"missed: {row.fault}, seed {row.seed} {row.trouble}".rstrip()
              for row in rows if row.fault and not row.broken]  # fmt: skip
    return found + [f"bites nothing: {id}" for id in sorted(promised - biting)]

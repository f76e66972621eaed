"""Pages of clauses and faults, made of the code and of what the last audit measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import contracts
from contracts.model import Clause, Contract
from counterfoil import wiring
from mockserver.faults import faults_of
from mockserver.variants import variants_of

from .markup import anchor, breakable, code, page, plain, table

BASES = {
    "documented": "the vendor's documents state it",
    "implied": "it follows from them",
    "observed": "it was only ever seen; it fails no run",
}


def promise_pages() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each page."""
    measured = wiring.measured()
    names = contracts.names()
    yield "promises/index.md", _overview(names, measured)
    for name in names:
        yield f"promises/{name}-clauses.md", _clauses(contracts.load(name), measured)
        yield f"promises/{name}-faults.md", _faults(name, measured)


def sums(contract: Contract, measured: dict[str, Any]) -> dict[str, int]:
    """Return the calls that all clauses of a contract make of an honest server, by profile."""
    return {
        profile: sum(counted.get(clause.id, 0) for clause in contract.clauses)
        for profile, counted in measured.get("calls", {}).items()
    }


def _overview(names: list[str], measured: dict[str, Any]) -> str:
    rows = []
    for name in names:
        contract = contracts.load(name)
        bases = Counter(str(clause.basis) for clause in contract.clauses)
        counts = [str(bases[basis]) for basis in BASES]
        made = [one for one in faults_of(name).values() if one.fault]
        rows.append((
            f"{name}: [clauses]({name}-clauses.md), [faults]({name}-faults.md)",
            str(len(contract.clauses)), *counts, str(len(made)),
            str(len(variants_of(name))),
        ))  # fmt: skip
    meanings = [(code(basis), plain(said)) for basis, said in BASES.items()]
    return page(
        "# Clauses and faults",
        "A *clause* is one promise: an id, a sentence, its source in the vendor's documents, and "
        "how sure that is (its *basis*). A *fault* is one named way for a mock to break; an honest "
        "*variant* differs where the documents leave room. Each fault is caught by a clause, and "
        "no variant is accused: [the audit](../audit.md) measures both.",
        table(("API", "clauses", *BASES, "faults", "variants"), rows, right=range(1, 7)),
        table(("basis", "meaning"), meanings),
        "In a terminal: `counterfoil clauses bedrock`, `counterfoil faults bedrock`, "
        "`counterfoil variants bedrock`, each with `--format json` for programs.",
    )


def _clauses(contract: Contract, measured: dict[str, Any]) -> str:
    caught: Counter[str] = Counter(
        id for row in measured.get("faults", {}).values() for id in row["caught_by"]
    )
    profiles = list(measured.get("calls", {}))
    costs = [
        f"{calls:,} calls in the profile {name}" for name, calls in sums(contract, measured).items()
    ]
    blocks = [
        f"# {contract.name}: clauses",
        f"{len(contract.clauses)} promises. Judging all of them at an honest server costs "
        f"{' and '.join(costs)}; the columns at the right say it of each. *Catches*: the faults "
        "that it catches, of those that mocks can be started with "
        f"([all of them]({contract.name}-faults.md)).",
    ]
    head = ("clause", "promise", "catches", *profiles)
    subjects = list(dict.fromkeys(map(_subject, contract.clauses)))
    in_order = sorted(contract.clauses, key=lambda clause: subjects.index(_subject(clause)))
    for subject, found in groupby(in_order, key=_subject):
        rows = [
            (_named(clause), _sentence(clause), str(caught[clause.id]),
             *(str(measured["calls"][one].get(clause.id, "")) for one in profiles))
            for clause in found
        ]  # fmt: skip
        blocks += [f"## {subject}", table(head, rows, right=range(2, len(head)))]
    return page(*blocks)


def _subject(clause: Clause) -> str:
    return clause.id.split(".")[1]


def _named(clause: Clause) -> str:
    return f"{anchor(clause.id)}<br>{clause.basis}"


def _sentence(clause: Clause) -> str:
    return f"{plain(clause.sentence)}<br><small>{plain(clause.source)}</small>"


def _faults(name: str, measured: dict[str, Any]) -> str:
    made = [one.fault for one in faults_of(name).values() if one.fault]
    caught = {id: row["caught_by"] for id, row in measured.get("faults", {}).items()}
    example = made[0].id
    blocks = [
        f"# {name}: faults and variants",
        f"{len(made)} ways to break. Start a mock with one, or let one request in four meet it:",
        f"```sh\ncounterfoil serve {name} --fault {example}\n"
        f"counterfoil serve {name} --fault {example}@0.25\n```",
    ]
    for group, found in groupby(sorted(made, key=lambda one: one.group), key=lambda one: one.group):
        rows = [
            (
                anchor(one.id),
                plain(one.sentence),
                _links(name, caught.get(one.id, [])),
            )
            for one in found
        ]
        blocks += [f"## {group.capitalize()}", table(("fault", "what breaks", "caught by"), rows)]
    others = [one.variant for one in variants_of(name).values() if one.variant]
    kept = [(anchor(one.id), plain(one.sentence)) for one in others]
    blocks += [
        "## Variants",
        f"{len(others)} honest servers; no clause is broken by any of them.",
        table(("variant", "how it differs"), kept),
    ]
    return page(*blocks)


def _links(name: str, clauses: list[str]) -> str:
    return "<br>".join(f"[{breakable(id)}]({name}-clauses.md#{id})" for id in clauses)

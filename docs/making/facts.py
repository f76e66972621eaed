"""What pages written by hand take from the code: tables, where a comment names one."""

from __future__ import annotations

import re
from collections.abc import Callable

import contracts
from contracts.model import Contract
from counterfoil import wiring
from mockserver.faults import apis, faults_of

from .markup import code, plain, table
from .promises import sums

WANTED = re.compile(r"<!-- (operations|credentials|promises|costs) -->")


def with_facts(text: str, api: str) -> str:
    """Return a page with the tables that it asks for; raises KeyError for an API there is not."""
    made: dict[str, Callable[[str], str]] = {
        "operations": _operations,
        "credentials": _credentials,
        "promises": _promises,
        "costs": lambda _: _costs(),
    }
    return WANTED.sub(lambda found: made[found[1]](api), text)


def _operations(api: str) -> str:
    rows = [(code(one.method), code(one.path), code(one.name)) for one in apis()[api].operations]
    return table(("method", "path", "operation"), rows)


def _credentials(api: str) -> str:
    own = wiring.all_credentials(api)
    rows = [
        (code(one.name), plain(one.about) + ("" if one.required else " (optional)"),
         code(own[one.name]) if one.name in own else "none",
         code(f"COUNTERFOIL_{api}_{one.name}".upper()))
        for one in contracts.load(api).credentials
    ]  # fmt: skip
    return table(("name", "what it is", "the mock's own", "variable"), rows)


def _promises(api: str) -> str:
    contract = contracts.load(api)
    faults = [one for one in faults_of(api).values() if one.fault]
    return (
        f"[{len(contract.clauses)} clauses](../promises/{api}-clauses.md) hold an endpoint to what "
        f"is promised; [{len(faults)} faults](../promises/{api}-faults.md) let the mock break."
    )


def _costs() -> str:
    measured = wiring.measured()
    profiles = list(measured.get("calls", {}))
    rows = [(name, *_row(contracts.load(name), profiles)) for name in contracts.names()]
    return table(("API", "clauses", *profiles), rows, right=range(1, 2 + len(profiles)))


def _row(contract: Contract, profiles: list[str]) -> tuple[str, ...]:
    spent = sums(contract, wiring.measured())
    return str(len(contract.clauses)), *(f"{spent[one]:,} calls" for one in profiles)

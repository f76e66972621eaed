"""One folder an API: its document, its driver, its requests and its clauses."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType

from ..model import Clause, Contract, ContractError


def names() -> list[str]:
    """Return the names of the APIs, as the folders here are called."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Contract:
    """Return the contract of an API; raises ContractError for an unknown one."""
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        raise ContractError(f"unknown API {name!r}; {hint}")
    contract: Contract = importlib.import_module(f"{__name__}.{name}").CONTRACT
    return contract


def clauses_in(*modules: ModuleType) -> tuple[Clause, ...]:
    """Return the clauses that the modules define, alone or in a list, in their order there."""
    found: list[Clause] = []
    for module in modules:
        for value in vars(module).values():
            found.extend(item for item in _items(value) if isinstance(item, Clause))
    ids = [clause.id for clause in found]
    if len(set(ids)) != len(ids):
        raise ValueError(f"two clauses share an id: {sorted(i for i in ids if ids.count(i) > 1)}")
    return tuple(found)


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else [value]

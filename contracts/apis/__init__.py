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
        raise unknown(name, known)
    return contract_in(importlib.import_module(f"{__name__}.{name}"), name)


def unknown(name: str, known: Iterable[str]) -> ContractError:
    """Return what is raised for an API that is not known; it says which name is nearest."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
    return ContractError(f"unknown API {name!r}; {hint}")


def contract_in(module: ModuleType, name: str) -> Contract:
    """Return the contract of an API that a module holds; raises ValueError where it holds none."""
    contract = getattr(module, "CONTRACT", None)
    if not isinstance(contract, Contract):
        raise ValueError(f"{module.__name__} has no CONTRACT that is a contracts.model.Contract")
    if contract.name != name:
        raise ValueError(f"{module.__name__} is the contract of {contract.name!r}, not of {name!r}")
    if not contract.clauses:
        raise ValueError(f"{module.__name__} promises nothing: there are no clauses")
    strange = [clause.id for clause in contract.clauses if not clause.id.startswith(f"{name}.")]
    if strange:
        raise ValueError(f"the clause {strange[0]} should be called {name}.…")
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

"""What is to be judged, how, and with whose credentials: the same for every way to ask for it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import contracts
from contracts import baseline
from contracts.documents import contract_of, is_path
from contracts.model import BaselineEntry, Contract, ContractError
from contracts.runner import PROFILES, Plan, choose
from contracts.target import Budget, Target
from mockserver.clock import VirtualClock

from . import wiring

MOCK_URL = "http://127.0.0.1:8600"
"""What --mock calls its target: where `counterfoil serve API` would be, so that curl finds it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a call of the command asks for."""

    url: str | None
    only: tuple[str, ...]
    profile: str
    seed: int
    budget: Budget
    given: Mapping[str, str]
    faults: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    every_operation: bool = False

    def command(self, api: str) -> str:
        """Return the command that checks one API again; secrets stay in their variables."""
        words = ["counterfoil", "check", api, *self._broken(api)]
        words += [word for pair in self.values.items() for word in ("--value", "=".join(pair))]
        words += ["--read-only"] * self.read_only + ["--every-operation"] * self.every_operation
        words += ["--url", self.url] if self.url else ["--mock"]
        return shlex.join([*words, "--profile", self.profile, "--seed", str(self.seed)])

    def serve(self, api: str) -> str:
        """Return the command that serves the mock that is judged, "" where it is no mock."""
        words = ["counterfoil", "serve", api, "--seed", str(self.seed), *self._broken(api)]
        return "" if self.url else shlex.join(words)

    def _broken(self, api: str) -> list[str]:
        own = [fault for fault in self.faults if fault.startswith(f"{api}.")]
        return [word for fault in own for word in ("--fault", fault)]


def contracts_of(api: str, order: Order | None = None) -> list[Contract]:
    """Return the contract of one API or document, or of `all`; raises ContractError."""
    if is_path(api):
        given = (order.values, order.read_only) if order else ({}, False)
        return [contract_of(Path(api), given[0], read_only=given[1])]
    if order and (order.values or order.read_only or order.every_operation):
        raise ContractError(
            "--value, --read-only and --every-operation go with an OpenAPI document, "
            "like openapi.yaml in the place of an API's name"
        )
    return [contracts.load(name) for name in (contracts.names() if api == "all" else [api])]


def plan_of(contract: Contract, order: Order, chosen: list[Contract]) -> Plan:
    """Return which of its clauses are judged, and how; raises ContractError for an idle pattern."""
    strange = [fault for fault in order.faults if not any(_is_of(fault, one) for one in chosen)]
    if strange:
        names = " or ".join(one.name for one in chosen)
        raise ContractError(
            f"{strange[0]!r} is no fault of {names}; `counterfoil faults` lists all"
        )
    everywhere = [clause for one in chosen for clause in one.clauses]
    wanted = set(choose(everywhere, order.only))
    return Plan(
        clauses=tuple(clause for clause in contract.clauses if clause in wanted),
        profile=PROFILES[order.profile],
        seed=order.seed,
        command=order.command(_called(contract)),
        serve=order.serve(contract.name),
        every_operation=order.every_operation,
    )


def _called(contract: Contract) -> str:
    """Return what a user types to name a contract."""
    return str(contract.document) if contract.partial else contract.name


def _is_of(fault: str, contract: Contract) -> bool:
    return fault.partition(".")[0] == contract.name


def credentials_for(contract: Contract, order: Order, chosen: list[Contract]) -> dict[str, str]:
    """Return what to bring: what is given, else the environment, else (here) the mock's own."""
    names = [credential.name for credential in contract.credentials]
    given = {}
    for name, value in order.given.items():
        api, dot, plain = name.partition(".")
        if dot and api != contract.name:
            continue
        if not dot and len(chosen) > 1:
            raise ContractError(
                f"{name!r}: with `all`, say whose it is, like {chosen[0].name}.{name}"
            )
        if (plain if dot else name) not in names:
            has = ", ".join(names) or "none: its document lists no security scheme that we know"
            raise ContractError(f"unknown credential {name!r}; {contract.name} has {has}")
        given[plain if dot else name] = value
    found = wiring.environment_credentials(contract.name, names) | given
    if contract.partial:
        return found
    if order.url is None:
        found = wiring.all_credentials(contract.name) | found
    elif wiring.is_loopback(order.url):
        found = wiring.default_credentials(contract.name) | found
    missing = [c.name for c in contract.credentials if c.required and c.name not in found]
    if missing:
        wanted = ", ".join(contract.variable(name) for name in missing)
        raise ContractError(f"{contract.name} needs {wanted} (or --credential {missing[0]}=…)")
    return {name: value for name, value in found.items() if name in names}


def target_for(
    contract: Contract, credentials: Mapping[str, str], order: Order, below: bool
) -> Target:
    """Return what is called: the base URL, or our own mock in this process."""
    if order.url is not None:
        url = f"{order.url.rstrip('/')}/{contract.name}" if below else order.url
        return Target(url, budget=order.budget)
    clock = VirtualClock()
    made = wiring.mocks(
        [contract.name],
        clock=clock,
        seed=order.seed,
        credentials={f"{contract.name}.{k}": v for k, v in credentials.items()},
        faults=[f for f in order.faults if f.partition(".")[0] == contract.name],
    )
    return Target(MOCK_URL, app=made.app.wsgi_app, clock=clock, budget=order.budget)


def entries_of(path: Path, chosen: Sequence[Contract] = ()) -> tuple[BaselineEntry, ...]:
    """Return the entries of a baseline, of whichever API; raises ContractError.

    A `chosen` contract may also be one that is no API of ours.
    """
    known = {clause.id for one in (*contracts_of("all"), *chosen) for clause in one.clauses}
    try:
        said = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ContractError(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise ContractError(f"{path} is not UTF-8") from problem
    return baseline.read(said, str(path), known)

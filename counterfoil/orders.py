"""What is to be judged, how, and with whose credentials: the same for every way to ask for it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from contracts import baseline
from contracts.documents import contract_of, is_path
from contracts.model import BaselineEntry, Contract, ContractError
from contracts.runner import PROFILES, Plan, Profile, choose
from contracts.target import Budget, Target, checked_url
from mockserver.clock import VirtualClock

from . import catalogue, wiring
from .configuration import FILE, Configuration, TargetSettings, find, nearest

MOCK_URL = "http://127.0.0.1:8600"
"""What --mock calls its target: where `counterfoil serve API` would be, so that curl finds it."""


ANYBODY = "counterfoil:anybody"
"""What a document's mock is shown: a key, a token, or a name with its password."""


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
    target: TargetSettings | None = None
    """The target of the configuration that is judged, and what the configuration says of it."""
    profiles: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """The user's own."""
    config: Path | None = None
    """The file, where the user had to name it."""
    option: str = "--credential"
    """How a user gives a credential."""
    values: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    every_operation: bool = False

    def command(self, api: str) -> str:
        """Return the command that checks one API again; secrets stay in their variables."""
        words = ["counterfoil", "check", self.target.name if self.target else api]
        words += [*self._broken(api)]
        words += [word for pair in self.values.items() for word in ("--value", "=".join(pair))]
        words += ["--read-only"] * self.read_only + ["--every-operation"] * self.every_operation
        if not self.target or (self.target.url, self.target.mock) != (self.url, not self.url):
            words += ["--url", self.url] if self.url else ["--mock"]
        words += ["--config", str(self.config)] if self.config else []
        return shlex.join([*words, "--profile", self.profile, "--seed", str(self.seed)])

    def serve(self, api: str) -> str:
        """Return the command that serves the mock that is judged, "" where it is no mock."""
        words = ["counterfoil", "serve", api, "--seed", str(self.seed), *self._broken(api)]
        return "" if self.url else shlex.join(words)

    def _broken(self, api: str) -> list[str]:
        own = [fault for fault in self.faults if fault.startswith(f"{api}.")]
        return [word for fault in own for word in ("--fault", fault)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of a call say; what is None, "" or empty the configuration may say."""

    url: str | None = None
    mock: bool = False
    only: tuple[str, ...] = ()
    profile: str | None = None
    seed: int | None = None
    calls: int | None = None
    seconds: float | None = None
    rate: float | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    shares: int = 1
    """Processes that spend the budget together."""
    option: str = "--credential"
    """How a user gives a credential."""
    values: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    every_operation: bool = False


def named(target: str, settings: Configuration) -> TargetSettings:
    """Return a target of the configuration; raises ContractError for an unknown one."""
    if target in settings.targets:
        return settings.targets[target]
    if settings.path is None:
        raise ContractError(f"unknown target {target!r}; there is no {FILE} here or above")
    known = settings.targets
    hint = nearest(target, known) if known else "it names none"
    raise ContractError(f"unknown target {target!r} in {settings.shown}; {hint}")


def keep_apart(apis: Sequence[str], targets: Sequence[str]) -> None:
    """Raise ContractError for both: where an API is would be taken for where a target is."""
    if apis and targets:
        raise ContractError(
            f"{apis[0]} is an API and {targets[0]} is a target, which says itself where it is: "
            "judge them one after the other"
        )


def order_of(asked: Asked, settings: Configuration, target: TargetSettings | None = None) -> Order:
    """Return what is asked for, of a target of the configuration or of none.

    Raises ContractError.
    """
    if asked.url and asked.mock:
        raise ContractError("say what is meant: either --url URL or --mock")
    said = target or TargetSettings("", "")
    url = None if asked.mock else asked.url or said.url
    if asked.faults and url:
        raise ContractError("--fault goes with --mock; start `counterfoil serve --fault` instead")
    try:
        if url is not None:
            checked_url(url)
    except ContractError as problem:
        raise ContractError(str(problem) if asked.url else f"{said.where}.url: {problem}") from None
    profile = asked.profile or said.profile or "standard"
    if profile not in {*PROFILES, *settings.profiles}:
        raise ContractError(
            f"unknown profile {profile!r}; {nearest(profile, (*PROFILES, *settings.profiles))}"
        )
    matters = target is not None or profile in settings.profiles
    nearby = settings.path and find(Path.cwd()) == settings.path.absolute()
    return Order(
        url=url,
        only=asked.only or said.only,
        profile=profile,
        seed=said.seed or 0 if asked.seed is None else asked.seed,
        budget=_budget(asked, said),
        given=asked.given,
        faults=asked.faults,
        target=target,
        profiles=settings.profiles,
        config=settings.path if matters and not nearby else None,
        option=asked.option,
        values=asked.values,
        read_only=asked.read_only,
        every_operation=asked.every_operation,
    )


def _budget(asked: Asked, said: TargetSettings) -> Budget:
    calls = asked.calls or said.max_calls
    if calls is not None and calls < asked.shares:
        raise ContractError(f"a budget of {calls} calls is less than one a worker")
    rate = asked.rate or said.rate
    return Budget(
        None if calls is None else calls // asked.shares,
        asked.seconds or said.max_time,
        None if rate is None else rate / asked.shares,
    )


def profile_of(order: Order) -> Profile:
    """Return how thorough the run is; a user's own profile is as standard where it is silent."""
    if order.profile in PROFILES:
        return PROFILES[order.profile]
    own = order.profiles[order.profile]
    return replace(PROFILES["standard"], name=order.profile, **own)


def contracts_for(apis: Sequence[str], order: Order) -> list[Contract]:
    """Return the contracts of these APIs, or of the target's; raises ContractError.

    They know by which variables the target's credentials are called.
    """
    target = order.target
    if target is None:
        return list({one.name: one for api in apis for one in contracts_of(api, order)}.values())
    try:
        chosen = contracts_of(target.api, order)
        _check_apis(target, [one.name for one in chosen])
        return [
            replace(one, variables={**one.variables, **_own(target.credentials, one, chosen)})
            for one in chosen
        ]
    except ContractError as problem:
        raise ContractError(f"{target.where}: {problem}") from problem


def _check_apis(target: TargetSettings, apis: Sequence[str]) -> None:
    for name in target.credentials:
        api, dot, _ = name.partition(".")
        if dot and api not in apis:
            raise ContractError(f"credential {name!r} is of no API there; {nearest(api, apis)}")


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
    known = catalogue.here()
    return [known.contract(name) for name in (known.contract_names() if api == "all" else [api])]


def plan_of(contract: Contract, order: Order, chosen: list[Contract]) -> Plan:
    """Return which of its clauses are judged, and how; raises ContractError for an idle pattern."""
    strange = [fault for fault in order.faults if not any(_is_of(fault, one) for one in chosen)]
    if strange:
        names = " or ".join(one.name for one in chosen)
        raise ContractError(
            f"{strange[0]!r} is no fault of {names}; `counterfoil faults` lists all"
        )
    everywhere = [clause for one in chosen for clause in one.clauses]
    try:
        wanted = set(choose(everywhere, order.only))
    except ContractError as problem:
        if order.target is None or order.only != order.target.only:
            raise
        raise ContractError(f"{order.target.where}.only: {problem}") from problem
    return Plan(
        clauses=tuple(clause for clause in contract.clauses if clause in wanted),
        profile=profile_of(order),
        seed=order.seed,
        command=order.command(_called(contract)),
        serve=order.serve(_called(contract)),
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
    given = _own(order.given, contract, chosen)
    said = _from_variables(contract, order, given, chosen)
    found = wiring.environment_credentials(contract.name, names) | said | given
    if contract.partial:
        return found if order.url else dict.fromkeys(names, ANYBODY) | found
    if order.url is None:
        found = wiring.all_credentials(contract.name) | found
    elif wiring.is_loopback(order.url):
        found = wiring.default_credentials(contract.name) | found
    missing = [c.name for c in contract.credentials if c.required and c.name not in found]
    if missing:
        wanted = ", ".join(contract.variable(name) for name in missing)
        raise ContractError(f"{contract.name} needs {wanted} (or {order.option} {missing[0]}=…)")
    return {name: value for name, value in found.items() if name in names}


def _own(
    given: Mapping[str, str], contract: Contract, chosen: Sequence[Contract]
) -> dict[str, str]:
    """Return what is given of the credentials of one API; raises ContractError."""
    names = [credential.name for credential in contract.credentials]
    found = {}
    for name, value in given.items():
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
        found[plain if dot else name] = value
    return found


def _from_variables(
    contract: Contract, order: Order, given: Mapping[str, str], chosen: Sequence[Contract]
) -> dict[str, str]:
    """Return what the variables hold that the target names, but for what is given."""
    if order.target is None:
        return {}
    variables = _own(order.target.credentials, contract, chosen)
    found = {}
    for name, variable in variables.items():
        if name in given:
            continue
        if not (value := wiring.variable(variable)):
            raise ContractError(
                f"{order.target.where}.credentials: the variable {variable} is not set "
                f"({contract.name}'s {name})"
            )
        found[name] = value
    return found


def target_for(
    contract: Contract, credentials: Mapping[str, str], order: Order, below: bool
) -> Target:
    """Return what is called: the base URL, or our own mock in this process."""
    if order.url is not None:
        url = f"{order.url.rstrip('/')}/{contract.name}" if below else order.url
        return Target(url, budget=order.budget)
    clock = VirtualClock()
    # Of a document's mock nobody is known: whoever brings something is let in.
    known = {} if contract.partial else credentials
    made = wiring.mocks(
        [_called(contract)],
        clock=clock,
        seed=order.seed,
        credentials={f"{contract.name}.{k}": v for k, v in known.items()},
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

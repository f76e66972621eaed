"""Where the fixtures are; a mock by name; who is let in."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from mockserver import create_app, emulator
from mockserver.clock import Clock, RealClock
from mockserver.faults import Impossible, UnknownName
from mockserver.journal import Journal
from mockserver.model import Api, Settings
from mockserver.store import MemoryStore, Store

from . import catalogue, configuration
from .configuration import DOCUMENTS


def configured(
    file: Path | None = None, *, none: bool = False, start: Path | None = None
) -> configuration.Configuration:
    """Return what a file says, or else the one that is nearest to a folder; raises its error."""
    if none:
        return configuration.Configuration()
    path = file or configuration.find((start or Path.cwd()).absolute())
    return (
        configuration.read(path, catalogue.here().taken())
        if path
        else configuration.Configuration()
    )


def measured() -> dict[str, Any]:
    """Return what the last audit found: what catches each fault, what each clause costs in calls.

    It is empty before the first one.
    """
    path = Path(__file__).parent / "measured.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


@dataclass(frozen=True, slots=True)
class Mocks:
    """Emulators by the path that they are at, the application that serves them, their journal."""

    emulators: Mapping[str, Api]
    app: Flask
    journal: Journal


def mocks(
    apis: Iterable[str],
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    credentials: Mapping[str, str] | None = None,
    faults: Iterable[str] = (),
    variants: Iterable[str] = (),
    variant: str = "",
    fixtures: Path | None = None,
    admin_token: str | None = None,
    journal: Journal | None = None,
) -> Mocks:
    """Make the mocks of APIs, by name or document: one alone is at /, several under their names.

    `faults` are `ID`, or `ID@CHANCE` for one that breaks only some requests; of `variants` each
    API has one at most, and `variant` is one more. `credentials` are `API.NAME`, or `NAME` for
    every API that has such a credential. Raises UnknownName and FixtureError.
    """
    known = _by_name(dict.fromkeys(apis))
    apis = list(known)
    clock, store = clock or RealClock(), store or MemoryStore()
    by_api = _shared_out(known, credentials or {})
    wanted = _by_api("fault", faults, apis)
    chosen = _by_api("variant", [*variants, variant] if variant else variants, apis)
    if doubled := [ids for ids in chosen.values() if len(ids) > 1]:
        raise Impossible(f"an API is served as one variant, not as {' and '.join(doubled[0])}")
    made = {
        api: emulator(
            known[api],
            fixtures=_fixtures(known[api], fixtures),
            clock=clock,
            store=store,
            seed=seed,
            settings=settings,
            credentials=by_api[api],
            faults=wanted[api],
            variant="".join(chosen[api]),
        )
        for api in apis
    }
    emulators = {("" if len(made) == 1 else f"/{api}"): one for api, one in made.items()}
    journal = journal or Journal()
    return Mocks(emulators, create_app(emulators, journal, admin_token=admin_token), journal)


def _fixtures(api: type[Api], folder: Path | None) -> Path:
    if folder:
        return folder / api.name
    # There is none of a document, unless somebody makes one.
    return catalogue.ours() / api.name if api.routes_itself else catalogue.here().fixtures(api.name)


def find(api: str) -> type[Api]:
    """Return an API class by its name, or made of the document whose path this is.

    Raises UnknownName; for a document that cannot be served it says why.
    """
    if not api.endswith(DOCUMENTS):
        return catalogue.here().mock(api)
    from mockserver.documents import document_api  # who serves an API by name does not wait for it

    return document_api(Path(api), sorted(catalogue.here().taken()))


def _by_name(apis: Iterable[str]) -> dict[str, type[Api]]:
    found: dict[str, type[Api]] = {}
    for api in map(find, apis):
        if found.setdefault(api.name, api) is not api:
            raise Impossible(f"two documents are both called {api.name}: rename one of the files")
    return found


def _by_api(kind: str, ids: Iterable[str], apis: list[str]) -> dict[str, list[str]]:
    """Return the ids of each API, without doubles; one of another API is unknown."""
    found: dict[str, list[str]] = {api: [] for api in apis}
    for id in dict.fromkeys(ids):
        api = id.partition(".")[0]
        if api not in found:
            raise UnknownName(kind, id, (f"{api}.…" for api in apis))
        found[api].append(id)
    return found


def _shared_out(
    apis: Mapping[str, type[Api]], credentials: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return the credentials of each API; one that no API has is unknown."""
    found: dict[str, dict[str, str]] = {api: {} for api in apis}
    for name, value in credentials.items():
        api, dot, plain = name.partition(".")
        takers = [api] if dot else [one for one in apis if _has(apis[one], name)]
        if dot and api not in apis:
            raise UnknownName("API", api, apis)
        if not takers:
            known = {n for one in apis.values() for n in _credentials(one)}
            raise UnknownName("credential", name, known)
        for taker in takers:
            found[taker][plain if dot else name] = value
    return found


def _credentials(api: type[Api]) -> set[str]:
    """Return what its callers are known by: by nothing, where they only have to bring something."""
    return set(api.identities[0]) | api.optional_credentials


def _has(api: type[Api], name: str) -> bool:
    return name.removeprefix("other_") in _credentials(api)


def default_credentials(api: str) -> dict[str, str]:
    """Return the credentials that a mock knows unless told otherwise, the second caller's too."""
    try:
        first, other = catalogue.here().mock(api).identities[:2]
    except UnknownName:
        return {}
    return {**first, **{f"other_{name}": value for name, value in other.items()}}


def all_credentials(api: str) -> dict[str, str]:
    """Return credentials with which a mock asks for everything that it can ask for."""
    found = default_credentials(api)
    for name in catalogue.here().mock(api).optional_credentials:
        for prefix in ("", "other_"):
            found.setdefault(prefix + name, f"counterfoil-{prefix}{name}".replace("_", "-"))
    return found


def served_credentials(apis: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return whom a mock lets in besides its defaults: what is given, else the environment."""
    found: dict[str, str] = {}
    for api in apis:
        if api.endswith(DOCUMENTS):
            continue
        names = _credentials(catalogue.here().mock(api))
        known = [f"{prefix}{name}" for name in names for prefix in ("", "other_")]
        for name, value in environment_credentials(api, known).items():
            found[f"{api}.{name}"] = value
    return {**found, **given}


def hidden_credentials(api: str, given: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the secrets that no file of this API may show, by name; raises UnknownName.

    Those that a mock knows by default, those of the environment and those that are given: a name
    may have several values, for one may be used while another is set.
    """
    known = set(all_credentials(api))
    chosen = [(name.removeprefix(f"{api}."), value) for name, value in given]
    for name, _ in chosen:
        if name not in known:
            raise UnknownName("credential", name, known)
    found = [
        *default_credentials(api).items(),
        *environment_credentials(api, known).items(),
        *chosen,
    ]
    secrets = catalogue.here().mock(api).secrets
    return [(name, value) for name, value in found if name.removeprefix("other_") in secrets]


def environment_credentials(api: str, wanted: Iterable[str]) -> dict[str, str]:
    """Return the credentials that are set as COUNTERFOIL_<API>_<NAME>."""
    variables = {name: f"COUNTERFOIL_{api}_{name}".upper() for name in wanted}
    return {name: os.environ[v] for name, v in variables.items() if os.environ.get(v)}


def variable(name: str) -> str:
    """Return what an environment variable holds, "" where it is not set."""
    return os.environ.get(name, "")


def is_loopback(url: str) -> bool:
    """Say whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""A caller of RunMVChat: signs by itself, sends in every way, and keeps what came back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient

from mockserver.journal import Entry, Journal
from mockserver.model import Api

PUBLIC, PRIVATE, APP = "counterfoil-public-key", "counterfoil-private-key", "counterfoil-app"
OTHER_PUBLIC = "counterfoil-other-public-key"
OTHER_PRIVATE = "counterfoil-other-private-key"
OTHER_APP = "counterfoil-other-app"

Parameters = dict[str, str]


def chat(*contents: str, **more: str) -> Parameters:
    """Return the unsigned parameters of a chat in which the user alone speaks."""
    return chat_from(0, *contents) | more


def chat_from(first: int, *contents: str) -> Parameters:
    """Return a chat whose lists begin at `first`."""
    found = {"Action": "RunMVChat", "PublicKey": PUBLIC, "AppID": APP}
    for place, content in enumerate(contents or ("Hello",), first):
        found |= {f"Role.{place}": "user", f"Content.{place}": content}
    return found


def without(parameters: Parameters, *names: str) -> Parameters:
    return {name: value for name, value in parameters.items() if name not in names}


def sign(parameters: Mapping[str, str], key: str = PRIVATE) -> str:
    covered = sorted(item for item in parameters.items() if item[0] != "Signature")
    text = "".join(name + value for name, value in covered) + key
    return hashlib.sha1(text.encode()).hexdigest()


def signed(parameters: Mapping[str, str], key: str = PRIVATE) -> Parameters:
    return {**parameters, "Signature": sign(parameters, key)}


@dataclass(frozen=True)
class Seen:
    """One answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def code(self) -> object:
        return self.fields["RetCode"]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


@dataclass(frozen=True)
class Mock:
    """A mock in process."""

    api: Api
    app: Flask
    journal: Journal

    def open(self, method: str = "POST", path: str = "/", **how: Any) -> Seen:
        client: FlaskClient = self.app.test_client()
        response = client.open(path, method=method, **how)
        return Seen(response.status_code, tuple(response.headers.items()), response.get_data())

    def get(self, parameters: Mapping[str, str]) -> Seen:
        return self.open("GET", query_string=urlencode(parameters))

    def form(self, parameters: Mapping[str, str], query: Mapping[str, str] = {}) -> Seen:
        return self.open(
            data=urlencode(parameters).encode(),
            query_string=urlencode(query),
            content_type="application/x-www-form-urlencoded",
        )

    def json(self, parameters: object, query: Mapping[str, str] = {}) -> Seen:
        raw = parameters if isinstance(parameters, bytes) else json.dumps(parameters).encode()
        return self.open(data=raw, query_string=urlencode(query), content_type="application/json")

    def ask(self, *contents: str, **more: str) -> Seen:
        """Sign a chat and send it as a form."""
        return self.form(signed(chat(*contents, **more)))

    @property
    def last(self) -> Entry:
        return self.journal.entries()[-1]


class Build(Protocol):
    """Makes a mock that knows the replies of these tests."""

    def __call__(self, *, seed: int = 0, faults: Iterable[str] = (), **more: Any) -> Mock: ...


Way = Callable[[Mock, Parameters], Seen]
WAYS: dict[str, Way] = {"get": Mock.get, "form": Mock.form, "json": Mock.json}

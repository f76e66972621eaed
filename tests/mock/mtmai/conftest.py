"""Chat sessions in process: two tenants' callers, and a clock that stands still."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mockserver import create_app, emulator
from mockserver.apis.mtmai import Emulator
from mockserver.clock import VirtualClock
from mockserver.journal import Journal
from mockserver.model import Settings
from mockserver.store import MemoryStore

FIRST, OTHER = Emulator.identities
NOBODY = "00000000-0000-4000-8000-000000000000"

REPLIES = """
- question: Travel plans
  basis: authored
  fields: {version: "7", team: travel}
  messages:
    - {role: system, content: You plan journeys.}
    - {role: user, content: "Where to, in May?", source: ann}
    - role: assistant
      content: "Bregenz \\U0001F600\\0"
      source: planner
      config: {message_type: markdown, source: agent}
- contains: weather
  basis: authored
  messages:
    - {role: assistant, content: Rain., config: {source: sky}}
"""


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(username: str, password: str) -> dict[str, str]:
    return {
        "Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    }


def cookie(value: str, name: str = "hatchet") -> dict[str, str]:
    return {"Cookie": f"{name}={value}"}


@dataclass(frozen=True)
class Caller:
    """Somebody with credentials, who asks for the chats of one tenant."""

    client: FlaskClient
    tenant: str
    headers: dict[str, str]

    def with_headers(self, headers: dict[str, str]) -> Caller:
        return replace(self, headers=headers)

    def of_tenant(self, tenant: str) -> Caller:
        return replace(self, tenant=tenant)

    def ask(self, method: str, path: str = "", **rest: Any) -> TestResponse:
        headers = self.headers | rest.pop("headers", {})
        url = f"/api/v1/tenants/{self.tenant}/chats{path}"
        return self.client.open(url, method=method, headers=headers, **rest)

    def send(
        self, method: str, path: str, raw: bytes | str, kind: str = "application/json"
    ) -> TestResponse:
        return self.ask(method, path, data=raw, content_type=kind)

    def post(self, body: object) -> TestResponse:
        return self.send("POST", "", json.dumps(body))

    def put(self, chat: str, body: object) -> TestResponse:
        return self.send("PUT", f"/{chat}", json.dumps(body))

    def sessions(self) -> TestResponse:
        return self.ask("GET")

    def get(self, chat: str) -> TestResponse:
        return self.ask("GET", f"/{chat}")

    def messages(self, chat: str) -> TestResponse:
        return self.ask("GET", f"/{chat}/messages")

    def create(self, *name: str) -> str:
        """Create a session, by the name if there is one, and return its id."""
        made = self.post({"name": name[0]} if name else {})
        assert made.status_code < 300, made.text
        shown = made.get_json(silent=True) or {}
        return str(shown.get("metadata", {}).get("id"))

    def rows(self) -> list[dict[str, Any]]:
        return list(self.sessions().get_json()["rows"])


@dataclass(frozen=True)
class Server:
    """A mock of its own: both callers, and what stands behind it."""

    first: Caller
    other: Caller
    emulator: Emulator
    journal: Journal
    clock: VirtualClock


MakeServer = Callable[..., Server]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "replies.yaml").write_text(REPLIES, "utf-8")
    return tmp_path


@pytest.fixture
def make_server(folder: Path) -> MakeServer:
    def make(
        *faults: str,
        fixtures: Path = folder,
        seed: int = 0,
        credentials: dict[str, str] | None = None,
        settings: Settings | None = None,
    ) -> Server:
        journal, clock = Journal(), VirtualClock()
        made = emulator(
            "mtmai",
            fixtures=fixtures,
            clock=clock,
            store=MemoryStore(),
            seed=seed,
            faults=faults,
            credentials=credentials,
            settings=settings,
        )
        assert isinstance(made, Emulator)
        client = create_app({"": made}, journal).test_client(use_cookies=False)
        first, other = (
            Caller(client, one["tenant"], bearer(one["token"])) for one in made.world.identities
        )
        return Server(first, other, made, journal, clock)

    return make


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    return make_server()


@pytest.fixture
def first(server: Server) -> Caller:
    return server.first


@pytest.fixture
def other(server: Server) -> Caller:
    return server.other

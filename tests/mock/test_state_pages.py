"""What mocks remember: taken away, brought back, forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient

from counterfoil import wiring
from mockserver import connection, server, state_pages
from mockserver.clock import VirtualClock
from mockserver.faults import find_api, names
from mockserver.lean_flask import LeanRequest
from mockserver.model import Settings

ADMIN = "/_counterfoil"
BODY = {
    "message": {
        "content": [{"contentType": "text", "body": "Hello"}],
        "model": "claude-v3.5-sonnet",
    }
}
MINE = {"x-api-key": "counterfoil-api-key"}
OTHERS = {"x-api-key": "counterfoil-other-api-key"}


@pytest.fixture
def client() -> FlaskClient:
    settings = Settings(reply_after=0)
    return wiring.mocks(
        ["bedrock", "mtmai"], clock=VirtualClock(), settings=settings
    ).app.test_client()


def posted(client: FlaskClient, headers: dict[str, str]) -> str:
    answer = client.post("/bedrock/conversation", json=BODY, headers=headers).get_json()
    return str(answer["conversationId"])


def status(client: FlaskClient, conversation: str, headers: dict[str, str]) -> int:
    return client.get(f"/bedrock/conversation/{conversation}", headers=headers).status_code


def test_a_snapshot_that_is_restored_brings_everything_back(client: FlaskClient) -> None:
    first = posted(client, MINE)
    snapshot = client.get(f"{ADMIN}/state").get_json()
    assert "counterfoil-api-key" not in json.dumps(snapshot)
    later = [posted(client, MINE), posted(client, MINE)]
    assert client.put(f"{ADMIN}/state", json=snapshot).get_json() == {"status": "ok"}
    assert [status(client, id, MINE) for id in (first, *later)] == [200, 404, 404]
    # The same request then gets the same answer again.
    assert posted(client, MINE) == later[0]
    elsewhere = wiring.mocks(["bedrock"], clock=VirtualClock()).app.test_client()
    assert elsewhere.put(f"{ADMIN}/state", json=snapshot).status_code == 200
    assert elsewhere.get(f"/conversation/{first}", headers=MINE).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"format": 99}', b"7"])
def test_what_is_no_snapshot_changes_nothing(client: FlaskClient, body: bytes) -> None:
    kept = posted(client, MINE)
    answer = client.put(f"{ADMIN}/state", data=body, content_type="application/json")
    assert answer.status_code == 400 and answer.get_json()["error"]
    assert status(client, kept, MINE) == 200


def test_one_api_or_one_caller_is_forgotten_alone(client: FlaskClient) -> None:
    mine, others = posted(client, MINE), posted(client, OTHERS)
    reset = f"{ADMIN}/reset"
    assert client.post(reset, json={"api": "mtmai"}).status_code == 200
    assert (status(client, mine, MINE), status(client, others, OTHERS)) == (200, 200)
    assert client.post(reset, json={"api": "bedrock", "caller": "other"}).status_code == 200
    assert (status(client, mine, MINE), status(client, others, OTHERS)) == (200, 404)
    assert client.post(reset, json={"api": "bedrock"}).status_code == 200
    assert status(client, mine, MINE) == 404


@pytest.mark.parametrize(
    "body",
    [[], 7, {"api": 7}, {"api": "nothing"}, {"caller": "first"}, {"api": "bedrock", "caller": "x"},
     {"api": "bedrock", "caller": []}, {"apis": "bedrock"}],
)  # fmt: skip
def test_what_names_nothing_forgets_nothing(client: FlaskClient, body: Any) -> None:
    kept = posted(client, MINE)
    assert client.post(f"{ADMIN}/reset", json=body).status_code == 400
    assert status(client, kept, MINE) == 200


@pytest.mark.parametrize("name", names())
def test_the_scope_of_a_caller_is_within_its_api_and_another_callers_is_another(name: str) -> None:
    api = find_api(name)
    mocks = wiring.mocks([name], credentials={})
    emulator = next(iter(mocks.emulators.values()))
    scopes = [emulator.scope_of_caller(identity) for identity in api.identities]
    assert all(scope[0] == name and len(scope) > 1 for scope in scopes)
    assert len(set(scopes)) == len(scopes)


def test_a_snapshot_that_is_larger_than_any_other_body_is_restored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So that the test is quick, what is large is made small.
    monkeypatch.setattr(connection, "MOST_READ", 3000)
    app = wiring.mocks(["bedrock"], settings=Settings(reply_after=0)).app
    monkeypatch.setattr(LeanRequest, "_max_content_length", 2000)
    with server.Server(app.wsgi_app) as running:
        with httpx.Client(base_url=running.url, headers=MINE) as client:
            for _ in range(20):
                assert client.post("/conversation", json=BODY).status_code == 200
            taken = client.get("/_counterfoil/state").content
            assert len(taken) > 6000
            client.post("/_counterfoil/reset")
            json_type = {"Content-Type": "application/json"}

            def pieces() -> Iterator[bytes]:
                yield from (taken[at : at + 1000] for at in range(0, len(taken), 1000))

            for content in (taken, pieces()):
                brought = client.put("/_counterfoil/state", content=content, headers=json_type)
                assert brought.json() == {"status": "ok"}
                assert client.get("/_counterfoil/state").content == taken
            assert client.post("/conversation", content=b"x" * 2500).status_code == 413
            monkeypatch.setattr(state_pages, "MOST_SNAPSHOT", 5000)
            refused = client.put("/_counterfoil/state", content=taken, headers=json_type)
            assert refused.status_code == 413 and refused.json()["error"]
            assert client.get("/_counterfoil/state").content == taken

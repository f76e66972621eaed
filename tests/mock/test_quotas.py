"""So many requests in so much time: counted by credential, refused as each vendor does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from counterfoil import wiring
from mockserver.clock import VirtualClock
from mockserver.faults import Impossible
from mockserver.journal import Journal
from mockserver.model import Settings
from mockserver.quotas import Limit, read_limit
from mockserver.sqlite_store import SqliteStore
from mockserver.store import MemoryStore, Store


def limited(
    api: str, limit: str, clock: VirtualClock, journal: Journal, store: Store | None = None
) -> FlaskClient:
    settings = Settings(authenticate=False, reply_after=0, chaos={"rate_limit": limit})
    made = wiring.mocks([api], clock=clock, settings=settings, journal=journal, store=store)
    return made.app.test_client()


def health(client: FlaskClient, key: str = "one") -> Any:
    return client.get("/health", headers={"x-api-key": key})


def run(client: FlaskClient) -> Any:
    question = {"Role.0": "user", "Content.0": "Hello", "AppID": "app", "PublicKey": "one"}
    return client.post("/", data={"Action": "RunMVChat", **question})


def chat(client: FlaskClient) -> Any:
    bot = wiring.default_credentials("chatbot")["bot_uid"]
    return client.post(f"/api/v1/backend/chatbot/{bot}/chat", json={"q": "Hello"})


def chats(client: FlaskClient) -> Any:
    headers = {"Authorization": "Bearer one"}
    tenant = wiring.default_credentials("mtmai")["tenant"]
    return client.get(f"/api/v1/tenants/{tenant}/chats", headers=headers)


# Each vendor's own words, or where there are none a plain 429.


@pytest.mark.parametrize(
    ("api", "ask", "status", "body", "waits"),
    [
        ("bedrock", health, 429, {"message": "Too Many Requests"}, None),
        ("genesis", run, 200,
         {"RetCode": 153, "Action": "RunMVChatResponse", "Message": "Request was throttled"}, None),
        ("chatbot", chat, 429,
         {"code": 42900, "data": None, "msg": "too many requests."}, "60"),
        ("mtmai", chats, 429, {"errors": [{"description": "too many requests"}]}, "60"),
    ],
)  # fmt: skip
def test_one_request_too_many_is_refused_as_the_vendor_does(
    api: str, ask: Callable[[FlaskClient], Any], status: int, body: dict[str, Any],
    waits: str | None, clock: VirtualClock, journal: Journal,
) -> None:  # fmt: skip
    client = limited(api, "2/60", clock, journal)
    allowed = [ask(client) for _ in range(2)]
    assert all(one.status_code == 200 and one.json.get("RetCode", 0) == 0 for one in allowed)
    refused = ask(client)
    told = {name: value for name, value in refused.json.items() if name != "request_id"}
    assert (refused.status_code, told) == (status, body)
    assert refused.headers.get("Retry-After") == waits
    assert [entry.chaos for entry in journal.entries()] == [(), (), ("rate_limit",)]
    assert [entry.caller for entry in journal.entries()] == ["not asked"] * 3
    assert journal.entries()[-1].remarks == (
        "request 3 of a window of 60 s, in which 2 are let through",
    )


# Windows and credentials.


def test_window_ends_on_the_clock_and_says_how_long_it_lasts(
    clock: VirtualClock, journal: Journal
) -> None:
    client = limited("mtmai", "1/10", clock, journal)
    assert chats(client).status_code == 200
    clock.sleep(7.5)
    assert chats(client).headers["Retry-After"] == "3"
    clock.sleep(2.4)
    assert chats(client).headers["Retry-After"] == "1"
    clock.sleep(0.2)
    assert chats(client).status_code == 200
    assert chats(client).status_code == 429


def test_each_credential_has_a_quota_of_its_own(clock: VirtualClock, journal: Journal) -> None:
    client = limited("bedrock", "1/60", clock, journal)
    seen = [health(client, key).status_code for key in ("one", "two", "one", "two", "three")]
    assert seen == [200, 200, 429, 429, 200]


def test_limit_of_nothing_lets_nobody_through(clock: VirtualClock, journal: Journal) -> None:
    assert health(limited("bedrock", "0/60", clock, journal)).status_code == 429


def test_what_is_no_operation_is_not_counted(clock: VirtualClock, journal: Journal) -> None:
    client = limited("bedrock", "1/60", clock, journal)
    for _ in range(3):
        assert client.get("/nothing", headers={"x-api-key": "one"}).status_code == 404
    assert health(client).status_code == 200


def test_reset_opens_all_windows_again(clock: VirtualClock, journal: Journal) -> None:
    client = limited("bedrock", "1/60", clock, journal)
    assert [health(client).status_code for _ in range(2)] == [200, 429]
    client.post("/_counterfoil/reset")
    assert health(client).status_code == 200


def test_processes_that_share_a_store_share_the_quota(
    clock: VirtualClock, journal: Journal, tmp_path: Path
) -> None:
    stores = [SqliteStore(tmp_path / "state.db") for _ in range(2)]
    clients = [limited("bedrock", "20/60", clock, journal, store) for store in stores]
    seen: list[int] = []

    def ask(client: FlaskClient) -> None:
        mine = client.application.test_client()
        seen.extend(health(mine).status_code for _ in range(20))

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(seen) == [200] * 20 + [429] * 20


def test_store_does_not_hold_the_credential(clock: VirtualClock, journal: Journal) -> None:
    store = MemoryStore()
    health(limited("bedrock", "1/60", clock, journal, store), "a-key-of-mine")
    said = repr(store.snapshot())
    assert "quotas" in said and "a-key-of-mine" not in said


# What a limit is.


def test_limit_is_a_number_and_seconds() -> None:
    assert read_limit("60/1") == Limit(60, 1.0)
    assert read_limit("0/0.5") == Limit(0, 0.5)


@pytest.mark.parametrize(
    "asked",
    [None, 1, "", "1", "/1", "1/", "-1/1", "1/0", "1/nan", "1/inf", "x/y", "1/2/3"],
)  # fmt: skip
def test_what_is_no_limit_is_told_what_would_be_one(asked: object) -> None:
    with pytest.raises(Impossible, match="N/SECONDS"):
        read_limit(asked)

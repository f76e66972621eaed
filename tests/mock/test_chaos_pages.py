"""Chaos that is switched on and off while a mock runs."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from counterfoil import wiring
from mockserver.clock import VirtualClock
from mockserver.faults import UnknownName, names
from mockserver.journal import Journal
from mockserver.model import Settings
from mockserver.sqlite_store import SqliteStore
from mockserver.store import MemoryStore

PAGE = "/_counterfoil/chaos"
KEY = {"x-api-key": "counterfoil-api-key"}


@pytest.fixture
def client(journal: Journal) -> FlaskClient:
    made = wiring.mocks(["bedrock"], clock=VirtualClock(), journal=journal)
    return made.app.test_client()


def switch(client: FlaskClient, **plan: Any) -> Any:
    answer = client.put(PAGE, json=plan)
    assert answer.status_code == 200, answer.json
    return answer.json


def met(client: FlaskClient, journal: Journal, **headers: str) -> tuple[str, ...]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    client.get("/health", headers={**KEY, **named})
    return journal.entries()[-1].chaos


def test_chaos_is_switched_on_for_everybody_and_off_again(
    client: FlaskClient, journal: Journal
) -> None:
    assert met(client, journal) == ()
    plan = {"latency": "uniform:0.1,0.1", "connection": ["truncated"]}
    switch(client, **plan)
    assert met(client, journal) == ("latency=0.1", "truncated")
    assert client.get(PAGE).json["apis"]["bedrock"]["everywhere"] == plan
    assert client.delete(PAGE).status_code == 200
    assert met(client, journal) == ()


def test_chaos_of_a_session_takes_the_place_of_what_is_on_for_all(
    client: FlaskClient, journal: Journal
) -> None:
    switch(client, session="mine", connection=["truncated"])
    assert met(client, journal) == ()
    assert met(client, journal, Counterfoil_Session="mine") == ("truncated",)
    switch(client, latency=2, connection=["drip"])
    assert met(client, journal) == ("latency=2", "drip=64")
    assert met(client, journal, Counterfoil_Session="mine") == ("latency=2", "truncated")
    switch(client, session="mine", latency=None)
    assert met(client, journal, Counterfoil_Session="mine") == ("drip=64",)
    switch(client, session="mine")
    assert client.get(PAGE).json["apis"]["bedrock"]["sessions"] == {}


def test_what_a_mock_is_served_with_is_shown_and_can_be_switched_off_for_a_while(
    journal: Journal,
) -> None:
    settings = Settings(chaos={"connection": ["drip"]})
    made = wiring.mocks(["bedrock"], clock=VirtualClock(), settings=settings, journal=journal)
    client = made.app.test_client()
    assert client.get(PAGE).json["apis"]["bedrock"]["served_with"] == {"connection": ["drip"]}
    assert met(client, journal) == ("drip=64",)
    switch(client, connection=[])
    assert met(client, journal) == ()
    client.delete(PAGE)
    assert met(client, journal) == ("drip=64",)


def test_chaos_is_for_one_api_or_for_all(journal: Journal) -> None:
    client = wiring.mocks(names(), journal=journal).app.test_client()
    switch(client, latency=0)
    shown = switch(client, api="bedrock", connection=["drip"])["apis"]
    on = {api: shown[api]["everywhere"] for api in shown}
    assert on == {api: {"latency": 0} for api in names()} | {"bedrock": {"connection": ["drip"]}}


def test_rate_limit_is_switched_on_for_one_session(client: FlaskClient, journal: Journal) -> None:
    switch(client, session="mine", rate_limit="1/60")
    seen = [met(client, journal, Counterfoil_Session=name) for name in ("mine", "mine", "other")]
    assert seen == [(), ("rate_limit",), ()]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "send a JSON object with latency, chunk_latency, connection, rate_limit"),
        ([], "send a JSON object"),
        ({"color": "red"}, "there is no 'color' in chaos; known are latency"),
        ({"api": "genesis"}, "api should be one of bedrock"),
        ({"api": 1}, "api should be one of bedrock"),
        ({"session": 1}, "session is a text"),
        ({"latency": "x"}, "lognormal:MEDIAN,SIGMA"),
        ({"chunk_latency": []}, "lognormal:MEDIAN,SIGMA"),
        ({"connection": "reset"}, "connection is a list of texts"),
        ({"connection": ["resets"]}, "did you mean reset?"),
        ({"connection": ["drip@3"]}, "after @ stands a chance"),
        ({"rate_limit": 1}, "N/SECONDS"),
    ],
)
def test_what_is_no_chaos_is_told_what_would_be_and_changes_nothing(
    client: FlaskClient, body: Any, said: str
) -> None:
    switch(client, latency=1)
    refused = client.put(PAGE, json=body)
    assert refused.status_code == 400 and said in refused.json["error"]
    assert client.get(PAGE).json["apis"]["bedrock"]["everywhere"] == {"latency": 1}


@pytest.mark.parametrize("kind", ["reset", "empty", "garbage"])
def test_server_that_cannot_cut_a_connection_refuses_to_be_told_so(
    client: FlaskClient, kind: str
) -> None:
    refused = client.put(PAGE, json={"connection": ["drip", f"{kind}@0.5"]})
    assert refused.status_code == 400
    assert f"{kind} cannot be had here" in refused.json["error"]


def test_every_kind_is_listed_with_its_sentence(client: FlaskClient) -> None:
    known = client.get(PAGE).json["known"]["connection"]
    assert sorted(known) == ["drip", "empty", "garbage", "reset", "stalled", "truncated"]
    assert all(sentence.endswith(".") for sentence in known.values())


def test_sessions_with_chaos_of_their_own_are_bounded(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockserver.chaos.MOST_SESSIONS", 2)
    for name in ("a", "b", "b"):
        switch(client, session=name, latency=1)
    refused = client.put(PAGE, json={"session": "c", "latency": 1})
    assert refused.status_code == 400 and "2 conversations" in refused.json["error"]


def test_processes_that_share_a_store_share_what_is_on(tmp_path: Any, journal: Journal) -> None:
    stores = [SqliteStore(tmp_path / "state.db") for _ in range(2)]
    one, two = (
        wiring.mocks(["bedrock"], store=store, journal=journal, clock=VirtualClock())
        for store in stores
    )
    switch(one.app.test_client(), latency=0.5)
    assert met(two.app.test_client(), journal) == ("latency=0.5",)
    for store in stores:
        store.close()


def test_reset_switches_everything_off(client: FlaskClient, journal: Journal) -> None:
    switch(client, connection=["drip"])
    client.post("/_counterfoil/reset")
    assert met(client, journal) == ()


def test_mock_that_is_served_with_what_is_no_chaos_does_not_start() -> None:
    with pytest.raises(UnknownName, match="'reset_all'"):
        settings = Settings(chaos={"connection": ["reset_all"]})
        wiring.mocks(["bedrock"], settings=settings, store=MemoryStore())

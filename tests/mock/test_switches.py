"""Faults that are switched on and off while a mock runs."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from counterfoil import wiring
from mockserver.faults import faults_of, names

PAGE = "/_counterfoil/faults"
BROKEN = "bedrock.health.not_ok"
KEY = {"x-api-key": "counterfoil-api-key"}


@pytest.fixture
def client() -> FlaskClient:
    return wiring.mocks(["bedrock"]).app.test_client()


def switch(client: FlaskClient, *faults: str, **more: Any) -> None:
    answer = client.put(PAGE, json={"faults": list(faults), **more})
    assert answer.status_code == 200, answer.json


def healthy(client: FlaskClient, **headers: str) -> bool:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.get("/health", headers={**KEY, **named})
    return bool(answer.status_code == 200 and answer.json == {"status": "ok"})


def test_a_fault_is_switched_on_for_everybody_and_off_again(client: FlaskClient) -> None:
    assert healthy(client)
    switch(client, BROKEN)
    assert not healthy(client)
    assert client.get(PAGE).json["apis"]["bedrock"]["faults"] == [BROKEN]
    assert client.delete(PAGE).status_code == 200
    assert healthy(client)


def test_a_fault_is_switched_on_for_one_conversation_alone(client: FlaskClient) -> None:
    switch(client, BROKEN, session="mine")
    assert healthy(client)
    assert healthy(client, Counterfoil_Session="another")
    assert not healthy(client, Counterfoil_Session="mine")
    switch(client, session="mine")
    assert healthy(client, Counterfoil_Session="mine")
    assert client.get(PAGE).json["apis"]["bedrock"]["sessions"] == {}


def test_a_fault_that_is_switched_on_by_chance_breaks_some_requests_and_the_same_again() -> None:
    runs = []
    for _ in range(2):
        client = wiring.mocks(["bedrock"], seed=3).app.test_client()
        switch(client, f"{BROKEN}@0.5")
        runs.append([healthy(client) for _ in range(40)])
    assert runs[0] == runs[1]
    assert 8 < sum(runs[0]) < 32


def test_what_is_switched_on_is_in_the_journal(client: FlaskClient) -> None:
    healthy(client)
    switch(client, BROKEN)
    healthy(client)
    entries = client.get("/_counterfoil/journal").json["entries"]
    assert [entry["faults"] for entry in entries] == [[], [BROKEN]]


def test_a_switch_is_set_as_one_and_a_wrong_one_changes_nothing(client: FlaskClient) -> None:
    switch(client, BROKEN)
    for faults, said in [
        (["bedrock.no_such"], "bedrock.no_such"),
        ([f"{BROKEN}@2"], "after @ stands a chance from 0 to 1"),
        (["genesis.shape.id_missing"], "genesis.shape.id_missing"),
    ]:
        refused = client.put(PAGE, json={"faults": faults})
        assert refused.status_code == 400
        assert said in refused.json["error"]
    assert client.get(PAGE).json["apis"]["bedrock"]["faults"] == [BROKEN]


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"faults": "x"}, {"faults": [1]}, {"faults": [], "session": 1},
     {"faults": [], "api": "genesis"}, {"faults": [], "color": "red"}],
)  # fmt: skip
def test_a_body_that_switches_nothing_is_told_what_would(client: FlaskClient, body: Any) -> None:
    refused = client.put(PAGE, json=body)
    assert refused.status_code == 400
    assert refused.json["error"]


def test_every_fault_is_there_to_be_switched_on() -> None:
    client = wiring.mocks(names()).app.test_client()
    shown = client.get(PAGE).json["apis"]
    assert {api: len(shown[api]["known"]) for api in shown} == {
        api: len(faults_of(api)) for api in names()
    }


def test_a_variant_has_no_faults_to_switch_on() -> None:
    client = wiring.mocks(["bedrock"], variant="bedrock.uuids").app.test_client()
    refused = client.put(PAGE, json={"faults": [BROKEN]})
    assert refused.status_code == 400
    assert "bedrock.uuids" in refused.json["error"]


def test_a_reset_switches_everything_off(client: FlaskClient) -> None:
    switch(client, BROKEN)
    client.post("/_counterfoil/reset")
    assert healthy(client)

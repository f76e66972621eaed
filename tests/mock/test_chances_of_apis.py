from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mockserver import create_app, emulator
from mockserver.apis.genesis import signature
from mockserver.clock import VirtualClock
from mockserver.faults import Impossible, UnknownName, faults_of, find_api, names, with_faults
from mockserver.journal import Journal
from mockserver.lean_flask import MOST_BYTES
from mockserver.model import Api, Call, World
from mockserver.store import MemoryStore

FIXTURES = Path(__file__).parents[2] / "fixtures"
TENANT = find_api("mtmai").identities[0]["tenant"]
Ask = Callable[..., TestResponse]


def make(name: str, *faults: str, seed: int = 0, **options: Any) -> Api:
    return emulator(
        name, fixtures=FIXTURES / name, clock=VirtualClock(), store=MemoryStore(), seed=seed,
        faults=faults, **options,
    )  # fmt: skip


def ask_genesis(
    client: FlaskClient, conversation: str = "", caller: int = 0, **rest: Any
) -> TestResponse:
    known = find_api("genesis").identities[caller]
    fields = {
        "Action": "RunMVChat", "PublicKey": known["public_key"], "AppID": known["app_id"],
        "Role.0": "user", "Content.0": "Hello", "SessionID": conversation,
    }  # fmt: skip
    fields["Signature"] = signature.sign(fields, known["private_key"])
    return client.post("/", data=fields, **rest)


def ask_bedrock(
    client: FlaskClient, conversation: str = "", caller: int = 0, **rest: Any
) -> TestResponse:
    content = {"contentType": "text", "mediaType": None, "body": "Hello"}
    body = {"message": {"content": [content], "model": "claude-v3-haiku"}}
    named = {"conversationId": conversation} if conversation else {}
    key = find_api("bedrock").identities[caller]["api_key"]
    headers = {"x-api-key": key, **rest.pop("headers", {})}
    return client.post("/conversation", json={**named, **body}, headers=headers, **rest)


def ask_chatbot(
    client: FlaskClient, conversation: str = "", caller: int = 0, **rest: Any
) -> TestResponse:
    named = {"conversation_uid": conversation} if conversation else {}
    bot = find_api("chatbot").identities[caller]["bot_uid"]
    return client.post(f"/api/v1/backend/chatbot/{bot}/chat", json={"q": "Hello", **named}, **rest)


def ask_mtmai(
    client: FlaskClient, conversation: str = "", caller: int = 0, **rest: Any
) -> TestResponse:
    known = find_api("mtmai").identities[caller]
    headers = {"Authorization": f"Bearer {known['token']}", **rest.pop("headers", {})}
    path = f"/api/v1/tenants/{known['tenant']}/chats"
    if conversation:
        return client.get(f"{path}/{conversation}", headers=headers, **rest)
    return client.post(path, json={"name": "Hello"}, headers=headers, **rest)


ASK: Mapping[str, Ask] = {
    "genesis": ask_genesis, "bedrock": ask_bedrock, "chatbot": ask_chatbot, "mtmai": ask_mtmai,
}  # fmt: skip
every_api = pytest.mark.parametrize("name", names())


def served(api: Api) -> FlaskClient:
    return create_app({"": api}, Journal()).test_client()


def wire(answer: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    return answer.status_code, list(answer.headers), answer.data


@every_api
def test_request_that_asks_for_a_fault_gets_what_a_mock_with_it_answers(name: str) -> None:
    world, different = make(name).world, 0
    plain = wire(ASK[name](served(find_api(name)(world))))

    def fresh() -> World:
        return replace(world, store=MemoryStore())

    for id in faults_of(name):
        asking = served(find_api(name)(fresh()))
        broken = wire(ASK[name](asking, headers={"Counterfoil-Fault": id}))
        assert broken == wire(ASK[name](served(with_faults(find_api(name), [id])(fresh())))), id
        different += broken != plain
    assert different > 5


@every_api
def test_request_that_asked_for_a_fault_leaves_no_other_one_broken(name: str) -> None:
    world = make(name).world
    honest, other = find_api(name)(world), find_api(name)(replace(world, store=MemoryStore()))
    plain, broken = served(honest), served(other)
    for id in faults_of(name):
        broken.get("/nowhere", headers={"Counterfoil-Fault": id})
        assert wire(ASK[name](broken)) == wire(ASK[name](plain)), id


@every_api
def test_journal_says_which_faults_a_request_had(name: str) -> None:
    first, second = list(faults_of(name))[:2]
    journal = Journal()
    client = create_app({"": make(name, first)}, journal).test_client()
    ASK[name](client)
    ASK[name](client, headers={"Counterfoil-Fault": second})
    ASK[name](client, headers={"Counterfoil-Fault": "nothing"})
    assert [entry.faults for entry in journal.entries()] == [(first,), (first, second), ()]


def test_fault_of_another_api_is_unknown() -> None:
    api, other = names()[:2]
    fault = list(faults_of(other))[0]
    answer = ASK[api](served(make(api)), headers={"Counterfoil-Fault": fault})
    assert answer.status_code == 400
    assert answer.json and answer.json["error"].startswith(f"unknown fault '{fault}'; did you mean")


@pytest.mark.parametrize(
    ("fault", "method", "path"),
    [
        ("genesis.routes.any_path_served", "POST", "/any/where"),
        ("genesis.routes.any_method_served", "PUT", "/"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/genesis"])
def test_fault_of_routes_works_for_one_request_and_by_chance(
    fault: str, method: str, path: str, prefix: str
) -> None:
    def codes(*faults: str, **headers: str) -> list[int]:
        client = create_app({prefix: make("genesis", *faults)}, Journal()).test_client()
        url = prefix + path
        sent = [client.open(url, method=method, headers=headers) for _ in range(20)]
        return [answer.status_code for answer in sent]

    assert set(codes()) in ({404}, {405})
    assert set(codes(**{"Counterfoil-Fault": fault})) == {200}
    assert 200 in codes(f"{fault}@0.5") and set(codes(f"{fault}@0.5")) != {200}


def test_browser_is_told_the_same_of_a_request_that_asks_for_a_fault() -> None:
    api = make("bedrock")
    asked = {"Origin": "http://example.test", "Counterfoil-Fault": "bedrock.message_id.repeats"}
    answer = ASK["bedrock"](served(api), headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert not [line for line in answer.headers if "counterfoil" in " ".join(line).lower()]


# By chance.


@every_api
def test_mock_is_made_with_chances(name: str) -> None:
    first, second, third = list(faults_of(name))[:3]
    api = make(name, f"{first}@0.25", second, f"{third}@0")
    assert [(one.fault, one.probability) for one in api.world.chances] == [
        (first, 0.25), (second, 1), (third, 0),
    ]  # fmt: skip
    assert issubclass(type(api), faults_of(name)[second])
    assert not issubclass(type(api), faults_of(name)[first])


@every_api
@pytest.mark.parametrize("chance", ["@0", "@0.5", "@1", ""])
def test_unknown_fault_with_a_chance_is_unknown_when_the_mock_is_made(
    name: str, chance: str
) -> None:
    with pytest.raises(UnknownName, match=f"unknown fault '{name}.no.such'"):
        make(name, f"{name}.no.such{chance}")


@every_api
def test_bad_chance_is_refused_when_the_mock_is_made(name: str) -> None:
    with pytest.raises(Impossible, match="after @ stands a chance from 0 to 1"):
        make(name, f"{list(faults_of(name))[0]}@2")


def schedule(api: Api, sessions: list[tuple[str, int]]) -> list[bool]:
    """Whether a fault happened to each request of the callers and conversations in turn."""
    journal = Journal()
    client = create_app({"": api}, journal).test_client()
    for conversation, caller in sessions:
        ASK[api.name](client, conversation, caller)
    return [bool(entry.faults) for entry in journal.entries()]


@every_api
def test_callers_and_conversations_do_not_disturb_each_other(name: str) -> None:
    fault = f"{list(faults_of(name))[0]}@0.5"
    sessions = [("", 0), ("", 1), ("12345", 0), ("54321", 0)]
    alone = [schedule(make(name, fault), [session] * 40) for session in sessions]
    assert len({tuple(one) for one in alone}) == 4
    assert all(5 < sum(one) < 35 for one in alone)
    together = schedule(make(name, fault), sessions * 40)
    assert [together[place::4] for place in range(4)] == alone
    assert schedule(make(name, fault, seed=1), sessions * 40) != together


@every_api
def test_mock_with_a_fault_that_never_happens_answers_as_one_without(name: str) -> None:
    plain, never = served(make(name)), served(make(name, f"{list(faults_of(name))[0]}@0"))
    for _ in range(3):
        assert wire(ASK[name](plain)) == wire(ASK[name](never))


# What a request says of its session.


def session(app: Flask, api: Api, path: str = "/", **request: Any) -> str:
    with app.test_request_context(path, **request) as context:
        adapter = app.url_map.bind("localhost")
        found = adapter.match(path, method=context.request.method)[1]
        return api.session_of(Call(None, context.request, found))


def test_bedrock_conversation_is_the_same_in_the_path_and_in_the_body() -> None:
    api = make("bedrock")
    app = create_app({"": api}, Journal())
    key = {"x-api-key": "k"}
    posted = session(
        app, api, "/conversation", method="POST", json={"conversationId": "c"}, headers=key
    )
    assert posted == session(app, api, "/conversation/c", headers=key)
    assert posted == session(app, api, "/conversation/c/m", headers=key)
    assert posted != session(app, api, "/conversation/c", headers={"x-api-key": "l"})


def test_mtmai_session_is_the_same_in_every_operation() -> None:
    api = make("mtmai")
    app = create_app({"": api}, Journal())
    one = f"/api/v1/tenants/{TENANT}/chats/s"
    asked = [session(app, api, one), session(app, api, f"{one}/messages")]
    assert asked == [session(app, api, one, method="PUT", data=b"{")] * 2
    assert asked[0] != session(app, api, one, headers={"Authorization": "Bearer other"})
    assert asked[0] != session(app, api, "/api/v1/tenants/other/chats/s")


HOSTILE = [
    b"", b"\0", b"\xff\xfe", b"{", b"[]", b"null", b'"\\ud800"', b"[" * 10_000, b'{"a":' * 10_000,
    b'{"conversationId": "\\ud800", "conversation_uid": "\\ud800", "SessionID": "\\ud800"}',
    b'{"conversationId": 1e999, "conversation_uid": [], "SessionID": {"a": [1]}}',
    b'{"conversationId": ' + b"9" * 10_000 + b"}", b"x" * (MOST_BYTES + 1),
]  # fmt: skip


@every_api
def test_session_of_a_hostile_request_never_fails(name: str) -> None:
    paths = {"mtmai": f"/api/v1/tenants/{TENANT}/chats", "bedrock": "/conversation"}
    path = paths.get(name, "/" if name == "genesis" else "/api/v1/backend/chatbot/b/chat")
    odd = {"Authorization": "Basic \xff", "Cookie": "=;;hatchet", "x-api-key": "\xff"}
    kinds = ("application/json", "application/x-www-form-urlencoded", "text/plain", "")
    world = make(name).world
    app = create_app({"": find_api(name)(world)}, Journal())
    for change in (find_api(name), *faults_of(name).values()):
        api = change(world)
        bodies = HOSTILE if change.fault is None else HOSTILE[:1]
        for body in bodies:
            for kind in kinds:
                said = session(
                    app, api, path, method="POST", data=body, content_type=kind, headers=odd
                )
                assert json.loads(json.dumps(said)) == said


@every_api
def test_hostile_request_is_answered_by_a_mock_with_chances(name: str) -> None:
    fault = list(faults_of(name))[0]
    client = served(make(name, f"{fault}@0"))
    for path in ("/", "/conversation", "/nowhere", f"/api/v1/tenants/{TENANT}/chats"):
        for body in HOSTILE:
            answer = client.post(path, data=body, content_type="application/json")
            assert answer.status_code < 500

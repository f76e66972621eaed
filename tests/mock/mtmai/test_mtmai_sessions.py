from __future__ import annotations

import re
import threading
import uuid
from datetime import datetime
from typing import Any

import pytest

from .conftest import NOBODY, Caller, MakeServer, Server, bearer

START = "2026-01-01T00:00:00.000000Z"
MICROSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def moment(text: str) -> datetime:
    assert MICROSECONDS.fullmatch(text)
    return datetime.fromisoformat(text)


def unchanged_but(session: dict[str, Any], **change: Any) -> dict[str, Any]:
    return {**session, **change}


# Create.


def test_created_session_has_the_fields_of_a_chat_session_and_no_others(first: Caller) -> None:
    made = first.post({"name": "Anything"})
    assert made.status_code == 200
    assert made.headers.getlist("Content-Type") == ["application/json"]
    session = made.get_json()
    assert list(session) == ["metadata", "name", "version"]
    assert list(session["metadata"]) == ["id", "createdAt", "updatedAt"]
    assert (session["name"], session["version"]) == ("Anything", "1")
    assert session["metadata"]["createdAt"] == session["metadata"]["updatedAt"] == START
    id = session["metadata"]["id"]
    assert str(uuid.UUID(id)) == id
    assert len(id) == 36


def test_created_session_is_in_the_list_once_and_can_be_read(first: Caller) -> None:
    session = first.post({"name": "Anything"}).get_json()
    listed = first.sessions()
    assert (listed.status_code, listed.get_json()) == (200, {"rows": [session]})
    read = first.get(session["metadata"]["id"])
    assert (read.status_code, read.get_json()) == (200, session)


@pytest.mark.parametrize("body", [{}, {"name": None}, {"metadata": None}, {"unknown": [1, {}]}])
def test_session_without_a_name_has_the_default_one(first: Caller, body: object) -> None:
    assert first.post(body).get_json()["name"] == "New chat"


@pytest.mark.parametrize(
    "name",
    ["", " ", "a\0b", "🙂👩🏽‍🔬", "\u202e", "é", "e\u0301", "\ufeff", "\uffff", "<b>", "x" * 2**20],
    ids=lambda name: ascii(name)[:20],
)
def test_any_name_comes_back_as_it_was_sent(first: Caller, name: str) -> None:
    made = first.post({"name": name})
    assert made.status_code == 200
    id = made.get_json()["metadata"]["id"]
    assert made.get_json()["name"] == first.get(id).get_json()["name"] == name
    assert first.put(id, {"name": f"{name}!"}).get_json()["name"] == f"{name}!"
    assert first.messages(id).status_code == 200


def test_metadata_of_the_body_changes_nothing(first: Caller) -> None:
    theirs = {
        "id": NOBODY,
        "createdAt": "2001-01-01T00:00:00Z",
        "updatedAt": "2001-01-01T00:00:00Z",
    }
    made = first.post({"name": "a", "metadata": theirs}).get_json()
    assert made["metadata"]["id"] != NOBODY
    assert made["metadata"]["createdAt"] == START
    updated = first.put(made["metadata"]["id"], {"metadata": theirs}).get_json()
    assert updated["metadata"]["id"] == made["metadata"]["id"]
    assert updated["metadata"]["createdAt"] == START
    assert first.get(NOBODY).status_code == 404


def test_sessions_of_one_name_are_several(first: Caller) -> None:
    ids = [first.create("same") for _ in range(5)]
    assert len(set(ids)) == 5
    assert len(first.rows()) == 5


def test_list_is_empty_at_first_and_then_newest_first(server: Server) -> None:
    assert server.first.sessions().get_json() == {"rows": []}
    ids = []
    for step in (0, 0, 5):
        server.clock.sleep(step)
        ids.append(server.first.create())
    server.first.put(ids[0], {"name": "updated last"})
    assert [row["metadata"]["id"] for row in server.first.rows()] == ids[::-1]


def test_list_is_newest_first_whichever_was_kept_first(server: Server) -> None:
    late, early = "late", "early"
    for id, created in ((late, 2), (early, 1)):
        record = {"id": id, "name": id, "version": "1", "created": created, "updated": created}
        server.emulator.world.store.change(
            server.emulator.find_scope(server.first.tenant),
            id,
            lambda _, record=record: {**record, "messages": []},  # type: ignore[misc]
        )
    assert [row["name"] for row in server.first.rows()] == [late, early]


# Update.


def test_update_changes_the_name_and_is_seen_everywhere(server: Server) -> None:
    session = server.first.post({"name": "old"}).get_json()
    id = session["metadata"]["id"]
    server.clock.sleep(1.25)
    updated = server.first.put(id, {"name": "new"})
    assert updated.status_code == 200
    metadata = {**session["metadata"], "updatedAt": "2026-01-01T00:00:01.250000Z"}
    assert updated.get_json() == unchanged_but(session, name="new", metadata=metadata)
    assert server.first.get(id).get_json() == updated.get_json()
    assert server.first.rows() == [updated.get_json()]


@pytest.mark.parametrize("body", [{}, {"name": None}])
def test_update_that_says_nothing_keeps_the_name(first: Caller, body: object) -> None:
    id = first.create("kept")
    assert first.put(id, body).get_json()["name"] == "kept"
    assert first.get(id).get_json()["name"] == "kept"


def test_updated_at_moves_on_though_the_clock_stands_still(first: Caller) -> None:
    id = first.create("a")
    times = [moment(first.put(id, {}).get_json()["metadata"]["updatedAt"]) for _ in range(3)]
    assert moment(START) < times[0] < times[1] < times[2]
    assert moment(first.get(id).get_json()["metadata"]["updatedAt"]) == times[2]


def test_updated_at_moves_on_though_the_clock_goes_back(server: Server) -> None:
    server.clock.sleep(10)
    id = server.first.create("a")
    before = server.first.put(id, {}).get_json()["metadata"]
    server.clock._now -= 5
    after = server.first.put(id, {}).get_json()["metadata"]
    assert moment(after["updatedAt"]) > moment(before["updatedAt"])
    assert after["createdAt"] == before["createdAt"]


def test_update_leaves_the_other_sessions_alone(first: Caller) -> None:
    id, bystander = first.create("a"), first.create("b")
    before = first.get(bystander).get_json()
    first.put(id, {"name": "c"})
    assert first.get(bystander).get_json() == before


def test_update_is_the_same_when_it_comes_twice(first: Caller) -> None:
    id = first.create("a")
    once = first.put(id, {"name": "b"}).get_json()
    twice = first.put(id, {"name": "b"}).get_json()
    assert twice["metadata"].pop("updatedAt") > once["metadata"].pop("updatedAt")
    assert once == twice
    assert len(first.rows()) == 1


def test_update_does_not_touch_the_messages(first: Caller) -> None:
    id = first.create("Travel plans")
    before = first.messages(id).get_json()
    first.put(id, {"name": "weather"})
    assert first.messages(id).get_json() == before


@pytest.mark.parametrize("now", [253402300799.0, 1e12, 1e300])
def test_time_ends_where_rfc_3339_ends(server: Server, now: float) -> None:
    server.clock._now = now
    id = server.first.create("a")
    assert (
        server.first.put(id, {}).get_json()["metadata"]["updatedAt"].startswith("9999-12-31T23:59")
    )
    assert server.first.messages(id).status_code == server.first.sessions().status_code == 200


# Messages.


def test_messages_are_those_of_the_fixture_for_the_name(first: Caller) -> None:
    id = first.create("Travel plans")
    answer = first.messages(id)
    assert answer.status_code == 200
    assert list(answer.get_json()) == ["messages"]
    messages = answer.get_json()["messages"]
    assert [list(message) for message in messages] == [
        ["metadata", "role", "content", "source", "config"]
    ] * 3
    assert [{k: v for k, v in message.items() if k != "metadata"} for message in messages] == [
        {
            "role": "system",
            "content": "You plan journeys.",
            "source": "system",
            "config": {"message_type": "text", "source": "system"},
        },
        {
            "role": "user",
            "content": "Where to, in May?",
            "source": "ann",
            "config": {"message_type": "text", "source": "ann"},
        },
        {
            "role": "assistant",
            "content": "Bregenz 😀\0",
            "source": "planner",
            "config": {"message_type": "markdown", "source": "agent"},
        },
    ]


def test_fixture_gives_version_and_team(first: Caller) -> None:
    session = first.post({"name": "Travel plans"}).get_json()
    assert list(session) == ["metadata", "name", "version", "team"]
    assert (session["version"], session["team"]) == ("7", "travel")


def test_messages_have_ids_of_their_own_and_times_in_order(first: Caller) -> None:
    session = first.post({"name": "Travel plans"}).get_json()
    again = first.create("Travel plans")
    id = session["metadata"]["id"]
    metadata = [
        message["metadata"]
        for chat in (id, again)
        for message in first.messages(chat).get_json()["messages"]
    ]
    ids = [one["id"] for one in metadata]
    assert len({*ids, id, again}) == 8
    assert all(str(uuid.UUID(one)) == one for one in ids)
    times = [moment(one["createdAt"]) for one in metadata[:3]]
    assert moment(session["metadata"]["createdAt"]) <= times[0] < times[1] < times[2]
    assert all(one["createdAt"] == one["updatedAt"] for one in metadata)


def test_messages_are_the_same_whenever_they_are_read(server: Server) -> None:
    id = server.first.create("Travel plans")
    before = server.first.messages(id).data
    server.clock.sleep(100)
    assert server.first.messages(id).data == before


@pytest.mark.parametrize("name", [("nothing fits",), ("",), (), ("a\0b",)])
def test_session_that_no_fixture_fits_has_a_short_exchange(
    first: Caller, name: tuple[str, ...]
) -> None:
    user, assistant = first.messages(first.create(*name)).get_json()["messages"]
    assert (user["role"], user["content"]) == ("user", name[0] if name else "New chat")
    assert assistant["role"] == "assistant"
    assert assistant["content"]
    assert assistant["config"] == {"message_type": "text", "source": "assistant"}


def test_source_of_the_config_stands_for_a_source_that_is_not_given(first: Caller) -> None:
    [message] = first.messages(first.create("the weather today")).get_json()["messages"]
    assert message["source"] == message["config"]["source"] == "sky"


# What there is not.


def test_unknown_chat_is_404_with_errors_for_get_put_and_messages(first: Caller) -> None:
    first.create("a")
    for answer in (first.get(NOBODY), first.put(NOBODY, {"name": "a"}), first.messages(NOBODY)):
        assert answer.status_code == 404
        assert answer.get_json() == {"errors": [{"description": "chat not found"}]}
        assert answer.headers["Content-Type"] == "application/json"
    assert len(first.rows()) == 1


def test_unknown_chat_goes_before_the_body(first: Caller) -> None:
    assert first.send("PUT", f"/{NOBODY}", b"{").status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/tenants", "{0}", "{0}/chat", "{0}/chats/", "{0}//chats"]
)
def test_unknown_path_is_404_with_errors(first: Caller, path: str) -> None:
    answer = first.client.get(path.format(f"/api/v1/tenants/{first.tenant}"), headers=first.headers)
    assert answer.status_code == 404
    assert answer.get_json() == {"errors": [{"description": "not found"}]}


@pytest.mark.parametrize("chat", ["a%2Fb", "a%2Fmessages", "a%2F", "a%2F%2Fb%2F..", "a/b"])
def test_chat_with_a_slash_is_an_unknown_chat_and_wants_credentials(
    first: Caller, chat: str
) -> None:
    stranger = first.with_headers({})
    for caller, status in ((first, 404), (stranger, 403)):
        answers = [caller.get(chat), caller.put(chat, {}), caller.messages(chat)]
        assert [answer.status_code for answer in answers] == [status] * 3


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "", "GET, POST"),
        ("DELETE", "", "GET, POST"),
        ("OPTIONS", "", "GET, POST"),
        ("POST", "/a", "GET, PUT"),
        ("PATCH", "/a", "GET, PUT"),
        ("DELETE", "/a", "GET, PUT"),
        ("POST", "/a/messages", "GET, PUT"),
    ],
)
def test_wrong_method_is_405_with_errors(
    first: Caller, method: str, path: str, allowed: str
) -> None:
    answer = first.ask(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.get_json() == {"errors": [{"description": "method not allowed"}]}


@pytest.mark.parametrize(
    "raw", ["%zz", "%", "\xff", "\xed\xa0\x80", "\0", "..", "a b", "'", "\U0001f642"]
)
def test_chat_of_any_bytes_is_an_unknown_chat(first: Caller, raw: str) -> None:
    path = f"/api/v1/tenants/{first.tenant}/chats/"
    given = raw.encode("utf-8").decode("latin-1") if ord(raw[0]) > 0xFF else raw
    for method, end in (("GET", ""), ("PUT", ""), ("GET", "/messages")):
        answer = first.ask(
            method, "/x", data=b"{}", environ_overrides={"PATH_INFO": path + given + end}
        )
        assert (answer.status_code, "errors" in answer.get_json()) == (404, True)


# Tenants.


def test_tenants_do_not_see_each_others_sessions(first: Caller, other: Caller) -> None:
    mine, theirs = first.create("same"), other.create("same")
    assert mine != theirs
    assert [row["metadata"]["id"] for row in first.rows()] == [mine]
    assert [row["metadata"]["id"] for row in other.rows()] == [theirs]
    for answer in (other.get(mine), other.put(mine, {"name": "x"}), other.messages(mine)):
        assert answer.status_code == 404
    assert first.get(mine).get_json()["name"] == "same"


def test_without_authentication_each_tenant_has_its_own_sessions(make_server: MakeServer) -> None:
    from mockserver.model import Settings

    server = make_server(settings=Settings(authenticate=False))
    mine = server.first.with_headers({}).create("a")
    assert server.first.of_tenant(NOBODY).rows() == []
    assert server.first.with_headers(bearer("wrong")).get(mine).status_code == 200


# Determinism.


def test_ids_depend_on_the_seed_and_not_on_the_order_of_other_calls(
    make_server: MakeServer,
) -> None:
    names = ["a", "b", "a", "", "c"]
    forward, backward = make_server(), make_server()
    ids = [(name, forward.first.create(name)) for name in names]
    backward.other.create("a")
    assert sorted(ids) == sorted((name, backward.first.create(name)) for name in names[::-1])
    assert ids[0][1] != make_server(seed=1).first.create("a")


def test_answers_to_the_same_requests_are_the_same_bytes(make_server: MakeServer) -> None:
    def run() -> list[bytes]:
        first = make_server().first
        id = first.create("Travel plans")
        asked = [first.put(id, {"name": "b"}), first.get(id), first.messages(id), first.sessions()]
        return [answer.data for answer in asked]

    assert run() == run()


def test_reset_begins_anew(server: Server) -> None:
    before = server.first.create("a")
    server.first.client.post("/_counterfoil/reset")
    assert server.first.rows() == []
    assert server.first.create("a") == before


# Many at once.


def test_eight_threads_lose_no_session_and_no_update(server: Server) -> None:
    shared = server.first.create("shared")
    failures: list[int] = []
    times: list[str] = []

    def work(name: str) -> None:
        for number in range(20):
            made = server.first.post({"name": f"{name} {number % 2}"})
            updated = server.first.put(shared, {"name": name})
            times.append(updated.get_json()["metadata"]["updatedAt"])
            failures.extend(a.status_code for a in (made, updated) if a.status_code != 200)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({row["metadata"]["id"] for row in server.first.rows()}) == 161
    assert len(set(times)) == 160

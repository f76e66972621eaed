from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from mockserver.faults import faults_of

from .conftest import FIRST, NOBODY, OTHER, Caller, MakeServer, Server, basic, bearer, cookie

FAULTS = faults_of("mtmai")

Script = Callable[[Server], Any]


def seen(*answers: Any) -> list[tuple[int, str | None, str]]:
    return [(one.status_code, one.headers.get("Content-Type"), one.text) for one in answers]


def statuses(*answers: Any) -> list[int]:
    return [one.status_code for one in answers]


# Who is let in.


def by(headers: dict[str, str], *, tenant: str = FIRST["tenant"]) -> Script:
    """Ask with these headers."""
    return lambda server: statuses(server.first.with_headers(headers).of_tenant(tenant).sessions())


def with_nothing_by(method: str) -> Script:
    def script(server: Server) -> Any:
        id = server.first.create("a")
        stranger = server.first.with_headers({})
        asked = {
            "GET": lambda: [stranger.sessions(), stranger.get(id), stranger.messages(id)],
            "POST": lambda: [stranger.post({})],
            "PUT": lambda: [stranger.put(id, {})],
        }
        return statuses(*asked[method]())

    return script


def probe_for_chats(server: Server) -> Any:
    known = server.first.create("a")
    stranger = server.first.with_headers({})
    return statuses(stranger.get(known), stranger.get(NOBODY))


def refused_write(method: str) -> Script:
    def script(server: Server) -> Any:
        id = server.first.create("a")
        stranger = server.first.with_headers({})
        refused = (
            stranger.post({"name": "b"}) if method == "POST" else stranger.put(id, {"name": "b"})
        )
        return seen(refused, server.first.sessions())

    return script


def refusal_without_credentials(server: Server) -> Any:
    return seen(server.first.with_headers({}).sessions())


def is_told(secret: str) -> Script:
    return lambda server: secret in server.first.with_headers(bearer("wrong")).sessions().text


# What is kept.


def create_and_read(server: Server) -> Any:
    made = server.first.post({"name": "Travel plans"})
    return seen(made, server.first.get(made.get_json()["metadata"]["id"]))


def create_alone(server: Server) -> Any:
    return seen(server.first.post({"name": "Travel plans"}))


def create_without_a_name(server: Server) -> Any:
    return seen(server.first.post({}))


def create_two_and_list(server: Server) -> Any:
    ids = [server.first.create(name) for name in ("a", "b")]
    rows = server.first.rows()
    return ids, [row["metadata"]["id"] for row in rows], [row["name"] for row in rows]


def list_of_two(server: Server) -> Any:
    for name in ("a", "b"):
        server.first.create(name)
    return seen(server.first.sessions())


def update_alone(server: Server) -> Any:
    id = server.first.create("a")
    server.clock.sleep(10)
    return seen(server.first.put(id, {"name": "b"}))


def update_and_read(server: Server) -> Any:
    update = update_alone(server)
    return update, seen(server.first.get(json.loads(update[0][2])["metadata"]["id"]))


def update_and_list(server: Server) -> Any:
    return update_alone(server), seen(server.first.sessions())


def update_with_nothing(server: Server) -> Any:
    return seen(server.first.put(server.first.create("a"), {}))


def update_and_read_messages(server: Server) -> Any:
    id = server.first.create("Travel plans")
    server.first.put(id, {})
    return seen(server.first.messages(id))


def update_one_of_two(server: Server) -> Any:
    ids = [server.first.create("a") for _ in range(2)]
    return seen(server.first.put(ids[0], {"name": "b"}), server.first.get(ids[1]))


def update_twice(server: Server) -> Any:
    id = server.first.create("a")
    return seen(*(server.first.put(id, {"name": "b"}) for _ in range(2)))


def create_and_update_with_metadata(server: Server) -> Any:
    at = "2001-02-03T04:05:06Z"
    body = {"metadata": {"id": NOBODY, "createdAt": at, "updatedAt": at}}
    return seen(server.first.post(body), server.first.put(server.first.create("a"), body))


def others_list(server: Server) -> Any:
    server.first.create("a")
    return seen(server.other.sessions())


def others_read(server: Server) -> Any:
    return seen(server.other.get(server.first.create("a")))


def others_messages(server: Server) -> Any:
    return seen(server.other.messages(server.first.create("a")))


def others_update(server: Server) -> Any:
    id = server.first.create("a")
    return seen(server.other.put(id, {"name": "b"}), server.first.get(id))


def messages_of_one(server: Server) -> Any:
    return seen(server.first.messages(server.first.create("Travel plans")))


def messages_of_two(server: Server) -> Any:
    ids = [server.first.create(name) for name in ("a", "b")]
    return seen(*map(server.first.messages, ids))


def messages_read_twice(server: Server) -> Any:
    id = server.first.create("a")
    return seen(server.first.messages(id)) == seen(server.first.messages(id))


def read_one(server: Server) -> Any:
    return seen(server.first.get(server.first.create("a")))


def read_with_content_type(server: Server) -> Any:
    id = server.first.create("a")
    headers = {**server.first.headers, "Content-Type": "application/json"}
    return seen(server.first.with_headers(headers).get(id))


# What is refused.


def refused_body(method: str) -> Script:
    def script(server: Server) -> Any:
        id = server.first.create("a")
        refused = server.first.send(method, "" if method == "POST" else f"/{id}", b"{")
        return seen(refused, server.first.sessions())

    return script


def unknown_chat_is_updated_and_read(server: Server) -> Any:
    return unknown_chat_is_updated(server), unknown_chat_is_read(server)


def unknown_chat_is_read(server: Server) -> Any:
    return seen(server.first.get(NOBODY))


def unknown_chat_is_updated(server: Server) -> Any:
    return seen(server.first.put(NOBODY, {"name": "a"}))


def unknown_chats_messages(server: Server) -> Any:
    return seen(server.first.messages(NOBODY))


def body(raw: bytes) -> Script:
    return lambda server: seen(server.first.send("POST", "", raw))


def refusals(server: Server) -> Any:
    return seen(server.first.send("POST", "", b"{"), server.first.get(NOBODY))


def odd_chat(server: Server) -> Any:
    return statuses(server.first.get("chat 1"))


def stack_trace(server: Server) -> Any:
    return "Traceback (most recent call last)" in server.first.send("POST", "", b"{").text


WAYS = ("missing", "null", "wrong_type")

SCRIPTS: dict[str, Script] = {
    "auth.nothing_needed": by({}),
    "auth.not_on_get": with_nothing_by("GET"),
    "auth.not_on_post": with_nothing_by("POST"),
    "auth.not_on_put": with_nothing_by("PUT"),
    "auth.bearer_unchecked": by(bearer("wrong")),
    "auth.basic_unchecked": by(basic("wrong", "wrong")),
    "auth.cookie_unchecked": by(cookie("wrong")),
    "auth.bearer_refused": by(bearer(FIRST["token"])),
    "auth.basic_refused": by(basic(FIRST["username"], FIRST["password"])),
    "auth.cookie_refused": by(cookie(FIRST["cookie"])),
    "auth.password_ignored": by(basic(FIRST["username"], "wrong")),
    "auth.token_case_ignored": by(bearer(FIRST["token"].upper())),
    "auth.cut_cookie_accepted": by(cookie(FIRST["cookie"][:-1])),
    "auth.cookie_beside_token_refused": by(bearer(FIRST["token"]) | cookie(FIRST["cookie"])),
    "auth.wrong_cookie_beside_token_refused": by(bearer(FIRST["token"]) | cookie("wrong")),
    "auth.unreadable_500": by({"Authorization": "Basic !"}),
    "auth.refused_create_done": refused_write("POST"),
    "auth.refused_update_done": refused_write("PUT"),
    "auth.other_tenants_credentials": by(bearer(OTHER["token"])),
    "auth.unknown_tenant_open": by(bearer(FIRST["token"]), tenant=NOBODY),
    "auth.chat_before_credentials": probe_for_chats,
    "auth.token_in_403": is_told(FIRST["token"]),
    "auth.status_401": refusal_without_credentials,
    "auth.refusal_is_a_list": refusal_without_credentials,
    **{f"session.{name}_{way}": create_alone for name in ("name", "version") for way in WAYS},
    **{
        f"metadata.{name}_{way}": create_alone
        for name in ("id", "created_at", "updated_at")
        for way in WAYS
    },
    **{
        f"message.{name}_{way}": messages_of_one
        for name in ("metadata", "role", "content")
        for way in WAYS
    },
    **{f"list.rows_{way}": list_of_two for way in WAYS},
    **{f"messages.messages_{way}": messages_of_one for way in WAYS},
    "list.some_metadata_missing": list_of_two,
    "messages.some_metadata_missing": messages_of_one,
    "metadata.snake_case": create_alone,
    "message.role_unknown": messages_of_one,
    "messages.reversed": messages_of_one,
    "created_at.changed_by_update": update_alone,
    "updated_at.stands_still": update_alone,
    "updated_at.moves_back": update_alone,
    "updated_at.before_created_at": create_alone,
    "times.without_zone": create_alone,
    "times.of_mail": create_alone,
    "create.status_201": create_alone,
    "create.status_202": create_alone,
    "create.status_204": create_alone,
    "answer.content_type": create_alone,
    "get.wrapped": read_one,
    "errors.no_list": refusals,
    "errors.no_description": refusals,
    "errors.status_200": refusals,
    "update.lost": update_and_read,
    "update.name_ignored": update_alone,
    "update.empty_body_resets_name": update_with_nothing,
    "update.messages_lost": update_and_read_messages,
    "update.not_seen_by_list": update_and_list,
    "update.not_seen_by_get": update_and_read,
    "list.old_names": update_and_list,
    "update.empty_body_refused": update_with_nothing,
    "update.same_name_refused": update_twice,
    "update.others_renamed": update_one_of_two,
    "update.unknown_chat_created": unknown_chat_is_updated_and_read,
    "metadata.echoed": create_and_update_with_metadata,
    "get.other_version": create_and_read,
    "get.content_type_refused": read_with_content_type,
    "list.new_unnamed": list_of_two,
    "list.newest_missing": list_of_two,
    "list.session_twice": list_of_two,
    "list.other_tenants_shown": others_list,
    "create.name_ignored": create_alone,
    "create.overwrites_previous": create_two_and_list,
    "get.other_tenants_read": others_read,
    "update.other_tenants_written": others_update,
    "messages.other_tenants_read": others_messages,
    "messages.other_session": messages_of_two,
    "messages.new_ids_each_time": messages_read_twice,
    "get.existing_not_found": read_one,
    "update.existing_not_found": update_alone,
    "messages.existing_not_found": messages_of_one,
    "id.changed_by_update": update_alone,
    "id.repeated": create_two_and_list,
    "id.too_long": create_alone,
    "id.message_repeated": messages_of_one,
    "get.unknown_chat_200": unknown_chat_is_read,
    "update.unknown_chat_200": unknown_chat_is_updated,
    "messages.unknown_chat_200": unknown_chats_messages,
    "body.malformed_500": body(b"{"),
    "body.malformed_accepted": body(b"{"),
    "body.array_accepted": body(b"[]"),
    "body.number_name_accepted": body(b'{"name": 7}'),
    "body.refused_create_done": refused_body("POST"),
    "body.refused_update_done": refused_body("PUT"),
    "create.empty_body_refused": create_without_a_name,
    "robustness.nul_500": body(b'{"name": "\\u0000"}'),
    "robustness.beyond_bmp_500": body('{"name": "🙂"}'.encode()),
    "robustness.empty_name_500": body(b'{"name": ""}'),
    "robustness.large_500": lambda server: statuses(
        server.first.post({"name": "x" * 2**20}), server.first.post({"name": "x" * 1000})
    ),
    "robustness.deep_500": body(b"[" * 10_000 + b"]" * 10_000),
    "robustness.lone_surrogate_500": body(b'{"name": "\\ud800"}'),
    "robustness.odd_chat_500": odd_chat,
    "robustness.traceback_in_400": stack_trace,
    "robustness.credentials_in_400": body(b"{"),
}
SCRIPTS = {f"mtmai.{rule}": script for rule, script in SCRIPTS.items()}


def test_every_fault_has_a_script_and_every_script_a_fault() -> None:
    assert sorted(SCRIPTS) == sorted(FAULTS)


@pytest.mark.parametrize("id", FAULTS)
def test_fault_is_seen_where_its_sentence_says(make_server: MakeServer, id: str) -> None:
    honest, again = SCRIPTS[id](make_server()), SCRIPTS[id](make_server())
    assert honest == again
    assert SCRIPTS[id](make_server(id)) != honest


# And nowhere else: a walk through the API, of which a fault may change only its own part.

Walk = dict[str, tuple[int, str | None, str]]


def walk(server: Server) -> Walk:
    """Ask for everything once; each name begins with the operation."""
    first, other = server.first, server.other
    told: Walk = {}

    def step(name: str, answer: Any) -> None:
        [told[name]] = seen(answer)

    step("list, empty", first.sessions())
    chat, bystander = first.create("Travel plans"), first.create("a")
    theirs = other.create("a")
    _walk_through_one(step, first, chat)
    step("messages of another", first.messages(bystander))
    step("list of others", other.sessions())
    for name, caller, id in (("unknown", first, NOBODY), ("other's", first, theirs)):
        step(f"get {name}", caller.get(id))
        step(f"put {name}", caller.put(id, {"name": "c"}))
        step(f"messages {name}", caller.messages(id))
    _walk_through_bodies(step, first)
    _walk_through_credentials(step, first, chat)
    step("unknown path", first.client.get("/api/v1"))
    step("wrong method", first.ask("DELETE", ""))
    return told


def _walk_through_one(step: Callable[[str, Any], None], first: Caller, chat: str) -> None:
    step("get", first.get(chat))
    step("put", first.put(chat, {"name": "Plans"}))
    step("put nothing", first.put(chat, {}))
    step("get updated", first.get(chat))
    step("list of updated", first.sessions())
    step("messages", first.messages(chat))


def _walk_through_bodies(step: Callable[[str, Any], None], first: Caller) -> None:
    for name, raw in {
        "malformed": b"{",
        "array": b"[]",
        "number": b'{"name": 7}',
        "nul": b'{"name": "\\u0000"}',
        "emoji": '{"name": "🙂"}'.encode(),
        "blank": b'{"name": ""}',
        "deep": b"[" * 10_000,
        "surrogate": b'{"name": "\\ud800"}',
    }.items():
        step(f"body {name}", first.send("POST", "", raw))


def _walk_through_credentials(step: Callable[[str, Any], None], first: Caller, chat: str) -> None:
    for name, headers in {
        "none": {},
        "basic": basic(FIRST["username"], FIRST["password"]),
        "cookie": cookie(FIRST["cookie"]),
        "wrong bearer": bearer("wrong"),
        "wrong basic": basic(FIRST["username"], "wrong"),
        "wrong cookie": cookie("wrong"),
        "other's": bearer(OTHER["token"]),
    }.items():
        caller = first.with_headers(headers)
        for tenant in (first.tenant, NOBODY):
            step(f"credentials {name} {tenant}", caller.of_tenant(tenant).messages(chat))


OWN_PART: dict[str, tuple[str, ...]] = {
    "get": ("get",),
    "list": ("list",),
    "message": ("messages", "credentials"),
    "messages": ("messages", "credentials"),
    "body": ("body",),
    "robustness": ("body",),
    "auth": ("credentials",),
}


EVERYWHERE = ("",)

# Every step of the walk brings the bearer token.
WALKED = [id for id in FAULTS if id != "mtmai.auth.bearer_refused"]


@pytest.mark.parametrize("id", WALKED)
def test_fault_leaves_all_else_as_it_is(make_server: MakeServer, id: str) -> None:
    honest, faulty = walk(make_server()), walk(make_server(id))
    _, subject, _ = id.split(".")
    changed = [name for name in honest if honest[name] != faulty[name]]
    allowed = OWN_PART.get(subject, EVERYWHERE)
    assert not [name for name in changed if not name.startswith(allowed)]
    if subject != "errors":
        assert not {"unknown path", "wrong method"} & set(changed)
    if "_500" not in id:
        assert not [name for name in faulty if faulty[name][0] >= 500]


# Several at once.


def test_two_faults_break_both_promises(make_server: MakeServer) -> None:
    ids = [
        "mtmai.create.status_201",
        "mtmai.metadata.snake_case",
        "mtmai.list.session_twice",
        "mtmai.auth.cookie_unchecked",
        "mtmai.robustness.nul_500",
        "mtmai.errors.no_list",
        "mtmai.update.not_seen_by_list",
    ]
    for one, two in combinations(ids, 2):
        for id in (one, two):
            assert SCRIPTS[id](make_server(one, two)) != SCRIPTS[id](make_server())


def test_all_faults_stand_together(make_server: MakeServer) -> None:
    emulator = make_server(*FAULTS).emulator
    assert all(isinstance(emulator, change) for change in FAULTS.values())

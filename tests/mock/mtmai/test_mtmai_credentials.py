from __future__ import annotations

import base64
import json

import pytest
from werkzeug.datastructures import Headers

from mockserver.apis.mtmai import credentials

from .conftest import FIRST, NOBODY, OTHER, Caller, MakeServer, Server, basic, bearer, cookie

RIGHT = {
    "bearer": bearer(FIRST["token"]),
    "basic": basic(FIRST["username"], FIRST["password"]),
    "cookie": cookie(FIRST["cookie"]),
    "bearer and cookie": bearer(FIRST["token"]) | cookie(FIRST["cookie"]),
    "bearer, wrong cookie": bearer(FIRST["token"]) | cookie("wrong"),
    "cookie, wrong bearer": bearer("wrong") | cookie(FIRST["cookie"]),
    "cookie, wrong basic": basic("a", "b") | cookie(FIRST["cookie"]),
    "cookie, other's bearer": bearer(OTHER["token"]) | cookie(FIRST["cookie"]),
    "cookie among others": {"Cookie": f"a=b; hatchet={FIRST['cookie']}; nameless"},
    "cookie after a wrong one": {"Cookie": f"hatchet=wrong; hatchet={FIRST['cookie']}"},
    "cookie in quotes": {"Cookie": f'hatchet="{FIRST["cookie"]}"'},
    "scheme in capitals": {"Authorization": f"BEARER {FIRST['token']}"},
    "blanks": {"Authorization": f"  bearer   {FIRST['token']} "},
}

WRONG = {
    "none": {},
    "wrong bearer": bearer("wrong"),
    "bearer without a token": {"Authorization": "Bearer"},
    "empty bearer": {"Authorization": "Bearer "},
    "half a token": bearer(FIRST["token"][:-1]),
    "token and more": bearer(FIRST["token"] + "x"),
    "token in capitals": bearer(FIRST["token"].upper()),
    "token without a scheme": {"Authorization": FIRST["token"]},
    "token as basic": {"Authorization": f"Basic {FIRST['token']}"},
    "cookie as bearer": bearer(FIRST["cookie"]),
    "password as bearer": bearer(FIRST["password"]),
    "wrong password": basic(FIRST["username"], "wrong"),
    "wrong username": basic("wrong", FIRST["password"]),
    "empty password": basic(FIRST["username"], ""),
    "other's password": basic(FIRST["username"], OTHER["password"]),
    "basic without a colon": {"Authorization": "Basic " + base64.b64encode(b"abc").decode()},
    "basic that is no base64": {"Authorization": "Basic %%%"},
    "basic of other bytes": {"Authorization": "Basic /////w=="},
    "wrong cookie": cookie("wrong"),
    "empty cookie": cookie(""),
    "cookie of another name": cookie(FIRST["cookie"], "session"),
    "cookie's name in capitals": cookie(FIRST["cookie"], "HATCHET"),
    "nameless cookie": {"Cookie": FIRST["cookie"]},
    "token as cookie": cookie(FIRST["token"]),
    "digest": {"Authorization": 'Digest username="counterfoil"'},
    "other's bearer": bearer(OTHER["token"]),
    "other's basic": basic(OTHER["username"], OTHER["password"]),
    "other's cookie": cookie(OTHER["cookie"]),
    "bytes": {"Authorization": "Bearer \xff\xfe", "Cookie": "hatchet=\xff"},
}


@pytest.mark.parametrize("case", RIGHT)
def test_one_right_credential_is_enough_for_every_operation(first: Caller, case: str) -> None:
    caller = first.with_headers(RIGHT[case])
    id = caller.create("a")
    answers = [caller.sessions(), caller.get(id), caller.put(id, {}), caller.messages(id)]
    assert [answer.status_code for answer in answers] == [200] * 4


@pytest.mark.parametrize("case", WRONG)
def test_whoever_has_none_is_refused_by_every_operation(first: Caller, case: str) -> None:
    id = first.create("a")
    before = first.sessions().data
    caller = first.with_headers(WRONG[case])
    for answer in (
        caller.sessions(),
        caller.post({"name": "b"}),
        caller.get(id),
        caller.put(id, {"name": "b"}),
        caller.messages(id),
    ):
        assert answer.status_code == 403
        assert list(answer.get_json()) == ["description"]
        assert answer.headers.getlist("Content-Type") == ["application/json"]
    assert first.sessions().data == before


def test_refusal_goes_before_the_chat_and_the_body(first: Caller) -> None:
    stranger = first.with_headers({})
    known = stranger.get(first.create("a"))
    for answer in (
        stranger.get(NOBODY),
        stranger.messages(NOBODY),
        stranger.put(NOBODY, {}),
        stranger.send("POST", "", b"{"),
        stranger.send("POST", "", b"x" * 2**20, "text/plain"),
    ):
        assert (answer.status_code, answer.data) == (403, known.data)


@pytest.mark.parametrize("tenant", [NOBODY, "x", " ", "%", "\xff", "null", FIRST["tenant"].upper()])
@pytest.mark.parametrize("way", ["bearer", "basic", "cookie"])
def test_unknown_tenant_is_refused_like_anothers(first: Caller, tenant: str, way: str) -> None:
    caller = first.with_headers(RIGHT[way])
    anothers = caller.of_tenant(OTHER["tenant"]).sessions()
    assert anothers.status_code == 403
    for answer in (caller.of_tenant(tenant).sessions(), caller.of_tenant(tenant).get(NOBODY)):
        assert (answer.status_code, answer.data) == (403, anothers.data)


def test_description_says_how_to_bring_credentials(first: Caller) -> None:
    said = {
        case: first.with_headers(WRONG[case]).sessions().get_json()["description"] for case in WRONG
    }
    assert "Bearer <token>" in said["none"]
    assert "Cookie: hatchet=<value>" in said["none"]
    assert said["nameless cookie"] == ("the cookie has no name: send it as Cookie: hatchet=<value>")
    assert said["wrong bearer"] == "these credentials do not give access to this tenant"
    assert said["other's bearer"] == said["wrong bearer"]
    secrets = [one[name] for one in (FIRST, OTHER) for name in ("token", "password", "cookie")]
    assert not [secret for secret in secrets for text in said.values() if secret in text]


def test_journal_tells_its_owner_what_was_wrong(server: Server) -> None:
    def remark(headers: dict[str, str], tenant: str = FIRST["tenant"]) -> str:
        server.first.with_headers(headers).of_tenant(tenant).sessions()
        [said] = server.journal.entries()[-1].remarks
        return said

    assert remark(bearer("wrong")) == "none of the credentials is the tenant's"
    assert remark(WRONG["wrong password"]) == "the username is right, the password is not"
    assert "the cookie has no name" in remark(WRONG["nameless cookie"])
    assert "credentials are needed" in remark({})
    whose = f"these are the credentials of the tenant {OTHER['tenant']}"
    for way in ("other's bearer", "other's basic", "other's cookie"):
        assert remark(WRONG[way]) == whose
    assert remark(RIGHT["bearer"], NOBODY).startswith("no such tenant; known are ")
    assert [entry.remarks for entry in server.journal.entries() if entry.status == 200] == []


def test_identities_can_be_changed(make_server: MakeServer) -> None:
    changed = {"tenant": NOBODY, "token": "tö:ken", "password": "pass:wörd", "cookie": "a=b=="}
    caller = make_server(credentials=changed).first
    assert caller.tenant == NOBODY
    for headers in (
        {"Authorization": "Bearer tö:ken".encode().decode("latin-1")},
        basic(FIRST["username"], "pass:wörd"),
        cookie("a=b=="),
    ):
        assert caller.with_headers(headers).sessions().status_code == 200
    assert caller.with_headers(bearer(FIRST["token"])).sessions().status_code == 403
    assert caller.of_tenant(FIRST["tenant"]).sessions().status_code == 403


@pytest.mark.parametrize("name", ["token", "password", "cookie"])
def test_credential_that_is_empty_is_never_right(make_server: MakeServer, name: str) -> None:
    caller = make_server(credentials={name: ""}).first
    for headers in (bearer(""), basic(FIRST["username"], ""), cookie(""), {}):
        assert caller.with_headers(headers).sessions().status_code == 403


# What is hidden.


@pytest.mark.parametrize(
    "secret", [one[n] for one in (FIRST, OTHER) for n in ("token", "password", "cookie")]
)
def test_journal_shows_no_secret_that_a_request_repeats(server: Server, secret: str) -> None:
    server.first.post({"name": f"it is {secret}"})
    server.first.ask("GET", f"/{secret}?token={secret}")
    text = json.dumps(server.journal.as_json())
    assert secret not in text
    assert "it is <" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer <hidden>"),
        ("authorization: basic Zm9vOmJhcg==", "authorization: basic <hidden>"),
        ('{"Authorization": "Bearer abc"}', '{"Authorization": "Bearer <hidden>"}'),
        ("Authorization=Bearer%20abc&a=b", "Authorization=Bearer%20<hidden>&a=b"),
        ("authorization=abc", "authorization=<hidden>"),
        ("a Bearer 0123456789abcdef, and more", "a Bearer <hidden>, and more"),
        ("Cookie: hatchet=abc; a=b", "Cookie: hatchet=<hidden>; a=b"),
        ('{"hatchet": "abc"}', '{"hatchet": "<hidden>"}'),
    ],
)
def test_credentials_of_anybody_are_concealed(text: str, shown: str) -> None:
    from mockserver.journal import Redaction

    assert Redaction([], credentials.IN_TEXT)(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Basic French for beginners",
        "the bearer of good news",
        "a hatchet and an axe",
        "authorization is needed",
        "send Authorization: Bearer <token> or Cookie: hatchet=<value>",
    ],
)
def test_ordinary_words_are_not_concealed(text: str) -> None:
    from mockserver.journal import Redaction

    assert Redaction([], credentials.IN_TEXT)(text) == text


def test_request_without_headers_brings_nothing() -> None:
    brought = credentials.read(Headers())
    assert brought.is_empty()
    assert not brought.nameless

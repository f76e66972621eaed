from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from flask.testing import FlaskClient

from mockserver import create_app
from mockserver.admin import MOST_ADVANCE
from mockserver.clock import RealClock, VirtualClock
from mockserver.journal import Journal
from mockserver.model import Api

ADMIN = "/_counterfoil"
PAGES = [
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/journal"),
    ("DELETE", "/journal"),
    ("POST", "/reset"),
    ("GET", "/clock"),
    ("POST", "/clock"),
]
MakeApi = Callable[..., Api]
every_page = pytest.mark.parametrize(("method", "page"), PAGES)


@pytest.fixture
def client(make_api: MakeApi) -> FlaskClient:
    return create_app({"": make_api()}, Journal(), admin_token="sesame").test_client()


def ask(
    client: FlaskClient, method: str, page: str, *, sender: str = "127.0.0.1", **rest: Any
) -> int:
    answer = client.open(
        ADMIN + page,
        method=method,
        environ_overrides={"REMOTE_ADDR": sender},
        **({"json": {"advance": 1}} | rest if page == "/clock" and method == "POST" else rest),
    )
    return answer.status_code


# Who is let in.


@every_page
@pytest.mark.parametrize("sender", ["127.0.0.1", "127.8.0.9", "::1", "[::1]", "::ffff:127.0.0.1"])
@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8600", "127.0.0.1:8600", "[::1]:8600", "[::1]", "LocalHost"]
)
def test_admin_is_open_to_this_machine(
    client: FlaskClient, method: str, page: str, sender: str, host: str
) -> None:
    assert ask(client, method, page, sender=sender, headers={"Host": host}) == 200


@every_page
@pytest.mark.parametrize(
    "sender", ["192.168.1.5", "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1", "", "unix:"]
)
def test_admin_is_closed_to_other_machines(
    client: FlaskClient, method: str, page: str, sender: str
) -> None:
    assert ask(client, method, page, sender=sender, headers={"Host": "localhost"}) == 403


@every_page
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8600",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "x@localhost",
        "[::2]",
        "",
    ],
)
def test_admin_is_closed_to_a_foreign_name_that_points_here(
    client: FlaskClient, method: str, page: str, host: str
) -> None:
    assert ask(client, method, page, headers={"Host": host}) == 403


@every_page
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost.evil.example", "null", ""]
)
def test_admin_is_closed_to_a_page_of_another_site(
    client: FlaskClient, method: str, page: str, origin: str
) -> None:
    assert ask(client, method, page, headers={"Origin": origin}) == 403


@every_page
def test_admin_is_open_to_a_page_of_its_own(client: FlaskClient, method: str, page: str) -> None:
    assert ask(client, method, page, headers={"Origin": "http://localhost:8600"}) == 200


@every_page
def test_admin_is_open_to_whoever_has_the_token(
    client: FlaskClient, method: str, page: str
) -> None:
    def status(token: str) -> int:
        headers = {"Authorization": token, "Host": "mock.example"}
        return ask(client, method, page, sender="192.168.1.5", headers=headers)

    assert status("Bearer sesame") == 200
    assert [
        status(wrong) for wrong in ("", "Bearer ", "Bearer sesam", "Bearer sesame!", "Bearer é")
    ] == [403] * 5


@every_page
def test_without_a_token_no_token_is_right(make_api: MakeApi, method: str, page: str) -> None:
    client = create_app({"": make_api()}, Journal()).test_client()
    for token in ("Bearer ", "Bearer None", ""):
        headers = {"Authorization": token}
        assert ask(client, method, page, sender="192.168.1.5", headers=headers) == 403


def test_refused_reset_resets_nothing(client: FlaskClient) -> None:
    client.get("/say/a")
    ask(client, "POST", "/reset", sender="192.168.1.5")
    ask(client, "POST", "/reset", headers={"Origin": "https://evil.example"})
    assert len(client.get(f"{ADMIN}/journal").get_json()["entries"]) == 1


# What it says and does.


def test_index_lists_the_apis_with_their_paths(make_api: MakeApi, echo: type[Api]) -> None:
    second = type("Second", (echo,), {"name": "second", "title": "Another"})
    apis = {"": make_api(), "/second": make_api(second)}
    client = create_app(apis, Journal()).test_client()
    assert client.get(f"{ADMIN}/").json == {
        "apis": [
            {"api": "echo", "title": "Echo", "path": "/"},
            {"api": "second", "title": "Another", "path": "/second"},
        ]
    }


def test_health_says_ok(client: FlaskClient) -> None:
    assert client.get(f"{ADMIN}/health").json == {"status": "ok"}


def test_journal_shows_what_was_asked_and_can_be_cleared(client: FlaskClient) -> None:
    client.post("/say/a?b=1", data=b"hello")
    [entry] = client.get(f"{ADMIN}/journal").get_json()["entries"]
    assert entry == {
        "number": 1,
        "at": 1767225600.0,
        "api": "echo",
        "operation": "say",
        "session": "",
        "caller": "known",
        "method": "POST",
        "path": "/say/a",
        "query": "b=1",
        "headers": [
            ["User-Agent", f"Werkzeug/{version('werkzeug')}"],
            ["Host", "localhost"],
            ["Content-Length", "5"],
        ],
        "body": "hello",
        "status": 200,
        "answer_headers": [["Content-Type", "text/plain"], ["X-Dressed", "yes"]],
        "answer": "a:hello",
        "chunks": [[0.0, 7]],
        "fixture": "",
        "remarks": [],
        "faults": [],
        "chaos": [],
    }
    assert client.delete(f"{ADMIN}/journal").json["entries"] == []
    assert client.get(f"{ADMIN}/journal").json["entries"] == []


def test_journal_does_not_show_who_asked_for_it(client: FlaskClient) -> None:
    client.get(f"{ADMIN}/journal")
    assert client.get(f"{ADMIN}/journal").json["entries"] == []


def test_journal_of_texts_that_utf_8_cannot_say_is_still_json(client: FlaskClient) -> None:
    client.post("/say/%ff?a=%ff", data=b"\xff\x00")
    assert "\ufffd\0" in client.get(f"{ADMIN}/journal").get_json()["entries"][0]["body"]


def test_reset_forgets_the_state_of_every_api_here_and_the_journal(
    make_api: MakeApi, echo: type[Api]
) -> None:
    second = make_api(type("Second", (echo,), {"name": "second"}))
    first = make_api()
    for api in (first, second):
        api.world.store.change((api.name, "a"), "b", lambda _: {"c": 1})
        api.world.store.change(("elsewhere",), "b", lambda _: {"c": 1})
    client = create_app({"/1": first, "/2": second}, Journal()).test_client()
    client.get("/1/say/a")
    assert client.post(f"{ADMIN}/reset").json == {"status": "ok"}
    assert client.get(f"{ADMIN}/journal").json["entries"] == []
    for api in (first, second):
        assert api.world.store.read((api.name, "a"), "b") is None
        assert api.world.store.read(("elsewhere",), "b") == {"c": 1}


def test_clock_is_shown_and_moved(client: FlaskClient, clock: VirtualClock) -> None:
    start = client.get(f"{ADMIN}/clock").get_json()["now"]
    assert start == clock.now()
    assert client.post(f"{ADMIN}/clock", json={"advance": 90.5}).json == {"now": start + 90.5}
    assert client.post(f"{ADMIN}/clock", json={"advance": 0}).json == {"now": start + 90.5}
    assert clock.now() == start + 90.5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b"7",
        b'"advance"',
        b"null",
        b"{",
        b"\xff",
        b'{"advance": null}',
        b'{"advance": "1"}',
        b'{"advance": true}',
        b'{"advance": -1}',
        b'{"advance": NaN}',
        b'{"advance": Infinity}',
        b'{"advance": 1e400}',
        b'{"advance": [1]}',
        b'{"advance": 1%s}' % (b"0" * 400),
        b'{"advance": %d}' % (MOST_ADVANCE + 1),
    ],
)
def test_clock_refuses_to_be_moved_by_anything_else(
    client: FlaskClient, clock: VirtualClock, body: bytes
) -> None:
    start = clock.now()
    answer = client.post(f"{ADMIN}/clock", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json()["error"]
    assert clock.now() == start


def test_clock_is_not_moved_by_a_form_that_any_page_may_send(
    client: FlaskClient, clock: VirtualClock
) -> None:
    start = clock.now()
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = client.post(f"{ADMIN}/clock", data=b'{"advance": 1}', content_type=kind)
        assert answer.status_code == 400
    assert clock.now() == start


def test_real_clock_is_shown_and_cannot_be_moved(make_api: MakeApi) -> None:
    client = create_app({"": make_api(clock=RealClock())}, Journal()).test_client()
    assert client.get(f"{ADMIN}/clock").get_json()["now"] > 1767225600
    answer = client.post(f"{ADMIN}/clock", json={"advance": 1})
    assert answer.status_code == 409
    assert "--clock virtual" in answer.get_json()["error"]


@pytest.mark.parametrize("path", ["/nothing", "/journal/1", "/health/"])
def test_unknown_admin_page_is_no_business_of_the_api(client: FlaskClient, path: str) -> None:
    answer = client.get(ADMIN + path)
    assert answer.status_code == 404
    assert "X-Shape" not in answer.headers
    assert answer.get_json()["error"]
    refused = client.post(f"{ADMIN}/health")
    assert refused.status_code == 405 and "GET" in refused.headers["Allow"]
    assert refused.get_json() == {"error": "POST /_counterfoil/health: method not allowed"}
    assert client.get(f"{ADMIN}/journal").json["entries"] == []

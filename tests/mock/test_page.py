"""The page beside a running mock: its files, the events that feed it, what it asks the mock."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient

import mockserver.page
from mockserver import create_app
from mockserver.event_pages import AT_ONCE, SILENCE, Feed
from mockserver.journal import MOST_BODY, Entry, Filter, Journal
from mockserver.model import FEED, FEED_PAUSE, Api
from mockserver.record_pages import MOST_SHOWN
from mockserver.server import Server

from .conftest import LOUD

ADMIN = "/_counterfoil"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FILES = ["/", "/page.css", "/page.js"]
HERE = Path(mockserver.page.__file__).parent
MakeApi = Callable[..., Api]


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    return make_api()


@pytest.fixture
def client(api: Api, journal: Journal) -> FlaskClient:
    return create_app({"": api}, journal).test_client()


@pytest.fixture
def url(api: Api, journal: Journal) -> Iterator[str]:
    with Server(create_app({"": api}, journal).wsgi_app) as server:
        yield server.url


# Files.


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER["Accept"], "text/html"),
        ("text/html", "text/html"),
        ("text/*, application/json;q=0.5", "text/html"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/json", "application/json"),
        ("application/json, text/html", "application/json"),
        ("text/html;q=0.2, application/json", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_index_is_a_page_for_who_prefers_html(client: FlaskClient, accept: str, kind: str) -> None:
    answer = client.get(f"{ADMIN}/", headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, kind)
    assert answer.headers["Vary"] == "Accept"


def test_index_without_accept_is_json(client: FlaskClient) -> None:
    assert client.get(f"{ADMIN}/").json == {"apis": [{"api": "echo", "path": "/", "title": "Echo"}]}


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")],
)
def test_files_are_sent_with_a_strict_policy_and_no_cookie(
    client: FlaskClient, path: str, kind: str
) -> None:
    answer = client.get(ADMIN + path, headers=BROWSER)
    assert answer.content_type == f"{kind}; charset=utf-8"
    assert answer.data == (HERE / f"page{Path(path).suffix or '.html'}").read_bytes()
    policy = dict(
        rule.partition(" ")[::2] for rule in answer.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in str(policy) and "//" not in str(policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_files_name_no_other_host_and_hold_no_script_or_style_in_line() -> None:
    html, css, js = ((HERE / f"page.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    loaded = re.findall(r'(?:src|href)="([^"#]+)"', html)
    assert {name for name in loaded if not name.startswith("data:")} == {"page.css", "page.js"}
    assert "<style" not in html and not re.search(r"\s(on\w+|style)=", html)
    assert re.findall(r"<script[^>]*>([^<]*)", html) == [""]
    assert "url(" not in css and "@import" not in css
    assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b", js)
    assert "document.cookie" not in js and "localStorage" not in js
    assert set(re.findall(r"https?://[^\s\"'`]+", js + css)) == {"http://www.w3.org/2000/svg"}


def test_every_control_has_a_label_and_every_id_is_used_once() -> None:
    html = (HERE / "page.html").read_text("utf-8")
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    labelled = "".join(re.findall(r"<label.*?</label>", html, re.DOTALL))
    controls = re.findall(r"<(?:input|select|textarea)\b", html)
    assert len(controls) == len(re.findall(r"<(?:input|select|textarea)\b", labelled)) > 20
    for named in re.findall(r'aria-labelledby="([^"]+)"', html):
        assert named in ids
    js = (HERE / "page.js").read_text("utf-8")
    made = {"gap-above", "gap-below"}
    assert set(re.findall(r'\$\("([^"]+)"\)', js)) - made <= set(ids)


# Who gets them.


def strangers(client: FlaskClient, path: str, **headers: str) -> int:
    return client.get(
        ADMIN + path,
        headers={"Host": "mock.example", **headers},
        environ_overrides={"REMOTE_ADDR": "192.168.1.5"},
    ).status_code


@pytest.mark.parametrize("path", FILES)
def test_files_are_closed_to_other_machines_where_there_is_no_token(
    client: FlaskClient, path: str
) -> None:
    assert strangers(client, path, **BROWSER) == 403


def test_with_a_token_the_files_are_open_and_nothing_else_is(api: Api, journal: Journal) -> None:
    client = create_app({"": api}, journal, admin_token="sesame").test_client()
    assert [strangers(client, path, **BROWSER) for path in FILES] == [200, 200, 200]
    shut = ["/", "/events", "/journal", "/journal/1", "/conversations", "/clock", "/faults"]
    assert [strangers(client, path) for path in shut] == [403] * len(shut)
    assert strangers(client, "/events", **BROWSER) == 403
    assert strangers(client, "/clock", Authorization="Bearer sesame") == 200


# One exchange, and the clock.


def test_one_exchange_is_read_by_its_number(client: FlaskClient) -> None:
    client.post("/say/a", data="first")
    client.get("/say/refuse")
    entry = client.get(f"{ADMIN}/journal/2").get_json()
    assert entry == client.get(f"{ADMIN}/journal").get_json()["entries"][1]
    assert entry["remarks"] == ["the word refuse is refused, and <key> is not told"]


def test_exchange_that_is_not_kept_is_told_of(client: FlaskClient, journal: Journal) -> None:
    journal.most = 2
    for _ in range(3):
        client.get("/say/a")
    found = [client.get(f"{ADMIN}/journal/{number}").status_code for number in (0, 1, 2, 3, 4)]
    assert found == [404, 404, 200, 200, 404]
    assert client.get(f"{ADMIN}/journal/{'9' * 30}").status_code == 404
    client.delete(f"{ADMIN}/journal")
    assert client.get(f"{ADMIN}/journal/3").status_code == 404


def test_clock_says_whether_it_is_virtual(client: FlaskClient) -> None:
    assert client.get(f"{ADMIN}/clock").json == {"now": 1767225600.0, "virtual": True}


# Conversations.


def test_conversations_are_shown_as_they_stand_the_last_first(
    client: FlaskClient, api: Api
) -> None:
    for key in ("a", "b"):
        api.world.store.change(("echo", "mine"), key, lambda _: {"said": "é"})
    found = client.get(f"{ADMIN}/conversations").get_json()["conversations"]
    assert [one["key"] for one in found] == ["b", "a"]
    record = '{"said": "é"}'
    assert found[0] == {
        "api": "echo",
        "scope": ["mine"],
        "key": "b",
        "record": record,
        "characters": len(record),
    }


@pytest.mark.usefixtures("echo_faults")
def test_what_is_switched_and_scripted_is_no_conversation(client: FlaskClient, api: Api) -> None:
    api.world.switches.set([])
    api.world.scripted.add({"question": "a", "answer": "b"})
    assert client.get(f"{ADMIN}/conversations").json == {"conversations": []}


def test_chaos_and_quotas_of_many_callers_are_no_conversations(
    client: FlaskClient, api: Api
) -> None:
    api.world.store.change(("echo", "mine"), "a", lambda _: {"said": "x"})
    limit = {"latency": "0", "rate_limit": "1000/60"}
    assert client.put(f"{ADMIN}/chaos", json=limit).status_code == 200
    for number in range(2 * MOST_SHOWN):
        client.get("/", headers={"Authorization": f"caller {number}"})
    found = client.get(f"{ADMIN}/conversations").get_json()["conversations"]
    assert [one["key"] for one in found] == ["a"]


def test_conversations_hold_no_secret(client: FlaskClient, api: Api) -> None:
    telling = {"key": "echo-key", "deep": [{"sign": "sign=abc", "echo-other-key": 1}]}
    api.world.store.change(("echo", "echo-key"), "of echo-key", lambda _: telling)
    text = client.get(f"{ADMIN}/conversations").text
    assert "echo-key" not in text and "echo-other-key" not in text and "sign=abc" not in text
    assert text.count("<key>") >= 3


def test_conversations_are_bounded_in_number_and_size(client: FlaskClient, api: Api) -> None:
    for number in range(MOST_SHOWN + 5):
        api.world.store.change(("echo", "mine"), str(number), lambda _: {"said": "x" * 20_000})
    found = client.get(f"{ADMIN}/conversations?api=echo").get_json()["conversations"]
    assert len(found) == MOST_SHOWN
    assert {len(one["record"]) for one in found} == {MOST_BODY}
    assert {one["characters"] for one in found} == {20_012}


def test_conversations_of_an_unknown_api_are_told_of(client: FlaskClient) -> None:
    answer = client.get(f"{ADMIN}/conversations?api=other")
    assert (answer.status_code, answer.json) == (400, {"error": "api should be one of echo"})


# Events.


class Follower:
    """Reads events: those called `entry` by their numbers, and the last `state`."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}
        self.ids: list[str] = []

    def take(self, sent: bytes) -> Follower:
        for block in sent.decode("ascii").split("\n\n"):
            fields = dict(line.partition(": ")[::2] for line in block.split("\n"))
            if "id" in fields:
                self.ids.append(fields["id"])
            if fields.get("event") == "entry":
                self.entries.append(json.loads(fields["data"]))
            elif fields.get("event") == "state":
                self.state = json.loads(fields["data"])
        return self

    @property
    def numbers(self) -> list[int]:
        return [entry["number"] for entry in self.entries]


def write(journal: Journal, count: int = 1, **fields: Any) -> None:
    plain: dict[str, Any] = {
        "at": 1767225600.0, "api": "echo", "operation": "say", "session": "", "caller": "known",
        "method": "POST", "path": "/say/a", "query": "", "headers": (), "body": "", "status": 200,
        "answer_headers": (), "answer": "", "chunks": ((0.0, 1),), "fixture": "", "remarks": (),
        "faults": (),
    }  # fmt: skip
    for _ in range(count):
        journal.write(0.001, Entry(0, **{**plain, **fields}))


class Hand:
    """A clock that is moved."""

    time = 0.0

    def __call__(self) -> float:
        return self.time


def test_feed_gives_what_is_kept_then_what_comes(journal: Journal) -> None:
    write(journal, 2)
    feed, follower = Feed(journal, Filter(), Hand()), Follower()
    assert follower.take(feed()).numbers == [1, 2]
    assert feed() == b""
    write(journal, remarks=("a", "b"), chunks=((0.0, 1), (0.5, 2)), session="\ud800", body="long")
    assert follower.take(feed()).numbers == [1, 2, 3]
    assert follower.entries[2] == {
        "number": 3, "at": 1767225600.0, "api": "echo", "operation": "say", "session": "\ud800",
        "caller": "known", "method": "POST", "path": "/say/a", "status": 200, "fixture": "",
        "faults": [], "chaos": [], "remarks": 2, "chunks": 2,
    }  # fmt: skip
    assert follower.ids == ["1", "2", "2", "3", "3"]


def test_feed_gives_only_what_is_asked_for_and_says_how_far_it_is(journal: Journal) -> None:
    feed, follower = Feed(journal, Filter(status=404), Hand()), Follower()
    write(journal, 3)
    write(journal, status=404)
    write(journal)
    assert follower.take(feed()).numbers == [4]
    assert follower.state == {
        "journal": str(journal.began), "first": 1, "last": 5, "caught_up": True
    }  # fmt: skip


def test_feed_gives_a_long_journal_in_shares(journal: Journal) -> None:
    write(journal, 2 * AT_ONCE + 1)
    feed, follower = Feed(journal, Filter(since=1), Hand()), Follower()
    seen = []
    for _ in range(3):
        follower.take(feed())
        seen.append((len(follower.entries), follower.state["caught_up"]))
    assert seen == [(AT_ONCE, False), (2 * AT_ONCE, True), (2 * AT_ONCE, True)]


def test_feed_says_what_is_no_longer_kept(journal: Journal) -> None:
    journal.most = 2
    feed, follower = Feed(journal, Filter(), Hand()), Follower()
    write(journal, 3)
    assert follower.take(feed()).state["first"] == 2
    journal.clear()
    assert follower.take(feed()).state["first"] == 4
    assert feed() == b""


def test_feed_after_an_entry_that_is_not_written_yet_goes_on_with_the_next(
    journal: Journal,
) -> None:
    write(journal)
    feed = Feed(journal, Filter(since=500), Hand())
    assert Follower().take(feed()).numbers == []
    write(journal)
    assert Follower().take(feed()).numbers == [2]


def test_feed_that_is_silent_for_long_says_that_it_lives(journal: Journal) -> None:
    hand = Hand()
    feed = Feed(journal, Filter(), hand)
    assert feed().startswith(b"retry: 1000\n\n")
    hand.time += SILENCE - 0.1
    assert feed() == b""
    hand.time += 0.2
    assert (feed(), feed()) == (b":\n\n", b"")


def test_no_text_of_a_request_can_end_an_event(client: FlaskClient) -> None:
    client.post("/say/a%0A%0Aevent:%20state%0Adata:%20{}", headers={"Counterfoil-Session": "s"})
    events = client.get(f"{ADMIN}/events", buffered=False)
    sent = next(iter(events.response))
    events.close()
    assert isinstance(sent, bytes)
    assert Follower().take(sent).entries[0]["path"] == "/say/a\n\nevent: state\ndata: {}"


@pytest.mark.parametrize("asked", ["wait=1", "limit=1", "color=red", "since=x"])
def test_events_that_cannot_be_asked_for_are_told_of(client: FlaskClient, asked: str) -> None:
    assert client.get(f"{ADMIN}/events?{asked}").status_code == 400


@pytest.mark.parametrize("last", ["", "x", "-1", "1.5", "²", "9" * 16])
def test_last_event_that_is_none_is_told_of(client: FlaskClient, last: str) -> None:
    answer = client.get(
        f"{ADMIN}/events", headers={"Last-Event-ID": last.encode().decode("latin-1")}
    )
    assert answer.status_code == 400
    assert "Last-Event-ID is the number of an entry" in answer.get_json()["error"]


def test_under_another_server_events_come_while_they_are_waited_for(
    client: FlaskClient, journal: Journal
) -> None:
    write(journal, 3)
    answer = client.get(f"{ADMIN}/events?since=1", headers={"Last-Event-ID": "2"}, buffered=False)
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    sent = iter(answer.response)
    assert Follower().take(next(sent)).numbers == [3]  # type: ignore[arg-type]
    threading.Timer(0.1, write, [journal]).start()
    assert Follower().take(next(sent)).numbers == [4]  # type: ignore[arg-type]
    answer.close()


def read_until(lines: Iterator[bytes], follower: Follower, count: int) -> None:
    while len(follower.entries) < count:
        follower.take(next(lines))


def test_events_do_not_hold_up_others_and_end_with_their_reader(url: str, journal: Journal) -> None:
    with httpx.Client(base_url=url, timeout=5) as client, httpx.Client(timeout=5) as other:
        followers = [Follower() for _ in range(3)]
        for follower in followers:
            with client.stream("GET", f"{ADMIN}/events?since={journal.written}") as events:
                assert events.headers["content-type"] == "text/event-stream"
                pieces = events.iter_raw()
                began = time.monotonic()
                for _ in range(20):
                    assert other.post(f"{url}/say/a").status_code == 200
                assert time.monotonic() - began < 2
                read_until(pieces, follower, 20)
        assert [len(follower.entries) for follower in followers] == [20, 20, 20]


def test_feed_is_asked_until_it_is_over_or_nobody_listens() -> None:
    asked: list[str] = []

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        endless = environ["PATH_INFO"] == "/endless"

        def feed() -> bytes | None:
            asked.append(environ["PATH_INFO"])
            return b"" if endless and len(asked) > 1 else b"a" if len(asked) < 4 else None

        environ[FEED] = feed
        start("200 OK", [("Content-Type", "text/plain")])
        return []

    with Server(app) as server, httpx.Client(base_url=server.url, timeout=5) as client:
        assert client.get("/").text == "aaa"
        asked.clear()
        with client.stream("GET", "/endless") as answer:
            assert next(answer.iter_raw()) == b"a"
        time.sleep(4 * FEED_PAUSE)
        calls = len(asked)
        time.sleep(4 * FEED_PAUSE)
        assert len(asked) == calls, "nobody listens, and nobody asks"


def test_server_stops_while_somebody_follows(api: Api, journal: Journal) -> None:
    server = Server(create_app({"": api}, journal).wsgi_app)
    with httpx.Client(timeout=5) as client:
        with server:
            request = client.build_request("GET", f"{server.url}{ADMIN}/events")
            pieces = client.send(request, stream=True).iter_raw()
            assert next(pieces)
            began = time.monotonic()
        assert time.monotonic() - began < 5
        assert list(pieces) == [], "the reader is told"


def test_what_was_switched_breaks_the_next_request_in_the_events(
    mock: Callable[..., FlaskClient], journal: Journal
) -> None:
    client = mock()
    client.put(f"{ADMIN}/faults", json={"api": "echo", "faults": [LOUD]})
    client.post("/say/a", data="b")
    follower = Follower().take(Feed(journal, Filter(fault=LOUD), Hand())())
    assert [entry["faults"] for entry in follower.entries] == [[LOUD]]

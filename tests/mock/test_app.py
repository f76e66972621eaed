from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mockserver import create_app, emulator
from mockserver.app import identities
from mockserver.clock import RealClock, VirtualClock
from mockserver.faults import UnknownName
from mockserver.journal import MOST_BODY, Entry, Journal
from mockserver.lean_flask import MOST_BYTES
from mockserver.model import Answer, Api, Call, Operation, Refusal
from mockserver.reply_files import FixtureError
from mockserver.store import MemoryStore

from .conftest import Echo

MakeApi = Callable[..., Api]


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def client(make_api: MakeApi, journal: Journal) -> FlaskClient:
    return create_app({"": make_api()}, journal).test_client()


def last(journal: Journal) -> Entry:
    return journal.entries()[-1]


# The life of a request.


def test_request_is_answered_dressed_and_written_down(
    client: FlaskClient, journal: Journal
) -> None:
    answer = client.post("/say/word?a=b", data=b"hello")
    assert (answer.status_code, answer.data) == (200, b"word:hello")
    assert answer.headers["X-Dressed"] == "yes"
    assert answer.headers.getlist("Content-Type") == ["text/plain"]
    assert last(journal) == Entry(
        number=1,
        at=1767225600.0,
        api="echo",
        operation="say",
        session="",
        caller="known",
        method="POST",
        path="/say/word",
        query="a=b",
        headers=(
            ("User-Agent", f"Werkzeug/{version('werkzeug')}"),
            ("Host", "localhost"),
            ("Content-Length", "5"),
        ),
        body="hello",
        status=200,
        answer_headers=(("Content-Type", "text/plain"), ("X-Dressed", "yes")),
        answer="word:hello",
        chunks=((0.0, 10),),
        fixture="",
        remarks=(),
        faults=(),
    )


def test_refusal_is_written_by_the_api_alone(client: FlaskClient, journal: Journal) -> None:
    answer = client.get("/say/refuse")
    assert (answer.status_code, answer.json) == (418, {"refused": "no", "operation": "hear"})
    assert (answer.headers["X-Shape"], answer.headers["X-Why"]) == ("echo", "asked")
    assert answer.headers["X-Dressed"] == "yes"
    assert last(journal).status == 418


def test_remarks_go_to_the_journal_and_the_log_without_secrets(
    client: FlaskClient, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/say/refuse")
    says = "the word refuse is refused, and <key> is not told"
    assert last(journal).remarks == (says,)
    assert [record.getMessage() for record in caplog.records] == [f"echo: {says}"]


@pytest.mark.parametrize("testing", [False, True])
def test_crash_is_a_500_in_the_apis_shape_and_is_logged(
    make_api: MakeApi, journal: Journal, caplog: pytest.LogCaptureFixture, testing: bool
) -> None:
    app = create_app({"": make_api()}, journal)
    app.testing = testing
    answer = app.test_client().get("/say/crash")
    assert answer.status_code == 500
    assert answer.json == {"refused": "internal error", "operation": "hear"}
    assert answer.headers["X-Dressed"] == "yes"
    assert "broke" not in answer.text
    assert last(journal).status == 500
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info
    assert str(record.exc_info[1]) == "it broke"


def test_crash_does_not_stop_the_next_request(client: FlaskClient) -> None:
    client.get("/say/crash")
    assert client.get("/say/a").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/", "GET"),
        ("DELETE", "/say/a", "GET, POST"),
        ("OPTIONS", "/say/a", "GET, POST"),
        ("HEAD", "/say/a", "GET, POST"),
        ("BREW", "/say/a", "GET, POST"),
    ],
)
def test_wrong_method_is_refused_by_the_api_and_says_which_are_right(
    client: FlaskClient, journal: Journal, method: str, path: str, allowed: str
) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    assert answer.headers["X-Shape"] == "echo"
    assert answer.headers["X-Dressed"] == "yes"
    assert last(journal).operation is None
    if method != "HEAD":
        assert answer.json == {"refused": "method not allowed", "operation": None}


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/say",
        "/say/",
        "/say/a/",
        "/say/a/b",
        "//say/a",
        "/say//a",
        "/say/%2F",
        "/SAY/a",
        "/./say/a",
        "/_counterfoils",
    ],
)
def test_unknown_path_is_refused_by_the_api(
    client: FlaskClient, journal: Journal, path: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json) == (404, {"refused": "not found", "operation": None})
    assert answer.headers["X-Dressed"] == "yes"
    assert last(journal).status == 404


@pytest.mark.parametrize(
    "raw", ["/say/\xff", "/say/%zz", "/say/%", "/say/\0", "/say/\xc3\xa9", "/say/\xed\xa0\x80"]
)
def test_path_of_any_bytes_is_answered(client: FlaskClient, raw: str) -> None:
    answer = client.get("/", environ_overrides={"PATH_INFO": raw})
    assert answer.status_code == 200
    assert answer.data.decode("utf-8")


# Bodies.


def test_body_beyond_the_limit_is_refused_in_the_apis_shape(
    client: FlaskClient, journal: Journal
) -> None:
    answer = client.post("/say/a", data=b"x" * (MOST_BYTES + 1))
    assert answer.status_code == 413
    assert answer.json == {"refused": "request entity too large", "operation": "say"}
    assert last(journal).body == "<Request Entity Too Large>"
    assert client.post("/say/a", data=b"x" * 1000).status_code == 200


def test_body_that_does_not_say_how_long_it_is_is_never_read_beyond_the_limit(
    client: FlaskClient,
) -> None:
    chunked = {
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    for size in (10, MOST_BYTES, MOST_BYTES + 1):
        body = io.BytesIO(b"x" * size)
        answer = client.post("/say/a", input_stream=body, environ_overrides=chunked)
        if size > MOST_BYTES:
            assert answer.status_code == 413
        else:
            assert len(answer.data) == len("a:") + size


def test_unread_body_of_an_unknown_path_is_bounded_too(
    client: FlaskClient, journal: Journal
) -> None:
    assert client.post("/nowhere", data=b"x" * (MOST_BYTES + 1)).status_code == 404
    assert last(journal).body == "<Request Entity Too Large>"


def test_journal_keeps_the_beginning_of_what_is_large(
    client: FlaskClient, journal: Journal
) -> None:
    client.post("/say/a?" + "q" * 50_000, data=b"x" * 50_000)
    entry = last(journal)
    assert [len(text) for text in (entry.query, entry.body, entry.answer)] == [MOST_BODY] * 3


@pytest.mark.parametrize("secret", ["echo-key", "echo-other-key"])
def test_journal_shows_no_secret_wherever_it_stands(
    client: FlaskClient, journal: Journal, secret: str
) -> None:
    edge = b"x" * (MOST_BODY - 3)
    client.post(f"/say/{secret}?a={secret}&sign=deadbeef", data=secret.encode())
    client.post(f"/say/a?{'q' * (MOST_BODY - 3)}{secret}", data=edge + secret.encode())
    first, second = journal.entries()
    assert (first.path, first.query, first.body) == ("/say/<key>", "a=<key>&sign=<hidden>", "<key>")
    assert first.answer == "<key>:<key>"
    assert not [text for text in (second.query, second.body, second.answer) if text.endswith("ech")]


# Streams.


def test_stream_leaves_when_it_is_due(client: FlaskClient, clock: VirtualClock) -> None:
    start = clock.now()
    response = client.get("/say/stream", buffered=False)
    seen = [(clock.now() - start, data) for data in response.response]
    assert seen == [(0.0, b"one "), (2.5, b"two")]


def test_stream_is_written_down_whole_with_its_chunks_and_their_times(
    client: FlaskClient, journal: Journal
) -> None:
    client.get("/say/stream")
    assert (last(journal).answer, last(journal).chunks) == ("one two", ((0.0, 4), (2.5, 3)))


# Several APIs.


def named(name: str) -> type[Api]:
    return type(name.title(), (Echo,), {"name": name})


@pytest.fixture
def several(make_api: MakeApi, journal: Journal) -> FlaskClient:
    apis = {f"/{name}": make_api(named(name)) for name in ("one", "one-more", "two")}
    return create_app(apis, journal).test_client()


def test_each_api_is_served_under_its_prefix(several: FlaskClient, journal: Journal) -> None:
    for name in ("one", "two", "one-more"):
        assert several.get(f"/{name}/say/a").data == b"a:"
        assert last(journal).api == name
        assert last(journal).path == f"/{name}/say/a"


@pytest.mark.parametrize("path", ["/one/nowhere", "/two/say", "/one-more/say/a/b", "/one//say/a"])
def test_unknown_path_under_a_prefix_is_refused_by_its_api(
    several: FlaskClient, journal: Journal, path: str
) -> None:
    answer = several.get(path)
    assert answer.json == {"refused": "not found", "operation": None}
    assert last(journal).api == path.split("/")[1]


@pytest.mark.parametrize("path", ["/", "/three", "/three/say/a", "/on", "/onetwo/say/a", "/say/a"])
def test_unknown_prefix_says_what_is_served(
    several: FlaskClient, journal: Journal, path: str
) -> None:
    answer = several.get(path)
    assert answer.status_code == 404
    assert answer.json == {"error": f"nothing is served at {path}; try /one-more/, /one/, /two/"}
    assert journal.entries() == []


@pytest.mark.parametrize("path", ["/one", "/one/"])
def test_api_at_a_prefix_is_reached_with_and_without_its_last_slash(
    several: FlaskClient, journal: Journal, path: str
) -> None:
    answer = several.get(path)
    assert (answer.status_code, answer.data) == (200, b"home:")
    assert several.put(path).headers["Allow"] == "GET"
    assert {entry.api for entry in journal.entries()} == {"one"}


@pytest.mark.parametrize("prefix", ["one", "one/", "/one/", "/"])
def test_prefix_that_is_none_is_refused(make_api: MakeApi, prefix: str) -> None:
    with pytest.raises(ValueError, match="a prefix is empty or like /name"):
        create_app({prefix: make_api()}, Journal())


def test_api_at_the_root_and_one_under_a_prefix_do_not_meet(
    make_api: MakeApi, journal: Journal
) -> None:
    apis = {"": make_api(named("root")), "/one": make_api(named("one"))}
    client = create_app(apis, journal).test_client()
    for path in ("/say/a", "/one/say/a", "/nowhere", "/one/nowhere", "/onenowhere"):
        client.get(path)
    assert [entry.api for entry in journal.entries()] == ["root", "one", "root", "one", "root"]


def test_two_apps_do_not_share_anything(make_api: MakeApi) -> None:
    journals = [Journal(), Journal()]
    first, _ = (create_app({"": make_api()}, journal).test_client() for journal in journals)
    first.get("/say/a")
    assert [len(journal.entries()) for journal in journals] == [1, 0]


def test_eight_threads_are_answered_each_with_its_own(make_api: MakeApi, journal: Journal) -> None:
    app = create_app({"": make_api()}, journal)
    wrong: list[TestResponse] = []

    def work(name: str) -> None:
        client = app.test_client()
        for number in range(50):
            answer = client.post(f"/say/{name}", data=str(number).encode())
            if answer.data != f"{name}:{number}".encode():
                wrong.append(answer)

    threads = [threading.Thread(target=work, args=(f"t{name}",)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [entry.number for entry in journal.entries()] == list(range(1, 401))


def test_vendors_own_http_errors_are_refused_by_the_api(
    make_api: MakeApi, journal: Journal
) -> None:
    class Impatient(Echo):
        operations = (Operation("say", "POST", "/say/<word>"),)

        def answer(self, call: Call) -> Answer:
            return Answer(200, str(call.request.json).encode())

    client = create_app({"": make_api(Impatient)}, journal).test_client()
    assert client.post("/say/a", data=b"{", content_type="application/json").status_code == 400
    assert client.post("/say/a", data=b"{}").get_json()["refused"] == "unsupported media type"


def test_refusal_may_be_raised_with_any_text(
    make_api: MakeApi, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(Echo):
        def answer(self, call: Call) -> Answer:
            call.remarks.append("\ud800\0\n")
            raise Refusal("é", status=400)

    client = create_app({"": make_api(Odd)}, journal).test_client()
    assert client.get("/").get_json()["refused"] == "é"
    assert client.get("/_counterfoil/journal").get_json()["entries"][0]["remarks"] == ["\ud800\0\n"]
    assert caplog.messages == [r"echo: \ud800\x00\n"]


# Whom a mock knows.


def test_credentials_change_the_first_caller_and_with_other_the_second() -> None:
    assert identities(Echo, {}) == Echo.identities
    assert identities(Echo, {"key": "a", "other_user": "b"}) == (
        {"key": "a", "user": "first"},
        {"key": "echo-other-key", "user": "b"},
    )
    assert Echo.identities[0]["key"] == "echo-key"


def test_optional_credentials_may_be_given() -> None:
    class Optional(Echo):
        optional_credentials = frozenset({"pin"})

    assert identities(Optional, {"pin": "1"})[0]["pin"] == "1"
    assert "pin" not in identities(Optional, {})[0]


@pytest.mark.parametrize(
    ("asked", "near"), [("kee", "key"), ("other_usr", "other_user"), ("other_kee", "other_key")]
)
def test_unknown_credential_names_the_nearest(asked: str, near: str) -> None:
    with pytest.raises(UnknownName, match=f"unknown credential '{asked}'; did you mean {near}?"):
        identities(Echo, {asked: "a"})


# Making an emulator.


def make(name: str, **options: Any) -> Api:
    given: dict[str, Any] = {"fixtures": Path("nowhere"), "clock": RealClock()}
    return emulator(name, **{**given, "store": MemoryStore(), **options})


def test_emulator_of_an_unknown_api_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown API 'echo'"):
        make("echo")


def test_emulator_without_its_folder_of_fixtures_is_refused(first_api: str) -> None:
    with pytest.raises(FixtureError, match="nowhere: there is no such folder"):
        make(first_api)


def test_emulator_stands_on_what_it_is_given(first_api: str, tmp_path: Path) -> None:
    store, clock = MemoryStore(), VirtualClock()
    api = make(first_api, fixtures=tmp_path, store=store, clock=clock, seed=3)
    assert api.world.api == api.name == first_api
    assert (api.world.store, api.world.clock, api.world.seed) == (store, clock, 3)
    assert api.world.identities == api.identities


def test_emulator_refuses_unknown_faults_and_credentials(first_api: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="unknown fault"):
        make(first_api, fixtures=tmp_path, faults=["nothing"])
    with pytest.raises(UnknownName, match="unknown credential"):
        make(first_api, fixtures=tmp_path, credentials={"nothing": "a"})


@pytest.fixture
def first_api() -> str:
    from mockserver.faults import apis

    return sorted(apis())[0]


def test_numbers_depend_on_seed_api_and_parts_alone(make_api: MakeApi) -> None:
    world = make_api().world
    assert world.number("a", 1) == make_api().world.number("a", 1)
    others = [world.number("a", 2), world.number("a"), world.number("a1"), world.number("\ud800")]
    assert len({world.number("a", 1), make_api(named("one")).world.number("a", 1), *others}) == 6
    assert all(0 <= number < 2**128 for number in others)

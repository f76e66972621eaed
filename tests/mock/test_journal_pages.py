"""The journal over the admin API: looked through, waited for, taken away as HAR."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient

from mockserver import create_app
from mockserver.journal import Entry, Journal
from mockserver.model import Api
from mockserver.server import Server

PAGE = "/_counterfoil/journal"
MakeApi = Callable[..., Api]


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def client(make_api: MakeApi, journal: Journal) -> FlaskClient:
    return create_app({"": make_api()}, journal).test_client()


@pytest.fixture
def url(make_api: MakeApi, journal: Journal) -> Iterator[str]:
    with Server(create_app({"": make_api()}, journal).wsgi_app) as server:
        yield server.url


def numbers(answer: Any) -> list[int]:
    return [entry["number"] for entry in answer.json["entries"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", [1, 2, 3]),
        ("since=1", [2, 3]),
        ("operation=say", [1, 2]),
        ("method=GET", [3]),
        ("path=/say/b", [2]),
        ("status=418", [3]),
        ("contains=second", [2]),
        ("contains=nobody+said+this", []),
        ("api=echo&caller=known&since=2", [3]),
        ("api=other", []),
        ("fault=echo.say.twice", []),
        ("limit=2", [2, 3]),
        ("limit=0", []),
    ],
)
def test_entries_are_looked_for(client: FlaskClient, asked: str, found: list[int]) -> None:
    client.post("/say/a", data="first")
    client.post("/say/b", data="second")
    client.get("/say/refuse")
    answer = client.get(f"{PAGE}?{asked}")
    assert (answer.status_code, numbers(answer), answer.json["last"]) == (200, found, 3)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("color=red", "a journal is not asked for 'color', but by since, api,"),
        ("status=ok", "status is a number from 0 up, not 'ok'"),
        ("since=-1", "since is a number from 0 up, not '-1'"),
        ("limit=1.5", "limit is a number from 0 up, not '1.5'"),
        ("wait=nan", "wait is a number from 0 up, not 'nan'"),
        ("timeout=601", "timeout is at most 600 seconds"),
    ],
)
def test_a_question_that_no_journal_can_answer_is_told_why(
    client: FlaskClient, asked: str, said: str
) -> None:
    answer = client.get(f"{PAGE}?{asked}")
    assert answer.status_code == 400
    assert said in answer.json["error"]


def test_a_journal_answers_when_as_many_came_as_are_waited_for(url: str) -> None:
    def later() -> None:
        for text in ("a", "b"):
            time.sleep(0.1)
            httpx.post(f"{url}/say/{text}")

    thread = threading.Thread(target=later)
    began = time.monotonic()
    thread.start()
    answer = httpx.get(f"{url}{PAGE}?wait=2&timeout=20&operation=say", timeout=30)
    took = time.monotonic() - began
    thread.join()
    assert [entry["path"] for entry in answer.json()["entries"]] == ["/say/a", "/say/b"]
    assert 0.2 <= took < 10


def test_nobody_else_waits_while_somebody_does(url: str) -> None:
    waiting = threading.Thread(target=httpx.get, args=(f"{url}{PAGE}?wait=1&timeout=3",),
                               kwargs={"timeout": 10})  # fmt: skip
    waiting.start()
    time.sleep(0.2)
    began = time.monotonic()
    assert httpx.get(f"{url}/_counterfoil/health").status_code == 200
    assert time.monotonic() - began < 1
    httpx.post(f"{url}/say/a")
    waiting.join(2.5)
    assert not waiting.is_alive()


@pytest.mark.parametrize("carried", ["by the loop", "by a thread"])
def test_who_waits_in_vain_is_told_what_came(client: FlaskClient, url: str, carried: str) -> None:
    if carried == "by the loop":
        httpx.post(f"{url}/say/a")
        answer = httpx.get(f"{url}{PAGE}?wait=2&timeout=0.1")
        status, body = answer.status_code, answer.json()
    else:
        client.post("/say/a")
        seen = client.get(f"{PAGE}?wait=2&timeout=0.1")
        status, body = seen.status_code, seen.json
    assert (status, body["error"]) == (408, "2 entries were waited for, and 1 came")
    assert len(body["entries"]) == 1


def test_a_journal_is_exported_as_har(client: FlaskClient) -> None:
    client.post("/say/a?x=1&x=%20", data="hello", headers={"Authorization": "Bearer wrong"})
    client.get("/say/stream")
    answer = client.get(f"{PAGE}.har")
    assert "journal.har" in answer.headers["Content-Disposition"]
    log = answer.json["log"]
    assert log["version"] == "1.2"
    said, streamed = log["entries"]
    assert said["request"]["url"] == "http://localhost/say/a?x=1&x=%20"
    assert said["request"]["queryString"] == [
        {"name": "x", "value": "1"}, {"name": "x", "value": " "},
    ]  # fmt: skip
    assert said["request"]["postData"]["text"] == "hello"
    assert {"name": "Authorization", "value": "<hidden>"} in said["request"]["headers"]
    assert said["response"]["content"]["text"] == "a:hello"
    assert said["startedDateTime"] == "2026-01-01T00:00:00.000+00:00"
    assert streamed["response"]["_chunks"] == [{"at": 0.0, "size": 4}, {"at": 2.5, "size": 3}]
    assert streamed["time"] == 2500


def test_a_journal_is_bounded_by_the_size_of_its_entries(
    make_api: MakeApi, client: FlaskClient
) -> None:
    small = Journal(most_size=2000)
    asked = create_app({"": make_api()}, small).test_client()
    for place in range(20):
        asked.post(f"/say/{place}", data="x" * 300)
    kept = small.entries()
    assert 1 <= len(kept) < 5
    assert kept[-1].number == 20
    assert sum(entry.size for entry in kept) <= 2000
    asked.post("/say/large", data="y" * 5000)
    assert small.entries() == []


def test_who_waits_looks_only_at_what_is_new(
    url: str, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for word in ("a", "b"):
        httpx.post(f"{url}/say/{word}")
    looked = []
    after = journal.after

    def noted(number: int, most: int) -> list[Entry]:
        looked.append(number)
        return after(number, most)

    monkeypatch.setattr(journal, "after", noted)
    answer = httpx.get(f"{url}{PAGE}?since=1&wait=2&timeout=0.5")
    assert answer.status_code == 408 and [e["number"] for e in answer.json()["entries"]] == [2]
    assert looked == [1, 1]


def test_entries_are_written_alike_whether_or_not_utf_8_can_say_what_is_beside_them(
    client: FlaskClient, journal: Journal
) -> None:
    client.post("/say/stream", data="whole é")
    (before,) = client.get(PAGE).json["entries"]
    journal.write(0.1, journal.entries()[0]._replace(body="half \ud800"))
    first, second = client.get(PAGE).json["entries"]
    assert first == before
    assert second == {**before, "number": 2, "body": "half \ud800"}
    assert client.get(f"{PAGE}/2").json == second

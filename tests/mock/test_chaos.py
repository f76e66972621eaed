"""What chaos does to requests in the same process, where time is virtual."""

from __future__ import annotations

import random
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from mockserver import create_app
from mockserver.chaos import BadChaos, Chaos, read_plan
from mockserver.clock import VirtualClock
from mockserver.journal import Entry, Journal
from mockserver.model import Answer, Api, Call, Chunk
from mockserver.store import MemoryStore

MakeApi = Callable[..., Api]
Chaotic = Callable[..., FlaskClient]


@pytest.fixture
def chaotic(make_api: MakeApi, journal: Journal, echo_faults: None) -> Chaotic:
    """Makes a mock that is served with chaos, on a store of its own."""

    def make(seed: int = 0, **chaos: Any) -> FlaskClient:
        api = make_api()
        settings = replace(api.world.settings, chaos=chaos)
        api.world = replace(api.world, settings=settings, seed=seed)
        return create_app({"": api}, journal).test_client()

    return make


def say(client: FlaskClient, word: str = "a", **headers: str) -> Any:
    return client.post(f"/say/{word}", data=b"hello", headers=headers)


def last(journal: Journal) -> Entry:
    return journal.entries()[-1]


# Latency.


def test_latency_passes_on_the_clock_and_is_written_down(
    chaotic: Chaotic, clock: VirtualClock, journal: Journal
) -> None:
    client, began = chaotic(latency=0.25), clock.now()
    assert say(client).data == b"a:hello"
    assert clock.now() - began == 0.25
    assert last(journal).chaos == ("latency=0.25",)


def test_chunk_latency_is_between_chunks_and_not_before_the_first(
    chaotic: Chaotic, clock: VirtualClock, journal: Journal
) -> None:
    client, began = chaotic(chunk_latency=3), clock.now()
    assert client.get("/say/stream").data == b"one two"
    assert clock.now() - began == 5.5  # 2.5 of which are its own
    assert last(journal).chunks == ((0.0, 4), (5.5, 3))
    assert last(journal).chaos == ("chunk_latency",)
    assert say(client).data == b"a:hello"
    assert clock.now() - began == 5.5


def test_each_chunk_draws_a_delay_of_its_own(make_api: MakeApi, echo: type[Api]) -> None:
    class Talkative(echo):  # type: ignore[misc, valid-type]
        def answer(self, call: Call) -> Answer:
            return Answer(200, tuple(Chunk(0.0, b"x") for _ in range(20)))

    api, journal = make_api(Talkative), Journal()
    settings = replace(api.world.settings, chaos={"chunk_latency": "uniform:1,2"})
    api.world = replace(api.world, settings=settings)
    create_app({"": api}, journal).test_client().get("/")
    times = [at for at, _ in last(journal).chunks]
    pauses = [round(b - a, 6) for a, b in zip(times, times[1:], strict=False)]
    assert len(set(pauses)) == 19 and 1 <= min(pauses) and max(pauses) <= 2


def latencies(client: FlaskClient, journal: Journal, session: str, times: int) -> list[str]:
    journal.clear()
    for _ in range(times):
        say(client, **{"Counterfoil-Session": session})
    return [entry.chaos[0] for entry in journal.entries()]


def test_latency_repeats_with_the_seed_and_differs_by_session(
    chaotic: Chaotic, journal: Journal
) -> None:
    plan = {"latency": "lognormal:0.2,p95=1"}
    first = latencies(chaotic(**plan), journal, "s", 20)
    assert len(set(first)) == 20
    assert latencies(chaotic(**plan), journal, "s", 20) == first
    assert latencies(chaotic(1, **plan), journal, "s", 20) != first
    client = chaotic(**plan)
    assert latencies(client, journal, "t", 20) != first
    assert latencies(client, journal, "s", 20) == first
    client.post("/_counterfoil/reset")
    assert latencies(client, journal, "s", 20) == first


SESSIONS = [f"session-{number}" for number in range(4)]
EACH = 20


@pytest.fixture
def hasty() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def in_threads(client: FlaskClient, orders: list[list[str]]) -> None:
    ready = threading.Barrier(len(orders))

    def run(order: list[str]) -> None:
        mine = client.application.test_client()
        ready.wait()
        for session in order:
            mine.post(f"/say/{session}", headers={"Counterfoil-Session": session})

    threads = [threading.Thread(target=run, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("hasty")
def test_schedule_of_each_session_is_the_same_whatever_the_threads_do(
    chaotic: Chaotic, journal: Journal
) -> None:
    plan = {"latency": "uniform:0,1", "connection": ["drip@0.3", "truncated@0.5"]}
    each_alone = [[session] * EACH for session in SESSIONS]
    mixed = [SESSIONS[part::2] * EACH for part in (0, 1)]
    for order in mixed:
        random.Random(7).shuffle(order)
    runs = []
    for orders in (each_alone, mixed, [[session for order in mixed for session in order]]):
        journal.clear()
        in_threads(chaotic(**plan), orders)
        seen = defaultdict(list)
        for entry in journal.entries():
            seen[entry.path].append(entry.chaos)
        runs.append(seen)
    assert runs[0] == runs[1] == runs[2]
    met = {one.partition("=")[0] for seen in runs[0].values() for chaos in seen for one in chaos}
    assert met == {"latency", "drip", "truncated"}


# What happens to the connection, as far as it can without one.


def test_truncated_answer_promises_more_than_it_brings(chaotic: Chaotic, journal: Journal) -> None:
    answer = say(chaotic(connection=["truncated"]))
    assert (answer.data, answer.headers["Content-Length"]) == (b"a:h", "7")
    entry = last(journal)
    assert (entry.answer, entry.chunks, entry.chaos) == ("a:hello", ((0.0, 3),), ("truncated",))


def test_truncated_stream_promises_a_length_where_nothing_else_shows_the_cut(
    chaotic: Chaotic,
) -> None:
    answer = chaotic(connection=["truncated"]).get("/say/stream")
    assert (answer.data, answer.headers["Content-Length"]) == (b"one", "7")


def test_stalled_answer_ends_when_its_time_is_over(chaotic: Chaotic, clock: VirtualClock) -> None:
    began = clock.now()
    assert say(chaotic(connection=["stalled:30"])).data == b"a:h"
    assert clock.now() - began == 30
    assert say(chaotic(connection=["stalled"])).data == b"a:h"
    assert clock.now() - began == 630


def test_drip_brings_the_whole_answer_at_its_rate(
    chaotic: Chaotic, clock: VirtualClock, journal: Journal
) -> None:
    began = clock.now()
    answer = say(chaotic(connection=["drip:2"]))
    assert (answer.data, answer.headers["Content-Length"]) == (b"a:hello", "7")
    assert round(clock.now() - began, 6) == 3.5
    assert last(journal).chunks == tuple((0.5 * place, 1) for place in range(1, 8))
    assert last(journal).chaos == ("drip=2",)


def test_pieces_without_a_byte_in_them_are_no_end(
    make_api: MakeApi, echo: type[Api], clock: VirtualClock, journal: Journal
) -> None:
    class Gappy(echo):  # type: ignore[misc, valid-type]
        def answer(self, call: Call) -> Answer:
            return Answer(200, (Chunk(1.0, b""), Chunk(0.0, b"abcd"), Chunk(0.0, b"")))

    client, began = create_app({"": make_api(Gappy)}, journal).test_client(), clock.now()
    assert client.get("/", headers={"Counterfoil-Chaos": "truncated"}).data == b"ab"
    assert clock.now() - began == 1
    assert client.get("/", headers={"Counterfoil-Chaos": "drip:4"}).data == b"abcd"
    assert clock.now() - began == 3


def test_chance_decides_and_the_first_that_happens_does(chaotic: Chaotic, journal: Journal) -> None:
    client = chaotic(connection=["truncated@0.25", "drip:1e6"])
    for _ in range(200):
        say(client)
    seen = [entry.chaos for entry in journal.entries()]
    assert set(seen) == {("truncated",), ("drip=1e+06",)}
    assert 30 < seen.count(("truncated",)) < 70


def test_what_needs_a_connection_is_left_out_and_said_so(
    chaotic: Chaotic, journal: Journal
) -> None:
    assert say(chaotic(connection=["reset"])).data == b"a:hello"
    assert last(journal).chaos == ()
    assert last(journal).remarks == ("reset did not happen: no connection is cut here",)


# The header.


def test_header_asks_for_one_request_alone_and_the_api_does_not_see_it(
    chaotic: Chaotic, journal: Journal
) -> None:
    client = chaotic()
    assert say(client, **{"Counterfoil-Chaos": "truncated"}).data == b"a:h"
    assert "Counterfoil-Chaos" not in dict(last(journal).headers)
    assert say(client).data == b"a:hello"
    assert [entry.chaos for entry in journal.entries()] == [("truncated",), ()]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("truncate", "unknown chaos 'truncate'; did you mean truncated?"),
        (" , ", "names nothing"),
        ("drip:0", "drip takes a number from 1 to 1e+06"),
        ("stalled:601", "stalled takes a number from 0 to 600"),
        ("reset:1", "reset takes no number"),
        ("drip@2", "after @ stands a chance from 0 to 1"),
        ("reset", "it takes counterfoil's own server"),
        ("latency=soon", "latency: 'soon' is no"),
        ("latency=uniform:2,1", "latency: 'uniform:2,1' is no"),
        ("latency=0.1,reset@2", "after @ stands a chance from 0 to 1"),
        ("rate_limit=1/1", "unknown chaos 'rate_limit=1/1'"),
    ],
)
def test_header_that_asks_for_what_there_is_not_is_told(
    chaotic: Chaotic, journal: Journal, asked: str, said: str
) -> None:
    answer = say(chaotic(), **{"Counterfoil-Chaos": asked})
    assert answer.status_code == 400 and said in answer.json["error"]
    (remark,) = last(journal).remarks
    assert remark.startswith("Counterfoil-Chaos: ") and said in remark
    assert last(journal).chaos == ()


def test_header_comes_before_what_is_switched_on(chaotic: Chaotic, journal: Journal) -> None:
    client = chaotic(connection=["drip"], latency=1)
    say(client, **{"Counterfoil-Chaos": "truncated"})
    assert last(journal).chaos == ("latency=1", "truncated")


@pytest.mark.parametrize(
    ("asked", "told", "least"),
    [
        ("latency=2", ("latency=2",), 2.0),
        ("latency=2, drip:1", ("latency=2", "drip=1"), 9.0),
        ("drip:1,latency=uniform:3, 3", ("latency=3", "drip=1"), 10.0),
        ("latency=lognormal:5,p95=5", ("latency=5",), 5.0),
        ("latency=.5,truncated", ("latency=0.5", "truncated"), 0.5),
    ],
)
def test_header_asks_for_latency_of_one_request(
    chaotic: Chaotic, clock: VirtualClock, journal: Journal, asked: str, told: Any, least: float
) -> None:
    client, began = chaotic(latency=100), clock.now()
    assert say(client, **{"Counterfoil-Chaos": asked}).data
    assert last(journal).chaos == told
    assert clock.now() - began == pytest.approx(least)


def test_header_asks_for_more_time_between_chunks(
    chaotic: Chaotic, clock: VirtualClock, journal: Journal
) -> None:
    client, began = chaotic(), clock.now()
    asked = {"Counterfoil-Chaos": "chunk_latency=3,latency=1"}
    assert client.get("/say/stream", headers=asked).data == b"one two"
    assert clock.now() - began == 6.5
    assert last(journal).chaos == ("latency=1", "chunk_latency")


def test_chaos_and_a_chance_of_a_fault_keep_the_same_session(
    chaotic: Chaotic, journal: Journal
) -> None:
    client = chaotic(latency="uniform:0,1")
    alone = latencies(client, journal, "s", 20)
    client = chaotic(latency="uniform:0,1")
    client.put("/_counterfoil/faults", json={"faults": ["echo.say.loud@0.5"]})
    assert latencies(client, journal, "s", 20) == alone


# What it costs.


def test_request_without_chaos_counts_nothing_and_writes_nothing(
    chaotic: Chaotic, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = chaotic()

    def never(*_: object) -> None:
        raise AssertionError("nothing was to be written")

    monkeypatch.setattr(MemoryStore, "count", never)
    monkeypatch.setattr(MemoryStore, "change", never)
    assert say(client).data == b"a:hello"


def test_metrics_count_chaos_by_its_kind(chaotic: Chaotic) -> None:
    client = chaotic(connection=["drip"], latency="uniform:0.1,0.2")
    for _ in range(3):
        say(client)
    text = client.get("/_counterfoil/metrics").text
    assert 'counterfoil_chaos_total{kind="drip"} 3.0' in text
    assert 'counterfoil_chaos_total{kind="latency"} 3.0' in text


def test_journal_is_asked_for_chaos(chaotic: Chaotic) -> None:
    client = chaotic()
    for headers in ({}, {"Counterfoil-Chaos": "drip:1000"}, {"Counterfoil-Chaos": "truncated"}):
        say(client, **headers)
    found = client.get("/_counterfoil/journal?chaos=drip").json["entries"]
    assert [entry["chaos"] for entry in found] == [["drip=1000"]]


# Plans.


def test_plan_that_is_none_says_what_is_known(make_api: MakeApi) -> None:
    with pytest.raises(BadChaos, match="latency, chunk_latency, connection, rate_limit"):
        read_plan({"latencies": 1})
    for wrong in ("reset", [1], [None], {}):
        with pytest.raises(BadChaos, match="connection is a list of texts"):
            read_plan({"connection": wrong})
    api = make_api()
    api.world = replace(api.world, settings=replace(api.world.settings, chaos={"reset": 1}))
    with pytest.raises(BadChaos, match="'reset'"):
        Chaos(api)

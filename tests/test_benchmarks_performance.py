import json
import math
import socket
import threading
from contextlib import contextmanager

import pytest

from benchmarks import growth, ours, peers, soak, start, streams, throughput, wrk
from benchmarks import performance_page as page
from benchmarks.__main__ import NAMED, main
from benchmarks.client import Broken, answers, read
from benchmarks.processes import NotStarted, family, free_port, resident, running
from benchmarks.soak_findings import Event, Sample, Window, ordered, settled, slope, unexplained
from benchmarks.soak_load import Client, Ledger
from benchmarks.stores import NoStore, place
from benchmarks.stream_client import payload
from benchmarks.wrk import Asked, Load
from counterfoil import wiring
from mockserver.faults import faults_of, names
from mockserver.journal import Journal
from mockserver.server import Server

SAID = """\
Running 5s test @ http://127.0.0.1:1/x
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.84ms    2.72ms  66.80ms   97.60%
    Req/Sec    12.76k     1.79k   15.53k    76.00%
  Latency Distribution
     50%    1.55ms
     75%    1.84ms
     90%  970.00us
     99%    1.07s
  63471 requests in 5.00s, 9.32MB read
{more}Requests/sec:  12690.72
Transfer/sec:      1.86MB
"""


# What wrk says


def test_the_figures_of_wrk_are_read():
    found = wrk.read(SAID.format(more=""))
    assert (found.per_second, found.requests, found.failed) == (12690.72, 63471, 0)
    assert (found.p50, found.p99) == pytest.approx((0.00155, 1.07))


def test_answers_that_are_refusals_and_broken_connections_are_failures():
    more = (
        "  Socket errors: connect 0, read 3, write 1, timeout 2\n  Non-2xx or 3xx responses: 40\n"
    )
    assert wrk.read(SAID.format(more=more)).failed == 46


@pytest.mark.parametrize("lost", ["Requests/sec", "99%", "requests in"])
def test_words_without_a_figure_are_no_figures(lost):
    said = "\n".join(line for line in SAID.format(more="").splitlines() if lost not in line)
    with pytest.raises(wrk.Unreadable):
        wrk.read(said)


def test_a_request_is_written_in_lua_byte_for_byte():
    script = Asked("POST", "/", {"X": 'a"b'}, "é\n").as_script()
    assert script.splitlines() == [
        'wrk.method = "\\080\\079\\083\\084"',
        'wrk.body = "\\195\\169\\010"',
        'wrk.headers["\\088"] = "\\097\\034\\098"',
    ]
    assert "body" not in Asked("GET", "/").as_script()


# Throughput


def row(name, rate, *, peer=False, failed=0, p99=0.001):
    return throughput.Row(name, peer, rate, 0.0005, p99, 100.0, 45, failed)


ROWS = [
    row(throughput.OURS, 300.0, p99=0.006),
    row("swift", 900.0, peer=True, failed=1),
    row("slow", 150.0, peer=True),
    row(throughput.BARE, 1200.0),
]


def test_a_peer_that_fails_is_not_the_fastest():
    assert throughput.fastest_peer(ROWS) == 150.0
    shown = throughput.table("POST", ROWS)
    assert shown.rows[0] == (
        "ours, bedrock", "300", "2.00", "0.25", "0.50", "6.00", "100", "45", "0"
    )  # fmt: skip


def test_limits_of_throughput_are_those_of_the_verb():
    found = {limit.what: limit for limit in throughput.limits(ROWS, ROWS)}
    kept = {what: limit.kept for what, limit in found.items()}
    assert kept == {
        "ours, bedrock: POST / fastest peer": True,
        "ours, bedrock: POST / bare server": True,
        "ours, bedrock: POST, p99": False,
        "ours, bedrock: POST, failed": True,
        "ours, bedrock: GET / fastest peer": True,
        "ours, bedrock: GET / bare server": True,
        "ours, bedrock: GET, p99": False,
        "ours, bedrock: GET, failed": True,
    }
    assert found["ours, bedrock: POST / fastest peer"].at_least == 1.5
    assert found["ours, bedrock: GET / fastest peer"].at_least == 1.0


def test_without_a_peer_nothing_is_said_to_be_reached():
    alone = [one for one in ROWS if not one.peer]
    reached = {limit.what: limit.kept for limit in throughput.limits(alone, alone)}
    assert not reached["ours, bedrock: POST / fastest peer"]


def test_the_rounds_of_a_subject_come_to_their_median():
    subject = throughput.our_subjects()[0]
    runs = [
        throughput.Measured(Load(rate, 10, 0.001, 0.002, failed), 45, 100.0)
        for rate, failed in ((100.0, 0), (900.0, 2), (300.0, 1))
    ]
    found = throughput.row(subject, runs)
    assert (found.rate, found.failed, found.size) == (300.0, 3, 45)


def test_the_stubs_of_peers_answer_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    jar = tmp_path / "node_modules/wiremock/build/wiremock-standalone-1.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    for make in (peers._wiremock, peers._prism, peers._mockoon, peers._aimock):
        peer = make("1.0")
        assert any("7001" in word for word in peer.command(7001)), peer.name
    body = json.loads(peers.STORED)
    stubs = json.loads((tmp_path / "wiremock-stubs/mappings/stubs.json").read_text("utf-8"))
    assert json.loads(stubs["mappings"][1]["response"]["body"]) == body
    mockoon = json.loads((tmp_path / "mockoon.json").read_text("utf-8"))
    assert json.loads(mockoon["routes"][1]["responses"][0]["body"]) == body
    get = json.loads((tmp_path / "prism.json").read_text("utf-8"))["paths"]["/messages/{id}"]["get"]
    assert get["responses"]["200"]["content"]["application/json"]["example"] == body


# Streams


def stream(sent=0.0, first=0.01, last=1.0, size=1200, arrivals=()):
    return {"sent": sent, "first": first, "last": last, "bytes": size, "arrivals": list(arrivals)}


def test_a_stream_that_is_not_whole_does_not_count():
    said = {"streams": [stream(), stream(size=1100), stream(last=math.nan)]}
    assert streams.judged(said, 0.0, 1.0, 1200)["whole"] == 1


def test_a_stream_is_timed_from_its_own_request():
    found = streams.judged({"streams": [stream(0.5, 0.52, 1.7, 9, (0.6, 0.7))]}, 0.5, 1.0, 9)
    assert found["ratios"] == pytest.approx([1.2])
    assert found["first"] == pytest.approx([0.02])
    assert found["gaps"] == pytest.approx([0.1])


def run(ratio, whole=2):
    return streams.Run(0.0, whole, [0.01] * whole, [1.0, ratio][:whole], [0.02], 150.0, 1.0, 0.1)


def test_one_late_stream_misses_the_limit():
    kept = {limit.what: limit.kept for limit in streams.limits(run(1.16), 2)}
    assert [what for what, yes in kept.items() if not yes] == ["2 streams at once: slowest / ideal"]
    assert all(limit.kept for limit in streams.limits(run(1.15), 2))


def test_a_lost_stream_misses_the_limit_and_makes_its_run_the_slower_one():
    assert not streams.limits(run(1.0, 1), 2)[0].kept
    assert streams.middle([run(1.0, 1), run(1.1), run(1.05)]).ratios[-1] == 1.1


@pytest.mark.parametrize(
    ("values", "part", "found"), [([3, 1, 2], 0.5, 2), ([1, 2], 1, 2), (range(1, 101), 0.99, 99)]
)
def test_a_share_is_what_so_many_do_not_exceed(values, part, found):
    assert streams.share(values, part) == found


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (HEAD + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (HEAD + b"3\r\nabc\r\n", b""),
        (HEAD.replace(b"200", b"500") + b"3\r\nabc\r\n0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b""),
    ],
)
def test_only_a_whole_stream_has_a_body(answer, body):
    assert payload(answer) == body


def test_streams_of_a_real_mock_are_read_and_timed():
    settings = wiring.Settings(chunk_size=streams.CHUNK, chunk_delay=0.005)
    made = wiring.mocks(["chatbot"], settings=settings)
    with Server(made.app.wsgi_app) as server:
        how = streams.scripted(server.url, 10)
        assert how[1] == pytest.approx(9 * 0.005)
        found = streams.one_run(1, server.url, 5, 0.0, how)
    assert found.whole == 5
    assert found.ratios[0] >= 0.99


# Growth and start


def test_ratios_of_growth_are_of_runs_that_followed_one_another():
    found = growth.pair("GET", [(100, 0.01, 0), (200, 0.02, 1)], [(90, 0.02, 0), (100, 0.02, 2)])
    assert found.ratio == pytest.approx((0.9 + 0.5) / 2)
    assert found.costs == pytest.approx((0.5 + 1.0) / 2)
    assert found.failed == 3


def test_a_mock_is_filled_and_its_messages_are_read(tmp_path):
    settings = wiring.Settings(reply_after=0)
    made = wiring.mocks(["bedrock"], settings=settings, journal=Journal())
    with Server(made.app.wsgi_app) as server:
        reads = growth.fill(server.url, 0, 30, 10)
        assert [ours.call(server.url, asked)[0] for asked in reads] == [200, 200, 200]
        assert len({asked.path for asked in reads}) == 3
        assert made.journal.written == 33
        assert len(growth.emptied(server.url, 4)) == 4
        assert ours.call(server.url, reads[0])[0] == 404


def test_a_server_that_does_not_answer_in_time_is_an_error():
    with pytest.raises(NotStarted):
        start.started(["false"], f"http://127.0.0.1:{free_port()}")
    with (
        pytest.raises(NotStarted, match="why not"),
        running(["sh", "-c", "echo why not; false"], f"http://127.0.0.1:{free_port()}"),
    ):
        pass


def test_memory_and_children_of_a_process_are_seen():
    import os

    assert family(os.getpid())[0] == os.getpid()
    assert 5 < resident(os.getpid()) < 5000
    assert resident(os.getpid(), shared=True) > 5


def test_a_redis_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(NoStore), place("redis"):
        pass


# The client


def test_an_answer_is_read_when_it_is_whole():
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n"
    assert read(head[:20]) is None
    assert read(head + b"ab") is None
    assert read(head + b"abc") == (404, b"abc")
    with pytest.raises(Broken):
        read(b"HTTP/1.1 200 OK\r\n\r\n")


def test_a_server_that_hangs_up_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True)
        thread.start()
        with pytest.raises((Broken, ConnectionError)):
            list(answers(f"http://127.0.0.1:{listener.getsockname()[1]}", [Asked("GET", "/")]))
        thread.join()


# The soak


def event(status, *, api="x", kind="post", began=10.0, ended=11.0):
    return Event(api, kind, began, ended, status)


def window(orders, *, api="x", kind="", began=5.0, ended=20.0):
    return Window(orders, began, ended, api, kind)


@pytest.mark.parametrize(
    ("status", "orders", "explained"),
    [
        (500, "5xx", True), (500, "odd", False), (500, "cut", False), (500, "killed", False),
        (404, "odd", True), (404, "5xx", True), (404, "cut", False), (404, "killed", False),
        (0, "cut", True), (0, "killed", True), (0, "5xx", False), (0, "odd", False),
    ],
)  # fmt: skip
def test_a_switch_explains_what_it_orders_and_nothing_else(status, orders, explained):
    assert (unexplained([event(status)], [window(orders)]) == []) is explained


@pytest.mark.parametrize(
    "other",
    [
        window("5xx", api="y"),
        window("5xx", kind="refused"),
        window("5xx", began=11.5),
        window("5xx", ended=9.5),
    ],
)
def test_a_switch_explains_nothing_elsewhere(other):
    assert unexplained([event(503)], [other]) == [event(503)]
    assert ordered([event(503)], [other]) == 0


def test_ordered_5xx_are_counted():
    events = [event(500), event(404), event(0), event(502)]
    assert ordered(events, [window("5xx")]) == 2


def test_memory_that_grows_has_a_slope():
    grows = [Sample(60.0 * n, 100 + 3 * n) for n in range(9)]
    assert slope(grows) == pytest.approx(3)
    assert slope([Sample(0, 90), *(Sample(60.0 * n, 100) for n in range(1, 9))][3:]) == 0
    assert len(settled(grows)) == 5
    assert math.isnan(slope(grows[:1]))


@contextmanager
def soaked(*faults):
    made = wiring.mocks(soak.APIS, faults=faults, settings=wiring.Settings(reply_after=0))
    with Server(made.app.wsgi_app) as server:
        client = Client(server.url, 1, Ledger())
        try:
            yield server.url, client
        finally:
            client.hang_up()


def after(requests):
    left = iter(range(requests))
    return lambda: next(left, None) is None


def test_what_was_acknowledged_and_is_not_there_is_lost(monkeypatch):
    monkeypatch.setattr("benchmarks.soak_load.PATIENCE", 0.0)
    ledger = Ledger(
        bedrock={"NOBODY": {"m": "text"}},
        chatbot={"uid": ["kept words", "lost words"]},
        genesis={7: "other words"},
        mtmai={"chat": {"name"}},
    )
    with soaked() as (_, client):
        lost = client.verify(ledger, '{"a": "kept words"}')
    assert sorted(one.api for one in lost) == ["bedrock", "chatbot", "genesis", "mtmai"]


def test_clients_of_a_soak_find_all_that_an_honest_mock_acknowledged():
    with soaked() as (url, client):
        client.run(after(80), 0)
        state = soak.remembered(url)
        kept = (client.own.bedrock, client.own.chatbot, client.own.genesis, client.own.mtmai)
        assert all(kept) and client.shared.bedrock and client.refused
        assert client.verify(client.own, state) == client.verify(client.shared, state) == []
        assert client.events == []
        # What was changed behind its back is seen.
        chat = next(iter(client.own.mtmai))
        ours.told(url, ours.mtmai_put(chat, "another", at="/mtmai"))
        assert [one.api for one in client.verify(client.own, state)] == ["mtmai"]


def test_a_soak_finds_what_a_lossy_mock_loses(monkeypatch):
    monkeypatch.setattr("benchmarks.soak_load.PATIENCE", 0.1)
    with soaked("bedrock.message.second_is_lost") as (url, client):
        client.run(after(60), 0)
        lost = client.verify(client.own, soak.remembered(url))
    assert {one.api for one in lost} == {"bedrock"}


def test_the_faults_that_a_soak_switches_are_known():
    for api, fault, _, _ in soak.FAULTS:
        assert fault.partition("@")[0] in faults_of(api)
    assert {api for api, _, orders, _ in soak.FAULTS if orders == "5xx"} == set(soak.APIS)
    assert set(soak.APIS) == set(names())


def test_a_soak_without_an_ordered_5xx_has_proved_nothing():
    quiet = soak.Soak("memory", 1)
    missed = [limit.what for limit in soak.limits(quiet, 10.0) if not limit.kept]
    assert missed == ["memory x 1: 5xx that a fault ordered"]


# The page


LIMITS = [page.Limit("one", 0.5, at_least=0.4), page.Limit("two", 7, at_most=5, unit=" ms")]


def section(name="a", title="Of a", rows=(("x", "1"),)):
    return page.Section(name, title, "do a", "About.", [page.Table(("", "n"), rows)], LIMITS)


def test_a_limit_is_kept_within_its_bounds_and_by_no_missing_number():
    assert page.Limit("x", 1.0, at_least=1.0).kept and page.Limit("x", 1.0, at_most=1.0).kept
    assert not page.Limit("x", 0.99, at_least=1.0).kept
    assert not page.Limit("x", 1.01, at_most=1.0).kept
    assert not page.Limit("x", math.nan, at_least=0.0).kept
    assert not page.Limit("x", math.nan, at_most=9.0).kept
    assert LIMITS[1].row() == ("two", "7.00 ms", "≤ 5 ms", "NO")


def test_a_section_takes_the_place_of_its_former_self():
    first = page.with_section("", section("a"))
    both = page.with_section(first, section("b", "Of b"))
    again = page.with_section(both, section("a", "Of a", (("x", r"2\1"),)))
    assert again.startswith(page.HEAD)
    assert again.count("## Of a") == again.count("## Of b") == 1
    assert again.index("## Of a") < again.index("## Of b")
    assert r"| x | 2\1 |" in again and "| x | 1 |" in again.partition("## Of b")[2]
    assert "| two | 7.00 ms | ≤ 5 ms | NO |" in again


def test_lines_are_in_columns():
    lines = page.lines(section(rows=(("long one", "1"), ("x", "1,000")))).splitlines()
    assert lines[2:5] == ["              n", "long one      1", "x         1,000"]


def test_a_missed_limit_ends_with_1_and_is_written_all_the_same(tmp_path, capsys):
    path = tmp_path / "docs" / "page.md"
    with pytest.raises(SystemExit) as ended:
        page.tell(section(), path)
    assert ended.value.code == 1
    assert "## Of a" in path.read_text("utf-8")
    assert "two" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "written"),
    [(12345.6, "12,346"), (99.94, "99.9"), (1.234, "1.23"), (math.nan, "none")],
)
def test_a_figure_has_three_digits(value, written):
    assert page.figure(value) == written


# The command


def test_every_benchmark_is_listed_and_says_what_it_does(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["nothing"])
    for name in NAMED:
        assert name in str(ended.value.code)
        with pytest.raises(SystemExit):
            main([name, "--help"])
        assert f"python -m benchmarks {name}" in capsys.readouterr().out

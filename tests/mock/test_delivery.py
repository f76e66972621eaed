"""What chaos does to real connections: seen by a raw socket, and by an HTTP client."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest

from mockserver import create_app, delivery
from mockserver.clock import Clock, RealClock, VirtualClock
from mockserver.journal import Journal
from mockserver.model import Answer, Api, Call, Chunk, Operation
from mockserver.server import Server

MakeApi = Callable[..., Api]
Serve = Callable[..., Server]

CHUNKED, WHOLE = "/stream", "/say/a"
BODY = b"0123456789"


@pytest.fixture
def speaker(echo: type[Api]) -> type[Api]:
    class Speaker(echo):  # type: ignore[misc, valid-type]
        """Streams ten bytes in five chunks, or says them at once."""

        operations: ClassVar[tuple[Operation, ...]] = (
            *echo.operations,
            Operation("stream", "GET", "/stream"),
        )

        def answer(self, call: Call) -> Answer:
            if call.operation != "stream":
                return Answer(200, BODY, (("Content-Type", "text/plain"),))
            chunks = [Chunk(0.0, BODY[place : place + 2]) for place in range(0, 10, 2)]
            return Answer(200, (Chunk(0.0, b""), *chunks, Chunk(0.0, b"")))

    return Speaker


@pytest.fixture
def serve(make_api: MakeApi, speaker: type[Api], journal: Journal) -> Iterator[Serve]:
    running: list[Server] = []

    def start(*, host: str = "127.0.0.1", clock: Clock | None = None, **chaos: Any) -> Server:
        api = make_api(speaker, clock=clock or RealClock())
        settings = replace(api.world.settings, chaos=chaos)
        api.world = replace(api.world, settings=settings)
        server = Server(create_app({"": api}, journal).wsgi_app, host)
        running.append(server.__enter__())
        return server

    yield start
    for server in running:
        if server._thread is not None and server._thread.is_alive():
            server.__exit__()


def connect(server: Server) -> socket.socket:
    return socket.create_connection((server.host, server.port), timeout=10)


def ask(client: socket.socket, path: str, kind: str = "", version: str = "1.1") -> None:
    asked = f"Counterfoil-Chaos: {kind}\r\n" if kind else ""
    client.sendall(f"GET {path} HTTP/{version}\r\nHost: localhost\r\n{asked}\r\n".encode())


def heard(client: socket.socket) -> bytes:
    """All that comes until the connection is closed; raises ConnectionResetError."""
    found = b""
    while data := client.recv(4096):
        found += data
    return found


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


PATHS = pytest.mark.parametrize("path", [WHOLE, CHUNKED])
HOSTS = pytest.mark.parametrize("host", ["127.0.0.1", "::1"])


# By a raw socket.


@PATHS
@HOSTS
def test_reset_is_a_reset_before_any_byte(serve: Serve, path: str, host: str) -> None:
    with connect(serve(host=host)) as client:
        ask(client, path, "reset")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


@PATHS
@HOSTS
def test_empty_is_a_close_without_a_byte(serve: Serve, path: str, host: str) -> None:
    with connect(serve(host=host)) as client:
        ask(client, path, "empty")
        assert heard(client) == b""


@PATHS
def test_garbage_is_no_http(serve: Serve, path: str) -> None:
    with connect(serve()) as client:
        ask(client, path, "garbage")
        assert heard(client) == delivery.GARBAGE


def test_truncated_answer_stops_short_of_its_length(serve: Serve) -> None:
    with connect(serve()) as client:
        ask(client, WHOLE, "truncated")
        answer = heard(client)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ncontent-length: 10\r\n" in answer.lower()
    assert body_of(answer) == b"01234"


def test_truncated_stream_stops_before_the_last_chunk(serve: Serve) -> None:
    with connect(serve()) as client:
        ask(client, CHUNKED, "truncated")
        answer = heard(client)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ntransfer-encoding: chunked\r\n" in answer.lower()
    assert b"\r\nx-dressed: yes\r\n" in answer.lower()
    assert body_of(answer) == b"2\r\n01\r\n2\r\n23\r\n1\r\n4\r\n"


def test_truncated_stream_promises_a_length_to_who_knows_no_chunks(serve: Serve) -> None:
    with connect(serve()) as client:
        ask(client, CHUNKED, "truncated", "1.0")
        answer = heard(client)
    assert b"\r\ncontent-length: 11\r\n" in answer.lower() and body_of(answer) == b"01234"


@PATHS
def test_stalled_answer_stays_open_and_is_cut_in_the_end(serve: Serve, path: str) -> None:
    with connect(serve()) as client:
        ask(client, path, "stalled:0.5")
        began = time.monotonic()
        answer = heard(client)
    assert 0.4 < time.monotonic() - began < 5
    assert body_of(answer) in (b"01234", b"2\r\n01\r\n2\r\n23\r\n1\r\n4\r\n")
    assert not answer.endswith(b"0\r\n\r\n")


@PATHS
def test_stalled_answer_is_let_go_of_when_the_client_leaves(serve: Serve, path: str) -> None:
    server = serve()
    with connect(server) as client:
        ask(client, path, "stalled")
        assert client.recv(10) == b"HTTP/1.1 2"
        assert server._service.connections == 1
    until = time.monotonic() + 5
    while server._service.connections:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_server_with_stalled_answers_stops_at_once(serve: Serve) -> None:
    server = serve()
    clients = [connect(server) for _ in range(3)]
    for client in clients:
        ask(client, CHUNKED, "stalled")
        assert client.recv(10)
    stopped = threading.Thread(target=server.__exit__)
    stopped.start()
    stopped.join(3)
    assert not stopped.is_alive()
    for client in clients:
        heard(client)
        client.close()


@PATHS
def test_drip_takes_its_time_and_brings_everything(serve: Serve, path: str) -> None:
    with httpx.Client(base_url=serve().url, timeout=10) as client:
        began = time.monotonic()
        with client.stream("GET", path, headers={"Counterfoil-Chaos": "drip:20"}) as answer:
            pieces = [(time.monotonic() - began, piece) for piece in answer.iter_raw()]
    assert b"".join(piece for _, piece in pieces) == BODY
    assert len(pieces) >= 2 and 0.45 < pieces[-1][0] < 5


# By an HTTP client.


@PATHS
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", httpx.ReadError),
        ("empty", httpx.RemoteProtocolError),
        ("garbage", httpx.RemoteProtocolError),
        ("truncated", httpx.RemoteProtocolError),
        ("stalled:0.2", httpx.RemoteProtocolError),
        ("stalled", httpx.ReadTimeout),
    ],
)
def test_http_client_meets_each_kind_and_goes_on(
    serve: Serve, journal: Journal, path: str, kind: str, error: type[Exception]
) -> None:
    with httpx.Client(base_url=serve().url, timeout=0.8) as client:
        assert client.get(path).content == BODY
        with pytest.raises(error):
            client.get(path, headers={"Counterfoil-Chaos": kind})
        assert client.get(path).content == BODY
    said = {"stalled:0.2": "stalled=0.2", "stalled": "stalled=600"}.get(kind, kind)
    assert [entry.chaos for entry in journal.entries()] == [(), (said,), ()]
    assert journal.entries()[1].answer == BODY.decode()


@pytest.mark.parametrize(("host", "to"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
@pytest.mark.parametrize("kind", ["reset", "empty", "truncated"])
def test_connections_break_where_a_server_listens_everywhere(
    serve: Serve, host: str, to: str, kind: str
) -> None:
    server = serve(host=host)
    with socket.create_connection((to, server.port), timeout=10) as client:
        ask(client, CHUNKED, kind)
        if kind == "reset":
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        else:
            came = heard(client)
            assert came.endswith(b"1\r\n4\r\n") if kind == "truncated" else came == b""


def test_connections_are_never_mistaken_for_each_other(serve: Serve) -> None:
    server, crowd = serve(), 24
    clients = [connect(server) for _ in range(crowd)]
    for place, client in enumerate(clients):
        ask(client, WHOLE, "reset" if place % 3 == 0 else "")
    for place, client in enumerate(clients):
        if place % 3 == 0:
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        else:
            assert client.recv(4096).startswith(b"HTTP/1.1 200 OK")
        client.close()


def test_latency_is_waited_for_by_the_loop_and_holds_nobody_up(serve: Serve) -> None:
    with httpx.Client(base_url=serve(latency=0.4).url, timeout=10) as client:
        began = time.monotonic()
        threads = [threading.Thread(target=client.get, args=(WHOLE,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 0.4 < time.monotonic() - began < 1.2


def test_chunk_latency_is_between_chunks(serve: Serve) -> None:
    with httpx.Client(base_url=serve(chunk_latency=0.1).url, timeout=10) as client:
        began = time.monotonic()
        with client.stream("GET", CHUNKED) as answer:
            times = [time.monotonic() - began for _ in answer.iter_raw()]
    assert len(times) >= 3 and times[0] < 0.35 and 0.38 < times[-1] < 5


@pytest.mark.parametrize("kind", ["reset", "truncated", "stalled:0.1"])
def test_connections_break_on_virtual_time_as_well(serve: Serve, kind: str) -> None:
    server = serve(clock=VirtualClock(), latency=100, connection=[kind])
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        httpx.get(server.url + CHUNKED, timeout=5)


def test_chaos_is_switched_on_over_the_admin_pages_which_it_does_not_touch(serve: Serve) -> None:
    with httpx.Client(base_url=serve().url, timeout=5) as client:
        page = "/_counterfoil/chaos"
        assert client.put(page, json={"connection": ["reset"]}).status_code == 200
        with pytest.raises(httpx.ReadError):
            client.get(WHOLE)
        assert client.delete(page).status_code == 200
        assert client.get(WHOLE).content == BODY


def test_fault_that_the_client_makes_first_is_no_trouble(serve: Serve) -> None:
    server = serve(latency=0.1)
    for kind in ("reset", "empty", "garbage", "truncated", "stalled:1", "drip"):
        with connect(server) as client:
            ask(client, CHUNKED, kind)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.3)
    assert httpx.get(server.url + WHOLE, timeout=5).content == BODY


# Under another server.


class Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@PATHS
@pytest.mark.parametrize("kind", ["truncated", "stalled:0.2"])
def test_under_another_server_an_answer_falls_short_of_its_length(
    make_api: MakeApi, speaker: type[Api], path: str, kind: str
) -> None:
    app = create_app({"": make_api(speaker, clock=RealClock())}, Journal())
    with make_server("127.0.0.1", 0, app, handler_class=Silent) as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.01,))
        thread.start()
        url, asked = f"http://127.0.0.1:{other.server_port}{path}", {"Counterfoil-Chaos": kind}
        try:
            assert httpx.get(url, timeout=5).content == BODY
            with pytest.raises(httpx.RemoteProtocolError, match="received 5 bytes, expected 10"):
                httpx.get(url, headers=asked, timeout=5)
            refused = httpx.get(url, headers={"Counterfoil-Chaos": "empty"}, timeout=5)
            assert refused.status_code == 400 and "own server" in refused.json()["error"]
        finally:
            other.shutdown()
            thread.join()

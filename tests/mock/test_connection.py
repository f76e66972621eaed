"""HTTP/1.1 as it stands on the wire, against clients that are clumsy, hurried, or hostile."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import ssl
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver import connection as wire
from mockserver import draining, tls
from mockserver import server as servers
from mockserver.connection import Asked, Connection
from mockserver.journal_pages import AGAIN
from mockserver.model import DELAY, FEED, SCHEDULE, Chunk
from mockserver.server import Server

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Any]
Serve = Callable[..., Server]

LOOPS = {"uvloop": servers.new_loop, "asyncio": asyncio.new_event_loop}
BIG = 8 << 20


class Told(NamedTuple):
    """An answer as a client has it."""

    status: int
    headers: dict[str, str]
    body: bytes


def application(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    """Say what was asked; or do what the path names."""
    body = environ["wsgi.input"].read()
    kind, _, number = environ["PATH_INFO"].strip("/").partition("/")
    if kind == "fails":
        raise RuntimeError("on purpose")
    if kind == "status":
        start(f"{number} Said", [("X-Said", "yes")])
        return [b"more than there should be"]
    if kind == "promises":
        start("200 OK", [("Content-Length", number)])
        return [body]
    if kind == "closes":
        start("200 OK", [("Connection", "close"), ("Date", "today")])
        return [b"bye"]
    if kind == "big":
        start("200 OK", [])
        return [b"x" * BIG]
    if kind in ("stream", "promised"):
        environ[SCHEDULE] = (Chunk(0, b"ab"), Chunk(0, b""), Chunk(float(number or 0), b"cd"))
        start("200 OK", [("Content-Length", "5" if number else "4")] if kind == "promised" else [])
        return []
    if kind == "feed":
        environ[FEED] = lambda: b"data: x\n\n" * int(number or 1)
        start("200 OK", [])
        return []
    if kind == "again":
        environ[AGAIN] = 0.01
    if kind == "late":
        environ[DELAY] = float(number)
    said = {
        key: value
        for key, value in environ.items()
        if isinstance(value, str) and (key[:5] == "HTTP_" or key in _SAID)
    }
    start("200 OK", [])
    return [
        json.dumps(
            said | {"body": body.decode("latin-1") if len(body) < 99 else len(body)}
        ).encode()
    ]


_SAID = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "CONTENT_TYPE",
         "CONTENT_LENGTH")  # fmt: skip


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(servers, "new_loop", LOOPS[request.param])
    monkeypatch.setattr(draining, "NAP", 0.02)
    return str(request.param)


@pytest.fixture
def noise(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What may be logged by a test, as it begins."""
    return []


@pytest.fixture
def server(
    loop: str, noise: list[str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[Server]:
    """A server that in the end has nobody left, and has said nothing that was not expected."""
    with Server(application) as server:
        yield server
        settled(server)
    over(server, noise, caplog, capfd)


@pytest.fixture(autouse=True)
def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what a command that was tested before has told the log to write, and where."""
    monkeypatch.setattr(logging.getLogger("mockserver"), "handlers", [])
    monkeypatch.setattr(logging.getLogger(), "handlers", [
        one for one in logging.getLogger().handlers if type(one).__module__.startswith("_pytest")
    ])  # fmt: skip


def over(server: Server, noise: list[str], caplog: Any, capfd: Any) -> None:
    records = [*caplog.get_records("call"), *caplog.get_records("teardown")]
    assert [one.message for one in records if one.levelno >= logging.WARNING] == noise
    assert capfd.readouterr().err.count("Traceback") == 0
    assert server._service.open._count == 0 and not server._service._tasks


def settled(server: Server) -> None:
    """Return when nobody is connected, and no answer under way, any more."""
    until = time.monotonic() + 4
    service = server._service
    while service.connections or service.open._count or service._tasks:
        assert time.monotonic() < until, (service._connections, service.open._count)
        time.sleep(0.002)


def connect(server: Server) -> socket.socket:
    return socket.create_connection((server.host, server.port), timeout=5)


def answer(file: Any, method: str = "GET") -> Told | None:
    """Read an answer; None where the connection ended before it."""
    line = file.readline()
    if not line:
        return None
    status, headers = int(line.split()[1]), {}
    while (line := file.readline()) != b"\r\n":
        assert line.endswith(b"\r\n"), line
        name, _, value = line.decode("latin-1").partition(":")
        assert name.lower() not in headers, f"{name} comes twice"
        headers[name.lower()] = value.strip()
    if method == "HEAD" or status < 200 or status in (204, 304):
        return Told(status, headers, b"")
    if headers.get("transfer-encoding") == "chunked":
        return Told(status, headers, chunks(file))
    length = headers.get("content-length")
    return Told(status, headers, file.read(int(length)) if length else file.read())


def chunks(file: Any) -> bytes:
    found = b""
    while size := int(file.readline(), 16):
        found += file.read(size)
        assert file.readline() == b"\r\n"
    assert file.readline() == b"\r\n"
    return found


def asked(server: Server, *pieces: bytes, count: int = 1, close: bool = True) -> list[Told | None]:
    """Return the answers to what is sent; with `close`, no more may come after them."""
    with connect(server) as client, client.makefile("rb") as file:
        for piece in pieces:
            client.sendall(piece)
        found = [answer(file) for _ in range(count)]
        if close:
            client.shutdown(socket.SHUT_WR)
            assert file.read() == b""
        return found


def said(told: Told | None) -> dict[str, Any]:
    assert told is not None and told.status == 200, told
    found: dict[str, Any] = json.loads(told.body)
    return found


def get(path: str = "/", *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    head = [f"{method} {path} HTTP/{version}", "Host: localhost", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1")


def post(body: bytes, *lines: str, path: str = "/") -> bytes:
    return get(path, f"Content-Length: {len(body)}", *lines, method="POST") + body


def chunked(body: bytes, *lines: str, size: int = 3) -> bytes:
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    sent = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    return get("/", "Transfer-Encoding: chunked", *lines, method="POST") + sent


# What a request may be.


def test_requests_that_are_sent_ahead_are_answered_in_order(server: Server) -> None:
    paths = [f"/{number}" for number in range(60)]
    found = asked(server, b"".join(map(get, paths)), count=60)
    assert [said(told)["PATH_INFO"] for told in found] == paths


def test_slow_answer_holds_back_those_behind_it(server: Server) -> None:
    found = asked(server, get("/late/0.1") + get("/stream") + get("/c"), count=3, close=False)
    assert said(found[0])["PATH_INFO"] == "/late/0.1"
    assert found[1] is not None and found[1].body == b"abcd"
    assert said(found[2])["PATH_INFO"] == "/c"


@pytest.mark.parametrize("request_", [get("/a?b=c"), post(b"abc"), chunked(b"abcdefg")])
def test_request_may_come_byte_by_byte(server: Server, request_: bytes) -> None:
    whole, bytewise = (
        asked(server, *pieces, count=2)
        for pieces in ([request_ * 2], [bytes([byte]) for byte in request_ * 2])
    )
    assert list(map(said, whole)) == list(map(said, bytewise))


def test_empty_lines_before_a_request_are_passed_over(server: Server) -> None:
    found = asked(server, b"\r\n\r\n" + post(b"abc") + b"\r\n" + get("/b"), count=2)
    assert [said(told)["body"] for told in found] == ["abc", ""]


def test_trailers_are_no_headers(server: Server) -> None:
    sent = chunked(b"abc", "Trailer: X-Late")[:-2] + b"X-Late: 1\r\n\r\n"
    found = said(asked(server, sent)[0])
    assert found["body"] == "abc" and found["CONTENT_LENGTH"] == "3"
    assert "HTTP_X_LATE" not in found and "HTTP_TRANSFER_ENCODING" not in found


def test_headers_that_come_twice_are_one_list_and_cookies_one_line(server: Server) -> None:
    lines = ["Cookie: a=1", "X-A: 1", "cookie: b=2", "x-a: 2", "X-B: \t b \t", "X-C:", "X-D: \xe4"]
    found = said(asked(server, get("/", *lines))[0])
    assert found["HTTP_COOKIE"] == "a=1; b=2" and found["HTTP_X_A"] == "1, 2"
    assert (found["HTTP_X_B"], found["HTTP_X_C"], found["HTTP_X_D"]) == ("b", "", "\xe4")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a%20b%2Fc%C3%A4?d%20e", "/a b/c\xc3\xa4", "d%20e"),
        ("/\xc3\xa4?q=\xc3\xa4&r", "/\xc3\xa4", "q=%C3%A4&r"),
        ("/a%zz%", "/a%zz%", ""),
        ("//a", "//a", ""),
        ("/a?b?c", "/a", "b?c"),
        ("http://other:1/a%20b?c=d", "/a b", "c=d"),
        ("http://me:secret@other:1", "/", ""),
    ],
)
def test_target_is_read_as_path_and_query(
    server: Server, target: str, path: str, query: str
) -> None:
    found = said(asked(server, get(target))[0])
    assert (found["PATH_INFO"], found["QUERY_STRING"]) == (path, query)
    assert found["HTTP_HOST"] == ("other:1" if "other" in target else "localhost")


def test_options_may_be_asked_of_the_server_itself(server: Server) -> None:
    found = said(asked(server, get("*", method="OPTIONS"))[0])
    assert (found["REQUEST_METHOD"], found["PATH_INFO"]) == ("OPTIONS", "/*")


# Framing of answers.


def test_head_is_answered_without_a_body(server: Server) -> None:
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(get("/stream", method="HEAD") + get("/big", method="HEAD") + get("/b"))
        assert [answer(file, "HEAD"), answer(file, "HEAD")] != [None, None]
        assert said(answer(file))["PATH_INFO"] == "/b"


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_a_body_has_none_whatever_the_application_made(
    server: Server, status: int
) -> None:
    found = asked(server, get(f"/status/{status}") + get("/b"), count=2)
    assert found[0] is not None and found[0].status == status
    assert found[0].headers["x-said"] == "yes" and "content-length" not in found[0].headers
    assert said(found[1])["PATH_INFO"] == "/b"


@pytest.mark.parametrize(("promised", "body"), [(3, b"abcd"), (10, b"abcd"), (10, b"")])
def test_connection_does_not_outlive_a_wrong_length(
    server: Server, promised: int, body: bytes
) -> None:
    with connect(server) as client:
        client.sendall(post(body, path=f"/promises/{promised}") + get("/b"))
        found = everything(client)
    assert found.count(b"HTTP/1.1 ") == 1 and b"\r\nConnection: close\r\n" in found
    assert found.endswith(b"\r\n\r\n" + body)


def everything(client: socket.socket) -> bytes:
    """Return all that comes until the connection ends; raises ConnectionResetError."""
    found = b""
    while data := client.recv(1 << 20):
        found += data
    return found


def test_connection_does_not_outlive_a_stream_of_another_length_than_promised(
    server: Server,
) -> None:
    with connect(server) as client:
        client.sendall(get("/promised") + get("/promised/0") + get("/b"))
        found = everything(client)
    assert found.count(b"HTTP/1.1 ") == 2 and found.endswith(b"\r\n\r\nabcd")


def test_application_may_close_the_connection_and_date_its_answer(server: Server) -> None:
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(get("/closes") + post(b"x" * BIG))
        told = answer(file)
        assert told is not None and told.headers["connection"] == "close"
        assert told.headers["date"] == "today" and told.body == b"bye"
        assert file.read() == b""


@pytest.mark.parametrize(
    ("version", "line", "keeps"),
    [
        ("1.1", "X-A: b", True),
        ("1.1", "Connection: close", False),
        ("1.1", "Connection: Keep-Alive, Close", False),
        ("1.0", "X-A: b", False),
        ("1.0", "Connection: Keep-Alive", True),
    ],
)
def test_connection_goes_on_as_the_client_wants_it(
    server: Server, version: str, line: str, keeps: bool
) -> None:
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(get("/a", line, version=version))
        told = answer(file)
        assert said(told)["SERVER_PROTOCOL"] == f"HTTP/{version}"
        if keeps:
            client.sendall(get("/b", line, version=version))
            assert said(answer(file))["PATH_INFO"] == "/b"
        else:
            assert file.read() == b""
    expected = {"1.1": "" if keeps else "close", "1.0": "keep-alive" if keeps else ""}[version]
    assert told is not None and told.headers.get("connection", "") == expected


@pytest.mark.parametrize("line", ["X-A: b", "Connection: keep-alive"])
def test_stream_to_who_knows_no_chunks_ends_with_the_connection(server: Server, line: str) -> None:
    with connect(server) as client:
        client.sendall(get("/stream", line, version="1.0"))
        found = everything(client)
    assert found.endswith(b"\r\n\r\nabcd") and b"ransfer-" not in found


# What is no request.


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 501),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 501),
        (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nNo colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\nnonsense", 505),
        (
            b"GET / HTTP/2.0\r\nConnection: keep-alive\r\n\r\n"
            + get("/", "Expect: 100-continue", "Content-Length: 3"),
            505,
        ),
        (b"GET /\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (get("/", "Content-Length: 1", "Content-Length: 1", method="POST"), 400),
        (get("/", "Content-Length: 1", "Transfer-Encoding: chunked", method="POST"), 400),
        (get("/", "Content-Length: -1", method="POST"), 400),
        (get("/", "Content-Length: " + "9" * 30, method="POST"), 400),
        (get("/", "Transfer-Encoding: gzip", method="POST"), 400),
        (get("/", "Transfer-Encoding: chunked", method="POST") + b"zz\r\n", 400),
        (get("/", "Transfer-Encoding: chunked", method="POST") + b"f" * 17 + b"\r\n", 400),
        (get("/", "Transfer-Encoding: chunked", method="POST") + b"1\r\nab\r\n", 400),
        (get("/", "X-A: " + "a" * (wire.MOST_HEAD * 3)), 431),
        (get("/" + "a" * (wire.MOST_HEAD * 3)), 431),
        (chunked(b"a")[:-2] + b"T: " + b"a" * (wire.MOST_HEAD * 3), 431),
    ],
)  # fmt: skip
def test_what_is_no_request_is_turned_down_in_its_turn(
    server: Server, sent: bytes, status: int
) -> None:
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(sent)
        assert refused(file) == status
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(get("/late/0.02") + post(b"a") + sent)
        assert said(answer(file))["PATH_INFO"] == "/late/0.02"
        assert said(answer(file))["body"] == "a"
        assert refused(file) == status


def refused(file: Any) -> int:
    told = answer(file)
    assert told is not None and told.headers["connection"] == "close" and told.body
    assert file.read() == b""
    return told.status


def test_head_may_be_long_and_come_in_pieces_behind_a_large_body(server: Server) -> None:
    long = get("/b", "X-A: " + "a" * (wire.MOST_HEAD - 100))
    body = b"b" * (wire.MOST_HEAD * 4)
    sent = post(body) + long
    cut = len(sent) - len(long) + 10
    with connect(server) as client, client.makefile("rb") as file:
        for piece in (sent[:cut], sent[cut:-1], sent[-1:]):
            client.sendall(piece)
            time.sleep(0.02)
        assert said(answer(file))["body"] == len(body)
        assert said(answer(file))["PATH_INFO"] == "/b"


# Changing to another protocol.

H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ")


@pytest.mark.parametrize("lines", [H2C, ("Connection: upgrade", "Upgrade: websocket")])
@pytest.mark.parametrize(
    "make",
    [
        lambda *lines: get("/", *lines),
        lambda *lines: post(b"abc", *lines),
        lambda *lines: chunked(b"abcdefg", *lines),
    ],
)
def test_wish_for_another_protocol_is_ignored_and_the_body_belongs_to_the_request(
    server: Server, make: Callable[..., bytes], lines: tuple[str, ...]
) -> None:
    sent = make(*lines)
    plain = said(asked(server, make())[0])
    for pieces in ([sent * 3], [bytes([byte]) for byte in sent * 3]):
        for told in asked(server, *pieces, count=3):
            found = said(told)
            assert found.pop("HTTP_CONNECTION") and found.pop("HTTP_UPGRADE") in (
                "h2c",
                "websocket",
            )
            found.pop("HTTP_HTTP2_SETTINGS", None)
            assert found == plain


def test_thousands_of_wishes_for_another_protocol_are_no_trouble(server: Server) -> None:
    sent = get("/", *H2C[:2]) * 2500
    assert len({json.dumps(said(told)) for told in asked(server, sent, count=2500)}) == 1


def test_connect_is_answered_and_what_follows_is_not_read(server: Server) -> None:
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(get("other:443", method="CONNECT") + b"\x16\x03\x01" + get("/b"))
        found = said(answer(file))
        assert (found["REQUEST_METHOD"], found["PATH_INFO"]) == ("CONNECT", "/other:443")
        assert file.read() == b""


# Expectations.


@pytest.mark.parametrize("value", ["100-continue", "100-Continue \t"])
def test_who_expects_100_is_told_to_go_on_when_its_turn_has_come(
    server: Server, value: str
) -> None:
    sent = post(b"abc", f"Expect: {value}")
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(get("/late/0.05") + get("/stream/0.02") + sent[:-3])
        assert said(answer(file))["PATH_INFO"] == "/late/0.05"
        assert answer(file).body == b"abcd"  # type: ignore[union-attr]
        assert file.readline() == b"HTTP/1.1 100 Continue\r\n" and file.readline() == b"\r\n"
        client.sendall(sent[-3:] + get("/b"))
        assert said(answer(file))["body"] == "abc" and said(answer(file))["PATH_INFO"] == "/b"


def test_who_speaks_1_0_is_never_told_to_go_on(server: Server) -> None:
    sent = get("/", "Expect: 100-continue", "Content-Length: 3", method="POST", version="1.0")
    assert said(asked(server, sent, b"abc")[0])["body"] == "abc"


# Bodies beyond the bound.


@pytest.mark.parametrize("form", ["chunked", "length"])
@pytest.mark.parametrize("path", ["/", "/fails"])
def test_client_that_goes_on_with_a_body_beyond_all_bounds_reads_the_answer_afterwards(
    server: Server, noise: list[str], monkeypatch: pytest.MonkeyPatch, form: str, path: str
) -> None:
    monkeypatch.setattr(wire, "MOST_READ", 1 << 20)
    if path == "/fails":
        noise.append("the application failed at a request")
    line = "Content-Length: 16777216" if form == "length" else "Transfer-Encoding: chunked"
    piece = b"x" * (1 << 20)
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(get(path, line, method="POST"))
        for _ in range(16):
            client.sendall(piece if form == "length" else b"%x\r\n%b\r\n" % (1 << 20, piece))
        told = answer(file)
        assert told is not None and told.headers["connection"] == "close"
        assert path == "/fails" or 1 << 20 < said(told)["body"] < 3 << 20
        assert file.read() == b""


def test_body_of_many_small_chunks_takes_hardly_more_than_its_bytes() -> None:
    taker, size = Taker(), 200_000
    connection = Connection(taker)
    connection.connection_made(Transport())
    connection.data_received(get("/", "Transfer-Encoding: chunked", method="POST"))
    piece = b"2\r\nab\r\n" * 1000
    tracemalloc.start()
    for _ in range(size // 2000):
        connection.data_received(piece)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    connection.data_received(b"0\r\n\r\n")
    assert connection.next_asked().body == b"ab" * (size // 2)
    assert most < 3 * size


# Clients that leave.


def leave(client: socket.socket, how: str) -> None:
    if how == "reset":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


LEFT = {
    "before a request": b"",
    "in a request line": b"GET / HT",
    "before an answer": get("/"),
    "in a body": post(b"abc")[:-1],
    "before a body": get("/", "Expect: 100-continue", "Content-Length: 3", method="POST"),
    "in chunks": chunked(b"abcdef")[:-9],
    "in a delay": get("/late/30"),
    "while it is looked again and again": get("/again"),
    "ahead of a delay": get("/late/0.05") * 10,
    "in a stream": get("/stream/0.05"),
    "ahead of streams": get("/stream/0.05") * 3,
    "in a feed": get("/feed"),
    "in a large answer": get("/big"),
    "ahead of large answers": get("/big") * 30,
    "before a refusal": b"nonsense\r\n\r\n",
    "ahead of a refusal": get("/late/30") + b"nonsense",
    "before an upgrade": get("/", *H2C) * 3,
}


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("sent", LEFT.values(), ids=LEFT)
def test_client_may_leave_at_any_time(server: Server, sent: bytes, how: str) -> None:
    for pause in (0, 0.02):
        client = connect(server)
        client.sendall(sent)
        time.sleep(pause)
        leave(client, how)
    assert said(asked(server, get("/b"))[0])["PATH_INFO"] == "/b"


def test_client_that_asks_no_more_is_answered_what_was_no_request_and_left() -> None:
    taker, transport = Taker(), Transport()
    connection = Connection(taker)
    connection.connection_made(transport)
    connection.data_received(get("/a") + b"nonsense")
    assert connection.eof_received() and not transport.written
    taker.answer_all()
    assert re.findall(rb"HTTP/1.1 (\d+)", transport.written) == [b"200", b"501"]
    assert transport.closed


@pytest.mark.parametrize("count", [1, 3])
def test_client_that_says_it_asks_no_more_has_its_answers(server: Server, count: int) -> None:
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(get("/a") * count)
        client.shutdown(socket.SHUT_WR)
        found = [answer(file) for _ in range(count)]
        assert [said(told)["PATH_INFO"] for told in found] == ["/a"] * count
        assert file.read() == b""


def test_client_that_leaves_in_a_stream_that_stands_still_does_not_keep_the_server(
    loop: str,
) -> None:
    with Server(application) as server:
        with connect(server) as client:
            client.sendall(get("/stream/3600"))
            assert client.recv(1000)
        while server._service.connections:
            time.sleep(0.002)
        asyncio.run_coroutine_threadsafe(server._drain_and_stop(60), server._loop).result(3)  # type: ignore[arg-type]


# Clients that do not read.


def test_client_that_does_not_read_is_not_answered_on_and_on_and_others_are(
    server: Server,
) -> None:
    with connect(server) as lazy, connect(server) as idle:
        lazy.sendall(get("/big") * 40)
        idle.sendall(get("/feed/9999"))
        until = time.monotonic() + 5
        while len(unread(server)) < 2 or min(unread(server)) < 1 << 20:
            assert time.monotonic() < until
            assert said(asked(server, get("/b"))[0])["PATH_INFO"] == "/b"
        time.sleep(0.05)
        assert max(unread(server)) <= BIG + 1000
        with lazy.makefile("rb") as file:
            assert [len(answer(file).body) for _ in range(40)] == [BIG] * 40  # type: ignore[union-attr]


def unread(server: Server) -> list[int]:
    return [one.unread() for one in list(server._service._connections) if one.unread()]


def test_of_a_client_that_asks_and_asks_only_so_much_is_kept(server: Server) -> None:
    one = post(b"x" * 100_000)
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(get("/late/0.3"))
        client.settimeout(0.15)
        sent = 0
        with suppress(TimeoutError):
            while sent < 200 * len(one):
                sent += client.send((one * 2)[sent % len(one) :][: len(one)])
        assert sent < 200 * len(one)
        [waits] = [len(one._waiting) for one in server._service._connections]
        assert wire.MOST_WAITING <= waits <= wire.MOST_WAITING + 3
        client.settimeout(5)
        assert said(answer(file))["PATH_INFO"] == "/late/0.3"
        assert all(said(answer(file))["body"] == 100_000 for _ in range(sent // len(one)))


def test_large_bodies_do_not_wait_in_a_queue(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_READ", 1 << 20)
    body = b"x" * ((1 << 20) - 1)
    with connect(server) as client, client.makefile("rb") as file:
        sender = threading.Thread(target=client.sendall, args=(get("/late/1") + post(body) * 12,))
        sender.start()
        most, until = 0, time.monotonic() + 0.9
        while time.monotonic() < until:
            there = list(server._service._connections)
            most = max([most, *(len(one._waiting) for one in there)])
            time.sleep(0.01)
        assert 1 <= most <= 3
        assert said(answer(file))["PATH_INFO"] == "/late/1"
        assert [said(answer(file))["body"] for _ in range(12)] == [len(body)] * 12
        sender.join()


# Applications that fail.


def test_application_that_fails_is_an_answer_and_the_end_of_the_connection(
    server: Server, noise: list[str]
) -> None:
    noise.append("the application failed at a request")
    with connect(server) as client, client.makefile("rb") as file:
        client.sendall(get("/fails") + get("/b") * 3)
        told = answer(file)
        assert told is not None and (told.status, told.body) == (500, b"the mock itself failed\n")
        assert told.headers["connection"] == "close" and file.read() == b""


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[tls.Tls, Path]:
    return tls.generated(tmp_path_factory.mktemp("tls"), ["localhost", "127.0.0.1"])


@pytest.fixture
def secure(
    loop: str,
    certificate: tuple[tls.Tls, Path],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Server]:
    with Server(application, tls=certificate[0]) as server:
        yield server
        settled(server)
    over(server, [], caplog, capfd)


@pytest.fixture
def trusting(certificate: tuple[tls.Tls, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[1]))


def test_requests_are_sent_ahead_by_tls_as_well(secure: Server, trusting: ssl.SSLContext) -> None:
    with securely(secure, trusting) as client, client.makefile("rb") as file:
        client.sendall(get("/late/0.02") + get("/stream") + get("/big") + post(b"abc") * 30)
        assert said(answer(file))["PATH_INFO"] == "/late/0.02"
        assert answer(file).body == b"abcd"  # type: ignore[union-attr]
        assert len(answer(file).body) == BIG  # type: ignore[union-attr]
        assert [said(answer(file))["body"] for _ in range(30)] == ["abc"] * 30
        client.sendall(post(b"x" * BIG) + get("/", "Connection: close"))
        assert said(answer(file))["body"] == BIG
        assert answer(file) is not None and file.read() == b""


def securely(server: Server, trusting: ssl.SSLContext) -> ssl.SSLSocket:
    return trusting.wrap_socket(connect(server), server_hostname="localhost")


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", get("/", "Content-Length: 16777216")])
def test_client_reads_by_tls_why_it_is_turned_down(
    secure: Server, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(wire, "MOST_READ", 1 << 20)
    with securely(secure, trusting) as client, client.makefile("rb") as file:
        client.sendall(sent)
        for _ in range(16):
            client.sendall(b"x" * (1 << 20))
        told = answer(file)
        assert told is not None and told.headers["connection"] == "close"
        assert told.status == 501 or 1 << 20 < said(told)["body"] < 3 << 20


@pytest.mark.parametrize("how", ["close", "reset", "unwrap"])
@pytest.mark.parametrize("sent", LEFT.values(), ids=LEFT)
def test_client_may_leave_by_tls_at_any_time(
    secure: Server, trusting: ssl.SSLContext, sent: bytes, how: str
) -> None:
    client = securely(secure, trusting)
    client.sendall(sent)
    if how == "unwrap":
        client.settimeout(0.02)
        with suppress(ssl.SSLError, TimeoutError):
            client.unwrap()
    leave(client, how)


@pytest.mark.parametrize("sent", [b"", get("/"), b"\x16\x03\x01\x00\x05hello"])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_who_speaks_no_tls_is_no_trouble(
    secure: Server, trusting: ssl.SSLContext, sent: bytes, how: str
) -> None:
    client = connect(secure)
    client.sendall(sent)
    time.sleep(0.01)
    leave(client, how)
    with securely(secure, trusting) as other, other.makefile("rb") as file:
        other.sendall(get("/b"))
        assert said(answer(file))["PATH_INFO"] == "/b"


# The end of the server.


@pytest.mark.parametrize("safe", [False, True], ids=["http", "https"])
def test_server_stops_in_the_middle_of_everything(
    loop: str,
    monkeypatch: pytest.MonkeyPatch,
    certificate: tuple[tls.Tls, Path],
    trusting: ssl.SSLContext,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    safe: bool,
) -> None:
    monkeypatch.setattr(servers, "LAST_BYTES", 0.1)
    clients: list[socket.socket] = []
    with Server(application, tls=certificate[0] if safe else None) as server:
        for sent in LEFT.values():
            client = securely(server, trusting) if safe else connect(server)
            client.sendall(sent)
            clients.append(client)
        time.sleep(0.05)
        assert server._loop is not None and server._thread is not None
        server._loop.call_soon_threadsafe(server._end, 0.1)
        server._thread.join(3)
        assert not server._thread.is_alive()
    for client in clients:
        client.close()
    assert not server._service.connections
    over(server, [], caplog, capfd)


# Wherever the network cuts.


class Transport:
    """Notes what is written; a client that reads all of it."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = self.paused = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written += data

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.closed


class Taker:
    """Answers with what was asked, when it is told to."""

    def __init__(self) -> None:
        self.taken: list[Connection] = []
        self.asked: list[Asked] = []

    def joined(self, connection: Connection) -> None:
        pass

    def left(self, connection: Connection) -> None:
        pass

    def take(self, connection: Connection) -> None:
        self.taken.append(connection)

    def answer_all(self) -> None:
        while self.taken:
            connection = self.taken.pop()
            if connection.waits:
                asked = connection.next_asked()
                self.asked.append(asked)
                connection.send(200, [("Date", "today")], repr(asked).encode())
                connection.flush()


def heard(pieces: list[bytes], often: list[bool]) -> tuple[list[Asked], bytes]:
    """Return what is asked and answered, where answers are given after some of the pieces."""
    taker, transport = Taker(), Transport()
    connection = Connection(taker)
    connection.connection_made(transport)
    for piece, answers in zip(pieces, often, strict=True):
        connection.data_received(piece)
        if answers:
            taker.answer_all()
    taker.answer_all()
    assert not transport.closed and not transport.paused
    return taker.asked, transport.written.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")


LINES = st.sampled_from(["X-A: b", "x-a:  \xe4  ", "Cookie: a=b", "Connection: keep-alive", "X-C:",
                         "Expect: 100-continue", "Connection: upgrade", "Upgrade: h2c",
                         "Upgrade: a, b"])  # fmt: skip
BODIES = st.binary(max_size=20) | st.sampled_from([b"GET / HTTP/1.1\r\n\r\n", b"0\r\n\r\n"])
REQUESTS = st.one_of(
    st.builds(lambda lines: get("/a?b=%20", *lines), st.lists(LINES)),
    st.builds(lambda body, lines: post(body, *lines), BODIES, st.lists(LINES)),
    st.builds(lambda body, lines, size: chunked(body, *lines, size=size),
              BODIES, st.lists(LINES), st.integers(1, 9)),
    st.builds(lambda lines: b"\r\n" + get("/d", *lines), st.lists(LINES)),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(REQUESTS, min_size=1, max_size=6), st.data())
def test_requests_are_the_same_wherever_they_are_cut(
    sent: list[bytes], data: st.DataObject
) -> None:
    one_by_one = [heard([request], [True]) for request in sent]
    whole = b"".join(sent)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=12)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    often = data.draw(st.lists(st.booleans(), min_size=len(pieces), max_size=len(pieces)))
    asked, written = heard(pieces, often)
    assert asked == [found for each, _ in one_by_one for found in each]
    assert len(asked) == len(sent)
    assert written == b"".join(answer for _, answer in one_by_one)

"""What the server does beyond Flask: bodies, connections, TLS, and its end."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from mockserver import tls
from mockserver.connection import MOST_READ
from mockserver.draining import Ending, Open
from mockserver.model import Chunk
from mockserver.server import AddressInUse, Server


@pytest.fixture
def app() -> Flask:
    app = Flask("said")

    @app.post("/say")
    def say() -> str:
        from flask import request

        return f"{len(request.get_data())}"

    return app


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    with Server(app.wsgi_app) as server:
        yield server


def sent(server: Server, data: bytes, until: bytes) -> bytes:
    """Return what comes back until a text is there, or the connection ends."""
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(data)
        found = b""
        while until not in found and (more := connection.recv(65536)):
            found += more
        return found


HEAD = b"POST /say HTTP/1.1\r\nHost: localhost\r\n"


def test_a_port_is_taken_from_when_a_server_is_made(app: Flask) -> None:
    first = Server(app.wsgi_app)
    with pytest.raises(AddressInUse, match=f"127.0.0.1:{first.port}: .*in use"):
        Server(app.wsgi_app, port=first.port)
    with first:
        assert sent(first, HEAD + b"Content-Length: 1\r\n\r\nx", b"\r\n\r\n1")


def test_a_chunked_body_is_read_whole(server: Server) -> None:
    body = b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    assert sent(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body, b"\r\n\r\n7")


def test_a_client_that_expects_100_is_told_to_go_on(server: Server) -> None:
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"abc")
        assert connection.recv(1000).endswith(b"\r\n\r\n3")


def test_several_requests_go_over_one_connection(server: Server) -> None:
    request = HEAD + b"Content-Length: 3\r\n\r\nabc"
    found = sent(server, request * 3 + request.replace(b"abc", b"abcd").replace(b": 3", b": 4"),
                 b"\r\n\r\n4")  # fmt: skip
    assert found.count(b"HTTP/1.1 200") == 4


def test_of_a_body_without_an_end_no_more_is_read_than_any_application_takes(
    server: Server,
) -> None:
    piece = b"%x\r\n%s\r\n" % (1 << 20, b"x" * (1 << 20))
    seen: list[bytes] = []
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        reader = threading.Thread(target=lambda: seen.append(connection.recv(1000)))
        reader.start()
        for _ in range(MOST_READ // (1 << 20) + 40):
            if seen:
                break
            try:
                connection.sendall(piece)
            except OSError:
                break
        reader.join(10)
    assert int(seen[0].rpartition(b"\r\n")[2]) in range(MOST_READ, MOST_READ + (2 << 20))


def test_a_certificate_is_made_for_the_hosts_that_are_named(app: Flask, tmp_path: Path) -> None:
    made, authority = tls.generated(tmp_path, ["localhost", "127.0.0.1"])
    assert made.key.stat().st_mode & 0o077 == 0
    trusting = ssl.create_default_context(cafile=str(authority))
    with Server(app.wsgi_app, tls=made) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert httpx.post(f"{server.url}/say", content=b"abcd", verify=trusting).text == "4"
        with pytest.raises(httpx.ConnectError, match="certificate"):
            httpx.post(f"{server.url}/say")
    with Server(app.wsgi_app, tls=tls.given(made.certificate, made.key)) as server:
        assert httpx.post(f"{server.url}/say", content=b"ab", verify=trusting).text == "2"


def test_files_that_are_no_pair_are_refused_by_name(tmp_path: Path) -> None:
    made, authority = tls.generated(tmp_path, ["localhost"])
    for certificate, key in [
        (authority, made.key),
        (made.certificate, tmp_path / "nowhere.pem"),
        (made.key, made.certificate),
    ]:
        with pytest.raises(tls.TlsError, match="are no certificate with its private key") as wrong:
            tls.given(certificate, key)
        assert str(certificate) in str(wrong.value) and "PRIVATE" not in str(wrong.value)


def test_what_comes_late_is_turned_away_and_what_was_begun_is_finished() -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ["mockserver.delay"] = 0.3
        start("200 OK", [])
        return [b"whole"]

    asked = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with Server(app) as server:
        address = server.host, server.port
        with socket.create_connection(address) as early, socket.create_connection(address) as late:
            early.sendall(asked)
            time.sleep(0.1)
            stopped = threading.Thread(target=server.__exit__)
            stopped.start()
            time.sleep(0.05)
            late.sendall(asked)
            turned_away = late.recv(1000)
            assert turned_away.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nConnection: close\r\n" in turned_away
            assert turned_away.endswith(b"\r\n\r\nthis mock server is stopping\n")
            assert late.recv(1000) == b""
            answer = early.recv(1000)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\nwhole")
            stopped.join(5)
            assert early.recv(1000) == b""


@pytest.mark.parametrize("again", [False, True])
def test_an_answer_without_an_end_is_over_in_time_or_when_the_end_is_asked_for_again(
    again: bool,
) -> None:
    async def run() -> None:
        ending = Ending()
        under_way = Open(ending)
        under_way.begin()
        end = asyncio.ensure_future(under_way.drain(60 if again else 0.01))
        await asyncio.sleep(0)
        assert (ending.asked, ending.over, end.done()) == (True, False, False)
        if again:
            await under_way.drain()
        await end
        assert ending.over
        await ending.sleep(3600)

    asyncio.run(asyncio.wait_for(run(), 5))


def test_a_stream_that_is_open_when_the_end_is_asked_for_comes_whole() -> None:
    schedule = tuple(Chunk(0.02, b"%03d" % n) for n in range(40))

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ["mockserver.schedule"] = schedule
        start("200 OK", [])
        return []

    got: list[bytes] = []
    with Server(app) as server:
        began = threading.Event()

        def read() -> None:
            with httpx.stream("GET", server.url) as answer:
                for piece in answer.iter_raw():
                    began.set()
                    got.append(piece)

        reader = threading.Thread(target=read)
        reader.start()
        began.wait(5)
    reader.join(5)
    assert b"".join(got) == b"".join(chunk.data for chunk in schedule)


def test_a_stream_that_stands_still_does_not_keep_the_server() -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ["mockserver.schedule"] = (Chunk(0, b"a"), Chunk(3600, b"b"))
        start("200 OK", [])
        return []

    with Server(app) as server:
        connection = socket.create_connection((server.host, server.port), timeout=5)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(1000)
        began = time.monotonic()
    assert time.monotonic() - began < 8
    connection.close()


ENDS_SOON = """
import os, signal, time
from mockserver.server import Server

def ready():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.5)
    print("ready", flush=True)

Server(lambda environ, start: []).run(ready)
print("over")
"""


def test_who_is_told_that_it_answers_may_finish_before_the_server_is_over() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS_SOON], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\nover\n", "")

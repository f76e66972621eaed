"""Connections that come together, and those for which there is no room."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver import accepting, server, tls
from mockserver.server import Server

ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

pytest.importorskip("uvloop", reason="its server is the one that is replaced")


def app(environ: dict[str, Any], start: Any) -> tuple[bytes]:
    start("200 OK", [])
    return (b"there",)


def answer(client: socket.socket) -> bytes:
    client.settimeout(10)
    client.sendall(ASKED)
    return client.recv(1000)


def test_connections_that_come_together_are_all_taken_in_few_rounds_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accepting, "MOST_AT_ONCE", 16)
    rounds: list[int] = []
    take = accepting.Accepting._take

    def counted(self: accepting.Accepting) -> None:
        rounds.append(1)
        time.sleep(0.01)  # as a round does in which much is answered
        take(self)

    monkeypatch.setattr(accepting.Accepting, "_take", counted)
    with Server(app) as running:
        clients = [socket.create_connection((running.host, running.port)) for _ in range(200)]
        assert all(answer(client).endswith(b"there") for client in clients)
        for client in clients:
            client.close()
    assert 200 / 16 <= len(rounds) < 100


def test_where_there_is_no_room_the_next_try_comes_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(accepting, "PAUSE", 0.05)
    refused: list[int] = []

    class Full(socket.socket):
        def accept(self) -> Any:
            if len(refused) < 2:
                refused.append(1)
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    bound = server._bound

    def full(host: str, port: int) -> socket.socket:
        made = bound(host, port)
        return Full(made.family, made.type, made.proto, fileno=made.detach())

    monkeypatch.setattr(server, "_bound", full)
    with caplog.at_level(logging.ERROR, "mockserver"), Server(app) as running:
        with socket.create_connection((running.host, running.port)) as client:
            assert answer(client).endswith(b"there")
    assert [record.getMessage() for record in caplog.records] == [
        "no connection can be taken: [Errno 24] Too many open files"
    ] * 2


def test_who_speaks_no_tls_is_let_go_and_others_are_answered(tmp_path: Path) -> None:
    made, authority = tls.generated(tmp_path, ["127.0.0.1"])
    trusting = ssl.create_default_context(cafile=str(authority))
    with Server(app, tls=made) as running:
        with socket.create_connection((running.host, running.port), timeout=10) as client:
            client.sendall(ASKED)
            try:
                assert not client.recv(1000).startswith(b"HTTP")
            except ConnectionResetError:
                pass
        assert httpx.get(running.url, verify=trusting).text == "there"

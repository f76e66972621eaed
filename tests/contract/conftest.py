"""Servers on real sockets that keep what they are sent, byte for byte, and answer as told."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pytest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came; `connection` counts the connections, `place` those on this one."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    connection: int
    place: int

    def all(self, name: str) -> list[bytes]:
        return [value for key, value in self.headers if key.lower() == name.lower().encode()]


class Line:
    """A connection to a server."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._file: BinaryIO = sock.makefile("rb")

    def read(self, connection: int, place: int) -> Received | None:
        first = self._file.readline()
        if not first:
            return None
        method, target, _ = first.decode("latin-1").rstrip("\r\n").split(" ")
        headers = []
        while line := self._file.readline().rstrip(b"\r\n"):
            name, _, value = line.partition(b":")
            headers.append((name, value.strip(b" \t")))
        length = next((int(v) for k, v in headers if k.lower() == b"content-length"), 0)
        body = self._file.read(length)
        return Received(method, target, tuple(headers), body, connection, place)

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self._file.close()
        self.socket.close()

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._file.close()
        self.socket.close()


Behaviour = Callable[[Line, Received], None]


def polite(line: Line, received: Received) -> None:
    """Answer, and keep the connection."""
    line.write(OK)


class Recorder:
    """A server; `behave` answers each request, and closes the connection if it likes."""

    def __init__(self, behave: Behaviour, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._behave = behave
        self._lines: list[Line] = []
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self.received: list[Received] = []
        named = f"[{host}]" if ":" in host else host
        self.host = f"{named}:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.host}"
        self._threads[0].start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line = Line(self._listener.accept()[0])
                self._lines.append(line)
                thread = threading.Thread(
                    target=self._serve, args=(line, len(self._lines)), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _serve(self, line: Line, connection: int) -> None:
        place = 0
        with contextlib.suppress(OSError, ValueError):
            while received := line.read(connection, place):
                place += 1
                self.received.append(received)
                self._behave(line, received)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        # First no more connections, then away with those that there are.
        self._threads[0].join(5)
        self._listener.close()
        for line in self._lines:
            line.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def recorder() -> Iterator[Callable[..., Recorder]]:
    """Start servers: `recorder(behave)`; without a behaviour every request is answered by 200."""
    running: list[Recorder] = []

    def start(behave: Behaviour = polite, host: str = "127.0.0.1") -> Recorder:
        running.append(Recorder(behave, host))
        return running[-1]

    yield start
    for server in running:
        server.close()

"""`python -m benchmarks.stream_client`: many streams at once, read by one cheap loop.

It notes when a stream's request left, its first byte came and its last one. In between it looks at
a sample of the streams alone, so that it does not take the processor from the server; what came
meanwhile waits in the socket.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

END = b"0\r\n\r\n"

SAMPLE = 40
"""Of so many streams one is watched all the time."""

LATER = 0.9
"""The part of a stream's time after which it is watched again."""


@dataclass(slots=True)
class Stream:
    """One of them; times are seconds since the run began, NaN for what never happened."""

    place: int
    socket: socket.socket
    sent: float = float("nan")
    first: float = float("nan")
    last: float = float("nan")
    arrivals: list[float] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)

    @property
    def watched(self) -> bool:
        return self.place % SAMPLE == 0


class Reader:
    """All streams of one run."""

    def __init__(self, host: str, port: int, count: int) -> None:
        self._epoll = select.epoll()
        self._by_file: dict[int, Stream] = {}
        self.streams = [self._open(place, host, port) for place in range(count)]
        self._resting: list[tuple[float, Stream]] = []
        self._left = count

    def _open(self, place: int, host: str, port: int) -> Stream:
        made = socket.create_connection((host, port), timeout=10)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        stream = Stream(place, made)
        self._by_file[made.fileno()] = stream
        return stream

    def run(self, request: bytes, ramp: float, ideal: float, patience: float) -> None:
        """Send every request when it is due, over `ramp` seconds, and read until all have ended."""
        began = time.perf_counter()
        clock: Callable[[], float] = lambda: time.perf_counter() - began  # noqa: E731
        step = ramp / max(1, len(self.streams))
        following = 0
        while self._left and clock() < ramp + patience:
            # A few at a time, so that first bytes are seen while others are still sent.
            for _ in range(20):
                if following == len(self.streams) or clock() < following * step:
                    break
                self._send(self.streams[following], request, clock())
                following += 1
            self._wake(clock())
            pause = 0.0 if following < len(self.streams) and not ramp else 0.002
            for file, _ in self._epoll.poll(pause):
                self._read(self._by_file[file], clock, ideal)

    def _send(self, stream: Stream, request: bytes, now: float) -> None:
        stream.sent = now
        try:
            stream.socket.send(request)
        except OSError:
            self._left -= 1
            return
        self._epoll.register(stream.socket, select.EPOLLIN)

    def _wake(self, now: float) -> None:
        while self._resting and self._resting[0][0] <= now:
            self._epoll.register(self._resting.pop(0)[1].socket, select.EPOLLIN)

    def _read(self, stream: Stream, clock: Callable[[], float], ideal: float) -> None:
        now = clock()
        try:
            data = stream.socket.recv(65536)
        except OSError:
            data = b""
        stream.pieces.append(data)
        if stream.first != stream.first:
            stream.first = now
            if not stream.watched and data:
                self._epoll.unregister(stream.socket)
                self._resting.append((now + LATER * ideal, stream))
        if stream.watched:
            stream.arrivals.append(now)
        if not data or b"".join(stream.pieces[-2:]).endswith(END):
            if data:
                stream.last = now
            self._left -= 1
            self._by_file.pop(stream.socket.fileno())
            stream.socket.close()


def payload(answer: bytes) -> bytes:
    """Return the body of an answer in chunks; b"" for one that is not 200 or whole."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200") or b"chunked" not in head.lower():
        return b""
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return body
        body, rest = body + rest[:length], rest[length + 2 :]
    return b""


def main(words: list[str]) -> None:
    """Read what is to be done from standard input, as JSON, and say what was seen in the same."""
    asked = json.load(sys.stdin)
    reader = Reader(asked["host"], asked["port"], asked["count"])
    cpu, wall = time.process_time(), time.perf_counter()
    reader.run(asked["request"].encode(), asked["ramp"], asked["ideal"], asked["patience"])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    json.dump(
        {
            "busy": cpu / wall,
            "streams": [
                {
                    "sent": one.sent,
                    "first": one.first,
                    "last": one.last,
                    "bytes": len(payload(b"".join(one.pieces))),
                    "arrivals": one.arrivals,
                }
                for one in reader.streams
            ],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main(sys.argv[1:])

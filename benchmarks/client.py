"""A cheap client: many requests on some keep-alive connections, each answered before the next."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from .wrk import Asked


class Broken(Exception):
    """A connection ended, or stood still, before its answer was there."""


def as_bytes(asked: Asked, host: str) -> bytes:
    """Return the request as it is sent."""
    body = asked.body.encode()
    head = [f"{asked.method} {asked.path} HTTP/1.1", f"Host: {host}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in asked.headers.items())]  # fmt: skip
    return "\r\n".join([*head, "", ""]).encode() + body


def answers(
    url: str, requests: Iterable[Asked], *, connections: int = 16, patience: float = 30.0
) -> Iterator[tuple[int, bytes]]:
    """Send the requests as fast as they are answered; yield status and body of each, as they come.

    Every answer says its length. Raises Broken.
    """
    parts = urlsplit(url)
    left = iter(requests)
    epoll = select.epoll()
    by_file: dict[int, tuple[socket.socket, bytes]] = {}
    try:
        for _ in range(connections):
            if (asked := next(left, None)) is None:
                break
            made = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=10)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.sendall(as_bytes(asked, parts.netloc))
            by_file[made.fileno()] = made, b""
            epoll.register(made, select.EPOLLIN)
        while by_file:
            ready = epoll.poll(patience)
            if not ready:
                raise Broken(f"no answer of {url} within {patience:g} s")
            for file, _ in ready:
                made, seen = by_file[file]
                if not (data := made.recv(65536)):
                    raise Broken(f"{url} hung up before it had answered")
                whole = read(seen + data)
                by_file[file] = made, b"" if whole else seen + data
                if whole is None:
                    continue
                yield whole
                if (asked := next(left, None)) is None:
                    epoll.unregister(file)
                    by_file.pop(file)
                    made.close()
                else:
                    made.sendall(as_bytes(asked, parts.netloc))
    finally:
        epoll.close()
        for made, _ in by_file.values():
            made.close()


def read(seen: bytes) -> tuple[int, bytes] | None:
    """Return status and body of an answer; None while it is not whole."""
    head, gap, body = seen.partition(b"\r\n\r\n")
    if not gap:
        return None
    lines = head.split(b"\r\n")
    length = next(
        (int(line[15:]) for line in lines if line[:15].lower() == b"content-length:"), None
    )
    if length is None:
        raise Broken(f"an answer without a length: {head[:200]!r}")
    return (int(lines[0].split()[1]), body) if len(body) >= length else None

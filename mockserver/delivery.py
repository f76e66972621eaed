"""How an answer does not arrive: a connection that is cut, or says nothing more.

Granian always answers and always ends an answer well, so the socket is looked for among the files
of the process: Linux lists them, and there `connect` to nowhere resets what is connected.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from .model import Chunk

FILES = "/proc/self/fd"

CAN_CUT = sys.platform.startswith("linux") and os.path.isdir(FILES)
"""Whether connections can be cut on this system."""

GARBAGE = b"\x15\x03\x01\x00\x02\x02\x50\xff\xfe not HTTP \x00\r\n"
"""What no client takes for an answer: it begins as a TLS alert does."""

NOT_FOUND = b'{"error":"the connection was not found, so nothing could happen to it"}'

TO_BE_WRITTEN = 0.1
"""Seconds that the server has to write what it holds, where nothing shows that it did."""

_STALL = "mockserver.stall"

Pace = Callable[[Any, tuple[Chunk, ...]], Awaitable[None]]
Head = tuple[int, list[tuple[str, str]]]


async def end(
    ending: tuple[str, float],
    scope: Any,
    protocol: Any,
    head: Head,
    chunks: tuple[Chunk, ...],
    pace: Pace,
) -> None:
    """Let the connection of a request end badly, after the chunks that still leave."""
    kind, amount = ending
    connection = find(scope.client, scope.server)
    try:
        if kind == "stalled":
            stream = protocol.response_stream(*head)  # an answer ends when its stream is let go of
            await pace(stream, chunks)
            await _stall(protocol, amount)
            if connection is not None:
                hang_up(connection)
        elif kind == "truncated" and (connection is None or not _is_plain(scope)):
            await _fall_short(protocol, _with_length(head, chunks), chunks, pace)
        elif connection is None:
            protocol.response_bytes(501, [("content-type", "application/json")], NOT_FOUND)
        elif kind == "truncated":
            await _begin(connection, scope.http_version, head, chunks, pace)
        else:
            _cut(connection, kind)
    finally:
        if connection is not None:
            connection.close()


def find(client: str, server: str) -> socket.socket | None:
    """Return a socket that shares the connection between two addresses, None where it is gone."""
    if not CAN_CUT:
        return None
    peer, own = _address(client), _address(server)
    # A server that listens everywhere says so, and not where the connection came in.
    anywhere = ip_address(own[0]).is_unspecified
    for name in os.listdir(FILES):
        try:
            file = os.dup(int(name))
        except OSError:
            continue
        try:
            found = socket.socket(fileno=file)
        except OSError:
            os.close(file)
            continue
        far, near = _ends(found) or (None, own)
        if far == peer and (near == own or (anywhere and near[1] == own[1])):
            return found
        found.close()
    return None


def _ends(one: socket.socket) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """Return where the other side of a connection is, and where this one is."""
    if one.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    try:
        return _pair(one.getpeername()), _pair(one.getsockname())
    except OSError:  # it listens, or is connected no more
        return None


def reset(connection: socket.socket) -> None:
    """Let the other side see a reset, at once."""
    nowhere = bytes(16)  # a sockaddr of the family AF_UNSPEC
    if ctypes.CDLL(None, use_errno=True).connect(connection.fileno(), nowhere, len(nowhere)):
        hang_up(connection)  # it was not connected any more


def hang_up(connection: socket.socket) -> None:
    """Close the connection in the usual way, for all who share it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def let_go(loop: asyncio.AbstractEventLoop) -> None:
    """End all stalls: the server would wait for them before it stops."""
    for task in asyncio.all_tasks(loop):
        if task.get_name() == _STALL:
            task.cancel()


def _is_plain(scope: Any) -> bool:
    """Say whether what is written to the connection is what the client reads."""
    return scope.http_version in ("1", "1.0", "1.1") and scope.scheme == "http"


def _cut(connection: socket.socket, kind: str) -> None:
    if kind == "reset":
        reset(connection)
        return
    if kind == "garbage":
        with suppress(OSError):
            connection.send(GARBAGE)
    hang_up(connection)


async def _stall(protocol: Any, seconds: float) -> None:
    """Wait until the time is over, or the client leaves, or the server stops."""
    left = asyncio.ensure_future(protocol.client_disconnect())
    over = asyncio.ensure_future(asyncio.sleep(seconds))
    over.set_name(_STALL)
    await asyncio.wait([left, over], return_when=asyncio.FIRST_COMPLETED)
    over.cancel()
    left.cancel()


async def _fall_short(protocol: Any, head: Head, chunks: tuple[Chunk, ...], pace: Pace) -> None:
    """Let the server hang up, as it does on an answer that falls short of its length."""
    stream = protocol.response_stream(*head)
    await pace(stream, chunks)
    await asyncio.sleep(TO_BE_WRITTEN)


async def _begin(
    connection: socket.socket, version: str, head: Head, chunks: tuple[Chunk, ...], pace: Pace
) -> None:
    """Write the beginning of an answer by hand.

    The server would write the end of a chunked one, and may drop what it holds of one that falls
    short of its length.
    """
    status, headers = head if version == "1.1" else _with_length(head, chunks)
    chunked = not _has_length(headers)
    more = [("date", formatdate(usegmt=True)), *([("transfer-encoding", "chunked")] * chunked)]
    phrase = next((one.phrase for one in HTTPStatus if one == status), "")
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{k.lower()}: {v}" for k, v in [*headers, *more])]
    connection.setblocking(False)
    written = _Written(connection, chunked)
    with suppress(OSError):
        await written.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1"))
        await pace(written, chunks)
    hang_up(connection)


@dataclass(frozen=True, slots=True)
class _Written:
    """What stands for the server's stream where an answer is written by hand."""

    connection: socket.socket
    chunked: bool

    async def send_bytes(self, data: bytes) -> None:
        if data:  # a chunk of nothing would be the end
            await self.write(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    async def write(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.connection, data)


def _has_length(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-length" for name, _ in headers)


def _with_length(head: Head, chunks: tuple[Chunk, ...]) -> Head:
    """Return a head that promises more than comes."""
    status, headers = head
    if _has_length(headers):
        return head
    promised = 2 * sum(len(chunk.data) for chunk in chunks) + 1
    return status, [*headers, ("content-length", str(promised))]


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return _pair((host.strip("[]"), int(port)))


def _pair(address: Any) -> tuple[str, int]:
    """Return host and port; where one socket serves both families, IPv4 is written as IPv6."""
    host = ip_address(address[0].partition("%")[0])
    return str(getattr(host, "ipv4_mapped", None) or host), address[1]

"""How an answer does not arrive: a connection that is cut, or says nothing more."""

from __future__ import annotations

import asyncio
import socket
import struct

from .connection import Connection
from .draining import NAP, Ending
from .model import Chunk
from .pacing import Pacer

GARBAGE = b"\x15\x03\x01\x00\x02\x02\x50\xff\xfe not HTTP \x00\r\n"
"""What no client takes for an answer: it begins as a TLS alert does."""

AT_ONCE = struct.pack("ii", 1, 0)
"""Of a socket's option to linger: what was not sent is dropped, and the other side told so."""

Head = tuple[int, list[tuple[str, str]]]


async def end(
    ending: tuple[str, float],
    connection: Connection,
    head: Head,
    chunks: tuple[Chunk, ...],
    pacer: Pacer,
    over: Ending,
) -> None:
    """Let the connection of a request end badly, after the chunks that still leave."""
    kind, amount = ending
    if kind == "reset":
        reset(connection)
        return
    if kind == "garbage":
        connection.write(GARBAGE)
    elif kind in ("truncated", "stalled"):
        connection.begin(*(head if connection.takes_chunks else with_length(head, chunks)))
        await pacer.pace(connection, chunks)
        connection.flush()
        if kind == "stalled":
            await _stall(connection, amount, over)
    connection.hang_up()


def reset(connection: Connection) -> None:
    """Let the other side see a reset, at once."""
    own = connection.transport.get_extra_info("socket")
    if own is not None and not connection.gone:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    connection.abort()


async def _stall(connection: Connection, seconds: float, over: Ending) -> None:
    """Wait until the time is over, or the client leaves, or the server stops."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while not (connection.gone or over.asked) and (left := until - loop.time()) > 0:
        await asyncio.sleep(min(left, NAP))


def with_length(head: Head, chunks: tuple[Chunk, ...]) -> Head:
    """Return a head that promises more than comes, to a client that knows no chunks."""
    status, headers = head
    if any(name.lower() == "content-length" for name, _ in headers):
        return head
    promised = 2 * sum(len(chunk.data) for chunk in chunks) + 1
    return status, [*headers, ("Content-Length", str(promised))]

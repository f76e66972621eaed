"""The one server that a recorder talks to: where it is, and one request to it at a time."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

import h11

CONNECT_SECONDS = 15.0
SILENT_SECONDS = 300.0
"""How long an upstream may say nothing: a language model may think for minutes."""

MOST_HEAD = 256 * 1024
"""Bytes of a request line or response line with its headers; some APIs ask in the query string."""

Lines = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)


class BadUpstream(ValueError):
    """A URL is none that requests could be passed on to; says why."""


class UpstreamFailed(Exception):
    """The upstream could not be asked, or broke off; says how, in a sentence."""


class Elsewhere(Exception):
    """A request names another place than one below the upstream's URL; says which."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it goes to the upstream; a body that came in pieces leaves as chunks."""

    method: bytes
    target: bytes
    headers: Lines
    body: bytes


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where all requests go; nothing in a request changes it."""

    scheme: str
    host: str
    port: int
    base: str

    @classmethod
    def at(cls, url: str) -> Upstream:
        """Read a URL; raises BadUpstream."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BadUpstream(f"{url!r} is no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadUpstream(f"{url!r} should be like https://api.example.com")
        if parts.username is not None or parts.query or parts.fragment:
            # Shown without what might be a password.
            shown = f"{parts.scheme}://{parts.hostname}"
            raise BadUpstream(f"the URL at {shown} should have no user, query or fragment")
        if not re.fullmatch(r"[\x21-\x7e]*", parts.netloc + parts.path):
            raise BadUpstream(f"{url!r} should be written in ASCII, without blanks")
        standard = 443 if parts.scheme == "https" else 80
        return cls(parts.scheme, parts.hostname, port or standard, parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """The host as the header Host has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = self.port == (443 if self.scheme == "https" else 80)
        return host if standard else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"

    def target(self, asked: bytes) -> bytes:
        """Return the target to ask the upstream for, byte for byte; raises Elsewhere."""
        if not asked.startswith(b"/"):
            raise Elsewhere("a request should name a path, like GET /path, and no other server")
        if self.base and _climbs(asked.partition(b"?")[0]):
            raise Elsewhere(f"a path should not lead out of {self.base}/")
        return self.base.encode("ascii") + asked


def _climbs(path: bytes) -> bool:
    """Say whether a server that resolves `..`, however it is written, ends above the root."""
    depth = 0
    for segment in re.split(rb"[/\\]", unquote_to_bytes(path)):
        if segment not in (b"", b"."):
            depth += -1 if segment == b".." else 1
        if depth < 0:
            return True
    return False


def end_to_end(lines: Iterable[tuple[bytes, bytes]]) -> Lines:
    """Return the header lines that are for the other end, as they were written.

    Those of one connection stay behind (RFC 9110, section 7.6.1); how long a body is must be kept
    whatever `Connection` names.
    """
    lines = list(lines)
    named = {
        token.strip().lower()
        for name, value in lines
        if name.lower() == b"connection"
        for token in value.split(b",")
    } - {b"content-length", b"host"}
    return [line for line in lines if line[0].lower() not in _HOP_BY_HOP | named]


async def converse(
    upstream: Upstream, asked: Asked, tls: ssl.SSLContext | None
) -> AsyncGenerator[h11.Response | bytes, None]:
    """Send a request; give the head of the response, then its bytes as they come.

    Each request has a connection of its own: one that is kept may be closed by the upstream just
    when a request is sent, which the client would never have seen. Raises UpstreamFailed.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(upstream.host, upstream.port, ssl=tls)
    except TimeoutError as error:
        raise UpstreamFailed(f"{upstream.origin} takes no connection") from error
    except (OSError, ValueError) as error:
        raise UpstreamFailed(f"{upstream.origin} cannot be reached: {_said(error)}") from error
    try:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD)
        # All at once and without waiting: an upstream may answer before it has read everything.
        writer.write(_written(connection, asked))
        async for event in _events(connection, reader):
            yield event
    except TimeoutError as error:
        raise UpstreamFailed(f"{upstream.origin} said nothing for {SILENT_SECONDS:g} s") from error
    except (OSError, h11.ProtocolError) as error:
        raise UpstreamFailed(f"{upstream.origin} broke off: {_said(error)}") from error
    finally:
        writer.transport.abort()


def _written(connection: h11.Connection, asked: Asked) -> bytes:
    request = h11.Request(method=asked.method, target=asked.target, headers=asked.headers)
    parts = [connection.send(request)]
    if asked.body:
        parts.append(connection.send(h11.Data(data=asked.body)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


async def _events(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> AsyncIterator[h11.Response | bytes]:
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            async with asyncio.timeout(SILENT_SECONDS):
                connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            yield event
        elif isinstance(event, h11.Data):
            yield bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return
        elif not isinstance(event, h11.InformationalResponse):
            raise h11.RemoteProtocolError("it closed the connection")


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__

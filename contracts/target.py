"""Where requests go, and what they may cost."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import Any, Protocol
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

import httpx

from .model import BudgetSpent, Chunk, ContractError, Exchange, Request, Response, Unreachable


class Clock(Protocol):
    """Seconds, and a way to let them pass."""

    def now(self) -> float:
        """Return the time in seconds."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""


class SystemClock:
    """The machine's own time, which nobody sets back."""

    def now(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block for `seconds`."""
        time.sleep(seconds)


LONGEST = 120.0
"""Seconds after which an answer that still goes on is taken for one without an end."""


class Budget:
    """What may be spent, and what was: calls, seconds, calls a second. None is no limit.

    Several targets may share one. Time is the machine's, whatever clock the targets wait on.
    """

    def __init__(
        self, calls: int | None = None, seconds: float | None = None, rate: float | None = None
    ) -> None:
        self._most_calls = calls
        self._most_seconds = seconds
        self._rate = rate
        self._calls = 0
        self._began = self._free_at = time.monotonic()

    def spend(self) -> None:
        """Count the call that is about to be made, after waiting for its turn.

        Raises BudgetSpent instead where it is one too many.
        """
        now = time.monotonic()
        if self._most_calls is not None and self._calls >= self._most_calls:
            raise BudgetSpent(f"the budget of {self._most_calls} calls is spent")
        wait = max(0.0, self._free_at - now) if self._rate else 0.0
        if self._most_seconds is not None and now + wait - self._began >= self._most_seconds:
            raise BudgetSpent(f"the budget of {self._most_seconds:g} seconds is spent")
        if wait:
            time.sleep(wait)
        if self._rate:
            self._free_at = max(now, self._free_at) + 1.0 / self._rate
        self._calls += 1


def checked_url(url: str) -> SplitResult:
    """Return the parts of a base URL; raises ContractError where it is none."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise ContractError(f"{url!r} is not a base URL; write it like https://host/path")


class Target:
    """An endpoint to be judged: over the network, or a WSGI application in this process.

    `calls` counts every request that left, the repeated ones too.
    """

    def __init__(
        self,
        url: str,
        *,
        app: Any = None,
        clock: Clock | None = None,
        budget: Budget | None = None,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        parts = checked_url(url)
        self.url = url.rstrip("/")
        self.clock = clock or SystemClock()
        self.budget = budget or Budget()
        self.calls = 0
        self._origin = f"{parts.scheme}://{parts.netloc}/"
        self._path = parts.path.rstrip("/")
        if transport is None:
            transport = WsgiTransport(app) if app else httpx.HTTPTransport(retries=0)
        self._client = httpx.Client(
            transport=transport, timeout=timeout, follow_redirects=False, trust_env=False
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def send(self, request: Request) -> Exchange:
        """Send one request and read the whole response, chunk by chunk.

        Raises BudgetSpent before a call that the budget does not allow, and Unreachable where
        nobody answers. What came back in no good order is an exchange with a `failure`.
        """
        exchange = self._send_once(request)
        if exchange.failure == _CLOSED:
            # A server may close an idle connection at the very moment at which it is used again.
            exchange = self._send_once(request)
        return exchange

    def _send_once(self, request: Request) -> Exchange:
        self.budget.spend()
        self.calls += 1
        at, began = self.clock.now(), time.monotonic()
        chunks: list[Chunk] = []
        response, failure = None, None
        try:
            with closing(self._client.send(self._outgoing(request), stream=True)) as incoming:
                for data in incoming.iter_raw():
                    chunks.append(Chunk(self.clock.now() - at, data))
                    if time.monotonic() - began > LONGEST:
                        raise httpx.ReadTimeout("it goes on and on")
            response = _response(incoming, chunks)
        except httpx.ConnectError as error:
            raise Unreachable(f"nobody answers at {self.url}: {error}") from error
        except httpx.TimeoutException:
            failure = f"the answer had no end after {self.clock.now() - at:.0f} s"
        except httpx.RemoteProtocolError as error:
            failure = (
                _CLOSED if "without sending a response" in str(error) else f"not HTTP: {error}"
            )
        except httpx.TransportError as error:
            failure = f"the connection broke off: {error}"
        return Exchange(request, response, at, self.clock.now() - at, failure)

    def _outgoing(self, request: Request) -> httpx.Request:
        return httpx.Request(
            request.method,
            self._origin,
            headers=self._headers(request),
            content=request.body or None,
            extensions={
                "target": (self._path + request.target).encode("ascii"),
                "timeout": self._client.timeout.as_dict(),
            },
        )

    def _headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        host = urlsplit(self._origin).netloc.rpartition("@")[2]
        given = {name.lower() for name, _ in request.headers}
        lines = [("Host", host), *request.headers]
        if "user-agent" not in given:
            lines.append(("User-Agent", "counterfoil"))
        if (request.body or request.method in ("POST", "PUT", "PATCH")) and not (
            given & {"content-length", "transfer-encoding"}
        ):
            lines.append(("Content-Length", str(len(request.body))))
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]


_CLOSED = "the connection was closed without an answer"


def _response(incoming: httpx.Response, chunks: list[Chunk]) -> Response:
    return Response(
        incoming.status_code,
        tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in incoming.headers.raw),
        b"".join(chunk.data for chunk in chunks),
        tuple(chunks),
    )


class WsgiTransport(httpx.BaseTransport):
    """Calls a WSGI application in this process, with the path decoded once, as a server does.

    httpx has such a transport of its own, which decodes the path twice.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the application's response; its body is read as the application yields it."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            started.append((status, headers))
            return lambda data: None

        chunks = _Chunks(self._app(self._environ(request), start_response))
        status, headers = started[-1]
        return httpx.Response(
            int(status.split()[0]),
            headers=[(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers],
            stream=chunks,
        )

    def _environ(self, request: httpx.Request) -> dict[str, Any]:
        raw = request.extensions.get("target", request.url.raw_path)
        path, _, query = raw.partition(b"?")
        body = request.read()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_NAME": request.url.host,
            "SERVER_PORT": str(request.url.port or 80),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": request.url.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.raw:
            key = name.decode("latin-1").upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = f"HTTP_{key}"
            environ[key] = value.decode("latin-1")
        return environ


class _Chunks(httpx.SyncByteStream):
    def __init__(self, result: Iterable[bytes]) -> None:
        self._result = result
        self._rest = iter(result)
        # An application may wait with its status until it is asked for the first bytes.
        self._first = next(self._rest, b"")

    def __iter__(self) -> Iterator[bytes]:
        yield from (chunk for chunk in chain([self._first], self._rest) if chunk)

    def close(self) -> None:
        close = getattr(self._result, "close", None)
        if close is not None:
            close()

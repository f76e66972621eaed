"""Where requests go, and what they may cost."""

from __future__ import annotations

import io
import re
import string
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

import httpx

from .model import (
    BudgetSpent,
    Chunk,
    ContractError,
    Exchange,
    Request,
    Response,
    Unreachable,
    shortened,
)


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
            # Counted from when this call leaves, so that a late one is not followed too soon.
            self._free_at = time.monotonic() + 1.0 / self._rate
        self._calls += 1


def checked_url(url: str) -> SplitResult:
    """Return the parts of a base URL; raises ContractError where it is none.

    What is within a URL is shown in every report, so a URL that holds a password is refused.
    """
    try:
        parts = urlsplit(url)
        if parts.username is not None:
            raise ContractError(
                "a base URL holds no user name and no password, reports would show them; "
                "give credentials by their names"
            )
        plain = not (parts.query or parts.fragment or re.search(r"[\s\x00-\x1f\x7f?#]", url))
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and plain:
            httpx.URL(url)
            return parts
    except (ValueError, httpx.InvalidURL):
        pass
    shown = re.sub(r"//.*@", "//…@", url)
    raise ContractError(f"{shown!r} is not a base URL; write it like https://host/path")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose head is there, and whose `chunks` come when they are asked for."""

    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: Iterator[bytes]
    close: Callable[[], object]


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
        self._host = httpx.URL(url).netloc
        self._origin = f"{parts.scheme}://{self._host.decode()}/"
        self._path = quote(parts.path.rstrip("/"), safe=string.punctuation)
        self.url = self._origin.rstrip("/") + self._path
        self.clock = clock or SystemClock()
        self.budget = budget or Budget()
        self.calls = 0
        self._app = WsgiCaller(app, self._origin) if app else None
        self._url = httpx.URL(self._origin)
        self._timeout = httpx.Timeout(timeout).as_dict()
        self._transport = transport

    @cached_property
    def _connections(self) -> httpx.BaseTransport:
        """Made when they are needed: to read the system's certificates takes its time.

        A client of httpx would follow redirects, keep cookies and log, which nobody wants here.
        """
        secure = self._url.scheme == "https"
        return self._transport or httpx.HTTPTransport(verify=secure, retries=0)

    def close(self) -> None:
        """Let go of the connections."""
        if "_connections" in vars(self):
            self._connections.close()

    def send(self, request: Request) -> Exchange:
        """Send one request and read the whole response, chunk by chunk.

        Raises BudgetSpent before a call that the budget does not allow, and Unreachable where
        nobody answers. What came back in no good order is an exchange with a `failure`.
        """
        exchange, stale = self._send_once(request)
        if stale:
            # A server may close an idle connection at the very moment at which it is used again.
            exchange, _ = self._send_once(request)
        return exchange

    def _send_once(self, request: Request) -> tuple[Exchange, bool]:
        """Return the exchange, and whether it may have failed for an idle connection."""
        lines = self._headers(request)
        target = self._target(request)
        self.budget.spend()
        self.calls += 1
        at, began = self.clock.now(), time.monotonic()
        chunks: list[Chunk] = []
        incoming, response, failure, stale = None, None, None, False
        steps: list[str] = []
        try:
            with closing(self._answer(request, target, lines, steps)) as incoming:
                for data in incoming.chunks:
                    chunks.append(Chunk(self.clock.now() - at, data))
                    if time.monotonic() - began > LONGEST:
                        raise httpx.ReadTimeout("it goes on and on")
            body = b"".join(chunk.data for chunk in chunks)
            response = Response(incoming.status, incoming.headers, body, tuple(chunks))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(f"nobody answers at {self.url}: {error}") from error
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol) as error:
            raise ContractError(f"HTTP has no way to send this: {type(error).__name__}") from error
        except httpx.TransportError as error:
            failure = _failure(error, time.monotonic() - began)
            known = self.calls > 1 and _DIALLED not in steps
            stale = known and incoming is None and _hung_up(error)
        return Exchange(request, response, at, self.clock.now() - at, failure), stale

    def _answer(
        self, request: Request, target: bytes, lines: list[tuple[bytes, bytes]], steps: list[str]
    ) -> Answer:
        """Return the answer when its head is there; `steps` gets what was done for it."""
        if self._app:
            return self._app.answer(request.method, target, lines, request.body)
        outgoing = httpx.Request(
            request.method,
            self._url,
            headers=lines,
            content=request.body or None,
            extensions={
                "target": target,
                "timeout": self._timeout,
                "trace": lambda step, _: steps.append(step),
            },
        )
        incoming = self._connections.handle_request(outgoing)
        headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in incoming.headers.raw)
        return Answer(incoming.status_code, headers, incoming.iter_raw(), incoming.close)

    def _target(self, request: Request) -> bytes:
        if not _TARGET.fullmatch(request.target):
            raise ContractError("a request target is made of visible ASCII characters")
        return (self._path + request.target).encode("ascii")

    def _headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        given = {name.lower() for name, _ in request.headers}
        lines = [_line(name, value) for name, value in request.headers]
        if "host" not in given:
            lines.insert(0, (b"Host", self._host))
        if "user-agent" not in given:
            lines.append((b"User-Agent", b"counterfoil"))
        if (request.body or request.method in ("POST", "PUT", "PATCH")) and not (
            given & {"content-length", "transfer-encoding"}
        ):
            lines.append((b"Content-Length", b"%d" % len(request.body)))
        return lines


_TARGET = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"([^\x00\s]+([ \t]+[^\x00\s]+)*)?")

_DIALLED = "connection.connect_tcp.started"
_CLOSED = "without sending a response"


def _line(name: str, value: str) -> tuple[bytes, bytes]:
    """Return a header as bytes, UTF-8 as a shell has it; ContractError where HTTP has no way."""
    written = name.encode(), value.encode("utf-8", "surrogateescape")
    if _NAME.fullmatch(written[0]) and _VALUE.fullmatch(written[1]):
        return written
    # The value may be a secret.
    raise ContractError(
        f"HTTP has no way to send the header {name!r}: its name is no token, or its value "
        "begins or ends with a space or has a line break or NUL in it"
    )


def _hung_up(error: httpx.TransportError) -> bool:
    return isinstance(error, (httpx.ReadError, httpx.WriteError)) or _CLOSED in str(error)


def _failure(error: httpx.TransportError, seconds: float) -> str:
    """Say why there is no whole answer; what a server sent instead of one is quoted in part."""
    said = shortened(str(error).encode("utf-8", "replace"))
    if isinstance(error, httpx.TimeoutException):
        return f"no whole answer after {seconds:.0f} s"
    if not isinstance(error, httpx.RemoteProtocolError) or said.startswith("peer closed"):
        return f"the connection broke off: {said}"
    return "the connection was closed without an answer" if _CLOSED in said else f"not HTTP: {said}"


class WsgiCaller:
    """Calls a WSGI application in this process, as a server does that stands at `origin`."""

    def __init__(self, app: Any, origin: str) -> None:
        self._app = app
        url = urlsplit(origin)
        self._server = {
            "SERVER_NAME": url.hostname,
            "SERVER_PORT": str(url.port or 80),
            "wsgi.url_scheme": url.scheme,
        }

    def answer(
        self, method: str, target: bytes, lines: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> Answer:
        """Return the application's answer; its chunks are those that the application yields."""
        said = _Body(self._app, self._environ(method, target, lines, body))
        return Answer(int(said.status.split()[0]), tuple(said.headers), iter(said), said.close)

    def _environ(
        self, method: str, target: bytes, lines: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> dict[str, Any]:
        path, _, query = target.partition(b"?")
        environ: dict[str, Any] = {
            **self._server,
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in lines:
            key = name.decode("latin-1").upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = f"HTTP_{key}"
            # A server hands on the lines of one name as one.
            joint = "; " if key == "HTTP_COOKIE" else ","
            before = [environ[key]] if key.startswith("HTTP_") and key in environ else []
            environ[key] = joint.join([*before, value.decode("latin-1")])
        return environ


class _Body:
    """What an application yields, as it yields it; where it raises, no answer came."""

    def __init__(self, app: Any, environ: dict[str, Any]) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self._written: list[bytes] = []
        self._result: Any = ()
        self._rest = self._run(app, environ)
        # An application may wait with its status until it is asked for the first bytes.
        self._first = next(self._rest, b"")
        if not re.match(r"[1-9]\d\d\b", self.status):
            self.close()
            raise httpx.RemoteProtocolError(f"the application's status is {self.status!r}")

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return self._written.append

    def _run(self, app: Any, environ: dict[str, Any]) -> Iterator[bytes]:
        try:
            self._result = app(environ, self._start)
            yield from filter(None, self._written)
            yield from filter(None, self._result)
        except Exception as error:
            raise httpx.RemoteProtocolError(f"the application raised {error!r}") from error

    def __iter__(self) -> Iterator[bytes]:
        if self._first:
            yield self._first
        yield from self._rest

    def close(self) -> None:
        close = getattr(self._result, "close", None)
        if close is not None:
            close()

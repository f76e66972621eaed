"""The server that a mock runs under: Granian's event loop, calling the Flask application inline.

The loop paces streams, so that no thread sleeps for one; views never block. `ARCHITECTURE.md`
says why one loop serves more than a pool of threads.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian.constants import Interfaces, SSLProtocols
from granian.server.embed import Server as Granian

from .chaos import CUTS
from .delivery import CAN_CUT, end, let_go
from .draining import GRACE, NAP, Draining, Ending
from .journal_pages import AGAIN
from .lean_flask import LINES, header_name
from .model import (
    DELAY,
    ENDING,
    FEED,
    FEED_PAUSE,
    MOST_SNAPSHOT,
    SNAPSHOT_PATH,
    Chunk,
)
from .pacing import Pacer
from .tls import Tls

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Any]


MOST_READ = 32 * 1024 * 1024
"""Bytes of a body that are read at all; what it then comes to is the application's to refuse."""


class AddressInUse(Exception):
    """Somebody else listens there already, or nobody may; says where."""


class Server:
    """Serves a WSGI application on one address; `port` 0 takes a free one.

    As a `worker` it shares the port with others, and leaves Ctrl-C to who started them.
    """

    def __init__(
        self,
        app: Wsgi,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        tls: Tls | None = None,
        worker: bool = False,
    ) -> None:
        self.host = host
        self.port = port if worker else _free(host, port)
        self._signals = (signal.SIGTERM,) if worker else (signal.SIGINT, signal.SIGTERM)
        self._scheme = "https" if tls else "http"
        ending = Ending()
        self._draining = Draining(adapt(app, ending), ending)
        self._granian = Granian(
            self._draining,
            address=host,
            port=self.port,
            interface=Interfaces.RSGI,
            websockets=False,
            log_enabled=False,
            backlog=1024,
            ssl_cert=tls.certificate if tls else None,
            ssl_key=tls.key if tls else None,
            ssl_protocol_min=SSLProtocols.tls12,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        """The address as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self._scheme}://{host}:{self.port}"

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until the process is told to stop (SIGINT or SIGTERM), and answers are finished.

        Told so twice it stops at once. `ready` is called, in a thread of its own, when the server
        answers.
        """
        self._granian.on_startup(self._stop_on_signals)
        threading.Thread(target=self._tell, args=(ready,), daemon=True).start()
        before = _native_threads()
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(self._granian.serve())
        _see_off(before)

    def _tell(self, ready: Callable[[], None]) -> None:
        self.wait()
        ready()

    def _stop_on_signals(self) -> None:
        # Granian's own handlers set a flag that an idle loop does not look at until it wakes.
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.add_signal_handler(number, self._end, GRACE)

    def _end(self, grace: float) -> None:
        task = asyncio.ensure_future(self._drain_and_stop(grace))
        self._tasks.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._tasks.discard)

    async def _drain_and_stop(self, grace: float) -> None:
        let_go(asyncio.get_running_loop())
        await self._draining.drain(grace)
        self._granian.stop()  # type: ignore[no-untyped-call]

    def __enter__(self) -> Server:
        """Serve in a thread of its own; returns when the server answers."""
        self._thread = threading.Thread(target=self._in_thread, name="mockserver", daemon=True)
        self._thread.start()
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving, once the answers that are under way are finished, or after a second."""
        assert self._loop is not None and self._thread is not None
        self._loop.call_soon_threadsafe(self._end, 1.0)
        self._thread.join(10)

    def wait(self, seconds: float = 10.0) -> None:
        """Return when the server takes connections; raises TimeoutError."""
        pause = threading.Event()
        for _ in range(int(seconds / 0.002)):
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
                return
            except OSError:
                pause.wait(0.002)
        raise TimeoutError(f"nothing listens at {self.url} after {seconds} s")

    def _in_thread(self) -> None:
        before = _native_threads()
        self._loop = new_loop()
        try:
            self._loop.run_until_complete(self._granian.serve())
        finally:
            self._loop.close()
            _see_off(before)


def new_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop where there is one: a request costs half as much on it."""
    try:
        import uvloop
    except ImportError:  # on Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def adapt(app: Wsgi, ending: Ending) -> Callable[[Any, Any], Any]:
    """Return an RSGI application that calls the WSGI one inline and paces its streams."""

    pacer = Pacer(ending)

    async def answer(scope: Any, protocol: Any) -> None:
        asked = await _body(scope, protocol)
        environ = _environ(scope, asked)
        code, headers, body = _call(app, environ)
        while (pause := environ.pop(AGAIN, None)) is not None:
            await ending.sleep(pause)
            environ["wsgi.input"] = io.BytesIO(asked)
            code, headers, body = _call(app, environ)
        if delay := environ.get(DELAY):
            await ending.sleep(delay)
        schedule, feed = environ.get("mockserver.schedule"), environ.get(FEED)
        if badly := environ.get(ENDING):
            pace = partial(_pace, ending=ending)
            await end(badly, scope, protocol, (code, headers), schedule or (), pace)
        elif schedule is not None:
            await pacer.pace(protocol.response_stream(code, headers), schedule)
        elif feed is not None:
            await _pass_on(protocol, protocol.response_stream(code, headers), feed, ending)
        else:
            # Those that were asked for together leave together: to wake who sends them costs most.
            await asyncio.sleep(0)
            protocol.response_bytes(code, headers, body)

    return answer


async def _body(scope: Any, protocol: Any) -> bytes:
    """Return the body; of one that is larger than any application takes, so much that it shows."""
    said = scope.headers.get("content-length")
    if said is not None and said.isdecimal() and int(said) <= MOST_READ:
        return await protocol()  # type: ignore[no-any-return]
    if said is None and "transfer-encoding" not in scope.headers:
        # In HTTP/1 there is none then (RFC 9112, 6.3); to ask for it is to wait for another thread.
        return b"" if scope.http_version.startswith("1") else await protocol()
    most = MOST_SNAPSHOT if scope.path == SNAPSHOT_PATH else MOST_READ
    pieces, size = [], 0
    async for piece in protocol:
        pieces.append(piece)
        size += len(piece)
        if size > most:
            break
    return b"".join(pieces)


def _call(app: Wsgi, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    started: list[tuple[str, list[tuple[str, str]]]] = []
    result = app(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    try:
        body = b"".join(result)
    finally:
        if hasattr(result, "close"):
            result.close()
    status, headers = started[-1]
    return int(status.split(" ", 1)[0]), headers, body


async def _pace(stream: Any, chunks: tuple[Chunk, ...], ending: Ending) -> None:
    """Send each chunk when it is due, counted from the start so that delays do not add up.

    Where it is over, the rest is not sent.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    try:
        for chunk in chunks:
            due += chunk.delay
            wait = due - loop.time()
            if wait > 0:
                await (asyncio.sleep(wait) if wait < NAP else ending.sleep(wait))
            if ending.over:
                return
            await stream.send_bytes(chunk.data)
    except ProtocolClosed:
        return  # the client hung up; there is nobody to tell


async def _pass_on(
    protocol: Any, stream: Any, feed: Callable[[], bytes | None], ending: Ending
) -> None:
    """Send what a feed has, until it is over, the client hangs up, or the server stops."""
    gone = asyncio.ensure_future(protocol.client_disconnect())
    try:
        while not (gone.done() or ending.asked) and (data := feed()) is not None:
            if data:
                await stream.send_bytes(data)
            await asyncio.wait([gone], timeout=0 if data else FEED_PAUSE)
    except ProtocolClosed:
        return  # the client hung up; there is nobody to tell
    finally:
        gone.cancel()


def _environ(scope: Any, body: bytes) -> dict[str, Any]:
    """Return the WSGI environment of a request; its path was decoded once, by the server."""
    host, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode("utf-8").decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host or "127.0.0.1",
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "mockserver.paces": True,
        CUTS: CAN_CUT,
    }
    lines, twice = [("Content-Length", environ["CONTENT_LENGTH"])], False
    for name, value in scope.headers.items():
        key, said = _named(name)
        if key in environ:
            # A header that comes twice is one list; cookies are joined in their own way.
            environ[key] += f"{'; ' if name == 'cookie' else ', '}{value}"
            twice = True
        elif key:
            environ[key] = value
            lines.append((said, value))
    if "HTTP_HOST" not in environ and scope.authority:
        environ["HTTP_HOST"] = scope.authority
    elif not twice:
        environ[LINES] = tuple(lines)
    return environ


@lru_cache(1024)
def _named(header: str) -> tuple[str, str]:
    """Return a header's key in the environment, "" for what says how long the body is; and name."""
    if header in ("content-length", "transfer-encoding"):
        return "", ""
    key = "CONTENT_TYPE" if header == "content-type" else f"HTTP_{header.upper().replace('-', '_')}"
    return key, header_name(key)


def _native_threads() -> set[int]:
    """Return the threads of this process that Python does not know, where the system tells."""
    try:
        every = {int(name) for name in os.listdir("/proc/self/task")}
    except OSError:
        return set()
    return every - {thread.native_id for thread in threading.enumerate() if thread.native_id}


def _see_off(before: set[int]) -> None:
    """Wait for Granian's own threads to end.

    They outlive its coroutine by a millisecond or two, and a thread that still lets go of a Python
    object while the interpreter shuts down aborts the process.
    """
    known = sys.platform.startswith("linux")
    for _ in range(500 if known else 50):
        if known and not _native_threads() - before:
            return
        time.sleep(0.002)


def _free(host: str, port: int) -> int:
    """Return the port, or a free one for 0; raises AddressInUse.

    Granian shares a port with whoever else has it, which would split the requests between two
    servers: so we look first.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise AddressInUse(f"cannot listen at {host}:{port}: {error}") from error
        return int(probe.getsockname()[1])

"""The server that a mock runs under: one event loop, calling the Flask application inline.

The loop paces streams, so that no thread sleeps for one; views never block. `ARCHITECTURE.md`
says why one loop serves more than a pool of threads.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .accepting import BACKLOG, listen
from .connection import Connection
from .draining import GRACE, Ending
from .service import Service, Wsgi
from .tls import Tls

LAST_WORDS = 5.0
"""Seconds in which `ready` may still say what it says when the server has stopped."""

LAST_BYTES = 1.0
"""Seconds in which what was written may still leave when all answers are over."""


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
        self._worker = worker
        self._socket = None if worker else _bound(host, port)
        self.port = int(self._socket.getsockname()[1]) if self._socket else port
        self._signals = (signal.SIGTERM,) if worker else (signal.SIGINT, signal.SIGTERM)
        self._tls = tls
        self._ending = Ending()
        self._service = Service(app, "https" if tls else "http", self._ending)
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answers = threading.Event()
        self._problem: BaseException | None = None

    @property
    def url(self) -> str:
        """The address as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until the process is told to stop (SIGINT or SIGTERM), and answers are finished.

        Told so twice it stops at once. `ready` is called, in a thread of its own, when the server
        answers.
        """
        telling = threading.Thread(target=self._tell, args=(ready,), daemon=True)
        telling.start()
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(self._serve(self._stop_on_signals))
        finally:
            if self._answers.is_set():
                # Python aborts where a thread is in the middle of a line when the process ends.
                telling.join(LAST_WORDS)

    def _tell(self, ready: Callable[[], None]) -> None:
        if self._answers.wait() and self._problem is None:
            ready()

    def __enter__(self) -> Server:
        """Serve in a thread of its own; returns when the server answers."""
        self._thread = threading.Thread(target=self._in_thread, name="mockserver", daemon=True)
        self._thread.start()
        self._answers.wait()
        if self._problem is not None:
            raise self._problem
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving, once the answers that are under way are finished, or after a second."""
        assert self._loop is not None and self._thread is not None
        with suppress(RuntimeError):  # it has stopped by itself
            self._loop.call_soon_threadsafe(self._end, 1.0)
        self._thread.join(10)

    def _in_thread(self) -> None:
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(self._serve(lambda loop: None))
        except Exception as error:
            if error is not self._problem:  # which whoever started the server is told of
                raise

    async def _serve(self, begin: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        try:
            listening = await listen(
                self._socket or _shared(self.host, self.port),
                lambda: Connection(self._service),
                _context(self._tls) if self._tls else None,
            )
            begin(loop)
        except BaseException as error:
            self._problem = error
            raise
        finally:
            self._answers.set()
        await self._over.wait()
        listening.close()
        await self._service.let_go(LAST_BYTES)

    def _stop_on_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in self._signals:
            try:
                loop.add_signal_handler(number, self._end, GRACE)
            except NotImplementedError:  # on Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._end, GRACE))

    def _end(self, grace: float) -> None:
        task = asyncio.ensure_future(self._drain_and_stop(grace))
        self._tasks.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._tasks.discard)

    async def _drain_and_stop(self, grace: float) -> None:
        await self._service.open.drain(grace)
        self._over.set()


def new_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop where there is one: a request costs half as much on it."""
    try:
        import uvloop
    except ImportError:  # on Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(Path(tls.certificate), Path(tls.key))
    context.set_alpn_protocols(["http/1.1"])
    return context


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that has the port, or a free one for 0, alone; raises AddressInUse."""
    made = _new_socket(host)
    try:
        if sys.platform != "win32":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(BACKLOG)  # until somebody listens, another may be bound to it as well
    except (OSError, OverflowError) as error:
        made.close()
        raise AddressInUse(f"cannot listen at {host}:{port}: {error}") from error
    return made


def _shared(host: str, port: int) -> socket.socket:
    """Return a socket at a port that several processes share."""
    made = _new_socket(host)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((host, port))
    return made


def _new_socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)

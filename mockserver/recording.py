"""The proxy that records: requests go to one upstream as they came, and all is written down."""

from __future__ import annotations

import asyncio
import signal
import ssl
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import h11

from .clock import Clock, RealClock
from .recording_file import MOST_BODY, Exchange, Recording
from .server import AddressInUse
from .upstream import (
    MOST_HEAD,
    Asked,
    Elsewhere,
    Lines,
    Upstream,
    UpstreamFailed,
    converse,
    end_to_end,
)

MOST_UNSENT = 16 * 1024 * 1024
"""Bytes that wait for a slow client before the upstream has to: until then times stay true."""

DEAF_SECONDS = 60.0
"""How long a client may take nothing in, and how long an upstream is heard when nobody listens."""

LAST_SECONDS = 1.0
"""What exchanges that are under way may still take when the recorder is stopped."""


class Recorder:
    """Passes requests on to one upstream and writes every exchange to one recording.

    Targets are passed on byte for byte, which a server that hands over decoded paths cannot do:
    so this one reads HTTP itself.
    """

    def __init__(
        self,
        upstream: Upstream,
        recording: Recording,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.upstream = upstream
        self.recording = recording
        self.host = host
        self.port = port
        self._clock = clock or RealClock()
        self._tls = (tls or ssl.create_default_context()) if upstream.scheme == "https" else None
        self._callers: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._stopped = threading.Event()
        self.problem = ""
        """What ended the recorder before it was told to stop."""
        self._stop: Callable[[], object] = self._stopped.set

    @property
    def url(self) -> str:
        """The address as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def run(self, ready: Callable[[], None]) -> None:
        """Record until the process is told to stop (SIGINT or SIGTERM), or `stop` is called.

        Raises AddressInUse, and OSError where the file cannot be written; `problem` says what
        ended it later.
        """
        asyncio.run(self._serve(ready))

    def stop(self) -> None:
        """Make `run` return, from any thread."""
        self._stop()

    async def _serve(self, ready: Callable[[], None]) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stop.set)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop.set)
        try:
            server = await asyncio.start_server(self._meet, self.host, self.port, backlog=1024)
        except (OSError, OverflowError) as error:
            raise AddressInUse(f"cannot listen at {self.host}:{self.port}: {error}") from error
        self.port = server.sockets[0].getsockname()[1]
        self.recording.write()
        writing = asyncio.create_task(self.recording.keep_written())
        ready()
        waiting = asyncio.create_task(stop.wait())
        try:
            # A disk that is full ends the recorder, for it would record nothing more.
            await asyncio.wait((waiting, writing), return_when=asyncio.FIRST_COMPLETED)
            if writing.done() and (failed := writing.exception()):
                self.problem = f"{self.recording.path} cannot be written: {failed}"
        finally:
            server.close()
            await self._finish()
            waiting.cancel()
            writing.cancel()
            await asyncio.gather(waiting, writing, return_exceptions=True)
            if not self.problem:
                self.recording.write()

    async def _finish(self) -> None:
        """Let exchanges that are under way come to their end, for a moment."""
        for idle in self._callers - self._busy:
            idle.cancel()
        if self._busy:
            await asyncio.wait(self._busy, timeout=LAST_SECONDS)
        for caller in self._callers:
            caller.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._callers.add(task)
        try:
            await Caller(self, reader, writer, task).serve()
        except (OSError, h11.ProtocolError, asyncio.CancelledError):
            pass  # a client that hung up or speaks something else: there is nobody to tell
        finally:
            self._callers.discard(task)
            self._busy.discard(task)
            writer.close()

    def begin(self, task: asyncio.Task[None]) -> None:
        """Note that a caller has asked and waits for an answer."""
        self._busy.add(task)

    def end(self, task: asyncio.Task[None]) -> None:
        """Note that a caller has got its answer."""
        self._busy.discard(task)

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self._clock.now()

    def ask(self, asked: Asked) -> AsyncGenerator[h11.Response | bytes, None]:
        """Ask the upstream: the head of its response, then bytes, as they come."""
        return converse(self.upstream, asked, self._tls)


class Caller:
    """One connection of a client, request after request."""

    def __init__(
        self,
        recorder: Recorder,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        task: asyncio.Task[None],
    ) -> None:
        self._recorder = recorder
        self._reader = reader
        self._writer = writer
        self._task = task
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        self._hung_up = False
        writer.transport.set_write_buffer_limits(high=MOST_UNSENT)

    async def serve(self) -> None:
        """Answer until the client or the protocol ends the connection."""
        while (came := await self._read()) is not None:
            self._recorder.begin(self._task)
            try:
                await self._pass_on(*came)
            finally:
                self._recorder.end(self._task)
            if self._hung_up or self._http.our_state is not h11.DONE:
                return
            if self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _read(self) -> tuple[h11.Request, bytes] | None:
        """Return the next request whole, None where there is none that could be passed on."""
        request, body = None, bytearray()
        try:
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    if self._http.they_are_waiting_for_100_continue:
                        self._write(h11.InformationalResponse(status_code=100, headers=[]))
                    self._http.receive_data(await self._reader.read(65536))
                elif isinstance(event, h11.Request):
                    request = event
                elif isinstance(event, h11.Data):
                    body += event.data
                    if len(body) > MOST_BODY:
                        await self._refuse(413, f"a body may have {MOST_BODY} bytes")
                        return None
                elif isinstance(event, h11.EndOfMessage) and request is not None:
                    return request, bytes(body)
                else:
                    return None
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint, f"this is no HTTP request: {error}")
            return None

    async def _pass_on(self, request: h11.Request, body: bytes) -> None:
        upstream = self._recorder.upstream
        try:
            target = upstream.target(request.target)
        except Elsewhere as wrong:
            await self._refuse(400, str(wrong))
            return
        headers = _for_upstream(request.headers.raw_items(), upstream)
        asked = Asked(request.method, target, headers, body)
        exchange = Exchange(
            at=self._recorder.now(),
            method=request.method.decode("ascii"),
            url=upstream.origin + target.decode("ascii"),
            headers=_texts(headers),
            body=body,
        )
        try:
            await self._carry(asked, exchange)
        except UpstreamFailed as failed:
            exchange.problem = str(failed)
        except asyncio.CancelledError:
            exchange.problem = "the recorder was stopped"
            raise
        finally:
            exchange.hung_up = self._hung_up
            answered = bool(exchange.status)
            if not answered and exchange.problem:
                _answer_ourselves(exchange)
            self._recorder.recording.add(exchange)
        await self._finish(exchange, answered)

    async def _carry(self, asked: Asked, exchange: Exchange) -> None:
        """Hand the response over piece by piece, and to the exchange whoever listens."""
        loop = asyncio.get_running_loop()
        begun, head = loop.time(), 0.0
        try:
            async with asyncio.timeout(None) as limit, aclosing(self._recorder.ask(asked)) as came:
                async for event in came:
                    now = loop.time()
                    if isinstance(event, h11.Response):
                        head = now
                        exchange.begin(event, now - begun)
                        part: h11.Event = _for_client(event)
                    else:
                        exchange.take(event, now - head)
                        part = h11.Data(data=event)
                    if not self._hung_up and not await self._send(part):
                        self._hung_up = True
                        limit.reschedule(loop.time() + DEAF_SECONDS)
        except TimeoutError as error:
            said = f"the client hung up, and the answer went on for {DEAF_SECONDS:g} s"
            raise UpstreamFailed(said) from error

    async def _finish(self, exchange: Exchange, answered: bool) -> None:
        """End the response as it ended: whole, broken off, or with our own words."""
        if answered and not exchange.problem:
            await self._send(h11.EndOfMessage())
        elif answered:
            # What is not whole must not look so: the connection ends without a last chunk.
            self._hung_up = True
        elif not self._hung_up:
            await self._say(exchange.status, bytes(exchange.answer))

    async def _refuse(self, status: int, sentence: str) -> None:
        """Answer what is not passed on, and end the connection."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            await self._say(status, f"counterfoil record: {sentence}\n".encode())
        self._hung_up = True

    async def _say(self, status: int, body: bytes) -> None:
        lines = [(b"Content-Type", _PLAIN.encode()), (b"Content-Length", b"%d" % len(body))]
        head = h11.Response(status_code=status, headers=[*lines, (b"Connection", b"close")])
        await self._send(head)
        try:
            await self._send(h11.Data(data=body))
            await self._send(h11.EndOfMessage())
        except h11.LocalProtocolError:
            pass  # the answer to HEAD has no body

    async def _send(self, event: h11.Event) -> bool:
        """Write a part of the response; say whether there was somebody to read it."""
        if self._writer.transport.is_closing():
            return False
        self._write(event)
        try:
            async with asyncio.timeout(DEAF_SECONDS):
                await self._writer.drain()
        except (OSError, TimeoutError):
            self._writer.transport.abort()
            return False
        return True

    def _write(self, event: h11.Event) -> None:
        self._writer.write(self._http.send(event) or b"")


_PLAIN = "text/plain; charset=utf-8"


def _for_upstream(lines: Lines, upstream: Upstream) -> Lines:
    """Return the headers as they go on.

    Host names the upstream, as it would without us: many servers find the right site, and TLS
    servers the right certificate, by it alone.
    """
    host = (b"Host", upstream.authority.encode("ascii"))
    kept = [host if name.lower() == b"host" else (name, v) for name, v in end_to_end(lines)]
    if host not in kept:
        kept.insert(0, host)
    if any(name.lower() == b"transfer-encoding" for name, _ in lines):
        # It was read in chunks, so a length beside them counts for nothing.
        kept = [line for line in kept if line[0].lower() != b"content-length"]
        kept.append((b"Transfer-Encoding", b"chunked"))
    return kept


def _for_client(response: h11.Response) -> h11.Response:
    return h11.Response(
        status_code=response.status_code,
        headers=end_to_end(response.headers.raw_items()),
        reason=response.reason,
    )


def _texts(lines: Lines) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in lines)


def _answer_ourselves(exchange: Exchange) -> None:
    """Give an exchange the answer that the client gets where the upstream gave none."""
    exchange.status, exchange.reason = 502, "Bad Gateway"
    exchange.answer_headers = (("Content-Type", _PLAIN),)
    exchange.take(f"counterfoil record: {exchange.problem}\n".encode(), 0.0)

"""Interception of what httpx sends: respx changes the transport below its clients."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import httpcore
from respx.mocks import Mocker

from mockserver.socketless import Socketless

from .addresses import Origin
from .board import Board, Connect, Refused
from .waiting import receive, receive_async


class _Pools(Mocker):
    """The pools of connections that every client of httpx has, one that uses a proxy as well."""

    name = "counterfoil"
    targets = ["httpcore.ConnectionPool", "httpcore.AsyncConnectionPool",
               "httpcore.HTTPProxy", "httpcore.AsyncHTTPProxy",
               "httpcore.SOCKSProxy", "httpcore.AsyncSOCKSProxy"]  # fmt: skip
    target_methods = ["handle_request", "handle_async_request"]

    @classmethod
    def mock(cls, spec: Callable[..., Any]) -> Callable[..., Any]:
        """Return what stands in for a pool's method."""

        def handle_request(pool: Any, request: httpcore.Request) -> Any:
            connect = _find(request)
            if connect is None:
                return spec(pool, request)
            connection = httpcore.HTTP11Connection(request.url.origin, _Stream(connect()))
            return connection.handle_request(request)

        async def handle_async_request(pool: Any, request: httpcore.Request) -> Any:
            connect = _find(request)
            if connect is None:
                return await spec(pool, request)
            connection = httpcore.AsyncHTTP11Connection(request.url.origin, _AsyncStream(connect()))
            return await connection.handle_async_request(request)

        return handle_async_request if inspect.iscoroutinefunction(spec) else handle_request


# What respx changes is the process's own, and so is who answers.
BOARD = Board(_Pools.start, lambda: _Pools.stop(force=True))


def _find(request: httpcore.Request) -> Connect | None:
    origin = request.url.origin
    where = Origin(origin.scheme.decode(), origin.host.decode().lower(), origin.port)
    try:
        return BOARD.find(where, request.url.target.decode("latin-1"))
    except Refused as refused:
        raise httpcore.ConnectError(str(refused)) from None


class _Stream(httpcore.NetworkStream):
    """The client's end."""

    def __init__(self, line: Socketless) -> None:
        self._line = line
        self._rest = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = self._rest or receive(self._line, timeout)
        except TimeoutError as late:
            raise httpcore.ReadTimeout(str(late)) from late
        except ConnectionResetError as reset:
            raise httpcore.ReadError(str(reset)) from reset
        self._rest = data[max_bytes:]
        return data[:max_bytes]

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._line.write(buffer)

    def close(self) -> None:
        self._line.close()

    def get_extra_info(self, info: str) -> Any:
        return None


class _AsyncStream(httpcore.AsyncNetworkStream):
    """The same for a client that lets other tasks go on while it waits."""

    def __init__(self, line: Socketless) -> None:
        self._line = line
        self._rest = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = self._rest or await receive_async(self._line, timeout)
        except TimeoutError as late:
            raise httpcore.ReadTimeout(str(late)) from late
        except ConnectionResetError as reset:
            raise httpcore.ReadError(str(reset)) from reset
        self._rest = data[max_bytes:]
        return data[:max_bytes]

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._line.write(buffer)

    async def aclose(self) -> None:
        self._line.close()

    def get_extra_info(self, info: str) -> Any:
        return None

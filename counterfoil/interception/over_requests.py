"""Interception of what requests sends: responses changes the adapter below its sessions."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
import responses
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

from mockserver.socketless import Socketless

from .addresses import PORTS, Origin
from .board import Board, Connect, Refused
from .waiting import receive

Send = Callable[..., requests.Response]


_GENUINE: Send = responses.RequestsMock()._real_send


class _Everything(responses.BaseResponse):
    """Every request goes on, to where we say."""

    def __init__(self) -> None:
        super().__init__("GET", "", passthrough=True)

    def matches(self, request: requests.PreparedRequest) -> tuple[bool, str]:
        return True, ""


class _Adapters:
    """The adapters of all sessions, changed from `start` until `stop`."""

    def __init__(self) -> None:
        self._mock: responses.RequestsMock | None = None

    def start(self) -> None:
        """Let `responses` hand us what any session sends."""
        self._mock = responses.RequestsMock(
            assert_all_requests_are_fired=False,
            response_callback=self._forget,
            # Whoever else changed it before us gets what goes out.
            real_adapter_send=partial(_send, HTTPAdapter.send),
        )
        self._mock.add(_Everything())
        self._mock.start()

    def stop(self) -> None:
        """Put back what was there."""
        assert self._mock is not None
        self._mock.stop()
        self._mock = None

    def _forget(self, response: Any) -> Any:
        """Keep no list of calls: the mock has a journal, which is bounded."""
        if self._mock is not None:
            self._mock.calls.reset()
            for one in self._mock.registered():
                one.calls.reset()
        return response


_ADAPTERS = _Adapters()
# What responses changes is the process's own, and so is who answers.
BOARD = Board(_ADAPTERS.start, _ADAPTERS.stop)


def _send(
    beyond: Send, adapter: HTTPAdapter, request: requests.PreparedRequest, **how: Any
) -> requests.Response:
    """Send a request to the mock that is meant, else out."""
    url = urlsplit(request.url or "")
    scheme = url.scheme.lower()
    origin = Origin(scheme, url.hostname or "", url.port or PORTS.get(scheme, 0))
    try:
        connect = BOARD.find(origin, request.path_url)
    except Refused as refused:
        raise requests.ConnectionError(str(refused), request=request) from None
    if connect is None:
        return beyond(adapter, request, **how)
    response = _Within(connect, origin, adapter.max_retries).send_within(request, **how)
    response.connection = adapter
    return response


class _Within(HTTPAdapter):
    """An adapter whose connections go to a mock; all else is as requests does it."""

    def __init__(self, connect: Connect, origin: Origin, retries: Any) -> None:
        # What an answer's status is retried for, responses sees to.
        plain = retries.new(status_forcelist=(), respect_retry_after_header=False)
        super().__init__(max_retries=plain)
        self._pool = _Pool(connect, origin)

    def send_within(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        """Send as requests does, whoever stands in for it."""
        return _GENUINE(self, request, **{**how, "proxies": {}, "verify": False, "cert": None})

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """Return where its connections come from."""
        return self._pool


class _Pool(HTTPConnectionPool):
    def __init__(self, connect: Connect, origin: Origin) -> None:
        super().__init__(origin.host, origin.port)
        self.ConnectionCls = partial(_Connection, connect, PORTS[origin.scheme])  # type: ignore[assignment]


class _Connection(HTTPConnection):
    def __init__(self, connect: Connect, usual_port: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # It is not named in `Host`.
        self.default_port = usual_port  # type: ignore[misc]
        self._open_line = connect

    def connect(self) -> None:
        self.sock = _Socket(self._open_line())


class _Socket:
    """The client's end, as far as http.client looks at it."""

    def __init__(self, line: Socketless) -> None:
        self._line = line
        self.timeout: float | None = None

    def settimeout(self, seconds: float | None) -> None:
        self.timeout = seconds

    def sendall(self, data: bytes) -> None:
        self._line.write(bytes(data))

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._line, self))

    def close(self) -> None:
        """Nothing: what http.client reads lasts longer than its connection."""


class _Reader(io.RawIOBase):
    def __init__(self, line: Socketless, socket: _Socket) -> None:
        super().__init__()
        self._line, self._socket = line, socket
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._rest or receive(self._line, self._socket.timeout)
        size = min(len(buffer), len(data))
        buffer[:size], self._rest = data[:size], data[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._line.close()
        super().close()

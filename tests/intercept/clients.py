"""Client libraries as the transports of a contract's target: what each sends, as it sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.util import SKIP_HEADER


class ThroughHttpx(httpx.BaseTransport):
    def __init__(self) -> None:
        self._client = httpx.Client(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._client.send(request, stream=True)


class _Chunks(httpx.SyncByteStream):
    """The chunks of an asynchronous answer, each fetched when it is asked for."""

    def __init__(self, runner: asyncio.Runner, answer: httpx.Response) -> None:
        self._runner, self._answer = runner, answer

    def __iter__(self) -> Iterator[bytes]:
        async def following() -> bytes | None:
            return await anext(chunks, None)

        chunks = self._answer.aiter_raw()
        while (chunk := self._runner.run(following())) is not None:
            yield chunk

    def close(self) -> None:
        self._runner.run(self._answer.aclose())


class ThroughAsyncHttpx(httpx.BaseTransport):
    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def send() -> httpx.Response:
            request.stream = httpx.ByteStream(request.read())
            del request.extensions["trace"]  # it is for those who wait
            return await self._client.send(request, stream=True)

        answer = self._runner.run(send())
        chunks = _Chunks(self._runner, answer)
        return httpx.Response(answer.status_code, headers=answer.headers.raw, stream=chunks)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


class _Read(httpx.SyncByteStream):
    """The chunks of an answer that requests reads."""

    def __init__(self, answer: requests.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer.raw.stream(None, decode_content=False)
        except Exception as error:
            raise httpx.RemoteProtocolError(f"peer closed connection: {error}") from error

    def close(self) -> None:
        self._answer.close()


class ThroughRequests(httpx.BaseTransport):
    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        plain = requests.PreparedRequest()
        plain.prepare(method=request.method, url=f"{url.scheme}://{url.netloc.decode()}/")
        plain.url = plain.url.rstrip("/") + request.extensions["target"].decode("ascii")
        plain.headers = CaseInsensitiveDict({"Accept-Encoding": SKIP_HEADER})
        plain.headers.update((k.decode("latin-1"), v) for k, v in request.headers.raw)
        plain.body = request.read() or None
        answer = self._session.send(plain, stream=True, timeout=30, allow_redirects=False)
        return httpx.Response(
            answer.status_code,
            headers=list(answer.raw.headers.items()),
            stream=_Read(answer),
        )

    def close(self) -> None:
        self._session.close()

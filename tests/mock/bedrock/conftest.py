"""The mock in process, spoken to as a web server speaks to it: paths are decoded once."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from mockserver import create_app, emulator
from mockserver.clock import VirtualClock
from mockserver.journal import Journal
from mockserver.model import Settings
from mockserver.store import MemoryStore

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "bedrock"
KEY = "counterfoil-api-key"
MODEL = "claude-v3-haiku"


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Calls one mock; `wait` moves its clock."""

    def __init__(self, app: Any, clock: VirtualClock, journal: Journal) -> None:
        self.app = app
        self.clock = clock
        self.journal = journal

    def wait(self, seconds: float = 1.0) -> None:
        self.clock.sleep(seconds)

    def send(
        self,
        method: str,
        target: str,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        key: str | None = KEY,
        host: str = "bot.invalid",
    ) -> Seen:
        raw = body.encode("utf-8") if isinstance(body, str) else body
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": host,
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(raw),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        given = {"x-api-key": key} if key is not None else {}
        for name, value in {**given, **(headers or {})}.items():
            field = name.upper().replace("-", "_")
            environ[field if field == "CONTENT_TYPE" else f"HTTP_{field}"] = value
        if "HTTP_TRANSFER_ENCODING" in environ:
            del environ["CONTENT_LENGTH"]
            environ["wsgi.input_terminated"] = True
        return self._call(environ)

    def _call(self, environ: dict[str, Any]) -> Seen:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            started[:] = [int(status.split()[0]), headers]

        chunks: Iterable[bytes] = self.app(environ, start_response)
        raw = b"".join(chunks)
        getattr(chunks, "close", lambda: None)()
        return Seen(started[0], {name.lower(): value for name, value in started[1]}, raw)

    def get(self, target: str, **more: Any) -> Seen:
        return self.send("GET", target, **more)

    def post_json(self, value: Any, **more: Any) -> Seen:
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        body = value if isinstance(value, bytes | str) else json.dumps(value)
        return self.send("POST", "/conversation", body, headers, **more)

    def say(
        self,
        text: str | list[dict[str, Any]],
        conversation: str | None = None,
        model: str = MODEL,
        key: str | None = KEY,
        **more: Any,
    ) -> Any:
        content = [{"contentType": "text", "body": text}] if isinstance(text, str) else text
        body = {"message": {"content": content, "model": model}, **more}
        if conversation is not None:
            body["conversationId"] = conversation
        seen = self.post_json(body, key=key)
        return seen.json

    def conversation(self, conversation: str, **more: Any) -> Seen:
        return self.get(f"/conversation/{conversation}", **more)

    def reply(self, sent: Mapping[str, str], **more: Any) -> Seen:
        return self.get(f"/conversation/{sent['conversationId']}/{sent['messageId']}", **more)


@pytest.fixture
def serve() -> Callable[..., Client]:
    def served(
        *faults: str,
        start: float = 1767225600.0,
        seed: int = 0,
        prefix: str = "",
        credentials: Mapping[str, str] | None = None,
        fixtures: Path = FIXTURES,
        **settings: Any,
    ) -> Client:
        clock, journal = VirtualClock(start), Journal()
        api = emulator(
            "bedrock",
            fixtures=fixtures,
            clock=clock,
            store=MemoryStore(),
            seed=seed,
            settings=Settings(**{"reply_after": 0.5, **settings}),
            credentials=credentials,
            faults=faults,
        )
        return Client(create_app({prefix: api}, journal), clock, journal)

    return served


@pytest.fixture
def honest(serve: Callable[..., Client]) -> Client:
    return serve()

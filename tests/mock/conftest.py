"""A small API of our own, with faults, so that the core is tested without any vendor's."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any, ClassVar

import orjson
import pytest
from flask.testing import FlaskClient

from mockserver import create_app
from mockserver.clock import Clock, VirtualClock
from mockserver.faults import fault, package_of, read_chances, with_faults
from mockserver.journal import Journal
from mockserver.model import Answer, Api, Call, Chunk, Identity, Operation, Refusal, Settings, World
from mockserver.replies import Replies
from mockserver.scripted import Scripted
from mockserver.store import MemoryStore
from mockserver.switches import Switches


class Echo(Api):
    """Says back what it is told; the word `crash` makes it fail, `refuse` makes it refuse."""

    name: ClassVar[str] = "echo"
    title: ClassVar[str] = "Echo"
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("home", "GET", "/"),
        Operation("say", "POST", "/say/<word>"),
        Operation("hear", "GET", "/say/<word>"),
    )
    identities: ClassVar[tuple[Identity, ...]] = (
        {"key": "echo-key", "user": "first"},
        {"key": "echo-other-key", "user": "second"},
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"key"})
    concealed: ClassVar[re.Pattern[str] | None] = re.compile(r"sign=(?P<secret>\w+)")

    def answer(self, call: Call) -> Answer:
        word = call.path.get("word", "home")
        if word == "crash":
            raise RuntimeError("it broke")
        if word == "refuse":
            call.remarks.append("the word refuse is refused, and echo-key is not told")
            raise Refusal("no", status=418, headers=(("X-Why", "asked"),))
        if word == "stream":
            return Answer(200, (Chunk(0.0, b"one "), Chunk(2.5, b"two")))
        said = call.request.get_data() if call.request.method == "POST" else b""
        return self.shout(word, said)

    def shout(self, word: str, said: bytes) -> Answer:
        return Answer(200, f"{word}:".encode() + said, (("Content-Type", "text/plain"),))

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        body = orjson.dumps({"refused": refusal.reason, "operation": call.operation})
        headers = (("Content-Type", "application/json"), ("X-Shape", "echo"))
        return Answer(refusal.status, body, headers).with_headers(*refusal.headers)

    def dress(self, call: Call, answer: Answer) -> Answer:
        return answer.with_headers(("X-Dressed", "yes"))

    @classmethod
    def read_recording(cls, exchanges: list[dict[str, Any]]) -> list[Any]:
        return []


@pytest.fixture
def echo() -> type[Echo]:
    return Echo


MakeApi = Callable[..., Api]


@pytest.fixture
def make_api(clock: VirtualClock) -> MakeApi:
    """Makes an instance of an API's class that stands on a world of its own."""

    def make(
        api: type[Api] = Echo,
        *,
        clock: Clock = clock,
        identities: tuple[Mapping[str, str], ...] = (),
    ) -> Api:
        store = MemoryStore()
        scripted = Scripted(api, store)
        return api(
            World(
                api=api.name,
                seed=0,
                clock=clock,
                store=store,
                replies=Replies([], 0, scripted=scripted),
                scripted=scripted,
                switches=Switches(api, store),
                identities=identities or api.identities,
                settings=Settings(),
            )
        )

    return make


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


# Mocks of it that break.

LOUD, TWICE, ROUTE = "echo.say.loud", "echo.say.twice", "echo.routes.another"


@fault(LOUD, "shape")
class Loud(Echo):
    """What is said comes back in capitals."""

    def shout(self, word: str, said: bytes) -> Answer:
        answer = super().shout(word, said)
        return replace(answer, body=answer.body_bytes().upper())


@fault(TWICE, "shape")
class Twice(Echo):
    """What is said comes back twice."""

    def shout(self, word: str, said: bytes) -> Answer:
        return super().shout(word, said + said)


@fault(ROUTE, "routes")
class Another(Echo):
    """There is a path more."""

    operations = (*Echo.operations, Operation("more", "POST", "/more/<word>"))


FAULTS = [Loud, Twice, Another]
Mock = Callable[..., FlaskClient]


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def echo_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType(f"{package_of(Echo)}.faults")
    vars(module)["known"] = FAULTS
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture
def mock(make_api: MakeApi, journal: Journal, echo_faults: None) -> Mock:
    """Makes a mock with faults as `emulator` does, on a store of its own."""

    def make(*faults: str, api: type[Api] = Echo, seed: int = 0) -> FlaskClient:
        chances = read_chances(faults)
        always = [chance.fault for chance in chances if chance.probability == 1]
        made = make_api(with_faults(api, always))
        made.world = replace(made.world, chances=chances, seed=seed)
        return create_app({"": made}, journal).test_client()

    return make


def say(client: FlaskClient, *faults: str, **headers: str) -> str:
    listed = {"Counterfoil-Fault": ",".join(faults)} if faults else {}
    return client.post("/say/a", data=b"b", headers={**listed, **headers}).text


# A Redis server of our own, which keeps nothing.


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server here")
    pytest.importorskip("redis")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    options = f"--port {port} --bind 127.0.0.1 --appendonly no --databases 16 --dir {folder}"
    with subprocess.Popen(
        [program, *options.split(), "--save", ""], stdout=subprocess.DEVNULL
    ) as server:
        try:
            until = time.monotonic() + 20
            while not _answers(port):
                assert server.poll() is None and time.monotonic() < until
                time.sleep(0.02)
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.kill()


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def redis_url(redis_server: str) -> str:
    import redis

    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server

"""Two workers with a Redis server between them: to whoever asks they are one mock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from counterfoil import wiring
from mockserver.model import Settings

ROOT = Path(__file__).parent.parent.parent
KEY = {"x-api-key": "counterfoil-api-key"}
NOT_OK = "bedrock.health.not_ok@0.5"
CHAOS = {"latency": "uniform:0,0.002", "connection": ["truncated@0.3"]}


def message(conversation: str | None = None) -> dict[str, Any]:
    said = {"content": [{"contentType": "text", "body": "Hello"}], "model": "claude-v3.5-sonnet"}
    return {"message": said, **({"conversationId": conversation} if conversation else {})}


@contextmanager
def serving(state: str) -> Iterator[tuple[int, str]]:
    words = ["bedrock", "--port", "0", "--seed", "5", "--reply-after", "0", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "serve", *words, "--state", state,
         "--fault", NOT_OK, "--latency", CHAOS["latency"], "--chaos", CHAOS["connection"][0]],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        yield process.pid, process.stdout.readline().split()[1].rstrip("/")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def workers_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [
        int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


class Cut(Exception):
    """A connection, or the worker at its other end, was cut."""


def ask(url: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Ask over a connection of its own, so that any worker may get it; raises Cut."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=30)
    headers = {"x-api-key": "counterfoil-api-key", "content-type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, HTTPException) as problem:
        raise Cut from problem
    finally:
        connection.close()


def post(url: str, conversation: str | None = None) -> str | None:
    """Say something; return the conversation that it is in, None where nothing was answered."""
    try:
        return str(ask(url, "POST", "/conversation", message(conversation))[1]["conversationId"])
    except Cut:
        return None


def journal_of(url: str) -> list[dict[str, Any]]:
    return list(ask(url, "GET", "/_counterfoil/journal")[1]["entries"])


def drawn(entries: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what the seed decided of each request: ids but for the time, faults and chaos."""
    return [
        (e["session"][10:], e["status"], tuple(e["faults"]), tuple(e["chaos"])) for e in entries
    ]


def as_one_process() -> list[tuple[Any, ...]]:
    settings = Settings(reply_after=0, chaos=CHAOS)
    made = wiring.mocks(["bedrock"], seed=5, faults=[NOT_OK], settings=settings)
    client = made.app.test_client()
    for _ in range(16):
        client.get("/health", headers=KEY)
    for _ in range(4):
        client.post("/conversation", json=message(), headers=KEY)
    return drawn(client.get("/_counterfoil/journal").json["entries"])


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are found in /proc")
def test_two_workers_and_a_redis_server_are_one_mock_and_lose_nothing(redis_url: str) -> None:
    with serving(redis_url) as (pid, url), ThreadPoolExecutor(8) as pool:
        for _ in range(16):
            with suppress(Cut):
                ask(url, "GET", "/health")
        for _ in range(4):
            post(url)
        assert drawn(journal_of(url)) == as_one_process()

        switched = {"connection": [], "latency": None}
        assert ask(url, "PUT", "/_counterfoil/chaos", switched)[0] == 200
        conversation = post(url)
        list(pool.map(lambda _: post(url, conversation), range(5)))
        _, stored = ask(url, "GET", f"/conversation/{conversation}")
        assert sum(one["role"] == "user" for one in stored["messageMap"].values()) == 6

        before = workers_of(pid)
        jobs = [pool.submit(post, url) for _ in range(150)]
        time.sleep(0.05)
        os.kill(before[0], signal.SIGKILL)
        made = [id for job in jobs if (id := job.result())]
        assert len(before) == 2 and len(made) > 75 and len(set(made)) == len(made)
        assert {ask(url, "GET", f"/conversation/{id}")[0] for id in made} == {200}
        numbers = [entry["number"] for entry in journal_of(url)]
        assert numbers == sorted(set(numbers))

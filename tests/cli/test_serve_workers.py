"""`serve --workers`: several processes that are one server to whoever asks."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parent.parent.parent
KEY = {"x-api-key": "counterfoil-api-key"}
MESSAGE = {"content": [{"contentType": "text", "body": "Hello"}], "model": "claude-v3.5-sonnet"}

# A connection each, so that the system hands them to one worker or another. It is plain HTTP: to
# read the system's certificates for each would take several times as long as to ask.
EACH: dict[str, Any] = {"timeout": 30, "verify": False}


@contextmanager
def serving(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "serve", "bedrock", "--port", "0", *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        line = process.stdout.readline().split()
        yield process, line[1].rstrip("/") if line else ""
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
    return [int(pid) for pid in tasks if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def posted(url: str, conversation: str | None = None) -> dict[str, Any]:
    body = {"message": MESSAGE, **({"conversationId": conversation} if conversation else {})}
    return httpx.post(f"{url}/conversation", json=body, headers=KEY, **EACH).json()


def asked(url: str, *words: str) -> Any:
    return httpx.get(f"{url}/{'/'.join(words)}", headers=KEY, **EACH)


def test_ids_are_those_of_one_process() -> None:
    found = []
    for words in ((), ("--workers", "3")):
        with serving("--seed", "5", "--reply-after", "0", *words) as (_, url):
            made = [posted(url) for _ in range(6)]
            # The time is in the front of an id, the seed in the rest.
            found.append([(m["conversationId"][10:], m["messageId"][10:]) for m in made])
    assert found[0] == found[1]
    assert len({id for pair in found[0] for id in pair}) == 12


def test_a_journal_and_its_numbers_and_metrics_are_common() -> None:
    with serving("--workers", "3") as (process, url):
        for _ in range(12):
            assert asked(url, "health").status_code == 200
        for _ in range(6):
            entries = asked(url, "_counterfoil", "journal").json()["entries"]
            assert [entry["number"] for entry in entries] == list(range(1, 13))
            metrics = asked(url, "_counterfoil", "metrics").text
            assert 'operation="health",status="200"} 12.0' in metrics
        assert httpx.delete(f"{url}/_counterfoil/journal").status_code == 200
        for _ in range(6):
            assert asked(url, "_counterfoil", "journal").json()["entries"] == []


def test_a_fault_that_is_switched_on_is_on_in_every_worker() -> None:
    with serving("--workers", "3") as (_, url):
        body = {"faults": ["bedrock.health.not_ok"]}
        assert httpx.put(f"{url}/_counterfoil/faults", json=body).status_code == 200
        assert {asked(url, "health").text for _ in range(12)} != {'{"status":"ok"}'}
        assert len({asked(url, "health").text for _ in range(12)}) == 1


def test_what_was_stored_survives_a_worker_that_is_killed(tmp_path: Path) -> None:
    state = f"sqlite:{tmp_path / 'state'}"
    with serving("--workers", "2", "--state", state, "--reply-after", "0") as (process, url):
        before = workers_of(process)
        assert len(before) == 2

        def one(_: int) -> str | None:
            try:
                return str(posted(url)["conversationId"])
            except httpx.HTTPError:
                return None  # it was with the worker that was killed

        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(one, number) for number in range(150)]
            time.sleep(0.1)
            os.kill(before[0], signal.SIGKILL)
            stored = [id for job in jobs if (id := job.result())]
        assert len(stored) > 75
        assert len(set(stored)) == len(stored)
        for id in stored:
            assert asked(url, "conversation", id).status_code == 200
        until = time.monotonic() + 20
        while len(workers_of(process)) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        after = workers_of(process)
        assert len(after) == 2 and before[1] in after and before[0] not in after


def test_parallel_messages_to_one_conversation_are_all_kept() -> None:
    with serving("--workers", "2", "--reply-after", "0") as (_, url):
        conversation = posted(url)["conversationId"]
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda _: posted(url, conversation), range(5)))
        messages = asked(url, "conversation", conversation).json()["messageMap"]
        assert sum(m["role"] == "user" for m in messages.values()) == 6


def test_workers_end_when_the_first_process_is_killed() -> None:
    with serving("--workers", "2") as (process, url):
        pids = workers_of(process)
        os.kill(process.pid, signal.SIGKILL)
        until = time.monotonic() + 20
        while any(_alive(pid) for pid in pids) and time.monotonic() < until:
            time.sleep(0.05)
        assert not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "2", "--clock", "virtual"], "leave out --workers"),
        (["--workers", "2", "--fault", "bedrock.nothing"], "bedrock.nothing"),
        (["--workers", "2", "--state", "nowhere"], "is no store"),
        (["--tls-cert", "README.md"], "give --tls-cert and --tls-key together"),
        (["--tls-cert", "README.md", "--tls-key", "README.md"], "are no certificate"),
    ],
)
def test_what_cannot_be_served_is_said_before_anything_is_started(
    words: list[str], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "counterfoil", "serve", "bedrock", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr


def test_https_is_served_with_a_certificate_that_is_made_by_workers_too() -> None:
    with serving("--tls", "--workers", "2") as (process, url):
        assert url.startswith("https://") and process.stderr
        authority = process.stderr.readline().split()[1]
        trusting = ssl.create_default_context(cafile=authority)
        for name in ("127.0.0.1", "localhost"):
            answer = httpx.get(
                url.replace("127.0.0.1", name) + "/health", headers=KEY, verify=trusting
            )
            assert answer.status_code == 200
    assert not Path(authority).exists()


def test_a_log_of_requests_is_a_json_object_each_and_shows_no_secret() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "serve", "bedrock", "--port", "0", "--log", "json",
         "--log-requests", "--reply-after", "0"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    url = process.stdout.readline().split()[1].rstrip("/")
    conversation = posted(url)["conversationId"]
    asked(url, "conversation", conversation)
    httpx.get(f"{url}/health?key=counterfoil-api-key", headers={"x-api-key": "wrong"})
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["logger"] == "mockserver.requests"]
    assert [line["status"] for line in requests] == [200, 200, 403]
    assert requests[1]["session"] == conversation
    assert requests[0]["operation"] == "post_message" and requests[2]["caller"] == "refused"
    assert "counterfoil-api-key" not in log

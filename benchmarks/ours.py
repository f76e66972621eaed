"""Our mocks as a benchmark starts and asks them."""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import time
import tomllib
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from subprocess import Popen
from typing import Any

from counterfoil import wiring

from .processes import ROOT, free_port, running
from .wrk import Asked

JSON = {"Content-Type": "application/json"}
QUESTION = "How do I keep basil alive on a windowsill?"
TENANT = wiring.default_credentials("mtmai")["tenant"]

PATIENCE = 10.0
"""Seconds in which a message that was posted has to be there."""


class Lost(Exception):
    """A server did not answer as it should."""


def named() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return f"Counterfoil {project['version']}"


@contextmanager
def serving(apis: Sequence[str], *options: str) -> Iterator[tuple[Popen[bytes], str]]:
    """Run `counterfoil serve`; yield the process and the URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(serve_command(apis, port, *options), f"{url}/_counterfoil/health") as process:
        yield process, url


def serve_command(apis: Sequence[str], port: int, *options: str) -> list[str]:
    return [sys.executable, "-m", "counterfoil", "serve", *apis, "--port", str(port), *options]


def call(url: str, asked: Asked) -> tuple[int, bytes]:
    """Send one request on a connection of its own."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        body = asked.body.encode() or None
        connection.request(asked.method, asked.path, body, dict(asked.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def told(url: str, asked: Asked) -> Any:
    """Send one request that has to be answered with 2xx; return its JSON."""
    status, body = call(url, asked)
    if not 200 <= status < 300:
        raise Lost(f"{asked.method} {asked.path}: {status} {body[:200]!r}")
    return json.loads(body)


def admin(url: str, method: str, path: str, body: object = None) -> Any:
    """Ask the admin API, once more where a worker was killed that had the request in hand."""
    text = "" if body is None else json.dumps(body)
    asked = Asked(method, f"/_counterfoil/{path}", JSON, text)
    for _ in range(5):
        try:
            return told(url, asked)
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
    return told(url, asked)


def bedrock_post(
    text: str = QUESTION, conversation: str = "", *, at: str = "", caller: str = ""
) -> Asked:
    body: dict[str, Any] = {
        "message": {"content": [{"contentType": "text", "body": text}], "model": "claude-v3-haiku"}
    }
    if conversation:
        body["conversationId"] = conversation
    return Asked("POST", f"{at}/conversation", {**JSON, **_bedrock_key(caller)}, json.dumps(body))


def bedrock_get(conversation: str, message: str = "", *, at: str = "", caller: str = "") -> Asked:
    path = f"{at}/conversation/{conversation}" + (f"/{message}" if message else "")
    return Asked("GET", path, _bedrock_key(caller))


def bedrock_stored(url: str) -> Asked:
    """Post a message and wait for its reply; return how it is fetched."""
    made = told(url, bedrock_post())
    asked = bedrock_get(made["conversationId"], made["messageId"])
    until = time.monotonic() + PATIENCE
    while call(url, asked)[0] != 200:
        if time.monotonic() > until:
            raise Lost("no reply to a message that was posted")
        time.sleep(0.02)
    return asked


def mtmai_post(name: str = "A chat", *, at: str = "") -> Asked:
    body = json.dumps({"name": name})
    return Asked("POST", f"{at}/api/v1/tenants/{TENANT}/chats", {**JSON, **_bearer()}, body)


def mtmai_get(chat: str, *, at: str = "") -> Asked:
    return Asked("GET", f"{at}/api/v1/tenants/{TENANT}/chats/{chat}/messages", _bearer())


def mtmai_read(chat: str, *, at: str = "") -> Asked:
    return Asked("GET", f"{at}/api/v1/tenants/{TENANT}/chats/{chat}", _bearer())


def mtmai_put(chat: str, name: str, *, at: str = "") -> Asked:
    path = f"{at}/api/v1/tenants/{TENANT}/chats/{chat}"
    return Asked("PUT", path, {**JSON, **_bearer()}, json.dumps({"name": name}))


def mtmai_stored(url: str) -> Asked:
    return mtmai_get(told(url, mtmai_post())["metadata"]["id"])


def chatbot_post(text: str, conversation: str = "", *, stream: bool = False, at: str = "") -> Asked:
    bot = wiring.default_credentials("chatbot")["bot_uid"]
    body: dict[str, Any] = {"q": text, "stream": stream}
    if conversation:
        body["conversation_uid"] = conversation
    return Asked("POST", f"{at}/api/v1/backend/chatbot/{bot}/chat", JSON, json.dumps(body))


def genesis_post(text: str, session: int = 0, *, at: str = "") -> Asked:
    known = wiring.default_credentials("genesis")
    pairs = {"Action": "RunMVChat", "PublicKey": known["public_key"], "AppID": known["app_id"],
             "Role.0": "user", "Content.0": text}  # fmt: skip
    if session:
        pairs["SessionID"] = str(session)
    pairs["Signature"] = signature(pairs, known["private_key"])
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return Asked("POST", f"{at}/", form, urllib.parse.urlencode(pairs))


def signature(pairs: Mapping[str, str], private_key: str) -> str:
    """Return the platform's signature: hex SHA-1 of the sorted pairs and the private key."""
    text = "".join(name + pairs[name] for name in sorted(pairs)) + private_key
    return hashlib.sha1(text.encode()).hexdigest()


def _bedrock_key(caller: str) -> dict[str, str]:
    return {"x-api-key": wiring.default_credentials("bedrock")[f"{caller}api_key"]}


def _bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {wiring.default_credentials('mtmai')['token']}"}

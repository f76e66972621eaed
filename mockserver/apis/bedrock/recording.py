"""Questions and answers out of recorded exchanges."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...recorded import between
from ...replies import Reply

REPLY_FIELDS = frozenset({"thinkingLog", "usedChunks"})


def read_recording(exchanges: list[dict[str, Any]]) -> list[Reply]:
    """Return each message that was taken with the reply that was read back for it, if one was."""
    replies: dict[str, Mapping[str, Any]] = {}
    read_in: dict[str, Mapping[str, Any]] = {}
    for exchange in exchanges:
        for message in _messages(_body(exchange)):
            if message["role"] == "assistant":
                replies.setdefault(message["parent"], message)
                read_in.setdefault(message["parent"], exchange)
    return [
        Reply(
            "question",
            _question(exchange["request"]),
            _texts(replies[sent]["content"]),
            str(exchange.get("_basis", "observed")),
            fields={name: replies[sent][name] for name in REPLY_FIELDS if replies[sent].get(name)},
            waited=between(exchange, read_in[sent]),
        )
        for exchange in exchanges
        if (sent := _body(exchange).get("messageId")) in replies
    ]


def _body(exchange: Mapping[str, Any]) -> dict[str, Any]:
    response = exchange["response"]
    content = response["content"]
    if response["status"] != 200 or "json" not in content.get("mimeType", ""):
        return {}
    body = json.loads(content["text"])
    return body if isinstance(body, dict) else {}


def _messages(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "messageMap" in body:
        yield from body["messageMap"].values()
    elif "message" in body:
        yield body["message"]


def _question(request: Mapping[str, Any]) -> str:
    # A byte order mark was taken, and so were names in snake case.
    posted = json.loads(request["postData"]["text"].removeprefix("\ufeff"))
    return _texts(posted["message"]["content"])


def _texts(content: Iterable[Mapping[str, Any]]) -> str:
    said = [
        part for part in content if "text" in (part.get("contentType"), part.get("content_type"))
    ]
    return "\n".join(part["body"] for part in said)

"""Reading conversations from a HAR file: whose messages they are, by the session's name."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from ...replies import Reply

_MESSAGES = re.compile(r"/chats/(?P<chat>[^/]+)/messages$")


def read(exchanges: list[dict[str, Any]]) -> list[Reply]:
    """Return one reply for each session whose name and messages were both recorded.

    Of a session that was renamed, the name counts that it had when its messages were asked for.
    """
    sessions: dict[str, dict[str, Any]] = {}
    found = []
    for exchange in exchanges:
        if exchange["response"]["status"] != 200:
            continue
        said = orjson.loads(_text(exchange["response"]["content"]))
        for session in said.get("rows") or [said]:
            if "metadata" in session and "name" in session:
                sessions[session["metadata"]["id"]] = session
        asked = _MESSAGES.search(urlsplit(exchange["request"]["url"]).path)
        spoken_in = sessions.get(unquote(asked["chat"])) if asked else None
        if spoken_in and said["messages"]:
            basis = str(exchange.get("_basis", "observed"))
            found.append(_reply(spoken_in, said["messages"], basis))
    return found


def _reply(session: dict[str, Any], messages: list[dict[str, Any]], basis: str) -> Reply:
    spoken = tuple(_kept(message, "role", "content", "source", "config") for message in messages)
    fields = _kept(session, "version", "team")
    return Reply("question", session["name"], "", basis, messages=spoken, fields=fields)


def _kept(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value[key] for key in keys if value.get(key) is not None}


def _text(content: dict[str, Any]) -> bytes:
    text = str(content.get("text", ""))
    return base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()

"""What a conversation looks like from outside: a chain of messages that begins with `system`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

ROOT = "system"

Turn = Mapping[str, Any]
"""A message as it was sent, and the reply that will be read; times in milliseconds since 1970."""

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in CROCKFORD for low in CROCKFORD)


def ulid(milliseconds: int, digits: str) -> str:
    """Return 26 characters: 48 bits of time, then 80 that have no order (the ULID specification).

    Of each five of these four are bits that differ: the first 16 of `digits`, which are of base 16.
    """
    return _time(milliseconds % 2**48) + digits[:16]


@lru_cache(64)
def _time(milliseconds: int) -> str:
    return "".join([_PAIRS[milliseconds >> shift & 1023] for shift in range(40, -1, -10)])


def digest_of(said: tuple[object, ...]) -> str:
    """Return what stands for all that a message says, in 64 characters."""
    try:
        written = orjson.dumps(said)
    except orjson.JSONEncodeError:
        written = repr(said).encode("utf-8", "replace")  # there is half a character in it
    return hashlib.sha256(written).hexdigest()


def text(body: str) -> dict[str, Any]:
    """Return a part that is a text; what it has not is written as null."""
    return {"contentType": "text", "mediaType": None, "fileName": None, "body": body}


def chain(turns: Iterable[Turn]) -> dict[str, dict[str, Any]]:
    """Return all messages by id: the root, then each question and its reply, linked both ways."""
    messages: dict[str, dict[str, Any]] = {}
    last: str | None = None
    for turn in turns:
        if last is None:
            messages[ROOT] = _message("system", [text("")], turn["model"], None)
            last = ROOT
        asked, answered = turn["user_id"], turn["reply_id"]
        messages[last]["children"].append(asked)
        messages[asked] = _message("user", turn["content"], turn["model"], last)
        messages[asked]["children"].append(answered)
        messages[answered] = _message(
            "assistant", [text(turn["reply"])], turn["model"], asked, turn["fields"]
        )
        last = answered
    return messages


def _message(
    role: str,
    content: list[dict[str, Any]],
    model: str,
    parent: str | None,
    fields: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    known = fields or {}
    return {
        "role": role,
        "content": content,
        "model": model,
        "children": [],
        "feedback": None,
        "usedChunks": known.get("usedChunks"),
        "parent": parent,
        "thinkingLog": known.get("thinkingLog"),
    }

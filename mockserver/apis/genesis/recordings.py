"""Recorded exchanges with the gateway as fixtures."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from ...recorded import waited
from ...replies import Reply
from .conversation import question, read_list
from .parameters import Values, read_parameters


def read_exchange(exchange: Mapping[str, Any]) -> Reply | None:
    """Return question and Response of an entry of a HAR file, or None where it is no success.

    Raises KeyError, TypeError or ValueError for what is not an exchange with the gateway.
    """
    fields = orjson.loads(_response_text(exchange["response"]["content"]))
    if not isinstance(fields, dict):
        raise TypeError("the answer is not a JSON object")
    if fields.get("RetCode") != 0:
        return None
    answer = fields["Response"]
    if not isinstance(answer, str):
        raise TypeError("Response is not a text")
    return Reply(
        matcher="question",
        question=_question(_values(exchange["request"])),
        answer=answer,
        basis=str(exchange.get("_basis", "observed")),
        fields={"Msg": fields["Msg"]} if "Msg" in fields else {},
        waited=waited(exchange),
    )


def _response_text(content: Mapping[str, Any]) -> bytes:
    text = str(content["text"])
    return base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()


def _values(asked: Mapping[str, Any]) -> Values:
    posted = asked.get("postData") or {}
    media_type = str(posted.get("mimeType", "")).partition(";")[0].strip().lower()
    # A HAR file holds a posted form as its text, or as names and values.
    body = posted.get("text") or urlencode(
        [(pair["name"], pair.get("value", "")) for pair in posted.get("params", ())]
    )
    return read_parameters(urlsplit(asked["url"]).query.encode(), media_type, body.encode()).values


def _question(values: Values) -> str:
    roles, contents = read_list("Role", values), read_list("Content", values)
    if not contents:
        raise ValueError("the request has no Content")
    # A success without a role is not ours to doubt: what it says counts as the user's.
    return question([(roles.get(place, "user"), text) for place, text in contents.items()])

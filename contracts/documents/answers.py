"""What a document has against an answer, in a line; where it says nothing, nothing is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..document import is_json
from ..model import Exchange, Response
from ..schemas import Json, complaints, validator
from .outline import Listed, Outline
from .reading import mapping, resolved

BODILESS = (204, 304)
"""Statuses whose answers have no content (RFC 9110, 15.3.5 and 15.4.5), whatever is listed."""

GATEWAYS = (401, 403, 405, 407)
"""Statuses of refusals that whatever stands before an API may write in its own words."""


class Answers:
    """What one operation says of its answers."""

    def __init__(self, outline: Outline, listed: Listed) -> None:
        self._outline = outline
        self._listed = listed
        self._judges: dict[int, Any] = {}

    def status(self, exchange: Exchange) -> str:
        """Say that a status is not listed."""
        if not self._listed.responses or self._listed.response(exchange.status) is not None:
            return ""
        return f"status {exchange.status}; the document lists {', '.join(self._listed.responses)}"

    def applies(self, exchange: Exchange) -> bool:
        """Say whether the document has something to say of the answer's body."""
        bodiless = self._listed.method == "HEAD" or exchange.status in BODILESS
        return bool(self._content(exchange)) and not bodiless

    def is_own(self, status: int) -> bool:
        """Say whether a refusal is the operation's own, and not what any gateway may say."""
        listed = {str(status), "4XX"} & self._listed.responses.keys()
        return bool(listed) or status not in GATEWAYS

    def content_type(self, exchange: Exchange) -> str:
        """Say that a content type is not listed."""
        content, response = self._content(exchange), exchange.response
        if response is None or not self.applies(exchange):
            return ""
        if self._media(content, response) is not None:
            return ""
        listed = f"the document lists {', '.join(content)} for {exchange.status}"
        if not response.media_type:
            return f"no content type; {listed}"
        return f"content type {response.media_type}; {listed}"

    def body(self, exchange: Exchange) -> str:
        """Say where a body breaks its schema; only JSON is read."""
        response = exchange.response
        content = self._content(exchange)
        media = self._media(content, response) if response else None
        if response is None or not media or not is_json(response.media_type):
            return ""
        after = f" (in an answer of status {exchange.status})"
        if not isinstance(media, dict) or "schema" not in media:
            return ""
        schema = self._outline.answers.target(self._outline.answers.of(media["schema"]))
        if isinstance(schema, dict) and schema.get("format") == "binary":
            return ""  # a file, which may be of JSON
        try:
            value = json.loads(response.body)
        except (ValueError, RecursionError):
            return f"the body is not JSON{after}"
        try:
            found = complaints("body", self._judge(media["schema"]), value)
            return next((f"{problem}{after}" for problem in found), "")
        except (UnicodeEncodeError, RecursionError):
            return ""  # half a surrogate pair, or a depth, that no validator can take in

    def headers(self, exchange: Exchange) -> str:
        """Say that a header is missing, or is not as its schema says."""
        response = exchange.response
        said = self._listed.response(exchange.status)
        if response is None or said is None:
            return ""
        for name, given in (said.get("headers") or {}).items():
            header = resolved(self._outline.source, given, f"{self._listed.where}.responses")
            if name.lower() == "content-type":
                continue
            value = response.header(name)
            after = f"in an answer of status {exchange.status}"
            if value is None:
                if header.get("required") is True:
                    return f"no header {name} {after}"
                continue
            problem = self._header(header, value)
            if problem:
                return f"header {name}: {problem} ({after})"
        return ""

    def _header(self, header: Mapping[str, Any], value: str) -> str:
        if "schema" not in header:
            return ""
        judge = self._judge(header["schema"])
        if any(judge.is_valid(reading) for reading in _readings(value)):
            return ""
        return next((problem.said for problem in complaints("header", judge, value)), "")

    def _content(self, exchange: Exchange) -> Mapping[str, Any]:
        response = self._listed.response(exchange.status)
        return mapping((response or {}).get("content"), self._listed.where)

    def _media(self, content: Mapping[str, Any], response: Response) -> Any:
        """Return what is listed for a media type; JSON of any name is JSON."""
        kind = response.media_type
        listed = {
            given.partition(";")[0].strip().lower(): media for given, media in content.items()
        }
        ways = [kind, kind.partition("/")[0] + "/*", "*/*"]
        if is_json(kind):
            ways.append("application/json")
        return next((listed[way] or {} for way in ways if kind and way in listed), None)

    def _judge(self, schema: Json) -> Any:
        if id(schema) not in self._judges:
            made = self._outline.answers.of(schema)
            components = self._outline.answers.components(made)
            self._judges[id(schema)] = validator(made, components)
        return self._judges[id(schema)]


def _readings(text: str) -> Iterator[Json]:
    """Yield what a header may be read as: a text, a scalar, a list, an object."""
    yield text
    try:
        yield json.loads(text.lower() if text in ("True", "False") else text)
    except (ValueError, RecursionError):
        pass
    parts = [part.strip() for part in text.split(",")]
    yield parts
    numbers = []
    for part in parts:
        try:
            numbers.append(json.loads(part))
        except (ValueError, RecursionError):
            numbers.append(part)
    yield numbers
    if len(parts) % 2 == 0:
        yield dict(zip(parts[::2], parts[1::2], strict=True))
    if all("=" in part for part in parts):
        yield dict(part.split("=", 1) for part in parts)

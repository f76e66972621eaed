"""Documented answers: an example of the document's, else what is made of a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import orjson

from ..model import Answer, Refusal
from .chance import Chance, Number
from .document import Document, Documented, Endpoint, Media, Parameter
from .generation import Maker, Unmade
from .media import FORM, is_json, is_lines, is_text, plain, written
from .preferences import Wish
from .schemas import fits

MOST_REMEMBERED = 1024
"""Values that are kept for the next time."""

CARRIED = frozenset(
    "connection content-encoding content-length content-range date keep-alive trailer "
    "transfer-encoding upgrade".split()
)
"""Headers that say how this very message travels: none is made up."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Made:
    """The value of a body, and what the owner should know of how it came about."""

    value: Any
    remarks: tuple[str, ...] = ()


class Answers:
    """What a document's operations answer; the same for the same seed and request."""

    def __init__(self, document: Document, number: Number) -> None:
        self._document = document
        self._number = number
        self._remembered = lru_cache(MOST_REMEMBERED)(self._value)

    def status(self, endpoint: Endpoint, wish: Wish) -> tuple[int, Documented]:
        """Return the status that is answered, and what is documented for it; raises Refusal."""
        if wish.code is not None:
            found = endpoint.response(wish.code)
            if found is None:
                known = ", ".join(endpoint.responses) or "none"
                raise Refusal(
                    f"Prefer: code={wish.code} is not documented here; documented: {known}",
                    status=400,
                )
            return wish.code, found
        return usual(endpoint)

    def media(self, documented: Documented) -> list[Media]:
        """Return the bodies of an answer that can be made."""
        return [one for one in documented.contents.values() if self._is_made(one)]

    def _is_made(self, media: Media) -> bool:
        if is_json(media.type) or is_text(media.type) or plain(media.type) == FORM:
            return True
        if is_lines(media.type):
            return True
        if any(isinstance(one, str) for _, one in self._examples(media)):
            return True
        schema = self._document.schemas.at(media.urn) if media.urn else True
        return isinstance(schema, dict) and schema.get("type") == "string"

    def value(self, endpoint: Endpoint, media: Media, wish: Wish, place: str) -> Made:
        """Return the value of a body, made for a request at a place; raises Refusal."""
        return self._remembered(endpoint.name, media, wish, place)

    def _value(self, name: str, media: Media, wish: Wish, place: str) -> Made:
        if wish.example:
            return Made(self._named(media, wish.example))
        remarks: list[str] = []
        if not wish.dynamic:
            for said, value in self._examples(media):
                found = self._fitting(media, value)
                if found is not None:
                    return Made(found[0], tuple(remarks))
                remarks.append(f"{name}: {said} of {media.type} does not fit its schema")
        chance = Chance(self._number, f"{name}\x1e{media.type}\x1e{place}")
        try:
            return Made(self._made(media, chance, wish.dynamic), tuple(remarks))
        except Refusal:
            # Nothing was found that fits: then what the document itself says is the best there is.
            for _, value in self._examples(media):
                return Made(value, tuple(remarks))
            raise

    def _named(self, media: Media, name: str) -> Any:
        known = dict(self._examples(media))
        if f"example {name!r}" not in known:
            names = [said.removeprefix("example ").strip("'\"") for said in known if "'" in said]
            said = f"documented: {', '.join(names)}" if names else "it has no named examples"
            raise Refusal(
                f"Prefer: example={name} is not documented for {media.type}; {said}", status=400
            )
        return known[f"example {name!r}"]

    def _examples(self, media: Media) -> Iterator[tuple[str, Any]]:
        """Yield the examples that stand beside the schema, and how each is called."""
        if "example" in media.node.value:
            yield "the example", media.node.value["example"]
        examples = media.node.get("examples")
        for name in examples.value if examples is not None else ():
            value = self._document.files.follow(examples.child(name)).value  # type: ignore[union-attr]
            if isinstance(value, dict) and "value" in value:
                yield f"example {name!r}", value["value"]

    def _fitting(self, media: Media, value: Any) -> tuple[Any] | None:
        """Return an example if it fits its schema, also where it is JSON written as a text."""
        if media.urn is None or not is_json(media.type):
            return (value,)
        validator = self._document.schemas.validator(media.urn)
        if fits(validator, value):
            return (value,)
        try:
            parsed = orjson.loads(value) if isinstance(value, str) else None
        except ValueError:
            return None
        return (parsed,) if parsed is not None and fits(validator, parsed) else None

    def _made(self, media: Media, chance: Chance, plain_only: bool) -> Any:
        if media.urn is None:
            return {} if is_json(media.type) else ""
        for urn in (media.urn, media.loose):
            try:
                maker = Maker(self._document.schemas, chance, plain=plain_only)
                return maker.make({"$ref": urn or media.urn})
            except Unmade:
                continue
        where = self._document.files.where(media.node)
        raise Refusal(f"no value was found that fits {where}; give it an example", status=501)

    # As bytes

    def write(
        self, status: int, documented: Documented, media: Media | None, value: Any, place: str
    ) -> Answer:
        """Write an answer with its documented headers."""
        headers = tuple(self._headers(documented, f"{place}\x1e{status}"))
        if status in (204, 205, 304):
            return Answer(status, b"", headers)
        if media is None:
            # What is not made is at least called by its name.
            kinds = [("Content-Type", written(kind)) for kind in documented.contents][:1]
            return Answer(status, b"", (*kinds, *headers))
        return Answer(status, _bytes(media, value),
                      (("Content-Type", written(media.type)), *headers))  # fmt: skip

    def _headers(self, documented: Documented, place: str) -> Iterator[tuple[str, str]]:
        for header in documented.headers:
            if header.name.lower() in CARRIED or not _NAME.fullmatch(header.name):
                continue
            chance = Chance(self._number, f"{place}\x1e{header.name}")
            try:
                text = _header_text(self._header(header, chance))
            except Unmade:
                continue
            if text is not None:
                yield header.name, text

    def _header(self, header: Parameter, chance: Chance) -> Any:
        value = header.node.value
        if "example" in value:
            return value["example"]
        if header.content is not None:
            return json.dumps(self._made(header.content, chance, False))
        if header.urn is None:
            return None
        return Maker(self._document.schemas, chance).make({"$ref": header.urn})


def usual(endpoint: Endpoint) -> tuple[int, Documented]:
    """Return the status of success that is documented, or what comes nearest to it."""
    found = endpoint.responses
    numbers = sorted(int(one) for one in found if one.isdecimal() and int(one) >= 200)
    for status in numbers:
        if status < 300:
            return status, found[str(status)]
    for name, status in (("2XX", 200), ("default", 200)):
        if name in found:
            return status, found[name]
    if numbers:
        return numbers[0], found[str(numbers[0])]
    ranges = sorted(one for one in found if one.endswith("XX") and one[0] != "1")
    if ranges:
        return int(ranges[0][0]) * 100, found[ranges[0]]
    return 200, Documented("200", (), {})


def _bytes(media: Media, value: Any) -> bytes:
    if is_json(media.type):
        return as_json(value)
    if is_lines(media.type) and not isinstance(value, str):
        return as_json(value) + b"\n"
    if plain(media.type) == FORM and isinstance(value, dict):
        return urlencode(value, doseq=True).encode()
    if plain(media.type) == "text/event-stream" and not isinstance(value, str):
        events = value if isinstance(value, list) else [value]
        return b"".join(b"data: " + as_json(one) + b"\n\n" for one in events)
    return value.encode("utf-8", "replace") if isinstance(value, str) else as_json(value)


def as_json(value: Any) -> bytes:
    """Write JSON, also numbers that are larger than most can read."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value).encode()


def _header_text(value: Any) -> str | None:
    """Return a value as a header has it (style simple), None for one that it cannot have."""
    if isinstance(value, dict):
        value = [part for pair in value.items() for part in pair]
    parts = value if isinstance(value, list) else [value]
    if value is None or any(isinstance(part, dict | list) for part in parts):
        return None
    text = ",".join(
        str(part).lower() if isinstance(part, bool) else str(part) for part in parts
    ).strip()
    return text if text.isprintable() and text.isascii() else None

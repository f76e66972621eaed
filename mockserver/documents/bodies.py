"""The body of a request: read by its media type, and held to its schema."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import parse_qsl

import orjson
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

from ..lean_flask import LeanRequest
from ..model import Refusal
from .coercion import Coercion
from .document import Endpoint, Media
from .media import FORM, MULTIPART, documented, is_json, is_text, plain
from .parameters import put
from .problems import Problem, of_schema
from .schemas import Schema, Schemas, fits, problems_in

MOST_PARTS = 1000


class Unreadable(Exception):
    """A body is not of its media type at all."""


def read_body(
    endpoint: Endpoint, request: LeanRequest, schemas: Schemas
) -> tuple[Any, list[Problem]]:
    """Return what came, and what is wrong with it; raises Refusal for a type that is not taken.

    Raises Unreadable, and RequestEntityTooLarge.
    """
    body = endpoint.body
    data: bytes = request.get_data()
    if body is None or not body.contents:
        return None, []
    kind = str(request.headers.get("Content-Type", ""))
    # A form without fields and a file without content have no bytes; no value of JSON has none.
    may_be_empty = body.required and kind and not is_json(plain(kind))
    if not data and not may_be_empty and not request.mimetype.startswith("multipart/"):
        missing = [Problem("body", "", "", "is missing")] if body.required else []
        return None, missing
    media = documented(body.contents, kind) if kind else None
    if media is None:
        known = ", ".join(one.type for one in body.contents.values())
        said = f"the body is of the type {plain(kind)}" if kind else "the body has no Content-Type"
        raise Refusal(f"{said}; taken is {known}", status=415, headers=(("Accept", known),))
    found = _parsed(media, kind, data, schemas)
    if media.urn is None or found is None:
        return found, []
    errors = problems_in(schemas.validator(media.urn), found)
    return found, of_schema("body", "", errors)


def _parsed(media: Media, kind: str, data: bytes, schemas: Schemas) -> Any:
    """Return the value of a body, None where its type says nothing to us."""
    name = plain(kind)
    if is_json(name):
        try:
            return orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
        except ValueError as error:
            raise Unreadable(f"is not JSON: {str(error).splitlines()[0]}") from error
    if name == FORM:
        pairs = parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True)
        return _form(media, pairs, schemas)
    if name == MULTIPART:
        return _form(media, _parts(kind, data), schemas)
    if is_text(name):
        return data.decode("utf-8", "replace")
    return None


def _parts(kind: str, data: bytes) -> list[tuple[str, str]]:
    boundary = parse_options_header(kind)[1].get("boundary", "")
    try:
        parser = MultiPartParser(max_form_parts=MOST_PARTS)
        form, files = parser.parse(io.BytesIO(data), boundary.encode("latin-1"), len(data))
    except (ValueError, HTTPException) as error:
        raise Unreadable("is not multipart/form-data") from error
    found = list(form.items(multi=True))
    for name, file in files.items(multi=True):
        found.append((name, file.stream.read().decode("latin-1")))
        file.close()
    return found


def _form(media: Media, pairs: list[tuple[str, str]], schemas: Schemas) -> dict[str, Any]:
    """Return the members of a form; `name[member]` is a member of a member, as forms have it."""
    gathered: dict[str, list[str]] = {}
    for name, value in pairs:
        gathered.setdefault(name, []).append(value)
    coercion = Coercion(schemas)
    schema: Any = True if media.urn is None else {"$ref": media.urn}
    members = coercion.members(schema)
    raw: dict[str, Any] = {}
    for name, values in gathered.items():
        if name in members or "[" not in name or not name.endswith("]"):
            parts = _unpacked(media, name, values)
            raw[name] = parts if len(parts) > 1 else parts[0]
        else:
            put(raw, [step.rstrip("]") for step in name.split("[")], values)
    value = coercion.value(raw, schema)
    return {name: _nested(one, members.get(name, True), schemas) for name, one in value.items()}


def _unpacked(media: Media, name: str, values: list[str]) -> list[str]:
    encoding = media.node.value.get("encoding", {}).get(name, {})
    if encoding.get("explode") is not False or encoding.get("style", "form") == "deepObject":
        return values
    between = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(encoding.get("style"), ",")
    return [part for value in values for part in value.split(between)]


def _nested(value: Any, schema: Schema, schemas: Schemas) -> Any:
    """Return a part that should be an object as JSON says it (OpenAPI 3.0.3, Media Type Object)."""
    holding = schemas.holding(schema)
    if isinstance(value, list) and not fits(holding, value):
        # Each item is a part of its own; one part may also be the whole list.
        each = [_as_object(item) for item in value]
        if fits(holding, each):
            return each
    text = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "["):
        return value
    return value if fits(holding, value) else _as_object(text, value)


def _as_object(text: Any, otherwise: Any = None) -> Any:
    """Return what a text is in JSON, if it is an object or a list, else what is otherwise there."""
    otherwise = text if otherwise is None else otherwise
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "["):
        return otherwise
    try:
        return orjson.loads(text)
    except ValueError:
        return otherwise

"""The parameters of a request: read as their style has it, and held to their schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

import orjson
from werkzeug.http import parse_cookie

from ..lean_flask import LeanRequest
from .coercion import ALL, Coercion, Raw
from .document import Endpoint, Parameter
from .problems import Problem, of_schema
from .schemas import Schemas, problems_in

Query = Mapping[str, list[str]]

IGNORED = frozenset({"accept", "content-type", "authorization"})
"""Headers that are no parameters (OpenAPI 3.0.3, Parameter Object)."""

_DELIMITERS = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|", "simple": ","}


class Sent:
    """The texts of a request by where they are: those of the path, query, headers and cookies."""

    def __init__(self, request: LeanRequest, path: Mapping[str, str]) -> None:
        self._request = request
        self.path = path
        self.query: dict[str, list[str]] = {}
        for pair in request.query_string.decode("utf-8", "replace").split("&"):
            if pair:
                name, _, value = pair.partition("=")
                self.query.setdefault(unquote_plus(name), []).append(unquote_plus(value))
        self.cookies = dict(parse_cookie(request.headers.get("Cookie", "")))

    def texts(self, parameter: Parameter) -> list[str]:
        """Return what came by a parameter's own name."""
        if parameter.place == "query":
            name = parameter.name
            return self.query.get(name) or self.query.get(f"{name}[]", [])
        if parameter.place == "header":
            found = self._request.headers.get(parameter.name)
        elif parameter.place == "cookie":
            found = self.cookies.get(parameter.name)
        else:
            found = self.path.get(parameter.name)
        return [] if found is None else [found]


def parameter_problems(
    endpoint: Endpoint, sent: Sent, schemas: Schemas, keys: Iterable[str] = ()
) -> Iterator[Problem]:
    """Yield what is wrong with the parameters of a request; `keys` are no parameters in a query."""
    coercion = Coercion(schemas)
    taken = {one.name for one in endpoint.parameters if one.place == "query"} | set(keys)
    free = {n: v for n, v in sent.query.items() if not {n, n.partition("[")[0]} & taken}
    for parameter in endpoint.parameters:
        if parameter.place == "header" and parameter.name.lower() in IGNORED:
            continue
        yield from _problems(parameter, sent, free, coercion, schemas)


def _problems(
    parameter: Parameter, sent: Sent, free: Query, coercion: Coercion, schemas: Schemas
) -> list[Problem]:
    place, name = parameter.place, parameter.name
    raw = _raw(parameter, sent, free, coercion)
    if raw is None:
        return [Problem(place, name, "", "is missing")] if parameter.required else []
    if raw == "" and parameter.allow_empty:
        return []
    if parameter.content is not None:
        return _content_problems(parameter, raw, schemas)
    if parameter.urn is None:
        return []
    value = coercion.value(raw, {"$ref": parameter.urn})
    return of_schema(place, name, problems_in(schemas.validator(parameter.urn), value))


def _content_problems(parameter: Parameter, raw: Raw, schemas: Schemas) -> list[Problem]:
    content = parameter.content
    assert content is not None
    if "json" not in content.type or content.urn is None:
        return []
    try:
        value = orjson.loads(raw if isinstance(raw, str) else "")
    except ValueError:
        return [Problem(parameter.place, parameter.name, "", "should be JSON")]
    errors = problems_in(schemas.validator(content.urn), value)
    return of_schema(parameter.place, parameter.name, errors)


def _raw(parameter: Parameter, sent: Sent, free: Query, coercion: Coercion) -> Raw | None:
    """Return the texts of a parameter: one, a list, or an object of them; None where it is not.

    An object that may have any member has those that are `free`, being of no parameter.
    """
    texts = sent.texts(parameter)
    if parameter.content is not None or parameter.urn is None:
        return texts[0] if texts else None
    kinds = coercion.kinds({"$ref": parameter.urn})
    if parameter.style == "deepObject" and parameter.place == "query":
        return _deep(parameter.name, sent.query) or (texts[0] if texts else None)
    exploded = parameter.explode and parameter.style == "form"
    if exploded and "object" in kinds and not texts:
        names: Iterable[str] = coercion.members({"$ref": parameter.urn})
        if coercion.is_open({"$ref": parameter.urn}):
            names = {**dict.fromkeys(names), **dict.fromkeys(free)}
        found: dict[str, Any] = {}
        for name in names:
            if values := sent.query.get(name) if parameter.place == "query" else None:
                found[name] = values if len(values) > 1 else values[0]
        return found or None
    if not texts:
        return None
    if len(texts) > 1:
        return list(texts)
    return _split(parameter, _stripped(parameter, texts[0]), kinds)


def _stripped(parameter: Parameter, text: str) -> str:
    if parameter.style == "label":
        return text.removeprefix(".")
    if parameter.style == "matrix":
        return text.removeprefix(f";{parameter.name}=").removeprefix(";")
    return text


def _split(parameter: Parameter, text: str, kinds: frozenset[str]) -> Raw:
    """Return the parts of a text, where it may be a list or an object."""
    if kinds == ALL or not kinds & {"array", "object"}:
        return text
    exploded = parameter.explode
    if parameter.style == "matrix":
        parts = [one.partition("=")[2] if exploded and "array" in kinds else one
                 for one in text.split(";" if exploded else ",")]  # fmt: skip
        parts[0] = text.split(";")[0] if exploded and "array" in kinds else parts[0]
    elif parameter.style == "label":
        parts = text.split("." if exploded else ",")
    elif parameter.style == "form" and exploded:
        parts = [text]
    else:
        parts = text.split(_DELIMITERS.get(parameter.style, ","))
    if "array" in kinds and not (len(parts) == 1 and kinds - {"array", "object", "null"}):
        return parts if text else []
    if "object" not in kinds:
        return text
    if exploded:
        return {key: value for key, _, value in (part.partition("=") for part in parts)}
    return dict(zip(parts[::2], parts[1::2], strict=False))


def _deep(name: str, query: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return what `name[member]=value` says; of members of members as many servers read it."""
    found: dict[str, Any] = {}
    for key, values in query.items():
        if not key.startswith(f"{name}[") or not key.endswith("]"):
            continue
        put(found, key[len(name) + 1 : -1].split("]["), values)
    return found


def put(into: dict[str, Any], steps: list[str], values: list[str]) -> None:
    """Put values where steps lead; a last step that is empty makes a list."""
    for step in steps[:-1]:
        inner = into.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        into = inner
    if steps[-1] == "":
        into[""] = values
    else:
        into[steps[-1]] = values if len(values) > 1 else values[0]

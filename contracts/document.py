"""An OpenAPI document as we read it: what it lists, how sure it is, what it permits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from .model import Basis, ContractError
from .schemas import (
    METHODS,
    Json,
    Problem,
    Pruning,
    complaints,
    in_plain_words,
    opened,
    resolved,
    validator,
    with_permissions,
)

Pairs = Sequence[tuple[str, str]]
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """One API's document; `schemas` are the same promises, with and without what was only seen."""

    def __init__(self, path: Path) -> None:
        self._source: dict[str, Any] = yaml.load(path.read_text("utf-8"), _LOADER)
        if not str(self._source.get("openapi", "")).startswith("3."):
            raise ContractError(f"{path} is not an OpenAPI 3 document")

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The operations in the order of the document."""
        found = []
        for path, item in self._source["paths"].items():
            for method in METHODS:
                if method in item:
                    found.append(self._operation(path, method, item))
        return tuple(found)

    @property
    def described(self) -> dict[str, Any]:
        """The document in OpenAPI's own words: all that was promised or seen."""
        return in_plain_words(self._source)  # type: ignore[no-any-return]

    @property
    def promised(self) -> dict[str, Any]:
        """The document with nothing demanded of an answer that rests on observation alone."""
        return self._pruning.document

    @property
    def observes(self) -> bool:
        """Whether it says anything of an answer that was only seen, beyond that it may come."""
        return self._pruning.dropped

    @cached_property
    def lists_headers(self) -> bool:
        """Whether a header of a response is listed anywhere."""
        return any("headers" in response for response in self._responses())

    @cached_property
    def _pruning(self) -> Pruning:
        return Pruning(self._source)

    def _responses(self) -> Iterator[Mapping[str, Any]]:
        for item in self._source["paths"].values():
            for method in METHODS:
                for response in item.get(method, {}).get("responses", {}).values():
                    yield self._resolved(response)

    def _operation(self, path: str, method: str, item: Mapping[str, Any]) -> Operation:
        definition = item[method]
        parameters = {
            (found["in"], found["name"]): found
            for given in (*item.get("parameters", ()), *definition.get("parameters", ()))
            if (found := self._resolved(given))
        }
        body = self._resolved(definition.get("requestBody", {}))
        components = {"schemas": self._source.get("components", {}).get("schemas", {})}
        return Operation(
            id=definition["operationId"],
            method=method.upper(),
            path=path,
            promised=definition.get("x-basis", item.get("x-basis")) != Basis.OBSERVED,
            parameters=tuple(parameters.values()),
            bodies={kind: media.get("schema", {}) for kind, media in _items(body, "content")},
            body_required=body.get("required", False),
            components=components,
            permitted_components=with_permissions(components),
        )

    def _resolved(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return resolved(self._source, given)


@lru_cache(maxsize=16)
def document_at(path: Path) -> Document:
    """Return the document in a file, which is read once; raises ContractError."""
    return Document(path)


@dataclass(frozen=True, eq=False)
class Operation:
    """What the document says may be sent; it is judged on the text that goes over the wire."""

    id: str
    method: str
    path: str
    promised: bool
    parameters: tuple[Mapping[str, Any], ...]
    bodies: Mapping[str, Json]
    body_required: bool
    components: Mapping[str, Any]
    permitted_components: Mapping[str, Any]
    _validators: dict[tuple[str, bool], Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The operation as a reader of the document knows it."""
        return f"{self.method} {self.path}"

    @cached_property
    def path_names(self) -> tuple[str, ...]:
        """The parameters of the path."""
        return tuple(re.findall(r"{([^}]+)}", self.path))

    @cached_property
    def path_pattern(self) -> re.Pattern[str]:
        """What the operation's raw paths look like."""
        pieces = re.split(r"{[^}]+}", self.path)
        return re.compile("([^/?#]+)".join(re.escape(piece) for piece in pieces))

    def names(self, location: str) -> tuple[str, ...]:
        """Return the names of the parameters in `path`, `query` or `header`."""
        return tuple(p["name"] for p in self.parameters if p["in"] == location)

    def problems(
        self, texts: Mapping[str, Pairs], kind: str | None, body: Json, *, permitted: bool
    ) -> Iterator[Problem]:
        """Yield why a request breaks the schema, or also the permitted one.

        `texts` are the parameters by location as they are on the wire, `kind` the media type of the
        body or None where there is none; a form's body is its pairs.
        """
        for location, pairs in texts.items():
            judge = self._validator(location, permitted)
            yield from complaints(location, judge, _as_read(judge, pairs, kindly=permitted))
        if kind is None:
            if self.body_required:
                yield Problem("body", "required", "there is none, and it is required")
        elif kind in self.bodies:
            judge = self._validator(kind, permitted)
            value = _as_read(judge, body, kindly=permitted) if is_form(kind) else body
            yield from complaints("body", judge, value)

    def _validator(self, place: str, permitted: bool) -> Any:
        """Return the validator of a media type's schema, or of all parameters of one location."""
        key = (place, permitted)
        if key not in self._validators:
            schema = self.bodies[place] if place in self.bodies else self._container(place)
            if permitted:
                schema = with_permissions(schema)
            components = self.permitted_components if permitted else self.components
            self._validators[key] = validator(schema, components)
        return self._validators[key]

    def _container(self, location: str) -> dict[str, Json]:
        here = [p for p in self.parameters if p["in"] == location and "schema" in p]
        plain = [p for p in here if not self._spreads(p)]
        return {
            "type": "object",
            "properties": {p["name"]: p["schema"] for p in plain},
            "required": [p["name"] for p in plain if p.get("required")],
            "allOf": [
                {},
                # Its fields stand among the other parameters, which it does not know.
                *(
                    opened(resolved({"components": self.components}, p["schema"]))
                    for p in here
                    if self._spreads(p) and p.get("required")
                ),
            ],
        }

    def _spreads(self, parameter: Mapping[str, Any]) -> bool:
        """Say whether the parameter is an object whose fields are parameters of their own."""
        schema = resolved({"components": self.components}, parameter["schema"])
        return (
            parameter["in"] == "query"
            and schema.get("type") == "object"
            and parameter.get("style", "form") == "form"
            and parameter.get("explode", True)
        )


def is_form(kind: str | None) -> bool:
    """Say whether bodies of this media type are pairs of text."""
    return kind == "application/x-www-form-urlencoded"


def is_json(kind: str | None) -> bool:
    """Say whether bodies of this media type are JSON."""
    return kind is not None and (kind == "application/json" or kind.endswith("+json"))


def _as_read(judge: Any, pairs: Pairs, *, kindly: bool) -> dict[str, Json]:
    """Return text as a server may read it, where there is a choice so that it fits the schema.

    A field is its text, or the JSON scalar that the text spells. What is repeated is a list, and
    read kindly also any one of its texts.
    """
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    read: dict[str, Json] = {name: found[-1] for name, found in texts.items()}
    for name, found in texts.items():
        spelt = [_spelt(text) for text in found]
        readings: list[Json] = [found, spelt]
        if kindly or len(found) == 1:
            readings = [*found, *spelt, *readings]
        for reading in readings:
            read[name] = reading
            errors = judge.iter_errors(read)
            if not any(error.instance_path[:1] == [name] for error in errors):
                break
        else:
            read[name] = readings[0]
    return read


def _spelt(text: str) -> Json:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, (dict, list)) else value


def _items(node: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    return node.get(name, {}).items()  # type: ignore[no-any-return]

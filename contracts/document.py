"""An OpenAPI document as we read it: what it lists, how sure it is, what it permits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from .model import Basis, ContractError, shortened

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# How a document of ours says more than OpenAPI has words for:
# x-basis      how sure we are; what carries none has that of the nearest object around it
# x-permitted  a JSON merge patch (RFC 7396) for a request schema: only what fails the patched
#              schema too has to be refused
OWN_WORDS = ("x-basis", "x-source", "x-note", "x-permitted")

Json = Any
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
        return _plain(self._source)  # type: ignore[no-any-return]

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
    def _pruning(self) -> _Pruning:
        return _Pruning(self._source)

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
            permitted_components=_permitted(components),
        )

    def _resolved(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return _resolved(self._source, given)


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
    ) -> Iterator[str]:
        """Yield why a request breaks the schema, or also the permitted one.

        `texts` are the parameters by location as they are on the wire, `kind` the media type of the
        body or None where there is none; a form's body is its pairs.
        """
        for location, pairs in texts.items():
            validator = self._validator(location, permitted)
            yield from complaints(location, validator, _as_read(validator, pairs, kindly=permitted))
        if kind is None:
            if self.body_required:
                yield "body: there is none, and it is required"
        elif kind in self.bodies:
            validator = self._validator(kind, permitted)
            value = _as_read(validator, body, kindly=permitted) if is_form(kind) else body
            yield from complaints("body", validator, value)

    def _validator(self, place: str, permitted: bool) -> Any:
        """Return the validator of a media type's schema, or of all parameters of one location."""
        key = (place, permitted)
        if key not in self._validators:
            import jsonschema_rs

            schema = self.bodies[place] if place in self.bodies else self._container(place)
            if permitted:
                schema = _permitted(schema)
            components = self.permitted_components if permitted else self.components
            self._validators[key] = jsonschema_rs.Draft202012Validator(
                {"allOf": [schema], "components": components}, validate_formats=False
            )
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
                    _open(_resolved({"components": self.components}, p["schema"]))
                    for p in here
                    if self._spreads(p) and p.get("required")
                ),
            ],
        }

    def _spreads(self, parameter: Mapping[str, Any]) -> bool:
        """Say whether the parameter is an object whose fields are parameters of their own."""
        schema = _resolved({"components": self.components}, parameter["schema"])
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


def complaints(root: str, validator: Any, value: Json) -> Iterator[str]:
    """Yield in a line each what is wrong with a value, and where: `body.data.id: 5 is not …`."""
    for error in validator.iter_errors(value):
        yield f"{place(root, error.instance_path)}: {readable(error.message, error.instance)}"


def place(root: str, steps: Sequence[str | int]) -> str:
    """Return the path to a value the way that most people write it."""
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def readable(message: str, value: Json) -> str:
    """Return a validator's message with the value in it shortened."""
    written = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if len(written) > 60 and written in message:
        message = message.replace(written, f"{written[:60]}…", 1)
    return shortened(message.encode("utf-8", "replace"), 240)


def _as_read(validator: Any, pairs: Pairs, *, kindly: bool) -> dict[str, Json]:
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
            errors = validator.iter_errors(read)
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


def _resolved(source: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in given:
        steps = given["$ref"].removeprefix("#/").split("/")
        node: Any = source
        for step in steps:
            node = node[step.replace("~1", "/").replace("~0", "~")]
        given = node
    return given


def _items(node: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    return node.get(name, {}).items()  # type: ignore[no-any-return]


def _plain(node: Json) -> Json:
    """Return the node without the words that are ours."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if isinstance(node, dict):
        return {name: _plain(value) for name, value in node.items() if name not in OWN_WORDS}
    return node


def _open(schema: Mapping[str, Json]) -> dict[str, Json]:
    closing = ("additionalProperties", "unevaluatedProperties")
    return {name: value for name, value in schema.items() if name not in closing}


def _permitted(node: Json) -> Json:
    """Return a schema with its permissions in force, and open to fields that it does not know."""
    if isinstance(node, list):
        return [_permitted(item) for item in node]
    if not isinstance(node, dict):
        return node
    rest = {name: value for name, value in node.items() if name != "x-permitted"}
    merged = _patched(rest, node.get("x-permitted", {}))
    result = {
        # Under these more than is permitted would be less.
        name: value if name in ("not", "if") else _permitted(value)
        for name, value in merged.items()
        if not (name in ("additionalProperties", "unevaluatedProperties") and value is False)
    }
    if isinstance(result.get("oneOf"), list):
        # Once they are open, a value may well fit two of them.
        return {"allOf": [result | {"oneOf": [{}]}, {"anyOf": result["oneOf"]}]}
    return result


def _patched(target: Json, patch: Json) -> Json:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _patched(result.get(name), value)
    return result


class _Pruning:
    """Takes out of the responses what rests on observation alone.

    An observed branch of an `anyOf` stays: it permits more, and demands nothing. Schemas that
    requests share with responses are kept twice, for a request is generated from all of them.
    """

    SUFFIX = ".promised"

    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = source
        self._schemas: dict[str, Json] = {}
        self.dropped = False
        self.document: dict[str, Any] = _plain(source)
        for path, item in source["paths"].items():
            made = self.document["paths"][path]
            for method in METHODS:
                if method in item:
                    made[method]["responses"] = self._responses(item, method)
        components = self.document.setdefault("components", {})
        components["schemas"] = components.get("schemas", {}) | self._schemas

    def _responses(self, item: Mapping[str, Any], method: str) -> dict[str, Any]:
        operation = item[method]
        if operation.get("x-basis", item.get("x-basis")) == Basis.OBSERVED:
            self.dropped = True
            return {"default": {"description": NOTHING}}
        responses = operation["responses"]
        return {status: self._pruned(response) for status, response in responses.items()}

    def _pruned(self, node: Json) -> Json:
        if isinstance(node, list):
            return [self._pruned(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return self._referred(node)
        if node.get("x-basis") == Basis.OBSERVED:
            self.dropped |= bool(set(node) - {"description", *OWN_WORDS})
            return {"description": NOTHING}
        result = {}
        for name, value in node.items():
            if name in ("anyOf", "oneOf") and isinstance(value, list):
                result[name] = [self._branch(branch) for branch in value]
            elif name not in OWN_WORDS:
                result[name] = self._pruned(value)
        return result

    def _referred(self, node: Mapping[str, Any]) -> Json:
        """Prune what is referred to: a schema in its own place, for it may refer to itself."""
        place, name = node["$ref"].rsplit("/", 1)
        target = _resolved(self._source, {"$ref": node["$ref"]})
        if not place.endswith("/schemas"):
            return self._pruned(target)
        if name + self.SUFFIX not in self._schemas:
            self._schemas[name + self.SUFFIX] = {}
            self._schemas[name + self.SUFFIX] = self._pruned(target)
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {"$ref": node["$ref"] + self.SUFFIX, **self._pruned(beside)}

    def _branch(self, node: Json) -> Json:
        observed = _resolved(self._source, node).get("x-basis") == Basis.OBSERVED
        return _plain(node) if observed else self._pruned(node)


NOTHING = "Nothing is promised of it."

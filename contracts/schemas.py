"""What is done with schemas: permissions put in force, observations left out, values judged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .model import Basis, shortened

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# How a document of ours says more than OpenAPI has words for:
# x-basis      how sure we are; what carries none has that of the nearest object around it
# x-permitted  a JSON merge patch (RFC 7396) for a request schema: only what fails the patched
#              schema too has to be refused
OWN_WORDS = ("x-basis", "x-source", "x-note", "x-permitted")

Json = Any


class Problem(NamedTuple):
    """What is wrong with a value, and where: `body.data.id: 5 is not of type "string"`."""

    where: str
    keyword: str
    said: str

    def __str__(self) -> str:
        """Return it in a line."""
        return f"{self.where}: {self.said}"


def complaints(root: str, validator: Any, value: Json) -> Iterator[Problem]:
    """Yield what is wrong with a value."""
    for error in validator.iter_errors(value):
        said = readable(error.message, error.instance)
        yield Problem(place(root, error.instance_path), str(error.schema_path[-1]), said)


def place(root: str, steps: Sequence[str | int]) -> str:
    """Return the path to a value the way that most people write it."""
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def readable(message: str, value: Json) -> str:
    """Return a validator's message with the value in it shortened."""
    written = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if len(written) > 60 and written in message:
        message = message.replace(written, f"{written[:60]}…", 1)
    return shortened(message.encode("utf-8", "replace"), 240)


def resolved(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return resolved(self._source, given)


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
            validator = self._validator(location, permitted)
            yield from complaints(location, validator, _as_read(validator, pairs, kindly=permitted))
        if kind is None:
            if self.body_required:
                yield Problem("body", "required", "there is none, and it is required")
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
                schema = permitted(schema)
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


def resolved(source: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in given:
        steps = given["$ref"].removeprefix("#/").split("/")
        node: Any = source
        for step in steps:
            node = node[step.replace("~1", "/").replace("~0", "~")]
        given = node
    return given


def plain(node: Json) -> Json:
    """Return the node without the words that are ours.

    Nor with a format beside a pattern: it adds little, and Schemathesis takes seconds to find
    texts that are wrong for both.
    """
    if isinstance(node, list):
        return [plain(item) for item in node]
    if isinstance(node, dict):
        left_out = {*OWN_WORDS, "format"} if "pattern" in node else OWN_WORDS
        return {name: plain(value) for name, value in node.items() if name not in left_out}
    return node


def opened(schema: Mapping[str, Json]) -> dict[str, Json]:
    closing = ("additionalProperties", "unevaluatedProperties")
    return {name: value for name, value in schema.items() if name not in closing}


def permitted(node: Json) -> Json:
    """Return a schema with its permissions in force, and open to fields that it does not know."""
    if isinstance(node, list):
        return [permitted(item) for item in node]
    if not isinstance(node, dict):
        return node
    rest = {name: value for name, value in node.items() if name != "x-permitted"}
    merged = _patched(rest, node.get("x-permitted", {}))
    result = {
        # Under these more than is permitted would be less.
        name: value if name in ("not", "if") else permitted(value)
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


class Pruning:
    """Takes out of the responses what rests on observation alone.

    An observed branch of an `anyOf` stays: it permits more, and demands nothing. Schemas that
    requests share with responses are kept twice, for a request is generated from all of them.
    """

    SUFFIX = ".promised"

    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = source
        self._schemas: dict[str, Json] = {}
        self.dropped = False
        self.document: dict[str, Any] = plain(source)
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
        target = resolved(self._source, {"$ref": node["$ref"]})
        if not place.endswith("/schemas"):
            return self._pruned(target)
        if name + self.SUFFIX not in self._schemas:
            self._schemas[name + self.SUFFIX] = {}
            self._schemas[name + self.SUFFIX] = self._pruned(target)
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {"$ref": node["$ref"] + self.SUFFIX, **self._pruned(beside)}

    def _branch(self, node: Json) -> Json:
        observed = resolved(self._source, node).get("x-basis") == Basis.OBSERVED
        return plain(node) if observed else self._pruned(node)


NOTHING = "Nothing is promised of it."

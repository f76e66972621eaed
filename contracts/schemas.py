"""What is done with schemas: permissions put in force, observations left out, values judged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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


def validator(schema: Json, components: Mapping[str, Any]) -> Any:
    """Return the validator of a schema that refers to components."""
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(
        {"allOf": [schema], "components": components}, validate_formats=False
    )


def complaints(root: str, judge: Any, value: Json) -> Iterator[Problem]:
    """Yield what a validator has against a value."""
    for error in judge.iter_errors(value):
        error = _nearest(error)
        said = readable(error.message, error.instance)
        yield Problem(place(root, error.instance_path), str(error.schema_path[-1]), said)


def _nearest(error: Any) -> Any:
    """Return, where a value fits no branch of a choice, what keeps it from the likeliest."""
    branches = getattr(error.kind, "context", None)
    if not branches:
        return error
    inner = [_nearest(branch[0]) for branch in branches if branch]
    # A branch for another type was not meant, and the one that was fits the deepest.
    best = max(inner, key=_fit, default=error)
    return best if _fit(best) > (len(error.instance_path), False) else error


def _fit(error: Any) -> tuple[int, bool]:
    return len(error.instance_path), error.kind.name not in ("type", "const", "enum")


def answer_schema(
    view: Mapping[str, Any], path: str, method: str, status: int, media_type: str
) -> Json:
    """Return the schema that a document has for an answer's body."""
    responses = view["paths"][path][method.lower()]["responses"]
    listed = {str(code).upper(): response for code, response in responses.items()}
    codes = (str(status), f"{status // 100}XX", "DEFAULT")
    response = resolved(view, next((listed[code] for code in codes if code in listed), {}))
    kinds = (media_type, media_type.partition("/")[0] + "/*", "*/*")
    content = response.get("content", {})
    media = next((content[kind] for kind in kinds if kind in content), None)
    return (media or {}).get("schema", {})


def place(root: str, steps: Sequence[str | int]) -> str:
    """Return the path to a value the way that most people write it."""
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def readable(message: str, value: Json) -> str:
    """Return a validator's message with the value in it shortened."""
    written = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if len(written) > 60 and written in message:
        message = message.replace(written, f"{written[:60]}…", 1)
    return shortened(message.encode("utf-8", "replace"), 240)


def resolved(source: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a node refers to, or the node where it refers to nothing."""
    while "$ref" in given:
        steps = given["$ref"].removeprefix("#/").split("/")
        node: Any = source
        for step in steps:
            node = node[step.replace("~1", "/").replace("~0", "~")]
        given = node
    return given


def in_plain_words(node: Json) -> Json:
    """Return the node without the words that are ours.

    Nor with a format beside a pattern: it adds little, and Schemathesis takes seconds to find
    texts that are wrong for both.
    """
    if isinstance(node, list):
        return [in_plain_words(item) for item in node]
    if isinstance(node, dict):
        left_out = {*OWN_WORDS, "format"} if "pattern" in node else OWN_WORDS
        return {name: in_plain_words(value) for name, value in node.items() if name not in left_out}
    return node


def opened(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Return a schema of an object without its own word against fields that it does not know."""
    closing = ("additionalProperties", "unevaluatedProperties")
    return {name: value for name, value in schema.items() if name not in closing}


def with_permissions(node: Json) -> Json:
    """Return a schema with its permissions in force, and open to fields that it does not know."""
    if isinstance(node, list):
        return [with_permissions(item) for item in node]
    if not isinstance(node, dict):
        return node
    rest = {name: value for name, value in node.items() if name != "x-permitted"}
    merged = _patched(rest, node.get("x-permitted", {}))
    result = {
        # Under these more than is permitted would be less.
        name: value if name in ("not", "if") else with_permissions(value)
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
        self.document: dict[str, Any] = in_plain_words(source)
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
        return in_plain_words(node) if observed else self._pruned(node)


NOTHING = "Nothing is promised of it."

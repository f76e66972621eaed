"""Schemas of every make as JSON Schema 2020-12, once as a request has them, once as an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ..document import is_json
from ..schemas import Json
from .reading import pointed, resolved

Side = Literal["request", "answer"]

TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
IN_TREE = ("items", "contains", "not", "if", "then", "else", "propertyNames",
           "additionalProperties", "unevaluatedProperties", "unevaluatedItems")  # fmt: skip
IN_MAPS = ("properties", "patternProperties", "dependentSchemas")
IN_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
NUMBERS = ("minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
           "minProperties", "maxProperties", "minContains", "maxContains")  # fmt: skip
CLOSING = ("additionalProperties", "unevaluatedProperties")
TOLD = frozenset({"title", "description", "default", "example", "examples", "deprecated",
                  "externalDocs", "xml", "discriminator", "readOnly", "writeOnly", "$comment",
                  "contentEncoding", "contentMediaType", "contentSchema", "$schema", "$id",
                  "$anchor", "collectionFormat"})  # fmt: skip
KNOWN = TOLD | {
    *IN_TREE, *IN_MAPS, *IN_LISTS, *NUMBERS, "type", "format", "pattern", "enum", "const",
    "required", "uniqueItems", "nullable", "exclusiveMinimum", "exclusiveMaximum",
    "dependentRequired", "$ref", "$defs", "definitions",
}  # fmt: skip
"""Every word of a schema that is understood, be it by leaving it alone."""

OPEN = ".open"
"""What ends the name of a schema that is one part of several, and so knows not all fields."""


class Shapes:
    """The schemas of a document as one side has them, each converted when it is first asked for.

    Where documents are known to say more than their authors mean, the milder reading is taken:
    `oneOf` is `anyOf`, parts of an `allOf` leave room for each other, `nullable` always permits
    null, and a pattern that is no regular expression is left out.
    """

    def __init__(self, source: Mapping[str, Any], side: Side) -> None:
        self._source = source
        self._side = side
        self._made: dict[str, Json] = {}
        self._keys: dict[str, str] = {}
        self._waiting: dict[str, tuple[str, bool]] = {}

    def of(self, node: Json) -> Json:
        """Return a schema; what it refers to is in `components`."""
        return self._schema(node, opened=False)

    def components(self, schema: Json) -> dict[str, Any]:
        """Return the components that a schema needs, and those that they need."""
        found: dict[str, Json] = {}
        waiting = [schema]
        while waiting:
            for name in _named(waiting.pop()):
                if name not in found:
                    found[name] = self._component(name)
                    waiting.append(found[name])
        return {"schemas": found}

    def target(self, schema: Json) -> Json:
        """Return the schema that a converted one refers to, or itself."""
        seen: set[str] = set()
        while isinstance(schema, dict) and "$ref" in schema and len(schema) == 1:
            name = schema["$ref"].rpartition("/")[2]
            if name in seen:
                return {}
            seen.add(name)
            schema = self._component(name)
        return schema

    def _component(self, name: str) -> Json:
        if name not in self._made:
            reference, opened = self._waiting[name]
            target = pointed(self._source, reference, "schema")
            self._made[name] = self._schema(target, opened=opened)
        return self._made[name]

    def _schema(self, node: Json, *, opened: bool) -> Json:
        if isinstance(node, bool):
            return node
        if not isinstance(node, dict):
            return {}
        reference = node.get("$ref")
        if isinstance(reference, str):
            return self._referred(node, reference, opened)
        made: dict[str, Json] = {}
        self._take_words(node, made)
        self._take_bounds(node, made)
        self._take_inner(node, made, opened)
        self._take_required(node, made)
        if isinstance(made.get("items"), bool):
            del made["items"]
        return _nullable(made) if node.get("nullable") is True else made

    def _take_inner(self, node: Mapping[str, Any], made: dict[str, Json], opened: bool) -> None:
        whole = not opened and not any(word in node for word in ("allOf", "anyOf", "oneOf"))
        for word in IN_TREE:
            if word in node and (whole or word not in CLOSING or node[word] is not False):
                within = opened and word in ("if", "then", "else")
                made[word] = self._schema(node[word], opened=within)
        for word in IN_MAPS:
            if isinstance(node.get(word), dict):
                made[word] = {k: self._schema(v, opened=False) for k, v in node[word].items()}
        for word in IN_LISTS:
            if isinstance(node.get(word), list) and node[word]:
                parts = [self._schema(v, opened=opened or word == "allOf") for v in node[word]]
                self._take_parts(made, word, parts)

    def _take_parts(self, made: dict[str, Json], word: str, parts: list[Json]) -> None:
        if word == "oneOf":
            word = "anyOf"
            if "anyOf" in made:
                made.setdefault("allOf", []).append({"anyOf": parts})
                return
        if word == "allOf":
            parts = [*made.get("allOf", []), *parts]
        made[word] = parts

    def _take_words(self, node: Mapping[str, Any], made: dict[str, Json]) -> None:
        kinds = node.get("type")
        listed = kinds if isinstance(kinds, list) else [kinds]
        known = [kind for kind in listed if kind in TYPES]
        if known and len(known) == len(listed):
            made["type"] = kinds
        if isinstance(node.get("enum"), list) and (listed := _listed(node["enum"], kinds)):
            made["enum"] = listed
        if "const" in node:
            made["const"] = node["const"]
        if isinstance(node.get("format"), str):
            made["format"] = node["format"]
        elif self._side == "request" and _is_raw(node):
            made["format"] = "binary"
        if isinstance(node.get("pattern"), str) and is_regular(node["pattern"]):
            made["pattern"] = node["pattern"]
        if isinstance(node.get("uniqueItems"), bool):
            made["uniqueItems"] = node["uniqueItems"]
        if "default" in node:
            made["default"] = node["default"]
        given = node.get("examples", [node["example"]] if "example" in node else None)
        if isinstance(given, list) and given:
            made["examples"] = given

    def _take_bounds(self, node: Mapping[str, Any], made: dict[str, Json]) -> None:
        for word in NUMBERS:
            value = node.get(word)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            if word in ("minimum", "maximum") or value >= 0:
                made[word] = value
        if made.get("multipleOf") == 0:
            del made["multipleOf"]
        for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            value = node.get(word)
            if value is True and bound in made:
                made[word] = made.pop(bound)
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                made[word] = value

    def _take_required(self, node: Mapping[str, Any], made: dict[str, Json]) -> None:
        """Leave out what only the other side has: what is read only is in no request."""
        others = "readOnly" if self._side == "request" else "writeOnly"
        properties = node.get("properties")
        theirs: set[str] = set()
        if isinstance(properties, dict):
            theirs = {name for name, inner in properties.items() if self._says(inner, others)}
        if self._side == "request":
            for name in theirs:
                made["properties"].pop(name)
        required = node.get("required")
        if isinstance(required, list):
            made["required"] = [
                one for one in required if isinstance(one, str) and one not in theirs
            ]

    def _says(self, node: Json, word: str) -> bool:
        if not isinstance(node, dict):
            return False
        if node.get(word) is True:
            return True
        referred = isinstance(node.get("$ref"), str)
        return referred and resolved(self._source, node, "schema").get(word) is True

    def _referred(self, node: Mapping[str, Any], reference: str, opened: bool) -> Json:
        asked = f"{reference}{OPEN if opened else ''}"
        key = self._keys.get(asked)
        if key is None:
            name = reference.removeprefix("#/components/schemas/")
            key = re.sub(r"[^A-Za-z0-9_]+", "-", name) + (OPEN if opened else "")
            while key in self._waiting:
                key += "-"
            self._keys[asked] = key
            self._waiting[key] = (reference, opened)
        made: Json = {"$ref": f"#/components/schemas/{key}"}
        return _nullable(made) if node.get("nullable") is True else made


def _is_raw(node: Mapping[str, Any]) -> bool:
    """Say whether a schema is of a file, as OpenAPI 3.1 says what 3.0 calls `format: binary`."""
    media = node.get("contentMediaType")
    if not isinstance(media, str) or "contentEncoding" in node:
        return False
    return not is_json(media.lower()) and not media.lower().startswith("text/")


def _listed(values: list[Json], kind: Json) -> list[Json]:
    """Return what an `enum` lists; of texts that somebody wrote as numbers, both readings.

    It is empty where no value is of the schema's own type: nothing would be good.
    """
    if kind == "string":
        others = [value for value in values if not isinstance(value, (str, type(None)))]
        return [*values, *(json.dumps(value) for value in others)]
    if kind in ("integer", "number"):
        fitting = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
        return values if fitting else []
    return values


def _nullable(made: Json) -> Json:
    told = {word: made.pop(word) for word in ("default", "examples") if word in made}
    return {"anyOf": [made, {"type": "null"}], **told}


def _named(node: Json) -> Iterator[str]:
    """Yield the names of the components that a converted schema refers to."""
    if isinstance(node, dict):
        for word, value in node.items():
            if word == "$ref" and isinstance(value, str):
                yield value.rpartition("/")[2]
            elif word in IN_MAPS:
                for inner in value.values():
                    yield from _named(inner)
            elif word not in ("enum", "const", "default", "examples"):
                yield from _named(value)
    elif isinstance(node, list):
        for item in node:
            yield from _named(item)


def is_regular(pattern: str) -> bool:
    """Say whether a pattern is a regular expression, and one that both our libraries read."""
    import jsonschema_rs

    if re.fullmatch(r"/.*/[a-z]*", pattern, re.DOTALL):
        return False  # as JavaScript writes it: the slashes are not meant to be found
    try:
        re.compile(pattern)
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, validate_formats=False)
    except Exception:
        return False
    return True

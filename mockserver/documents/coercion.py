"""Texts as the values that a schema means: a parameter and a form know nothing but texts."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from .schemas import Schema, Schemas, fits

Raw = str | list[Any] | dict[str, Any]
"""A text, a list of them, or an object of them."""

ALL = frozenset({"string", "integer", "number", "boolean", "null", "array", "object"})
MOST_DEEP = 12
MOST_STEPS = 5000

_WHOLE = re.compile(r"[+-]?\d{1,300}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")


class Coercion:
    """Reads texts by what a schema lets through."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._steps = 0

    def _is_over(self, schema: Schema, depth: int) -> bool:
        """Say whether there is nothing to look at, or enough was looked at: some never end."""
        self._steps = self._steps + 1 if depth else 0
        return not isinstance(schema, dict) or depth > MOST_DEEP or self._steps > MOST_STEPS

    def kinds(self, schema: Schema, depth: int = 0) -> frozenset[str]:
        """Return the types that a schema may let through."""
        if self._is_over(schema, depth) or not isinstance(schema, dict):
            return ALL
        found = ALL
        if "type" in schema:
            types = schema["type"]
            found = frozenset(types if isinstance(types, list) else [types])
        elif "properties" in schema:
            found = frozenset({"object"})
        elif "items" in schema:
            found = frozenset({"array"})
        elif "enum" in schema or "const" in schema:
            found = frozenset(map(_kind, schema.get("enum", [schema.get("const")])))
        for part in self._together(schema):
            found &= self.kinds(part, depth + 1)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                found &= frozenset().union(*(self.kinds(one, depth + 1) for one in schema[key]))
        return found

    def members(self, schema: Schema, depth: int = 0) -> dict[str, Schema]:
        """Return the members that a schema names, those of its parts and alternatives too."""
        if self._is_over(schema, depth) or not isinstance(schema, dict):
            return {}
        found: dict[str, Schema] = dict(schema.get("properties", {}))
        choices = [one for key in ("anyOf", "oneOf") for one in schema.get(key, ())]
        for part in (*self._together(schema), *choices):
            for name, one in self.members(part, depth + 1).items():
                found.setdefault(name, one)
        return found

    def is_open(self, schema: Schema, depth: int = 0) -> bool:
        """Say whether a schema speaks of members that it does not name, and lets some through."""
        if self._is_over(schema, depth) or not isinstance(schema, dict):
            return False
        if schema.get("additionalProperties", False) is not False:
            return True
        return any(self.is_open(part, depth + 1) for part in self._together(schema))

    def items(self, schema: Schema, depth: int = 0) -> Schema:
        """Return the schema of an array's items."""
        if self._is_over(schema, depth) or not isinstance(schema, dict):
            return True
        if "items" in schema:
            return schema["items"]  # type: ignore[no-any-return]
        choices = [one for key in ("anyOf", "oneOf") for one in schema.get(key, ())]
        for part in (*self._together(schema), *choices):
            if (found := self.items(part, depth + 1)) is not True:
                return found
        return True

    def value(self, raw: Raw, schema: Schema, depth: int = 0) -> Any:
        """Return what a text, a list or an object of texts means; as it is where nothing fits."""
        if depth > MOST_DEEP:
            return raw
        if isinstance(raw, dict):
            return self._object(raw, schema, depth)
        kinds = self.kinds(schema)
        if isinstance(raw, list) or kinds <= {"array", "null"}:
            one = self.items(schema)
            items = raw if isinstance(raw, list) else [raw]
            return [self.value(item, one, depth + 1) for item in items]
        return self._scalar(raw, schema, kinds)

    def _object(self, raw: dict[str, Any], schema: Schema, depth: int) -> Any:
        if "array" in self.kinds(schema) and all(key.isdecimal() or not key for key in raw):
            listed = [one for key in raw for one in (raw[key] if not key else [raw[key]])]
            return self.value(listed, schema, depth + 1)
        members = self.members(schema)
        return {
            name: self.value(one, members.get(name, True), depth + 1) for name, one in raw.items()
        }

    def _scalar(self, text: str, schema: Schema, kinds: frozenset[str]) -> Any:
        tried = list(_readings(text, kinds))
        if len(tried) == 1:
            return tried[0]
        validator = self._schemas.holding(schema)
        return next((one for one in tried if fits(validator, one)), tried[0] if tried else text)

    def _together(self, schema: dict[str, Any]) -> list[Schema]:
        found: list[Schema] = list(islice(schema.get("allOf", ()), 50))
        if "$ref" in schema:
            found.append(self._schemas.at(schema["$ref"]))
        return found


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    kinds = {str: "string", int: "integer", float: "number", list: "array"}
    return kinds.get(type(value), "object")


def _readings(text: str, kinds: frozenset[str]) -> list[Any]:
    """Return what a text can mean, the narrowest first."""
    found: list[Any] = []
    if kinds & {"integer", "number"} and _WHOLE.fullmatch(text):
        found.append(int(text))
    elif kinds & {"integer", "number"} and _NUMBER.fullmatch(text):
        found.append(float(text))
    if "boolean" in kinds and text in ("true", "false"):
        found.append(text == "true")
    if "null" in kinds and text in ("", "null"):
        found.append(None)
    if "string" in kinds or not found:
        found.append(text)
    return found

"""Schemas that hold together, as one: what `allOf`, references and alternatives amount to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from .schemas import LEFT_OUT, Schema

TOLD = "x-counterfoil-told"
"""The members that tell alternatives apart, with the value that each has in this one."""


class Conflict(Exception):
    """Nothing can fit both schemas, as far as their types and values say."""


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema for what fits both; `one` goes first. Raises Conflict."""
    found = dict(one)
    for key, value in _allowed(other, one).items():
        if key not in found:
            found[key] = value
        elif (join := _JOINS.get(key)) is not None:
            found[key] = join(found[key], value)
    if one.get("additionalProperties") is not False:
        narrow = _allowed(found, other)
        found["properties"] = narrow["properties"] if "properties" in narrow else {}
        if not found["properties"]:
            del found["properties"]
    return found


def _allowed(schema: Mapping[str, Any], closed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema without the members that a closed one does not let in."""
    if closed.get("additionalProperties") is not False or closed.get("patternProperties"):
        return schema
    known = closed.get("properties", {})
    members = {name: one for name, one in schema.get("properties", {}).items() if name in known}
    return {**schema, "properties": members}


def _types(one: Any, other: Any) -> Any:
    mine, theirs = _listed(one), _listed(other)
    both = [
        kind
        for kind in mine
        if kind in theirs or (kind == "integer" and "number" in theirs)
    ]  # fmt: skip
    if "number" in mine and "integer" in theirs and "integer" not in both:
        both.append("integer")
    if not both:
        raise Conflict
    return both[0] if len(both) == 1 else both


def _listed(types: Any) -> list[str]:
    return types if isinstance(types, list) else [types]


def _values(one: list[Any], other: list[Any]) -> list[Any]:
    both = [value for value in one if value in other]
    if not both:
        raise Conflict
    return both


def _same(one: Any, other: Any) -> Any:
    if one != other:
        raise Conflict
    return one


def _members(one: dict[str, Schema], other: dict[str, Schema]) -> dict[str, Schema]:
    found = dict(one)
    for name, schema in other.items():
        found[name] = _both(found[name], schema) if name in found else schema
    return found


def _both(one: Schema, other: Schema) -> Schema:
    if one is True or one == other or one == {}:
        return other
    if other is True or other == {}:
        return one
    left_out = any(isinstance(part, dict) and part.get(LEFT_OUT) for part in (one, other))
    return {"allOf": [one, other], **({LEFT_OUT: True} if left_out else {})}


def _union(one: list[str], other: list[str]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))


def _multiple(one: float, other: float) -> float:
    if float(one).is_integer() and float(other).is_integer():
        return math.lcm(int(one), int(other))
    return min(one, other) if max(one, other) % min(one, other) else max(one, other)


_JOINS: Mapping[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "enum": _values,
    "const": _same,
    "properties": _members,
    "patternProperties": _members,
    "required": _union,
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "minItems": max,
    "minProperties": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
    "maxItems": min,
    "maxProperties": min,
    "uniqueItems": lambda one, other: one or other,
    "multipleOf": _multiple,
    "items": _both,
    "additionalProperties": _both,
    LEFT_OUT: lambda one, other: one or other,
    TOLD: lambda one, other: {**other, **one},
}

"""Values that fit a schema: from what it says by example where that may be, else made by chance."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from .chance import Chance
from .formats import word
from .merging import TOLD, Conflict, merged
from .patterns import compiled
from .scalars import number_for, text_for_schema
from .schemas import LEFT_OUT, Schema, Schemas, fits

MOST_DEPTH = 30
MOST_DETAIL = 5
"""Levels that are made at all, and levels that have what they need not have."""

MOST_VALUES = 20_000
ENOUGH = 400
"""Values that are made at all, and after how many nothing is made that need not be."""

MOST_TRIES = 12
"""Alternatives of a schema that are tried."""

COMBINED = frozenset(
    {"$ref", "allOf", "anyOf", "oneOf", "not", "if", "contains", "dependentSchemas",
     "dependentRequired", "unevaluatedProperties", "unevaluatedItems", "propertyNames"}
)  # fmt: skip


class Unmade(Exception):
    """No value was found that fits a schema."""


class Maker:
    """Makes one value; `plain` leaves aside what the schemas say by example or default."""

    def __init__(self, schemas: Schemas, chance: Chance, *, plain: bool = False) -> None:
        self._schemas = schemas
        self._chance = chance
        self._plain = plain
        self._count = self._steps = 0

    def make(self, schema: Schema) -> Any:
        """Return a value that fits a schema; raises Unmade."""
        return self._make(schema, self._chance, 0, frozenset())

    def _make(self, schema: Schema, chance: Chance, depth: int, within: frozenset[str]) -> Any:
        self._count += 1
        if depth > MOST_DEPTH or self._count > MOST_VALUES:
            raise Unmade
        own = schema if isinstance(schema, dict) else {}
        within |= self._names(own)
        validator = self._schemas.holding(schema)
        checks = depth == 0 or bool(COMBINED & own.keys()) or schema is False
        options = list(islice(self._options(schema, chance, within), MOST_TRIES))
        for bare in (False, True):
            for place, option in enumerate(options):
                try:
                    value = self._value(option, chance.at(place), depth, within, bare)
                except Unmade:
                    continue
                if not checks or fits(validator, value):
                    return value
        raise Unmade

    def _names(self, schema: dict[str, Any]) -> frozenset[str]:
        """Return the names of the schemas that one begins with, whatever the references between."""
        found = refs_in(schema)
        for _ in range(MOST_DEPTH):
            named = self._schemas.at(schema["$ref"]) if "$ref" in schema else False
            if not isinstance(named, dict):
                break
            schema = named
            found |= refs_in(schema)
        return found

    # A schema without alternatives

    def _options(
        self, schema: Schema, chance: Chance, within: frozenset[str], depth: int = 0
    ) -> Iterator[dict[str, Any]]:
        """Yield what the schema amounts to, for each way to choose among its alternatives."""
        self._steps += 1
        if self._steps > MOST_VALUES:
            raise Unmade  # alternatives of alternatives, without end
        if schema is False or depth > MOST_DEPTH:
            return
        if schema is True:
            yield {}
            return
        own = {key: one for key, one in schema.items() if key not in _PARTS}
        yield from self._joined(own, self._parts(schema, chance, within), chance, within, depth)

    def _parts(
        self, schema: dict[str, Any], chance: Chance, within: frozenset[str]
    ) -> list[list[Schema]]:
        """Return of what there has to be one each, the likeliest first."""
        parts: list[list[Schema]] = []
        if "$ref" in schema:
            parts.append([self._told(schema["$ref"])])
        parts += [[one] for one in schema.get("allOf", ())]
        for key in ("oneOf", "anyOf"):
            if key in schema:
                parts.append(self._ordered(schema, schema[key], chance.at(key), within))
        return parts

    def _told(self, urn: str) -> Schema:
        """Return a schema by name; one that tells its heirs apart is told its own name."""
        found = self._schemas.at(urn)
        if isinstance(found, dict) and "discriminator" in found and not _alternatives(found):
            names = found["discriminator"]["names"]
            return self._telling(found, found, names.get(urn) or self._schemas.name(urn))
        return found

    def _telling(self, schema: Schema, by: dict[str, Any], name: str) -> Schema:
        return {"allOf": [schema], TOLD: {by["discriminator"]["propertyName"]: name}}

    def _ordered(
        self, schema: dict[str, Any], choices: list[Schema], chance: Chance, within: frozenset[str]
    ) -> list[Schema]:
        """Return alternatives, one by chance first; null, and what would go on for ever, last."""
        first = chance.below(len(choices))
        turned = [*choices[first:], *choices[:first]]
        known = within - refs_in(schema)
        turned.sort(key=lambda one: (_is_null(one), bool(refs_in(one) & known)))
        if "discriminator" not in schema:
            return turned
        names = schema["discriminator"]["names"]
        return [
            self._telling(one, schema, names.get(one["$ref"]) or self._schemas.name(one["$ref"]))
            if isinstance(one, dict) and "$ref" in one
            else one
            for one in turned
        ]

    def _joined(
        self, found: dict[str, Any], parts: list[list[Schema]], chance: Chance,
        within: frozenset[str], depth: int,
    ) -> Iterator[dict[str, Any]]:  # fmt: skip
        if not parts:
            yield found
            return
        for choice in parts[0]:
            for option in self._options(choice, chance.at(len(parts)), within, depth + 1):
                try:
                    both = merged(found, option)
                except Conflict:
                    continue
                yield from self._joined(both, parts[1:], chance, within, depth)

    # A value of it

    def _value(
        self,
        schema: dict[str, Any],
        chance: Chance,
        depth: int,
        within: frozenset[str],
        bare: bool,
    ) -> Any:
        """Return a value; a `bare` one has nothing that need not be there."""
        for value in () if self._plain else _said(schema):
            if fits(self._schemas.holding(_checkable(schema)), value):
                return value
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            allowed = [one for one in schema["enum"] if self._fits_type(schema, one)]
            if not allowed:
                raise Unmade
            return chance.one_of([one for one in allowed if one is not None] or allowed)
        kind = _kind(schema, depth, chance)
        if kind == "object":
            if bare:
                schema = {**schema, "maxProperties": len(schema.get("required", ()))}
            return self._object(schema, chance, depth, within)
        if kind == "array":
            return self._array(schema, chance, depth, within)
        return _scalar(kind, schema, chance)

    def _fits_type(self, schema: dict[str, Any], value: object) -> bool:
        return "type" not in schema or fits(self._schemas.holding({"type": schema["type"]}), value)

    def _object(
        self, schema: dict[str, Any], chance: Chance, depth: int, within: frozenset[str]
    ) -> dict[str, Any]:
        members = schema.get("properties", {})
        required = dict.fromkeys(schema.get("required", ()))
        most = int(schema.get("maxProperties", len(members) + len(required)))
        room = most - len(required)
        made: dict[str, Any] = {}
        for name in dict.fromkeys([*members, *required]):
            if name not in required and (
                room <= 0 or not self._wanted(members[name], depth, within)
            ):
                continue
            member = members[name] if name in members else _open_member(schema, name)
            try:
                made[name] = self._member(schema, name, member, chance, depth, within)
            except Unmade:
                if name in required:
                    raise
                continue
            room -= name not in required
        self._follow_up(schema, made, chance, depth, within)
        self._fill(schema, made, chance, depth, within)
        return made

    def _member(
        self, schema: dict[str, Any], name: str, member: Schema, chance: Chance, depth: int,
        within: frozenset[str],
    ) -> Any:  # fmt: skip
        told = schema.get(TOLD, {}).get(name)
        if told is not None and fits(self._schemas.holding(member), told):
            return told
        return self._make(member, chance.at(name), depth + 1, within)

    def _wanted(self, member: Schema, depth: int, within: frozenset[str]) -> bool:
        """Say whether a member that need not be there is made."""
        if member is False or (isinstance(member, dict) and member.get(LEFT_OUT)):
            return False
        if depth >= MOST_DETAIL or self._count > ENOUGH:
            return False
        return not refs_in(member) & within

    def _follow_up(
        self, schema: dict[str, Any], made: dict[str, Any], chance: Chance, depth: int,
        within: frozenset[str],
    ) -> None:  # fmt: skip
        """Make the members that others bring along."""
        for name, needed in schema.get("dependentRequired", {}).items():
            for other in needed if name in made and isinstance(needed, list) else ():
                if other not in made:
                    member = schema.get("properties", {}).get(other, True)
                    made[other] = self._make(member, chance.at(other), depth + 1, within)

    def _fill(
        self, schema: dict[str, Any], made: dict[str, Any], chance: Chance, depth: int,
        within: frozenset[str],
    ) -> None:  # fmt: skip
        """Make members under names of our own, where there should be more, or there are none."""
        least = int(schema.get("minProperties", 0))
        others = schema.get("additionalProperties", True)
        free = isinstance(others, dict) and not made and self._wanted(others, depth, within)
        if free and schema.get("maxProperties", 1) >= 1:
            least = max(least, 1)
        for place in range(MOST_TRIES + least):
            if len(made) >= least:
                return
            name = self._name(schema, chance.at("name", place), depth, within)
            if name in made:
                name = f"{name}{place}"
            try:
                made[name] = self._make(
                    _open_member(schema, name), chance.at(name), depth + 1, within
                )
            except Unmade:
                continue

    def _name(
        self, schema: dict[str, Any], chance: Chance, depth: int, within: frozenset[str]
    ) -> str:
        patterns = schema.get("patternProperties")
        if patterns:
            return text_for_schema({"pattern": chance.one_of(list(patterns))}, chance) or "a"
        if "propertyNames" in schema:
            named = {"allOf": [schema["propertyNames"], {"type": "string"}]}
            return str(self._make(named, chance, depth + 1, within))
        return word(chance)

    def _array(
        self, schema: dict[str, Any], chance: Chance, depth: int, within: frozenset[str]
    ) -> list[Any]:
        first: list[Schema] = schema.get("prefixItems", [])
        items: Schema = schema.get("items", True)
        least = int(schema.get("minItems", 0))
        most = int(schema.get("maxItems", 50 + least))
        needless = items is False or not self._wanted(items, depth, within)
        count = least if needless else max(least, len(first) + 1 + chance.below(2))
        held = (
            [schema["contains"]] * int(schema.get("minContains", 1)) if "contains" in schema else []
        )
        made: list[Any] = []
        for place in range(min(most, max(count, len(held)))):
            one = first[place] if place < len(first) else items
            if len(first) <= place < len(first) + len(held):
                one = {"allOf": [one, held[place - len(first)]]}
            try:
                made.append(self._item(schema, one, made, chance.at(place), depth, within))
            except Unmade:
                if place < least or place < len(held):
                    raise
                break
        return made

    def _item(
        self, schema: dict[str, Any], item: Schema, before: list[Any], chance: Chance, depth: int,
        within: frozenset[str],
    ) -> Any:  # fmt: skip
        for turn in range(MOST_TRIES if schema.get("uniqueItems") else 1):
            made = self._make(item, chance.at("turn", turn) if turn else chance, depth + 1, within)
            if not schema.get("uniqueItems") or made not in before:
                return made
            item = _without_said(item)
        raise Unmade


_PARTS = ("$ref", "allOf", "anyOf", "oneOf")


def _alternatives(schema: dict[str, Any]) -> bool:
    return "oneOf" in schema or "anyOf" in schema


def refs_in(schema: Schema) -> frozenset[str]:
    """Return the names of the schemas that one begins with, its items and alternatives included."""
    if not isinstance(schema, dict):
        return frozenset()
    found = {schema["$ref"]} if "$ref" in schema else set()
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key, ()):
            found |= refs_in(part)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found |= refs_in(schema[key])
    return frozenset(found)


def _is_null(schema: Schema) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"


def _said(schema: dict[str, Any]) -> Iterator[Any]:
    """Yield what a schema says by example."""
    if "example" in schema:
        yield schema["example"]
    if isinstance(schema.get("examples"), list):
        yield from schema["examples"]
    if "default" in schema:
        yield schema["default"]


def _without_said(schema: Schema) -> Schema:
    """Return a schema of an item that says nothing by example: that would be the same again."""
    if not isinstance(schema, dict):
        return schema
    return {
        key: one for key, one in schema.items() if key not in ("example", "examples", "default")
    }


def _checkable(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in schema.items() if key not in (TOLD, LEFT_OUT, "discriminator")}


def _open_member(schema: dict[str, Any], name: str) -> Schema:
    """Return the schema of a member that has no name in the schema."""
    for pattern, member in schema.get("patternProperties", {}).items():
        found = compiled(pattern)
        if found is not None and found.search(name):
            return member  # type: ignore[no-any-return]
    return schema.get("additionalProperties", True)  # type: ignore[no-any-return]


_HINTS = (
    ("object", ("properties", "required", "additionalProperties", "patternProperties",
                "minProperties", "propertyNames")),
    ("array", ("items", "prefixItems", "minItems", "contains")),
    ("string", ("minLength", "maxLength", "pattern", "format")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)  # fmt: skip


def _kind(schema: dict[str, Any], depth: int, chance: Chance) -> str:
    """Return of what type a value is made: null only where it can be nothing else."""
    types = schema.get("type")
    if types is None:
        found = (kind for kind, keys in _HINTS if any(key in schema for key in keys))
        return next(found, "string" if depth else "object")
    listed = types if isinstance(types, list) else [types]
    kinds: list[str] = [kind for kind in listed if kind != "null"]
    return chance.one_of(kinds or ["null"])


def _scalar(kind: str, schema: dict[str, Any], chance: Chance) -> Any:
    if kind == "null":
        return None
    if kind == "boolean":
        return bool(chance.below(2))
    made = (
        text_for_schema(schema, chance)
        if kind == "string"
        else number_for(schema, chance, whole=kind == "integer")
    )
    if made is None:
        raise Unmade
    return made

"""The schemas of a document as JSON Schema 2020-12, for what comes in and for what goes out.

What OpenAPI 3.0 says in its own way (`nullable`, exclusive bounds that are true, siblings of `$ref`
that count for nothing) is said in JSON Schema's; a member that is `readOnly` need not come in, and
one that is `writeOnly` does not go out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource, Unresolvable
from referencing.jsonschema import DRAFT202012

from .formats import CHECKED
from .loading import DocumentError
from .patterns import compiled, python_pattern
from .references import Files, Node

Direction = Literal["request", "response", "loose"]
"""What comes in, what goes out, and what goes out where nothing fits just one alternative.

Where a discriminator tells alternatives apart, several may fit but for what it says.
"""
Schema = dict[str, Any] | bool

SCHEMAS = ("allOf", "anyOf", "oneOf", "prefixItems")
SCHEMA = (
    "not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
NAMED = ("properties", "patternProperties", "dependentSchemas")
PLAIN = (
    "format", "enum", "const", "multipleOf", "maximum", "minimum", "exclusiveMaximum",
    "exclusiveMinimum", "maxLength", "minLength", "maxItems", "minItems", "uniqueItems",
    "maxProperties", "minProperties", "minContains", "maxContains", "dependentRequired",
    "default", "example", "examples",
)  # fmt: skip

LEFT_OUT = "x-counterfoil-left-out"
"""Marks a schema of a member that does not go out."""


class Schemas:
    """Schemas by where they stand, made when they are first asked for."""

    def __init__(self, files: Files, version: str) -> None:
        self._files = files
        self._old = version.startswith("3.0")
        self._urns: dict[tuple[str, str, Direction], str] = {}
        self._nodes: dict[str, tuple[Node, Direction]] = {}
        self._made: dict[str, Schema] = {}
        self._registry: Registry[Any] = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]
        self._validators: dict[str, Draft202012Validator] = {}

    def urn(self, node: Node, direction: Direction) -> str:
        """Return the name that a schema goes by, once it is known where it stands."""
        place = (str(node.file), node.pointer, direction)
        if place not in self._urns:
            urn = f"urn:schema:{len(self._urns)}"
            self._urns[place] = urn
            self._nodes[urn] = (node, direction)
        return self._urns[place]

    def name(self, urn: str) -> str:
        """Return what the author called a schema: the last part of where it stands."""
        return self._nodes[urn][0].pointer.rpartition("/")[2]

    def at(self, urn: str) -> Schema:
        """Return the schema of a name, in JSON Schema's words."""
        if urn not in self._made:
            node, direction = self._nodes[urn]
            self._made[urn] = self._translated(node, direction)
        return self._made[urn]

    def validator(self, urn: str) -> Draft202012Validator:
        """Return what holds values to the schema of a name."""
        if urn not in self._validators:
            self._validators[urn] = self.holding({"$ref": urn})
        return self._validators[urn]

    def holding(self, schema: Schema) -> Draft202012Validator:
        """Return what holds values to a schema that has no name."""
        return EXACT(schema, registry=self._registry, format_checker=CHECKED)

    def _retrieve(self, urn: str) -> Resource[Any]:
        if urn not in self._nodes:
            raise NoSuchResource(urn)
        return DRAFT202012.create_resource(self.at(urn))

    # In JSON Schema's words

    def _translated(self, node: Node, direction: Direction) -> Schema:
        value = node.value
        if not isinstance(value, dict):
            return value is not False
        if isinstance(value.get("$ref"), str):
            target = self.urn(self._files.target(node), direction)
            if self._old:
                return {"$ref": target}
            own = self._own(node, direction)
            return {"$ref": target, **own} if own else {"$ref": target}
        return self._own(node, direction)

    def _own(self, node: Node, direction: Direction) -> dict[str, Any]:
        value = node.value
        made: dict[str, Any] = {key: value[key] for key in PLAIN if key in value}
        for key in SCHEMAS:
            if value.get(key):
                inner = node.child(key)
                made[key] = [
                    self._translated(inner.child(place), direction)
                    for place in range(len(inner.value))
                ]
        for key in SCHEMA:
            if key in value:
                made[key] = self._translated(node.child(key), direction)
        for key in NAMED:
            if key in value:
                made[key] = dict(self._named(node.child(key), direction))
        self._require(made, node, direction)
        self._bound(made)
        self._match(made, value)
        self._discriminate(made, node, direction)
        return self._typed(made, value, direction)

    def _named(self, node: Node, direction: Direction) -> Iterator[tuple[str, Schema]]:
        for name in node.value:
            made = self._translated(node.child(name), direction)
            if direction != "request" and self._is(node.child(name), "writeOnly"):
                made = {**made, LEFT_OUT: True} if isinstance(made, dict) else {LEFT_OUT: True}
            if node.pointer.endswith("/patternProperties"):
                if compiled(name) is None:
                    continue
                name = python_pattern(name)
            yield name, made

    def _is(self, node: Node, mark: str) -> bool:
        """Say whether a schema has a mark, itself or where it refers to."""
        value = self._files.follow(node).value
        if not isinstance(value, dict):
            return False
        # A reference that needs a mark has company in an allOf, as 3.0 knows no siblings.
        parts = [value, *self._parts(self._files.follow(node))]
        own = node.value if isinstance(node.value, dict) and not self._old else {}
        return any(part.get(mark) is True for part in (*parts, own))

    def _parts(self, node: Node) -> Iterator[dict[str, Any]]:
        inner = node.get("allOf")
        for place in range(len(inner.value)) if inner is not None else ():
            part = self._files.follow(inner.child(place)).value  # type: ignore[union-attr]
            if isinstance(part, dict):
                yield part

    def _require(self, made: dict[str, Any], node: Node, direction: Direction) -> None:
        """Require what is required of this direction."""
        names = node.value.get("required")
        if not names:
            return
        mark = "readOnly" if direction == "request" else "writeOnly"
        members = node.get("properties")
        spared = {
            name
            for name in names
            if members is not None and name in members.value and self._is(members.child(name), mark)
        }
        made["required"] = [name for name in dict.fromkeys(names) if name not in spared]

    def _bound(self, made: dict[str, Any]) -> None:
        """Say in a number what 3.0 says by true: that a bound is not reached itself."""
        for key, plain in (("exclusiveMaximum", "maximum"), ("exclusiveMinimum", "minimum")):
            if isinstance(made.get(key), bool):
                if made.pop(key) and plain in made:
                    made[key] = made.pop(plain)
        for key in ("maxLength", "minLength", "maxItems", "minItems"):
            if key in made:
                made[key] = int(made[key])
        if made.get("multipleOf", 1) <= 0:
            del made["multipleOf"]
        if not made.get("enum", [0]):
            del made["enum"]

    def _match(self, made: dict[str, Any], value: Mapping[str, Any]) -> None:
        if "pattern" in value and compiled(value["pattern"]) is not None:
            made["pattern"] = python_pattern(value["pattern"])

    def _discriminate(self, made: dict[str, Any], node: Node, direction: Direction) -> None:
        """Keep by which name each schema goes in the member that tells them apart."""
        said = node.value.get("discriminator")
        if not isinstance(said, dict) or "propertyName" not in said:
            return
        names: dict[str, str] = {}
        for name, target in said.get("mapping", {}).items():
            plain = target if "/" in target or "." in target else f"#/components/schemas/{target}"
            at = Node({"$ref": plain}, node.file, node.pointer)
            try:
                names.setdefault(self.urn(self._files.target(at), direction), name)
            except DocumentError:
                continue
        made["discriminator"] = {"propertyName": said["propertyName"], "names": names}
        if direction != "response" and "oneOf" in made and "anyOf" not in made:
            made["anyOf"] = made.pop("oneOf")

    def _typed(
        self, made: dict[str, Any], value: Mapping[str, Any], direction: Direction
    ) -> dict[str, Any]:
        """Say the types, null among them where 3.0 says that something is `nullable`.

        It says so beside a type, and null is among the values of an enumeration (3.0.3, Schema
        Object, and the proposal that it names). What goes out keeps to that; who sends null where
        it is nearly said is let through.
        """
        types = value.get("type")
        if types is not None:
            made["type"] = types
        if value.get("nullable") is not True or not self._old:
            return made
        if isinstance(types, str) and ("enum" not in made or None in made["enum"]):
            return {**made, "type": [types, "null"]}
        if direction != "request":
            return made
        return {"anyOf": [made, {"type": "null"}]} if made else {}


def _multiple_of(
    validator: Draft202012Validator, step: float, value: object, schema: Schema
) -> Iterator[ValidationError]:
    """Divide as decimals, as JSON writes numbers: by floats 0.07 is no multiple of 0.01."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if Fraction(str(value)) % Fraction(str(step)):
            yield ValidationError(f"{value!r} is not a multiple of {step}")


EXACT = extend(Draft202012Validator, {"multipleOf": _multiple_of})


def problems_in(validator: Draft202012Validator, value: object) -> list[ValidationError]:
    """Return in what a value differs from a schema: nothing where it fits."""
    try:
        return sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.path)))
    except (RecursionError, Unresolvable, OverflowError, ValueError) as error:
        return [ValidationError(f"cannot be held to its schema ({type(error).__name__})")]


def fits(validator: Draft202012Validator, value: object) -> bool:
    """Say whether a value fits a schema."""
    try:
        return bool(validator.is_valid(value))
    except (RecursionError, Unresolvable, OverflowError, ValueError):
        return False

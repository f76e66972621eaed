"""The plainest value that a schema permits: what the document itself shows, else the least."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..drawing import texts_like
from ..schemas import Json
from .shapes import Shapes

FORMATS: Mapping[str, str] = {
    "date": "2024-02-29", "date-time": "2024-02-29T12:30:00Z", "time": "12:30:00Z",
    "duration": "PT5M", "email": "someone@example.com", "idn-email": "someone@example.com",
    "hostname": "example.com", "idn-hostname": "example.com", "ipv4": "192.0.2.1",
    "ip": "192.0.2.1", "ipv6": "2001:db8::1", "uri": "https://example.com/",
    "url": "https://example.com/", "uri-reference": "/a", "iri": "https://example.com/",
    "uuid": "5d2a6c0e-1f3b-4a7d-8c9e-0b1a2c3d4e5f", "guid": "5d2a6c0e-1f3b-4a7d-8c9e-0b1a2c3d4e5f",
    "byte": "YQ==", "regex": "a", "json-pointer": "/a", "int32": "1", "int64": "1",
}  # fmt: skip

TEXTS = ("a", "a1", "abc", "A", "AB", "ABC", "1", "0", "12", "123", "+15550100", "abc-def",
         "user_1", "example.com", "https://example.com/", "someone@example.com", "12345", "#a1b2c3",
         "1.0", "1.0.0", "2024-02-29", "en", "en-US", "USD", "12:30", "/a",
         *FORMATS.values())  # fmt: skip
"""What is tried where a pattern has to fit."""

DEEPEST = 8


class Unmade(Exception):
    """No plain value comes to mind for a schema."""


def plain(shapes: Shapes, schema: Json, *, whole: bool = False, shown: bool = True) -> Json:
    """Return a plain value; `whole` has what is optional as well. Raises Unmade.

    What is `shown` is the document's own, and need not fit its schema.
    """
    return _Plain(shapes, whole, shown).value(schema, 0)


class _Plain:
    def __init__(self, shapes: Shapes, whole: bool, shown: bool) -> None:
        self._shapes = shapes
        self._first_of = ("examples", "enum") if shown else ("enum",)
        self._whole = whole

    def value(self, schema: Json, depth: int) -> Json:
        if depth > DEEPEST:
            raise Unmade
        schema = self._shapes.target(schema)
        if schema is False:
            raise Unmade
        if not isinstance(schema, dict):
            return "a"
        for word in self._first_of:
            if schema.get(word):
                return schema[word][0]
        for word in ("default", "const"):
            if word in schema and (schema[word] is not None or word == "const"):
                return schema[word]
        if "allOf" in schema:
            return self._joined(schema, depth)
        if "anyOf" in schema and not schema.get("properties"):
            return self._first(schema, depth)
        return self._typed(schema, depth)

    def _joined(self, schema: Mapping[str, Any], depth: int) -> Json:
        properties: dict[str, Json] = {}
        required: list[str] = []
        made: list[Json] = []
        for part in self._parts(schema, depth):
            for name, inner in part.get("properties", {}).items():
                known = properties.get(name)
                properties[name] = inner if known is None else {"allOf": [known, inner]}
            required += part.get("required", [])
            if "anyOf" in part:
                made.append(self._first(part, depth))
            elif part.keys() - {"properties", "required", "default", "examples"} and (
                part.get("type") != "object"
            ):
                made.append(self.value(part, depth + 1))
        if properties or required or not made:
            whole = {"properties": properties, "required": [*dict.fromkeys(required)]}
            rest = {k: v for one in made if isinstance(one, dict) for k, v in one.items()}
            return {**rest, **self._object(whole, depth)}
        if all(isinstance(one, dict) for one in made):
            return {name: value for one in made for name, value in one.items()}
        return next((one for one in made if one != "a"), "a")

    def _parts(self, schema: Json, depth: int) -> Iterator[Mapping[str, Any]]:
        """Yield all that an `allOf` is made of, those of its parts in their place."""
        schema = self._shapes.target(schema)
        if depth > DEEPEST or not isinstance(schema, dict):
            return
        for part in schema.get("allOf", ()):
            yield from self._parts(part, depth + 1)
        yield {word: value for word, value in schema.items() if word != "allOf"}

    def _first(self, schema: Mapping[str, Any], depth: int) -> Json:
        for branch in schema["anyOf"]:
            if self._shapes.target(branch) != {"type": "null"}:
                try:
                    return self.value(branch, depth + 1)
                except Unmade:
                    continue
        raise Unmade

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Json:
        kinds = schema.get("type")
        listed = kinds if isinstance(kinds, list) else [kinds]
        kind = next((one for one in listed if one != "null"), "null")
        if kind is None:
            kind = "object" if "properties" in schema or "required" in schema else _guess(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            least = int(schema.get("minItems", 1 if self._whole else 0))
            inner = schema.get("items", {"type": "string"})
            if least > 20:
                raise Unmade
            return [self.value(inner, depth + 1) for _ in range(least)]
        if kind in ("integer", "number"):
            return _number(schema, kind == "integer")
        if kind == "boolean":
            return True
        return None if kind == "null" else text(schema)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Json]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        made: dict[str, Json] = {}
        for name in required:
            other = schema.get("additionalProperties")
            inner = properties.get(name, other if isinstance(other, dict) else {"type": "string"})
            made[name] = self.value(inner, depth + 1)
        for name, inner in properties.items() if self._whole else ():
            if name not in made:
                try:
                    made[name] = self.value(inner, depth + 1)
                except Unmade:
                    continue
        return made


def _guess(schema: Mapping[str, Any]) -> str:
    if "items" in schema:
        return "array"
    return "number" if schema.keys() & {"minimum", "maximum", "multipleOf"} else "string"


def _number(schema: Mapping[str, Any], whole: bool) -> Json:
    step = schema.get("multipleOf", 1 if whole else 0)
    low, high = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    for candidate in _numbers(low, high, over, under, step):
        fits = (
            (low is None or candidate >= low)
            and (high is None or candidate <= high)
            and (over is None or candidate > over)
            and (under is None or candidate < under)
            and (not step or candidate % step == 0)
        )
        if fits:
            return int(candidate) if whole else candidate
    raise Unmade


def _numbers(low: Any, high: Any, over: Any, under: Any, step: Any) -> Iterator[Any]:
    yield 1
    yield from (bound for bound in (low, high) if bound is not None)
    yield from (bound + (step or 1) for bound in (over,) if bound is not None)
    yield from (bound - (step or 1) for bound in (under,) if bound is not None)
    edges = [edge for edge in (low, over, high, under) if edge is not None]
    if step:
        yield from ((edge // step + place) * step for edge in edges for place in (0, 1, -1))
        yield step
    if len(edges) == 2:
        yield (edges[0] + edges[1]) / 2
    yield 0


def text(schema: Mapping[str, Any]) -> str:
    """Return a plain text of the length, and in the format or of the pattern, that is asked for."""
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    pattern = schema.get("pattern")
    if pattern is None:
        made = FORMATS.get(schema.get("format", ""), "a")
        if len(made) < least and least <= 100_000:
            made += "a" * (least - len(made))
        if len(made) >= least and (most is None or len(made) <= most):
            return made
        if most == 0 and not least:
            return ""
        raise Unmade
    import jsonschema_rs

    judge = jsonschema_rs.Draft202012Validator(
        {key: schema[key] for key in ("pattern", "minLength", "maxLength") if key in schema},
        validate_formats=False,
    )
    for candidate in (*TEXTS, *(letter * size for letter in "a1A" for size in range(1, 41))):
        if judge.is_valid(candidate):
            return candidate
    for candidate in texts_like(pattern):
        if judge.is_valid(candidate):
            return candidate
    raise Unmade

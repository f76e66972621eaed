"""What is wrong with a request, said where and why; and how that is written (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from jsonschema.exceptions import ValidationError, best_match

MOST_TOLD = 50
"""Problems of one request that are told."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: in which part of the request, where in it, and what."""

    place: str
    name: str
    pointer: str
    detail: str

    def as_json(self) -> dict[str, str]:
        """Return the problem as JSON values."""
        said = {"in": self.place, "name": self.name, "pointer": self.pointer}
        return {**{key: one for key, one in said.items() if one}, "detail": self.detail}

    def __str__(self) -> str:
        """Return the problem in a line."""
        where = " ".join(part for part in (self.place, self.name, self.pointer) if part)
        return f"{where}: {self.detail}"


def problem_details(status: int, detail: str, problems: Iterable[Problem] = ()) -> dict[str, Any]:
    """Return the members of a problem (RFC 9457, 3)."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    found: dict[str, Any] = {
        "type": "about:blank", "title": title, "status": status, "detail": detail,
    }  # fmt: skip
    if listed := [one.as_json() for one in problems][:MOST_TOLD]:
        found["errors"] = listed
    return found


def of_schema(place: str, name: str, errors: Iterable[ValidationError]) -> list[Problem]:
    """Return what a validator found, in words that do not repeat the value, which may be secret."""
    found = []
    for error in errors:
        nearest = best_match([error]) or error
        pointer = "".join(f"/{_step(step)}" for step in nearest.absolute_path)
        found.append(Problem(place, name, pointer, _words(nearest)))
    return list(dict.fromkeys(found))


def _step(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")


def _words(error: ValidationError) -> str:
    rule, value = str(error.validator), error.validator_value
    if rule == "required":
        lacking = [one for one in value if one not in error.instance]
        return f"lacks {', '.join(lacking)}"
    if rule in ("additionalProperties", "unevaluatedProperties"):
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        strange = [str(one) for one in error.instance if one not in known]
        return f"has what is not documented: {', '.join(strange[:5])}"
    if rule == "type":
        return f"should be {' or '.join(value if isinstance(value, list) else [value])}"
    if rule == "enum":
        return f"should be one of {', '.join(_shown(one) for one in value[:20])}"
    plain = _RULES.get(rule)
    return plain.format(_shown(value)) if plain else f"breaks the rule {rule!r}"


def _shown(value: object) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= 100 else f"{text[:100]}…"


_RULES = {
    "const": "should be {}",
    "format": "should be of the format {}",
    "pattern": "should match {}",
    "minimum": "should be at least {}",
    "maximum": "should be at most {}",
    "exclusiveMinimum": "should be more than {}",
    "exclusiveMaximum": "should be less than {}",
    "multipleOf": "should be a multiple of {}",
    "minLength": "should have at least {} characters",
    "maxLength": "should have at most {} characters",
    "minItems": "should have at least {} items",
    "maxItems": "should have at most {} items",
    "uniqueItems": "should have no item twice",
    "minProperties": "should have at least {} members",
    "maxProperties": "should have at most {} members",
    "anyOf": "fits none of the documented alternatives",
    "oneOf": "fits none, or more than one, of the documented alternatives",
    "not": "is what it must not be",
    "contains": "holds no item of the kind that it should",
    "None": "should not be there",
}

"""Values of parameters as texts, in the style that a document asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..schemas import Json

SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}


def spelt(parameter: Mapping[str, Any], value: Json) -> list[tuple[str, str]]:
    """Return a parameter's value as pairs, in the style that the document asks for."""
    name, inside = parameter["name"], parameter["in"]
    if parameter.get("content"):
        return [(name, json.dumps(value))]
    usual = "form" if inside in ("query", "cookie") else "simple"
    style = parameter.get("style", usual)
    explode = parameter.get("explode", style == "form")
    if isinstance(value, dict):
        if style == "deepObject":
            return [(f"{name}[{key}]", text_of(inner)) for key, inner in value.items()]
        if inside == "query" and explode:
            return [(key, text_of(inner)) for key, inner in value.items()]
        flat = [text_of(part) for pair in value.items() for part in pair]
        return [(name, ",".join(flat))]
    if isinstance(value, list):
        if inside == "query" and explode:
            return [(name, text_of(item)) for item in value]
        return [(name, SEPARATORS.get(style, ",").join(map(text_of, value)))]
    return [(name, text_of(value))]


def in_path(parameter: Mapping[str, Any], value: Json) -> str:
    """Return a value as its style has it in a path, but for what the style puts before it."""
    style, exploded = parameter.get("style", "simple"), parameter.get("explode") is True
    between = {"label": ".", "matrix": ";"}.get(style, ",") if exploded else ","
    if parameter.get("content") or not isinstance(value, (dict, list)):
        return text_of(value)
    if isinstance(value, dict):
        joint = "=" if exploded else ","
        return between.join(f"{key}{joint}{text_of(inner)}" for key, inner in value.items())
    if style == "matrix" and exploded:
        between = f";{parameter['name']}="
    return between.join(map(text_of, value))


def text_of(value: Json) -> str:
    """Return a value as it is written where there is nothing but text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value):
        return ",".join(map(text_of, value))
    return json.dumps(value)

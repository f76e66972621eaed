"""Reading the flat parameters of a gateway call: query string, form, JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus

from ...model import Refusal

Parameters = dict[str, str | list[str]]
"""Values as the signature covers them: texts, and JSON arrays as lists of texts."""


def read_form(raw: bytes) -> Parameters:
    """Read a query string or an urlencoded body; a name that comes twice must mean the same."""
    found: Parameters = {}
    for pair in raw.split(b"&"):
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        _put(found, _decoded(name), _decoded(value))
    return found


def read_json(raw: bytes) -> Parameters:
    """Read a JSON object; numbers and booleans become the texts that are signed."""
    try:
        body = json.loads(raw or b"{}", parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refusal("Params [body] not available", code=230) from error
    if not isinstance(body, dict):
        raise Refusal("Params [body] not available", code=230)
    return {name: _signed(name, value) for name, value in body.items() if value is not None}


def merge(query: Parameters, body: Parameters) -> Parameters:
    """Return the union; a parameter in both with different values is refused (our choice)."""
    found = dict(query)
    for name, value in body.items():
        _put(found, name, value)
    return found


def _put(found: Parameters, name: str, value: str | list[str]) -> None:
    if found.setdefault(name, value) != value:
        raise Refusal(f"Params [{name}] not available", code=230)


def _decoded(raw: bytes) -> str:
    return unquote_plus(raw.decode("latin-1"), encoding="utf-8", errors="replace")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _signed(name: str, value: Any) -> str | list[str]:
    if isinstance(value, list):
        texts = [_text(name, item) for item in value if item is not None]
        return texts
    return _text(name, value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value) if value.bit_length() < 4096 else _too_much(name)
    if isinstance(value, Decimal) and abs(value.adjusted()) < 400:
        whole = value == value.to_integral_value()
        return format(value.to_integral_value() if whole else value.normalize(), "f")
    return _too_much(name)


def _too_much(name: str) -> str:
    raise Refusal(f"Params [{name}] not available", code=230)

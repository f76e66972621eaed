"""Reading the flat parameters of a gateway call: query string, form, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

Value = str | list[str]
"""A value as the signature covers it: a text, or a JSON array as a list of texts."""

Values = Mapping[str, Value]

MOST_DEPTH = 32
"""How deep a JSON body may be nested; a fixed bound, since Python's own moves with the stack."""

MOST_DIGITS = 400
"""How long a number with an exponent may become when it is written out."""


class Parameter(NamedTuple):
    """One name with its value; `flat` is false for what no form could carry."""

    name: str
    value: Value
    flat: bool = True


class Unreadable(Exception):
    """A body is not what its content type says."""


@dataclass(slots=True)
class Parameters:
    """All that a call brings, in the order it came.

    `second` holds the other value of each name that came with two; `odd` names what cannot be
    accepted, whatever the action makes of the rest. Neither is refused while reading, because the
    gateway looks at the action and the signature before it looks at values.
    """

    values: dict[str, Value] = field(default_factory=dict)
    second: dict[str, Value] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    def readings(self) -> Iterator[Values]:
        """Yield what the caller may have meant: the first values, then the second ones."""
        yield self.values
        if self.second:
            yield {**self.values, **self.second}

    def add(self, parameter: Parameter) -> None:
        """Take one more; a name that comes twice must mean the same (our choice)."""
        name, value, flat = parameter
        if self.values.setdefault(name, value) != value:
            self.second[name] = value
            flat = False
        if not flat and name not in self.odd:
            self.odd.append(name)


def read_parameters(query: bytes, media_type: str, body: bytes) -> Parameters:
    """Return the union of query string and body (fact sheet, Request)."""
    found = Parameters()
    for parameter in read_form(query):
        found.add(parameter)
    try:
        for parameter in _read_body(media_type, body):
            found.add(parameter)
    except Unreadable:
        found.odd.append("body")
    return found


def _read_body(media_type: str, body: bytes) -> list[Parameter]:
    if media_type == "application/json":
        return read_json(body)
    if media_type in ("application/x-www-form-urlencoded", ""):
        return read_form(body)
    return []


def read_form(raw: bytes) -> list[Parameter]:
    """Read a query string or an urlencoded body; bytes that are not UTF-8 become U+FFFD."""
    found = []
    for pair in raw.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            found.append(Parameter(_decoded(name), _decoded(value)))
    return found


def _decoded(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", "replace")


def read_json(raw: bytes) -> list[Parameter]:
    """Read a JSON object; raises Unreadable for what is none."""
    try:
        body = json.loads(
            raw or b"{}",
            # Objects become tuples of pairs: a name that comes twice must not vanish.
            object_pairs_hook=tuple,
            parse_int=_written_out,
            parse_float=_written_out,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    if not isinstance(body, tuple):
        raise Unreadable("not an object")
    return [_read_member(name, value) for name, value in body if value is not None]


def _read_member(name: str, value: Any) -> Parameter:
    if isinstance(value, list):
        flat = all(_is_flat(item) for item in value)
        return Parameter(name, [_signed(item) for item in value], flat and _is_flat(name))
    return Parameter(name, _signed(value), _is_flat(value) and _is_flat(name))


def _is_flat(value: Any) -> bool:
    if not isinstance(value, str):
        return isinstance(value, bool)
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, from a JSON escape
        return False
    return True


def _signed(value: Any, depth: int = 2) -> str:
    """Return what the signature covers; nested values are flattened as the platform's SDKs do."""
    if depth > MOST_DEPTH:
        raise Unreadable("nested too deep")
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "".join([_signed(item, depth + 1) for item in value])
    if isinstance(value, tuple):
        pairs = sorted(value, key=lambda pair: str(pair[0]))
        return "".join([name + _signed(item, depth + 1) for name, item in pairs])
    return str(value)


def _written_out(text: str) -> str | Decimal:
    """Return a number as it is signed, without exponent or idle zeros; Decimal if out of bounds."""
    if "." not in text and "e" not in text and "E" not in text:
        return "0" if text == "-0" else text
    try:
        number = Decimal(text)
    except InvalidOperation:  # the exponent alone is out of bounds
        return Decimal("NaN")
    if number.is_zero():
        return "0"
    if abs(number.adjusted()) > MOST_DIGITS:
        return number
    plain = format(number, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")

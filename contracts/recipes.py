"""What may be done to a text on its way into a request: changes and encodings, each by a name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, quote_plus

from .model import ContractError

Step = tuple[str | int, ...]
"""A change by its name, and what it needs to know: ("upper",), ("cut", 8)."""

LONGEST = 16 * 1024 * 1024
"""Characters that a change may make: whoever wrote it down may have meant harm."""


def _escaped(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _form_escaped(text: str) -> str:
    return quote_plus(text.encode("utf-8", "surrogatepass"), safe="")


_PLAIN: Mapping[str, Callable[[str], str]] = {
    "upper": str.upper,
    "other_case": str.swapcase,
    "backwards": lambda text: text[::-1],
    "twice": lambda text: text * 2,
    "url": _escaped,
    "form": _form_escaped,
    "json": json.dumps,
    "json_utf8": lambda text: json.dumps(text, ensure_ascii=False),
}
_BY_NUMBER: Mapping[str, Callable[[str, int], str]] = {
    "cut": lambda text, length: text[:length],
    "from": lambda text, place: text[place:],
    "but_last": lambda text, count: text[: max(0, len(text) - count)],
}
_BY_TEXT: Mapping[str, Callable[[str, str], str]] = {"append": lambda text, more: text + more}


def changed(text: str, steps: Iterable[Step]) -> str:
    """Return a text after these changes, one after another; ContractError for an unknown one."""
    for step in steps:
        text = _step(text, step)
        if len(text) > LONGEST:
            raise ContractError(f"a change makes a text of more than {LONGEST} characters")
    return text


def _step(text: str, step: Step) -> str:
    match step:
        case (str(name),) if name in _PLAIN:
            return _PLAIN[name](text)
        case (str(name), int(number)) if name in _BY_NUMBER and number >= 0:
            return _BY_NUMBER[name](text, number)
        case (str(name), str(more)) if name in _BY_TEXT:
            return _BY_TEXT[name](text, more)
    raise ContractError(f"there is no change {step!r}")

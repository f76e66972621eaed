"""The gateway's signature, as the server computes it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .parameters import Value, Values

Pairs = list[tuple[str, str]]


def sign(values: Values, private_key: str) -> str:
    """Return the signature over all parameters but `Signature` (fact sheet, Signature)."""
    return digest(joined(by_name(covered(values))) + private_key)


def covered(values: Values) -> Pairs:
    """Return what the signature covers, as it was sent; an array is its items without a gap."""
    return [(name, as_text(value)) for name, value in values.items() if name != "Signature"]


def as_text(value: Value) -> str:
    """Return a value as it stands in the text that is signed."""
    return value if isinstance(value, str) else "".join(value)


def by_name(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Sort by the names' code points, so that `Role.10` goes before `Role.2`."""
    return sorted(pairs, key=lambda pair: pair[0])


def joined(pairs: Iterable[tuple[str, str]]) -> str:
    """Put names and values together, with nothing in between: that is the vendor's design."""
    return "".join([name + value for name, value in pairs])


def digest(text: str) -> str:
    """Return SHA-1 in lower case hexadecimal."""
    return hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()

"""The gateway's signature: how the server computes it, and what a wrong one tells."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

from .parameters import Parameters

Pairs = list[tuple[str, str]]


def sign(parameters: Parameters, private_key: str) -> str:
    """Return the signature over all parameters but `Signature` (fact sheet, Signature)."""
    return _digest(_by_name(_covered(parameters)), private_key)


def diagnose(parameters: Parameters, private_key: str, others: Iterable[str]) -> str:
    """Say in one sentence what would have made the given signature right; never the key."""
    given = str(parameters.get("Signature", ""))
    for sentence, candidate in _candidates(_covered(parameters), private_key, list(others)):
        if hmac.compare_digest(candidate.encode(), given.encode("utf-8", "replace")):
            return f"the signature is wrong: {sentence}"
    if len(given) != 40:
        return f"the signature is wrong: it has {len(given)} characters where 40 are right"
    return (
        "the signature is wrong, and no usual mistake explains it: it should cover, in this order, "
        + ", ".join(name for name, _ in _by_name(_covered(parameters)))
    )


def _candidates(pairs: Pairs, key: str, others: list[str]) -> Iterator[tuple[str, str]]:
    right = _digest(_by_name(pairs), key)
    yield "its letters should be lower case", right.upper()
    yield "the parameters were joined as they were sent, not sorted by name", _digest(pairs, key)
    for sentence, order in _ORDERS.items():
        yield sentence, _digest(sorted(pairs, key=order), key)
    for sentence, encode in _ENCODINGS.items():
        yield sentence, _digest(_by_name([(n, encode(v)) for n, v in pairs]), key)
    yield "the private key was left out", _digest(_by_name(pairs), "")
    yield "the private key was put first", _plain(key + _joined(_by_name(pairs)))
    yield "names and values were joined as name=value&…", _plain(
        "&".join(f"{n}={v}" for n, v in _by_name(pairs)) + key
    )
    for other in others:
        if other != key:
            yield "it was made with another caller's private key", _digest(_by_name(pairs), other)
    for place, (name, value) in enumerate(pairs):
        rest = _by_name(pairs[:place] + pairs[place + 1 :])
        yield f"it does not cover the parameter {name}", _digest(rest, key)
        changed = _by_name([*rest, (name, value.strip())])
        yield f"it covers the parameter {name} without the blanks around it", _digest(changed, key)
        emptied = _by_name([*rest, (name, "")])
        yield f"it covers the parameter {name} with an empty value", _digest(emptied, key)


def _by_number(pair: tuple[str, str]) -> tuple[str, int]:
    name, _, index = pair[0].partition(".")
    return (name, int(index)) if index.isascii() and index.isdigit() else (pair[0], -1)


_ORDERS: dict[str, Callable[[tuple[str, str]], tuple[str, int]]] = {
    "the parameters were sorted without regard to case": lambda pair: (pair[0].lower(), 0),
    "Role.10 was put after Role.9; names are sorted as texts, not as numbers": _by_number,
}

_ENCODINGS: dict[str, Callable[[str], str]] = {
    "it was made over values escaped for a URL (%20 for a blank)": lambda value: quote(value, safe=""),
    "it was made over values escaped for a form (+ for a blank)": quote_plus,
    "it was made over values in Latin-1": lambda value: value.encode("utf-8", "replace").decode("latin-1"),
}


def _covered(parameters: Parameters) -> Pairs:
    return [
        (name, value if isinstance(value, str) else "".join(value))
        for name, value in parameters.items()
        if name != "Signature"
    ]


def _by_name(pairs: Pairs) -> Pairs:
    return sorted(pairs, key=lambda pair: pair[0])


def _joined(pairs: Pairs) -> str:
    return "".join(name + value for name, value in pairs)


def _digest(pairs: Pairs, key: str) -> str:
    return _plain(_joined(pairs) + key)


def _plain(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()

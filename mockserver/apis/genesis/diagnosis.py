"""What is wrong with a signature: which usual mistake would have made it right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from operator import methodcaller
from urllib.parse import quote, quote_plus

from .parameters import Values
from .signature import Pairs, as_text, by_name, covered, digest, joined, sign

MOST_WORK = 16 * 1024 * 1024
"""Characters that are hashed for one diagnosis; a large call is tried against fewer mistakes."""

MOST_NAMES = 30
"""How many names a sentence lists."""

INDEX = re.compile(r"(.+)\.([0-9]{1,9})", re.ASCII | re.DOTALL)
OPTIONAL = ("SessionID", "Region", "Zone", "ProjectId", "Signature")
DOCUMENTED = ("Action", "PublicKey", "AppID", "Role", "Content", *OPTIONAL)

Guess = tuple[str, str]
"""A sentence, and the signature that a caller with this mistake would have sent."""


def diagnose(values: Values, private_key: str, keys: Mapping[str, str]) -> str:
    """Say in one sentence what would have made the given signature right; never a private key.

    `keys` holds the private keys of the known callers by public key.
    """
    return f"the signature is wrong: {_mistake(values, private_key, keys)}"


def _mistake(values: Values, key: str, keys: Mapping[str, str]) -> str:
    given, right = as_text(values.get("Signature", "")), sign(values, key)
    if sentence := _misspelt(given, right):
        return sentence
    pairs = covered(values)
    work = sum(len(name) + len(value) + 10 for name, value in pairs)
    for sentence, guess in islice(_guesses(values, pairs, key, keys), MOST_WORK // (work + 1)):
        if guess == given:
            return sentence
    if len(given) != 40:
        return f"it has {len(given)} characters where 40 are right"
    names = [shown(name) for name, _ in by_name(pairs)]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    listed = ", ".join(names[:MOST_NAMES])
    return f"no usual mistake explains it; it should cover, in this order, {listed}{more}"


def _misspelt(given: str, right: str) -> str | None:
    if given.lower() == right:
        return "its letters should be lower case"
    if given.strip() == right:
        return "there are blanks around it"
    if len(given) > 7 and right.startswith(given):
        return f"only its first {len(given)} characters were sent"
    return None


def _guesses(values: Values, pairs: Pairs, key: str, keys: Mapping[str, str]) -> Iterator[Guess]:
    # The cheap and the likely ones first: what is tried is bounded.
    yield from _wrong_key(pairs, key, keys)
    yield from _wrong_order(pairs, key)
    yield from _left_out(pairs, key)
    yield from _wrong_algorithm(joined(by_name(pairs)) + key, key)
    yield from _wrong_list(values, key)
    yield from _one_left_out(pairs, key)
    yield from _wrong_encoding(pairs, key)
    yield from _one_changed(pairs, key)
    yield from _not_sent(pairs, key)


def _wrong_key(pairs: Pairs, key: str, keys: Mapping[str, str]) -> Iterator[Guess]:
    text = joined(by_name(pairs))
    yield "the private key was left out", digest(text)
    yield "the private key was put first", digest(key + text)
    yield "a line break follows the private key", digest(f"{text}{key}\n")
    for public, private in keys.items():
        yield "it was made with a public key in place of the private one", digest(text + public)
        if private != key:
            yield (
                f"it was made with the private key that belongs to {shown(public)}",
                digest(text + private),
            )


def _wrong_order(pairs: Pairs, key: str) -> Iterator[Guess]:
    yield (
        "the parameters were joined as they were sent, not sorted by name",
        digest(joined(pairs) + key),
    )
    yield (
        "the parameters were sorted without regard to case",
        digest(joined(sorted(pairs, key=lambda pair: pair[0].lower())) + key),
    )
    yield (
        "list items were sorted by number; names are sorted as texts, Role.10 before Role.2",
        digest(joined(sorted(pairs, key=_by_number)) + key),
    )


def _by_number(pair: tuple[str, str]) -> tuple[str, int]:
    match = INDEX.fullmatch(pair[0])
    return (match[1], int(match[2])) if match else (pair[0], -1)


def _left_out(pairs: Pairs, key: str) -> Iterator[Guess]:
    for sentence, keep in _KEPT.items():
        yield sentence, digest(joined(by_name(pair for pair in pairs if keep(pair))) + key)
    text = "".join([value for _, value in by_name(pairs)])
    yield "it covers the values but not the names of the parameters", digest(text + key)
    # A form writes it so, and the platforms of other vendors sign it so.
    text = "&".join([f"{name}={value}" for name, value in by_name(pairs)])
    yield "names and values were joined as name=value&…", digest(text + key)
    yield "names and values were joined as name=value&…", digest(f"{text}&{key}")


_KEPT: dict[str, Callable[[tuple[str, str]], bool]] = {
    "it covers nothing but Action and PublicKey": lambda pair: pair[0] in ("Action", "PublicKey"),
    "it does not cover Role": lambda pair: _list_name(pair[0]) != "Role",
    "it does not cover Content": lambda pair: _list_name(pair[0]) != "Content",
    "it covers neither Role nor Content": lambda pair: (
        _list_name(pair[0]) not in ("Role", "Content")
    ),
    "it does not cover the parameters that the document does not define": lambda pair: (
        _list_name(pair[0]) in DOCUMENTED
    ),
    "it does not cover the parameters with an empty value": lambda pair: pair[1] != "",
}


def _list_name(name: str) -> str:
    match = INDEX.fullmatch(name)
    return match[1] if match else name


def _wrong_algorithm(text: str, key: str) -> Iterator[Guess]:
    signed = text.encode("utf-8", "surrogatepass")
    unsigned = text.removesuffix(key).encode("utf-8", "surrogatepass")
    yield "it is SHA-256, not SHA-1", hashlib.sha256(signed).hexdigest()
    yield "it is MD5, not SHA-1", hashlib.md5(signed).hexdigest()
    yield (
        "it is HMAC-SHA1; the private key goes to the end of the text instead",
        hmac.new(key.encode(), unsigned, hashlib.sha1).hexdigest(),
    )
    yield (
        "it is written in Base64, not in hexadecimal",
        base64.b64encode(hashlib.sha1(signed).digest()).decode(),
    )
    for name, encoding in (("Latin-1", "latin-1"), ("GBK", "gbk"), ("UTF-16", "utf-16-le")):
        encoded = text.encode(encoding, "replace")
        yield f"it was made over text in {name}, not in UTF-8", hashlib.sha1(encoded).hexdigest()


def _wrong_list(values: Values, key: str) -> Iterator[Guess]:
    given = {name: value for name, value in values.items() if name != "Signature"}
    flat = {
        f"{name}.{place}": item
        for name, value in given.items()
        if isinstance(value, list)
        for place, item in enumerate(value)
    }
    if flat:
        rest = {name: value for name, value in given.items() if isinstance(value, str)}
        yield "an array was signed as Role.0, Role.1, …, not as Role", sign(rest | flat, key)
        for gap in (",", ", "):
            texts = {
                name: value
                if isinstance(value, str)
                else json.dumps(value, ensure_ascii=False, separators=(gap, ":"))
                for name, value in given.items()
            }
            yield "an array was signed as JSON, not as its items", sign(texts, key)
    for step, sentence in ((1, "1 where it was sent from 0"), (-1, "0 where it was sent from 1")):
        moved = {_moved(name, step): value for name, value in given.items()}
        yield f"a list was signed from {sentence}", sign(moved, key)
    lists: dict[str, list[str]] = {}
    for name, text in sorted(covered(given), key=_by_number):
        lists.setdefault(_list_name(name), []).append(text)
    yield "Role.0, Role.1, … were signed as one array Role", sign(lists, key)


def _moved(name: str, step: int) -> str:
    match = INDEX.fullmatch(name)
    return f"{match[1]}.{int(match[2]) + step}" if match else name


def _wrong_encoding(pairs: Pairs, key: str) -> Iterator[Guess]:
    for sentence, encode in _ENCODINGS.items():
        encoded = [(name, encode(value)) for name, value in pairs]
        if encoded != pairs:
            yield sentence, digest(joined(by_name(encoded)) + key)


def _as_python_writes(value: str) -> str:
    return value.title() if value in ("true", "false") else value


def _as_windows_writes(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\n", "\r\n")


def _misread(value: str) -> str:
    return value.encode("utf-8", "replace").decode("latin-1")


_ENCODINGS: dict[str, Callable[[str], str]] = {
    "it was made over True and False, not true and false": _as_python_writes,
    "a + was sent unescaped, and a form means a blank by it": methodcaller("replace", " ", "+"),
    "it was made over LF where CR LF was sent": methodcaller("replace", "\r\n", "\n"),
    "it was made over CR LF where LF was sent": _as_windows_writes,
    "it was made over text in Unicode normal form C": partial(unicodedata.normalize, "NFC"),
    "it was made over text in Unicode normal form D": partial(unicodedata.normalize, "NFD"),
    "it was made over UTF-8 taken for Latin-1 and encoded again": _misread,
    "it was made over values escaped for a URL (%20 for a blank)": partial(
        quote, safe="", errors="replace"
    ),
    "it was made over values escaped for a URL (%20 for a blank, / as it is)": partial(
        quote, errors="replace"
    ),
    "it was made over values escaped for a form (+ for a blank)": partial(
        quote_plus, errors="replace"
    ),
}


def _one_left_out(pairs: Pairs, key: str) -> Iterator[Guess]:
    for name, _, signature in _replaced(pairs, key, lambda name, value: ""):
        yield f"it does not cover the parameter {name}", signature


def _one_changed(pairs: Pairs, key: str) -> Iterator[Guess]:
    for name, _, signature in _replaced(pairs, key, lambda name, value: name):
        yield f"it covers the parameter {name} with an empty value", signature
    for name, _, signature in _replaced(pairs, key, lambda name, value: name + value.strip()):
        yield f"it covers the parameter {name} without the blanks around it", signature
    for name, value, signature in _replaced(pairs, key, lambda name, value: name + _float(value)):
        yield f"it covers the parameter {name} as {_float(value)}, not as {value}", signature
    for name, _, signature in _replaced(pairs, key, lambda name, value: value):
        yield f"it covers the value of {name} but not the name", signature


def _replaced(
    pairs: Pairs, key: str, change: Callable[[str, str], str]
) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and signature with one parameter changed, for each that does change."""
    ordered = by_name(pairs)
    pieces = [name + value for name, value in ordered]
    for place, (name, value) in enumerate(ordered):
        piece = change(name, value)
        if piece != pieces[place]:
            text = "".join([*pieces[:place], piece, *pieces[place + 1 :], key])
            yield shown(name), value, digest(text)


def _float(value: str) -> str:
    return repr(float(value)) if re.fullmatch(r"-?[0-9]{1,30}", value, re.ASCII) else value


def _not_sent(pairs: Pairs, key: str) -> Iterator[Guess]:
    names = {name for name, _ in pairs}
    for name in OPTIONAL:
        if name not in names:
            yield (
                f"it covers an empty {name}, which was not sent",
                digest(joined(by_name([*pairs, (name, "")])) + key),
            )


def shown(name: str, most: int = 60) -> str:
    """Return a caller's text so that it stays on one line of a log, and short."""
    plain = name if len(name) <= most else f"{name[:most]}…"
    return plain if plain.isprintable() else ascii(plain)[1:-1]

"""Keeping secrets out of whatever people read: each is shown as the name of its variable."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice

from .model import Contract, Exchange, Hidden

LEAST = 4
"""A shorter secret would be found in half of all texts; it is hidden where it stands alone."""

ALONE = r"(?<![0-9A-Za-z]){}(?![0-9A-Za-z])"

SHORTENED = re.compile(r"… \(\d+ characters\)")
"""What follows a text that was shortened, perhaps in the middle of a secret."""

MOST_SHORTENED = 20
"""So many are looked at: whoever wrote the text may have written these as well."""

MOST_SHOWN = 400
"""So much of a text is left at most when it was shortened."""

_NAMED = {
    "\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f",
    '"': "&quot;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;",
}  # fmt: skip
# A backslash, in a URL perhaps.
_ESCAPE = r"(?:\\|%(?:25){0,3}5[cC])"
# What HTML begins, numbers and ends an escape with, in a URL perhaps or in JSON.
_AND, _HASH, _SEMICOLON = (
    rf"(?:{char}|%(?:25){{0,3}}{ord(char):02x}|{_ESCAPE}{{1,8}}(?:x|u00){ord(char):02x})"
    for char in "&#;"
)
_UNFINISHED = re.compile(r"[%\\&][0-9A-Fa-fuUxX#%\\]{0,11}")


class Redaction:
    """Replaces secrets by labels, however they are written: plainly, escaped, in base64.

    The escapes of URLs, forms, JSON, HTML and Python are known, those of one within the other too.
    """

    def __init__(self, hidden: Iterable[Hidden]) -> None:
        self._labels = {secret.value: secret.label for secret in hidden if secret.value}
        self._patterns = [
            (re.compile(pattern), label)
            for value, label in self._labels.items()
            for pattern in _patterns(value)
        ]

    def __call__(self, text: str) -> str:
        """Return `text` without the secrets."""
        end, kept = 0, []
        for begin, until, label in _merged(sorted(self._found(text))):
            kept += [text[end:begin], label]
            end = until
        return "".join([*kept, text[end:]])

    def _found(self, text: str) -> Iterator[tuple[int, int, str]]:
        for pattern, label in self._patterns:
            yield from ((*match.span(), label) for match in pattern.finditer(text))
        for cut in islice(SHORTENED.finditer(text), MOST_SHORTENED):
            for value, label in self._labels.items():
                for word in _words(value):
                    begin = _begun(word, text, cut.start())
                    if begin is not None:
                        yield begin, cut.start(), label


def redaction_for(
    contract: Contract, credentials: Mapping[str, str], exchanges: Iterable[Exchange]
) -> Redaction:
    """Return the redaction of all that a report says of these exchanges."""
    secret = {credential.name for credential in contract.credentials if credential.secret}
    known = [
        Hidden(value, f"${contract.variable(name)}", "")
        for name, value in credentials.items()
        if name in secret
    ]
    return Redaction([*(h for exchange in exchanges for h in exchange.request.hidden), *known])


def _merged(found: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Yield the places of secrets, those that overlap as one: a secret may be part of another."""
    held: tuple[int, int, str] | None = None
    for begin, end, label in found:
        if held is None or begin >= held[1]:
            if held:
                yield held
            held = begin, end, label
        else:
            longer = end - begin > held[1] - held[0]
            held = held[0], max(end, held[1]), label if longer else held[2]
    if held:
        yield held


def _patterns(value: str) -> Iterator[str]:
    """Yield expressions for a secret: itself, and what it is within a text in base64."""
    if len(value) < LEAST:
        yield ALONE.format("".join(map(_character, value)))
        return
    for word in _words(value):
        yield "".join(map(_character, word))


def _words(value: str) -> list[str]:
    return [value, *_cores(value)] if len(value) >= LEAST else []


def _cores(value: str) -> set[str]:
    """Return what of base64 a secret alone decides, wherever in the encoded text it begins."""
    cores = set()
    data = value.encode("utf-8", "surrogatepass")
    for before in range(3):
        sure = slice(-(-before * 8 // 6), (before + len(data)) * 8 // 6)
        core = base64.b64encode(b"\0" * before + data).decode()[sure]
        cores |= {core, core.translate(str.maketrans("+/", "-_"))}
    return cores


@lru_cache(maxsize=4096)
def _character(char: str) -> str:
    """Return an expression for all the ways in which one character may be written."""
    if char.isascii() and char.isalnum():
        return char
    data = char.encode("utf-8", "surrogatepass")
    point, named = ord(char), _NAMED.get(char, "")
    ways = [
        _ESCAPE + "{0,8}" + "".join(f"(?i:%(?:25){{0,3}}{byte:02x})" for byte in data),
        "".join(f"(?i:{_ESCAPE}{{1,8}}x{byte:02x})" for byte in data),
        "".join(f"(?i:{_ESCAPE}{{1,8}}u{unit:04x})" for unit in _utf_16(char)),
        f"(?i:{_ESCAPE}{{1,8}}(?:x{point:02x}|u{point:08x}))",
        rf"(?i:{_AND}{_HASH}(?:0*{point}|x0*{point:x}){_SEMICOLON})",
    ]
    if named:
        in_html = rf"(?i:{_AND}{named[1:-1]}{_SEMICOLON})"
        if named.startswith("&"):
            ways.insert(0, in_html)  # of an ampersand it begins with another of these ways
        else:
            ways.append(f"{_ESCAPE}{{1,8}}{named}")
    if char == " ":
        ways.append(r"\+")
    if not char.isascii():
        ways.append(re.escape(data.decode("latin-1")))
    # The character itself may also begin an escape of itself, so it comes last.
    return f"(?:{'|'.join([*ways, f'{_ESCAPE}{{0,8}}{re.escape(char)}'])})"


def _utf_16(char: str) -> Iterator[int]:
    data = char.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))


def _begun(word: str, text: str, end: int) -> int | None:
    """Return where a secret begins that was cut off at `end`; None where none does."""
    for begin in range(max(0, end - MOST_SHOWN), end):
        for plainly in (True, False):
            at, read = begin, 0
            for char in word:
                past = _past(char, text, at, end, plainly=plainly)
                if past is None:
                    break
                at, read = past, read + 1
            # One backslash may have been read as the escape of the next: both count.
            enough = max(read, at - begin) >= LEAST
            if enough and (at == end or _UNFINISHED.fullmatch(text, at, end)):
                return begin
    return None


def _past(char: str, text: str, at: int, end: int, *, plainly: bool) -> int | None:
    if plainly and text.startswith(char, at, end):
        return at + 1
    match = re.compile(_character(char)).match(text, at, end)
    return match.end() if match else None

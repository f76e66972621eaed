"""Regular expressions of JSON Schema: read as Python reads them, and texts that they match."""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants as codes
from re import _parser as parser
from typing import Any

from .chance import Chance

MOST_REPEATED = 5
"""Times more than it must that a part is repeated in a text that is made."""

MOST_PATTERN = 1000
"""Characters of a pattern that is used: longer ones are hardly written by people."""

_CLASSES = {
    "L": "a-zA-Z\u00c0-\u024f", "Lu": "A-Z", "Ll": "a-z", "N": "0-9", "Nd": "0-9",
    "Letter": "a-zA-Z", "Alpha": "a-zA-Z", "Digit": "0-9", "P": "!-/:-@", "Z": " ",
    "Zs": " ", "S": "$+<=>^`|~", "M": "\u0300-\u036f",
}  # fmt: skip
_PROPERTY = re.compile(r"\\([pP])\{(?:Script=|sc=|gc=|Is)?(\w+)\}")


@lru_cache(4096)
def compiled(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern of ECMA-262 as Python has it, None for one that it does not have."""
    if len(pattern) > MOST_PATTERN:
        return None
    try:
        return re.compile(python_pattern(pattern))
    except (re.error, OverflowError, RecursionError):
        return None


def python_pattern(pattern: str) -> str:
    """Return a pattern in the words of Python, where they differ from ECMA-262's."""
    pattern = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    pattern = re.sub(r"\\u\{([0-9a-fA-F]{1,6})\}", lambda m: re.escape(_char(m[1])), pattern)
    pattern = re.sub(r"(?<!\\)\$(?=$|[|)])", r"\\Z", pattern)  # Python's $ lets a newline through
    return _plainly(re.sub(r"\\/", "/", pattern))


def _char(digits: str) -> str:
    return chr(min(int(digits, 16), 0x10FFFF))


def _plainly(pattern: str) -> str:
    """Return a pattern without classes of Unicode, and whose sets hold no signs of later sets."""
    found, inside, at = [], False, 0
    while at < len(pattern):
        if match := _PROPERTY.match(pattern, at):
            chars = _CLASSES.get(match[2], "\\w")
            found.append(chars if inside else f"[{'^' if match[1] == 'P' else ''}{chars}]")
            at = match.end()
            continue
        step = 2 if pattern[at] == "\\" else 1
        part = pattern[at : at + step]
        if inside and (part == "[" or pattern[at : at + 2] in ("--", "&&", "||", "~~")):
            part = f"\\{part}"
        inside = (inside or part == "[") and part != "]"
        found.append(part)
        at += step
    return "".join(found)


def text_for(pattern: str, chance: Chance, least: int = 0, most: int = 10**6) -> str | None:
    """Return a text that a pattern finds itself in, None where none of such a length was found."""
    expression = compiled(pattern)
    if expression is None:
        return None
    parsed = parser.parse(expression.pattern)
    # What may be repeated by chance, then just as often as makes up the length, then never.
    for extra in (None, *range(max(1, least - 8), least + 1), least // 2, least // 3, 0):
        made = _Maker(chance.at(extra), extra).text(parsed)
        if least <= len(made) <= most and expression.search(made):
            return made
    return None


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "0123456789",
    codes.CATEGORY_WORD: _LETTERS + _LETTERS.upper() + "0123456789_",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_NOT_DIGIT: _LETTERS,
    codes.CATEGORY_NOT_WORD: "-.",
    codes.CATEGORY_NOT_SPACE: _LETTERS + "0123456789",
}
_ANY = _LETTERS + _LETTERS.upper() + "0123456789_-. /:#@+!$"
_LONGEST = 2000


class _Maker:
    """Walks a parsed pattern; each step chooses by chance."""

    def __init__(self, chance: Chance, extra: int | None) -> None:
        self._chance = chance
        self._extra = extra
        self._groups: dict[int, str] = {}
        self._length = 0

    def text(self, parsed: Any) -> str:
        """Return a text for a sequence of steps."""
        return "".join([self._step(code, what) for code, what in parsed])

    def _step(self, code: Any, what: Any) -> str:
        if code in (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN):
            self._length += 1
            return self._character(code, what)
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            return self._repeated(*what)
        if code is codes.SUBPATTERN:
            made = self.text(what[3])
            self._groups[what[0]] = made
            return made
        if code is codes.BRANCH:
            return self.text(self._chance.one_of(what[1]))
        if code is codes.GROUPREF:
            return self._groups.get(what, "")
        if code is codes.ATOMIC_GROUP:
            return self.text(what)
        return ""  # a place, or what should be ahead or behind: looked at when the text is there

    def _repeated(self, least: int, most: int, inner: Any) -> str:
        room = int(most) - least
        if self._extra is None:
            times = least + self._chance.below(min(room, MOST_REPEATED) + 1)
        else:
            times = least + min(room, self._extra)
        if self._length > _LONGEST:
            times = min(least, 1)
        return "".join([self.text(inner) for _ in range(min(times, _LONGEST))])

    def _character(self, code: Any, what: Any) -> str:
        if code is codes.LITERAL:
            return chr(what)
        if code is codes.ANY:
            return self._chance.one_of(_LETTERS)
        if code is codes.NOT_LITERAL:
            return next(char for char in _ANY if ord(char) != what)
        if what[0][0] is codes.NEGATE:
            denied = set("".join(self._set(item) for item in what[1:]))
            allowed = [char for char in _ANY if char not in denied]
            return self._chance.one_of(allowed or ["\u4e2d"])
        return self._chance.one_of(self._set(self._chance.one_of(what)) or "a")

    def _set(self, item: Any) -> str:
        code, what = item
        if code is codes.LITERAL:
            return chr(what)
        if code is codes.RANGE:
            low, high = what
            return "".join(map(chr, range(low, min(high, low + 300) + 1)))
        return _CATEGORIES.get(what, "a") if code is codes.CATEGORY else "a"

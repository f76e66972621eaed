"""Secrets that nobody named, found where they are shown, and the same name for each ever after."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .journal import TELLING, Headers, Redaction, forms

LEAST_LEARNED = 8
"""Characters of a secret that is looked for elsewhere: a shorter one is a word of any text."""

MOST_LEARNED = 2000
MOST_CONCEALED = 500
"""Secrets of headers, and of those that `concealed` finds, that have names of their own.

Later ones are hidden where they are found; of signatures each request may have another.
"""


@dataclass(frozen=True, slots=True)
class Learned:
    """A secret that was found, its name, and how it may be written."""

    name: str
    value: str
    forms: frozenset[bytes]

    def stands_in(self, haystack: bytes) -> bool:
        """Say whether the secret is in some text."""
        return any(form in haystack for form in self.forms)


class Concealer:
    """The secrets of a recording: those that were named, and those that it shows itself.

    A header that lets somebody in shows one, and so does what `concealed` finds. Each has one name
    in the whole recording, so that what was the same is still the same.
    """

    def __init__(
        self, secrets: Iterable[tuple[str, str]], concealed: re.Pattern[str] | None = None
    ) -> None:
        self._named = [(name, value) for name, value in secrets if value]
        self._concealed = concealed
        self._learned: dict[str, Learned] = {}

    def learn(self, headers: Headers, texts: Iterable[str]) -> list[Learned]:
        """Return the secrets in an exchange that were not known before it."""
        known = {value for _, value in self._named}
        new = []
        for value, most in self._shown(headers, texts):
            if value in known or value in self._learned or len(value) < LEAST_LEARNED:
                continue
            if len(self._learned) < most and not value.startswith("<"):
                name = f"secret_{len(self._learned) + 1}"
                written = frozenset(form.encode("utf-8", "replace") for form in forms(value))
                self._learned[value] = Learned(name, value, written)
                new.append(self._learned[value])
        return new

    def redaction(self, haystack: bytes) -> Redaction:
        """Return what hides all known secrets in a text that `haystack` is all of."""
        there = [(s.name, s.value) for s in self._learned.values() if s.stands_in(haystack)]
        # Of one value with two names the last one counts: that is the one that was given.
        return Redaction([*there, *self._named], self._concealed)

    def _shown(self, headers: Headers, texts: Iterable[str]) -> Iterator[tuple[str, int]]:
        for name, value in headers:
            if name.lower() in TELLING:
                for secret in _brought(name.lower(), value):
                    yield secret, MOST_LEARNED
        if self._concealed:
            for text in texts:
                for match in self._concealed.finditer(text):
                    yield match["secret"], MOST_CONCEALED


def _brought(name: str, value: str) -> Iterator[str]:
    """Yield the secrets in a header that holds nothing else."""
    if name in ("cookie", "set-cookie"):
        pairs = value.split(";")[: 1 if name == "set-cookie" else None]
        yield from (pair.partition("=")[2].strip().strip('"') for pair in pairs)
        return
    scheme, blank, rest = value.strip().partition(" ")
    yield rest.strip() if blank else scheme
    if scheme.lower() == "basic":
        try:
            plain = base64.b64decode(rest, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return
        yield plain.partition(":")[2]

"""What a mock was asked and what it answered: bounded, and free of secrets."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, quote_plus

MOST_BODY = 16_384
"""Characters of a body, path or query string that an entry keeps."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange. `at` is the clock's time in seconds; `remarks` are for the owner alone.

    `faults` are the ids of those that were in the server for this request.
    """

    number: int
    at: float
    api: str
    operation: str | None
    method: str
    path: str
    query: str
    body: str
    status: int
    answer: str
    chunks: int
    remarks: tuple[str, ...]
    faults: tuple[str, ...]


class Redaction:
    """Replaces what is secret by its name, however it is written in a URL, a form or JSON.

    `concealed` finds secrets that are not known beforehand, in its group `secret`.
    """

    def __init__(
        self, secrets: Iterable[tuple[str, str]], concealed: re.Pattern[str] | None = None
    ) -> None:
        written = {}
        for name, value in secrets:
            for form in _forms(value):
                written[form] = f"<{name}>"
        # The longest first: one secret may be a part of another.
        self._written = sorted(written.items(), key=lambda pair: -len(pair[0]))
        self._longest = max(map(len, written), default=0)
        self._concealed = concealed

    def __call__(self, text: str) -> str:
        """Return `text` without the secrets."""
        if not text:
            return text
        for secret, name in self._written:
            text = text.replace(secret, name)
        return self._concealed.sub(_blotted, text) if self._concealed else text

    def beginning(self, text: str) -> str:
        """Return the first MOST_BODY characters of `text` without the secrets.

        What is cut off must not leave the first half of a secret behind, which nothing would match.
        """
        if len(text) <= MOST_BODY:
            return self(text)[:MOST_BODY]
        shown = self(text[: MOST_BODY + self._longest])
        return shown[: min(MOST_BODY, len(shown) - self._longest)]


def _forms(value: str) -> Iterator[str]:
    """Yield how a text stands in a URL, a form and JSON, for the usual writers of each."""
    if not value:
        return
    yield value
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield quoted
        yield _PERCENT.sub(lambda escape: escape[0].lower(), quoted)
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1]


_PERCENT = re.compile("%[0-9A-F]{2}")


def _blotted(match: re.Match[str]) -> str:
    start, end = (place - match.start() for place in match.span("secret"))
    return f"{match[0][:start]}<hidden>{match[0][end:]}"


class Journal:
    """The last `most` exchanges, oldest first; 0 is no journal, and no remark in the log."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self._entries: deque[Entry] = deque(maxlen=most)
        self._written = 0
        self._lock = threading.Lock()

    def write(self, **fields: Any) -> Entry:
        """Keep one exchange; `fields` are those of Entry, without its number."""
        with self._lock:
            self._written += 1
            entry = Entry(number=self._written, **fields)
            self._entries.append(entry)
            return entry

    def entries(self) -> list[Entry]:
        """Return what is kept, oldest first."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Forget all entries; numbers go on."""
        with self._lock:
            self._entries.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """Return the entries as JSON values."""
        return [asdict(entry) for entry in self.entries()]

"""What a mock was asked and what it answered: bounded, and free of secrets."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote, quote_plus

from .metrics import Metrics

if TYPE_CHECKING:
    from .model import Api

MOST_BODY = 16_384
"""Characters of a body, path or query string that an entry keeps."""


PIECE = 100
"""What the time and the length of a piece of an answer count in a journal's size, about."""

Caller = Literal["known", "refused", "not asked"]
"""What the mock made of a caller's credentials; `not asked` where it never came to that."""

Headers = tuple[tuple[str, str], ...]


class Entry(NamedTuple):
    """One exchange. `at` is the clock's time in seconds; `remarks` are for the owner alone.

    `session` is the conversation that the request or the answer names, `fixture` where the reply
    came from, `faults` the ids of those that were in the server for this request. `chunks` are the
    pieces in which the answer left: seconds since its beginning, and bytes. `chaos` is what
    happened to the connection; where it cut the answer short, `answer` is still the whole.
    """

    number: int
    at: float
    api: str
    operation: str | None
    session: str
    caller: Caller
    method: str
    path: str
    query: str
    headers: Headers
    body: str
    status: int
    answer_headers: Headers
    answer: str
    chunks: tuple[tuple[float, int], ...]
    fixture: str
    remarks: tuple[str, ...]
    faults: tuple[str, ...]
    chaos: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Characters of all that is kept of the exchange, about."""
        texts = _length(self.headers) + _length(self.answer_headers)
        texts += len(self.path) + len(self.query) + len(self.body) + len(self.answer)
        return texts + PIECE * len(self.chunks)


def numbered(entry: Entry, number: int) -> Entry:
    """Return an entry under its number."""
    return tuple.__new__(Entry, (number, *entry[1:]))


@lru_cache(256)
def _length(headers: Headers) -> int:
    return sum(map(len, chain.from_iterable(headers)))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are asked for: those after `since` for which everything that is given holds.

    `fault` is an id, `chaos` a kind, `contains` a text in what was asked or answered; None asks
    nothing.
    """

    since: int = 0
    api: str | None = None
    operation: str | None = None
    session: str | None = None
    caller: str | None = None
    method: str | None = None
    path: str | None = None
    status: int | None = None
    fault: str | None = None
    chaos: str | None = None
    contains: str | None = None

    def __call__(self, entry: Entry) -> bool:
        """Say whether an entry is asked for."""
        plain = ("api", "operation", "session", "caller", "method", "path", "status")
        return (
            entry.number > self.since
            and all(getattr(self, n) in (None, getattr(entry, n)) for n in plain)
            and (self.fault is None or self.fault in entry.faults)
            and (self.chaos is None or self.chaos in (one.partition("=")[0] for one in entry.chaos))
            and (self.contains is None or self.contains in f"{entry.body}\n{entry.answer}")
        )


EVERY = Filter()

TELLING = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
"""Headers that hold nothing but secrets, known or not: a wrong key may be a right one elsewhere."""


class Redaction:
    """Replaces what is secret by its name, however it is written in a URL, a form or JSON.

    `concealed` finds secrets that are not known beforehand, in its group `secret`; `headers`, in
    small letters, are hidden whole.
    """

    def __init__(
        self,
        secrets: Iterable[tuple[str, str]],
        concealed: re.Pattern[str] | None = None,
        headers: frozenset[str] = frozenset(),
    ) -> None:
        written = {}
        for name, value in secrets:
            for form in forms(value):
                written[form] = f"<{name}>"
        # The longest first: one secret may be a part of another.
        self._written = sorted(written.items(), key=lambda pair: -len(pair[0]))
        self._longest = max(map(len, written), default=0)
        self._tells = _shortest(written)
        self._concealed = concealed
        self._headers = headers
        # A caller's headers come again and again. Their secrets are elsewhere in memory, too.
        self._block = lru_cache(128)(self._lines)

    def __call__(self, text: str) -> str:
        """Return `text` without the secrets."""
        if not text:
            return text
        for part in self._tells:
            if part in text:
                for secret, name in self._written:
                    text = text.replace(secret, name)
                break
        return self._concealed.sub(_blotted, text) if self._concealed else text

    def binary(self, data: bytes) -> bytes:
        """Return bytes that are no text without the secrets that stand in them as texts do.

        What is packed or drawn in them, as in an archive or a picture, is not found.
        """
        for secret, name in self._written:
            for code in ("utf-8", "utf-16-le", "utf-16-be"):
                data = data.replace(secret.encode(code, "surrogatepass"), name.encode(code))
        if self._concealed is None:
            return data
        # In Latin-1 every byte is a character, and none is changed on the way there and back.
        return self._concealed.sub(_blotted, data.decode("latin-1")).encode("latin-1")

    def line(self, name: str, value: str) -> str:
        """Return a header's value as it is kept; of one that lets a caller in, whose it is."""
        shown = self(value)
        if not (_tells(name) or name.lower() in self._headers):
            return shown
        return " ".join(_NAMES.findall(shown)) if shown != value else "<hidden>"

    def beginning(self, text: str) -> str:
        """Return the first MOST_BODY characters of `text` without the secrets.

        What is cut off must not leave the first half of a secret behind, which nothing would match.
        """
        return self._end(text, self(text[: MOST_BODY + self._longest]))

    def exchange(
        self, texts: Sequence[str], *headers: Headers
    ) -> tuple[Sequence[str], list[Headers]]:
        """Return the beginnings of texts, and blocks of header lines as they are kept.

        All texts are looked through as one, for that is a third of the work; most have no secret.
        """
        kept = list(map(self._block, headers))
        text = _BETWEEN.join(texts)
        if len(text) <= MOST_BODY and self(text) is text:
            return texts, kept
        most = MOST_BODY + self._longest
        whole = [text[:most] for text in texts]
        shown = self(_BETWEEN.join(whole)).split(_BETWEEN)
        if len(shown) != len(whole):
            shown = [self(text) for text in whole]
        return list(map(self._end, texts, shown)), kept

    def _lines(self, headers: Headers) -> Headers:
        return tuple((name, self.line(name, value)) for name, value in headers)

    def _end(self, text: str, shown: str) -> str:
        """Return so much of what is shown of a text as is kept."""
        if len(text) <= MOST_BODY:
            return shown[:MOST_BODY]
        return shown[: min(MOST_BODY, len(shown) - self._longest)]


def _shortest(texts: Iterable[str]) -> tuple[str, ...]:
    """Return so few of the texts that one of them is a part of each."""
    found: list[str] = []
    for text in sorted(texts, key=len):
        if not any(part in text for part in found):
            found.append(text)
    return tuple(found)


def redaction_of(api: Api) -> Redaction:
    """Return what hides the secrets of all whom a mock knows."""
    secrets = [
        (name, value)
        for identity in api.world.identities
        for name, value in identity.items()
        if name in api.secrets
    ]
    return Redaction(secrets, api.concealed, api.secret_headers)


_BETWEEN = "\n\x1e\n"
"""What stands between texts that are looked through as one; no secret goes on beyond a space."""


_NAMES = re.compile(r"<\w+>")


@lru_cache(1024)
def _tells(name: str) -> bool:
    return name.lower() in TELLING


def forms(value: str) -> Iterator[str]:
    """Yield how a text stands in a URL, a form, JSON and Base64, for the usual writers of each."""
    if not value:
        return
    yield value
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield quoted
        yield _PERCENT.sub(lambda escape: escape[0].lower(), quoted)
    for ascii_only in (True, False):
        written = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield written
        yield written.replace("/", "\\/")
        yield _ESCAPE.sub(lambda escape: "\\u" + escape[1].upper(), written)
    yield from _in_base64(value.encode("utf-8", "surrogatepass"))


def _in_base64(data: bytes) -> Iterator[str]:
    """Yield what is written for `data`, alone or within something longer, in both alphabets.

    Within something longer it may begin at any of the three bytes that four characters stand for;
    characters that say something of its neighbours, too, are left out.
    """
    for before in range(3):
        written = base64.b64encode(bytes(before) + data)
        inner = written[(8 * before + 5) // 6 : 8 * (before + len(data)) // 6]
        if len(inner) < _TELLS:
            return
        for text in (inner,) if before else (written, written.rstrip(b"="), inner):
            for alphabet in (text.decode(), text.translate(_URL_SAFE).decode()):
                yield alphabet
                yield quote(alphabet, safe="")


_TELLS = 8
"""Characters of Base64 that are no chance: fewer of them may stand in any word."""

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")


_PERCENT = re.compile("%[0-9A-F]{2}")


def _blotted(match: re.Match[str]) -> str:
    if _NAMES.fullmatch(match["secret"]):
        return match[0]  # it has a name already
    start, end = (place - match.start() for place in match.span("secret"))
    return f"{match[0][:start]}<hidden>{match[0][end:]}"


MOST_ENTRIES = 10_000
MOST_SIZE = 64_000_000
"""What a journal keeps unless told otherwise: entries, and characters of all of them together."""


class Journal:
    """The last exchanges, oldest first: at most so many, and of at most such a size together.

    Of none at all nothing is written down, and no remark is logged.
    """

    def __init__(self, most: int = MOST_ENTRIES, most_size: int = MOST_SIZE) -> None:
        self.most = most
        self._most_size = most_size
        self._entries: deque[Entry] = deque()
        self._sizes: deque[int] = deque()
        self._size = 0
        self._written = 0
        self.began = time.time_ns()  # tells it from the journal of a mock that is started anew
        self._lock = threading.RLock()
        self.metrics = Metrics()

    @property
    def written(self) -> int:
        """How many exchanges there were: the number of the last one."""
        return self._written

    @property
    def kept(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    @property
    def first(self) -> int:
        """The number of the oldest entry that is kept; of the next one where none is."""
        with self._lock:
            return self._entries[0].number if self._entries else self.written + 1

    def write(self, seconds: float, entry: Entry) -> Entry:
        """Keep and count one exchange, whose answer was made in so many seconds; number it."""
        with self._lock:
            self._written += 1
            entry = numbered(entry, self._written)
            self._keep(entry)
            self.metrics.note(entry, seconds)
        return entry

    def _keep(self, entry: Entry) -> None:
        size = entry.size
        self._entries.append(entry)
        self._sizes.append(size)
        self._size += size
        while len(self._entries) > self.most or self._size > self._most_size:
            self._entries.popleft()
            self._size -= self._sizes.popleft()

    def metrics_text(self) -> tuple[bytes, str]:
        """Return what was counted as Prometheus reads it, and its content type."""
        return self.metrics.text(self.kept)

    def entries(self, wanted: Callable[[Entry], bool] = EVERY) -> list[Entry]:
        """Return what is kept and asked for, oldest first."""
        with self._lock:
            held = list(self._entries)
        return [entry for entry in held if wanted(entry)]

    def after(self, number: int, most: int) -> list[Entry]:
        """Return the entries that are kept after this one, at most so many, oldest first."""
        with self._lock:
            if not self._entries or number >= self._entries[-1].number:
                return []
            start = self._place(number + 1)
            return list(islice(self._entries, start, start + most))

    def find(self, number: int) -> Entry | None:
        """Return one entry, None where it is not kept."""
        with self._lock:
            place = self._place(number)
            found = self._entries[place] if place < len(self._entries) else None
            return found if found and found.number == number else None

    def _place(self, number: int) -> int:
        """Return where the first entry of this number or a later one is."""
        if not self._entries:
            return 0
        place = min(max(0, number - self._entries[0].number), len(self._entries))
        # Numbers have a hole where a process was killed while it wrote.
        while place and self._entries[place - 1].number >= number:
            place -= 1
        return place

    def as_json(self, wanted: Callable[[Entry], bool] = EVERY) -> list[dict[str, Any]]:
        """Return what is kept and asked for as JSON values."""
        return [entry._asdict() for entry in self.entries(wanted)]

    def clear(self) -> None:
        """Forget all entries; numbers go on."""
        with self._lock:
            self._entries.clear()
            self._sizes.clear()
            self._size = 0

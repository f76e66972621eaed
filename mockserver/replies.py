"""Which recorded fixture answers a question; and the seeded fallback where none does."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson
import yaml

from .recorded import MOST_RECORDED, Entry, Pace, from_browser, usable

if TYPE_CHECKING:
    from faker import Faker

Matcher = Literal["question", "contains", "pattern"]
MATCHERS: tuple[Matcher, ...] = ("question", "contains", "pattern")
BASES = ("documented", "observed", "authored")
FACES = ("answer", "messages")

MOST_REMEMBERED = 1024
"""Characters of a question whose made-up reply is kept for the next time."""


MOST_SEARCHED = 2000
"""Characters of a question that a pattern is looked for in: some patterns take their square."""


CHOSEN: ContextVar[str] = ContextVar("CHOSEN", default="")
"""Where the reply to the request in hand came from, "" as long as there is none."""


class FixtureError(Exception):
    """A fixture file does not say what it should; names the file, the entry and the mend."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One fixture: what is answered to which question.

    `messages` is there for APIs whose reply is a whole conversation; `fields` are the vendor's own.
    """

    matcher: Matcher
    question: str
    answer: str
    basis: str
    messages: tuple[Mapping[str, Any], ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    source: str = "made up"
    """The file that it is from, and the place in it."""
    pace: Pace | None = None
    """How the answer came, where it was recorded piece by piece."""

    def answers(self, question: str) -> bool:
        """Say whether this fixture is the reply to `question`."""
        if self.matcher == "question":
            return question == self.question
        if self.matcher == "contains":
            return self.question in question
        return re.search(self.question, question[:MOST_SEARCHED]) is not None


class Replies:
    """The fixtures of one API, in order of precedence, with a made-up text where none fits.

    Exact questions go before substrings and patterns; of several the first in the files answers.
    """

    def __init__(self, fixtures: Iterable[Reply], seed: int) -> None:
        self._exact: dict[str, Reply] = {}
        self._others: list[Reply] = []
        self._seed = seed
        self._fallback = Fallback(seed)
        for fixture in fixtures:
            if fixture.matcher == "question":
                self._exact.setdefault(fixture.question, fixture)
            else:
                self._others.append(fixture)

    def choose(self, question: str, locale: str = "en_US") -> Reply:
        """Return the fixture that answers `question`, else a made-up reply: always the same one."""
        reply = self._find(question)
        if reply is None:
            reply = Reply("question", question, self._fallback.text(question, locale), "authored")
        CHOSEN.set(reply.source)
        return reply

    def _find(self, question: str) -> Reply | None:
        known = self._exact.get(question)
        if known is not None:
            return known
        return next((one for one in self._others if one.answers(question)), None)


class Fallback:
    """Plausible text from Faker that depends on the seed and the question alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def text(self, question: str, locale: str) -> str:
        """Return the text for `question`; only short questions are worth the room in memory."""
        made = _remembered if len(question) <= MOST_REMEMBERED else _made_up
        return made(self._seed, question, locale)


def _made_up(seed: int, question: str, locale: str) -> str:
    with _one_speaks:
        faker = _faker(locale)
        faker.seed_instance(f"{seed}\x1f{question!r}")
        return str(faker.paragraph(nb_sentences=3))


_remembered = lru_cache(maxsize=4096)(_made_up)

_one_speaks = threading.Lock()
"""Between its seed and its text a faker belongs to one mock."""


@cache
def _faker(locale: str) -> Faker:
    # Imported here: it takes longer than the rest of a mock's start together.
    from faker import Faker

    return Faker(locale, use_weighting=False)


Recorded = Callable[[list[dict[str, Any]]], list[Reply]]
Check = Callable[[Reply], None]


def anything(reply: Reply) -> None:
    """Find every reply possible."""


def load_fixtures(
    folder: Path,
    read_recording: Recorded,
    fields: frozenset[str],
    check: Check = anything,
) -> list[Reply]:
    """Return the fixtures in `folder`: `replies.yaml` first, then every recording by name.

    `check` raises ValueError for a reply that the API could not give. Raises FixtureError for a
    folder or file that cannot be used.
    """
    if not folder.is_dir():
        raise FixtureError(f"{folder}: there is no such folder of fixtures")
    files = [*folder.glob("replies.yaml"), *sorted(folder.glob("*.har"))]
    stamps = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    return list(_read(stamps, read_recording, fields, check))


@lru_cache(maxsize=64)
def _read(
    stamps: tuple[tuple[Path, int, int], ...],
    read_recording: Recorded,
    fields: frozenset[str],
    check: Check,
) -> tuple[Reply, ...]:
    """Read the files as they are now: a process that makes mock after mock reads each once."""
    found: list[Reply] = []
    for path, *_ in stamps:
        if path.name == "replies.yaml":
            found.extend(load_replies(path, fields, check))
        else:
            found.extend(_read_recorded(path, read_recording, check))
    return tuple(found)


def _read_recorded(recording: Path, read_recording: Recorded, check: Check) -> list[Reply]:
    entries = load_recording(recording)
    exchanges = usable(entries)
    try:
        if from_browser(entries):
            exchanges = [one for one in exchanges if _is_ours(one, read_recording)]
        recorded = read_recording(exchanges)
        for reply in recorded:
            _check_texts(reply)
            check(reply)
    except _ODD as error:
        raise FixtureError(
            f"{recording}: an entry is not an exchange of this API ({_short(error)})"
        ) from error
    return [replace(reply, source=recording.name) for reply in recorded]


_ODD = (AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What reading a value that is not of the expected form may raise."""


def _is_ours(exchange: Entry, read_recording: Recorded) -> bool:
    """Say whether an API can read an exchange: a page asks many others as well."""
    try:
        read_recording([exchange])
    except _ODD:
        return False
    return True


def _check_texts(reply: Reply) -> None:
    if not isinstance(reply.question, str) or not isinstance(reply.answer, str):
        raise TypeError("question and answer should be texts")
    # What cannot be written again, as half a character, cannot be answered.
    orjson.dumps((reply.answer, reply.messages, reply.fields))


def _short(error: Exception) -> str:
    text = "".join(char if char.isprintable() else " " for char in repr(error))
    return text if len(text) <= 200 else f"{text[:200]}…"


def load_replies(path: Path, fields: frozenset[str], check: Check = anything) -> list[Reply]:
    """Return the entries of a `replies.yaml`; raises FixtureError."""
    try:
        entries = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise FixtureError(f"{path}: {_one_line(error)}") from error
    if not isinstance(entries, list):
        raise FixtureError(f"{path}: a list of replies was expected, not {_kind(entries)}")
    found = []
    for place, entry in enumerate(entries, 1):
        reply = _read_entry(path, place, entry, fields)
        try:
            check(reply)
        except ValueError as error:
            raise FixtureError(f"{path}: entry {place}: {error}") from error
        found.append(replace(reply, source=f"{path.name}, entry {place}"))
    return found


def load_recording(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a HAR 1.2 file; raises FixtureError."""
    try:
        if path.stat().st_size > MOST_RECORDED:
            raise ValueError(f"it has more than {MOST_RECORDED} bytes")
        entries = json.loads(path.read_bytes())["log"]["entries"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FixtureError(
            f"{path}: not a HAR file, which is JSON with log.entries ({_one_line(error)})"
        ) from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FixtureError(f"{path}: log.entries should be a list of objects")
    return entries


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Plain data only; a key that comes twice is an error: a dash was forgotten between entries."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Read a mapping, once it is seen that its plain keys differ."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice in one entry", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return dict(super().construct_mapping(node, deep))


def _read_entry(path: Path, place: int, entry: object, fields: frozenset[str]) -> Reply:
    def wrong(what: str) -> FixtureError:
        return FixtureError(f"{path}: entry {place}: {what}")

    if not isinstance(entry, dict):
        raise wrong(f"a mapping was expected, not {_kind(entry)}")
    known = {*MATCHERS, *FACES, "basis", "about", "fields"}
    if unknown := sorted(str(key) for key in entry if key not in known):
        raise wrong(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    matcher = _read_matcher(entry, wrong)
    faces = [face for face in FACES if face in entry]
    if len(faces) != 1 or not isinstance(entry[faces[0]], str if faces == ["answer"] else list):
        raise wrong("either an answer (a text) or messages (a list) is needed")
    if entry.get("basis") not in BASES:
        raise wrong(f"basis should be one of {', '.join(BASES)}, not {_kind(entry.get('basis'))}")
    return Reply(
        matcher=matcher,
        question=entry[matcher],
        answer=entry.get("answer", ""),
        basis=entry["basis"],
        messages=_read_messages(entry, wrong),
        fields=_read_fields(entry, fields, wrong),
    )


Wrong = Callable[[str], FixtureError]


def _read_matcher(entry: dict[Any, Any], wrong: Wrong) -> Matcher:
    matchers = [matcher for matcher in MATCHERS if matcher in entry]
    if len(matchers) != 1 or not isinstance(entry[matchers[0]], str):
        raise wrong(f"exactly one of {', '.join(MATCHERS)} is needed, and it is a text")
    if matchers[0] == "pattern":
        try:
            re.compile(entry["pattern"])
        except (re.error, OverflowError, RecursionError) as error:
            raise wrong(f"pattern is not a regular expression: {error}") from error
    return matchers[0]


def _read_messages(entry: dict[Any, Any], wrong: Wrong) -> tuple[Mapping[str, Any], ...]:
    messages = entry.get("messages", [])
    if odd := [message for message in messages if not isinstance(message, dict)]:
        raise wrong(f"a message should be a mapping, not {_kind(odd[0])}")
    return tuple(messages)


def _read_fields(entry: dict[Any, Any], known: frozenset[str], wrong: Wrong) -> dict[str, Any]:
    fields = entry.get("fields", {})
    if not isinstance(fields, dict):
        raise wrong(f"fields should be a mapping, not {_kind(fields)}")
    if foreign := sorted(str(name) for name in set(fields) - known):
        raise wrong(f"fields may hold {', '.join(sorted(known)) or 'nothing'}, not {foreign[0]!r}")
    return fields


def _kind(value: object) -> str:
    # Never the value itself, unless it is a word: aliases make a small file a huge structure.
    if isinstance(value, str):
        return repr(value[:60])
    return "nothing" if value is None else type(value).__name__


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__

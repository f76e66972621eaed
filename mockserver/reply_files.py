"""Fixtures as files: `replies.yaml` for people, recordings for machines."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from .faults import UnknownName, faults_of
from .model import Api, Settings
from .recorded import MOST_RECORDED, Entry, from_browser, usable
from .replies import BASES, FACES, MATCHERS, Failing, Matcher, Reply

log = logging.getLogger("mockserver")


class FixtureError(Exception):
    """A fixture file does not say what it should; names the file, the entry and the mend."""


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
    return list(_read(_stamps(folder), read_recording, fields, check))


def _stamps(folder: Path) -> tuple[Stamp, ...]:
    """Return the files of a folder, and what tells that one was written again."""
    try:
        entries = os.scandir(folder)  # faster than pathlib: requests wait for it
    except (FileNotFoundError, NotADirectoryError):
        return ()
    with entries:
        found = [
            (entry.name != "replies.yaml", entry.name, entry.stat())
            for entry in entries
            if entry.name == "replies.yaml" or entry.name.endswith(".har")
        ]
    return tuple((folder / name, it.st_mtime_ns, it.st_size) for _, name, it in sorted(found))


Stamp = tuple[Path, int, int]
"""A file, when it was written, and its bytes."""

LOOK_EVERY = 0.25
"""Seconds between two looks at the files of a running mock."""


class Watched:
    """The fixtures of one API, read again when their files were written again.

    What cannot be used is told in the log, once; the mock goes on with what it had.
    """

    def __init__(self, folder: Path, api: type[Api], settings: Settings) -> None:
        self._folder = folder
        self._api = api
        self._settings = settings
        self._now: list[Reply] = []
        self._stamps: tuple[Stamp, ...] = ()
        self._looked = time.monotonic()
        self._told = ""

    def read(self) -> list[Reply]:
        """Return the fixtures as the files have them; raises FixtureError."""
        api, self._stamps = self._api, _stamps(self._folder)
        if api.routes_itself and not self._stamps:
            return []  # a document answers for itself
        found = load_fixtures(self._folder, api.read_recording, api.reply_fields, api.check_reply)
        known = faults_of(api) if any(reply.faults for reply in found) else {}
        for reply in found:
            if unknown := [fault for fault in reply.faults if fault not in known]:
                raise FixtureError(
                    f"{self._folder}: {reply.source}: {UnknownName('fault', unknown[0], known)}"
                )
        if self._settings.recorded_times:
            found = [replace(reply, delay=reply.delay + self._wait(reply)) for reply in found]
        self._now = found
        return found

    def _wait(self, reply: Reply) -> float:
        """Return how much later a recorded reply has to come to come as late as it did."""
        later = self._settings.reply_after if self._api.replies_later else 0.0
        return max(0.0, reply.waited - later)

    def changed(self) -> list[Reply] | None:
        """Return the fixtures where they are others than before, else None."""
        if time.monotonic() - self._looked < LOOK_EVERY:
            return None
        self._looked = time.monotonic()
        before = self._now
        try:
            if _stamps(self._folder) == self._stamps:
                return None
            found = self.read()
        except (FixtureError, OSError) as problem:
            if str(problem) != self._told:
                log.warning("the fixtures are left as they were: %s", problem)
            self._told = str(problem)
            return None
        self._told = ""
        return None if found == before else found


@lru_cache(maxsize=64)
def _read(
    stamps: tuple[Stamp, ...],
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
        reply = read_entry(f"{path}: entry {place}", entry, fields)
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


def read_entry(where: str, entry: object, fields: frozenset[str]) -> Reply:
    """Return the reply that an entry describes; raises FixtureError, which begins with `where`."""

    def wrong(what: str) -> FixtureError:
        return FixtureError(f"{where}: {what}")

    if not isinstance(entry, dict):
        raise wrong(f"a mapping was expected, not {_kind(entry)}")
    known = {*MATCHERS, *FACES, *MANNERS, "basis", "about", "fields"}
    if unknown := sorted(str(key) for key in entry if key not in known):
        raise wrong(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    matcher = _read_matcher(entry, wrong)
    _check_face(entry, wrong)
    if entry.get("basis") not in BASES:
        raise wrong(f"basis should be one of {', '.join(BASES)}, not {_kind(entry.get('basis'))}")
    return Reply(
        matcher=matcher,
        question=entry[matcher],
        answer=entry.get("answer", (entry.get("answers") or [""])[0]),
        basis=entry["basis"],
        messages=_read_messages(entry, wrong),
        fields=_read_fields(entry, fields, wrong),
        answers=tuple(entry.get("answers", ())),
        error=_read_error(entry, wrong),
        delay=_read_number(entry, "delay", wrong) or 0.0,
        faults=_read_faults(entry, wrong),
        times=_read_times(entry, wrong),
        session=_read_session(entry, wrong),
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


MANNERS = ("error", "delay", "fault", "times", "session")
"""How a reply is given, and to whom; none of them is needed."""


def _check_face(entry: dict[Any, Any], wrong: Wrong) -> None:
    faces = [face for face in FACES if face in entry]
    if "error" in entry and not faces:
        return
    if len(faces) != 1 or "error" in entry:
        raise wrong("exactly one of answer, answers, messages and error is needed")
    given = entry[faces[0]]
    texts = isinstance(given, list) and given and all(isinstance(text, str) for text in given)
    if faces == ["answers"] and not texts:
        raise wrong("answers is a list of texts, with one in it at least")
    if not isinstance(given, str if faces == ["answer"] else list):
        raise wrong("an answer is a text, and messages are a list")


def _read_error(entry: dict[Any, Any], wrong: Wrong) -> Failing | None:
    if "error" not in entry:
        return None
    error = entry["error"]
    if not isinstance(error, dict) or set(error) - {"status", "code", "message"}:
        raise wrong("error is a mapping with any of status, code and message")
    status, code = error.get("status", 500), error.get("code", 0)
    message = error.get("message", "scripted")
    if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
        raise wrong(f"error.status is an HTTP status from 400 to 599, not {_kind(status)}")
    if isinstance(code, bool) or not isinstance(code, int) or not isinstance(message, str):
        raise wrong("error.code is a whole number, and error.message a text")
    return Failing(status, code, message)


def _read_number(entry: dict[Any, Any], name: str, wrong: Wrong) -> float | None:
    number = entry.get(name)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 3600:
        raise wrong(f"{name} is a number from 0 to 3600, not {_kind(number)}")
    return float(number)


def _read_times(entry: dict[Any, Any], wrong: Wrong) -> int | None:
    times = entry.get("times")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise wrong(f"times is a whole number from 1 up, not {_kind(times)}")
    return times


def _read_faults(entry: dict[Any, Any], wrong: Wrong) -> tuple[str, ...]:
    faults = entry.get("fault", [])
    found = [faults] if isinstance(faults, str) else faults
    if not isinstance(found, list) or not all(isinstance(fault, str) for fault in found):
        raise wrong("fault is the id of a fault, or a list of them")
    return tuple(found)


def _read_session(entry: dict[Any, Any], wrong: Wrong) -> str | None:
    session = entry.get("session")
    if session is not None and not isinstance(session, str):
        raise wrong(f"session is a text, not {_kind(session)}")
    return session


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
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        line, column = error.problem_mark.line + 1, error.problem_mark.column + 1
        while_doing = f"{error.context}, " if error.context else ""
        return " ".join(f"line {line}, column {column}: {while_doing}{error.problem}".split())
    return " ".join(str(error).split()) or type(error).__name__

"""How scopes, records and snapshots are written down where they outlive the process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

FORMAT = 1
"""The version of what stores write; one that writes otherwise gets another number."""

MOST_RECORDS = 100_000
MOST_COUNTERS = 100_000
"""What a store holds unless told otherwise: the least recently used one goes."""

MOST_CALLS = 2**53
"""A counter of a snapshot is at most this: what every reader of JSON takes for an integer."""

# The standard library's JSON, for it loses nothing. orjson is faster, but refuses lone surrogates
# and integers beyond 64 bits, reads the latter as floats, and writes NaN as null.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


NO_VALUE = (
    "What is to be kept is no JSON value that can be written. "
    "Keep dicts, lists, texts, numbers, booleans and None, nested some hundred deep at most"
)


class StoreError(Exception):
    """A store cannot do what it is asked; says what was wrong, where, and the mend."""


def to_bytes(value: object) -> bytes:
    """Write a JSON value; equal bytes are equal values, and no byte of it is NUL or a newline."""
    try:
        # Not escaped: two lone surrogates side by side would come back as one character.
        return _ENCODER.encode(value).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"{NO_VALUE}: {error}") from error


def from_bytes(written: bytes) -> Any:
    """Read what `to_bytes` wrote."""
    try:
        return json.loads(written.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"What a store holds cannot be read: {error}. Somebody else has written into it, or "
            "it was nested too deep: clear the store"
        ) from error


def copy(value: object) -> Any:
    """Return the value as a store on disk gives it back."""
    return from_bytes(to_bytes(value))


def under(scope: tuple[str, ...]) -> bytes:
    """Return what the written scopes that begin with `scope` begin with.

    A comma or a bracket follows in them; as a quote within a text is escaped, no text forges that.
    """
    return to_bytes(scope)[:-1]


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that a store holds: records oldest first within their scope, and counters."""

    records: list[tuple[tuple[str, ...], str, Any]]
    counters: list[tuple[tuple[str, ...], str, int]]


def snapshot_of(
    records: Iterable[tuple[Iterable[str], str, Any]],
    counters: Iterable[tuple[Iterable[str], str, int]],
) -> dict[str, Any]:
    """Return the JSON value that says everything, in the same order whatever the store."""
    return {
        "format": FORMAT,
        "records": [
            {"scope": list(scope), "key": key, "record": record}
            for scope, key, record in sorted(records, key=lambda item: tuple(item[0]))
        ],
        "counters": [
            {"scope": list(scope), "key": key, "calls": calls}
            for scope, key, calls in sorted(counters, key=lambda item: (tuple(item[0]), item[1]))
        ],
    }


def contents_of(snapshot: object, most_records: int, most_counters: int) -> Contents:
    """Read a snapshot, which may come from anybody; what does not fit is left out, from the front.

    Its values are nobody else's afterwards.
    """
    snapshot = copy(snapshot)
    if not isinstance(snapshot, dict) or set(snapshot) != {"format", "records", "counters"}:
        raise _odd("it is no object with format, records and counters")
    if snapshot["format"] != FORMAT or isinstance(snapshot["format"], bool):
        raise _odd(f"its format is {str(snapshot['format'])[:20]!r} and not {FORMAT}")
    records = _items(snapshot, "records", "record")
    counters = _items(snapshot, "counters", "calls")
    for place, (_, _, record) in enumerate(records):
        if not isinstance(record, dict):
            raise _odd(f"records[{place}].record is no object")
    for place, (_, _, calls) in enumerate(counters):
        if type(calls) is not int or not 1 <= calls <= MOST_CALLS:
            raise _odd(f"counters[{place}].calls is no integer from 1 to {MOST_CALLS}")
    return Contents(
        records[max(0, len(records) - most_records) :],
        counters[max(0, len(counters) - most_counters) :],
    )


def _items(
    snapshot: dict[str, Any], name: str, content: str
) -> list[tuple[tuple[str, ...], str, Any]]:
    if not isinstance(snapshot[name], list):
        raise _odd(f"{name} is no list")
    found: dict[tuple[tuple[str, ...], str], Any] = {}
    for place, item in enumerate(snapshot[name]):
        where = f"{name}[{place}]"
        if not isinstance(item, dict) or set(item) != {"scope", "key", content}:
            raise _odd(f"{where} is no object with scope, key and {content}")
        scope, key = item["scope"], item["key"]
        if not isinstance(scope, list) or not all(isinstance(part, str) for part in scope):
            raise _odd(f"{where}.scope is no list of texts")
        if not isinstance(key, str):
            raise _odd(f"{where}.key is no text")
        if (tuple(scope), key) in found:
            raise _odd(f"{where} has the scope and key of one before it")
        found[tuple(scope), key] = item[content]
    return [(scope, key, value) for (scope, key), value in found.items()]


def _odd(what: str) -> StoreError:
    return StoreError(
        f"The snapshot cannot be restored: {what}. Nothing was changed; "
        "restore what a store of this version gave as its snapshot"
    )

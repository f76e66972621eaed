"""Media types: which one is meant, and which of them a mock can make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from werkzeug.http import parse_accept_header, parse_options_header

from .document import Media

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


def plain(media_type: str) -> str:
    """Return a media type without its parameters, in lower case."""
    return parse_options_header(media_type)[0].lower()


def is_json(media_type: str) -> bool:
    """Say whether a body of this type is JSON; what may be anything is made as JSON."""
    name = plain(media_type)
    return name in (JSON, "*/*", "application/*", "text/json") or name.endswith("+json")


LINES = ("jsonl", "x-jsonl", "ndjson", "x-ndjson", "jsonlines", "x-jsonlines")
"""What JSON values in lines are called, below `application`."""


def is_lines(media_type: str) -> bool:
    """Say whether a body of this type is JSON values, a line each; its schema is that of one."""
    return plain(media_type).removeprefix("application/") in LINES


def is_text(media_type: str) -> bool:
    """Say whether a body of this type is made of characters that mean nothing to a mock."""
    name = plain(media_type)
    return name.startswith("text/") and name != "text/xml"


def written(media_type: str) -> str:
    """Return the type that a body is sent with."""
    if plain(media_type) in ("*/*", "application/*"):
        return JSON
    return "text/plain" if plain(media_type) == "text/*" else media_type


def documented(contents: Mapping[str, Media], media_type: str) -> Media | None:
    """Return the media type that a request's body is of, by the narrowest range that has it."""
    named = {plain(name): one for name, one in contents.items()}
    name = plain(media_type)
    for wanted in (media_type.lower(), name, f"{name.partition('/')[0]}/*", "*/*"):
        if wanted in contents or wanted in named:
            return contents.get(wanted) or named[wanted]
    return None


def acceptable(contents: Iterable[Media], accept: str) -> list[Media]:
    """Return what the client takes, what it likes best first; JSON first where it is all one."""
    made = sorted(contents, key=lambda one: not is_json(one.type))
    if not accept.strip():
        return made
    wanted = [
        (plain(name), quality) for name, quality in parse_accept_header(accept) if quality > 0
    ]
    refused = {plain(name) for name, quality in parse_accept_header(accept) if quality <= 0}
    found = []
    for place, media in enumerate(made):
        names = (plain(media.type), plain(written(media.type)))
        best = max((quality for name, quality in wanted if _fits(name, names)), default=0)
        if best and not refused & set(names):
            found.append((-best, place, media))
    return [media for *_, media in sorted(found, key=lambda one: one[:2])]


def _fits(wanted: str, names: tuple[str, ...]) -> bool:
    if wanted in ("*/*", "*"):
        return True
    for name in names:
        if wanted == name or name == "*/*":
            return True
        if wanted.endswith("/*") and name.startswith(wanted[:-1]):
            return True
        if name.endswith("/*") and wanted.startswith(name[:-1]):
            return True
    return False

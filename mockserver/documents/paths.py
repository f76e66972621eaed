"""Which operation a path and a method are for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from .document import Endpoint

SLASH = "%2F"
"""A slash that is part of a value."""

_TEMPLATE = re.compile(r"\{([^{}]*)\}")

Values = dict[str, str]


Pairs = frozenset[tuple[str, str]]

Asked = tuple[Pairs, Endpoint]
"""Who answers, if the query has these pairs: a path with a `?` is no path, but some are written."""


@dataclass(slots=True)
class _Branch:
    """What may follow after the same beginning of a path, part by part."""

    plain: dict[str, _Branch] = field(default_factory=dict)
    open: list[tuple[re.Pattern[str], _Branch]] = field(default_factory=list)
    endpoints: dict[str, list[Asked]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """Who answers, if anybody, with the values in the path; and the methods that are allowed."""

    endpoint: Endpoint | None
    values: Values
    allowed: tuple[str, ...]


class Paths:
    """The operations by their paths; what stands there as it is goes before what may be any text.

    A path is known with and without each of the `bases`.
    """

    def __init__(self, endpoints: Iterable[Endpoint], bases: Iterable[str]) -> None:
        self._root = _Branch()
        self._bases = sorted((base for base in bases if base), key=len, reverse=True)
        for endpoint in endpoints:
            self._add(endpoint)

    def _add(self, endpoint: Endpoint) -> None:
        at = self._root
        path, _, query = endpoint.path.partition("?")
        for part in path.split("/")[1:]:
            if "{" in part:
                at = _template(at, part)
            else:
                at = at.plain.setdefault(_decoded(part), _Branch())
        asked = frozenset(parse_qsl(query, keep_blank_values=True))
        known = at.endpoints.setdefault(endpoint.method, [])
        known.append((asked, endpoint))
        known.sort(key=lambda one: -len(one[0]))

    def find(self, method: str, path: str, query: str = "") -> Found:
        """Return who answers a path that begins with a slash."""
        pairs = frozenset(parse_qsl(query, keep_blank_values=True)) if query else frozenset()
        for tried in self._tried(path):
            found = list(_walk(self._root, tried.split("/")[1:], ()))
            for endpoints, values in found:
                for asked, endpoint in endpoints.get(method, ()):
                    if asked <= pairs:
                        names = _TEMPLATE.findall(endpoint.path.partition("?")[0])
                        return Found(endpoint, dict(zip(names, values, strict=True)), ())
            if found:
                return Found(None, {}, tuple(sorted({one for known, _ in found for one in known})))
        return Found(None, {}, ())

    def _tried(self, path: str) -> Iterator[str]:
        yield path
        for base in self._bases:
            if path.startswith(f"{base}/"):
                yield path[len(base) :]


def _decoded(part: str) -> str:
    """Return a part as a request's path has it: decoded, but for a slash that parts nothing."""
    return unquote(part).replace("/", SLASH)


def _template(at: _Branch, part: str) -> _Branch:
    """Return the branch of a part with a template in it, whatever its values are called."""
    *pieces, end = _TEMPLATE.split(part)
    texts = "".join(f"{re.escape(_decoded(piece))}(.+?)" for piece in pieces[::2])
    pattern = re.compile(texts + re.escape(_decoded(end)), re.DOTALL)
    for known, branch in at.open:
        if known.pattern == pattern.pattern:
            return branch
    branch = _Branch()
    at.open.append((pattern, branch))
    # The more of a part is written, the sooner it is tried.
    at.open.sort(key=lambda one: -len(one[0].pattern.replace("(.+?)", "")))
    return branch


def _walk(
    at: _Branch, parts: list[str], values: tuple[str, ...]
) -> Iterator[tuple[dict[str, list[Asked]], tuple[str, ...]]]:
    if not parts:
        if at.endpoints:
            yield at.endpoints, values
        return
    if (plain := at.plain.get(parts[0])) is not None:
        yield from _walk(plain, parts[1:], values)
    for pattern, branch in at.open:
        if match := pattern.fullmatch(parts[0]):
            yield from _walk(branch, parts[1:], (*values, *match.groups()))

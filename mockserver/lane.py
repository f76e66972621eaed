"""The way around Flask for plain requests: an operation found by one expression, and served."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from werkzeug.exceptions import SecurityError
from werkzeug.sansio.utils import get_host

View = Callable[[Any, dict[str, str]], Any]
"""Answers a request, whose path has these parts, with a WSGI application."""

PARTS = re.compile("<(path:)?([a-z_]+)>")
TEXTS = {None: "([^/]+)", "path:": "([^/].*?)"}
"""What a part of a rule's path is: a text without a slash, or one that does not begin with one."""


class Lane:
    """Finds who answers, as Flask's routing would; None for whatever is out of the ordinary.

    That is a path that no rule has, that is not plain ASCII or below a mount, or a host that is
    none: then Flask says what is wrong.
    """

    def __init__(self) -> None:
        self._rules: dict[str, list[tuple[str, View]]] = {}
        self._found: dict[str, tuple[re.Pattern[str], dict[int, _Rule]]] = {}

    def add(self, method: str, path: str, view: View) -> None:
        """Add a rule, before the first request."""
        self._rules.setdefault(method, []).append((path, view))
        self._found.clear()

    def __call__(self, environ: Mapping[str, Any]) -> tuple[View, dict[str, str]] | None:
        """Return who answers a request, and the parts of its path."""
        if not self._found:
            self._found = {method: _compiled(rules) for method, rules in self._rules.items()}
        found = self._found.get(environ["REQUEST_METHOD"])
        path = environ.get("PATH_INFO", "")
        if (
            found is None
            or not path.isascii()
            or not path.isprintable()
            or environ.get("SCRIPT_NAME")
        ):
            return None
        match = found[0].fullmatch(path)
        if match is None or not _is_host(environ.get("HTTP_HOST", "")):
            return None
        view, names, before = found[1][match.lastindex or 0]
        if not names:
            return view, {}
        return view, dict(zip(names, match.groups()[before:], strict=False))


_Rule = tuple[View, list[str], int]
"""Who answers, the names of the path's parts, and how many groups of the expression are before."""


def _compiled(rules: list[tuple[str, View]]) -> tuple[re.Pattern[str], dict[int, _Rule]]:
    """Return one expression for all rules, and which rule it is, by the number of its last group.

    As in Flask, what stands there as it is goes before what may be any text.
    """
    written, known, groups = [], {}, 0
    for path, view in sorted(rules, key=lambda rule: _breadth(rule[0])):
        *pieces, end = PARTS.split(path)
        steps = zip(pieces[::3], pieces[1::3], strict=True)
        found = "".join(re.escape(before) + TEXTS[kind] for before, kind in steps)
        names = pieces[2::3]
        written.append(f"{found}{re.escape(end)}()")
        known[groups + len(names) + 1] = view, names, groups
        groups += len(names) + 1
    return re.compile("|".join(written), re.DOTALL), known


def _breadth(path: str) -> list[int]:
    """Return how much may stand in each place: what is written, a text, a path, and nothing."""
    found = map(PARTS.search, path.split("/"))
    return [*(0 if one is None else 2 if one[1] else 1 for one in found), 3]


@lru_cache(64)
def _is_host(host: str) -> bool:
    try:
        return bool(host) and bool(get_host("http", host))
    except SecurityError:
        return False

"""How the requests of a failure are made anew: data for a replay, with no secret and no code in it.

Each request is a step. Its target, the values of its headers and its body are lists of pieces; the
pieces joined are the text. A piece is a text, or an object that names where the text comes from:

- {"credential": NAME}: from the caller's own credentials
- {"answer": N, "at": [KEY, …]}: from the answer to step N, at this place in it
- {"made": NAME, "parts": [PIECES, …]}: made by the API's driver, like a signature
- {"hidden": LABEL}: a secret that cannot be made anew

`then` are changes that are done to it afterwards, `label` is how reports show it, and `was` is what
it was where it is no secret. A key of `at` may itself be such an object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..driver import Driver
from ..model import Contract, Exchange, Failure, Hidden, Recipe, Request
from ..recipes import changed
from ..tokens import Token, in_body, in_target
from . import curl

Piece = str | dict[str, Any]
Redact = Callable[[str], str]

MOST_VALUES = 5000
"""So many values of one answer are looked at, and so deep; the ids are among the first."""
MOST_DEPTH = 12

LEAST_TEXT = 4
"""A shorter value is the same as another by chance, unless both are called the same."""


def steps(
    failure: Failure, contract: Contract, credentials: Mapping[str, str], redact: Redact
) -> list[dict[str, Any]]:
    """Return a failure's requests, in their order, as they are made anew."""
    scribe = _Scribe(contract, credentials, redact)
    found = []
    left = None
    for exchange in failure.exchanges:
        pause = 0.0 if left is None else max(0.0, exchange.at - left)
        left = exchange.at + exchange.duration
        found.append({**scribe.step(exchange.request), "pause_s": round(pause, 4)})
        scribe.note(exchange)
    return found


class _Scribe:
    """Knows where the values of a request came from: from the caller, or from an earlier answer."""

    def __init__(self, contract: Contract, credentials: Mapping[str, str], redact: Redact) -> None:
        self._driver: type[Driver] = contract.driver
        self._redact = redact
        secret = {credential.name for credential in contract.credentials if credential.secret}
        self._known: dict[str, Piece] = {}
        for name, value in credentials.items():
            if name not in secret and value:
                self._known.setdefault(value, {"credential": name, "was": value})
        self._sent: set[str] = set()
        self._given: dict[str, tuple[str, Piece]] = {}
        self._answers = 0

    def step(self, request: Request) -> dict[str, Any]:
        """Return a request in pieces."""
        body = request.body.decode("utf-8", "surrogateescape")
        tokens = list(in_target(request.target))
        tokens_in_body = list(in_body(body, _kind(request)))
        found = {
            "method": request.method,
            "operation": request.operation,
            "target": self._pieces(request.target, tokens, request.hidden),
            "headers": [
                [name, self._pieces(value, (), request.hidden)] for name, value in request.headers
            ],
            "body": self._pieces(body, tokens_in_body, request.hidden),
        }
        self._sent |= {str(token.value) for token in (*tokens, *tokens_in_body)}
        return found

    def note(self, exchange: Exchange) -> None:
        """Note what an answer gives that was not sent before it."""
        answer, self._answers = self._answers, self._answers + 1
        for path, value in _leaves(self._driver.reading(exchange)):
            text = str(value)
            called = _named(path)
            if called not in self._driver.volatile or text in self._sent | self._known.keys():
                continue
            if text not in self._given:
                place = [self._key(key) for key in path]
                piece: Piece = {"answer": answer, "at": place, "was": text}
                self._given[text] = called, piece

    def _key(self, key: str | int) -> str | int | Piece:
        found = self._given.get(key) if isinstance(key, str) else None
        return found[1] if found else key

    def _pieces(self, text: str, tokens: Iterable[Token], hidden: Iterable[Hidden]) -> list[Piece]:
        """Cut a text at its secrets, and at the values that came from elsewhere."""
        places: list[tuple[int, int, Piece]] = []
        end = 0
        for piece, secret in curl.cut(text, hidden):
            if secret:
                places.append((end, end + len(piece), self._secret(secret)))
            end += len(piece)
        for token in tokens:
            found = self._source(token, text[token.begin : token.end])
            if found is not None:
                places.append((token.begin, token.end, found))
        return list(self._between(text, sorted(places, key=lambda place: place[:2])))

    def _between(self, text: str, places: list[tuple[int, int, Piece]]) -> Iterator[Piece]:
        end = 0
        for begin, until, piece in places:
            if begin >= end:
                yield from self._literal(text[end:begin])
                yield piece
                end = until
        yield from self._literal(text[end:])

    def _literal(self, text: str) -> Iterator[Piece]:
        shown = self._redact(text)
        if text:
            yield text if shown == text else {"hidden": shown}

    def _source(self, token: Token, raw: str) -> Piece | None:
        """Return where a value came from, written as it is written here; None if it is its own."""
        piece = self._source_of(str(token.value), token.name)
        if piece is None:
            return None
        text = str(token.value)
        if text == raw:
            return piece
        for way in token.ways:
            if changed(text, [way]) == raw:
                return {**piece, "then": [list(way)]}
        return None

    def _source_of(self, text: str, name: str) -> dict[str, Any] | None:
        known = self._known.get(text)
        if isinstance(known, dict):
            return known
        called, piece = self._given.get(text, ("", None))
        if not isinstance(piece, dict) or self._redact(text) != text:
            return None
        same_name = name and _plain(name) == _plain(called)
        return piece if same_name or len(text) >= LEAST_TEXT else None

    def _secret(self, hidden: Hidden) -> Piece:
        recipe = hidden.anew()
        if recipe is None:
            return {"hidden": hidden.label}
        [piece] = self._recipe(recipe) or [{"hidden": hidden.label}]
        return piece if isinstance(piece, str) else {**piece, "label": hidden.label}

    def _recipe(self, recipe: Recipe) -> list[Piece]:
        then = {"then": [list(step) for step in recipe.then]} if recipe.then else {}
        if recipe.credential:
            return [{"credential": recipe.credential, **then}]
        if recipe.made:
            parts = [_alone(self._recipe(part)) for part in recipe.parts]
            return [{"made": recipe.made, "parts": parts, **then}]
        found = self._source_of(recipe.text, "")
        return [found] if found else list(self._literal(recipe.text))


def _alone(pieces: list[Piece]) -> str | list[Piece]:
    """Return what is a text and nothing else as that text."""
    return pieces[0] if len(pieces) == 1 and isinstance(pieces[0], str) else pieces


def _leaves(value: object) -> Iterator[tuple[tuple[str | int, ...], str | int]]:
    """Yield the texts and whole numbers of an answer with their places, the shallow ones first."""
    level: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    seen = 0
    for _ in range(MOST_DEPTH):
        below: list[tuple[tuple[str | int, ...], object]] = []
        for path, found in level:
            if seen >= MOST_VALUES:
                return
            if isinstance(found, dict):
                below += [((*path, key), item) for key, item in found.items()]
            elif isinstance(found, list):
                below += [((*path, at), item) for at, item in enumerate(found)]
            elif isinstance(found, (str, int)) and not isinstance(found, bool) and found != "":
                seen += 1
                yield path, found
        level = below


def _named(path: Iterable[str | int]) -> str:
    return next((key for key in reversed(list(path)) if isinstance(key, str)), "")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _kind(request: Request) -> str:
    return next((value for name, value in request.headers if name.lower() == "content-type"), "")

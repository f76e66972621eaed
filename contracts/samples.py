"""A request in parts, so that it can be filled with what exists, made harder and made smaller."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from .document import Operation, is_form, is_json
from .model import Request
from .schemas import Json, Problem

MIXED = "e\u0301中\u202e🙂'\"\\<>%&\r\n"
"""Characters that servers trip over, all in one text: what is left of it names the culprit."""

PLAIN = ("0", "é", "中", "🙂")
"""The characters that others are replaced by, if they do as well."""

NUL = "a\u0000"
LONE_SURROGATE = "\ud800"
MALFORMED = (b"{", b"\xff\xfe")


@dataclass(frozen=True, eq=False)
class Sample:
    """One request for an operation.

    `body` is a JSON value, a form's pairs, or the bytes of what is neither. `kept` names what has
    to stay as it is where other values are replaced by ones that exist. `plain` is false of what
    was made to make servers fail. `beyond` is appended to the path.
    """

    operation: Operation
    path: Mapping[str, str]
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    kind: str | None = None
    body: Json = None
    method: str = ""
    beyond: str = ""
    kept: frozenset[str] = frozenset()
    plain: bool = True

    @cached_property
    def request(self) -> Request:
        """The request as it is sent, but for the credentials."""
        target = self.operation.path
        for name, value in self.path.items():
            target = target.replace(f"{{{name}}}", _quoted(value))
        if self.beyond:
            target = target.rstrip("/") + self.beyond
        if self.query:
            target += "?" + urlencode(self.query, quote_via=quote, errors="surrogatepass")
        method = self.method or self.operation.method
        declared = method == self.operation.method and not self.beyond
        content_type = (("Content-Type", self.kind),) if self.kind else ()
        return Request(
            method,
            target,
            (*content_type, *self.headers),
            self._body(),
            self.operation.id if declared else None,
        )

    def problems(self, *, permitted: bool) -> tuple[Problem, ...]:
        """Return why the request breaks the schema, or even the permitted one.

        Half a surrogate pair is more than validators can take in: it is left open.
        """
        try:
            return tuple(self._problems(permitted))
        except UnicodeEncodeError:
            return () if permitted else (Problem("somewhere", "text", "no Unicode text"),)

    def _problems(self, permitted: bool) -> Iterator[Problem]:
        texts = {"path": tuple(self.path.items()), "query": self.query, "header": self.headers}
        kind = self.kind
        if isinstance(self.body, bytes) and is_json(kind):
            yield Problem("body", "json", "it is not JSON")
            kind = "nothing more to judge"
        yield from self.operation.problems(texts, kind, self.body, permitted=permitted)

    @cached_property
    def conforms(self) -> bool:
        """Whether the request is as the schema says."""
        return not self.problems(permitted=False)

    @cached_property
    def forbidden(self) -> tuple[Problem, ...]:
        """Why the request has to be refused; empty where the document leaves it open."""
        return self.problems(permitted=True)

    @property
    def likeness(self) -> object:
        """What samples that probe the same thing have in common."""
        if self.conforms and isinstance(self.body, dict):
            return (self.kind, *sorted(self.body))
        return (self.kind, *(problem[:2] for problem in self.problems(permitted=False)))

    def filled(self, existing: Mapping[str, Any]) -> Sample:
        """Return the sample with values that exist, none of which mends what is wrong with it."""
        sample = self
        for name, value in existing.items():
            if name in self.names and name not in self.kept:
                candidate = sample._with(name, value)
                if candidate.forbidden or not self.forbidden:
                    sample = candidate
        return sample

    def _with(self, name: str, value: Any) -> Sample:
        path = {n: str(value) if n == name else v for n, v in self.path.items()}
        query = tuple((n, str(value) if n == name else v) for n, v in self.query)
        body = self.body
        if is_form(self.kind) and not isinstance(body, bytes):
            body = tuple((n, str(value) if n == name else v) for n, v in body)
        elif isinstance(body, dict) and name in body:
            body = {**body, name: value}
        return replace(self, path=path, query=query, body=body)

    def as_is(self) -> Sample:
        """Return the sample with nothing in it to be replaced."""
        return replace(self, kept=self.names)

    @cached_property
    def names(self) -> frozenset[str]:
        """What it has values of: parameters, and the fields of its body."""
        names = {*self.path, *(name for name, _ in self.query)}
        if isinstance(self.body, dict):
            names |= set(self.body)
        elif is_form(self.kind) and not isinstance(self.body, bytes):
            names |= {name for name, _ in self.body}
        return frozenset(names)

    def harder(self) -> Iterator[Sample]:
        """Yield the sample with one text after another replaced by what servers trip over."""
        for text in (MIXED, NUL, LONE_SURROGATE):
            yield from self._with_text(text)
        if is_json(self.kind):
            yield from (replace(self, body=body, plain=False) for body in MALFORMED)

    def _with_text(self, text: str) -> Iterator[Sample]:
        if is_json(self.kind) and isinstance(self.body, dict):
            for name in self.body:
                for value in _replaced(self.body[name], text):
                    yield self._hard(name, body={**self.body, name: value})
        if text == LONE_SURROGATE:
            return  # only JSON has a way to write it
        for name in self.path:
            yield self._hard(name, path={**self.path, name: text})
        for place, (name, _) in enumerate(self.query):
            yield self._hard(name, query=_swapped(self.query, place, text))
        if is_form(self.kind):
            for place, (name, _) in enumerate(self.body):
                yield self._hard(name, body=_swapped(self.body, place, text))

    def _hard(self, name: str, **parts: Any) -> Sample:
        return replace(self, plain=False, kept=self.kept | {name}, **parts)

    def smaller(self) -> Iterator[Sample]:
        """Yield simpler samples with no more wrong with them than with this, the boldest first."""
        for sample in self._smaller():
            if len(sample.forbidden) <= len(self.forbidden) and sample.conforms >= self.conforms:
                yield sample

    def _smaller(self) -> Iterator[Sample]:
        if is_json(self.kind) and not isinstance(self.body, bytes):
            yield from (replace(self, body=body) for body in _lesser(self.body))
        elif is_form(self.kind):
            yield from (replace(self, body=body) for body in _lesser_pairs(self.body))
        yield from (replace(self, query=query) for query in _lesser_pairs(self.query))
        for place in range(len(self.headers)):
            yield replace(self, headers=self.headers[:place] + self.headers[place + 1 :])
        for name, value in self.path.items():
            if name in self.kept:
                for text in _lesser_text(value):
                    if text:
                        yield replace(self, path={**self.path, name: text})

    def _body(self) -> bytes:
        if self.kind is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if is_form(self.kind):
            return urlencode(self.body, errors="surrogatepass").encode("ascii")
        return json.dumps(self.body).encode("ascii")


def read_sample(
    operation: Operation, target: str, headers: Mapping[str, str], body: bytes
) -> Sample | None:
    """Take a request apart; None where its path would not reach the operation."""
    raw_path, _, query = target.partition("?")
    found = operation.path_pattern.fullmatch(raw_path)
    values = [unquote(value) for value in found.groups()] if found else []
    if not found or any("/" in value or value in (".", "..") for value in values):
        return None
    declared = {name.lower() for name in operation.names("header")}
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower() or None
    return Sample(
        operation,
        dict(zip(operation.path_names, values, strict=True)),
        tuple(parse_qsl(query, keep_blank_values=True)),
        tuple((name, text) for name, text in headers.items() if name.lower() in declared),
        kind,
        _value(kind, body),
    )


def _value(kind: str | None, body: bytes) -> Json:
    if is_form(kind):
        return tuple(parse_qsl(body.decode("ascii"), keep_blank_values=True))
    if is_json(kind):
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return body
    return body


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _swapped(
    pairs: tuple[tuple[str, str], ...], place: int, text: str
) -> tuple[tuple[str, str], ...]:
    return (*pairs[:place], (pairs[place][0], text), *pairs[place + 1 :])


def _replaced(value: Json, text: str) -> Iterator[Json]:
    """Yield the value with one string in it after another replaced."""
    if isinstance(value, str):
        yield text
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from ([*value[:place], new, *value[place + 1 :]] for new in _replaced(item, text))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from ({**value, name: new} for new in _replaced(item, text))


def _lesser(value: Json) -> Iterator[Json]:
    """Yield simpler values; a chain of them has an end."""
    if isinstance(value, str):
        yield from _lesser_text(value)
    elif isinstance(value, dict):
        yield from (dict(items) for items in _fewer(list(value.items())))
        for name, item in value.items():
            yield from ({**value, name: new} for new in _lesser(item))
    elif isinstance(value, list):
        yield from _fewer(value)
        for place, item in enumerate(value):
            yield from ([*value[:place], new, *value[place + 1 :]] for new in _lesser(item))
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value != 0:
        yield 0


def _fewer(items: list[Any]) -> Iterator[list[Any]]:
    """Yield the list without a run of its items; some only go two at a time."""
    for size in sorted({len(items) // 2, 2, 1} - {0}, reverse=True):
        for place in range(len(items) - size + 1):
            yield items[:place] + items[place + size :]


def _lesser_text(text: str) -> Iterator[str]:
    half = len(text) // 2
    if text:
        yield ""
    if half:
        yield text[:half]
        yield text[half:]
    if 1 < len(text) <= 12:
        yield from (text[:place] + text[place + 1 :] for place in range(len(text)))
    if len(text) == 1:
        yield from takewhile(lambda plain: plain != text, PLAIN)


def _lesser_pairs(pairs: tuple[tuple[str, str], ...]) -> Iterator[tuple[tuple[str, str], ...]]:
    yield from (tuple(fewer) for fewer in _fewer(list(pairs)))
    for place, (_, text) in enumerate(pairs):
        yield from (_swapped(pairs, place, new) for new in _lesser_text(text))

"""Manners of servers that no document has a rule for: any API's class with another choice made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any

from .model import Answer, Api, Call, Chunk, World
from .replies import Replies, Reply
from .variants import variant

Manner = Callable[[Answer], Answer]
Rewrite = Callable[[bytes], bytes]
Variants = list[type[Api]]

SLOWLY = 2.5
"""Seconds that a slow server takes for any answer."""

WORDY = 'Well — "to be sure" \\ so to speak:\t\r\n\n🙂 </b> &amp; %20 '
"""What a wordy server says before it comes to the point; none of it is easy to write or to cut."""


def everyday(api: type[Api], *, maps: Collection[str] = (), but: Collection[str] = ()) -> Variants:
    """Return the variants that any API may have, but for those that are no other than its default.

    `maps` names members of JSON objects that are objects without fields: their keys are ids.
    """
    found = [*_in_other_json(api, maps), *_with_other_headers(api), *_at_another_pace(api)]
    without = {f"{api.name}.{what}" for what in but}
    return [one for one in found if one.variant and one.variant.id not in without]


def mannered(api: type[Api], what: str, sentence: str, manner: Manner) -> type[Api]:
    """Return a variant that changes every answer at the very end."""

    @variant(f"{api.name}.{what}", sentence)
    class Mannered(api):  # type: ignore[misc, valid-type]
        def dress(self, call: Call, answer: Answer) -> Answer:
            """Change what would have left."""
            return manner(super().dress(call, answer))

    return Mannered


# JSON that means the same.


def _in_other_json(api: type[Api], maps: Collection[str]) -> Variants:
    return [
        mannered(api, f"json_{what}", sentence, rewriting(rewrite))
        for what, (sentence, rewrite) in rewrites(maps).items()
    ]


def rewrites(maps: Collection[str] = (), it: str = "its JSON") -> dict[str, tuple[str, Rewrite]]:
    """Return ways to write JSON by what is different, each with the sentence that says so."""
    return {
        "sorted": (
            f"Writes the members of every object in {it} in the order of their names.",
            remade(lambda value: value, sort_keys=True, separators=(",", ":")),
        ),
        "reversed": (
            f"Writes the members of every object in {it} in the opposite order.",
            remade(_turned_round, separators=(",", ":")),
        ),
        "indented": (
            f"Indents {it}, and ends it with a line break.",
            lambda text: remade(lambda value: value, indent=2)(text) + b"\n",
        ),
        "padded": (
            f"Writes blanks and line breaks before and after {it}.",
            lambda text: b"\r\n\t " + text + b" \n\n",
        ),
        "ascii": (
            f"Escapes in {it} all that is not ASCII.",
            remade(lambda value: value, ensure_ascii=True, separators=(",", ":")),
        ),
        "escaped": (
            f"Escapes in {it} every character of every text, and of every name.",
            _escaped,
        ),
        "html_safe": (
            f"Escapes in {it} what has a meaning in HTML.",
            lambda text: re.sub(rb"[<>&'/]", lambda found: b"\\u%04x" % found[0][0], text),
        ),
        "more_fields": (
            f"Writes fields that no document names into every object in {it}.",
            remade(lambda value: _with_more(value, maps)),
        ),
    }


def rewriting(rewrite: Rewrite) -> Manner:
    """Return the manner that writes the JSON of an answer in another way."""

    def manner(answer: Answer) -> Answer:
        if not isinstance(answer.body, bytes) or "json" not in content_type(answer):
            return answer
        return replace(answer, body=rewrite(answer.body))

    return manner


def remade(change: Callable[[Any], Any], **style: Any) -> Rewrite:
    """Return the rewriting that reads JSON, changes its value, and writes it in a style."""

    def rewrite(text: bytes) -> bytes:
        try:
            return json.dumps(change(json.loads(text)), **{"ensure_ascii": False, **style}).encode()
        except RecursionError:  # what a caller sent is quoted, and too deep to be gone through
            return text

    return rewrite


def _turned_round(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _turned_round(value[name]) for name in reversed(value)}
    return [_turned_round(item) for item in value] if isinstance(value, list) else value


def _with_more(value: Any, maps: Collection[str]) -> Any:
    if isinstance(value, list):
        return [_with_more(item, maps) for item in value]
    if not isinstance(value, dict):
        return value
    return {"traceId": "a1", "": None} | _each_with_more(value, maps) | {"_links": [{"rel": "_"}]}


def _each_with_more(value: dict[str, Any], maps: Collection[str]) -> dict[str, Any]:
    return {
        name: _each_with_more(item, maps)
        if name in maps and isinstance(item, dict)
        else _with_more(item, maps)
        for name, item in value.items()
    }


_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def _escaped(text: bytes) -> bytes:
    def escape(found: re.Match[str]) -> str:
        units = str(json.loads(found[0])).encode("utf-16-be", "surrogatepass")
        pairs = (units[at : at + 2].hex() for at in range(0, len(units), 2))
        return '"' + "".join(f"\\u{pair}" for pair in pairs) + '"'

    return _TEXT.sub(escape, text.decode()).encode()


# Headers that mean the same, or nothing to a client.


def _with_other_headers(api: type[Api]) -> Variants:
    return [
        mannered(
            api,
            "headers_lower",
            "Writes the names of its headers in lower case, as HTTP/2 does.",
            _renaming(str.lower),
        ),
        mannered(
            api,
            "headers_upper",
            "Writes the names of its headers in capitals, and the last header first.",
            lambda answer: replace(
                _renaming(str.upper)(answer),
                headers=_renaming(str.upper)(answer).headers[::-1],
            ),
        ),
        mannered(
            api,
            "more_headers",
            "Sends headers that have nothing to do with the API, some of them twice.",
            lambda answer: replace(answer, headers=(*MORE_HEADERS, *answer.headers)),
        ),
        mannered(
            api,
            "connection_close",
            "Closes the connection after every answer, and says so.",
            lambda answer: answer.with_headers(("Connection", "close")),
        ),
        mannered(
            api,
            "charset",
            "Names the character set where it says that an answer is JSON.",
            relabelling(lambda kind: f"{kind}; charset=utf-8"),
        ),
        mannered(
            api,
            "content_type_spelt_otherwise",
            "Spells application/json with capitals, blanks and quotation marks.",
            relabelling(lambda kind: f'{kind.title()} ; Charset="UTF-8"'),
        ),
        _pages(api),
    ]


MORE_HEADERS = (
    ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"),
    ("Server", "nginx"),
    ("Vary", "Origin"),
    ("Vary", "Accept-Encoding"),
    ("Cache-Control", "no-store"),
    ("ETag", 'W/"1"'),
    ("Set-Cookie", "AWSALB=aGVsbG8=; Path=/; HttpOnly"),
    ("Set-Cookie", "lb=1"),
    ("Strict-Transport-Security", "max-age=63072000"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Request-Id", "0"),
    ("Retry-After", "0"),
)


def _renaming(rename: Callable[[str], str]) -> Manner:
    return lambda answer: replace(
        answer, headers=tuple((rename(name), value) for name, value in answer.headers)
    )


def relabelling(label: Callable[[str], str]) -> Manner:
    """Return the manner that labels JSON in another way."""

    def manner(answer: Answer) -> Answer:
        if content_type(answer) != "application/json":
            return answer
        return with_content_type(answer, label("application/json"))

    return manner


def content_type(answer: Answer) -> str:
    """Return what an answer is labelled, "" for nothing."""
    return next((value for name, value in answer.headers if name == "Content-Type"), "")


def with_content_type(answer: Answer, kind: str) -> Answer:
    """Return an answer with another label."""
    rest = tuple(line for line in answer.headers if line[0] != "Content-Type")
    return replace(answer, headers=(("Content-Type", kind), *rest))


def _pages(api: type[Api]) -> type[Api]:
    @variant(f"{api.name}.pages", "Turns down unknown paths and methods with a page for people.")
    class Pages(api):  # type: ignore[misc, valid-type]
        def dress(self, call: Call, answer: Answer) -> Answer:
            """Put a page in the place of what is no operation's answer."""
            dressed: Answer = super().dress(call, answer)
            if call.operation is not None or dressed.status < 400:
                return dressed
            page = f"<!doctype html><title>{dressed.status}</title><h1>{dressed.status}</h1>"
            return with_content_type(replace(dressed, body=page.encode()), "text/html")

    return Pages


# The same bytes at other times.


def _at_another_pace(api: type[Api]) -> Variants:
    return [
        mannered(
            api,
            "byte_by_byte",
            "Sends every answer byte by byte, the rest of one beyond 16 KiB faster, and no length.",
            _in_pieces(1, 0.0),
        ),
        mannered(
            api,
            "trickling",
            "Sends every answer a few bytes at a time, with a pause before each of them.",
            _in_pieces(37, 0.05),
        ),
        mannered(
            api,
            "gaps",
            "Sends chunks without a byte in them among the others.",
            _with_gaps,
        ),
        mannered(api, "slow", f"Takes {SLOWLY:g} seconds for every answer.", _slowly),
        mannered(
            api,
            "slow_to_begin",
            "Sends a first byte at once, and the rest of every answer a while later.",
            _slow_to_begin,
        ),
    ]


def _in_pieces(size: int, delay: float) -> Manner:
    def manner(answer: Answer) -> Answer:
        pieces = (_pieces(chunk, size, delay) for chunk in _chunks(answer))
        return replace(answer, body=tuple(chain.from_iterable(pieces)))

    return manner


MOST_SLOW = 16_384
"""Bytes of a chunk that are sent in small pieces; of a megabyte nobody would see the end."""


def _pieces(chunk: Chunk, size: int, delay: float) -> Iterator[Chunk]:
    data = chunk.data
    starts = [*range(0, min(len(data), MOST_SLOW), size), *range(MOST_SLOW, len(data), MOST_SLOW)]
    for start, end in pairwise([*starts, len(data)]):
        yield Chunk(delay if start else max(delay, chunk.delay), data[start:end])


def _with_gaps(answer: Answer) -> Answer:
    chunks = _chunks(answer)
    nothing = Chunk(0.0, b"")
    return replace(
        answer, body=(nothing, *(one for chunk in chunks for one in (chunk, nothing, nothing)))
    )


def _slowly(answer: Answer) -> Answer:
    first, *rest = _chunks(answer) or (Chunk(0.0, b""),)
    return replace(answer, body=(first._replace(delay=first.delay + SLOWLY), *rest))


def _slow_to_begin(answer: Answer) -> Answer:
    first, *rest = _chunks(answer) or (Chunk(0.0, b""),)
    begun = (Chunk(first.delay, first.data[:1]), Chunk(SLOWLY, first.data[1:]))
    return replace(answer, body=(*begun, *rest))


def _chunks(answer: Answer) -> tuple[Chunk, ...]:
    return (Chunk(0.0, answer.body),) if isinstance(answer.body, bytes) else answer.body


# Other replies.

Words = Callable[[str, int], str]
"""What is said: the reply that the default has, and how often the question was asked before."""


def spoken(api: type[Api]) -> Variants:
    """Return the variants whose replies are other ones."""
    return [
        speaking(
            api,
            "moody",
            "Answers the same question in other words each time.",
            lambda text, before: f"{text} ({before})" if before else text,
        ),
        speaking(
            api,
            "wordy",
            "Answers at length, with all that is hard to write in it.",
            lambda text, before: WORDY * 40 + text + " \n",
        ),
    ]


def speaking(api: type[Api], what: str, sentence: str, words: Words) -> type[Api]:
    """Return a variant that replies in other words."""

    @variant(f"{api.name}.{what}", sentence)
    class Speaking(api):  # type: ignore[misc, valid-type]
        def __init__(self, world: World) -> None:
            """Put the words around the replies that there are."""
            super().__init__(replace(world, replies=_Reworded(world, words)))

    return Speaking


class _Reworded(Replies):
    """The replies of a world in other words."""

    def __init__(self, world: World, words: Words) -> None:
        super().__init__([], world.seed)
        self._world = world
        self._words = words

    def choose(self, question: str, locale: str = "en_US") -> Reply:
        """Return the reply that the world has, in other words."""
        reply = self._world.replies.choose(question, locale)
        asked = f"{self._world.number(question):032x}"
        before = self._world.store.count((self._world.api, "questions"), asked)
        return replace(reply, answer=self._words(reply.answer, before))

"""What stands after the magic number: the answer, all of it and nothing else, in UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping

from ....framing import Framed, NotText, Reader
from ....model import Basis, Broken, clause, expect, shortened
from .. import requests
from ..driver import MAGIC, ChatbotDriver
from .stream import NOTE

ALIKE = "fact sheet, stream: a deterministic server answers in the same words, streaming or not"

REPEATS = 4
"""How often a difference is looked at again before the stream is blamed for it, not the server."""

MOST_CUTS = 600


@clause("chatbot.answer.utf_8", basis=Basis.IMPLIED, source=NOTE, text=requests.inviting,
        language=requests.languages)  # fmt: skip
def utf_8(driver: ChatbotDriver, text: str, language: str) -> None:
    """A streamed answer is UTF-8, and the same wherever its bytes are cut."""
    exchange = driver.ask(text, language=language, stream=True)
    parts = driver.stream(exchange)
    try:
        answer = parts.answer
    except NotText as error:
        raise Broken(f"{error}: {shortened(parts.answer_bytes)}") from error
    for cut in cuts(exchange.body):
        assert read_at(exchange.body, cut) == (parts.header_bytes, answer), f"cut at {cut}"


@clause("chatbot.answer.at_once", basis=Basis.DOCUMENTED, source=NOTE, text=requests.inviting,
        language=requests.languages, most=8)  # fmt: skip
def at_once(driver: ChatbotDriver, text: str, language: str) -> None:
    """The answer begins right after the magic number."""
    whole, streamed = compared(driver, text, language)
    before = streamed.removesuffix(whole)
    extra = whole and before != streamed and before
    expect(not extra, f"before the answer stands {shortened(before)}")


@clause("chatbot.answer.no_trailer", basis=Basis.IMPLIED, source=NOTE, text=requests.inviting,
        language=requests.languages, most=8)  # fmt: skip
def no_trailer(driver: ChatbotDriver, text: str, language: str) -> None:
    """A stream ends with the answer: nothing stands after it."""
    whole, streamed = compared(driver, text, language)
    after = streamed.removeprefix(whole)
    extra = whole and after != streamed and after
    expect(not extra, f"after the answer stands {shortened(after)}")


@clause("chatbot.answer.same_words", basis=Basis.IMPLIED, source=ALIKE, text=requests.inviting,
        language=requests.languages,
        examples=tuple({"text": text, "language": "auto"} for text in requests.INVITING[-3:]),
)  # fmt: skip
def same_words(driver: ChatbotDriver, text: str, language: str) -> None:
    """A server that always answers a question in the same words streams those very words."""
    whole, streamed = compared(driver, text, language)
    around = whole and (streamed.startswith(whole) or streamed.endswith(whole))
    same = streamed == whole or around
    expect(same, f"streamed {shortened(streamed)}, and otherwise {shortened(whole)}")


def compared(driver: ChatbotDriver, text: str, language: str) -> tuple[bytes, bytes]:
    """Return the answer to a question in JSON, and the same one streamed.

    Where they differ the case at hand applies only to a server that says the same every time, and
    not just because it remembers the very request: the spellings of the repeated ones differ.
    """
    fields = {"q": text, "language": language}
    first = _both(driver, fields, {})
    if first[0] == first[1]:
        return first
    for turn in range(REPEATS):
        body = dict(reversed(fields.items())) if turn % 2 else fields
        if _both(driver, body, {} if turn > 1 else {"stream": False}) != first:
            driver.miss("the server does not answer the same question twice in the same words")
    return first


def _both(
    driver: ChatbotDriver, body: Mapping[str, object], plainly: Mapping[str, object]
) -> tuple[bytes, bytes]:
    whole = driver.data(driver.post({**body, **plainly})).get("answer")
    if not isinstance(whole, str):
        driver.miss(f"the answer in JSON is no text: {shortened(whole)}")
    exchange = driver.post({**body, "stream": True})
    # Where no header comes before it, a magic number within the answer was taken for the separator.
    driver.header(exchange)
    return whole.encode("utf-8", "surrogatepass"), driver.stream(exchange).answer_bytes


def cuts(body: bytes) -> Iterator[int]:
    """Yield places to cut a body at: all of a short one, of a long one those that matter most."""
    if len(body) <= MOST_CUTS:
        yield from range(len(body) + 1)
        return
    begin = body.find(MAGIC)
    yield from range(max(0, begin - 1), begin + len(MAGIC) + 2)
    yield from range(0, len(body), len(body) // MOST_CUTS + 1)


def read_at(body: bytes, cut: int) -> tuple[bytes, str]:
    """Return header and answer as a client has them who gets the body in two pieces."""
    reader = Reader(MAGIC)
    reader.feed(body[:cut])
    early = reader.close() if reader.separated else Framed(b"", b"")
    reader.feed(body[cut:])
    late = reader.close()
    decoder = codecs.getincrementaldecoder("utf-8")()
    begun = decoder.decode(early.answer_bytes)
    rest = late.answer_bytes[len(early.answer_bytes) :]
    return late.header_bytes, begun + decoder.decode(rest, final=True)

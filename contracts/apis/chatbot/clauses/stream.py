"""That a stream is one: asked for, separated, ended, and on its way before it is complete."""

from __future__ import annotations

from hypothesis import strategies as st

from ....framing import FramingError, Reader
from ....model import Basis, Broken, Exchange, clause, expect, shortened
from .. import requests
from ..driver import MAGIC, ChatbotDriver, framed
from .parameters import must_grant

STREAM = "Returns, Stream"
NOTE = f"{STREAM}, Note"
FLAG = "Body Parameters: stream"

LONGEST = 600.0
"""Seconds after which nobody waits for the end of an answer any more."""

SLOW = 0.25
"""Seconds below which a stream is too quick to tell whether it was held back."""


@clause("chatbot.stream.accepted", basis=Basis.DOCUMENTED, source=FLAG, text=requests.questions,
        most=5)  # fmt: skip
def accepted(driver: ChatbotDriver, text: str) -> None:
    """A question that is answered is answered as well when a stream is asked for."""
    driver.must(driver.ask(text))
    exchange = driver.ask(text, stream=True)
    if exchange.response is not None:
        must_grant(driver, exchange, "a question with stream true")


@clause("chatbot.stream.ends", basis=Basis.IMPLIED, source=STREAM, text=requests.questions, most=5)
def ends(driver: ChatbotDriver, text: str) -> None:
    """A stream comes to an end, and in good order."""
    driver.must(driver.ask(text))
    exchange = driver.ask(text, stream=True)
    expect(exchange.response is not None, f"the stream has no end: {exchange.failure}")
    expect(exchange.duration < LONGEST, f"the stream took {exchange.duration:.0f} s to end")


@clause("chatbot.stream.separated", basis=Basis.DOCUMENTED, source=NOTE, text=requests.inviting,
        language=requests.languages)  # fmt: skip
def separated(driver: ChatbotDriver, text: str, language: str) -> None:
    """With stream true, the magic number separates a header from the answer."""
    exchange = driver.must(driver.ask(text, language=language, stream=True))
    try:
        framed(exchange)
    except FramingError as error:
        raise Broken(f"{error}: {driver.describe(exchange)}") from error


@clause("chatbot.stream.separated_once", basis=Basis.IMPLIED, source=NOTE, most=6,
        text=requests.questions)  # fmt: skip
def separated_once(driver: ChatbotDriver, text: str) -> None:
    """The magic number does not stand in an answer where nobody wrote it."""
    whole = driver.data(driver.ask(text)).get("answer")
    if not isinstance(whole, str) or MAGIC.decode() in whole:
        driver.miss("the answer itself has the magic number in it")
    answer = driver.stream(driver.ask(text, stream=True)).answer_bytes
    expect(MAGIC not in answer, f"the magic number stands in the answer: {shortened(answer)}")


@clause("chatbot.stream.only_when_asked", basis=Basis.DOCUMENTED, source=FLAG, most=4,
        more=st.sampled_from([{}, {"stream": False}]),
        examples=({"more": {}}, {"more": {"stream": False}}))  # fmt: skip
def only_when_asked(driver: ChatbotDriver, more: dict[str, object]) -> None:
    """Without stream, or with false, the answer is a JSON object and no stream."""
    driver.must(driver.ask(**more)).members()


@clause("chatbot.stream.content_type", basis=Basis.OBSERVED, most=3,
        source="fact sheet, stream: our choice", text=requests.plain)  # fmt: skip
def content_type(driver: ChatbotDriver, text: str) -> None:
    """A stream is labelled as text of some kind, or as an octet stream."""
    exchange = driver.must(driver.ask(text, stream=True))
    driver.stream(exchange)
    assert exchange.response is not None
    kind = exchange.response.media_type
    fits = kind.startswith("text/") or kind == "application/octet-stream"
    expect(fits, f"the content type of a stream is {kind or 'missing'}")


@clause("chatbot.stream.no_byte_order_mark", basis=Basis.IMPLIED,
        source=f"{NOTE}; RFC 8259, 8.1: JSON begins with none", most=3, text=requests.plain,
)  # fmt: skip
def no_byte_order_mark(driver: ChatbotDriver, text: str) -> None:
    """A stream does not begin with a byte order mark."""
    body = driver.must(driver.ask(text, stream=True)).body
    marks = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
    expect(not body.startswith(marks), f"the stream begins with {body[:3].hex(' ')}")


@clause("chatbot.stream.header_first", basis=Basis.IMPLIED, source=f"{FLAG}: streaming output",
        most=1, text=requests.plain)  # fmt: skip
def header_first(driver: ChatbotDriver, text: str) -> None:
    """The header of a stream arrives before a long answer is complete."""
    first = driver.ask(requests.LONG, stream=True)
    if not _in_one_piece(driver, first):
        return
    short, again = driver.ask(text, stream=True), driver.ask(requests.LONG, stream=True)
    if not _in_one_piece(driver, again):
        return
    # A server that is slow to begin may well send a short answer at once; what counts is the time
    # that an answer takes because it is long.
    lengths = [len(driver.stream(exchange).answer_bytes) for exchange in (short, again)]
    wait = min(first.duration, again.duration) - short.duration
    if lengths[0] * 2 > lengths[1] or wait < SLOW:
        driver.miss("streams come in one piece, and too quickly to tell if they were held back")
    raise Broken(f"a stream was held back, and came in one piece after {again.duration:.2f} s")


def _in_one_piece(driver: ChatbotDriver, exchange: Exchange) -> bool:
    """Say whether the header of a stream was complete only with its very last bytes."""
    driver.stream(exchange)
    reader = Reader(MAGIC)
    for chunk in exchange.response.chunks[:-1] if exchange.response else ():
        reader.feed(chunk.data)
    return not reader.separated

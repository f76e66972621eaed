"""Inputs that servers trip over, and the promises that hold for them whatever the API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import compress
from typing import Any

from hypothesis import strategies as st

from .driver import Driver
from .model import Basis, Clause, Exchange, Hidden, clause, expect, shortened
from .redaction import Redaction

SPECIAL = (
    "\u0000", "\u200b", "\u202e", "\ufeff", "é", "ß", "e\u0301", "中文", "العربية", "🙂", "👩🏽‍🔬",
    "𝔘", "\r\n", "\t", " ", "%", "%20", "+", "&", "=", "?", "#", "/", "\\", '"', "'", "<", ">",
    "{}", "[]",
)  # fmt: skip

TRACES = (
    "Traceback (most recent call last)",
    'File "/',
    "\tat java.",
    "node_modules/",
    "goroutine ",
)


def texts(min_size: int = 0, max_size: int = 60) -> st.SearchStrategy[str]:
    """Draw texts without NUL that are seldom plain; every one can be written as UTF-8."""
    pieces = st.one_of(
        st.sampled_from([text for text in SPECIAL if text != "\u0000"]),
        st.characters(codec="utf-8", exclude_characters="\u0000"),
        st.sampled_from("abcXYZ019"),
    )
    most = max(1, min_size, max_size // 3)
    found = st.lists(pieces, min_size=min_size, max_size=most)
    return found.map(lambda pieces: "".join(pieces)[:max_size])


def troublesome() -> st.SearchStrategy[str]:
    """Draw texts of half of all that servers trip over; they shrink to what one tripped over."""
    pieces = [text for text in SPECIAL if text != "\u0000"]
    kept = st.tuples(*[st.booleans() for _ in pieces])
    return kept.map(lambda keeps: "".join(compress(pieces, keeps)))


def simpler(case: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what of a text's specialties may be enough: each alone, or all without some."""
    pieces = [piece for piece in SPECIAL if piece in case["text"]]
    size = len(pieces)
    if size > 1:
        yield from ({"text": piece} for piece in pieces)
    while size > 1:
        size = (size + 1) // 2
        for at in range(0, len(pieces), size):
            yield {"text": "".join(pieces[:at] + pieces[at + size :])}


EVERYTHING: Mapping[str, Any] = {
    "examples": ({"text": "".join(text for text in SPECIAL if text != "\u0000")},),
    "smaller": simpler,
}


def nul(driver: Driver, text: str) -> None:
    """A NUL character in a text never makes the server fail."""
    must_not_fail(driver, driver.say(text))


def beyond_bmp(driver: Driver, text: str) -> None:
    """A character beyond the Basic Multilingual Plane never makes the server fail."""
    must_not_fail(driver, driver.say(text))


def any_text(driver: Driver, text: str) -> None:
    """No text whatever makes the server fail."""
    must_not_fail(driver, driver.say(text))


def lone_surrogate(driver: Driver, text: str) -> None:
    """Half a surrogate pair, as JSON can escape it, never makes the server fail."""
    must_not_fail(driver, driver.say(text))


def large_text(driver: Driver, size: int) -> None:
    """A text of 1 MiB never makes the server fail."""
    must_not_fail(driver, driver.say("x" * size))


def deep_body(driver: Driver, body: bytes) -> None:
    """JSON nested ten thousand deep never makes the server fail."""
    must_not_fail(driver, driver.send_body(body, "application/json"))


def malformed_body(driver: Driver, body: bytes) -> None:
    """A body that is not JSON, or not even UTF-8, never makes the server fail."""
    must_not_fail(driver, driver.send_body(body, "application/json"))


def odd_json(driver: Driver, body: bytes) -> None:
    """Duplicate keys, huge numbers and JSON that is no object never make the server fail."""
    must_not_fail(driver, driver.send_body(body, "application/json"))


def content_type(driver: Driver, kind: str | None) -> None:
    """A wrong, odd or missing content type never makes the server fail."""
    must_not_fail(driver, driver.send_body(b'{"a": 1}', kind))


def no_stack_trace(driver: Driver, body: bytes) -> None:
    """No answer shows a stack trace of the server."""
    must_show_no_trace(driver.send_body(body, "application/json"))


def no_secret(driver: Driver, text: str) -> None:
    """No answer repeats the caller's secrets."""
    exchanges = [driver.say(text), driver.send_body(text.encode(), "application/json")]
    secrets = {c.name for c in driver.contract.credentials if c.secret}
    for name, value in driver.credentials.items():
        if name in secrets and _is_telling(value):
            hide = Redaction([Hidden(value, "", "")])
            for exchange in exchanges:
                text = exchange.body.decode("utf-8", "replace")
                expect(hide(text) == text, f"the answer holds the caller's {name}")


def _is_telling(secret: str) -> bool:
    """Say whether a text that holds the secret holds it because it is one: no word, no number."""
    return len(secret) >= 8 and not secret.isalpha() and not secret.isdigit()


def hostile_clauses(api: str) -> list[Clause]:
    """Return the promises about robustness; the API's driver has `say` and `send_body`."""
    table: tuple[tuple[Callable[..., None], dict[str, Any], int | None], ...] = (
        (nul, {"text": st.sampled_from(["\u0000", "a\u0000b", "\u0000" * 20])}, 3),
        (beyond_bmp, {"text": st.sampled_from(["🙂", "𝔘𝔫𝔦", "👩🏽‍🔬 a", "\U0010ffff"])}, 4),
        (any_text, {"text": troublesome() | texts(max_size=200)}, None),
        (lone_surrogate, {"text": st.sampled_from(["\ud800", "a\udfffb", "\udc00\ud800"])}, 3),
        (large_text, {"size": st.just(1 << 20)}, 1),
        (deep_body, {"body": st.sampled_from(DEEP)}, len(DEEP)),
        (malformed_body, {"body": malformed()}, None),
        (odd_json, {"body": st.sampled_from(ODD)}, len(ODD)),
        (content_type, {"kind": st.sampled_from(KINDS)}, len(KINDS)),
        (no_stack_trace, {"body": malformed() | st.sampled_from([*DEEP, *ODD])}, None),
        (no_secret, {"text": texts(max_size=12)}, None),
    )
    return [
        clause(
            f"{api}.robust.{test.__name__}",
            basis=Basis.IMPLIED,
            source="no document has a place for a server error",
            most=most,
            **(EVERYTHING if test is any_text else {}),
            **draws,
        )(test)
        for test, draws, most in table
    ]


def must_not_fail(driver: Driver, exchange: Exchange) -> None:
    """Raise Broken for a 5xx, or for no answer at all."""
    expect(exchange.response is not None, f"no answer: {exchange.failure}")
    expect(exchange.status < 500, f"a server error: {driver.describe(exchange)}")


def must_show_no_trace(exchange: Exchange) -> None:
    """Raise Broken for an answer that shows the inside of the server."""
    text = exchange.body.decode("utf-8", "replace")
    for trace in TRACES:
        expect(trace not in text, f"the answer shows a stack trace: {shortened(text)}")


def malformed() -> st.SearchStrategy[bytes]:
    """Draw bodies that are not JSON."""
    return st.one_of(
        st.sampled_from(
            [b"{", b'{"a":', b"[1,", b'"', b"nul", b"\xff\xfe", b'{"a": "\xff"}', b"{'a': 1}"]
        ),
        st.binary(min_size=1, max_size=20).filter(_is_no_json),
    )


def _is_no_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return True
    return False


DEEP = (b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"[" * 10_000)
ODD = (
    b'{"a": 1, "a": 2}', b"[]", b"null", b"1", b'"text"', b'{"": ""}', b"NaN", b'{"a": Infinity}',
    b'{"a": 1e400}', b'{"a": ' + b"9" * 5000 + b"}", b"", b" ", b'\xef\xbb\xbf{"a": 1}',
)  # fmt: skip
KINDS = (
    None, "text/plain", "application/xml", "multipart/form-data", "application/octet-stream",
    "multipart/form-data; boundary=x", "application/json; charset=utf-16",
    "application/json; charset=x", "image/png", "nonsense", ";",
    "application/x-www-form-urlencoded",
)  # fmt: skip

"""How a request is turned down: by a status or by a code, and never as if it were answered."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from ....model import Basis, Exchange, clause, expect
from ..driver import ChatbotDriver, is_stream

NORMAL = "Returns, Normal: code"
ERRORS = "fact sheet, Errors"

UID = "00000000-0000-4000-8000-000000000000"

WRONG: dict[str, dict[str, Any]] = {
    "q is missing": {},
    "q is a list": {"q": ["Hello"]},
    "q is null": {"q": None},
    "language is a list": {"q": "Hello", "language": ["en"]},
    "conversation_uid is an object": {"q": "Hello", "conversation_uid": {"uid": "1"}},
    "the language is unknown": {"q": "Hello", "language": "xx"},
    "the conversation is unknown": {"q": "Hello", "conversation_uid": UID},
}
"""Bodies that are wrong in one thing; no document promises that the last two are refused."""

wrong = st.sampled_from(sorted(WRONG))
cases = st.sampled_from([*sorted(WRONG), "stream is an object", "the bot is unknown",
                         "the body is no JSON", "the body is a list"])  # fmt: skip


def refuse(driver: ChatbotDriver, case: str) -> Exchange:
    """Send one of the wrong requests; the case at hand does not apply where it is accepted."""
    if case == "the bot is unknown":
        return driver.must_not(driver.at_bot(UID).ask())
    if case == "the body is no JSON":
        return driver.must_not(driver.send_body(b'{"q": "Hello"', "application/json"))
    if case == "the body is a list":
        return driver.must_not(driver.post([{"q": "Hello"}]))
    if case == "stream is an object":
        return driver.must_not(driver.ask(stream={"stream": True}))
    return driver.must_not(driver.post(WRONG[case]))


@clause("chatbot.refusal.code", basis=Basis.DOCUMENTED, source=NORMAL, case=cases)
def code(driver: ChatbotDriver, case: str) -> None:
    """A refusal never has code 0, whatever its status."""
    exchange = refuse(driver, case)
    found = _code(exchange)
    # In Python false is 0, and so it is for clients in most languages.
    zero = found in (0, "0")
    expect(not zero, f"{case}, and it was refused with HTTP {exchange.status} and code {found!r}")


@clause("chatbot.refusal.no_server_error", basis=Basis.IMPLIED,
        source="no document has a place for a server error", case=cases)  # fmt: skip
def no_server_error(driver: ChatbotDriver, case: str) -> None:
    """A refusal is an answer in good order, and no server error."""
    exchange = refuse(driver, case)
    expect(driver.refused(exchange), f"{case}: {driver.describe(exchange)}")


@clause("chatbot.refusal.not_streamed", basis=Basis.IMPLIED, source=ERRORS, case=wrong)
def not_streamed(driver: ChatbotDriver, case: str) -> None:
    """What is refused is refused as well when a stream is asked for, and not in a stream."""
    driver.must(driver.ask(stream=True))
    driver.must_not(driver.post(WRONG[case]))
    exchange = driver.post({**WRONG[case], "stream": True})
    streamed = driver.accepted(exchange) or is_stream(exchange)
    expect(not streamed, f"{case}, and the answer is a stream: {driver.describe(exchange)}")


@clause("chatbot.refusal.streamed_alike", basis=Basis.OBSERVED, source=ERRORS, most=6, case=wrong)
def streamed_alike(driver: ChatbotDriver, case: str) -> None:
    """A refusal is written in the same way whether a stream was asked for or not."""
    plain = _code(driver.must_not(driver.post(WRONG[case])))
    streamed = _code(driver.must_not(driver.post({**WRONG[case], "stream": True})))
    expect(streamed == plain, f"{case}, and code is {streamed!r} for a stream, {plain!r} otherwise")


def _code(exchange: Exchange) -> Any:
    try:
        found = json.loads(exchange.body)
    except (ValueError, RecursionError):
        return None
    return found.get("code") if isinstance(found, dict) else None

"""Who is let in, where a key is asked for."""

from __future__ import annotations

from hypothesis import strategies as st

from ....model import Basis, Request, clause, expect
from ..driver import ChatbotDriver

HEX = st.text("0123456789abcdef", min_size=32, max_size=32)
PAID = "Chat with the Chatbot: accessible to users with a paid subscription"
CHANGES = ("made up", "cut short", "longer")


@clause("chatbot.access.key_missing", basis=Basis.IMPLIED, source=PAID, needs=("api_key",), most=2,
        stream=st.booleans())  # fmt: skip
def key_missing(driver: ChatbotDriver, stream: bool) -> None:
    """Where a key is asked for, a request without one is refused."""
    driver.must(driver.ask())
    request = driver.request(b'{"q": "Hello", "stream": %s}' % str(stream).lower().encode())
    exchange = driver.send(driver.without(request, "Authorization"))
    expect(not driver.accepted(exchange), "there was no key, and the question was answered")


@clause("chatbot.access.key_wrong", basis=Basis.IMPLIED, source=PAID, needs=("api_key",), most=6,
        change=st.sampled_from(CHANGES), made_up=HEX,
        examples=tuple({"change": change, "made_up": "0" * 32} for change in CHANGES),
)  # fmt: skip
def key_wrong(driver: ChatbotDriver, change: str, made_up: str) -> None:
    """Where a key is asked for, a request with a wrong one is refused."""
    driver.must(driver.ask())
    exchange = driver.send(_with_wrong_key(driver, change, made_up))
    expect(not driver.accepted(exchange), f"the key is {change}, and the question was answered")


def _with_wrong_key(driver: ChatbotDriver, change: str, made_up: str) -> Request:
    request = driver.request(b'{"q": "Hello"}')
    if change == "made up":
        return driver.with_key(request, made_up)
    variable = driver.contract.variable("api_key")
    key = driver.credentials["api_key"]
    if change == "longer":
        return driver.with_key(request, f"{key}x", driver.hidden("api_key"))
    cut = driver.hidden("api_key", key[:-1], f'"${{{variable}%?}}"', (("but_last", 1),))
    return driver.with_key(request, key[:-1], cut)

"""The key: without the right one nothing is read and nothing is posted."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import strategies as st

from ....model import Basis, Exchange, Request, clause, expect, suppose
from .. import requests
from ..driver import KEY_HEADER, BedrockDriver, Change, chat_input
from .invalid import must_not_be_there

GUIDE = "publication guide: the header x-api-key"
GATEWAY = "the gateway's documentation: 403 Forbidden"

OPERATIONS = ("post_message", "get_conversation", "get_message")
operations = st.sampled_from(OPERATIONS)
every_operation = tuple({"operation": name} for name in OPERATIONS)
wrong_keys = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=20, max_size=40)

ALTERED = (
    Change("with x after it", (("append", "x"),), "sed 's/$/x/'"),
    Change("without its first character", (("from", 1),), "cut -c2-"),
    Change("in the other case", (("other_case",),), "tr a-zA-Z A-Za-z"),
    Change("backwards", (("backwards",),), "rev"),
    Change("twice", (("twice",),), "sed 's/.*/&&/'"),
)


def allowed(driver: BedrockDriver, operation: str) -> Request:
    """Return a request of the operation that is let in with its key, and finds something."""
    body = json.dumps(chat_input()).encode()
    if operation == "post_message":
        return driver.post_request(body)
    asked = driver.answered()
    steps = ["conversation", asked.conversation]
    if operation == "get_message":
        steps.append(asked.message)
    request = driver.get_request(*steps, operation=operation)
    driver.must(driver.send(request))
    return request


def with_key(driver: BedrockDriver, request: Request, key: str | None) -> Request:
    """Return the request with another key, or with none."""
    bare = driver.without(request, KEY_HEADER)
    return bare if key is None else replace(bare, headers=(*bare.headers, (KEY_HEADER, key)))


def must_be_refused(driver: BedrockDriver, exchange: Exchange, what: str) -> None:
    """Raise Broken where a request was let in."""
    expect(not driver.accepted(exchange), f"{exchange.request.operation} was let in {what}")


@clause("bedrock.key.missing", basis=Basis.DOCUMENTED, source=GUIDE, operation=operations, most=1,
        examples=every_operation)  # fmt: skip
def missing(driver: BedrockDriver, operation: str) -> None:
    """A request without a key is refused."""
    request = with_key(driver, allowed(driver, operation), None)
    must_be_refused(driver, driver.send(request), "without a key")


@clause("bedrock.key.empty", basis=Basis.DOCUMENTED, source=GUIDE, operation=operations, most=1,
        examples=every_operation)  # fmt: skip
def empty(driver: BedrockDriver, operation: str) -> None:
    """A request with an empty key is refused."""
    request = with_key(driver, allowed(driver, operation), "")
    must_be_refused(driver, driver.send(request), "with an empty key")


@clause("bedrock.key.wrong", basis=Basis.DOCUMENTED, source=GUIDE, operation=operations,
        key=wrong_keys, most=6,
        examples=tuple({"operation": name, "key": "0" * 40} for name in OPERATIONS))  # fmt: skip
def wrong(driver: BedrockDriver, operation: str, key: str) -> None:
    """A request with a made-up key is refused."""
    request = with_key(driver, allowed(driver, operation), key)
    must_be_refused(driver, driver.send(request), "with a made-up key")


@clause("bedrock.key.truncated", basis=Basis.DOCUMENTED, source=GUIDE, operation=operations,
        dropped=st.integers(1, 12), most=6,
        examples=tuple({"operation": name, "dropped": 1} for name in OPERATIONS))  # fmt: skip
def truncated(driver: BedrockDriver, operation: str, dropped: int) -> None:
    """A request with a key that is cut short is refused."""
    rest = len(driver.credentials["api_key"]) - dropped
    # No header can end with a blank.
    suppose(rest > 3 and not driver.credentials["api_key"][:rest].endswith(" "))
    _changed(driver, operation, Change(f"cut to {rest}", (("cut", rest),), f"cut -c1-{rest}"))


@clause("bedrock.key.altered", basis=Basis.DOCUMENTED, source=GUIDE, operation=operations,
        change=st.sampled_from(ALTERED), most=6,
        examples=tuple({"operation": OPERATIONS[at % 3], "change": change}
                       for at, change in enumerate(ALTERED)))  # fmt: skip
def altered(driver: BedrockDriver, operation: str, change: Change) -> None:
    """A request with a key that is almost right is refused."""
    key = driver.credentials["api_key"]
    suppose(change.apply(key) != key)
    _changed(driver, operation, change)


def _changed(driver: BedrockDriver, operation: str, change: Change) -> None:
    request = driver.with_changed_key(allowed(driver, operation), change)
    must_be_refused(driver, driver.send(request), f"with the key {change.name}")


@clause("bedrock.key.status", basis=Basis.IMPLIED, source=GATEWAY, operation=operations,
        key=st.none() | st.just("") | wrong_keys, most=6,
        examples=tuple({"operation": name, "key": None} for name in OPERATIONS))  # fmt: skip
def status(driver: BedrockDriver, operation: str, key: str | None) -> None:
    """A request that is refused for its key is answered with 403, or 401."""
    request = with_key(driver, allowed(driver, operation), key)
    exchange = driver.must_not(driver.send(request))
    expect(exchange.status in (401, 403), f"refused for its key: {driver.describe(exchange)}")


@clause("bedrock.key.before_all_else", basis=Basis.IMPLIED, source=GATEWAY,
        id=requests.unmade_ids(), most=6)  # fmt: skip
def before_all_else(driver: BedrockDriver, id: str) -> None:
    """Without a key nobody learns whether a conversation exists or a body is valid."""
    for request in (driver.get_request("conversation", id), driver.post_request(b"{}")):
        exchange = driver.send(with_key(driver, request, None))
        expect(exchange.status in (401, 403), f"without a key: {driver.describe(exchange)}")


@clause("bedrock.key.health", basis=Basis.IMPLIED, source=GATEWAY,
        key=st.none() | wrong_keys, most=2,
        examples=({"key": None}, {"key": "0" * 40}))  # fmt: skip
def health(driver: BedrockDriver, key: str | None) -> None:
    """The health of the service is told to nobody without a key either."""
    driver.must(driver.health())
    request = driver.get_request("health", operation="health")
    must_be_refused(driver, driver.send(with_key(driver, request, key)), "without the right key")


@clause("bedrock.key.refused_without_trace", basis=Basis.IMPLIED, source=GUIDE,
        number=st.integers(1, 10**9), key=st.none() | wrong_keys, most=2)  # fmt: skip
def refused_without_trace(driver: BedrockDriver, number: int, key: str | None) -> None:
    """A message that is refused for its key is never seen in its conversation."""
    conversation = driver.answered().conversation
    text = f"let in? {number}"
    request = driver.post_request(json.dumps(chat_input(text, conversation)).encode())
    driver.must_not(driver.send(with_key(driver, request, key)))
    must_not_be_there(driver, conversation, text)

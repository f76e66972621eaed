"""What is turned down for what it says: malformed bodies, and chats that do not exist."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ....model import Basis, Clause, Exchange, clause, expect, shortened
from .. import requests
from ..answers import identifier, rows
from ..driver import WRITES, MtmaiDriver
from .answers import DETAILS, SCHEMAS

BAD_REQUEST = f"{DETAILS}: 400"
ERRORS = f"{SCHEMAS}, 400"
CREATE, UPDATE = WRITES
UNKNOWN = "fact sheet, Behaviour: unknown chat"

MALFORMED: dict[str, tuple[str, st.SearchStrategy[bytes]]] = {
    "no_json": ("A body that is not JSON", st.sampled_from(requests.BROKEN_JSON)),
    "array": ("A body that is an array", st.sampled_from([b"[]", b"[{}]", b'[{"name": "x"}]'])),
    "string": ("A body that is a string", st.sampled_from([b'""', b'"name"', b'"{}"'])),
    "number": ("A body that is a number", st.sampled_from([b"0", b"1", b"-1.5"])),
    "name_type": (
        "A name that is no string",
        st.sampled_from([json.dumps({"name": name}).encode() for name in requests.WRONG_NAMES]),
    ),
}

ANY_MALFORMED = st.one_of([bodies for _, bodies in MALFORMED.values()])


def send(driver: MtmaiDriver, operation: str, body: bytes) -> Exchange:
    """Send a body as it is; where it is to update a session, to one of ours that can be."""
    chat = ""
    if operation == UPDATE:
        chat = driver.new_chat()
        driver.must(driver.update(chat, {"name": "Ideas"}))
    return driver.ask(operation, chat, body)


def _turned_down(rule: str, subject: str, bodies: st.SearchStrategy[bytes]) -> Clause:
    def turned_down(driver: MtmaiDriver, operation: str, body: bytes) -> None:
        exchange = send(driver, operation, body)
        said = f"{operation} with the body {shortened(body)}: {driver.describe(exchange)}"
        expect(exchange.status == 400, said)

    turned_down.__doc__ = f"{subject} is turned down with status 400, by POST and by PUT."
    return clause(
        f"mtmai.malformed.{rule}",
        basis=Basis.DOCUMENTED,
        source=BAD_REQUEST,
        operation=requests.writes,
        body=bodies,
    )(turned_down)


TURNED_DOWN = [_turned_down(rule, *what) for rule, what in MALFORMED.items()]


def _errors(driver: MtmaiDriver, operation: str, body: bytes) -> Any:
    exchange = driver.must_not(send(driver, operation, body))
    if exchange.status != 400:
        driver.skip(f"the status is {exchange.status}, which promises no errors")
    return exchange.members().get("errors")


@clause(
    "mtmai.malformed.errors",
    basis=Basis.IMPLIED,
    source=ERRORS,
    operation=requests.writes,
    body=ANY_MALFORMED,
)
def errors(driver: MtmaiDriver, operation: str, body: bytes) -> None:
    """A refusal with status 400 has errors, an array of objects."""
    found = _errors(driver, operation, body)
    good = isinstance(found, list) and all(isinstance(error, dict) for error in found)
    expect(good, f"errors is not an array of objects: {shortened(found)}")


@clause(
    "mtmai.malformed.descriptions",
    basis=Basis.IMPLIED,
    source=ERRORS,
    operation=requests.writes,
    body=ANY_MALFORMED,
)
def descriptions(driver: MtmaiDriver, operation: str, body: bytes) -> None:
    """Every error of a refusal with status 400 has a description, a string."""
    found = _errors(driver, operation, body)
    for error in found if isinstance(found, list) else [found]:
        if isinstance(error, dict):
            said = f"an error without a description: {shortened(error)}"
            expect(isinstance(error.get("description"), str), said)


def expect_nothing_new(driver: MtmaiDriver, ask: Callable[[], Exchange], what: str) -> None:
    """Raise Broken where the list has a new session after a request that was turned down."""
    before, new = _ids(driver), set()
    for _ in range(2):
        driver.must_not(ask())
        after = _ids(driver)
        new = after - before
        if not new:
            return
        # Somebody else may have created it: only a tenant that is quiet otherwise can be judged.
        before = _ids(driver)
        if before != after:
            driver.skip("others create sessions at the same time")
    expect(not new, f"{what} was turned down, and yet created {sorted(map(str, new))}")


def _ids(driver: MtmaiDriver) -> set[str | None]:
    return {identifier(row) for row in rows(driver.must(driver.chats()))}


@clause(
    "mtmai.malformed.creates_nothing",
    basis=Basis.IMPLIED,
    source=BAD_REQUEST,
    body=ANY_MALFORMED,
    most=10,
)
def creates_nothing(driver: MtmaiDriver, body: bytes) -> None:
    """A malformed body that is turned down creates no session."""
    expect_nothing_new(driver, lambda: send(driver, CREATE, body), f"the body {shortened(body)}")


@clause(
    "mtmai.malformed.changes_nothing",
    basis=Basis.IMPLIED,
    source=BAD_REQUEST,
    body=ANY_MALFORMED,
    most=10,
)
def changes_nothing(driver: MtmaiDriver, body: bytes) -> None:
    """A malformed body that is turned down leaves the name of the session as it was."""
    chat = driver.new_chat()
    before = driver.name(chat, "")
    driver.must_not(driver.ask(UPDATE, chat, body))
    found = driver.name(chat, before)
    expect(found == before, f"{shortened(body)} was turned down, and renamed the session {found!r}")


def _not_found(rule: str, operation: str, said: str) -> Clause:
    def not_found(driver: MtmaiDriver) -> None:
        exchange = driver.ask(operation, driver.nobodys_id(), {"name": "Ideas"})
        expect(exchange.status == 404, f"the chat is nobody's: {driver.describe(exchange)}")

    not_found.__doc__ = f"{said} a chat that does not exist is turned down with status 404."
    return clause(f"mtmai.unknown_chat.{rule}", basis=Basis.IMPLIED, source=UNKNOWN)(not_found)


NOT_FOUND = [
    _not_found("get", "chat_get", "Reading"),
    _not_found("update", UPDATE, "Updating"),
    _not_found("messages", "chat_messages", "Reading the messages of"),
]


@clause(
    "mtmai.unknown_chat.odd",
    basis=Basis.IMPLIED,
    source="Parameters: chat, any string",
    chat=requests.odd_ids,
    operation=requests.about_a_chat,
)
def odd(driver: MtmaiDriver, chat: str, operation: str) -> None:
    """A chat of any other text is turned down in good order."""
    exchange = driver.ask(operation, chat, {"name": "Ideas"})
    expect(driver.refused(exchange), f"chat {shortened(chat)}: {driver.describe(exchange)}")


@clause("mtmai.unknown_chat.stays_unknown", basis=Basis.IMPLIED, source=UNKNOWN)
def stays_unknown(driver: MtmaiDriver) -> None:
    """Updating a chat that does not exist does not create it."""
    chat = driver.nobodys_id()
    driver.must_not(driver.get(chat))
    driver.update(chat, {"name": "Ideas"})
    exchange = driver.get(chat)
    expect(not driver.accepted(exchange), f"chat {chat} was updated, and now exists")

"""The shape of what comes back, operation by operation."""

from __future__ import annotations

from hypothesis import strategies as st

from ....model import Basis, Clause, Exchange, clause, expect, shortened
from .. import requests
from ..answers import Resource, as_object, members, moment, name_of, read_moment
from ..driver import MtmaiDriver

DETAILS = "HTTP response details"
SCHEMAS = "fact sheet, Schemas"
META = f"{SCHEMAS}, metadata"
TIMES = ("createdAt", "updatedAt")

SHOWN_BY = st.sampled_from(
    ["chat_create_chat_session", "chat_get", "chat_update_chat_session", "chat_list"]
)
"""The operations that show a session."""


def asked(driver: MtmaiDriver, operation: str) -> Exchange:
    """Return an operation's answer to a valid request about a session of ours."""
    if operation == "chat_create_chat_session":
        return driver.must(driver.create({"name": "Ideas"}))
    chat = driver.new_chat()
    return driver.must(driver.ask(operation, chat, {"name": "Ideas"}))


def shown(driver: MtmaiDriver, operation: str) -> Resource:
    """Return a session of ours as an operation shows it; the case needs an answer that shows it."""
    if operation == "chat_list":
        return next(iter(driver.listed(driver.new_chat())), {}) or driver.skip("it is not listed")
    exchange = asked(driver, operation)
    return members(exchange) if exchange.body else driver.skip("the answer has no body")


@clause(
    "mtmai.answer.status",
    basis=Basis.DOCUMENTED,
    source=f"{DETAILS}: 200 is the only success, and clients drop any other",
    operation=requests.operations,
)
def status(driver: MtmaiDriver, operation: str) -> None:
    """A request that is accepted is answered with status 200, not 201, 202 or 204."""
    exchange = asked(driver, operation)
    expect(exchange.status == 200, f"{operation} was accepted with status {exchange.status}")


@clause(
    "mtmai.answer.content_type",
    basis=Basis.IMPLIED,
    source="HTTP request headers: Accept; fact sheet, Schemas: what clients read as JSON",
    operation=requests.operations,
)
def content_type(driver: MtmaiDriver, operation: str) -> None:
    """A success is labelled application/json, or something that ends in +json."""
    exchange = asked(driver, operation)
    if exchange.response is None or not exchange.body:
        driver.skip("the answer has no body")
    kind = exchange.response.media_type
    good = kind == "application/json" or kind.endswith("+json")
    expect(good, f"{operation}: the content type is {kind or 'missing'}")


def _required(name: str) -> Clause:
    def required(driver: MtmaiDriver, operation: str) -> None:
        session = shown(driver, operation)
        expect(name in session, f"{operation}: no {name} in {shortened(dict(session))}")
        value = session[name]
        expect(isinstance(value, str), f"{operation}: {name} is no string: {shortened(value)}")

    required.__doc__ = f"A session has a {name}, a string, in every answer that shows it."
    return clause(
        f"mtmai.session.{name}",
        basis=Basis.IMPLIED,
        source=f"{SCHEMAS}, ChatSession",
        operation=SHOWN_BY,
    )(required)


REQUIRED = [_required("name"), _required("version")]


def _complete(name: str) -> Clause:
    def complete(driver: MtmaiDriver, operation: str) -> None:
        found = shown(driver, operation).get("metadata")
        if found is None:
            driver.skip("metadata is optional, and not there")
        value = as_object(found).get(name)
        said = f"{operation}: metadata.{name} is {shortened(value)} in {shortened(found)}"
        expect(isinstance(value, str), said)

    complete.__doc__ = f"The metadata of a session, where there is any, has {name}, a string."
    subject = {"id": "id", "createdAt": "created_at", "updatedAt": "updated_at"}[name]
    return clause(
        f"mtmai.metadata.{subject}", basis=Basis.IMPLIED, source=META, operation=SHOWN_BY
    )(complete)


METADATA = [_complete(name) for name in ("id", *TIMES)]


@clause("mtmai.metadata.id_length", basis=Basis.IMPLIED, source=META, operation=SHOWN_BY, most=8)
def id_length(driver: MtmaiDriver, operation: str) -> None:
    """The id of a session is not empty, and has 36 characters at most."""
    found = as_object(shown(driver, operation).get("metadata")).get("id")
    if isinstance(found, str):
        said = f"{operation}: the id has {len(found)} characters: {shortened(found)}"
        expect(1 <= len(found) <= 36, said)


@clause("mtmai.metadata.times", basis=Basis.IMPLIED, source=META, operation=SHOWN_BY, most=8)
def times(driver: MtmaiDriver, operation: str) -> None:
    """The times of a session are written as RFC 3339 says, zone included."""
    session = shown(driver, operation)
    for name in TIMES:
        text = as_object(session.get("metadata")).get(name)
        if isinstance(text, str):
            expect(read_moment(text), f"{operation}: {name} is not RFC 3339: {shortened(text)}")


@clause(
    "mtmai.metadata.times_in_order",
    basis=Basis.IMPLIED,
    source=f"{META}: what the names say",
    operation=SHOWN_BY,
    most=8,
)
def times_in_order(driver: MtmaiDriver, operation: str) -> None:
    """The updatedAt of a session is never before its createdAt."""
    session = shown(driver, operation)
    created, updated = moment(session, "createdAt"), moment(session, "updatedAt")
    if created is None or updated is None:
        driver.skip("there are no two times to compare")
    said = f"{operation}: updatedAt is before createdAt: {shortened(session.get('metadata'))}"
    expect(not updated.before(created), said)


@clause("mtmai.list.rows", basis=Basis.IMPLIED, source=f"{SCHEMAS}, ChatSessionList", most=2)
def rows(driver: MtmaiDriver) -> None:
    """The list is an object whose rows, where there are any, are an array of objects."""
    driver.new_chat()
    found = driver.must(driver.chats()).members().get("rows")
    good = found is None or isinstance(found, list) and all(isinstance(row, dict) for row in found)
    expect(good, f"rows is not an array of objects: {shortened(found)}")


@clause(
    "mtmai.list.metadata_present",
    basis=Basis.OBSERVED,
    source="our choice; the schema makes metadata optional",
)
def metadata_present(driver: MtmaiDriver) -> None:
    """Sessions in the list have metadata, without which nobody can go on with one."""
    name = "A session with metadata"
    driver.new_chat(name)
    driver.new_chat(name)
    found = members(driver.must(driver.chats())).get("rows")
    for row in found if isinstance(found, list) else []:
        if name_of(as_object(row), "") == name:
            said = f"a session in the list has no metadata: {shortened(row)}"
            expect(as_object(row).get("metadata") is not None, said)

"""The messages of a session, where a new one has any."""

from __future__ import annotations

from itertools import pairwise

from ....model import Basis, Clause, clause, expect, shortened
from .. import requests
from ..answers import Resource, as_object, identifier, messages, metadata, moment, read_moment
from ..driver import MtmaiDriver
from .answers import META, SCHEMAS, TIMES
from .sessions import BEHAVIOUR

ROLES = ("system", "user", "assistant")
MESSAGE = f"{SCHEMAS}, ChatMessage"
READ = "chat_messages"


def found_in(driver: MtmaiDriver, chat: str) -> list[Resource]:
    """Return the messages of a session; the case does not apply where it has none."""
    found = messages(driver.must(driver.messages(chat)))
    return found or driver.skip("a new session has no messages to judge")


@clause("mtmai.messages.created", basis=Basis.DOCUMENTED, source=READ, name=requests.names)
def created(driver: MtmaiDriver, name: str) -> None:
    """The messages of a session that was created can be read."""
    chat = driver.new_chat(name)
    exchange = driver.messages(chat)
    expect(driver.accepted(exchange), f"session {chat}: {driver.describe(exchange)}")


@clause("mtmai.messages.list", basis=Basis.IMPLIED, source=f"{SCHEMAS}, ChatMessages", most=2)
def are_list(driver: MtmaiDriver) -> None:
    """The messages, where there are any, are an array of objects."""
    found = driver.must(driver.messages(driver.new_chat())).members().get("messages")
    good = found is None or isinstance(found, list) and all(isinstance(one, dict) for one in found)
    expect(good, f"messages is not an array of objects: {shortened(found)}")


@clause(
    "mtmai.messages.present",
    basis=Basis.OBSERVED,
    source="our choice; the schema lets a session without messages leave them out",
)
def present(driver: MtmaiDriver) -> None:
    """The answer has an array of messages even where there are none."""
    found = driver.must(driver.messages(driver.new_chat())).members()
    expect(found.get("messages") is not None, f"there are no messages in {shortened(dict(found))}")


def _field(name: str, sentence: str, wrong: str, values: tuple[str, ...] = ()) -> Clause:
    def field(driver: MtmaiDriver) -> None:
        for message in found_in(driver, driver.new_chat()):
            value = message.get(name)
            good = isinstance(value, str) and (not values or value in values)
            expect(good, f"{name} {wrong}: {shortened(value)} in {shortened(dict(message))}")

    field.__doc__ = sentence
    return clause(f"mtmai.messages.{name}", basis=Basis.IMPLIED, source=MESSAGE)(field)


FIELDS = [
    _field("role", "A message is the system's, the user's or the assistant's.",
           f"is none of {', '.join(ROLES)}", ROLES),
    _field("content", "A message has a content, a string.", "is no string"),
]  # fmt: skip


@clause("mtmai.messages.metadata", basis=Basis.IMPLIED, source=f"{MESSAGE}; metadata")
def complete(driver: MtmaiDriver) -> None:
    """A message has metadata with id, createdAt and updatedAt, strings."""
    for message in found_in(driver, driver.new_chat()):
        for name in ("id", *TIMES):
            value = as_object(message.get("metadata")).get(name)
            said = f"metadata.{name} is {shortened(value)} in {shortened(dict(message))}"
            expect(isinstance(value, str), said)


@clause("mtmai.messages.times", basis=Basis.IMPLIED, source=META)
def times(driver: MtmaiDriver) -> None:
    """The times of a message are written as RFC 3339 says, zone included."""
    for message in found_in(driver, driver.new_chat()):
        for name in TIMES:
            text = metadata(message).get(name)
            if isinstance(text, str):
                expect(read_moment(text), f"{name} is not RFC 3339: {shortened(text)}")


@clause("mtmai.messages.order", basis=Basis.IMPLIED, source=f"{BEHAVIOUR}: messages")
def order(driver: MtmaiDriver) -> None:
    """Messages come in the order in which they happened, the oldest first."""
    found = [moment(message, "createdAt") for message in found_in(driver, driver.new_chat())]
    times = [time for time in found if time is not None]
    if len(times) < 2:
        driver.skip("there are no two messages with times to compare")
    for place, (earlier, later) in enumerate(pairwise(times)):
        expect(not later.before(earlier), f"message {place + 1} is older than the one before it")


@clause(
    "mtmai.messages.id_unique",
    basis=Basis.IMPLIED,
    source=f"{META}: the id of this resource",
)
def id_unique(driver: MtmaiDriver) -> None:
    """Every message of a session has an id of its own."""
    found = [identifier(message) for message in found_in(driver, driver.new_chat())]
    seen = [one for one in found if one is not None]
    expect(len(set(seen)) == len(seen), f"an id is there twice: {seen}")


@clause("mtmai.messages.stable", basis=Basis.IMPLIED, source="chat_messages: reading is a GET")
def stable(driver: MtmaiDriver) -> None:
    """A message that was read has the same id, and the same content, when it is read again."""
    chat = driver.new_chat()
    first = {identifier(one): one.get("content") for one in found_in(driver, chat)}
    again = {identifier(one): one.get("content") for one in found_in(driver, chat)}
    for id, content in first.items():
        expect(id in again, f"message {id} was there, and is not when read again")
        said = f"message {id} was {shortened(content)}, and is {shortened(again.get(id))}"
        expect(again.get(id) == content, said)


@clause(
    "mtmai.messages.own",
    basis=Basis.IMPLIED,
    source="chat_messages: a session's messages",
    names=requests.two_names,
    most=5,
)
def own(driver: MtmaiDriver, names: list[str]) -> None:
    """Two sessions have no message in common, and a new one takes none from another."""
    chat = driver.new_chat(names[0])
    before = _ids(driver, chat)
    if before != _ids(driver, chat):
        driver.skip("messages have other ids each time that they are read")
    other = driver.new_chat(names[1])
    now, others = _ids(driver, chat), _ids(driver, other)
    if chat == other:
        driver.skip("two sessions have one id")
    common = now & others
    expect(not common, f"{chat} and {other} both have the messages {sorted(common)}")
    lost = before - now
    expect(not lost, f"{other} was created, and {chat} has no more the messages {sorted(lost)}")


def _ids(driver: MtmaiDriver, chat: str) -> set[str]:
    return {id for one in found_in(driver, chat) if (id := identifier(one)) is not None}

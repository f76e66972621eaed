"""What an update changes, and what it leaves as it was."""

from __future__ import annotations

from hypothesis import strategies as st

from ....model import Basis, clause, expect, shortened
from .. import requests
from ..answers import Moment, Resource, identifier, members, messages, metadata, moment, name_of
from ..driver import MtmaiDriver
from .sessions import BEHAVIOUR, UNREQUIRED

UPDATED = f"{BEHAVIOUR}: update"


def _renamed(driver: MtmaiDriver, names: list[str]) -> str:
    chat = driver.new_chat(names[0])
    driver.must(driver.update(chat, {"name": names[1]}))
    return chat


def _expect_name(session: Resource, names: list[str], where: str) -> None:
    found = name_of(session, names[1])
    said = f"the session was {names[0]!r}, was renamed {names[1]!r}, and {where} {shortened(found)}"
    expect(found == names[1], said)


def _wait(driver: MtmaiDriver, earlier: Moment) -> float:
    """Let pass, and return, so many seconds that a time written as precisely is another one."""
    seconds = max(0.02, 1.2 * float(earlier.precision))
    driver.clock.sleep(seconds)
    return seconds


def _time(driver: MtmaiDriver, session: Resource, name: str) -> Moment:
    return moment(session, name) or driver.skip(f"there is no {name} to compare")


@clause(
    "mtmai.update.accepted",
    basis=Basis.DOCUMENTED,
    source="chat_update_chat_session",
    names=requests.two_names,
    most=5,
)
def accepted(driver: MtmaiDriver, names: list[str]) -> None:
    """A session that was created can be updated."""
    chat = driver.new_chat(names[0])
    exchange = driver.update(chat, {"name": names[1]})
    expect(driver.accepted(exchange), f"session {chat}: {driver.describe(exchange)}")


@clause("mtmai.update.name_kept", basis=Basis.IMPLIED, source=UPDATED, name=requests.names)
def name_kept(driver: MtmaiDriver, name: str) -> None:
    """An update is answered with the session and the name that was sent, whatever text it is."""
    chat = driver.new_chat("before")
    session = members(driver.must(driver.update(chat, {"name": name})))
    _expect_name(session, ["before", name], "the answer says")


@clause("mtmai.update.seen_by_get", basis=Basis.IMPLIED, source=UPDATED, names=requests.two_names)
def seen_by_get(driver: MtmaiDriver, names: list[str]) -> None:
    """An update is seen when the session is read."""
    chat = _renamed(driver, names)
    _expect_name(members(driver.must(driver.get(chat))), names, "reads")


@clause("mtmai.update.seen_by_list", basis=Basis.IMPLIED, source=UPDATED, names=requests.two_names)
def seen_by_list(driver: MtmaiDriver, names: list[str]) -> None:
    """An update is seen in the list."""
    for row in driver.listed(_renamed(driver, names)):
        _expect_name(row, names, "is listed as")


@clause("mtmai.update.still_listed", basis=Basis.IMPLIED, source=UPDATED, names=requests.two_names)
def still_listed(driver: MtmaiDriver, names: list[str]) -> None:
    """A session that was updated is still in the list, once."""
    chat = driver.new_chat(names[0])
    if len(driver.listed(chat)) != 1:
        driver.skip("a new session is not once in the list")
    driver.must(driver.update(chat, {"name": names[1]}))
    found = len(driver.listed(chat))
    expect(found == 1, f"session {chat} was updated, and is in the list {found} times")


@clause("mtmai.update.empty_body", basis=Basis.IMPLIED, source=UNREQUIRED)
def empty_body(driver: MtmaiDriver) -> None:
    """A session can be updated with {} as the body."""
    chat = driver.new_chat()
    driver.must(driver.update(chat, {"name": "Ideas"}))
    exchange = driver.update(chat, {})
    expect(driver.accepted(exchange), f"{{}} was turned down: {driver.describe(exchange)}")


@clause(
    "mtmai.update.empty_body_changes_nothing",
    basis=Basis.IMPLIED,
    source=UPDATED,
    names=requests.two_names,
    most=10,
)
def empty_body_changes_nothing(driver: MtmaiDriver, names: list[str]) -> None:
    """An update without a name leaves the name as it was."""
    chat = driver.new_chat(names[0])
    before = driver.name(chat, "")
    driver.must(driver.update(chat, {}))
    found = driver.name(chat, before)
    expect(found == before, f"the name was {shortened(before)}, and after {{}} {shortened(found)}")


@clause("mtmai.update.keeps_id", basis=Basis.IMPLIED, source=UPDATED, names=requests.two_names)
def keeps_id(driver: MtmaiDriver, names: list[str]) -> None:
    """An update leaves the session's id as it was, in its own answer and when it is read."""
    chat = driver.new_chat(names[0])
    answer = driver.must(driver.update(chat, {"name": names[1]}))
    for exchange in (answer, driver.must(driver.get(chat))):
        found = identifier(members(exchange)) or chat
        expect(found == chat, f"session {chat} was updated, and shows the id {found}")


@clause("mtmai.update.keeps_created_at", basis=Basis.IMPLIED, source=UPDATED)
def keeps_created_at(driver: MtmaiDriver) -> None:
    """An update that comes later leaves createdAt as it was."""
    exchange = driver.must(driver.create({"name": "before"}))
    chat, before = driver.id_of(exchange), _time(driver, members(exchange), "createdAt")
    _wait(driver, before)
    answer = driver.must(driver.update(chat, {"name": "after"}))
    for now in (members(answer), members(driver.must(driver.get(chat)))):
        changed = not _time(driver, now, "createdAt").same(before)
        was, found = metadata(members(exchange)), metadata(now)
        expect(not changed, f"createdAt was {was['createdAt']}, and is {found['createdAt']}")


@clause("mtmai.update.moves_updated_at", basis=Basis.IMPLIED, source=UPDATED)
def moves_updated_at(driver: MtmaiDriver) -> None:
    """An update that comes later moves updatedAt forward."""
    exchange = driver.must(driver.create({"name": "before"}))
    chat, before = driver.id_of(exchange), _time(driver, members(exchange), "updatedAt")
    waited = _wait(driver, before)
    now = members(driver.must(driver.update(chat, {"name": "after"})))
    moved = before.seconds < _time(driver, now, "updatedAt").seconds
    was = metadata(members(exchange))["updatedAt"]
    said = f"updatedAt was {was}, and {waited:g} s later is {metadata(now).get('updatedAt')}"
    expect(moved, said)


@clause(
    "mtmai.update.never_back",
    basis=Basis.IMPLIED,
    source=UPDATED,
    bodies=st.lists(
        st.sampled_from([{}, {"name": "Ideas"}, {"name": "x"}]), min_size=1, max_size=4
    ),
)
def never_back(driver: MtmaiDriver, bodies: list[dict[str, str]]) -> None:
    """No update moves updatedAt back."""
    exchange = driver.must(driver.create({"name": "Travel plans"}))
    chat, session = driver.id_of(exchange), members(exchange)
    for body in bodies:
        before, was = _time(driver, session, "updatedAt"), metadata(session)["updatedAt"]
        session = members(driver.must(driver.update(chat, body)))
        back = _time(driver, session, "updatedAt").before(before)
        expect(not back, f"updatedAt was {was}, and is {metadata(session)['updatedAt']}")


@clause("mtmai.update.idempotent", basis=Basis.IMPLIED, source=UPDATED, names=requests.two_names)
def idempotent(driver: MtmaiDriver, names: list[str]) -> None:
    """The same update a second time is accepted, and leaves the session as the first one did."""
    chat = _renamed(driver, names)
    once = driver.name(chat, names[1])
    again = driver.update(chat, {"name": names[1]})
    expect(driver.accepted(again), f"the same update again: {driver.describe(again)}")
    twice = driver.name(chat, names[1])
    said = f"renamed {names[1]!r} once it is {shortened(once)}, and twice {shortened(twice)}"
    expect(once == twice, said)


@clause(
    "mtmai.update.keeps_messages", basis=Basis.IMPLIED, source=UPDATED, names=requests.two_names
)
def keeps_messages(driver: MtmaiDriver, names: list[str]) -> None:
    """An update leaves the session's messages as they were."""
    chat = driver.new_chat(names[0])
    before = [message.get("content") for message in messages(driver.must(driver.messages(chat)))]
    if not before:
        driver.skip("a new session has no messages to judge")
    driver.must(driver.update(chat, {"name": names[1]}))
    now = [message.get("content") for message in messages(driver.must(driver.messages(chat)))]
    said = f"there were {len(before)} messages, and after the update there are {len(now)}"
    expect(now[: len(before)] == before, said if len(now) < len(before) else "they read otherwise")


@clause("mtmai.update.leaves_others", basis=Basis.IMPLIED, source=UPDATED, names=requests.two_names)
def leaves_others(driver: MtmaiDriver, names: list[str]) -> None:
    """Updating a session changes no other one."""
    chat, other = driver.new_chat(names[0]), driver.new_chat(names[0])
    if chat == other:
        driver.skip("two sessions have one id")
    before = driver.name(chat, "")
    driver.must(driver.update(other, {"name": names[1]}))
    found = driver.name(chat, before)
    said = f"{other} was renamed {names[1]!r}, and {chat} went from {before!r} to {found!r}"
    expect(found == before, said)


@clause(
    "mtmai.update.metadata_unchanged",
    basis=Basis.OBSERVED,
    source="our choice; no document says what becomes of metadata in a body",
    operation=requests.writes,
)
def metadata_unchanged(driver: MtmaiDriver, operation: str) -> None:
    """Metadata in a body sets neither the id nor the times of a session."""
    theirs = {
        "id": "00000000-0000-4000-8000-000000000000",
        "createdAt": "2001-02-03T04:05:06Z",
        "updatedAt": "2001-02-03T04:05:06Z",
    }
    chat = driver.new_chat()
    exchange = driver.must(driver.ask(operation, chat, {"name": "Ideas", "metadata": theirs}))
    found = metadata(members(exchange))
    for name, value in theirs.items():
        expect(found.get(name) != value, f"{operation} took {name} from the body")

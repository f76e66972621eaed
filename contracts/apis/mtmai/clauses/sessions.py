"""Creating, reading and listing sessions: relations between the answers to several requests."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import strategies as st

from ....model import Basis, clause, expect, shortened
from .. import requests
from ..answers import identifier, members, name_of
from ..driver import JSON_TYPE, MtmaiDriver

BEHAVIOUR = "fact sheet, Behaviour"
CREATED = f"{BEHAVIOUR}: create"
UNREQUIRED = "fact sheet, Schemas, ChatSessionUpdate: nothing is required"


@clause(
    "mtmai.create.name_kept",
    basis=Basis.IMPLIED,
    source=CREATED,
    name=requests.names,
    escaped=st.booleans(),
)
def name_kept(driver: MtmaiDriver, name: str, escaped: bool) -> None:
    """A new session has the name that was sent, whatever text it is and however JSON writes it."""
    text = json.dumps({"name": name}, ensure_ascii=escaped).encode()
    exchange = driver.must(driver.ask("chat_create_chat_session", body=text))
    found = name_of(members(exchange), name)
    expect(found == name, f"the name {name!r} was sent, and {shortened(found)} came back")


@clause("mtmai.create.empty_body", basis=Basis.IMPLIED, source=UNREQUIRED)
def empty_body(driver: MtmaiDriver) -> None:
    """A session can be created with {} as the body."""
    driver.new_chat()
    exchange = driver.create({})
    expect(driver.accepted(exchange), f"{{}} was turned down: {driver.describe(exchange)}")


@clause(
    "mtmai.create.id_unique",
    basis=Basis.IMPLIED,
    source="fact sheet, Schemas, metadata: the id of this resource",
    names=st.lists(requests.plain_names, min_size=2, max_size=4),
)
def id_unique(driver: MtmaiDriver, names: list[str]) -> None:
    """Every new session has an id of its own."""
    seen = [driver.new_chat(name) for name in names]
    expect(len(set(seen)) == len(seen), f"an id was given out twice: {seen}")


@clause(
    "mtmai.create.leaves_others",
    basis=Basis.IMPLIED,
    source=CREATED,
    names=st.lists(requests.plain_names, min_size=2, max_size=3, unique=True),
)
def leaves_others(driver: MtmaiDriver, names: list[str]) -> None:
    """Creating a session changes no other one."""
    chat = driver.new_chat(names[0])
    before = driver.name(chat, names[0])
    for name in names[1:]:
        if driver.new_chat(name) == chat:
            driver.skip("two sessions have one id")
    found = driver.name(chat, before)
    expect(
        found == before, f"session {chat} was {shortened(before)}, and is {shortened(found)} now"
    )


@clause("mtmai.get.created", basis=Basis.IMPLIED, source=CREATED, name=requests.names)
def created(driver: MtmaiDriver, name: str) -> None:
    """A session that was created can be read."""
    chat = driver.new_chat(name)
    exchange = driver.get(chat)
    expect(driver.accepted(exchange), f"session {chat}: {driver.describe(exchange)}")


@clause("mtmai.get.same", basis=Basis.IMPLIED, source=CREATED, name=requests.names)
def same(driver: MtmaiDriver, name: str) -> None:
    """Reading a session shows what its creation showed: id, name, version and team."""
    exchange = driver.must(driver.create({"name": name}))
    chat, before = driver.id_of(exchange), members(exchange)
    now = members(driver.must(driver.get(chat)))
    found = identifier(now) or chat
    expect(found == chat, f"session {chat} was asked for, and {found} came back")
    for field in ("name", "version", "team"):
        if field in before and field in now:
            said = f"{field} was {shortened(before[field])}, and reads {shortened(now[field])}"
            expect(now[field] == before[field], said)


@clause(
    "mtmai.get.content_type_harmless",
    basis=Basis.IMPLIED,
    source="fact sheet, Authentication: clients send Content-Type with GET",
    operation=requests.reads,
    most=6,
)
def content_type_harmless(driver: MtmaiDriver, operation: str) -> None:
    """A GET that has a Content-Type of JSON and no body, as clients send it, is answered."""
    chat = driver.new_chat()
    driver.must(driver.ask(operation, chat))
    request = driver.request(operation, chat)
    exchange = driver.send(
        replace(request, headers=(*request.headers, ("Content-Type", JSON_TYPE)))
    )
    said = f"{operation} with Content-Type {JSON_TYPE}: {driver.describe(exchange)}"
    expect(driver.accepted(exchange), said)


@clause("mtmai.list.created", basis=Basis.IMPLIED, source=CREATED, name=requests.names)
def listed(driver: MtmaiDriver, name: str) -> None:
    """A session that was created is in the list."""
    chat = driver.new_chat(name)
    expect(driver.listed(chat), f"session {chat} was created, and is not in the list")


@clause(
    "mtmai.list.once",
    basis=Basis.IMPLIED,
    source=CREATED,
    names=st.lists(requests.plain_names, min_size=1, max_size=3),
    most=10,
)
def once(driver: MtmaiDriver, names: list[str]) -> None:
    """A session is never more than once in the list."""
    for chat in dict.fromkeys([driver.new_chat(name) for name in names]):
        found = len(driver.listed(chat))
        expect(found <= 1, f"session {chat} is in the list {found} times")


@clause(
    "mtmai.list.same",
    basis=Basis.IMPLIED,
    source=CREATED,
    names=st.lists(requests.names, min_size=1, max_size=2),
    most=10,
)
def list_same(driver: MtmaiDriver, names: list[str]) -> None:
    """The list shows a new session with the name that it has when it is read."""
    for chat in [driver.new_chat(name) for name in names]:
        for row in driver.listed(chat):
            found = name_of(row, "")
            name = driver.name(chat, found)
            said = f"session {chat} reads {shortened(name)}, and is listed as {shortened(found)}"
            expect(found in ("", name), said)

"""Sessions over time, as a state machine: whatever happens, they are as they were last left."""

from __future__ import annotations

from typing import ClassVar

from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from ....model import Basis, clause, expect, shortened
from .. import requests
from ..answers import Resource, identifier, members, name_of, rows
from ..driver import MtmaiDriver
from .sessions import BEHAVIOUR


class Sessions(RuleBasedStateMachine):
    """Sessions of one tenant beside a dictionary of what their names have to be."""

    driver: ClassVar[MtmaiDriver]
    chats = Bundle("chats")

    def __init__(self) -> None:
        """Begin without a session."""
        super().__init__()
        self.names: dict[str, str] = {}

    @rule(target=chats, body=requests.bodies)
    def create(self, body: dict[str, str]) -> str:
        """Create a session, with a name or without."""
        exchange = self.driver.must(self.driver.create(body))
        chat = self.driver.id_of(exchange)
        expect(chat not in self.names, f"a new session has the id of another: {chat}")
        self.names[chat] = body.get("name", name_of(members(exchange), ""))
        return chat

    @rule(chat=chats, body=requests.bodies)
    def update(self, chat: str, body: dict[str, str]) -> None:
        """Rename a session, or send an update that says nothing."""
        exchange = self.driver.must(self.driver.update(chat, body))
        self.names[chat] = body.get("name", self.names[chat])
        self.compare(chat, members(exchange), "is answered as")

    @rule(chat=chats)
    def read(self, chat: str) -> None:
        """Read a session."""
        self.compare(chat, members(self.driver.must(self.driver.get(chat))), "reads")

    @rule()
    def look(self) -> None:
        """Look for every session in the list."""
        listed = rows(self.driver.must(self.driver.chats()))
        if any(identifier(row) is None for row in listed):
            self.driver.skip("a session in the list has no id")
        for chat in self.names:
            found = [row for row in listed if identifier(row) == chat]
            expect(len(found) == 1, f"session {chat} is in the list {len(found)} times")
            self.compare(chat, found[0], "is listed as")

    def compare(self, chat: str, session: Resource, where: str) -> None:
        """Raise Broken unless a session is shown with the name that it was left with."""
        name = self.names[chat]
        found = name_of(session, name)
        said = f"session {chat} was left as {shortened(name)}, and {where} {shortened(found)}"
        expect(found == name, said)


@clause(
    "mtmai.state.follows_every_change", basis=Basis.IMPLIED, source=BEHAVIOUR, machine=True, most=10
)
def follows_every_change(driver: MtmaiDriver) -> type[RuleBasedStateMachine]:
    """Sessions that are created and updated in any order are read and listed as last left."""
    return type("Sessions", (Sessions,), {"driver": driver})

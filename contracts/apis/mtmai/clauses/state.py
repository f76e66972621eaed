"""Sessions over time, as a state machine: whatever happens, they are as they were last left."""

from __future__ import annotations

from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from ....model import Basis, Exchange, clause, expect, shortened
from .. import requests
from ..answers import Resource, identifier, members, name_of, rows
from ..driver import MtmaiDriver
from .sessions import BEHAVIOUR


@clause(
    "mtmai.state.follows_every_change", basis=Basis.IMPLIED, source=BEHAVIOUR, machine=True, most=10
)
def follows_every_change(driver: MtmaiDriver) -> type[RuleBasedStateMachine]:
    """Sessions that are created and updated in any order are read and listed as last left."""

    class Sessions(RuleBasedStateMachine):
        chats = Bundle("chats")

        def __init__(self) -> None:
            super().__init__()
            self.names: dict[str, str] = {}

        @initialize(target=chats, name=requests.plain_names)
        def begin(self, name: str) -> str:
            return self._created({"name": name})

        @rule(target=chats, body=requests.bodies)
        def create(self, body: dict[str, str]) -> str:
            return self._created(body)

        @rule(chat=chats, body=requests.bodies)
        def update(self, chat: str, body: dict[str, str]) -> None:
            exchange = driver.must(driver.update(chat, body))
            self.names[chat] = body.get("name", self.names[chat])
            self._compare(chat, members(exchange), "is answered as")

        @rule(chat=chats)
        def read(self, chat: str) -> None:
            self._compare(chat, members(driver.must(driver.get(chat))), "reads")

        @rule()
        def look(self) -> None:
            found: dict[str, list[Resource]] = {chat: [] for chat in self.names}
            for row in rows(driver.must(driver.chats())):
                chat = identifier(row) or driver.skip("a session in the list has no id")
                found.setdefault(chat, []).append(row)
            for chat in self.names:
                times = len(found[chat])
                expect(times == 1, f"session {chat} is in the list {times} times")
                self._compare(chat, found[chat][0], "is listed as")

        def _created(self, body: dict[str, str]) -> str:
            exchange: Exchange = driver.must(driver.create(body))
            chat = driver.id_of(exchange)
            expect(chat not in self.names, f"a new session has the id of another: {chat}")
            self.names[chat] = body.get("name", name_of(members(exchange), ""))
            return chat

        def _compare(self, chat: str, session: Resource, where: str) -> None:
            name = self.names[chat]
            found = name_of(session, name)
            said = f"session {chat} was left as {shortened(name)}, and {where} {shortened(found)}"
            expect(found == name, said)

    return Sessions

"""Two tenants over time, as a state machine: whatever they do, they never meet."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from ....model import Basis, clause, expect
from .. import requests
from ..answers import identifier, rows
from ..driver import MtmaiDriver
from .tenants import BELONG, NEEDS

which = st.sampled_from([0, 1])


class Tenants(RuleBasedStateMachine):
    """Two tenants, beside the ids of the sessions that each of them created."""

    driver: ClassVar[MtmaiDriver]
    chats = Bundle("chats")

    def __init__(self) -> None:
        """Begin without a session."""
        super().__init__()
        self.callers = (self.driver, self.driver.other())
        self.own: tuple[set[str], set[str]] = set(), set()

    @rule(target=chats, who=which, body=requests.bodies)
    def create(self, who: int, body: dict[str, str]) -> tuple[int, str]:
        """Create a session as one of the tenants."""
        caller = self.callers[who]
        chat = caller.id_of(caller.must(caller.create(body)))
        caller.must(caller.get(chat))
        self.own[who].add(chat)
        return who, chat

    @rule(chat=chats, within=st.booleans())
    def reach(self, chat: tuple[int, str], within: bool) -> None:
        """Read a session of the other tenant, below that tenant or below one's own."""
        owner, id = chat
        stranger = self.callers[1 - owner]
        asker = stranger.at(self.callers[owner].tenant) if within else stranger
        exchange = asker.get(id)
        said = f"another tenant's session was read: {self.driver.describe(exchange)}"
        expect(not asker.accepted(exchange), said)

    @rule(chat=chats)
    def read(self, chat: tuple[int, str]) -> None:
        """Read a session as its owner."""
        owner, id = chat
        exchange = self.callers[owner].get(id)
        said = f"a session cannot be read by its owner: {self.driver.describe(exchange)}"
        expect(self.callers[owner].accepted(exchange), said)

    @rule(who=which)
    def look(self, who: int) -> None:
        """List the sessions of one of the tenants."""
        listed = {identifier(row) for row in rows(self.driver.must(self.callers[who].chats()))}
        strange = sorted(self.own[1 - who] & listed)
        expect(not strange, f"sessions of another tenant are listed: {', '.join(strange)}")


@clause("mtmai.tenant.never_meets_another", basis=Basis.IMPLIED, source=BELONG, needs=NEEDS,
        machine=True, most=8)  # fmt: skip
def never_meets_another(driver: MtmaiDriver) -> type[RuleBasedStateMachine]:
    """Whatever two tenants do in any order, each has its own sessions, and they alone."""
    return type("Tenants", (Tenants,), {"driver": driver})

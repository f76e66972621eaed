"""Sessions over time, as a state machine: begun, continued and meddled with in any order."""

from __future__ import annotations

from typing import ClassVar

from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from ....model import Basis, clause, expect
from .. import requests
from ..driver import UPPER, GenesisDriver, Way
from .sessions import SESSION

_WRONG = UPPER
"""What makes a signature wrong, and is sure to be noticed by a server that notices any."""


class Sessions(RuleBasedStateMachine):
    """Sessions of one caller, beside the list of those that were given out."""

    driver: ClassVar[GenesisDriver]
    sessions = Bundle("sessions")

    def __init__(self) -> None:
        """Begin without a session."""
        super().__init__()
        self.given: list[object] = []

    @rule(target=sessions, text=requests.questions, way=requests.ways)
    def begin(self, text: str, way: Way) -> object:
        """Ask a question without a session."""
        session = self.driver.session_of(self.driver.chat(text, way=way))
        expect(session not in self.given, f"session {session} was given out twice")
        self.given.append(session)
        return session

    @rule(session=sessions, text=requests.questions, way=requests.ways)
    def go_on(self, session: object, text: str, way: Way) -> None:
        """Ask one more question in a session."""
        exchange = self.driver.chat(text, session, way)
        expect(
            self.driver.accepted(exchange),
            f"session {session} cannot be continued: {self.driver.describe(exchange)}",
        )
        found = exchange.members().get("SessionID", session)
        expect(found == session, f"SessionID {session} was sent, and {found} came back")

    @rule(session=sessions)
    def meddle(self, session: object) -> None:
        """Send a question in a session under a signature that is wrong."""
        pairs = self.driver.plain([("user", "Forget this")], session)
        self.driver.must_not(self.driver.post(pairs, made=_WRONG))


@clause("genesis.session.follows_every_message", basis=Basis.IMPLIED, source=SESSION,
        machine=True, most=8)  # fmt: skip
def follows_every_message(driver: GenesisDriver) -> type[RuleBasedStateMachine]:
    """Sessions go on whatever was said in them and in others, and however often it was refused."""
    return type("Sessions", (Sessions,), {"driver": driver})

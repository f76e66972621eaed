"""Sessions and identifiers: relations between the answers to several requests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ....model import Basis, clause, expect, shortened
from .. import requests
from ..driver import GenesisDriver, Way

SESSION = "Request Parameters: SessionID"
IDENTIFIER = "Response Field: ID"


@clause("genesis.session.new", basis=Basis.DOCUMENTED, source=SESSION,
        texts=st.lists(requests.questions, min_size=2, max_size=4), way=requests.ways)  # fmt: skip
def new(driver: GenesisDriver, texts: list[str], way: Way) -> None:
    """Each request without a SessionID gets a session that no other got."""
    seen = [driver.session_of(driver.chat(text, way=way)) for text in texts]
    expect(len(set(map(repr, seen))) == len(seen), f"a session was given out twice: {seen}")


@clause("genesis.session.blank", basis=Basis.DOCUMENTED, source=SESSION, way=requests.ways, most=8)
def blank(driver: GenesisDriver, way: Way) -> None:
    """A SessionID that is left blank starts a new session."""
    first = driver.session_of(driver.chat(way=way))
    exchange = driver.chat(session_id="", way=way)
    expect(driver.accepted(exchange), f"a blank SessionID: {driver.describe(exchange)}")
    expect(driver.session_of(exchange) != first, "a blank SessionID got an old session")


@clause("genesis.session.kept", basis=Basis.IMPLIED, source=SESSION,
        texts=st.lists(requests.questions, min_size=1, max_size=3), way=requests.ways)  # fmt: skip
def kept(driver: GenesisDriver, texts: list[str], way: Way) -> None:
    """A request with a SessionID is answered with the same one."""
    session = driver.session_of(driver.chat("Begin", way=way))
    for text in texts:
        exchange = driver.chat(text, session, way)
        expect(driver.accepted(exchange), f"its own session: {driver.describe(exchange)}")
        found = driver.session_of(exchange)
        expect(found == session, f"SessionID {session} was sent, and {found} came back")


APART = 10**6
"""How far a made-up SessionID is from one that was given out: some servers count."""


def never_given(driver: GenesisDriver, distance: int) -> int:
    """Return a SessionID that is far from those that are given out."""
    session = driver.session_of(driver.chat())
    start: int = session if isinstance(session, int) else 0
    return (start + APART + distance) % (2**31 - 1) + 1


@clause("genesis.session.unknown", basis=Basis.OBSERVED, source="our choice; no document says",
        distance=st.integers(1, 2**30), most=5)  # fmt: skip
def unknown(driver: GenesisDriver, distance: int) -> None:
    """A SessionID that this caller never got is refused."""
    number = never_given(driver, distance)
    exchange = driver.chat(session_id=number)
    expect(not driver.accepted(exchange), f"SessionID {number} was accepted, and never given out")


@clause("genesis.session.other_caller", basis=Basis.IMPLIED, source=SESSION,
        needs=("other_public_key", "other_private_key", "other_app_id"))  # fmt: skip
def other_caller(driver: GenesisDriver) -> None:
    """Another caller cannot continue a session."""
    session = driver.session_of(driver.chat("A secret"))
    other = driver.as_other()
    driver.must(other.chat("Begin"))
    # Who may begin a session under any number that is not taken does so, and continues nothing.
    driver.must_not(other.chat("Begin", never_given(driver, 1)))
    exchange = other.chat("Go on", session)
    expect(not driver.accepted(exchange), f"another caller continued session {session}")


@clause("genesis.session.other_application", basis=Basis.OBSERVED,
        source="our choice; no document says", needs=("other_app_id",))  # fmt: skip
def other_application(driver: GenesisDriver) -> None:
    """Another application of the same caller cannot continue a session."""
    session = driver.session_of(driver.chat("A secret"))
    there = driver.with_credentials(
        {**driver.credentials, "app_id": driver.credentials["other_app_id"]}
    )
    driver.must_not(there.chat("Begin", never_given(driver, 1)))
    exchange = there.chat("Go on", session)
    expect(not driver.accepted(exchange), f"another application continued session {session}")


@clause("genesis.id.unique", basis=Basis.DOCUMENTED, source=IDENTIFIER,
        texts=st.lists(requests.questions, min_size=2, max_size=4), same=st.booleans())  # fmt: skip
def unique(driver: GenesisDriver, texts: list[str], same: bool) -> None:
    """Every message has an ID of its own, within a session and beyond it."""
    seen: list[Any] = []
    session = None
    for text in texts:
        members = driver.must(driver.chat(text, session)).members()
        if "ID" not in members:
            driver.skip(f"the answer has no ID: {shortened(dict(members))}")
        expect(members["ID"] not in seen, f"ID {members['ID']} was given out twice")
        seen.append(members["ID"])
        session = members.get("SessionID") if same else None

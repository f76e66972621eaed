"""Credentials belong to a tenant: what one tenant's open, another's do not."""

from __future__ import annotations

from hypothesis import strategies as st

from ....model import Basis, clause, expect, shortened
from .. import requests
from ..answers import identifier, rows
from ..driver import CHATS, MtmaiDriver
from .refusals import expect_nothing_new

BELONG = "fact sheet, Authentication: credentials belong to a tenant"
NEEDS = ("other_tenant",)

theirs = st.booleans()
"""Whether the session is the second caller's, and the first one the stranger."""

within = st.booleans()
"""Whether the stranger asks below the owner's tenant, or for the owner's session below its own."""


def _callers(driver: MtmaiDriver, theirs: bool) -> tuple[MtmaiDriver, MtmaiDriver]:
    """Return the owner of a session and a stranger, both let in to tenants of their own."""
    other = driver.other()
    owner, stranger = (other, driver) if theirs else (driver, other)
    driver.must(stranger.chats())
    return owner, stranger


def _build_on_unknown(stranger: MtmaiDriver, operation: str, chat: str) -> None:
    """Make sure that a chat that is nobody's is turned down, before another's is judged."""
    stranger.must_not(stranger.ask(operation, chat, {"name": "Taken"}))


def _where(owner: MtmaiDriver, stranger: MtmaiDriver, within: bool) -> tuple[MtmaiDriver, str]:
    if within:
        return stranger.at(owner.tenant), "with another tenant's credentials"
    return stranger, "below another tenant"


@clause(
    "mtmai.tenant.reads",
    basis=Basis.IMPLIED,
    source=BELONG,
    needs=NEEDS,
    operation=st.sampled_from(["chat_get", "chat_messages"]),
    theirs=theirs,
    within=within,
)
def reads(driver: MtmaiDriver, operation: str, theirs: bool, within: bool) -> None:
    """A session and its messages cannot be read with another tenant's credentials."""
    owner, stranger = _callers(driver, theirs)
    asker, how = _where(owner, stranger, within)
    _build_on_unknown(asker, operation, owner.nobodys_id())
    exchange = asker.ask(operation, owner.new_chat("Nobody else's"))
    said = f"{operation} {how}: {driver.describe(exchange)}"
    expect(driver.refused(exchange), said)


@clause(
    "mtmai.tenant.lists", basis=Basis.IMPLIED, source=BELONG, needs=NEEDS, theirs=theirs, most=4
)
def lists(driver: MtmaiDriver, theirs: bool) -> None:
    """A tenant's list cannot be read with another tenant's credentials."""
    owner, stranger = _callers(driver, theirs)
    exchange = stranger.at(owner.tenant).chats()
    said = f"the list with another tenant's credentials: {driver.describe(exchange)}"
    expect(driver.refused(exchange), said)


@clause(
    "mtmai.tenant.listed", basis=Basis.IMPLIED, source=BELONG, needs=NEEDS, theirs=theirs, most=4
)
def listed(driver: MtmaiDriver, theirs: bool) -> None:
    """A session is not in another tenant's list."""
    owner, stranger = _callers(driver, theirs)
    chat = owner.new_chat("Nobody else's")
    found = [row for row in rows(driver.must(stranger.chats())) if identifier(row) == chat]
    expect(not found, f"another tenant's list has the session {shortened(found[:1])}")


@clause(
    "mtmai.tenant.updates",
    basis=Basis.IMPLIED,
    source=BELONG,
    needs=NEEDS,
    theirs=theirs,
    within=within,
)
def updates(driver: MtmaiDriver, theirs: bool, within: bool) -> None:
    """A session cannot be updated with another tenant's credentials."""
    owner, stranger = _callers(driver, theirs)
    asker, how = _where(owner, stranger, within)
    _build_on_unknown(asker, "chat_update_chat_session", owner.nobodys_id())
    exchange = asker.update(owner.new_chat("Nobody else's"), {"name": "Taken"})
    expect(driver.refused(exchange), f"an update {how}: {driver.describe(exchange)}")


@clause(
    "mtmai.tenant.refused_update_changes_nothing",
    basis=Basis.IMPLIED,
    source=BELONG,
    needs=NEEDS,
    theirs=theirs,
    within=within,
)
def refused_update_changes_nothing(driver: MtmaiDriver, theirs: bool, within: bool) -> None:
    """An update that another tenant's credentials do not allow leaves the name as it was."""
    owner, stranger = _callers(driver, theirs)
    chat = owner.new_chat("Nobody else's")
    before = owner.name(chat, "")
    asker, how = _where(owner, stranger, within)
    driver.must_not(asker.update(chat, {"name": "Taken"}))
    found = owner.name(chat, before)
    expect(found == before, f"an update {how} was refused, and left the name {found!r}")


@clause(
    "mtmai.tenant.creates", basis=Basis.IMPLIED, source=BELONG, needs=NEEDS, theirs=theirs, most=4
)
def creates(driver: MtmaiDriver, theirs: bool) -> None:
    """A session cannot be created in a tenant with another tenant's credentials."""
    owner, stranger = _callers(driver, theirs)
    driver.must(owner.chats())
    exchange = stranger.at(owner.tenant).create({"name": "Planted"})
    said = f"a creation with another tenant's credentials: {driver.describe(exchange)}"
    expect(driver.refused(exchange), said)


@clause(
    "mtmai.tenant.refused_create_creates_nothing",
    basis=Basis.IMPLIED,
    source=BELONG,
    needs=NEEDS,
    theirs=theirs,
    most=4,
)
def refused_create_creates_nothing(driver: MtmaiDriver, theirs: bool) -> None:
    """A creation that another tenant's credentials do not allow creates no session."""
    owner, stranger = _callers(driver, theirs)
    intruder = stranger.at(owner.tenant)
    what = "a session, with another tenant's credentials,"
    expect_nothing_new(owner, lambda: intruder.create({"name": "Planted"}), what)


@clause(
    "mtmai.tenant.unknown",
    basis=Basis.IMPLIED,
    source="Parameters: tenant; fact sheet, Behaviour: unknown tenant",
    tenant=requests.unknown_ids,
    operation=requests.operations,
)
def unknown(driver: MtmaiDriver, tenant: str, operation: str) -> None:
    """A tenant that does not exist is turned down in good order, by every operation."""
    chat = driver.new_chat() if operation in CHATS else ""
    exchange = driver.at(tenant).ask(operation, chat, {"name": "Planted"})
    said = f"{operation}, tenant {tenant}: {driver.describe(exchange)}"
    expect(driver.refused(exchange), said)

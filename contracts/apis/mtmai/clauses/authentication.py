"""Who is let in, by which way, and what a refusal says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ....model import Basis, Broken, Clause, Exchange, clause, expect, shortened
from .. import requests
from ..driver import (
    CHANGES,
    CHATS,
    COOKIE,
    NOTHING,
    WAYS,
    Change,
    MtmaiDriver,
    Proof,
    Way,
    Word,
    basic,
    bearer,
    cookie,
    made_up,
)
from .answers import DETAILS, SCHEMAS
from .refusals import expect_nothing_new

AUTHORIZATION = "Authorization: basicAuth, cookieAuth, bearerAuth"
FORBIDDEN = f"{DETAILS}: 403"
ANY_OF_THREE = "fact sheet, Authentication"

BODY = {"name": "Ideas"}
NOBODYS = made_up("counterfoil0nobodys0credential")

REFUSED = (401, 403)
MALFORMED = (400, *REFUSED)
"""What cannot even be read may be called a bad request, too (RFC 6750, 3.1)."""


def _let_in_by(way: Way) -> Clause:
    def let_in(driver: MtmaiDriver, operation: str) -> None:
        chat = driver.new_chat()
        exchange = driver.showing(driver.proof(way)).ask(operation, chat, BODY)
        if driver.accepted(exchange):
            return
        # It is the way that is at fault, not the operation, where another way is let in.
        others = [driver.showing(driver.proof(other)) for other in driver.ways if other != way]
        if not any(driver.accepted(other.ask(operation, chat, BODY)) for other in others):
            driver.must(exchange)
        raise Broken(f"{operation} by {way} alone: {driver.describe(exchange)}")

    let_in.__doc__ = f"A caller who authenticates by {way} alone is let in, by every operation."
    return clause(
        f"mtmai.auth.{way}",
        basis=Basis.DOCUMENTED,
        source=AUTHORIZATION,
        needs=WAYS[way],
        operation=requests.operations,
        most=10,
    )(let_in)


LET_IN = [_let_in_by(way) for way in WAYS]


@clause(
    "mtmai.auth.bearer_and_cookie",
    basis=Basis.IMPLIED,
    source=ANY_OF_THREE,
    needs=("token", "cookie"),
)
def bearer_and_cookie(driver: MtmaiDriver) -> None:
    """A caller who shows a bearer token and a cookie, both right, is let in."""
    for way in ("bearer", "cookie"):
        driver.must(driver.showing(driver.proof(way)).chats())
    exchange = driver.showing(driver.proof("bearer").with_(driver.proof("cookie"))).chats()
    said = f"the right token and the right cookie: {driver.describe(exchange)}"
    expect(driver.accepted(exchange), said)


@clause(
    "mtmai.auth.one_is_enough",
    basis=Basis.IMPLIED,
    source=ANY_OF_THREE,
    needs=("token", "cookie"),
    way=st.sampled_from(["bearer", "cookie"]),
)
def one_is_enough(driver: MtmaiDriver, way: Way) -> None:
    """A caller whose token or cookie is right is let in, whatever the other one is."""
    driver.must(driver.showing(driver.proof(way)).chats())
    spare = cookie(NOBODYS) if way == "bearer" else bearer(NOBODYS)
    exchange = driver.showing(driver.proof(way).with_(spare)).chats()
    said = f"the right {way}, and the other one wrong: {driver.describe(exchange)}"
    expect(driver.accepted(exchange), said)


def _wrong(driver: MtmaiDriver, name: str, change: Change | None) -> Word:
    """Return a credential that was changed, or a made-up one where there is none to change."""
    right = driver.credentials.get(name, "")
    if change and right and change.apply(right) not in ("", right):
        return driver.word(name, change)
    return NOBODYS


WRONG = st.sampled_from([None, *CHANGES])


def _known(driver: MtmaiDriver, name: str) -> Word:
    return driver.word(name) if driver.credentials.get(name) else NOBODYS


def _lines(*lines: tuple[str, str]) -> st.SearchStrategy[Any]:
    return st.sampled_from([Proof((line,)) for line in lines])


Shown = Callable[[MtmaiDriver, Any], Proof]

WAYS_TO_BE_REFUSED: dict[str, tuple[str, st.SearchStrategy[Any], Shown, tuple[int, ...]]] = {
    "nothing": ("without credentials", st.just(NOTHING), lambda driver, proof: proof, REFUSED),
    "wrong_token": (
        "with a bearer token that is not right",
        WRONG,
        lambda driver, change: bearer(_wrong(driver, "token", change)),
        REFUSED,
    ),
    "wrong_password": (
        "with a password that is not right",
        WRONG,
        lambda driver, change: basic(
            _known(driver, "username"), _wrong(driver, "password", change)
        ),
        REFUSED,
    ),
    "wrong_username": (
        "with a username that is not right",
        st.just(NOBODYS),
        lambda driver, nobody: basic(nobody, _known(driver, "password")),
        REFUSED,
    ),
    "wrong_cookie": (
        "with a cookie that is not right",
        WRONG,
        lambda driver, change: cookie(_wrong(driver, "cookie", change)),
        REFUSED,
    ),
    "empty": (
        "with empty credentials",
        _lines(("Authorization", ""), ("Authorization", "Basic Og=="), ("Cookie", f"{COOKIE}=")),
        lambda driver, proof: proof,
        REFUSED,
    ),
    "malformed": (
        "with credentials that cannot be read",
        _lines(
            *(
                ("Authorization", text)
                for text in (
                    "Bearer", "Basic", "Bearer a b", "Basic !!!", "Basic Y291bnRlcmZvaWw=",
                    "Basic /w==", 'Digest username="counterfoil"', "counterfoil", ",",
                )
            ),
            ("Cookie", COOKIE), ("Cookie", "=counterfoil"), ("Cookie", f'{COOKIE}="'),
        ),
        lambda driver, proof: proof,
        MALFORMED,
    ),
}  # fmt: skip


def _refused(kind: str, verb: str, basis: Basis, operations: st.SearchStrategy[str]) -> Clause:
    phrase, drawn, shown, good = WAYS_TO_BE_REFUSED[kind]

    def refused(driver: MtmaiDriver, operation: str, case: Any) -> None:
        chat = driver.new_chat() if operation in CHATS else ""
        exchange = driver.showing(shown(driver, case)).ask(operation, chat, BODY)
        said = f"{operation} {phrase}: {driver.describe(exchange)}"
        expect(exchange.status in good, said)

    statuses = "401 or 403" if good == REFUSED else "400, 401 or 403"
    refused.__doc__ = f"Whoever {verb} {phrase} is refused with status {statuses}."
    return clause(
        f"mtmai.auth.{kind}_{verb}",
        basis=basis,
        source=FORBIDDEN if verb == "writes" else ANY_OF_THREE,
        operation=operations,
        case=drawn,
    )(refused)


KEPT_OUT = [
    _refused(kind, verb, basis, operations)
    for kind in WAYS_TO_BE_REFUSED
    for verb, basis, operations in (
        ("writes", Basis.DOCUMENTED, requests.writes),
        ("reads", Basis.IMPLIED, requests.reads),
    )
]


@clause(
    "mtmai.auth.refused_with_403",
    basis=Basis.OBSERVED,
    source=f"{ANY_OF_THREE}: what public servers of this family answer",
    operation=requests.operations,
)
def refused_with_403(driver: MtmaiDriver, operation: str) -> None:
    """Whoever comes without credentials is refused with 403, though 401 would say it better."""
    chat = driver.new_chat() if operation in CHATS else ""
    exchange = driver.must_not(driver.showing(NOTHING).ask(operation, chat, BODY))
    expect(exchange.status == 403, f"{operation} without credentials: status {exchange.status}")


@clause(
    "mtmai.auth.unknown_chat_hidden",
    basis=Basis.IMPLIED,
    source=f"{ANY_OF_THREE}: 403 without credentials; Behaviour: ids cannot be probed",
    operation=requests.about_a_chat,
)
def unknown_chat_hidden(driver: MtmaiDriver, operation: str) -> None:
    """Without credentials a chat that does not exist is refused like one that does."""
    stranger = driver.showing(NOTHING)
    there = driver.must_not(stranger.ask(operation, driver.new_chat(), BODY))
    missing = stranger.ask(operation, driver.nobodys_id(), BODY)
    said = f"{operation} without credentials: {there.status} for a chat that exists, for another "
    expect(missing.status == there.status, said + driver.describe(missing))


REFUSALS: dict[str, Callable[[MtmaiDriver], MtmaiDriver]] = {
    "no credentials": lambda driver: driver.showing(NOTHING),
    "a wrong token": lambda driver: driver.showing(bearer(NOBODYS)),
    "a wrong cookie": lambda driver: driver.showing(cookie(NOBODYS)),
    "another tenant": lambda driver: driver.at("00000000-0000-4000-8000-00000000beef"),
}


def _refuse(driver: MtmaiDriver, case: str, operation: str) -> Exchange:
    chat = driver.new_chat() if operation in CHATS else ""
    return driver.must_not(REFUSALS[case](driver).ask(operation, chat, BODY))


@clause(
    "mtmai.auth.forbidden_body",
    basis=Basis.IMPLIED,
    source=f"{SCHEMAS}, 403",
    case=st.sampled_from(sorted(REFUSALS)),
    operation=requests.writes,
)
def forbidden_body(driver: MtmaiDriver, case: str, operation: str) -> None:
    """A write that is refused with status 403 is answered with one description, a string."""
    exchange = _refuse(driver, case, operation)
    if exchange.status != 403:
        driver.skip(f"the status is {exchange.status}, whose body no document describes")
    found = exchange.members().get("description")
    said = f"{case}: description is {shortened(found)} in {shortened(exchange.body)}"
    expect(isinstance(found, str), said)


@clause(
    "mtmai.auth.no_secret_shown",
    basis=Basis.IMPLIED,
    source="no document has a place for a secret in an answer",
    case=st.sampled_from(sorted(REFUSALS)),
    operation=requests.operations,
)
def no_secret_shown(driver: MtmaiDriver, case: str, operation: str) -> None:
    """A refusal for want of credentials shows no secret of the tenant, or of the caller."""
    exchange = _refuse(driver, case, operation)
    secrets = {credential.name for credential in driver.contract.credentials if credential.secret}
    for name in sorted(secrets & driver.credentials.keys()):
        value = driver.credentials[name]
        shows = len(value) >= 6 and value.encode() in exchange.body
        expect(not shows, f"{case}: the answer to {operation} shows the {name}")


@clause(
    "mtmai.auth.refused_update_changes_nothing",
    basis=Basis.DOCUMENTED,
    source=FORBIDDEN,
    case=st.sampled_from(sorted(REFUSALS)),
    name=requests.plain_names,
    most=8,
)
def refused_update_changes_nothing(driver: MtmaiDriver, case: str, name: str) -> None:
    """An update that is refused for want of credentials leaves the name as it was."""
    chat = driver.new_chat("before")
    before = driver.name(chat, "")
    driver.must_not(REFUSALS[case](driver).update(chat, {"name": name}))
    found = driver.name(chat, before)
    expect(found == before, f"{case}: it was refused, and renamed the session {found!r}")


@clause(
    "mtmai.auth.refused_create_creates_nothing",
    basis=Basis.DOCUMENTED,
    source=FORBIDDEN,
    case=st.sampled_from(sorted(REFUSALS)),
    most=8,
)
def refused_create_creates_nothing(driver: MtmaiDriver, case: str) -> None:
    """A session whose creation is refused for want of credentials is not in the list."""
    stranger = REFUSALS[case](driver)
    expect_nothing_new(driver, lambda: stranger.create(BODY), f"a session, for {case},")

"""The shape of an answer, on success and on refusal."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ....hostile import must_show_no_trace
from ....model import Basis, Exchange, clause, expect, shortened
from .. import requests
from ..driver import ACTION, SUCCESS_FIELDS, GenesisDriver, Pairs

FIELDS = "Response Field"
INTEGERS = ("ID", "SessionID", "Time")
TEXTS = ("Action", "Msg", "Response")


def refusals(driver: GenesisDriver) -> dict[str, Pairs]:
    """Return one request for each way to be refused, each wrong in one thing, signed or not."""
    right = driver.plain([("user", "Hello")])
    return {
        "Action is missing": driver.signed([p for p in right if p[0] != "Action"]),
        "Action is unknown": driver.signed([("Action", "NoSuchAction") if p[0] == "Action" else p
                                            for p in right]),
        "PublicKey is unknown": driver.signed([("PublicKey", "nobody") if p[0] == "PublicKey" else p
                                               for p in right]),
        "Signature is missing": right,
        "Signature is wrong": [*right, ("Signature", "0" * 40)],
        "AppID is missing": driver.signed([p for p in right if p[0] != "AppID"]),
        "Role.0 is unknown": driver.signed([("Role.0", "bot") if p[0] == "Role.0" else p
                                            for p in right]),
        "SessionID is no integer": driver.signed([*right, ("SessionID", "abc")]),
    }  # fmt: skip


CASES = (
    "Action is missing", "Action is unknown", "PublicKey is unknown", "Signature is missing",
    "Signature is wrong", "AppID is missing", "Role.0 is unknown", "SessionID is no integer",
)  # fmt: skip
REFUSED = st.sampled_from(CASES)


def refuse(driver: GenesisDriver, case: str) -> Exchange:
    """Send one of the refusals; the case does not apply where it is accepted."""
    pairs = refusals(driver)[case]
    return driver.must_not(
        driver.carry(pairs, signed_over=[p for p in pairs if p[0] != "Signature"])
    )


@clause("genesis.response.success_complete", basis=Basis.DOCUMENTED, source=FIELDS,
        text=requests.questions, way=requests.ways)  # fmt: skip
def success_complete(driver: GenesisDriver, text: str, way: Any) -> None:
    """A success has every field that the document requires."""
    members = driver.must(driver.chat(text, way=way)).members()
    for name in ("RetCode", *SUCCESS_FIELDS):
        expect(name in members, f"{name} is required, and missing in {shortened(dict(members))}")


@clause("genesis.response.success_types", basis=Basis.DOCUMENTED, source=FIELDS,
        text=requests.questions, way=requests.ways)  # fmt: skip
def success_types(driver: GenesisDriver, text: str, way: Any) -> None:
    """A success has integers and strings where the document says so."""
    members = driver.must(driver.chat(text, way=way)).members()
    for name in INTEGERS:
        if name in members:
            expect(type(members[name]) is int, f"{name} is not an integer: {members[name]!r}")
    for name in TEXTS:
        if name in members:
            expect(type(members[name]) is str, f"{name} is not a string: {members[name]!r}")


@clause("genesis.response.retcode_on_success", basis=Basis.DOCUMENTED, source=FIELDS,
        text=requests.questions)  # fmt: skip
def retcode_on_success(driver: GenesisDriver, text: str) -> None:
    """On success RetCode is the integer 0, not true, "0" or 0.0."""
    code = driver.must(driver.chat(text)).members().get("RetCode", 0)
    expect(type(code) is int and code == 0, f"RetCode is not the integer 0: {code!r}")


@clause("genesis.response.retcode_on_refusal", basis=Basis.DOCUMENTED, source=FIELDS, case=REFUSED)
def retcode_on_refusal(driver: GenesisDriver, case: str) -> None:
    """On refusal RetCode is there, an integer and not 0."""
    code = refuse(driver, case).members().get("RetCode")
    expect(type(code) is int and code != 0, f"{case}, and RetCode is {code!r}")


@clause("genesis.response.refusal_message", basis=Basis.DOCUMENTED, source=f"{FIELDS}: Message",
        case=REFUSED)  # fmt: skip
def refusal_message(driver: GenesisDriver, case: str) -> None:
    """A refusal says in Message what is wrong."""
    message = refuse(driver, case).members().get("Message")
    said = isinstance(message, str) and message.strip()
    expect(said, f"{case}, and Message is {shortened(message)}")


@clause("genesis.response.refusal_bare", basis=Basis.IMPLIED, source=FIELDS, case=REFUSED)
def refusal_bare(driver: GenesisDriver, case: str) -> None:
    """A refusal has none of the fields of a success that it would have to invent."""
    members = refuse(driver, case).members()
    for name in ("ID", "SessionID", "Response"):
        invented = members.get(name) not in (None, "", 0)
        expect(not invented, f"{case}, and the refusal has {name}: {shortened(members.get(name))}")


@clause("genesis.response.refusal_status", basis=Basis.IMPLIED,
        source="platform SDK: from HTTP 400 up the body, and so RetCode, is never read",
        case=REFUSED)  # fmt: skip
def refusal_status(driver: GenesisDriver, case: str) -> None:
    """A refusal comes with HTTP 200, so that clients read its RetCode."""
    exchange = refuse(driver, case)
    expect(exchange.status == 200, f"{case}, and the status is {exchange.status}")


@clause("genesis.response.success_without_message", basis=Basis.DOCUMENTED,
        source=f"{FIELDS}: Message", text=requests.questions)  # fmt: skip
def success_without_message(driver: GenesisDriver, text: str) -> None:
    """A success has no error message."""
    message = driver.must(driver.chat(text)).members().get("Message")
    expect(not message, f"RetCode is 0, and Message is {shortened(message)}")


@clause("genesis.response.no_stack_trace", basis=Basis.IMPLIED, source=f"{FIELDS}: Message",
        case=REFUSED, examples=tuple({"case": case} for case in CASES), most=1)  # fmt: skip
def no_stack_trace(driver: GenesisDriver, case: str) -> None:
    """A refusal describes what is wrong with the request, not where the server noticed."""
    must_show_no_trace(refuse(driver, case))


@clause("genesis.response.action_on_success", basis=Basis.DOCUMENTED, source="Response Example",
        text=requests.questions)  # fmt: skip
def action_on_success(driver: GenesisDriver, text: str) -> None:
    """On success Action is the action's name with Response after it."""
    action = driver.must(driver.chat(text)).members().get("Action", f"{ACTION}Response")
    expect(action == f"{ACTION}Response", f"Action is {action!r}, not {ACTION}Response")


@clause("genesis.response.action_on_refusal", basis=Basis.OBSERVED, source=f"{FIELDS}: Action",
        case=REFUSED.filter(lambda case: not case.startswith("Action")))  # fmt: skip
def action_on_refusal(driver: GenesisDriver, case: str) -> None:
    """On refusal Action is there too; gateways have been seen that leave it out."""
    action = refuse(driver, case).members().get("Action")
    expect(action == f"{ACTION}Response", f"{case}, and Action is {action!r}")


@clause("genesis.response.content_type", basis=Basis.IMPLIED,
        source="platform documentation: responses are JSON",
        case=REFUSED | st.just(""))  # fmt: skip
def content_type(driver: GenesisDriver, case: str) -> None:
    """Successes and refusals are labelled application/json."""
    exchange = refuse(driver, case) if case else driver.must(driver.chat())
    assert exchange.response is not None
    kind = exchange.response.media_type
    expect(kind == "application/json", f"the content type is {kind or 'missing'}")


@clause("genesis.response.small_integers", basis=Basis.OBSERVED,
        source="platform SDK for Java: ID, SessionID and Time have 32 bits", most=10,
        text=requests.questions)  # fmt: skip
def small_integers(driver: GenesisDriver, text: str) -> None:
    """Integers are below 2^31, as the platform's Java client reads them."""
    members = driver.must(driver.chat(text)).members()
    for name in INTEGERS:
        value = members.get(name)
        if type(value) is int:
            expect(-(2**31) <= value < 2**31, f"{name} has more than 32 bits: {value}")


@clause("genesis.response.request_id_unique", basis=Basis.OBSERVED,
        source="platform SDK: X-UCLOUD-REQUEST-UUID", most=5, text=requests.questions)  # fmt: skip
def request_id_unique(driver: GenesisDriver, text: str) -> None:
    """Each response has a request id of its own."""
    found = [_request_id(driver.chat(text)) for _ in range(2)]
    expect(not found[0] or found[0] != found[1], f"two responses have the id {found[0]}")


def _request_id(exchange: Exchange) -> str | None:
    return exchange.response.header("X-UCLOUD-REQUEST-UUID") if exchange.response else None


@clause("genesis.response.request_id", basis=Basis.OBSERVED,
        source="platform SDK: X-UCLOUD-REQUEST-UUID", case=REFUSED | st.just(""))  # fmt: skip
def request_id(driver: GenesisDriver, case: str) -> None:
    """Every response has a request id in the header X-UCLOUD-REQUEST-UUID."""
    exchange = refuse(driver, case) if case else driver.must(driver.chat())
    assert exchange.response is not None
    expect(exchange.response.header("X-UCLOUD-REQUEST-UUID"), "X-UCLOUD-REQUEST-UUID is missing")

"""What is asked for, what is turned down, and with which RetCode."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ....model import Basis, Clause, clause, expect
from .. import requests
from ..driver import GenesisDriver, Pairs, Way
from .response import refuse

TABLE = "Request Parameters"
CODES = "platform documentation: return codes"
LISTS = f"{TABLE}: Role.N and Content.N correspond one to one"

WITHOUT = {
    "Action": ("Action",), "PublicKey": ("PublicKey",), "AppID": ("AppID",),
    "Role": ("Role.0",), "Content": ("Content.0",),
}  # fmt: skip


def _leaving_out(driver: GenesisDriver, name: str) -> Pairs:
    return [p for p in driver.plain([("user", "Hello")]) if p[0] not in WITHOUT[name]]


def _refused(driver: GenesisDriver, pairs: Pairs, way: Way, what: str) -> None:
    driver.must(driver.chat(way=way))
    exchange = driver.post(pairs, way)
    expect(not driver.accepted(exchange), f"accepted, although {what}")


FLAT: Any = st.sampled_from(["get", "form", "json"])


@clause("genesis.parameters.required", basis=Basis.DOCUMENTED, source=f"{TABLE}: Required",
        name=st.sampled_from(sorted(WITHOUT)), way=FLAT, most=10,
        examples=tuple({"name": name, "way": "form"} for name in WITHOUT))  # fmt: skip
def required(driver: GenesisDriver, name: str, way: Way) -> None:
    """A request that lacks a required parameter is refused."""
    _refused(driver, _leaving_out(driver, name), way, f"{name} is missing")


@clause("genesis.parameters.absence_named", basis=Basis.IMPLIED, source=f"{CODES}: 220",
        name=st.sampled_from(["AppID", "Role", "Content"]), way=FLAT)  # fmt: skip
def absence_named(driver: GenesisDriver, name: str, way: Way) -> None:
    """A refusal for a missing parameter names the parameter."""
    exchange = driver.post(_leaving_out(driver, name), way)
    if not driver.accepted(exchange):
        message = exchange.members().get("Message", name)
        expect(name in str(message), f"{name} is missing, and Message is {message!r}")


@clause("genesis.parameters.lists_alike", basis=Basis.DOCUMENTED, source=LISTS,
        talk=requests.conversations(most=3), drop=st.booleans(), way=FLAT)  # fmt: skip
def lists_alike(driver: GenesisDriver, talk: Any, drop: bool, way: Way) -> None:
    """A role without its content, or a content without its role, is refused."""
    pairs = driver.plain(talk)
    spare = ("Content", "more") if drop else ("Role", "user")
    _refused(driver, [*pairs, (f"{spare[0]}.{len(talk)}", spare[1])], way, "a list is longer")


@clause("genesis.parameters.lists_contiguous", basis=Basis.IMPLIED, source=LISTS,
        gap=st.integers(1, 5), way=FLAT)  # fmt: skip
def lists_contiguous(driver: GenesisDriver, gap: int, way: Way) -> None:
    """Lists with a hole in their indexes are refused."""
    pairs = driver.plain([("user", "Hello")])
    far = [(f"Role.{1 + gap}", "user"), (f"Content.{1 + gap}", "far")]
    _refused(driver, [*pairs, *far], way, f"there is nothing at index {gap}")


@clause("genesis.parameters.lists_from_1", basis=Basis.OBSERVED,
        source="our choice; no document says",
        talk=requests.conversations(most=3), way=FLAT, most=8)  # fmt: skip
def lists_from_1(driver: GenesisDriver, talk: Any, way: Way) -> None:
    """Lists that begin at index 1 are accepted as those that begin at 0."""
    driver.must(driver.post(driver.plain(talk), way))
    exchange = driver.post(driver.plain(talk, first=1), way)
    expect(driver.accepted(exchange), f"lists from 1 on: {driver.describe(exchange)}")


@clause("genesis.parameters.roles", basis=Basis.DOCUMENTED, source=f"{TABLE}: Role.N",
        role=requests.wrong_roles, way=FLAT,
        examples=({"role": "system", "way": "form"},))  # fmt: skip
def roles(driver: GenesisDriver, role: str, way: Way) -> None:
    """A role that is neither user nor assistant is refused."""
    _refused(driver, driver.plain([(role, "Hello")]), way, f"Role.0 is {role!r}")


@clause("genesis.parameters.known_roles", basis=Basis.DOCUMENTED, source=f"{TABLE}: Role.N",
        talk=requests.conversations(), way=requests.ways)  # fmt: skip
def known_roles(driver: GenesisDriver, talk: Any, way: Way) -> None:
    """A conversation of users and assistants is accepted."""
    exchange = driver.post(driver.plain(talk), way)
    expect(driver.accepted(exchange), f"a conversation was refused: {driver.describe(exchange)}")


@clause("genesis.parameters.session_integer", basis=Basis.DOCUMENTED, source=f"{TABLE}: SessionID",
        value=requests.not_integers, way=FLAT)  # fmt: skip
def session_integer(driver: GenesisDriver, value: str, way: Way) -> None:
    """A SessionID that is not an integer is refused."""
    _refused(driver, driver.plain([("user", "Hello")], value), way, f"SessionID is {value!r}")


@clause("genesis.parameters.actions", basis=Basis.DOCUMENTED, source="Public Parameters: Action",
        action=st.sampled_from(["NoSuchAction", "runmvchat", "RunMVChat2", "RunMVChat "]) |
        requests.names, way=FLAT, examples=({"action": "runmvchat", "way": "form"},))  # fmt: skip
def actions(driver: GenesisDriver, action: str, way: Way) -> None:
    """An action that does not exist is refused."""
    pairs = [("Action", action) if p[0] == "Action" else p for p in driver.plain([("user", "Hi")])]
    _refused(driver, pairs, way, f"Action is {action!r}")


def _coded(case: str, rule: str, code: int) -> Clause:
    def coded(driver: GenesisDriver) -> None:
        found = driver.code(refuse(driver, case))
        expect(found == code, f"{case}, and RetCode is {found!r}, not {code}")

    coded.__doc__ = f"When {case}, RetCode is {code}."
    return clause(f"genesis.retcode.{rule}", basis=Basis.IMPLIED, source=f"{CODES}: {code}")(coded)


RETCODES = [
    _coded("Action is missing", "action_missing", 160),
    _coded("Action is unknown", "action_unknown", 161),
    _coded("Signature is missing", "signature_missing", 170),
    _coded("Signature is wrong", "signature_wrong", 171),
    _coded("PublicKey is unknown", "key_unknown", 172),
    _coded("AppID is missing", "parameter_missing", 220),
    _coded("Role.0 is unknown", "parameter_wrong", 230),
]


@clause("genesis.retcode.signature_first", basis=Basis.IMPLIED, source=f"{CODES}: order of checks",
        name=st.sampled_from(["AppID", "Role", "Content"]))  # fmt: skip
def signature_first(driver: GenesisDriver, name: str) -> None:
    """A wrong signature is found before a missing parameter."""
    code = driver.code(driver.carry([*_leaving_out(driver, name), ("Signature", "0" * 40)]))
    expect(code in (171, None), f"the signature is wrong, {name} is missing, and RetCode is {code}")

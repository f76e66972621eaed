"""Signatures in both directions: sign, then change must be refused; change, then sign must not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import strategies as st

from ....model import Basis, Clause, Exchange, clause, expect, suppose
from .. import requests
from ..driver import UPPER, Change, GenesisDriver, Pairs, Way, cut_to, sign

REQUIRED = "Public Parameters: Signature"
SCHEME = "platform documentation: the signature covers every parameter"
NEVER_SIGNATURE = (170, 171, 172)

STRIDE = 1_000_003
"""How far apart SessionIDs are that are made up: far from those that are given out one by one."""

messages = requests.conversations(most=3)
FLAT: Any = st.sampled_from(["get", "form", "json"])


def must_refuse(driver: GenesisDriver, exchange: Exchange, what: str) -> None:
    """Raise Broken where a request whose signature is not right was accepted."""
    expect(not driver.accepted(exchange), f"accepted, although {what}")


def let_in(driver: GenesisDriver, pairs: Pairs, way: Way = "form") -> None:
    """Make sure that the request, rightly signed, is accepted: its refusal proves nothing else."""
    driver.must(driver.post(pairs, way))


@clause("genesis.signature.unsigned", basis=Basis.DOCUMENTED, source=REQUIRED,
        way=requests.ways, text=requests.questions)  # fmt: skip
def unsigned(driver: GenesisDriver, way: Way, text: str) -> None:
    """A request without a Signature is refused."""
    pairs = driver.plain([("user", text)])
    let_in(driver, pairs, way)
    must_refuse(driver, driver.carry(pairs, way), "there is no Signature")


@clause(
    "genesis.signature.empty", basis=Basis.DOCUMENTED, source=REQUIRED, way=requests.ways, most=8
)
def empty(driver: GenesisDriver, way: Way) -> None:
    """A request with an empty Signature is refused."""
    pairs = driver.plain([("user", "Hello")])
    let_in(driver, pairs, way)
    must_refuse(driver, driver.carry([*pairs, ("Signature", "")], way), "the Signature is empty")


@clause("genesis.signature.keyless", basis=Basis.DOCUMENTED, source="Public Parameters: PublicKey",
        way=requests.ways, most=8)  # fmt: skip
def keyless(driver: GenesisDriver, way: Way) -> None:
    """A request without a PublicKey is refused, signed or not."""
    pairs = [pair for pair in driver.plain([("user", "Hello")]) if pair[0] != "PublicKey"]
    must_refuse(driver, driver.carry(pairs, way), "there is no PublicKey")
    must_refuse(driver, driver.post(pairs, way), "there is no PublicKey")


@clause("genesis.signature.wrong", basis=Basis.DOCUMENTED, source=REQUIRED,
        digest=requests.hex_digests, way=requests.ways)  # fmt: skip
def wrong(driver: GenesisDriver, digest: str, way: Way) -> None:
    """A request with a made-up signature is refused."""
    pairs = driver.plain([("user", "Hello")])
    let_in(driver, pairs, way)
    must_refuse(
        driver, driver.carry([*pairs, ("Signature", digest)], way), "the signature is made up"
    )


@clause("genesis.signature.truncated", basis=Basis.DOCUMENTED, source=REQUIRED,
        length=st.integers(1, 39), examples=({"length": 39}, {"length": 8}))  # fmt: skip
def truncated(driver: GenesisDriver, length: int) -> None:
    """A signature that is cut short is refused."""
    _changed_signature(driver, cut_to(length))


@clause("genesis.signature.upper_case", basis=Basis.IMPLIED, source="platform SDK: lower-case hex",
        text=requests.questions, most=5)  # fmt: skip
def upper_case(driver: GenesisDriver, text: str) -> None:
    """A signature in upper case is refused."""
    _changed_signature(driver, UPPER, text)


def _changed_signature(driver: GenesisDriver, change: Change, text: str = "Hello") -> None:
    pairs = driver.plain([("user", text)])
    right = sign(pairs, driver.credentials["private_key"])
    suppose(change.apply(right) != right)
    let_in(driver, pairs)
    must_refuse(driver, driver.post(pairs, made=change), f"the signature is {change.name}")


@clause("genesis.signature.another_key", basis=Basis.DOCUMENTED, source=REQUIRED,
        key=requests.hex_digests, way=requests.ways,
        examples=({"key": "", "way": "form"},))  # fmt: skip
def another_key(driver: GenesisDriver, key: str, way: Way) -> None:
    """A signature made with another private key is refused."""
    pairs = driver.plain([("user", "Hello")])
    let_in(driver, pairs, way)
    exchange = driver.carry([*pairs, ("Signature", sign(pairs, key))], way)
    must_refuse(driver, exchange, "it was signed with another private key")


@clause("genesis.signature.another_callers", basis=Basis.DOCUMENTED, source=REQUIRED,
        needs=("other_private_key",))  # fmt: skip
def another_callers(driver: GenesisDriver) -> None:
    """A signature made with another caller's private key is refused."""
    pairs = driver.plain([("user", "Hello")])
    let_in(driver, pairs)
    other = driver.with_credentials(
        {**driver.credentials, "private_key": driver.credentials["other_private_key"]}, "other_"
    )
    must_refuse(driver, other.post(pairs), "it was signed with another caller's key")


Edit = Callable[[Pairs, int, str], Pairs]


def _value(pairs: Pairs, at: int, text: str) -> Pairs:
    return [*pairs[:at], (pairs[at][0], pairs[at][1] + text), *pairs[at + 1 :]]


def _name(pairs: Pairs, at: int, text: str) -> Pairs:
    # `Action` under another name is no action at all, and refused for that.
    return [*pairs[:at], (pairs[at][0] + text, pairs[at][1]), *pairs[at + 1 :]]


def _added(pairs: Pairs, at: int, text: str) -> Pairs:
    return [*pairs, (f"X{at}", text)]


def _dropped(pairs: Pairs, at: int, text: str) -> Pairs:
    return [*pairs[:at], *pairs[at + 1 :]]


def _encoded(pairs: Pairs, at: int, text: str) -> Pairs:
    escaped = "".join(f"%{byte:02X}" for byte in pairs[at][1].encode())
    return [*pairs[:at], (pairs[at][0], escaped), *pairs[at + 1 :]]


def _index(pairs: Pairs, at: int, text: str) -> Pairs:
    moved = {"Role.0": "Role.1", "Content.0": "Content.1"}
    return [(moved.get(name, name), value) for name, value in pairs]


EDITS: tuple[tuple[str, Edit, str], ...] = (
    ("value", _value, "A value that is changed after signing is refused."),
    ("name", _name, "A parameter that is renamed after signing is refused."),
    ("added", _added, "A parameter that is added after signing is refused."),
    ("dropped", _dropped, "A parameter that is dropped after signing is refused."),
    ("encoded", _encoded, "A value that is escaped once more after signing is refused."),
    ("index", _index, "A message that is moved to another index after signing is refused."),
)


def _edited(kind: str, edit: Edit, sentence: str) -> Clause:
    def edited(driver: GenesisDriver, text: str, spare: str, at: int, added: str, way: Way) -> None:
        # An optional parameter with a value of its own, so that every edit has one to work on.
        pairs = [*driver.plain([("user", text)])[::-1], ("Region", f"r{spare}")]
        changed = edit(pairs, at % len(pairs), added)
        key = driver.credentials["private_key"]
        # Names and values are joined without a mark between them: some edits sign the same.
        suppose(sign(changed, key) != sign(pairs, key))
        let_in(driver, pairs, way)
        exchange = driver.carry([*changed, ("Signature", sign(pairs, key))], way, signed_over=pairs)
        must_refuse(driver, exchange, f"{_difference(pairs, changed)} after signing")

    edited.__doc__ = sentence
    return clause(
        f"genesis.signature.covers_{kind}",
        basis=Basis.DOCUMENTED,
        source=SCHEME,
        text=requests.questions,
        spare=st.text("abc123", max_size=3),
        at=st.integers(0, 5),
        added=st.text("abc123", min_size=1, max_size=3),
        way=FLAT,
        examples=tuple(
            {"text": "Hello", "spare": "1", "at": at, "added": "a", "way": "form"}
            for at in range(6)
        ),
    )(edited)


def _difference(before: Pairs, after: Pairs) -> str:
    gone = [name for name, value in before if (name, value) not in after]
    come = [name for name, value in after if (name, value) not in before]
    names = ", ".join(dict.fromkeys([*gone, *come]))
    return f"{names} changed" if names else "the order changed"


@clause("genesis.signature.covers_swapped", basis=Basis.DOCUMENTED, source=SCHEME,
        what=st.sampled_from(["Role", "Content"]), texts=st.lists(
            requests.questions, min_size=2, max_size=2, unique=True), way=FLAT)  # fmt: skip
def covers_swapped(driver: GenesisDriver, what: str, texts: list[str], way: Way) -> None:
    """Two messages whose roles or contents are swapped after signing are refused."""
    pairs = driver.plain([("user", texts[0]), ("assistant", texts[1])])
    values = dict(pairs)
    swap = {f"{what}.0": values[f"{what}.1"], f"{what}.1": values[f"{what}.0"]}
    _changed_to_valid(driver, pairs, swap, way)


@clause("genesis.signature.covers_session", basis=Basis.DOCUMENTED, source=SCHEME, way=FLAT, most=6)
def covers_session(driver: GenesisDriver, way: Way) -> None:
    """A request that is moved to another session of its caller after signing is refused."""
    mine, other = (driver.session_of(driver.chat()) for _ in range(2))
    suppose(mine != other)
    pairs = driver.plain([("user", "Hello")], mine)
    _changed_to_valid(driver, pairs, {"SessionID": str(other)}, way)


@clause("genesis.signature.covers_application", basis=Basis.DOCUMENTED, source=SCHEME,
        needs=("other_app_id",), way=FLAT, most=6)  # fmt: skip
def covers_application(driver: GenesisDriver, way: Way) -> None:
    """A request that is moved to another application after signing is refused."""
    pairs = driver.plain([("user", "Hello")])
    _changed_to_valid(driver, pairs, {"AppID": driver.credentials["other_app_id"]}, way)


def _changed_to_valid(driver: GenesisDriver, pairs: Pairs, to: dict[str, str], way: Way) -> None:
    """Change values after signing to others that would be accepted if they were signed."""
    changed = [(name, to.get(name, value)) for name, value in pairs]
    let_in(driver, pairs, way)
    let_in(driver, changed, way)
    right = sign(pairs, driver.credentials["private_key"])
    exchange = driver.carry([*changed, ("Signature", right)], way, signed_over=pairs)
    must_refuse(driver, exchange, f"{_difference(pairs, changed)} after signing")


COVERED = [_edited(*edit) for edit in EDITS]


def _unheard_of(driver: GenesisDriver) -> int:
    """Return a SessionID that the server refuses and that no case before asked for.

    A server may remember what it was once asked for, so a case that is repeated takes another one.
    """
    session = driver.session_of(driver.chat())
    start: int = session if isinstance(session, int) else 0
    asked = driver.shared.setdefault(_unheard_of, count(1))
    for _ in range(4):
        number: int = (start + next(asked) * STRIDE) % (2**31 - 1) + 1
        exchange = driver.chat(session_id=number)
        if not driver.accepted(exchange):
            return number
    driver.skip("whatever the SessionID, it is known")


@clause("genesis.signature.refused_without_trace", basis=Basis.IMPLIED, source=SCHEME,
        made_up=st.booleans(), way=requests.ways, most=8)  # fmt: skip
def refused_without_trace(driver: GenesisDriver, made_up: bool, way: Way) -> None:
    """A refused request makes no session: its SessionID is as unknown afterwards as before."""
    number = _unheard_of(driver)
    pairs = driver.plain([("user", "Hello")], number)
    signature = [("Signature", "0" * 40)] if made_up else []
    driver.must_not(driver.carry([*pairs, *signature], way))
    exchange = driver.post(pairs, way)
    must_refuse(driver, exchange, f"only refused requests ever had SessionID {number}")


@clause("genesis.signature.keeps_the_key", basis=Basis.IMPLIED, source="a private key is private",
        digest=requests.hex_digests, most=5)  # fmt: skip
def keeps_the_key(driver: GenesisDriver, digest: str) -> None:
    """A refused signature is not answered with the key or the signature that would be right."""
    pairs = driver.plain([("user", "Hello")])
    text = driver.carry([*pairs, ("Signature", digest)]).body
    key = driver.credentials["private_key"]
    expect(len(key) < 6 or key.encode() not in text, "the answer holds the private key")
    expect(sign(pairs, key).encode() not in text, "the answer holds the right signature")


@clause("genesis.signature.unknown_parameters", basis=Basis.IMPLIED,
        source="Request Example: it has a Prompt that the tables do not have",
        extra=st.lists(st.tuples(requests.names, requests.contents), min_size=1, max_size=4,
                       unique_by=lambda pair: pair[0]), way=requests.ways)  # fmt: skip
def unknown_parameters(driver: GenesisDriver, extra: Pairs, way: Way) -> None:
    """Parameters that are added before signing never make a signature wrong."""
    _never_for_its_signature(driver, driver.post([*driver.plain([("user", "Hi")]), *extra], way))


@clause("genesis.signature.any_value", basis=Basis.IMPLIED, source=SCHEME,
        changes=st.dictionaries(
            st.sampled_from(["Role.0", "Content.0", "AppID", "SessionID", "Region", "ProjectId"]),
            requests.contents, min_size=1, max_size=3), way=requests.ways)  # fmt: skip
def any_value(driver: GenesisDriver, changes: dict[str, str], way: Way) -> None:
    """Values that are changed before signing are refused for their own reason, if at all."""
    pairs = list((dict(driver.plain([("user", "Hello")])) | changes).items())
    _never_for_its_signature(driver, driver.post(pairs, way))


def _never_for_its_signature(driver: GenesisDriver, exchange: Exchange) -> None:
    code = driver.code(exchange)
    expect(code not in NEVER_SIGNATURE, f"rightly signed, and refused with RetCode {code}")


@clause("genesis.signature.order", basis=Basis.IMPLIED, source=SCHEME,
        shuffled=st.permutations(range(7)), way=requests.ways)  # fmt: skip
def order(driver: GenesisDriver, shuffled: list[int], way: Way) -> None:
    """The order in which parameters are sent makes no difference."""
    pairs = driver.plain([("user", "Hello"), ("user", "again")])
    _accepted(driver, [pairs[at] for at in shuffled if at < len(pairs)], way)


@clause("genesis.signature.ways_alike", basis=Basis.IMPLIED,
        source="platform SDK: GET and POST, form and JSON carry the same parameters",
        talk=messages, way=requests.ways)  # fmt: skip
def ways_alike(driver: GenesisDriver, talk: list[tuple[str, str]], way: Way) -> None:
    """What is accepted in one way of sending is accepted in every other."""
    let_in(driver, driver.plain(talk), "get" if way != "get" else "form")
    _accepted(driver, driver.plain(talk), way)


@clause("genesis.signature.non_ascii", basis=Basis.IMPLIED, source="platform SDK: UTF-8",
        text=st.sampled_from(["é", "中文", "مرحبا", "🙂", "ß한"]), way=requests.ways)  # fmt: skip
def non_ascii(driver: GenesisDriver, text: str, way: Way) -> None:
    """Characters beyond ASCII are signed as UTF-8."""
    _accepted(driver, driver.plain([("user", text)]), way)


@clause("genesis.signature.reserved", basis=Basis.IMPLIED, source="platform SDK: values unescaped",
        text=st.text(" %+&=?#/\\\"'<>;:,!*()[]{}~", min_size=1, max_size=6), way=requests.ways,
        examples=({"text": "a b+c%20&d=e", "way": "get"}, {"text": "a b+c%20&d=e", "way": "form"}),
)  # fmt: skip
def reserved(driver: GenesisDriver, text: str, way: Way) -> None:
    """Characters that URLs reserve are signed unescaped."""
    _accepted(driver, driver.plain([("user", f"a{text}b")]), way)


@clause("genesis.signature.many_messages", basis=Basis.IMPLIED,
        source="platform SDK: names are sorted as texts", count=st.integers(11, 14), most=2,
        way=requests.ways)  # fmt: skip
def many_messages(driver: GenesisDriver, count: int, way: Way) -> None:
    """Role.10 is signed before Role.2."""
    talk = [(("user", "assistant")[at % 2], f"m{at}") for at in range(count)]
    _accepted(driver, driver.plain(talk), way)


def _accepted(driver: GenesisDriver, pairs: Pairs, way: Way) -> None:
    exchange = driver.post(pairs, way)
    expect(driver.accepted(exchange), f"rightly signed, and refused: {driver.describe(exchange)}")

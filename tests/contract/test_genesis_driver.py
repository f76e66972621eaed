from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ucloud.core.auth import Credential as SdkCredential

import contracts
from contracts.apis.genesis import driver as driver_module
from contracts.apis.genesis.driver import (
    UPPER,
    WAYS,
    GenesisDriver,
    cut_to,
    json_pairs,
    shell_format,
    sign,
    signing_string,
)
from contracts.model import Exchange, NotReached, Request, Response
from contracts.report import curl
from contracts.target import Target
from counterfoil import wiring
from mockserver.apis.genesis import signature as mock_signature

CONTRACT = contracts.load("genesis")
KEYS = wiring.all_credentials("genesis")
PRIVATE = KEYS["private_key"]
FORM = "application/x-www-form-urlencoded"

# The two that the platform's documentation gives.
VENDORS_KEY = "46f09bb9fab4f12dfc160dae12273d5332b5debe"
VENDORS_PUBLIC_KEY = "ucloudsomeone@example.com1296235120854146120"
VECTORS = {
    "4f9ef5df2abab2c6fccd1e9515cb7e2df8c6bb65": {
        "Action": "CreateUHostInstance", "CPU": "2", "ChargeType": "Month", "DiskSpace": "10",
        "ImageId": "f43736e1-65a5-4bea-ad2e-8a46e18883c2", "LoginMode": "Password",
        "Memory": "2048", "Name": "Host01", "Password": "VUNsb3VkLmNu",
        "PublicKey": VENDORS_PUBLIC_KEY, "Quantity": "1", "Region": "cn-bj2", "Zone": "cn-bj2-04",
    },
    "cba5cf5ec4d4233d206b1b54951e3787350a642f": {
        "Action": "DescribeUHostInstance", "Limit": "10", "PublicKey": VENDORS_PUBLIC_KEY,
        "Region": "cn-bj2",
    },
}  # fmt: skip

texts = st.text(max_size=12)
names = st.text("ABab.01_é", min_size=1, max_size=6).filter(lambda name: name != "Signature")
parameters = st.dictionaries(names, texts, max_size=6)


def by_hand(values: dict[str, str], private_key: str) -> str:
    """The signature as the fact sheet words it, a third time."""
    written = b""
    for name in sorted(values, key=lambda name: [ord(char) for char in name]):
        written += name.encode() + values[name].encode("utf-8", "surrogatepass")
    return hashlib.sha1(written + private_key.encode()).hexdigest()


def caller(app: Any = None) -> GenesisDriver:
    app = app or wiring.mocks(["genesis"]).app.wsgi_app
    return GenesisDriver(CONTRACT, Target("http://mock.test", app=app), KEYS)


def answering(body: str, status: str = "200 OK") -> Any:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response(status, [("Content-Type", "application/json")])
        return [body.encode()]

    return app


def carried(request: Request) -> dict[str, Any]:
    """What a request carries, read back without any code of the driver's."""
    _, _, query = request.target.partition("?")
    found: dict[str, Any] = dict(
        parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    )
    kind = dict(request.headers).get("Content-Type", "")
    if kind.startswith("application/json"):
        found |= json.loads(request.body)
    elif request.body:
        found |= dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))
    return found


@pytest.mark.parametrize("wanted", VECTORS)
def test_the_vendors_own_examples_are_signed_as_it_says(wanted):
    pairs = list(VECTORS[wanted].items())
    assert sign(pairs, VENDORS_KEY) == wanted
    assert sign(pairs[::-1], VENDORS_KEY) == wanted
    assert sign([*pairs, ("Signature", "whatever")], VENDORS_KEY) == wanted


@given(values=parameters, private_key=st.text("abc019", max_size=8))
def test_whatever_is_signed_is_signed_as_the_fact_sheet_says_and_as_the_mock_does(
    values, private_key
):
    assert sign(list(values.items()), private_key) == by_hand(values, private_key)
    assert mock_signature.sign(values, private_key) == by_hand(values, private_key)


@given(values=st.dictionaries(names, st.text(st.characters(codec="utf-8"), max_size=12)))
def test_whatever_is_signed_is_signed_as_the_vendors_client_does(values):
    sdk = SdkCredential("public", "private").verify_ac(dict(values))
    assert sign([*values.items(), ("PublicKey", "public")], "private") == sdk


def test_the_two_signers_share_no_code():
    def imported(path: Path) -> str:
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        return " ".join(
            ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)
        )

    assert "mockserver" not in imported(Path(driver_module.__file__))
    assert "contracts" not in imported(Path(mock_signature.__file__))


def test_names_are_sorted_by_their_bytes_and_indexes_are_no_numbers_there():
    pairs = [("Role.2", "b"), ("Role.10", "a"), ("a", "4"), ("Z", "3"), ("Role.1", "0")]
    assert signing_string(pairs) == "Role.10" + "Role.10a" + "Role.2b" + "Z3" + "a4"
    assert signing_string([("B", "1"), ("A", "2")]) == "A2B1"


def test_two_sets_of_parameters_may_share_a_signature_by_the_vendors_design():
    assert sign([("A", "1B"), ("B", "")], "k") == sign([("A", "1"), ("BB", "")], "k")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"), (False, "false"), (1, "1"), (1.0, "1"), (1.5, "1.5"), (-2.0, "-2"),
        (1e20, "100000000000000000000"), (0.00001, "0.00001"), ("é", "é"), ("", ""),
        (["user", "assistant"], "userassistant"), ([1, True, "x", None], "1truex"), ([], ""),
    ],
)  # fmt: skip
def test_the_values_of_json_are_signed_as_texts(value, written):
    assert json_pairs({"A": value, "B": None}) == [("A", written)]


MESSAGES = [("user", "Hello é🙂 &=%+"), ("assistant", ""), ("user", "x" * 50)] * 4


@pytest.mark.parametrize("first", [0, 1])
def test_all_four_ways_carry_the_same_parameters(first):
    found = {}
    for way in WAYS:
        asking = caller()
        exchange = asking.post(asking.plain(MESSAGES, 7, first=first), way)
        found[way] = carried(exchange.request)
    assert found["json"] == {**found["get"]} == found["form"]
    lists = found["json_lists"]
    assert lists["Role"] == [role for role, _ in MESSAGES]
    assert lists["Content"] == [content for _, content in MESSAGES]
    flat = {f"{name}.{n}": value for name in ("Role", "Content")
            for n, value in enumerate(lists.pop(name), first)}  # fmt: skip
    lists.pop("Signature")
    signature = found["json"].pop("Signature")
    assert lists | flat == found["json"]
    assert found["json"] == {
        **flat, "AppID": KEYS["app_id"], "SessionID": "7", "Action": "RunMVChat",
        "PublicKey": KEYS["public_key"],
    }  # fmt: skip
    assert signature == by_hand(found["json"], PRIVATE)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", ["Hello", "é🙂 &=%+\r\n\0", "'\"\\$`", "Hello" * 1000])
def test_the_mock_finds_each_way_signed_rightly_whatever_is_said(way, text):
    asking = caller()
    exchange = asking.chat(text, way=way)
    assert asking.code(exchange) == 0, exchange
    assert exchange.request.operation == ("run_mv_chat_get" if way == "get" else "run_mv_chat_post")
    assert exchange.request.method == ("GET" if way == "get" else "POST")


@pytest.mark.parametrize("way", ["json", "json_lists"])
def test_half_a_surrogate_pair_is_signed_as_json_escapes_it(way):
    asking = caller()
    assert asking.code(asking.chat("\ud800", way=way)) in (0, 230)


def test_what_a_signature_does_not_cover_is_turned_down():
    asking = caller()
    pairs = asking.plain([("user", "Hello")])
    for way in WAYS:
        signature = sign(pairs, PRIVATE)
        changed = [*pairs[:-1], ("PublicKey", KEYS["public_key"]), ("Region", "x")]
        exchange = asking.carry([*changed, ("Signature", signature)], way)
        assert asking.code(exchange) == 171


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=20))
@example(text="")
@example(text="-n -v %s")
@example(text="--")
@example(text="%")
@example(text='it\'s "quoted" \\ \\0101 $HOME `ls`')
@example(text="\0\n\r\t\x7f\x80")
@example(text="\ud800\udfff é中🙂")
@example(text="".join(map(chr, range(300))))
def test_a_shell_prints_a_text_byte_for_byte(text):
    printed = subprocess.run(["sh", "-c", f"printf {shell_format(text)}"], capture_output=True)
    assert (printed.stdout, printed.stderr) == (text.encode("utf-8", "surrogatepass"), b"")
    assert shell_format(text).isascii() and shell_format(text).isprintable()


CHANGES = {
    "unchanged": (driver_module.UNCHANGED, lambda signature: signature),
    "upper": (UPPER, lambda signature: signature.upper()),
    "cut": (cut_to(39), lambda signature: signature[:39]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("text", ["Hello", "-é🙂 %s '\"\\ $HOME\n", "\0"])
@pytest.mark.parametrize("key", [PRIVATE, 'it\'s "100%" \\ é'])
def test_a_shell_makes_the_signature_anew_from_the_private_key(change, text, key):
    made, wanted = CHANGES[change]
    asking = GenesisDriver(
        CONTRACT, Target("http://mock.test", app=answering("{}")), KEYS | {"private_key": key}
    )
    request = asking.post(asking.plain([("user", text)]), "form", made).request
    (hidden,) = request.hidden
    assert hidden.value == wanted(sign(asking.plain([("user", text)]), key))
    assert hidden.label == "<signature>" and key not in hidden.in_shell()
    done = subprocess.run(
        ["sh", "-c", f"printf %s {hidden.in_shell()}"],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "COUNTERFOIL_GENESIS_PRIVATE_KEY": key},
    )
    assert (done.stdout, done.stderr) == (hidden.value, "")


def test_the_second_callers_signature_is_made_from_the_second_callers_key():
    request = caller().as_other().chat().request
    assert '"${COUNTERFOIL_GENESIS_OTHER_PRIVATE_KEY}"' in request.hidden[0].in_shell()
    assert carried(request)["PublicKey"] == KEYS["other_public_key"]


@pytest.mark.parametrize("way", WAYS)
def test_neither_the_signature_nor_the_private_key_is_in_a_command(way):
    request = caller().chat("é 100%", way=way).request
    command = curl.render(request, "http://mock.test")
    assert request.hidden[0].value not in command
    assert PRIVATE not in command and "sha1sum" in command


def authorized(request: Request) -> tuple[Request, dict[str, Any]]:
    done = caller().authorize(request)
    return done, carried(done)


FOREIGN = "Action=RunMVChat&AppID=counterfoil-app&Role.0=user&Content.0=a%26b%20c%2B%C3%A9&Empty="


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", f"/?{FOREIGN}"),
        Request("GET", f"/?{FOREIGN}&Signature=old&PublicKey=old"),
        Request("POST", f"/?{FOREIGN}"),
        Request("POST", "/", (("Content-Type", FORM),), FOREIGN.encode()),
        Request("POST", "/", (("Content-Type", FORM),), f"{FOREIGN}&Signature=old".encode()),
        Request("POST", "/?Region=x", (("Content-Type", f"{FORM}; charset=utf-8"),),
                f"PublicKey=old&{FOREIGN}".encode()),
        Request("POST", "/", (("Content-Type", "application/json"),),
                json.dumps(dict(parse_qsl(FOREIGN, keep_blank_values=True))).encode()),
        Request("POST", "/?Region=x", (("Content-Type", "application/json"),),
                json.dumps(dict(parse_qsl(FOREIGN)) | {"Signature": "old", "Extra": [1, True],
                                                       "Not": None}).encode()),
    ],
)  # fmt: skip
def test_a_request_that_was_made_elsewhere_is_signed_over_all_that_it_carries(request_):
    done, found = authorized(request_)
    signature = found.pop("Signature")
    assert found["PublicKey"] == KEYS["public_key"]
    assert signature == sign(json_pairs(found), PRIVATE)
    assert (found["Content.0"], found["AppID"]) == ("a&b c+é", "counterfoil-app")
    before = carried(request_)
    assert {n: v for n, v in found.items() if n != "PublicKey"} == {
        n: v for n, v in before.items() if n not in ("Signature", "PublicKey")
    }
    assert (done.method, done.headers) == (request_.method, request_.headers)
    assert [one.value for one in done.hidden] == [signature]
    asking = caller()
    assert asking.code(asking.send(done)) == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"not JSON", b"\xff", b"1", b"[" * 100_000], ids=len)
def test_a_body_that_cannot_be_signed_is_left_as_it_is(body):
    request = Request("POST", "/", (("Content-Type", "application/json"),), body)
    assert caller().authorize(request) is request


def test_a_body_of_any_kind_is_sent_by_a_caller_who_is_let_in():
    asking = caller()
    for body, kind in ((b"", None), (b"\xff", "text/plain"), (b"{}", "application/json")):
        exchange = asking.send_body(body, kind)
        assert (exchange.request.body, exchange.request.operation) == (body, None)
        assert dict(exchange.request.headers) == ({"Content-Type": kind} if kind else {})
        assert asking.code(exchange) == 0


@pytest.mark.parametrize(
    ("status", "body", "accepted"),
    [
        (200, {"RetCode": 0, "Response": "x"}, True), (200, {"RetCode": "0"}, True),
        (200, {"RetCode": True}, True), (200, {"RetCode": 0.0}, True),
        (200, {"Response": "x"}, True), (201, {"RetCode": 0}, True),
        (200, {"RetCode": 171, "Message": "m"}, False), (200, {"RetCode": 1}, False),
        (200, {"RetCode": None}, False), (200, {"Response": "x", "Message": "m"}, False),
        (200, {}, False), (400, {"RetCode": 0}, False), (500, {"RetCode": 0}, False),
        (200, [], False),
    ],
)  # fmt: skip
def test_success_is_told_by_the_retcode_and_leniently(status, body, accepted):
    response = Response(status, (), json.dumps(body).encode())
    assert caller().accepted(Exchange(Request("GET", "/"), response, 0.0, 0.0)) is accepted


def test_no_answer_and_an_answer_that_is_no_json_are_no_success():
    asking = caller()
    for response in (None, Response(200, (), b"oops"), Response(200, (), b"[" * 100_000)):
        exchange = Exchange(Request("GET", "/"), response, 0.0, 0.0, "it broke off")
        assert not asking.accepted(exchange)
        assert asking.code(exchange) is None


def test_the_first_request_tries_every_way_until_one_is_taken():
    def only_json(environ: Any, start_response: Any) -> list[bytes]:
        taken = environ.get("CONTENT_TYPE") == "application/json"
        return answering('{"RetCode": 0}' if taken else '{"RetCode": 160}')(environ, start_response)

    asking = caller(only_json)
    assert asking.accepted(asking.probe())
    assert [one.request.method for one in asking.exchanges] == ["GET", "POST", "POST"]
    refused = caller(answering('{"RetCode": 160, "Message": "m"}'))
    assert not refused.accepted(refused.probe())
    assert len(refused.exchanges) == len(WAYS)


def test_an_answer_without_a_session_ends_the_case():
    asking = caller(answering('{"RetCode": 0, "Response": "x"}'))
    with pytest.raises(NotReached, match="has no SessionID"):
        asking.session_of(asking.chat())
    assert asking.existing("run_mv_chat_post")["SessionID"] == ""
    known = caller()
    session = known.existing("run_mv_chat_post")["SessionID"]
    assert type(session) is int and known.session_of(known.chat(session_id=session)) == session


def test_a_refusal_is_described_by_its_code_and_message():
    asking = caller(answering('{"RetCode": 171, "Message": "Signature VerifyAC Error"}'))
    said = asking.describe(asking.chat())
    assert said == "HTTP 200, RetCode 171: 'Signature VerifyAC Error'"
    assert re.fullmatch(
        r"HTTP 502 oops", asking.describe(caller(answering("oops", "502 No")).chat())
    )

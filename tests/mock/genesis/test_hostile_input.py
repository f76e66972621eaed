from __future__ import annotations

import hashlib
import json
import logging

import pytest

from .caller import WAYS, Build, Mock, Way, chat, sign, signed, without

DEEP = (
    b"[" * 10_000 + b"]" * 10_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b"[" * 100_000,
    b'{"Content": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"Content": ' + b"[" * 300 + b"]" * 300 + b"}",
)
BODIES = (
    *DEEP,
    b"",
    b" ",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"NaN",
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": 1e400}',
    b'{"a": 1e999999999999999999999999}',
    b'{"a": 1e-999999999}',
    b'{"a": ' + b"9" * 100_000 + b"}",
    b'{"a": 0.' + b"9" * 100_000 + b"}",
    b'{"a": "\\ud800"}',
    b'{"\\udfff": "a"}',
    b'{"a": ["\\ud800"]}',
    b'{"a": "\\u0000"}',
    b'{"": ""}',
    b'{"a": 1, "a": 2}',
    b'{"a": {}, "a": []}',
    b'{"Role": {}, "Content": null, "AppID": [], "SessionID": {}, "PublicKey": [[]]}',
    b'{"Action": ["RunMVChat"], "PublicKey": ["counterfoil-public-key"]}',
    b'{"Role": [[]], "Role.0": [], "Role.00": 1, "Role.-1": 1, "Role.": 1}',
    b'{"Role.' + b"9" * 10_000 + b'": "user"}',
    b"\xff\xfe",
    b'{"a": "\xff"}',
    b'\xef\xbb\xbf{"a": 1}',
    '{"a": 1}'.encode("utf-16"),
    b"%",
    b"%ff=%zz&%00=%00&=&==&&&",
    b"a" * 2**20,
    b"=" * 2**20,
    b"&" * 2**20,
    b"a=" + b"%00" * 300_000,
)
TYPES = ("application/json", "application/x-www-form-urlencoded", "text/plain", None, "nonsense;;=")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:24]))
def test_no_body_makes_the_server_fail(
    mock: Mock, body: bytes, kind: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    for query in (without(chat(), *chat()), signed(chat())):
        seen = mock.open(data=body, content_type=kind, query_string=query)
        assert seen.status == 200
        assert type(seen.code) is int
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("body", DEEP, ids=lambda body: repr(body[:24]))
def test_json_nested_too_deep_is_no_body_at_all(mock: Mock, body: bytes) -> None:
    seen = mock.json(body, signed(chat()))
    assert (seen.code, seen["Message"]) == (230, "Params [body] not available")
    assert mock.json(body).code == 160


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "text",
    ["\0", "a\0b", "\U0010ffff", "\U0001d518", "￾", "‮", "x" * 2**20, "é" * 2**19, "\n" * 1000],
    ids=lambda text: repr(text[:4]),
)
def test_no_text_is_refused_or_makes_the_server_fail(mock: Mock, way: Way, text: str) -> None:
    assert way(mock, signed(chat(text))).code == 0


@pytest.mark.parametrize(("written", "code"), [("1e400", 0), ("1e401", 230), ("1e-401", 230)])
def test_a_number_is_written_out_up_to_a_bound(mock: Mock, written: str, code: int) -> None:
    text = "1" + "0" * 400 if code == 0 else written.replace("e-", "E-").replace("e4", "E+4")
    members = json.dumps(signed(chat(Limit=text))).replace(f'"{text}"', written)
    assert mock.json(members.encode()).code == code


SURROGATES = [
    *((name, "\ud800") for name in ("Content.0", "AppID", "Prompt", "SessionID", "Role.0")),
    ("Content.0", "a\udfffb"),
    ("Content.0", "\udc00\ud800"),
    ("A\ud800", "a"),
]


@pytest.mark.parametrize("in_array", [False, True])
@pytest.mark.parametrize(("name", "text"), SURROGATES)
def test_half_a_surrogate_pair_is_a_value_that_nobody_can_accept(
    mock: Mock, name: str, text: str, in_array: bool
) -> None:
    covered = chat() | {name: text}
    joined = "".join(n + v for n, v in sorted(covered.items())) + "counterfoil-private-key"
    right = hashlib.sha1(joined.encode("utf-8", "surrogatepass")).hexdigest()
    value = [text] if in_array else text
    seen = mock.json({**covered, name: value, "Signature": right})
    shown = name.replace("\ud800", "?")
    assert (seen.code, seen["Message"]) == (230, f"Params [{shown}] not available")


@pytest.mark.parametrize("name", ["Action", "PublicKey", "Signature", "A\ud800"])
def test_half_a_surrogate_pair_does_no_harm_before_the_signature(
    mock: Mock, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen = mock.json({**chat(), "Signature": "0" * 40, name: "\ud800"})
    assert seen.status == 200
    assert seen.code in (161, 171, 172)
    json.dumps(mock.journal.as_json(), ensure_ascii=False).encode("utf-8", "strict")
    "".join(caplog.messages).encode("utf-8", "strict")


def test_half_a_surrogate_pair_does_no_harm_where_nobody_signs(build: Build) -> None:
    mock = build(authenticate=False)
    for name in chat():
        assert mock.json(chat() | {name: "\ud800"}).code in (161, 230)


@pytest.mark.parametrize(
    "query",
    ["%", "%ff=%fe", "a&a&a", "Action", "Action=RunMVChat&Action=RunMVChat", "&&&", "%00", "é=中"],
)
def test_no_query_makes_the_server_fail(mock: Mock, query: str) -> None:
    seen = mock.open("GET", query_string=query)
    assert seen.status == 200
    assert seen.code in (160, 220)


def test_fifty_thousand_messages_are_answered(mock: Mock) -> None:
    many = chat(*["x"] * 50_000)
    assert mock.form({**many, "Signature": sign(many)}).code == 0


@pytest.mark.parametrize("name", ["Role", "Content", "AppID", "SessionID", "Prompt"])
@pytest.mark.parametrize(
    ("value", "signed_as"),
    [
        ({}, ""),
        ({"b": 1, "a": "x"}, "axb1"),
        ([[]], ""),
        ([None], ""),
        ([{"a": [True, 1.5]}], "atrue1.5"),
    ],
    ids=str,
)
def test_nested_values_are_refused_wherever_they_are(
    mock: Mock, name: str, value: object, signed_as: str
) -> None:
    rest = without(chat(), f"{name}.0", name)
    seen = mock.json({**rest, name: value, "Signature": sign(rest | {name: signed_as})})
    missing = name == "AppID" and signed_as == "" and value == {}
    assert seen.code == (220 if missing else 230)
    assert name in seen["Message"]

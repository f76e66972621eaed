from __future__ import annotations

import json

import pytest

from mockserver.lean_flask import MOST_BYTES

from .conftest import NOBODY, Caller

META = {"id": NOBODY, "createdAt": "2001-01-01T00:00:00Z", "updatedAt": "2001-01-01T00:00:00Z"}

MALFORMED = {
    "empty": b"",
    "blank": b" ",
    "cut off": b'{"name":',
    "two values": b"{}{}",
    "words": b"name=a",
    "single quotes": b"{'name': 'a'}",
    "trailing comma": b'{"name": "a",}',
    "NaN": b'{"name": "a", "b": NaN}',
    "bare NUL": b'{"name": "\0"}',
    "Latin-1": b'{"name": "\xe9"}',
    "UTF-16": '{"name": "a"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"name": "a"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "surrogates turned": b'{"name": "\\udc00\\ud800"}',
    "lone surrogate as a key": b'{"\\udfff": "a"}',
    "surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "number beyond a double": b'{"name": 1e999}',
    "deep array": b"[" * 10_000 + b"]" * 10_000,
    "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep and cut off": b"[" * 1_000_000,
    "deep in a name": b'{"name":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
}
NO_OBJECT = [b"[]", b"[{}]", b'"name"', b"7", b"null", b"true"]
NO_UPDATE = {
    b'{"name": 7}': ["name"],
    b'{"name": 1.5}': ["name"],
    b'{"name": true}': ["name"],
    b'{"name": ["a"]}': ["name"],
    b'{"name": {"a": 1}}': ["name"],
    b'{"name": 123456789012345678901234567890}': ["name"],
    b'{"metadata": 7}': ["metadata"],
    b'{"metadata": []}': ["metadata"],
    b'{"metadata": {}}': ["metadata.id", "metadata.createdAt", "metadata.updatedAt"],
    b'{"name": 7, "metadata": "a"}': ["metadata", "name"],
    json.dumps({"metadata": {**META, "id": "x" * 37}}).encode(): ["metadata.id"],
    json.dumps({"metadata": {**META, "id": 7}}).encode(): ["metadata.id"],
    json.dumps({"metadata": {**META, "createdAt": 1767225600}}).encode(): ["metadata.createdAt"],
    json.dumps({"metadata": {**META, "updatedAt": None}}).encode(): ["metadata.updatedAt"],
}
DATES = {
    "2001-01-01T00:00:00Z": True,
    "2001-01-01t00:00:00z": True,
    "2001-01-01T00:00:00.1+05:30": True,
    "2001-01-01T00:00:00.123456789Z": True,
    "2001-01-01T00:00:00": False,
    "2001-01-01 00:00:00Z": False,
    "2001-02-30T00:00:00Z": False,
    "2001-01-01": False,
    "1767225600": False,
    "2001-01-01T25:00:00Z": False,
    "２００１-01-01T00:00:00Z": False,
    "": False,
}


def both(caller: Caller, raw: bytes, kind: str = "application/json") -> list[tuple[int, object]]:
    """Send the body to create and to update; nothing may have changed if it is refused."""
    id = caller.create("kept")
    before = caller.sessions().data
    answers = [caller.send("POST", "", raw, kind), caller.send("PUT", f"/{id}", raw, kind)]
    if any(answer.status_code != 200 for answer in answers):
        assert caller.sessions().data == before
    return [(answer.status_code, answer.get_json()) for answer in answers]


@pytest.mark.parametrize("case", MALFORMED)
def test_body_that_is_no_json_is_400_with_errors(first: Caller, case: str) -> None:
    created, updated = both(first, MALFORMED[case])
    assert created == updated
    status, body = created
    assert status == 400
    assert isinstance(body, dict)
    assert list(body) == ["errors"]
    [error] = body["errors"]
    assert list(error) == ["description", "field"]
    assert error["field"] == "body"
    assert len(error["description"]) < 200


@pytest.mark.parametrize("raw", NO_OBJECT)
def test_body_that_is_no_object_is_400_with_errors(first: Caller, raw: bytes) -> None:
    says = {"errors": [{"description": "the body should be a JSON object", "field": "body"}]}
    assert both(first, raw) == [(400, says)] * 2


@pytest.mark.parametrize("raw", NO_UPDATE, ids=lambda raw: raw[:40])
def test_field_of_a_wrong_type_is_400_and_named(first: Caller, raw: bytes) -> None:
    for status, body in both(first, raw):
        assert status == 400
        assert isinstance(body, dict)
        assert [error["field"] for error in body["errors"]] == NO_UPDATE[raw]
        assert all(set(error) == {"description", "field"} for error in body["errors"])
        assert all(isinstance(error["description"], str) for error in body["errors"])


@pytest.mark.parametrize("text", DATES)
def test_moment_of_the_metadata_is_one_of_rfc_3339(first: Caller, text: str) -> None:
    raw = json.dumps({"metadata": {**META, "updatedAt": text}}).encode()
    assert {status for status, _ in both(first, raw)} == {200 if DATES[text] else 400}


@pytest.mark.parametrize(
    "raw",
    [
        b" \n{}\t",
        b'{"a": 1, "a": 2}',
        b'{"a": [1, {"b": null}], "rows": "x"}',
        b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b"}",
        b'{"a": 12345678901234567890123456789012345678901234567890}',
        b'{"a": -1e-400}',
        b'{"\\u0000": 1, "": 2}',
    ],
)
def test_body_with_more_than_is_asked_for_is_accepted(first: Caller, raw: bytes) -> None:
    assert {status for status, _ in both(first, raw)} == {200}


def test_name_that_comes_twice_is_the_last_one(first: Caller) -> None:
    for _, body in both(first, b'{"name": "a", "name": "b"}'):
        assert isinstance(body, dict)
        assert body["name"] == "b"


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/vnd.a+json",
        "",
    ],
)
def test_json_may_come_by_any_of_its_names_or_none(first: Caller, kind: str) -> None:
    assert {status for status, _ in both(first, b"{}", kind)} == {200}


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "json",
        "a/b/c",
        "text/json",
    ],
)
def test_body_that_says_it_is_something_else_is_400_with_errors(first: Caller, kind: str) -> None:
    for status, body in both(first, b"{}", kind):
        assert status == 400
        assert isinstance(body, dict)
        assert "application/json" in body["errors"][0]["description"]


def test_get_with_a_content_type_and_even_a_body_is_harmless(first: Caller) -> None:
    id = first.create("a")
    for path in ("", f"/{id}", f"/{id}/messages"):
        for raw in (b"", b"{", b"x" * 100_000):
            assert first.send("GET", path, raw).status_code == 200


def test_body_beyond_the_limit_is_413_with_errors(first: Caller) -> None:
    answer = first.send("POST", "", b" " * (MOST_BYTES + 1))
    assert answer.status_code == 413
    assert answer.get_json() == {"errors": [{"description": "request entity too large"}]}


def test_crash_is_500_with_errors(first: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from mockserver.apis.mtmai import Emulator

    monkeypatch.setattr(Emulator, "list_sessions", lambda *_: 1 / 0)
    answer = first.sessions()
    assert answer.status_code == 500
    assert answer.get_json() == {"errors": [{"description": "internal error"}]}

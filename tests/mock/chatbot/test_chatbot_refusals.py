"""What is refused, and how; keys; what no request may do."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Serve = Callable[..., Any]
PATH = "/api/v1/backend/chatbot/counterfoil-bot/chat"

BODIES: list[tuple[bytes, int, str]] = [
    (b"", 40001, "The body is not valid JSON."),
    (b'{"q":', 40001, "The body is not valid JSON."),
    (b"q=Known?", 40001, "The body is not valid JSON."),
    (b'{"q":"a\xff"}', 40001, "The body is not valid JSON."),
    (b'{"q":"a\x00"}', 40001, "The body is not valid JSON."),
    (b'\xef\xbb\xbf{"q":"a"}', 40001, "The body is not valid JSON."),
    ('{"q":"a"}'.encode("utf-16"), 40001, "The body is not valid JSON."),
    (b'{"q":"\\ud800"}', 40001, "The body is not valid JSON."),
    (b'{"q":"\\udc00\\ud800"}', 40001, "The body is not valid JSON."),
    (b'{"q":"a","x":NaN}', 40001, "The body is not valid JSON."),
    (b'{"q":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 40001, "The body is not valid JSON."),
    (b"null", 40003, "The body must be a JSON object."),
    (b"[]", 40003, "The body must be a JSON object."),
    (b'"q"', 40003, "The body must be a JSON object."),
    (b"{}", 40002, "q is required."),
    (b'{"Q":"Known?"}', 40002, "q is required."),
    (b'{"q":""}', 40002, "q must not be empty."),
    (b'{"q":null}', 40003, "q must be a string."),
    (b'{"q":42}', 40003, "q must be a string."),
    (b'{"q":true}', 40003, "q must be a string."),
    (b'{"q":["Known?"]}', 40003, "q must be a string."),
    (b'{"q":{"text":"Known?"}}', 40003, "q must be a string."),
    (b'{"q":"Known?","conversation_uid":7}', 40003, "conversation_uid must be a string."),
    (b'{"q":"Known?","conversation_uid":null}', 40003, "conversation_uid must be a string."),
    (b'{"q":"Known?","language":null}', 40003, "language must be a string."),
    (b'{"q":"Known?","language":7}', 40003, "language must be a string."),
    (b'{"q":"Known?","language":["en"]}', 40003, "language must be a string."),
    (b'{"q":"Known?","language":""}', 40004, "language must be one of the documented codes."),
    (b'{"q":"Known?","language":"ja"}', 40004, "language must be one of the documented codes."),
    (b'{"q":"Known?","language":"EN"}', 40004, "language must be one of the documented codes."),
    (b'{"q":"Known?","language":"zh"}', 40004, "language must be one of the documented codes."),
    (b'{"q":"Known?","stream":"true"}', 40003, "stream must be a boolean."),
    (b'{"q":"Known?","stream":1}', 40003, "stream must be a boolean."),
    (b'{"q":"Known?","stream":null}', 40003, "stream must be a boolean."),
    (b'{"q":7,"language":"xx"}', 40003, "q must be a string."),
]


def _assert_refused(seen: Any, status: int, code: int, message: str) -> None:
    assert (seen.status, seen.type) == (status, "application/json")
    fields = seen.fields
    assert list(fields) == ["code", "data", "msg", "request_id"]
    assert (fields["code"], fields["data"], fields["msg"]) == (code, None, message)
    assert str(uuid.UUID(fields["request_id"])) == fields["request_id"]


@pytest.mark.parametrize(("raw", "code", "message"), BODIES)
def test_wrong_body_is_refused(serve: Serve, raw: bytes, code: int, message: str) -> None:
    _assert_refused(serve().post(raw), 400, code, message)


@pytest.mark.parametrize(
    "wrong", [{"q": ""}, {"q": 1}, {"language": "xx"}, {"conversation_uid": "nobody's"}]
)
def test_refused_streaming_request_gets_the_envelope(serve: Serve, wrong: dict[str, Any]) -> None:
    seen = serve().post(json.dumps({"q": "Known?", "stream": True, **wrong}).encode())
    assert (seen.status >= 400, seen.type, seen.fields["data"]) == (True, "application/json", None)
    assert len(seen.chunks) == 1


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/json", "json"]
)
def test_other_content_type_is_refused(serve: Serve, content_type: str) -> None:
    seen = serve().post(b'{"q":"Known?"}', content_type=content_type)
    _assert_refused(seen, 415, 41501, "Content-Type must be application/json.")


@pytest.mark.parametrize("bot", ["nobody", "counterfoil-bo", "COUNTERFOIL-BOT", "%00", "%ff", "é"])
def test_unknown_bot_is_refused(serve: Serve, bot: str) -> None:
    _assert_refused(serve().ask("Known?", bot=bot), 404, 40401, "There is no such chatbot.")


@pytest.mark.parametrize(
    "uid", ["", "nobody's", "00000000-0000-4000-8000-000000000000", "\x00", "é" * 5000]
)
def test_unknown_conversation_is_refused(serve: Serve, uid: str) -> None:
    seen = serve().ask("Known?", conversation_uid=uid)
    _assert_refused(seen, 404, 40402, "There is no such conversation.")


def test_conversation_of_another_bot_is_unknown(serve: Serve) -> None:
    server = serve()
    uid = server.ask("Known?").uid
    seen = server.ask("Known?", bot="counterfoil-other-bot", conversation_uid=uid)
    _assert_refused(seen, 404, 40402, "There is no such conversation.")
    assert server.ask("Known?", conversation_uid=uid.upper()).status == 404


@pytest.mark.parametrize(
    "path", ["/", PATH + "/", PATH + "s", PATH[:-5], "/api", PATH.replace("/v1/", "//v1/")]
)
def test_unknown_path_is_refused(serve: Serve, path: str) -> None:
    seen = serve().send("POST", path, json={"q": "Known?"})
    _assert_refused(seen, 404, 40403, "There is no such path.")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_method_is_refused(serve: Serve, method: str) -> None:
    seen = serve().send(method, PATH)
    _assert_refused(seen, 405, 40501, "Use POST.")
    assert dict(seen.headers)["Allow"] == "POST"


def test_head_is_refused(serve: Serve) -> None:
    assert serve().send("HEAD", PATH).status == 405


def test_body_beyond_the_limit_is_refused(serve: Serve) -> None:
    seen = serve().post(b'{"q":"' + b"x" * (16 * 1024 * 1024) + b'"}')
    _assert_refused(seen, 413, 41301, "The body is too large.")


def test_no_key_is_asked_for_unless_one_is_configured(serve: Serve) -> None:
    server = serve()
    assert server.ask("Known?").status == 200
    assert server.ask("Known?", key="whatever").status == 200


@pytest.mark.parametrize("key", ["", "wrong", "the-key-", "THE-KEY", "the-other-key"])
def test_missing_or_wrong_key_is_refused(serve: Serve, key: str) -> None:
    server = serve(credentials={"api_key": "the-key", "other_api_key": "the-other-key"})
    seen = server.ask("Known?", key=key)
    _assert_refused(seen, 401, 40101, "A valid key is required.")
    assert dict(seen.headers)["WWW-Authenticate"] == "Bearer"
    assert server.ask("Known?", key="the-key").status == 200


@pytest.mark.parametrize("value", ["the-key", "Basic the-key", "Bearer", "Bearerthe-key"])
def test_key_that_is_no_bearer_is_refused(serve: Serve, value: str) -> None:
    server = serve(credentials={"api_key": "the-key"})
    headers = {"Authorization": value}
    assert server.send("POST", PATH, json={"q": "Known?"}, headers=headers).status == 401
    headers = {"Authorization": "bearer the-key"}
    assert server.send("POST", PATH, json={"q": "Known?"}, headers=headers).status == 200


def test_key_of_one_bot_is_not_asked_for_at_another(serve: Serve) -> None:
    server = serve(credentials={"api_key": "the-key"})
    assert server.ask("Known?", bot="counterfoil-other-bot").status == 200
    assert serve(credentials={"api_key": "k"}, authenticate=False).ask("Known?").status == 200


def test_keys_of_one_bot_have_conversations_of_their_own(serve: Serve) -> None:
    server = serve(
        credentials={
            "bot_uid": "bot",
            "api_key": "the-key",
            "other_bot_uid": "bot",
            "other_api_key": "the-other-key",
        }
    )
    uid = server.ask("Known?", bot="bot", key="the-key").uid
    theirs = server.ask("Known?", bot="bot", key="the-other-key", conversation_uid=uid)
    assert (theirs.status, theirs.fields["code"]) == (404, 40402)
    assert server.ask("Known?", bot="bot", key="the-key", conversation_uid=uid).uid == uid


def test_journal_counts_chunks_and_hides_the_key(serve: Serve) -> None:
    server = serve(credentials={"api_key": "the-key"})
    seen = server.ask("Known? My key is the-key", key="the-key", stream=True)
    server.ask("Known?", key="the-key")
    server.ask("Known?", key="wrong-key")
    streamed, whole, refused = server.journal.entries()
    assert (streamed.operation, streamed.chunks) == (
        "chat",
        tuple((round(at, 6), len(data)) for at, data in seen.chunks),
    )
    assert len(seen.chunks) > 5
    assert (len(whole.chunks), len(refused.chunks), refused.status) == (1, 1, 401)
    assert [entry.caller for entry in (streamed, whole, refused)] == ["known", "known", "refused"]
    assert "My key is <api_key>" in streamed.body
    assert "My key is <api_key>" in streamed.answer
    assert "the-key" not in json.dumps(server.journal.as_json())
    assert "the-key" not in repr(server.api.scope("counterfoil-bot", "the-key"))


@pytest.fixture(scope="module")
def server(serve: Serve) -> Any:
    return serve(chunk_delay=0)


def _assert_unharmed(seen: Any) -> None:
    assert seen.status < 500
    if seen.type == "application/json":
        assert list(seen.fields) == ["code", "data", "msg", "request_id"]
        assert (seen.fields["code"] == 0) == (seen.status == 200)


HOSTILE: list[bytes] = [
    json.dumps({"q": "é" * 2**20}, ensure_ascii=False).encode(),
    json.dumps({"q": "Known? " + "x" * 2**20, "stream": True}).encode(),
    b'{"q":"Known?","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    b'{"q":"Known?","x":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
    b"[" * 100_000,
    b'{"q":"Known?","x":' + b"9" * 10_000 + b"}",
    b'{"q":"Known?","x":1e999999}',
    b'{"q":"Known?","x":-1e-999999}',
    b'{"q":"Known?","\\ud800":1}',
    b'{"q":"\\u0000\\u0000"}',
    b'{"q":"Known?","conversation_uid":"\\ud83d\\ude00\\u0000"}',
    b'{"q":"Known?","language":{"$ne":"en"}}',
    b"{" + b",".join(b'"k%d":0' % number for number in range(50_000)) + b"}",
    b"\x00" * 1000,
    bytes(range(256)),
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_body_is_answered_or_refused(server: Any, raw: bytes) -> None:
    _assert_unharmed(server.post(raw))
    for content_type in ("", "text/plain", "multipart/form-data", "application/json;charset=x"):
        _assert_unharmed(server.post(raw, content_type=content_type))


LETTERS = st.text(st.characters(exclude_categories=()), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | LETTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3),
    max_leaves=5,
)
BODY = st.fixed_dictionaries(
    {},
    optional={
        "q": st.just("Known?") | VALUES,
        "conversation_uid": VALUES,
        "language": st.sampled_from(["auto", "jp"]) | VALUES,
        "stream": st.booleans() | VALUES,
        "other": VALUES,
    },
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=BODY)
def test_no_json_harms_the_server(server: Any, body: dict[str, Any]) -> None:
    _assert_unharmed(server.post(json.dumps(body).encode()))


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=60))
def test_no_bytes_harm_the_server(server: Any, raw: bytes) -> None:
    _assert_unharmed(server.post(raw))


@settings(max_examples=100, deadline=None)
@given(bot=st.text(max_size=10))
def test_no_path_harms_the_server(server: Any, bot: str) -> None:
    path = PATH.replace("counterfoil-bot", quote(bot, safe=""))
    assert server.send("POST", path, json={"q": "Known?"}).status in (200, 404)

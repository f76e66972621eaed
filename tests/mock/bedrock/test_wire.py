"""Statuses, headers and bodies of what is refused, redirected or asked by a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

ORIGIN = {"Origin": "https://example.org"}
PAGE = "https://errors.pydantic.dev/2.9/v/"
TEXT = {"contentType": "text", "body": "one"}
MODEL = "claude-v3-haiku"
PATHS = ["/health", "/conversation", "/conversation/a", "/conversation/a/b"]


@pytest.mark.parametrize("path", [*PATHS, "/nope", "/", "/health/", "//health"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_strangers_are_refused_by_the_gateway_before_anything_else(
    honest: Any, method: str, path: str
) -> None:
    for key in (None, "", "whatever", "counterfoil-api-key ", "Counterfoil-api-key", "ÿ"):
        seen = honest.send(method, path, b"\xff", key=key)
        assert (seen.status, seen.json) == (403, {"message": "Forbidden"})
        assert seen.headers["content-type"] == "application/json"


def test_keys_are_not_asked_for_when_authentication_is_off(serve: Callable[..., Any]) -> None:
    client = serve(authenticate=False)
    assert client.get("/health", key=None).status == 200
    assert client.get("/nope", key="whatever").json == {"detail": "Not Found"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
)
def test_each_path_has_one_method(honest: Any, method: str, path: str) -> None:
    right = "POST" if path == "/conversation" else "GET"
    seen = honest.send(method, path)
    if method == right:
        assert seen.status != 405
        return
    assert (seen.status, seen.headers["allow"]) == (405, right)
    assert seen.body == b"" if method == "HEAD" else seen.json == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/health/", "/health"),
        ("/health//", "/health"),
        ("/health/?x=1&y=%20", "/health?x=1&y=%20"),
        ("/conversation/", "/conversation"),
        ("/conversation/a%20b/", "/conversation/a%20b"),
        ("/conversation/a%23%3F%25/", "/conversation/a%23%3F%25"),
        ("/conversation/a%0D%0AX:%20y/", "/conversation/a%0D%0AX%3A%20y"),
        ("/conversation/%E4%BD%A0/b/", "/conversation/%E4%BD%A0/b"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
def test_slash_too_many_at_the_end_is_redirected(
    honest: Any, method: str, path: str, location: str
) -> None:
    seen = honest.send(method, path)
    assert (seen.status, seen.body) == (307, b"")
    assert seen.headers["location"] == "http://bot.invalid" + location
    assert "content-type" not in seen.headers


@pytest.mark.parametrize(
    "path",
    ["/", "//", "/nope", "/nope/", "/HEALTH", "//health", "//health/", "/conversation//a"]
    + ["/conversation/a/b/c", "/conversation/a%2Fb/c", "/openapi.json", "/docs", "/redoc"],
)
def test_unknown_path_is_not_found(honest: Any, path: str) -> None:
    for method in ("GET", "POST", "HEAD"):
        seen = honest.send(method, path)
        assert seen.status == 404
        assert method == "HEAD" or seen.json == {"detail": "Not Found"}


@pytest.mark.parametrize(
    ("written", "decoded"),
    [
        ("a%20b", "a b"),
        ("a%252Fb", "a%2Fb"),
        (".", "."),
        ("%2e%2e", ".."),
        ("%FF", "\ufffd"),
        ("%00", "\0"),
        ("a%0A", "a\n"),
        ("a+b", "a+b"),
        ("%", "%"),
        ("%22%27%3C%3E", "\"'<>"),
        ("a;b=c", "a;b=c"),
        ("%F0%9F%98%80", "😀"),
        ("y" * 5000, "y" * 5000),
    ],
)
def test_ids_in_paths_are_decoded_once_and_echoed(honest: Any, written: str, decoded: str) -> None:
    reason = {"errors": [f"No conversation found with id: {decoded}"]}
    for path in (f"/conversation/{written}", f"/conversation/{written}/m"):
        assert (honest.get(path).status, honest.get(path).json) == (404, reason)
    honest.say("one", "known")
    honest.wait()
    seen = honest.get(f"/conversation/known/{written}")
    assert seen.json == {"detail": f"Message {decoded} not found in conversation known"}


def test_encoded_slash_divides_conversation_and_message(honest: Any) -> None:
    sent = honest.say("one")
    honest.wait()
    path = f"/conversation/{sent['conversationId']}%2F{sent['messageId']}"
    assert honest.get(path) == honest.reply(sent)


# Browsers


@pytest.mark.parametrize("path", ["/conversation", "/health", "/nope"])
@pytest.mark.parametrize("key", [None, "counterfoil-api-key"])
def test_browser_may_ask_before_it_calls_and_needs_no_key_for_that(
    honest: Any, path: str, key: str | None
) -> None:
    asked = {**ORIGIN, "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "content-type,x-api-key"
    seen = honest.send("OPTIONS", path, headers=asked, key=key)
    assert (seen.status, seen.body) == (200, b"OK")
    assert seen.headers == {
        "vary": "Origin",
        "access-control-allow-methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
        "access-control-max-age": "600",
        "access-control-allow-credentials": "true",
        "access-control-allow-origin": "https://example.org",
        "access-control-allow-headers": "content-type,x-api-key",
        "content-type": "text/plain; charset=utf-8",
        "content-length": "2",
    }


def test_browser_may_not_ask_for_a_method_that_is_none(honest: Any) -> None:
    asked = {**ORIGIN, "Access-Control-Request-Method": "BREW"}
    seen = honest.send("OPTIONS", "/conversation", headers=asked)
    assert (seen.status, seen.body) == (400, b"Disallowed CORS method")
    assert "access-control-allow-headers" not in seen.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/conversation/a", 404),
        ("POST", "/conversation", 422),
        ("OPTIONS", "/conversation", 405),
        ("GET", "/health/", 307),
        ("GET", "/nope", 404),
    ],
)
def test_other_sites_may_read_every_answer(
    honest: Any, method: str, path: str, status: int
) -> None:
    seen = honest.send(method, path, headers=ORIGIN)
    assert seen.status == status
    assert seen.headers["access-control-allow-origin"] == "*"
    assert seen.headers["access-control-allow-credentials"] == "true"
    assert "vary" not in seen.headers
    with_cookie = honest.send(method, path, headers={**ORIGIN, "Cookie": "a=b"})
    assert with_cookie.headers["access-control-allow-origin"] == "https://example.org"
    assert with_cookie.headers["vary"] == "Origin"
    alone = honest.send(method, path)
    assert not [name for name in alone.headers if name.startswith("access-control")]


# Bodies


def posted(client: Any, value: Any, **headers: str) -> Any:
    return client.post_json(
        value, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


@pytest.mark.parametrize(
    "kind", ["application/json", "application/vnd.api+json", "APPLICATION/JSON", ""]
)
def test_json_is_read_where_the_content_type_says_so_or_nothing(honest: Any, kind: str) -> None:
    body = {"message": {"content": [TEXT], "model": MODEL}}
    assert posted(honest, body, Content_Type=kind).status == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/json", "application/xml", "nonsense", "a/b;c", ";"]
)
def test_what_is_not_called_json_is_a_text(honest: Any, kind: str) -> None:
    seen = posted(honest, "{}", Content_Type=kind)
    (item,) = seen.json["detail"]
    assert (seen.status, item["type"], item["input"]) == (422, "model_attributes_type", "{}")
    assert item["loc"] == ["body"]


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("{", 1, "Expecting property name enclosed in double quotes"),
        ('{"message":}', 11, "Expecting value"),
        ('{"message":1,}', 13, "Expecting property name enclosed in double quotes"),
        ('{"message":1, \n}', 15, "Expecting property name enclosed in double quotes"),
        ("[1, ]", 4, "Expecting value"),
        ("{}{}", 2, "Extra data"),
        ("   ", 3, "Expecting value"),
        ("\ufeff{", 1, "Expecting property name enclosed in double quotes"),
        ('{"message": "\0"}', 13, "Invalid control character at"),
        ('{"message": NaN', 15, "Expecting ',' delimiter"),
    ],
)
def test_malformed_json_is_told_with_its_place(
    honest: Any, text: str, place: int, problem: str
) -> None:
    item = {"type": "json_invalid", "loc": ["body", place], "msg": "JSON decode error"}
    seen = posted(honest, text)
    assert seen.status == 422
    assert seen.json == {"detail": [{**item, "input": {}, "ctx": {"error": problem}}]}


@pytest.mark.parametrize(
    ("message", "place", "expected"),
    [
        ("Illegal trailing comma before end of object", 6, (9, "property name")),
        ("Illegal trailing comma before end of array", 6, (9, "value")),
        ("Expecting value", 6, (6, "value")),
    ],
)
def test_trailing_comma_is_told_as_older_pythons_do(
    message: str, place: int, expected: tuple[int, str]
) -> None:
    from mockserver.apis.bedrock.chat_input import _place_and_problem

    found, problem = _place_and_problem(json.JSONDecodeError(message, '{"a":1,\n }', place))
    assert found == expected[0]
    assert expected[1] in problem


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "-Infinity",
        '{"message": NaN}',
        '{"message": 1e999}',
        '{"message": {"content": [{"contentType": "text", "body": NaN}]}}',
        '{"message": {"content": [], "model": "claude-v2"}, "zzz": Infinity}',
    ],
)
def test_number_that_is_none_is_a_bad_request(honest: Any, text: str) -> None:
    seen = posted(honest, text)
    reason = "Out of range float values are not JSON compliant"
    assert (seen.status, seen.json) == (400, {"errors": [reason]})


@pytest.mark.parametrize(
    "body", [b"\xff", b'"\xff"', "{}".encode("utf-16"), b'{"a": "\xed\xa0\x80"}']
)
def test_body_that_is_not_utf8_is_a_bad_request_where_it_is_read(honest: Any, body: bytes) -> None:
    for kind in ("application/json", "text/plain"):
        seen = posted(honest, body, Content_Type=kind)
        reason = "There was an error parsing the body"
        assert (seen.status, seen.json) == (400, {"detail": reason})
    assert honest.send("GET", "/health", body).status == 200
    assert honest.send("POST", "/nope", body).status == 404


def test_absent_body_is_missing(honest: Any) -> None:
    missing = {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}
    for text in ("", "null"):
        assert posted(honest, text).json == {"detail": [{**missing, "url": PAGE + "missing"}]}


def test_all_errors_are_told_at_once_in_the_order_of_the_fields(honest: Any) -> None:
    image: dict[str, Any] = {"contentType": "image", "mediaType": None, "body": "!"}
    content: list[Any] = [image, {"body": 1}, 3]
    value = {
        "continueGenerate": "x",
        "message": {"model": "x", "content": content},
        "conversationId": 1,
    }
    seen = posted(honest, value)
    assert [(item["type"], item["loc"][1:]) for item in seen.json["detail"]] == [
        ("string_type", ["conversationId"]),
        ("value_error", ["message", "content", 0, "mediaType"]),
        ("value_error", ["message", "content", 0, "body"]),
        ("missing", ["message", "content", 1, "contentType"]),
        ("string_type", ["message", "content", 1, "body"]),
        ("model_attributes_type", ["message", "content", 2]),
        ("literal_error", ["message", "model"]),
        ("bool_parsing", ["continueGenerate"]),
    ]
    assert all(item["url"] == PAGE + item["type"] for item in seen.json["detail"])


@pytest.mark.parametrize("field", ["conversationId", "mediaType", "fileName", "body"])
def test_lone_surrogate_in_a_text_is_told_without_it(honest: Any, field: str) -> None:
    part = {**TEXT, **({field: "a\ud800"} if field != "conversationId" else {})}
    value: dict[str, Any] = {"message": {"content": [part], "model": MODEL}}
    if field == "conversationId":
        value = {**value, field: "a\ud800"}
    seen = posted(honest, json.dumps(value))
    (item,) = seen.json["detail"]
    assert (seen.status, item["type"], item["input"]) == (422, "string_unicode", "a\ufffd")
    assert item["loc"][-1] == field


def test_surrogates_in_pairs_are_one_character(honest: Any) -> None:
    text = json.dumps({"message": {"content": [{**TEXT, "body": "😀"}], "model": MODEL}})
    assert "\\ud83d\\ude00" in text
    sent = posted(honest, text).json
    honest.wait()
    messages = honest.conversation(sent["conversationId"]).json["messageMap"]
    assert messages[sent["messageId"]]["content"][0]["body"] == "😀"


@pytest.mark.parametrize(
    ("value", "accepted"),
    [(True, True), (0, True), (1.0, True), ("off", True), ("T", True), (2, False), ("", False)]
    + [(None, False), ([], False), (0.5, False)],
)
def test_continue_generate_is_what_can_be_read_as_a_boolean(
    honest: Any, value: Any, accepted: bool
) -> None:
    body = {"message": {"content": [TEXT], "model": MODEL}, "continueGenerate": value}
    seen = posted(honest, body)
    assert seen.status == (200 if accepted else 422)
    if not accepted:
        assert seen.json["detail"][0]["loc"] == ["body", "continueGenerate"]


def test_names_in_snake_case_are_taken_and_those_in_camel_case_go_first(honest: Any) -> None:
    part = {"content_type": "text", "media_type": None, "file_name": None, "body": "t"}
    message = {"message": {"content": [part], "model": MODEL}}
    assert posted(honest, {**message, "conversation_id": "s"}).json["conversationId"] == "s"
    both = {**message, "conversation_id": "s", "conversationId": "c"}
    assert posted(honest, both).json["conversationId"] == "c"


def test_body_beyond_all_measure_is_refused_by_the_gateway(honest: Any) -> None:
    seen = honest.post_json(b" " * (16 * 1024 * 1024 + 1))
    assert (seen.status, seen.json) == (413, {"message": "Request Too Long"})

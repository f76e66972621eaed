"""Nothing that a client sends brings the server down, or comes back as a crash."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MODEL = "claude-v3-haiku"

unhurried = settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
texts = st.text(st.characters(exclude_categories=()), max_size=20)
numbers = st.integers() | st.floats()
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
parts = st.fixed_dictionaries(
    {},
    optional={
        "contentType": st.sampled_from(["text", "image", "attachment", "audio"]) | values,
        "body": texts | values,
        "mediaType": texts | values,
        "fileName": texts | values,
    },
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "content": st.lists(parts | values, max_size=3) | values,
        "model": st.sampled_from([MODEL, "gpt-4"]) | values,
    },
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "conversationId": texts | values,
        "message": messages | values,
        "continueGenerate": values,
        "zzz": values,
    },
)


def still_works(client: Any) -> None:
    sent = client.say("one")
    client.wait()
    assert client.reply(sent).status == 200


def judged(seen: Any) -> Any:
    assert seen.status in (200, 400, 422), seen
    body = json.loads(seen.body.decode("utf-8"))
    assert set(body) in ({"conversationId", "messageId"}, {"detail"}, {"errors"})
    return body


@unhurried
@given(value=bodies | values)
def test_any_json_is_taken_or_refused(honest: Any, value: Any) -> None:
    body = judged(honest.post_json(value))
    if "messageId" in body and "/" not in body["conversationId"] and body["conversationId"]:
        honest.wait()
        read = honest.reply({**body, "conversationId": quote(body["conversationId"], safe="")})
        assert read.status == 200
        assert read.json["conversationId"] == body["conversationId"]


@unhurried
@given(body=st.binary(max_size=40), kind=st.sampled_from(["application/json", "text/plain", ""]))
def test_any_bytes_are_taken_or_refused(honest: Any, body: bytes, kind: str) -> None:
    judged(honest.post_json(body, headers={"Content-Type": kind}))


@unhurried
@given(path=st.binary(max_size=30), tail=st.binary(max_size=10))
def test_any_path_is_plainly_not_found(honest: Any, path: bytes, tail: bytes) -> None:
    written = "".join(f"%{byte:02X}" for byte in path), "".join(f"%{byte:02X}" for byte in tail)
    seen = honest.get(f"/conversation/{written[0]}/{written[1]}")
    assert seen.status in (307, 404, 405)


@pytest.mark.parametrize("depth", [100, 500, 900, 950, 970, 980, 990, 1000, 10_000, 1_000_000])
@pytest.mark.parametrize(
    "around", ['{"zzz": %s}', '{"message": %s}', "%s", '{"message": {"content": %s}}']
)
def test_nesting_of_any_depth_is_taken_or_refused(honest: Any, depth: int, around: str) -> None:
    for nested in ("[" * depth + "]" * depth, "[" * depth, '{"a":' * depth + "1" + "}" * depth):
        judged(honest.post_json(around % nested))
    still_works(honest)


@pytest.mark.parametrize(
    "body",
    [
        '{"message": ' + "9" * 5000 + "}",
        '{"message": ' + "9" * 400 + "}",
        '{"message": -1e400}',
        '{"message": 1E-400000000000}',
        '{"message": 0.' + "1" * 100_000 + "}",
        '{"a": 1, "a": NaN}',
        '"' + "\\ud800" * 1000 + '"',
        '{"\\ud800": 1}',
        '{"message": {"content": [{"contentType": "text", "body": "\\ud800"}]}}',
        "\0" * 1000,
        "{" + '"a": 1, ' * 100_000 + '"b": 2}',
        '{"message": {"content": [' + "{}," * 300_000 + "{}]}}",
    ],
    ids=lambda body: body[:30],
)
def test_odd_json_is_refused_in_the_usual_shapes(honest: Any, body: str) -> None:
    assert "messageId" not in judged(honest.post_json(body))
    still_works(honest)


def test_errors_of_very_many_parts_are_told_of_a_thousand_with_their_places(honest: Any) -> None:
    right, wrong = {"contentType": "text", "body": ""}, {"contentType": "text"}
    for content, places in (
        ([wrong] * 5000, range(1000)),
        ([right] * 2500 + [wrong] * 5000, range(2500, 3000)),
        ([right] * 1000 + [wrong], range(1000, 1001)),
    ):
        items = judged(honest.post_json({"message": {"content": content, "model": MODEL}}))[
            "detail"
        ]
        assert [item["loc"] for item in items] == [
            ["body", "message", "content", place, "body"] for place in places
        ]
    sent = honest.say([right] * 2500)
    honest.wait()
    messages = honest.conversation(sent["conversationId"]).json["messageMap"]
    assert len(messages[sent["messageId"]]["content"]) == 2500


@pytest.mark.parametrize(
    "text", ["\0", "😀", "\u202e", "x" * 2**20, "你" * 2**19, "%s%n{}{{7*7}}", "\r\n" * 1000, ""]
)
def test_odd_texts_are_kept_as_they_are(honest: Any, text: str) -> None:
    sent = honest.say(text)
    honest.wait()
    messages = honest.conversation(sent["conversationId"]).json["messageMap"]
    assert messages[sent["messageId"]]["content"][0]["body"] == text
    assert honest.reply(sent).status == 200

"""The plainest message is read without the model, and as the model reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mockserver.apis.bedrock import chat_input
from mockserver.apis.bedrock.chat_model import MODELS, ChatModel

PLAIN = {
    "message": {"content": [{"contentType": "text", "body": "Hello"}], "model": MODELS[0]},
}
ODD = st.sampled_from(
    [None, 1, 1.0, True, "", "text", "image", "\ud800", "\udc00é", [], {}, [{}], "a" * 40]
)
TEXTS = st.text(st.characters(), max_size=5) | ODD
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "contentType": st.just("text") | ODD,
        "content_type": st.just("text"),
        "body": TEXTS,
        "mediaType": ODD,
        "fileName": ODD,
        "x": ODD,
    },
)
VALUES = st.fixed_dictionaries(
    {
        "message": st.fixed_dictionaries(
            {},
            optional={
                "content": st.lists(PARTS, max_size=2) | ODD,
                "model": st.sampled_from(MODELS) | ODD,
                "x": ODD,
            },
        )
        | ODD
    },
    optional={
        "conversationId": TEXTS,
        "conversation_id": ODD,
        "continueGenerate": ODD,
        "x": ODD,
    },
)


def of_model(value: Any) -> object:
    """Return what the model makes of a value, as far as it goes; None for what it refuses."""
    try:
        found = ChatModel.model_validate(value)
    except ValidationError:
        return None
    parts = tuple(
        chat_input.Content(one.content_type, one.media_type, one.file_name, one.body)
        for one in found.message.content
    )
    message = chat_input.Message(parts, found.message.model)
    return chat_input.ChatInput(found.conversation_id, message, found.continue_generate)


@given(VALUES)
def test_what_is_taken_for_plain_is_what_the_model_says(value: Any) -> None:
    plain = chat_input._plain(value)
    assert plain is None or plain == of_model(value)


@given(st.text(max_size=20), st.none() | st.text(max_size=20), st.sampled_from(MODELS))
def test_plain_messages_are_taken_for_plain(body: str, named: str | None, model: str) -> None:
    value = {"message": {"content": [{"contentType": "text", "body": body}], "model": model}}
    if named is not None:
        value["conversationId"] = named  # type: ignore[assignment]
    plain = chat_input._plain(value)
    assert plain is not None and plain == of_model(value)
    for raw in (json.dumps(value).encode(), json.dumps(value, ensure_ascii=False).encode()):
        environ: dict[str, Any] = {}
        assert chat_input._plainly(raw, environ) == json.loads(raw) == value
        assert environ[chat_input.PLAIN] == plain


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xef\xbb\xbf" + json.dumps(PLAIN).encode(),
        json.dumps({**PLAIN, "x": 2**70}).encode(),
        json.dumps({**PLAIN, "conversationId": None}).encode(),
        json.dumps(PLAIN).replace("Hello", "\\ud800").encode(),
        json.dumps(PLAIN).replace("Hello", "\xe9").encode("latin-1"),
        json.dumps(PLAIN).encode() + b"x",
        json.dumps({**PLAIN, "x": float("nan")}).encode(),
    ],
)
def test_what_two_readers_may_read_differently_is_left_to_the_slow_one(raw: bytes) -> None:
    environ: dict[str, Any] = {}
    assert chat_input._plainly(raw, environ) is None and not environ

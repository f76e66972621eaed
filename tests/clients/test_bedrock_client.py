"""The client that openapi-python-client generates for bedrock, and the mock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import counterfoil


@pytest.fixture
def mock() -> Iterator[counterfoil.mock]:
    with counterfoil.mock("bedrock", clock="virtual", reply_after=2) as running:
        yield running


@pytest.fixture
def api(generated: Callable[[str], Any]) -> Any:
    return generated("bedrock")


def client_of(api: Any, mock: counterfoil.mock, name: str = "api_key") -> Any:
    key = mock.credentials.get(name, name)
    return api.client(mock.url, key, prefix="", auth_header_name="x-api-key")


@pytest.fixture
def client(api: Any, mock: counterfoil.mock) -> Iterator[Any]:
    with client_of(api, mock) as found:
        yield found


def question(api: Any, text: str, **more: Any) -> Any:
    models = api("models")
    content = [models.TextInput(content_type="text", body=text)]
    # The union of the two shapes of a message has no name of its own in the client.
    message = models.MessageInputType0(content=content, model=models.ModelInput.CLAUDE_V3_HAIKU)
    return models.ChatInput(message=message, **more)


def post(api: Any, client: Any, body: Any) -> Any:
    return api("api.default.post_message").sync(client=client, body=body)


def get(api: Any, client: Any, queued: Any, message: str = "") -> Any:
    read = api("api.default.get_message").sync
    return read(queued.conversation_id, message or queued.message_id, client=client)


def test_a_reply_is_not_there_and_then_there(api: Any, client: Any, mock: counterfoil.mock) -> None:
    mock.reply("Hello?", "Good morning.")
    queued = post(api, client, question(api, "Hello?"))
    early = get(api, client, queued)
    assert isinstance(early, api("models").NotThereType0)
    assert early.errors == [f"No conversation found with id: {queued.conversation_id}"]
    mock.clock.advance(2)
    reply = get(api, client, queued)
    assert isinstance(reply, api("models").ChatOutput)
    assert reply.message.content[0].body == "Good morning."
    assert reply.message.parent == queued.message_id
    assert reply.message.model == api("models").ModelOutputType0.CLAUDE_V3_HAIKU
    assert (reply.message.feedback, reply.message.used_chunks) == (None, None)
    assert [entry.status for entry in mock.journal] == [200, 404, 200]


def test_a_conversation_has_its_messages_by_their_ids(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    first = post(api, client, question(api, "first question"))
    mock.clock.advance(2)
    again = question(api, "second question", conversation_id=first.conversation_id)
    second = post(api, client, again)
    mock.clock.advance(2)
    read = api("api.default.get_conversation").sync
    found = read(first.conversation_id, client=client)
    assert len(found.message_map.additional_keys) == 5
    assert found.message_map[first.message_id].parent == "system"
    (reply,) = found.message_map[second.message_id].children
    assert reply == found.last_message_id
    assert found.message_map[reply].role == "assistant"


def test_a_message_that_is_not_there_is_refused_in_the_other_of_two_shapes(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    queued = post(api, client, question(api, "Hello?"))
    mock.clock.advance(2)
    missing = get(api, client, queued, "nothing")
    assert isinstance(missing, api("models").NotThereType1)
    assert missing.detail.startswith("Message nothing not found in conversation")


def test_a_picture_and_an_attachment_are_sent(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    models = api("models")
    content = [
        models.ImageInput(
            content_type="image",
            media_type=models.ImageInputMediaType.IMAGEPNG,
            body="iVBORw0KGgo=",
        ),
        models.AttachmentInput(content_type="attachment", file_name="notes.txt", body="bm90ZXM="),
        models.TextInput(content_type="text", body="What is this?"),
    ]
    model = models.MessageInputType1Model.CLAUDE_V3_OPUS
    body = models.ChatInput(message=models.MessageInputType1(content=content, model=model))
    queued = post(api, client, body)
    mock.clock.advance(2)
    conversation = api("api.default.get_conversation").sync(queued.conversation_id, client=client)
    asked = conversation.message_map[queued.message_id].content
    assert [one.content_type.value for one in asked] == ["image", "attachment", "text"]


def test_a_body_that_is_not_valid_is_refused_with_all_that_is_wrong(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    wrong = question(api, "Hello?", conversation_id=7)
    wrong.message.content[0].body = None
    refused = post(api, client, wrong)
    assert isinstance(refused, api("models").HTTPValidationError)
    places = {tuple(one.loc) for one in refused.detail}
    assert places == {("body", "conversationId"), ("body", "message", "content", 0, "body")}


def test_a_wrong_key_is_refused_by_a_status_that_has_no_documented_body(
    api: Any, mock: counterfoil.mock
) -> None:
    with client_of(api, mock, "wrong") as client:
        call = api("api.default.post_message").sync_detailed
        refused = call(client=client, body=question(api, "Hello?"))
    assert (refused.status_code, refused.parsed) == (403, None)
    assert refused.content == b'{"message":"Forbidden"}'


def test_another_caller_does_not_see_the_conversation(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    queued = post(api, client, question(api, "Hello?"))
    mock.clock.advance(2)
    with client_of(api, mock, "other_api_key") as other:
        assert isinstance(get(api, other, queued), api("models").NotThereType0)


def test_a_field_that_is_missing_is_seen_by_the_client(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    with (
        mock.fault("bedrock.receipt.without_message_id"),
        pytest.raises(KeyError, match="messageId"),
    ):
        post(api, client, question(api, "Hello?"))

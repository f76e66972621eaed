"""The client that openapi-python-client generates for chatbot, and the mock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

import counterfoil

MAGIC_NUMBER = "645130146e8d07b175fd8b1d5682d520"


@pytest.fixture
def mock() -> Iterator[counterfoil.mock]:
    with counterfoil.mock("chatbot", chunk_size="adversarial") as running:
        yield running


@pytest.fixture
def api(generated: Callable[[str], Any]) -> Any:
    return generated("chatbot")


@pytest.fixture
def client(api: Any, mock: counterfoil.mock) -> Iterator[Any]:
    open_to_all = api("client").Client
    with open_to_all(base_url=mock.url, raise_on_unexpected_status=True) as found:
        yield found


def ask(api: Any, client: Any, mock: counterfoil.mock, q: str, **more: Any) -> Any:
    body = api("models").ChatRequest(q=q, **more)
    return api("api.default.chat").sync_detailed(
        mock.credentials["bot_uid"], client=client, body=body
    )


def test_a_question_is_answered_and_the_conversation_goes_on(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    mock.reply("When?", ["At ten.", "I said: at ten."])
    models = api("models")
    first = ask(api, client, mock, "When?", language=models.ChatRequestLanguage.EN).parsed
    assert first.code == 0
    # An if and a then are more than the generator reads: what code 0 promises is in a schema
    # beside the envelope, and the model of that schema reads the same answer.
    answer = models.Answer.from_dict(first.to_dict())
    assert (answer.data.answer, answer.data.question) == ("At ten.", "When?")
    uid = answer.data.conversation_uid
    again = ask(api, client, mock, "When?", conversation_uid=uid).parsed
    assert again["data"]["answer"] == "I said: at ten."
    assert again["data"]["conversation_uid"] == uid


def test_what_the_client_leaves_unset_is_sent_as_its_default(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    ask(api, client, mock, "When?")
    sent = json.loads(mock.journal.one().body)
    assert sent == {"q": "When?", "language": "auto", "stream": False}


def test_a_refusal_by_status_has_no_model_and_its_envelope_is_in_the_content(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    refused = ask(api, client, mock, "")
    assert (refused.status_code, refused.parsed) == (400, None)
    assert api("models").Envelope.from_dict(json.loads(refused.content)).code != 0


def test_a_stream_is_no_model_of_the_generator_and_its_bytes_are_read_by_hand(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    # The generator takes one type of content an answer, JSON, and knows nothing of delimiters: its
    # `sync` reads a stream as JSON and raises. The request it builds is right all the same.
    mock.reply("¿Cuándo?", "Mañana, a las diez. ☕")
    body = api("models").ChatRequest(q="¿Cuándo?", stream=True)
    chat = api("api.default.chat")
    with pytest.raises(json.JSONDecodeError):
        chat.sync(mock.credentials["bot_uid"], client=client, body=body)
    request = chat._get_kwargs(mock.credentials["bot_uid"], body=body)
    with client.get_httpx_client().stream(**request) as response:
        pieces = list(response.iter_raw())
    head, magic, answer = b"".join(pieces).decode().partition(MAGIC_NUMBER)
    assert len(pieces) > 1 and magic
    header = api("models").Data.from_dict(json.loads(head))
    assert (header.answer, header.question) == ("", "¿Cuándo?")
    assert header["related_docs"] == []
    assert answer == "Mañana, a las diez. ☕"


def test_a_key_is_a_bearer_token_of_the_generated_client(api: Any) -> None:
    with counterfoil.mock("chatbot", credentials={"api_key": "k"}) as mock:
        with api.client(mock.url, "k") as client:
            assert ask(api, client, mock, "When?").parsed.code == 0
        with api.client(mock.url, "wrong") as client:
            assert ask(api, client, mock, "When?").status_code == 401


def test_an_answer_that_is_cut_is_seen_by_the_client(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    with mock.chaos(connection=["truncated"]), pytest.raises(httpx.RemoteProtocolError):
        ask(api, client, mock, "When?")

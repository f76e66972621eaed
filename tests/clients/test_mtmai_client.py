"""The client that openapi-python-client generates for mtmai, and the mock."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

import counterfoil


@pytest.fixture
def mock() -> Iterator[counterfoil.mock]:
    with counterfoil.mock("mtmai", clock="virtual") as running:
        yield running


@pytest.fixture
def api(generated: Callable[[str], Any]) -> Any:
    return generated("mtmai")


@pytest.fixture
def client(api: Any, mock: counterfoil.mock) -> Iterator[Any]:
    with api.client(mock.url, mock.credentials["token"]) as found:
        yield found


def call(api: Any, operation: str, client: Any, mock: counterfoil.mock, *ids: str, **more: Any):
    sync = api(f"api.default.{operation}").sync
    return sync(UUID(mock.credentials["tenant"]), *ids, client=client, **more)


def create(api: Any, client: Any, mock: counterfoil.mock, **fields: Any) -> Any:
    body = api("models").ChatSessionUpdate(**fields)
    return call(api, "chat_create_chat_session", client, mock, body=body)


def test_a_session_is_created_read_renamed_and_listed(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    made = create(api, client, mock, name="Travel plans")
    assert made.name == "Travel plans"
    assert isinstance(made.metadata.created_at, datetime)
    assert made.metadata.created_at == made.metadata.updated_at
    assert call(api, "chat_get", client, mock, made.metadata.id) == made
    mock.clock.advance(60)
    body = api("models").ChatSessionUpdate(name="Trips")
    changed = call(api, "chat_update_chat_session", client, mock, made.metadata.id, body=body)
    assert changed.metadata.id == made.metadata.id
    assert (changed.metadata.updated_at - made.metadata.updated_at).total_seconds() >= 60
    listed = call(api, "chat_list", client, mock)
    assert [one.name for one in listed.rows] == ["Trips"]


def test_the_messages_of_a_session_have_roles_and_times(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    made = create(api, client, mock, name="Weekly report")
    found = call(api, "chat_messages", client, mock, made.metadata.id).messages
    assert [one.role.value for one in found] == ["system", "user", "assistant"]
    assert found[0].metadata.created_at.tzinfo is not None


def test_what_was_unset_is_not_sent(api: Any, client: Any, mock: counterfoil.mock) -> None:
    assert create(api, client, mock).name
    assert mock.journal.one().body == "{}"


def test_a_metadata_that_is_sent_changes_nothing(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    given = api("models").MetadataInput(
        id=UUID(int=7),
        created_at=moment,  # written with +00:00, where the document's example has Z
        updated_at=moment,
    )
    made = create(api, client, mock, name="Trips", metadata=given)
    assert made.metadata.id != str(UUID(int=7)) and made.metadata.created_at > moment


def test_a_name_that_is_no_string_is_refused_with_the_field(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    refused = create(api, client, mock, name=7)
    assert isinstance(refused, api("models").APIErrors)
    assert refused.errors[0].field == "name"


def test_an_unknown_chat_is_404_without_a_documented_body(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    read = api("api.default.chat_get").sync_detailed
    missing = read(UUID(mock.credentials["tenant"]), "a/b", client=client)
    assert (missing.status_code, missing.parsed) == (404, None)
    asked = mock.journal.one()
    assert (asked.operation, asked.session) == ("chat_get", "a/b")


def test_one_of_three_ways_to_authenticate_is_enough(api: Any, mock: counterfoil.mock) -> None:
    # The generated client has one token, sent as one header; the cookie is set by hand.
    known = mock.credentials
    pair = base64.b64encode(f"{known['username']}:{known['password']}".encode()).decode()
    plain = api("client").Client
    for client in (
        api.client(mock.url, known["token"]),
        api.client(mock.url, pair, prefix="Basic"),
        plain(base_url=mock.url, cookies={"hatchet": known["cookie"]}),
    ):
        with client:
            assert call(api, "chat_list", client, mock).rows == []


def test_who_brings_nothing_is_refused_in_the_documented_shape(
    api: Any, mock: counterfoil.mock
) -> None:
    with api("client").Client(base_url=mock.url) as client:
        refused = create(api, client, mock, name="Trips")
    assert isinstance(refused, api("models").APIError) and refused.description


def test_a_field_that_is_missing_is_seen_by_the_client(
    api: Any, client: Any, mock: counterfoil.mock
) -> None:
    with mock.fault("mtmai.session.version_missing"), pytest.raises(KeyError, match="version"):
        create(api, client, mock, name="Trips")

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from mockserver.apis.mtmai import Emulator
from mockserver.replies import Reply
from mockserver.reply_files import FixtureError, load_fixtures

from .conftest import MakeServer

SHIPPED = Path(__file__).parents[3] / "fixtures" / "mtmai"
CHATS = "http://localhost/api/v1/tenants/a5c487fb-d1fe-47ca-a4fb-9cdce5f82ff4/chats"


def meta(id: str) -> dict[str, str]:
    return {"id": id, "createdAt": "2024-12-02T09:15:00Z", "updatedAt": "2024-12-02T09:15:00Z"}


def exchange(
    method: str, path: str, answer: object, status: int = 200, **more: Any
) -> dict[str, Any]:
    content = {"mimeType": "application/json", "text": json.dumps(answer)}
    return {
        "request": {"method": method, "url": CHATS + path},
        "response": {"status": status, "content": content},
        **more,
    }


def session(id: str, name: str, **more: str) -> dict[str, Any]:
    return {"metadata": meta(id), "name": name, "version": "3", **more}


def spoken(*contents: str) -> dict[str, Any]:
    return {
        "messages": [
            {"metadata": meta(f"m{content}"), "role": "user", "content": content, "source": None}
            for content in contents
        ]
    }


def read(*exchanges: dict[str, Any]) -> list[Reply]:
    return Emulator.read_recording(list(exchanges))


def test_session_and_its_messages_become_one_reply() -> None:
    found = read(
        exchange("POST", "", session("s1", "Plans", team="travel")),
        exchange("GET", "/s1/messages", spoken("a", "b"), _basis="authored"),
    )
    assert found == [
        Reply(
            "question",
            "Plans",
            "",
            "authored",
            messages=({"role": "user", "content": "a"}, {"role": "user", "content": "b"}),
            fields={"version": "3", "team": "travel"},
        )
    ]


def test_recording_that_does_not_say_is_observed() -> None:
    [found] = read(
        exchange("POST", "", session("s1", "a")), exchange("GET", "/s1/messages", spoken("a"))
    )
    assert found.basis == "observed"


def test_name_is_known_from_the_list_from_reading_and_from_updates_too() -> None:
    found = read(
        exchange("GET", "", {"rows": [session("s/1", "listed"), session("s2", "old")]}),
        exchange("GET", "/s%2F1/messages?a=b", spoken("a")),
        exchange("PUT", "/s2", session("s2", "renamed")),
        exchange("GET", "/s2/messages", spoken("b")),
        exchange("GET", "/s3", session("s3", "read")),
        exchange("GET", "/s3/messages", spoken("c")),
    )
    assert [one.question for one in found] == ["listed", "renamed", "read"]


def test_messages_that_belong_to_no_name_refusals_and_empty_ones_are_left_out() -> None:
    assert not read(
        exchange("GET", "", {"rows": []}),
        exchange("GET", "", {}),
        exchange("GET", "/s1/messages", spoken("a")),
        exchange("POST", "", session("s1", "a")),
        exchange("GET", "/s1/messages", {"messages": []}),
        exchange("GET", "/s1/messages", {"errors": [{"description": "no"}]}, 404),
        exchange("POST", "", {"description": "no"}, 403),
    )


def test_body_may_be_in_base64() -> None:
    coded = exchange("POST", "", None)
    text = base64.b64encode(json.dumps(session("s1", "é")).encode()).decode()
    coded["response"]["content"] = {"text": text, "encoding": "base64"}
    [found] = read(coded, exchange("GET", "/s1/messages", spoken("a")))
    assert found.question == "é"


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"request": {}},
        exchange("GET", "", [1]),
        exchange("GET", "", "text"),
        exchange("GET", "/s1/messages", {}),
        exchange("GET", "/s1/messages", {"messages": [1]}),
        exchange("GET", "/s1/messages", {"messages": [{"role": "bot", "content": "a"}]}),
        exchange("GET", "/s1/messages", {"messages": [{"role": "user", "content": None}]}),
        exchange("POST", "", session("s1", "a", version=7) | {"version": 7}),  # type: ignore[arg-type]
    ],
)
def test_recording_of_something_else_is_refused(tmp_path: Path, odd: dict[str, Any]) -> None:
    entries = [
        exchange("POST", "", session("s1", "a")),
        odd,
        exchange("GET", "/s1/messages", spoken("a")),
    ]
    (tmp_path / "a.har").write_text(json.dumps({"log": {"entries": entries}}))
    with pytest.raises(FixtureError, match="an entry is not an exchange of this API"):
        load_fixtures(
            tmp_path, Emulator.read_recording, Emulator.reply_fields, Emulator.check_reply
        )


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("messages: [{role: bot, content: a}]", "messages.1.role: Input should be 'system'"),
        ("messages: [{role: user}]", "messages.1.content: Field required"),
        (
            "messages: [{role: user, content: a}, {role: user, content: 7}]",
            "messages.2.content: Input should be a valid string",
        ),
        ("messages: [{role: user, content: a, time: b}]", "messages.1.time: Extra inputs are not"),
        (
            "messages: [{role: user, content: a, config: {kind: b}}]",
            "messages.1.config.kind: Extra inputs are not",
        ),
        ("answer: a\n  fields: {team: 7}", "fields.team: a text was expected"),
        ("answer: a\n  fields: {name: b}", "fields may hold team, version, not 'name'"),
    ],
)
def test_reply_that_no_session_could_have_is_refused_by_its_place(
    make_server: MakeServer, tmp_path: Path, entry: str, says: str
) -> None:
    path = tmp_path / "replies.yaml"
    path.write_text(f"- question: a\n  basis: authored\n  {entry}\n")
    with pytest.raises(FixtureError) as caught:
        make_server(fixtures=tmp_path)
    assert str(caught.value).startswith(f"{path}: entry 1: ")
    assert says in str(caught.value)


def test_reply_may_be_an_answer_alone(make_server: MakeServer, tmp_path: Path) -> None:
    (tmp_path / "replies.yaml").write_text(
        "- {question: Why?, answer: Because., basis: authored, fields: {team: a}}"
    )
    first = make_server(fixtures=tmp_path).first
    made = first.post({"name": "Why?"}).get_json()
    assert made["team"] == "a"
    messages = first.messages(made["metadata"]["id"]).get_json()["messages"]
    assert [(one["role"], one["content"]) for one in messages] == [
        ("user", "Why?"),
        ("assistant", "Because."),
    ]


def test_mock_answers_from_the_recordings_that_come_with_it(make_server: MakeServer) -> None:
    first = make_server(fixtures=SHIPPED).first
    created = first.post({"name": "Weekly report"}).get_json()
    assert created["team"] == "reports"
    messages = first.messages(created["metadata"]["id"]).get_json()["messages"]
    assert [one["role"] for one in messages] == ["system", "user", "assistant"]
    assert messages[1]["content"] == "Summarise the week in three sentences."

"""Recordings: what is read from them, and that the mock still answers as they say."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockserver.apis.chatbot import Emulator
from mockserver.reply_files import FixtureError, load_fixtures

Serve = Callable[..., Any]

MAGIC = "645130146e8d07b175fd8b1d5682d520"
SHIPPED = Path(__file__).parents[3] / "fixtures" / "chatbot"


def _entry(q: str, text: str, status: int = 200, **content: str) -> dict[str, Any]:
    return {
        "request": {"postData": {"text": json.dumps({"q": q})}},
        "response": {"status": status, "content": {"text": text, **content}},
    }


def _envelope(answer: str, code: int = 0) -> str:
    data = {"answer": answer, "conversation_uid": "u", "is_qa_mode": True, "system_message": "s"}
    return json.dumps({"code": code, "data": data, "msg": "", "request_id": "r"})


def test_both_forms_of_response_are_read() -> None:
    header = '{"answer": "", "related_docs": [1], "is_qa_mode": false, "system_message": ""}'
    replies = Emulator.read_recording(
        [_entry("a", _envelope("one")), _entry("b", f"{header}\n{MAGIC} two {MAGIC}\n")]
    )
    assert [(reply.question, reply.answer, reply.basis) for reply in replies] == [
        ("a", "one", "observed"),
        ("b", f" two {MAGIC}\n", "observed"),
    ]
    assert replies[0].fields == {"is_qa_mode": True, "system_message": "s"}
    assert replies[1].fields == {"is_qa_mode": False, "system_message": "", "related_docs": [1]}


def test_envelope_that_quotes_the_magic_number_is_no_stream() -> None:
    (reply,) = Emulator.read_recording([_entry("a", _envelope(f"It is {MAGIC}."))])
    assert reply.answer == f"It is {MAGIC}."


def test_body_in_base64_is_read() -> None:
    text = base64.b64encode(f'{{"answer": ""}}{MAGIC}é'.encode()).decode()
    (reply,) = Emulator.read_recording([_entry("a", text, encoding="base64")])
    assert reply.answer == "é"


@pytest.mark.parametrize(
    "entry",
    [
        _entry("a", _envelope("", code=40001)),
        _entry("a", _envelope("one"), status=500),
        _entry("a", '{"code": 0, "data": null}'),
        _entry("a", "<html>"),
        _entry("a", f"<html>{MAGIC}one"),
        _entry("a", "[]"),
        _entry("a", ""),
    ],
)
def test_what_is_no_success_is_passed_over(entry: dict[str, Any]) -> None:
    assert Emulator.read_recording([entry]) == []


@pytest.mark.parametrize("entry", [{}, {"response": {"status": 200, "content": {"text": "{}"}}}])
def test_foreign_recording_is_an_error_of_the_fixture(tmp_path: Path, entry: Any) -> None:
    entry = entry or {"request": {}}
    if "response" in entry:
        entry["response"]["content"]["text"] = _envelope("one")
    (tmp_path / "foreign.har").write_text(json.dumps({"log": {"entries": [entry]}}))
    with pytest.raises(FixtureError, match=r"foreign\.har"):
        load_fixtures(tmp_path, Emulator.read_recording, Emulator.reply_fields)


def test_recorded_answer_is_given_again_in_both_forms(serve: Serve, tmp_path: Path) -> None:
    entries = [_entry("a", _envelope("one")), _entry("b", f'{{"answer": ""}}\n{MAGIC}zwei ü')]
    (tmp_path / "some.har").write_text(json.dumps({"log": {"entries": entries}}))
    server = serve(folder=tmp_path)
    assert server.ask("a", stream=True).answer == "one"
    assert server.ask("b").fields["data"]["answer"] == "zwei ü"


def _shipped() -> list[Any]:
    found = []
    for path in sorted(SHIPPED.glob("*.har")):
        for number, entry in enumerate(json.loads(path.read_text("utf-8"))["log"]["entries"]):
            found.append(pytest.param(entry, id=f"{path.stem}-{number}"))
    return found


def _told(text: str) -> Any:
    """Return the text without the ids and the white space around JSON values."""
    head, magic, answer = text.partition(MAGIC)
    fields = json.loads(text if head.startswith('{"code"') or not magic else head)
    for ids in (fields, fields.get("data") or {}):
        ids.pop("request_id", None)
        ids.pop("conversation_uid", None)
    return fields, magic and answer


@pytest.mark.parametrize("entry", _shipped())
def test_shipped_recording_is_answered_as_recorded(serve: Serve, entry: dict[str, Any]) -> None:
    asked, answered = entry["request"], entry["response"]
    credentials = {"bot_uid": _bot_of_the_recordings()}
    if answered["status"] == 401:
        credentials["api_key"] = "the-key"
    server = serve(folder=SHIPPED, credentials=credentials)
    posted = asked.get("postData", {})
    raw = posted.get("text", "").encode()
    if answered["status"] == 200 and "conversation_uid" in posted["text"]:
        uid = server.ask("Known?", bot=credentials["bot_uid"]).uid
        raw = json.dumps({**json.loads(raw), "conversation_uid": uid}).encode()
    headers = {"Content-Type": posted["mimeType"]} if posted else {}
    path = urlsplit(asked["url"]).path
    seen = server.send(asked["method"], path, data=raw, headers=headers)
    assert seen.status == answered["status"]
    assert seen.type == answered["content"]["mimeType"]
    assert _told(seen.body.decode()) == _told(answered["content"]["text"])


def _bot_of_the_recordings() -> str:
    entries = json.loads((SHIPPED / "documented.har").read_text("utf-8"))["log"]["entries"]
    return str(urlsplit(entries[0]["request"]["url"]).path.split("/")[-2])

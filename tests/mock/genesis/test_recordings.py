from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from mockserver.reply_files import FixtureError

from .caller import Build, Parameters, chat, signed, without

URL = "https://api.genesissai.com/"
FORM = "application/x-www-form-urlencoded"


def answered(text: str, **more: object) -> dict[str, Any]:
    return {
        "RetCode": 0, "Action": "RunMVChatResponse", "Msg": "OK", "ID": 1, "SessionID": 2,
        "Response": text, "Time": 3, **more,
    }  # fmt: skip


def entry(
    request: dict[str, Any], fields: object, content: dict[str, Any] | None = None
) -> dict[str, Any]:
    text = {"text": json.dumps(fields, ensure_ascii=False), "mimeType": "application/json"}
    return {"request": request, "response": {"status": 200, "content": content or text}}


def get(parameters: Parameters) -> dict[str, Any]:
    return {"method": "GET", "url": f"{URL}?{urlencode(parameters)}"}


def post(media_type: str, text: str, query: str = "") -> dict[str, Any]:
    posted = {"mimeType": media_type, "text": text}
    return {"method": "POST", "url": f"{URL}{query}", "postData": posted}


def write(folder: Path, *entries: object) -> Path:
    (folder / "a.har").write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    return folder


DIALOGUE = chat("first", "then", *["x"] * 8, "Question é +&", "noise") | {"Role.11": "assistant"}
LISTS = {"Role": ["user", "assistant"], "Content": ["Question é +&", "noise"]}

REQUESTS = {
    "query": get(signed(DIALOGUE)),
    "form": post(f"{FORM}; charset=UTF-8", urlencode(signed(DIALOGUE))),
    "json": post("application/json", json.dumps(signed(DIALOGUE))),
    "json arrays": post("application/json", json.dumps(LISTS)),
    "split": post(FORM, urlencode({"Content.0": "Question é +&"}), "?Action=RunMVChat&Role.0=user"),
    "form as pairs": {
        "method": "POST",
        "url": URL,
        "postData": {
            "mimeType": FORM,
            "params": [{"name": name, "value": value} for name, value in DIALOGUE.items()],
        },
    },
    "bare": get({"Content": "Question é +&"}),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_recorded_question_is_answered_as_it_was(build: Build, tmp_path: Path, case: str) -> None:
    mock = build(fixtures=write(tmp_path, entry(REQUESTS[case], answered("Answer ü 🙂\n"))))
    seen = mock.ask("Question é +&")
    assert (seen["Response"], seen["Msg"]) == ("Answer ü 🙂\n", "OK")
    assert mock.ask("noise")["Response"] != "Answer ü 🙂\n"


def test_an_answer_in_base64_is_read(build: Build, tmp_path: Path) -> None:
    text = base64.b64encode(json.dumps(answered("Decoded")).encode()).decode()
    content = {"text": text, "encoding": "base64"}
    mock = build(fixtures=write(tmp_path, entry(get(chat("q")), None, content)))
    assert mock.ask("q")["Response"] == "Decoded"


def test_recorded_refusals_are_no_replies(build: Build, tmp_path: Path) -> None:
    refused = {"RetCode": 171, "Message": "Signature VerifyAC Error"}
    recorded = write(
        tmp_path, entry(get(chat("q")), refused), entry(get(chat("q")), answered("Second"))
    )
    assert build(fixtures=recorded).ask("q")["Response"] == "Second"


def test_a_recorded_answer_need_not_have_a_msg(build: Build, tmp_path: Path) -> None:
    fields = answered("Short")
    del fields["Msg"]
    mock = build(fixtures=write(tmp_path, entry(get(chat("q")), fields)))
    assert (mock.ask("q")["Response"], mock.ask("q")["Msg"]) == ("Short", "Success")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        entry(get(chat("q")), []),
        entry(get(chat("q")), answered("x", Response=None)),
        entry(get(without(chat(), "Content.0")), answered("x")),
        entry(get(chat("q")), None, {"text": "<html>"}),
        entry(get(chat("q")), None, {"mimeType": "image/png"}),
        {"request": {}, "response": {"content": {"text": json.dumps(answered("x"))}}},
    ],
    ids=range(7),
)
def test_what_is_no_exchange_with_the_gateway_is_an_error_that_names_the_file(
    build: Build, tmp_path: Path, wrong: object
) -> None:
    with pytest.raises(FixtureError, match="a.har: an entry is not an exchange of this API"):
        build(fixtures=write(tmp_path, wrong))

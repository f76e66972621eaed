"""The normal form of response, and conversations."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import pytest

from mockserver.apis.chatbot.languages import LOCALES, Language
from mockserver.replies import Fallback

Serve = Callable[..., Any]

DOCUMENTED = """{
  "code": 0,
  "data": {
    "answer": "answer",
    "conversation_uid": "f05f1800-a728-4e23-adb8-69abd55b5dcb",
    "is_qa_mode": true,
    "question": "Ut minim ex",
    "system_message": ""
  },
  "msg": "Success.",
  "request_id": "25a40914-d8d9-4b0f-a92d-b8844bfc9852"
}"""


def test_documented_example_is_answered_as_documented(serve: Serve) -> None:
    seen = serve().ask("Ut minim ex")
    assert (seen.status, seen.type) == (200, "application/json")
    expected = json.loads(DOCUMENTED)
    expected["data"]["conversation_uid"] = seen.uid
    expected["request_id"] = seen.fields["request_id"]
    assert seen.body == json.dumps(expected, separators=(",", ":")).encode()
    assert len(seen.chunks) == 1


def test_answer_without_references_is_not_in_qa_mode(serve: Serve) -> None:
    data = serve().ask("Known?").fields["data"]
    assert (data["is_qa_mode"], data["system_message"]) == (False, "")


def test_fields_of_a_reply_are_sent_but_related_docs_only_in_a_stream(serve: Serve) -> None:
    server = serve()
    data = server.ask("References?").fields["data"]
    assert (data["is_qa_mode"], data["system_message"]) == (True, "Bitte wählen")
    assert "related_docs" not in data
    assert server.ask("References?", stream=True).header["related_docs"] == [{"title": "Übersicht"}]


@pytest.mark.parametrize("q", ["  spaced\t\n", "ÇA É", "\x00\x1f", '"\\', "👩🏽‍🦼", "\u2028", " "])
def test_question_is_repeated_as_it_was_asked(serve: Serve, q: str) -> None:
    server = serve()
    assert server.ask(q).fields["data"]["question"] == q
    assert server.ask(q, stream=True).header["question"] == q


def test_ids_are_uuids_and_every_request_has_its_own(serve: Serve) -> None:
    server = serve()
    seen = [server.ask("Known?") for _ in range(50)]
    seen += [server.ask("") for _ in range(50)]
    ids = [one.fields["request_id"] for one in seen]
    assert len(set(ids)) == 100
    uids = [one.uid for one in seen[:50]]
    assert len(set(uids)) == 50
    assert all(str(uuid.UUID(one)) == one and uuid.UUID(one).version == 4 for one in ids + uids)


def test_conversation_continues_in_both_forms_and_keeps_its_turns(serve: Serve) -> None:
    server = serve()
    uid = server.ask("Known 1").uid
    assert server.ask("Known 2", conversation_uid=uid, stream=True).uid == uid
    assert server.ask("Blanks?", conversation_uid=uid, language="uk").uid == uid
    record = server.store.read(server.api.scope("counterfoil-bot", ""), uid)
    assert record["turns"] == [
        {"language": "auto", "question": "Known 1", "answer": "This is known."},
        {"language": "auto", "question": "Known 2", "answer": "This is known."},
        {"language": "uk", "question": "Blanks?", "answer": "  \t around \n"},
    ]


def test_conversation_that_began_with_a_stream_continues(serve: Serve) -> None:
    server = serve()
    uid = server.ask("Known?", stream=True).uid
    assert server.ask("Known!", conversation_uid=uid).uid == uid


def test_long_conversation_keeps_its_last_turns_only(serve: Serve) -> None:
    server = serve()
    uid = server.ask("Known 0").uid
    for number in range(1, 103):
        assert server.ask(f"Known {number}", conversation_uid=uid).status == 200
    turns = server.store.read(server.api.scope("counterfoil-bot", ""), uid)["turns"]
    assert [turn["question"] for turn in turns] == [f"Known {n}" for n in range(3, 103)]


def test_refused_question_leaves_no_trace_in_the_conversation(serve: Serve) -> None:
    server = serve()
    uid = server.ask("Known?").uid
    scope = server.api.scope("counterfoil-bot", "")
    before = server.store.records(scope)
    for fields in ({"q": ""}, {"q": 1}, {"language": "xx"}, {"stream": "no"}):
        raw = json.dumps({"q": "Known?", "conversation_uid": uid, **fields}).encode()
        assert server.post(raw).status == 400
    assert server.ask("Known?", conversation_uid="nobody's").status == 404
    assert server.store.records(scope) == before


@pytest.mark.parametrize("language", sorted(set(get_args(Language)) - {"auto"}))
def test_language_chooses_the_locale_of_a_made_up_answer(serve: Serve, language: str) -> None:
    said = serve(seed=3).ask("Unheard of?", language=language).fields["data"]["answer"]
    assert said == Fallback(3).reply("Unheard of?", LOCALES[language]).answer


def test_every_documented_language_has_a_locale() -> None:
    documented = "auto en fr es ru zh-Hans zh-Hant ar de jp pt hi ko it uk".split()
    assert list(get_args(Language)) == documented
    assert ["auto", *LOCALES] == documented


@pytest.mark.parametrize(
    ("q", "locale"),
    [
        ("What now?", "en_US"),
        ("これは何？", "ja_JP"),
        ("これは", "ja_JP"),
        ("什么？", "zh_CN"),
        ("뭐예요?", "ko_KR"),
        ("ما هذا؟", "ar_AA"),
        ("यह क्या है?", "hi_IN"),
        ("Что это?", "ru_RU"),
        ("Що це за їжа?", "uk_UA"),
        ("12345", "en_US"),
    ],
)
def test_auto_goes_by_the_letters_of_the_question(serve: Serve, q: str, locale: str) -> None:
    server = serve()
    said = server.ask(q).fields["data"]["answer"]
    assert said == Fallback(0).reply(q, locale).answer
    assert server.ask(q, language="auto").fields["data"]["answer"] == said


def test_unknown_fields_are_ignored(serve: Serve) -> None:
    assert serve().ask("Known?", temperature=0.3, nested={"a": [None]}).status == 200


def test_of_a_duplicate_key_the_last_one_counts(serve: Serve) -> None:
    seen = serve().post(b'{"q": 1, "q": "Known?", "stream": true, "stream": false}')
    assert seen.fields["data"]["question"] == "Known?"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_content_type_may_have_parameters_and_capitals(serve: Serve, content_type: str) -> None:
    assert serve().post(b'{"q":"Known?"}', content_type=content_type).status == 200


def _conversation(server: Any, bot: str) -> list[bytes]:
    uid = server.ask("Known?", bot=bot).uid
    seen = [server.ask("Known?", bot=bot), server.ask("Hm?", bot=bot, conversation_uid=uid)]
    seen += [server.ask("Known?", bot=bot, stream=True), server.ask("", bot=bot)]
    return [one.body for one in seen]


def test_same_seed_and_requests_give_the_same_bytes(serve: Serve) -> None:
    first, again = serve(chunk_size="random"), serve(chunk_size="random")
    assert _conversation(first, "counterfoil-bot") == _conversation(again, "counterfoil-bot")
    chunks = [server.ask("営業時間は？", stream=True).chunks for server in (first, again)]
    assert chunks[0] == chunks[1]


def test_another_seed_gives_other_ids(serve: Serve) -> None:
    one, other = (serve(seed=seed).ask("Known?") for seed in (0, 1))
    assert one.uid != other.uid
    assert one.fields["request_id"] != other.fields["request_id"]


def test_bots_do_not_disturb_each_other(serve: Serve) -> None:
    alone = _conversation(serve(), "counterfoil-bot")
    server = serve()
    _conversation(server, "counterfoil-other-bot")
    assert _conversation(server, "counterfoil-bot") == alone


def test_other_questions_and_other_keys_do_not_change_the_ids_of_a_request(serve: Serve) -> None:
    alone = serve().ask("Known?", key="mine")
    server = serve()
    server.ask("Known!", key="mine")
    server.ask("Known?", key="another")
    assert server.ask("Known?", key="mine").body == alone.body


def test_threads_give_the_same_answers_as_one_after_another(serve: Serve) -> None:
    questions = [f"Known {number % 40}" for number in range(200)]
    one = serve()
    expected = sorted(one.ask(q).body for q in questions)
    many = serve()
    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda q: many.ask(q).body, questions))
    # Of equal requests any may come first: they get the same ids, in whatever order.
    uids = sorted(json.loads(body)["data"]["conversation_uid"] for body in bodies)
    assert uids == sorted(json.loads(body)["data"]["conversation_uid"] for body in expected)
    ids = sorted(json.loads(body)["request_id"] for body in bodies)
    assert ids == sorted(json.loads(body)["request_id"] for body in expected)

"""Every fault of the catalogue shows, to someone who sends its few requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mockserver.faults import faults_of

FAULTS = faults_of("bedrock")
OTHER = "counterfoil-other-api-key"
PNG = "iVBORw0KGgo="

Script = Callable[[Any], object]


def image(**more: Any) -> dict[str, Any]:
    return {"contentType": "image", "body": PNG, **more}


def once(c: Any) -> object:
    """One message, and what is read of it when it is answered."""
    sent = c.say("one")
    c.wait()
    return sent, c.reply(sent), c.conversation(sent["conversationId"])


def twice(c: Any) -> object:
    """Two messages to two models, read when both are answered."""
    first = c.say("one", model="claude-v2")
    c.wait()
    second = c.say("two", first["conversationId"], model="claude-v3-opus")
    c.wait()
    talk = c.conversation(first["conversationId"])
    return first, second, c.reply(first), c.reply(second), talk


def again(c: Any) -> object:
    """What was read is read again."""
    sent = c.say("one")
    c.wait()
    talk = [c.conversation(sent["conversationId"]) for _ in range(2)]
    return talk, [c.reply(sent) for _ in range(2)]


def impatient(c: Any) -> object:
    """Messages are read before they are answered, in a new conversation and in a known one."""
    first = c.say("one")
    early = c.reply(first), c.conversation(first["conversationId"])
    c.wait()
    second = c.say("two", first["conversationId"])
    return early, c.reply(second), c.conversation(first["conversationId"])


def chosen_id(c: Any) -> object:
    sent = c.say("one", "mine")
    c.wait()
    return sent, c.conversation("mine")


def two_new(c: Any) -> object:
    return c.say("one"), c.say("two")


def same_text(c: Any) -> object:
    first = c.say("one")
    c.wait()
    second = c.say("one", first["conversationId"])
    return first["messageId"] == second["messageId"]


def elsewhere(c: Any) -> object:
    """A message under the id of another conversation."""
    first, second = c.say("one"), c.say("two")
    c.wait()
    return c.reply({**first, "messageId": second["messageId"]})


def stranger_reads(c: Any) -> object:
    sent = c.say("one")
    c.wait()
    return c.reply(sent, key=OTHER), c.conversation(sent["conversationId"], key=OTHER)


def stranger_writes(c: Any) -> object:
    c.say("one", "mine")
    c.wait()
    c.say("two", "mine", key=OTHER)
    c.wait()
    return c.conversation("mine")


def stranger_writes_and_reads(c: Any) -> object:
    c.say("one", "mine")
    c.wait()
    c.say("two", "mine", key=OTHER)
    c.wait()
    return c.send("GET", "/conversation/mine", key=OTHER)


def refused_and_read(c: Any) -> object:
    """What is refused for its model, or for its key, is looked for where it would be."""
    c.say("one", "mine")
    c.wait()
    c.post_json({**message(model="gpt-4"), "conversationId": "mine"})
    c.post_json({**message(), "conversationId": "mine"}, key="nobody's")
    c.wait()
    return c.conversation("mine")


def text_plain(c: Any) -> object:
    return c.send("POST", "/conversation", b"{}", {"Content-Type": "text/plain"})


def saying(*content: str | dict[str, Any], model: str = "claude-v3-haiku") -> Script:
    """A message in the parts given."""
    parts = [
        {"contentType": "text", "body": part} if isinstance(part, str) else part for part in content
    ]

    def script(c: Any) -> object:
        sent = c.say(parts, "said", model)
        c.wait()
        return sent, c.conversation("said")

    return script


def posting(value: Any) -> Script:
    def script(c: Any) -> object:
        return c.post_json(value)

    return script


def message(**changes: Any) -> dict[str, Any]:
    plain = {"content": [{"contentType": "text", "body": "one"}], "model": "claude-v3-haiku"}
    return {"message": {**plain, **changes}}


def getting(target: str, **more: Any) -> Script:
    def script(c: Any) -> object:
        return c.send(more.get("method", "GET"), target, key=more.get("key", "counterfoil-api-key"))

    return script


def unknown_message(c: Any) -> object:
    sent = c.say("one")
    c.wait()
    return c.reply({**sent, "messageId": "nobody's"})


def below(which: Callable[[list[str]], str]) -> Script:
    """GET with the id of a message that is no question."""

    def script(c: Any) -> object:
        first = c.say("one")
        c.wait()
        c.say("two", first["conversationId"])
        c.wait()
        ids = list(c.conversation(first["conversationId"]).json["messageMap"])
        return c.reply({**first, "messageId": which(ids)})

    return script


def not_utf8(c: Any) -> object:
    return c.post_json(b'{"message": "\xff"}'), c.send("GET", "/health", b"\xff")


def long_id(c: Any) -> object:
    c.say("one", "x" * 2000)
    c.wait()
    return c.conversation("x" * 2000)


def hash_in_id(c: Any) -> object:
    c.say("one", "a#b")
    c.wait()
    c.say("two", "a#b")
    c.wait()
    return c.conversation("a%23b"), c.conversation("b")


def continued(c: Any) -> object:
    sent = c.say("go on", continueGenerate=True)
    c.wait()
    return c.reply(sent)


def burst(c: Any) -> object:
    sent = [c.say(f"burst {number}", "burst") for number in range(5)]
    c.wait()
    return [c.reply(one) for one in sent]


TWO_ERRORS = {"conversationId": 5, "message": 5}

SCRIPTS: dict[str, Script] = {
    "reply.never_comes": once,
    "reply.second_never_comes": twice,
    "reply.an_hour_late": once,
    "reply.vanishes": again,
    "reply.changes_later": again,
    "pending.is_500": impatient,
    "pending.is_202": impatient,
    "pending.is_an_empty_reply": impatient,
    "pending.question_is_shown": impatient,
    "conversation.lags_behind_its_replies": once,
    "conversation.hidden_while_pending": impatient,
    "create_time.moves_with_each_read": again,
    "create_time.moves_with_each_message": twice,
    "create_time.of_the_reply": once,
    "create_time.in_seconds": once,
    "links.orphan": twice,
    "links.cycle": once,
    "links.reply_below_root": once,
    "links.no_children": once,
    "links.reply_is_no_child": once,
    "links.unknown_child": once,
    "links.no_root": once,
    "links.first_message_lost": twice,
    "last_message_id.unknown": once,
    "last_message_id.of_the_question": once,
    "reply.of_the_first_message": twice,
    "reply.is_the_question": once,
    "conversation_id.chosen_one_ignored": chosen_id,
    "conversation_id.not_continued": twice,
    "conversation_id.reused": two_new,
    "conversation_id.receipt_names_another": chosen_id,
    "conversation_id.reply_names_another": once,
    "message_id.repeats": same_text,
    "message_id.of_the_reply": once,
    "message.under_any_conversation": elsewhere,
    "conversation.readable_with_another_key": stranger_reads,
    "conversation.writable_with_another_key": stranger_writes,
    "message.second_is_lost": twice,
    "text.trimmed": saying(" one "),
    "text.reduced_to_ascii": saying("Grüße 你好"),
    "text.on_one_line": saying("one\ntwo"),
    "text.cut_short": saying("x" * 101),
    "content.later_parts_lost": saying("one", "two"),
    "content.names_lost": saying(image(mediaType="image/png", fileName="a.png")),
    "model.of_the_first_message": twice,
    "model.replaced": once,
    "conversation.unknown_is_empty": getting("/conversation/nobody"),
    "message.unknown_is_empty": unknown_message,
    "conversation.unknown_is_500": getting("/conversation/nobody"),
    "message.unknown_is_500": unknown_message,
    "body.invalid_is_400": posting({}),
    "post.is_202": posting(message()),
    "accepts.no_message": posting({}),
    "accepts.unknown_model": posting(message(model="gpt-4")),
    "accepts.unknown_content_type": posting(
        message(content=[{"contentType": "audio", "body": ""}])
    ),
    "accepts.text_that_is_no_string": posting(
        message(content=[{"contentType": "text", "body": 5}])
    ),
    "accepts.file_not_in_base64": posting(
        message(content=[{"contentType": "attachment", "fileName": "a", "body": "!"}])
    ),
    "accepts.malformed_json": posting("{"),
    "key.not_required": getting("/health", key=None),
    "key.any_will_do": getting("/health", key="whatever"),
    "path.unknown_is_200": getting("/nope"),
    "method.wrong_is_404": getting("/health", method="DELETE"),
    "method.allow_left_out": getting("/health", method="DELETE"),
    "receipt.without_message_id": posting(message()),
    "conversation.without_title": once,
    "conversation.without_create_time": once,
    "reply.without_create_time": once,
    "message.without_role": once,
    "part.without_body": once,
    "receipt.message_id_is_null": posting(message()),
    "reply.message_is_null": once,
    "message.content_is_null": once,
    "conversation.create_time_is_date": once,
    "conversation.should_continue_is_string": once,
    "message.children_is_object": once,
    "part.body_is_number": once,
    "message.role_is_bot": once,
    "nulls.left_out": once,
    "names.in_snake_case": posting(message()),
    "content_type.is_html": getting("/health"),
    "not_found.has_no_body": getting("/nope"),
    "invalid.detail_is_a_string": posting({}),
    "invalid.without_loc": posting({}),
    "invalid.without_msg": posting({}),
    "invalid.without_type": posting({}),
    "invalid.one_error_at_a_time": posting(TWO_ERRORS),
    "crash.nul": saying("\0"),
    "crash.emoji": saying("😀"),
    "crash.long_text": saying("x" * 2**20),
    "crash.deep_nesting": posting("[" * 10_000),
    "crash.malformed_json": posting("{"),
    "crash.odd_id_in_path": getting("/conversation/a%20b"),
    "crash.traceback_is_shown": getting("/conversation/nobody"),
    "observed.id_of_the_last_reply": below(lambda ids: ids[-1]),
    "observed.id_of_an_older_reply": below(lambda ids: ids[2]),
    "observed.id_of_the_root": below(lambda ids: ids[0]),
    "observed.body_not_utf8": not_utf8,
    "observed.lone_surrogate": posting(
        '{"message":{"content":[{"contentType":"text","body":"\\ud800"}],"model":"claude-v2"}}'
    ),
    "observed.empty_content_unanswered": saying(),
    "observed.image_without_media_type_unanswered": saying(image()),
    "observed.image_of_odd_media_type_unanswered": saying(image(mediaType="nonsense")),
    "observed.attachment_without_file_name_unanswered": saying(
        {"contentType": "attachment", "body": PNG}
    ),
    "observed.continue_generate_unanswered": continued,
    "observed.long_id_unanswered": long_id,
    "observed.id_cut_at_the_hash_sign": hash_in_id,
    "observed.parallel_posts_lost": burst,
    "refuses.one_model": posting(message(model="mistral-large")),
    "refuses.attachments": posting(
        message(content=[{"contentType": "attachment", "fileName": "a", "body": PNG}])
    ),
    "refuses.nulls": posting({**message(), "conversationId": None}),
    "refuses.extra_fields": posting({**message(), "foo": 1}),
    "refuses.own_ids": posting({**message(), "conversationId": "mine"}),
    "accepts.any_continue_generate": posting({**message(), "continueGenerate": "maybe"}),
    "accepts.structured_continue_generate": posting({**message(), "continueGenerate": []}),
    "invalid.kept_all_the_same": refused_and_read,
    "key.refused_is_kept": refused_and_read,
    "key.beginning_will_do": getting("/health", key="counterfoil-api-ke"),
    "key.case_ignored": getting("/health", key="COUNTERFOIL-API-KEY"),
    "key.not_needed_for_health": getting("/health", key=None),
    "key.repeated_in_refusal": posting({}),
    "invalid.loc_is_a_string": posting({}),
    "not_found.in_another_shape": getting("/conversation/nobody"),
    "method.wrong_is_200": getting("/health", method="DELETE"),
    "health.not_ok": getting("/health"),
    "crash.content_type": text_plain,
    "crash.no_object": posting([]),
    "invalid.traceback_is_shown": posting("{"),
    "message.model_of_the_question_is_the_first": once,
    "message.model_has_its_vendor": once,
    "message.question_is_the_bots": once,
    "message.role_is_model": once,
    "part.content_type_in_capitals": once,
    "conversation.id_in_lower_case": once,
    "conversation.bot_id_of_its_own": once,
    "conversation.should_continue": once,
    "reply.differs_from_the_history": once,
    "content.all_is_text": saying(image(mediaType="image/png")),
    "reply.empty": once,
    "last_message_id.ahead": impatient,
    "conversation.copied_to_another_key": stranger_writes_and_reads,
}

# These break every conversation, whatever is asked.
EVERYWHERE = {"bedrock.post.is_202"}
SIDE_EFFECT_FREE = [
    id
    for id, change in FAULTS.items()
    if change.fault and change.fault.group in ("status", "robustness", "observed")
]


def test_every_fault_has_its_script_and_every_script_its_fault() -> None:
    assert {f"bedrock.{rule}" for rule in SCRIPTS} == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_seen_and_the_honest_server_answers_twice_alike(
    serve: Callable[..., Any], fault: str
) -> None:
    script = SCRIPTS[fault.removeprefix("bedrock.")]
    honest = script(serve())
    assert script(serve()) == honest
    assert script(serve(fault)) != honest


@pytest.mark.parametrize("fault", [id for id in SIDE_EFFECT_FREE if id not in EVERYWHERE])
def test_fault_leaves_an_ordinary_conversation_as_it_is(
    serve: Callable[..., Any], fault: str
) -> None:
    assert twice(serve(fault)) == twice(serve())
    assert impatient_but_known(serve(fault)) == impatient_but_known(serve())


def impatient_but_known(c: Any) -> object:
    first = c.say("one")
    c.wait()
    c.say("two", first["conversationId"])
    return c.conversation(first["conversationId"]), c.reply(first)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_told_in_one_sentence_of_the_present_tense(fault: str) -> None:
    found = FAULTS[fault].fault
    assert found and found.sentence[0].isupper() and found.sentence.endswith(".")
    assert "\n" not in found.sentence and len(found.sentence) < 100


def test_all_faults_together_still_answer(serve: Callable[..., Any]) -> None:
    seen = serve(*FAULTS).post_json(message())
    assert isinstance(json.loads(seen.body), dict)

"""Every fault is seen by the requests that it should be seen by, and by no others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from mockserver.apis.chatbot import Emulator
from mockserver.faults import faults_of, with_faults

Serve = Callable[..., Any]
Ask = Callable[[Any], Any]

MAGIC = "645130146e8d07b175fd8b1d5682d520"
OTHER_BOT = "counterfoil-other-bot"


def _asked(q: str, **fields: Any) -> Ask:
    return lambda server: server.ask(q, **fields)


def _posted(raw: bytes, **how: Any) -> Ask:
    return lambda server: server.post(raw, **how)


def _continued(**opening: Any) -> Ask:
    """Ask three questions in one conversation, whose first is asked as `opening` says."""

    def ask(server: Any) -> list[Any]:
        q = f"Known: how does it go on? {opening}"
        first = server.ask(q, **opening)
        uid = _uid(first)
        return [first, *(server.ask(q, conversation_uid=uid) for _ in range(2))]

    return ask


def _two_at_once(server: Any) -> list[Any]:
    first, second = server.ask("Known: first?"), server.ask("Known: second?")
    more = [server.ask("Known: more?", conversation_uid=_uid(first)) for _ in range(2)]
    return [first, second, *more]


def _uid(seen: Any) -> str:
    found = re.search(rb"[0-9a-f]{8}-[0-9a-f-]{27}", seen.body)
    return found[0].decode() if found else "none"


def _continued_elsewhere(server: Any) -> Any:
    uid = _uid(server.ask("Known: here?"))
    seen = server.ask("Known: there?", bot=OTHER_BOT, conversation_uid=uid)
    # Without its request id, which depends on the uid that was sent.
    return seen.status, seen.fields["code"], seen.fields["msg"]


# What is asked, by what becomes of it on the honest server. Every text is asked only once on a
# server, so that no request changes the ids of another.
WHOLE: dict[str, Ask] = {
    "plain": _asked("Ut minim ex"),
    "stream false": _asked("Known: false?", stream=False),
    "twice": lambda server: [server.ask("Known: twice?"), server.ask("Known: twice?")],
    "references": _asked("References?"),
    "blanks": _asked("  Known: blanks?  "),
    "capitals": _asked("Known: CAPITALS?"),
    "accents": _asked("Known: é?"),
    "nul": _asked("Known: \x00?"),
    "emoji": _asked("Known: 👩🏽‍🦼?"),
    "large": _asked("Known: " + "x" * 2**20),
    **{
        f"language {code}": _asked(f"Known: {code}?", language=code)
        for code in "auto en fr es ru zh-Hans zh-Hant ar de jp pt hi ko it uk".split()
    },
}
KEYED_WHOLE: dict[str, Ask] = {"right key": _asked("Known: key?", key="the-key")}
STREAMED: dict[str, Ask] = {
    "stream": _asked("Ut minim ex", stream=True),
    "stream in japanese": _asked("営業時間は？", stream=True),
    "stream of blanks": _asked("Blanks?", stream=True),
    "stream with references": _asked("References?", stream=True),
    "stream and magic number": _asked(f"Known: {MAGIC}?", stream=True),
}
MIXED: dict[str, Ask] = {
    "continued": _continued(),
    "continued after stream": _continued(stream=True),
    "two at once": _two_at_once,
}
REFUSED: dict[str, Ask] = {
    "no q": _posted(b'{"language":"en"}'),
    "empty q": _asked(""),
    "number as q": _posted(b'{"q":42.5}'),
    "null as q": _posted(b'{"q":null}'),
    "list as q": _posted(b'{"q":["Known?"]}'),
    "unknown language": _asked("Known: unknown?", language="ja"),
    "number as language": _asked("Known: number?", language=7),
    "number as conversation": _asked("Known: seven?", conversation_uid=7),
    "string as body": _posted(b'"Known: string?"'),
    "string as stream": _asked("Known: string?", stream="yes"),
    "no json": _posted(b"Known: no JSON?"),
    "no object": _posted(b'["Known?"]'),
    "deep": _posted(b'{"q":"Known: deep?","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    "lone surrogate": _posted(b'{"q":"Known: \\uD83D?"}'),
    "no utf-8": _posted(b'{"q":"Known: \xe9?"}'),
    "unknown conversation": _asked("Known: lost?", conversation_uid="never-returned"),
    "refused stream": _posted(b'{"stream":true}'),
    "refused stream of nobody": _asked("Known: lost?", stream=True, conversation_uid="nobody's"),
    "other content type": _posted(b'{"q":"Known: text?"}', content_type="text/plain"),
    "unknown bot": _asked("Known: who?", bot="nobody"),
    "unknown path": lambda server: server.send("POST", "/nowhere"),
    "other method": lambda server: server.send("GET", "/api/v1/backend/chatbot/b/chat"),
}
ELSEWHERE: dict[str, Ask] = {"continued elsewhere": _continued_elsewhere}
KEYED_REFUSED: dict[str, Ask] = {
    "no key": _asked("Known: no key?"),
    "wrong key": _asked("Known: wrong key?", key="wrong-key"),
    "right key and empty q": _asked("", key="the-key"),
}
OPEN = WHOLE | STREAMED | MIXED | REFUSED | ELSEWHERE
KEYED = KEYED_WHOLE | KEYED_REFUSED

# By groups, what sees a fault.
W = {*WHOLE, *KEYED_WHOLE}
S = {*STREAMED}
# A conversation that begins with a stream has both forms in it.
WHOLES = {*W, *MIXED}
STREAMS = {*S, "continued after stream"}
REFUSALS = {*REFUSED, *KEYED_REFUSED, *ELSEWHERE}
OPENINGS = {*WHOLES, *STREAMS}
SHAPES = (
    "code data data.answer data.conversation_uid data.is_qa_mode data.question "
    "data.system_message msg request_id"
).split()
HEADER = "answer question related_docs conversation_uid is_qa_mode system_message".split()
IN_JAPANESE = {"stream in japanese"}
FRAMES = (
    "magic_number_missing magic_number_twice magic_number_first magic_number_upper_case "
    "magic_number_broken_by_newline answer_before_header header_not_closed byte_order_mark_first "
    "byte_order_mark_before_answer newline_before_answer trailer_after_answer last_byte_lost "
    "answer_empty answer_differs_from_unstreamed answer_json_escaped header_holds_answer "
    "header_question_empty content_type_json never_streams all_at_once never_ends only_first_chunk"
).split()

SEEN_BY: dict[str, set[str]] = {
    **{
        f"shape.{path.replace('.', '_')}_{how}": WHOLES
        for path in SHAPES
        for how in ("missing", "null", "of_another_type")
    },
    "shape.code_true": WHOLES,
    "shape.content_type_missing": {*WHOLES, *REFUSALS} - {*ELSEWHERE},
    "shape.wrapped": WHOLES,
    "shape.bare_data": WHOLES,
    **{f"stream.{rule}": STREAMS for rule in FRAMES},
    **{f"stream.header_without_{name}": STREAMS for name in HEADER},
    "stream.header_with_code": STREAMS,
    "stream.stream_refused": STREAMS,
    "stream.header_related_docs_null": STREAMS - {"stream with references"},
    "stream.answer_stripped": {"stream of blanks"},
    "stream.answer_in_latin_1": IN_JAPANESE,
    "stream.answer_loses_characters": IN_JAPANESE,
    "stream.magic_number_in_header": {"stream and magic number"},
    "stream.always_streams": WHOLES,
    "stream.refusal_streamed": {"refused stream", "refused stream of nobody"},
    "stream.refusal_in_plain_text": {"refused stream", "refused stream of nobody"},
    "status.success_with_other_code": WHOLES,
    "status.refusal_with_code_0": REFUSALS,
    "status.refusal_like_success": REFUSALS,
    "status.refusal_with_500": REFUSALS,
    "status.missing_q_accepted": {"no q", "refused stream"},
    "status.empty_q_accepted": {"empty q", "right key and empty q"},
    "status.number_as_q_accepted": {"number as q"},
    "status.null_as_q_accepted": {"null as q"},
    "status.unknown_language_accepted": {"unknown language"},
    "status.number_as_language_accepted": {"number as language"},
    "status.number_as_conversation_uid_accepted": {"number as conversation"},
    "status.bare_string_accepted": {"string as body"},
    "status.string_as_stream_accepted": {"string as stream"},
    "status.false_as_stream_refused": {"stream false"},
    "status.malformed_json_accepted": {"no json", "deep", "lone surrogate", "no utf-8"},
    "status.language_zh_hant_refused": {"language zh-Hant"},
    "status.language_jp_refused": {"language jp"},
    "status.language_hi_refused": {"language hi"},
    "status.language_uk_refused": {"language uk"},
    "identity.request_id_repeated": {*WHOLES, *REFUSALS} - {*ELSEWHERE},
    "identity.conversation_uid_changes": {*MIXED},
    "identity.conversation_uid_reused": OPENINGS,
    "identity.conversation_uid_empty": OPENINGS,
    "identity.newest_conversation_continued": {"two at once"},
    "identity.unknown_conversation_accepted": {
        "unknown conversation",
        "refused stream of nobody",
        "continued elsewhere",
    },
    "identity.question_trimmed": {"blanks"},
    "identity.question_in_lower_case": OPENINGS - {"stream in japanese"},
    "identity.question_loses_characters": {"accents", "emoji", "stream in japanese"},
    "identity.wrong_key_accepted": {"wrong key"},
    "identity.missing_key_accepted": {"no key"},
    "identity.unknown_bot_accepted": {"unknown bot"},
    "state.other_bots_conversation_continued": {"continued elsewhere"},
    "state.conversation_forgotten": {*MIXED},
    "state.streamed_conversation_forgotten": {"continued after stream"},
    "state.conversation_ends_after_two_turns": {*MIXED},
    "robustness.nul_fails": {"nul"},
    "robustness.emoji_fails": {"emoji"},
    "robustness.large_body_fails": {"large"},
    "robustness.deep_nesting_fails": {"deep"},
    "robustness.lone_surrogate_fails": {"lone surrogate"},
    "robustness.invalid_utf_8_fails": {"no utf-8"},
    "robustness.traceback_in_msg": REFUSALS,
    "robustness.key_in_msg": {"wrong key", "right key and empty q"},
}
FAULTS = faults_of("chatbot")


def _observe(serve: Serve, *faults: str) -> dict[str, Any]:
    """Return what each request sees of a server with these faults, with and without a key."""
    seen: dict[str, Any] = {}
    for probes, credentials in ((OPEN, {}), (KEYED, {"api_key": "the-key"})):
        server = serve(*faults, credentials=credentials)
        seen |= {name: ask(server) for name, ask in probes.items()}
    return seen


@pytest.fixture(scope="module")
def honest(serve: Serve) -> dict[str, Any]:
    return _observe(serve)


def test_honest_server_is_seen_the_same_twice_and_as_the_groups_say(
    serve: Serve, honest: dict[str, Any]
) -> None:
    assert _observe(serve) == honest
    for name in W - {"twice"}:
        assert (honest[name].status, honest[name].fields["code"]) == (200, 0)
    for name in S:
        assert (honest[name].status, honest[name].type[:10]) == (200, "text/plain")
    for name in REFUSALS - {*ELSEWHERE}:
        assert 400 <= honest[name].status < 500
        assert honest[name].fields["code"] != 0


def test_every_fault_is_expected_somewhere() -> None:
    assert sorted(f"chatbot.{rule}" for rule in SEEN_BY) == sorted(FAULTS)


@pytest.mark.parametrize("id", FAULTS)
def test_fault_is_seen_where_it_should_be_and_nowhere_else(
    serve: Serve, honest: dict[str, Any], id: str
) -> None:
    broken = _observe(serve, id)
    seen = {name for name in honest if broken[name] != honest[name]}
    assert seen == SEEN_BY[id.removeprefix("chatbot.")]


@pytest.mark.parametrize("id", FAULTS)
def test_fault_is_named_after_its_group_and_says_what_it_does(id: str) -> None:
    fault = FAULTS[id].fault
    assert fault is not None
    assert re.fullmatch(r"chatbot\.[a-z]+\.[a-z0-9_]+", id)
    assert id.split(".")[1] == fault.group
    assert re.fullmatch(r"[A-Z][^\n]{10,98}\.", fault.sentence)
    assert FAULTS[id].__name__ != "Broken"


def test_names_and_sentences_of_faults_are_unlike_each_other() -> None:
    assert len({change.__name__ for change in FAULTS.values()}) == len(FAULTS)
    assert len({change.fault.sentence for change in FAULTS.values() if change.fault}) == len(FAULTS)


def test_two_faults_are_seen_together(serve: Serve) -> None:
    server = serve("chatbot.stream.byte_order_mark_first", "chatbot.stream.trailer_after_answer")
    body = server.ask("Ut minim ex", stream=True).body
    assert body.startswith(b"\xef\xbb\xbf{")
    assert body.endswith(b"answer\n[DONE]\n")


@pytest.mark.parametrize(
    "ids", [list(FAULTS), list(reversed(FAULTS))], ids=["in order", "reversed"]
)
def test_all_faults_go_together_in_any_order(ids: list[str]) -> None:
    assert issubclass(with_faults(Emulator, ids), Emulator)


@cache
def _broken_stream(serve: Serve, rule: str) -> Any:
    return serve(f"chatbot.stream.{rule}").ask("営業時間は？", stream=True)


def test_broken_streams_look_as_their_sentences_say(serve: Serve) -> None:
    honest = serve().ask("営業時間は？", stream=True).body
    header, _, answer = honest.partition(b"\n" + MAGIC.encode())
    magic = MAGIC.encode()
    expected = {
        "magic_number_missing": header + b"\n" + answer,
        "magic_number_twice": header + b"\n" + magic + magic + answer,
        "magic_number_first": magic + header + b"\n" + answer,
        "magic_number_upper_case": header + b"\n" + magic.upper() + answer,
        "magic_number_broken_by_newline": header + b"\n" + magic[:16] + b"\n" + magic[16:] + answer,
        "answer_before_header": answer + b"\n" + magic + header,
        "header_not_closed": header[:-1] + b"\n" + magic + answer,
        "last_byte_lost": honest[:-1],
        "answer_empty": header + b"\n" + magic,
        "answer_json_escaped": header + b"\n" + magic + json.dumps(answer.decode()).encode(),
        "only_first_chunk": honest[:24],
        "all_at_once": honest,
        "never_ends": honest,
    }
    assert {rule: _broken_stream(serve, rule).body for rule in expected} == expected


def test_stream_that_is_held_back_comes_in_one_piece_after_all_its_time(serve: Serve) -> None:
    honest = serve(chunk_delay=0.5).ask("営業時間は？", stream=True).chunks
    broken = serve("chatbot.stream.all_at_once", chunk_delay=0.5).ask("営業時間は？", stream=True)
    assert broken.chunks == ((honest[-1][0], broken.body),)
    assert honest[-1][0] > 0.5


def test_stream_that_never_ends_has_all_but_its_last_chunk_in_time(serve: Serve) -> None:
    honest = serve().ask("営業時間は？", stream=True).chunks
    broken = serve("chatbot.stream.never_ends").ask("営業時間は？", stream=True).chunks
    assert broken[:-1] == honest[:-1]
    assert broken[-1][0] > 1e6 - 1


def test_traceback_is_one(serve: Serve) -> None:
    msg = serve("chatbot.robustness.traceback_in_msg").ask("").fields["msg"]
    assert "Traceback (most recent call last)" in msg
    assert 'File "' in msg

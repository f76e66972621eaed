"""From a post to its reply: what is seen when, and how the messages hang together."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.apis.bedrock import Emulator
from mockserver.replies import Reply

OTHER = "counterfoil-other-api-key"
ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def missing(sent: dict[str, str]) -> dict[str, list[str]]:
    return {"errors": [f"No conversation found with id: {sent['conversationId']}"]}


def talk(c: Any, *texts: str, conversation: str | None = None, **more: Any) -> list[Any]:
    sent = []
    for text in texts:
        sent.append(c.say(text, conversation, **more))
        conversation = sent[0]["conversationId"]
        c.wait()
    return sent


def test_new_conversation_is_not_there_until_its_reply_is(honest: Any) -> None:
    sent = honest.say("one")
    honest.wait(0.499)
    assert honest.conversation(sent["conversationId"]).json == missing(sent)
    assert honest.reply(sent).json == missing(sent)
    assert honest.reply(sent).status == 404
    honest.wait(0.001)
    assert honest.conversation(sent["conversationId"]).status == 200
    assert honest.reply(sent).status == 200


def test_known_conversation_shows_its_old_state_until_the_reply_is_there(honest: Any) -> None:
    (first,) = talk(honest, "one")
    before = honest.conversation(first["conversationId"])
    second = honest.say("two", first["conversationId"])
    honest.wait(0.499)
    assert honest.conversation(first["conversationId"]) == before
    early = honest.reply(second)
    conversation, message = second["conversationId"], second["messageId"]
    assert early.json == {"detail": f"Message {message} not found in conversation {conversation}"}
    assert early.status == 404
    honest.wait(0.001)
    shown = honest.conversation(conversation).json["messageMap"]
    assert shown[message]["children"] == [honest.conversation(conversation).json["lastMessageId"]]


def test_what_was_answered_stays_as_it_is(honest: Any) -> None:
    (first,) = talk(honest, "one")
    seen = honest.conversation(first["conversationId"]), honest.reply(first)
    honest.wait(1_000_000)
    assert (honest.conversation(first["conversationId"]), honest.reply(first)) == seen


def test_reply_time_of_zero_answers_at_once(serve: Callable[..., Any]) -> None:
    client = serve(reply_after=0.0)
    assert client.reply(client.say("one")).status == 200


def test_messages_form_a_chain_whose_links_agree_both_ways(honest: Any) -> None:
    sent = talk(honest, "one", "two", "three")
    body = honest.conversation(sent[0]["conversationId"]).json
    messages = body["messageMap"]
    order, at = ["system"], "system"
    while messages[at]["children"]:
        (child,) = messages[at]["children"]
        assert messages[child]["parent"] == at
        order.append(at := child)
    assert order == list(messages)
    assert at == body["lastMessageId"]
    assert [messages[id]["role"] for id in order] == ["system"] + ["user", "assistant"] * 3
    assert order[1::2] == [one["messageId"] for one in sent]
    assert messages["system"]["parent"] is None


def test_reply_is_the_child_of_the_message_asked_for(honest: Any) -> None:
    first, second = talk(honest, "one", "two")
    messages = honest.conversation(first["conversationId"]).json["messageMap"]
    for sent in (first, second):
        body = honest.reply(sent).json
        (child,) = messages[sent["messageId"]]["children"]
        assert body["message"] == messages[child]
        assert body["message"]["parent"] == sent["messageId"]
        assert body["conversationId"] == sent["conversationId"]


def test_each_message_keeps_its_model_and_the_root_that_of_the_first(honest: Any) -> None:
    (first,) = talk(honest, "one", model="claude-v2")
    talk(honest, "two", conversation=first["conversationId"], model="mistral-large")
    messages = honest.conversation(first["conversationId"]).json["messageMap"]
    assert [message["model"] for message in messages.values()] == (
        ["claude-v2"] * 3 + ["mistral-large"] * 2
    )


def test_create_time_is_that_of_the_first_message_in_milliseconds(
    serve: Callable[..., Any],
) -> None:
    client = serve(start=1767225600.123)
    first, second = talk(client, "one", "two")
    times = [client.conversation(first["conversationId"]).json["createTime"]]
    times += [client.reply(sent).json["createTime"] for sent in (first, second)]
    assert times == [1767225600123.0] * 3
    assert b'"createTime":1767225600123.0' in client.reply(first).body


def test_ids_are_ulids_that_sort_by_time(honest: Any) -> None:
    first, second = talk(honest, "one", "two")
    ids = list(honest.conversation(first["conversationId"]).json["messageMap"])[1:]
    assert ids == sorted(ids) and len(set(ids)) == 4
    assert all(len(id) == 26 and set(id) <= set(ULID) and id[0] in "01234567" for id in ids)
    assert first["conversationId"][:10] == first["messageId"][:10] == "01KDVDNA00"
    assert second["conversationId"] == first["conversationId"]


def test_parts_come_back_as_they_were_sent_with_nulls_for_what_they_have_not(honest: Any) -> None:
    text = " Grüße\r\n你好 😀\0\u2028 "
    sent = honest.say(
        [
            {"contentType": "text", "body": text, "zzz": 1},
            {"contentType": "image", "mediaType": "image/png", "body": "AAAA"},
            {"contentType": "attachment", "fileName": "ä.txt", "body": ""},
        ]
    )
    honest.wait()
    messages = honest.conversation(sent["conversationId"]).json["messageMap"]
    assert messages[sent["messageId"]]["content"] == [
        {"contentType": "text", "mediaType": None, "fileName": None, "body": text},
        {"contentType": "image", "mediaType": "image/png", "fileName": None, "body": "AAAA"},
        {"contentType": "attachment", "mediaType": None, "fileName": "ä.txt", "body": ""},
    ]


def test_reply_is_the_fixture_of_what_was_asked(honest: Any) -> None:
    question = "How long is a marathon?"
    alone, beside_an_image = (
        honest.say(question),
        honest.say(
            [{"contentType": "image", "body": "AAAA"}, {"contentType": "text", "body": question}]
        ),
    )
    honest.wait()
    assert "42.195" in honest.reply(alone).json["message"]["content"][0]["body"]
    assert (
        honest.reply(alone).json["message"]["content"]
        == (honest.reply(beside_an_image).json["message"]["content"])
    )


@pytest.mark.parametrize(
    ("answer", "more"),
    [("a\ud800", {}), ("", {"messages": ({},)}), ("a", {"fields": {"usedChunks": "none"}})],
)
def test_fixture_that_the_api_could_not_answer_with_is_refused(
    answer: str, more: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="JSON|messages|list"):
        Emulator.check_reply(Reply("question", "one", answer, "authored", **more))


@pytest.mark.parametrize("chosen", ["mine", "", "a/b", "会话", "x" * 5000, "system", "\0"])
def test_id_that_the_client_chose_starts_a_conversation_of_that_id(
    honest: Any, chosen: str
) -> None:
    sent = honest.say("one", chosen)
    assert sent["conversationId"] == chosen
    honest.wait()
    assert honest.say("two", chosen)["messageId"] != sent["messageId"]


@pytest.mark.parametrize(
    "more",
    [{"continueGenerate": True}, {"continueGenerate": "yes"}],
)
def test_what_the_real_backend_never_answers_is_answered(honest: Any, more: dict[str, Any]) -> None:
    for content in (
        [],
        [{"contentType": "image", "body": ""}],
        [{"contentType": "attachment", "body": ""}],
    ):
        sent = honest.say(content, **more)
        honest.wait()
        assert honest.reply(sent).status == 200


@pytest.mark.parametrize("place", [0, 2, 4], ids=["root", "older reply", "last reply"])
def test_ids_of_messages_that_nobody_asked_with_are_not_found(honest: Any, place: int) -> None:
    first, _ = talk(honest, "one", "two")
    id = list(honest.conversation(first["conversationId"]).json["messageMap"])[place]
    seen = honest.reply({**first, "messageId": id})
    assert seen.status == 404
    assert seen.json == {
        "detail": f"Message {id} not found in conversation {first['conversationId']}"
    }


def test_message_of_another_conversation_is_not_found(honest: Any) -> None:
    (first,), (second,) = talk(honest, "one"), talk(honest, "two")
    seen = honest.reply({**first, "messageId": second["messageId"]})
    assert (seen.status, list(seen.json)) == (404, ["detail"])


def test_conversations_belong_to_their_key(honest: Any) -> None:
    (first,) = talk(honest, "one", conversation="mine")
    assert honest.conversation("mine", key=OTHER).json == missing(first)
    talk(honest, "another", conversation="mine", key=OTHER)
    assert len(honest.conversation("mine").json["messageMap"]) == 3
    assert honest.reply(first, key=OTHER).json["detail"].startswith("Message ")
    theirs = honest.conversation("mine", key=OTHER).json["messageMap"].values()
    assert [message["content"][0]["body"] for message in theirs][1] == "another"


def test_without_authentication_all_share_one_store(serve: Callable[..., Any]) -> None:
    client = serve(authenticate=False)
    talk(client, "one", conversation="ours", key=None)
    assert client.conversation("ours", key="whatever").status == 200
    assert client.conversation("ours", key=None).status == 200


def test_known_keys_can_be_chosen(serve: Callable[..., Any]) -> None:
    client = serve(credentials={"api_key": "sesame", "other_api_key": "schlüssel"})
    assert client.get("/health", key="sesame").status == 200
    assert client.get("/health").status == 403


def test_parallel_posts_to_one_conversation_lose_nothing(honest: Any) -> None:
    texts = [f"burst {number}" for number in range(80)]
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda text: honest.say(text, "burst"), texts))
    honest.wait()
    messages = honest.conversation("burst").json["messageMap"]
    said = {id: messages[id]["content"][0]["body"] for id in (one["messageId"] for one in sent)}
    assert sorted(said.values()) == sorted(texts)
    assert len(messages) == 161
    order, at = [], "system"
    while messages[at]["children"]:
        (at,) = messages[at]["children"]
        order.append(at)
    assert order == list(messages)[1:]
    assert all(honest.reply(one).json["message"]["parent"] == one["messageId"] for one in sent)


def test_parallel_readers_see_a_turn_whole_or_not_at_all(serve: Callable[..., Any]) -> None:
    client = serve(reply_after=0.0)
    client.say("one", "busy")

    def read(_: int) -> int:
        return len(client.conversation("busy").json["messageMap"])

    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            pool.submit(client.say, f"message {number}", "busy")
        assert all(length % 2 == 1 for length in pool.map(read, range(40)))


def test_same_seed_and_requests_give_the_same_bytes(serve: Callable[..., Any]) -> None:
    def bytes_of(seed: int) -> list[bytes]:
        client = serve(seed=seed)
        first, second = talk(client, "What is new?", "What is new?")
        shown = (
            client.conversation(first["conversationId"]),
            client.reply(first),
            client.reply(second),
        )
        return [one.body for one in shown]

    assert bytes_of(7) == bytes_of(7)
    assert bytes_of(7) != bytes_of(8)


def test_ids_do_not_depend_on_the_order_of_threads(serve: Callable[..., Any]) -> None:
    texts = [f"question {number % 5}" for number in range(40)]

    def ids(threads: int) -> set[tuple[str, str]]:
        client = serve()
        with ThreadPoolExecutor(threads) as pool:
            return {tuple(sent.values()) for sent in pool.map(client.say, texts)}

    assert ids(1) == ids(8)
    assert len(ids(8)) == 40


def test_mounted_below_a_prefix_nothing_else_changes(serve: Callable[..., Any]) -> None:
    client = serve(prefix="/bedrock")
    assert client.get("/bedrock/health").json == {"status": "ok"}
    moved = client.get("/bedrock/health/?x=1", host="localhost:8600")
    assert (moved.status, moved.headers["location"]) == (
        307,
        "http://localhost:8600/bedrock/health?x=1",
    )
    assert client.get("/bedrock/nope/health/").status == 404
    assert client.get("/bedrock/nope", key=None).json == {"message": "Forbidden"}


def test_journal_shows_no_key(honest: Any) -> None:
    honest.say("my key is counterfoil-api-key", "counterfoil-api-key")
    honest.get("/conversation/counterfoil-api-key?x-api-key=counterfoil-api-key")
    assert "counterfoil-api-key" not in repr(honest.journal.as_json())
    assert "<api_key>" in repr(honest.journal.as_json())

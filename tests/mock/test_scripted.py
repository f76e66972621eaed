"""Replies that are scripted while a mock runs, for each API as its clients see them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

import contracts
from contracts.driver import Driver
from contracts.model import Exchange
from contracts.target import Target
from counterfoil import wiring
from mockserver import reply_files
from mockserver.clock import VirtualClock
from mockserver.faults import UnknownName, faults_of, names
from mockserver.model import Settings
from mockserver.replies import Reply
from mockserver.reply_files import FixtureError
from mockserver.server import Server

PAGE = "/_counterfoil/replies"
every_api = pytest.mark.parametrize("api", names())


class Talk:
    """One mock, and a client of it."""

    def __init__(self, api: str, **options: Any) -> None:
        self.api, self.clock = api, VirtualClock()
        known = wiring.all_credentials(api)
        self.made = wiring.mocks([api], clock=self.clock, credentials=known, **options)
        self.admin = self.made.app.test_client()
        contract = contracts.load(api)
        target = Target("http://127.0.0.1:8600", app=self.made.app.wsgi_app, clock=self.clock)
        self.driver: Driver = contract.driver(contract, target, known)

    def script(self, **entry: Any) -> str:
        given = self.admin.post(PAGE, json=entry)
        assert given.status_code == 201, given.json
        return str(given.json["id"])

    def ask(self, question: str) -> Exchange:
        return self.driver.say(question)

    def said(self, question: str) -> str:
        """Return all that can be read of the reply to a question, however it is fetched."""
        exchange = self.ask(question)
        assert self.driver.accepted(exchange), exchange.body
        body = exchange.body.decode()
        if self.api == "bedrock":
            receipt = exchange.json()
            self.clock.sleep(60)
            body = self.driver.get(  # type: ignore[attr-defined]
                "conversation", receipt["conversationId"], receipt["messageId"]
            ).body.decode()
        if self.api == "mtmai":
            chat = exchange.json()["metadata"]["id"]
            body = self.driver.messages(chat).body.decode()  # type: ignore[attr-defined]
        return body


def texts(api: str, *words: str) -> dict[str, Any]:
    """Return the face of a reply that says these words: an API has texts, or conversations."""
    if api == "mtmai":
        return {"messages": [{"role": "assistant", "content": word} for word in words]}
    return {"answer": words[0]} if len(words) == 1 else {"answers": list(words)}


@every_api
@pytest.mark.parametrize(
    ("matcher", "text", "asked"),
    [
        ("question", "How are you?", "How are you?"),
        ("contains", "are you", "How are you?"),
        ("pattern", "^How .*[?]$", "How are you?"),
    ],
)
def test_a_reply_is_scripted_by_question_substring_and_pattern(
    api: str, matcher: str, text: str, asked: str
) -> None:
    talk = Talk(api)
    before = talk.said(asked)
    id = talk.script(**{matcher: text}, **texts(api, "as scripted"))
    assert "as scripted" not in before
    assert "as scripted" in talk.said(asked)
    assert "as scripted" not in talk.said("Something else")
    assert talk.admin.delete(f"{PAGE}/{api}/{id}").status_code == 200
    assert "as scripted" not in talk.said(asked)


@every_api
def test_the_last_scripted_reply_goes_first_and_the_journal_says_which_it_was(api: str) -> None:
    talk = Talk(api)
    talk.script(contains="you", **texts(api, "the first"))
    id = talk.script(contains="are", **texts(api, "the last"))
    assert "the last" in talk.said("How are you?")
    asked = [entry for entry in talk.made.journal.entries() if entry.fixture]
    assert asked[-1].fixture == f"scripted, {id}"


@pytest.mark.parametrize("api", ["bedrock", "chatbot", "genesis"])
def test_several_answers_are_given_in_turn_and_the_last_from_then_on(api: str) -> None:
    talk = Talk(api)
    talk.script(question="Next?", answers=["number one", "number two"])
    said = [talk.said("Next?") for _ in range(3)]
    assert ["number one" in body for body in said] == [True, False, False]
    assert ["number two" in body for body in said] == [False, True, True]


@every_api
def test_a_reply_is_given_so_often_and_no_more(api: str) -> None:
    talk = Talk(api)
    talk.script(question="Next?", times=2, **texts(api, "as scripted"))
    assert ["as scripted" in talk.said("Next?") for _ in range(4)] == [True, True, False, False]


ERRORS = {
    "bedrock": (503, b'{"errors":["later, please"]}'),
    "chatbot": (503, b'"code":4711,"data":null,"msg":"later, please"'),
    "genesis": (200, b'"RetCode":4711,"Action":"RunMVChatResponse","Message":"later, please"'),
    "mtmai": (503, b'{"errors":[{"description":"later, please"}]}'),
}


@every_api
def test_an_error_is_in_the_vendors_own_shape_and_comes_after_who_is_asking(api: str) -> None:
    talk = Talk(api)
    talk.script(question="Now?", times=1,
                error={"status": 503, "code": 4711, "message": "later, please"})  # fmt: skip
    status, shape = ERRORS[api]
    stranger = talk.driver.with_credentials(
        {name: f"wrong-{value}" for name, value in talk.driver.credentials.items()}
    )
    assert b"later" not in stranger.say("Now?").body
    failed = talk.ask("Now?")
    assert (failed.status, shape in failed.body) == (status, True), failed.body
    assert talk.driver.accepted(talk.ask("Now?"))


@every_api
def test_a_reply_that_takes_longer_does(api: str) -> None:
    talk = Talk(api)
    talk.script(question="Slowly?", delay=7, **texts(api, "at last"))
    quick, slow = talk.ask("Quick?"), talk.ask("Slowly?")
    if api == "bedrock":
        receipt = slow.json()
        where = ("conversation", receipt["conversationId"], receipt["messageId"])
        talk.clock.sleep(6)
        assert talk.driver.get(*where).status == 404  # type: ignore[attr-defined]
        talk.clock.sleep(2)
        assert talk.driver.get(*where).status == 200  # type: ignore[attr-defined]
    else:
        assert slow.duration - quick.duration == pytest.approx(7)


@every_api
def test_a_fault_breaks_the_server_for_whoever_asks_the_question(api: str) -> None:
    talk = Talk(api)
    fault = next(iter(faults_of(api)))
    talk.script(question="Broken?", fault=fault, times=1, **texts(api, "so it is"))
    talk.ask("Whole?")
    talk.ask("Broken?")
    talk.ask("Broken?")
    entries = [entry for entry in talk.made.journal.entries() if entry.method == "POST"]
    assert [entry.faults for entry in entries] == [(), (fault,), ()]


@every_api
def test_a_reply_for_one_conversation_is_for_no_other(api: str) -> None:
    talk = Talk(api)
    talk.script(contains="", session="mine", **texts(api, "for me alone"))
    client = talk.made.app.test_client()
    request = talk.ask("Hello").request
    for session, expected in (("mine", True), ("another", False)):
        client.open(
            request.target, method=request.method, data=request.body,
            headers=[*request.headers, ("Counterfoil-Session", session)],
        )  # fmt: skip
        last = talk.made.journal.entries()[-1]
        assert (last.session, last.fixture.startswith("scripted")) == (session, expected)


@every_api
def test_a_predicate_in_python_answers(api: str) -> None:
    talk = Talk(api)
    messages = ({"role": "assistant", "content": "long"},) if api == "mtmai" else ()
    reply = Reply("question", "", "long", "authored", messages)
    scripted = talk.made.emulators[""].world.scripted
    scripted.add_where(lambda question: len(question) > 20, reply)
    assert "long" in talk.said("x" * 21)
    assert '"long"' not in talk.said("x" * 20)
    scripted.clear()
    assert '"long"' not in talk.said("x" * 21)


@every_api
def test_a_predicate_takes_a_reply_as_the_files_describe_it(api: str) -> None:
    talk = Talk(api)
    scripted = talk.made.emulators[""].world.scripted
    fault = next(iter(faults_of(api)))
    scripted.add_where(str.isupper, {**texts(api, "do not shout"), "times": 1, "fault": fault})
    talk.ask("Hello")
    talk.ask("HELLO")
    talk.ask("HELLO")
    entries = [entry for entry in talk.made.journal.entries() if entry.method == "POST"]
    assert [entry.faults for entry in entries] == [(), (fault,), ()]
    for wrong in ({"colour": "red"}, {**texts(api, "a"), "contains": "b"}, {}):
        with pytest.raises(FixtureError):
            scripted.add_where(str.isupper, wrong)
    with pytest.raises(UnknownName):
        scripted.add_where(str.isupper, {**texts(api, "a"), "fault": "nothing"})


@every_api
def test_a_strict_mock_tells_the_nearest_question_and_what_differs(api: str) -> None:
    talk = Talk(api, settings=Settings(strict=True))
    talk.script(question="What is the weather like?", **texts(api, "fine"))
    missed = talk.ask("What is the weather now?")
    assert not talk.driver.accepted(missed)
    said = missed.body.decode().replace("\\'", "'")
    assert "the closest is 'What is the weather like?'" in said
    assert "where it has" in said
    assert "fine" in talk.said("What is the weather like?")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ([], "a reply is a JSON object"),
        ({"question": "a"}, "the reply: exactly one of answer, answers, messages and error"),
        ({"question": "a", "answer": "b", "fault": "genesis.nothing"}, "genesis.nothing"),
        ({"question": "a", "answer": "b", "api": "bedrock"}, "api should be one of genesis"),
        ({"pattern": "(", "answer": "b"}, "pattern is not a regular expression"),
        ({"question": "a", "answer": "b", "colour": 1}, "unknown key 'colour'"),
    ],
)
def test_a_reply_that_cannot_be_scripted_is_told_why(entry: Any, said: str) -> None:
    talk = Talk("genesis")
    refused = talk.admin.post(PAGE, json=entry)
    assert refused.status_code == 400
    assert said in refused.json["error"]
    assert talk.admin.get(PAGE).json == {"replies": []}


def test_what_is_scripted_is_listed_and_taken_away() -> None:
    talk = Talk("genesis")
    ids = [talk.script(question=text, answer="b") for text in ("one", "two")]
    listed = talk.admin.get(PAGE).json["replies"]
    assert [(one["api"], one["id"], one["entry"]["question"]) for one in listed] == [
        ("genesis", ids[0], "one"), ("genesis", ids[1], "two"),
    ]  # fmt: skip
    assert talk.admin.delete(f"{PAGE}/genesis/s99").status_code == 404
    assert talk.admin.delete(PAGE).json == {"replies": []}
    assert talk.admin.get(PAGE).json == {"replies": []}


def test_fixtures_are_read_again_when_they_are_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "genesis" / "replies.yaml"
    file.parent.mkdir()

    def write(answer: str) -> None:
        file.write_text(f"[{{question: How?, answer: {answer}, basis: authored}}]", "utf-8")

    monkeypatch.setattr(reply_files, "LOOK_EVERY", 0.0)
    write("first")
    talk = Talk("genesis", fixtures=tmp_path, settings=Settings(watch=True))
    assert '"first"' in talk.said("How?")
    write("'the second'")
    assert '"the second"' in talk.said("How?")
    file.write_text("[{question: How?, colour: red}]", "utf-8")
    assert '"the second"' in talk.said("How?") and '"the second"' in talk.said("How?")
    assert len([line for line in caplog.messages if "unknown key 'colour'" in line]) == 1
    write("last, fault: genesis.nothing")
    assert '"the second"' in talk.said("How?")
    assert "genesis.nothing" in caplog.text
    write("last")
    assert '"last"' in talk.said("How?")


def test_whoever_waits_for_a_slow_reply_keeps_nobody_else_waiting() -> None:
    made = wiring.mocks(["genesis"], settings=Settings(authenticate=False))
    with Server(made.app.wsgi_app) as server:
        httpx.post(f"{server.url}{PAGE}", json={"contains": "slow", "answer": "b", "delay": 1})
        ask = {"Action": "RunMVChat", "AppID": "a", "PublicKey": "k", "Role.0": "user"}
        with httpx.Client(base_url=server.url) as client, httpx.Client() as other:
            with client.stream("POST", "/", data={**ask, "Content.0": "slow"}) as slow:
                assert slow.status_code == 200
            began = time.monotonic()
            assert client.post("/", data={**ask, "Content.0": "slow"}).status_code == 200
            assert 1 <= time.monotonic() - began < 3
            assert other.get(f"{server.url}/_counterfoil/health").status_code == 200

"""The clauses of bedrock without its mock: honest servers keep all of them, however they differ."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import find, given, settings
from hypothesis.errors import NoSuchExample

import contracts
from contracts.apis.bedrock import requests
from contracts.apis.bedrock.clauses import (
    invalid,
    key,
    machines,
    message_map,
    posting,
    reply,
    shape,
)
from contracts.apis.bedrock.driver import (
    IMPATIENCE,
    KEY_HEADER,
    PATIENCE,
    Asked,
    BedrockDriver,
    Change,
    chat_input,
    path,
)
from contracts.document import Document
from contracts.drawing import Drawn
from contracts.model import Broken, Exchange, NotReached, Request, Response, Verdict
from contracts.report import curl
from contracts.runner import PROFILES, Outcome, Plan, choose, run
from contracts.target import Target

CONTRACT = contracts.load("bedrock")
KEY = 'k3y-of "Ann" $x `y` \\z'
CREDENTIALS = {"api_key": KEY, "other_api_key": "key-of-ben"}
MODELS = {*requests.MODELS, "claude-v3.5-sonnet-v2"}


class Clock:
    def __init__(self) -> None:
        self.time = 1.7e9

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Refused(Exception):
    def __init__(self, status: int, body: Any, *headers: tuple[str, str]) -> None:
        self.status = status
        self.body = body
        self.headers = headers


@dataclass
class Turn:
    due: float
    id: str
    content: Any
    model: str


@dataclass
class Service:
    """An honest server of its own making; every field is something that servers may differ in."""

    clock: Clock = field(default_factory=Clock)
    delay: float = 0.05
    lost: Callable[[int], bool] = lambda number: False
    make_id: Callable[[str, int], str] = lambda kind, number: f"{kind}-{number:04x}"
    stranger: tuple[int, Any] = (403, {"message": "Forbidden"})
    extra: Mapping[str, Any] = field(default_factory=dict)
    content_type: str = "application/json"
    milliseconds: Callable[[float], float] = lambda time: time * 1000
    backwards: bool = False
    bot_role: str = "assistant"
    root: bool = True
    literal: bool = False
    all_errors: bool = True
    made: int = 0
    calls: int = 0
    stored: dict[tuple[str, str], tuple[float, list[Turn]]] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        self.calls += 1
        headers: tuple[tuple[str, str], ...] = ()
        try:
            status, body = 200, self.answer(environ)
        except Refused as refused:
            status, body, headers = refused.status, refused.body, refused.headers
        text = json.dumps(self.dressed(body)).encode()
        start_response(f"{status} Said", [("CONTENT-TYPE", self.content_type), *headers])
        return iter([text[:7], text[7:]])

    def dressed(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.dressed(item) for item in value]
        if not isinstance(value, dict):
            return value
        items = [(name, self.dressed(item)) for name, item in value.items()]
        # The map's keys are ids, and no fields.
        is_map = bool(value) and all(isinstance(item, dict) for item in value.values())
        extra = {} if is_map else self.extra
        return {**dict(items[::-1] if self.backwards else items), **extra}

    def answer(self, environ: dict[str, Any]) -> Any:
        caller = environ.get("HTTP_X_API_KEY", "")
        if caller not in CREDENTIALS.values():
            raise Refused(*self.stranger)
        steps = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace").split("/")[1:]
        known = {
            ("health", 1): ("GET", lambda: {"status": "ok"}),
            ("conversation", 1): ("POST", lambda: self.post(caller, self.read(environ))),
            ("conversation", 2): ("GET", lambda: self.conversation(caller, steps[1])),
            ("conversation", 3): ("GET", lambda: self.message(caller, steps[1], steps[2])),
        }
        if (steps[0], len(steps)) not in known or "" in steps:
            raise Refused(404, {"detail": "nothing here"})
        method, answer = known[steps[0], len(steps)]
        if environ["REQUEST_METHOD"] != method:
            raise Refused(405, {"detail": "not like this"}, ("allow", method))
        return answer()  # type: ignore[no-untyped-call]

    def read(self, environ: dict[str, Any]) -> Any:
        raw = environ["wsgi.input"].read()
        if environ.get("CONTENT_TYPE", "application/json") != "application/json":
            raise unprocessable([(["body"], "not JSON")])
        try:
            value = json.loads(raw.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise unprocessable([(["body"], "not JSON")]) from None
        wrong = list(problems(value))
        if wrong:
            raise unprocessable(wrong if self.all_errors else wrong[:1])
        return value

    def new_id(self, kind: str) -> str:
        self.made += 1
        return self.make_id(kind, self.made)

    def post(self, caller: str, value: Any) -> Any:
        conversation = value.get("conversationId")
        if conversation is None:
            conversation = self.new_id("talk")
        now = self.clock.now()
        content = [
            {"fileName": None, "mediaType": None, **{n: item.get(n) for n in ITEM}}
            for item in value["message"]["content"]
        ]
        turn = Turn(now + self.delay, self.new_id("said"), content, value["message"]["model"])
        if not self.lost(self.made):
            _, turns = self.stored.setdefault((caller, conversation), (now, []))
            turns.append(turn)
        return {"messageId": turn.id, "conversationId": conversation}

    def found(self, caller: str, conversation: str) -> tuple[float, list[Turn]]:
        began, turns = self.stored.get((caller, conversation), (0.0, []))
        seen = [turn for turn in turns if turn.due <= self.clock.now()]
        if not seen:
            raise Refused(404, {"errors": ["there is no such conversation"]})
        return self.milliseconds(began), seen

    def conversation(self, caller: str, conversation: str) -> Any:
        began, turns = self.found(caller, conversation)
        return {
            "id": conversation,
            "title": "Gespräch",
            "createTime": began,
            "messageMap": self.message_map(turns),
            "lastMessageId": f"{turns[-1].id}-answered",
            "botId": None,
            "shouldContinue": False,
        }

    def message_map(self, turns: list[Turn]) -> dict[str, Any]:
        last = "system" if self.root else None
        empty = [{"contentType": "text", "body": "", "mediaType": None, "fileName": None}]
        found = {"system": written("system", empty, turns[0].model, None)} if self.root else {}
        for turn in turns:
            answer = f"{turn.id}-answered"
            text = f"{len(turn.content)} parts, {turn.id}"
            said = [{"contentType": "text", "body": text, "mediaType": None, "fileName": None}]
            found[turn.id] = written("user", turn.content, turn.model, last)
            found[answer] = written(self.bot_role, said, turn.model, turn.id)
            last = answer
        for id, message in found.items():
            if message["parent"] is not None:
                found[message["parent"]]["children"].append(id)
        return found

    def message(self, caller: str, conversation: str, id: str) -> Any:
        began, turns = self.found(caller, conversation)
        messages = self.message_map(turns)
        if id not in (messages if self.literal else [turn.id for turn in turns]):
            raise Refused(404, {"detail": "there is no such message"})
        message = messages[id if self.literal else f"{id}-answered"]
        return {"conversationId": conversation, "message": message, "createTime": began}


ITEM = ("contentType", "mediaType", "fileName", "body")


def written(role: str, content: Any, model: str, parent: str | None) -> dict[str, Any]:
    return {
        "role": role,
        "content": content,
        "model": model,
        "children": [],
        "feedback": None,
        "usedChunks": None,
        "parent": parent,
        "thinkingLog": None,
    }


def unprocessable(wrong: list[tuple[list[Any], str]]) -> Refused:
    return Refused(422, {"detail": [{"msg": m, "loc": loc, "type": "bad"} for loc, m in wrong]})


Problems = Iterator[tuple[list[Any], str]]


def problems(value: Any) -> Problems:
    if not isinstance(value, dict):
        yield ["body"], "no object"
        return
    if not isinstance(value.get("conversationId", ""), str | None):
        yield ["body", "conversationId"], "no string"
    if not isinstance(value.get("continueGenerate", False), bool):
        yield ["body", "continueGenerate"], "no boolean"
    message = value.get("message")
    if not isinstance(message, dict):
        yield ["body", "message"], "no object"
        return
    if not isinstance(message.get("model"), str) or message["model"] not in MODELS:
        yield ["body", "message", "model"], "unknown"
    content = message.get("content")
    if not isinstance(content, list):
        yield ["body", "message", "content"], "no list"
        return
    for place, item in enumerate(content):
        for step, said in item_problems(item):
            yield ["body", "message", "content", place, *step], said


def item_problems(item: Any) -> Problems:
    if not isinstance(item, dict):
        yield [], "no object"
        return
    if item.get("contentType") not in ("text", "image", "attachment"):
        yield ["contentType"], "unknown"
    for name in ("mediaType", "fileName"):
        if not isinstance(item.get(name), str | None):
            yield [name], "no string"
    if not isinstance(item.get("body"), str):
        yield ["body"], "no string"
    elif item.get("contentType") in ("image", "attachment") and not is_base64(item["body"]):
        yield ["body"], "not base64"


def is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def judged(
    service: Service, profile: str = "quick", seed: int = 0, only: Any = (), drawn: Any = None
) -> Outcome:
    target = Target("http://there", app=service, clock=service.clock)
    plan = Plan(choose(CONTRACT.clauses, only), PROFILES[profile], seed, drawn=drawn)
    *_, outcome = run(CONTRACT, target, CREDENTIALS, plan)
    assert isinstance(outcome, Outcome)
    return outcome


def not_kept(outcome: Outcome) -> dict[str, str]:
    return {
        finding.clause.id: f"{finding.verdict}: {finding.reason}"
        for finding in outcome.findings
        if finding.verdict is not Verdict.KEPT
    }


def driver_of(service: Service) -> BedrockDriver:
    target = Target("http://there", app=service, clock=service.clock)
    return BedrockDriver(CONTRACT, target, {**CREDENTIALS})


VARIANTS: dict[str, Callable[[], Service]] = {
    "plain": Service,
    "slow, other ids": lambda: Service(
        delay=17.0, make_id=lambda kind, number: f"{number * 7919 % 99991}"
    ),
    "at once, odd ids": lambda: Service(
        delay=0.0, make_id=lambda kind, number: f"{kind}:{number}=é%~"
    ),
    "401 for strangers, more fields": lambda: Service(
        stranger=(401, {"error": "who are you?"}), extra={"traceId": "a1", "links": [], "": None}
    ),
    "another order, whole milliseconds, a charset": lambda: Service(
        backwards=True,
        milliseconds=lambda time: round(time * 1000),
        content_type="Application/JSON; charset=UTF-8",
    ),
}


DRAWN = Drawn()
"""What the seeds draw, drawn once for all the servers that are held to it."""


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("variant", VARIANTS)
def test_an_honest_server_keeps_every_clause_however_it_differs(variant: str, seed: int) -> None:
    outcome = judged(VARIANTS[variant](), seed=seed, drawn=DRAWN)
    assert outcome.trouble == ""
    assert not_kept(outcome) == {}


def test_an_honest_server_keeps_every_clause_by_the_standard_profile() -> None:
    assert not_kept(judged(Service(backwards=True, extra={"more": 1}), "standard")) == {}


def test_replies_are_not_waited_for_the_longer_the_more_of_them_came() -> None:
    class Far(Service):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
            self.clock.sleep(0.01)
            return super().__call__(environ, start_response)

    driver = driver_of(Far(delay=0.02))
    waits = []
    for _ in range(60):
        asked, began = driver.ask(), driver.clock.now()
        driver.reply(asked)
        waits.append(driver.clock.now() - began)
    assert max(waits[30:]) < 0.05
    assert driver.slowest is not None and driver.slowest >= max(waits)


def test_a_server_that_does_only_what_the_document_says_breaks_nothing() -> None:
    service = Service(
        literal=True, bot_role="bot", root=False, all_errors=False,
        milliseconds=lambda time: time,
    )  # fmt: skip
    outcome = judged(service, "standard")
    found = {f.clause.id: f.reason for f in outcome.findings if f.verdict is Verdict.BROKEN}
    assert found == {}
    assert outcome.verdict is Verdict.KEPT
    deviations = {f.clause.id for f in outcome.findings if f.verdict is Verdict.DEVIATION}
    assert {"bedrock.reply.parent", "bedrock.reply.role", "bedrock.map.root"} <= deviations


def test_a_server_that_never_answers_is_not_waited_for_again_and_again() -> None:
    service = Service(lost=lambda number: True)
    outcome = judged(service)
    broken = {f.clause.id for f in outcome.findings if f.verdict is Verdict.BROKEN}
    assert "bedrock.reply.comes_from_every_model" in broken
    assert all(".reply.comes_" in id for id in broken)
    # A minute for each clause that is about the wait, and one more to be sure of what broke it; and
    # one for all that build on it.
    assert service.clock.time - 1.7e9 < (2 * len(broken) + 2) * PATIENCE * 1.2
    assert outcome.verdict is Verdict.BROKEN


def test_once_a_reply_never_came_others_are_waited_for_as_long_as_they_were_seen_to_take() -> None:
    service = Service(delay=9.0)
    driver = driver_of(service)
    driver.answered()
    service.lost = lambda number: True
    assert not driver.accepted(driver.wait(driver.ask())[-1])
    assert PATIENCE > driver.patience >= max(IMPATIENCE, 3 * 9.0)
    service.lost = lambda number: False
    driver.answered()


def test_over_the_quota_no_case_applies_and_nothing_is_broken() -> None:
    service = Service()
    honest = service.answer

    def answer(environ: dict[str, Any]) -> Any:
        if service.calls > 3:
            raise Refused(429, {"message": "Too Many Requests"})
        return honest(environ)

    service.answer = answer  # type: ignore[method-assign]
    outcome = judged(service, only=["bedrock.conversation.*", "bedrock.invalid.*"])
    found = {finding.verdict for finding in outcome.findings}
    assert found == {Verdict.KEPT, Verdict.UNTESTED}
    untested = [one for one in outcome.findings if one.verdict is Verdict.UNTESTED]
    assert len(untested) > 20 and "over its quota" in untested[-1].reason


def links(**parents: str | None) -> dict[str, dict[str, Any]]:
    children: dict[str, list[str]] = {id: [] for id in parents}
    for id, parent in parents.items():
        if parent is not None:
            children[parent].append(id)
    return {id: {"parent": parents[id], "children": children[id]} for id in parents}


GOOD = links(system=None, q1="system", r1="q1", q2="r1", r2="q2")
FINDERS = (
    message_map.dangling,
    message_map.disowned,
    message_map.unlisted,
    message_map.circular,
    message_map.orphaned,
)


def changed(id: str, **fields: Any) -> dict[str, dict[str, Any]]:
    return {**GOOD, id: {**GOOD[id], **fields}}


WRONG: dict[str, tuple[dict[str, Any], Callable[..., str], tuple[str, ...]]] = {
    "unknown parent": (changed("q2", parent="gone"), message_map.dangling, ("q2", "gone")),
    "unknown child": (changed("r2", children=["gone"]), message_map.dangling, ("r2", "gone")),
    "wrong parent": (changed("r1", parent="system"), message_map.disowned, ("r1", "q1", "system")),
    "no child": (changed("q1", children=[]), message_map.unlisted, ("q1", "r1", "0 times")),
    "child twice": (changed("q1", children=["r1"] * 2), message_map.unlisted, ("r1", "2 times")),
    "own parent": (changed("q2", parent="q2"), message_map.circular, ("q2 to q2",)),
    "circle upwards": (
        {**GOOD, **links(a="b", b="a")}, message_map.circular, ("a to b to a",)),
    "circle downwards": (
        changed("r2", children=["q1"]), message_map.circular, ("q1 to r1 to q2 to r2 to q1",)),
    "orphan": (changed("q2", parent=None), message_map.orphaned, ("system and q2",)),
    "no root": (changed("system", parent="r2"), message_map.orphaned, ("none",)),
}  # fmt: skip


@pytest.mark.parametrize("find_wrong", FINDERS)
def test_a_chain_of_messages_has_nothing_wrong_with_it(find_wrong: Callable[..., str]) -> None:
    assert find_wrong(GOOD) == ""
    assert find_wrong(links(only=None)) == ""
    assert find_wrong({"a": {}, "b": {}}) == ""


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_link_is_found_and_the_message_at_fault_is_named(case: str) -> None:
    messages, find_wrong, culprits = WRONG[case]
    told = find_wrong(messages)
    assert [name for name in culprits if name not in told] == [], told


def test_odd_links_are_left_to_the_clauses_about_types() -> None:
    odd = {"a": {"parent": 5, "children": {"b": 1}}, "b": {"parent": ["a"], "children": [None, 7]}}
    assert [find_wrong(odd) for find_wrong in FINDERS[:4]] == ["", "", "", ""]


def remembered(before: dict[str, Any], now: dict[str, Any]) -> machines.Memory:
    shown = iter([before, now])
    driver = driver_of(Service())
    driver.message_map = lambda conversation: next(shown)  # type: ignore[method-assign]
    memory = machines.Memory(driver, Asked("talk", "q1"))
    memory.answered = [memory.waiting.pop()]
    memory.read_history()
    return memory


def said(body: str, *children: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"body": body}], "children": list(children)}


FORGOTTEN = {
    "lost question": ({"r1": said("b")}, "q1"),
    "lost reply": ({"q1": said("a", "r1")}, "r1"),
    "changed text": ({"q1": said("A", "r1"), "r1": said("b")}, "content of q1"),
    "lost child": ({"q1": said("a"), "r1": said("b")}, "children r1"),
}


@pytest.mark.parametrize("case", FORGOTTEN)
def test_the_memory_of_a_conversation_names_what_was_lost_or_changed(case: str) -> None:
    now, culprit = FORGOTTEN[case]
    memory = remembered({"q1": said("a", "r1"), "r1": said("b")}, now)
    with pytest.raises(Broken, match=culprit):
        memory.read_history()


def test_the_memory_of_a_conversation_lets_it_grow() -> None:
    before = {"q1": said("a", "r1"), "r1": said("b")}
    memory = remembered(before, {**before, "r1": said("b", "q2"), "q2": said("c")})
    memory.read_history()
    assert set(memory.seen) == {"q1", "r1", "q2"}


def answered(status: int, body: bytes, operation: str | None = "get_message") -> Exchange:
    return Exchange(Request("GET", "/", (), b"", operation), Response(status, (), body), 0.0, 0.0)


@pytest.mark.parametrize(
    ("status", "body", "operation", "accepted"),
    [
        (200, b'{"conversationId": "a", "messageId": "b"}', "post_message", True),
        (202, b'{"messageId": 5}', "post_message", True),
        (200, b'{"message": null}', "get_message", True),
        (200, b"no JSON", "get_message", True),
        (200, b'{"errors": ["gone"]}', "get_message", False),
        (200, b'{"detail": "gone"}', "get_conversation", False),
        (200, b'{"detail": "gone"}', None, True),
        (404, b'{"messageId": "b", "conversationId": "a"}', "post_message", False),
        (307, b"", "post_message", False),
        (500, b"{}", "post_message", False),
    ],
)
def test_accepted_is_what_was_done_in_whatever_shape(
    status: int, body: bytes, operation: str | None, accepted: bool
) -> None:
    assert driver_of(Service()).accepted(answered(status, body, operation)) is accepted


def test_no_answer_at_all_is_not_accepted_and_described() -> None:
    exchange = Exchange(Request("GET", "/", (), b"", "health"), None, 0.0, 0.0, "it broke off")
    driver = driver_of(Service())
    assert not driver.accepted(exchange)
    assert driver.describe(exchange) == "it broke off"


@pytest.mark.parametrize(
    "ids",
    [
        {},
        {"conversationId": "a"},
        {"conversationId": "", "messageId": 1},
        {"conversationId": "a", "messageId": {}},
    ],
)
def test_without_ids_to_go_on_with_a_case_does_not_apply(ids: dict[str, Any]) -> None:
    driver = driver_of(Service())
    with pytest.raises(NotReached, match="no ids"):
        driver.accept(answered(200, json.dumps(ids).encode(), "post_message"))
    assert driver.attempts.missed == 1


def shelled(word: str) -> str:
    """Return what a POSIX shell makes of a word, with the key in its variable."""
    environment = {**os.environ, "COUNTERFOIL_BEDROCK_API_KEY": KEY}
    command = ["sh", "-c", f"printf %s {word}"]
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout.decode()


def headers_of(command: str) -> str:
    return command.partition(f" -H '{KEY_HEADER}: '")[2].split(" --data")[0].split(" http")[0]


def test_a_command_shows_the_variable_and_sends_the_key() -> None:
    driver = driver_of(Service())
    exchange = driver.post(chat_input())
    command = curl.render(exchange.request, "http://there")
    assert KEY not in command
    assert "${COUNTERFOIL_BEDROCK_API_KEY}" in command
    assert shelled(headers_of(command)) == KEY


def test_the_other_callers_key_has_its_own_variable() -> None:
    other = driver_of(Service()).as_other()
    assert isinstance(other, BedrockDriver)
    command = curl.render(other.post(chat_input()).request, "http://there")
    assert CREDENTIALS["other_api_key"] not in command
    assert "${COUNTERFOIL_BEDROCK_OTHER_API_KEY}" in command


CUT = Change("cut to 7", (("cut", 7),), "cut -c1-7")


@pytest.mark.parametrize("change", [*key.ALTERED, CUT], ids=lambda change: change.name)
def test_a_changed_key_is_hidden_and_a_shell_changes_it_alike(change: Change) -> None:
    driver = driver_of(Service())
    request = driver.with_changed_key(driver.post_request(b"{}"), change)
    sent = dict(request.headers)[KEY_HEADER]
    assert sent == change.apply(KEY) != KEY
    command = curl.render(request, "http://there")
    assert sent not in command
    assert shelled(headers_of(command)) == sent


@pytest.mark.parametrize("text", ["a b", "a/b", "%", "é🙂", "\n", "..", "a?b#c", "\ud800"])
def test_an_id_is_one_step_of_a_path_and_decodes_to_itself(text: str) -> None:
    raw = path("conversation", text)
    assert raw.isascii() and raw.count("/") == 2 and not {"?", "#", " "} & set(raw)
    assert unquote(raw.rpartition("/")[2], errors="surrogatepass") == text


@given(requests.unmade_ids())
@settings(max_examples=200, database=None, derandomize=True)
def test_ids_that_nobody_made_are_one_short_step_of_a_path(id: str) -> None:
    assert len(id) >= 3 and "/" not in id and id not in (".", "..")
    assert len(path("conversation", id)) < 3500


@pytest.mark.parametrize("kind", ['"', "'", "\n", "🙂", "%", ".", "   ", "x" * 500])
def test_ids_that_nobody_made_are_odd_in_every_way(kind: str) -> None:
    find(
        requests.unmade_ids(),
        lambda id: kind in id,
        settings=settings(database=None, max_examples=20_000),
    )


@pytest.mark.parametrize("rule", invalid.KINDS)
def test_every_invalid_body_breaks_the_document_and_is_wrong_where_it_says(rule: str) -> None:
    operations = {operation.id: operation for operation in Document(CONTRACT.document).operations}
    post = operations["post_message"]
    _, cases = invalid.KINDS[rule]

    @given(cases)
    @settings(max_examples=60, database=None, derandomize=True)
    def judge(case: Any) -> None:
        place, body = case
        if body:
            value = json.loads(body)
            kind = "application/json"
            assert list(post.problems({}, kind, value, permitted=True)), body
            assert [list(place)] == [loc for loc, _ in problems(value)], body

    judge()


@pytest.mark.parametrize("kind", posting.KINDS)
def test_content_of_every_documented_kind_conforms_to_the_document(kind: str) -> None:
    operations = {operation.id: operation for operation in Document(CONTRACT.document).operations}
    bodies = [chat_input(posting.KINDS[kind]), *posting.NULLS.values()]
    for body in bodies:
        found = operations["post_message"].problems({}, "application/json", body, permitted=False)
        assert list(found) == []


def test_the_picture_is_a_picture() -> None:
    data = base64.b64decode(requests.PIXEL, validate=True)
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[-8:-4] == b"IEND"
    start = data.index(b"IDAT") + 4
    size = int.from_bytes(data[start - 8 : start - 4], "big")
    assert len(zlib.decompress(data[start : start + size])) == 5
    assert zlib.crc32(data[start - 4 : start + size]).to_bytes(4, "big") == data[start + size :][:4]


def test_models_that_must_be_refused_are_no_models() -> None:
    with pytest.raises(NoSuchExample):
        find(
            requests.wrong_models,
            lambda model: isinstance(model, str) and model in MODELS,
            settings=settings(max_examples=500, database=None),
        )


TYPED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all is well": ({"createTime": 1.5, "botId": None, "shouldContinue": False}, []),
    "text for a number": ({"createTime": "1"}, ["createTime"]),
    "truth for a number": ({"createTime": True}, ["createTime"]),
    "number for truth": ({"shouldContinue": 0}, ["shouldContinue"]),
    "null for a text": ({"title": None, "id": None}, ["id", "title"]),
    "list for a map": ({"messageMap": []}, ["messageMap"]),
    "what is not there": ({}, []),
}


@pytest.mark.parametrize("case", TYPED)
def test_a_field_of_the_wrong_type_is_named(case: str) -> None:
    found, wrong = TYPED[case]
    assert shape._wrong(found, shape.CONVERSATION_FIELDS) == wrong


def test_a_rank_is_an_integer_and_no_float() -> None:
    chunk = {"content": "a", "contentType": "s3", "source": "b", "rank": 1}
    good = {"usedChunks": [chunk], "feedback": None, "thinkingLog": None}
    assert shape._wrong(good, shape.MESSAGE_FIELDS) == []
    chunk["rank"] = 1.0
    assert shape._wrong(good, shape.MESSAGE_FIELDS) == ["usedChunks"]


def test_every_clause_of_a_wait_gives_the_bound_that_it_waited() -> None:
    service = Service(lost=lambda number: number == 4)
    driver = driver_of(service)
    began = service.clock.time
    bodies = {name: chat_input(name) for name in ("first", "second", "third")}
    with pytest.raises(Broken, match="not answered within 60 s: second$"):
        reply._must_all_come(driver, bodies)
    assert PATIENCE <= service.clock.time - began < PATIENCE + 5


def test_a_faulty_server_breaks_the_clause_about_its_fault_and_few_others() -> None:
    class Forgetful(Service):
        def message_map(self, turns: list[Turn]) -> dict[str, Any]:
            return super().message_map(turns[-1:])

    outcome = judged(Forgetful(), only=["bedrock.history.*", "bedrock.key.*", "bedrock.time.*"])
    found = {f.clause.id: f for f in outcome.findings if f.verdict is Verdict.BROKEN}
    assert "bedrock.history.follows_the_conversation" in found
    for id in ("bedrock.history.follows_the_conversation", "bedrock.history.loses_nothing"):
        failure = found[id].failure
        # The server falls over its own gap where it is asked to go on after a message it forgot.
        assert failure and re.search("not in the history|and gone", failure.message)
    assert "not in the history" in found["bedrock.history.loses_nothing"].reason
    assert not any(id.startswith(("bedrock.key.", "bedrock.time.")) for id in found)


def test_the_same_seed_makes_the_same_calls() -> None:
    first, second = (judged(Service(), seed=3) for _ in range(2))
    assert [(f.clause.id, f.calls) for f in first.findings] == [
        (f.clause.id, f.calls) for f in second.findings
    ]


def test_no_report_can_show_the_key() -> None:
    outcome = judged(replace(Service(), stranger=(200, {"message": "come in"})))
    broken = [finding for finding in outcome.findings if finding.failure]
    assert broken
    for finding in broken:
        assert finding.failure is not None
        for exchange in finding.failure.exchanges:
            command = curl.render(exchange.request, "http://there")
            assert KEY not in command and CREDENTIALS["other_api_key"] not in command

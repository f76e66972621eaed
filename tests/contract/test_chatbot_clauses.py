"""The clauses of the chatbot without its mock: honest servers keep all, however they differ."""

from __future__ import annotations

import itertools
import json
import random
import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

import contracts
from contracts.apis.chatbot.clauses.answer import MOST_CUTS, cuts, read_at
from contracts.apis.chatbot.driver import MAGIC, ChatbotDriver, framed, is_stream
from contracts.apis.chatbot.requests import LANGUAGES, LONG
from contracts.drawing import Drawn
from contracts.framing import Incomplete
from contracts.model import Chunk, Exchange, NotReached, Request, Response, Verdict
from contracts.report import curl
from contracts.runner import PROFILES, Finding, Outcome, Plan, choose, judge, run
from contracts.target import Target

CONTRACT = contracts.load("chatbot")
BOTS = {"bot_uid": "a bot/1", "other_bot_uid": "b"}
KEYS = BOTS | {"api_key": "key-of-$ann'", "other_api_key": "key-of-ben"}


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def one_by_one(body: bytes) -> Iterable[bytes]:
    return (body[at : at + 1] for at in range(len(body)))


def in_words(body: bytes) -> Iterable[bytes]:
    return (body[at : at + 7] for at in range(0, len(body), 7))


def all_at_once(body: bytes) -> Iterable[bytes]:
    return [body]


def ascii_json(header: Mapping[str, Any]) -> str:
    return json.dumps(header)


def pretty_json(header: Mapping[str, Any]) -> str:
    return "\r\n\t " + json.dumps(header, indent=4, ensure_ascii=False) + " \n\n"


def compact_json(header: Mapping[str, Any]) -> str:
    shuffled = dict(sorted(header.items(), reverse=True))
    return json.dumps(shuffled, separators=(",", ":"), ensure_ascii=False)


def by_status(status: int, code: int, msg: str) -> tuple[int, str, Any]:
    return status, "application/json", {"code": code, "data": None, "msg": msg, "request_id": "r"}


def by_code(status: int, code: int, msg: str) -> tuple[int, str, Any]:
    data = {"answer": "", "conversation_uid": "", "is_qa_mode": False}
    return 200, "application/json; charset=utf-8", {"msg": msg, "code": code, "data": data}


def by_detail(status: int, code: int, msg: str) -> tuple[int, str, Any]:
    problem = {"detail": [{"msg": msg}], "request": MAGIC.decode()}
    return 422 if status == 400 else status, "application/problem+json", problem


def in_words_only(status: int, code: int, msg: str) -> tuple[int, str, Any]:
    return status, "text/plain", msg


def steady(q: str, turn: int, ticket: int) -> str:
    return f"«{q}» — {len(q)} characters 🙂."


def of_the_turn(q: str, turn: int, ticket: int) -> str:
    return f"In turn {turn} you asked: {q}\n\n"


def never_twice(q: str, turn: int, ticket: int) -> str:
    return f"This is what I said {ticket} times."


def one_of_two(q: str, turn: int, ticket: int) -> str:
    return random.Random(ticket).choice(["Yes.", "Yes. We are open."])


def full_of_separators(q: str, turn: int, ticket: int) -> str:
    return f'{MAGIC.decode()}{{"answer": ""}}\n{MAGIC.decode()}\ufeff {q} '


def nothing(q: str, turn: int, ticket: int) -> str:
    return ""


@dataclass(frozen=True)
class Manners:
    """What the document leaves to a server; the defaults are the plainest."""

    refuse: Callable[[int, int, str], tuple[int, str, Any]] = by_status
    answer: Callable[[str, int, int], str] = steady
    chunks: Callable[[bytes], Iterable[bytes]] = in_words
    pause: float = 0.001
    think: float = 0.0
    header: Callable[[Mapping[str, Any]], str] = ascii_json
    stream_type: str | None = "text/plain; charset=utf-8"
    json_type: str = "application/json"
    uid: Callable[[int], str] = "00000000-0000-4000-8000-{:012d}".format
    extra: Mapping[str, Any] = field(default_factory=dict)
    docs: tuple[Any, ...] = ()
    key: bool = False
    easy_going: bool = False


class Refused(Exception):
    pass


class Chatbot:
    """An honest server, in one process and in a hundred lines, that no mock's code is in."""

    def __init__(self, manners: Manners, clock: Clock) -> None:
        self.manners = manners
        self.clock = clock
        self.turns: dict[tuple[str, str], int] = {}
        self.tickets = itertools.count(1)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        self.clock.sleep(self.manners.think)
        try:
            bot, asked = self.read(environ)
            body: Iterable[bytes]
            kind, body = self.reply(bot, asked)
            status = 200
        except Refused as refused:
            status, kind, told = self.manners.refuse(*refused.args)
            body = [told.encode() if isinstance(told, str) else json.dumps(told).encode()]
        headers = [("content-TYPE", kind)] if kind else []
        start_response(f"{status} Whatever", [*headers, ("X-Extra", "1")])
        for place, chunk in enumerate(body):
            if place:
                self.clock.sleep(self.manners.pause)
            yield chunk

    def read(self, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        known = {f"/api/v1/backend/chatbot/{bot}/chat": bot for bot in BOTS.values()}
        if path not in known:
            raise Refused(404, 40401, "no such bot")
        if environ["REQUEST_METHOD"] != "POST":
            raise Refused(405, 40501, "POST, please")
        self.let_in(known[path], environ.get("HTTP_AUTHORIZATION", ""))
        try:
            asked = json.loads(environ["wsgi.input"].read().decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise Refused(400, 40001, "not JSON") from error
        if not isinstance(asked, dict):
            raise Refused(400, 40001, "not an object")
        self.judge(asked)
        return known[path], asked

    def let_in(self, bot: str, authorization: str) -> None:
        wanted = KEYS["api_key" if bot == BOTS["bot_uid"] else "other_api_key"]
        if self.manners.key and authorization != f"Bearer {wanted}":
            raise Refused(401, 40101, "who are you?")

    def judge(self, asked: dict[str, Any]) -> None:
        q = asked.get("q")
        if not isinstance(q, str) or any("\ud800" <= char <= "\udfff" for char in q):
            raise Refused(400, 40002, "q, please")
        for name in ("conversation_uid", "language"):
            if not isinstance(asked.get(name), str | None):
                raise Refused(400, 40003, f"{name} is a string")
        spelt: tuple[Any, ...] = ("true", "false", 1, 0) if self.manners.easy_going else ()
        stream = asked.get("stream")
        if not isinstance(stream, bool | None) and not (
            isinstance(stream, str | int) and stream in spelt
        ):
            raise Refused(400, 40004, "stream is a boolean")
        if not self.manners.easy_going:
            if not q.strip():
                raise Refused(400, 40002, "q is blank")
            if (asked.get("language") or "auto") not in LANGUAGES:
                raise Refused(400, 40005, "no such language")

    def reply(self, bot: str, asked: dict[str, Any]) -> tuple[str | None, Iterable[bytes]]:
        ticket = next(self.tickets)
        place = (bot, asked.get("conversation_uid") or self.manners.uid(ticket))
        if asked.get("conversation_uid") and place not in self.turns:
            if not self.manners.easy_going:
                raise Refused(404, 40402, "no such conversation")
            place = (bot, self.manners.uid(ticket))
        self.turns[place] = self.turns.get(place, 0) + 1
        answer = self.manners.answer(asked["q"], self.turns[place], ticket)
        fields = {"answer": answer, "conversation_uid": place[1], "is_qa_mode": ticket % 2 == 0,
                  "question": asked["q"], "system_message": "é" * (ticket % 3),
                  **self.manners.extra}  # fmt: skip
        if asked.get("stream") in (True, "true"):
            head = self.manners.header({**fields, "answer": "", "related_docs": self.manners.docs})
            # The escape of the first digit would end in that digit, and so change nothing.
            whole = head.replace(MAGIC.decode(), f"6\\u0034{MAGIC.decode()[2:]}").encode() + MAGIC
            return self.manners.stream_type, self.manners.chunks(whole + answer.encode())
        envelope = {"request_id": self.manners.uid(-ticket), "msg": "Fine.", "data": fields,
                    "code": 0, **self.manners.extra}  # fmt: skip
        return self.manners.json_type, [json.dumps(envelope).encode()]


def held_to(
    manners: Manners, *only: str, seed: int = 0, profile: str = "quick", drawn: Drawn | None = None
) -> Outcome:
    clock = Clock()
    target = Target("http://honest.test", app=Chatbot(manners, clock), clock=clock)
    plan = Plan(choose(CONTRACT.clauses, only), PROFILES[profile], seed, drawn=drawn)
    *_, outcome = run(CONTRACT, target, KEYS if manners.key else BOTS, plan)
    assert isinstance(outcome, Outcome)
    return outcome


def not_kept(outcome: Outcome) -> dict[str, str]:
    return {
        finding.clause.id.removeprefix("chatbot."): f"{finding.verdict}: {finding.reason}"
        for finding in outcome.findings
        if finding.verdict is not Verdict.KEPT
    }


KEYED = {"access.key_missing", "access.key_wrong", "conversation.other_caller"}
TIMED = {"stream.header_first"}
STEADY = {"answer.at_once", "answer.no_trailer", "answer.same_words"}

# Honest servers, with what cannot be judged of each.
HONEST: dict[str, tuple[Manners, set[str]]] = {
    "plain": (Manners(), KEYED),
    "another in everything": (
        Manners(
            refuse=by_code,
            answer=of_the_turn,
            chunks=one_by_one,
            header=pretty_json,
            stream_type="text/event-stream",
            json_type="application/json;charset=UTF-8",
            uid="conv {} é".format,
            extra={"usage": {"tokens": 5}, "error": None, "related_questions": []},
            docs=({"title": "Ü", "code": 7}, "https://docs.example/1"),
        ),
        KEYED,
    ),
    "with keys, quick": (
        Manners(
            refuse=by_detail,
            chunks=all_at_once,
            header=compact_json,
            stream_type="application/octet-stream",
            uid="{:x}".format,
            key=True,
        ),
        TIMED,
    ),
    "slow to begin, and never the same twice": (
        Manners(answer=never_twice, chunks=all_at_once, think=3.0, refuse=in_words_only),
        KEYED | TIMED | STEADY,
    ),
    "of two minds": (Manners(answer=one_of_two), KEYED | STEADY),
    "full of separators": (
        Manners(answer=full_of_separators, header=pretty_json),
        KEYED | {"stream.separated_once"},
    ),
    "with nothing to say": (Manners(answer=nothing), KEYED | TIMED),
}


DRAWN = Drawn()
"""What the seeds draw, drawn once for all the servers that are held to it."""


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", HONEST)
def test_an_honest_server_keeps_every_clause_however_it_differs(name, seed):
    manners, unjudged = HONEST[name]
    outcome = held_to(manners, seed=seed, drawn=DRAWN)
    assert outcome.trouble == ""
    found = not_kept(outcome)
    assert {id: said for id, said in found.items() if not said.startswith("untested")} == {}
    # A server of two minds may be of one mind for all the cases of a clause.
    assert set(found) == unjudged or (name == "of two minds" and set(found) <= unjudged)


@pytest.mark.parametrize("name", ["plain", "another in everything"])
def test_an_honest_server_keeps_every_clause_by_the_standard_profile(name):
    manners, unjudged = HONEST[name]
    assert set(not_kept(held_to(manners, profile="standard"))) == unjudged


@pytest.mark.parametrize("seed", range(5))
def test_a_server_of_two_minds_is_not_blamed_for_its_streams(seed):
    outcome = held_to(Manners(answer=one_of_two), "chatbot.answer.*", seed=seed, profile="standard")
    assert "broken" not in [finding.verdict for finding in outcome.findings]


@pytest.mark.parametrize("seed", range(5))
def test_what_no_document_promises_is_a_deviation_at_most(seed):
    manners = Manners(
        easy_going=True, stream_type=("application/json", None, "image/png")[seed % 3]
    )
    outcome = held_to(manners, seed=seed)
    found = {id: said.partition(":")[0] for id, said in not_kept(outcome).items()}
    chosen = ("parameters.q_empty", "parameters.language_known", "conversation.unknown")
    assert {id for id, verdict in found.items() if verdict == "deviation"} == {
        *chosen, "stream.content_type",
    }  # fmt: skip
    assert {id for id, verdict in found.items() if verdict == "untested"} == KEYED
    assert outcome.verdict is Verdict.KEPT


def exchange(body: bytes, kind: str = "text/plain", status: int = 200) -> Exchange:
    response = Response(status, (("Content-Type", kind),), body, (Chunk(0.1, body),))
    return Exchange(Request("POST", "/"), response, 0.0, 0.1)


def told(body: Any, status: int = 200) -> Exchange:
    return exchange(json.dumps(body).encode(), "application/json", status)


def driver(target: Any = None, credentials: Mapping[str, str] = BOTS) -> ChatbotDriver:
    return ChatbotDriver(CONTRACT, target, credentials)


DATA = {"answer": "a", "conversation_uid": "u"}


@pytest.mark.parametrize(
    "answered",
    [
        told({"code": 0, "data": DATA}),
        told({"code": 0}),
        told({"code": "0", "data": None}),
        told({"code": 0.0, "data": DATA}),
        told({"code": True, "data": DATA}),
        told({"code": None, "data": DATA}),
        told({"code": ["?"], "data": DATA}),
        told({"code": 200, "msg": "Success.", "data": DATA}),
        told({"data": DATA}),
        told(DATA),
        told({"result": {"code": 0, "data": DATA}}),
        told({"code": 0, "data": {"answer": MAGIC.decode()}}),
        exchange(b"{}" + MAGIC + b"answer"),
        exchange(MAGIC + b"answer{}", "application/json"),
        exchange(b'{"answer": ""}\nanswer'),
        exchange(b'{"answer": ""}'),
        exchange(b'{"code": 0, "data": {"answer": "a"', "application/json"),
    ],
)
def test_what_was_done_in_an_odd_shape_is_accepted_for_the_strict_clauses_to_judge(answered):
    assert driver().accepted(answered)


@pytest.mark.parametrize(
    "refused",
    [
        told({"code": 40001, "data": None, "msg": "no"}),
        told({"code": "40001", "data": None, "msg": "no"}),
        told({"code": 40001, "data": DATA, "msg": "no"}),
        told({"code": 10**400, "data": None}),
        told({"code": 40001, "data": None, "msg": MAGIC.decode()}),
        told({"code": 0, "data": DATA}, 400),
        told({"code": 0, "data": DATA}, 302),
        told({"detail": "no"}),
        told({"code": True, "data": None}),
        exchange(b'{"code": 1}\n' + MAGIC + b"no"),
        exchange(b"{}" + MAGIC + b"answer", status=500),
        exchange(b"<html>", "text/html"),
        exchange(b""),
        Exchange(Request("POST", "/"), None, 0.0, 30.0, "the answer had no end after 30 s"),
    ],
)
def test_what_was_turned_down_in_any_way_is_not_accepted(refused):
    assert not driver().accepted(refused)
    with pytest.raises(NotReached):
        driver().must(refused)


def test_a_stream_is_told_from_json_that_quotes_the_magic_number():
    assert is_stream(exchange(b"{}" + MAGIC))
    assert not is_stream(told({"data": {"question": MAGIC.decode()}}))
    assert not is_stream(exchange(b"{}"))


def test_a_stream_is_read_from_its_chunks_as_they_came():
    body = b'{"question": "\xc3\xa9"}' + MAGIC + "é".encode()
    chunks = tuple(Chunk(0.0, body[at : at + 3]) for at in range(0, len(body), 3))
    asked = Exchange(Request("POST", "/"), Response(200, (), body, chunks), 0.0, 0.0)
    assert (framed(asked).answer, driver().header(asked)) == ("é", {"question": "é"})
    with pytest.raises(Incomplete):
        framed(exchange(body[:30]))


def test_a_refusal_is_described_by_its_code_and_message():
    said = driver().describe(told({"code": 40002, "msg": "q is required"}, 400))
    assert said == "HTTP 400, code 40002: 'q is required'"
    assert driver().describe(exchange(b"no", status=502)) == "HTTP 502 no"


@pytest.mark.parametrize("length", [10, MOST_CUTS - 40, MOST_CUTS, 3 * MOST_CUTS + 1])
def test_a_body_is_cut_everywhere_if_it_is_short_and_else_where_it_matters(length):
    body = b"{" + b" " * length + b"}" + MAGIC + "é".encode() * length
    places = set(cuts(body))
    if len(body) <= MOST_CUTS:
        assert places == set(range(len(body) + 1))
    begin = body.find(MAGIC)
    assert places >= set(range(begin, begin + len(MAGIC) + 1))
    assert len(places) <= MOST_CUTS + 50
    assert max(places) <= len(body)
    assert {read_at(body, cut) for cut in places} == {(body[:begin], "é" * length)}


def test_every_request_names_the_key_in_it_and_nothing_is_hidden_without_one():
    with_key = driver(credentials=KEYS).request(b"{}")
    (hidden,) = with_key.hidden
    assert ("Authorization", f"Bearer {hidden.value}") in with_key.headers
    assert hidden.label == "$COUNTERFOIL_CHATBOT_API_KEY"
    other = driver(credentials=KEYS).other_caller().request(b"{}")
    assert [one.label for one in other.hidden] == ["$COUNTERFOIL_CHATBOT_OTHER_API_KEY"]
    plain = driver().request(b"{}")
    assert (plain.hidden, plain.target) == ((), "/api/v1/backend/chatbot/a%20bot%2F1/chat")
    assert "Authorization" not in dict(plain.headers)


def test_a_request_that_was_made_elsewhere_gets_the_key_in_the_place_of_its_own():
    strange = Request("POST", "/x", (("authorization", "Bearer nobody"), ("A", "b")))
    headers = driver(credentials=KEYS).authorize(strange).headers
    assert headers == (("A", "b"), ("Authorization", f"Bearer {KEYS['api_key']}"))
    assert driver().authorize(strange) is strange


class Recorder:
    """A target that keeps what is sent, and answers as it is told."""

    url = "http://recorder.test"
    calls = 0

    def __init__(self, answer: Callable[[Request], Exchange]) -> None:
        self.answer = answer
        self.requests: list[Request] = []

    def send(self, request: Request) -> Exchange:
        self.requests.append(request)
        self.calls += 1
        found = self.answer(request)
        return Exchange(request, found.response, found.at, found.duration, found.failure)


def judged(id: str, answer: Callable[[Request], Exchange], profile: str = "quick") -> Finding:
    (clause,) = choose(CONTRACT.clauses, [f"chatbot.{id}"])
    plan = Plan((clause,), PROFILES[profile])
    return judge(clause, driver(Recorder(answer), KEYS), plan)


def test_a_wrong_key_is_shown_as_its_variable_and_made_anew_by_a_shell():
    good = f"Bearer {KEYS['api_key']}"

    def answer(request: Request) -> Exchange:
        right = dict(request.headers).get("Authorization") == good
        return told({"code": 0 if right else 40101, "data": DATA if right else None})

    recorder = Recorder(answer)
    (clause,) = choose(CONTRACT.clauses, ["chatbot.access.key_wrong"])
    asking = driver(recorder, KEYS)
    assert judge(clause, asking, Plan((clause,), PROFILES["standard"])).verdict is Verdict.KEPT
    sent = {dict(request.headers)["Authorization"]: request for request in recorder.requests}
    assert {f"{good}x", good[:-1], good} < set(sent)
    for header, request in sent.items():
        written = curl.render(request, recorder.url)
        if header.startswith(good[:-1]):
            assert KEYS["api_key"][:-1] not in written
        assert header in _arguments(written)


def _arguments(command: str) -> str:
    script = command.replace("curl ", "printf '%s\\n' ", 1)
    set_up = f"COUNTERFOIL_CHATBOT_API_KEY={shlex.quote(KEYS['api_key'])}; {script}"
    return subprocess.run(["sh", "-c", set_up], capture_output=True, text=True, check=True).stdout


def streaming(first: float, last: float, pieces: int, body: bytes) -> Exchange:
    """A stream in equal pieces, the first after `first` seconds and the last after `last`."""
    size = -(-len(body) // pieces)
    step = (last - first) / max(1, pieces - 1)
    chunks = tuple(
        Chunk(first + step * place, body[place * size : (place + 1) * size])
        for place in range(pieces)
    )
    assert b"".join(chunk.data for chunk in chunks) == body
    response = Response(200, (("Content-Type", "text/plain"),), body, chunks)
    return Exchange(Request("POST", "/"), response, 0.0, last)


SHORT_STREAM = b"{}" + MAGIC + b"Hello."
LONG_STREAM = b"{}" + MAGIC + b"The whole story. " * 60


@pytest.mark.parametrize(
    ("long", "short", "verdict"),
    [
        (streaming(2.0, 2.0, 1, LONG_STREAM), streaming(0.3, 0.3, 1, SHORT_STREAM), "broken"),
        (streaming(0.3, 0.3, 1, LONG_STREAM), streaming(0.0, 0.0, 1, SHORT_STREAM), "broken"),
        # Too quick; slow to begin, whatever the length; as short as the short one.
        (streaming(0.2, 0.2, 1, LONG_STREAM), streaming(0.0, 0.0, 1, SHORT_STREAM), "untested"),
        (streaming(9.0, 9.0, 1, LONG_STREAM), streaming(8.9, 8.9, 1, SHORT_STREAM), "untested"),
        (streaming(9.0, 9.0, 1, SHORT_STREAM), streaming(0.1, 0.1, 1, SHORT_STREAM), "untested"),
        (streaming(1.9, 2.0, 9, LONG_STREAM), streaming(0.3, 0.3, 1, SHORT_STREAM), "kept"),
    ],
)
def test_a_stream_is_held_back_only_if_its_length_is_waited_for(long, short, verdict):
    def answer(request: Request) -> Exchange:
        return long if json.loads(request.body)["q"] == LONG else short

    assert judged("stream.header_first", answer).verdict == verdict


def test_a_stream_with_the_separator_in_its_last_piece_only_was_held_back():
    # The header came early, but nobody could know that it was complete.
    body = b'{"answer": ""' + b" " * 2000 + b"}" + MAGIC + b"The whole story. "
    long = streaming(0.1, 2.0, 2, body)
    assert MAGIC not in long.response.chunks[0].data
    assert MAGIC in long.response.chunks[1].data

    def answer(request: Request) -> Exchange:
        is_long = json.loads(request.body)["q"] == LONG
        return long if is_long else streaming(0.1, 0.1, 1, b"{}" + MAGIC + b"Hi.")

    assert judged("stream.header_first", answer).verdict == "broken"


def test_a_stream_without_an_end_breaks_the_clause_about_its_end_and_no_other():
    def answer(request: Request) -> Exchange:
        if json.loads(request.body).get("stream"):
            return Exchange(request, None, 0.0, 30.0, "the answer had no end after 30 s")
        return told({"code": 0, "msg": "", "request_id": "r", "data": DATA})

    finding = judged("stream.ends", answer)
    assert finding.verdict == "broken"
    assert "30 s" in finding.reason
    for id in ("stream.separated", "header.json", "answer.utf_8", "answer.same_words"):
        assert judged(id, answer).verdict == "untested"
    assert judged("stream.accepted", answer).verdict == "kept"


def twofold(whole: str, streamed: bytes) -> Callable[[Request], Exchange]:
    def answer(request: Request) -> Exchange:
        if json.loads(request.body).get("stream"):
            return exchange(b"{}" + MAGIC + streamed)
        return told({"code": 0, "data": {**DATA, "answer": whole}})

    return answer


@pytest.mark.parametrize(
    ("streamed", "broken"),
    [
        ("Olá.".encode(), None),
        ("\nOlá.".encode(), "at_once"),
        (MAGIC + "Olá.".encode(), "at_once"),
        ("\ufeffOlá.".encode(), "at_once"),
        ("Olá.\n".encode(), "no_trailer"),
        ("Olá.[DONE]".encode(), "no_trailer"),
        (b"", "same_words"),
        ("Olá".encode(), "same_words"),
        ("O\ufffd.".encode(), "same_words"),
        (b"Hello.", "same_words"),
        ("Olá.".encode("latin-1"), "utf_8 same_words"),
        ("Olá".encode()[:-1], "utf_8 same_words"),
    ],
)
def test_what_a_stream_adds_or_loses_breaks_the_clause_about_it_and_no_other(streamed, broken):
    answer = twofold("Olá.", streamed)
    ids = ("at_once", "no_trailer", "same_words", "utf_8")
    found = [id for id in ids if judged(f"answer.{id}", answer).verdict == "broken"]
    assert sorted(found) == sorted(broken.split() if broken else [])


def test_a_difference_is_blamed_on_the_stream_only_if_the_server_says_the_same_every_time():
    said = itertools.count()

    def answer(request: Request) -> Exchange:
        return twofold(f"{next(said)}.", b"Other words.")(request)

    finding = judged("answer.same_words", answer)
    assert finding.verdict == "untested"
    assert "same words" in finding.reason


def test_a_server_that_only_remembers_the_very_request_is_not_taken_for_one_that_says_the_same():
    said = itertools.count()
    remembered: dict[bytes, str] = {}

    def answer(request: Request) -> Exchange:
        text = remembered.setdefault(request.body, f"{next(said)}.")
        return twofold(text, text.encode())(request)

    assert judged("answer.same_words", answer).verdict == "untested"
    assert len(remembered) > 8


def test_a_server_that_is_asked_too_often_has_not_refused_what_was_promised():
    calls = itertools.count()

    def answer(request: Request) -> Exchange:
        if next(calls) % 3 == 2:
            return told({"detail": "slow down"}, 429)
        return told({"code": 0, "data": DATA})

    for id in ("parameters.languages", "parameters.defaults", "conversation.continued"):
        assert judged(id, answer).verdict in ("kept", "untested")


@pytest.mark.parametrize(
    ("refusal", "verdict"),
    [
        (told({"code": 40001, "data": None}, 400), "kept"),
        (told({"code": 40001, "data": None}, 200), "kept"),
        (told({"detail": "no"}, 422), "kept"),
        (exchange(b"no", status=400), "kept"),
        (told({"code": 0, "data": None}, 400), "broken"),
        (told({"code": "0", "data": None}, 400), "broken"),
        (told({"code": False}, 404), "broken"),
    ],
)
def test_a_refusal_may_be_written_in_any_way_but_with_code_0(refusal, verdict):
    assert judged("refusal.code", lambda request: refusal, "standard").verdict == verdict


def test_every_documented_language_is_asked_for_even_by_the_quick_profile():
    asked = []

    def answer(request: Request) -> Exchange:
        asked.append(json.loads(request.body).get("language"))
        return told({"code": 0, "data": DATA})

    assert judged("parameters.languages", answer).verdict is Verdict.KEPT
    assert asked == list(LANGUAGES)
    assert len(LANGUAGES) == 15

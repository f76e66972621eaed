from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import contracts
from contracts.driver import Driver
from contracts.likeness import Likeness
from contracts.model import (
    Basis,
    Contract,
    Credential,
    Exchange,
    Failure,
    Finding,
    Hidden,
    Recipe,
    Request,
    Response,
    Verdict,
    clause,
)
from contracts.replay import Maker, Word, replay
from contracts.report import as_json
from contracts.runner import PROFILES, Outcome, Plan, run
from contracts.stored import StoredFailure, read
from contracts.target import Target
from counterfoil import wiring
from mockserver.clock import VirtualClock

SECRET = "the-key-of-this-caller"


class EchoDriver(Driver):
    secret_headers = frozenset({"x-key"})
    volatile = frozenset({"id", "number"})
    prose = frozenset({"said"})

    def accepted(self, exchange: Exchange) -> bool:
        return 200 <= exchange.status < 300


@clause("echo.say.same", basis=Basis.DOCUMENTED, source="Say")
def same(driver: Driver) -> None:
    """What is said is answered."""


CONTRACT = Contract(
    "echo",
    "Echo",
    None,
    (Credential("key", "a key"), Credential("room", "a room", secret=False)),
    Path("openapi.yaml"),
    EchoDriver,
    (same,),
)
KEY = Hidden(SECRET, "$COUNTERFOIL_ECHO_KEY", "", Recipe(credential="key"))


def exchange(
    request: Request, value: Any, status: int = 200, at: float = 0.0, seconds: float = 0.0
) -> Exchange:
    body = json.dumps(value).encode()
    headers = (("Content-Type", "application/json"),)
    return Exchange(request, Response(status, headers, body), at, seconds)


def stored(*exchanges: Exchange, room: str = "lobby") -> StoredFailure:
    """What is read back of a report on a failure with these exchanges."""
    credentials = {"key": SECRET, "room": room}
    finding = Finding(same, Verdict.BROKEN, "it differs", failure=Failure("it differs", exchanges))
    outcome = Outcome(
        CONTRACT, Plan((same,)), "http://echo.test", [finding], credentials=credentials
    )
    text = as_json.render([outcome])
    assert SECRET not in text
    [report] = read(text.encode(), "r.json")
    return report.failures[0]


class Scripted:
    """An application that answers with what it is given, and remembers what it was asked."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self._answers = iter(answers)
        self._last: tuple[int, Any] = (500, None)
        self.asked: list[tuple[str, str, bytes]] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        target = environ["PATH_INFO"] + ("?" + environ["QUERY_STRING"]).rstrip("?")
        body = environ["wsgi.input"].read()
        self.asked.append((target, environ.get("HTTP_X_KEY", ""), body))
        self._last = next(self._answers, self._last)
        start(f"{self._last[0]} x", [("Content-Type", "application/json")])
        return iter([json.dumps(self._last[1]).encode()])


def driver(app: Scripted, **credentials: str) -> EchoDriver:
    target = Target("http://echo.test", app=app, clock=VirtualClock())
    return EchoDriver(CONTRACT, target, {"key": "mine", "room": "hall", **credentials})


def test_ids_secrets_and_credentials_are_those_of_the_new_caller_and_its_answers():
    first = exchange(
        Request("POST", "/rooms/lobby", body=b'{"a": "lobby"}'), {"id": "id-1", "number": 7}
    )
    second = exchange(
        Request("GET", "/items/id-1?number=7&x=7", (("X-Key", SECRET),), hidden=(KEY,)), {"ok": 1}
    )
    app = Scripted((200, {"id": "id/2", "number": 9}), (200, {"ok": 1}))
    done = replay(stored(first, second), driver(app))
    assert done.word is Word.AGAIN, done.reason
    assert app.asked == [
        ("/rooms/hall", "", b'{"a": "hall"}'),
        ("/items/id/2?number=9&x=7", "mine", b""),
    ]


def test_a_failure_is_told_from_another_answer_and_from_one_that_was_not_reached():
    first, second = (exchange(Request("POST", path), {"code": 1}) for path in ("/a", "/b"))
    failure = stored(first, second)
    for answers, word, step in (
        ([(200, {"code": 1}), (200, {"code": 1})], Word.AGAIN, 2),
        ([(200, {"code": 1}), (200, {"code": 2})], Word.NOT_AGAIN, 2),
        ([(200, {"code": 1}), (403, {})], Word.NOT_AGAIN, 2),
        ([(200, {"code": 2})], Word.NOT_AGAIN, 1),
        ([(403, {})], Word.CANNOT, 1),
    ):
        done = replay(failure, driver(Scripted(*answers)))
        assert (done.word, done.step) == (word, step), done.reason


def test_an_answer_that_was_waited_for_may_come_sooner_or_later():
    ask = Request("GET", "/reply")
    failure = stored(
        exchange(ask, {"no": "t"}, 404, 0.0), exchange(ask, {"no": "t"}, 404, 1.0),
        exchange(ask, {"code": 1}, at=2.0),
    )  # fmt: skip
    not_yet, there = (404, {"no": "t"}), (200, {"code": 1})
    for before in (0, 1, 2, 5):
        app = Scripted(*[not_yet] * before, there)
        assert replay(failure, driver(app)).word is Word.AGAIN
        assert len(app.asked) == before + 1
    never = replay(failure, driver(Scripted(not_yet)))
    assert never.word is Word.NOT_AGAIN and "does not change any more" in never.reason
    other = replay(failure, driver(Scripted(not_yet, (200, {"code": 2}))))
    assert other.word is Word.NOT_AGAIN and other.now is not None and other.now.status == 200


def test_an_answer_that_was_no_refusal_is_not_skipped():
    ask = Request("GET", "/reply")
    failure = stored(exchange(ask, {"half": 1}), exchange(ask, {"code": 1}, at=1.0))
    whole = (200, {"code": 1})
    assert replay(failure, driver(Scripted((200, {"half": 1}), whole))).word is Word.AGAIN
    assert replay(failure, driver(Scripted(whole))).word is Word.NOT_AGAIN


def test_an_answer_that_never_came_is_asked_for_as_often_and_as_long():
    ask = Request("GET", "/reply")
    failure = stored(*(exchange(ask, {"no": "t"}, 404, at) for at in (0.0, 20.0, 50.0)))
    app = Scripted((404, {"no": "t"}))
    one = driver(app)
    assert replay(failure, one).word is Word.AGAIN
    assert len(app.asked) == 3 and one.clock.now() - driver(app).clock.now() >= 49.0
    assert replay(failure, driver(Scripted((200, {"code": 1})))).word is Word.NOT_AGAIN


def test_what_was_there_at_once_is_asked_for_again_where_a_server_is_slower():
    failure = stored(exchange(Request("GET", "/reply"), {"code": 1}))
    late = Scripted(*[(404, {})] * 4, (200, {"code": 1}))
    assert replay(failure, driver(late)).word is Word.AGAIN
    gone = Scripted((404, {}))
    assert replay(failure, driver(gone)).word is Word.NOT_AGAIN
    assert len(gone.asked) < 30


def test_the_same_request_twice_gives_each_its_own_answer():
    new = Request("POST", "/new")
    use = Request("POST", "/use", body=b'{"id": "id-1", "other": "id-2"}')
    failure = stored(
        exchange(new, {"id": "id-1"}), exchange(new, {"id": "id-2"}), exchange(use, {})
    )
    app = Scripted((200, {"id": "id-8"}), (200, {"id": "id-9"}), (200, {}))
    assert replay(failure, driver(app)).word is Word.AGAIN
    assert app.asked[-1][2] == b'{"id": "id-8", "other": "id-9"}'


def test_a_failure_waits_no_longer_than_anybody_would():
    ask = Request("GET", "/reply")
    failure = stored(*(exchange(ask, {}, at=59.0 * at) for at in range(8)))
    app = Scripted((200, {}))
    done = replay(failure, driver(app))
    assert (done.word, app.asked) == (Word.CANNOT, [])
    assert "it waits for 413 s, more than 300" in done.reason


def test_what_was_made_long_before_is_not_waited_for():
    failure = stored(
        exchange(Request("GET", "/a"), {}, at=0.0), exchange(Request("GET", "/b"), {}, at=5000.0)
    )
    one = driver(Scripted((200, {})))
    began = one.clock.now()
    assert replay(failure, one).word is Word.AGAIN
    assert one.clock.now() - began < 1


def test_a_failure_without_a_request_cannot_be_replayed():
    assert replay(stored(), driver(Scripted())).word is Word.CANNOT


def test_a_secret_that_a_request_holds_in_an_unknown_way_is_left_out_and_said():
    failure = stored(exchange(Request("GET", f"/a?b={SECRET.replace('-', '%2D')}"), {}))
    done = replay(failure, driver(Scripted()))
    assert done.word is Word.CANNOT and "in a way that cannot be made anew" in done.reason


def test_an_id_that_the_new_answer_does_not_have_is_said():
    first = exchange(Request("POST", "/a"), {"deep": [{"id": "id-1"}]})
    failure = stored(first, exchange(Request("GET", "/id-1"), {}))
    likeness_of_nothing = Scripted((200, {"deep": [{"id": None}]}))
    done = replay(failure, driver(likeness_of_nothing))
    assert done.word is Word.NOT_AGAIN and "deep[0].id" in done.reason


@given(value=st.text(min_size=4, max_size=12), other=st.text(min_size=1, max_size=12))
def test_an_id_is_written_as_the_old_one_was_wherever_it_stood(value, other):
    body = json.dumps({"thing": value}).encode()
    first = exchange(Request("POST", "/a"), {"id": value})
    second = exchange(Request("POST", "/b", body=body), {})
    app = Scripted((200, {"id": other}), (200, {}))
    done = replay(stored(first, second), driver(app))
    if done.word is Word.AGAIN:
        assert json.loads(app.asked[-1][2]) == {"thing": other if value != "lobby" else "hall"}


FAULTS = {
    "genesis": ("signature.any_accepted", "robustness.lone_surrogate", "robustness.malformed"),
    "bedrock": ("key.any_will_do", "crash.malformed_json", "crash.odd_id_in_path"),
    "chatbot": ("identity.wrong_key_accepted", "robustness.invalid_utf_8_fails"),
    "mtmai": ("auth.nothing_needed", "robustness.deep_500", "robustness.odd_chat_500"),
}


@pytest.mark.parametrize("api", FAULTS)
def test_for_the_same_caller_and_the_same_answers_requests_are_made_anew_byte_for_byte(api):
    contract, clock, known = contracts.load(api), VirtualClock(), wiring.all_credentials(api)
    faults = [f"{api}.{fault}" for fault in FAULTS[api]]
    made = wiring.mocks([api], clock=clock, credentials=known, faults=faults)
    target = Target("http://127.0.0.1:8600", app=made.app.wsgi_app, clock=clock)
    *_, outcome = run(contract, target, known, Plan(contract.clauses, PROFILES["quick"]))
    assert isinstance(outcome, Outcome)
    [report] = read(as_json.render([outcome]).encode(), "r.json")
    broken = [finding.failure for finding in outcome.findings if finding.failure]
    assert len(broken) == len(report.failures) > 4
    anew_made = 0
    for failure, found in zip(broken, report.failures, strict=True):
        for nth, (exchange, asked) in enumerate(zip(failure.exchanges, found.asked, strict=True)):
            driver = contract.driver(contract, target, known)
            answers = list(failure.exchanges[:nth])
            request = Maker(driver, answers, Likeness(contract.driver)).request(asked)
            sent = exchange.request
            assert (request.method, request.target) == (sent.method, sent.target)
            assert (request.headers, request.body) == (sent.headers, sent.body)
            assert {hidden.label for hidden in request.hidden} <= {h.label for h in sent.hidden}
            anew_made += any(not isinstance(piece, str) for piece in (*asked.target, *asked.body))
    assert anew_made or api == "bedrock"

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.driver import Attempts, Driver, GaveUp
from contracts.model import Contract, Credential, Exchange, Hidden, NotReached, Request, Response
from contracts.target import Target

CONTRACT = Contract(
    name="echo",
    title="Echo",
    base_url=None,
    credentials=(Credential("key", "a key"), Credential("other_key", "another", required=False)),
    document=Path("openapi.yaml"),
    driver=Driver,
    clauses=(),
)
CREDENTIALS = {"key": "first-key", "user": "ann", "other_key": "second-key", "other_user": "ben"}


class Clock:
    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


class EchoDriver(Driver):
    def accepted(self, exchange: Exchange) -> bool:
        return exchange.status == 200


def app(environ, start_response):
    """Answer with the status that the path names."""
    start_response(f"{environ['PATH_INFO'].strip('/')} Said", [])
    return [b"body"]


def driver(clock: Clock | None = None) -> EchoDriver:
    return EchoDriver(CONTRACT, Target("http://echo.test", app=app, clock=clock), CREDENTIALS)


def request(status: int, operation: str | None = "say") -> Request:
    return Request("GET", f"/{status}", operation=operation)


def exchange(status: int, operation: str | None = "say") -> Exchange:
    return Exchange(request(status, operation), Response(status, (), b"body"), 0.0, 0.0)


def test_what_is_sent_is_kept_and_counted_by_operation_and_answer():
    caller = driver()
    kept = [caller.send(request(status)) for status in (200, 403, 200, 404)]
    caller.send(request(500, "hear"))
    caller.send(request(200, None))
    caller.send(request(400, None))
    assert caller.exchanges[:4] == kept and len(caller.exchanges) == 7
    assert caller.accepted_operations == {"say": 2}
    assert {name: one.status for name, one in caller.refusals.items()} == {"say": 404, "hear": 500}


def test_must_hands_on_what_was_accepted_and_ends_the_case_otherwise():
    caller, good, bad = driver(), exchange(200), exchange(403)
    assert caller.must(good) is good
    with pytest.raises(NotReached, match="^say was turned down: HTTP 403 body$"):
        caller.must(bad)
    assert (caller.attempts.missed, caller.attempts.reason) == (
        1, "say was turned down: HTTP 403 body"
    )  # fmt: skip
    with pytest.raises(NotReached, match="^GET was turned down: HTTP 403 body$"):
        caller.must(exchange(403, None))


def test_must_not_hands_on_what_was_turned_down_and_ends_the_case_otherwise():
    caller, good, bad = driver(), exchange(200), exchange(403)
    assert caller.must_not(bad) is bad
    with pytest.raises(NotReached, match="say was accepted"):
        caller.must_not(good)
    assert caller.attempts.missed == 1


def test_eight_misses_without_a_hit_are_enough():
    caller = driver()
    for _ in range(Attempts.MOST_MISSES - 1):
        with pytest.raises(NotReached):
            caller.must(exchange(403))
    with pytest.raises(GaveUp):
        caller.must(exchange(403))


def test_misses_after_a_hit_are_never_enough():
    caller = driver()
    caller.attempts.reached = 1
    for _ in range(50):
        with pytest.raises(NotReached):
            caller.must(exchange(403))


@pytest.mark.parametrize(
    ("status", "refused"), [(200, False), (400, True), (403, True), (499, True), (500, False)]
)
def test_a_refusal_is_an_answer_that_is_no_success_and_no_failure_of_the_server(status, refused):
    assert driver().refused(exchange(status)) is refused


def test_no_answer_is_no_refusal_and_is_described_by_its_failure():
    silence = Exchange(request(200), None, 0.0, 0.0, "it broke off")
    assert not driver().refused(silence)
    assert driver().describe(silence) == "it broke off"


def test_what_is_done_at_once_is_asked_once():
    clock = Clock()
    answers = driver(clock).eventually(lambda: exchange(200), lambda one: True, 10.0)
    assert (len(answers), clock.pauses) == (1, [])


def test_what_is_done_after_a_while_is_asked_until_then_and_all_answers_are_kept():
    clock = Clock()
    found = driver(clock).eventually(
        lambda: exchange(200 if clock.time > 1 else 202), lambda one: one.status == 200, 10.0
    )
    assert [one.status for one in found] == [202] * (len(found) - 1) + [200]
    assert 1 < clock.time < 2


def test_what_is_never_done_is_given_up_after_the_time_with_few_calls_and_growing_pauses():
    clock = Clock()
    answers = driver(clock).eventually(lambda: exchange(202), lambda one: False, 60.0)
    assert 60 <= clock.time <= 62
    assert len(answers) == len(clock.pauses) + 1 < 45
    assert clock.pauses == sorted(clock.pauses) and clock.pauses[-1] == 2.0


def test_no_pause_is_longer_than_the_whole_wait():
    clock = Clock()
    driver(clock).eventually(lambda: exchange(202), lambda one: False, 0.01)
    assert clock.pauses == [0.01]


def test_the_other_caller_has_the_other_credentials_and_notes_what_it_does_in_the_same_place():
    first = driver()
    other = first.as_other()
    assert type(other) is EchoDriver
    assert other.credentials == {"key": "second-key", "user": "ben"}
    other.send(request(200))
    other.send(request(403))
    with pytest.raises(NotReached):
        other.must(exchange(403))
    assert [one.status for one in first.exchanges] == [200, 403]
    assert (first.accepted_operations, list(first.refusals)) == ({"say": 1}, ["say"])
    assert first.attempts.missed == 1


def test_a_secret_is_shown_and_made_anew_by_the_variable_of_whose_it_is():
    assert driver().hidden("key") == Hidden(
        "first-key", "$COUNTERFOIL_ECHO_KEY", '"${COUNTERFOIL_ECHO_KEY}"'
    )
    assert driver().as_other().hidden("key") == Hidden(
        "second-key", "$COUNTERFOIL_ECHO_OTHER_KEY", '"${COUNTERFOIL_ECHO_OTHER_KEY}"'
    )
    assert driver().hidden("key", "x", "$(y)") == Hidden("x", "$COUNTERFOIL_ECHO_KEY", "$(y)")


def test_a_header_is_taken_away_in_any_spelling_and_the_secrets_stay_known():
    hidden = (Hidden("first-key", "$KEY", ""),)
    headers = (("x-key", "a"), ("X-Other", "b"), ("X-KEY", "c"))
    bare = driver().without(Request("GET", "/", headers, hidden=hidden), "X-Key")
    assert (bare.headers, bare.hidden) == ((("X-Other", "b"),), hidden)


def test_what_each_api_has_to_say_is_not_made_up_here():
    caller = Driver(CONTRACT, Target("http://echo.test", app=app), {})
    for step in (
        lambda: caller.accepted(exchange(200)),
        lambda: caller.authorize(request(200)),
        caller.probe,
        lambda: caller.say(""),
        lambda: caller.send_body(b"", None),
    ):
        with pytest.raises(NotImplementedError):
            step()
    assert caller.existing("say") == {}

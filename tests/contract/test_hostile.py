from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.driver import Driver
from contracts.hostile import (
    DEEP,
    KINDS,
    ODD,
    SPECIAL,
    hostile_clauses,
    malformed,
    texts,
    troublesome,
)
from contracts.model import Contract, Credential, Exchange, Request, Verdict
from contracts.runner import PROFILES, Finding, Plan, judge
from contracts.target import Target

KEY = 'it\'s a "key" é/1'
CREDENTIALS = {"key": KEY, "other_key": "other-key-2", "user": "user-name-3"}


class EchoDriver(Driver):
    def accepted(self, exchange: Exchange) -> bool:
        return exchange.status == 200

    def say(self, text: str) -> Exchange:
        return self.send_body(json.dumps({"text": text}).encode(), "application/json")

    def send_body(self, body: bytes, content_type: str | None) -> Exchange:
        headers = (("Content-Type", content_type),) if content_type else ()
        return self.send(Request("POST", "/", headers, body))


CLAUSES = {clause.id.rpartition(".")[2]: clause for clause in hostile_clauses("echo")}
CONTRACT = Contract(
    name="echo",
    title="Echo",
    base_url=None,
    credentials=(
        Credential("key", ""),
        Credential("other_key", ""),
        Credential("user", "", secret=False),
    ),
    document=Path("openapi.yaml"),
    driver=EchoDriver,
    clauses=tuple(CLAUSES.values()),
)


class Said:
    """What a server reads of a request: its body, the text in it if there is one, its type."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.body: bytes = environ["wsgi.input"].read()
        self.kind = environ.get("CONTENT_TYPE")
        self.json = self._read()
        self.text = self.json.get("text", "") if isinstance(self.json, dict) else ""

    def _read(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def serving(answer: Callable[[Said], tuple[int, str]]) -> Any:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        status, body = answer(Said(environ))
        start_response(f"{status} Said", [("Content-Type", "application/json")])
        return [body.encode()]

    return app


def honest(said: Said) -> tuple[int, str]:
    if not isinstance(said.json, dict):
        return 400, '{"error": "this is no JSON object: Traceback is a word, so are File and at"}'
    return 200, json.dumps({"you said": said.text})


def failing(when: Callable[[Said], object]) -> Callable[[Said], tuple[int, str]]:
    return lambda said: (500, "oops") if when(said) else honest(said)


def saying(text: str, when: Callable[[Said], object]) -> Callable[[Said], tuple[int, str]]:
    return lambda said: (400, json.dumps(text)) if when(said) else honest(said)


def judged(name: str, answer: Any, profile: str = "standard", **credentials: str) -> Finding:
    target = Target("http://echo.test", app=serving(answer))
    driver = EchoDriver(CONTRACT, target, CREDENTIALS | credentials)
    return judge(CLAUSES[name], driver, Plan(CONTRACT.clauses, PROFILES[profile]))


def no_object(said: Said) -> bool:
    return not isinstance(said.json, dict)


# Each server fails at one thing; these clauses find it, and the others do not mind.
WEAK = {
    "nul": (failing(lambda said: "\0" in said.text), {"nul"}),
    "emoji": (
        failing(lambda said: any("\uffff" < char for char in said.text)),
        {"beyond_bmp", "any_text"},
    ),
    "direction": (failing(lambda said: "\u202e" in said.text), {"any_text"}),
    "percent": (failing(lambda said: "%" in said.text), {"any_text"}),
    "surrogate": (
        failing(lambda said: any("\ud800" <= char <= "\udfff" for char in said.text)),
        {"lone_surrogate"},
    ),
    "large": (failing(lambda said: len(said.text) == 1 << 20), {"large_text"}),
    "deep": (failing(lambda said: len(said.body) > 9999 and not said.text), {"deep_body"}),
    "malformed": (
        failing(lambda said: said.json is None and said.body not in ODD and len(said.body) < 21),
        {"malformed_body"},
    ),
    "duplicate": (failing(lambda said: said.body.count(b'"a"') == 2), {"odd_json"}),
    "array": (failing(lambda said: said.json == []), {"odd_json"}),
    "empty": (failing(lambda said: said.body == b""), {"odd_json"}),
    "infinite": (failing(lambda said: b"1e400" in said.body), {"odd_json"}),
    "untyped": (failing(lambda said: not said.kind), {"content_type"}),
    "form": (failing(lambda said: "urlencoded" in (said.kind or "")), {"content_type"}),
    "charset": (failing(lambda said: "charset=x" in (said.kind or "")), {"content_type"}),
    "python": (
        saying("Traceback (most recent call last):\n", no_object), {"no_stack_trace"}
    ),
    "java": (saying("NullPointer\n\tat java.util", no_object), set()),
    "node": (saying("at x (node_modules/y)", no_object), {"no_stack_trace"}),
    "key": (saying(f"no {KEY}!", no_object), {"no_secret"}),
    "encoded": (
        saying(base64.b64encode(f"ann:{KEY}".encode()).decode(), no_object), {"no_secret"}
    ),
    "other": (saying("you are other-key-2", no_object), {"no_secret"}),
    "user": (saying("you are user-name-3", no_object), set()),
}  # fmt: skip


@pytest.fixture(scope="module")
def of_honest() -> dict[str, Finding]:
    return {name: judged(name, honest) for name in CLAUSES}


@pytest.mark.parametrize("name", CLAUSES)
def test_an_honest_server_keeps_every_promise_with_more_than_one_case(of_honest, name):
    assert of_honest[name].verdict is Verdict.KEPT, of_honest[name].reason
    assert of_honest[name].examples > 1 or name == "large_text"


@pytest.mark.parametrize("name", WEAK)
def test_a_server_that_fails_at_one_thing_breaks_the_promises_about_it_and_no_other(name):
    answer, wanted = WEAK[name]
    found = {
        clause: judged(clause, answer, "standard" if clause in wanted else "quick").verdict
        for clause in CLAUSES
    }
    assert {clause for clause in found if found[clause] is Verdict.BROKEN} == wanted
    assert set(found.values()) <= {Verdict.BROKEN, Verdict.KEPT}


@pytest.mark.parametrize("name", CLAUSES)
def test_no_answer_breaks_every_promise_not_to_fail(name):
    def crash(environ: Any, start_response: Any) -> Any:
        raise ValueError("it broke")

    driver = EchoDriver(CONTRACT, Target("http://echo.test", app=crash), CREDENTIALS)
    finding = judge(CLAUSES[name], driver, Plan(CONTRACT.clauses, PROFILES["quick"]))
    if name in ("no_stack_trace", "no_secret"):
        assert finding.verdict is Verdict.KEPT
    else:
        assert finding.verdict is Verdict.BROKEN
        assert finding.reason.startswith("no answer: not HTTP: the application raised")


@pytest.mark.parametrize("status", [200, 400, 499])
def test_a_server_may_answer_hostile_input_as_it_likes_but_for_failing(status):
    for name in CLAUSES:
        assert judged(name, lambda said: (status, "no"), "quick").verdict is Verdict.KEPT


@pytest.mark.parametrize("status", [500, 501, 502, 503, 599])
def test_every_status_from_500_up_is_a_failure(status):
    finding = judged("nul", lambda said: (status, "no"))
    assert finding.verdict is Verdict.BROKEN
    assert finding.reason == f"a server error: HTTP {status} no"


@pytest.mark.parametrize("piece", [piece for piece in SPECIAL if piece != "\0"])
def test_every_piece_of_trouble_is_found_in_any_run_and_shown_alone(piece):
    finding = judged("any_text", failing(lambda said: piece in said.text))
    assert finding.verdict is Verdict.BROKEN
    assert json.loads(finding.failure.exchanges[-1].request.body) == {"text": piece}


def test_two_pieces_that_are_trouble_only_together_are_shown_together():
    finding = judged("any_text", failing(lambda said: "'" in said.text and "?" in said.text))
    assert json.loads(finding.failure.exchanges[-1].request.body) == {"text": "?'"}
    assert finding.calls < 200


@pytest.mark.parametrize("secret", ["secret", "password", "administrator", "12345678901", "a-b-c"])
def test_a_secret_that_is_a_word_or_a_number_is_looked_for_in_no_answer(secret):
    answer = saying(f"wrong password: {secret} 12345678901", no_object)
    assert judged("no_secret", answer, key=secret).verdict is Verdict.KEPT


def test_the_promises_are_those_of_the_api_that_asks_for_them():
    for api in ("one", "two"):
        ids = [clause.id for clause in hostile_clauses(api)]
        assert len(ids) == len(set(ids)) == len(CLAUSES)
        assert all(id.startswith(f"{api}.robust.") for id in ids)
    assert all(clause.sentence.endswith(".") for clause in CLAUSES.values())


@given(st.data())
def test_texts_have_the_size_that_is_asked_for_no_nul_and_can_be_written(data):
    least = data.draw(st.integers(0, 30))
    most = data.draw(st.integers(max(1, least), 60))
    text = data.draw(texts(min_size=least, max_size=most))
    assert least <= len(text) <= most
    assert "\0" not in text
    assert text.encode("utf-8").decode("utf-8") == text


@given(troublesome())
def test_troublesome_texts_have_no_nul_and_can_be_written(text):
    assert "\0" not in text
    assert text.encode("utf-8").decode("utf-8") == text


@given(malformed())
def test_a_malformed_body_is_never_json(body):
    assert body
    with pytest.raises((ValueError, RecursionError)):
        json.loads(body)


def test_what_is_odd_is_odd_in_many_ways():
    assert len(set(ODD)) == len(ODD) > 10
    assert len(set(KINDS)) == len(KINDS) > 10
    assert min(map(len, DEEP)) >= 10_000

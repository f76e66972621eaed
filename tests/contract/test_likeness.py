from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.driver import Driver
from contracts.likeness import Likeness
from contracts.model import Chunk, Exchange, Request, Response

ONE = "7d9f1c52-0000-4000-8000-00000000000a"
TWO = "7d9f1c52-0000-4000-8000-00000000000b"
NEW = "7d9f1c52-0000-4000-8000-0000000000f1"
NEWER = "7d9f1c52-0000-4000-8000-0000000000f2"


class EchoDriver(Driver):
    volatile = frozenset({"id", "number", "at", "time"})
    prose = frozenset({"said"})
    shared_lists = frozenset({"everybody"})


def answer(
    value: Any, status: int = 200, kind: str = "application/json", seconds: float = 0.1, **more: str
) -> Exchange:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    headers = (("Content-Type", kind), *((n.replace("_", "-"), v) for n, v in more.items()))
    response = Response(status, headers, body, (Chunk(0.1, body),))
    return Exchange(Request("GET", "/"), response, 0.0, seconds)


def silence(why: str) -> Exchange:
    return Exchange(Request("GET", "/"), None, 0.0, 30.0, why)


def differences(*pairs: tuple[Any, Any], sent: tuple[str, ...] = ()) -> list[str]:
    likeness = Likeness(EchoDriver)
    for text in sent:
        likeness.sent(None, text)
    return [
        likeness.difference(*(one if isinstance(one, Exchange) else answer(one) for one in pair))
        for pair in pairs
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"code": 7, "ok": True}, {"ok": True, "code": 7}),
        ({"id": ONE}, {"id": NEW}),
        ({"id": "abc"}, {"id": "xyz"}),
        ({"number": 7}, {"number": 123456}),
        ({"said": "Hello."}, {"said": "How do you do?"}),
        ({"at": "2024-05-01T10:00:00Z"}, {"at": "2025-01-01T00:00:00.25+01:00"}),
        ({"time": 1767225600}, {"time": 1790000000}),
        ({"error": f"there is no {ONE}"}, {"error": f"there is no {NEW}"}),
        ({"error": "failed at 2024-05-01T10:00:00Z"}, {"error": "failed at 2025-01-01T00:00:00Z"}),
        ({"map": {ONE: {"code": 1}}}, {"map": {NEW: {"code": 1}}}),
        ({"everybody": [{"a": 1}] * 3}, {"everybody": [{"a": 2}]}),
        ({"everybody": []}, {"everybody": [{"a": 2}]}),
        (answer({}, Server="a", Age="1"), answer({}, Date="now")),
        (answer({}, X_Request=ONE), answer({}, X_Request=NEW)),
        (answer({}, X_Load="7"), answer({}, X_Load="9")),
        (answer({}, kind="application/json; charset=utf-8"),
         answer({}, kind="Application/JSON;charset=UTF-8")),
        (silence("no whole answer after 30 s"), silence("no whole answer after 31 s")),
        (silence("the connection broke off: peer"), silence("the connection broke off: reset")),
    ],
)  # fmt: skip
def test_values_that_are_volatile_make_no_other_kind_of_answer(old, new):
    assert differences((old, new)) == [""]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (answer({}, 200), answer({}, 403), "status 403 instead of 200"),
        ({"code": 0}, {"code": 171}, "code is 171 instead of 0"),
        ({"code": 0}, {"code": False}, "code is a boolean instead of a whole number"),
        ({"code": 0}, {"code": 0.5}, "code is a number with a fraction instead of a whole number"),
        ({"code": 0}, {}, "the body has no 'code'"),
        ({}, {"code": 0}, "the body has 'code'"),
        ({"a": {"b": [1]}}, {"a": {"b": [2]}}, "a.b[0] is 2 instead of 1"),
        ({"a": [1, 1]}, {"a": [1]}, "a has 1 items instead of 2"),
        ({"a": None}, {"a": "x"}, "a is a text instead of null"),
        ({"msg": "Success"}, {"msg": "OK"}, "msg is 'OK' instead of 'Success'"),
        ({"id": ONE}, {"id": ""}, f"id is '' instead of '{ONE}'"),
        ({"id": ONE}, {"id": "abc"}, f"id is 'abc' instead of '{ONE}'"),
        ({"id": 5}, {"id": "5"}, "id is a text instead of a whole number"),
        ({"number": 7}, {"number": -7}, "number is -7 instead of 7"),
        ({"number": 7}, {"number": 2**40}, "number is 1099511627776 instead of 7"),
        ({"time": 1767225600}, {"time": 1767225600000}, "time is 1767225600000 instead of"),
        ({"at": "2024-05-01T10:00:00"}, {"at": "2024-05-01T10:00:00Z"}, "at is '2024-05-01T10:"),
        ({"said": "x"}, {"said": " "}, "said is ' ' instead of 'x'"),
        ({"everybody": [{"a": 1}]}, {"everybody": [{"a": "1"}]}, "of everybody are of another"),
        (b"<html>", {"a": 1}, "the body is an object instead of a text"),
        (answer({}), answer({}, kind="text/html"), "header content-type is 'text/html' instead of"),
        (answer({}), answer({}, Allow="GET"), "header allow is new"),
        (answer({}, X_Request=ONE), answer({}), "header x-request is gone"),
        (answer({}, X_Request=""), answer({}, X_Request=ONE), "header x-request is no longer"),
        (answer({}, seconds=90), answer({}), "an end of it within 60 s"),
        (silence("no whole answer"), answer({}), "an answer of status 200 instead of no whole"),
        (silence("no whole answer"), silence("not HTTP: x"), "not HTTP instead of no whole answer"),
    ],
)  # fmt: skip
def test_another_kind_of_answer_is_told_in_a_few_words(old, new, said):
    [found] = differences((old, new))
    assert said in found


@pytest.mark.parametrize(
    ("pairs", "alike"),
    [
        ([({"id": ONE}, {"id": NEW}), ({"id": ONE}, {"id": NEW})], True),
        ([({"id": ONE}, {"id": NEW}), ({"id": TWO}, {"id": NEWER})], True),
        ([({"id": ONE}, {"id": NEW}), ({"id": ONE}, {"id": NEWER})], False),
        ([({"id": ONE}, {"id": NEW}), ({"id": TWO}, {"id": NEW})], False),
        ([({"id": ONE}, {"id": NEW}),
          ({"map": {ONE: 1, TWO: 2}}, {"map": {NEWER: 2, NEW: 1}})], True),
        ([({"number": 1}, {"number": 8}), ({"number": 1}, {"number": 9})], False),
        ([({"number": 1}, {"number": 8}), ({"number": 2}, {"number": 8})], True),
        ([({"number": 4321}, {"number": 8000}), ({"number": 4322}, {"number": 8000})], False),
        ([({"said": "a"}, {"said": "b"}), ({"said": "a"}, {"said": "c"})], True),
        ([({"said": "a"}, {"said": "c"}), ({"said": "b"}, {"said": "c"})], False),
        ([({"at": "2024-01-01T00:00:00.1Z"}, {"at": "2025-01-01T00:00:00.1Z"}),
          ({"at": "2024-01-01T00:00:00.2Z"}, {"at": "2025-01-01T00:00:00.9Z"})], True),
        ([({"at": "2024-01-01T00:00:00.1Z"}, {"at": "2025-01-01T00:00:00.2Z"}),
          ({"at": "2024-01-01T00:00:00.2Z"}, {"at": "2025-01-01T00:00:00.1Z"})], False),
        ([({"at": "2024-01-01T00:00:00.1Z"}, {"at": "2025-01-01T00:00:00.1Z"}),
          ({"at": "2024-01-01T00:00:00.1Z"}, {"at": "2025-01-01T00:00:00.2Z"})], False),
        ([({"time": 1767225600}, {"time": 1790000000}),
          ({"time": 1767225600}, {"time": 1790000001})], True),
        ([({"time": 1767225600000}, {"time": 1790000000000}),
          ({"time": 1767225600000}, {"time": 1790000000001})], False),
        ([({"time": 1767225600}, {"time": 1790000001}),
          ({"time": 1767225601}, {"time": 1790000000})], False),
        ([({"id": ONE}, {"id": NEW}),
          ({"everybody": [{"id": "x", "a": 1}, {"id": ONE, "a": 2}]},
           {"everybody": [{"id": NEW, "a": 2}]})], True),
        ([({"id": ONE}, {"id": NEW}),
          ({"everybody": [{"id": ONE, "a": 2}, {"id": ONE, "a": 2}]},
           {"everybody": [{"id": NEW, "a": 2}]})], False),
        ([({"id": ONE}, {"id": NEW}), ({"everybody": [{"a": 1}]}, {"everybody": [{"id": NEW}]})],
         False),
    ],
)  # fmt: skip
def test_ids_times_and_words_are_compared_by_how_they_are_related(pairs, alike):
    *before, last = differences(*pairs)
    assert before == [""] * len(before)
    assert (last == "") is alike, last


def test_an_answer_that_repeats_what_was_sent_is_no_answer_in_words_of_its_own():
    assert differences(({"said": "Hello"}, {"said": "Hello"}), sent=("Hello",)) == [""]
    assert differences(({"said": "Hello"}, {"said": "Good day"}), sent=("Hello",)) != [""]
    assert differences(({"said": "Good day"}, {"said": "Hello"}), sent=("Hello",)) != [""]
    assert differences(({"id": ONE}, {"id": NEW}), sent=(ONE,)) != [""]


def test_a_list_of_others_that_is_empty_now_is_left_open():
    likeness = Likeness(EchoDriver)
    old, new = answer({"everybody": [{"a": 1}]}), answer({"everybody": []})
    assert likeness.difference(old, new) == ""
    assert likeness.open == "everybody had 1 items, and has none now to compare"
    assert likeness.difference(old, old) == "" and likeness.open == ""


def test_what_differed_binds_no_ids():
    likeness = Likeness(EchoDriver)
    assert likeness.difference(answer({"id": ONE, "z": 1}), answer({"id": NEW, "z": 2}))
    assert likeness.difference(answer({"id": ONE, "z": 1}), answer({"id": NEWER, "z": 1})) == ""


def test_a_body_too_deep_to_compare_is_alike_if_it_is_the_same():
    deep, other = (b"[" * 400 + inner + b"]" * 400 for inner in (b"1", b"2"))
    nested, wide = answer(b'{"a": ' + deep + b"}"), answer(list(range(300_000)))
    assert differences((nested, nested), (wide, wide)) == ["", ""]
    assert "instead of" in differences((nested, answer(b'{"a": ' + other + b"}")))[0]

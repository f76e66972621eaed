from __future__ import annotations

import json
import re
import threading
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest

from mockserver.journal import MOST_BODY, Entry, Journal, Redaction

FIELDS: dict[str, Any] = {
    "at": 1.5,
    "api": "echo",
    "operation": "say",
    "session": "a",
    "caller": "known",
    "method": "POST",
    "path": "/say/a",
    "query": "",
    "headers": (("Host", "localhost"),),
    "body": "hello",
    "status": 200,
    "answer_headers": (("Content-Type", "text/plain"),),
    "answer": "a:hello",
    "chunks": ((0.0, 7),),
    "fixture": "replies.yaml, entry 1",
    "remarks": ("note",),
    "faults": ("echo.say.twice",),
    "chaos": ("drip=64",),
}


# What is kept.


def test_entries_are_kept_oldest_first_and_numbered() -> None:
    journal = Journal()
    first = journal.write(0.001, Entry(0, **FIELDS))
    second = journal.write(0.001, Entry(0, **{**FIELDS, "status": 404}))
    assert first == Entry(number=1, **FIELDS)
    assert journal.entries() == [first, second]
    assert [entry.number for entry in journal.entries()] == [1, 2]


def test_journal_forgets_the_oldest_when_there_are_too_many() -> None:
    journal = Journal(most=3)
    for _ in range(10):
        journal.write(0.001, Entry(0, **FIELDS))
    assert [entry.number for entry in journal.entries()] == [8, 9, 10]


def test_cleared_journal_goes_on_counting() -> None:
    journal = Journal()
    journal.write(0.001, Entry(0, **FIELDS))
    journal.clear()
    assert journal.entries() == []
    assert journal.write(0.001, Entry(0, **FIELDS)).number == 2


def test_journal_is_json() -> None:
    journal = Journal()
    journal.write(0.001, Entry(0, **{**FIELDS, "operation": None}))
    assert json.loads(json.dumps(journal.as_json())) == [
        {
            **FIELDS,
            "number": 1,
            "operation": None,
            "headers": [["Host", "localhost"]],
            "answer_headers": [["Content-Type", "text/plain"]],
            "chunks": [[0.0, 7]],
            "remarks": ["note"],
            "faults": ["echo.say.twice"],
            "chaos": ["drip=64"],
        }
    ]


def test_eight_threads_write_every_entry_under_its_own_number() -> None:
    journal = Journal(most=5000)

    def work() -> None:
        for _ in range(200):
            journal.write(0.001, Entry(0, **FIELDS))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.number for entry in journal.entries()] == list(range(1, 1601))


# What is not shown.

SECRETS = [
    "plain",
    "with blank",
    "a/b+c=d&e%f",
    'quote " and \\ backslash',
    "é ü 🙂",
    "%41%2b",
    "\t\n",
]


def lowered(escaped: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), escaped)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda secret: quote(secret, safe=""),
        quote,
        quote_plus,
        lambda secret: lowered(quote(secret, safe="")),
        lambda secret: urlencode({"a": secret, "b": "1"}),
        lambda secret: json.dumps({"a": secret}),
        lambda secret: json.dumps({"a": secret}, ensure_ascii=False),
    ],
    ids=["bare", "URL", "path", "form", "lower case", "urlencode", "JSON", "JSON in UTF-8"],
)
def test_secret_is_replaced_by_its_name_however_it_is_written(secret: str, write: Any) -> None:
    redact = Redaction([("key", secret), ("empty", "")])
    text = write(secret)
    written = text.replace("a=", "").replace("&b=1", "").removeprefix('{"a": "').removesuffix('"}')
    shown = redact(f"before {text} after")
    assert "<key>" in shown
    assert written not in shown
    assert "<empty>" not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


def test_secret_within_another_one_does_not_leave_the_rest_of_it() -> None:
    redact = Redaction([("short", "abc"), ("long", "abcdef"), ("longer", "xabcdefx")])
    assert redact("abc abcdef xabcdefx") == "<short> <long> <longer>"


def test_what_is_concealed_loses_only_the_secret() -> None:
    redact = Redaction([("key", "k1")], re.compile(r"sign=(?P<secret>\w+)(&|$)"))
    assert redact("a=k1&sign=0123&b=2") == "a=<key>&sign=<hidden>&b=2"
    assert redact("sign=") == "sign="


def test_without_secrets_a_text_is_left_alone() -> None:
    assert Redaction([])("a <b> c") == "a <b> c"


@pytest.mark.parametrize("size", [0, 1, MOST_BODY - 1, MOST_BODY])
def test_beginning_of_a_short_text_is_the_text(size: int) -> None:
    assert Redaction([("key", "secret")]).beginning("x" * size) == "x" * size


@pytest.mark.parametrize("place", range(MOST_BODY - 25, MOST_BODY + 25))
def test_beginning_never_ends_within_a_secret(place: int) -> None:
    redact = Redaction([("key", "very-secret-indeed"), ("other", "b/")])
    shown = redact.beginning("x" * place + "very-secret-indeed" + "y" * 100)
    assert len(shown) <= MOST_BODY
    assert not re.search("v|-|secret", shown)


def test_beginning_of_many_secrets_is_still_free_of_them() -> None:
    redact = Redaction([("k", "very-secret-indeed" * 10)])
    shown = redact.beginning("very-secret-indeed" * 10_000)
    assert "secret" not in shown
    assert shown.startswith("<k><k>")


SPELT = "very-secret-indeed"


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        ([], []),
        (["", ""], []),
        ([f"a {SPELT} b", "x" * 100_000, SPELT * 10_000], [("X-Plain", "1")]),
        (["\n\x1e\n", SPELT], [("Authorization", f"Bearer {SPELT}"), ("Cookie", "a=b")]),
        (["token=abc\n\x1e\ndef", "token=", SPELT], [("X-Key", "token=abc")]),
    ],
)
def test_an_exchange_is_shown_as_its_texts_are_one_by_one(
    texts: list[str], lines: list[tuple[str, str]]
) -> None:
    redact = Redaction([("key", SPELT)], re.compile(r"token=(?P<secret>\S+)"))
    kept, (shown, none) = redact.exchange(texts, tuple(lines), ())
    assert none == ()
    assert kept == [redact.beginning(text) for text in texts]
    assert shown == tuple((name, redact.line(name, value)) for name, value in lines)


def test_texts_that_look_like_what_stands_between_them_keep_their_places() -> None:
    greedy = Redaction([("key", SPELT)], re.compile(r"(?s)token=(?P<secret>.{5})"))
    kept, _ = greedy.exchange(["token=", "12345", SPELT])
    assert kept == ["token=", "12345", "<key>"]


def test_pieces_of_streams_count_in_the_size_of_a_journal() -> None:
    journal = Journal(most_size=1_000_000)
    pieces = tuple((0.001 * number, 1) for number in range(2000))
    for _ in range(20):
        journal.write(0.001, Entry(0, **{**FIELDS, "chunks": pieces}))
    assert sum(len(entry.chunks) for entry in journal.entries()) == 4 * len(pieces)

"""What is told of a question that nobody scripted."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mockserver.misses import miss
from mockserver.replies import Matcher, Reply


def scripted(matcher: Matcher, question: str, **more: Any) -> Reply:
    return Reply(matcher, question, "an answer", "authored", source="scripted, s1", **more)


@pytest.mark.parametrize(
    ("asked", "known", "said"),
    [
        (
            "What is the weather now?", scripted("question", "What is the weather like?"),
            "the closest is 'What is the weather like?' (scripted, s1): "
            "asked was 'now' where it has 'like'",
        ),
        (
            "Tell me about the wether in Paris", scripted("contains", "the weather in"),
            "the closest is a question that contains 'the weather in' (scripted, s1): "
            "asked was 'wether' where it has 'weather'",
        ),
        (
            "Now!", scripted("pattern", r"^Now\?$"),
            r"a question that matches '^Now\\?$' (scripted, s1): "
            "it goes with 'Now' as far as '^Now', and no further",
        ),
        ("abc", scripted("pattern", "x(y|z)"), "nothing of it is found in what was asked"),
        ("Hello you", scripted("question", "Hello"), "asked was ' you', which it has not"),
        ("Hello", scripted("question", "Hello you"), "it has ' you', which was not asked"),
        ("", scripted("contains", "abc"), "it has 'abc', which was not asked"),
        ("Now?", scripted("contains", "Now", times=1), "it was given once, as often as it may be"),
        ("Now?", scripted("pattern", "Now", times=3), "it was given 3 times, as often"),
        ("Mine?", scripted("question", "Mine?", session="s9"), "the conversation 's9' alone"),
        ("x" * 400 + "a", scripted("question", "x" * 400 + "b"), "it differs further on"),
        (
            "a b c d e", scripted("question", "1 2 3 4 5"),
            "asked was 'a' where it has '1', asked was 'b' where it has '2', "
            "asked was 'c' where it has '3', and 2 more",
        ),
    ],
)  # fmt: skip
def test_the_closest_reply_is_told_with_what_differs(asked: str, known: Reply, said: str) -> None:
    refusal = miss(asked, [known], "mine")
    assert said in refusal.reason
    assert refusal.status == 501


def test_a_substring_is_compared_with_the_place_where_it_would_stand() -> None:
    asked = "Please be so kind and tell me about the wether in the south of France this summer"
    known = [scripted("question", "Please be kind"), scripted("contains", "the weather")]
    assert "contains 'the weather'" in miss(asked, known).reason


def test_a_reply_that_would_have_answered_goes_before_one_that_is_like_it() -> None:
    known = [scripted("question", "Now."), scripted("pattern", "[?]$", session="other")]
    assert "for the conversation 'other' alone" in miss("Now?", known, "mine").reason


def test_where_nothing_is_scripted_nothing_is_close() -> None:
    predicate = scripted("question", "", where=lambda question: False)
    assert miss("a", [predicate]).reason == "no reply is scripted for 'a'"


@pytest.mark.parametrize("matcher", ["question", "contains"])
def test_a_thousand_long_replies_do_not_keep_others_waiting(matcher: Matcher) -> None:
    known = [scripted(matcher, f"{number} " + "abc def " * 100) for number in range(1000)]
    began = time.process_time()
    assert "the closest is" in miss("fed cba " * 100, known).reason
    assert time.process_time() - began < 3

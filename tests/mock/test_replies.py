from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mockserver import replies
from mockserver.replies import MOST_REMEMBERED, Failing, Fallback, Replies, Reply
from mockserver.reply_files import FixtureError, load_fixtures, load_recording, load_replies

FIELDS = frozenset({"Msg", "Extra"})


def reply(matcher: Any, question: str, answer: str) -> Reply:
    return Reply(matcher, question, answer, "authored")


NAME = "replies.yaml"


def written(folder: Path, text: str) -> Path:
    path = folder / "replies.yaml"
    path.write_text(text, "utf-8")
    return path


# Which reply answers.


def test_exact_question_goes_before_substring_and_pattern_wherever_it_stands() -> None:
    replies = Replies(
        [
            reply("contains", "moon", "by substring"),
            reply("pattern", "^the moon$", "by pattern"),
            reply("question", "the moon", "exactly"),
        ],
        seed=0,
    )
    assert replies.choose("the moon").answer == "exactly"
    assert replies.choose("a moon").answer == "by substring"


def test_of_several_that_fit_the_first_answers() -> None:
    replies = Replies(
        [
            reply("pattern", "m..n", "first"),
            reply("contains", "moon", "second"),
            reply("question", "sun", "first of two"),
            reply("question", "sun", "second of two"),
        ],
        seed=0,
    )
    assert replies.choose("moon").answer == "first"
    assert replies.choose("sun").answer == "first of two"


def test_exact_question_is_compared_as_it_is() -> None:
    replies = Replies([reply("question", "Moon", "yes")], seed=0)
    assert replies.choose("Moon").answer == "yes"
    assert all(replies.choose(other).answer != "yes" for other in ("moon", "Moon ", " Moon", ""))


def test_pattern_is_searched_anywhere_and_keeps_case_unless_told() -> None:
    replies = Replies([reply("pattern", "mo+n", "yes"), reply("pattern", "(?i)SUN$", "no case")], 0)
    assert replies.choose("the moooon?").answer == "yes"
    assert replies.choose("the sun").answer == "no case"
    assert replies.choose("MOON").answer not in ("yes", "no case")


@pytest.mark.parametrize("question", ["", "\ud800", "a\0b", "🙂", "x" * 100_000, "%s {} \\1"])
def test_any_question_is_answered(question: str) -> None:
    replies = Replies([reply("pattern", "never", ""), reply("contains", "\ud801", "")], seed=0)
    chosen = replies.choose(question)
    assert chosen.answer
    assert chosen.question == question
    assert replies.choose(question) == chosen


# The made-up reply.


def test_fallback_depends_on_seed_question_and_locale_alone() -> None:
    questions = [f"question {number}" for number in range(20)]
    forward = [Replies([], seed=7).choose(question).answer for question in questions]
    one = Replies([], seed=7)
    backward = [one.choose(question).answer for question in reversed(questions)]
    assert forward == backward[::-1]
    assert len(set(forward)) == 20
    assert forward != [Replies([], seed=8).choose(question).answer for question in questions]


@pytest.mark.parametrize(
    ("locale", "script"),
    [
        ("ja_JP", "[\u3040-\u30ff\u4e00-\u9fff]"),
        ("ru_RU", "[\u0400-\u04ff]"),
        ("zh_CN", "[\u4e00-\u9fff]"),
        ("ar_AA", "[\u0600-\u06ff]"),
        ("fr_FR", "[a-z]"),
    ],
)
def test_fallback_speaks_the_language_of_the_locale(locale: str, script: str) -> None:
    replies = Replies([], seed=0)
    replies.choose("question")
    found = replies.choose("question", locale).answer
    assert re.search(script, found)
    assert found == Replies([], seed=0).choose("question", locale).answer
    assert found != replies.choose("question", "en_US").answer


def test_fallback_is_the_same_in_any_number_of_threads() -> None:
    questions = [
        (f"question {number % 50}", ("en_US", "fr_FR")[number % 2]) for number in range(200)
    ]
    made_up = Replies([], seed=3)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda asked: made_up.choose(*asked).answer, questions))
    assert found == [Replies([], seed=3).choose(*asked).answer for asked in questions]


def test_fallback_remembers_no_large_questions() -> None:
    replies._remembered.cache_clear()
    for size in (MOST_REMEMBERED, MOST_REMEMBERED + 1):
        first, again = (Fallback(0).reply("x" * size, "en_US") for _ in range(2))
        assert first.answer == again.answer
    assert replies._remembered.cache_info().currsize == 1


def test_a_file_of_fixtures_is_read_again_when_it_was_written_again(tmp_path: Path) -> None:
    for answer in ("one", "another"):
        written(tmp_path, f"[{{question: How?, answer: {answer}, basis: authored, about: it}}]")
        assert [reply.answer for reply in load_fixtures(tmp_path, list, frozenset())] == [answer]


# Loading.


def test_entry_becomes_a_reply(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
- question: How?
  answer: "So.\\0"
  basis: documented
  about: why it is here
  fields: {Msg: fine}
- contains: part
  answer: ""
  basis: observed
- pattern: ^a
  messages: [{role: user, content: hi}]
  basis: authored
""",
    )
    hi = ({"role": "user", "content": "hi"},)
    assert load_replies(path, FIELDS) == [
        Reply("question", "How?", "So.\0", "documented", (), {"Msg": "fine"}, f"{NAME}, entry 1"),
        Reply("contains", "part", "", "observed", (), {}, f"{NAME}, entry 2"),
        Reply("pattern", "^a", "", "authored", hi, {}, f"{NAME}, entry 3"),
    ]


def test_an_entry_says_how_its_reply_is_given(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
- {question: a, answers: [one, two], times: 5, delay: 0.5, session: mine, basis: authored}
- {contains: b, error: {status: 429, code: 153, message: slowly}, fault: [x.y, x.z],
   basis: authored}
- {contains: c, error: {}, fault: x.y, basis: authored}
""",
    )
    first, second, third = load_replies(path, FIELDS)
    assert (first.answer, first.answers, first.times) == ("one", ("one", "two"), 5)
    assert (first.delay, first.session, first.error) == (0.5, "mine", None)
    assert (second.error, second.faults) == (Failing(429, 153, "slowly"), ("x.y", "x.z"))
    assert (third.error, third.faults) == (Failing(500, 0, "scripted"), ("x.y",))


GOOD = "question: a, answer: b, basis: authored"

WRONG = {
    "not YAML": ("- {question: [", "while parsing"),
    "a tab": ("- question: a\n\tanswer: b", "line 2, column 1"),
    "nothing": ("", "a list of replies was expected, not nothing"),
    "a mapping": ("question: a", "a list of replies was expected, not dict"),
    "a text": ("just words", "a list of replies was expected, not 'just words'"),
    "entry is a text": ("- words", "entry 1: a mapping was expected, not 'words'"),
    "second entry is null": (f"- {{{GOOD}}}\n-", "entry 2: a mapping was expected, not nothing"),
    "unknown key": (
        f"- {{{GOOD}, anwser: c}}",
        "entry 1: unknown key 'anwser'; known are about, answer, answers, basis, contains,"
        " delay, error, fault, fields, messages, pattern, question, session, times",
    ),
    "a key twice": (
        "- question: a\n  answer: b\n  basis: authored\n  question: c",
        "the key 'question' stands twice in one entry",
    ),
    "two matchers": (f"- {{{GOOD}, contains: c}}", "exactly one of question, contains, pattern"),
    "no matcher": ("- {answer: b, basis: authored}", "exactly one of question, contains, pattern"),
    "matcher is a truth value": (
        "- {question: yes, answer: b, basis: authored}",
        "exactly one of question, contains, pattern is needed, and it is a text",
    ),
    "bad pattern": (
        "- {pattern: '(', answer: b, basis: authored}",
        "pattern is not a regular expression: missing )",
    ),
    "pattern beyond measure": (
        "- {pattern: 'a{99999999999999999999}', answer: b, basis: authored}",
        "pattern is not a regular expression: the repetition number is too large",
    ),
    "no answers": ("- {question: a, answers: [], basis: authored}", "answers is a list of texts"),
    "odd answers": ("- {question: a, answers: [1], basis: authored}", "answers is a list of texts"),
    "answer and error": (f"- {{{GOOD}, error: {{}}}}", "exactly one of answer, answers, messages"),
    "odd error": ("- {question: a, error: no, basis: authored}", "error is a mapping with any of"),
    "odd status": (
        "- {question: a, error: {status: 200}, basis: authored}",
        "error.status is an HTTP status from 400 to 599",
    ),
    "odd code": (
        "- {question: a, error: {code: x}, basis: authored}",
        "error.code is a whole number, and error.message a text",
    ),
    "odd delay": (f"- {{{GOOD}, delay: -1}}", "delay is a number from 0 to 3600"),
    "endless delay": (f"- {{{GOOD}, delay: .inf}}", "delay is a number from 0 to 3600"),
    "odd times": (f"- {{{GOOD}, times: 0}}", "times is a whole number from 1 up"),
    "odd fault": (f"- {{{GOOD}, fault: 5}}", "fault is the id of a fault, or a list of them"),
    "odd session": (f"- {{{GOOD}, session: 5}}", "session is a text"),
    "no face": (
        "- {question: a, basis: authored}",
        "exactly one of answer, answers, messages and error is needed",
    ),
    "two faces": (
        f"- {{{GOOD}, messages: []}}",
        "exactly one of answer, answers, messages and error is needed",
    ),
    "answer is a number": (
        "- {question: a, answer: 7, basis: authored}",
        "an answer is a text, and messages are a list",
    ),
    "messages is a text": (
        "- {question: a, messages: hi, basis: authored}",
        "an answer is a text, and messages are a list",
    ),
    "message is a text": (
        "- {question: a, messages: [hi], basis: authored}",
        "a message should be a mapping, not 'hi'",
    ),
    "no basis": (
        "- {question: a, answer: b}",
        "basis should be one of documented, observed, authored, not nothing",
    ),
    "unknown basis": ("- {question: a, answer: b, basis: guessed}", "authored, not 'guessed'"),
    "fields is a list": (f"- {{{GOOD}, fields: [Msg]}}", "fields should be a mapping, not list"),
    "foreign field": (
        f"- {{{GOOD}, fields: {{Nope: 1}}}}",
        "fields may hold Extra, Msg, not 'Nope'",
    ),
    "a day that is none": ("- {question: a, answer: 2026-02-30, basis: authored}", "day is out of"),
    "a Python object": (
        "- !!python/object/apply:os.getcwd []",
        "could not determine a constructor",
    ),
    "an unknown alias": ("- *nobody", "undefined alias"),
}


@pytest.mark.parametrize("case", WRONG)
def test_file_that_says_something_else_is_refused_with_its_name(case: str, tmp_path: Path) -> None:
    text, says = WRONG[case]
    path = written(tmp_path, text)
    with pytest.raises(FixtureError) as caught:
        load_replies(path, FIELDS)
    assert str(caught.value).startswith(f"{path}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fields_of_an_api_that_has_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FixtureError, match="fields may hold nothing, not 'Msg'"):
        load_replies(written(tmp_path, f"- {{{GOOD}, fields: {{Msg: a}}}}"), frozenset())


def test_a_file_that_is_no_yaml_says_where_it_breaks_off(tmp_path: Path) -> None:
    path = written(tmp_path, "- {question: a,\n   answer: b")
    with pytest.raises(FixtureError) as caught:
        load_replies(path, frozenset())
    assert str(caught.value).startswith(f"{path}: line 3, column 1: while parsing a flow mapping, ")
    assert "unicode string" not in str(caught.value)


def test_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "replies.yaml"
    path.write_bytes(b"- question: \xff")
    with pytest.raises(FixtureError, match="can't decode byte 0xff"):
        load_replies(path, FIELDS)


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused(bracket: str, tmp_path: Path) -> None:
    with pytest.raises(FixtureError):
        load_replies(written(tmp_path, bracket * 20_000), FIELDS)


def aliases(first: str, name: str, indent: str) -> str:
    """Nine levels would do to fill a memory: each line stands for nine of the one before it."""
    lines = [f"{indent}{name}0: &a0 {first}"]
    lines += [f"{indent}{name}{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        aliases("[x, x]", "k", ""),
        f"-\n{aliases('[x, x]', 'k', '  ')}",
        f"- {{{GOOD}}}\n-\n  fields:\n{aliases('[x, x]', 'k', '    ')}\n  basis: *a29",
        "- question: a\n  answer: b\n  basis: authored\n  fields:\n"
        + aliases("[x, x]", "k", "    "),
        "- question: a\n  basis: authored\n  messages:\n    -\n"
        + aliases("[x, x]", "k", "      ")
        + "\n    - *a29",
    ],
    ids=["whole file", "entry", "basis", "fields", "messages"],
)
def test_aliases_that_stand_for_a_huge_structure_are_refused_in_few_words(
    text: str, tmp_path: Path
) -> None:
    with pytest.raises(FixtureError) as caught:
        load_replies(written(tmp_path, text), FIELDS)
    assert len(str(caught.value)) < 1000


def test_value_of_a_wrong_kind_is_not_shown_at_length(tmp_path: Path) -> None:
    with pytest.raises(FixtureError) as caught:
        load_replies(
            written(tmp_path, f"- {{question: a, answer: b, basis: {'x' * 5000}}}"), FIELDS
        )
    assert len(str(caught.value)) < 500


def test_check_of_the_api_refuses_an_entry_by_its_place(tmp_path: Path) -> None:
    def check(given: Reply) -> None:
        if given.answer == "c":
            raise ValueError("c is no answer")

    path = written(tmp_path, f"- {{{GOOD}}}\n- {{question: b, answer: c, basis: authored}}")
    with pytest.raises(FixtureError, match="entry 2: c is no answer"):
        load_replies(path, FIELDS, check)


# Folders and recordings.


def har(folder: Path, name: str, *entries: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({"log": {"entries": entries}}))
    return path


def read(entries: list[dict[str, Any]]) -> list[Reply]:
    return [reply("question", entry["asked"], entry["answered"].lower()) for entry in entries]


def test_folder_gives_replies_first_then_recordings_by_name(tmp_path: Path) -> None:
    har(tmp_path, "b.har", {"asked": "3", "answered": "B"})
    har(tmp_path, "a.har", {"asked": "1", "answered": "A"}, {"asked": "2", "answered": "A"})
    written(tmp_path, "- {question: '0', answer: y, basis: authored}")
    (tmp_path / "notes.txt").write_text("not read")
    found = load_fixtures(tmp_path, read, FIELDS)
    assert [(one.question, one.answer) for one in found] == [
        ("0", "y"),
        ("1", "a"),
        ("2", "a"),
        ("3", "b"),
    ]


def test_empty_folder_gives_nothing_and_a_missing_one_is_refused(tmp_path: Path) -> None:
    assert load_fixtures(tmp_path, read, FIELDS) == []
    for missing in (tmp_path / "missing", har(tmp_path, "a.har")):
        with pytest.raises(FixtureError, match="there is no such folder of fixtures"):
            load_fixtures(missing, read, FIELDS)


def test_replies_that_cannot_be_opened_are_refused(tmp_path: Path) -> None:
    (tmp_path / "replies.yaml").mkdir()
    with pytest.raises(FixtureError, match="directory"):
        load_fixtures(tmp_path, read, FIELDS)


@pytest.mark.parametrize(
    "content",
    [b"", b"no", b"[]", b"{}", b'{"log": []}', b'{"log": {}}', b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "words", "list", "object", "log is a list", "no entries", "bytes", "deep"],
)
def test_recording_that_is_no_har_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(content)
    with pytest.raises(FixtureError, match="not a HAR file, which is JSON with log.entries"):
        load_recording(path)


@pytest.mark.parametrize("entries", [{}, "text", [1], [{}, None]])
def test_recording_whose_entries_are_no_objects_is_refused(entries: object, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    with pytest.raises(FixtureError, match="log.entries should be a list of objects"):
        load_recording(path)


@pytest.mark.parametrize(
    "entry", [{}, {"asked": "a"}, {"asked": "a", "answered": 1}, {"asked": "a", "answered": None}]
)
def test_recording_of_something_else_is_refused_with_its_name(
    entry: object, tmp_path: Path
) -> None:
    path = har(tmp_path, "a.har", entry)
    with pytest.raises(FixtureError, match="an entry is not an exchange of this API") as caught:
        load_fixtures(tmp_path, read, FIELDS)
    assert str(caught.value).startswith(f"{path}: ")


def test_check_of_the_api_refuses_a_recording(tmp_path: Path) -> None:
    def check(given: Reply) -> None:
        raise ValueError(f"{given.answer} is no answer")

    har(tmp_path, "a.har", {"asked": "1", "answered": "A"})
    with pytest.raises(FixtureError, match="a is no answer"):
        load_fixtures(tmp_path, read, FIELDS, check)

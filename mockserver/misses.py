"""What is told of a question that nobody scripted: the nearest one that is, and what differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from heapq import nlargest
from typing import TYPE_CHECKING

from .model import Refusal

if TYPE_CHECKING:
    from .replies import Reply

MOST_COMPARED = 200
"""Characters of a question that are looked at to find the nearest one."""

MOST_LOOKED_AT = 5
"""Replies that are compared in full: it takes their square, and others wait meanwhile."""

MOST_TOLD = 3
"""Differences that are told; the rest are counted."""

_SAID = {
    "question": "{!r}",
    "contains": "a question that contains {!r}",
    "pattern": "a question that matches {!r}",
}


def miss(question: str, known: Iterable[Reply], session: str = "") -> Refusal:
    """Return the refusal of a question that no fixture answers: it tells the nearest, and why not.

    HTTP has 501 for what a server does not do; no vendor answers with it.
    """
    asked = question[:MOST_COMPARED]
    said = f"no reply is scripted for {asked!r}"
    # A predicate in Python has no text that could be told.
    texts = [reply for reply in known if reply.where is None]
    spent = next((reply for reply in texts if reply.answers_to(question)), None)
    if nearest := spent or _nearest(asked, texts):
        named = _SAID[nearest.matcher].format(nearest.question[:MOST_COMPARED])
        why = _withheld(nearest, session) if spent else _difference(asked, nearest)
        said += f"; the closest is {named} ({nearest.source}): {why}"
    return Refusal(said, status=501)


def _withheld(reply: Reply, session: str) -> str:
    if reply.session not in (None, session):
        return f"it is for the conversation {reply.session!r} alone"
    times = "once" if reply.times == 1 else f"{reply.times} times"
    return f"it was given {times}, as often as it may be"


def _nearest(asked: str, known: Iterable[Reply]) -> Reply | None:
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(asked)
    likely = nlargest(MOST_LOOKED_AT, known, key=lambda reply: _at_most(matcher, asked, reply))
    return max(likely, key=lambda reply: _alike(asked, reply), default=None)


def _at_most(matcher: SequenceMatcher[str], asked: str, reply: Reply) -> float:
    """Return a bound for how alike the two are, which takes less time than to say it exactly."""
    known = reply.question[:MOST_COMPARED]
    matcher.set_seq1(known)
    bound: float = matcher.quick_ratio()
    if reply.matcher != "contains":
        return bound
    return bound * (len(known) + len(asked)) / 2 / max(1, len(known))


def _alike(asked: str, reply: Reply) -> float:
    known = reply.question[:MOST_COMPARED]
    here = _place_of(known, asked) if reply.matcher == "contains" else asked
    return SequenceMatcher(None, known, here, autojunk=False).ratio()


def _place_of(part: str, asked: str) -> str:
    """Return what in a question is most like a part that it should contain, in whole words."""
    begin = SequenceMatcher(None, part, asked, autojunk=False).find_longest_match()
    first = max(0, begin.b - begin.a)
    last = min(len(asked), first + len(part))
    while 0 < first < len(asked) and asked[first].isalnum() and asked[first - 1].isalnum():
        first -= 1
    while 0 < last < len(asked) and asked[last].isalnum() and asked[last - 1].isalnum():
        last += 1
    return asked[first:last].strip()


def _difference(asked: str, reply: Reply) -> str:
    known = reply.question[:MOST_COMPARED]
    if reply.matcher == "pattern":
        return _matched_so_far(known, asked)
    if reply.matcher == "contains":
        asked = _place_of(known, asked)
    told = list(_steps(known, asked)) or ["it differs further on"]
    more = f", and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    return f"{', '.join(told[:MOST_TOLD])}{more}"


def _steps(known: str, asked: str) -> Iterator[str]:
    """Yield what differs, word by word, in the order of the question."""
    before, after = _words(known), _words(asked)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for step, a, b, c, d in matcher.get_opcodes():
        there, here = "".join(before[a:b]), "".join(after[c:d])
        if step == "replace":
            yield f"asked was {here!r} where it has {there!r}"
        elif step == "insert":
            yield f"asked was {here!r}, which it has not"
        elif step == "delete":
            yield f"it has {there!r}, which was not asked"


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|\s+|[^\w\s]", text)


def _matched_so_far(pattern: str, asked: str) -> str:
    """Say how far a pattern goes with a question: up to its longest beginning that is found."""
    for end in range(len(pattern) - 1, 0, -1):
        try:
            found = re.search(pattern[:end], asked)
        except (re.error, OverflowError, RecursionError):
            continue
        if found and found[0]:
            return f"it goes with {found[0]!r} as far as {pattern[:end]!r}, and no further"
    return "nothing of it is found in what was asked"

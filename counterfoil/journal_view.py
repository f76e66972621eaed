"""The journal of a mock as a test looks at it: where something is missing, all is shown."""

from __future__ import annotations

import difflib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from mockserver.journal import Entry, Filter, Journal
from mockserver.model import Api
from mockserver.replies import Reply

MOST_SHOWN = 50
"""Exchanges that a message shows: the last ones."""

MOST_SAID = 120
"""Characters of a body that a message shows."""

PAUSE = 0.01
"""Seconds between two looks of who waits for an exchange."""


class JournalView:
    """The exchanges of one mock, oldest first; `print` shows them as a table.

    What is asked for is named as in the admin API: `operation`, `session`, `caller`, `method`,
    `path`, `status`, `fault`, `chaos`, `contains`, and `since`, the number of the last exchange
    that does not count.
    """

    def __init__(self, journal: Journal, api: Api) -> None:
        self._journal = journal
        self._given: Counter[str] = Counter()
        self._api = api

    def all(self, **asked: Any) -> list[Entry]:
        """Return the exchanges that are asked for; all of them, where nothing is."""
        return self._journal.entries(self._filter(asked))

    def __iter__(self) -> Iterator[Entry]:
        """Yield all exchanges."""
        return iter(self.all())

    def __len__(self) -> int:
        """Return how many exchanges there are."""
        return len(self.all())

    def one(self, **asked: Any) -> Entry:
        """Return the only exchange that is asked for; AssertionError for none, or several."""
        __tracebackhide__ = True
        found = self.all(**asked)
        if len(found) != 1:
            raise AssertionError(self._told(f"one exchange{_said(asked)} was expected", found))
        return found[0]

    def none(self, **asked: Any) -> None:
        """Raise AssertionError where there is an exchange that is asked for."""
        __tracebackhide__ = True
        if found := self.all(**asked):
            raise AssertionError(self._told(f"no exchange{_said(asked)} was expected", found))

    def last(self, **asked: Any) -> Entry:
        """Return the last exchange that is asked for; AssertionError where there is none."""
        __tracebackhide__ = True
        found = self.all(**asked)
        if not found:
            raise AssertionError(self._told(f"an exchange{_said(asked)} was expected", found))
        return found[-1]

    def wait(self, count: int = 1, *, timeout: float = 5.0, **asked: Any) -> list[Entry]:
        """Return what is asked for when that is `count` exchanges; AssertionError after a while."""
        __tracebackhide__ = True
        until = time.monotonic() + timeout
        while len(found := self.all(**asked)) < count:
            if time.monotonic() >= until:
                many = f"{count} exchange{'s' if count != 1 else ''}{_said(asked)}"
                raise AssertionError(self._told(f"{many} did not come within {timeout:g} s", found))
            time.sleep(PAUSE)
        return found

    def assert_all_replied(self) -> None:
        """Raise AssertionError where a scripted reply was not given as often as it should be.

        That is `times` times, or once for each of its answers; once where neither says more.
        """
        __tracebackhide__ = True
        given = self._given + Counter(entry.fixture for entry in self._journal.entries())
        scripted = reversed(list(self._api.world.scripted))
        left = [
            f"  {_described(reply)}: given {given[reply.source]} of {_wanted(reply)} times"
            for reply in scripted
            if given[reply.source] < _wanted(reply)
        ]
        if left:
            raise AssertionError(
                "\n".join(["scripted and not asked for:", *left, *self._shown(self.all())])
            )

    def clear(self) -> None:
        """Forget all exchanges."""
        # What was given before still counts as given.
        self._given.update(entry.fixture for entry in self._journal.entries())
        self._journal.clear()

    def begin_anew(self) -> None:
        """Forget all exchanges, and which replies were given."""
        self.clear()
        self._given.clear()

    @property
    def written(self) -> int:
        """The number of the last exchange, 0 before the first."""
        return self._journal.written

    def table(self, **asked: Any) -> str:
        """Return the last of the exchanges that are asked for as a table."""
        return "\n".join(self._shown(self.all(**asked)))

    def __str__(self) -> str:
        """Return the last exchanges as a table."""
        return self.table()

    def _filter(self, asked: dict[str, Any]) -> Filter:
        """Return what is asked for; TypeError and ValueError for what no journal could have."""
        known = [one.name for one in fields(Filter)]
        for name in asked:
            if name not in known:
                raise TypeError(f"a journal is not asked for {name!r}; {_nearest(name, known)}")
        operations = [one.name for one in self._api.operations]
        wanted = asked.get("operation")
        if wanted is not None and wanted not in operations:
            raise ValueError(
                f"{self._api.name} has no operation {wanted!r}; {_nearest(wanted, operations)}"
            )
        return Filter(**asked)

    def _told(self, expected: str, found: list[Entry]) -> str:
        there = f"there {'is' if len(found) == 1 else 'are'} {len(found) or 'none'}"
        return "\n".join([f"{expected}, and {there}", *self._shown(self.all(), found)])

    def _shown(self, entries: list[Entry], marked: list[Entry] | None = None) -> list[str]:
        """Return a table of the last entries, an arrow before those that were asked for."""
        if not entries:
            return [f"the journal of {self._api.name} is empty"]
        last = entries[-MOST_SHOWN:]
        numbers = {entry.number for entry in marked or ()}
        rows = [_row(entry, entry.number in numbers) for entry in last]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "\n".join(["  ".join(map(str.ljust, row, widths)).rstrip(), *_said_in(entry)])
            for row, entry in zip(rows, last, strict=True)
        ]
        left = len(entries) - len(last)
        head = f"the journal of {self._api.name}" + (f", without {left} before" if left else "")
        return [f"{head}:", *lines]


def _row(entry: Entry, marked: bool) -> tuple[str, ...]:
    happened = [*entry.faults, *entry.chaos]
    return (
        ">" if marked else " ",
        str(entry.number),
        entry.method,
        entry.path,
        str(entry.status),
        entry.operation or "-",
        entry.caller,
        entry.fixture or "-",
        ", ".join(happened),
    )


def _said_in(entry: Entry) -> Iterator[str]:
    """Yield what was asked and answered, and the remarks of the mock, a line each."""
    for sign, said in ((">", entry.body), ("<", entry.answer), *(("!", r) for r in entry.remarks)):
        line = " ".join(said[: 2 * MOST_SAID].split())
        if line:
            cut = len(line) > MOST_SAID or len(said) > 2 * MOST_SAID
            yield f"       {sign} {line[:MOST_SAID]}" + ("…" if cut else "")


def _said(asked: dict[str, Any]) -> str:
    said = ", ".join(f"{name}={value!r}" for name, value in asked.items())
    return f" with {said}" if said else ""


def _wanted(reply: Reply) -> int:
    return reply.times or max(1, len(reply.answers))


def _described(reply: Reply) -> str:
    if reply.where is not None:
        return f"{reply.source}, a predicate"
    return f"{reply.source}, {reply.matcher} {reply.question!r}"


def _nearest(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"

"""What a test does with a mock: tells it what to answer and how to break, and looks at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from mockserver.chaos import Chaos
from mockserver.clock import MovedClock, VirtualClock
from mockserver.journal import Journal
from mockserver.model import Api

from .journal_view import JournalView

Where = Callable[[str], bool]
"""A predicate over a question."""

Until = AbstractContextManager[object]
"""What was switched on stays on; as a `with` block, until its end."""


class Steering:
    """The hand on one mock, wherever it runs.

    `credentials` are what the two callers bring whom it knows, those of the second with `other_` in
    front of their names. `clock.advance(seconds)` makes it later for the mock, at once.
    """

    def __init__(self, api: Api, journal: Journal, clock: MovedClock | VirtualClock) -> None:
        self._api = api
        self._chaos = Chaos(api)
        self.name = api.name
        self.clock = clock
        self.journal = JournalView(journal, api)
        first, other = api.world.identities[:2]
        seconds = {f"other_{name}": value for name, value in other.items()}
        self.credentials: Mapping[str, str] = {**first, **seconds}

    def reply(
        self,
        question: str | Where | None = None,
        answer: str | Sequence[str] | None = None,
        **entry: Any,
    ) -> None:
        """Script a reply; the last one goes before the others, and all of them before fixtures.

        `question` is the whole question, or a predicate over it, or left out for any; of several
        answers each is given once, and the last one from then on. Whatever else an entry of
        `replies.yaml` may say goes by its name: `contains` or `pattern` instead of a question,
        `messages`, `error`, `delay`, `fault`, `times`, `session`, `fields`. Raises FixtureError
        for what is no reply, and UnknownName for a fault.
        """
        if answer is not None:
            one = isinstance(answer, str)
            entry["answer" if one else "answers"] = answer if one else list(answer)
        scripted = self._api.world.scripted
        if callable(question):
            scripted.add_where(question, entry)
        elif question is not None:
            scripted.add({"question": question, **entry})
        else:
            named = {"contains", "pattern"} & set(entry)
            scripted.add(entry if named else {"contains": "", **entry})

    def fault(self, *ids: str, session: str | None = None) -> Until:
        """Break in these ways, too (`ID`, or `ID@CHANCE`), for everybody or in one session.

        Raises UnknownName.
        """
        switches = self._api.world.switches
        on = switches.as_json()
        before = on["faults"] if session is None else on["sessions"].get(session, [])
        switches.set([*before, *ids], session)
        return _until(lambda: switches.set(before, session))

    def chaos(self, *, session: str | None = None, **plan: Any) -> Until:
        """Let this happen to connections and nothing else, as `/_counterfoil/chaos` takes it.

        For everybody, or in one session. Raises BadChaos.
        """
        on = self._chaos.as_json()
        before = on["everywhere"] if session is None else on["sessions"].get(session, {})
        self._chaos.set(plan, session)
        return _until(lambda: self._chaos.set(before, session))

    def reset(self) -> None:
        """Forget everything: conversations, scripted replies, faults, chaos and the journal."""
        self._api.world.scripted.clear()
        self._api.world.store.clear((self.name,))
        self.journal.begin_anew()

    def assert_all_replied(self) -> None:
        """Raise AssertionError where a scripted reply was not given as often as it should be."""
        __tracebackhide__ = True
        self.journal.assert_all_replied()


def _until(back: Callable[[], None]) -> ExitStack:
    stack = ExitStack()
    stack.callback(back)
    return stack

"""Which recorded fixture answers a question; and the seeded fallback where none does."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from .misses import miss
from .model import Refusal
from .recorded import Pace

if TYPE_CHECKING:
    from faker import Faker

Matcher = Literal["question", "contains", "pattern"]
MATCHERS: tuple[Matcher, ...] = ("question", "contains", "pattern")
BASES = ("documented", "observed", "authored")
FACES = ("answer", "answers", "messages")

MOST_REMEMBERED = 1024
"""Characters of a question whose reply is kept for the next time, and how many of them."""


MOST_SEARCHED = 2000
"""Characters of a question that a pattern is looked for in: some patterns take their square."""


CHOSEN: ContextVar[Reply | None] = ContextVar("CHOSEN", default=None)
"""The reply to the request in hand, once there is one."""

PICKED: ContextVar[Reply | None] = ContextVar("PICKED", default=None)
"""The reply that was picked for the request in hand before it was served, for the faults in it."""

SESSION: ContextVar[str] = ContextVar("SESSION", default="")
"""The conversation of the request in hand."""


@dataclass(frozen=True, slots=True)
class Failing:
    """An error to answer with, in the vendor's own shape: its HTTP status, its code if it has any.

    An empty message leaves the words to the vendor.
    """

    status: int = 500
    code: int = 0
    message: str = "scripted"


@dataclass(frozen=True, slots=True)
class Reply:
    """One fixture: what is answered to which question.

    `messages` is there for APIs whose reply is a whole conversation; `fields` are the vendor's own.
    Of several `answers` each is given once, in their order, and the last one from then on. A reply
    with `times` is given so often and no more, one with a `session` in that conversation alone;
    `where` is a predicate over the question, for replies that are written in Python.
    """

    matcher: Matcher
    question: str
    answer: str
    basis: str
    messages: tuple[Mapping[str, Any], ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    source: str = "made up"
    """The file that it is from, and the place in it."""
    answers: tuple[str, ...] = ()
    error: Failing | None = None
    delay: float = 0.0
    """Seconds that the reply takes longer than others."""
    faults: tuple[str, ...] = ()
    """How the server breaks for whoever asks this."""
    times: int | None = None
    session: str | None = None
    where: Callable[[str], bool] | None = None
    pace: Pace | None = None
    """How the answer came, where it was recorded piece by piece."""
    waited: float = 0.0
    """Seconds until the answer began, where it was recorded."""

    def answers_to(self, question: str) -> bool:
        """Say whether this fixture is the reply to `question`."""
        if self.where is not None:
            return self.where(question)
        if self.matcher == "question":
            return question == self.question
        if self.matcher == "contains":
            return self.question in question
        return _pattern(self.question).search(question[:MOST_SEARCHED]) is not None


_pattern = lru_cache(1024)(re.compile)

Count = Callable[[str], int]
"""Counts what it is given: how often it was counted before."""


class Replies:
    """The fixtures of one API, in order of precedence, with a made-up text where none fits.

    Those that were scripted while the mock runs go first, the last one before the others; then
    exact questions before substrings and patterns, and of several the first in the files.
    """

    def __init__(
        self,
        fixtures: Iterable[Reply],
        seed: int,
        *,
        count: Count = lambda source: 0,
        scripted: Iterable[Reply] = (),
        strict: bool = False,
        watch: Callable[[], Iterable[Reply] | None] | None = None,
    ) -> None:
        self._seed = seed
        self._fallback = Fallback(seed)
        self._count = count
        self._scripted = scripted
        self._strict = strict
        self._watch = watch
        self.set(fixtures)

    def set(self, fixtures: Iterable[Reply]) -> None:
        """Answer from these fixtures from now on."""
        exact: dict[str, list[Reply]] = {}
        others: list[Reply] = []
        for fixture in fixtures:
            plain = fixture.matcher == "question" and fixture.where is None
            (exact.setdefault(fixture.question, []) if plain else others).append(fixture)
        self._exact, self._others = exact, others
        self._matching = lru_cache(MOST_REMEMBERED)(self._match)
        self._breaking = any(fixture.faults for fixture in self.known())

    def choose(self, question: str, locale: str = "en_US") -> Reply:
        """Return the fixture that answers `question`, else a made-up reply: always the same one.

        Raises Refusal where the fixture is an error, or where nothing may be made up.
        """
        reply = PICKED.get() or self._pick(question)
        if reply is not None:
            return _given(reply)
        if self._strict:
            raise miss(question, [*self._scripted, *self.known()], SESSION.get())
        return _given(self._fallback.reply(question, locale))

    def find(self, question: str) -> Reply | None:
        """Return the fixture that answers `question`, None where none does. Raises as `choose`."""
        reply = PICKED.get() or self._pick(question)
        if reply is None and self._strict:
            raise miss(question, [*self._scripted, *self.known()], SESSION.get())
        return None if reply is None else _given(reply)

    def faults(self, question: str) -> tuple[str, ...]:
        """Return the faults that come with the reply to a question, which is then picked."""
        if not any(reply.faults for reply in self.candidates(question)):
            return ()  # then nothing is picked, and nothing counted
        reply = self._pick(question)
        PICKED.set(reply)
        return reply.faults if reply else ()

    @property
    def may_break(self) -> bool:
        """Whether any reply comes with faults, so that it has to be picked early."""
        if self._breaking or not self._scripted:
            return self._breaking
        return any(reply.faults for reply in self._scripted)

    def _pick(self, question: str) -> Reply | None:
        """Return the fixture that answers now, with the answer that it gives now; count it."""
        for reply in self.candidates(question):
            place = self._count(reply.source) if reply.times is not None or reply.answers else 0
            if reply.times is None or place < reply.times:
                said = reply.answers[min(place, len(reply.answers) - 1)] if reply.answers else None
                return reply if said is None else replace(reply, answer=said)
        return None

    def candidates(self, question: str) -> Iterator[Reply]:
        """Yield the fixtures that may answer, as far as question and conversation decide."""
        if self._watch and (fixtures := self._watch()) is not None:
            self.set(fixtures)
        session = SESSION.get()
        matching = self._matching if len(question) <= MOST_REMEMBERED else self._match
        found: Iterable[Reply] = matching(question)
        if self._scripted:
            found = chain((one for one in self._scripted if one.answers_to(question)), found)
        for reply in found:
            if reply.session in (None, session):
                yield reply

    def _match(self, question: str) -> tuple[Reply, ...]:
        """Return the fixtures of the files that answer a question, in whatever conversation."""
        exact = self._exact.get(question, ())
        return (*exact, *(reply for reply in self._others if reply.answers_to(question)))

    def known(self) -> Iterator[Reply]:
        """Yield all fixtures of the files."""
        return chain(*self._exact.values(), self._others)


def _given(reply: Reply) -> Reply:
    """Return a reply, noted as the one that is given; raises Refusal where it is an error."""
    CHOSEN.set(reply)
    if reply.error:
        error = reply.error
        raise Refusal(error.message, status=error.status, code=error.code)
    return reply


class Fallback:
    """Plausible text from Faker that depends on the seed and the question alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def reply(self, question: str, locale: str) -> Reply:
        """Return the reply to `question`; only short questions are worth the room in memory."""
        made = _remembered if len(question) <= MOST_REMEMBERED else _made_up
        return made(self._seed, question, locale)


def _made_up(seed: int, question: str, locale: str) -> Reply:
    with _one_speaks:
        faker = _faker(locale)
        faker.seed_instance(f"{seed}\x1f{question!r}")
        return Reply("question", question, str(faker.paragraph(nb_sentences=3)), "authored")


_remembered = lru_cache(maxsize=4096)(_made_up)

_one_speaks = threading.Lock()
"""Between its seed and its text a faker belongs to one mock."""


@cache
def _faker(locale: str) -> Faker:
    # Imported here: it takes longer than the rest of a mock's start together.
    from faker import Faker

    return Faker(locale, use_weighting=False)

"""Failures of a report are seen again, or not: its requests are made anew, its answers compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

from .driver import Driver
from .likeness import Likeness
from .model import (
    Chunk,
    ContractError,
    Exchange,
    Hidden,
    NotReached,
    Request,
    Stopped,
    shortened,
)
from .recipes import changed
from .redaction import redaction_for
from .stored import Asked, Piece, Pieces, StoredFailure
from .tokens import in_body, in_target

PATIENCE = 60.0
"""Seconds within which an answer changes that was seen to change when it was asked for again."""

LATER = 10.0
"""Seconds within which what was there at once then has to be there now; a server may be slower."""
NOT_YET = 404

MOST_WAITED = 300.0
"""Seconds that a failure may wait for altogether: whoever wrote it down may have meant harm."""

LONG_BEFORE = 60.0
"""Seconds after which a pause was none of the case's: what was made long before it was used."""


class Word(StrEnum):
    """What became of a failure."""

    AGAIN = "seen again"
    NOT_AGAIN = "not seen again"
    CANNOT = "cannot be replayed"


@dataclass(frozen=True, slots=True)
class Replayed:
    """A failure, what became of it and why, and the answer that decided it, then and now.

    `step` counts the requests up to that answer, from 1.
    """

    failure: StoredFailure
    word: Word
    reason: str = ""
    step: int = 0
    then: Exchange | None = None
    now: Exchange | None = None


class Differs(Exception):
    """An answer is of another kind than the one that is stored."""

    def __init__(self, step: int, then: Exchange, now: Exchange, difference: str) -> None:
        super().__init__(difference)
        self.step, self.then, self.now = step, then, now


class Cannot(Exception):
    """A request cannot be made anew, or nobody takes it; the message says why."""


def knock(driver: Driver) -> None:
    """Make sure that the target lets us in; raises Stopped with the reason where it does not."""
    exchange = driver.probe()
    if not driver.accepted(exchange):
        raise Stopped(f"the target turned our first request down: {driver.describe(exchange)}")


def replay(failure: StoredFailure, driver: Driver) -> Replayed:
    """Send the requests of a failure once more, made anew, and compare what comes.

    Raises Stopped where the target is gone, or the budget spent.
    """
    driver.exchanges.clear()
    run = _Run(failure, driver)
    try:
        return run.play()
    except Cannot as why:
        return Replayed(failure, Word.CANNOT, str(why), run.step)
    except NotReached as why:
        return Replayed(failure, Word.CANNOT, str(why), run.step)
    except Differs as found:
        word, reason = Word.NOT_AGAIN, str(found)
        built_upon = found.step < len(failure.asked)
        if built_upon and driver.accepted(found.then) and not driver.accepted(found.now):
            word = Word.CANNOT
            reason = f"what it builds on was answered otherwise: {driver.describe(found.now)}"
        return Replayed(failure, word, reason, found.step, found.then, found.now)


class _Run:
    """The replay of one failure; `step` counts the requests that were made anew."""

    def __init__(self, failure: StoredFailure, driver: Driver) -> None:
        self.step = 0
        self._failure = failure
        self._driver = driver
        self._likeness = Likeness(type(driver))
        self._answers: list[Exchange] = []

    def play(self) -> Replayed:
        """Send what is stored; raises Differs at the first answer of another kind, and Cannot."""
        asked = self._failure.asked
        if not asked:
            raise Cannot("the report holds no request of it")
        waits = sum(one.pause for one in asked if one.pause <= LONG_BEFORE)
        if waits > MOST_WAITED:
            raise Cannot(f"it waits for {waits:.0f} s, more than {MOST_WAITED:.0f}")
        for _, group in groupby(asked, key=lambda one: one.request):
            now = self._group(list(group))
        if self._likeness.open:
            raise Cannot(self._likeness.open)
        return Replayed(self._failure, Word.AGAIN, "", self.step, asked[-1].answer, now)

    def _group(self, group: list[Asked]) -> Exchange:
        """Ask for the same again and again, as it was done, until all kinds of answers came.

        Where the answers changed in the course of it, they may do so sooner or later than then.
        """
        runs = self._runs(group)
        found: list[list[Exchange]] = [[] for _ in runs]
        waits = _Waits(self._driver, [asked.pause for asked in group])
        first, at, seen = self.step, 0, 0
        while at + 1 < len(runs) or seen < len(runs[-1]):
            waits.before_next()
            self.step = first + min(waits.count, len(group))
            now = self._ask(group[0])
            shown, then = self._shown(now), runs[at][min(seen, len(runs[at]) - 1)].answer
            difference = self._likeness.difference(then, shown)
            # What was turned down before may be skipped by a faster server, but no other answer.
            if difference and at + 1 < len(runs) and (seen or not self._driver.accepted(then)):
                other = self._likeness.difference(runs[at + 1][0].answer, shown)
                at, seen, difference = (at, seen, difference) if other else (at + 1, 0, "")
            if difference and not (self._not_yet(group[0], then, now) and waits.a_little()):
                raise Differs(self.step, then, shown, difference)
            if at + 1 < len(runs) and waits.in_vain:
                raise Differs(self.step, group[-1].answer, shown, "it does not change any more")
            if not difference:
                found[at].append(now)
                seen += 1
        for run, answers in zip(runs, found, strict=True):
            # One for each request of then, though there may have been more or fewer.
            answers = [*answers, *[now] * (len(run) - len(answers))][-len(run) :]
            self._answers += answers
        self.step = first + len(group)
        return shown

    def _runs(self, group: list[Asked]) -> list[list[Asked]]:
        """Return the same requests in runs of answers that are alike."""
        runs = [[group[0]]]
        for asked in group[1:]:
            if Likeness(type(self._driver)).difference(runs[-1][0].answer, asked.answer):
                runs.append([asked])
            else:
                runs[-1].append(asked)
        return runs

    def _not_yet(self, asked: Asked, then: Exchange, now: Exchange) -> bool:
        """Say whether what was there at once then may be there later: a server may be slower."""
        return asked.method == "GET" and now.status == NOT_YET and self._driver.accepted(then)

    def _ask(self, asked: Asked) -> Exchange:
        request = Maker(self._driver, self._answers, self._likeness).request(asked)
        try:
            return self._driver.send(request)
        except ContractError as problem:
            raise Cannot(str(problem)) from problem

    def _shown(self, exchange: Exchange) -> Exchange:
        """Return an exchange as the report shows one: its answer without secrets."""
        if exchange.response is None:
            return exchange
        driver = self._driver
        redact = redaction_for(driver.contract, driver.credentials, (exchange,))
        body = redact(exchange.body.decode("utf-8", "surrogateescape"))
        headers = tuple((name, redact(value)) for name, value in exchange.response.headers)
        data = body.encode("utf-8", "surrogateescape")
        chunks = tuple(Chunk(chunk.at, b"") for chunk in exchange.response.chunks)
        response = replace(exchange.response, headers=headers, body=data, chunks=chunks)
        return replace(exchange, response=response)


class _Waits:
    """The pauses between requests that are sent again and again: those of then, then our own."""

    def __init__(self, driver: Driver, pauses: list[float]) -> None:
        self.count = 0
        self._driver = driver
        self._pauses = [pause if pause <= LONG_BEFORE else 0.0 for pause in pauses]
        self._waited = self._little = 0.0
        self._own = 0.1

    def before_next(self) -> None:
        """Wait as long as before the same request then."""
        if self.count < len(self._pauses):
            self._sleep(self._pauses[self.count])
        elif sum(self._pauses[1:]):
            self._own = min(2.0, self._own * 1.6)
            self._sleep(self._own)
        self.count += 1

    @property
    def in_vain(self) -> bool:
        """Whether it was asked as often as then and longer than anybody waits, if they waited."""
        polled = sum(self._pauses[1:]) > 0
        return self.count > len(self._pauses) and (not polled or self._waited > PATIENCE)

    def a_little(self) -> bool:
        """Wait a little longer than then; False where that was done for long enough."""
        self._little += 0.5
        self._sleep(0.5)
        return self._little < LATER

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._driver.clock.sleep(seconds)
        self._waited += seconds


class Maker:
    """Makes requests anew of their pieces, for a caller and after the answers there were."""

    def __init__(self, driver: Driver, answers: list[Exchange], likeness: Likeness) -> None:
        self._driver = driver
        self._answers = answers
        self._likeness = likeness
        self._secret = {one.name for one in driver.contract.credentials if one.secret}
        self._hidden: list[Hidden] = []

    def request(self, asked: Asked) -> Request:
        """Return the request; raises Cannot."""
        target = self._text(asked.target, None)
        headers = tuple((name, self._text(value, name)) for name, value in asked.headers)
        body = self._text(asked.body, None)
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        for token in (*in_target(target), *in_body(body, kind)):
            self._likeness.sent(None, str(token.value))
        try:
            data = body.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise Cannot("its body has half a surrogate pair in it") from error
        hidden = tuple(self._hidden)
        return Request(asked.method, target, headers, data, asked.operation, hidden)

    def _text(self, pieces: Pieces, header: str | None) -> str:
        return "".join(
            piece if isinstance(piece, str) else self._piece(piece, header) for piece in pieces
        )

    def _piece(self, piece: Piece, header: str | None, *, inside: bool = False) -> str:
        """Return the text of a piece; what is secret goes nowhere but where the API has it."""
        value, secret = self._value(piece)
        if piece.was is not None:
            self._likeness.sent(piece.was, value)
        try:
            text = changed(value, piece.then)
        except ContractError as problem:
            raise Cannot(str(problem)) from problem
        if piece.then and piece.label and text == value:
            raise Cannot(f"{piece.label} is no other than the secret itself, for this caller")
        if secret and not inside:
            if (header or "").lower() not in self._driver.secret_headers:
                raise Cannot("it would send a secret where the API has none")
        if piece.label and not inside:
            self._hidden.append(Hidden(text, piece.label, ""))
        return text

    def _value(self, piece: Piece) -> tuple[str, bool]:
        """Return the text before it is changed, and whether it tells a secret."""
        if piece.credential:
            return self._credential(piece.credential)
        if piece.answer is not None:
            return self._answered(piece, piece.answer), False
        if not piece.made:
            raise Cannot(f"{piece.unknown} is in it, in a way that cannot be made anew")
        parts = [self._part(part) for part in piece.parts]
        try:
            return self._driver.make_anew(piece.made, parts), piece.made not in self._driver.one_way
        except ContractError as problem:
            raise Cannot(str(problem)) from problem

    def _part(self, part: Pieces) -> str:
        return "".join(
            piece if isinstance(piece, str) else self._piece(piece, None, inside=True)
            for piece in part
        )

    def _credential(self, name: str) -> tuple[str, bool]:
        contract = self._driver.contract
        if name not in {credential.name for credential in contract.credentials}:
            raise Cannot(f"{contract.name} has no credential {shortened(name)}")
        if name not in self._driver.credentials:
            raise Cannot(f"it needs {contract.variable(name)}")
        return self._driver.credentials[name], name in self._secret

    def _answered(self, piece: Piece, answer: int) -> str:
        """Return what the new answer has at the same place."""
        exchange = self._answers[answer]
        found = self._driver.reading(exchange)
        keys = [key if isinstance(key, (str, int)) else self._piece(key, None) for key in piece.at]
        for key in keys:
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                found = None
        if isinstance(found, bool) or not isinstance(found, (str, int)):
            place = ".".join(map(str, keys))
            raise Cannot(f"the answer to step {answer + 1} has nothing at {shortened(place)}")
        return str(found)

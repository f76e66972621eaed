"""What the clauses of one run have in common: what was asked, what exists, what was reached."""

from __future__ import annotations

from dataclasses import replace

from ..driver import GaveUp
from ..model import Exchange, NotReached, Request, Stopped
from ..samples import Sample
from .desk import Desk
from .driver import DocumentDriver
from .known import Known, Missing
from .outline import Listed

MOST_TRIES = 4
"""Valid requests that an operation may turn down before it counts as one that we cannot reach."""

MOST_STRANGERS = 10
"""Operations in a row that do not know who is asking, before the rest is not asked."""


class Ledger:
    """One run over one document; exchanges are kept for the operation at hand alone."""

    def __init__(self, driver: DocumentDriver, desk: Desk) -> None:
        self._driver = driver
        self._desk = desk
        self.known = Known(driver.values, driver.outline.operations)
        self._exchanges: dict[Request, Exchange] = {}
        self._filled: dict[Sample, Sample] = {}
        self._at = ""
        self._accepted: dict[str, Sample] = {}
        self._made_with: dict[str, Sample] = {}
        self._refusal: dict[str, str] = {}
        self._last: dict[str, Exchange] = {}
        self._prepared: set[str] = set()
        self._strangers = 0

    def filled(self, sample: Sample, *, anew: bool = False) -> Sample:
        """Return the sample with things in its path that there are; raises NotReached."""
        listed = self._desk.listed[sample.operation.id]
        self._turn_to(listed)
        again = self._driver.repeats and listed.method == "DELETE"
        if sample not in self._filled or anew or again:
            self._prepare(listed)
            values = self._values(listed, sample)
            kept = {n: text for n, text in sample.path.items() if n in sample.kept}
            if any(values[name] == "" for name in values if name not in kept):
                raise NotReached(_wanted(listed, next(n for n in values if not values[n])))
            self._filled[sample] = replace(sample, path={**values, **kept})
        return self._filled[sample]

    def _values(self, listed: Listed, sample: Sample) -> dict[str, str]:
        free = self._desk.free(listed.id)
        try:
            return self.known.values(listed, sample.path, free)
        except Missing:
            self._make_another(listed)
        try:
            return self.known.values(listed, sample.path, free)
        except Missing as missing:
            raise NotReached(_wanted(listed, str(missing))) from None

    def _make_another(self, listed: Listed) -> None:
        """Make once more what an operation deletes, by the request that was accepted before."""
        for other in self._desk.at.get(listed.path.rstrip("/").rpartition("/")[0], ()):
            sample = self._accepted.get(other.id)
            if other.method == "POST" and sample is not None:
                exchanges = self._driver.exchanges
                before = len(exchanges)
                filled = self._made_with.get(other.id, sample)
                sent = self._driver.send(self._driver.admitted(filled.request, other))
                del exchanges[before:]
                if self._driver.accepted(sent):
                    self.known.learn(other, sent)

    def ask(self, sample: Sample, *, again: bool = False) -> Exchange:
        """Send a sample with credentials on it, unless it was sent before; return its exchange."""
        request = self.filled(sample).request
        listed = self._desk.listed[sample.operation.id]
        if request in self._exchanges and not again:
            self._driver.exchanges.append(self._exchanges[request])
        else:
            sent = self._driver.send(self._driver.admitted(request, listed))
            self._exchanges[request] = sent
            if self._driver.accepted(sent):
                self._strangers = 0
                self.known.learn(listed, sent)
        return self._exchanges[request]

    def reach(self, listed: Listed) -> Sample:
        """Return a request that the operation accepted; raises GaveUp where it accepts none."""
        self._turn_to(listed)
        if listed.id in self._accepted:
            return self._accepted[listed.id]
        if listed.id not in self._refusal:
            self._refusal[listed.id] = self._desk.trouble(listed.id) or self._try(listed)
        if listed.id in self._accepted:
            return self._accepted[listed.id]
        self._driver.attempts.reason = self._refusal[listed.id]
        raise GaveUp

    def last(self, listed: Listed) -> Exchange | None:
        """Return how an operation answered that accepts nothing, None where it was not asked."""
        return self._last.get(listed.id)

    def _try(self, listed: Listed) -> str:
        """Send a few valid requests until one is accepted; return why none was."""
        before = len(self._driver.exchanges)
        last: Exchange | None = None
        reason = "no request comes to mind that the document permits"
        try:
            for sample in self._desk.valid(listed.id, 0, MOST_TRIES):
                if sample.kept:
                    continue  # it names nobody's thing
                try:
                    last = self.ask(sample)
                except NotReached as missing:
                    return str(missing)
                if self._driver.accepted(last):
                    self._accepted[listed.id] = sample
                    self._made_with[listed.id] = self._filled[sample]
                    return ""
                if last.status in (401, 403):
                    break
        finally:
            del self._driver.exchanges[before:]
        if last is not None:
            self._last[listed.id] = last
            reason = self._turned_down(listed, last)
        return reason

    def _turned_down(self, listed: Listed, last: Exchange) -> str:
        driver = self._driver
        said = f"{listed.label} never accepted a request: {driver.describe(last)}"
        wanting = driver.wanting(listed)
        hint = f"; set {' and '.join(wanting)}" if wanting and last.status in (401, 403) else ""
        if last.status == 404 and listed.path_names:
            hint = f"; name one that there is: --value {listed.path_names[-1]}=…"
        self._strangers = self._strangers + 1 if last.status == 401 else 0
        if self._strangers >= MOST_STRANGERS and not driver.accepted_operations:
            raise Stopped(
                f"{self._strangers} operations in a row do not know who is asking: "
                f"{driver.describe(last)}{hint}"
            )
        return said + hint

    def _prepare(self, listed: Listed) -> None:
        """Ask, once a run, for what stands in the operation's path: it is listed, or is made."""
        for below in self.known.lacks(listed):
            for other in self._desk.at.get(below, ()):
                if other.id not in self._prepared and other.id != listed.id:
                    self._prepared.add(other.id)
                    self._prepare_by(other)

    def _prepare_by(self, other: Listed) -> None:
        before = len(self._driver.exchanges)
        attempts, at = self._driver.attempts, self._at
        saved = self._exchanges, self._filled
        reason = attempts.reason
        try:
            self.reach(other)
        except (GaveUp, NotReached):
            attempts.reason = reason
        finally:
            del self._driver.exchanges[before:]
            self._exchanges, self._filled = saved
            self._at = at

    def _turn_to(self, listed: Listed) -> None:
        if self._at != listed.id:
            self._at = listed.id
            self._exchanges, self._filled = {}, {}


def _wanted(listed: Listed, name: str) -> str:
    if listed.method == "DELETE":
        return (
            f"{listed.label} deletes, and this run made nothing that it might delete; "
            f"name a thing to lose: --value {listed.id}.{name}=…"
        )
    return (
        f"{listed.label} changes things, and this run made none; "
        f"name one that may be changed: --value {name}=…"
    )


def shared(driver: DocumentDriver, desk: Desk) -> Ledger:
    """Return the ledger of a driver's run."""
    if Ledger not in driver.shared:
        driver.shared[Ledger] = Ledger(driver, desk)
    found: Ledger = driver.shared[Ledger]
    return found

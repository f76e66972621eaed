"""What a running mock did, counted: for whoever scrapes `/_counterfoil/metrics`."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from .journal import Entry

BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
"""Seconds that a mock takes to make an answer: upper bounds of the histogram."""


_Kind = tuple[str, str, int, str]
"""An exchange's API, operation, status, and what was made of its caller."""


@dataclass(slots=True)
class _Sum:
    """What exchanges come to: their pieces, their seconds, and how many took up to each bound."""

    chunks: int = 0
    seconds: float = 0.0
    answers: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def add(self, other: _Sum) -> None:
        """Count the other's exchanges, too."""
        self.chunks += other.chunks
        self.seconds += other.seconds
        self.answers = [mine + more for mine, more in zip(self.answers, other.answers, strict=True)]


class Metrics:
    """Plain counters; they become metrics when somebody asks for them.

    The library that writes them is not loaded before: most mocks are never scraped.
    """

    def __init__(self) -> None:
        self._sums: dict[_Kind, _Sum] = {}
        self._faults: Counter[str] = Counter()
        self._chaos: Counter[str] = Counter()
        self._kept = 0
        self._lock = threading.Lock()

    def note(self, entry: Entry, seconds: float) -> None:
        """Count one exchange, whose answer was made in so many seconds."""
        kind = entry.api, entry.operation or "", entry.status, entry.caller
        with self._lock:
            total = self._sums.get(kind) or self._sums.setdefault(kind, _Sum())
            total.chunks += len(entry.chunks)
            total.seconds += seconds
            total.answers[bisect_left(BOUNDS, seconds)] += 1
            if entry.faults or entry.chaos:
                self._faults.update(entry.faults)
                self._chaos.update(one.partition("=")[0] for one in entry.chaos)

    def totals(self) -> dict[str, Any]:
        """Return all that was counted, as a JSON value that `set` takes."""
        with self._lock:
            return {
                "exchanges": [[*kind, asdict(total)] for kind, total in self._sums.items()],
                "faults": dict(self._faults),
                "chaos": dict(self._chaos),
            }

    def set(self, totals: dict[str, Any]) -> None:
        """Count on from what `totals` returned."""
        with self._lock:
            self._sums = {tuple(kind): _Sum(**total) for *kind, total in totals["exchanges"]}
            self._faults = Counter(totals["faults"])
            self._chaos = Counter(totals["chaos"])

    def text(self, kept: int) -> tuple[bytes, str]:
        """Return the metrics as Prometheus reads them, and their content type.

        `kept` is how many exchanges the journal keeps.
        """
        self._kept = kept
        from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, as the library asks a collector for them."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        requests: Counter[tuple[str, ...]] = Counter()
        callers: Counter[tuple[str, ...]] = Counter()
        chunks: Counter[tuple[str, ...]] = Counter()
        seconds: dict[str, _Sum] = defaultdict(_Sum)
        with self._lock:
            for (api, operation, status, caller), total in self._sums.items():
                requests[api, operation, str(status)] += sum(total.answers)
                callers[api, caller] += sum(total.answers)
                chunks[api,] += total.chunks
                seconds[api].add(total)
            faults = Counter({(fault,): count for fault, count in self._faults.items()})
            chaos = Counter({(kind,): count for kind, count in self._chaos.items()})
        counted = (
            ("requests", "Requests that were answered", ("api", "operation", "status"), requests),
            ("callers", "Requests by what was made of the caller", ("api", "caller"), callers),
            ("faults", "Requests that a fault was in the server for", ("fault",), faults),
            ("chaos", "Requests that chaos happened to", ("kind",), chaos),
            ("chunks", "Pieces in which answers left", ("api",), chunks),
        )
        for name, said, labels, counts in counted:
            family = CounterMetricFamily(f"counterfoil_{name}", said, labels=labels)
            for values, count in counts.items():
                family.add_metric(values, count)
            yield family
        yield _histogram(seconds)
        said = "Exchanges that the journal keeps"
        yield GaugeMetricFamily("counterfoil_journal_entries", said, self._kept)


def _histogram(seconds: dict[str, _Sum]) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    said = "Seconds that answers took to be made, without the pauses in them"
    family = HistogramMetricFamily("counterfoil_answer_seconds", said, labels=("api",))
    for api, total in seconds.items():
        bounds = (*map(str, BOUNDS), "+Inf")
        so_far = map(float, accumulate(total.answers))
        family.add_metric((api,), list(zip(bounds, so_far, strict=True)), total.seconds)
    return family

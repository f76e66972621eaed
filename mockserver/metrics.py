"""What a running mock did, counted: for whoever scrapes `/_counterfoil/metrics`."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from .journal import Entry

BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
"""Seconds that a mock takes to make an answer: upper bounds of the histogram."""


class Metrics:
    """Plain counters; they become metrics when somebody asks for them.

    The library that writes them is not loaded before: most mocks are never scraped.
    """

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, ...]] = Counter()
        self._callers: Counter[tuple[str, ...]] = Counter()
        self._faults: Counter[str] = Counter()
        self._chaos: Counter[str] = Counter()
        self._chunks: Counter[str] = Counter()
        self._seconds: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS) + 1))
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._kept = 0
        self._lock = threading.Lock()

    def note(self, entry: Entry, seconds: float) -> None:
        """Count one exchange, whose answer was made in so many seconds."""
        with self._lock:
            self._requests[entry.api, entry.operation or "", str(entry.status)] += 1
            self._callers[entry.api, entry.caller] += 1
            self._chunks[entry.api] += len(entry.chunks)
            self._faults.update(entry.faults)
            self._chaos.update(one.partition("=")[0] for one in entry.chaos)
            self._seconds[entry.api][bisect_left(BOUNDS, seconds)] += 1
            self._sums[entry.api] += seconds

    def totals(self) -> dict[str, Any]:
        """Return all that was counted, as JSON values that `set` takes."""
        with self._lock:
            return {
                "requests": [[*labels, count] for labels, count in self._requests.items()],
                "callers": [[*labels, count] for labels, count in self._callers.items()],
                "faults": dict(self._faults),
                "chaos": dict(self._chaos),
                "chunks": dict(self._chunks),
                "seconds": dict(self._seconds),
                "sums": dict(self._sums),
            }

    def set(self, totals: dict[str, Any]) -> None:
        """Count on from what `totals` returned."""
        with self._lock:
            self._requests = Counter({tuple(row[:-1]): row[-1] for row in totals["requests"]})
            self._callers = Counter({tuple(row[:-1]): row[-1] for row in totals["callers"]})
            self._faults = Counter(totals["faults"])
            self._chaos = Counter(totals["chaos"])
            self._chunks = Counter(totals["chunks"])
            self._seconds.clear()
            self._seconds.update({api: list(held) for api, held in totals["seconds"].items()})
            self._sums.clear()
            self._sums.update(totals["sums"])

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

        with self._lock:
            counted: list[tuple[str, str, tuple[str, ...], dict[tuple[str, ...], int]]] = [
                ("requests", "Requests that were answered", ("api", "operation", "status"),
                 {**self._requests}),
                ("callers", "Requests by what was made of the caller", ("api", "caller"),
                 {**self._callers}),
                ("faults", "Requests that a fault was in the server for", ("fault",),
                 {(fault,): count for fault, count in self._faults.items()}),
                ("chaos", "Requests that chaos happened to", ("kind",),
                 {(kind,): count for kind, count in self._chaos.items()}),
                ("chunks", "Pieces in which answers left", ("api",),
                 {(api,): count for api, count in self._chunks.items()}),
            ]  # fmt: skip
            seconds = {api: (list(held), self._sums[api]) for api, held in self._seconds.items()}
        for name, said, labels, counts in counted:
            family = CounterMetricFamily(f"counterfoil_{name}", said, labels=labels)
            for values, count in counts.items():
                family.add_metric(values, count)
            yield family
        yield _histogram(seconds)
        said = "Exchanges that the journal keeps"
        yield GaugeMetricFamily("counterfoil_journal_entries", said, self._kept)


def _histogram(seconds: dict[str, tuple[list[int], float]]) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    said = "Seconds that answers took to be made, without the pauses in them"
    family = HistogramMetricFamily("counterfoil_answer_seconds", said, labels=("api",))
    for api, (counts, total) in seconds.items():
        so_far, buckets = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
            so_far += count
            buckets.append((bound, float(so_far)))
        family.add_metric((api,), buckets, total)
    return family

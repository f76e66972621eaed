from __future__ import annotations

import math
import random
from statistics import median, quantiles

import pytest

from mockserver.faults import Impossible
from mockserver.latency import MOST_SECONDS, Latency, read_latency


def drawn(text: object, times: int = 4000) -> list[float]:
    made, draw = read_latency(text), random.Random(1)
    return [made.draw(draw.getrandbits(128)) for _ in range(times)]


@pytest.mark.parametrize("asked", [0.3, "0.3", "3e-1"])
def test_fixed_latency_is_always_the_same(asked: object) -> None:
    assert set(drawn(asked)) == {0.3}


def test_uniform_latency_lies_between_its_bounds_everywhere_alike() -> None:
    seen = drawn("uniform:0.1,0.5")
    assert 0.1 <= min(seen) < 0.11 and 0.49 < max(seen) <= 0.5
    assert [round(cut, 1) for cut in quantiles(seen, n=4)] == [0.2, 0.3, 0.4]


def test_lognormal_latency_has_its_median_and_its_95th_percentile() -> None:
    seen = drawn("lognormal:0.2,p95=1.0")
    assert abs(median(seen) - 0.2) < 0.02
    assert abs(quantiles(seen, n=20)[-1] - 1.0) < 0.15


def test_lognormal_latency_has_its_sigma() -> None:
    logs = sorted(math.log(one) for one in drawn("lognormal:1,0.5"))
    assert abs(logs[int(0.8413 * len(logs))] - 0.5) < 0.05
    assert set(drawn("lognormal:0.25,0")) == {0.25}


@pytest.mark.parametrize("number", [0, 1, 2**76, 2**127, 2**128 - 2**75, 2**128 - 1])
def test_every_number_stands_for_seconds(number: int) -> None:
    for text in ("uniform:0,600", "lognormal:600,600", "lognormal:0.001,5"):
        assert 0 <= read_latency(text).draw(number) <= MOST_SECONDS


@pytest.mark.parametrize(
    "asked",
    [None, True, [], {}, "", "x", "-1", "nan", "inf", 601, "uniform:1", "uniform:2,1",
     "uniform:1,2,3", "lognormal:0,1", "lognormal:1", "lognormal:1,-1", "lognormal:2,p95=1",
     "lognormal:1,p99=2", "normal:1,2", ":1"],
)  # fmt: skip
def test_what_is_no_latency_is_told_what_would_be_one(asked: object) -> None:
    with pytest.raises(Impossible, match="lognormal:MEDIAN,SIGMA"):
        read_latency(asked)


def test_same_text_is_the_same_latency() -> None:
    assert read_latency("uniform:1,2") == Latency("uniform", 1.0, 2.0)

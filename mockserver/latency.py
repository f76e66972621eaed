"""How long something takes that takes a different time at each request: fixed, or distributed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from .faults import Impossible

MOST_SECONDS = 600.0
"""The longest delay that is drawn, whatever the distribution says."""

FORMS = "SECONDS, uniform:LOWER,UPPER, lognormal:MEDIAN,SIGMA or lognormal:MEDIAN,p95=SECONDS"

_NORMAL = NormalDist()
_AT_P95 = _NORMAL.inv_cdf(0.95)


@dataclass(frozen=True, slots=True)
class Latency:
    """A distribution of seconds: `first` and `second` are its bounds, or its median and sigma."""

    shape: Literal["fixed", "uniform", "lognormal"]
    first: float
    second: float = 0.0

    def draw(self, number: int) -> float:
        """Return the seconds that 128 random bits stand for."""
        if self.shape == "fixed":
            return self.first
        # 52 of the bits: then half a step less than one is still a float below one.
        share = ((number >> 76) + 0.5) / 2**52
        if self.shape == "uniform":
            return self.first + share * (self.second - self.first)
        exponent = min(self.second * _NORMAL.inv_cdf(share), 100.0)  # beyond it is too much anyway
        return min(self.first * math.exp(exponent), MOST_SECONDS)


def read_latency(asked: object) -> Latency:
    """Return the distribution that a number or a text in one of the FORMS names.

    Raises Impossible. WireMock's users know the log-normal one by its median and sigma.
    """
    text = str(asked) if type(asked) in (int, float, str) else ""
    shape, colon, numbers = text.partition(":")
    if not colon:
        return Latency("fixed", _seconds(text, asked))
    first, _, second = numbers.partition(",")
    lower = _seconds(first, asked)
    if shape == "uniform" and lower <= (upper := _seconds(second, asked)):
        return Latency("uniform", lower, upper)
    if shape == "lognormal" and lower > 0:
        name, named, p95 = second.partition("=")
        if not named:
            return Latency("lognormal", lower, _seconds(second, asked))
        if name == "p95" and (most := _seconds(p95, asked)) >= lower:
            return Latency("lognormal", lower, math.log(most / lower) / _AT_P95)
    raise _odd(asked)


def _seconds(text: str, asked: object) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= MOST_SECONDS:
        raise _odd(asked)
    return number


def _odd(asked: object) -> Impossible:
    return Impossible(f"{asked!r} is no latency; say {FORMS}, in seconds up to {MOST_SECONDS:g}")

"""How cases are drawn: by the plan's seed alone, whatever else this process has loaded."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.errors import HypothesisException
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.strategies import characters, from_regex

PRINTABLE = characters(min_codepoint=33, max_codepoint=126)
SHRUNK = (Phase.explicit, Phase.generate, Phase.shrink)
UNSHRUNK = (Phase.explicit, Phase.generate)


def settings(examples: int, steps: int = 50, *, shrink: bool = True) -> hypothesis.settings:
    """Return settings under which nothing is kept, printed, or timed."""
    return hypothesis.settings(
        max_examples=max(examples, 1),
        stateful_step_count=steps,
        backend="hypothesis",
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        phases=SHRUNK if shrink else UNSHRUNK,
        suppress_health_check=list(HealthCheck),
    )


@dataclass(frozen=True, slots=True)
class Draw:
    """Cases that were drawn in a row, and how many of them reached what their clause is about."""

    cases: Sequence[Mapping[str, Any]]
    reached: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn in runs of this process: for the same seed the same would be drawn again.

    Whoever judges many servers by one plan saves with it a quarter of the time.
    """

    draws: dict[Hashable, Draw] = field(default_factory=dict)


@lru_cache(maxsize=256)
def texts_like(pattern: str, most: int = 6) -> tuple[str, ...]:
    """Return printable texts that a regular expression finds something in, the same ones always."""
    found: list[str] = []

    @hypothesis.seed(0)
    @settings(most, shrink=False)
    @hypothesis.given(from_regex(pattern, alphabet=PRINTABLE))
    def keep(text: str) -> None:
        found.append(text)

    try:
        with drawn_alike():
            keep()
    except (HypothesisException, ValueError, re.error):
        pass  # then there are fewer, or none
    return tuple(found)


@contextmanager
def drawn_alike() -> Iterator[None]:
    """Keep Hypothesis from drawing constants out of the modules that happen to be loaded.

    With them a seed would mean other cases in another process, and the judge would take its test
    data from the very code of a mock that runs beside it.
    """
    asked, known = providers._get_local_constants, providers.CONSTANTS_CACHE
    none = Constants()
    providers._get_local_constants = lambda: none
    providers.CONSTANTS_CACHE = type(known)(known.max_size)
    try:
        yield
    finally:
        providers._get_local_constants, providers.CONSTANTS_CACHE = asked, known

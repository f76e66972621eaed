"""The order in which tests run: what waits most of its time is spread among what computes."""

from __future__ import annotations

import gc

import pytest

WAITING = (
    "tests/test_loop.py",
    "tests/test_canaries.py",
    "tests/test_readme.py",
    "tests/test_release.py",
    "tests/test_pipelines.py",
    "tests/cli/",
    "tests/documentation/",
    "tests/browser/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the tests that wait over the first three quarters, so that none is the last alone."""
    waiting = [item for item in items if item.nodeid.startswith(WAITING)]
    others = [item for item in items if not item.nodeid.startswith(WAITING)]
    if not waiting or not others:
        return
    step = max(1, len(others) * 3 // 4 // len(waiting))
    order = list(others)
    for place, item in reversed(list(enumerate(waiting))):
        order.insert(min(place * step, len(others)), item)
    items[:] = order


def pytest_collection_finish() -> None:
    """Leave out of every later collection of garbage what lasts to the end: ten thousand tests."""
    gc.collect()
    gc.freeze()

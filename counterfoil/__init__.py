"""The front door: the command line, the wiring of mocks and contracts, the pytest plugin."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .interception import Interception as intercept
    from .running import Mock as mock

__all__ = ["intercept", "mock"]

_WHERE = {"intercept": ("interception", "Interception"), "mock": ("running", "Mock")}


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: pytest loads this package in every project that has it.
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _WHERE[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)

"""What can be made to go wrong with the Bedrock Claude Chat published API."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from .. import Emulator
from . import (
    identity,
    links,
    observed,
    refusing,
    robustness,
    shape,
    shown,
    state,
    status,
    timing,
)


def _faults_in(module: ModuleType) -> Iterator[type[Emulator]]:
    for value in vars(module).values():
        for change in value if isinstance(value, list) else [value]:
            if isinstance(change, type) and issubclass(change, Emulator) and change.fault:
                yield change


FAULTS = [
    change
    for module in (
        timing,
        links,
        identity,
        state,
        shown,
        status,
        refusing,
        shape,
        robustness,
        observed,
    )
    for change in _faults_in(module)
]

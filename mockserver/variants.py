"""Honest servers that differ: in whatever a vendor's documents leave open, another choice."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from .faults import UnknownName
from .model import Api, Settings, Variant

A = TypeVar("A", bound=type[Api])


def variant(id: str, sentence: str = "", **settings: Any) -> Callable[[A], A]:
    """Name an honest class; the first line of its docstring is the sentence unless one is given.

    `settings` are those of Settings that it is run with, whatever else is asked for.
    """

    def named(change: A) -> A:
        said = sentence or (change.__doc__ or "").strip().splitlines()[0]
        change.__doc__ = said
        change.variant = Variant(id, said, settings)
        return change

    return named


def variants_of(api: str) -> dict[str, type[Api]]:
    """Return the honest classes that the API's module `variants` holds, by id, in their order."""
    from . import apis as folder

    found: dict[str, type[Api]] = {}
    path = f"{folder.__name__}.{api}.variants"
    try:
        if importlib.util.find_spec(path) is None:
            return found
    except ModuleNotFoundError:
        return found  # an API that is made of a document has none of its own
    module = importlib.import_module(path)
    for held in vars(module).values():
        for change in held if isinstance(held, list) else [held]:
            if isinstance(change, type) and issubclass(change, Api) and change.variant:
                if found.setdefault(change.variant.id, change) is not change:
                    raise ValueError(f"two variants have the id {change.variant.id}")
    return found


def with_variant(api: type[Api], id: str, settings: Settings) -> tuple[type[Api], Settings]:
    """Return the API's class and settings as a variant has them; raises UnknownName."""
    known = variants_of(api.name)
    if id not in known:
        raise UnknownName("variant", id, known)
    change = known[id]
    assert change.variant is not None
    return change, replace(settings, **change.variant.settings)

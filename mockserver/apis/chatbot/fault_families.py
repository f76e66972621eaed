"""Faults that come in families: one way to break, for many fields or values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...faults import fault
from ...model import Api

A = TypeVar("A", bound=type[Api])


def member(subject: str, rule: str, sentence: str, group: str = "") -> Callable[[A], A]:
    """Name one class of a family after its rule; the group is the subject unless one is given."""

    def named(change: A) -> A:
        change.__name__ = change.__qualname__ = rule.title().replace("_", "")
        return fault(f"chatbot.{subject}.{rule}", group or subject, sentence)(change)

    return named

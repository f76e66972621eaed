"""What can be made to go wrong: each fault is an API's class with one step replaced."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import TypeVar

from .model import Api, Chance, Fault

A = TypeVar("A", bound=type[Api])


class UnknownName(Exception):
    """There is no API, fault or credential of that name; says which name is nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else f"; known are {_some_of(names)}"
        super().__init__(f"unknown {kind} {name!r}{hint}")


MOST_NAMED = 20
"""Names that are listed to who gave none of them."""


def _some_of(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    listed = ", ".join(names[:MOST_NAMED])
    return f"{listed}, and {more} more" if more > 0 else listed


class Impossible(UnknownName, ValueError):
    """What was asked for cannot be had in that way; says why.

    It is an UnknownName for whoever reports those: both are mistakes of the one who asked.
    """

    def __init__(self, why: str) -> None:
        Exception.__init__(self, why)


def fault(id: str, group: str, sentence: str | None = None) -> Callable[[A], A]:
    """Name a breaking class; the first line of its docstring is the sentence unless one is given.

    One that is given a sentence comes from a factory, and is called after its id, too.
    """

    def named(change: A) -> A:
        if sentence:
            change.__doc__ = sentence
            change.__name__ = change.__qualname__ = _class_name(id)
        said = (change.__doc__ or "").strip().splitlines()[0]
        change.fault = Fault(id=id, sentence=said, group=group)
        return change

    return named


def _class_name(id: str) -> str:
    return "".join(word.title() for word in re.split(r"[._]", id)[1:])


def apis() -> dict[str, type[Api]]:
    """Return the API classes by name, as the modules of the folder `apis` define them."""
    return {name: _emulator(name) for name in names()}


def find_api(name: str) -> type[Api]:
    """Return one API class without loading the others; raises UnknownName."""
    known = names()
    if name not in known:
        raise UnknownName("API", name, known)
    return _emulator(name)


def names() -> list[str]:
    """Return the names of the APIs, as the folders are called."""
    from . import apis as folder

    return sorted(module.name for module in pkgutil.iter_modules(folder.__path__))


def _emulator(name: str) -> type[Api]:
    from . import apis as folder

    found: type[Api] = importlib.import_module(f"{folder.__name__}.{name}").Emulator
    return found


def faults_of(api: str) -> dict[str, type[Api]]:
    """Return the breaking classes of an API by the id of their fault.

    They are those that its module `faults` holds, alone, in a list or in a module of the API that
    it imports, in their order there.
    """
    from . import apis as folder

    package = f"{folder.__name__}.{api}"
    try:
        module = importlib.import_module(f"{package}.faults")
    except ModuleNotFoundError as missing:
        if missing.name != package:
            raise
        return {}  # an API that is made of a document has none of its own
    return breaking_classes(module, package)


def breaking_classes(module: ModuleType, package: str) -> dict[str, type[Api]]:
    """Return the breaking classes that `module` holds, by id; an id given twice is a ValueError."""
    found: dict[str, type[Api]] = {}
    for change in _held(module, package):
        if not (isinstance(change, type) and issubclass(change, Api) and change.fault):
            continue
        if found.setdefault(change.fault.id, change) is not change:
            raise ValueError(f"two faults have the id {change.fault.id}")
    return found


def _held(module: ModuleType, package: str) -> Iterator[object]:
    for value in vars(module).values():
        if isinstance(value, ModuleType) and value.__name__.startswith(f"{package}."):
            yield from _held(value, package)
        elif isinstance(value, list):
            yield from value
        else:
            yield value


def with_faults(api: type[Api], ids: Iterable[str]) -> type[Api]:
    """Return the API's class with the named faults in it; raises UnknownName."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return api
    known = faults_of(api.name)
    for id in wanted:
        if id not in known:
            raise UnknownName("fault", id, known)
    changes = [known[id] for id in wanted]
    # A fault may go further than another one: then it stands for both.
    furthest = [one for one in changes if sum(issubclass(other, one) for other in changes) == 1]
    return type(f"Faulty{api.__name__}", tuple(furthest), {})


def read_chances(faults: Iterable[str]) -> tuple[Chance, ...]:
    """Return what a list of `ID` and `ID@CHANCE` asks for; raises Impossible."""
    found: dict[str, Chance] = {}
    for text in faults:
        chance = read_chance(text)
        if found.setdefault(chance.fault, chance) != chance:
            raise Impossible(f"{chance.fault} is given two chances: say which one it has")
    return tuple(found.values())


def read_chance(text: str) -> Chance:
    """Return the chance in `ID@CHANCE`, which is 1 for an `ID` alone; raises Impossible."""
    id, at, number = text.partition("@")
    if not at:
        return Chance(id)
    try:
        probability = float(number)
    except ValueError:
        probability = -1.0
    if not 0 <= probability <= 1:
        raise Impossible(f"{text!r}: after @ stands a chance from 0 to 1, like {id}@0.25")
    return Chance(id, probability)

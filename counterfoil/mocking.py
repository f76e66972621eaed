"""A mock made by name and options, that answers nowhere yet."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypedDict

from mockserver.clock import MovedClock, VirtualClock
from mockserver.model import ChunkSize, Settings
from mockserver.stores import open_store

from . import wiring
from .steering import Steering

log = logging.getLogger("mockserver")


class Options(TypedDict, total=False):
    """How a mock is made: as by the options of `counterfoil serve` that have these names.

    `authenticate` is false for `--no-auth`. A clock that is `virtual` stands still until it is
    moved; one that is `real` can be moved forward, too.
    """

    seed: int
    clock: Literal["real", "virtual"]
    state: str
    credentials: Mapping[str, str]
    faults: Sequence[str]
    variant: str
    fixtures: str | Path
    authenticate: bool
    reply_after: float
    chunk_size: ChunkSize
    chunk_delay: float
    strict: bool
    stateful: bool
    recorded_times: bool
    chaos: Mapping[str, Any]


class Made(Steering):
    """A mock of one API; `app` is the WSGI application that answers for it.

    Raises UnknownName, FixtureError and StoreError for what it cannot be made of, and TypeError for
    an option that there is not.
    """

    def __init__(self, api: str, options: Options) -> None:
        _check(options)
        self._opened = ExitStack()
        with ExitStack() as opened:
            self._make(api, options, opened)
            self._opened = opened.pop_all()

    def _make(self, api: str, options: Options, opened: ExitStack) -> None:
        store = open_store(options.get("state", "memory"))
        opened.callback(store.close)
        clock = VirtualClock() if options.get("clock") == "virtual" else MovedClock()
        fixtures = options.get("fixtures")
        made = wiring.mocks(
            [api],
            clock=clock,
            store=store,
            seed=options.get("seed", 0),
            settings=_settings(options),
            credentials=options.get("credentials"),
            faults=options.get("faults", ()),
            variant=options.get("variant", ""),
            fixtures=Path(fixtures) if fixtures else None,
        )
        super().__init__(next(iter(made.emulators.values())), made.journal, clock)
        self.app = made.app.wsgi_app
        for note in next(iter(made.emulators.values())).notes:
            log.info("%s: %s", self.name, note)

    def __enter__(self) -> Self:
        """Answer from now on."""
        try:
            self._begin(self._opened)
        except BaseException:
            self._opened.close()
            raise
        return self

    def _begin(self, opened: ExitStack) -> None:
        """Begin to answer; what `opened` is told to do ends it."""
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Answer no more; an exception that leaves the block takes the journal along."""
        self._opened.close()
        if isinstance(problem, Exception) and f"the journal of {self.name}" not in str(problem):
            problem.add_note(str(self.journal))


def _settings(options: Options) -> Settings:
    known = {field.name for field in fields(Settings)}
    given: dict[str, Any] = {name: value for name, value in options.items() if name in known}
    return Settings(**given)


def _check(options: Options) -> None:
    known = Options.__annotations__
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise TypeError(f"a mock has no option {name!r}; {hint}")
    if (clock := options.get("clock", "real")) not in ("real", "virtual"):
        raise TypeError(f"a clock is real or virtual, not {clock!r}")

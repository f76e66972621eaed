"""Mocks on a socket, in this process or in several that serve as one."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from mockserver.clock import RealClock, VirtualClock
from mockserver.journal import Journal
from mockserver.model import Settings
from mockserver.server import AddressInUse, Server
from mockserver.shared_journal import SharedJournal
from mockserver.stores import open_store
from mockserver.tls import Tls
from mockserver.workers import Workers, reserved

from . import logs, wiring


class ManyClocks(Exception):
    """A clock that stands still would stand elsewhere in each worker."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served, and how: all that a process needs to know to serve it.

    `journal` is the file of the journal that several workers have in common.
    """

    apis: tuple[str, ...]
    host: str
    port: int
    seed: int
    settings: Settings
    credentials: Mapping[str, str]
    faults: tuple[str, ...]
    variants: tuple[str, ...]
    fixtures: Path | None
    virtual: bool
    state: str
    admin_token: str | None
    tls: Tls | None
    logging: logs.Logging
    journal: Path | None = None

    @contextmanager
    def mocks(self) -> Iterator[wiring.Mocks]:
        """Yield the mocks, while their store is open; raises what `wiring.mocks` does."""
        store = open_store(self.state)
        try:
            yield wiring.mocks(
                self.apis,
                store=store,
                clock=VirtualClock() if self.virtual else RealClock(),
                seed=self.seed,
                settings=self.settings,
                credentials=self.credentials,
                faults=self.faults,
                variants=self.variants,
                fixtures=self.fixtures,
                admin_token=self.admin_token,
                journal=SharedJournal(self.journal) if self.journal else Journal(),
            )
        finally:
            store.close()


Ready = Callable[[wiring.Mocks, str, int], None]
"""Called with what is served, its URL and its port, when it answers."""


def serve(serving: Serving, ready: Ready) -> None:
    """Serve in this process until it is told to stop."""
    with serving.mocks() as made:
        _spare_the_collector()
        server = Server(made.app.wsgi_app, serving.host, serving.port, tls=serving.tls)
        server.run(lambda: ready(made, server.url, server.port))


FULL_COLLECTION = 300.0
"""Seconds between two looks of the garbage collector at all that there is."""


YOUNG = 200
"""Objects that are new when the collector looks at them: while a processor has them at hand."""


def _spare_the_collector() -> None:
    """Let the garbage collector look at what is new, and at all the rest seldom.

    A request leaves few cycles behind, and no old ones. What is stored would be looked through
    whenever it has grown by a quarter, and everybody waits for that.
    """
    gc.freeze()
    gc.set_threshold(YOUNG, 1_000_000, 1_000_000)
    threading.Thread(target=_collect_now_and_then, name="collector", daemon=True).start()


def _collect_now_and_then() -> None:
    while True:
        time.sleep(FULL_COLLECTION)
        gc.collect()


def serve_by_workers(serving: Serving, count: int, ready: Ready) -> None:
    """Serve in so many processes with one store and one journal, until told to stop.

    What they have in common is in files that are gone afterwards, unless the store is given.
    Raises ManyClocks, AddressInUse, WorkersFailed and what `wiring.mocks` does.
    """
    if serving.virtual:
        raise ManyClocks("--clock virtual takes one process; leave out --workers")
    with TemporaryDirectory(prefix="counterfoil-") as folder:
        state = serving.state
        if state == "memory":
            state = f"sqlite:{Path(folder) / 'state'}"
        try:
            holder = reserved(serving.host, serving.port)
        except (OSError, OverflowError) as error:
            raise AddressInUse(f"cannot listen at {serving.host}: {error}") from error
        with holder:
            port = holder.getsockname()[1]
            shared = replace(serving, state=state, port=port, journal=Path(folder) / "journal")
            with shared.mocks() as made:  # so that what is wrong is said before any is started
                url = Server(made.app.wsgi_app, shared.host, port, tls=shared.tls, worker=True).url
                Workers(count, partial(_work, shared)).run(lambda: ready(made, url, port))


def _work(serving: Serving, ready: Callable[[], None]) -> None:
    serving.logging.set_up()
    with serving.mocks() as made:
        _spare_the_collector()
        app = made.app.wsgi_app
        Server(app, serving.host, serving.port, tls=serving.tls, worker=True).run(ready)

"""Several processes that serve as one: started, watched, started anew, ended together."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

log = logging.getLogger("mockserver")

Work = Callable[[Callable[[], None]], None]
"""Serves until SIGTERM, and calls what it is given when it answers; it can be pickled."""

SOON = 2.0
"""Seconds in which a worker that ends has not served at all."""

MOST_FAILURES = 3
"""Workers that ended that soon, one after another, before all is given up."""

CONTEXT = multiprocessing.get_context("spawn")


class WorkersFailed(Exception):
    """Workers end as soon as they are started; says with which exit code."""


def reserved(host: str, port: int) -> socket.socket:
    """Return a socket that holds the port for workers that share it; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    holder = socket.socket(family, socket.SOCK_STREAM)
    try:
        if port:
            # Shared with other processes of the same user it would be without a word.
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((host, port))
    except (OSError, OverflowError):
        holder.close()
        raise
    return holder


class Workers:
    """So many processes doing the same work; one that dies is replaced."""

    def __init__(self, count: int, work: Work) -> None:
        self._work = work
        self._running: dict[int, _Worker] = {}
        self._count = count
        self._ending = False
        self._failures = 0

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM; `ready` is called when every worker answers.

        Raises WorkersFailed.
        """
        before = {
            number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            for place in range(self._count):
                self._start(place)
            told = False
            while self._running:
                if not told and all(worker.ready() for worker in self._running.values()):
                    told = True
                    ready()
                wait([worker.process.sentinel for worker in self._running.values()], 0.05)
                self._replace()
        finally:
            for worker in self._running.values():
                worker.process.kill()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _start(self, place: int) -> None:
        here, there = CONTEXT.Pipe(duplex=False)
        process = CONTEXT.Process(target=_serve, args=(self._work, there), name=f"worker-{place}")
        process.start()
        there.close()
        self._running[place] = _Worker(process, here)

    def _replace(self) -> None:
        for place, worker in list(self._running.items()):
            if worker.process.exitcode is None:
                continue
            del self._running[place]
            if self._ending:
                continue
            code = worker.process.exitcode
            soon = time.monotonic() - worker.began < SOON
            self._failures = self._failures + 1 if soon else 0
            if self._failures >= MOST_FAILURES:
                raise WorkersFailed(f"workers end as soon as they are started, with code {code}")
            log.warning("worker %d ended with code %s; another takes its place", place, code)
            self._start(place)

    def _end(self, *_: Any) -> None:
        self._ending = True
        for worker in self._running.values():
            if worker.process.pid and worker.process.exitcode is None:
                os.kill(worker.process.pid, signal.SIGTERM)


class _Worker:
    def __init__(self, process: Any, ready: Connection) -> None:
        self.process = process
        self.began = time.monotonic()
        self._told = ready
        self._ready = False

    def ready(self) -> bool:
        """Say whether the worker answers requests."""
        if not self._ready and self._told.poll():
            try:
                self._ready = bool(self._told.recv())
            except EOFError:
                return False
        return self._ready


def _serve(work: Work, ready: Connection) -> None:
    # Ctrl-C reaches every process of a terminal: the first of them passes it on, once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work(lambda: ready.send(True))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

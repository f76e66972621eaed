"""The stores that benchmarks put under a mock, and what each of them takes."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .processes import end, free_port

Kind = Literal["memory", "sqlite", "redis"]
KINDS: tuple[Kind, ...] = ("memory", "sqlite", "redis")


class NoStore(Exception):
    """There is no such store here; says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """What `--state` is told, and where its bytes are."""

    kind: Kind
    state: str
    folder: Path
    port: int = 0

    def size(self) -> int | None:
        """Return the bytes of the file, or those that Redis uses; None of a process's memory."""
        if self.kind == "sqlite":
            return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())
        if self.kind == "redis":
            return used_memory(self.port)
        return None


@contextmanager
def place(kind: Kind) -> Iterator[Place]:
    """Make a fresh store; raises NoStore."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-bench-") as name:
        folder = Path(name)
        if kind == "memory":
            yield Place(kind, "memory", folder)
        elif kind == "sqlite":
            yield Place(kind, f"sqlite:{folder / 'state'}", folder)
        else:
            with _redis(folder) as port:
                yield Place(kind, f"redis://127.0.0.1:{port}/0", folder, port)


@contextmanager
def _redis(folder: Path) -> Iterator[int]:
    if shutil.which("redis-server") is None:
        raise NoStore("no redis-server here (Debian: apt-get install redis-server)")
    port = free_port()
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
         "--appendonly", "no", "--dir", str(folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        until = time.monotonic() + 10
        while True:
            try:
                used_memory(port)
                break
            except OSError as error:
                if time.monotonic() > until:
                    raise NoStore("redis-server does not answer") from error
                time.sleep(0.02)
        yield port
    finally:
        end(process)


def used_memory(port: int) -> int:
    """Ask Redis how many bytes it uses, in its own protocol."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"INFO memory\r\n")
        said = b""
        while b"used_memory:" not in said or not said.endswith(b"\r\n"):
            piece = connection.recv(65536)
            if not piece:
                break
            said += piece
    found = [line for line in said.split(b"\r\n") if line.startswith(b"used_memory:")]
    if not found:
        raise OSError("Redis says nothing of its memory")
    return int(found[0].partition(b":")[2])

"""Servers that a benchmark starts: until they answer, what they use, and their end."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent

TICKS = os.sysconf("SC_CLK_TCK")


class NotStarted(Exception):
    """A server ended, or did not answer in time; says what it printed."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def raise_open_files() -> int:
    """Let this process and those it starts open as many files as the system allows it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def answers(url: str) -> bool:
    """Say whether a server answers there, with whatever status."""
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as refusal:
        refusal.close()
    except OSError:
        return False
    return True


@contextmanager
def running(
    command: Sequence[str], url: str, *, cwd: Path = ROOT, within: float = 60.0
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server from its first answer on, and end it with all the processes that it started."""
    with tempfile.TemporaryFile() as said:
        # A session of its own, so that what it starts ends with it.
        process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            until = time.monotonic() + within
            while not answers(url):
                if process.poll() is not None or time.monotonic() > until:
                    said.seek(0)
                    told = said.read().decode("utf-8", "replace")[-2000:]
                    raise NotStarted(f"{' '.join(command)} does not answer at {url}: {told}")
                time.sleep(0.005)
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to stop, and the whole of its session to go after three seconds."""
    process.terminate()
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def family(pid: int) -> list[int]:
    """Return a process and all that came of it."""
    found = [pid]
    for parent in found:
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            children = [word for task in tasks for word in (task / "children").read_text().split()]
        except OSError:
            continue
        found += [int(word) for word in children]
    return found


def resident(pid: int, *, shared: bool = False) -> float:
    """Return MB that a process and its children hold in memory.

    What several of them have in common counts once a process, or with `shared` once in all.
    """
    total = 0
    for one in family(pid):
        try:
            text = Path(f"/proc/{one}/{'smaps_rollup' if shared else 'status'}").read_text()
        except OSError:
            continue
        total += sum(
            int(line.split()[1])
            for line in text.splitlines()
            if line.startswith("Pss:" if shared else "VmRSS:")
        )
    return total / 1000


def cpu_seconds(pid: int) -> float:
    """Return the seconds of processor time that a process and its children have used."""
    total = 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS

"""`make bench`: every figure that we name, measured here and side by side with something known."""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent

NAMED = ("against_schemathesis", "throughput", "streams", "start", "growth", "soak")
"""The benchmarks that are modules of their own; each knows `--help`."""

PLAIN_FLASK = """
    from flask import Flask
    app = Flask(__name__)

    @app.get("/health")
    def health():
        return {"status": "ok"}

    app.run(port=%d)
"""


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_answer(command: list[str], port: int) -> float:
    """Seconds from the start of a process until its first answer, of whatever status."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while time.perf_counter() - began < 20:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                return time.perf_counter() - began
            except urllib.error.HTTPError:
                return time.perf_counter() - began
            except OSError:
                time.sleep(0.002)
        raise TimeoutError(" ".join(command))
    finally:
        process.kill()
        process.wait()


def start_ours(api: str) -> float:
    port = free_port()
    return first_answer(
        [sys.executable, "-m", "counterfoil", "serve", api, "--port", str(port)], port
    )


def start_plain_flask() -> float:
    port = free_port()
    return first_answer([sys.executable, "-c", textwrap.dedent(PLAIN_FLASK) % port], port)


def command(*words: str) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "counterfoil", *words], cwd=ROOT, check=True, capture_output=True
    )
    return time.perf_counter() - began


def row(what: str, ours: Callable[[], float], theirs: Callable[[], float], times: int) -> None:
    # In turns, so that whatever else the machine does falls on both.
    pairs = [(ours(), theirs()) for _ in range(times)]
    mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{what:58} {mine:7.2f} s {other:7.2f} s   {mine / other:6.2f}", flush=True)


def main(words: list[str]) -> None:
    if words:
        one, *rest = words
        if one not in NAMED:
            raise SystemExit(
                "usage: python -m benchmarks            start, check, against_schemathesis\n"
                f"       python -m benchmarks NAME       one of {', '.join(NAMED)}\n"
                "       python -m benchmarks NAME --help"
            )
        import_module(f"{__package__}.{one}").main(rest)
        return
    print(f"{'median':58} {'ours':>9} {'theirs':>9}   {'ratio':>6}")
    row("first answer: serve bedrock / a Flask app of one view",
        lambda: start_ours("bedrock"), start_plain_flask, 7)  # fmt: skip
    row("check all --mock: standard / quick",
        lambda: command("check", "all", "--mock"),
        lambda: command("check", "all", "--mock", "--profile", "quick"), 1)  # fmt: skip
    print()
    import_module(f"{__package__}.{NAMED[0]}").main([])


if __name__ == "__main__":
    # Who is told to stop ends the servers that it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main(sys.argv[1:])

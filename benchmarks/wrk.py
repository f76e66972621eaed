"""wrk, driven: one request over and over on 32 connections, and what it says of it."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CONNECTIONS = 32

SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Unreadable(ValueError):
    """wrk said something else than figures."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, the same each time."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    def as_script(self) -> str:
        """Return it as wrk reads it, in Lua."""
        lines = [f"wrk.method = {_quoted(self.method)}", f"wrk.body = {_quoted(self.body)}"]
        lines += [
            f"wrk.headers[{_quoted(name)}] = {_quoted(value)}"
            for name, value in self.headers.items()
        ]
        return "\n".join(lines if self.body else [lines[0], *lines[2:]]) + "\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What a run came to; `failed` are answers of another status than 2xx and 3xx, and errors."""

    per_second: float
    requests: int
    p50: float
    p99: float
    failed: int


def have_wrk() -> bool:
    """Say whether wrk is there, installing Debian's package where it is not."""
    if shutil.which("wrk") is None and shutil.which("apt-get"):
        for words in (["update", "-qq"], ["install", "-y", "-qq", "wrk"]):
            subprocess.run(["apt-get", *words], check=False, capture_output=True)
    return shutil.which("wrk") is not None


def version() -> str:
    said = subprocess.run(["wrk", "-v"], check=False, capture_output=True, text=True).stdout
    return " ".join(said.split()[:2])


def load(url: str, asked: Asked, seconds: float, *, connections: int = CONNECTIONS) -> Load:
    """Send the request for so many seconds, as fast as it is answered."""
    return read(run(url + asked.path, asked.as_script(), seconds, connections=connections))


def load_of_many(url: str, every: Sequence[Asked], seconds: float) -> Load:
    """Send requests that differ in their path alone, one after the other, over and over."""
    paths = ", ".join(_quoted(asked.path) for asked in every)
    script = every[0].as_script() + MANY.format(paths=paths)
    return read(run(url + every[0].path, script, seconds))


MANY = """
local paths, place = {{ {paths} }}, 0
request = function()
  place = place % #paths + 1
  return wrk.format(nil, paths[place])
end
"""


def run(url: str, script: str, seconds: float, *, connections: int = CONNECTIONS) -> str:
    """Run wrk with a script in Lua, for so many seconds (whole ones); return what it prints."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        # One thread: a second one would take the core that the server is on.
        return subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{math.ceil(seconds)}s", "--latency",
             "--timeout", "10s", "-s", file.name, url],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip


def read(said: str) -> Load:
    """Return the figures of what wrk printed."""
    rate = re.search(r"^Requests/sec:\s+([\d.]+)", said, re.MULTILINE)
    count = re.search(r"^\s+(\d+) requests in ", said, re.MULTILINE)
    if rate is None or count is None:
        raise Unreadable(f"wrk said no rate: {said[-500:]!r}")
    failed = re.search(r"^\s+Non-2xx or 3xx responses: (\d+)", said, re.MULTILINE)
    errors = re.search(r"^\s+Socket errors: (.*)", said, re.MULTILINE)
    return Load(
        per_second=float(rate[1]),
        requests=int(count[1]),
        p50=_share(said, 50),
        p99=_share(said, 99),
        failed=(int(failed[1]) if failed else 0)
        + sum(int(number) for number in re.findall(r"\d+", errors[1] if errors else "")),
    )


def _share(said: str, percent: int) -> float:
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m|h)\s*$", said, re.MULTILINE)
    if found is None:
        raise Unreadable(f"wrk said nothing of {percent}% of the answers: {said[-500:]!r}")
    return float(found[1]) * SECONDS[found[2]]


def _quoted(text: str) -> str:
    """Return a text as Lua reads it, byte for byte."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode("utf-8")) + '"'

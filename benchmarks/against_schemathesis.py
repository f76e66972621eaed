"""Plain Schemathesis and our suites against the same servers, with the same openapi.yaml."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import contracts
from contracts.document import Document
from contracts.model import Contract, Exchange, Request, Response
from contracts.target import Target
from counterfoil import wiring
from mockserver.faults import faults_of
from mockserver.model import Settings
from mockserver.server import Server

from . import comparison
from .comparison import Calm, Comparison, Honest, Row, Search

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "schemathesis.md"

SEED = 1
LIMIT = 40.0
"""Seconds after which a search for a fault is cut."""

HONEST_LIMIT = 150.0
"""The same for an honest server, whose alarms must all be known to tell a finding from one."""

SETTINGS = Settings(reply_after=0.02, chunk_delay=0.0)

CREDENTIALS = {
    "bedrock": """
        [auth.openapi.apiKey]
        api_key = "{api_key}"
    """,
    "chatbot": """
        [auth.openapi.key]
        bearer = "{api_key}"
        [parameters]
        "path.bot_uid" = "{bot_uid}"
    """,
    "genesis": """
        [auth.openapi.publicKey]
        api_key = "{public_key}"
        [auth.openapi.signature]
        api_key = "to-be-signed"
    """,
    "mtmai": """
        [auth.openapi.bearerAuth]
        bearer = "{token}"
        [parameters]
        "path.tenant" = "{tenant}"
    """,
}
"""What Schemathesis is given of the credentials, as its documentation says."""

HOOKED = {"BENCHMARK_PRIVATE_KEY": "private_key", "BENCHMARK_APP_ID": "app_id"}
"""What its hooks are given, of an API that has such credentials."""


def main(words: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks against_schemathesis")
    parser.add_argument("apis", nargs="*", metavar="API")
    parser.add_argument("--faults", type=int, default=6, metavar="N", help="so many an API")
    given = parser.parse_args(words)
    if strangers := set(given.apis) - set(CREDENTIALS):
        parser.error(f"no such API: {', '.join(sorted(strangers))}")
    found = measure(given.apis or sorted(CREDENTIALS), given.faults, print_now)
    print_now(comparison.totals(found))
    # A page about some of the APIs would say too much or too little.
    if not given.apis:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(comparison.page(found), "utf-8")


def print_now(line: str) -> None:
    print(line, flush=True)


def measure(apis: Iterable[str], faults: int, tell: Callable[[str], None]) -> Comparison:
    """Let both judges loose on the honest server of each API and on a sample of its faults."""
    began = time.monotonic()
    honest: list[Honest] = []
    rows: list[Row] = []
    tell(comparison.head_line())
    for api in apis:
        known = complaints_of_honest(api)
        honest.append(Honest(api, *(calm for calm, _ in known)))
        tell(comparison.honest_line(honest[-1]))
        groups = {id: change.fault.group for id, change in faults_of(api).items() if change.fault}
        for id in sample(api, groups, faults):
            searches = [
                searched(api, id, judge, complaints)
                for judge, (_, complaints) in zip(JUDGES, known, strict=True)
            ]
            rows.append(Row(api, groups[id], id, *searches))
            tell(comparison.row_line(rows[-1]))
    setting = (
        f"Schemathesis {version('schemathesis')}, seed {SEED}, {len(rows)} faults; Python "
        f"{sys.version.split()[0]}, {os.cpu_count()} cores; {time.monotonic() - began:.0f} s in "
        f"all. A search is cut after {LIMIT:g} s."
    )
    return Comparison(honest, rows, setting)


def sample(api: str, groups: Mapping[str, str], most: int) -> list[str]:
    """Return so many faults of an API, given the group of each by its id.

    The groups take turns in the order of a hash of their names, and each gives its faults in the
    order of a hash of their ids: nobody chooses, and a new fault moves few others.
    """
    queues = [
        iter(sorted((id for id in groups if groups[id] == group), key=digest))
        for group in sorted(set(groups.values()), key=lambda group: digest(f"{api}.{group}"))
    ]

    def in_turn() -> Iterator[str]:
        waiting = list(queues)
        while waiting:
            turns = [(queue, next(queue, None)) for queue in waiting]
            yield from (id for _, id in turns if id is not None)
            waiting = [queue for queue, id in turns if id is not None]

    return list(islice(in_turn(), most))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


Complaint = tuple[str, ...]
"""A code, a check and an operation, or the id of a clause."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A way to judge a server: a command, run in a folder that it may write to."""

    command: Callable[[str, str, Path], list[str]]
    environment: Callable[[str], dict[str, str]] = lambda api: {}


def plain_schemathesis(api: str, url: str, folder: Path) -> list[str]:
    known = wiring.all_credentials(api)
    written = re.sub(r"^ +", "", CREDENTIALS[api].format(**known), flags=re.MULTILINE)
    (folder / "schemathesis.toml").write_text(written, "utf-8")
    document = str(contracts.load(api).document)
    options = ["--url", url, "--seed", str(SEED), "--continue-on-failure"]
    return [sys.executable, "-m", "schemathesis.cli", "run", document, *options]


def hooks(api: str) -> dict[str, str]:
    known = wiring.all_credentials(api)
    needed = {variable: known[name] for variable, name in HOOKED.items() if name in known}
    return {"SCHEMATHESIS_HOOKS": "benchmarks.plain_schemathesis", **needed}


def our_suite(api: str, url: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.our_suite", api, url]


JUDGES = (Judge(plain_schemathesis, hooks), Judge(our_suite))


def complaints_of_honest(api: str) -> list[tuple[Calm, set[Complaint]]]:
    """Let each judge loose on an honest server; raises RuntimeError where it was never let in."""
    found = []
    for judge in JUDGES:
        complaints: set[Complaint] = set()
        with served(api, None) as meter:
            meter.answers = []
            run = Run(api, meter, judge, HONEST_LIMIT)
            complaints.update(what for what, _ in run.complaints())
        accepted, never = reached(contracts.load(api), meter.answers)
        if not accepted:
            raise RuntimeError(f"nothing that {judge.command.__name__} sent to {api} was accepted")
        alarms = tuple(sorted(map(" ".join, complaints)))
        calm = Calm(alarms, meter.calls, accepted, run.seconds, never, run.cut)
        found.append((calm, complaints))
    return found


def searched(api: str, fault: str, judge: Judge, known: Collection[Complaint]) -> Search:
    """Let a judge loose on a faulty server, until it says what it did not say of the honest one."""
    with served(api, fault) as meter:
        run = Run(api, meter, judge, LIMIT)
        with closing(run.complaints()) as complaints:
            for what, finds in complaints:
                if finds and what not in known:
                    calls = meter.calls
                    run.end()
                    return Search(" ".join(what), calls, run.seconds)
        return Search("", meter.calls, run.seconds, run.cut)


@contextmanager
def served(api: str, fault: str | None) -> Iterator[Meter]:
    """Yield the meter of a fresh mock on a socket."""
    faults = [fault] if fault else []
    known = wiring.all_credentials(api)
    made = wiring.mocks([api], credentials=known, faults=faults, settings=SETTINGS)
    meter = Meter(made.app.wsgi_app)
    with Server(meter) as server:
        meter.url = server.url
        yield meter


@dataclass(slots=True)
class Meter:
    """A WSGI application that counts its calls, and keeps them where it has `answers`."""

    app: Callable[..., Any]
    url: str = ""
    calls: int = 0
    answers: list[tuple[str, str, Response]] | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        self.calls += 1
        if self.answers is None:
            return self.app(environ, start_response)
        heads: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            heads.append((status, headers))
            return start_response(status, headers, exc_info)

        result = self.app(environ, start)
        body = b"".join(result)
        if hasattr(result, "close"):
            result.close()
        status, headers = heads[-1]
        response = Response(int(status[:3]), tuple(headers), body)
        self.answers.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], response))
        return [body]


def reached(
    contract: Contract, answers: Iterable[tuple[str, str, Response]] | None
) -> tuple[int, tuple[str, ...]]:
    """Return how many requests were accepted, and the operations of which none was."""
    known = wiring.all_credentials(contract.name)
    driver = contract.driver(contract, Target("http://127.0.0.1"), known)
    waiting = {one.id: one for one in Document(contract.document).operations}
    accepted = 0
    for method, path, response in answers or ():
        if driver.accepted(Exchange(Request(method, path), response, 0.0, 0.0)):
            accepted += 1
            for one in list(waiting.values()):
                rule = re.sub(r"\\{.*?\\}", "[^/]+", re.escape(one.path))
                if one.method.upper() == method and re.fullmatch(rule, path):
                    del waiting[one.id]
    return accepted, tuple(waiting)


@dataclass(slots=True)
class Run:
    """One judge at work on one server, in a process of its own and for so many seconds at most."""

    api: str
    meter: Meter
    judge: Judge
    limit: float
    seconds: float = 0.0
    cut: bool = False
    _began: float = 0.0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def complaints(self) -> Generator[tuple[Complaint, bool]]:
        """Yield what the judge says, as it says it, and whether that counts as a finding.

        Raises RuntimeError where it fails at its work.
        """
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
            told, end = os.pipe()
            self._began = time.monotonic()
            self._process = self._start(Path(folder), output, end)
            os.close(end)
            timer = threading.Timer(self.limit, self._cut)
            timer.start()
            try:
                with os.fdopen(told, encoding="utf-8") as lines:
                    for line in lines:
                        said = json.loads(line)
                        yield tuple(said["what"]), said["finds"]
                self._process.wait()
            finally:
                timer.cancel()
                self.end()
            # A failed check is 1 to Schemathesis; what was ended has the number of the signal.
            if self._process.returncode > 1:
                output.seek(0)
                raise RuntimeError(output.read().decode("utf-8", "replace")[-2000:])

    def end(self) -> None:
        """End the process, and stop its time."""
        assert self._process is not None
        self.seconds = self.seconds or time.monotonic() - self._began
        self._process.kill()
        self._process.wait()

    def _cut(self) -> None:
        self.cut = True
        assert self._process is not None
        self._process.kill()

    def _start(self, folder: Path, output: Any, told: int) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            **self.judge.environment(self.api),
            "PYTHONPATH": str(ROOT),
            "BENCHMARK_SEED": str(SEED),
            "BENCHMARK_TELL": str(told),
        }
        return subprocess.Popen(
            self.judge.command(self.api, self.meter.url, folder),
            cwd=folder, env=environment, pass_fds=[told], stdout=output, stderr=output,
        )  # fmt: skip

"""The pytest plugin: mocks as fixtures, and a contract's clauses as items.

It is loaded in every project that has Counterfoil installed: nothing heavy is imported here.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pytest

if TYPE_CHECKING:
    from .interception import Interception
    from .running import Mock
    from .steering import Steering


class Mocks:
    """Makes mocks that run until the fixture's scope is over."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.made: list[Steering] = []

    def mock(self, api: str, **options: Any) -> Mock:
        """Return a running mock of an API, made by the options of `counterfoil.mock`."""
        from .running import Mock

        mock = self._stack.enter_context(Mock(api, **options))
        self.made.append(mock)
        return mock

    def intercept(self, api: str, **options: Any) -> Interception:
        """Return a mock in place of a vendor, made by the options of `counterfoil.intercept`."""
        from .interception import Interception

        mock = self._stack.enter_context(Interception(api, **options))
        self.made.append(mock)
        return mock

    def close(self) -> None:
        """Stop all that was made."""
        self._stack.close()


@pytest.fixture
def counterfoil() -> Iterator[Mocks]:
    """Make mocks of the test's own: `counterfoil.mock("api")`, `counterfoil.intercept("api")`."""
    mocks = Mocks()
    yield mocks
    mocks.close()


@pytest.fixture(scope="session")
def counterfoil_session() -> Iterator[Mocks]:
    """Make mocks that all tests of the session (under xdist: of the worker) share."""
    mocks = Mocks()
    yield mocks
    mocks.close()


SEEN = pytest.StashKey["WeakKeyDictionary[Steering, int]"]()
"""The mocks that tests were given, and how many exchanges each had when this test began."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note how far the journals are of mocks that were given to tests before this one."""
    seen = _seen(item)
    for mock in list(seen):
        seen[mock] = mock.journal.written


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a test that fails what its mocks were asked."""
    report = yield
    seen = _seen(item)
    for mock in _mocks_of(item):
        before = seen.setdefault(mock, 0)
        told = f"the journal of {mock.name}" in report.longreprtext
        if report.failed and not told:
            report.sections.append((f"mock of {mock.name}", mock.journal.table(since=before)))
    return report


def _seen(item: pytest.Item) -> WeakKeyDictionary[Steering, int]:
    # A hook that goes before ours may have ended the setup before anything was noted.
    return item.config.stash.setdefault(SEEN, WeakKeyDictionary())


def _mocks_of(item: pytest.Item) -> list[Steering]:
    """Return the mocks that a test was given, by our fixtures or by its own."""
    if "counterfoil.steering" not in sys.modules:
        return []
    from .steering import Steering

    found: list[object] = []
    for given in (getattr(item, "funcargs", None) or {}).values():
        found += given.made if isinstance(given, Mocks) else [given]
    steered = [one for one in found if isinstance(one, Steering)]
    return list(dict.fromkeys(steered))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that hold an endpoint to its contract, one item a clause."""
    group = parser.getgroup("counterfoil", "contracts of chat APIs")
    group.addoption(
        "--contract", action="append", default=[], metavar="API",
        help="Add the clauses of this API's contract as items; repeatable.",
    )  # fmt: skip
    group.addoption(
        "--contract-target", action="append", default=[], metavar="NAME",
        help="Add the clauses that this target of counterfoil.toml is held to; repeatable.",
    )  # fmt: skip
    group.addoption("--contract-config", metavar="FILE",
                    help="Read this file, not the nearest counterfoil.toml.")  # fmt: skip
    group.addoption("--contract-url", metavar="URL",
                    help="The base URL to judge; of several APIs, each is below it.")  # fmt: skip
    group.addoption("--contract-mock", action="store_true",
                    help="Judge our own mock, in the process, on virtual time.")  # fmt: skip
    group.addoption("--contract-credential", action="append", default=[], metavar="NAME=VALUE",
                    help="Also from COUNTERFOIL_<API>_<NAME>.")  # fmt: skip
    group.addoption("--contract-only", action="append", default=[], metavar="GLOB",
                    help="Judge only these clauses; repeatable.")  # fmt: skip
    group.addoption("--contract-part", metavar="K/N",
                    help="Judge the Kth of N parts, to share a run among machines.")  # fmt: skip
    group.addoption("--contract-profile", metavar="NAME",
                    help="quick, standard (default), thorough, or one of one's own.")  # fmt: skip
    group.addoption("--contract-seed", type=int, metavar="N",
                    help="The same seed, the same requests.")  # fmt: skip
    group.addoption("--contract-fault", action="append", default=[], metavar="ID",
                    help="With --contract-mock: break it so.")  # fmt: skip
    group.addoption("--contract-max-calls", type=int, metavar="N",
                    help="Never make more calls, all workers of this run together.")  # fmt: skip
    group.addoption("--contract-max-time", type=float, metavar="S",
                    help="Make no call after so many seconds.")  # fmt: skip
    group.addoption("--contract-rate", type=float, metavar="N",
                    help="Calls a second at most, all workers of this run together.")  # fmt: skip
    group.addoption("--contract-baseline", metavar="FILE",
                    help="Accept the deviations that are listed here.")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known that items of a contract have."""
    for line in (
        "contract: a clause of an API's contract",
        "documented: a clause that the vendor's documents state",
        "implied: a clause that follows from the vendor's documents",
        "observed: a clause that was only ever observed; it cannot fail",
    ):
        config.addinivalue_line("markers", line)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the clauses that were asked for, before -k and -m choose among all items."""
    if config.getoption("contract") or config.getoption("contract_target"):
        try:
            from .pytest_contract import clause_items
        except ModuleNotFoundError as missing:
            raise pytest.UsageError(
                f"--contract needs {missing.name}: pip install 'counterfoil[check]'"
            ) from missing
        items.extend(clause_items(session))

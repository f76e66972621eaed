"""A mock that answers at a vendor's own address, without a socket."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from typing import Literal, Unpack

from mockserver.socketless import Socketless

from .. import wiring
from ..mocking import Made, Options
from .addresses import Address, Origin, read_address
from .board import Board, Connect, enter_here, leave_here

Library = Literal["httpx", "requests"]

_CARRIERS = {"httpx": "respx", "requests": "responses"}


class Interception(Made):
    """A mock that answers what this process sends to `url`, within its `with` block.

    It stands at the address that the vendor documents, unless `url` names another one, or several:
    base URLs, or hosts. What goes elsewhere is refused, or let out: all of it by `unknown="pass"`,
    these hosts by `passing`. It concerns httpx and requests, as far as they are installed, or one
    `library` alone. Raises what Made does, ValueError for what is no address, and ImportError.
    """

    def __init__(
        self,
        api: str,
        *,
        url: str | Sequence[str] = (),
        unknown: Literal["refuse", "pass"] = "refuse",
        passing: Sequence[str] = (),
        library: Library | None = None,
        **options: Unpack[Options],
    ) -> None:
        if unknown not in ("refuse", "pass"):
            raise TypeError(f"an unknown host is to refuse or to pass, not {unknown!r}")
        if isinstance(passing, str):
            raise TypeError(f"passing is a list of hosts: [{passing!r}]")
        self.addresses = _addresses(api, url)
        self._unknown = unknown
        self._passing = frozenset(read_address(host).host for host in passing)
        self._boards = [_board(name) for name in _libraries(library)]
        super().__init__(api, options)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end; the first one of several."""
        return self.addresses[0].url

    def at(self, origin: Origin, path: str) -> Connect | None:
        """Return what makes connections to the mock, None where it does not stand."""
        for address in self.addresses:
            if address.takes(origin, path):
                return partial(Socketless, self.app, self.clock, origin, address.prefix)
        return None

    def passes(self, origin: Origin) -> bool:
        """Say whether this host was named as one that requests go out to."""
        return origin.host in self._passing

    def lets_out(self, origin: Origin) -> bool:
        """Say whether requests go out that no mock answers."""
        return self._unknown == "pass" or self.passes(origin)

    def _begin(self, opened: ExitStack) -> None:
        for board in self._boards:
            board.add(self)
            opened.callback(board.remove, self)
        enter_here(self)
        opened.callback(leave_here, self)

    def __repr__(self) -> str:
        """Return which mock this is, and where."""
        return f"<mock of {self.name} in place of {self.url}>"


def _addresses(api: str, url: str | Sequence[str]) -> tuple[Address, ...]:
    """Return where a mock is to stand; raises UnknownName, and ValueError."""
    documented = wiring.find(api).base_url
    given = [url] if isinstance(url, str) else list(url)
    if not given and documented is None:
        raise ValueError(
            f"{api} has no documented address, every deployment has its own: "
            f'intercept("{api}", url="https://…")'
        )
    return tuple(read_address(text) for text in given or [documented or ""])


def _libraries(library: str | None) -> list[str]:
    """Return the libraries to intercept; raises TypeError, and ImportError for what lacks."""
    if library is not None and library not in _CARRIERS:
        raise TypeError(f"a library is {' or '.join(_CARRIERS)}, not {library!r}")
    found = [library] if library else [name for name in _CARRIERS if find_spec(name)]
    how = "pip install 'counterfoil[intercept]'"
    if not found:
        raise ImportError(f"nothing to intercept is installed, httpx or requests: {how}")
    for name in found:
        lacking = [one for one in (name, _CARRIERS[name]) if not find_spec(one)]
        if lacking:
            others = [other for other in _CARRIERS if other != name]
            instead = "" if library else f' (or intercept library="{others[0]}" alone)'
            raise ImportError(
                f"to intercept {name} takes {lacking[0]}, which is not installed: {how}{instead}",
                name=lacking[0],
            )
    return found


def _board(library: str) -> Board:
    board = importlib.import_module(f"{__name__}.over_{library}").BOARD
    assert isinstance(board, Board)
    return board

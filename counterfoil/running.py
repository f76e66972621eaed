"""A mock of a test's own: in this process, on a port of its own."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Unpack

from mockserver.server import Server

from .mocking import Made, Options


class Mock(Made):
    """A mock that runs within its `with` block, at `url`.

    An exception that leaves the block takes the mock's journal along, as a note. Raises what Made
    does, and AddressInUse.
    """

    def __init__(self, api: str, *, port: int = 0, **options: Unpack[Options]) -> None:
        super().__init__(api, options)
        self._port = port
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        if self._server is None:
            raise RuntimeError(f"the mock of {self.name} does not run: use it in a with block")
        return self._server.url

    def _begin(self, opened: ExitStack) -> None:
        server = Server(self.app, port=self._port)
        opened.enter_context(server)
        opened.callback(setattr, self, "_server", None)
        self._server = server

    def __repr__(self) -> str:
        """Return which mock this is, and where."""
        where = self._server.url if self._server else "no address"
        return f"<mock of {self.name} at {where}>"

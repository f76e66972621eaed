"""A mock of a test's own: in this process, on a port of its own."""

from __future__ import annotations

from types import TracebackType
from typing import Self, Unpack

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

    def __enter__(self) -> Self:
        """Start; returns when the mock answers."""
        self._server = Server(self.app, port=self._port).__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and let go of what was opened."""
        assert self._server is not None
        self._server.__exit__(kind, problem, trace)
        self._server = None
        self.note(problem)
        self.close()

    def __repr__(self) -> str:
        """Return which mock this is, and where."""
        where = self._server.url if self._server else "no address"
        return f"<mock of {self.name} at {where}>"

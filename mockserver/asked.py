"""A request as it stood on the wire."""

from __future__ import annotations

from typing import NamedTuple


class Gone(Exception):
    """The client has left; there is nobody to tell."""


class Asked(NamedTuple):
    """A request as it came, its body whole: of one beyond all bounds, so much that it shows."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    version: str
    keeps: bool
    """Whether the client goes on with this connection after the answer."""

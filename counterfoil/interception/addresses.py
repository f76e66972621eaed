"""Addresses at which a mock answers, and how they are told apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where a request goes, but for its path."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """Return it as it begins a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS.get(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL, or a host alone: that is any scheme, at its own port unless one is named."""

    written: str
    scheme: str
    host: str
    port: int | None
    prefix: str
    """The path below which the API is, without a slash at its end."""

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return self.written.rstrip("/") if self.scheme else f"https://{self.written}"

    def takes(self, origin: Origin, path: str) -> bool:
        """Say whether a request that goes there, to this path, comes here."""
        if self.host != origin.host or self.scheme not in ("", origin.scheme):
            return False
        if origin.port != (self.port or PORTS.get(origin.scheme)):
            return False
        return re.match(re.escape(self.prefix) + r"(?:[/?#]|$)", path) is not None


def read_address(text: str) -> Address:
    """Return what a base URL or a host names; raises ValueError."""
    shown = re.sub(r"//.*@", "//…@", text)
    try:
        url = urlsplit(text if "//" in text else f"//{text}")
        port, odd = url.port, url.username or url.query or url.fragment or re.search(r"\s", text)
        if url.hostname and not odd and url.scheme in ("", *PORTS) and (url.scheme or not url.path):
            host = url.hostname.encode("idna").decode("ascii")
            return Address(text, url.scheme, host, port, url.path.rstrip("/"))
    except ValueError:
        pass
    raise ValueError(f"{shown!r} is no address; write https://host/path, or a host alone")

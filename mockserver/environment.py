"""The WSGI environment of a request (PEP 3333)."""

from __future__ import annotations

import io
import sys
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from .asked import Asked
from .chaos import CUTS
from .lean_flask import LINES, header_name
from .model import PACES

Environ = dict[str, Any]


class Environments:
    """Makes the environments of one connection's requests, whose headers are mostly the same."""

    def __init__(self, scheme: str, own: tuple[Any, ...], peer: tuple[Any, ...]) -> None:
        self._always: Environ = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": str(own[0]),
            "SERVER_PORT": str(own[1]),
            "REMOTE_ADDR": str(peer[0]),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scheme,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            PACES: True,
            CUTS: True,
        }
        self._seen: tuple[list[tuple[bytes, bytes]], int] | None = None
        self._common: Environ = {}

    def of(self, asked: Asked) -> Environ:
        """Return the environment of a request."""
        method, target, headers, body, version, _ = asked
        seen = headers, len(body)
        if seen != self._seen:
            self._common = self._always | _of_headers(*seen)
            self._seen = seen
        environ = self._common.copy()
        if target[:1] == b"/":
            path, _, query = target.partition(b"?")
        else:
            path, query = self._elsewhere(target, environ)
        if b"%" in path:
            environ["RAW_URI"] = target.decode("latin-1")  # in which a slash may be a part's own
            path = unquote_to_bytes(path)
        environ["REQUEST_METHOD"] = method
        environ["PATH_INFO"] = path.decode("latin-1")
        environ["QUERY_STRING"] = query.decode("latin-1")
        environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
        environ["wsgi.input"] = io.BytesIO(body)
        return environ

    def _elsewhere(self, target: bytes, environ: Environ) -> tuple[bytes, bytes]:
        """Return path and query of a target that is a URL, as proxies are asked, or none."""
        try:
            url = urlsplit(target)
        except ValueError:
            return b"/" + target, b""
        if url.scheme and url.netloc:
            host = url.netloc.rpartition(b"@")[2]
            environ["HTTP_HOST"] = host.decode("latin-1")  # before any header (RFC 9112, 3.2.2)
            environ.pop(LINES, None)
            return url.path or b"/", url.query
        return b"/" + target, b""  # for OPTIONS *, and CONNECT


def _of_headers(headers: list[tuple[bytes, bytes]], length: int) -> Environ:
    environ: Environ = {"CONTENT_LENGTH": str(length)}
    lines, twice = [("Content-Length", environ["CONTENT_LENGTH"])], False
    for name, raw in headers:
        key, said = _named(name)
        value = raw.strip(b" \t").decode("latin-1")
        if key in environ:
            # A header that comes twice is one list; cookies are joined in their own way.
            environ[key] += f"{'; ' if key == 'HTTP_COOKIE' else ', '}{value}"
            twice = True
        elif key:
            environ[key] = value
            lines.append((said, value))
    if not twice and "HTTP_HOST" in environ:
        environ[LINES] = tuple(lines)
    return environ


@lru_cache(1024)
def _named(name: bytes) -> tuple[str, str]:
    """Return a header's key in the environment, "" for what says how long the body is; and name."""
    header = name.decode("latin-1").lower()
    if header in ("content-length", "transfer-encoding"):
        return "", ""
    key = "CONTENT_TYPE" if header == "content-type" else f"HTTP_{header.upper().replace('-', '_')}"
    return key, header_name(key)

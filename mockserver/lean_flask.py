"""Flask without what no mock uses: sessions, signals, hooks, a content type of its own."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface
from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import HTTPException, NotFound, RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES, parse_options_header
from werkzeug.routing import Map, MapAdapter
from werkzeug.wsgi import get_host

from .lane import Lane
from .routing import ReadRule

MOST_BYTES = 16 * 1024 * 1024
"""The largest request body that is read."""


LINES = "mockserver.lines"
"""Where a server leaves the headers as they are written down, if it has them at hand."""


class _Headers(EnvironHeaders):
    """The headers of a request, one of which is found without asking twice whether it is there."""

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]
        """Return a header's value."""
        if type is not None:
            return super().get(key, default, type)
        return self.environ.get(_environ_key(key), default)


@lru_cache(1024)
def _environ_key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in _UNPREFIXED else f"HTTP_{key}"


class LeanRequest(Request):
    """A request whose body, where the server has it whole, is taken as it is."""

    _max_content_length = MOST_BYTES
    routes: Map
    """Of the application that serves the request."""

    def __init__(self, environ: dict[str, Any]) -> None:
        """Take what every mock looks at; Werkzeug's own takes all there is, by detours."""
        path = environ.get("PATH_INFO", "")
        self.environ = environ
        self.method = environ["REQUEST_METHOD"].upper()
        self.path = "/" + (path if path.isascii() else _decoded(path)).lstrip("/")
        self.query_string = environ.get("QUERY_STRING", "").encode("latin1")
        self.headers = _Headers(environ)

    shallow = False

    @property
    def scheme(self) -> str:  # type: ignore[override]
        """The scheme of the URL."""
        return str(self.environ["wsgi.url_scheme"])

    @property
    def server(self) -> tuple[str, int | None]:  # type: ignore[override]
        """Where the server listens; at a Unix socket it has no port."""
        port = self.environ.get("SERVER_PORT", "")
        return self.environ["SERVER_NAME"], int(port) if port.isdecimal() else None

    @property
    def root_path(self) -> str:  # type: ignore[override]
        """Where the application is mounted."""
        return _decoded(self.environ.get("SCRIPT_NAME", "")).rstrip("/")

    @property
    def remote_addr(self) -> str | None:  # type: ignore[override]
        """Who calls."""
        found: str | None = self.environ.get("REMOTE_ADDR")
        return found

    @property
    def mimetype(self) -> str:
        """The content type without its parameters, in lower case."""
        return _mimetype(self.environ.get("CONTENT_TYPE", ""))

    def header_lines(self) -> tuple[tuple[str, str], ...]:
        """Return the headers as they are written down: their names as they usually are."""
        lines: tuple[tuple[str, str], ...] | None = self.environ.get(LINES)
        if lines is not None:
            return lines
        return tuple(
            [
                (header_name(key), value)
                for key, value in self.environ.items()
                if key[:5] == "HTTP_" or (value and key in _UNPREFIXED)
            ]
        )

    def take(self, key: str) -> str | None:
        """Return a header by its key in the environment, and be from now on without it."""
        value: str | None = self.environ.pop(key, None)
        if value is not None:
            self.environ.pop(LINES, None)
        return value

    def finds(self, path: str) -> bool:
        """Say whether anything is served at this path, with whatever method."""
        try:
            self.routes.bind_to_environ(self.environ).match(path)
        except NotFound:
            return False
        except HTTPException:
            pass  # it is there, with another method or slash
        return True

    def get_data(
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> Any:
        """Return the body; raises RequestEntityTooLarge."""
        data = self.__dict__.get("_cached_data")
        body = self.environ.get("wsgi.input")
        if data is None and type(body) is io.BytesIO:
            data = body.getvalue()
            most = self.max_content_length
            if most is not None and len(data) > most:
                raise RequestEntityTooLarge
            self._cached_data = data
        if data is not None and not as_text:
            return data
        return super().get_data(cache, as_text, parse_form_data)  # type: ignore[call-overload]


_UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")


@lru_cache(64)
def _mimetype(content_type: str) -> str:
    return parse_options_header(content_type)[0].lower()


@lru_cache(1024)
def header_name(key: str) -> str:
    """Return a header's usual name by its key in the environment."""
    return key.removeprefix("HTTP_").replace("_", "-").title()


def _decoded(path: str) -> str:
    return path.encode("latin1").decode(errors="replace")


class Sent:
    """An answer as a WSGI application: its headers as they are given, and its length.

    Werkzeug's own response reads headers one by one, twice, which costs more than most answers.
    """

    __slots__ = ("_body", "_headers", "_status")

    def __init__(
        self, status: int, headers: Iterable[tuple[str, str]], body: bytes | Iterable[bytes]
    ) -> None:
        self._status = status
        self._headers = list(headers)
        self._body = body

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer; raises ValueError for a header that would be two."""
        status, headers, body = self._status, self._headers, self._body
        long = False
        for name, value in headers:
            if "\n" in value or "\r" in value:
                raise ValueError("a header's value has a line break in it")
            long = long or name.lower() == "content-length"
        empty = status < 200 or status in (204, 304)
        if isinstance(body, bytes):
            if not empty and not long:
                headers = [*headers, ("Content-Length", str(len(body)))]
            body = (body,)
        start_response(_status_line(status), headers)
        return () if empty or environ["REQUEST_METHOD"] == "HEAD" else body


@lru_cache(64)
def _status_line(status: int) -> str:
    return f"{status} {HTTP_STATUS_CODES.get(status, 'UNKNOWN').upper()}"


class _NoSessions(SessionInterface):
    def open_session(self, app: Flask, request: Request) -> NullSession:
        return _NONE


_NONE = NullSession()


class LeanFlask(Flask):
    """Flask for mocks: one host, one map of routes, no sessions; hooks are for blueprints alone."""

    session_interface = _NoSessions()
    url_rule_class = ReadRule

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.url_map.merge_slashes = False
        self.lane = Lane()
        # The request knows the routes: on the lane no application is the current one.
        self.request_class = type("Request", (LeanRequest,), {"routes": self.url_map})

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request; on the lane without what Flask would do before and after it."""
        found = self.lane(environ)
        if found is None:
            return super().wsgi_app(environ, start_response)
        view, path = found
        try:
            answer = view(self.request_class(environ), path)
        except Exception as error:
            with self.request_context(environ):
                answer = self.handle_exception(error)
        return answer(environ, start_response)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the route of a request; raises SecurityError for a host that is none.

        What Flask makes looks at the host twice, for subdomains that no mock has.
        """
        if request is None:
            return None
        environ = request.environ
        request.host = get_host(environ)
        return MapAdapter(
            self.url_map,
            request.host,
            request.root_path or "/",
            "",
            environ["wsgi.url_scheme"],
            request.path,
            environ["REQUEST_METHOD"],
            environ.get("QUERY_STRING", ""),
        )

    def full_dispatch_request(self) -> Response:
        """Answer a request; only one for a page of a blueprint meets hooks and signals."""
        rule = request_ctx.request.url_rule
        if rule is not None and "." in rule.endpoint:
            return super().full_dispatch_request()
        self._got_first_request = True
        try:
            answer = self.dispatch_request()
        except Exception as error:
            answer = self.handle_user_exception(error)
        return answer if isinstance(answer, Sent) else self.make_response(answer)  # type: ignore

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Nothing is torn down."""

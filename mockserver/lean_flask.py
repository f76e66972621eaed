"""Flask without what no mock uses: sessions, signals, hooks, a content type of its own."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from flask import Flask, Request, Response
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host


class LeanRequest(Request):
    """A request whose body, where the server has it whole, is taken as it is."""

    def get_data(
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> Any:
        """Return the body; raises RequestEntityTooLarge."""
        body = self.environ.get("wsgi.input")
        if type(body) is io.BytesIO and not hasattr(self, "_cached_data"):
            data = body.getvalue()
            most = self.max_content_length
            if most is not None and len(data) > most:
                raise RequestEntityTooLarge
            self._cached_data = data
        return super().get_data(cache, as_text, parse_form_data)  # type: ignore[call-overload]


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
        if any("\n" in value or "\r" in value for _, value in headers):
            raise ValueError("a header's value has a line break in it")
        empty = status < 200 or status in (204, 304)
        if isinstance(body, bytes):
            if not empty and not any(name.lower() == "content-length" for name, _ in headers):
                headers = [*headers, ("Content-Length", str(len(body)))]
            body = (body,)
        start_response(f"{status} {HTTP_STATUS_CODES.get(status, 'UNKNOWN').upper()}", headers)
        return () if empty or environ["REQUEST_METHOD"] == "HEAD" else body


class _NoSessions(SessionInterface):
    def open_session(self, app: Flask, request: Request) -> NullSession:
        return _NONE


_NONE = NullSession()


class LeanFlask(Flask):
    """Flask for mocks: one host, one map of routes, no sessions; hooks are for blueprints alone."""

    request_class = LeanRequest
    session_interface = _NoSessions()

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

"""`python -m benchmarks.bare KIND PORT`: how fast the server is that the mocks run under.

`wsgi` is a WSGI callable that reads the body and answers fixed bytes, under the mocks' own server;
`flask` is a Flask application of one view, under Flask's own server.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .peers import FRESH, STORED

JSON = [("Content-Type", "application/json")]


def wsgi(port: int) -> None:
    from mockserver.server import Server

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        environ["wsgi.input"].read()
        start("200 OK", JSON)
        return [STORED if environ["REQUEST_METHOD"] == "GET" else FRESH]

    Server(app, port=port).run(lambda: None)


def flask(port: int) -> None:
    from flask import Flask, Response

    app = Flask(__name__)

    @app.route("/", methods=["GET", "POST"])
    def view() -> Response:
        return Response(STORED, content_type="application/json")

    app.run(port=port)


KINDS: dict[str, Callable[[int], None]] = {"wsgi": wsgi, "flask": flask}

if __name__ == "__main__":
    KINDS[sys.argv[1]](int(sys.argv[2]))

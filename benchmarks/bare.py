"""`python -m benchmarks.bare KIND PORT`: how fast the server is that the mocks run under.

`rsgi` is a callable that answers fixed bytes by itself; `wsgi` one behind the mocks' own adapter;
`flask` is a Flask application of one view, under Flask's own server.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Any

from .peers import FRESH, STORED

JSON = [("content-type", "application/json")]


def rsgi(port: int) -> None:
    from granian.constants import Interfaces
    from granian.server.embed import Server

    from mockserver.server import new_loop

    async def app(scope: Any, protocol: Any) -> None:
        await protocol()
        protocol.response_bytes(200, JSON, STORED if scope.method == "GET" else FRESH)

    server = Server(
        app, address="127.0.0.1", port=port, interface=Interfaces.RSGI, websockets=False,
        log_enabled=False, backlog=1024,
    )  # fmt: skip
    server.on_startup(
        lambda: asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    )
    with asyncio.Runner(loop_factory=new_loop) as runner:  # the mocks' own
        runner.run(server.serve())


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


KINDS: dict[str, Callable[[int], None]] = {"rsgi": rsgi, "wsgi": wsgi, "flask": flask}

if __name__ == "__main__":
    KINDS[sys.argv[1]](int(sys.argv[2]))

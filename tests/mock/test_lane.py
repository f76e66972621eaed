import gc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.test import EnvironBuilder

import mockserver.app
from counterfoil import wiring
from mockserver.faults import names
from mockserver.lean_flask import LeanFlask

APIS = names()
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


def found_by_flask(app: LeanFlask, environ: dict[str, object]) -> tuple[str, dict[str, str]] | None:
    try:
        endpoint, path = app.url_map.bind_to_environ(environ).match()
    except HTTPException:
        return None
    return str(endpoint), dict(path)


def found_by_lane(app: LeanFlask, environ: dict[str, object]) -> tuple[str, dict[str, str]] | None:
    found = app.lane(environ)
    return None if found is None else (found[0].args[1], found[1])


def served(apis: list[str]) -> LeanFlask:
    app = wiring.mocks(apis).app
    assert isinstance(app, LeanFlask)
    return app


APPS = {len(apis): served(apis) for apis in ([APIS[0]], APIS)} | {
    api: served([api]) for api in APIS
}


def paths(app: LeanFlask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        yield rule.rule


PIECES = st.sampled_from(["", "x", "chats", "conversation", "health", "v1", "a b", "é", "\n", "."])


@given(st.data(), st.sampled_from(METHODS))
@pytest.mark.parametrize("name", APPS)
def test_the_lane_finds_what_flask_finds_or_leaves_it_to_flask(name, data, method):
    app = APPS[name]
    rule = data.draw(st.sampled_from(sorted(paths(app))))
    parts = [
        data.draw(PIECES) if part.startswith("<") or not data.draw(st.integers(0, 9)) else part
        for part in rule.split("/")
    ]
    more = data.draw(st.lists(PIECES, max_size=2))
    path = "/" + "/".join([*parts, *more]).lstrip("/")
    environ = EnvironBuilder(path="/", method=method).get_environ()
    environ["PATH_INFO"] = path.encode().decode("latin-1")
    found = found_by_lane(app, environ)
    if found is not None:
        endpoint, args = found_by_flask(app, environ) or ("", {})
        assert (endpoint.rpartition(":")[2], args) == found


@pytest.mark.parametrize("name", APPS)
def test_every_operation_is_on_the_lane(name):
    app = APPS[name]
    for rule in app.url_map.iter_rules():
        if ":" not in rule.endpoint:
            continue
        path = "".join("abc" if dynamic else text for dynamic, text in rule._trace if text != "|")
        for method in rule.methods - {"OPTIONS"}:
            environ = EnvironBuilder(path=path, method=method).get_environ()
            assert found_by_lane(app, environ) == (
                rule.endpoint.rpartition(":")[2],
                dict.fromkeys(rule.arguments, "abc"),
            )


@pytest.mark.parametrize(
    "change",
    [
        {"SCRIPT_NAME": "/below"},
        {"HTTP_HOST": "a b"},
        {"HTTP_HOST": ""},
        {"PATH_INFO": "/h\xc3\xa9"},
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_flask(change):
    environ = EnvironBuilder(path="/health").get_environ()
    app = APPS["bedrock"]
    assert app.lane(environ) is not None
    assert app.lane({**environ, **change}) is None


def test_an_operation_that_crashes_on_the_lane_is_a_500_in_the_shape_of_the_api(monkeypatch):
    app = wiring.mocks(["bedrock"]).app
    send, crashes = mockserver.app._send, iter([True])

    def crash_once(*what):
        if next(crashes, False):
            raise RuntimeError("planted")
        return send(*what)

    monkeypatch.setattr(mockserver.app, "_send", crash_once)
    answer = app.test_client().get("/health", headers={"x-api-key": "counterfoil-api-key"})
    assert answer.status_code == 500
    assert answer.json == {"errors": ["internal server error"]}


def test_what_a_server_may_leave_out_of_the_environment_is_not_missed():
    environ = EnvironBuilder(path="/health").get_environ()
    environ["HTTP_X_API_KEY"] = "counterfoil-api-key"
    environ["SERVER_PORT"] = ""
    del environ["QUERY_STRING"], environ["SCRIPT_NAME"]
    started = []
    body = APPS["bedrock"].wsgi_app(environ, lambda status, headers: started.append(status))
    assert (started, b"".join(body)) == (["200 OK"], b'{"status":"ok"}')


@pytest.mark.parametrize(
    ("path", "key", "body", "status"),
    [
        ("/conversation/x/y", "counterfoil-api-key", None, 404),
        ("/conversation/x/y", "", None, 403),
        ("/conversation", "counterfoil-api-key", {"message": {}}, 422),
        ("/conversation", "counterfoil-api-key", {"message": 1.5, "x": None}, 422),
    ],
)
def test_a_request_that_is_refused_leaves_nothing_for_the_collector(path, key, body, status):
    def ask():
        made = EnvironBuilder(
            path, method="POST" if body else "GET", json=body, headers={"x-api-key": key}
        )
        started = []
        list(APPS["bedrock"].wsgi_app(made.get_environ(), lambda said, _: started.append(said)))
        made.close()
        assert started[0].startswith(str(status))

    assert left_by(ask) < 1


def test_a_request_that_nothing_serves_leaves_the_collector_what_its_route_was_looked_for_with():
    def ask():
        environ = EnvironBuilder("/nothing").get_environ()
        started = []
        list(APPS["bedrock"].wsgi_app(environ, lambda said, _: started.append(said)))
        assert started[0].startswith("403")

    assert left_by(ask) < 10, "no frames, and no request"


def left_by(ask):
    """Return how many objects a request leaves that the collector alone finds."""
    ask()
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            ask()
        return gc.collect() / 20
    finally:
        gc.enable()

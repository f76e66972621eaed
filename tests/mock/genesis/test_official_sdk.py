from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from ucloud.client import Client
from ucloud.core import exc
from werkzeug.serving import WSGIRequestHandler, make_server

from .caller import (
    APP,
    OTHER_APP,
    OTHER_PRIVATE,
    OTHER_PUBLIC,
    PRIVATE,
    PUBLIC,
    Build,
    Mock,
)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Quiet(WSGIRequestHandler):
    """No access log: a failing test would be buried in it."""

    def log(self, type: str, message: str, *args: Any) -> None:
        return


class FirstFails:
    """Answers the first calls with an HTTP status, or a body, of its own; then steps aside."""

    def __init__(self, app: Application, times: int, status: int, body: bytes = b"") -> None:
        self.app, self.times, self.status, self.body = app, times, status, body
        self.calls = 0

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        self.calls += 1
        if self.calls > self.times:
            return self.app(environ, start_response)
        headers = [("Content-Length", str(len(self.body))), ("Content-Type", "application/json")]
        start_response(f"{self.status} failed", headers)
        return [self.body]


@contextmanager
def served(app: Application) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


Say = Callable[..., dict[str, Any]]


def sayer(url: str, **config: Any) -> Say:
    """Return the SDK's generic call of the action; `config` is the SDK's own."""
    settings = {
        "base_url": url, "public_key": PUBLIC, "private_key": PRIVATE, "region": "cn-bj2",
        "project_id": "org-1", "timeout": 10, **config,
    }  # fmt: skip
    logger = logging.getLogger("official-sdk")
    client = Client(settings, logger=logger)

    def say(*contents: str, action: str = "RunMVChat", **more: Any) -> dict[str, Any]:
        lists = {"Role": ["user"] * len(contents), "Content": list(contents)}
        args = {"AppID": APP, **lists, **more}
        answer: dict[str, Any] = client.invoke(action, args)
        return answer

    return say


@pytest.fixture
def url(mock: Mock) -> Iterator[str]:
    with served(mock.app) as found:
        yield found


@pytest.fixture
def say(url: str) -> Say:
    return sayer(url)


def test_the_sdk_is_answered(say: Say, mock: Mock) -> None:
    answer = say("Hello")
    assert answer["RetCode"] == 0
    assert answer["Action"] == "RunMVChatResponse"
    assert answer["Response"] == "Hello, 世界 🙂"
    body = mock.last.body
    assert body.startswith("Region=cn-bj2&ProjectId=org-1&AppID="), "the SDK's own order"
    assert "Role.0=user" in body
    assert mock.last.method == "POST"


@pytest.mark.parametrize("text", ["a b+c%20&d=e", "é中文🙂", "\r\n\t", "", " ", "'\"\\", "\0"])
def test_the_sdk_may_say_anything(say: Say, text: str) -> None:
    assert say(text)["RetCode"] == 0


def test_the_sdk_sends_more_than_ten_messages(say: Say) -> None:
    assert say(*["old"] * 12, "Last")["Response"] == "The last one answers."


@pytest.mark.parametrize("value", [True, False, 1, 1.0, 2.5, 1e20, -0.0, "text"])
def test_the_sdk_sends_values_of_other_types(say: Say, value: object) -> None:
    assert say("Hello", Extra=value, Filters=[value, value], Deep=[{"Key": value}])["RetCode"] == 0


def test_the_sdk_continues_a_session(say: Say) -> None:
    session = say("Hello")["SessionID"]
    assert say("Hello")["SessionID"] != session
    assert say("Hello", SessionID="")["SessionID"] != session
    assert say("Hello", SessionID=None)["SessionID"] != session
    for _ in range(2):
        assert say("Hello", SessionID=session)["SessionID"] == session


def test_the_sdk_shows_the_request_id_of_a_refusal(say: Say) -> None:
    with pytest.raises(exc.RetCodeException) as raised:
        say("Hello", AppID="nothing")
    assert len(raised.value.request_uuid) == 36


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], int, str]] = {
    "unknown action": ({}, {"action": "NoSuch"}, 161, "Action [NoSuch] not found"),
    "no key": ({"public_key": ""}, {}, 220, "Missing params [PublicKey]"),
    "unknown key": ({"public_key": "nobody"}, {}, 172, "User Not Exists"),
    "wrong key": ({"private_key": "x"}, {}, 171, "Signature VerifyAC Error"),
    "other's key": ({"private_key": OTHER_PRIVATE}, {}, 171, "Signature VerifyAC Error"),
    "no role": ({}, {"Role": []}, 220, "Missing params [Role.0]"),
    "no content": ({}, {"Content": None}, 220, "Missing params [Content.0]"),
    "no app": ({}, {"AppID": None}, 220, "Missing params [AppID]"),
    "unknown app": ({}, {"AppID": "nothing"}, 230, "Params [AppID] not available"),
    "unknown role": ({}, {"Role": ["bot"]}, 230, "Params [Role.0] not available"),
    "unequal": ({}, {"Role": ["user", "user"]}, 230, "Params [Role.1] not available"),
    "unknown session": ({}, {"SessionID": 7}, 230, "Params [SessionID] not available"),
    "session no integer": ({}, {"SessionID": 1.5}, 230, "Params [SessionID] not available"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_sdk_raises_each_refusal_once(url: str, mock: Mock, case: str) -> None:
    config, args, code, message = REFUSED[case]
    with pytest.raises(exc.RetCodeException) as raised:
        sayer(url, max_retries=3, **config)("Hello", **args)
    assert (raised.value.code, raised.value.message) == (code, message)
    assert not raised.value.retryable
    assert len(mock.journal.entries()) == 1


def test_the_sdk_cannot_continue_the_session_of_another(url: str) -> None:
    session = sayer(url)("Hello")["SessionID"]
    other = sayer(url, public_key=OTHER_PUBLIC, private_key=OTHER_PRIVATE)
    for say, app in ((other, APP), (other, OTHER_APP), (sayer(url), OTHER_APP)):
        with pytest.raises(exc.RetCodeException, match="230"):
            say("Hello", AppID=app, SessionID=session)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("times", [1, 3])
def test_the_sdk_tries_again_when_the_gateway_fails(build: Build, status: int, times: int) -> None:
    app = FirstFails(build().app, times, status)
    with served(app) as url:
        assert sayer(url, max_retries=3)("Hello")["RetCode"] == 0
    assert app.calls == times + 1


def test_the_sdk_gives_up_after_its_last_retry(build: Build) -> None:
    app = FirstFails(build().app, 9, 503)
    with served(app) as url, pytest.raises(exc.HTTPStatusException) as raised:
        sayer(url, max_retries=2)("Hello")
    assert raised.value.status_code == 503
    assert app.calls == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_the_sdk_never_reads_the_retcode_of_an_http_error(build: Build, status: int) -> None:
    body = json.dumps({"RetCode": 171, "Message": "Signature VerifyAC Error"}).encode()
    app = FirstFails(build().app, 1, status, body)
    with served(app) as url, pytest.raises(exc.HTTPStatusException) as raised:
        sayer(url, max_retries=3)("Hello")
    assert raised.value.status_code == status
    assert app.calls == 1


def test_the_sdk_tries_again_on_retcodes_above_2000(build: Build) -> None:
    app = FirstFails(build().app, 1, 200, b'{"RetCode": 2001, "Message": "again"}')
    with served(app) as url:
        assert sayer(url, max_retries=1)("Hello")["RetCode"] == 0
    assert app.calls == 2


@pytest.mark.parametrize(
    ("rule", "code"),
    [("times_out", 110), ("gateway_fails", 130), ("unavailable", 150)],
)
def test_the_sdk_never_tries_again_on_a_retcode_of_the_gateway(
    build: Build, rule: str, code: int
) -> None:
    never_again(build(faults=[f"genesis.status.{rule}"]), code)


def test_the_sdk_never_tries_again_where_it_is_throttled(build: Build) -> None:
    never_again(build(variant="genesis.throttled"), 153)


def never_again(mock: Mock, code: int) -> None:
    raised = []
    with served(mock.app) as url:
        say = sayer(url, max_retries=3)
        for place in range(20):
            try:
                say(f"q{place}")
            except exc.RetCodeException as error:
                raised.append(error.code)
    assert 0 < len(raised) < 20
    assert set(raised) == {code}
    assert len(mock.journal.entries()) == 20, "one request a question, however it was answered"


def test_the_sdk_takes_a_refusal_with_http_400_for_no_retcode_at_all(build: Build) -> None:
    mock = build(faults=["genesis.status.refusals_400"])
    with served(mock.app) as url, pytest.raises(exc.HTTPStatusException):
        sayer(url)("Hello", AppID="nothing")


def test_the_sdk_takes_an_answer_without_retcode_for_a_failure(build: Build) -> None:
    mock = build(faults=["genesis.shape.retcode_missing"])
    with served(mock.app) as url, pytest.raises(exc.RetCodeException):
        sayer(url)("Hello")


def test_several_sdks_at_once_get_sessions_of_their_own(url: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: sayer(url)("Hello"), range(24)))
    assert len({answer["SessionID"] for answer in answers}) == 24
    assert len({answer["ID"] for answer in answers}) == 24

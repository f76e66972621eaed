from __future__ import annotations

import itertools
import time
from contextlib import closing
from types import SimpleNamespace

import httpx
import pytest
import respx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import target as target_module
from contracts.model import BudgetSpent, ContractError, Request, Unreachable
from contracts.target import Budget, Target, checked_url
from mockserver import tls
from mockserver.server import Server

GET = Request("GET", "/")
POST = Request("POST", "/", (("Content-Type", "text/plain"),), b"body")

RAW_TARGETS = [
    "/a%2Fb", "/a%2fb", "/%00", "//double//slash/", "/a/../b/./c", "/..", "/.", "/?", "/?a=%26&b=+",
    "/;x", "/%zz%", "/%E4%BD%A0", "/{}|^`\"<>\\[]", "/a#b", "/a?b?c#d", "/*", "/%252F",
    "/~!$&'()*+,;=:@", "*",
]  # fmt: skip


def sent(server, request, **options):
    with closing(Target(server.url, **options)) as target:
        exchange = target.send(request)
    assert exchange.status == 200, exchange
    return server.received[-1]


def test_a_raw_target_leaves_as_it_was_given(patient):
    server, target = patient
    for raw in RAW_TARGETS:
        target.send(Request("GET", raw))
        assert server.received[-1].target == raw


@pytest.mark.parametrize("base", ["/v1", "/v1/", "/v1//", "/a%2Fb/@me"])
def test_a_path_of_the_base_url_stands_before_the_raw_target(recorder, base):
    server = recorder()
    with closing(Target(server.url + base)) as target:
        for raw in RAW_TARGETS:
            target.send(Request("GET", raw))
            assert server.received[-1].target == base.rstrip("/") + raw
    assert target.url == server.url + base.rstrip("/")


def test_headers_leave_in_their_order_and_spelling_and_nothing_comes_with_them(recorder):
    server = recorder()
    given = (
        ("x-LOWER", "1"),
        ("X-Twice", "a"),
        ("X-Empty", ""),
        ("X-Twice", "b, c"),
        ("Ü"[:0] or "N", "é🙂"),
    )
    headers = sent(server, Request("GET", "/", given)).headers
    wanted = [(name.encode(), value.encode()) for name, value in given]
    assert list(headers) == [
        (b"Host", server.host.encode()), *wanted, (b"User-Agent", b"counterfoil")
    ]  # fmt: skip


def test_a_host_and_a_user_agent_that_are_given_are_the_only_ones(recorder):
    received = sent(recorder(), Request("GET", "/", (("user-agent", "me"), ("host", "elsewhere"))))
    assert set(received.headers) == {(b"user-agent", b"me"), (b"host", b"elsewhere")}
    assert len(received.headers) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_empty_body_where_one_is_usual_has_a_length_of_0(recorder, method):
    assert sent(recorder(), Request(method, "/")).all("content-length") == [b"0"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "BREW"])
def test_an_empty_body_where_none_is_usual_has_no_length(recorder, method):
    received = sent(recorder(), Request(method, "/"))
    assert (received.method, received.all("content-length")) == (method, [])


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_body_leaves_with_its_length_once_and_with_no_type_of_ours(recorder, method):
    received = sent(recorder(), Request(method, "/", (), b"\x00\xff@"))
    assert received.body == b"\x00\xff@"
    assert received.all("content-length") == [b"3"]
    assert received.all("transfer-encoding") == received.all("content-type") == []


@pytest.fixture
def patient(recorder):
    """A server, and a target that is asked again and again."""
    server = recorder()
    with closing(Target(server.url)) as target:
        yield server, target


TOKENS = st.text("abcXYZ019-_.!#$%&'*+^`|~", min_size=1, max_size=8).map("X-{}".format)
VALUES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), max_size=12
).filter(lambda text: text == text.strip())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_whatever_can_be_sent_leaves_byte_for_byte(patient, data):
    headers = data.draw(st.lists(st.tuples(TOKENS, VALUES), max_size=5))
    raw = "/" + data.draw(
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
    )
    body = data.draw(st.binary(max_size=50))
    method = data.draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]))
    server, target = patient
    target.send(Request(method, raw, tuple(headers), body))
    received = server.received[-1]
    assert (received.method, received.target, received.body) == (method, raw, body)
    given = [(name.encode(), value.encode()) for name, value in headers]
    assert [line for line in received.headers if line[0].startswith(b"X-")] == given


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/", (("X-Key", "two\r\nlines: 1"),)),
        Request("GET", "/", (("X-Key", "two\nlines"),)),
        Request("GET", "/", (("X-Key", "nul\0"),)),
        Request("GET", "/", (("X-Key", " before"),)),
        Request("GET", "/", (("X-Key", "after\t"),)),
        Request("GET", "/", (("X Key", "value"),)),
        Request("GET", "/", (("", "value"),)),
        Request("GET", "/ HTTP/1.1\r\nX: y"),
        Request("GET", "/é"),
        Request("GET", ""),
        Request("GE T", "/"),
    ],
)
def test_what_http_has_no_way_to_say_is_our_mistake_and_not_the_targets(recorder, request_):
    server = recorder()
    with closing(Target(server.url)) as target, pytest.raises(ContractError) as caught:
        target.send(request_)
    assert "lines" not in str(caught.value)
    assert server.received == []


def answering(*data: bytes, then: str = "close"):
    def behave(line, received):
        for piece in data:
            line.write(piece)
        getattr(line, then)()

    return behave


@pytest.mark.parametrize(
    ("behave", "failure"),
    [
        (answering(), "the connection was closed without an answer"),
        (answering(then="reset"), "the connection broke off: "),
        (answering(b"220 mail.example ESMTP\r\n\r\n"), "not HTTP: illegal status line: "),
        (answering(b"HTTP/1.1 200 OK\r\nA"), "the connection was closed without an answer"),
        (answering(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n"), "not HTTP: "),
        (
            answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            "the connection broke off: peer closed connection without sending complete message",
        ),
        (
            answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
            "the connection broke off: peer closed connection without sending complete message",
        ),
        (
            answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n"),
            "not HTTP: illegal chunk header: ",
        ),
        (
            answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then="reset"),
            "the connection broke off: ",
        ),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_an_exchange_with_a_failure_and_one_call(
    recorder, behave, failure
):
    server = recorder(behave)
    with closing(Target(server.url)) as target:
        exchange = target.send(POST)
    assert exchange.failure is not None and exchange.failure.startswith(failure), exchange.failure
    assert (exchange.response, exchange.status, exchange.body) == (None, 0, b"")
    assert (exchange.request, target.calls, len(server.received)) == (POST, 1, 1)


def test_what_a_server_says_instead_of_http_is_quoted_only_in_part(recorder):
    server = recorder(answering(b"x" * 50_000 + b"\r\n\r\n"))
    with closing(Target(server.url)) as target:
        failure = target.send(GET).failure
    assert failure is not None and failure.startswith("not HTTP: ") and len(failure) < 250


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
def test_an_answer_without_an_end_is_an_exchange_with_a_failure(recorder, begun):
    server = recorder(lambda line, received: line.write(begun))
    with closing(Target(server.url, timeout=0.05)) as target:
        exchange = target.send(GET)
    assert exchange.failure == "no whole answer after 0 s"
    assert target.calls == 1


def test_an_answer_that_goes_on_for_ever_is_ended(recorder, monkeypatch):
    monkeypatch.setattr(target_module, "LONGEST", 0.1)

    def behave(line, received):
        line.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            line.write(b"1\r\nx\r\n")
            time.sleep(0.005)

    with closing(Target(recorder(behave).url)) as target:
        assert target.send(GET).failure == "no whole answer after 0 s"


def test_an_idle_connection_that_the_server_closed_is_tried_once_more_and_counted(recorder):
    def behave(line, received):
        if received.place:
            line.close()
        else:
            line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    server = recorder(behave)
    budget = Budget(calls=3)
    with closing(Target(server.url, budget=budget)) as target:
        assert target.send(GET).status == 200
        assert target.send(POST).status == 200
        assert target.calls == 3
        with pytest.raises(BudgetSpent):
            target.send(GET)
    assert [(one.connection, one.place) for one in server.received] == [(1, 0), (1, 1), (2, 0)]
    assert server.received[1].body == server.received[2].body == b"body"


@pytest.mark.parametrize("end", ["close", "reset"])
def test_what_fails_on_a_new_connection_too_is_not_tried_again(recorder, end):
    def behave(line, received):
        if received.connection > 1 or received.place:
            getattr(line, end)()
        else:
            line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    server = recorder(behave)
    with closing(Target(server.url)) as target:
        target.send(GET)
        assert target.send(POST).failure is not None
        assert (target.calls, len(server.received)) == (3, 3)
        assert target.send(POST).failure is not None
        assert (target.calls, len(server.received)) == (4, 4)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_an_answer_that_breaks_off_half_way_is_not_tried_again(recorder, end):
    def behave(line, received):
        line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        if received.place == 0:
            line.write(b"k")
        else:
            time.sleep(0.05)
            getattr(line, end)()

    server = recorder(behave)
    with closing(Target(server.url)) as target:
        target.send(GET)
        assert target.send(GET).failure is not None
    assert target.calls == 2


def test_chunks_of_a_socket_come_with_growing_times_and_make_the_body(recorder):
    def behave(line, received):
        line.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\n\r\n"):
            line.write(piece)
            time.sleep(0.03)

    with closing(Target(recorder(behave).url)) as target:
        exchange = target.send(GET)
    assert [chunk.data for chunk in exchange.response.chunks] == [b"one", b"two"]
    first, second = (chunk.at for chunk in exchange.response.chunks)
    assert 0 <= first < first + 0.02 < second <= exchange.duration < 1
    assert exchange.body == b"onetwo"


def test_a_compressed_body_and_the_headers_are_kept_as_they_came(recorder):
    answer = (
        b"HTTP/1.1 404 Nope\r\nContent-Encoding: gzip\r\nx-odd: \xe9\r\nX-Odd: 2\r\n"
        b"Content-Length: 3\r\n\r\n\x1f\x8b\x00"
    )
    with closing(Target(recorder(answering(answer)).url)) as target:
        response = target.send(GET).response
    assert (response.status, response.body) == (404, b"\x1f\x8b\x00")
    assert response.headers[1:3] == (("x-odd", "é"), ("X-Odd", "2"))


def test_a_redirect_is_an_answer_like_any_other(recorder):
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    server = recorder(answering(moved))
    with closing(Target(server.url)) as target:
        assert target.send(GET).status == 302
    assert len(server.received) == 1


def test_a_proxy_in_the_environment_is_not_asked(recorder, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert sent(recorder(), GET).target == "/"


@pytest.fixture
def mocked():
    with respx.mock(base_url="https://api.example/v1", assert_all_called=False) as router:
        yield router


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (httpx.ReadTimeout("slow"), "no whole answer after 0 s"),
        (httpx.WriteTimeout("slow"), "no whole answer after 0 s"),
        (
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            "the connection was closed without an answer",
        ),
        (
            httpx.RemoteProtocolError("peer closed connection without sending complete message"),
            "the connection broke off: peer closed connection without sending complete message",
        ),
        (httpx.RemoteProtocolError("illegal status line"), "not HTTP: illegal status line"),
        (httpx.ReadError("reset by peer"), "the connection broke off: reset by peer"),
        (httpx.WriteError("broken pipe"), "the connection broke off: broken pipe"),
    ],
)  # fmt: skip
def test_what_goes_wrong_on_the_way_is_an_exchange_with_a_failure(mocked, error, failure):
    route = mocked.post("/").mock(side_effect=error)
    with closing(Target("https://api.example/v1")) as target:
        exchange = target.send(POST)
    assert (exchange.response, exchange.failure) == (None, failure)
    assert (target.calls, route.call_count) == (1, 1)


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), 3),
        (httpx.ReadError("reset by peer"), 3),
        (httpx.ReadTimeout("slow"), 2),
    ],
)
def test_only_a_connection_that_may_have_been_idle_is_tried_once_more(mocked, error, calls):
    answers = [httpx.Response(200), error, httpx.Response(200, text="again")]
    route = mocked.get("/").mock(side_effect=answers)
    with closing(Target("https://api.example/v1")) as target:
        assert target.send(GET).status == 200
        assert target.send(GET).body == (b"again" if calls == 3 else b"")
    assert (target.calls, route.call_count) == (calls, calls)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("[Errno 111] Connection refused"),
        httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"),
        httpx.ConnectTimeout("timed out"),
    ],
)
def test_a_host_that_takes_no_connection_is_unreachable(mocked, error):
    mocked.get("/").mock(side_effect=error)
    with closing(Target("https://api.example/v1/")) as target, pytest.raises(Unreachable) as caught:
        target.send(GET)
    assert str(caught.value) == f"nobody answers at https://api.example/v1: {error}"


def test_an_answer_that_was_never_sent_over_a_socket_is_read_like_any_other(mocked):
    mocked.get("/a%2Fb?q=%20").mock(httpx.Response(201, headers={"X-A": "b"}, text="made"))
    with closing(Target("https://api.example/v1")) as target:
        exchange = target.send(Request("GET", "/a%2Fb?q=%20"))
    assert (exchange.status, exchange.body, exchange.failure) == (201, b"made", None)
    assert exchange.response.header("x-a") == "b"


def test_a_port_where_nobody_listens_is_unreachable(recorder):
    server = recorder()
    server.close()
    with closing(Target(server.url)) as target, pytest.raises(Unreachable, match="nobody answers"):
        target.send(GET)


@pytest.mark.parametrize(
    "url",
    [
        "", "nonsense", "host:8000", "/path", "ftp://host/", "http://", "http:///path", "http://:80",
        "http://host:0", "http://host:99999", "http://host:x", "http://[::1", "http://a b/",
        "http://host/?a=b", "http://host?", "http://host/#a", "http://host/a b", "http://host\n/",
        "http://host\x00/", "//host/", "http//host", "http://ho\x7fst/",
    ],
)  # fmt: skip
def test_what_is_no_base_url_is_refused_and_shown(url):
    with pytest.raises(ContractError) as caught:
        checked_url(url)
    assert str(caught.value) == f"{url!r} is not a base URL; write it like https://host/path"
    with pytest.raises(ContractError):
        Target(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pass-word@host/", "https://user@host:8000/v1", "http://:pass-word@host",
        "http://@host", "http://user:pass-word@[::1]:80/", "http://a@b:pass-word@host",
    ],
)  # fmt: skip
def test_a_url_with_a_password_is_refused_and_not_shown(url):
    with pytest.raises(ContractError, match="holds no user name and no password") as caught:
        Target(url)
    assert "pass-word" not in str(caught.value) and "user:" not in str(caught.value)


@pytest.mark.parametrize("url", ["htp://user:pass-word@host/", "http://user:pass-word@ho st:x/"])
def test_a_password_in_what_is_no_base_url_is_not_shown(url):
    with pytest.raises(ContractError) as caught:
        checked_url(url)
    assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown", "host"),
    [
        ("http://host", "http://host", b"host"),
        ("HTTPS://Host:8443/V1/", "https://host:8443/V1", b"host:8443"),
        ("https://host:443", "https://host", b"host"),
        ("http://[::1]:8600/x", "http://[::1]:8600/x", b"[::1]:8600"),
        ("http://[2001:DB8::1]/", "http://[2001:DB8::1]", b"[2001:DB8::1]"),
        ("http://bücher.example/é/%2F", "http://xn--bcher-kva.example/%C3%A9/%2F",
         b"xn--bcher-kva.example"),
        ("http://host/@me", "http://host/@me", b"host"),
    ],
)  # fmt: skip
def test_a_base_url_names_the_host_that_is_asked(url, shown, host):
    asked = []

    def answer(request):
        asked.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(b""))

    with closing(Target(url, transport=httpx.MockTransport(answer))) as target:
        target.send(Request("GET", "/a"))
    assert target.url == shown
    assert asked[0].headers.raw[0] == (b"Host", host)
    assert asked[0].extensions["target"].decode() == f"{shown}/a".partition(host.decode())[2]


def test_a_host_of_version_6_is_asked(recorder):
    try:
        server = recorder(host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    received = sent(server, Request("GET", "/a"))
    assert received.all("host") == [server.host.encode()]
    assert server.host.startswith("[::1]:")


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def in_process(app, **options):
    return Target("http://mock.test/v1", app=app, **options)


def test_chunks_in_process_keep_their_bounds_and_their_times():
    clock = Clock()

    def app(environ, start_response):
        start_response("200 OK", [("X-A", "1"), ("X-A", "2")])
        for piece, pause in ((b"one", 0.0), (b"", 1.0), (b"tw", 0.5), (b"o", 0.25)):
            clock.sleep(pause)
            yield piece
        clock.sleep(1)

    exchange = in_process(app, clock=clock).send(GET)
    found = [(chunk.at, chunk.data) for chunk in exchange.response.chunks]
    assert found == [(0.0, b"one"), (1.5, b"tw"), (1.75, b"o")]
    assert (exchange.body, exchange.at, exchange.duration) == (b"onetwo", 100.0, 2.75)
    assert exchange.response.headers == (("X-A", "1"), ("X-A", "2"))


def test_an_application_sees_what_a_server_would_show_it():
    seen = {}

    def app(environ, start_response):
        seen.update(environ, body=environ["wsgi.input"].read())
        start_response("204 No Content", [])
        return []

    headers = (
        ("Content-Type", "a/b"), ("X-Twice", "1"), ("x-twice", "2"), ("Cookie", "a=1"),
        ("Cookie", "b=2"), ("X-Text", "é"),
    )  # fmt: skip
    request = Request("PUT", "/a%2Fb%252F/%E4%BD%A0%00//..?q=%2F&r", headers, b"\x00body")
    assert in_process(app).send(request).status == 204
    assert seen["PATH_INFO"].encode("latin-1") == "/v1/a/b%2F/你\0//..".encode()
    assert seen["QUERY_STRING"] == "q=%2F&r"
    assert (seen["REQUEST_METHOD"], seen["CONTENT_TYPE"]) == ("PUT", "a/b")
    assert (seen["CONTENT_LENGTH"], seen["body"]) == ("5", b"\x00body")
    assert (seen["SERVER_NAME"], seen["SERVER_PORT"]) == ("mock.test", "80")
    assert (seen["HTTP_HOST"], seen["HTTP_USER_AGENT"]) == ("mock.test", "counterfoil")
    assert (seen["HTTP_X_TWICE"], seen["HTTP_COOKIE"]) == ("1,2", "a=1; b=2")
    assert seen["HTTP_X_TEXT"].encode("latin-1") == "é".encode()


def test_an_application_may_set_its_status_late_and_again_and_write_instead_of_yielding():
    closed = []

    class Result:
        def __init__(self, start_response):
            self.start_response = start_response

        def __iter__(self):
            write = self.start_response("500 No", [])
            write = self.start_response("202 Yes", [("X-A", "b")], (None, None, None))
            write(b"written ")
            return iter([b"and yielded"])

        def close(self):
            closed.append(True)

    def writes(environ, start_response):
        start_response("200 OK", [])(b"written ")
        return [b"and yielded"]

    late = in_process(lambda environ, start_response: Result(start_response)).send(GET)
    assert (late.status, late.response.header("x-a"), closed) == (202, "b", [True])
    assert in_process(writes).send(GET).body == b"written and yielded"


def crashes(environ, start_response):
    raise ValueError("it broke")


def crashes_half_way(environ, start_response):
    start_response("200 OK", [])
    yield b"half"
    raise ValueError("it broke")


def says_no_status(environ, start_response):
    return [b"body"]


def says_a_strange_status(environ, start_response):
    start_response("OK", [])
    return [b"body"]


@pytest.mark.parametrize(
    ("app", "failure"),
    [
        (crashes, "not HTTP: the application raised ValueError('it broke')"),
        (crashes_half_way, "not HTTP: the application raised ValueError('it broke')"),
        (says_no_status, "not HTTP: the application's status is ''"),
        (says_a_strange_status, "not HTTP: the application's status is 'OK'"),
    ],
)
def test_an_application_that_does_not_answer_is_an_exchange_with_a_failure(app, failure):
    target = in_process(app)
    assert (target.send(GET).failure, target.calls) == (failure, 1)
    assert (target.send(GET).failure, target.calls) == (failure, 2)


class Metered:
    """An application that keeps the times at which it was called."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, environ, start_response):
        self.times.append(time.monotonic())
        start_response("200 OK", [])
        return [b"ok"]


def until_spent(target, most=100):
    for _ in range(most):
        try:
            target.send(GET)
        except BudgetSpent as spent:
            return str(spent)
    return None


@pytest.mark.parametrize("calls", [1, 2, 7])
def test_never_is_one_call_more_made_than_allowed(calls):
    app = Metered()
    target = in_process(app, budget=Budget(calls=calls))
    for _ in range(3):
        assert until_spent(target) == f"the budget of {calls} calls is spent"
        assert len(app.times) == target.calls == calls


def test_several_targets_share_a_budget():
    app, budget = Metered(), Budget(calls=5)
    first, second = in_process(app, budget=budget), in_process(app, budget=budget)
    first.send(GET)
    until_spent(second)
    until_spent(first)
    assert (len(app.times), first.calls, second.calls) == (5, 1, 4)


def test_no_call_is_made_after_the_seconds_that_are_allowed_whatever_the_targets_clock_says(
    monkeypatch,
):
    ticks = itertools.count()
    monkeypatch.setattr("contracts.target.time", SimpleNamespace(monotonic=lambda: next(ticks)))
    app, clock = Metered(), Clock()
    target = in_process(app, budget=Budget(seconds=100), clock=clock)
    clock.sleep(1000)
    assert until_spent(target) == "the budget of 100 seconds is spent"
    assert 0 < len(app.times) < 100
    assert next(ticks) in range(101, 110)
    assert until_spent(target) is not None


def test_calls_are_made_no_faster_than_allowed():
    app = Metered()
    target = in_process(app, budget=Budget(calls=6, rate=50))
    until_spent(target)
    gaps = [later - earlier for earlier, later in zip(app.times, app.times[1:], strict=False)]
    assert len(app.times) == 6
    assert min(gaps) >= 0.019
    assert app.times[-1] - app.times[0] < 1


def test_a_turn_that_comes_only_after_the_time_that_is_allowed_is_not_waited_for():
    app = Metered()
    target = in_process(app, budget=Budget(seconds=5, rate=0.1))
    began = time.monotonic()
    assert until_spent(target) == "the budget of 5 seconds is spent"
    assert (len(app.times), time.monotonic() - began < 1) == (1, True)


def test_a_budget_without_limits_has_none():
    assert until_spent(in_process(Metered()), most=50) is None


def test_a_server_whose_certificate_nobody_vouches_for_is_not_talked_to(tmp_path):
    made, _ = tls.generated(tmp_path, ["127.0.0.1"])
    asked = []
    with Server(lambda environ, start: asked.append(environ) or [b""], tls=made) as server:
        with closing(Target(server.url)) as target:
            with pytest.raises(Unreachable, match="certificate"):
                target.send(GET)
    assert asked == []

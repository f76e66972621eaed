import json

import pytest

from mockserver.clock import RealClock, VirtualClock
from mockserver.journal_pages import AGAIN
from mockserver.model import DELAY, ENDING, FEED, SCHEDULE, Chunk
from mockserver.socketless import Socketless, Wait

ORIGIN = ("https", "a.example", 443)
ASKED = b"GET %b HTTP/1.1\r\nHost: a.example\r\n\r\n"


def application(*left, body=b"done"):
    """Return an application that leaves something in its environment at each call, in turn."""
    asked, turns = [], iter(left)

    def app(environ, start):
        asked.append(environ)
        environ.update(next(turns, {}))
        start("200 OK", [("Date", "today")])
        return (body,)

    return app, asked


def talked(app, path=b"/", prefix="", clock=None):
    """Return all that is read, waits as seconds, until the end or a break."""
    line, read = Socketless(app, clock or VirtualClock(), ORIGIN, prefix), []
    line.write(ASKED % path)
    while (step := line.read()) != b"":
        if isinstance(step, Wait):
            step.clock.sleep(step.seconds)
            step = round(step.seconds, 3)
        read.append(step)
    return read


def test_a_request_is_answered_as_on_a_socket():
    app, asked = application()
    assert talked(app, b"/a//b%2F?c=%20") == [
        b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 4\r\n\r\ndone"
    ]
    environ = asked[0]
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/a//b/", "c=%20")
    assert (environ["wsgi.url_scheme"], environ["HTTP_HOST"]) == ("https", "a.example")


@pytest.mark.parametrize(
    ("path", "prefix", "script", "rest"),
    [
        (b"/v1/x", "/v1", "/v1", "/x"),
        (b"/v1", "/v1", "/v1", "/"),
        (b"/a%20b/x", "/a%20b", "/a b", "/x"),
        (b"/x", "", "", "/x"),
    ],
)
def test_an_application_is_mounted_below_a_path(path, prefix, script, rest):
    app, asked = application()
    talked(app, path, prefix)
    assert (asked[0]["SCRIPT_NAME"], asked[0]["PATH_INFO"]) == (script, rest)


def test_a_schedule_comes_piece_by_piece_and_its_delays_are_waits():
    chunks = (Chunk(0, b"a"), Chunk(0, b"b"), Chunk(2, b"c"), Chunk(1.5, b"d"))
    app, _ = application({DELAY: 9, SCHEDULE: chunks})
    read = talked(app)
    assert read[0] == 9
    assert read[1].endswith(b"\r\n\r\n1\r\na\r\n1\r\nb\r\n")
    assert read[2:] == [2, b"1\r\nc\r\n", 1.5, b"1\r\nd\r\n0\r\n\r\n"]


def test_who_reads_late_is_not_kept_waiting_as_well():
    clock = VirtualClock()
    app, _ = application({SCHEDULE: (Chunk(0, b"a"), Chunk(2, b"b"), Chunk(2, b"c"))})
    line = Socketless(app, clock, ORIGIN, "")
    line.write(ASKED % b"/")
    assert line.read().endswith(b"a\r\n")
    assert line.read().seconds == pytest.approx(2)
    clock.advance(3)
    assert line.read() == b"1\r\nb\r\n"
    assert line.read().seconds == pytest.approx(1)


def test_what_asks_again_is_asked_again_on_the_machines_time():
    app, asked = application({AGAIN: 0.001}, {AGAIN: 0.002}, {})
    clock = VirtualClock()
    before = clock.now()
    read = talked(app, clock=clock)
    assert len(asked) == 3 and read[-1].endswith(b"done")
    assert all(0 < wait < 0.01 for wait in read[:-1]) and clock.now() == before


def test_a_feed_is_asked_until_it_is_over():
    said = iter([b"one", b"", b"two", None])
    app, _ = application({FEED: lambda: next(said)})
    pieces = [step for step in talked(app, clock=RealClock()) if isinstance(step, bytes)]
    assert b"".join(pieces).endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("kind", "amount", "sent"),
    [("empty", 0, []), ("garbage", 0, [b"not HTTP"]), ("truncated", 0, [b"half"]),
     ("stalled", 7, [b"half", 7])],
)  # fmt: skip
def test_a_connection_ends_badly(kind, amount, sent):
    app, _ = application({ENDING: (kind, amount), SCHEDULE: (Chunk(0, b"half"),)})
    read = talked(app)
    assert len(read) == len(sent)
    for came, meant in zip(read, sent, strict=True):
        assert came == meant if isinstance(meant, int) else meant in came
    assert not any(isinstance(came, bytes) and came.endswith(b"0\r\n\r\n") for came in read)


def test_a_reset_is_raised():
    app, _ = application({ENDING: ("reset", 0)})
    with pytest.raises(ConnectionResetError, match="Connection reset by peer"):
        talked(app)


def test_an_application_that_fails_is_an_answer(caplog):
    def app(environ, start):
        raise KeyError("x")

    assert talked(app)[0].startswith(b"HTTP/1.1 500 ")
    assert "the application failed at a request" in caplog.text


def test_what_is_no_request_is_told_and_the_connection_ends():
    app, asked = application()
    line = Socketless(app, VirtualClock(), ORIGIN, "")
    line.write(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")
    assert line.read().startswith(b"HTTP/1.1 400 ")
    assert (line.read(), asked) == (b"", [])


def test_half_a_request_is_not_answered_until_the_rest_is_there():
    app, asked = application()
    line = Socketless(app, VirtualClock(), ORIGIN, "")
    line.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nhe")
    assert (line.read(), asked) == (b"", [])
    line.write(b"re")
    assert line.read().endswith(b"done")
    assert asked[0]["wsgi.input"].read() == b"here"


def test_a_connection_serves_one_request_after_another():
    app, asked = application()
    line = Socketless(app, VirtualClock(), ORIGIN, "")
    for number in (1, 2):
        line.write(ASKED % b"/%d" % number)
        assert line.read().endswith(b"done")
    assert [environ["PATH_INFO"] for environ in asked] == ["/1", "/2"]


def test_after_it_is_closed_nothing_more_is_made():
    made = []

    def schedule():
        for number in range(3):
            made.append(number)
            yield Chunk(1, json.dumps(number).encode())

    app, _ = application({SCHEDULE: schedule()})
    line = Socketless(app, VirtualClock(), ORIGIN, "")
    line.write(ASKED % b"/")
    line.read(), line.close()
    assert made == [0]
    assert line.read() == b""

import asyncio
import time

import httpx
import pytest
import requests
from requests.exceptions import ChunkedEncodingError, InvalidHeader

import counterfoil

PATH = "/api/v1/backend/chatbot/counterfoil-bot/chat"
ASKED = {"q": "Hello", "stream": True}
LIBRARIES = pytest.mark.parametrize("library", ["httpx", "requests"])


def intercepted(**options):
    return counterfoil.intercept("chatbot", url="https://chat.example", **options)


def sizes(mock):
    return [size for _, size in mock.journal.all()[-1].chunks]


def chunks(library, url, **how):
    """Return the chunks of a stream, each with the seconds since it was asked for."""
    began, found = time.monotonic(), []
    if library == "httpx":
        with httpx.Client() as client, client.stream("POST", url + PATH, json=ASKED, **how) as got:
            found += [(time.monotonic() - began, piece) for piece in got.iter_raw()]
    else:
        with requests.post(url + PATH, json=ASKED, stream=True, **how) as got:
            found += [(time.monotonic() - began, piece) for piece in got.iter_content(None)]
    return found


@LIBRARIES
@pytest.mark.parametrize("chunk_size", [30, "adversarial"])
def test_a_stream_comes_in_the_pieces_and_at_the_times_in_which_it_was_cut(library, chunk_size):
    with intercepted(chunk_delay=0.1, chunk_size=chunk_size) as mock:
        found = chunks(library, mock.url)
        planned = mock.journal.one().chunks
    assert [len(piece) for _, piece in found] == [size for _, size in planned]
    assert all(came >= due - 0.001 for (came, _), (due, _) in zip(found, planned, strict=True))
    assert found[-1][0] - found[0][0] > planned[-1][0] / 2, "they came one after another"


@LIBRARIES
def test_a_stream_is_the_one_that_comes_over_a_socket(library):
    options = {"chunk_delay": 0.02, "chunk_size": 31}
    with counterfoil.mock("chatbot", **options) as real:
        over_socket = [piece for _, piece in chunks(library, real.url)]
    with intercepted(**options) as mock:
        assert [piece for _, piece in chunks(library, mock.url)] == over_socket


@LIBRARIES
def test_on_a_virtual_clock_a_stream_takes_its_time_without_waiting(library):
    with intercepted(clock="virtual", chunk_delay=60, chunk_size=8) as mock:
        before = mock.clock.now()
        found = chunks(library, mock.url, timeout=61)
        planned = mock.journal.one().chunks
        assert [len(piece) for _, piece in found] == [size for _, size in planned]
        assert mock.clock.now() - before == pytest.approx(planned[-1][0]) and planned[-1][0] > 120
        assert found[-1][0] < 5
        with pytest.raises((httpx.ReadTimeout, requests.ConnectionError)):
            chunks(library, mock.url, timeout=59)


@LIBRARIES
def test_a_client_that_leaves_early_leaves_nothing_open(library):
    with intercepted(chunk_delay=30, chunk_size=8) as mock:
        began = time.monotonic()
        if library == "httpx":
            with (
                httpx.Client() as client,
                client.stream("POST", mock.url + PATH, json=ASKED) as got,
            ):
                assert len(next(got.iter_raw())) == sizes(mock)[0]
        else:
            with requests.post(mock.url + PATH, json=ASKED, stream=True) as got:
                assert len(next(got.iter_content(None))) == sizes(mock)[0]
        assert time.monotonic() - began < 5
        mock.journal.one(status=200)
        whole = {**ASKED, "stream": False}
        assert httpx.post(mock.url + PATH, json=whole).json()["code"] == 0


def test_many_streams_of_asynchronous_clients_come_at_the_same_time():
    async def one(client, number, order):
        asked = {"q": f"Hello {number}", "stream": True}
        async with client.stream("POST", PATH, json=asked) as got:
            body = b""
            async for piece in got.aiter_raw():
                body += piece
                order.append(number)
        return body

    async def many(url):
        order = []
        async with httpx.AsyncClient(base_url=url) as client:
            bodies = await asyncio.gather(*(one(client, number, order) for number in range(50)))
        return bodies, order

    with intercepted(chunk_delay=0.05, chunk_size=400) as mock:
        began = time.monotonic()
        bodies, order = asyncio.run(many(mock.url))
        took = time.monotonic() - began
        planned = [entry.chunks for entry in mock.journal]
        answers = {entry.body: entry.answer for entry in mock.journal}
    assert len(bodies) == len(answers) == 50
    assert {body.decode() for body in bodies} == set(answers.values())
    assert order != sorted(order), "they are interleaved"
    assert took < sum(pieces[-1][0] for pieces in planned) / 2


def test_latency_does_not_hold_up_the_loop():
    async def both(url):
        async with httpx.AsyncClient(base_url=url) as client:
            slow = {"Counterfoil-Chaos": "latency=0.6"}
            plain = {**ASKED, "stream": False}
            waiting = asyncio.create_task(client.post(PATH, json=plain, headers=slow))
            await asyncio.sleep(0.01)
            began = time.monotonic()
            await client.post(PATH, json=plain)
            quick = time.monotonic() - began
            assert not waiting.done()
            answer = await waiting
            return quick, time.monotonic() - began, answer.status_code

    with intercepted() as mock:
        quick, slow, status = asyncio.run(both(mock.url))
    assert quick < 0.5 < slow
    assert status == 200


def test_a_task_that_is_cancelled_while_it_waits_leaves_nothing_behind():
    async def given_up(url):
        async with httpx.AsyncClient(base_url=url) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.post(PATH, json=ASKED, headers={"Counterfoil-Chaos": "latency=9"})
            return (await client.post(PATH, json={**ASKED, "stream": False})).status_code

    with intercepted() as mock:
        assert asyncio.run(given_up(mock.url)) == 200
        assert len(mock.journal) == 2


CHAOS = ["reset", "empty", "garbage", "truncated", "stalled:0.05", "stalled:9", "drip:100000"]


def outcome(library, url, asked, chaos):
    """Return what a client makes of it: an answer's status, or the types of its exception."""
    how = {"json": asked, "headers": {"Counterfoil-Chaos": chaos}, "timeout": 0.4}
    try:
        if library == "httpx":
            return httpx.post(url + PATH, **how).status_code
        if library == "async":
            return asyncio.run(posted(url + PATH, **how)).status_code
        return requests.post(url + PATH, **how).status_code
    except (httpx.HTTPError, requests.RequestException) as problem:
        inner = problem.args[0] if library == "requests" else None
        return type(problem).__name__, type(inner).__name__, problem.request is not None


async def posted(url, **how):
    async with httpx.AsyncClient() as client:
        return await client.post(url, **how)


@pytest.mark.parametrize("chaos", CHAOS)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("library", ["httpx", "async", "requests"])
def test_what_goes_wrong_is_the_exception_that_a_socket_gives(library, stream, chaos):
    asked = {**ASKED, "stream": stream}
    with counterfoil.mock("chatbot") as real, intercepted() as mock:
        within = outcome(library, mock.url, asked, chaos)
        mock.journal.one()
        with counterfoil.intercept("chatbot", url="https://unused.example", unknown="pass"):
            over_socket = outcome(library, real.url, asked, chaos)
        real.journal.one()
    assert within == over_socket
    assert (within == 200) is chaos.startswith("drip")


@LIBRARIES
def test_a_stall_that_outlives_patience_takes_no_time_on_a_virtual_clock(library):
    timeouts = (httpx.ReadTimeout, requests.ReadTimeout)
    with intercepted(clock="virtual") as mock:
        before, began = mock.clock.now(), time.monotonic()
        with mock.chaos(latency=100), pytest.raises(timeouts):
            chunks(library, mock.url, timeout=30)
        assert mock.clock.now() - before == pytest.approx(30)
        with mock.chaos(latency=100):
            assert chunks(library, mock.url, timeout=101)
        assert time.monotonic() - began < 5


@LIBRARIES
def test_an_upload_in_pieces_arrives_whole(library):
    def pieces():
        yield b'{"q": "Hel'
        yield b'lo", "stream": false}'

    with intercepted() as mock:
        kind = {"Content-Type": "application/json"}
        if library == "httpx":
            answer = httpx.post(mock.url + PATH, content=pieces(), headers=kind)
        else:
            answer = requests.post(mock.url + PATH, data=pieces(), headers=kind)
        assert answer.json()["code"] == 0
        assert mock.journal.one().body == '{"q": "Hello", "stream": false}'


@LIBRARIES
def test_what_the_library_would_not_send_it_does_not_send_here_either(library):
    with intercepted() as mock:
        with pytest.raises((httpx.LocalProtocolError, InvalidHeader)):
            wrong = {"X-Wrong": "line\nbreak"}
            if library == "httpx":
                httpx.get(mock.url, headers=wrong)
            else:
                requests.get(mock.url, headers=wrong)
        assert len(mock.journal) == 0


def test_a_body_that_is_cut_says_so_whoever_reads_it():
    with intercepted() as mock, mock.chaos(connection=["truncated"]):
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            chunks("httpx", mock.url)
        with pytest.raises(ChunkedEncodingError):
            chunks("requests", mock.url)

"""The recorder before real mocks and before servers that misbehave, driven by raw sockets too."""

import base64
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import quote

import httpx
import pytest

from counterfoil import wiring
from mockserver import recording as proxy
from mockserver.clock import VirtualClock
from mockserver.concealing import Concealer
from mockserver.faults import find_api
from mockserver.model import Settings
from mockserver.recorded import between, waited
from mockserver.recording import Recorder
from mockserver.recording_file import Recording
from mockserver.reply_files import load_recording
from mockserver.server import AddressInUse, Server
from mockserver.upstream import BadUpstream, Upstream

from .genesis.caller import chat, signed

TALKS = {"keep-alive": "", "close": "Connection: close\r\n"}


@contextmanager
def recording(url, path, api="bedrock", secrets=(), **options):
    known = find_api(api)
    named = [*wiring.hidden_credentials(api, secrets)]
    recorder = Recorder(
        Upstream.at(url), Recording(path, Concealer(named, known.concealed)), **options
    )
    ready = threading.Event()
    thread = threading.Thread(target=recorder.run, args=(ready.set,), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield recorder
    finally:
        recorder.stop()
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def mock(api, **settings):
    options = {"reply_after": 0.02, **settings}
    with Server(wiring.mocks([api], settings=Settings(**options)).app.wsgi_app) as server:
        yield server.url


@contextmanager
def upstream(*script):
    """A server that hears one request a connection; `script` is bytes to send and pauses."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard = []

    def answer(caller, place):
        with caller:
            data = b""
            while b"\r\n\r\n" not in data:
                data += caller.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            while not whole(head, body):
                body += caller.recv(65536)
            heard.append((head, body))
            try:
                for step in script:
                    if isinstance(step, bytes):
                        caller.sendall(step)
                    else:
                        time.sleep(step)
            except OSError:
                pass

    def accept():
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(caller, len(heard)), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def whole(head, body):
    lines = head.lower().split(b"\r\n")
    if b"transfer-encoding: chunked" in lines:
        return body.endswith(b"0\r\n\r\n")
    sizes = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
    return len(body) >= sum(sizes)


OK = b"HTTP/1.1 200 Fine\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


def say(recorder, data, until=b""):
    """Send bytes and return all that comes, or what comes until it holds `until`."""
    got = b""
    with socket.create_connection((recorder.host, recorder.port), timeout=10) as caller:
        caller.sendall(data)
        while not until or until not in got:
            more = caller.recv(65536)
            if not more:
                break
            got += more
    return got


def entries(path):
    return load_recording(path)


def wait_for(check, seconds=5.0):
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.01)
    return found


# What passes through


def test_method_target_headers_and_body_arrive_as_they_were_sent(tmp_path):
    target = b"/a//b/%7e/%2F;x/~?q=%20+&&Z=%c3%A9&q=a/../b#"
    with upstream(OK) as (url, heard), recording(url, tmp_path / "a.har") as recorder:
        got = say(
            recorder,
            b"pAtCh " + target + b" HTTP/1.1\r\nHOST: me:1\r\nx-Odd:  a  b \r\nX-TWICE: 1\r\n"
            b"X-Twice: 2\r\nContent-Length: 4\r\nX-Hop: h\r\nConnection: close, X-hop\r\n"
            b"Keep-Alive: 3\r\nTE: trailers\r\n\r\n\x00\xff\r\n",
        )
        head, body = heard[0]
    assert head.split(b"\r\n") == [
        b"pAtCh " + target + b" HTTP/1.1",
        b"Host: " + url[7:].encode(),
        b"x-Odd: a  b",
        b"X-TWICE: 1",
        b"X-Twice: 2",
        b"Content-Length: 4",
    ]
    assert body == b"\x00\xff\r\n"
    assert got.startswith(b"HTTP/1.1 200 Fine\r\n") and got.endswith(b"\r\n\r\nok")
    (entry,) = entries(tmp_path / "a.har")
    assert entry["request"]["url"] == url + target.decode()
    assert entry["request"]["postData"]["encoding"] == "base64"
    assert base64.b64decode(entry["request"]["postData"]["text"]) == body


def test_body_in_chunks_and_one_that_waits_to_be_asked_for_arrive(tmp_path):
    with upstream(OK) as (url, heard), recording(url, tmp_path / "a.har") as recorder:
        say(
            recorder,
            b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
            b"\r\n3\r\nabc\r\n2;e=1\r\nde\r\n0\r\n\r\n",
        )
        with socket.create_connection((recorder.host, recorder.port), timeout=5) as caller:
            caller.sendall(
                b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            assert caller.recv(1000) == b"HTTP/1.1 100 \r\n\r\n"
            caller.sendall(b"hi")
            assert b" 200 Fine" in caller.recv(1000)
    assert heard[0][1] == b"5\r\nabcde\r\n0\r\n\r\n" and heard[1][1] == b"hi"
    assert [e["request"]["postData"]["text"] for e in entries(tmp_path / "a.har")] == [
        "abcde",
        "hi",
    ]


def test_one_connection_carries_many_requests_even_when_they_are_sent_at_once(tmp_path):
    with upstream(OK) as (url, heard), recording(url, tmp_path / "a.har") as recorder:
        asked = [b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(5)]
        got = say(recorder, b"".join(asked[:4]) + asked[4][:-2] + b"Connection: close\r\n\r\n")
    assert got.count(b"200 Fine") == 5
    assert [head.split()[1] for head, _ in heard] == [b"/%d" % n for n in range(5)]


def test_client_of_http_1_0_and_head_requests_are_served(tmp_path):
    headed = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
    with upstream(headed) as (url, _), recording(url, tmp_path / "a.har") as recorder:
        got = say(recorder, b"HEAD / HTTP/1.0\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 OK") and b"Content-Length: 7" in got
    assert got.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "target",
    [b"http://evil.invalid/x", b"evil.invalid:80", b"*", b"@evil.invalid/", b"/\xc3\xa9", b"/a b"],
)
def test_request_that_names_another_place_goes_nowhere(tmp_path, target):
    with upstream(OK) as (url, heard), recording(url, tmp_path / "a.har") as recorder:
        got = say(recorder, b"GET " + target + b" HTTP/1.1\r\nHost: evil.invalid\r\n\r\n")
        assert b" 400 " in got and b"counterfoil record: " in got
    assert heard == [] and entries(tmp_path / "a.har") == []


def test_no_host_and_no_path_change_where_a_request_goes(tmp_path):
    with upstream(OK) as (url, heard), recording(f"{url}/base/", tmp_path / "a.har") as recorder:
        for target in (b"//evil.invalid/x", b"/@evil", b"/a/../b", b"/.../x", b"/?/../.."):
            asked = b"GET " + target + b" HTTP/1.1\r\nHost: evil.invalid\r\nConnection: close\r\n"
            assert b" 200 " in say(recorder, asked + b"X-Forwarded-Host: evil.invalid\r\n\r\n")
            head = heard[-1][0].split(b"\r\n")
            assert head[0] == b"GET /base" + target + b" HTTP/1.1"
            assert head[1] == b"Host: " + url[7:].encode()
        for target in (b"/..", b"/a/../../b", b"/%2e%2E/", b"/..%2fx", b"/a\\..\\..\\b", b"/./../"):
            got = say(recorder, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 400 " in got and b"should not lead out of /base/" in got
    assert len(heard) == 5


@pytest.mark.parametrize(
    "url",
    ["", "api.example.com", "ftp://x", "http://", "http://u:p@x", "http://x?q=1", "http://x#f",
     "http://x:99999", "http://[x", "http://x/a b", "http://x/é"],
)  # fmt: skip
def test_upstream_is_a_plain_url(url):
    with pytest.raises(BadUpstream) as refused:
        Upstream.at(url)
    assert "u:p" not in str(refused.value)


def test_signature_over_the_exact_query_survives(tmp_path):
    pairs = signed(chat("Grüße & Küsse + 100%"))
    odd = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())
    with mock("genesis") as url, recording(url, tmp_path / "a.har", "genesis") as recorder:
        straight = httpx.get(f"{url}/?{odd}").json()
        through = httpx.get(f"{recorder.url}/?{odd}").json()
        posted = httpx.post(recorder.url, data=pairs).json()
        broken = httpx.get(f"{recorder.url}/?{odd}x").json()
    assert straight["RetCode"] == through["RetCode"] == posted["RetCode"] == 0
    assert broken["RetCode"] != 0
    assert pairs["Signature"] not in (tmp_path / "a.har").read_text("utf-8")


# Streams


def test_stream_comes_piece_by_piece_and_is_written_down_so(tmp_path):
    came = []
    asked = {"q": "hi", "stream": True}
    with (
        mock("chatbot", chunk_delay=0.1) as url,
        recording(url, tmp_path / "a.har", "chatbot") as recorder,
    ):
        path = "/api/v1/backend/chatbot/counterfoil-bot/chat"
        with httpx.stream("POST", recorder.url + path, json=asked) as answer:
            for piece in answer.iter_raw():
                came.append((time.monotonic(), len(piece)))
    (entry,) = entries(tmp_path / "a.har")
    chunks = entry["response"]["_chunks"]
    assert sum(chunk["size"] for chunk in chunks) == entry["response"]["bodySize"]
    assert [chunk["size"] for chunk in chunks][:3] == [24, 24, 24]
    waits = [b["at"] - a["at"] for a, b in zip(chunks, chunks[1:], strict=False)]
    slow = [wait for wait in waits if wait > 0.05]
    assert len(slow) >= 2 and all(wait < 0.3 for wait in slow)
    assert came[-1][0] - came[0][0] > 0.09 * len(slow)


def test_first_piece_reaches_the_client_before_the_second_leaves_the_upstream(tmp_path):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    script = (head + b"3\r\none\r\n", 0.5, b"3\r\ntwo\r\n0\r\n\r\n")
    with upstream(*script) as (url, _), recording(url, tmp_path / "a.har") as recorder:
        begun = time.monotonic()
        with httpx.stream("GET", recorder.url) as answer:
            pieces = answer.iter_raw()
            assert (next(pieces), time.monotonic() - begun < 0.4) == (b"one", True)
            assert list(pieces) == [b"two"]
        assert time.monotonic() - begun >= 0.5


def test_packed_answer_passes_as_it_is_and_is_readable_in_the_file(tmp_path):
    import gzip

    text = b'{"said": "' + b"yes " * 100 + b'"}'
    packed = gzip.compress(text)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    script = (head + packed[:20], 0.05, packed[20:])
    with upstream(*script) as (url, _), recording(url, tmp_path / "a.har") as recorder:
        with httpx.stream("GET", recorder.url) as answer:
            assert b"".join(answer.iter_raw()) == packed
    (entry,) = entries(tmp_path / "a.har")
    assert entry["response"]["content"]["text"].encode() == text
    assert entry["response"]["bodySize"] == len(packed)
    assert sum(c["size"] for c in entry["response"]["_chunks"]) == len(text)


def test_answer_that_cannot_be_unpacked_is_left_out_for_it_may_hold_secrets(tmp_path):
    with upstream(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 6\r\n\r\ncanary"
    ) as (url, _), recording(url, tmp_path / "a.har") as recorder:  # fmt: skip
        with httpx.stream("GET", recorder.url) as answer:
            assert b"".join(answer.iter_raw()) == b"canary"
    (entry,) = entries(tmp_path / "a.har")
    assert "text" not in entry["response"]["content"] and "br" in entry["_left_out"]
    assert recorder.recording.unread == 1


# Those who hang up, and those who are not there


@pytest.mark.parametrize("manners", TALKS)
def test_client_that_leaves_with_the_last_byte_loses_nothing(tmp_path, manners):
    with upstream(OK) as (url, _), recording(url, tmp_path / "a.har") as recorder:
        for _ in range(20):
            asked = f"GET / HTTP/1.1\r\nHost: x\r\n{TALKS[manners]}\r\n".encode()
            say(recorder, asked, until=b"\r\n\r\nok")
    found = entries(tmp_path / "a.har")
    assert [e["response"]["content"]["text"] for e in found] == ["ok"] * 20
    assert not any("_hung_up" in entry or "_error" in entry for entry in found)


def test_client_that_hangs_up_in_the_middle_does_not_spoil_the_recording(tmp_path):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n"
    script = [head] + [part for n in range(10) for part in (b"%03d" % n, 0.05)]
    with upstream(*script) as (url, _), recording(url, tmp_path / "a.har") as recorder:
        caller = socket.create_connection((recorder.host, recorder.port))
        caller.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        caller.recv(10)
        caller.close()
        (entry,) = wait_for(lambda: entries(tmp_path / "a.har"))
    assert entry["_hung_up"] is True
    assert entry["response"]["content"]["text"] == "000001002003004005006007008009"
    assert len(entry["response"]["_chunks"]) >= 8


def test_upstream_is_not_heard_for_ever_when_nobody_listens(tmp_path, monkeypatch):
    monkeypatch.setattr(proxy, "DEAF_SECONDS", 0.3)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    script = [head] + [part for _ in range(200) for part in (b"1\r\nx\r\n", 0.02)]
    with upstream(*script) as (url, _), recording(url, tmp_path / "a.har") as recorder:
        caller = socket.create_connection((recorder.host, recorder.port))
        caller.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        caller.recv(10)
        caller.close()
        (entry,) = wait_for(lambda: entries(tmp_path / "a.har"), 3)
    assert entry["_hung_up"] and "went on for 0.3 s" in entry["_error"]
    assert set(entry["response"]["content"]["text"]) == {"x"}


def test_upstream_that_is_gone_is_a_502_that_says_so_and_is_written_down(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with recording(url, tmp_path / "a.har") as recorder:
        got = httpx.get(f"{recorder.url}/x")
        assert httpx.head(f"{recorder.url}/x").status_code == 502
    assert got.status_code == 502
    assert got.text.startswith(f"counterfoil record: {url} cannot be reached: ")
    first, _ = entries(tmp_path / "a.har")
    assert (first["response"]["status"], first["response"]["content"]["text"]) == (502, got.text)
    assert first["_error"] in got.text


@pytest.mark.parametrize(
    "said", [b"", b"220 mail ESMTP\r\n", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\n"]
)
def test_upstream_that_answers_with_something_else_is_a_502(tmp_path, said):
    with upstream(said) as (url, _), recording(url, tmp_path / "a.har") as recorder:
        got = httpx.get(recorder.url)
    assert got.status_code == 502 and "broke off" in got.text


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 30\r\n\r\nthree", b"Transfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n"],
)
def test_answer_that_breaks_off_breaks_off_for_the_client_too(tmp_path, head):
    with upstream(b"HTTP/1.1 200 OK\r\n" + head) as (url, _):
        with recording(url, tmp_path / "a.har") as recorder:
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.get(recorder.url)
    (entry,) = entries(tmp_path / "a.har")
    assert "broke off" in entry["_error"] and entry["response"]["content"]["text"] == "three"


def test_eight_clients_at_once_get_their_own_answers(tmp_path):
    with mock("bedrock") as url, recording(url, tmp_path / "a.har") as recorder:

        def converse(number):
            with httpx.Client(
                base_url=recorder.url, headers={"x-api-key": "counterfoil-api-key"}
            ) as client:
                return [ask_bedrock(client, f"question {number} {turn}") for turn in range(5)]

        with ThreadPoolExecutor(8) as pool:
            texts = list(pool.map(converse, range(8)))
        alone = httpx.Client(base_url=url, headers={"x-api-key": "counterfoil-api-key"})
        assert texts[3][2] == ask_bedrock(alone, "question 3 2")
        alone.close()
    assert len({text for said in texts for text in said}) > 20
    assert len(entries(tmp_path / "a.har")) >= 80


def ask_bedrock(client, question):
    content = [{"contentType": "text", "body": question, "mediaType": None, "fileName": None}]
    message = {"content": content, "model": "claude-v3-sonnet"}
    asked = {"conversationId": None, "message": message, "continueGenerate": False}
    sent = client.post("/conversation", json=asked).raise_for_status().json()
    where = f"/conversation/{sent['conversationId']}/{sent['messageId']}"
    answer = wait_for(lambda: (got := client.get(where)).status_code == 200 and got)
    return answer.json()["message"]["content"][0]["body"]


# Served again


def serve_again(path, api, **options):
    folder = path.parent / "served" / api
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.har").write_bytes(path.read_bytes())
    return wiring.mocks([api], fixtures=folder.parent, **options)


def test_recorded_conversations_are_answered_again_with_the_same_texts(tmp_path):
    key = {"x-api-key": "counterfoil-api-key"}
    questions = ["Hello", "Größe? 🙂", "counterfoil-api-key is a secret", 'quo"te\n']
    with mock("bedrock") as url, recording(url, tmp_path / "a.har") as recorder:
        with httpx.Client(base_url=recorder.url, headers=key) as client:
            first = [ask_bedrock(client, question) for question in questions]
    assert "counterfoil-api-key" not in (tmp_path / "a.har").read_text("utf-8")
    questions[2] = "<api_key> is a secret"
    again = serve_again(tmp_path / "a.har", "bedrock", seed=99, settings=Settings(reply_after=0))
    with Server(again.app.wsgi_app) as server:
        with httpx.Client(base_url=server.url, headers=key) as client:
            assert [ask_bedrock(client, question) for question in questions] == first
            assert ask_bedrock(client, "something else") not in first


def test_recorded_stream_is_served_again_in_the_same_pieces_at_the_same_times(tmp_path):
    header, magic = b'{"answer": "", "question": "Q"}\n', b"645130146e8d07b175fd8b1d5682d520"
    pieces = [header + magic[:9], magic[9:], b"Gr" + "ü".encode()[:1], "ü".encode()[1:],
              b"\xc3\x9fe!"]  # fmt: skip
    script = [b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"]
    for pause, piece in zip((0, 0, 0.3, 0.1, 0.2), pieces, strict=True):
        script += [pause, b"%x\r\n%s\r\n" % (len(piece), piece)]
    path, asked = "/api/v1/backend/chatbot/counterfoil-bot/chat", {"q": "Q", "stream": True}
    with upstream(*script, b"0\r\n\r\n") as (url, _):
        with recording(url, tmp_path / "a.har", "chatbot") as recorder:
            assert httpx.post(recorder.url + path, json=asked).content == b"".join(pieces)
    settings = Settings(recorded_times=True)
    again = serve_again(tmp_path / "a.har", "chatbot", settings=settings)
    again.app.test_client().post(path, json=asked)
    (entry,) = again.journal.entries()
    assert entry.answer.endswith("Grüße!")
    sizes, times = [size for _, size in entry.chunks], [at for at, _ in entry.chunks]
    assert sizes[1:] == [23, 3, 1, 4]
    waits = [round(b - a, 1) for a, b in zip(times, times[1:], strict=False)]
    assert waits == [0, 0.3, 0.1, 0.2]
    quick = serve_again(tmp_path / "a.har", "chatbot")
    quick.app.test_client().post(path, json=asked)
    (entry,) = quick.journal.entries()
    assert [size for _, size in entry.chunks] == sizes
    assert [at for at, _ in entry.chunks] == pytest.approx([0, 0.005, 0.01, 0.015, 0.02])
    otherwise = serve_again(tmp_path / "a.har", "chatbot", settings=Settings(chunk_size=1))
    otherwise.app.test_client().post(path, json=asked)
    assert {size for _, size in otherwise.journal.entries()[0].chunks} == {1}


def test_a_recorded_answer_begins_as_late_as_it_did_where_that_is_asked_for(tmp_path):
    said = b'{"code":0,"msg":"Success.","request_id":"r","data":{"answer":"Yes.","question":"Q"}}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    path, asked = "/api/v1/backend/chatbot/counterfoil-bot/chat", {"q": "Q"}
    with upstream(0.3, head % len(said) + said) as (url, _):
        with recording(url, tmp_path / "a.har", "chatbot") as recorder:
            assert httpx.post(recorder.url + path, json=asked, timeout=20).status_code == 200
    took = []
    for recorded in (False, True):
        settings, clock = Settings(recorded_times=recorded), VirtualClock()
        again = serve_again(tmp_path / "a.har", "chatbot", settings=settings, clock=clock)
        began = clock.now()
        assert "Yes." in again.app.test_client().post(path, json=asked).text
        took.append(clock.now() - began)
    assert took[0] == 0 and 0.3 <= took[1] < 5


@pytest.mark.parametrize("reply_after", [0.0, 0.1, 10.0])
def test_a_reply_that_was_read_back_later_is_there_as_late_as_it_was(tmp_path, reply_after):
    key = {"x-api-key": "counterfoil-api-key"}
    with mock("bedrock", reply_after=0.3) as url, recording(url, tmp_path / "a.har") as recorder:
        with httpx.Client(base_url=recorder.url, headers=key) as client:
            ask_bedrock(client, "Hello")
    settings = Settings(recorded_times=True, reply_after=reply_after)
    again = serve_again(tmp_path / "a.har", "bedrock", settings=settings)
    (reply,) = again.emulators[""].world.replies.known()
    assert reply.delay == max(0.0, reply.waited - reply_after)
    assert 0.25 <= reply.waited < 5


@pytest.mark.parametrize(
    ("exchange", "seconds"),
    [
        ({"timings": {"wait": 250}}, 0.25),
        ({"timings": {"wait": -1}}, 0.0),
        ({"timings": {"wait": True}}, 0.0),
        ({"timings": {"wait": 1e300}}, 0.0),
        ({"timings": {"wait": 1e9}}, 3600.0),
        ({"timings": []}, 0.0),
        ({}, 0.0),
    ],
)
def test_time_that_a_file_does_not_tell_is_none(exchange, seconds):
    assert waited(exchange) == seconds


def test_seconds_between_two_exchanges_are_from_end_to_end():
    asked = {"startedDateTime": "2026-01-01T00:00:00.500Z", "time": 500}
    assert between(asked, {"startedDateTime": "2026-01-01T00:00:02+00:00", "time": 250}) == 1.25
    assert between({**asked, "time": None}, asked) == 0.5
    assert between(asked, {**asked, "time": 100}) == 0
    for odd in ("yesterday", None, 7):
        assert between(asked, {"startedDateTime": odd}) == 0


def test_failures_in_a_recording_do_not_keep_it_from_being_served(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
    refused = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nBusy"
    for place, api in enumerate(("bedrock", "chatbot", "genesis", "mtmai")):
        path = tmp_path / f"{place}.har"
        with upstream(refused) as (url, _), recording(url, path, api) as recorder:
            httpx.post(recorder.url, json={"q": 1})
        assert len(entries(path)) == 1 and serve_again(path, api)
        path.unlink()
        with recording(gone, path, api) as recorder:
            httpx.get(recorder.url)
        assert len(entries(path)) == 1 and serve_again(path, api)


def test_exchange_under_way_when_the_recorder_stops_is_kept_with_a_mark(tmp_path, monkeypatch):
    monkeypatch.setattr(proxy, "LAST_SECONDS", 0.1)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nbegun"
    with upstream(head, 3) as (url, _):
        with recording(url, tmp_path / "a.har") as recorder:
            caller = socket.create_connection((recorder.host, recorder.port))
            caller.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in caller.recv(1000)
            idle = socket.create_connection((recorder.host, recorder.port))
        caller.close()
        idle.close()
    (entry,) = entries(tmp_path / "a.har")
    assert entry["_error"] == "the recorder was stopped"


def test_taken_port_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        recorder = Recorder(
            Upstream.at("http://x"), Recording(tmp_path / "a.har", Concealer([])), port=port
        )
        with pytest.raises(AddressInUse, match=str(port)):
            recorder.run(lambda: None)


def test_upstream_over_tls_is_verified(tmp_path):
    import ssl

    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*made, *names, *files], check=True, capture_output=True)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(2):
            caller, _ = listener.accept()
            try:
                with serving.wrap_socket(caller, server_side=True) as secured:
                    secured.recv(65536)
                    secured.sendall(OK)
            except OSError:
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    url = f"https://localhost:{listener.getsockname()[1]}"
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    with recording(url, tmp_path / "a.har") as recorder:
        refused = httpx.get(recorder.url)
    with recording(url, tmp_path / "b.har", tls=trusting) as recorder:
        taken = httpx.get(recorder.url)
    thread.join(5)
    listener.close()
    assert refused.status_code == 502 and "certificate" in refused.text.lower()
    assert taken.text == "ok"

"""What a recording shows and hides, and that mocks answer from it, and from a browser's."""

import base64
import json
import random
import re

import pytest

from counterfoil import wiring
from mockserver.clock import VirtualClock
from mockserver.concealing import LEAST_LEARNED, Concealer
from mockserver.faults import find_api, names
from mockserver.model import Settings
from mockserver.recorded import Pace, pace_of
from mockserver.recording_file import Exchange, Recording
from mockserver.reply_files import FixtureError, load_fixtures

from .recorded_secrets import written_ways


def exchange(**fields):
    plain = {
        "at": 1.7e9, "method": "POST", "url": "http://up.invalid/", "headers": (), "body": b"",
        "status": 200,
    }  # fmt: skip
    answer = fields.pop("answer", b"")
    made = Exchange(**plain | fields)
    made.take(answer, 0.0)
    return made


def written(tmp_path, *exchanges, secrets=(), concealed=None):
    held = Recording(tmp_path / "a.har", Concealer(secrets, concealed))
    for one in exchanges:
        held.add(one)
    held.write()
    text = held.path.read_text("utf-8")
    return text, json.loads(text)["log"]["entries"]


# Secrets

CANARIES = [
    ("api_key", "canary-plain-0123456789"),
    ("password", 'Cänary "pass"/word+&=\\~ 7'),
    ("other_token", "~~~???>>>canary//++ü"),
]


@pytest.mark.parametrize("name, value", CANARIES)
@pytest.mark.parametrize("way", range(len(written_ways("x"))))
def test_no_way_of_writing_a_secret_gets_into_the_file(tmp_path, name, value, way):
    shown = written_ways(value)[way]
    place = shown.encode("utf-8")
    packed = random.Random(way).randbytes(3) + b"\xff" + place + b"\xfe"
    around = f'{{"before": "{shown}", "list": ["x{shown}y", "{shown[:3]}"]}}'.encode()
    header = (("X-Anything", shown.encode().decode("latin-1")),)
    ascii_only = shown if shown.isascii() and " " not in shown else "x"
    text, found = written(
        tmp_path,
        exchange(url=f"http://up.invalid/{ascii_only}?{ascii_only}={ascii_only}", headers=header),
        exchange(body=around, answer=around, answer_headers=header),
        exchange(body=packed, answer=packed, answer_headers=(("Location", ascii_only),)),
        secrets=CANARIES,
    )  # fmt: skip
    decoded = [
        base64.b64decode(part["text"])
        for one in found
        for part in (one["request"].get("postData", {}), one["response"]["content"])
        if part.get("encoding") == "base64"
    ]
    assert len(decoded) == 2 and all(place not in data for data in decoded)
    for one in written_ways(value):
        assert one not in text and json.dumps(one)[1:-1] not in text
    assert f"<{name}>" in text


def test_unknown_secret_has_one_name_wherever_and_whenever_it_is_shown(tmp_path):
    login = exchange(answer=b'{"token": "tok-1234567890", "id": "session-77"}')
    first = exchange(headers=(("Authorization", "Bearer tok-1234567890"),), answer=b"session-77")
    cookie = (("Set-Cookie", "sid=cook-1234567890; Path=/; HttpOnly"),)
    begun = exchange(headers=(("authorization", "Bearer tok-0987654321"),), answer_headers=cookie)
    again = exchange(
        url="http://up.invalid/?t=tok-1234567890", headers=(("Cookie", "a=b; sid=cook-1234567890"),)
    )
    text, found = written(tmp_path, login, first, begun, again)
    assert not re.search("tok-|cook-", text)
    assert json.loads(found[0]["response"]["content"]["text"]) == {
        "token": "<secret_1>", "id": "session-77",
    }  # fmt: skip
    assert found[1]["request"]["headers"][0]["value"] == "<secret_1>"
    assert found[2]["request"]["headers"][0]["value"] == "<secret_2>"
    assert found[2]["response"]["headers"][0]["value"] == "<secret_3>"
    assert found[3]["request"]["url"] == "http://up.invalid/?t=<secret_1>"
    assert found[3]["request"]["headers"][0]["value"] == "<secret_3>"
    assert found[1]["response"]["content"]["text"] == "session-77"


def test_basic_credentials_hide_the_password_by_itself(tmp_path):
    both = base64.b64encode(b"user:pass-word-77").decode()
    told = exchange(answer=b"your password is pass-word-77, user")
    asked = exchange(headers=(("Authorization", f"Basic {both}"),))
    text, _ = written(tmp_path, told, asked)
    assert both not in text and "pass-word-77" not in text and "user" in text


def test_short_secret_in_a_header_is_hidden_there_and_no_word_elsewhere(tmp_path):
    short = "a" * (LEAST_LEARNED - 1)
    asked = exchange(headers=(("x-api-key", short),), answer=f"{short}rdvark".encode())
    _, (entry,) = written(tmp_path, asked)
    assert entry["request"]["headers"][0]["value"] == "<hidden>"
    assert entry["response"]["content"]["text"] == f"{short}rdvark"


def test_signatures_that_an_api_conceals_differ_and_repeat_as_they_did(tmp_path):
    concealed = find_api("genesis").concealed
    urls = [f"http://up.invalid/?A=1&Signature={char * 40}" for char in "aba"]
    text, found = written(tmp_path, *(exchange(url=url) for url in urls), concealed=concealed)
    shown = [one["request"]["queryString"][1]["value"] for one in found]
    assert shown == ["<secret_1>", "<secret_2>", "<secret_1>"]
    assert "a" * 40 not in text


def test_signatures_beyond_those_with_names_are_hidden_where_they_stand(tmp_path, monkeypatch):
    monkeypatch.setattr("mockserver.concealing.MOST_CONCEALED", 1)
    concealed = find_api("genesis").concealed
    urls = [f"http://up.invalid/?Signature={char * 40}" for char in "ab"]
    key = (("x-api-key", "key-of-another"),)
    last = exchange(headers=key, answer=b"key-of-another")
    text, found = written(tmp_path, *(exchange(url=u) for u in urls), last, concealed=concealed)
    shown = [one["request"]["url"].partition("=")[2] for one in found]
    assert shown == ["<secret_1>", "<hidden>", ""]
    assert "b" * 40 not in text and "key-of-another" not in text


def test_secret_that_is_escaped_without_need_is_hidden_in_a_url(tmp_path):
    odd = "".join(f"%{byte:02x}" for byte in b"canary-plain-0123456789")
    text, _ = written(tmp_path, exchange(url=f"http://up.invalid/{odd}?k={odd}"), secrets=CANARIES)
    assert odd not in text and "canary" not in text and "%3C" not in text


def test_chunks_fit_the_text_that_is_left_when_a_secret_is_cut_by_them(tmp_path):
    made = exchange()
    for at, piece in enumerate([b"one canary-pl", b"ain-0123456789 ", b"", b"two"]):
        made.take(piece, float(at))
    _, (entry,) = written(tmp_path, made, secrets=CANARIES)
    assert entry["response"]["content"]["text"] == "one <api_key> two"
    assert sum(c["size"] for c in entry["response"]["_chunks"]) == len("one <api_key> two")


# The file


def test_file_is_whole_har_before_the_first_exchange_and_after_each(tmp_path):
    text, found = written(tmp_path)
    assert found == [] and json.loads(text)["log"]["version"] == "1.2"
    text, (entry,) = written(tmp_path, exchange(answer=b'{"a":\n"\xc3\xa9"}', body=b"q"))
    assert text.startswith('{\n "log": {\n  "version": "1.2",')
    assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(entry)
    assert entry["response"]["content"] == {"size": 11, "mimeType": "", "text": '{"a":\n"é"}'}
    assert [path.name for path in tmp_path.iterdir()] == ["a.har"]


def test_writer_that_is_late_does_not_undo_what_is_newer(tmp_path):
    held = Recording(tmp_path / "a.har", Concealer([]))
    late = held._now()
    held.add(exchange(answer=b"new"))
    held.write()
    held._write(*late)
    assert "new" in held.path.read_text("utf-8")


def test_recording_that_is_full_counts_what_it_leaves_out(tmp_path, monkeypatch):
    monkeypatch.setattr("mockserver.recording_file.MOST_HELD", 10)
    held = Recording(tmp_path / "a.har", Concealer([]))
    for answer in (b"12345678", b"123", b"12"):
        held.add(exchange(answer=answer))
    assert (held.count, held.dropped) == (2, 1)


# What mocks read


def load(tmp_path, api, content):
    (tmp_path / "a.har").write_bytes(
        content if isinstance(content, bytes) else json.dumps(content).encode()
    )
    known = find_api(api)
    return load_fixtures(tmp_path, known.read_recording, known.reply_fields, known.check_reply)


def page(*own):
    """What a browser writes down of a page that asks an API, and others."""
    foreign = [
        ("GET", "text/html", 200, "<html>"),
        ("GET", "image/png", 200, None),
        ("POST", "application/json", 200, "[1]"),
        ("OPTIONS", "", 204, ""),
        ("GET", "x-unknown", 0, None),
        ("GET", "application/json", 304, ""),
    ]
    entries = []
    for method, kind, status, text in foreign:
        content = {"size": 0, "mimeType": kind} | ({"text": text} if text is not None else {})
        entries.append((method, {"status": status, "content": content}, {}))
    entries += own
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "WebInspector", "version": "537.36"},
            "pages": [{"id": "page_1", "title": "x", "pageTimings": {}}],
            "entries": [
                {
                    "_initiator": {"type": "script"},
                    "_priority": "High",
                    "_resourceType": "fetch",
                    "pageref": "page_1",
                    "connection": "443",
                    "serverIPAddress": "[::1]",
                    "startedDateTime": "2026-01-01T00:00:00.000Z",
                    "time": 1.5,
                    "timings": {"blocked": -1, "send": 0, "wait": 1, "receive": 0.5, "_x": 1},
                    "cache": {},
                    "request": {
                        "method": method,
                        "url": "https://h.invalid/",
                        "httpVersion": "h2",
                        "headers": [{"name": ":authority", "value": "h.invalid"}],
                        "cookies": [{"name": "a", "value": "b", "sameSite": "Lax"}],
                        "queryString": [],
                        **asked,
                    },
                    "response": {"httpVersion": "h2", "headers": [], "_transferSize": 7, **said},
                }
                for method, said, asked in entries
            ],
        }
    }


def packed(value):
    text = base64.b64encode(json.dumps(value).encode()).decode()
    return {
        "status": 200,
        "content": {
            "size": 1, "mimeType": "application/json", "text": text, "encoding": "base64",
            "compression": 3,
        },
    }  # fmt: skip


def posted(value, **more):
    kind = "application/json;charset=UTF-8"
    return {"postData": {"mimeType": kind, "text": json.dumps(value)}, **more}


TEXT = [{"contentType": "text", "body": "Q"}]
BROWSED = {
    "bedrock": [
        ("POST", packed({"conversationId": "c", "messageId": "m"}),
         posted({"message": {"content": TEXT}})),
        ("GET", packed({"message": {"role": "assistant", "parent": "m",
                                    "content": [{"contentType": "text", "body": "A"}]}}), {}),
    ],
    "chatbot": [("POST", packed({"code": 0, "data": {"answer": "A"}}), posted({"q": "Q"}))],
    "genesis": [("POST", packed({"RetCode": 0, "Response": "A"}),
                 posted({"Role.0": "user", "Content.0": "Q"}))],
    "mtmai": [
        ("GET", packed({"metadata": {"id": "s"}, "name": "Q"}), {}),
        ("GET", packed({"messages": [{"role": "user", "content": "A", "metadata": {"id": "1"}}]}),
         {"url": "https://h.invalid/api/v1/tenants/t/chats/s/messages"}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("api", names())
def test_recording_of_a_browser_is_read_and_what_others_said_is_passed_over(tmp_path, api):
    (reply,) = load(tmp_path, api, page(*BROWSED[api]))
    assert reply.question == "Q" and reply.pace is None
    assert (reply.answer or reply.messages[0]["content"]) == "A"


DEEP = "[" * 100_000 + "]" * 100_000
HOSTILE = {
    "empty": b"",
    "no json": b"<har>",
    "binary": bytes(range(256)),
    "deep": DEEP.encode(),
    "deep inside": b'{"log": {"entries": [{"response": ' + DEEP.encode() + b"}]}}",
    "list": [],
    "no entries": {"log": {}},
    "entries of null": {"log": {"entries": [None]}},
    "entries in an object": {"log": {"entries": {"0": {}}}},
    "response is a list": {"log": {"entries": [{"request": {}, "response": []}]}},
    "request is a text": {"log": {"entries": [{"request": "GET", "response": {}}]}},
    "nulls": {"log": {"entries": [{"request": None, "response": None}]}},
    "long digits": b'{"log": {"entries": [' + b"9" * 10_000 + b"]}}",
    "half a character": b'{"log": {"entries": ["\xff"]}}',
}


@pytest.mark.parametrize("api", names())
@pytest.mark.parametrize("case", HOSTILE)
def test_broken_recording_is_one_clear_line(tmp_path, api, case):
    with pytest.raises(FixtureError) as refused:
        load(tmp_path, api, HOSTILE[case])
    said = str(refused.value)
    assert said.startswith(f"{tmp_path}/a.har: ") and "\n" not in said and len(said) < 600


CHAT = "/api/v1/backend/chatbot/counterfoil-bot/chat"
ASKED = {"Action": "RunMVChat", "PublicKey": "k", "AppID": "a", "Role.0": "user", "Content.0": "Q"}
ASK = {
    "chatbot": lambda client: client.post(CHAT, json={"q": "Q", "stream": True}).status_code,
    "genesis": lambda client: client.post("/", data=ASKED).status_code,
}
ODD = [None, 1, [], {}, "x", "\ud800", [[1]], {"text": 1}, True, 1e400]


@pytest.mark.parametrize("api", names())
def test_recording_with_a_value_of_another_type_anywhere_is_served_or_refused(tmp_path, api):
    content = page(*BROWSED[api])
    for entry in content["log"]["entries"]:
        del entry["pageref"]
    content["log"]["entries"] = content["log"]["entries"][-len(BROWSED[api]) :]
    folder = tmp_path / api
    folder.mkdir()
    served = refused = 0
    for path in places(content["log"]["entries"]):
        for odd in random.Random(repr(path)).sample(ODD, 1):
            text = json.dumps(replaced(content, ("log", "entries", *path), odd))
            (folder / "a.har").write_text(text)
            try:
                made = wiring.mocks(
                    [api],
                    clock=VirtualClock(),
                    fixtures=tmp_path,
                    settings=Settings(authenticate=False),
                )
            except FixtureError:
                refused += 1
            else:
                served += 1
                assert ASK.get(api, lambda client: 200)(made.app.test_client()) < 500
    assert served > 5 and refused > 5


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    if isinstance(value, dict | list):
        for key, one in inner:
            if isinstance(one, dict | list):
                yield from places(one, (*path, key))
            else:
                yield (*path, key)


def replaced(value, path, odd):
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], odd)
    return copy


# The pace of a stream


def test_pace_cuts_the_answer_as_it_was_cut_whatever_stands_before_it():
    told = {"_chunks": [{"at": 0.5, "size": 4}, {"at": 0.75, "size": 3}, {"at": 1.75, "size": 5}]}
    pace = pace_of(told, 5, 12)
    assert pace == Pace((0.0, 0.25, 1.0), (-1, 2, 7))
    same = pace.cut(b"HEAD:", b"0123456")
    assert [(c.delay, c.data) for c in same] == [(0, b"HEAD"), (0.25, b":01"), (1.0, b"23456")]
    longer = pace.cut(b"A HEAD:", b"0123456")
    assert [c.data for c in longer] == [b"A HEAD", b":01", b"23456"]
    assert [(c.delay, c.data) for c in pace.cut(b"", b"0123456")] == [
        (0.25, b"01"),
        (1.0, b"23456"),
    ]
    assert b"".join(c.data for c in pace.cut(b"x", b"longer than it was")) == b"xlonger than it was"
    assert pace.cut(b"", b"") == ()


@pytest.mark.parametrize(
    "chunks",
    [
        "x", {"at": 0}, [1], [{}], [{"at": 0, "size": -1}], [{"at": 0, "size": 1.0}],
        [{"at": -1, "size": 2}], [{"at": "0", "size": 2}], [{"at": float("nan"), "size": 2}],
        [{"at": float("inf"), "size": 2}], [{"at": 1e9, "size": 2}], [{"at": 0, "size": 3}],
        [{"at": 1, "size": 1}, {"at": 0, "size": 1}], [{"at": 0, "size": True}],
    ],
)  # fmt: skip
def test_chunks_that_are_none_are_refused(chunks):
    with pytest.raises((TypeError, ValueError)):
        pace_of({"_chunks": chunks}, 0, 2)


def test_answers_without_chunks_have_no_pace():
    assert pace_of({}, 0, 2) is pace_of({"_chunks": []}, 0, 2) is None

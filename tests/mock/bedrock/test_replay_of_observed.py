"""The mock against the real backend: every recorded request again, in the order of its arrival."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mockserver.faults import faults_of

RECORDING = Path(__file__).resolve().parents[3] / "fixtures" / "bedrock" / "observed.har"
RECORDED = json.loads(RECORDING.read_bytes())["log"]["entries"]

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HEADERS = (
    "content-type",
    "allow",
    "location",
    "vary",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
)

NO_GATEWAY = "no gateway stood in front of the recorded backend, so any key was let in"
NO_PAGES = "pages that the framework makes, and no part of the API"
POSITION = "how far the server had come with an answer that it then did not send"
PLAIN_BOT = "a bot with tools, which gives up on images; the mock is a plain bot"
PARALLEL = "of messages taken by parallel consumers some were lost"
NOT_UTF8 = "a body that is not UTF-8 crashed any route"
SURROGATE = "a lone surrogate crashed the writing to the queue"
NOT_A_QUESTION = "the first child was shown of messages that nobody had asked with"
UNANSWERED = "the message was taken, and never answered"
HASH = "an id was cut at the sign that joins the keys of the database"

# What the mock does otherwise on purpose; an entry that is not needed any more fails.
ALWAYS = {
    NO_GATEWAY: ["health api key ignored by the app"],
    NO_PAGES: ["openapi", "docs", "redoc"],
    POSITION: ["lone surrogate in model"],
    PLAIN_BOT: ["AG7 agent bot: image never answered"],
}
K2 = "K2 five posts, three consumers in parallel: "
LOST = {PARALLEL: [K2 + "conversation", *(f"{K2}message {number}" for number in range(4))]}
DEFECTS = {
    NOT_UTF8: [
        "utf16",
        "invalid utf8",
        "latin1 charset",
        "gzip content-encoding",
        "L3 500 invalid utf8 with origin",
        "L8 invalid utf8 on GET",
        "L9 invalid utf8 on unknown path",
    ],
    SURROGATE: ["lone surrogate escape", "L2 500 detail with origin"],
    NOT_A_QUESTION: [
        "A6 get the assistant's message id",
        "A6b again with origin",
        "A7 get 'system'",
        "L13 id of an older assistant reply",
    ],
    UNANSWERED: [
        "E2 its message id later",
        "E3 conversation unchanged",
        "E4 continueGenerate true new conversation later",
        "H later: conversation cg-coerce",
        "H later: conversation empty-content",
        "H later: conversation img-nomt",
        "H later: conversation att-nofn",
        "H later: conversation att-fnnull",
        "H later: conversation img-oddmt",
        "I2 get own id long2000",
        "I3 get message own id long2000",
        "I2 get own id long2100",
        "I3 get message own id long2100",
    ],
    HASH: ["I5 get a#b", "I6 get b", "I7 message under a#b", "I8 message under b"],
}


def started(entry: dict[str, Any]) -> float:
    return datetime.fromisoformat(entry["startedDateTime"]).timestamp()


def arrived(entry: dict[str, Any]) -> float:
    """When the server took the request: a message's id tells, which of parallel posts was first."""
    text = entry["response"]["content"].get("text", "")
    found = re.search('"messageId":"([0-9A-Z]{26})"', text)
    if entry["request"]["method"] != "POST" or not found:
        return started(entry)
    milliseconds = 0
    for letter in found[1][:10]:
        milliseconds = milliseconds * 32 + CROCKFORD.index(letter)
    return milliseconds / 1000


ENTRIES = sorted(RECORDED, key=arrived)


class Replay:
    """Sends what was recorded, and says where the answers differ from those recorded."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.ids: dict[str, str] = {}

    def differences(self, entry: dict[str, Any]) -> list[str]:
        self.client.wait(max(0.0, arrived(entry) - self.client.clock.now()))
        recorded, seen = entry["response"], self.send(entry["request"])
        was_said = recorded["content"].get("text", "")
        self.learn(was_said, seen.body.decode("utf-8"))
        was_headed = {h["name"]: self.translated(h["value"]) for h in recorded["headers"]}
        return [
            f"{what}: {was!r} was recorded, {now!r} came"
            for what, was, now in (
                ("status", recorded["status"], seen.status),
                ("headers", chosen(was_headed), chosen(seen.headers)),
                ("body", told(self.translated(was_said)), told(seen.body.decode("utf-8"))),
            )
            if was != now
        ]

    def send(self, request: dict[str, Any]) -> Any:
        host, _, target = request["url"].removeprefix("http://").partition("/")
        posted = request.get("postData", {})
        body = posted.get("text", "")
        return self.client.send(
            request["method"],
            self.translated("/" + target),
            base64.b64decode(body) if "_encoding" in posted else self.translated(body),
            {header["name"]: header["value"] for header in request["headers"]},
            host=host,
        )

    def learn(self, was_said: str, is_said: str) -> None:
        """Pair the ids that were given with those that are given now."""
        try:
            was, now = json.loads(was_said), json.loads(is_said)
        except ValueError:
            return
        pairs = [(was[name], now.get(name)) for name in was if name.endswith("Id")]
        pairs += zip(was.get("messageMap", ()), now.get("messageMap", ()), strict=False)
        if "message" in was and "message" in now:
            pairs += zip(was["message"]["children"], now["message"]["children"], strict=False)
        for old, new in pairs:
            if new and re.fullmatch("[0-9A-Z]{26}", old):
                self.ids.setdefault(old, new)

    def translated(self, text: str) -> str:
        # Without the first letter, which one request writes as %30.
        for old, new in self.ids.items():
            text = text.replace(old[1:], new[1:]).replace(old[1:].lower(), new[1:].lower())
        return text


def chosen(headers: Any) -> dict[str, str]:
    named = {name.lower(): value for name, value in headers.items()}
    return {name: named[name] for name in HEADERS if name in named}


def told(body: str) -> Any:
    try:
        return blotted(json.loads(body))
    except ValueError:
        return body


def blotted(value: Any) -> Any:
    """Blot out what may differ: times, which stay whole milliseconds, and what the model said."""
    if isinstance(value, list):
        return [blotted(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {name: blotted(item) for name, item in value.items()}
    if isinstance(value.get("createTime"), float) and 1e12 < value["createTime"] < 1e13:
        plain["createTime"] = "milliseconds" if value["createTime"] % 1 == 0 else "fractions"
    if value.get("role") == "assistant":
        for part in plain["content"]:
            part["body"] = "said" if isinstance(part["body"], str) else part["body"]
    return plain


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    alone = tmp_path_factory.mktemp("fixtures")
    shutil.copy(RECORDING, alone)
    return alone


Found = dict[str, list[str]]


def replay(serve: Callable[..., Any], folder: Path, entries: list[Any], *faults: str) -> Found:
    # The recorded backend took more than a third of a second for a reply, and less than 1.2.
    client = serve(*faults, start=arrived(entries[0]), fixtures=folder, reply_after=0.5)
    replayed = Replay(client)
    return {entry["comment"]: replayed.differences(entry) for entry in entries}


def check(found: Found, *tables: dict[str, list[str]]) -> None:
    excepted = {case: why for table in tables for why, cases in table.items() for case in cases}
    assert {case: how for case, how in found.items() if how and case not in excepted} == {}
    assert [case for case in excepted if not found[case]] == [], "these are no exceptions any more"
    counted = Counter(excepted.values())
    print(f"{len(found)} replayed, {len(found) - len(excepted)} the same,", dict(counted))


def test_every_case_was_recorded_once() -> None:
    cases = [entry["comment"] for entry in RECORDED]
    assert len(set(cases)) == len(cases) == 337


def test_mock_answers_every_recorded_request_as_the_real_backend_did(
    serve: Callable[..., Any], folder: Path
) -> None:
    check(replay(serve, folder, ENTRIES), ALWAYS, LOST, DEFECTS)


def test_mock_with_the_observed_defects_answers_as_the_real_backend_did_there_too(
    serve: Callable[..., Any], folder: Path
) -> None:
    observed = [id for id in faults_of("bedrock") if id.startswith("bedrock.observed.")]
    # But for one part of the recording a single consumer was at work.
    observed.remove("bedrock.observed.parallel_posts_lost")
    check(replay(serve, folder, ENTRIES, *observed), ALWAYS, LOST)


def test_mock_loses_the_parallel_posts_that_the_real_backend_lost(
    serve: Callable[..., Any], folder: Path
) -> None:
    entries = [entry for entry in ENTRIES if entry["comment"].startswith(K2)]
    check(replay(serve, folder, entries, "bedrock.observed.parallel_posts_lost"))

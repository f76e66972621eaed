"""The mock against the real backend: every recorded request again, in its order."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

RECORDING = Path(__file__).resolve().parents[3] / "fixtures" / "bedrock" / "observed.har"
ENTRIES = json.loads(RECORDING.read_bytes())["log"]["entries"]

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


class Replay:
    """Sends what was recorded, and says where the answers differ from those recorded."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.ids: dict[str, str] = {}

    def differences(self, entry: dict[str, Any]) -> list[str]:
        self.wait_until(started(entry))
        recorded, seen = entry["response"], self.send(entry["request"])
        self.learn(recorded["content"].get("text", ""), seen.body.decode("utf-8"))
        expected = known_headers({h["name"]: h["value"] for h in recorded["headers"]})
        given = known_headers(seen.headers)
        return [
            f"{what}: {was!r} was recorded, {now!r} came"
            for what, was, now in (
                ("status", recorded["status"], seen.status),
                ("headers", {k: self.translated(v) for k, v in expected.items()}, given),
                ("body", *self.bodies(recorded["content"].get("text", ""), seen.body)),
            )
            if was != now
        ]

    def wait_until(self, moment: float) -> None:
        self.client.wait(max(0.0, moment - self.client.clock.now()))

    def send(self, request: dict[str, Any]) -> Any:
        host, _, target = request["url"].removeprefix("http://").partition("/")
        posted = request.get("postData", {})
        body = posted.get("text", "")
        headers = {header["name"]: header["value"] for header in request["headers"]}
        return self.client.send(
            request["method"],
            self.translated("/" + target),
            base64.b64decode(body) if "_encoding" in posted else self.translated(body),
            headers,
            host=host,
        )

    def learn(self, recorded: str, answered: str) -> None:
        """Pair the ids that were given then with those given now."""
        try:
            was, now = json.loads(recorded), json.loads(answered)
        except ValueError:
            return
        for name in ("conversationId", "messageId"):
            if name in was and name in now and len(was[name]) == 26:
                self.ids[was[name]] = now[name]
        if "messageMap" in was and "messageMap" in now:
            pairs = zip(was["messageMap"], now["messageMap"], strict=False)
            self.ids.update({old: new for old, new in pairs if len(old) == 26})
        if "botId" in was and "botId" in now:
            self.ids[was["botId"]] = now["botId"]

    def translated(self, text: str) -> str:
        # Without the first letter, which one request writes as %30.
        for old, new in self.ids.items():
            text = text.replace(old[1:], new[1:]).replace(old[1:].lower(), new[1:].lower())
        return text

    def bodies(self, recorded: str, answered: bytes) -> tuple[object, object]:
        try:
            return shape(json.loads(self.translated(recorded))), shape(json.loads(answered))
        except ValueError:
            return recorded, answered.decode("utf-8")


def started(entry: dict[str, Any]) -> float:
    return datetime.fromisoformat(entry["startedDateTime"]).timestamp()


def known_headers(headers: Any) -> dict[str, str]:
    named = {name.lower(): value for name, value in headers.items()}
    return {name: named[name] for name in HEADERS if name in named}


def shape(value: Any) -> Any:
    """Blot out what may differ: times, which stay whole milliseconds, and what the model said."""
    if isinstance(value, list):
        return [shape(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {name: shape(item) for name, item in value.items()}
    if isinstance(value.get("createTime"), float) and 1e12 < value["createTime"] < 1e13:
        plain["createTime"] = "milliseconds" if value["createTime"] % 1 == 0 else "fractions"
    if value.get("role") == "assistant":
        for part in plain["content"]:
            if isinstance(part["body"], str):
                part["body"] = "said"
    return plain

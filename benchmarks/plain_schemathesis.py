"""What `st run` loads as its hooks: it tells each failure as a line of JSON, and signs.

Nothing here changes what is drawn or checked, and nothing of ours is imported: Hypothesis would
take the constants of our modules for its cases.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import schemathesis
from schemathesis.cli import EventHandler, handler
from schemathesis.engine import events

TO_BE_SIGNED = "to-be-signed"
"""What the configuration gives as the signature; a case that still has it is to be let in."""

Pairs = list[tuple[str, str]]


@handler()
class Teller(EventHandler[Any]):
    def __init__(self, *args: Any, **params: Any) -> None:
        self.told = os.fdopen(int(os.environ["BENCHMARK_TELL"]), "w", buffering=1)
        self.before: set[tuple[str, ...]] = set()

    def handle_event(self, ctx: Any, event: Any) -> None:
        if isinstance(event, events.ScenarioFinished):
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info:
                        failure = check.failure_info.failure
                        self.tell(failure.code, check.name, failure.operation or event.label or "")
        elif isinstance(event, events.NonFatalError):
            self.tell("error", event.label, event.info.title)

    def tell(self, *what: str) -> None:
        if what not in self.before:
            self.before.add(what)
            print(json.dumps({"what": what, "finds": True}), file=self.told)


if "BENCHMARK_PRIVATE_KEY" in os.environ:

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        """Put the application in, and sign last; a case without its credentials stays as it is."""
        for part in (case.query, case.body):
            # An application that is no text, or an empty one, is meant to be wrong.
            if isinstance(part, dict) and isinstance(part.get("AppID"), str) and part["AppID"]:
                part["AppID"] = os.environ["BENCHMARK_APP_ID"]
        if (case.query or {}).get("Signature") == TO_BE_SIGNED:
            case.query["Signature"] = sign(on_the_wire(case), os.environ["BENCHMARK_PRIVATE_KEY"])


def sign(pairs: Pairs, private_key: str) -> str:
    text = "".join(name + value for name, value in sorted(pairs)) + private_key
    return hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()


def on_the_wire(case: Any) -> Pairs:
    """Return the parameters as they will be sent, which is not as they are in the case."""
    wanted = case.as_transport_kwargs(base_url="http://nowhere.invalid")
    parts = ("method", "url", "params", "data", "json", "headers")
    sent = requests.Request(**{k: v for k, v in wanted.items() if k in parts}).prepare()
    body: Any = sent.body or ""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    pairs = parse_qsl(urlsplit(str(sent.url)).query, keep_blank_values=True)
    if str(sent.headers.get("Content-Type")) == "application/x-www-form-urlencoded":
        pairs += parse_qsl(text, keep_blank_values=True)
    else:
        pairs += members(text)
    first: dict[str, str] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    return [(name, value) for name, value in first.items() if name != "Signature"]


def members(text: str) -> Pairs:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found = body.items() if isinstance(body, dict) else ()
    return [(name, as_text(value)) for name, value in found if value is not None]


def as_text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(as_text(item) for item in value if item is not None)
    if isinstance(value, dict):
        return "".join(name + as_text(value[name]) for name in sorted(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)

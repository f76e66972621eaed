"""Faults of robustness: what makes the server fail, and what it lets out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ...faults import fault
from ...model import Call, Refusal
from ...replies import Reply
from ...store import Record, Scope
from . import INTEGER, Emulator, signature
from .conversation import Message
from .fault_families import Broken, crashes
from .parameters import Parameters, Values

READABLE = ("application/json", "application/x-www-form-urlencoded", "")


def _with(found: Callable[[str], bool]) -> Callable[[Call, Parameters], bool]:
    def when(_: Call, parameters: Parameters) -> bool:
        values = parameters.values.values()
        return any(found(character) for value in values for text in value for character in text)

    return when


def _as_json(call: Call) -> object:
    """Return a body that is labelled JSON, its objects as tuples of pairs; {} where it is blank."""
    labelled = call.request.mimetype == "application/json"
    raw = call.request.get_data() if labelled else b""
    return json.loads(raw.strip() or b"{}", object_pairs_hook=tuple, parse_int=str)


def _is_malformed(call: Call, _: Parameters) -> bool:
    try:
        _as_json(call)
    except RecursionError:
        return False
    except ValueError:
        return True
    return False


def _is_nested_too_deep(call: Call, _: Parameters) -> bool:
    """Say whether a body is more than Python's JSON reader can take."""
    try:
        json.loads(call.request.get_data())
    except RecursionError:
        return True
    except ValueError:
        return False
    return False


def _with_json(found: Callable[[object], bool]) -> Callable[[Call, Parameters], bool]:
    def when(call: Call, _: Parameters) -> bool:
        try:
            return found(_as_json(call))
        except (ValueError, RecursionError):
            return False

    return when


def _names_one_twice(body: object) -> bool:
    return isinstance(body, tuple) and len({name for name, _ in body}) < len(body)


CRASHES: list[Broken] = [
    crashes("nul", "A NUL character makes the server fail.", _with("\0".__eq__)),
    crashes("beyond_bmp", "A character beyond the Basic Multilingual Plane makes the server fail.",
            _with("\uffff".__lt__)),
    crashes("lone_surrogate", "Half a surrogate pair makes the server fail.",
            _with(lambda character: "\ud800" <= character <= "\udfff")),
    crashes("quotes", "A quotation mark makes the server fail.", _with("'\"".__contains__)),
    crashes("large", "A body of 1 MiB makes the server fail.",
            lambda call, _: (call.request.content_length or 0) >= 2**20),
    crashes("nested", "JSON nested ten thousand deep makes the server fail.", _is_nested_too_deep),
    crashes("malformed", "A text that is labelled JSON and is none makes the server fail.",
            _is_malformed),
    crashes("no_object", "JSON that is not an object makes the server fail.",
            _with_json(lambda body: not isinstance(body, tuple))),
    crashes("name_twice", "A JSON object with a name twice makes the server fail.",
            _with_json(_names_one_twice)),
    crashes("content_type", "A body that is neither a form nor JSON makes the server fail.",
            lambda call, _: call.request.mimetype not in READABLE),
]  # fmt: skip


def _trace(error: str, line: str) -> str:
    return (
        'Traceback (most recent call last):\n  File "/srv/gateway/chat.py", line 88, in handle\n'
        f"    {line}\n{error}"
    )


@fault("genesis.robustness.trace_leaked", "robustness")
class TraceLeaked(Emulator):
    """The Message for a SessionID that is no integer is the server's stack trace."""

    def find_session(self, scope: Scope, values: Values) -> Record | None:
        try:
            return super().find_session(scope, values)
        except Refusal:
            wanted = values["SessionID"]
            if isinstance(wanted, str) and INTEGER.fullmatch(wanted):
                raise
        error = f"ValueError: invalid literal for int() with base 10: {wanted!r}"
        raise Refusal(_trace(error, "session = sessions[int(text)]"), code=230)


@fault("genesis.robustness.body_trace_leaked", "robustness")
class BodyTraceLeaked(Emulator):
    """The Message for a body that cannot be read is the server's stack trace."""

    def find_odd(self, parameters: Parameters) -> None:
        if parameters.odd[:1] == ["body"]:
            error = "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
            raise Refusal(_trace(error, "fields = json.loads(body)"), code=230)
        super().find_odd(parameters)


@fault("genesis.robustness.key_leaked", "robustness")
class KeyLeaked(Emulator):
    """The Message for a wrong signature holds the caller's private key."""

    def verify(self, call: Call, parameters: Parameters, private_key: str) -> None:
        try:
            super().verify(call, parameters, private_key)
        except Refusal as refusal:
            raise Refusal(f"{refusal.reason} with {private_key}", code=refusal.code) from None


@fault("genesis.robustness.signature_leaked", "robustness")
class SignatureLeaked(Emulator):
    """The Message for a wrong signature says what the right one is."""

    def verify(self, call: Call, parameters: Parameters, private_key: str) -> None:
        try:
            super().verify(call, parameters, private_key)
        except Refusal as refusal:
            right = signature.sign(parameters.values, private_key)
            raise Refusal(f"{refusal.reason}, not {right}", code=refusal.code) from None


@fault("genesis.robustness.key_in_msg", "robustness")
class KeyInMsg(Emulator):
    """The Msg of a success holds the caller's private key."""

    def take_turn(
        self,
        call: Call,
        scope: Scope,
        session: Record | None,
        messages: list[Message],
        reply: Reply,
    ) -> dict[str, Any]:
        fields = super().take_turn(call, scope, session, messages, reply)
        private_key = self.private_keys().get(scope[1], "")
        return {**fields, "Msg": f"{fields['Msg']} {private_key}".rstrip()}

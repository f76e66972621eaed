"""What no request may do to the server, and what the server must not let out."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from ...faults import fault
from ...model import Api, Call, Refusal
from . import Emulator
from .fault_families import member
from .question import Question


def _failing_question(rule: str, sentence: str, fatal: Callable[[str], bool]) -> type[Api]:
    @member("robustness", rule, sentence)
    class Broken(Emulator):
        def check(self, fields: object) -> Question:
            asked = super().check(fields)
            if fatal(asked.q):
                raise Refusal("the question was too much", status=500)
            return asked

    return Broken


def _failing_body(rule: str, sentence: str, fatal: Callable[[bytes], bool]) -> type[Api]:
    @member("robustness", rule, sentence)
    class Broken(Emulator):
        def parse(self, raw: bytes) -> object:
            if fatal(raw):
                raise Refusal("the body was too much", status=500)
            return super().parse(raw)

    return Broken


def _depth(raw: bytes) -> int:
    texts_and_rest = raw.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
    brackets = (byte for byte in b"".join(texts_and_rest[::2]) if byte in b"[]{}")
    return max(accumulate((1 if byte in b"[{" else -1 for byte in brackets), initial=0))


def _has_lone_surrogate(raw: bytes) -> bool:
    try:
        json.dumps(json.loads(raw.decode()), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


FAILING: list[type[Api]] = [
    _failing_question(
        "nul_fails", "A NUL character in the question fails with 500.", lambda q: "\0" in q
    ),
    _failing_question(
        "emoji_fails",
        "A character beyond the first 65,536, such as an emoji, fails with 500.",
        lambda q: any(letter > "\uffff" for letter in q),
    ),
    _failing_body(
        "large_body_fails", "A body of 1 MiB or more fails with 500.", lambda raw: len(raw) >= 2**20
    ),
    _failing_body(
        "deep_nesting_fails",
        "A body that is nested more than 500 deep fails with 500.",
        lambda raw: _depth(raw) > 500,
    ),
    _failing_body(
        "lone_surrogate_fails",
        "A lone surrogate that is written as a JSON escape fails with 500.",
        _has_lone_surrogate,
    ),
    _failing_body(
        "invalid_utf_8_fails",
        "A body that is not UTF-8 fails with 500.",
        lambda raw: not _is_utf_8(raw),
    ),
]


@fault("chatbot.robustness.traceback_in_msg", "robustness")
class TracebackInMsg(Emulator):
    """The msg of a refusal shows a traceback of the server."""

    def refused(self, call: Call, refusal: Refusal) -> dict[str, Any]:
        """Add the traceback to the reason."""
        fields = super().refused(call, refusal)
        trace = "".join(traceback.format_exception(refusal))
        return {**fields, "msg": f"{fields['msg']}\n{trace}"}


@fault("chatbot.robustness.key_in_msg", "robustness")
class KeyInMsg(Emulator):
    """The msg of a refusal repeats the caller's key."""

    def refused(self, call: Call, refusal: Refusal) -> dict[str, Any]:
        """Add the key to the reason, where one was sent."""
        fields, key = super().refused(call, refusal), self.read_key(call)
        return {**fields, "msg": f"{fields['msg']} Your key: {key}"} if key else fields


LEAKING: list[type[Api]] = [TracebackInMsg, KeyInMsg]

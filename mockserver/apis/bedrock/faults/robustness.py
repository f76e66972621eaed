"""Crashes on what a client may send, and what a crash gives away."""

from __future__ import annotations

import re
from collections.abc import Callable

from ....faults import fault
from ....model import Call, Refusal
from ....store import Record, Scope
from .. import Emulator
from ..chat_input import ChatInput, question
from .naming import named

MEBIBYTE = 2**20
PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "/var/task/app/routes/conversation.py", line 41, in get_conversation\n'
    "    raise RecordNotFoundError(conversation_id)"
)


def _crashed() -> Refusal:
    return Refusal("internal error", status=500, detail={"errors": ["internal error"]})


def _crashing(rule: str, sentence: str, kills: Callable[[ChatInput], bool]) -> type[Emulator]:
    """Return a server that crashes on some messages."""

    class Crashing(Emulator):
        def read_input(self, call: Call) -> ChatInput:
            asked = super().read_input(call)
            if kills(asked):
                raise _crashed()
            return asked

    return named(Crashing, f"bedrock.crash.{rule}", "robustness", sentence)


CRASHING = [
    _crashing("nul", "A NUL in a text gives 500.", lambda asked: "\0" in question(asked)),
    _crashing(
        "emoji",
        "A character beyond the basic plane in a text gives 500.",
        lambda asked: any(ord(letter) > 0xFFFF for letter in question(asked)),
    ),
    _crashing(
        "long_text",
        "A text of a mebibyte gives 500.",
        lambda asked: len(question(asked).encode("utf-8")) >= MEBIBYTE,
    ),
]


@fault("bedrock.crash.deep_nesting", "robustness")
class CrashesOnDeepNesting(Emulator):
    """JSON that is nested too deep to be parsed gives 500."""

    def read_input(self, call: Call) -> ChatInput:
        """Fail where parsing does."""
        try:
            return super().read_input(call)
        except Refusal as refusal:
            if isinstance(refusal.__cause__, RecursionError):
                raise _crashed() from refusal
            raise


@fault("bedrock.crash.malformed_json", "robustness")
class CrashesOnMalformedJson(Emulator):
    """A body that is no JSON gives 500."""

    def read_input(self, call: Call) -> ChatInput:
        """Fail where parsing does."""
        try:
            return super().read_input(call)
        except Refusal as refusal:
            if "json_invalid" in str(refusal.detail):
                raise _crashed() from refusal
            raise


@fault("bedrock.crash.odd_id_in_path", "robustness")
class CrashesOnOddIdInPath(Emulator):
    """An id in a path that is not of plain letters and digits gives 500."""

    def find_conversation(self, scope: Scope, conversation_id: str) -> Record:
        """Fail on other characters."""
        if not PLAIN_ID.fullmatch(conversation_id):
            raise _crashed()
        return super().find_conversation(scope, conversation_id)


@fault("bedrock.crash.traceback_is_shown", "robustness")
class TracebackIsShown(Emulator):
    """The refusal of an unknown conversation shows where in the program it arose."""

    def no_conversation(self, conversation_id: str) -> Refusal:
        """Add the traceback to the errors."""
        refusal = super().no_conversation(conversation_id)
        refusal.detail = {"errors": [refusal.reason, TRACEBACK]}
        return refusal

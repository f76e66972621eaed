"""What can be made to go wrong with the chat sessions; here: which requests are taken for what."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from typing import Any

from ...faults import fault
from ...model import Answer, Api, Call, Refusal
from ...store import Record, Scope
from . import UNNAMED, Emulator, credentials
from . import access_faults as access_faults
from . import aftermath_faults as aftermath_faults
from . import shape_faults as shape_faults
from . import state_faults as state_faults
from .bodies import ChatSessionUpdate, refused

UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
DEEP = re.compile(rb"""(?:\[|\{"[^"]*":\s*){1000}""")
LARGE = 1_000_000
"""Bytes from which a body is large; one of 1 MiB is."""


# Chats that do not exist.


@fault("mtmai.get.unknown_chat_200", "status")
class GetInventsSessions(Emulator):
    """Reading an unknown chat answers 200 and a session that nobody created."""

    def chat_get(self, scope: Scope, chat: str) -> Answer:
        """Make one up."""
        session = self.world.store.read(scope, chat) or _invented(self, chat, UNNAMED)
        return self.write(self.show_session(session))


@fault("mtmai.update.unknown_chat_200", "status")
class UpdateInventsSessions(Emulator):
    """Updating an unknown chat answers 200 and a session that nobody created."""

    def chat_update_chat_session(self, scope: Scope, chat: str, call: Call) -> Answer:
        """Make one up."""
        if self.world.store.read(scope, chat):
            return super().chat_update_chat_session(scope, chat, call)
        name = self.read_update(call).name
        return self.write(self.show_session(_invented(self, chat, name or UNNAMED)))


@fault("mtmai.messages.unknown_chat_200", "status")
class UnknownChatHasNoMessages(Emulator):
    """Reading the messages of an unknown chat answers 200 and an empty list."""

    def chat_messages(self, scope: Scope, chat: str) -> Answer:
        """Find nothing in it."""
        session = self.world.store.read(scope, chat) or _invented(self, chat, UNNAMED)
        return self.write(self.show_messages(session))


def _invented(emulator: Emulator, chat: str, name: str) -> Record:
    now = emulator.now()
    moments = {"created": now, "updated": now}
    return {"id": chat, "name": name, "version": "1", **moments, "messages": []}


# Bodies that are none.


@fault("mtmai.body.malformed_500", "robustness")
class MalformedBodyFails(Emulator):
    """A body that is not JSON answers 500."""

    def read_body(self, call: Call) -> object:
        """Fail where a body is refused."""
        try:
            return super().read_body(call)
        except Refusal as refusal:
            raise Refusal("internal error", status=500) from refusal


@fault("mtmai.body.malformed_accepted", "status")
class MalformedBodyAccepted(Emulator):
    """A body that is not JSON is taken for {}."""

    def read_body(self, call: Call) -> object:
        """Return {} where a body is refused."""
        try:
            return super().read_body(call)
        except Refusal:
            return {}


@fault("mtmai.body.array_accepted", "status")
class ArrayAccepted(Emulator):
    """A body that is an array is taken for {}."""

    def check_update(self, body: object) -> ChatSessionUpdate:
        """Return {} for any array."""
        return super().check_update({} if isinstance(body, list) else body)


@fault("mtmai.body.number_name_accepted", "status")
class NumberAccepted(Emulator):
    """A name that is a number is taken for its digits."""

    def check_update(self, body: object) -> ChatSessionUpdate:
        """Write the number as a text."""
        if isinstance(body, dict) and type(body.get("name")) in (int, float):
            body = {**body, "name": str(body["name"])}
        return super().check_update(body)


@fault("mtmai.create.empty_body_refused", "status")
class EmptyBodyRefused(Emulator):
    """Creating a session without a name is refused, though nothing is required."""

    def create_session(self, scope: Scope, update: ChatSessionUpdate) -> Record:
        """Ask for a name."""
        if update.name is None:
            raise refused("name", "a name is needed")
        return super().create_session(scope, update)


# What servers trip over.


def _fails_on(rule: str, sentence: str, trips: Callable[[str], bool]) -> type[Api]:
    class FailsOnName(Emulator):
        def check_update(self, body: object) -> ChatSessionUpdate:
            update = super().check_update(body)
            if update.name is not None and trips(update.name):
                raise Refusal("internal error", status=500)
            return update

    return fault(f"mtmai.robustness.{rule}", "robustness", sentence)(FailsOnName)


NAMES: list[type[Api]] = [
    _fails_on("nul_500", "A NUL character in a name answers 500.", lambda name: "\0" in name),
    _fails_on(
        "beyond_bmp_500",
        "A character beyond the Basic Multilingual Plane in a name answers 500.",
        lambda name: any(ord(letter) > 0xFFFF for letter in name),
    ),
    _fails_on("empty_name_500", "An empty name answers 500.", lambda name: name == ""),
]


def _fails_over(rule: str, sentence: str, trips: Callable[[bytes], object]) -> type[Api]:
    class FailsOverBody(Emulator):
        def read_body(self, call: Call) -> object:
            if trips(call.request.get_data()):
                raise Refusal("internal error", status=500)
            return super().read_body(call)

    return fault(f"mtmai.robustness.{rule}", "robustness", sentence)(FailsOverBody)


BODIES: list[type[Api]] = [
    _fails_over("large_500", "A body of 1 MiB answers 500.", lambda raw: len(raw) > LARGE),
    _fails_over("deep_500", "JSON nested a thousand deep answers 500.", DEEP.search),
    _fails_over(
        "lone_surrogate_500",
        "Half a surrogate pair, as JSON can escape it, answers 500.",
        re.compile(rb"\\u[dD][89a-fA-F]").search,
    ),
]


@fault("mtmai.robustness.odd_chat_500", "robustness")
class OddChatFails(Emulator):
    """A chat that is no UUID answers 500."""

    def find_session(self, scope: Scope, chat: str) -> Record:
        """Read the UUID first."""
        if not UUID.fullmatch(chat):
            raise Refusal("internal error", status=500)
        return super().find_session(scope, chat)


@fault("mtmai.robustness.traceback_in_400", "robustness")
class TracebackIn400(Emulator):
    """The description of a 400 shows the server's stack trace."""

    def show_refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Tell all."""
        shown = super().show_refusal(refusal)
        if refusal.status != 400:
            return shown
        trace = "".join(traceback.format_exception(refusal))
        return {"errors": [{**error, "description": trace} for error in shown["errors"]]}


@fault("mtmai.robustness.credentials_in_400", "robustness")
class CredentialsIn400(Emulator):
    """The description of a 400 repeats the bearer token that came with the request."""

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Say who asked."""
        brought = credentials.read(call.request.headers).bearer
        if refusal.status == 400 and brought:
            told = f"{refusal.reason} (asked with {brought.decode('utf-8', 'replace')})"
            refusal = Refusal(told, status=400, headers=refusal.headers)
        return super().refuse(call, refusal)

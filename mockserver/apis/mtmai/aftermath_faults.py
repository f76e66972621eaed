"""Faults of refusals that are none: what is turned down is done all the same."""

from __future__ import annotations

from contextlib import suppress

from ...faults import fault
from ...model import Answer, Api, Call, Refusal
from ...store import Record, Scope
from . import UNNAMED, Emulator
from .bodies import ChatSessionUpdate


def _refused_and_done(verb: str, operation: str, sentence: str) -> type[Api]:
    class RefusedAndDone(Emulator):
        def authenticate(self, call: Call, tenant: str) -> None:
            try:
                super().authenticate(call, tenant)
            except Refusal:
                if call.operation == operation and self.owners(tenant):
                    with suppress(Refusal):
                        self.carry_out(self.find_scope(tenant), call)
                raise

        def carry_out(self, scope: Scope, call: Call) -> None:
            if "chat" in call.path:
                self.chat_update_chat_session(scope, call.path["chat"], call)
            else:
                self.chat_create_chat_session(scope, call)

    return fault(f"mtmai.auth.refused_{verb}_done", "state", sentence)(RefusedAndDone)


UNAUTHENTICATED: list[type[Api]] = [
    _refused_and_done(
        "create",
        "chat_create_chat_session",
        "A creation that is refused for want of credentials is done all the same.",
    ),
    _refused_and_done(
        "update",
        "chat_update_chat_session",
        "An update that is refused for want of credentials is done all the same.",
    ),
]


@fault("mtmai.body.refused_create_done", "state")
class MalformedCreateDone(Emulator):
    """A creation whose body is refused leaves a session behind."""

    def chat_create_chat_session(self, scope: Scope, call: Call) -> Answer:
        """Create first, and read the body then."""
        try:
            return super().chat_create_chat_session(scope, call)
        except Refusal:
            self.create_session(scope, ChatSessionUpdate())
            raise


@fault("mtmai.body.refused_update_done", "state")
class MalformedUpdateDone(Emulator):
    """An update whose body is refused takes away the name that the session has."""

    def chat_update_chat_session(self, scope: Scope, chat: str, call: Call) -> Answer:
        """Update first, and read the body then."""
        try:
            return super().chat_update_chat_session(scope, chat, call)
        except Refusal as refusal:
            if refusal.status == 400:
                self.update_session(scope, chat, ChatSessionUpdate(name=UNNAMED))
            raise


@fault("mtmai.update.unknown_chat_created", "state")
class UnknownChatCreated(Emulator):
    """An update of an unknown chat is refused, and creates it."""

    def chat_update_chat_session(self, scope: Scope, chat: str, call: Call) -> Answer:
        """Keep what is not there."""
        try:
            return super().chat_update_chat_session(scope, chat, call)
        except Refusal as refusal:
            if refusal.status == 404:
                self.world.store.change(scope, chat, lambda _: self.planted(chat))
            raise

    def planted(self, chat: str) -> Record:
        """Return a session of that id."""
        now = self.now()
        return {
            "id": chat,
            "name": UNNAMED,
            "version": "1",
            "created": now,
            "updated": now,
            "messages": [],
        }

"""Honest gateways that differ: in what neither the document nor the platform says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...manners import everyday, speaking, spoken
from ...model import Answer, Call, Refusal
from ...store import Record, Scope
from ...variants import variant
from . import INTEGER, MOST_INTEGER, Emulator, Turn, conversation
from .conversation import Message, not_available
from .parameters import Values
from .signature import digest

REQUEST_ID = "X-UCLOUD-REQUEST-UUID"

EVERYDAY = [*everyday(Emulator), *spoken(Emulator)]

SILENT = speaking(Emulator, "silent", "Has nothing to say.", lambda text, before: "")


# What a refusal says.

_CHINESE = {
    160: "缺少操作",
    161: "操作不存在",
    170: "缺少签名",
    171: "签名错误",
    172: "用户不存在",
    220: "缺少参数",
    230: "参数不可用",
}


@variant("genesis.refusals_in_chinese")
class RefusalsInChinese(Emulator):
    """Says in Chinese what is wrong with a request."""

    def error_fields(self, call: Call, refusal: Refusal) -> dict[str, Any]:
        """Name in brackets what the refusal is about, as the default does."""
        names = "".join(re.findall(r"\[.*\]", refusal.reason, re.DOTALL))
        said = _CHINESE.get(refusal.code, "网关错误")
        return {**super().error_fields(call, refusal), "Message": f"{said} {names}".strip()}


@variant("genesis.refusals_at_length")
class RefusalsAtLength(Emulator):
    """Says in several lines what is wrong with a request, and whom to ask."""

    def error_fields(self, call: Call, refusal: Refusal) -> dict[str, Any]:
        """Say more than is needed."""
        said = (
            f"Request refused.\n\n  {refusal.reason}\n\nSee <https://example.com/help?a=1&b=2>.\t"
        )
        return {**super().error_fields(call, refusal), "Message": said}


@variant("genesis.bare_refusals")
class BareRefusals(Emulator):
    """Refuses without Action, as public gateways of the platform do."""

    def error_fields(self, call: Call, refusal: Refusal) -> dict[str, Any]:
        """Leave the action out (fact sheet, RetCodes)."""
        fields = super().error_fields(call, refusal)
        return {name: value for name, value in fields.items() if name != "Action"}


@variant("genesis.empty_fields_on_refusal")
class EmptyFieldsOnRefusal(Emulator):
    """Writes every field into a refusal, 0 or empty where there is nothing to say."""

    def error_fields(self, call: Call, refusal: Refusal) -> dict[str, Any]:
        """Fill up with what a field is that nobody set."""
        empty = {"Msg": "", "ID": 0, "SessionID": 0, "Response": "", "Time": 0}
        return {**empty, **super().error_fields(call, refusal)}


# What a success says.


class Rewritten(Emulator):
    """Changes the fields of a success before they are written."""

    def write(self, fields: dict[str, Any]) -> Answer:
        """Write what the fields have become."""
        return super().write({**fields, **self.other(fields)})

    def other(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that differ."""
        return {}


@variant("genesis.empty_message")
class EmptyMessage(Rewritten):
    """Writes an empty Message into every success."""

    def other(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add the message of no error."""
        return {"Message": ""}


@variant("genesis.status_in_chinese")
class StatusInChinese(Rewritten):
    """Describes success in Chinese."""

    def other(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Say it in other words."""
        return {"Msg": "成功 ✓"}


@variant("genesis.empty_status")
class EmptyStatus(Rewritten):
    """Has no words for success: Msg is empty."""

    def other(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Say nothing."""
        return {"Msg": ""}


@variant("genesis.clock_ahead")
class ClockAhead(Rewritten):
    """Has a clock that is two hours ahead."""

    def other(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Tell the server's own time."""
        return {"Time": fields["Time"] + 7200}


@variant("genesis.clock_behind")
class ClockBehind(Rewritten):
    """Has a clock that begins in 1970 whenever the server is started."""

    def other(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Tell the server's own time."""
        return {"Time": fields["Time"] % 1000}


# Ids.


@variant("genesis.counted_ids")
class CountedIds(Emulator):
    """Counts sessions and messages, each from 1 on."""

    def claim_id(self, kind: str, turn: Turn) -> int:
        """Return the next number."""
        return 1 + self.world.store.count((self.name, "numbers"), kind)


@variant("genesis.counted_from_0")
class CountedFrom0(Emulator):
    """Counts sessions and messages together, from 0 on."""

    def claim_id(self, kind: str, turn: Turn) -> int:
        """Return the next number."""
        return self.world.store.count((self.name, "numbers"), "")


@variant("genesis.counted_down")
class CountedDown(Emulator):
    """Counts from the largest number down that the platform's clients can read."""

    def claim_id(self, kind: str, turn: Turn) -> int:
        """Return the next number."""
        return MOST_INTEGER - self.world.store.count((self.name, "numbers"), kind)


@variant("genesis.sessions_named_by_messages")
class SessionsNamedByMessages(Emulator):
    """Gives a session the ID of its first message, as in the document's example."""

    def session_id(self, scope: Scope, session: Record | None, turn: Turn) -> int:
        """Take the number that the message is going to have."""
        if session:
            return super().session_id(scope, session, turn)
        number = self.claim_id("message", turn)
        place = (self.name, "first messages")
        self.world.store.change(place, digest(repr(turn)), lambda _: {"number": number})
        return number

    def message_id(self, scope: Scope, turn: Turn) -> int:
        """Return the number that the session was given, if the message began one."""
        first = self.world.store.read((self.name, "first messages"), digest(repr(turn)))
        return int(first["number"]) if first else super().message_id(scope, turn)


@variant("genesis.opaque_request_ids")
class OpaqueRequestIds(Emulator):
    """Has request ids that are no UUIDs, but short texts."""

    def dress(self, call: Call, answer: Answer) -> Answer:
        """Write the id in another way."""
        dressed = super().dress(call, answer)
        lines = [
            (name, f"req.{value.replace('-', '')[:20]}/1" if name == REQUEST_ID else value)
            for name, value in dressed.headers
        ]
        return replace(dressed, headers=tuple(lines))


# What is taken, and what is turned down.


@variant("genesis.throttled")
class Throttled(Emulator):
    """Turns down one call of sixteen, whatever it is but the first: that was one too many."""

    def answer(self, call: Call) -> Answer:
        """Draw a lot for each call."""
        place = self.world.store.count((self.name, "lots"), "throttled")
        if place and self.world.number("throttled", place) % 16 == 0:
            raise Refusal("Too many requests", code=153)
        return super().answer(call)


@variant("genesis.any_application")
class AnyApplication(Emulator):
    """Knows callers but no applications: any AppID is good, with sessions of its own."""

    def find_scope(self, values: Values) -> Scope:
        """Return the sessions of the key and of whatever it calls its application."""
        app_id, public_key = values.get("AppID", ""), values.get("PublicKey", "")
        if not isinstance(app_id, str):
            raise not_available("AppID")
        return (self.name, str(public_key), app_id)


@variant("genesis.sessions_of_the_key")
class SessionsOfTheKey(Emulator):
    """Lets a caller continue a session from any of its applications."""

    def find_scope(self, values: Values) -> Scope:
        """Return the sessions of the key."""
        return super().find_scope(values)[:2]


@variant("genesis.adopted_sessions")
class AdoptedSessions(Emulator):
    """Takes a SessionID that the caller never got for the name of a new session."""

    def find_session(self, scope: Scope, values: Values) -> Record | None:
        """Begin a session under the number, which nobody else is then given."""
        wanted = values.get("SessionID", "")
        number = int(wanted) if isinstance(wanted, str) and INTEGER.fullmatch(wanted) else 0
        if not 0 < number <= MOST_INTEGER or self.world.store.read(scope, str(number)):
            return super().find_session(scope, values)
        self.world.store.count((self.name, "session ids"), str(number))
        return {"id": number}


@variant("genesis.lists_from_0_alone")
class ListsFrom0Alone(Emulator):
    """Takes lists only as the platform's client sends them: with indexes, from 0 on."""

    def read_list(self, name: str, values: Values) -> dict[int, str]:
        """Refuse a bare name, and a list that begins at 1."""
        if isinstance(values.get(name), str):
            raise not_available(name)
        found = super().read_list(name, values)
        if 0 not in found:
            raise not_available(f"{name}.{min(found, default=0)}")
        return found


@variant("genesis.blank_contents_refused")
class BlankContentsRefused(Emulator):
    """Refuses a message that says nothing but blanks."""

    def read_messages(self, values: Values) -> list[Message]:
        """Look into what was said."""
        found = conversation.read_list("Content", values)
        for place, content in found.items():
            if not content.strip():
                raise not_available(f"Content.{place}")
        return super().read_messages(values)

"""What can be made to go wrong with RunMVChat."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...faults import fault
from ...model import Answer, Call, Refusal
from ...store import Record, Scope
from . import INTEGER, MOST_INTEGER, Emulator, Turn, conversation
from . import robustness_faults as robustness_faults
from . import route_faults as route_faults
from . import signature_faults as signature_faults
from .conversation import Message, not_available
from .fault_families import (
    Broken,
    accepts_without,
    changes_refusal,
    changes_success,
    fails_at_times,
    finds_elsewhere,
    lacks_field,
    mistakes_retcode,
    sets_field,
)
from .parameters import Parameters, Value, Values

# Shape: the fields of a success and of a refusal, and their types.

SHAPES: list[Broken] = [
    lacks_field("retcode", "RetCode"),
    lacks_field("action", "Action"),
    lacks_field("msg", "Msg"),
    lacks_field("id", "ID"),
    lacks_field("session_id", "SessionID"),
    lacks_field("response", "Response"),
    lacks_field("time", "Time"),
    sets_field("retcode_text", 'RetCode is "0" on success.', "RetCode", str),
    sets_field("retcode_boolean", "RetCode is false on success, which Python takes for 0.",
               "RetCode", bool),
    sets_field("retcode_float", "RetCode is 0.0 on success.", "RetCode", float),
    sets_field("id_text", "ID is a text.", "ID", str),
    sets_field("id_large", "ID has more than 32 bits.", "ID", lambda number: number + 2**32),
    sets_field("session_id_text", "SessionID is a text.", "SessionID", str),
    sets_field("time_float", "Time is a float.", "Time", lambda now: now + 0.5),
    sets_field("time_text", "Time is a text.", "Time", str),
    sets_field("time_milliseconds", "Time is in milliseconds.", "Time", lambda now: now * 1000),
    sets_field("response_list", "Response is a list of texts.", "Response", lambda text: [text]),
    sets_field("msg_number", "Msg is a number.", "Msg", lambda _: 0),
    changes_success("genesis.shape.message_on_success", "shape", "A success has a Message.",
                    lambda fields: {**fields, "Message": fields["Msg"]}),
    changes_refusal("genesis.shape.retcode_missing_on_refusal", "shape",
                    "A refusal has no RetCode.",
                    lambda fields, _: {n: v for n, v in fields.items() if n != "RetCode"}),
    changes_refusal("genesis.shape.retcode_text_on_refusal", "shape",
                    "RetCode is a text on refusal.",
                    lambda fields, _: {n: str(v) if n == "RetCode" else v
                                       for n, v in fields.items()}),
    changes_refusal("genesis.shape.message_missing", "shape", "A refusal has no Message.",
                    lambda fields, _: {n: v for n, v in fields.items() if n != "Message"}),
    changes_refusal("genesis.shape.message_empty", "shape", "The Message of a refusal is empty.",
                    lambda fields, _: {**fields, "Message": ""}),
    changes_refusal("genesis.shape.success_in_refusal", "shape",
                    "A refusal has ID, SessionID and Response too.",
                    lambda fields, server: {**fields, "ID": 1, "SessionID": 1, "Response":
                                            server.world.replies.choose("").answer}),
]  # fmt: skip


@fault("genesis.shape.content_type", "shape")
class ContentTypeHtml(Emulator):
    """Answers are labelled text/html."""

    def dress(self, call: Call, answer: Answer) -> Answer:
        others = [header for header in answer.headers if header[0] != "Content-Type"]
        return super().dress(
            call, replace(answer, headers=(("Content-Type", "text/html"), *others))
        )


@fault("genesis.shape.request_id_missing", "shape")
class RequestIdMissing(Emulator):
    """No response has a request id."""

    def dress(self, call: Call, answer: Answer) -> Answer:
        return answer


@fault("genesis.shape.request_id_empty", "shape")
class RequestIdEmpty(Emulator):
    """The request id of every response is empty."""

    def dress(self, call: Call, answer: Answer) -> Answer:
        return answer.with_headers(("X-UCLOUD-REQUEST-UUID", ""))


# Status: HTTP statuses and RetCodes.

STATUSES: list[Broken] = [
    mistakes_retcode("A missing action", 160, 161),
    mistakes_retcode("An unknown action", 161, 230),
    mistakes_retcode("A missing signature", 170, 171),
    mistakes_retcode("A wrong signature", 171, 172),
    mistakes_retcode("An unknown key", 172, 171),
    mistakes_retcode("A missing parameter", 220, 230),
    mistakes_retcode("A missing parameter", 220, 0),
    mistakes_retcode("A wrong parameter", 230, 220),
    fails_at_times(110, "times_out", "Request timeout"),
    fails_at_times(130, "gateway_fails", "Gateway error"),
    fails_at_times(150, "unavailable", "Service unavailable"),
]  # fmt: skip


@fault("genesis.status.refusals_400", "status")
class Refusals400(Emulator):
    """A refusal has HTTP status 400."""

    def error_status(self, refusal: Refusal) -> int:
        return 400 if refusal.code else super().error_status(refusal)


@fault("genesis.status.signature_refusals_401", "status")
class SignatureRefusals401(Emulator):
    """A refusal for the signature or the key has HTTP status 401."""

    def error_status(self, refusal: Refusal) -> int:
        return 401 if refusal.code in (170, 171, 172) else super().error_status(refusal)


@fault("genesis.status.parameters_checked_first", "status")
class ParametersCheckedFirst(Emulator):
    """A missing parameter is reported to callers who did not sign."""

    def authenticate(self, call: Call, parameters: Parameters) -> None:
        self.find_missing(parameters.values)
        super().authenticate(call, parameters)


# Identity: what should be unique, and what should come back as it was sent.


@fault("genesis.identity.id_repeated", "identity")
class IdRepeated(Emulator):
    """Every second message has the ID of the one before it."""

    def message_id(self, scope: Scope, turn: Turn) -> int:
        pair = self.world.store.count((self.name, "messages"), "all") // 2
        return 1 + self.world.number("message", pair) % MOST_INTEGER


@fault("genesis.identity.id_always_1", "identity")
class IdAlways1(Emulator):
    """Every message has the ID 1."""

    def message_id(self, scope: Scope, turn: Turn) -> int:
        return 1


@fault("genesis.identity.session_reused", "identity")
class SessionReused(Emulator):
    """A new session gets the SessionID of the one before it."""

    def session_id(self, scope: Scope, session: Record | None, turn: Turn) -> int:
        number = 1 + self.world.number("session", *scope) % MOST_INTEGER
        return super().session_id(scope, session or {"id": number}, turn)


@fault("genesis.identity.session_misquoted", "identity")
class SessionMisquoted(Emulator):
    """A session that goes on is answered with the SessionID after its own."""

    def take_turn(
        self, call: Call, scope: Scope, session: Record | None, messages: list[Message], reply: Any
    ) -> dict[str, Any]:
        fields = super().take_turn(call, scope, session, messages, reply)
        return (
            {**fields, "SessionID": fields["SessionID"] % MOST_INTEGER + 1} if session else fields
        )


@fault("genesis.identity.session_always_new", "identity")
class SessionAlwaysNew(Emulator):
    """Every message gets a session of its own."""

    def session_id(self, scope: Scope, session: Record | None, turn: Turn) -> int:
        return super().session_id(scope, None, turn)


@fault("genesis.identity.request_id_repeated", "identity")
class RequestIdRepeated(Emulator):
    """Every response has the same request id."""

    def dress(self, call: Call, answer: Answer) -> Answer:
        return answer.with_headers(
            ("X-UCLOUD-REQUEST-UUID", "00000000-0000-4000-8000-000000000000")
        )


# State: whose sessions there are, and what makes them.

STATES: list[Broken] = [
    finds_elsewhere("other_app_continued", "A session of the caller's other application goes on.",
                    lambda here, there: here[1] == there[1]),
    finds_elsewhere("other_caller_continued", "A session of another caller goes on.",
                    lambda here, there: here[1] != there[1]),
]  # fmt: skip


def _wanted(values: Values) -> int | None:
    wanted = values.get("SessionID", "")
    return int(wanted) if isinstance(wanted, str) and INTEGER.fullmatch(wanted) else None


@fault("genesis.state.unknown_session_accepted", "state")
class UnknownSessionAccepted(Emulator):
    """A SessionID that nobody got is accepted."""

    def find_session(self, scope: Scope, values: Values) -> Record | None:
        wanted = _wanted(values)
        if wanted is None:
            return super().find_session(scope, values)
        return self.world.store.read(scope, str(wanted)) or {"id": wanted}


@fault("genesis.state.malformed_session_accepted", "state")
class MalformedSessionAccepted(Emulator):
    """A SessionID that is not an integer starts a new session."""

    def find_session(self, scope: Scope, values: Values) -> Record | None:
        return super().find_session(scope, values) if _wanted(values) is not None else None


@fault("genesis.state.blank_session_refused", "state")
class BlankSessionRefused(Emulator):
    """A SessionID that is left blank is refused."""

    def find_session(self, scope: Scope, values: Values) -> Record | None:
        if values.get("SessionID") == "":
            raise not_available("SessionID")
        return super().find_session(scope, values)


@fault("genesis.state.wrong_signature_makes_session", "state")
class WrongSignatureMakesSession(Emulator):
    """A call with a wrong signature makes the session that it asks for."""

    def verify(self, call: Call, parameters: Parameters, private_key: str) -> None:
        try:
            super().verify(call, parameters, private_key)
        except Refusal:
            values = parameters.values
            if (wanted := _wanted(values)) is not None:
                self.keep(
                    (self.name, str(values["PublicKey"]), str(values.get("AppID"))), wanted, []
                )
            raise


@fault("genesis.state.refused_session_made", "state")
class RefusedSessionMade(Emulator):
    """An unknown SessionID is refused once, and known from then on."""

    def find_session(self, scope: Scope, values: Values) -> Record | None:
        try:
            return super().find_session(scope, values)
        except Refusal:
            if (wanted := _wanted(values)) is not None:
                self.keep(scope, wanted, [])
            raise


# Lists: Role.N and Content.N, and what is required.

LISTS: list[Broken] = [
    accepts_without("role", "Role"),
    accepts_without("content", "Content"),
    accepts_without("app_id", "AppID"),
    changes_refusal("genesis.lists.absence_not_named", "lists",
                    "A refusal for a missing parameter does not name it.",
                    lambda fields, _: {**fields, "Message": fields["Message"].partition(" [")[0]}
                    if fields.get("RetCode") == 220 else fields),
]  # fmt: skip


@fault("genesis.lists.unknown_role_accepted", "lists")
class UnknownRoleAccepted(Emulator):
    """A role that is neither user nor assistant is accepted."""

    def check_role(self, place: int, role: str) -> None:
        return


@fault("genesis.lists.assistant_refused", "lists")
class AssistantRefused(Emulator):
    """The role assistant is refused."""

    def check_role(self, place: int, role: str) -> None:
        super().check_role(place, "nobody" if role == "assistant" else role)


@fault("genesis.lists.holes_accepted", "lists")
class HolesAccepted(Emulator):
    """Lists with holes in their indexes are accepted."""

    def read_list(self, name: str, values: Values) -> dict[int, str]:
        return conversation.read_list(name, values)


@fault("genesis.lists.unequal_accepted", "lists")
class UnequalAccepted(Emulator):
    """What is left over of the longer of two lists is dropped."""

    def pair(self, roles: Any, contents: Any) -> list[Message]:
        both = [place for place in roles if place in contents]
        return [(roles[place], contents[place]) for place in both] or super().pair(roles, contents)


@fault("genesis.lists.from_1_refused", "lists")
class From1Refused(Emulator):
    """Lists that begin at 1 are refused."""

    def read_list(self, name: str, values: Values) -> dict[int, str]:
        found = super().read_list(name, values)
        if 0 not in found:
            raise not_available(f"{name}.1")
        return found


@fault("genesis.lists.arrays_refused", "lists")
class ArraysRefused(Emulator):
    """Lists that are JSON arrays are refused."""

    def read_list(self, name: str, values: Values) -> dict[int, str]:
        if isinstance(values.get(name), list):
            raise not_available(name)
        return super().read_list(name, values)


# Action: what is asked for, and its echo.

ACTIONS: list[Broken] = [
    changes_success("genesis.action.echo_bare", "action", "Action has no Response after its name.",
                    lambda fields: {**fields, "Action": "RunMVChat"}),
    changes_refusal("genesis.action.missing_on_refusal", "action", "A refusal has no Action.",
                    lambda fields, _: {n: v for n, v in fields.items() if n != "Action"}),
    changes_refusal("genesis.action.wrong_on_refusal", "action",
                    "The Action of a refusal is ErrorResponse.",
                    lambda fields, _: {**fields, "Action": "ErrorResponse"}),
    changes_refusal("genesis.action.null_on_refusal", "action", "The Action of a refusal is null.",
                    lambda fields, _: {**fields, "Action": None}),
]  # fmt: skip


@fault("genesis.action.unknown_accepted", "action")
class UnknownActionAccepted(Emulator):
    """An unknown action is taken for RunMVChat."""

    def is_known_action(self, action: Value) -> bool:
        return True


@fault("genesis.action.case_ignored", "action")
class ActionCaseIgnored(Emulator):
    """The letters of Action may be small or capital."""

    def is_known_action(self, action: Value) -> bool:
        return str(action).lower() == "runmvchat"

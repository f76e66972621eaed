"""Honest services that differ: in what neither the document nor the guide says."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from ...manners import everyday, spoken
from ...model import Answer, Api, Call, Refusal
from ...store import Record, Scope
from ...variants import variant
from . import Emulator
from .chat_input import ChatInput, invalid, read_value, validate
from .conversation import ROOT, Turn

Body = dict[str, Any]

# What is quoted in an error is the caller's, and keys of the map are ids.
EVERYDAY = [
    *everyday(Emulator, maps={"messageMap"}),
    *spoken(Emulator),
]


# Ids.


def _naming(what: str, sentence: str, write: Callable[[str, int], str]) -> type[Api]:
    @variant(f"bedrock.{what}", sentence)
    class Naming(Emulator):
        def make_id(self, kind: str, milliseconds: int, *parts: object) -> str:
            """Write the same number in another way."""
            return write(kind, self.world.number(kind, milliseconds, *parts))

    return Naming


NAMING = [
    _naming(
        "uuids",
        "Has UUIDs for ids.",
        lambda kind, number: str(uuid.UUID(int=number, version=4)),
    ),
    _naming("numbers", "Has numbers for ids, written as texts.", lambda kind, number: str(number)),
    _naming(
        "short_ids",
        "Has ids of ten small letters.",
        lambda kind, number: "".join(chr(97 + number // 26**place % 26) for place in range(10)),
    ),
    _naming(
        "odd_ids",
        "Has ids that have to be escaped in a path.",
        lambda kind, number: f"urn:{kind}:é {number:x}?#==%2B&;",
    ),
    _naming(
        "long_ids",
        "Has ids of 200 characters.",
        lambda kind, number: f"{kind}-{number:x}".ljust(200, "."),
    ),
]


# What is shown of a conversation.


def _showing(what: str, sentence: str, other: Callable[[Body], Body]) -> type[Api]:
    """Return a variant that shows some fields of a conversation otherwise."""

    @variant(f"bedrock.{what}", sentence)
    class Showing(Emulator):
        def conversation_body(self, conversation: Record) -> Body:
            """Show some fields otherwise."""
            body = super().conversation_body(conversation)
            return {**body, **other(body)}

    return Showing


def _first_question(body: Body) -> str:
    first = body["messageMap"][body["messageMap"][ROOT]["children"][0]]
    return " ".join(part["body"] for part in first["content"] if part["contentType"] == "text")


SHOWING = [
    _showing(
        "titled",
        "Calls a conversation after its first question.",
        lambda body: {"title": _first_question(body)[:30]},
    ),
    _showing("untitled", "Gives a conversation no title.", lambda body: {"title": ""}),
    _showing("no_bot", "Names no bot, for none is published.", lambda body: {"botId": None}),
]


def _timing(what: str, sentence: str, write: Callable[[float], float]) -> type[Api]:
    @variant(f"bedrock.{what}", sentence)
    class Timing(Emulator):
        def create_time(self, conversation: Record) -> float:
            """Write the time otherwise."""
            return write(super().create_time(conversation))

    return Timing


TIMING = [
    _timing("whole_milliseconds", "Writes times as integers.", round),
    _timing("finer_times", "Writes times to a microsecond.", lambda time: time + 0.125),
    _timing("clock_ahead", "Has a clock that is a day ahead.", lambda time: time + 86_400_000),
    _timing("clock_behind", "Has a clock that is a year behind.", lambda time: time - 31_536e6),
]


def _writing(what: str, sentence: str, other: Callable[[Body], Body]) -> type[Api]:
    """Return a variant that shows some fields of every message otherwise."""

    @variant(f"bedrock.{what}", sentence)
    class Writing(Emulator):
        def message_map(self, conversation: Record) -> dict[str, Body]:
            """Show some fields otherwise."""
            found = super().message_map(conversation)
            return {id: {**message, **other(message)} for id, message in found.items()}

    return Writing


def _without_nulls(message: Body) -> Body:
    kept = [{k: v for k, v in part.items() if v is not None} for part in message["content"]]
    return {"content": kept}


_THOUGHT = {
    "role": "assistant",
    "content": [
        {"contentType": "text", "body": "I should look this up."},
        {"contentType": "toolUse", "body": {"name": "search", "input": {}}},
        {"contentType": "toolResult", "body": "nothing"},
    ],
}
_USED = [{"content": "…", "contentType": "url", "source": "https://example.com/", "rank": 0}]


def _in_full(message: Body) -> Body:
    if message["role"] != "assistant":
        return {"usedChunks": [], "thinkingLog": []}
    feedback = {"thumbsUp": True, "category": "", "comment": "👍"}
    return {"feedback": feedback, "usedChunks": _USED, "thinkingLog": [_THOUGHT]}


WRITING = [
    _writing(
        "content_without_nulls",
        "Leaves mediaType and fileName out of a part that has none.",
        _without_nulls,
    ),
    _writing("in_full", "Fills feedback, usedChunks and thinkingLog wherever it can.", _in_full),
    _writing(
        "role_bot",
        "Gives replies the role bot, as the document has it.",
        lambda message: {"role": "bot"} if message["role"] == "assistant" else {},
    ),
]


@variant("bedrock.question_first")
class QuestionFirst(Emulator):
    """Shows a question in the history before its reply is there."""

    def visible_turns(self, record: Record) -> list[Turn]:
        """Show every turn; of the last ones no more than the question."""
        return list(record["turns"])

    def find_turn(self, conversation: Record, message_id: str) -> Turn:
        """Refuse a message that waits as one that does not exist."""
        turn = super().find_turn(conversation, message_id)
        if not self.is_answered(turn, self.now()):
            raise self.no_message(conversation["id"], message_id)
        return turn

    def message_map(self, conversation: Record) -> dict[str, Body]:
        """Leave out the replies that are not there yet, and what links to them."""
        found = super().message_map(conversation)
        gone = self.waiting(conversation)
        for message in found.values():
            message["children"] = [child for child in message["children"] if child not in gone]
            if message["parent"] in gone:
                message["parent"] = gone[message["parent"]]
                found[message["parent"]]["children"].append(_id_of(found, message))
        return {id: message for id, message in found.items() if id not in gone}

    def waiting(self, conversation: Record) -> dict[str, str]:
        """Return the replies that are not there yet, each with its question."""
        now = self.now()
        turns = [turn for turn in conversation["turns"] if not self.is_answered(turn, now)]
        return {turn["reply_id"]: turn["user_id"] for turn in turns}

    def last_message_id(self, conversation: Record) -> str:
        """Return the id of the message that was written last."""
        last = super().last_message_id(conversation)
        return self.waiting(conversation).get(last, last)


def _id_of(messages: Mapping[str, Body], wanted: Body) -> str:
    return next(id for id, message in messages.items() if message is wanted)


# How soon a reply is there.


@variant("bedrock.instant", reply_after=0.0)
class Instant(Emulator):
    """Has the reply as soon as the message is accepted."""


@variant("bedrock.late", reply_after=3.0)
class Late(Emulator):
    """Has the reply after three seconds."""


@variant("bedrock.very_late", reply_after=25.0)
class VeryLate(Emulator):
    """Has the reply after twenty-five seconds."""


@variant("bedrock.unsteady")
class Unsteady(Emulator):
    """Has some replies at once, and others after some seconds."""

    def make_turn(self, scope: Scope, asked: ChatInput) -> dict[str, Any]:
        """Draw the delay of each message."""
        turn = super().make_turn(scope, asked)
        number = self.world.number("delay", turn["user_id"][-16:])  # before these is the time
        return {**turn, "ready": turn["sent"] + number % 6000}


# What a refusal says.


def _refusing(what: str, sentence: str, other: Callable[[Refusal], object]) -> type[Api]:
    """Return a variant that writes some refusals in another way; `other` may give None."""

    @variant(f"bedrock.{what}", sentence)
    class Refusing(Emulator):
        def write_refusal(self, refusal: Refusal) -> Answer:
            """Write it with another body."""
            body = other(refusal)
            if body is None:
                return super().write_refusal(refusal)
            changed = Refusal(
                refusal.reason, status=refusal.status, detail=body, headers=refusal.headers
            )
            return super().write_refusal(changed)

    return Refusing


def _items(refusal: Refusal) -> list[Body]:
    """Return the errors of a 422, none of anything else."""
    detail = refusal.detail.get("detail") if isinstance(refusal.detail, dict) else None
    return detail if refusal.status == 422 and isinstance(detail, list) else []


def _bare(refusal: Refusal) -> object:
    items = [{name: item[name] for name in ("loc", "msg", "type")} for item in _items(refusal)]
    return {"detail": items} if items else None


def _in_german(refusal: Refusal) -> object:
    items = [{**item, "msg": "Ungültige Eingabe", "type": "ungültig"} for item in _items(refusal)]
    if items:
        return {"detail": items}
    said = refusal.detail if isinstance(refusal.detail, dict) else {}
    if "errors" in said:
        return {"errors": ["Unbekannte Unterhaltung"]}
    return {"detail": "Unbekannte Nachricht"} if "detail" in said else None


REFUSING = [
    _refusing("bare_errors", "Says of what is not valid only loc, msg and type.", _bare),
    _refusing("errors_in_german", "Says in German what is wrong, and quotes nothing.", _in_german),
    _refusing(
        "gateway_in_other_words",
        "Has a gateway that turns strangers down in other words.",
        lambda refusal: (
            {"Message": "User is not authorized to access this resource", "code": None}
            if refusal.status == 403
            else None
        ),
    ),
]


# What is taken, and what is turned down.


@variant("bedrock.strict_booleans")
class StrictBooleans(Emulator):
    """Takes for continueGenerate true and false alone, and not what reads like them."""

    def read_input(self, call: Call) -> ChatInput:
        """Refuse what is a boolean only in the eyes of some."""
        asked = super().read_input(call)
        given = cast(Mapping[str, Any], read_value(call.request))
        for name in ("continueGenerate", "continue_generate"):
            if not isinstance(given.get(name, False), bool):
                item = {"type": "bool_type", "loc": ["body", name], "msg": "Not a boolean"}
                raise invalid([item])
        return asked


NEWEST = "claude-v3.5-sonnet-v2"


@variant("bedrock.newest_model")
class NewestModel(Emulator):
    """Knows the model that came later than the document."""

    def read_input(self, call: Call) -> ChatInput:
        """Take the newest model where the one before it is taken (fact sheet, Schemas)."""
        value = read_value(call.request)
        message = value.get("message") if isinstance(value, dict) else None
        if not isinstance(message, dict) or message.get("model") != NEWEST:
            return super().read_input(call)
        older = validate({**value, "message": {**message, "model": NEWEST.removesuffix("-v2")}})
        newest = older.message._replace(model=NEWEST)
        return older._replace(message=newest)


@variant("bedrock.empty_content_refused")
class EmptyContentRefused(Emulator):
    """Refuses a message without content, to which there is no reply."""

    def read_input(self, call: Call) -> ChatInput:
        """Refuse an empty list."""
        asked = super().read_input(call)
        if not asked.message.content:
            place = ["body", "message", "content"]
            raise invalid([{"type": "too_short", "loc": place, "msg": "Too short", "input": []}])
        return asked


@variant("bedrock.no_own_ids")
class NoOwnIds(Emulator):
    """Refuses a conversationId that it never gave to the caller."""

    def choose_conversation(self, scope: Scope, asked: ChatInput, turn: Turn) -> str:
        """Refuse a conversation that is not there."""
        wanted = asked.conversation_id
        if wanted is not None and self.world.store.read(scope, wanted) is None:
            raise self.no_conversation(wanted)
        return super().choose_conversation(scope, asked, turn)


@variant("bedrock.over_quota")
class OverQuota(Emulator):
    """Turns down one request of sixteen for the key's quota, whatever it is but the first."""

    def pass_gateway(self, call: Call) -> None:
        """Draw a lot for each request of a caller who is known."""
        super().pass_gateway(call)
        place = self.world.store.count((self.name, "lots"), "over_quota")
        if place and self.world.number("over_quota", place) % 16 == 0:
            said = {"message": "Too Many Requests"}  # fact sheet, Authentication
            raise Refusal("over the quota", status=429, detail=said)


@variant("bedrock.no_redirects")
class NoRedirects(Emulator):
    """Has no path with a slash at its end, not even a redirect from it."""

    def redirect(self, call: Call) -> Answer | None:
        """Leave it to the refusal."""
        return None


@variant("bedrock.open_to_all_sites")
class OpenToAllSites(Emulator):
    """Lets every site read every answer, whether the call came from one or not."""

    def dress(self, call: Call, answer: Answer) -> Answer:
        """Say so once."""
        dressed = super().dress(call, answer)
        kept: Iterable[tuple[str, str]] = (
            line for line in dressed.headers if line[0] != "Access-Control-Allow-Origin"
        )
        return replace(dressed, headers=(*kept, ("Access-Control-Allow-Origin", "*")))

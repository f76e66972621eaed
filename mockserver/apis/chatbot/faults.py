"""What can be made to go wrong with the chatbot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...faults import fault
from ...model import Api, Call, Identity, Refusal
from ...store import Scope
from . import Emulator, Turn, robustness_faults, shape_faults, stream_faults
from .fault_families import member
from .languages import LOCALES
from .question import Question

SHAPE: list[type[Api]] = shape_faults.SHAPE
STREAM: list[type[Api]] = [*stream_faults.FRAMES, *stream_faults.HEADERS, *stream_faults.OTHERS]
ROBUSTNESS: list[type[Api]] = [*robustness_faults.FAILING, *robustness_faults.LEAKING]

# Status: what is a success, and what is a refusal.


@fault("chatbot.status.success_with_other_code", "status")
class SuccessWithOtherCode(Emulator):
    """A success has code 200, not 0."""

    def envelope(self, call: Call, turn: Turn) -> dict[str, Any]:
        """Say what the HTTP status says."""
        return {**super().envelope(call, turn), "code": 200}


@fault("chatbot.status.refusal_with_code_0", "status")
class RefusalWithCode0(Emulator):
    """A refusal has code 0."""

    def refused(self, call: Call, refusal: Refusal) -> dict[str, Any]:
        """Leave the HTTP status to tell."""
        return {**super().refused(call, refusal), "code": 0}


@fault("chatbot.status.refusal_like_success", "status")
class RefusalLikeSuccess(Emulator):
    """A refusal has status 200 and code 0."""

    def refusal_status(self, refusal: Refusal) -> int:
        """Leave it to the code to tell."""
        return 200

    def refused(self, call: Call, refusal: Refusal) -> dict[str, Any]:
        """Leave nothing but the message to tell."""
        return {**super().refused(call, refusal), "code": 0}


@fault("chatbot.status.refusal_with_500", "status")
class RefusalWith500(Emulator):
    """A refusal has status 500, whatever its reason."""

    def refusal_status(self, refusal: Refusal) -> int:
        """Blame the server."""
        return 500


def _lenient(
    rule: str,
    sentence: str,
    wrong: Callable[[dict[str, Any]], bool],
    mend: Callable[[dict[str, Any]], dict[str, Any]],
) -> type[Api]:
    """Return the fault that takes `mend` of the fields where they are `wrong` in its one way."""

    @member("status", rule, sentence)
    class Broken(Emulator):
        def check(self, fields: object) -> Question:
            if not isinstance(fields, dict) or not wrong(fields):
                return super().check(fields)
            mended = mend(fields)
            # The strict form cannot hold an empty q: it comes in after the check.
            asked = super().check({**mended, "q": mended["q"] or "?"})
            return asked.model_copy(update={"q": mended["q"]})

    return Broken


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


LENIENT: list[type[Api]] = [
    _lenient(
        "missing_q_accepted",
        "A request without q is answered.",
        lambda fields: "q" not in fields,
        lambda fields: {**fields, "q": ""},
    ),
    _lenient(
        "empty_q_accepted",
        "An empty q is answered.",
        lambda fields: fields.get("q") == "",
        lambda fields: {**fields, "q": ""},
    ),
    _lenient(
        "number_as_q_accepted",
        "A number as q is answered, as the text of its digits.",
        lambda fields: _is_number(fields.get("q")),
        lambda fields: {**fields, "q": str(fields["q"])},
    ),
    _lenient(
        "null_as_q_accepted",
        "A null as q is answered, as the text None.",
        lambda fields: "q" in fields and fields["q"] is None,
        lambda fields: {**fields, "q": "None"},
    ),
    _lenient(
        "unknown_language_accepted",
        "An unknown language code is answered as if it were auto.",
        lambda fields: (
            isinstance(language := fields.get("language"), str)
            and language not in ("auto", *LOCALES)
        ),
        lambda fields: {**fields, "language": "auto"},
    ),
    _lenient(
        "number_as_language_accepted",
        "A number as language is answered as if it were auto.",
        lambda fields: _is_number(fields.get("language")),
        lambda fields: {**fields, "language": "auto"},
    ),
    _lenient(
        "number_as_conversation_uid_accepted",
        "A number as conversation_uid begins a new conversation.",
        lambda fields: _is_number(fields.get("conversation_uid")),
        lambda fields: {name: fields[name] for name in fields if name != "conversation_uid"},
    ),
    _lenient(
        "string_as_stream_accepted",
        "A string as stream is answered: true for any but the empty one.",
        lambda fields: isinstance(fields.get("stream"), str),
        lambda fields: {**fields, "stream": bool(fields["stream"])},
    ),
]


@fault("chatbot.status.false_as_stream_refused", "status")
class FalseAsStreamRefused(Emulator):
    """A stream flag of false is refused, though it is the default."""

    def check(self, fields: object) -> Question:
        """Refuse the default where it is spelled out."""
        asked = super().check(fields)
        if isinstance(fields, dict) and fields.get("stream") is False:
            raise Refusal("stream can only be true.", code=40003)
        return asked


@fault("chatbot.status.malformed_json_accepted", "status")
class MalformedJsonAccepted(Emulator):
    """A body that is not JSON is answered, as if the whole of it were q."""

    def parse(self, raw: bytes) -> object:
        """Take what is no JSON for plain text."""
        try:
            return super().parse(raw)
        except Refusal:
            return {"q": raw.decode("utf-8", "replace")}


@fault("chatbot.status.bare_string_accepted", "status")
class BareStringAccepted(Emulator):
    """A body that is a JSON string, and no object, is answered as if it were q."""

    def parse(self, raw: bytes) -> object:
        """Take a string for the only field that is required."""
        value = super().parse(raw)
        return {"q": value} if isinstance(value, str) else value


def _language_refused(language: str) -> type[Api]:
    @member(
        "status",
        f"language_{language.lower().replace('-', '_')}_refused",
        f"The documented language code {language} is refused as unknown.",
    )
    class Broken(Emulator):
        def check(self, fields: object) -> Question:
            asked = super().check(fields)
            if asked.language == language:
                raise Refusal("language must be one of the documented codes.", code=40004)
            return asked

    return Broken


LANGUAGES: list[type[Api]] = [_language_refused(code) for code in ("zh-Hant", "jp", "hi", "uk")]

# Identity: ids, and whether it is the same question.


@fault("chatbot.identity.request_id_repeated", "identity")
class RequestIdRepeated(Emulator):
    """Every response has the same request_id."""

    def identify(self, call: Call) -> str:
        """Return one id for all requests."""
        return self.uid("request")


@fault("chatbot.identity.conversation_uid_changes", "identity")
class ConversationUidChanges(Emulator):
    """A continued conversation gets a new conversation_uid with every turn."""

    def find_conversation(self, scope: Scope, asked: Question) -> str | None:
        """Look the conversation up, and forget what was found."""
        super().find_conversation(scope, asked)
        return None


@fault("chatbot.identity.conversation_uid_reused", "identity")
class ConversationUidReused(Emulator):
    """New conversations of one caller all have the same conversation_uid."""

    def new_uid(self, scope: Scope, asked: Question) -> str:
        """Return one uid for all conversations of the scope."""
        return self.uid("conversation", *scope)


@fault("chatbot.identity.newest_conversation_continued", "identity")
class NewestConversationContinued(Emulator):
    """Whichever conversation is continued, the newest one of the caller is."""

    def find_conversation(self, scope: Scope, asked: Question) -> str | None:
        """Look the conversation up, and take the one that was begun last."""
        if super().find_conversation(scope, asked) is None:
            return None
        return str(self.world.store.records(scope)[-1]["conversation_uid"])


@fault("chatbot.identity.conversation_uid_empty", "identity")
class ConversationUidEmpty(Emulator):
    """A new conversation has the empty string for a conversation_uid."""

    def new_uid(self, scope: Scope, asked: Question) -> str:
        """Return nothing that a conversation could be continued by."""
        return ""


@fault("chatbot.identity.unknown_conversation_accepted", "identity")
class UnknownConversationAccepted(Emulator):
    """A conversation_uid that the API never returned begins a conversation of that uid."""

    def find_conversation(self, scope: Scope, asked: Question) -> str | None:
        """Take the caller's word for it."""
        return asked.conversation_uid if asked.continues else None


def _echoing(rule: str, sentence: str, change: Callable[[str], str]) -> type[Api]:
    @member("identity", rule, sentence)
    class Broken(Emulator):
        def echo(self, asked: Question) -> str:
            return change(super().echo(asked))

    return Broken


ECHOES: list[type[Api]] = [
    _echoing(
        "question_trimmed", "The question comes back without the blanks around it.", str.strip
    ),
    _echoing("question_in_lower_case", "The question comes back in small letters.", str.lower),
    _echoing(
        "question_loses_characters",
        "The question comes back without its characters that are not ASCII.",
        lambda question: question.encode("ascii", "ignore").decode(),
    ),
]


@fault("chatbot.identity.wrong_key_accepted", "identity")
class WrongKeyAccepted(Emulator):
    """Where a key is asked for, any key will do."""

    def authenticate(self, callers: list[Identity], key: str) -> None:
        """Refuse only the absence of a key."""
        if not key:
            super().authenticate(callers, key)


@fault("chatbot.identity.missing_key_accepted", "identity")
class MissingKeyAccepted(Emulator):
    """Where a key is asked for, none will do as well."""

    def authenticate(self, callers: list[Identity], key: str) -> None:
        """Refuse only a wrong key."""
        if key:
            super().authenticate(callers, key)


@fault("chatbot.identity.unknown_bot_accepted", "identity")
class UnknownBotAccepted(Emulator):
    """A bot that does not exist answers."""

    def find_callers(self, bot_uid: str) -> list[Identity]:
        """Let everyone speak for an unknown bot."""
        try:
            return super().find_callers(bot_uid)
        except Refusal:
            return list(self.world.identities)


# State: what becomes of a conversation.


@fault("chatbot.state.other_bots_conversation_continued", "state")
class OtherBotsConversationContinued(Emulator):
    """A conversation with one bot is continued with another, or with another key."""

    def find_conversation(self, scope: Scope, asked: Question) -> str | None:
        """Look in everybody's conversations."""
        for caller in self.world.identities:
            theirs = self.scope(caller["bot_uid"], caller.get("api_key", ""))
            if asked.continues and self.world.store.read(theirs, asked.conversation_uid):
                return asked.conversation_uid
        return super().find_conversation(scope, asked)


@fault("chatbot.state.conversation_forgotten", "state")
class ConversationForgotten(Emulator):
    """A conversation is unknown as soon as it has begun."""

    def store_turn(self, scope: Scope, asked: Question, turn: Turn) -> None:
        """Keep nothing."""


@fault("chatbot.state.streamed_conversation_forgotten", "state")
class StreamedConversationForgotten(Emulator):
    """A conversation that begins with a streamed answer is unknown afterwards."""

    def store_turn(self, scope: Scope, asked: Question, turn: Turn) -> None:
        """Keep what was not streamed."""
        if not asked.stream:
            super().store_turn(scope, asked, turn)


@fault("chatbot.state.conversation_ends_after_two_turns", "state")
class ConversationEndsAfterTwoTurns(Emulator):
    """A conversation is refused as unknown from its third turn on."""

    def find_conversation(self, scope: Scope, asked: Question) -> str | None:
        """Let nobody go beyond the second turn."""
        found = super().find_conversation(scope, asked)
        record = self.world.store.read(scope, found) if found else None
        if record and len(record["turns"]) >= 2:
            raise Refusal("There is no such conversation.", status=404, code=40402)
        return found

"""What is refused although it is right, and what a refusal gives away or leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import orjson

from ....faults import fault
from ....model import Answer, Call, Refusal
from ....store import Scope
from .. import Emulator
from ..chat_input import MODELS, ChatInput, invalid, read_value, validate
from ..conversation import Turn
from .naming import named
from .robustness import TRACEBACK
from .status import Misrouting

Wrong = Callable[[dict[str, Any]], bool]

KNOWN = {
    "body": {"conversationId", "message", "continueGenerate"},
    "message": {"content", "model"},
    "part": {"contentType", "mediaType", "fileName", "body"},
}


def _refusing(rule: str, sentence: str, wrong: Wrong) -> type[Emulator]:
    """Return a server that refuses some messages that are as they should be."""

    class Refusing(Emulator):
        def read_input(self, call: Call) -> ChatInput:
            asked = super().read_input(call)
            if wrong(read_value(call.request)):
                item = {"type": "value_error", "loc": ["body"], "msg": "not wanted", "input": None}
                raise invalid([item])
            return asked

    return named(Refusing, f"bedrock.refuses.{rule}", "status", sentence)


def _parts(value: dict[str, Any]) -> list[dict[str, Any]]:
    return list(value["message"].get("content", []))


def _has_extra(value: dict[str, Any]) -> bool:
    message = value["message"]
    return bool(
        set(value) - KNOWN["body"]
        or set(message) - KNOWN["message"]
        or any(set(part) - KNOWN["part"] for part in _parts(value))
    )


REFUSING = [
    _refusing(
        "one_model",
        "The last model of the list is refused.",
        lambda value: value["message"].get("model") == MODELS[-1],
    ),
    _refusing(
        "attachments",
        "An attachment is refused.",
        lambda value: any(part.get("contentType") == "attachment" for part in _parts(value)),
    ),
    _refusing(
        "nulls",
        "A field that may be null is refused when it is.",
        lambda value: None in value.values() or any(None in p.values() for p in _parts(value)),
    ),
    _refusing("extra_fields", "A field that is not documented is refused.", _has_extra),
]


@fault("bedrock.refuses.own_ids", "status")
class OwnIdsRefused(Emulator):
    """A conversationId that the server did not make is refused."""

    def store_turn(self, scope: Scope, conversation_id: str, turn: Turn) -> None:
        """Continue what is there, and nothing else."""
        known = self.world.store.read(scope, conversation_id)
        if not known and conversation_id != turn["new_conversation"]:
            raise self.no_conversation(conversation_id)
        super().store_turn(scope, conversation_id, turn)


class _TakesForFalse(Emulator):
    kinds: ClassVar[tuple[type, ...]]

    def read_input(self, call: Call) -> ChatInput:
        """Take a continueGenerate of one of the kinds for false."""
        try:
            return super().read_input(call)
        except Refusal:
            value = read_value(call.request)
            if not isinstance(value, dict):
                raise
            if not isinstance(value.get("continueGenerate"), self.kinds):
                raise
            return validate({**value, "continueGenerate": False})


@fault("bedrock.accepts.any_continue_generate", "status")
class AnyContinueGenerate(_TakesForFalse):
    """A continueGenerate that is a text or a number is taken, whatever it says."""

    kinds = (str, int, float)


@fault("bedrock.accepts.structured_continue_generate", "status")
class StructuredContinueGenerate(_TakesForFalse):
    """A continueGenerate that is an object or a list is taken."""

    kinds = (dict, list)


@fault("bedrock.invalid.kept_all_the_same", "state")
class InvalidIsKept(Emulator):
    """A message to a model that nobody knows is refused, and kept for another model."""

    def read_input(self, call: Call) -> ChatInput:
        """Keep what is left when the model is mended."""
        try:
            return super().read_input(call)
        except Refusal:
            value = read_value(call.request)
            if isinstance(value, dict) and isinstance(value.get("message"), dict):
                mended = {**value, "message": {**value["message"], "model": MODELS[0]}}
                self._keep(call, mended)
            raise

    def _keep(self, call: Call, value: dict[str, Any]) -> None:
        try:
            asked = validate(value)
        except Refusal:
            return
        if asked.conversation_id is not None:
            scope = self.find_scope(call)
            self.store_turn(scope, asked.conversation_id, self.make_turn(scope, asked))


@fault("bedrock.key.refused_is_kept", "state")
class RefusedIsKept(Emulator):
    """A message without a known key is refused, and kept where its conversation is."""

    def authenticate(self, call: Call) -> None:
        """Let it in by the back door."""
        try:
            super().authenticate(call)
        except Refusal:
            if call.operation == "post_message":
                self._keep(call)
            raise

    def _keep(self, call: Call) -> None:
        try:
            asked = self.read_input(call)
        except Refusal:
            return
        for caller in self.world.identities:
            owner = self.scope_of(caller["api_key"])
            if asked.conversation_id and self.world.store.read(owner, asked.conversation_id):
                self.store_turn(owner, asked.conversation_id, self.make_turn(owner, asked))


def _knowing(rule: str, sentence: str, knows: Callable[[str, str], bool]) -> type[Emulator]:
    """Return a server that takes a key for another that it knows."""

    class Knowing(Emulator):
        def read_key(self, call: Call) -> str:
            key = super().read_key(call)
            known = [caller["api_key"] for caller in self.world.identities]
            return next((one for one in known if key and knows(one, key)), key)

    return named(Knowing, f"bedrock.key.{rule}", "status", sentence)


KNOWING = [
    _knowing(
        "beginning_will_do",
        "A key that is cut short is taken for the whole.",
        lambda known, key: known.startswith(key),
    ),
    _knowing(
        "case_ignored",
        "A key is known in upper and lower case alike.",
        lambda known, key: known.lower() == key.lower(),
    ),
]


@fault("bedrock.key.not_needed_for_health", "status")
class HealthWithoutKey(Emulator):
    """The health of the service is told to everyone."""

    def authenticate(self, call: Call) -> None:
        """Look at the key of other calls."""
        if call.operation != "health":
            super().authenticate(call)


@fault("bedrock.key.repeated_in_refusal", "robustness")
class KeyIsRepeated(Emulator):
    """The refusal of a body repeats the caller's key."""

    def read_input(self, call: Call) -> ChatInput:
        """Write the key beside the errors."""
        try:
            return super().read_input(call)
        except Refusal as refusal:
            if isinstance(refusal.detail, dict):
                refusal.detail = {**refusal.detail, "key": self.read_key(call)}
            raise


@fault("bedrock.invalid.loc_is_a_string", "shape")
class LocIsAString(Emulator):
    """The loc of an item of a 422 is a string with dots."""

    def write_refusal(self, refusal: Refusal) -> Answer:
        """Join the steps."""
        written = super().write_refusal(refusal)
        if written.status != 422:
            return written
        items = orjson.loads(written.body_bytes())["detail"]
        joined = [{**item, "loc": ".".join(map(str, item["loc"]))} for item in items]
        return replace(written, body=orjson.dumps({"detail": joined}))


@fault("bedrock.not_found.in_another_shape", "shape")
class NotFoundInAnotherShape(Emulator):
    """A 404 says what is missing in a field of another name."""

    def write_refusal(self, refusal: Refusal) -> Answer:
        """Say it in `error`."""
        written = super().write_refusal(refusal)
        if written.status != 404:
            return written
        return replace(written, body=orjson.dumps({"error": {"code": 404}}))


@fault("bedrock.method.wrong_is_200", "status")
class WrongMethodIs200(Misrouting):
    """A method that a path does not have gives 200."""

    def reroute(self, refusal: Refusal) -> Refusal:
        """Say that all is well."""
        if refusal.status == 405:
            return Refusal(refusal.reason, status=200, detail={"status": "ok"})
        return super().reroute(refusal)


@fault("bedrock.health.not_ok", "status")
class HealthIsNotOk(Emulator):
    """The service says of itself that it is up, not that it is ok."""

    def health(self) -> Answer:
        """Use another word."""
        return self.write({"status": "up"})


@fault("bedrock.crash.content_type", "robustness")
class CrashesOnContentType(Emulator):
    """A body that is not called JSON gives 500."""

    def read_input(self, call: Call) -> ChatInput:
        """Fail on what a parser for it would have to be found for."""
        if not call.request.mimetype.endswith("json"):
            raise Refusal("internal error", status=500, detail={"errors": ["internal error"]})
        return super().read_input(call)


@fault("bedrock.crash.no_object", "robustness")
class CrashesOnNoObject(Emulator):
    """A body of JSON that is no object gives 500."""

    def read_input(self, call: Call) -> ChatInput:
        """Fail where fields are looked for."""
        value = read_value(call.request)
        if call.request.get_data() and not isinstance(value, dict):
            raise Refusal("internal error", status=500, detail={"errors": ["internal error"]})
        return super().read_input(call)


@fault("bedrock.invalid.traceback_is_shown", "robustness")
class InvalidShowsTraceback(Emulator):
    """The refusal of a body that is no JSON shows where in the program it arose."""

    def read_input(self, call: Call) -> ChatInput:
        """Add the traceback to the first error."""
        try:
            return super().read_input(call)
        except Refusal as refusal:
            if "json_invalid" in json.dumps(refusal.detail, default=str):
                refusal.detail["detail"][0]["msg"] += TRACEBACK  # type: ignore[index]
            raise

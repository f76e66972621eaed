"""RunMVChat: one signed action of a gateway that answers errors with HTTP 200."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from werkzeug.exceptions import HTTPException

from ...model import Answer, Api, Call, Identity, Operation, Refusal, member_of
from ...replies import Reply
from ...store import Record, Scope
from . import conversation, signature
from .conversation import Message, missing, not_available
from .diagnosis import diagnose
from .parameters import Parameters, Value, Values, read_parameters
from .recordings import read_exchange

if TYPE_CHECKING:
    from flask import Request

    from ...journal import Caller

ACTION = "RunMVChat"
INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)

READ = "mockserver.parameters"
"""Where a request keeps what was read of it: a refusal asks for the action once more."""

# The Java SDK of the platform reads the integers of an answer into 32 bits.
MOST_INTEGER = 2**31 - 1

Turn = tuple[object, ...]
"""What makes one message different from every other: all that its ids depend on."""


class Emulator(Api):
    """The gateway's checks in the gateway's order, then the chat."""

    name: ClassVar[str] = "genesis"
    title: ClassVar[str] = "RunMVChat"
    base_url: ClassVar[str] = "https://api.genesissai.com"
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("run_mv_chat_get", "GET", "/"),
        Operation("run_mv_chat_post", "POST", "/"),
    )
    identities: ClassVar[tuple[Identity, ...]] = (
        {
            "public_key": "counterfoil-public-key",
            "private_key": "counterfoil-private-key",
            "app_id": "counterfoil-app",
        },
        {
            "public_key": "counterfoil-other-public-key",
            "private_key": "counterfoil-other-private-key",
            "app_id": "counterfoil-other-app",
        },
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"private_key"})
    concealed: ClassVar[re.Pattern[str]] = re.compile(
        r"""(?i)signature(?:"\s*:\s*(?:\[\s*)?"|=)(?P<secret>[^&"\s]+)"""
    )
    reply_fields: ClassVar[frozenset[str]] = frozenset({"Msg"})

    def answer(self, call: Call) -> Answer:
        """Answer one action; each step raises the refusal that belongs to it."""
        parameters = self.read(call)
        values = parameters.values
        self.find_action(values)
        self.authenticate(call, parameters)
        self.find_missing(values)
        self.find_odd(parameters)
        messages = self.read_messages(values)
        scope = self.find_scope(values)
        session = self.find_session(scope, values)
        reply = self.choose_reply(messages)
        return self.write(self.take_turn(call, scope, session, messages, reply))

    def read(self, call: Call) -> Parameters:
        """Return the flat parameters of query string and body together (fact sheet, Request)."""
        found: Parameters | None = call.request.environ.get(READ)
        if found is None:
            found = call.request.environ[READ] = _read(call.request)
        return found

    def credential_of(self, call: Call) -> str:
        """Return the public key that the parameters name."""
        try:
            return _shown(_read(call.request).values.get("PublicKey", ""))
        except HTTPException:  # a body too large to be read names nobody
            return ""

    def throttled(self, seconds: float) -> Refusal:
        """Return RetCode 153; no document gives its words (fact sheet, RetCodes)."""
        return Refusal("Request was throttled", code=153)

    def session_of(self, call: Call) -> str:
        """Return the key, the application and the session that the parameters name."""
        try:
            values = _read(call.request).values
        except HTTPException:  # a body too large to be read names nobody
            return ""
        return repr([values.get(name, "") for name in ("PublicKey", "AppID", "SessionID")])

    def conversation_of(self, call: Call) -> str:
        """Return the session that the parameters name."""
        try:
            return _shown(self.read(call).values.get("SessionID", ""))
        except HTTPException:
            return ""

    def question_of(self, call: Call) -> str | None:
        """Return the last thing that the user says."""
        try:
            return conversation.question(self.read_messages(self.read(call).values))
        except (Refusal, HTTPException, LookupError):
            return None

    def conversation_begun(self, answer: Answer) -> str:
        """Return the session that an answer names."""
        return member_of(answer, "SessionID")

    def caller_of(self, refusal: Refusal | None) -> Caller:
        """Return what was made of the caller: the action is looked at before the signature is."""
        if refusal is not None and refusal.code in (160, 161):
            return "not asked"
        if self.world.settings.authenticate and refusal and refusal.code in (170, 171, 172):
            return "refused"
        return super().caller_of(refusal)

    def find_action(self, values: Values) -> None:
        """Refuse an absent (160) or unknown (161) action."""
        action = values.get("Action", "")
        if action in ("", []):
            raise Refusal("Missing Action", code=160)
        if not self.is_known_action(action):
            raise Refusal(f"Action [{_shown(action)}] not found", code=161)

    def is_known_action(self, action: Value) -> bool:
        """Say whether the gateway has this action."""
        return action == ACTION

    def authenticate(self, call: Call, parameters: Parameters) -> None:
        """Refuse whoever does not show to be a known caller, unless told to let everyone in."""
        if not self.world.settings.authenticate:
            return
        private_key = self.find_private_key(parameters.values)
        self.find_signature(parameters.values)
        self.verify(call, parameters, private_key)

    def find_private_key(self, values: Values) -> str:
        """Return the caller's private key; refuse an absent (220) or unknown (172) public key."""
        public_key = values.get("PublicKey", "")
        if public_key in ("", []):
            raise missing("PublicKey")
        private_key = self.private_keys().get(_shown(public_key))
        if private_key is None or not isinstance(public_key, str):
            raise Refusal("User Not Exists", code=172)
        return private_key

    def private_keys(self) -> dict[str, str]:
        """Return the private keys of the known callers by public key."""
        return {caller["public_key"]: caller["private_key"] for caller in self.world.identities}

    def find_signature(self, values: Values) -> None:
        """Refuse an absent signature (170)."""
        if values.get("Signature", "") in ("", []):
            raise Refusal("Missing Signature", code=170)

    def verify(self, call: Call, parameters: Parameters, private_key: str) -> None:
        """Refuse a wrong signature (171); what was wrong is for the mock's owner alone."""
        if any(self.is_signed(call, values, private_key) for values in parameters.readings()):
            return
        call.remarks.append(diagnose(parameters.values, private_key, self.private_keys()))
        raise Refusal("Signature VerifyAC Error", code=171)

    def is_signed(self, call: Call, values: Values, private_key: str) -> bool:
        """Say whether the signature is the right one."""
        return values.get("Signature") == signature.sign(values, private_key)

    def find_missing(self, values: Values) -> None:
        """Refuse a call that lacks a required parameter (220), in the document's order."""
        for name in ("Role", "Content"):
            if not conversation.has_list(name, values):
                raise missing(f"{name}.0")
        if values.get("AppID", "") in ("", []):
            raise missing("AppID")

    def find_odd(self, parameters: Parameters) -> None:
        """Refuse what no flat parameter can be, and what came with two values (230)."""
        if parameters.odd:
            raise not_available(parameters.odd[0])

    def read_messages(self, values: Values) -> list[Message]:
        """Return the dialogue, oldest first; refuse lists that do not fit (230)."""
        roles = self.read_list("Role", values)
        contents = self.read_list("Content", values)
        messages = self.pair(roles, contents)
        for place, role in roles.items():
            self.check_role(place, role)
        return messages

    def read_list(self, name: str, values: Values) -> dict[int, str]:
        """Return a list by its indexes, which begin at 0 or 1 and have no hole."""
        found = conversation.read_list(name, values)
        if (place := conversation.gap(found)) is not None:
            raise not_available(f"{name}.{place}")
        return found

    def pair(self, roles: Mapping[int, str], contents: Mapping[int, str]) -> list[Message]:
        """Return the messages; the two lists correspond one to one."""
        if list(roles) != list(contents):
            raise not_available(conversation.odd_one(roles, contents))
        return list(zip(roles.values(), contents.values(), strict=True))

    def check_role(self, place: int, role: str) -> None:
        """Refuse a role that the document does not list."""
        if role not in conversation.ROLES:
            raise not_available(f"Role.{place}")

    def find_scope(self, values: Values) -> Scope:
        """Return whose sessions these are: the key's and the application's."""
        app_id = values.get("AppID", "")
        known = {caller["app_id"] for caller in self.world.identities}
        if not isinstance(app_id, str) or (
            self.world.settings.authenticate and app_id not in known
        ):
            raise not_available("AppID")
        return (self.name, _shown(values.get("PublicKey", "")), app_id)

    def scope_of_caller(self, identity: Identity) -> Scope:
        """Return where the sessions of a caller's key are, whatever the application."""
        return (self.name, identity["public_key"])

    def find_session(self, scope: Scope, values: Values) -> Record | None:
        """Return the session that the call continues, or None for a new one."""
        wanted = values.get("SessionID", "")
        if wanted == "":
            return None
        if not isinstance(wanted, str) or not INTEGER.fullmatch(wanted):
            raise not_available("SessionID")
        session = self.world.store.read(scope, str(int(wanted)))
        if session is None:
            raise not_available("SessionID")
        return session

    def choose_reply(self, messages: list[Message]) -> Reply:
        """Return the fixture that answers the last thing that the user said."""
        return self.world.replies.choose(conversation.question(messages))

    def take_turn(
        self,
        call: Call,
        scope: Scope,
        session: Record | None,
        messages: list[Message],
        reply: Reply,
    ) -> dict[str, Any]:
        """Keep the turn and return the fields of its answer; nothing is refused from here on."""
        asked = fingerprint(call.request)
        turn = (*scope, asked, self.world.store.count(scope, asked))
        session_id = self.session_id(scope, session, turn)
        self.keep(scope, session_id, [*messages, ("assistant", reply.answer)])
        return {
            "Action": f"{ACTION}Response",
            "ID": self.message_id(scope, turn),
            "Msg": str(reply.fields.get("Msg", "Success")),
            "Response": reply.answer,
            "RetCode": 0,
            "SessionID": session_id,
            "Time": int(min(self.world.clock.now(), MOST_INTEGER)),
        }

    def session_id(self, scope: Scope, session: Record | None, turn: Turn) -> int:
        """Return the id of the session that goes on, or one that nobody had before."""
        return int(session["id"]) if session else self.claim_id("session", turn)

    def message_id(self, scope: Scope, turn: Turn) -> int:
        """Return an id that no message had before."""
        return self.claim_id("message", turn)

    def keep(self, scope: Scope, session_id: int, messages: list[Message]) -> None:
        """Make a session, or let it go on."""
        record = {"id": session_id, "messages": [list(message) for message in messages]}
        self.world.store.change(scope, str(session_id), lambda _: record)

    def claim_id(self, kind: str, turn: Turn) -> int:
        """Return a 31-bit number that nobody got before."""
        for attempt in range(1000):
            number = 1 + self.world.number(kind, attempt, *turn) % MOST_INTEGER
            if self.world.store.count((self.name, f"{kind} ids"), str(number)) == 0:
                return number
        raise RuntimeError(f"no {kind} id is free")

    def write(self, fields: dict[str, Any]) -> Answer:
        """Write the fields in the vendor's order."""
        return Answer(200, _json(fields), (("Content-Type", "application/json"),))

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Write an error in the gateway's shape."""
        return Answer(
            self.error_status(refusal),
            _json(self.error_fields(call, refusal)),
            (("Content-Type", "application/json"), *refusal.headers),
        )

    def error_status(self, refusal: Refusal) -> int:
        """Return HTTP 200; what is no action at all keeps its own status (our choice)."""
        return 200 if refusal.code else refusal.status

    def error_fields(self, call: Call, refusal: Refusal) -> dict[str, Any]:
        """Return the fields of an error, with `Action` unless none was sent."""
        action = self.asked_action(call)
        return {
            "RetCode": refusal.code or _CODES.get(refusal.status, 230),
            **({"Action": f"{action}Response"} if action else {}),
            "Message": refusal.reason,
        }

    def asked_action(self, call: Call) -> str:
        """Return the action that was asked for, or "" where none was."""
        try:
            return _shown(self.read(call).values.get("Action", ""))
        except HTTPException:  # a body too large to be read names no action
            return ""

    def dress(self, call: Call, answer: Answer) -> Answer:
        """Add the request id that the gateway puts on every response."""
        # With the answer in it, so that a refusal moves nothing that a success depends on.
        path = b"" if call.operation else call.request.path.encode("utf-8", "surrogatepass")
        asked = fingerprint(call.request, path, answer.body_bytes())
        place = self.world.store.count((self.name, "requests"), asked)
        number = self.world.number("request", asked, place)
        return answer.with_headers(("X-UCLOUD-REQUEST-UUID", str(uuid.UUID(int=number, version=4))))

    @classmethod
    def read_recording(cls, exchanges: list[dict[str, Any]]) -> list[Reply]:
        """Return the last question and the Response of each recorded success."""
        read = [read_exchange(exchange) for exchange in exchanges]
        return [reply for reply in read if reply is not None]


def _read(asked: Request) -> Parameters:
    body = asked.get_data() if asked.method != "GET" else b""
    return read_parameters(asked.query_string, asked.mimetype, body)


# Our choice: what a plain HTTP failure is called in the gateway's terms.
_CODES = {404: 161, 405: 161, 500: 130}


def fingerprint(asked: Request, *more: bytes) -> str:
    """Return a digest of all that tells one call from another, wherever the API is mounted."""
    try:
        body = asked.get_data()
    except HTTPException:
        body = b""
    kind = f"{asked.method} {asked.mimetype}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha256()
    for part in (kind, asked.query_string, body, *more):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _json(fields: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError:  # half of a surrogate pair that came in as a JSON escape
        whole = {
            key: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
            for key, value in fields.items()
        }
        return orjson.dumps(whole)

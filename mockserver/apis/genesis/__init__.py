"""RunMVChat: one signed action of a gateway that answers errors with HTTP 200."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import orjson

from ...model import Answer, Api, Call, Identity, Operation, Refusal
from ...replies import Reply
from ...store import Record, Scope
from . import signature
from .parameters import Parameters, merge, read_form, read_json

ACTION = "RunMVChat"
INDEXED = re.compile(r"(Role|Content)\.(0|[1-9][0-9]*)", re.ASCII)
INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)

# The Java SDK of the platform reads the integers of an answer into 32 bits.
MOST_ID = 2**31 - 1


class Emulator(Api):
    """The gateway's checks in the gateway's order, then the chat."""

    name: ClassVar[str] = "genesis"
    title: ClassVar[str] = "RunMVChat"
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
        r"""(?i)signature(?:"\s*:\s*"|=)(?P<secret>[^&"\s]+)"""
    )
    reply_fields: ClassVar[frozenset[str]] = frozenset({"Msg"})

    def answer(self, call: Call) -> Answer:
        """Answer one action; each step raises the refusal that belongs to it."""
        parameters = self.read(call)
        self.find_action(parameters)
        self.authenticate(call, parameters)
        messages = self.read_messages(parameters)
        scope = self.find_scope(parameters)
        session = self.find_session(scope, parameters)
        reply = self.choose_reply(messages)
        return self.write(self.store_turn(scope, session, messages, reply))

    def read(self, call: Call) -> Parameters:
        """Return the flat parameters of query string and body together (fact sheet, Request)."""
        query = read_form(call.request.query_string)
        if call.request.method != "POST":
            return query
        media_type = call.request.mimetype
        if media_type == "application/json":
            return merge(query, read_json(call.request.get_data()))
        if media_type in ("application/x-www-form-urlencoded", ""):
            return merge(query, read_form(call.request.get_data()))
        return query

    def find_action(self, parameters: Parameters) -> None:
        """Refuse an absent (160) or unknown (161) action."""
        action = parameters.get("Action", "")
        if action == "":
            raise Refusal("Missing Action", code=160)
        if action != ACTION:
            raise Refusal(f"Action [{_shown(action)}] not found", code=161)

    def authenticate(self, call: Call, parameters: Parameters) -> None:
        """Refuse an absent (220) or unknown (172) key, an absent (170) or wrong (171) signature."""
        if not self.world.settings.authenticate:
            return
        public_key = parameters.get("PublicKey", "")
        if public_key == "":
            raise Refusal("Missing params [PublicKey]", code=220)
        private_key = self.private_keys().get(str(public_key))
        if private_key is None:
            raise Refusal("User Not Exists", code=172)
        given = parameters.get("Signature", "")
        if given == "":
            raise Refusal("Missing Signature", code=170)
        self.verify(call, parameters, private_key)

    def private_keys(self) -> Mapping[str, str]:
        """Return the private keys of the known callers by public key."""
        return {caller["public_key"]: caller["private_key"] for caller in self.world.identities}

    def verify(self, call: Call, parameters: Parameters, private_key: str) -> None:
        """Refuse a wrong signature; what was wrong with it is for the mock's owner alone."""
        if parameters["Signature"] != signature.sign(parameters, private_key):
            call.remarks.append(
                signature.diagnose(parameters, private_key, self.private_keys().values())
            )
            raise Refusal("Signature VerifyAC Error", code=171)

    def read_messages(self, parameters: Parameters) -> list[tuple[str, str]]:
        """Return (role, content) pairs, oldest first; refuse lists that do not fit (220, 230)."""
        roles = self.read_list("Role", parameters)
        contents = self.read_list("Content", parameters)
        if parameters.get("AppID", "") == "":
            raise Refusal("Missing params [AppID]", code=220)
        if list(roles) != list(contents):
            raise _not_available(_odd_one(roles, contents))
        for place, role in roles.items():
            if role not in ("user", "assistant"):
                raise _not_available(f"Role.{place}")
        return list(zip(roles.values(), contents.values(), strict=True))

    def read_list(self, name: str, parameters: Parameters) -> dict[int, str]:
        """Return a list by its indexes, from 0 or 1 and without a hole; a bare name is one item."""
        found: dict[int, str] = {}
        bare = parameters.get(name)
        if bare is not None:
            found = dict(enumerate(bare if isinstance(bare, list) else [bare]))
        for key, value in parameters.items():
            match = INDEXED.fullmatch(key)
            if match and match[1] == name:
                if bare is not None or isinstance(value, list):
                    raise _not_available(key)
                found[int(match[2])] = value
        if not found:
            raise Refusal(f"Missing params [{name}.0]", code=220)
        places = sorted(found)
        if places[0] > 1 or places[-1] - places[0] != len(places) - 1:
            raise _not_available(f"{name}.{places[-1]}")
        return {place: found[place] for place in places}

    def find_scope(self, parameters: Parameters) -> Scope:
        """Return whose sessions these are: the key's and the application's."""
        app_id = parameters["AppID"]
        known = {caller["app_id"] for caller in self.world.identities}
        if not isinstance(app_id, str) or (
            self.world.settings.authenticate and app_id not in known
        ):
            raise _not_available("AppID")
        return (self.name, str(parameters.get("PublicKey", "")), app_id)

    def find_session(self, scope: Scope, parameters: Parameters) -> Record | None:
        """Return the session that the call continues, or None for a new one."""
        wanted = parameters.get("SessionID", "")
        if wanted == "":
            return None
        if not isinstance(wanted, str) or not INTEGER.fullmatch(wanted):
            raise _not_available("SessionID")
        session = self.world.store.read(scope, str(int(wanted)))
        if session is None:
            raise _not_available("SessionID")
        return session

    def choose_reply(self, messages: list[tuple[str, str]]) -> Reply:
        """Return the fixture that answers the last thing that the user said."""
        said = [content for role, content in messages if role == "user"]
        return self.world.replies.choose(said[-1] if said else messages[-1][1])

    def store_turn(
        self, scope: Scope, session: Record | None, messages: list[tuple[str, str]], reply: Reply
    ) -> dict[str, Any]:
        """Keep the turn and return the fields of its answer."""
        asked = hashlib.sha256(repr((session and session["id"], messages)).encode("utf-8", "replace"))
        turn = (*scope, asked.hexdigest(), self.world.store.count(scope, asked.hexdigest()))
        session_id = session["id"] if session else self.claim_id("session", *turn)
        self.world.store.change(
            scope,
            str(session_id),
            lambda _: {"id": session_id, "messages": [*messages, ("assistant", reply.answer)]},
        )
        return {
            "Action": f"{ACTION}Response",
            "ID": self.claim_id("message", *turn),
            "Msg": str(reply.fields.get("Msg", "Success")),
            "Response": reply.answer,
            "RetCode": 0,
            "SessionID": session_id,
            "Time": int(self.world.clock.now()),
        }

    def claim_id(self, kind: str, *parts: object) -> int:
        """Return a 31-bit number that nobody got before."""
        for attempt in range(1000):
            number = 1 + self.world.number(kind, attempt, *parts) % MOST_ID
            if self.world.store.count((self.name, f"{kind} ids"), str(number)) == 0:
                return number
        raise RuntimeError(f"no {kind} id is free")

    def write(self, fields: Mapping[str, Any]) -> Answer:
        """Write the fields in the vendor's order."""
        return Answer(200, _json(fields), (("Content-Type", "application/json"),))

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Write an error: HTTP 200 and a RetCode, but for what is no action at all (our choice)."""
        fields: dict[str, Any] = {"RetCode": refusal.code or _CODES.get(refusal.status, 230)}
        action = self.echoed_action(call)
        if action:
            fields["Action"] = f"{action}Response"
        fields["Message"] = refusal.reason
        status = 200 if refusal.code else refusal.status
        return Answer(
            status, _json(fields), (("Content-Type", "application/json"), *refusal.headers)
        )

    def echoed_action(self, call: Call) -> str:
        """Return the action that was asked for, or "" where none was."""
        try:
            return _shown(self.read(call).get("Action", ""))
        except Exception:  # a request that cannot be read names no action
            return ""

    def dress(self, call: Call, answer: Answer) -> Answer:
        """Add the request id that the gateway puts on every response."""
        asked = hashlib.sha256(call.request.full_path.encode("utf-8", "replace") + answer.body_bytes())
        place = self.world.store.count((self.name, "requests"), asked.hexdigest())
        number = self.world.number("request", asked.hexdigest(), place)
        return answer.with_headers(("X-UCLOUD-REQUEST-UUID", str(uuid.UUID(int=number, version=4))))

    @classmethod
    def read_recording(cls, exchanges: list[dict[str, Any]]) -> list[Reply]:
        """Return the last question and the Response of each recorded success."""
        found = []
        for exchange in exchanges:
            fields = orjson.loads(exchange["response"]["content"].get("text") or "{}")
            if fields.get("RetCode") != 0:
                continue
            contents = [
                value for name, value in _recorded_parameters(exchange["request"])
                if name.startswith("Content")
            ]
            if contents:
                basis = str(exchange.get("_basis", "observed"))
                found.append(
                    Reply("question", contents[-1], fields["Response"], basis,
                          fields={"Msg": fields["Msg"]})
                )
        return found


# Our choice: what a plain HTTP failure is called in the gateway's terms.
_CODES = {404: 161, 405: 161, 500: 130}


def _not_available(name: str) -> Refusal:
    return Refusal(f"Params [{name}] not available", code=230)


def _odd_one(roles: Mapping[int, str], contents: Mapping[int, str]) -> str:
    for place in sorted({*roles, *contents}):
        if place not in roles:
            return f"Role.{place}"
        if place not in contents:
            return f"Content.{place}"
    raise AssertionError("the lists are alike")


def _shown(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _json(fields: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError:  # a lone surrogate that came in as a JSON escape
        return orjson.dumps(
            {key: _whole(value) if isinstance(value, str) else value for key, value in fields.items()}
        )


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _recorded_parameters(asked: Mapping[str, Any]) -> list[tuple[str, str]]:
    query = parse_qsl(asked["url"].partition("?")[2], keep_blank_values=True)
    posted = asked.get("postData") or {}
    text = posted.get("text", "")
    if "json" in posted.get("mimeType", ""):
        body = orjson.loads(text)
        return query + [
            (key, str(value[-1] if isinstance(value, list) else value)) for key, value in body.items()
        ]
    return query + parse_qsl(text, keep_blank_values=True)

"""How a client speaks RunMVChat: flat parameters, signed last, sent in one of four ways."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn
from urllib.parse import parse_qsl, quote

from ...driver import Driver
from ...model import Exchange, Hidden, NotReached, Recipe, Request, shortened
from ...recipes import Step, changed

Pairs = list[tuple[str, str]]
Messages = Iterable[tuple[str, str]]
Way = Literal["get", "form", "json", "json_lists"]
WAYS: tuple[Way, ...] = ("get", "form", "json", "json_lists")

SUCCESS_FIELDS = ("Action", "Msg", "ID", "SessionID", "Response", "Time")
ACTION = "RunMVChat"
THROTTLED = 153
"""The RetCode of a gateway that was asked too often (fact sheet, RetCodes)."""
JSON_TYPE = ("Content-Type", "application/json")
FORM_TYPE = ("Content-Type", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class Change:
    """Something done to a signature after it was made: in a recipe, and in a POSIX shell."""

    name: str
    then: tuple[Step, ...]
    shell: str

    def apply(self, signature: str) -> str:
        """Return the signature as it is sent."""
        return changed(signature, self.then)


UNCHANGED = Change("as it should be", (), "")
UPPER = Change("in upper case", (("upper",),), " | tr a-f A-F")


def cut_to(length: int) -> Change:
    """Return the change that keeps the first `length` characters."""
    return Change(f"cut to {length}", (("cut", length),), f" | cut -c1-{length}")


def signing_string(pairs: Pairs) -> str:
    """Return what is signed before the private key (platform documentation, signature)."""
    covered = sorted(pair for pair in pairs if pair[0] != "Signature")
    return "".join(name + value for name, value in covered)


def sign(pairs: Pairs, private_key: str) -> str:
    """Return the signature: lower-case hex SHA-1 of the sorted pairs and the private key."""
    text = signing_string(pairs) + private_key
    return hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()


class GenesisDriver(Driver):
    """One key and application."""

    one_way = frozenset({"signature"})
    volatile = frozenset({"ID", "SessionID", "Time"})
    prose = frozenset({"Response"})

    def plain(self, messages: Messages, session_id: object = None, first: int = 0) -> Pairs:
        """Return the parameters of a chat, unsigned; lists are indexed from `first`."""
        pairs: Pairs = []
        for place, (role, content) in enumerate(messages, first):
            pairs += [(f"Role.{place}", role), (f"Content.{place}", content)]
        pairs.append(("AppID", self.credentials["app_id"]))
        if session_id is not None:
            pairs.append(("SessionID", str(session_id)))
        return [*pairs, ("Action", ACTION), ("PublicKey", self.credentials["public_key"])]

    def signed(self, pairs: Pairs) -> Pairs:
        """Return the parameters with their signature at the end."""
        return [*pairs, ("Signature", sign(pairs, self.credentials["private_key"]))]

    def post(self, pairs: Pairs, way: Way = "form", made: Change = UNCHANGED) -> Exchange:
        """Sign the parameters and send them; `made` is what happens to the signature."""
        to_sign = _as_lists(pairs) if way == "json_lists" else pairs
        right = sign(to_sign, self.credentials["private_key"])
        return self.carry(
            [*pairs, ("Signature", made.apply(right))], way, signed_over=to_sign, made=made
        )

    def carry(
        self,
        pairs: Pairs,
        way: Way = "form",
        *,
        signed_over: Pairs | None = None,
        made: Change = UNCHANGED,
    ) -> Exchange:
        """Send parameters as they are; a signature among them was made over `signed_over`."""
        request = _request(pairs, way)
        given = dict(pairs).get("Signature", "")
        key = self.credentials["private_key"]
        # What was made up is no secret, and would not come out so again.
        if signed_over is not None and given == made.apply(sign(signed_over, key)) != "":
            request = replace(request, hidden=(self.secret_signature(given, signed_over, made),))
        return self.send(request)

    def secret_signature(self, value: str, signed_over: Pairs, made: Change) -> Hidden:
        """Return a signature as a secret that a shell makes anew from the private key."""
        key = self.hidden("private_key").in_shell()

        def shell() -> str:
            text = shell_format(signing_string(signed_over))
            return f'"$({{ printf {text}; printf %s {key}; }} | sha1sum | cut -c1-40{made.shell})"'

        def recipe() -> Recipe:
            key = Recipe(credential=f"{self.prefix}private_key")
            texts = [Recipe(text=text) for pair in signed_over for text in pair]
            return Recipe(made="signature", parts=(key, *texts), then=made.then)

        return Hidden(value, "<signature>", shell, recipe)

    def make_anew(self, made: str, parts: Sequence[str]) -> str:
        """Make a signature with the key that comes first, over the names and values after it."""
        if made != "signature" or len(parts) % 2 == 0:
            return super().make_anew(made, parts)
        key, *texts = parts
        return sign(list(zip(texts[::2], texts[1::2], strict=True)), key)

    def chat(self, text: str = "Hello", session_id: object = None, way: Way = "form") -> Exchange:
        """Ask one question."""
        return self.post(self.plain([("user", text)], session_id), way)

    def say(self, text: str) -> Exchange:
        """Send any text as a question."""
        return self.chat(text, way="json")

    def existing(self, operation: str) -> Mapping[str, Any]:
        """Return an application and a session of this caller."""
        # Where an answer has no session, a blank one is as good: it starts a new one.
        session = self.must(self.chat()).members().get("SessionID", "")
        return {"AppID": self.credentials["app_id"], "SessionID": session}

    def probe(self) -> Exchange:
        """Send one plain request that an honest server accepts, in the first way that it takes."""
        for way in WAYS:
            try:
                exchange = self.chat(way=way)
            except NotReached:
                return self.exchanges[-1]
            if self.accepted(exchange):
                break
        return exchange

    def send(self, request: Request) -> Exchange:
        """Send a request; where the gateway throttles the caller no case applies."""
        exchange = super().send(request)
        if self.code(exchange) == THROTTLED:
            self.skip(f"the gateway throttles us: {self.describe(exchange)}")
        return exchange

    def send_body(self, body: bytes, content_type: str | None) -> Exchange:
        """Send a body as it is, with everything that a request needs in a signed query string."""
        pairs = self.plain([("user", "Hello")])
        request = _request(self.signed(pairs), "get")
        return self.send(
            replace(
                request,
                method="POST",
                operation=None,
                headers=(("Content-Type", content_type),) if content_type else (),
                body=body,
                hidden=(self.secret_signature(self.signed(pairs)[-1][1], pairs, UNCHANGED),),
            )
        )

    def authorize(self, request: Request) -> Request:
        """Put key and signature on a request that was made elsewhere, over all that it carries."""
        path, _, query = request.target.partition("?")
        in_query = parse_qsl(query, keep_blank_values=True)
        own = {"PublicKey": self.credentials["public_key"]}
        kind = next((v for k, v in request.headers if k.lower() == "content-type"), "")
        if request.method == "GET" or not kind:
            pairs = [*_without(in_query), *own.items()]
            signed = self.signed(pairs)
            request = replace(request, target=f"{path}?{encoded(signed)}")
        elif kind.startswith(FORM_TYPE[1]):
            text = request.body.decode("utf-8", "replace")
            pairs = [*_without(parse_qsl(text, keep_blank_values=True)), *own.items()]
            signed = self.signed([*in_query, *pairs])
            request = replace(request, body=encoded([*pairs, signed[-1]]).encode())
        else:
            try:
                body = json.loads(request.body)
            except (ValueError, RecursionError):
                return request
            if not isinstance(body, dict):
                return request
            body = {k: v for k, v in body.items() if k != "Signature"} | own
            signed = self.signed([*in_query, *json_pairs(body)])
            body["Signature"] = signed[-1][1]
            request = replace(request, body=json.dumps(body).encode())
        hidden = self.secret_signature(signed[-1][1], signed[:-1], UNCHANGED)
        return replace(request, hidden=(hidden,))

    def accepted(self, exchange: Exchange) -> bool:
        """Say whether the chat was answered, by RetCode; leniently, other clauses are strict."""
        members = _members(exchange)
        if not 0 < exchange.status < 400 or members is None:
            return False
        if "RetCode" not in members:
            return "Response" in members and "Message" not in members
        code = members["RetCode"]
        return code is True or code in (0, "0")  # 1 equals true, and is a refusal

    def session_of(self, exchange: Exchange) -> Any:
        """Return the session of an answer; without one the case at hand does not apply."""
        session = self.must(exchange).members().get("SessionID")
        if session is None:
            self.skip(f"the answer has no SessionID: {shortened(exchange.body)}")
        return session

    def skip(self, reason: str) -> NoReturn:
        """Say that the case at hand does not apply."""
        self.attempts.miss(reason)
        raise NotReached(reason)

    def describe(self, exchange: Exchange) -> str:
        """Say in a line how the request was answered."""
        members = _members(exchange)
        if members is None or "RetCode" not in members:
            return super().describe(exchange)
        said = members.get("Message", members.get("Msg", ""))
        return f"HTTP {exchange.status}, RetCode {members['RetCode']!r}: {shortened(said)}"

    def code(self, exchange: Exchange) -> object:
        """Return the RetCode, None where there is none."""
        return (_members(exchange) or {}).get("RetCode")


def encoded(pairs: Pairs) -> str:
    """Return the pairs as a query string or a form; everything but letters and digits escaped."""
    return "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in pairs)


def shell_format(text: str) -> str:
    """Return a text as the quoted format of `printf`, whatever bytes are in it."""
    written: list[str] = []
    for byte in text.encode("utf-8", "surrogatepass"):
        char = chr(byte)
        # A shell takes a format that begins with a hyphen for an option.
        if byte < 0x20 or byte >= 0x7F or char in "'\\" or (char == "-" and not written):
            written.append(f"\\{byte:03o}")
        else:
            written.append("%%" if char == "%" else char)
    return "'" + "".join(written) + "'"


def json_pairs(body: Mapping[str, Any]) -> Pairs:
    """Return the members of a JSON body as the texts that are signed; null is not sent."""
    return [(name, _signed_text(value)) for name, value in body.items() if value is not None]


def _signed_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "".join(_signed_text(item) for item in value if item is not None)
    if isinstance(value, float):
        return format(value, "f").rstrip("0").rstrip(".") if value % 1 else str(int(value))
    return value if isinstance(value, str) else json.dumps(value)


def _request(pairs: Pairs, way: Way) -> Request:
    if way == "get":
        return Request("GET", f"/?{encoded(pairs)}", operation="run_mv_chat_get")
    operation = "run_mv_chat_post"
    if way == "form":
        return Request("POST", "/", (FORM_TYPE,), encoded(pairs).encode(), operation)
    if way == "json":
        body: dict[str, Any] = dict(pairs)
    else:
        lists = {name: [v for n, v in pairs if n.startswith(f"{name}.")] for name in _LISTS}
        body = {**{n: v for n, v in pairs if n.partition(".")[0] not in _LISTS}, **lists}
    return Request("POST", "/", (JSON_TYPE,), json.dumps(body).encode(), operation)


_LISTS = ("Role", "Content")


def _as_lists(pairs: Pairs) -> Pairs:
    joined = [(name, "".join(v for n, v in pairs if n.startswith(f"{name}."))) for name in _LISTS]
    return [*joined, *(pair for pair in pairs if pair[0].partition(".")[0] not in _LISTS)]


def _without(pairs: Pairs) -> Pairs:
    return [pair for pair in pairs if pair[0] not in ("Signature", "PublicKey")]


def _escaped(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _members(exchange: Exchange) -> dict[str, Any] | None:
    try:
        found = json.loads(exchange.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

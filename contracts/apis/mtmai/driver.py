"""How a client speaks mtmai: five operations below a tenant, and three ways to be let in."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from ...driver import Driver
from ...model import Contract, ContractError, Exchange, Hidden, NotReached, Recipe, Request
from ...recipes import Step, changed
from ...target import Target
from . import answers

Way = Literal["bearer", "basic", "cookie"]
WAYS: Mapping[Way, tuple[str, ...]] = {
    "bearer": ("token",),
    "basic": ("username", "password"),
    "cookie": ("cookie",),
}
"""The ways to be let in, the one that a client prefers first, and the credentials of each."""

COOKIE = "hatchet"

OPERATIONS: Mapping[str, tuple[str, str]] = {
    "chat_list": ("GET", ""),
    "chat_create_chat_session": ("POST", ""),
    "chat_get": ("GET", "/{chat}"),
    "chat_update_chat_session": ("PUT", "/{chat}"),
    "chat_messages": ("GET", "/{chat}/messages"),
}
READS = ("chat_list", "chat_get", "chat_messages")
CHATS = ("chat_get", "chat_update_chat_session", "chat_messages")
WRITES = ("chat_create_chat_session", "chat_update_chat_session")
"""What operations do; those in CHATS are about a session that there is."""

ACCEPT = ("Accept", "application/json")
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Change:
    """Something done to a secret: in a recipe, and within a POSIX shell's double quotes."""

    name: str
    then: tuple[Step, ...]
    shell: str

    def apply(self, secret: str) -> str:
        """Return the secret as it is sent."""
        return changed(secret, self.then)


UNCHANGED = Change("", (), "${{{0}}}")
LENGTHENED = Change(" with x at its end", (("append", "x"),), "${{{0}}}x")
SHORTENED = Change(" without its last character", (("but_last", 1),), "${{{0}%?}}")
OTHER_CASE = Change(
    " in the other case", (("other_case",),), '$(printf %s "${{{0}}}" | tr A-Za-z a-zA-Z)'
)
CHANGES = (LENGTHENED, SHORTENED, OTHER_CASE)


@dataclass(frozen=True, slots=True)
class Word:
    """A part of a credential: its value, what it is within a shell's double quotes, its recipe.

    `label` is what reports show of a secret; what was made up has none.
    """

    value: str
    shell: str
    recipe: Recipe
    label: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a caller shows to be let in: lines of the header, and the secrets in them."""

    headers: tuple[tuple[str, str], ...] = ()
    hidden: tuple[Hidden, ...] = ()

    def with_(self, other: Proof) -> Proof:
        """Return both proofs in one request."""
        return Proof(self.headers + other.headers, self.hidden + other.hidden)


NOTHING = Proof()


def made_up(text: str) -> Word:
    """Return letters and digits that are nobody's secret."""
    return Word(text, text, Recipe(text=text))


def bearer(token: Word) -> Proof:
    """Return the proof of who has a token."""
    return Proof((("Authorization", f"Bearer {token.value}"),), _hidden(token))


def cookie(value: Word) -> Proof:
    """Return the proof of who has the value of the cookie."""
    return Proof((("Cookie", f"{COOKIE}={value.value}"),), _hidden(value))


def basic(username: Word, password: Word) -> Proof:
    """Return the proof of who has a password; together they are as secret as the password."""
    encoded = _basic(username.value, password.value)
    shell = f"printf %s \"{username.shell}:{password.shell}\" | base64 | tr -d '\\n'"
    recipe = Recipe(made="basic", parts=(username.recipe, password.recipe))
    secret = Hidden(encoded, "<basic credentials>", f'"$({shell})"', recipe)
    return Proof((("Authorization", f"Basic {encoded}"),), (secret,))


def _hidden(word: Word) -> tuple[Hidden, ...]:
    secret = Hidden(word.value, word.label, f'"{word.shell}"', word.recipe)
    return (secret,) if word.label else ()


def _basic(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


class MtmaiDriver(Driver):
    """One tenant, and the credentials that open it."""

    secret_headers = frozenset({"authorization", "cookie"})
    volatile = frozenset({"id", "createdAt", "updatedAt"})
    shared_lists = frozenset({"rows"})
    prose = frozenset({"content"})

    def __init__(self, contract: Contract, target: Target, credentials: Mapping[str, str]) -> None:
        """Raise ContractError where there is no way to be let in; empty counts as not given."""
        given = {name: value for name, value in credentials.items() if value}
        super().__init__(contract, target, given)
        self._proof: Proof | None = None
        self._preferred: Way | None = None
        self._given = tuple(way for way, names in WAYS.items() if all(map(given.get, names)))
        if not self._given:
            names = [self.contract.variable(name) for names in WAYS.values() for name in names]
            raise ContractError(
                f"there is no way to authenticate: set {names[0]}, or {names[1]} and {names[2]}, "
                f"or {names[3]}"
            )

    @property
    def tenant(self) -> str:
        """The tenant that requests are about."""
        return self.credentials["tenant"]

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways that there are credentials for; the one that requests take comes first."""
        if self._preferred is None:
            return self._given
        return self._preferred, *(way for way in self._given if way != self._preferred)

    def word(self, name: str, change: Change = UNCHANGED) -> Word:
        """Return a credential, or what a change makes of it."""
        variable = self.contract.variable(self.prefix + name)
        return Word(
            change.apply(self.credentials[name]),
            change.shell.format(variable),
            Recipe(credential=self.prefix + name, then=change.then),
            f"${variable}{change.name}",
        )

    def make_anew(self, made: str, parts: Sequence[str]) -> str:
        """Make what basic authentication shows, of a name and a password."""
        if made != "basic" or len(parts) != 2:
            return super().make_anew(made, parts)
        return _basic(*parts)

    def proof(self, way: Way) -> Proof:
        """Return what is shown to be let in that way."""
        if way == "bearer":
            return bearer(self.word("token"))
        if way == "basic":
            return basic(self.word("username"), self.word("password"))
        return cookie(self.word("cookie"))

    def with_credentials(self, credentials: Mapping[str, str], prefix: str = "") -> MtmaiDriver:
        """Return a client with these credentials; it notes its exchanges here."""
        twin = super().with_credentials(credentials, prefix)
        assert isinstance(twin, MtmaiDriver)
        twin._preferred = self._preferred if self._preferred in twin._given else None
        twin._proof = self._proof
        return twin

    def showing(self, proof: Proof) -> MtmaiDriver:
        """Return a client that shows this proof, whatever credentials it has."""
        twin = self.with_credentials(self.credentials, self.prefix)
        twin._proof = proof
        return twin

    def at(self, tenant: str) -> MtmaiDriver:
        """Return a client with the same credentials that asks about another tenant."""
        return self.with_credentials({**self.credentials, "tenant": tenant}, self.prefix)

    def other(self) -> MtmaiDriver:
        """Return the second caller; the case does not apply where there is none to be let in."""
        given = {
            name.removeprefix("other_"): value
            for name, value in self.credentials.items()
            if name.startswith("other_")
        }
        if not any(all(map(given.get, names)) for names in WAYS.values()):
            self.skip("the second caller has no way to authenticate")
        if given["tenant"] == self.tenant:
            self.skip("the second caller's tenant is the first one's")
        return self.with_credentials(given, "other_")

    def skip(self, reason: str) -> NoReturn:
        """Say that the case at hand does not apply."""
        self.attempts.miss(reason)
        raise NotReached(reason)

    def ask(self, operation: str, chat: str = "", body: Any = None) -> Exchange:
        """Call an operation by its name; what it does not need is left out."""
        return self.send(self.request(operation, chat, {} if body is None else body))

    def request(self, operation: str, chat: str = "", body: Any = None) -> Request:
        """Return the request of an operation; a body of bytes is sent as it is."""
        method, path = OPERATIONS[operation]
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        text = text if operation in WRITES else b""
        return self.raw(method, path.format(chat=_segment(chat)), text, operation)

    def raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        operation: str | None = None,
        content_type: str | None = JSON_TYPE,
    ) -> Request:
        """Return a request below the tenant's sessions, with what is shown to be let in."""
        proof = self.proof(self.ways[0]) if self._proof is None else self._proof
        typed = (("Content-Type", content_type),) if content_type and method != "GET" else ()
        target = f"/api/v1/tenants/{_segment(self.tenant)}/chats{path}"
        headers = (ACCEPT, *typed, *proof.headers)
        return Request(method, target, headers, body, operation, proof.hidden)

    def chats(self) -> Exchange:
        """List the tenant's sessions."""
        return self.ask("chat_list")

    def create(self, body: Mapping[str, Any]) -> Exchange:
        """Create a session."""
        return self.ask("chat_create_chat_session", body=body)

    def get(self, chat: str) -> Exchange:
        """Read a session."""
        return self.ask("chat_get", chat)

    def update(self, chat: str, body: Mapping[str, Any]) -> Exchange:
        """Update a session."""
        return self.ask("chat_update_chat_session", chat, body)

    def messages(self, chat: str) -> Exchange:
        """Read a session's messages."""
        return self.ask("chat_messages", chat)

    def new_chat(self, name: str = "Travel plans") -> str:
        """Create a session to build on, and return its id."""
        return self.id_of(self.must(self.create({"name": name})))

    def nobodys_id(self) -> str:
        """Return an id that no session has and nobody asked for before: made from a new one's."""
        return str(uuid5(NAMESPACE_URL, self.new_chat()))

    def id_of(self, exchange: Exchange) -> str:
        """Return the id of the session in an answer; the case does not apply where it has none."""
        found = answers.identifier(answers.members(exchange))
        return found or self.skip("the session came without an id to go on with")

    def name(self, chat: str, otherwise: str) -> str:
        """Return the name that a session reads, and `otherwise` where it reads none."""
        return answers.name_of(answers.members(self.must(self.get(chat))), otherwise)

    def listed(self, chat: str) -> list[answers.Resource]:
        """Return the list's rows of a session; the case does not apply where rows have no id."""
        rows = answers.rows(self.must(self.chats()))
        found = [row for row in rows if answers.identifier(row) == chat]
        if not found and any(answers.identifier(row) is None for row in rows):
            self.skip("sessions in the list have no id to know them by")
        return found

    def accepted(self, exchange: Exchange) -> bool:
        """Say whether it was done, by any status of success; which one it is, a clause judges."""
        return 200 <= exchange.status < 300

    def authorize(self, request: Request) -> Request:
        """Put the credentials on a request that was made elsewhere."""
        proof = self.proof(self.ways[0])
        bare = self.without(self.without(request, "Authorization"), "Cookie")
        return replace(bare, headers=bare.headers + proof.headers, hidden=proof.hidden)

    def probe(self) -> Exchange:
        """List the sessions; the first way that lets us in is the one that later requests take."""
        tried = []
        for way in self.ways:
            tried.append(self.showing(self.proof(way)).chats())
            if self.accepted(tried[-1]):
                self._preferred = way
                return tried[-1]
        return tried[0]

    def say(self, text: str) -> Exchange:
        """Send any text as a name."""
        return self.create({"name": text})

    def send_body(self, body: bytes, content_type: str | None) -> Exchange:
        """Send a body as it is where a session is created."""
        return self.send(self.raw("POST", "", body, content_type=content_type))

    def existing(self, operation: str) -> Mapping[str, Any]:
        """Return the tenant, and a session of ours where the operation is about one."""
        tenant = {"tenant": self.tenant}
        if operation not in CHATS:
            return tenant
        chat = self.new_chat()
        return {**tenant, "chat": chat, "chatId": chat}


def _segment(text: str) -> str:
    return quote(text, safe="")

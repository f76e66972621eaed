"""Tenants' chat sessions: five operations, three ways to authenticate."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from werkzeug.exceptions import HTTPException

from ...model import Answer, Api, Call, Identity, Operation, Refusal, member_of
from ...replies import Reply
from ...store import Record, Scope
from . import conversations, credentials, recordings
from .bodies import ChatSessionUpdate, read_json, read_update
from .credentials import Credentials
from .times import rfc3339

CHATS = "/api/v1/tenants/<tenant>/chats"

# The client writes a slash in an id as %2F, and a WSGI server hands it over as a slash: without
# `path` such a chat would be no path of ours, and not be refused for want of credentials.
CHAT = f"{CHATS}/<path:chat>"

# Our choice: the document says neither how a session is called that nobody named, nor what
# versions look like.
UNNAMED = "New chat"
VERSION = "1"


class Emulator(Api):
    """Who asks, for which tenant, about which session; then one of the five operations."""

    name: ClassVar[str] = "mtmai"
    title: ClassVar[str] = "mtmaisdk ChatApi"
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("chat_list", "GET", CHATS),
        Operation("chat_create_chat_session", "POST", CHATS),
        Operation("chat_get", "GET", CHAT),
        Operation("chat_update_chat_session", "PUT", CHAT),
        Operation("chat_messages", "GET", f"{CHAT}/messages"),
    )
    identities: ClassVar[tuple[Identity, ...]] = (
        {
            "tenant": "707d0855-80ab-4e1f-a156-f1c4546cbf52",
            "token": "counterfoil-token",
            "username": "counterfoil",
            "password": "counterfoil-password",
            "cookie": "counterfoil-cookie",
        },
        {
            "tenant": "2b1d5c0e-94f7-4c3a-8d26-6e0f7a9b8c14",
            "token": "counterfoil-other-token",
            "username": "counterfoil-other",
            "password": "counterfoil-other-password",
            "cookie": "counterfoil-other-cookie",
        },
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"token", "password", "cookie"})
    concealed = credentials.IN_TEXT
    reply_fields: ClassVar[frozenset[str]] = frozenset({"version", "team"})

    def answer(self, call: Call) -> Answer:
        """Answer one operation; the tenant goes before the session, so that ids stay hidden."""
        tenant, chat = call.path["tenant"], call.path.get("chat", "")
        self.authenticate(call, tenant)
        scope = self.find_scope(tenant)
        match call.operation:
            case "chat_list":
                return self.chat_list(scope)
            case "chat_create_chat_session":
                return self.chat_create_chat_session(scope, call)
            case "chat_get":
                return self.chat_get(scope, chat)
            case "chat_update_chat_session":
                return self.chat_update_chat_session(scope, chat, call)
            case _:
                return self.chat_messages(scope, chat)

    # Who asks.

    def authenticate(self, call: Call, tenant: str) -> None:
        """Refuse (403) whoever brings no credential of the tenant; one that is right is enough."""
        if not self.world.settings.authenticate:
            return
        brought = credentials.read(call.request.headers)
        if any(self.accepts(owner, brought) for owner in self.owners(tenant)):
            return
        call.remarks.append(credentials.diagnose(brought, tenant, self.world.identities))
        raise Refusal(self.forbidden(tenant, brought), status=403)

    def credential_of(self, call: Call) -> str:
        """Return the credentials that the headers bring."""
        return repr(credentials.read(call.request.headers))

    def session_of(self, call: Call) -> str:
        """Return the tenant, the credentials and the session that the path names."""
        brought = credentials.read(call.request.headers)
        return repr((call.path.get("tenant", ""), self.conversation_of(call), brought))

    def conversation_of(self, call: Call) -> str:
        """Return the session that the path names."""
        return call.path.get("chat", "")

    def question_of(self, call: Call) -> str | None:
        """Return the name that a session is made with: its messages depend on it."""
        if call.operation != "chat_create_chat_session":
            return None
        try:
            name = self.read_update(call).name
        except (Refusal, HTTPException):
            return None
        return UNNAMED if name is None else name

    def conversation_begun(self, answer: Answer) -> str:
        """Return the session that was made."""
        return member_of(answer, "metadata", "id")

    def owners(self, tenant: str) -> list[Identity]:
        """Return those whose credentials open the tenant."""
        return [caller for caller in self.world.identities if caller["tenant"] == tenant]

    def accepts(self, owner: Identity, brought: Credentials) -> bool:
        """Say whether one of the three ways lets the caller in."""
        return (
            self.accepts_bearer(owner, brought)
            or self.accepts_basic(owner, brought)
            or self.accepts_cookie(owner, brought)
        )

    def accepts_bearer(self, owner: Identity, brought: Credentials) -> bool:
        """Say whether the bearer token is the owner's."""
        return credentials.same(brought.bearer, owner["token"])

    def accepts_basic(self, owner: Identity, brought: Credentials) -> bool:
        """Say whether username and password are the owner's."""
        return (
            brought.basic is not None
            and credentials.same(brought.basic[0], owner["username"])
            and credentials.same(brought.basic[1], owner["password"])
        )

    def accepts_cookie(self, owner: Identity, brought: Credentials) -> bool:
        """Say whether a cookie of the right name has the owner's value."""
        return any(credentials.same(value, owner["cookie"]) for value in brought.cookies)

    def forbidden(self, tenant: str, brought: Credentials) -> str:
        """Return what a caller is told who is not let in: the same for unknown tenants."""
        return credentials.advice(brought)

    def find_scope(self, tenant: str) -> Scope:
        """Return whose sessions these are: the tenant's."""
        return (self.name, tenant)

    def scope_of_caller(self, identity: Identity) -> Scope:
        """Return where the sessions of a caller's tenant are."""
        return self.find_scope(identity["tenant"])

    # The operations.

    def chat_list(self, scope: Scope) -> Answer:
        """Answer with the tenant's sessions."""
        return self.write(self.show_list(self.list_sessions(scope)))

    def chat_create_chat_session(self, scope: Scope, call: Call) -> Answer:
        """Make a session and answer with it."""
        return self.write(self.show_session(self.create_session(scope, self.read_update(call))))

    def chat_get(self, scope: Scope, chat: str) -> Answer:
        """Answer with one session."""
        return self.write(self.show_session(self.find_session(scope, chat)))

    def chat_update_chat_session(self, scope: Scope, chat: str, call: Call) -> Answer:
        """Change a session and answer with it."""
        self.find_session(scope, chat)
        update = self.read_update(call)
        return self.write(self.show_session(self.update_session(scope, chat, update)))

    def chat_messages(self, scope: Scope, chat: str) -> Answer:
        """Answer with the messages of one session."""
        return self.write(self.show_messages(self.find_session(scope, chat)))

    # What is read.

    def read_update(self, call: Call) -> ChatSessionUpdate:
        """Return the body of create and update, or refuse it (400)."""
        return self.check_update(self.read_body(call))

    def read_body(self, call: Call) -> object:
        """Return the body's JSON value."""
        return read_json(call.request.mimetype, call.request.get_data())

    def check_update(self, body: object) -> ChatSessionUpdate:
        """Refuse a body that is no ChatSessionUpdate, naming the field."""
        return read_update(body)

    # Sessions.

    def now(self) -> int:
        """Return the clock's time in microseconds."""
        return round(self.world.clock.now() * 1_000_000)

    def find_session(self, scope: Scope, chat: str) -> Record:
        """Return the session, or refuse (404)."""
        return _found(self.world.store.read(scope, chat))

    def list_sessions(self, scope: Scope) -> list[Record]:
        """Return the tenant's sessions, the newest first (our choice)."""
        newest_first = reversed(self.world.store.records(scope))
        return sorted(newest_first, key=lambda session: -int(session["created"]))

    def create_session(self, scope: Scope, update: ChatSessionUpdate) -> Record:
        """Keep a new session; the fixture for its name says which messages are in it."""
        name = UNNAMED if update.name is None else update.name
        reply = self.world.replies.choose(name)
        now = self.now()
        session = {
            "id": self.make_id(scope, name),
            "name": name,
            "version": VERSION,
            **reply.fields,
            "created": now,
            "updated": now,
            "messages": conversations.seeded(name, reply),
        }
        self.world.store.change(scope, session["id"], lambda _: session)
        return session

    def make_id(self, scope: Scope, name: str) -> str:
        """Return the id of a new session; it depends on the name and how often that came before."""
        named = f"session {self.world.number(name):032x}"
        return self.uuid(*scope, named, self.world.store.count(scope, named))

    def uuid(self, *parts: object) -> str:
        """Return the UUID that belongs to `parts`."""
        return str(uuid.UUID(int=self.world.number(*parts), version=4))

    def update_session(self, scope: Scope, chat: str, update: ChatSessionUpdate) -> Record:
        """Keep and return the changed session."""
        return _found(
            self.world.store.change(
                scope, chat, lambda session: self.changed(_found(session), update)
            )
        )

    def changed(self, session: Record, update: ChatSessionUpdate) -> Record:
        """Return the session after an update; time moves on even where the clock stands still."""
        return {
            **session,
            "name": session["name"] if update.name is None else update.name,
            "updated": max(self.now(), session["updated"] + 1),
        }

    # What is written.

    def show_list(self, sessions: list[Record]) -> dict[str, Any]:
        """Return a ChatSessionList."""
        return {"rows": [self.show_row(session) for session in sessions]}

    def show_row(self, session: Record) -> dict[str, Any]:
        """Return a ChatSession as it stands in the list."""
        return self.show_session(session)

    def show_session(self, session: Record) -> dict[str, Any]:
        """Return a ChatSession."""
        optional = {"team": session["team"]} if "team" in session else {}
        return {
            "metadata": self.show_metadata(session["id"], session["created"], session["updated"]),
            "name": session["name"],
            "version": session["version"],
            **optional,
        }

    def show_messages(self, session: Record) -> dict[str, Any]:
        """Return ChatMessages, in the order in which they happened."""
        return {
            "messages": [
                self.show_message(session, place) for place in range(len(session["messages"]))
            ]
        }

    def show_message(self, session: Record, place: int) -> dict[str, Any]:
        """Return a ChatMessage; each is a microsecond later than the one before (our choice)."""
        happened = session["created"] + place
        return {
            "metadata": self.show_metadata(
                self.uuid("message", session["id"], place), happened, happened
            ),
            **session["messages"][place],
        }

    def show_metadata(self, id: str, created: int, updated: int) -> dict[str, Any]:
        """Return a resource meta."""
        return {"id": id, "createdAt": rfc3339(created), "updatedAt": rfc3339(updated)}

    def show_refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Return a bare error for 403, and a list of them for everything else."""
        if refusal.status == 403:
            return {"description": refusal.reason}
        problems = refusal.detail or [{"description": refusal.reason}]
        return {"errors": problems}

    def write(self, value: Mapping[str, Any]) -> Answer:
        """Write a success: always exactly 200, for the client takes nothing else."""
        return _json(200, value)

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Write an error."""
        return _json(refusal.status, self.show_refusal(refusal)).with_headers(*refusal.headers)

    @classmethod
    def check_reply(cls, reply: Reply) -> None:
        """Refuse fixtures that are no conversation of this API."""
        conversations.check(reply)

    @classmethod
    def read_recording(cls, exchanges: list[dict[str, Any]]) -> list[Reply]:
        """Return, by the session's name, the messages that were recorded of it."""
        return recordings.read(exchanges)


def _found(session: Record | None) -> Record:
    if session is None:
        raise Refusal("chat not found", status=404)
    return session


def _json(status: int, value: Mapping[str, Any]) -> Answer:
    return Answer(status, orjson.dumps(value), (("Content-Type", "application/json"),))

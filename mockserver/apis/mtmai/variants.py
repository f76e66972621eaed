"""Honest servers that differ: in what neither the document nor its client says."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ...manners import everyday, mannered, relabelling, spoken, with_content_type
from ...model import Answer, Api, Call, Refusal
from ...store import Record, Scope
from ...variants import variant
from . import Emulator, credentials
from .bodies import ChatSessionUpdate, refused
from .credentials import Credentials
from .times import EPOCH

EVERYDAY = [*everyday(Emulator), *spoken(Emulator)]

JSON_KINDS = [
    mannered(
        Emulator,
        "vendor_json",
        "Labels answers with a JSON type of its own.",
        relabelling(lambda kind: "application/vnd.mtmai.v1+json"),
    ),
]


# Ids.


def _naming(what: str, sentence: str, write: Callable[[int], str]) -> type[Api]:
    @variant(f"mtmai.{what}", sentence)
    class Naming(Emulator):
        def uuid(self, *parts: object) -> str:
            """Write the same number in another way."""
            return write(self.world.number(*parts))

    return Naming


NAMING = [
    _naming(
        "upper_case_ids",
        "Has UUIDs in capitals.",
        lambda n: str(uuid.UUID(int=n, version=4)).upper(),
    ),
    _naming("hex_ids", "Has UUIDs without hyphens.", lambda n: f"{n:032x}"),
    _naming("numbers", "Has numbers for ids, written as texts.", lambda n: str(n % 10**18)),
    _naming("prefixed_ids", "Has ids that say what they are of.", lambda n: f"chat_{n % 2**80:x}"),
    _naming(
        "odd_ids", "Has ids that have to be escaped in a path.", lambda n: f"é {n % 2**90:x}?#"
    ),
]


# Times.


def _timed(what: str, sentence: str, write: Callable[[int], str]) -> type[Api]:
    @variant(f"mtmai.{what}", sentence)
    class Timed(Emulator):
        def show_metadata(self, id: str, created: int, updated: int) -> dict[str, Any]:
            """Write the same times in another way."""
            shown = super().show_metadata(id, created, updated)
            return {**shown, "createdAt": write(created), "updatedAt": write(updated)}

    return Timed


def _moment(microseconds: int, timespec: str, zone: str, hours: float = 0) -> str:
    moment = EPOCH + timedelta(microseconds=microseconds, hours=hours)
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + zone


TIMES = [
    _timed("offset_for_z", "Writes +00:00 for Z.", lambda t: _moment(t, "microseconds", "+00:00")),
    _timed("seconds", "Writes times to the second.", lambda t: _moment(t, "seconds", "Z")),
    _timed(
        "milliseconds", "Writes times in thousandths.", lambda t: _moment(t, "milliseconds", "Z")
    ),
    _timed(
        "nanoseconds",
        "Writes times with nine digits after the point.",
        lambda t: _moment(t, "microseconds", "000Z"),
    ),
    _timed(
        "no_idle_digits",
        "Writes of a second only the digits that it needs, as Go does.",
        lambda t: (
            _moment(t, "microseconds", "").rstrip("0").rstrip(".") + "Z"
            if t % 1_000_000
            else _moment(t, "seconds", "Z")
        ),
    ),
    _timed(
        "shanghai",
        "Writes the time of Shanghai.",
        lambda t: _moment(t, "microseconds", "+08:00", 8),
    ),
    _timed(
        "zones_mixed",
        "Writes each time in whatever zone it was stored.",
        lambda t: (
            _moment(t, "microseconds", "+08:00", 8)
            if t // 1000 % 2
            else _moment(t, "microseconds", "-05:00", -5)
        ),
    ),
    _timed(
        "small_letters",
        "Writes a small t and z into its times, as RFC 3339 allows.",
        lambda t: _moment(t, "microseconds", "z").lower(),
    ),
]


@variant("mtmai.clock_ahead")
class ClockAhead(Emulator):
    """Has a clock that is a day ahead."""

    def now(self) -> int:
        """Return the server's own time."""
        return super().now() + 86_400_000_000


@variant("mtmai.clock_behind")
class ClockBehind(Emulator):
    """Has a clock that is ten years behind."""

    def now(self) -> int:
        """Return the server's own time."""
        return super().now() - 315_360_000_000_000


# What is shown.


def _showing(what: str, sentence: str, other: Callable[[Record], dict[str, Any]]) -> type[Api]:
    """Return a variant that shows some fields of a session otherwise."""

    @variant(f"mtmai.{what}", sentence)
    class Showing(Emulator):
        def show_session(self, session: Record) -> dict[str, Any]:
            """Show some fields otherwise."""
            return {**super().show_session(session), **other(session)}

    return Showing


SHOWING = [
    _showing(
        "semantic_versions",
        "Writes versions like v1.2.0-rc.1.",
        lambda s: {"version": "v1.2.0-rc.1"},
    ),
    _showing("empty_versions", "Has nothing to say in version.", lambda s: {"version": ""}),
    _showing("null_team", "Writes null for the team that there is not.", lambda s: {"team": None}),
    _showing("teams", "Names a team in every session.", lambda s: {"team": "Reisebüro 旅"}),
]


def _ordered(what: str, sentence: str, order: Callable[[list[Record]], list[Record]]) -> type[Api]:
    @variant(f"mtmai.{what}", sentence)
    class Ordered(Emulator):
        def list_sessions(self, scope: Scope) -> list[Record]:
            """Return them in another order."""
            return order(super().list_sessions(scope))

    return Ordered


ORDERED = [
    _ordered("oldest_first", "Lists the oldest session first.", lambda found: found[::-1]),
    _ordered(
        "listed_by_name",
        "Lists sessions in the order of their names.",
        lambda found: sorted(found, key=lambda session: str(session["name"])),
    ),
]


@variant("mtmai.list_with_metadata")
class ListWithMetadata(Emulator):
    """Gives the list itself metadata."""

    def show_list(self, sessions: list[Record]) -> dict[str, Any]:
        """Put them before the rows."""
        metadata = self.show_metadata(self.uuid("list"), 0, self.now())
        return {"metadata": metadata, **super().show_list(sessions)}


def _named(what: str, sentence: str, unnamed: str) -> type[Api]:
    @variant(f"mtmai.{what}", sentence)
    class Named(Emulator):
        def create_session(self, scope: Scope, update: ChatSessionUpdate) -> Record:
            """Call by another name what nobody named."""
            name = unnamed if update.name is None else update.name
            return super().create_session(scope, update.model_copy(update={"name": name}))

    return Named


NAMED = [
    _named("unnamed_in_chinese", "Calls a session that nobody named 新的聊天.", "新的聊天"),
    _named("unnamed_is_empty", "Gives a session that nobody named an empty name.", ""),
]


def _telling(what: str, sentence: str, tell: Callable[[list[Any]], list[Any]]) -> type[Api]:
    """Return a variant with other messages in its sessions."""

    @variant(f"mtmai.{what}", sentence)
    class Telling(Emulator):
        def create_session(self, scope: Scope, update: ChatSessionUpdate) -> Record:
            """Keep the session with other messages."""
            session = super().create_session(scope, update)
            other = {**session, "messages": tell(session["messages"])}
            self.world.store.change(scope, session["id"], lambda _: other)
            return other

    return Telling


TELLING = [
    _telling("no_messages", "Has no messages in a new session.", lambda messages: []),
    _telling(
        "many_messages", "Has many messages in a new session.", lambda messages: messages * 20
    ),
    _telling(
        "bare_messages",
        "Writes messages without the fields that are optional.",
        lambda messages: [{"role": m["role"], "content": m["content"]} for m in messages],
    ),
    _telling(
        "odd_messages",
        "Begins with an empty message of the system, and has null for what it does not know.",
        lambda messages: [
            {"role": "system", "content": "", "source": None, "config": None},
            *messages,
        ],
    ),
]


@variant("mtmai.messages_of_one_moment")
class MessagesOfOneMoment(Emulator):
    """Writes one and the same time for all messages of a session."""

    def show_message(self, session: Record, place: int) -> dict[str, Any]:
        """Show the time of the session."""
        shown = super().show_message(session, place)
        created = session["created"]
        return {**shown, "metadata": self.show_metadata(shown["metadata"]["id"], created, created)}


@variant("mtmai.idle_updates")
class IdleUpdates(Emulator):
    """Leaves updatedAt as it was where an update changes nothing."""

    def changed(self, session: Record, update: ChatSessionUpdate) -> Record:
        """Return the same session for the same name."""
        changes = update.name not in (None, session["name"])
        return super().changed(session, update) if changes else session


# What a refusal says.


def _refusing(what: str, sentence: str, other: Callable[[Answer], Answer]) -> type[Api]:
    @variant(f"mtmai.{what}", sentence)
    class Refusing(Emulator):
        def refuse(self, call: Call, refusal: Refusal) -> Answer:
            """Write it in another way."""
            return other(super().refuse(call, refusal))

    return Refusing


def _retold(answer: Answer, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Answer:
    """Return a refusal with each of its errors changed."""
    body = json.loads(answer.body_bytes())
    told: object = change(body)
    if "errors" in body:
        told = {"errors": [change(error) for error in body["errors"]]}
    return replace(answer, body=json.dumps(told, ensure_ascii=False).encode())


def _unauthorized(answer: Answer) -> Answer:
    if answer.status != 403:
        return answer
    challenge = ("WWW-Authenticate", 'Basic realm="chats", charset="UTF-8"')
    return replace(answer, status=401).with_headers(challenge)


def _in_words(answer: Answer) -> Answer:
    if answer.status in (400, 403):
        return answer
    return with_content_type(replace(answer, body=b"404 page not found\n"), "text/plain")


REFUSING = [
    _refusing(
        "refusals_in_chinese",
        "Says in Chinese what is wrong with a request.",
        lambda answer: _retold(answer, lambda error: {**error, "description": "请求被拒绝"}),
    ),
    _refusing(
        "coded_refusals",
        "Gives each error a code, and a page that explains it.",
        lambda answer: _retold(
            answer, lambda error: {"code": 1000, "docs_link": "https://example.com/1000", **error}
        ),
    ),
    _refusing(
        "bare_refusals",
        "Says of an error nothing but its description, which may be empty.",
        lambda answer: _retold(answer, lambda error: {"description": ""}),
    ),
    _refusing(
        "null_refusals",
        "Writes null for what it does not know of an error.",
        lambda answer: _retold(
            answer,
            lambda error: {**error, "field": None, "code": None, "docs_link": None},
        ),
    ),
    _refusing("refused_with_401", "Refuses strangers with status 401.", _unauthorized),
    _refusing("not_found_in_words", "Says in a line of text what is not found.", _in_words),
]


@variant("mtmai.refused_with_401_or_403")
class RefusedWith401Or403(Emulator):
    """Refuses with 401 whoever shows nothing, and with 403 whoever shows what is not right."""

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Tell the two apart."""
        answer = super().refuse(call, refusal)
        empty = credentials.read(call.request.headers).is_empty()
        return _unauthorized(answer) if empty else answer


@variant("mtmai.other_tenants_are_not_there")
class OtherTenantsAreNotThere(Emulator):
    """Says 404 of a tenant that the credentials do not open, if they open another."""

    def forbidden(self, tenant: str, brought: Credentials) -> str:
        """Refuse whoever is known elsewhere as if the tenant did not exist."""
        if any(self.accepts(owner, brought) for owner in self.world.identities):
            raise Refusal("tenant not found", status=404)
        return super().forbidden(tenant, brought)


# What is taken, and what is turned down.


@variant("mtmai.no_other_fields")
class NoOtherFields(Emulator):
    """Refuses fields that the client does not know."""

    def check_update(self, body: object) -> ChatSessionUpdate:
        """Name the first one."""
        found = super().check_update(body)
        if isinstance(body, dict) and (unknown := sorted(set(body) - {"metadata", "name"})):
            raise refused(unknown[0], "there is no such field")
        return found


@variant("mtmai.empty_names_refused")
class EmptyNamesRefused(Emulator):
    """Refuses a name that is empty."""

    def check_update(self, body: object) -> ChatSessionUpdate:
        """Look for a character."""
        found = super().check_update(body)
        if found.name == "":
            raise refused("name", "a name has one character or more")
        return found


@variant("mtmai.any_metadata")
class AnyMetadata(Emulator):
    """Does not look at metadata in a body."""

    def check_update(self, body: object) -> ChatSessionUpdate:
        """Take them away first."""
        if isinstance(body, dict):
            body = {name: value for name, value in body.items() if name != "metadata"}
        return super().check_update(body)

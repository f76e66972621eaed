"""Things that are created, read, changed and deleted, where the paths of a document show them.

`/things` with a POST is a collection, and `/things/{id}` a thing in it. What is kept is what the
client said, and an id; each answer shows of it what the answer's schema lets through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..model import Refusal, World
from ..store import Record, Scope
from .chance import Chance
from .coercion import Coercion
from .document import Document, Endpoint, Media
from .generation import Maker, Unmade
from .schemas import Schema

_LAST = re.compile(r"(.*)/\{([^{}/]+)\}/?")


@dataclass(frozen=True, slots=True)
class Kind:
    """Things of one collection: where it is, and by which parameter one of them is named."""

    collection: str
    parameter: str


@dataclass(frozen=True, slots=True)
class Part:
    """What an operation does with things of a kind."""

    kind: Kind
    action: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left to be shown: a thing, or things; and where a new one is."""

    thing: Mapping[str, Any] | None = None
    things: tuple[Mapping[str, Any], ...] | None = None
    location: str = ""
    kept: tuple[Scope, str] | None = None
    """Where the thing is, if what is shown of it now should be shown from now on."""


IDS = ("id", "uuid", "key", "slug")

ACTIONS = {"GET": "read", "HEAD": "read", "PUT": "replace", "PATCH": "change", "DELETE": "delete"}


def parts_of(document: Document) -> dict[str, Part]:
    """Return what each operation does with things, by its name; of most documents, few do."""
    creating = {one.path.rstrip("/"): one for one in document.endpoints if one.method == "POST"}
    kinds = {
        one.path: Kind(match[1], match[2])
        for one in document.endpoints
        if (match := _LAST.fullmatch(one.path)) and match[1] in creating
    }
    found: dict[str, Part] = {}
    for one in document.endpoints:
        kind = kinds.get(one.path)
        if kind is not None and one.method in ACTIONS:
            found[one.name] = Part(kind, ACTIONS[one.method])
    for kind in kinds.values():
        for one in document.endpoints:
            if one.path.rstrip("/") == kind.collection and one.method in ("GET", "POST"):
                found[one.name] = Part(kind, "list" if one.method == "GET" else "create")
    return found


class Resources:
    """The things of one mock; they are in the world's store, by whose credentials they are."""

    def __init__(self, document: Document, world: World) -> None:
        self._document = document
        self._world = world
        self._coercion = Coercion(document.schemas)
        self.parts = parts_of(document)

    def act(
        self, endpoint: Endpoint, scope: Scope, path: str, values: Mapping[str, str], body: Any
    ) -> Outcome | None:
        """Do what a request asks for; None where it is about no things. Raises Refusal."""
        part = self.parts.get(endpoint.name)
        if part is None:
            return None
        where = path.rstrip("/")
        if part.action == "create":
            return self._create(part.kind, endpoint, (*scope, where), where, body)
        if part.action == "list":
            found = self._world.store.records((*scope, where))
            return Outcome(things=tuple(one["thing"] for one in found if "thing" in one))
        collection, _, key = where.rpartition("/")
        return self._one(
            part, endpoint, (*scope, collection), values.get(part.kind.parameter, key), body
        )

    def _one(self, part: Part, endpoint: Endpoint, scope: Scope, key: str, body: Any) -> Outcome:
        said = _said(body)
        new = part.action == "replace" and "201" in endpoint.responses

        def step(before: Record | None) -> Record | None:
            if (before is None or "thing" not in before) and not new:
                raise Refusal(f"there is no {part.kind.parameter} {key!r}", status=404)
            if part.action == "read":
                return None
            if part.action == "delete":
                return {"gone": True}
            kept = before.get("thing", {}) if before else {}
            id = {name: kept[name] for name in kept if name == (before or {}).get("id")}
            changed = {**said, **id} if part.action == "replace" else _patched(kept, said)
            return {**(before or {}), "thing": changed}

        record = self._world.store.change(scope, key, step)
        if part.action == "delete" or record is None:
            return Outcome()
        kept = (scope, key) if part.action in ("replace", "change") else None
        return Outcome(thing=record["thing"], kept=kept)

    def keep(self, outcome: Outcome, shown: Any) -> None:
        """Keep what an answer has said of a thing, so that the next one says the same."""
        if outcome.kept is None or outcome.thing is None or not isinstance(shown, dict):
            return
        said = dict(outcome.thing)

        def step(before: Record | None) -> Record | None:
            if before is None or before.get("thing") != said:
                return None  # somebody else has changed it meanwhile
            return {**before, "thing": {**shown, **said}}

        self._world.store.change(*outcome.kept, step)

    def _create(
        self, kind: Kind, endpoint: Endpoint, scope: Scope, where: str, body: Any
    ) -> Outcome:
        said = dict(_said(body))
        name = self._id_name(kind, endpoint)
        while True:
            id = said.get(name)
            if not isinstance(id, str | int) or isinstance(id, bool):
                id = self._id(kind, name, endpoint, scope)
            said[name] = id
            taken = self._world.store.read(scope, str(id))
            if taken is None or "thing" not in taken or _said(body).get(name) == id:
                break
        self._world.store.change(scope, str(id), lambda before: {"thing": said, "id": name})
        return Outcome(said, location=f"{where}/{id}", kept=(scope, str(id)))

    def _id_name(self, kind: Kind, endpoint: Endpoint) -> str:
        """Return which member of a thing has what its path names."""
        members = self._members(self._usual_schema(endpoint))
        end = re.sub(r".*[_-]", "", kind.parameter)
        tail = re.sub(r".*[a-z](?=[A-Z])", "", kind.parameter)
        for name in (kind.parameter, "id", end, tail.lower(), "uuid", "key", "name", "slug"):
            if name in members:
                return name
        return "id"

    def _id(self, kind: Kind, name: str, endpoint: Endpoint, scope: Scope) -> str | int:
        """Return an id that nobody else has: as its schema has it, a small number if it may be."""
        world = self._world
        count = 1 + world.store.count(scope, "ids")
        schema = self._members(self._usual_schema(endpoint)).get(name, True)
        chance = Chance(world.number, "\x1e".join([*scope, "id", str(count)]))
        validator = self._document.schemas.holding(schema)
        if "integer" in self._coercion.kinds(schema) and validator.is_valid(count):
            return count
        if isinstance(schema, dict):
            schema = {"allOf": [schema, {"type": ["string", "integer"]}]}
        try:
            made = Maker(self._document.schemas, chance, plain=True).make(schema)
        except Unmade:
            made = None
        words = f"{kind.parameter}-{count}"
        if (made is None or schema is True or " " in str(made)) and validator.is_valid(words):
            return words  # an id that people can read, where its schema asks for no other
        return made if isinstance(made, str | int) else str(count)

    # Where things are in answers

    def _usual_schema(self, endpoint: Endpoint) -> Schema:
        from .answers import usual

        documented = usual(endpoint)[1]
        media = next((one for one in documented.contents.values() if one.urn), None)
        if media is None:
            return True
        schema: Schema = {"$ref": media.urn}
        for step in self.place_of_thing(media):
            schema = self._members(schema)[step]
        return schema

    def _members(self, schema: Schema) -> dict[str, Schema]:
        return self._coercion.members(schema)

    def place_of_thing(self, media: Media) -> tuple[str, ...]:
        """Return where in an answer the thing is: it is all of it, or a member that is an object.

        It is within a member where that is the only object that has an id of its own.
        """
        members = self._members({"$ref": media.urn})
        if _named(members):
            return ()
        inner = [
            name
            for name, one in members.items()
            if "object" in (kinds := self._coercion.kinds(one))
            and len(kinds) <= 2
            and _named(self._members(one))
        ]
        return (inner[0],) if len(inner) == 1 else ()

    def place_of_list(self, media: Media) -> tuple[str, ...] | None:
        """Return where in an answer the list is; None where there is none."""
        schema: Schema = {"$ref": media.urn}
        if "array" in self._coercion.kinds(schema) and "object" not in self._coercion.kinds(schema):
            return ()
        members = self._members(schema)
        arrays = [
            name
            for name, one in members.items()
            if "array" in (kinds := self._coercion.kinds(one)) and len(kinds) <= 2
        ]
        objects = [one for one in arrays if self._members(self._coercion.items(members[one]))]
        found = objects or arrays
        return (found[0],) if found else None


def _named(members: Iterable[str]) -> bool:
    return any(
        name in ("id", "uuid", "key", "slug") or name.endswith(("_id", "Id")) for name in members
    )


def _said(body: Any) -> Mapping[str, Any]:
    """Return what a body says of a thing: all of it, or its only member where that is an object."""
    if not isinstance(body, dict):
        return {} if body is None else {"value": body}
    if len(body) == 1 and isinstance(inner := next(iter(body.values())), dict):
        return inner
    return body


def _patched(before: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a thing with changes merged in (RFC 7396)."""
    found = dict(before)
    for name, value in said.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict):
            inner = found.get(name)
            found[name] = _patched(inner if isinstance(inner, dict) else {}, value)
        else:
            found[name] = value
    return found

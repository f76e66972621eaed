"""Each clause of a document has a server that breaks it, and nothing else of what it promised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request

from contracts.documents import contract_of
from contracts.model import Verdict
from contracts.runner import PROFILES, Outcome, Plan, run
from contracts.target import Target

DOCUMENT = """
openapi: 3.0.3
info: {title: Pets, version: "1"}
security: [{key: []}]
paths:
  /pets:
    get:
      operationId: list
      parameters:
        - {name: limit, in: query, required: true,
           schema: {type: integer, minimum: 1, maximum: 9}}
        - {name: kind, in: query, schema: {type: string, enum: [cat, dog]}}
      responses:
        "200":
          description: ok
          headers: {X-Total: {required: true, schema: {type: integer}}}
          content: {application/json: {schema: {type: array, items: {
            $ref: "#/components/schemas/Pet"}}}}
        "400": {$ref: "#/components/responses/Problem"}
        "401": {$ref: "#/components/responses/Problem"}
    post:
      operationId: create
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/NewPet"}}}
      responses:
        "201": {description: made, content: {application/json: {schema: {
          $ref: "#/components/schemas/Pet"}}}}
        "400": {$ref: "#/components/responses/Problem"}
        "401": {$ref: "#/components/responses/Problem"}
  /pets/{petId}:
    parameters: [{name: petId, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: get
      responses:
        "200": {description: ok, content: {application/json: {schema: {
          $ref: "#/components/schemas/Pet"}}}}
        "401": {$ref: "#/components/responses/Problem"}
        "404": {$ref: "#/components/responses/Problem"}
    delete:
      operationId: delete
      responses:
        "204": {description: gone}
        "401": {$ref: "#/components/responses/Problem"}
        "404": {$ref: "#/components/responses/Problem"}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  responses:
    Problem: {description: no, content: {application/json: {schema: {type: object,
      required: [title], properties: {title: {type: string}}}}}}
  schemas:
    NewPet: {type: object, required: [name], properties: {name: {type: string, minLength: 1},
      kind: {type: string, enum: [cat, dog], nullable: true}}}
    Pet: {allOf: [{$ref: "#/components/schemas/NewPet"}, {type: object, required: [id],
      properties: {id: {type: integer}}}]}
"""


class Pets:
    """An honest server; a defect is this class with one step replaced."""

    made = 201
    unknown = 404
    kind = "application/json"

    def __init__(self) -> None:
        self.pets: dict[int, dict[str, Any]] = {}
        self.last = 0

    def app(self) -> Any:
        app = Flask("pets")

        def called(environ: Any, start: Any) -> Any:
            with app.request_context(environ):
                return self.answer()(environ, start)

        return called

    def answer(self) -> Response:
        if not self.known():
            return self.problem(401, "who are you?")
        path = request.path
        if path == "/pets" and request.method in ("GET", "POST"):
            return self.list() if request.method == "GET" else self.create()
        id = path.removeprefix("/pets/")
        if id != path and request.method in ("GET", "DELETE"):
            number = int(id) if id.isascii() and id.isdigit() else -1
            return self.get(number) if request.method == "GET" else self.delete(number)
        return self.lost()

    def known(self) -> bool:
        return request.headers.get("X-Key") == "sesame-7"

    def lost(self) -> Response:
        return self.problem(404, "nothing there")

    def reply(self, value: Any, status: int = 200, **headers: str) -> Response:
        return Response(json.dumps(value), status, headers, content_type=self.kind)

    def problem(self, status: int, title: str) -> Response:
        return Response(json.dumps({"title": title}), status, content_type="application/json")

    def list(self) -> Response:
        limit, kind = request.args.get("limit", ""), request.args.get("kind", "cat")
        if not self.is_limit(limit) or not self.is_kind(kind):
            return self.problem(400, "which?")
        return self.reply(list(self.pets.values())[:9], **self.totals())

    def is_limit(self, limit: str) -> bool:
        return limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= 9

    def is_kind(self, kind: str) -> bool:
        return kind in ("cat", "dog")

    def totals(self) -> dict[str, str]:
        return {"X-Total": str(len(self.pets))}

    def create(self) -> Response:
        given = self.read(request.get_data())
        if given is None or not self.is_pet(given):
            return self.problem(400, "no pet")
        self.last += 1
        self.pets[self.last] = {**given, "id": self.last}
        return self.reply(self.shown(self.pets[self.last]), self.made)

    def read(self, body: bytes) -> dict[str, Any] | None:
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            return None
        return given if isinstance(given, dict) else None

    def is_pet(self, given: dict[str, Any]) -> bool:
        return self.is_named(given) and self.is_of_a_kind(given)

    def is_named(self, given: dict[str, Any]) -> bool:
        return isinstance(given.get("name"), str) and given["name"] != ""

    def is_of_a_kind(self, given: dict[str, Any]) -> bool:
        return given.get("kind") in (None, "cat", "dog")

    def shown(self, pet: dict[str, Any]) -> dict[str, Any]:
        return pet

    def get(self, id: int) -> Response:
        if id not in self.pets:
            return self.problem(self.unknown, "no such pet")
        return self.reply(self.shown(self.pets[id]))

    def delete(self, id: int) -> Response:
        if self.pets.pop(id, None) is None:
            return self.problem(404, "no such pet")
        return Response(status=204)


class NotOffered(Pets):
    def delete(self, id: int) -> Response:
        return self.problem(405, "no such method")


class Crashes(Pets):
    def list(self) -> Response:
        if request.args.get("kind") == "dog":
            return self.problem(500, "alas")
        return super().list()


class OtherSuccess(Pets):
    made = 200


class OtherRefusal(Pets):
    unknown = 410


class NoTotal(Pets):
    def totals(self) -> dict[str, str]:
        return {}


class WrongTotal(Pets):
    def totals(self) -> dict[str, str]:
        return {"X-Total": "many"}


class OtherType(Pets):
    kind = "application/javascript"


class IdAsText(Pets):
    def shown(self, pet: dict[str, Any]) -> dict[str, Any]:
        return {**pet, "id": str(pet["id"])}


class NullName(Pets):
    def shown(self, pet: dict[str, Any]) -> dict[str, Any]:
        return {**pet, "name": None}


class ProblemWithoutTitle(Pets):
    def problem(self, status: int, title: str) -> Response:
        return self.reply({"said": title}, status)


class Nameless(Pets):
    def is_named(self, given: dict[str, Any]) -> bool:
        return "name" not in given or super().is_named(given)


class AnyLimit(Pets):
    def is_limit(self, limit: str) -> bool:
        return limit == "" or super().is_limit(limit)


class AnyKind(Pets):
    def is_of_a_kind(self, given: dict[str, Any]) -> bool:
        return True


class ReadsAnything(Pets):
    def read(self, body: bytes) -> dict[str, Any] | None:
        found = super().read(body)
        return {"name": "x"} if found is None and body else found


class AnyKindAskedFor(Pets):
    def is_kind(self, kind: str) -> bool:
        return True


class OpenDoor(Pets):
    def known(self) -> bool:
        return "X-Key" not in request.headers or super().known()


class AnyKey(Pets):
    def known(self) -> bool:
        return "X-Key" in request.headers


class AnyMethod(Pets):
    def lost(self) -> Response:
        unheard = request.method not in ("GET", "POST", "PUT", "PATCH", "DELETE")
        return self.create() if unheard and request.path == "/pets" else super().lost()


class TripsOverEmoji(Pets):
    def create(self) -> Response:
        given = self.read(request.get_data()) or {}
        if any("🙂" in str(value) for value in given.values()):
            return self.problem(500, "alas")
        return super().create()


class TripsOverHalfAPair(Pets):
    def create(self) -> Response:
        if b"ud800" in request.get_data():
            return self.problem(500, "alas")
        return super().create()


class TripsOverMalformedJson(Pets):
    def read(self, body: bytes) -> dict[str, Any] | None:
        return json.loads(body)

    def answer(self) -> Response:
        try:
            return super().answer()
        except (ValueError, AttributeError):
            return self.problem(500, "alas")


EVERY = ("list", "create", "get", "delete")
BITES: dict[type[Pets], set[str]] = {
    NotOffered: {"pets.delete.offered"},
    Crashes: {"pets.list.no_server_error"},
    OtherSuccess: {"pets.create.success_status"},
    OtherRefusal: {"pets.get.refusal_status"},
    NoTotal: {"pets.list.headers"},
    WrongTotal: {"pets.list.headers"},
    OtherType: {f"pets.{one}.content_type" for one in ("list", "create", "get")},
    IdAsText: {"pets.create.body", "pets.get.body"},
    NullName: {"pets.create.body", "pets.get.body"},
    ProblemWithoutTitle: {"pets.get.body"},
    Nameless: {"pets.create.required"},
    AnyLimit: {"pets.list.required"},
    AnyKind: {"pets.create.wrong_field"},
    ReadsAnything: {"pets.create.wrong_body"},
    AnyKindAskedFor: {"pets.list.wrong_parameter"},
    OpenDoor: {f"pets.{one}.credentials" for one in EVERY},
    AnyKey: {f"pets.{one}.wrong_credentials" for one in EVERY},
    AnyMethod: {"pets.create.method"},
    TripsOverEmoji: {"pets.create.robust"},
    TripsOverHalfAPair: {"pets.create.lone_surrogate"},
    TripsOverMalformedJson: {"pets.create.robust"},
}


@pytest.fixture(scope="module")
def document(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("document") / "pets.yaml"
    path.write_text(DOCUMENT)
    return path


def judged(document: Path, server: type[Pets], only: str = "", **plan: Any) -> Outcome:
    contract = contract_of(document)
    clauses = [clause for clause in contract.clauses if only in clause.id]
    target = Target("http://pets.example", app=server().app())
    made = Plan(tuple(clauses), profile=PROFILES["standard"], **plan)
    *_, outcome = run(contract, target, {"key": "sesame-7"}, made)
    assert isinstance(outcome, Outcome)
    return outcome


def found(outcome: Outcome) -> set[str]:
    wrong = (Verdict.BROKEN, Verdict.DEVIATION, Verdict.ERROR)
    return {finding.clause.id for finding in outcome.findings if finding.verdict in wrong}


@pytest.mark.parametrize("seed", range(3))
def test_the_honest_server_is_kept(document, seed):
    assert found(judged(document, Pets, seed=seed)) == set()


@pytest.mark.parametrize("server", BITES, ids=lambda server: server.__name__)
def test_a_defect_breaks_the_clauses_that_it_should_and_no_others(document, server):
    assert found(judged(document, server)) == BITES[server]


def test_every_kind_of_clause_has_a_defect_that_it_catches(document):
    kinds = {clause.id.rpartition(".")[2] for clause in contract_of(document).clauses}
    assert kinds == {id.rpartition(".")[2] for ids in BITES.values() for id in ids}


@pytest.mark.parametrize(
    ("server", "only"),
    [(IdAsText, "pets.get.body"), (AnyKey, "pets.delete.wrong"), (NoTotal, "pets.list.headers")],
)
def test_a_clause_alone_finds_what_the_whole_suite_finds(document, server, only):
    assert len(found(judged(document, server, only))) == 1


def test_what_kindness_permits_is_a_deviation_and_breaks_nothing(document):
    for server in (OtherRefusal, AnyKind, AnyKindAskedFor, AnyMethod):
        assert judged(document, server).verdict is Verdict.KEPT


def test_the_smallest_text_that_a_server_trips_over_is_shown(document):
    outcome = judged(document, TripsOverEmoji, "pets.create.robust")
    (failure,) = [f.failure for f in outcome.findings if f.failure]
    assert json.loads(failure.exchanges[-1].request.body) == {"name": "🙂"}


def test_a_server_that_knows_nobody_is_given_up_after_a_few_calls(document):
    class Closed(Pets):
        def known(self) -> bool:
            return False

    outcome = judged(document, Closed)
    assert outcome.verdict is Verdict.UNTESTED
    assert outcome.trouble == "no operation ever accepted a request"
    assert outcome.calls < 20
    reasons = {finding.reason for finding in outcome.findings}
    assert any("HTTP 401" in reason for reason in reasons)


def test_a_server_that_has_nothing_is_not_judged(document):
    class Empty(Pets):
        def answer(self) -> Response:
            return Response("nothing here", 404)

    outcome = judged(document, Empty)
    assert outcome.verdict is Verdict.UNTESTED and found(outcome) == set()


class Stocked(Pets):
    """It has pets before anybody asks, and notes which are deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.pets, self.last = {1: {"id": 1, "name": "a"}, 2: {"id": 2, "name": "b"}}, 2
        self.deleted: list[int] = []

    def delete(self, id: int) -> Response:
        self.deleted.append(id)
        return super().delete(id)


def deleted(document: Path, values: dict[str, str], only: str = "") -> set[int]:
    server = Stocked()
    contract = contract_of(document, values)
    clauses = tuple(clause for clause in contract.clauses if only in clause.id)
    target = Target("http://pets.example", app=server.app())
    for _ in run(contract, target, {"key": "sesame-7"}, Plan(clauses)):
        pass
    return set(server.deleted)


@pytest.mark.parametrize("only", ["", "pets.delete"])
@pytest.mark.parametrize("values", [{}, {"petId": "1"}, {"get.petId": "2"}], ids=str)
def test_what_the_run_did_not_make_is_not_deleted(document, values, only):
    assert deleted(document, values, only) - {-1} and not {1, 2} & deleted(document, values, only)


def test_what_is_named_for_the_operation_that_deletes_is_deleted(document):
    assert 1 in deleted(document, {"delete.petId": "1"})

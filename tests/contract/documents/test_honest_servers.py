"""Honest servers of documents of very different make: every clause that is judged is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request

from contracts.documents import contract_of
from contracts.model import Verdict
from contracts.runner import PROFILES, Outcome, Plan, run
from contracts.target import Target

LIBRARY = """
openapi: 3.1.0
info: {title: Library, version: "1"}
security: [{token: []}, {login: []}]
paths:
  /books:
    post:
      operationId: addBook
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Item"}}}
      responses:
        "201":
          description: made
          headers: {Location: {required: true, schema: {type: string}}}
          content: {application/json: {schema: {$ref: "#/components/schemas/Stored"}}}
        "422": {$ref: "#/components/responses/No"}
    get:
      operationId: findBooks
      parameters:
        - {name: range, in: query, style: deepObject, schema: {type: object, required: [from],
           properties: {from: {type: integer}, to: {type: integer}}}}
        - {name: tags, in: query, style: pipeDelimited, explode: false,
           schema: {type: array, items: {enum: [old, new]}}}
        - {name: sort, in: query, required: true, schema: {enum: [title, year]}}
        - {name: X-Trace, in: header, schema: {type: integer}}
        - {name: session, in: cookie, required: true, schema: {type: string, minLength: 3}}
      responses:
        "200":
          description: ok
          content:
            application/json:
              schema: {type: object, required: [rows], properties: {
                rows: {type: array, items: {$ref: "#/components/schemas/Stored"}}}}
        4XX: {$ref: "#/components/responses/No"}
  /books/{book_id}:
    get:
      operationId: getBook
      parameters: [{name: book_id, in: path, required: true, schema: {type: string}}]
      responses:
        "200": {description: ok, content: {application/json: {schema: {
          $ref: "#/components/schemas/Stored"}}}}
        "404": {$ref: "#/components/responses/No"}
    patch:
      operationId: changeBook
      parameters: [{name: book_id, in: path, required: true, schema: {type: string}}]
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, minProperties: 1, properties: {
          note: {type: [string, "null"]}}}}}
      responses:
        "200": {description: ok, content: {application/json: {schema: {
          $ref: "#/components/schemas/Stored"}}}}
        default: {$ref: "#/components/responses/No"}
  /covers/{.kind}{name}:
    summary: never asked for, for nothing here is called so
    x-nothing: true
  /covers:
    post:
      operationId: addCover
      requestBody:
        required: true
        content:
          multipart/form-data: {schema: {type: object, required: [file, title], properties: {
            file: {type: string, format: binary}, title: {type: string}}}}
      responses:
        "204": {description: taken}
        "400": {$ref: "#/components/responses/No"}
  /search:
    post:
      operationId: search
      security: []
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded: {schema: {type: object, required: [q], properties: {
            q: {type: string, minLength: 1}, page: {type: integer, minimum: 1}}}}
      responses:
        "200": {description: ok, content: {text/plain: {schema: {type: string}}}}
        "400": {$ref: "#/components/responses/No"}
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
    login: {type: http, scheme: basic}
  responses:
    No: {description: no, content: {application/problem+json: {schema: {type: object,
      required: [title], properties: {title: {type: string}}}}}}
  schemas:
    Item: {oneOf: [{$ref: "#/components/schemas/Book"}, {$ref: "#/components/schemas/Map"}],
      discriminator: {propertyName: kind}}
    Book: {type: object, required: [kind, title, pages], properties: {kind: {const: book},
      title: {type: string, pattern: "^[A-Z][a-z ]+$"}, pages: {type: integer, exclusiveMinimum: 0},
      note: {type: [string, "null"]}}}
    Map: {type: object, required: [kind, scale], properties: {kind: {const: map},
      scale: {type: number, minimum: 1}, note: {type: [string, "null"]}}}
    Stored:
      allOf:
        - $ref: "#/components/schemas/Item"
        - {type: object, required: [id], properties: {id: {type: string, readOnly: true}}}
"""


def refusal(status: int, title: str) -> Response:
    body = json.dumps({"title": title})
    return Response(body, status, content_type="application/problem+json")


def item() -> dict[str, Any] | None:
    given = request.get_json(force=True, silent=True)
    if not isinstance(given, dict) or not isinstance(given.get("note"), str | None):
        return None
    if given.get("kind") == "book":
        title, pages = given.get("title"), given.get("pages")
        whole = isinstance(pages, int | float) and pages == int(pages) and pages > 0
        return given if isinstance(title, str) and title[:1].isupper() and whole else None
    scale = given.get("scale")
    good = given.get("kind") == "map" and isinstance(scale, int | float) and scale >= 1
    return given if good else None


def is_change(given: Any) -> bool:
    return isinstance(given, dict) and given != {} and isinstance(given.get("note"), str | None)


def add_books(app: Flask) -> None:
    books: dict[str, dict[str, Any]] = {}

    @app.post("/books")
    def add() -> Response:
        given = item()
        if given is None:
            return refusal(422, "no book and no map")
        id = f"b-{len(books) + 1}"
        books[id] = {**given, "id": id}
        answer = jsonify(books[id])
        answer.status_code, answer.headers["Location"] = 201, f"/books/{id}"
        return answer

    @app.get("/books")
    def find() -> Response:
        known = request.args.get("sort") in ("title", "year")
        tagged = set(request.args.get("tags", "old").split("|")) <= {"old", "new", ""}
        if not (known and tagged and len(request.cookies.get("session", "")) >= 3):
            return refusal(400, "how sorted, which tags, which session?")
        return jsonify({"rows": list(books.values())[:3], "total": len(books)})

    @app.route("/books/<id>", methods=["GET", "PATCH"])
    def one(id: str) -> Response:
        if id not in books:
            return refusal(404, "no such book")
        if request.method == "PATCH":
            given = request.get_json(force=True, silent=True)
            if not is_change(given):
                return refusal(400, "change what?")
            books[id]["note"] = given.get("note")
        return jsonify(books[id])


def add_forms(app: Flask) -> None:
    @app.post("/covers")
    def cover() -> Response:
        if "file" not in request.files or "title" not in request.form:
            return refusal(400, "a file and a title")
        return Response(status=204)

    @app.post("/search")
    def search() -> Response:
        if not request.form.get("q"):
            return refusal(400, "search for what?")
        return Response("nothing", content_type="text/plain")


def library() -> Flask:
    app = Flask("library")

    @app.before_request
    def who() -> Response | None:
        given = request.headers.get("Authorization", "")
        if request.path == "/search" or given in ("Bearer t0ken-1", "Basic YW5uOnMzY3JldA=="):
            return None
        return refusal(401, "who are you?")

    add_books(app)
    add_forms(app)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def unknown(error: Any) -> Response:
        return refusal(error.code, error.name)

    return app


OLD = """
swagger: "2.0"
info: {title: Old shop, version: "1"}
basePath: /
consumes: [application/json]
produces: [application/json]
securityDefinitions: {key: {type: apiKey, in: query, name: api_key}}
security: [{key: []}]
paths:
  /items:
    get:
      operationId: items
      parameters:
        - {name: ids, in: query, type: array, items: {type: integer}, collectionFormat: csv}
        - {$ref: "#/parameters/Size"}
      responses:
        200: {description: ok, schema: {type: array, items: {$ref: "#/definitions/Item"}},
              headers: {X-Count: {type: integer}}}
    post:
      operationId: addItem
      parameters: [{name: body, in: body, required: true, schema: {$ref: "#/definitions/Item"}}]
      responses:
        201: {description: made, schema: {$ref: "#/definitions/Item"}}
        400: {description: no}
  /items/{id}:
    parameters: [{name: id, in: path, required: true, type: integer}]
    delete:
      operationId: dropItem
      responses: {204: {description: gone}, 404: {description: never there}}
  /upload:
    post:
      operationId: upload
      consumes: [multipart/form-data]
      parameters:
        - {name: file, in: formData, type: file, required: true}
        - {name: note, in: formData, type: string}
      responses: {200: {description: ok}, 400: {description: no}}
parameters: {Size: {name: size, in: query, type: integer, minimum: 1, maximum: 50, default: 10}}
definitions:
  Item:
    type: object
    required: [name]
    properties: {id: {type: integer, readOnly: true}, name: {type: string},
                 price: {type: number, minimum: 0, exclusiveMinimum: true}, up: {$ref: "#/definitions/Item"}}
"""  # noqa: E501


def old_shop() -> Flask:
    app, items = Flask("old"), {}

    @app.before_request
    def who() -> tuple[str, int] | None:
        return None if request.args.get("api_key") == "k y&1" else ("who?", 403)

    def good(given: Any) -> bool:
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            return False
        price = given.get("price", 1)
        fine = isinstance(price, int | float) and not isinstance(price, bool) and price > 0
        return fine and ("up" not in given or good(given["up"]))

    @app.get("/items")
    def listed() -> Response:
        # It clamps what is too much, and overlooks what it cannot read, as many do.
        size = request.args.get("size", "10")
        size = min(max(int(size), 1), 50) if size.lstrip("-").isdigit() else 10
        answer = jsonify(list(items.values())[:size])
        answer.headers["X-Count"] = str(len(items))
        return answer

    @app.post("/items")
    def add() -> tuple[Response | str, int]:
        given = request.get_json(force=True, silent=True)
        if not good(given):
            return "no", 400
        id = len(items) + 1
        items[id] = {**given, "id": id}
        return jsonify(items[id]), 201

    @app.delete("/items/<int:id>")
    def drop(id: int) -> tuple[str, int]:
        return ("", 204) if items.pop(id, None) else ("never there", 404)

    @app.post("/upload")
    def upload() -> tuple[str, int]:
        return ("ok", 200) if "file" in request.files else ("no", 400)

    return app


SPARSE = """
openapi: 3.0.1
info: {title: Sparse, version: "1"}
servers: [{url: https://sparse.example/api/v2}]
paths:
  /echo:
    post:
      requestBody:
        content: {application/json: {schema: {type: object, required: [count], properties: {
          count: {type: integer}, on: {type: boolean}, kind: {enum: [yes, no]},
          when: {type: string, format: date-time}, more: {nullable: true, type: object}}}}}
      responses:
        200: {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/E"}}}}
  /users/{name}:
    get:
      parameters: [{name: name, in: path, required: true, schema: {type: string}, example: ann}]
      responses: {200: {description: ok, content: {application/json: {schema: {type: object}}}}}
    delete:
      parameters: [{name: name, in: path, required: true, schema: {type: string}, example: ann}]
      responses: {200: {description: ok}}
  /everything:
    delete: {responses: {200: {description: ok}}}
  /users/{name}/logins:
    delete:
      parameters: [{name: name, in: path, required: true, schema: {type: string}, example: ann}]
      responses: {200: {description: ok}}
  /busy:
    get: {responses: {200: {description: ok}}}
  /odd:
    get: {responses: {200: {description: ok, content: {application/json: {schema: {
      $ref: "#/components/schemas/Odd"}}}}, default: {description: no, content: {
      application/json: {schema: {type: object}}}}}}
    post: {requestBody: {required: true, content: {application/json: {schema: {
      $ref: "#/components/schemas/Odd"}}}}, responses: {405: {description: wrong}}}
  /file:
    get: {responses: {200: {description: ok, content: {application/json: {schema: {
      type: string, format: binary}}}}}}
  /moved:
    get: {responses: {200: {description: ok}}}
  /admins:
    get: {responses: {200: {description: ok}, 500: {description: alas}}}
components:
  schemas:
    Odd: {type: object, properties: {size: {type: integer, enum: ["1", "2"]},
        code: {type: string, enum: [1, 2]}, word: {type: string, pattern: "/^[a-z]+$/i"}}}
    E: {allOf: [{$ref: "#/components/schemas/A"}, {$ref: "#/components/schemas/B"}]}
    A: {type: object, additionalProperties: false, properties: {count: {type: integer}}}
    B: {type: object, required: [secret], properties: {secret: {type: string, writeOnly: true},
        kind: {enum: [yes, no], nullable: true}, self: {$ref: "#/components/schemas/E"}}}
"""  # noqa: E501


def sparse() -> Flask:
    """A server that coerces like a web framework does, and whose refusals nobody documented."""
    app = Flask("sparse")

    @app.post("/echo")
    def echo() -> tuple[Any, int]:
        given = request.get_json(force=True, silent=True)
        try:
            assert isinstance(given, dict)
            count = int(str(given["count"]).replace(".0", ""))
            assert isinstance(given.get("more"), dict | None)
            assert given.get("kind") in (None, "yes", "no")
        except (KeyError, ValueError, AssertionError):
            return {"detail": [{"msg": "no"}]}, 422
        return {"count": count, "kind": given.get("kind"), "extra": 1}, 200

    @app.get("/users/<name>")
    def user(name: str) -> tuple[Any, int]:
        return ({"name": name}, 200) if name == "ann" else ("<h1>Not Found</h1>", 404)

    @app.delete("/everything")
    @app.delete("/users/<name>/logins")
    @app.delete("/users/<name>")
    def gone(**named: str) -> tuple[Any, int]:
        raise RuntimeError("a thing that this run did not make was deleted")

    odd = {"size": 1, "code": "2", "word": "abc", "beside": None}
    app.add_url_rule("/odd", "odd", lambda: (odd, 200), methods=["GET", "POST"])
    app.add_url_rule("/file", "file", lambda: ({"a": 1}, 200))
    app.add_url_rule("/busy", "busy", lambda: ("later", 503))
    app.add_url_rule("/moved", "moved", lambda: ("", 308, {"Location": "/elsewhere"}))
    app.add_url_rule("/admins", "admins", lambda: ("not you", 403))
    return app


SERVERS: dict[str, tuple[str, Callable[[], Flask], dict[str, str]]] = {
    "library": (LIBRARY, library, {"token": "t0ken-1"}),
    "library_by_name": (LIBRARY, library, {"login": "ann:s3cret"}),
    "old_shop": (OLD, old_shop, {"key": "k y&1"}),
    "sparse": (SPARSE, sparse, {}),
}


def judged(folder: Path, name: str, profile: str, seed: int) -> Outcome:
    document, app, credentials = SERVERS[name]
    path = folder / f"{name}.yaml"
    path.write_text(document)
    contract = contract_of(path)
    target = Target("http://honest.example", app=app().wsgi_app)
    plan = Plan(contract.clauses, profile=PROFILES[profile], seed=seed)
    *_, outcome = run(contract, target, credentials, plan)
    assert isinstance(outcome, Outcome)
    return outcome


def told(outcome: Outcome) -> list[str]:
    wrong = (Verdict.BROKEN, Verdict.ERROR)
    return [f"{f.clause.id}: {f.reason}" for f in outcome.findings if f.verdict in wrong]


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("seed", range(5))
def test_an_honest_server_is_kept_whatever_the_seed(name, seed, tmp_path):
    outcome = judged(tmp_path, name, "standard", seed)
    assert told(outcome) == []
    assert outcome.verdict is Verdict.KEPT


@pytest.mark.parametrize("name", ["library", "old_shop", "sparse"])
@pytest.mark.parametrize("profile", ["quick", "thorough"])
def test_an_honest_server_is_kept_in_every_profile(name, profile, tmp_path):
    outcome = judged(tmp_path, name, profile, 11)
    assert told(outcome) == []
    assert outcome.verdict is Verdict.KEPT


@pytest.mark.parametrize("name", ["library", "library_by_name", "old_shop"])
def test_all_that_an_honest_server_offers_is_reached(name, tmp_path):
    outcome = judged(tmp_path, name, "quick", 0)
    reached, there = outcome.reached
    assert reached == there, [f.reason for f in outcome.findings if f.verdict is Verdict.UNTESTED]


def test_what_a_document_leaves_open_is_a_deviation_at_most(tmp_path):
    outcome = judged(tmp_path, "sparse", "standard", 0)
    found = Counter(f.verdict for f in outcome.findings)
    assert found[Verdict.DEVIATION] >= 1
    assert outcome.reached == (5, 11)


def test_what_was_not_reached_is_untested_and_says_what_would_help(tmp_path):
    outcome = judged(tmp_path, "sparse", "quick", 0)
    reasons = {f.clause.id: f.reason for f in outcome.findings}
    assert "503" in reasons["sparse.get_busy.success_status"]
    assert "403" in reasons["sparse.get_admins.success_status"]
    reason = reasons["sparse.delete_users_name.success_status"]
    assert reason.endswith("name a thing to lose: --value delete_users_name.name=…")

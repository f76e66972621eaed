"""The clauses of a schema: an honest server keeps all, and each defect breaks the one it should."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from contracts.driver import Driver
from contracts.model import Clause, Contract, Exchange, Finding, Request, Verdict
from contracts.openapi import schema_clauses
from contracts.runner import PROFILES, Outcome, Plan, run
from contracts.target import Budget, Target

DOCUMENT = """
openapi: 3.1.0
info: {title: Notes, version: "1"}
security: [{key: []}]
paths:
  /notes:
    post:
      operationId: create
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/NewNote"}}}
      responses:
        "201":
          description: made
          headers: {Location: {required: true, schema: {type: string, pattern: "^/notes/"}}}
          content: {application/json: {schema: {$ref: "#/components/schemas/Note"}}}
        "400": {$ref: "#/components/responses/Problem"}
    get:
      operationId: list
      parameters:
        - {name: kind, in: query, required: false, schema: {enum: [memo, task]}}
        - {name: limit, in: query, required: true, schema: {type: integer, minimum: 1, maximum: 9}}
      responses:
        "200":
          description: some
          headers: {X-Total: {required: true, schema: {type: integer}}}
          content:
            application/json:
              schema: {type: array, items: {$ref: "#/components/schemas/Note"}}
        "400": {$ref: "#/components/responses/Problem"}
  /notes/{note_id}:
    get:
      operationId: get
      parameters:
        - {name: note_id, in: path, required: true, schema: {type: string}}
      responses:
        "200":
          description: one
          content: {application/json: {schema: {$ref: "#/components/schemas/Note"}}}
        "404": {$ref: "#/components/responses/Problem"}
  /ask:
    post:
      operationId: ask
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded: {schema: {$ref: "#/components/schemas/Question"}}
          application/json: {schema: {$ref: "#/components/schemas/Question"}}
      responses:
        "200":
          description: answered or not
          content:
            application/json:
              schema:
                type: object
                required: [code]
                properties: {code: {type: integer}}
                if: {properties: {code: {const: 0}}}
                then: {required: [answer], properties: {answer: {type: string}}}
                else: {required: [message]}
  /health:
    get:
      operationId: health
      x-basis: observed
      responses:
        "200":
          description: well
          content: {application/json: {schema: {required: [ok]}}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  responses:
    Problem:
      description: no
      content: {application/json: {schema: {$ref: "#/components/schemas/Problem"}}}
  schemas:
    NewNote:
      type: object
      required: [title]
      properties:
        title:
          type: string
          minLength: 1
          x-permitted: {minLength: null, x-note: nobody says that an empty title is refused}
        kind: {type: string, enum: [memo, task]}
        pinned:
          type: boolean
          x-permitted: {type: [boolean, string]}
        tags: {type: array, items: {type: string}}
      additionalProperties: false
    Note:
      type: object
      required: [id, title]
      properties:
        id: {type: string}
        title: {type: string}
        stars: {type: integer}
        mood: {anyOf: [{const: glad}, {const: odd, x-basis: observed}]}
    Problem:
      type: object
      required: [error]
      properties:
        error: {type: string}
        hint: {type: string, x-basis: observed}
    Question:
      type: object
      required: [question]
      properties: {question: {type: string, minLength: 1}, style: {enum: [short, long]}}
"""

KEY = ("X-Key", "sesame")


class Refused(Exception):
    pass


class Notes:
    """An honest server; a defect is this class with one step replaced."""

    not_found = 404
    list_type = "application/json"
    kinds: tuple[object, ...] = ("memo", "task")
    styles: tuple[object, ...] = ("short", "long")

    def __init__(self) -> None:
        self.notes: dict[str, dict[str, Any]] = {}

    def answer(self) -> Response:
        if request.headers.get(KEY[0]) != KEY[1]:
            return self.problem("who are you?", 403)
        path = request.path
        if path == "/ask":
            return self.routed(POST=self.ask)
        if path == "/health":
            return self.routed(GET=lambda: self.reply({"ok": True}))
        if path == "/notes":
            return self.routed(POST=self.create, GET=self.list)
        if path.startswith("/notes/") and "/" not in path.removeprefix("/notes/"):
            return self.routed(GET=self.get)
        return self.unknown()

    def routed(self, **methods: Any) -> Response:
        handle = methods.get(request.method)
        return handle() if handle else self.wrong_method()

    def unknown(self) -> Response:
        return self.problem("no such path", 404)

    def wrong_method(self) -> Response:
        return self.problem("no such method", 405)

    def create(self) -> Response:
        try:
            given = self.checked(self.members())
        except Refused as refused:
            return self.problem(str(refused), 400)
        note = self.note(str(len(self.notes)), given)
        self.notes[note["id"]] = note
        return self.reply(self.written(note), 201, self.created_headers(note))

    def created_headers(self, note: Mapping[str, Any]) -> dict[str, str]:
        return {"Location": f"/notes/{note['id']}"}

    def note(self, id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"id": id, "title": given.get("title", ""), "stars": 3, "mood": "odd"}

    def written(self, note: dict[str, Any]) -> dict[str, Any]:
        return note

    def members(self) -> dict[str, Any]:
        try:
            given = json.loads(request.get_data())
        except (ValueError, RecursionError):
            raise Refused("no JSON") from None
        if not isinstance(given, dict):
            raise Refused("no object")
        return given

    def checked(self, given: dict[str, Any]) -> dict[str, Any]:
        if "title" not in given:
            raise Refused("no title")
        if not isinstance(given["title"], str):
            raise Refused("title is no text")
        if not isinstance(given.get("pinned", False), (bool, str)):
            raise Refused("pinned is no boolean")
        tags = given.get("tags", [])
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise Refused("tags are no texts")
        self.check_kind(given)
        return given

    def check_kind(self, given: Mapping[str, Any]) -> None:
        if given.get("kind", "memo") not in self.kinds:
            raise Refused("no such kind")

    def list(self) -> Response:
        try:
            limit = int(request.args.get("limit", ""))
        except ValueError:
            return self.problem("limit is no number", 400)
        if not 1 <= limit <= 9 or request.args.get("kind", "memo") not in self.kinds:
            return self.problem("no such kind or limit", 400)
        found = [self.written(note) for note in list(self.notes.values())[:limit]]
        return self.reply(found, 200, self.list_headers(), self.list_type)

    def list_headers(self) -> dict[str, str]:
        return {"X-Total": str(len(self.notes))}

    def get(self) -> Response:
        note = self.notes.get(request.path.removeprefix("/notes/"))
        return self.reply(self.written(note)) if note else self.problem("gone", self.not_found)

    def ask(self) -> Response:
        given = request.form.to_dict()
        if request.mimetype != "application/x-www-form-urlencoded":
            try:
                given = self.members()
            except Refused as refused:
                return self.reply({"code": 1, "message": str(refused)})
        question = given.get("question")
        if (
            not isinstance(question, str)
            or not question
            or given.get("style", "long") not in self.styles
        ):
            return self.reply({"code": 2, "message": "what?"})
        return self.reply({"code": 0, "answer": question.upper()})

    def problem(self, error: str, status: int) -> Response:
        return self.reply({"error": error, "hint": "try again"}, status)

    def reply(
        self,
        body: Any,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        kind: str = "application/json",
    ) -> Response:
        return Response(json.dumps(body), status, headers, content_type=kind)


class NotesDriver(Driver):
    def accepted(self, exchange: Exchange) -> bool:
        try:
            code = json.loads(exchange.body).get("code", 0)
        except (ValueError, AttributeError):
            code = 0
        return 200 <= exchange.status < 300 and code == 0

    def authorize(self, request: Request) -> Request:
        return Request(
            request.method,
            request.target,
            (*request.headers, KEY),
            request.body,
            request.operation,
        )

    def probe(self) -> Exchange:
        return self.send(self.authorize(Request("GET", "/health", operation="health")))

    def existing(self, operation: str) -> Mapping[str, Any]:
        if operation != "get":
            return {}
        body = json.dumps({"title": "here"}).encode()
        made = Request("POST", "/notes", (("Content-Type", "application/json"),), body, "create")
        return {"note_id": self.must(self.send(self.authorize(made))).members()["id"]}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("notes") / "openapi.yaml"
    path.write_text(DOCUMENT, "utf-8")
    return path


def contract(document: Path, clauses: list[Clause]) -> Contract:
    return Contract("notes", "Notes", None, (), document, NotesDriver, tuple(clauses))


@pytest.fixture(scope="module")
def notes(document: Path) -> Contract:
    return contract(document, schema_clauses("notes", document))


def application(server: Notes) -> Any:
    app = Flask("notes", static_folder=None)
    app.logger.disabled = True

    @app.before_request
    def answer() -> Response:
        return server.answer()

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Response:
        return server.problem("it failed", error.code or 500)

    return app.wsgi_app


def judged(
    server: Notes,
    notes: Contract,
    *,
    only: Sequence[Clause] = (),
    profile: str = "standard",
    seed: int = 0,
    budget: Budget | None = None,
) -> Outcome:
    target = Target("http://notes.test", app=application(server), budget=budget)
    plan = Plan(tuple(only) or notes.clauses, PROFILES[profile], seed)
    *_, outcome = run(notes, target, {}, plan)
    assert isinstance(outcome, Outcome)
    return outcome


def found(outcome: Outcome) -> dict[str, Finding]:
    return {f.clause.id.removeprefix("notes.schema."): f for f in outcome.findings}


def not_kept(outcome: Outcome) -> dict[str, str]:
    return {
        rule: finding.reason
        for rule, finding in found(outcome).items()
        if finding.verdict is not Verdict.KEPT
    }


def test_the_clauses_are_those_that_the_document_gives_cause_for(notes: Contract) -> None:
    assert [clause.id.removeprefix("notes.schema.") for clause in notes.clauses] == [
        "status", "content_type", "headers", "body", "observed_body", "valid_accepted",
        "invalid_refused", "no_server_error", "method", "unknown_path",
    ]  # fmt: skip
    assert all(clause.sentence.endswith(".") and clause.source for clause in notes.clauses)


@pytest.mark.parametrize("seed", range(10))
def test_an_honest_server_keeps_every_clause(notes: Contract, seed: int) -> None:
    outcome = judged(Notes(), notes, seed=seed)
    assert not_kept(outcome) == {}
    assert outcome.verdict is Verdict.KEPT, outcome.trouble
    assert set(outcome.accepted) == {"create", "list", "get", "ask", "health"}


class TellsOfATeapot(Notes):
    not_found = 410


class ListsAsHtml(Notes):
    list_type = "text/html"


class ForgetsTheContentType(Notes):
    def written(self, note: dict[str, Any]) -> dict[str, Any]:
        return note

    def list(self) -> Response:
        answer = super().list()
        if answer.status_code == 200:
            del answer.headers["Content-Type"]
        return answer


class ForgetsTheLocation(Notes):
    def created_headers(self, note: Mapping[str, Any]) -> dict[str, str]:
        return {}


class CountsInWords(Notes):
    def list_headers(self) -> dict[str, str]:
        return {"X-Total": "many"}


class ForgetsTheId(Notes):
    def written(self, note: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in note.items() if name != "id"}


class WritesStarsAsText(Notes):
    def written(self, note: dict[str, Any]) -> dict[str, Any]:
        return {**note, "stars": "3"}


class HasAMoodThatNobodyKnows(Notes):
    def written(self, note: dict[str, Any]) -> dict[str, Any]:
        return {**note, "mood": "sad"}


class WritesNoJson(Notes):
    def reply(self, body: Any, status: int = 200, *args: Any, **more: Any) -> Response:
        answer = super().reply(body, status, *args, **more)
        if status == 404:
            answer.set_data(b"{'error'}")
        return answer


class HintsInNumbers(Notes):
    def problem(self, error: str, status: int) -> Response:
        return self.reply({"error": error, "hint": 7}, status)


class IsUnwellOtherwise(Notes):
    def answer(self) -> Response:
        well = request.path == "/health" and request.method == "GET"
        return self.reply({"fine": True}) if well else super().answer()


class NeedsNoTitle(Notes):
    def checked(self, given: dict[str, Any]) -> dict[str, Any]:
        return super().checked({"title": "untitled", **given})


class TakesAnyTitle(Notes):
    def checked(self, given: dict[str, Any]) -> dict[str, Any]:
        return super().checked(
            {**given, "title": str(given["title"])} if "title" in given else given
        )


class TakesAnyKind(Notes):
    def check_kind(self, given: Mapping[str, Any]) -> None:
        pass


class TakesAnyStyle(Notes):
    @property
    def styles(self) -> tuple[object, ...]:  # type: ignore[override]
        return (request.form.get("style"), *Notes.styles)


class ListsWithoutALimit(Notes):
    def list(self) -> Response:
        limited = "limit" in request.args
        return super().list() if limited else self.reply([], 200, self.list_headers())


class FailsOnWrongTypes(Notes):
    def checked(self, given: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(given.get("tags", []), list):
            raise RuntimeError
        return super().checked(given)


class KnowsNoTasks(Notes):
    kinds = ("memo",)


class HasNoAnswers(Notes):
    def ask(self) -> Response:
        return self.reply({"code": 3, "message": "ask me tomorrow"})


class LosesNotes(Notes):
    def get(self) -> Response:
        return self.problem("gone", 404)


class FailsBeyondTheBmp(Notes):
    def checked(self, given: dict[str, Any]) -> dict[str, Any]:
        given = super().checked(given)
        if any(char > "\uffff" for char in given["title"]):
            raise RuntimeError
        return given


class FailsOnNulInAPath(Notes):
    def get(self) -> Response:
        if "\0" in request.path:
            raise RuntimeError
        return super().get()


class FailsOnQuotesInAForm(Notes):
    def ask(self) -> Response:
        if '"' in request.form.get("style", ""):
            raise RuntimeError
        return super().ask()


class FailsOnBrokenJson(Notes):
    def members(self) -> dict[str, Any]:
        json.loads(request.get_data())
        return super().members()


class LetsNotesBeReplaced(Notes):
    def get(self) -> Response:
        return super().get()

    def wrong_method(self) -> Response:
        if request.method == "PUT" and request.path.startswith("/notes/"):
            return self.reply({"ok": True})
        return super().wrong_method()


class FailsOnWrongMethods(Notes):
    def wrong_method(self) -> Response:
        raise RuntimeError


class KnowsEveryPath(Notes):
    def unknown(self) -> Response:
        return self.reply({"code": 0})


DEFECTS: dict[type[Notes], dict[str, str]] = {
    TellsOfATeapot: {"status": r"GET /notes/{note_id}: status 410; the document lists 200, 404"},
    ListsAsHtml: {
        "content_type": r"GET /notes: content type text/html; the document lists application/json"
    },
    ForgetsTheContentType: {"content_type": "GET /notes: no content type; the document lists"},
    ForgetsTheLocation: {"headers": "POST /notes: no header Location in an answer of status 201"},
    CountsInWords: {"headers": 'GET /notes: header: "many" is not of type "integer"'},
    ForgetsTheId: {"body": r'(POST|GET) /notes.*: body.*: "id" is a required property'},
    WritesStarsAsText: {"body": r'POST /notes: body.stars: "3" is not of type "integer"'},
    HasAMoodThatNobodyKnows: {"body": 'POST /notes: body.mood: "sad" is not valid under any'},
    WritesNoJson: {"body": r"GET /notes/{note_id}: .*JSON"},
    HintsInNumbers: {"observed_body": 'body.hint: 7 is not of type "string"'},
    IsUnwellOtherwise: {"observed_body": 'GET /health: body: "ok" is a required property'},
    NeedsNoTitle: {"invalid_refused": r'POST /notes: .*body: "title" is a required .* accepted'},
    TakesAnyTitle: {"invalid_refused": r"POST /notes: .*body.title: .* is not of type .* accepted"},
    TakesAnyKind: {"invalid_refused": r"POST /notes: .*body.kind: .* is not (one )?of .* accepted"},
    TakesAnyStyle: {"invalid_refused": r"POST /ask: .*body.style: .* is not one of .* accepted"},
    ListsWithoutALimit: {"invalid_refused": r'GET /notes: .*query: "limit" is a required .* acc'},
    FailsOnWrongTypes: {
        "invalid_refused": "POST /notes: .*body.tags: .*was answered by a server error: HTTP 500",
        "no_server_error": "POST /notes: a server error: HTTP 500",
    },
    KnowsNoTasks: {"valid_accepted": "/notes: a request that conforms .* turned down: HTTP 400"},
    HasNoAnswers: {"valid_accepted": "POST /ask: a request that conforms .*ask me tomorrow"},
    LosesNotes: {"valid_accepted": "GET /notes/{note_id}: .* turned down: HTTP 404"},
    FailsBeyondTheBmp: {"no_server_error": "POST /notes: a server error: HTTP 500"},
    FailsOnNulInAPath: {"no_server_error": "GET /notes/{note_id}: a server error"},
    FailsOnQuotesInAForm: {
        "no_server_error": "POST /ask: a server error",
        "invalid_refused": "POST /ask: .*body.style.* answered by a server error",
    },
    FailsOnBrokenJson: {
        "no_server_error": "POST /(notes|ask): a server error",
        "invalid_refused": "POST /.*: .*body: (it is not JSON|there is none).* a server error",
    },
    LetsNotesBeReplaced: {"method": r"PUT /notes/{note_id}: a method that .* accepted: HTTP 200"},
    FailsOnWrongMethods: {"method": "a method that .* was answered by a server error: HTTP 500"},
    KnowsEveryPath: {"unknown_path": r"/counterfoil-unknown: a path that .* accepted: HTTP 200"},
}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_a_defect_breaks_the_clause_that_it_should(notes: Contract, defect: type[Notes]) -> None:
    outcome = judged(defect(), notes)
    reasons = not_kept(outcome)
    sure = {rule: text for rule, text in reasons.items() if rule in DEFECTS[defect]}
    crashes = {"status", "valid_accepted"} if "no_server_error" in DEFECTS[defect] else set()
    assert set(DEFECTS[defect]) <= set(reasons) <= {*DEFECTS[defect], *crashes}, reasons
    for rule, pattern in DEFECTS[defect].items():
        assert re.search(pattern, sure[rule]), sure[rule]
        assert "\n" not in sure[rule]
        assert len(sure[rule]) < 400
        failure = found(outcome)[rule].failure
        assert failure is not None
        *made, broken = failure.exchanges
        # Before it stands at most what made the note that it is about.
        assert [exchange.request.target for exchange in made] in ([], ["/notes"])
        assert not made or broken.request.target.startswith("/notes/")


def test_what_was_only_observed_is_a_deviation(notes: Contract) -> None:
    outcome = judged(HintsInNumbers(), notes)
    assert found(outcome)["observed_body"].verdict is Verdict.DEVIATION
    assert outcome.verdict is Verdict.KEPT


def smallest(defect: type[Notes], notes: Contract, rule: str) -> Request:
    failure = found(judged(defect(), notes))[rule].failure
    assert failure is not None
    return failure.exchanges[-1].request


def test_what_is_left_of_a_request_names_the_culprit(notes: Contract) -> None:
    assert json.loads(smallest(FailsBeyondTheBmp, notes, "no_server_error").body) == {"title": "🙂"}
    assert json.loads(smallest(NeedsNoTitle, notes, "invalid_refused").body) == {}
    assert smallest(FailsOnNulInAPath, notes, "no_server_error").target == "/notes/%00"
    assert smallest(FailsOnQuotesInAForm, notes, "no_server_error").body == b"question=0&style=%22"
    kinds = [smallest(TakesAnyKind, notes, "invalid_refused").body]
    assert all(set(json.loads(body)) == {"title", "kind"} for body in kinds)


@pytest.mark.parametrize("seed", range(5))
def test_the_quick_profile_finds_the_plain_defects(notes: Contract, seed: int) -> None:
    for defect, rule in ((TellsOfATeapot, "status"), (ForgetsTheId, "body"),
                         (HasNoAnswers, "valid_accepted"), (KnowsEveryPath, "unknown_path"),
                         (FailsBeyondTheBmp, "no_server_error")):  # fmt: skip
        assert rule in not_kept(judged(defect(), notes, profile="quick", seed=seed)), defect


def test_the_quick_profile_tries_other_requests_with_another_seed(notes: Contract) -> None:
    finds = [
        "invalid_refused" in not_kept(judged(NeedsNoTitle(), notes, profile="quick", seed=seed))
        for seed in range(5)
    ]
    assert any(finds) and not all(finds)


def test_a_clause_run_alone_finds_what_it_finds_among_the_others(notes: Contract) -> None:
    together = found(judged(FailsOnWrongTypes(), notes))
    for clause in notes.clauses:
        alone = judged(FailsOnWrongTypes(), notes, only=[clause]).findings[0]
        rule = clause.id.removeprefix("notes.schema.")
        assert (alone.verdict, alone.reason) == (together[rule].verdict, together[rule].reason)


def test_no_request_is_sent_twice_to_a_server_that_keeps_the_clauses(notes: Contract) -> None:
    outcome = judged(Notes(), notes)
    judgements = sum(finding.examples for finding in outcome.findings)
    assert outcome.calls < judgements / 3
    assert all(found(outcome)[rule].calls == 0 for rule in ("content_type", "headers", "body"))


def test_the_same_plan_sends_the_same_requests(document: Path) -> None:
    def requests() -> list[Request]:
        clause = next(
            c for c in schema_clauses("notes", document) if c.id.endswith("no_server_error")
        )
        assert clause.cases
        plan = Plan((), PROFILES["standard"], 3)
        return [case["sample"].request for case in clause.cases(plan)]

    assert requests() == requests()


def test_what_a_server_is_known_to_tolerate_is_not_judged(document: Path) -> None:
    def any_title(request: Request) -> bool:
        return b'"title"' in request.body

    lenient = contract(document, schema_clauses("notes", document, tolerates=any_title))
    assert "invalid_refused" not in not_kept(judged(TakesAnyTitle(), lenient))
    assert "invalid_refused" in not_kept(judged(NeedsNoTitle(), lenient))


def test_a_spent_budget_ends_the_run_and_is_not_a_defect(notes: Contract) -> None:
    outcome = judged(Notes(), notes, budget=Budget(calls=30))
    assert outcome.calls == 30
    assert {finding.verdict for finding in outcome.findings} == {Verdict.UNTESTED}
    assert "30 calls" in outcome.findings[0].reason


def test_a_defect_found_before_the_budget_is_spent_is_told(notes: Contract) -> None:
    outcome = judged(FailsOnWrongTypes(), notes, only=notes.clauses[:1], budget=Budget(calls=60))
    assert outcome.findings[0].verdict in (Verdict.BROKEN, Verdict.UNTESTED)


class IsBusy(Notes):
    def create(self) -> Response:
        return self.problem("later", 429) if len(self.notes) > 2 else super().create()


def test_a_server_that_is_busy_is_not_said_to_break_anything(notes: Contract) -> None:
    assert not_kept(judged(IsBusy(), notes)) == {}


class HasMuchToDelete(Notes):
    def wrong_method(self) -> Response:
        if request.method == "DELETE":
            assert request.path.startswith("/notes/"), request.path
            return self.reply({})
        return super().wrong_method()


def test_only_what_was_made_for_the_run_is_ever_deleted(notes: Contract) -> None:
    reasons = not_kept(judged(HasMuchToDelete(), notes))
    assert set(reasons) == {"method"}
    assert (
        "DELETE /notes/{note_id}: a method that the document lacks was accepted"
        in reasons["method"]
    )


class KnowsNoNotes(NotesDriver):
    def existing(self, operation: str) -> Mapping[str, Any]:
        raise LookupError


def test_requests_for_what_may_not_exist_are_not_judged_as_valid(notes: Contract) -> None:
    outcome = judged(LosesNotes(), replace(notes, driver=KnowsNoNotes))
    assert not_kept(outcome) == {}


def test_listing_the_clauses_does_not_import_schemathesis(document: Path) -> None:
    code = (
        "import sys, pathlib; from contracts.openapi import schema_clauses;"
        f"schema_clauses('notes', pathlib.Path({str(document)!r}));"
        "assert not {'schemathesis', 'requests', 'jsonschema_rs'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_schemathesis_leaves_everybody_elses_hypothesis_as_it_was(document: Path) -> None:
    code = """if True:
        import sys, pathlib
        from hypothesis import core
        from hypothesis.internal.conjecture import engine
        before = (core.RepresentationPrinter, engine.BUFFER_SIZE)
        from contracts.openapi import schema_clauses
        from contracts.runner import PROFILES, Plan
        status = schema_clauses("notes", pathlib.Path(sys.argv[1]))[0]
        assert list(status.cases(Plan((), PROFILES["quick"], 0)))
        assert "schemathesis" in sys.modules
        assert before == (core.RepresentationPrinter, engine.BUFFER_SIZE)
        """
    subprocess.run(
        [sys.executable, "-c", code, str(document)], check=True, cwd=Path(__file__).parents[2]
    )


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def test_nothing_is_written_to_the_working_directory(
    in_an_empty_folder: Path, notes: Contract
) -> None:
    judged(ListsAsHtml(), notes, profile="quick")
    assert list(in_an_empty_folder.iterdir()) == []

"""Honest servers that take each thing as the document has it written, and no other way."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, Response, jsonify, request

from contracts.documents import contract_of
from contracts.runner import PROFILES, Outcome, Plan, run
from contracts.target import Target


def judged(folder: Path, paths: str, app: Flask) -> Outcome:
    path = folder / "written.yaml"
    path.write_text(f"openapi: 3.1.0\ninfo: {{title: Written, version: '1'}}\npaths:\n{paths}")
    contract = contract_of(path)
    plan = Plan(contract.clauses, profile=PROFILES["quick"], seed=0)
    *_, outcome = run(contract, Target("http://honest.example", app=app.wsgi_app), {}, plan)
    assert isinstance(outcome, Outcome)
    return outcome


def found(outcome: Outcome, rule: str) -> str:
    return next(f.verdict.value for f in outcome.findings if f.clause.id.endswith(f".{rule}"))


OBJECT = "{type: object, required: [x, y], properties: {x: {type: integer}, y: {type: integer}}}"
LIST = "{type: array, minItems: 2, items: {type: integer}}"

STYLES = [
    (OBJECT, "simple", "false", "x,1,y,1"),
    (OBJECT, "simple", "true", "x=1,y=1"),
    (OBJECT, "label", "true", ".x=1.y=1"),
    (OBJECT, "matrix", "false", ";p=x,1,y,1"),
    (OBJECT, "matrix", "true", ";x=1;y=1"),
    (LIST, "simple", "true", "1,1"),
    (LIST, "label", "true", ".1.1"),
    (LIST, "matrix", "false", ";p=1,1"),
    (LIST, "matrix", "true", ";p=1;p=1"),
]


@pytest.mark.parametrize(("schema", "style", "explode", "right"), STYLES)
def test_a_part_of_a_path_is_written_in_its_style(schema, style, explode, right, tmp_path):
    app = Flask("paths")

    @app.get("/at/<p>")
    def at(p: str) -> Response:
        return Response(status=204 if p == right else 400)

    outcome = judged(tmp_path, f"""
  /at/{{p}}:
    get:
      parameters: [{{name: p, in: path, required: true, style: {style}, explode: {explode},
        schema: {schema}}}]
      responses: {{"204": {{description: right}}}}
""", app)  # fmt: skip
    assert outcome.reached == (1, 1), right
    assert found(outcome, "success_status") == "kept"


FILES = """
  /files:
    post:
      requestBody:
        required: true
        content: {multipart/form-data: {schema: {type: object, required: [one, many, note],
          properties: {
            one: {type: string, contentMediaType: application/octet-stream},
            many: {type: array, minItems: 1, items: {type: string, contentMediaType: image/png}},
            note: {type: string},
            text: {type: string, contentMediaType: image/png, contentEncoding: base64}}}}}
      responses: {"204": {description: taken}, "422": {description: no}}
"""


def test_a_file_is_sent_as_a_file_when_only_its_media_type_says_that_it_is_one(tmp_path):
    app = Flask("files")

    @app.post("/files")
    def files() -> Response:
        right = set(request.files) == {"one", "many"} and "note" in request.form
        return Response(status=204 if right else 422)

    outcome = judged(tmp_path, FILES, app)
    assert outcome.reached == (1, 1)
    assert found(outcome, "success_status") == "kept"


EMPTY = """
  /done:
    post:
      responses:
        "204": {description: done, content: {application/json: {schema: {type: object}}}}
        "200": {description: told, content: {application/json: {schema: {type: object}}}}
"""


@pytest.mark.parametrize(("status", "verdict"), [(204, "untested"), (200, "broken")])
def test_an_answer_that_can_have_no_content_needs_no_content_type(status, verdict, tmp_path):
    app = Flask("done")

    @app.post("/done")
    def done() -> Response:
        answer = jsonify({}) if status == 204 else Response("{}")
        answer.status_code = status
        del answer.headers["Content-Type"]
        return answer

    assert found(judged(tmp_path, EMPTY, app), "content_type") == verdict


FULL = """
  /full:
    get:
      responses: {"200": {description: ok}, "507": {description: no room}}
"""


@pytest.mark.parametrize(("status", "verdict"), [(507, "untested"), (500, "broken")])
def test_a_rare_server_error_that_is_listed_by_itself_is_an_answer(status, verdict, tmp_path):
    app = Flask("full")
    app.add_url_rule("/full", "full", lambda: ("no", status))
    assert found(judged(tmp_path, FULL, app), "no_server_error") == verdict

import base64
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from contracts.documents import contract_of
from contracts.runner import Judged, Plan, run
from contracts.target import Target
from mockserver.server import Server

SECRET = "canary-5d1c0b9e"
DOCUMENT = """
openapi: 3.0.3
info: {title: Notes of ours, version: "1"}
servers: [{url: https://notes.example/v1}]
security: [{My-Key: []}]
paths:
  /notes:
    get:
      operationId: listNotes
      parameters: [{name: size, in: query, schema: {type: integer, minimum: 1}}]
      responses:
        "200":
          description: ok
          links: {}
          content: {application/json: {schema: {type: array, itmes: {type: object},
            items: {type: object, required: [id]}}}}
    post:
      operationId: addNote
      requestBody: {content: {application/json: {schema: {type: object, required: [text],
        properties: {text: {type: string}}}}}}
      responses: {"201": {description: made}}
  /notes/{noteId}:
    parameters: [{name: noteId, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getNote
      responses: {"200": {description: ok, content: {application/json: {schema: {
        type: object, required: [id, text]}}}}}
    put:
      operationId: putNote
      responses: {"200": {description: ok}}
components:
  securitySchemes:
    My-Key: {type: apiKey, in: SOMEWHERE, name: key}
"""


class Notes:
    """A WSGI application; it makes no notes, and says of those there are what it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.note: object = {"id": "n1", "text": "hello"}
        self.listed: object = []
        self.known = lambda environ: True

    def __call__(self, environ, start):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.asked.append((method, path))
        status, value = self.answer(method, path) if self.known(environ) else ("401 Who", "who?")
        start(status, [("Content-Type", "application/json")])
        return [json.dumps(value).encode()]

    def answer(self, method, path):
        if (method, path) == ("GET", "/notes"):
            return "200 OK", self.listed
        if path == "/notes/n1" and method in ("GET", "PUT"):
            return "200 OK", self.note
        return "404 Not Found", "nothing"


@pytest.fixture
def notes():
    app = Notes()
    with Server(app) as server:
        app.url = server.url
        yield app


@pytest.fixture
def document(tmp_path):
    def written(where: str = "header", text: str = DOCUMENT) -> Path:
        path = tmp_path / "openapi.yaml"
        path.write_text(text.replace("SOMEWHERE", where))
        return path

    return written


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and "Traceback" not in text


def test_a_document_is_judged_and_what_to_know_of_it_is_said_once(counterfoil, document, notes):
    done = counterfoil("check", document(), "--url", notes.url, "--profile", "quick")
    assert done.code == 0, done.out
    assert "  kept      notes_of_ours.list_notes.body\n" in done.out
    assert "1 of 4 operations accepted a request; the others were not judged" in done.out
    assert done.err.splitlines()[:3] == [
        "notes_of_ours: left alone: links",
        "notes_of_ours: not understood in schemas, and not judged: itmes",
        "notes_of_ours: the document's server stands at /v1, and --url is taken as it is",
    ]


def test_no_more_calls_are_made_than_are_announced(counterfoil, document, notes):
    done = counterfoil("check", document(), "--url", notes.url, "--value", "noteId=n1")
    most = int(re.search(r"4 operations, ([\d,]+) calls at most", done.err)[1].replace(",", ""))
    assert done.code == 0 and len(notes.asked) <= most


def test_an_operation_is_reached_with_a_value_that_the_user_names(counterfoil, document, notes):
    without = counterfoil("check", document(), "--url", notes.url, "--profile", "quick")
    assert "get_note never accepted" not in without.out
    assert "name one that there is: --value noteId=…" in " ".join(without.out.split())
    given = ("--value", "noteId=n1", "--only", "*.get_note.*")
    done = counterfoil("check", document(), "--url", notes.url, *given)
    assert done.code == 0 and "1 of 1 operations accepted a request\n" in done.out


def test_a_value_for_one_operation_is_for_no_other(counterfoil, document, notes):
    given = ("--value", "get_note.noteId=n1", "--read-only", "--every-operation")
    done = counterfoil("check", document(), "--url", notes.url, *given)
    assert done.code == 0, done.out
    assert {method for method, _ in notes.asked} == {"GET"}
    assert "put_note" not in done.out


def test_every_operation_asked_for_and_not_reached_is_not_judged(counterfoil, document, notes):
    done = counterfoil("check", document(), "--url", notes.url, "--every-operation")
    assert done.code == 3
    assert "not judged: 3 of 4 operations never accepted a request" in done.out


def test_ids_that_a_list_shows_are_read_but_not_changed(counterfoil, document, notes):
    notes.listed = [{"id": "n1"}]
    done = counterfoil("check", document(), "--url", notes.url)
    assert "kept      notes_of_ours.get_note.body" in done.out
    assert not [path for method, path in notes.asked if method == "PUT"]


@pytest.mark.parametrize("where", ["header", "query", "cookie"])
def test_a_broken_promise_is_seen_again_by_its_curl_and_rerun(
    counterfoil, document, notes, where, monkeypatch
):
    notes.note = {"id": "n1"}
    monkeypatch.setenv("COUNTERFOIL_NOTES_OF_OURS_MY_KEY", SECRET + " +&")
    path = document(where)
    done = counterfoil(
        "check", path, "--url", notes.url, "--value", "noteId=n1", "--only", "*.get_note.body",
        "--report", "report.json", "--report", "report.html", "--report", "report.sarif",
    )  # fmt: skip
    assert done.code == 1
    assert 'GET /notes/{noteId}: body: "text" is a required property' in done.out
    assert "(documented: paths./notes/{noteId}.get.responses, schemas)" in done.out
    everything = (
        done.out
        + done.err
        + "".join(Path(f"report.{ending}").read_text() for ending in ("json", "html", "sarif"))
    )
    assert SECRET not in everything
    curl = re.search(r"curl:  (.*)", done.out)[1]
    assert "COUNTERFOIL_NOTES_OF_OURS_MY_KEY" in curl
    seen: list[str] = []
    notes.known = lambda environ: seen.append(str(environ)) is None
    subprocess.run(["sh", "-c", curl], check=True, capture_output=True)
    assert SECRET + " +&" in unquote(seen[-1])
    again = counterfoil(*re.search(r"rerun: counterfoil (.*)", done.out)[1].split())
    assert again.code == 1


def test_basic_credentials_are_a_name_with_a_password(counterfoil, document, notes):
    text = DOCUMENT.replace("type: apiKey, in: SOMEWHERE, name: key", "type: http, scheme: basic")
    path = document(text=text)
    wrong = counterfoil("check", path, "--url", notes.url, "--credential", "my_key=" + SECRET)
    assert wrong.code == 2 and SECRET not in wrong.err
    assert "COUNTERFOIL_NOTES_OF_OURS_MY_KEY is written as NAME:PASSWORD" in wrong.err
    encoded = base64.b64encode(f"ann:{SECRET}".encode()).decode()
    notes.known = lambda environ: environ.get("HTTP_AUTHORIZATION") == f"Basic {encoded}"
    given = ("--credential", f"my_key=ann:{SECRET}", "--only", "*.list_notes.*")
    done = counterfoil("check", path, "--url", notes.url, *given)
    assert done.code == 0, done.out
    assert "kept      notes_of_ours.list_notes.credentials" in done.out


def test_who_is_not_let_in_is_told_what_to_set(counterfoil, document, notes):
    notes.known = lambda environ: False
    done = counterfoil("check", document(), "--url", notes.url)
    assert done.code == 3
    assert "set COUNTERFOIL_NOTES_OF_OURS_MY_KEY" in " ".join(done.out.split())


def test_a_baseline_accepts_a_deviation_of_one_operation(counterfoil, document, notes):
    notes.note = {"id": "n1"}
    given = ("check", document(), "--url", notes.url, "--value", "noteId=n1", "--only", "*.body")
    assert counterfoil(*given, "--write-baseline", "known.yaml").code == 1
    text = Path("known.yaml").read_text()
    assert "notes_of_ours.get_note.body" in text
    Path("known.yaml").write_text(re.sub(r"reason:.*", "reason: known to its authors", text))
    done = counterfoil(*given, "--baseline", "known.yaml")
    assert done.code == 0 and "accepted by the baseline" in done.out


def test_the_clauses_of_a_document_are_listed_with_their_sources(counterfoil, document):
    done = counterfoil("clauses", document(), "--format", "json")
    rows = {row["id"]: row for row in json.loads(done.out)}
    assert rows["notes_of_ours.get_note.success_status"]["source"] == (
        "paths./notes/{noteId}.get.responses"
    )
    assert rows["notes_of_ours.get_note.offered"]["basis"] == "documented"
    assert counterfoil("clauses", document()).out.startswith("notes_of_ours: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--mock", "--fault", "x.y"), "'x.y' is no fault of notes_of_ours"),
        (("--url", "http://127.0.0.1:9", "--value", "noteID=1"), "did you mean noteId?"),
        (("--url", "http://127.0.0.1:9", "--credential", "key=1"), "notes_of_ours has my_key"),
        (("--url", "http://127.0.0.1:9", "--only", "*.nothing"), "no clause is called"),
    ],
)
def test_a_wrong_order_is_answered_in_one_line(counterfoil, document, words, said):
    done = counterfoil("check", document(), *words)
    assert done.code == 2 and said in done.err and "Traceback" not in done.err


def test_what_goes_with_a_document_is_refused_for_an_api(counterfoil):
    done = counterfoil("check", "all", "--mock", "--read-only")
    assert done.code == 2 and one_line(done.err) and "--read-only" in done.err


BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else '1'] * 9)}]\n" for n in range(11))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is nothing, and no OpenAPI document"),
        ("- 1", "it is a list"),
        ("opneapi: 3.0.0", "is 'opneapi' meant as 'openapi'?"),
        ("openapi: 4.0.0", "its version is 4.0.0; OpenAPI 3.0 and 3.1 and Swagger 2.0 are read"),
        ("openapi: 3.0.0", "it lists no operation"),
        ("openapi: 3.0.0\npaths: [1]", "paths: it is a list, and should be an object"),
        ("openapi: 3.0.0\npaths: {/x: {get: 5}}", "paths./x.get: it is a number"),
        ("openapi: 3.0.0\npaths: {/x: {get: {parameters: [{name: a}]}}}", "parameters[0]"),
        ("openapi: 3.0.0\npaths: {/x: {$ref: 'https://x.example/y'}}", "leads out of the document"),
        ("openapi: 3.0.0\npaths: {/x: {$ref: '#/paths/~1x'}}", "goes round"),
        ("openapi: 3.0.0\npaths: {/x: {$ref: '#/path'}}", "names nothing; did you mean paths?"),
        ("openapi: !!python/object:os.system 1", "line 1, column 10: it is not YAML"),
        ("openapi: 3.0.0\nx: &x [*x]", "an anchor of it stands for what it is part of"),
        ("openapi: 3.0.0\n" + BOMB, "its aliases written out are more than 5,000,000 values"),
        ("openapi: 3.0.0\nx: " + "[" * 50_000, "nested deeper than 200 values"),
        ("- " * 50_000, "nested deeper than 200 values"),
        ('{"openapi": "3.0.0", "x":' * 5000, "nested deeper than 200 values"),
    ],
    ids=lambda text: text[:20],
)
def test_a_document_that_is_none_is_answered_in_one_line(counterfoil, document, text, said):
    done = counterfoil("check", document(text=text), "--url", "http://127.0.0.1:9")
    assert done.code == 2 and one_line(done.err), done.err[-300:]
    assert said in done.err, done.err


def test_a_file_that_is_not_there_is_answered_in_one_line(counterfoil):
    done = counterfoil("clauses", "nowhere.yaml")
    assert done.code == 2 and "nowhere.yaml: No such file" in done.err


def test_a_document_of_a_thousand_operations_is_judged_after_a_moment(tmp_path):
    schema = {"type": "object", "properties": {"x": {"$ref": "#/components/schemas/S"}}}
    media = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S"}}}}
    path = tmp_path / "large.json"
    item = {"get": {"responses": {"200": {"description": "", **media}}}}
    paths = {f"/things{n}": item for n in range(1000)}
    components = {"schemas": {"S": schema}}
    path.write_text(json.dumps({"openapi": "3.1.0", "paths": paths, "components": components}))
    contract = contract_of(path)
    assert len(contract.clauses) >= 5000

    def app(environ, start):
        start("200 OK", [("Content-Type", "application/json")])
        return [b"{}"]

    target = Target("http://large.example", app=app)
    events = run(contract, target, {}, Plan(contract.clauses))
    first = next(event for event in events if isinstance(event, Judged))
    assert first.finding.clause.id == "large.get_things0.offered" and target.calls < 30
    events.close()

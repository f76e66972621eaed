import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

import counterfoil

ROOT = Path(__file__).parent.parent.parent

DOCUMENT = """
openapi: 3.1.0
info: {title: Pots, version: "1"}
servers: [{url: /v1}]
webhooks: {made: {}}
paths:
  /pots:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Pot"}}}}
      responses:
        "201": {content: {application/json: {schema: {$ref: "#/components/schemas/Pot"}}}}
    get:
      responses:
        "200":
          content:
            application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Pot"}}}
  /pots/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses:
        "200": {content: {application/json: {schema: {$ref: "#/components/schemas/Pot"}}}}
components:
  schemas:
    Pot:
      type: object
      required: [id, name]
      properties:
        id: {type: integer, minimum: 1, readOnly: true}
        name: {type: string, minLength: 2}
"""


@pytest.fixture
def pots(tmp_path):
    path = tmp_path / "pots.yaml"
    path.write_text(DOCUMENT, "utf-8")
    return str(path)


@contextmanager
def serving(*words: str):
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "serve", "--port", "0", *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)


def ask(url: str, value: object = None, **headers: str):
    data = None if value is None else json.dumps(value).encode()
    headers = {"Content-Type": "application/json", **headers}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)


def test_a_document_is_served_and_what_is_left_alone_is_told_once(pots):
    with serving(pots) as process:
        name, url = process.stdout.readline().split()
        told = [process.stderr.readline() for _ in range(3)]
        status, pot = ask(f"{url}v1/pots/3")
        assert ask(f"{url}v1/pots/x")[0] == 400
        assert ask(f"{url}pots/3", Prefer="code=404")[0] == 400
        journal = ask(f"{url}_counterfoil/journal")[1]
    assert name == "pots" and status == 200 and pot["id"] >= 1
    assert told[1] == "pots: served at / and below /v1, as its servers have it\n"
    assert told[2] == "pots: left alone: webhooks: #/webhooks\n"
    assert [one["operation"] for one in journal["entries"]] == ["GET /pots/{id}"] * 3


def test_workers_share_what_is_created(pots):
    with serving(pots, "--stateful", "--workers", "2", "--seed", "3") as process:
        url = process.stdout.readline().split()[1]
        made = [ask(f"{url}pots", {"name": f"pot {n}"}) for n in range(6)]
        listed = [ask(f"{url}pots")[1] for _ in range(6)]
    assert [pot["id"] for _, pot in made] == [1, 2, 3, 4, 5, 6]
    assert all(one == [pot for _, pot in made] for one in listed)


def test_a_document_stands_beside_an_api_and_breaks_as_others_do(pots):
    with serving(pots, "chatbot", "--rate-limit", "2/60") as process:
        found = dict(process.stdout.readline().split() for _ in range(2))
        assert sorted(found) == ["chatbot", "pots"]
        url = found["pots"]
        assert url.endswith("/pots/")
        assert [ask(f"{url}pots/1")[0] for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(("text", "said"), [
    ("swagger: '2.0'", "npx swagger2openapi"), ("openapi: 3.0.0", "no operation is in it"),
    ("a: [", "not YAML: line"),
])  # fmt: skip
def test_a_document_that_cannot_be_served_is_wrong_usage_in_one_line(
    text, said, counterfoil, tmp_path
):
    path = tmp_path / "it.yaml"
    path.write_text(text)
    found = counterfoil("serve", path)
    assert found.code == 2 and found.out == "" and said in found.err
    assert found.err.count("\n") == 1 and str(path) in found.err


def test_a_document_that_is_not_there_is_told_as_such(counterfoil):
    found = counterfoil("serve", "none.yaml")
    assert (found.code, found.err) == (
        2,
        "counterfoil: none.yaml: no such file or directory\n",
    )


@pytest.mark.parametrize("words", [("--fault", "pots.no"), ("--variant", "pots.no"),
                                   ("--credential", "api_key=x")])  # fmt: skip
def test_what_a_document_does_not_have_is_refused(words, pots, counterfoil):
    found = counterfoil("serve", pots, *words)
    assert found.code == 2 and "unknown" in found.err and found.err.count("\n") == 1


def test_an_api_is_served_without_what_documents_need():
    code = (
        "import sys; from counterfoil import wiring; import counterfoil.cli.serve; "
        "wiring.mocks(['chatbot']); print([m for m in ('jsonschema', 'referencing') "
        "if m in sys.modules], any(m.startswith('mockserver.documents') for m in sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[] False\n"


def test_a_test_has_a_mock_of_a_document(pots):
    with counterfoil.mock(pots, stateful=True, seed=1) as mock:
        assert ask(f"{mock.url}/pots", {"name": "mine"}) == (201, {"id": 1, "name": "mine"})
        mock.reply("GET /pots/9", '{"id": 9}', fields={"status": 203})
        assert ask(f"{mock.url}/pots/9") == (203, {"id": 9})
        with mock.chaos(rate_limit="0/60"):
            assert ask(f"{mock.url}/pots/1")[0] == 429
        mock.reset()
        assert ask(f"{mock.url}/pots/1")[0] == 404
        assert mock.name == "pots"

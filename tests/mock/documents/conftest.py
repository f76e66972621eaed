"""Documents that stand in a test itself, and the mocks that are made of them."""

import json

import pytest
import yaml

from counterfoil import wiring
from mockserver.documents import document_api
from mockserver.journal import Journal
from mockserver.model import Settings


def openapi(paths: object, version: str = "3.1.0", **more: object) -> dict:
    return {"openapi": version, "info": {"title": "Things", "version": "1"}, "paths": paths, **more}


@pytest.fixture
def written(tmp_path):
    """Write a document, given as a value or as the text of it, and return its path."""

    def write(document: object, name: str = "things.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        text = document if isinstance(document, str) else json.dumps(document)
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def mock(written):
    """Return a client of a mock of a document, with its journal at `client.journal`."""

    def make(document: object, *, seed: int = 0, **settings: object):
        path = written(document)
        journal = Journal()
        made = wiring.mocks([str(path)], seed=seed, settings=Settings(**settings), journal=journal)
        client = made.app.test_client(use_cookies=False)
        client.journal = journal
        client.api = next(iter(made.emulators.values()))
        return client

    return make


@pytest.fixture
def answering(mock):
    """Return the JSON that GET /it answers, whose schema this is."""

    def answer(schema: object, *, version: str = "3.1.0", headers: object = None, **settings):
        seed = settings.pop("seed", 0)
        components = settings.pop("components", {})
        content = {"application/json": {"schema": schema}}
        document = openapi(
            {"/it": {"get": {"responses": {"200": {"description": "", "content": content}}}}},
            version,
            components=components,
        )
        found = mock(document, seed=seed, **settings).get("/it", headers=headers)
        assert found.status_code == 200, found.text
        return found.json

    return answer


@pytest.fixture
def read(written):
    """Return the API class of a document."""
    return lambda document, name="things.yaml": document_api(written(document, name))


@pytest.fixture
def things() -> dict:
    """A document with things that can be created, read, changed and deleted."""
    return yaml.safe_load(THINGS)


THINGS = """
openapi: 3.0.3
info: {title: Things, version: "1"}
servers: [{url: "https://things.example/v1"}]
paths:
  /things:
    get:
      operationId: listThings
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 10}}
      responses:
        "200":
          description: all
          content:
            application/json:
              schema:
                type: object
                required: [items, total]
                properties:
                  items: {type: array, items: {$ref: "#/components/schemas/Thing"}}
                  total: {type: integer}
    post:
      operationId: createThing
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: "#/components/schemas/Thing"}}
      responses:
        "201":
          description: created
          headers: {Location: {schema: {type: string}}}
          content:
            application/json: {schema: {$ref: "#/components/schemas/Thing"}}
        "422":
          description: wrong
          content:
            application/json: {schema: {$ref: "#/components/schemas/Error"}}
  /things/{thingId}:
    parameters:
      - {name: thingId, in: path, required: true, schema: {type: string}}
    get:
      operationId: readThing
      responses:
        "200":
          description: one
          content:
            application/json: {schema: {$ref: "#/components/schemas/Thing"}}
        "404":
          description: none
          content:
            application/json: {schema: {$ref: "#/components/schemas/Error"}}
    put:
      operationId: replaceThing
      requestBody:
        content:
          application/json: {schema: {$ref: "#/components/schemas/Thing"}}
      responses:
        "200":
          description: one
          content:
            application/json: {schema: {$ref: "#/components/schemas/Thing"}}
    patch:
      operationId: changeThing
      requestBody:
        content:
          application/json: {schema: {type: object}}
      responses:
        "200":
          description: one
          content:
            application/json: {schema: {$ref: "#/components/schemas/Thing"}}
    delete:
      operationId: deleteThing
      responses: {"204": {description: gone}}
components:
  schemas:
    Thing:
      type: object
      required: [id, name]
      properties:
        id: {type: string, format: uuid, readOnly: true}
        name: {type: string, minLength: 2}
        secret: {type: string, writeOnly: true}
        size: {type: integer, minimum: 3, maximum: 5}
        made: {type: string, format: date-time}
    Error:
      type: object
      required: [code, message]
      properties: {code: {type: integer}, message: {type: string}}
"""

"""Broken, hostile and huge documents: one clear line, soon."""

import json
import time

import pytest

from counterfoil import wiring
from mockserver.documents import DocumentError

from .conftest import openapi

OK = {"get": {"responses": {"200": {"description": ""}}}}


def at(schema: object) -> dict:
    content = {"application/json": {"schema": schema}}
    return openapi({"/a": {"get": {"responses": {"200": {"content": content}}}}})


LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)

BROKEN = [
    ("", "no OpenAPI document"),
    ("[]", "should be an object"),
    ("a: b: c", "not YAML: line 1"),
    ("\x00", "not YAML"),
    ("openapi: 3.0.0\npaths: {/a: {get: !!python/object/apply:os.system [ls]}}", "line 2"),
    ("{}", "no member `openapi`"),
    ({"swagger": "2.0"}, "npx swagger2openapi"),
    ({"openapi": "2.0"}, "OpenAPI 3.0 and 3.1 are served"),
    ({"openapi": 3.1}, "OpenAPI 3.0 and 3.1"),
    (openapi({}), "no operation is in it"),
    (openapi([]), "#/paths: should be an object"),
    (openapi(None), "#/paths: should be an object"),
    (openapi({"a": OK}), "a path begins with /"),
    (openapi({"/a": []}), "#/paths//a: should be an object (path item), not a list"),
    (openapi({"/a": {"get": "x"}}), "should be an object (operation), not 'x'"),
    (openapi({"/a": {"get": {"responses": []}}}), "responses: should be an object"),
    (openapi({"/a": {"get": {"responses": {"2000": {}}}}}), "'2000' is no status"),
    (openapi({"/a": {"get": {"parameters": {}}}}), "parameters: should be a list"),
    (openapi({"/a": {"get": {"parameters": [{"name": "x"}]}}}), "a parameter has a name, and is"),
    (openapi({"/a": {"get": {"parameters": [{"name": "x", "in": "body"}]}}}), "is in: path, query"),
    (openapi({"/a": {"get": {"operationId": 7}}}), "operationId: should be a text, not 7"),
    (openapi({"/a": {"get": {"security": [{"none": []}]}}}), "no security scheme 'none'"),
    (openapi({"/a": {"get": {"security": ["x"]}}}), "should be an object"),
    (openapi({"/a": OK}, servers={}), "#/servers: should be a list"),
    (at({"type": "strin"}), "type: should be one of array, boolean"),
    (at({"properties": []}), "properties: should be an object"),
    (at({"required": True}), "required: should be a list of texts, not true"),
    (at({"minLength": -1}), "minLength: should be a whole number"),
    (at({"minimum": "3"}), "minimum: should be a number, not '3'"),
    (at({"enum": {}}), "enum: should be a list"),
    (at({"pattern": 3}), "pattern: should be a text"),
    (at({"items": [{}]}), "items: should be an object (schema), not a list"),
    (at({"$ref": "#/components/schemas/Pet"}), "names nothing: there is no 'components'"),
    (at({"$ref": "https://elsewhere.example/a.yaml#/A"}), "is elsewhere, and nothing is fetched"),
    (at({"$ref": "//elsewhere.example/a.yaml"}), "is elsewhere"),
    (at({"$ref": "../secret.yaml"}), "outside of the document's folder"),
    (at({"$ref": "/etc/passwd"}), "outside of the document's folder"),
    (at({"$ref": "%2e%2e/secret.yaml"}), "outside of the document's folder"),
    (at({"$ref": "none.yaml"}), "none.yaml: no such file"),
    (at({"$ref": "#anchor"}), "names an anchor"),
    (openapi({"/a": {"$ref": "#/paths/~1b"}, "/b": {"$ref": "#/paths/~1a"}}), "in a circle"),
    (LAUGHS, "more than 5,000,000 values"),
    ("a: &a [*a]", "nested deeper than 120 levels"),
    ("[" * 100_000, "nested deeper than 120 levels"),
    ("- " * 100_000, "nested deeper than 120 levels"),
    ("[" * 1000 + "]" * 1000, "nested deeper than 120 levels"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_what_is_wrong_with_a_document_is_said_in_one_line(document, said, read):
    began = time.monotonic()
    with pytest.raises(DocumentError) as problem:
        read(document)
    told = str(problem.value)
    assert said in told and "\n" not in told and "things.yaml" in told
    assert time.monotonic() - began < 5


def test_json_that_is_broken_is_told_as_such(read):
    with pytest.raises(DocumentError, match="not JSON"):
        read('{"openapi": ', "things.json")


def test_a_reference_that_names_nothing_is_told_the_nearest_name(read):
    document = at({"$ref": "#/components/schemas/Pet"})
    document["components"] = {"schemas": {"Pets": {}}}
    with pytest.raises(DocumentError, match="did you mean 'Pets'"):
        read(document)


def test_files_of_the_same_folder_are_one_document(written, mock):
    written({"Pet": {"type": "object", "required": ["id"], "properties": {
        "id": {"$ref": "ids.json#/Id"}}}}, "parts/pet.yaml")  # fmt: skip
    written({"Id": {"const": 7}}, "parts/ids.json")
    assert mock(at({"$ref": "parts/pet.yaml#/Pet"})).get("/a").json == {"id": 7}


def test_yaml_means_what_json_would_have_said(mock):
    text = """
openapi: "3.1.0"
info: {title: T, version: 1.0}
paths:
  /a:
    get:
      responses:
        200:
          content:
            application/json:
              example: {day: 2026-01-31, norway: NO, time: 12:30, octal: 017, on: off, n: 1e3}
"""
    assert mock(text).get("/a").json == {
        "day": "2026-01-31", "norway": "NO", "time": "12:30", "octal": "017", "on": "off",
        "n": 1000.0,
    }  # fmt: skip


def test_ten_thousand_paths_are_served_soon(written):
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}}
    item = {"get": {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}}
    paths = {f"/a{n}/{{id}}/b{n % 7}": item for n in range(10_000)}
    began = time.monotonic()
    made = wiring.mocks([str(written(openapi(paths), "things.json"))])
    found = made.app.test_client().get("/a9999/3/b3")
    assert isinstance(found.json["id"], int) and time.monotonic() - began < 5


def test_what_is_left_alone_is_listed_once_and_where(read):
    item = {"get": {"callbacks": {"a": {}}, "responses": {"200": {
        "links": {"a": {}}, "content": {"application/json": {"schema": {
            "minlength": 3, "xml": {"name": "a"}, "format": "shoe-size", "x-own": 1}}}}}},
        "foo": 1}  # fmt: skip
    notes = "\n".join(read(openapi({"/a": item, "/b": item}, webhooks={"w": {}})).notes)
    for said in (
        "left alone: webhooks: #/webhooks",
        "callbacks: #/paths//b/get/callbacks and 1 more",
        "links: ",
        "minlength (unknown in a schema, did you mean minLength?): ",
        "xml: ",
        "format shoe-size: ",
        "foo (unknown in a path item): ",
    ):
        assert notes.count(said) == 1, said
    assert "x-own" not in notes


@pytest.mark.parametrize(("file", "title", "name"), [
    ("petstore.yaml", "Swagger Petstore", "petstore"), ("openapi.json", "Acme API!", "acme-api"),
    ("Größe 2.yml", "T", "gr-e-2"), ("swagger.yaml", "", "swagger"),
    ("bedrock.yaml", "T", "bedrock-document"),
])  # fmt: skip
def test_an_api_is_called_after_its_file_or_its_title(file, title, name, written):
    path = written({**openapi({"/a": OK}), "info": {"title": title, "version": "1"}}, file)
    assert wiring.find(str(path)).name == name


def test_several_documents_are_served_at_once_under_their_names(written, things):
    paths = [str(written(things, "one.yaml")), str(written(things, "two.json"))]
    made = wiring.mocks([*paths, "chatbot"])
    client = made.app.test_client()
    assert list(made.emulators) == ["/one", "/two", "/chatbot"]
    assert client.get("/one/things").status_code == client.get("/two/v1/things").status_code == 200
    assert client.get("/one/nothing").json["detail"] == "the document has no such path"
    assert client.get("/three").status_code == 404


def test_two_documents_of_one_name_are_refused(written, things):
    from mockserver.faults import Impossible

    paths = [str(written(things, "a/one.yaml")), str(written(things, "b/one.yaml"))]
    with pytest.raises(Impossible, match="both called one"):
        wiring.mocks(paths)


@pytest.mark.parametrize("key", ["allOf", "anyOf", "oneOf"])
def test_alternatives_without_end_come_to_an_end(key, mock):
    a = {"$ref": "#/components/schemas/A"}
    document = at(a)
    document["components"] = {"schemas": {"A": {key: [a] * 9}}}
    document["paths"]["/a"]["get"]["parameters"] = [{"name": "n", "in": "query", "schema": a}]
    client = mock(document)
    began = time.monotonic()
    assert client.get("/a").status_code == 501 and client.get("/a?n=1").status_code == 400
    assert time.monotonic() - began < 5


def test_hostile_requests_are_answered(mock, things):
    client = mock(things)
    deep = "[" * 5000 + "]" * 5000
    for path in ("//", "/things/%00", "/things/" + "x" * 5000, "/things?limit=" + "9" * 5000,
                 "/things?limit=%ff", "/things?limit[a][b]=1"):  # fmt: skip
        assert client.get(path).status_code in (200, 400, 404), path
    for data in (deep, '{"name": "\ud800"}'.encode("utf-8", "surrogatepass"), b"\xff", "1e999"):
        found = client.post("/things", data=data, content_type="application/json")
        assert found.status_code == 422, data
    assert json.loads(client.post("/things", json={"name": "xx", "size": 10**30}).text)["code"]

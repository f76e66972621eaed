"""What a request may say, and what is wrong with it: several things at once, and where."""

import io

import pytest

from .conftest import openapi


@pytest.fixture
def asking(mock):
    """Return a client of a mock with one operation at /it, which takes these parameters or body."""

    def make(parameters=(), body=None, method="get", version="3.1.0", responses=None, path="/it"):
        operation = {"parameters": list(parameters), "responses": responses or {"204": {}}}
        if body is not None:
            operation["requestBody"] = body
        return mock(openapi({path: {method: operation}}, version))

    return make


def wrong(found) -> list[str]:
    assert found.status_code == 400 and found.content_type == "application/problem+json", found.text
    return [
        " ".join(part for part in (one["in"], one.get("name"), one.get("pointer")) if part)
        for one in found.json["errors"]
    ]


LIST = {"type": "array", "items": {"type": "integer"}, "maxItems": 3}
OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}},
          "required": ["a"], "additionalProperties": False}  # fmt: skip

QUERIES = [
    ({"schema": {"type": "integer"}}, "p=3", "p=three"),
    ({"schema": {"type": "number", "minimum": 1}}, "p=1e1", "p=0.5"),
    ({"schema": {"type": "number", "multipleOf": 0.01}}, "p=0.07", "p=0.075"),
    ({"schema": {"type": "number", "multipleOf": 0.1}}, "p=0.3", "p=0.35"),
    ({"schema": {"type": "integer", "multipleOf": 7}}, "p=700000000000000000007", "p=8"),
    ({"schema": {"type": "boolean"}}, "p=true", "p=yes"),
    ({"schema": {"type": "string", "format": "date"}}, "p=2026-01-31", "p=2026-01-32"),
    ({"schema": {"enum": ["a", "b c"]}}, "p=b+c", "p=c"),
    ({"schema": {"anyOf": [{"type": "integer"}, {"enum": ["all"]}]}}, "p=all", "p=none"),
    ({"schema": LIST}, "p=1&p=2", "p=1&p=x"),
    ({"schema": LIST}, "p=1", "p=1&p=2&p=3&p=4"),
    ({"schema": LIST, "explode": False}, "p=1,2,3", "p=1,,3"),
    ({"schema": LIST, "style": "pipeDelimited", "explode": False}, "p=1|2", "p=1,2"),
    ({"schema": LIST, "style": "spaceDelimited", "explode": False}, "p=1%202", "p=1|2"),
    ({"schema": OBJECT}, "a=1&b=true", "a=x"),
    ({"schema": OBJECT, "explode": False}, "p=a,1,b,false", "p=b,false"),
    ({"schema": OBJECT, "style": "deepObject"}, "p[a]=1&p[b]=true", "p[a]=1&p[c]=2"),
    ({"content": {"application/json": {"schema": OBJECT}}}, "p=%7B%22a%22:1%7D", "p=%7B"),
    ({"content": {"application/json": {"schema": OBJECT}}}, "p=%7B%22a%22:1%7D", "p=%7B%7D"),
    ({"schema": {"type": "integer"}, "allowEmptyValue": True}, "p=", "p=x"),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "right", "mistaken"), QUERIES)
def test_a_query_is_read_as_its_style_has_it(parameter, right, mistaken, asking):
    client = asking([{"name": "p", "in": "query", "required": True, **parameter}])
    assert client.get(f"/it?{right}").status_code == 204
    assert {one.split()[0] for one in wrong(client.get(f"/it?{mistaken}"))} == {"query"}
    assert wrong(client.get("/it")) == ["query p"]


def test_an_object_of_any_members_has_those_of_no_other_parameter_and_no_key(mock):
    members = {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1}
    document = openapi(
        {
            "/it": {
                "get": {
                    "responses": {"204": {}},
                    "parameters": [
                        {"name": "any", "in": "query", "required": True, "schema": members},
                        {"name": "word", "in": "query", "schema": {"type": "string"}},
                        {
                            "name": "deep",
                            "in": "query",
                            "style": "deepObject",
                            "schema": {"type": "object"},
                        },
                    ],
                }
            }
        }
    )
    key = {"type": "apiKey", "in": "query", "name": "key"}
    document["components"] = {"securitySchemes": {"key": key}}
    document["security"] = [{"key": []}]
    client = mock(document)
    assert client.get("/it?a=1&b=2&word=x&deep[a]=y&key=z").status_code == 204
    assert wrong(client.get("/it?a=x&key=z")) == ["query any /a"]
    assert wrong(client.get("/it?word=x&deep[a]=y&key=z")) == ["query any"]


PATHS = [
    ({"schema": {"type": "integer"}}, "7", "x"),
    ({"schema": LIST}, "1,2", "1,x"),
    ({"schema": OBJECT}, "a,1", "b,true"),
    ({"schema": OBJECT, "explode": True}, "a=1,b=true", "a=x"),
    ({"schema": LIST, "style": "label"}, ".1,2", ".x"),
    ({"schema": LIST, "style": "label", "explode": True}, ".1.2", ".1.x"),
    ({"schema": {"type": "integer"}, "style": "matrix"}, ";p=5", ";p=x"),
    ({"schema": LIST, "style": "matrix"}, ";p=1,2", ";p=x"),
    ({"schema": LIST, "style": "matrix", "explode": True}, ";p=1;p=2", ";p=1;p=x"),
    ({"schema": OBJECT, "style": "matrix", "explode": True}, ";a=1;b=true", ";b=true"),
]


@pytest.mark.parametrize(("parameter", "right", "mistaken"), PATHS)
def test_a_part_of_a_path_is_read_as_its_style_has_it(parameter, right, mistaken, asking):
    client = asking([{"name": "p", "in": "path", "required": True, **parameter}], path="/it/{p}")
    assert client.get(f"/it/{right}").status_code == 204
    assert wrong(client.get(f"/it/{mistaken}"))


def test_headers_and_cookies_are_parameters_too(asking):
    schema = {"type": "integer"}
    client = asking([
        {"name": "X-Page", "in": "header", "required": True, "schema": schema},
        {"name": "page", "in": "cookie", "required": True, "schema": schema},
        {"name": "Accept", "in": "header", "required": True, "schema": schema},
    ])  # fmt: skip
    right = {"X-Page": "3", "Cookie": "page=4"}
    assert client.get("/it", headers=right).status_code == 204
    assert wrong(client.get("/it", headers={"X-Page": "x"})) == ["header X-Page", "cookie page"]


def test_an_operation_replaces_a_parameter_of_its_path(mock):
    shared = {"name": "p", "in": "query", "required": True, "schema": {"type": "integer"}}
    own = {**shared, "schema": {"type": "string"}}
    item = {"parameters": [shared], "get": {"parameters": [own], "responses": {"204": {}}},
            "put": {"responses": {"204": {}}}}  # fmt: skip
    client = mock(openapi({"/it": item}))
    assert client.get("/it?p=x").status_code == 204 and client.put("/it?p=x").status_code == 400


def body(media: str, schema: object, **more: object) -> dict:
    return {"required": True, "content": {media: {"schema": schema, **more}}}


def test_a_json_body_is_held_to_its_schema_and_all_that_is_wrong_is_told(asking):
    query = {"name": "n", "in": "query", "schema": {"type": "integer"}}
    both = {**OBJECT, "required": ["a", "b"]}
    client = asking([query], body("application/json", both), "post")
    assert client.post("/it", json={"a": 1, "b": True}).status_code == 204
    found = client.post("/it?n=x", json={"a": "1", "c": 2})
    assert wrong(found) == ["query n", "body", "body", "body /a"]
    assert wrong(client.post("/it")) == ["body"]
    said = client.post("/it", data="{", content_type="application/json")
    assert wrong(said) == ["body"] and "not JSON" in said.json["detail"]


def test_a_refusal_does_not_repeat_what_was_sent(asking):
    schema = {"type": "object", "properties": {"password": {"type": "string", "minLength": 50}}}
    client = asking(body=body("application/json", schema), method="post")
    assert "hunter2" not in client.post("/it", json={"password": "hunter2"}).text


def test_a_form_is_read_as_its_schema_means_it(asking):
    schema = {"type": "object", "properties": {
        "n": {"type": "integer"}, "all": LIST, "in": OBJECT}, "required": ["n"]}  # fmt: skip
    client = asking(body=body("application/x-www-form-urlencoded", schema), method="post")
    right = {"n": "1", "all": ["1", "2"], "in[a]": "3"}
    assert client.post("/it", data=right).status_code == 204
    assert wrong(client.post("/it", data={"all": "x", "in[a]": "y"})) == [
        "body", "body /all/0", "body /in/a",
    ]  # fmt: skip


def test_a_form_of_parts_has_files_and_objects(asking):
    schema = {"type": "object", "required": ["file", "in"], "properties": {
        "file": {"type": "string", "format": "binary"}, "in": OBJECT}}  # fmt: skip
    client = asking(body=body("multipart/form-data", schema), method="post")
    right = {"file": (io.BytesIO(b"\xff\x00"), "it.bin"), "in": '{"a": 1}'}
    assert client.post("/it", data=right).status_code == 204
    found = client.post("/it", data={"in": '{"a": "x"}'}, content_type="multipart/form-data")
    assert wrong(found) == ["body", "body /in/a"]
    mistaken = client.post("/it", data=b"--x", content_type="multipart/form-data")
    assert wrong(mistaken) == ["body"]


def test_each_part_of_a_list_of_objects_is_one_of_them(asking):
    schema = {"type": "object", "properties": {"all": {"type": "array", "items": OBJECT}}}
    client = asking(body=body("multipart/form-data", schema), method="post")

    def sent(*parts: str):
        return client.post("/it", data={"all": list(parts)}, content_type="multipart/form-data")

    assert sent('{"a": 1}').status_code == sent('{"a": 1}', '{"a": 2}').status_code == 204
    assert sent('[{"a": 1}, {"a": 2}]').status_code == 204
    assert wrong(sent('{"a": 1}', '{"b": true}'))
    assert wrong(sent('{"a": 1}', "{"))


@pytest.mark.parametrize(("media", "schema", "status"), [
    ("application/octet-stream", {"type": "string", "format": "binary"}, 204),
    ("text/plain", {"type": "string", "minLength": 1}, 400),
    ("application/x-www-form-urlencoded", {"type": "object"}, 204),
    ("application/x-www-form-urlencoded", {"type": "object", "required": ["a"]}, 400),
    ("application/json", True, 400),
])  # fmt: skip
def test_a_body_of_no_bytes_is_there_when_its_type_says_so_but_is_no_json(
    media, schema, status, asking
):
    client = asking(body=body(media, schema), method="post")
    assert client.post("/it", data=b"", content_type=media).status_code == status
    assert wrong(client.post("/it")) == ["body"]


def test_a_body_of_a_type_that_is_not_documented_is_415(asking):
    client = asking(body=body("application/json", {}), method="post")
    found = client.post("/it", data="<a/>", content_type="application/xml")
    assert found.status_code == 415 and found.headers["Accept"] == "application/json"
    assert client.post("/it", data=b"1").status_code == 415


@pytest.mark.parametrize("media", ["application/*", "*/*", "application/json; charset=utf-8"])
def test_a_range_of_types_is_taken(media, asking):
    client = asking(body=body(media, {"type": "integer"}), method="post")
    assert client.post("/it", json=3).status_code == 204
    assert client.post("/it", json="x").status_code == 400


def test_a_body_that_is_too_large_is_413(asking):
    client = asking(body=body("text/plain", {}), method="post")
    found = client.post("/it", data=b"x" * (16 * 2**20 + 1), content_type="text/plain")
    assert found.status_code == 413 and found.content_type == "application/problem+json"


@pytest.mark.parametrize(("documented", "body_status", "query_status"), [
    (("422",), 422, 422), (("400",), 400, 400), (("400", "422"), 422, 400),
    (("default",), 400, 400),
])  # fmt: skip
def test_a_mistake_has_the_status_that_is_documented(documented, body_status, query_status, asking):
    responses = {"204": {}, **{status: {"description": ""} for status in documented}}
    query = {"name": "n", "in": "query", "schema": {"type": "integer"}}
    client = asking([query], body("application/json", OBJECT), "post", responses=responses)
    assert client.post("/it", json={}).status_code == body_status
    assert client.post("/it?n=x", json={"a": 1}).status_code == query_status


def test_what_is_read_only_need_not_be_sent(asking):
    schema = {"type": "object", "required": ["id", "n"], "properties": {
        "id": {"type": "integer", "readOnly": True}, "n": {"type": "integer"}}}  # fmt: skip
    client = asking(body=body("application/json", schema), method="post")
    assert client.post("/it", json={"n": 1}).status_code == 204
    assert client.post("/it", json={"id": 1}).status_code == 400


def test_a_path_that_is_written_goes_before_one_with_a_value(mock):
    def saying(word: str) -> dict:
        content = {"text/plain": {"example": word}}
        return {"get": {"responses": {"200": {"description": "", "content": content}}}}

    paths = {"/a/{x}": "any", "/a/me": "me", "/a/{x}.json": "file", "/a/{x}:{y}": "pair",
             "/a/{x}/b": "below", "/a/{y}/{z}": "deep"}  # fmt: skip
    client = mock(openapi({path: saying(word) for path, word in paths.items()}))
    asked = {"/a/you": "any", "/a/me": "me", "/a/it.json": "file", "/a/1:2": "pair",
             "/a/me/b": "below", "/a/me/c": "deep"}  # fmt: skip
    assert {path: client.get(path).text for path in asked} == asked


def test_a_slash_that_is_part_of_a_value_parts_nothing(asking):
    schema = {"enum": ["a/b", "c"]}
    client = asking([{"name": "p", "in": "path", "required": True, "schema": schema}],
                    path="/it/{p}")  # fmt: skip
    assert client.get("/it/a%2Fb").status_code == client.get("/it/c").status_code == 204
    assert client.get("/it/a/b").status_code == 404


@pytest.mark.parametrize(("listed", "asked"), [
    ("/with%20blank/it", "/with%20blank/it"), ("/with blank/it", "/with%20blank/it"),
    ("/%C3%A9/it", "/%C3%A9/it"), ("/a%2Fb/it", "/a%2Fb/it"),
    ("/with%20blank{p}/it", "/with%20blank7/it"), ("/a%2Fb-{p}/it", "/a%2Fb-7/it"),
])  # fmt: skip
def test_a_path_is_known_whether_or_not_the_document_encodes_it(listed, asked, asking):
    client = asking(path=listed)
    assert client.get(asked).status_code == 204
    assert client.get("/other/it").status_code == 404


def test_an_unknown_path_is_404_and_an_unknown_method_405_with_the_known_ones(asking):
    client = asking()
    assert client.get("/").status_code == 404
    found = client.delete("/it")
    assert found.status_code == 405 and found.headers["Allow"] == "GET"


def test_a_path_is_known_with_and_without_the_base_of_its_server(mock, things):
    client = mock(things)
    assert client.get("/things").status_code == client.get("/v1/things").status_code == 200
    assert client.get("/v2/things").status_code == 404

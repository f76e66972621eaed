"""Which answer is given: examples first, then what is made; by status, type and preference."""

import re

import pytest

from counterfoil import wiring

from .conftest import openapi


@pytest.fixture
def answers(mock):
    """Return a client of a mock with one operation at /it, which has these responses."""

    def make(responses: object, **more: object):
        return mock(openapi({"/it": {"get": {"responses": responses}}}, **more))

    return make


def documented(media: object = None, kind: str = "application/json", **more: object) -> dict:
    return {"description": "", **({"content": {kind: media}} if media is not None else {}), **more}


SAID = [
    ({"example": 1, "schema": {"example": 2}}, 1),
    ({"examples": {"a": {"value": 1}, "b": {"value": 2}}}, 1),
    ({"schema": {"type": "integer", "example": 7}}, 7),
    ({"schema": {"type": "integer", "examples": [8, 9]}}, 8),
    ({"schema": {"type": "integer", "default": 10}}, 10),
    ({"schema": {"const": 11}}, 11),
    ({"schema": {"enum": [12]}}, 12),
    ({"schema": {"type": "object", "properties": {"a": {"example": 13}}}}, {"a": 13}),
    ({"example": '{"a": 1}', "schema": {"type": "object"}}, {"a": 1}),
]


@pytest.mark.parametrize(("media", "said"), SAID)
def test_an_example_goes_before_what_is_made(media, said, answers):
    assert answers({"200": documented(media)}).get("/it").json == said


def test_an_example_that_breaks_its_schema_is_passed_over_and_the_owner_is_told(answers):
    client = answers({"200": documented({"example": "x", "schema": {"type": "integer"}})})
    assert isinstance(client.get("/it").json, int)
    remark = client.journal.entries()[0].remarks[0]
    assert "the example of application/json does not fit its schema" in remark


def test_an_example_is_given_after_all_where_nothing_fits_the_schema(answers):
    client = answers({"200": documented({"example": "x", "schema": False})})
    assert client.get("/it").json == "x"
    assert answers({"200": documented({"schema": False})}).get("/it").status_code == 501


def test_a_dynamic_answer_is_made_whatever_the_examples_say(answers):
    client = answers({"200": documented({"example": 1000, "schema": {"type": "integer"}})})
    made = [client.get(f"/it?n={n}", headers={"Prefer": "dynamic=true"}) for n in (1, 1, 2, 3)]
    said = [one.json for one in made]
    assert 1000 not in said and said[0] == said[1] and len(set(said)) > 1
    assert made[0].headers["Preference-Applied"] == "dynamic=true"


def test_a_status_an_example_or_both_can_be_preferred(answers):
    examples = {"a": {"value": 1}, "b": {"value": 2}}
    client = answers({
        "200": documented({"examples": examples}), "404": documented({"example": "none"}),
        "5XX": documented({"example": "down"}),
    })  # fmt: skip
    assert client.get("/it", headers={"Prefer": "example=b"}).json == 2
    for code, said in ((404, "none"), (503, "down")):
        found = client.get("/it", headers={"Prefer": f"code={code}"})
        assert (found.status_code, found.json) == (code, said)
    assert client.get("/it", headers={"Prefer": 'code=200, example="b"'}).json == 2
    assert client.get("/it", headers={"Prefer": "return=minimal"}).json == 1


@pytest.mark.parametrize(("prefer", "said"), [
    ("code=409", "documented: 200"), ("code=99", "a status from 200"),
    ("example=c", "documented: a"), ("dynamic=maybe", "true or false"),
])  # fmt: skip
def test_what_cannot_be_preferred_is_refused_and_what_can_is_told(prefer, said, answers):
    client = answers({"200": documented({"examples": {"a": {"value": 1}}})})
    found = client.get("/it", headers={"Prefer": prefer})
    assert found.status_code == 400 and said in found.json["detail"]


@pytest.mark.parametrize(("statuses", "usual"), [
    (["404", "201", "202"], 201), (["default"], 200), (["2XX", "400"], 200), (["302", "404"], 302),
    (["404"], 404),
])  # fmt: skip
def test_the_usual_answer_is_the_first_success_that_is_documented(statuses, usual, answers):
    client = answers({status: {"description": ""} for status in statuses})
    assert client.get("/it").status_code == usual


def test_the_client_says_which_type_it_accepts(answers):
    content = {"text/plain": {"example": "text"}, "application/json": {"example": "json"},
               "application/xml": {"schema": {"type": "object"}}}  # fmt: skip
    client = answers({"200": {"description": "", "content": content}})
    asked = {"": "application/json", "text/*": "text/plain", "*/*;q=0.1, text/plain": "text/plain",
             "application/json;q=0, */*": "text/plain"}  # fmt: skip
    for accept, kind in asked.items():
        assert client.get("/it", headers={"Accept": accept}).mimetype == kind, accept
    found = client.get("/it", headers={"Accept": "application/xml"})
    assert found.status_code == 406 and "text/plain" in found.json["detail"]


def test_headers_are_answered_too_and_none_says_how_the_message_travels(answers):
    headers = {
        "X-Limit": {"schema": {"type": "integer", "minimum": 5, "maximum": 5}},
        "X-List": {"schema": {"type": "array", "items": {"const": True}, "minItems": 2}},
        "X-Said": {"example": "said"}, "Content-Encoding": {"schema": {"const": "gzip"}},
        "X-Split": {"example": "a\r\nX-Other: b"}, "Bad Name": {"example": "x"},
    }  # fmt: skip
    found = answers({"200": documented(headers=headers)}).get("/it").headers
    assert found["X-Limit"] == "5" and found["X-Said"] == "said"
    assert re.fullmatch("true(,true)+", found["X-List"])
    assert not {"Content-Encoding", "X-Other", "X-Split", "Bad Name"} & set(dict(found))


def test_a_204_has_no_body(answers):
    assert answers({"204": documented({"example": 1})}).get("/it").data == b""


SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "oauth": {"type": "oauth2", "flows": {}},
    "tls": {"type": "mutualTLS"},
}

WAYS = [
    ([{"key": []}], [{"X-Key": "k"}], [{}, {"X-Key": ""}]),
    ([{"cookie": []}], [{"Cookie": "sid=1"}], [{"Cookie": "x=1"}]),
    ([{"basic": []}], [{"Authorization": "Basic YTpi"}],
     [{"Authorization": "Basic %%"}, {"Authorization": "Bearer YTpi"}]),
    ([{"bearer": []}], [{"Authorization": "bearer x"}], [{"Authorization": "Bearer "}]),
    ([{"oauth": ["read"]}], [{"Authorization": "Bearer x"}], [{}]),
    ([{"key": [], "bearer": []}], [{"X-Key": "k", "Authorization": "Bearer x"}],
     [{"X-Key": "k"}, {"Authorization": "Bearer x"}]),
    ([{"key": []}, {"bearer": []}], [{"X-Key": "k"}, {"Authorization": "Bearer x"}], [{}]),
    ([{"key": []}, {}], [{}], []),
    ([], [{}], []),
    ([{"tls": []}], [{}], []),
]  # fmt: skip


@pytest.mark.parametrize(("ways", "let_in", "refused"), WAYS)
def test_credentials_that_are_wanted_have_to_be_there(ways, let_in, refused, answers):
    components = {"securitySchemes": SCHEMES}
    client = answers({"204": {"description": ""}}, security=ways, components=components)
    for headers in let_in:
        assert client.get("/it", headers=headers).status_code == 204, headers
    for headers in refused:
        found = client.get("/it", headers=headers)
        assert found.status_code == 401 and found.headers["WWW-Authenticate"], headers


def test_a_key_in_the_query_lets_in_and_stands_in_no_journal(answers):
    components = {"securitySchemes": SCHEMES}
    client = answers({"204": {"description": ""}}, security=[{"query": [], "key": []}],
                     components=components)  # fmt: skip
    assert client.get("/it?a=1&key=abc-123", headers={"X-Key": "def-456"}).status_code == 204
    entry = str(client.journal.entries())
    assert "abc-123" not in entry and "def-456" not in entry and "a=1" in entry


def test_a_password_in_a_body_stands_in_no_journal(mock):
    schema = {"type": "object", "properties": {"word": {"type": "string", "format": "password"}}}
    body = {"content": {"application/json": {"schema": schema}}}
    client = mock(openapi({"/it": {"post": {"requestBody": body, "responses": {"204": {}}}}}))
    client.post("/it", json={"word": 'a \\ " hunter2', "n": 1})
    assert "hunter2" not in str(client.journal.entries())


def test_a_refusal_is_in_the_documents_own_shape_if_it_has_one(mock, things):
    client = mock(things)
    found = client.post("/things", json={"name": 3})
    assert found.status_code == 422 and found.mimetype == "application/json"
    assert set(found.json) == {"code", "message"}
    assert found.json["message"] == "body /name: should be string"


def test_without_authentication_nobody_is_asked(mock):
    paths = {"/it": {"get": {"security": [{"key": []}], "responses": {"204": {}}}}}
    document = openapi(paths, components={"securitySchemes": SCHEMES})
    assert mock(document, authenticate=False).get("/it").status_code == 204
    assert mock(document).get("/it").status_code == 401


def test_a_reply_can_be_scripted_by_method_and_path(mock, things):
    client = mock(things)
    scripted = client.api.world.scripted
    scripted.add({"question": "GET /things/7", "answer": '{"id": 7}', "fields": {"status": 203}})
    scripted.add({"question": "DELETE /things/7", "error": {"status": 503, "message": "later"}})
    found = client.get("/things/7")
    assert (found.status_code, found.json) == (203, {"id": 7})
    assert client.delete("/things/7").status_code == 503
    assert client.get("/things/8").json != {"id": 7}


def test_what_was_recorded_or_written_in_files_is_answered(written, things, tmp_path):
    exchange = {
        "startedDateTime": "2026-01-01T00:00:00Z", "time": 1,
        "request": {"method": "GET", "url": "https://things.example/things/7", "headers": []},
        "response": {"status": 206, "headers": [],
                     "content": {"mimeType": "application/json", "text": "[7]"}},
    }  # fmt: skip
    written({"log": {"entries": [exchange]}}, "things/recorded.har")
    written([{"question": "GET /things/8", "answer": "[8]", "basis": "authored"}],
            "things/replies.yaml")  # fmt: skip
    made = wiring.mocks([str(written(things))], fixtures=tmp_path)
    client = made.app.test_client()
    assert (client.get("/things/7").status_code, client.get("/things/7").json) == (206, [7])
    assert client.get("/things/8").json == [8]


def test_a_strict_mock_makes_nothing_up(mock, things):
    client = mock(things, strict=True)
    client.api.world.scripted.add({"question": "GET /things", "answer": "[]"})
    assert client.get("/things").status_code == 200
    found = client.get("/things/7")
    assert found.status_code == 501 and "GET /things" in found.json["detail"]

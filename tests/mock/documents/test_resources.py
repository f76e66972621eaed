"""With `stateful`, what is created can be read, listed, changed and deleted."""

import pytest

from .conftest import openapi


@pytest.fixture
def stateful(mock, things):
    return mock(things, stateful=True)


def test_a_thing_lives_from_its_creation_to_its_end(stateful):
    client = stateful
    assert client.get("/things").json["items"] == [] and client.get("/things").json["total"] == 0
    made = client.post("/things", json={"name": "first", "size": 4, "secret": "x"})
    id = made.json["id"]
    assert made.status_code == 201 and made.headers["Location"] == f"/things/{id}"
    assert made.json["name"] == "first" and made.json["size"] == 4
    assert client.get(f"/things/{id}").json == made.json == client.get("/things").json["items"][0]
    assert client.patch(f"/things/{id}", json={"size": 5}).json == {**made.json, "size": 5}
    replaced = client.put(f"/things/{id}", json={"name": "other"}).json
    assert (replaced["id"], replaced["name"]) == (id, "other")
    assert client.delete(f"/things/{id}").status_code == 204
    gone = client.get(f"/things/{id}")
    assert gone.status_code == 404 and set(gone.json) == {"code", "message"}
    assert client.get("/things").json["items"] == []


def test_what_is_not_there_is_not_found(stateful):
    for method in ("get", "put", "patch", "delete"):
        found = getattr(stateful, method)("/things/none", json={"name": "xx"})
        assert found.status_code == 404, method


def test_ids_are_new_fit_their_schema_and_are_the_same_for_the_same_seed(mock, things):
    def ids(seed: int) -> list[str]:
        client = mock(things, stateful=True, seed=seed)
        return [client.post("/things", json={"name": "xx"}).json["id"] for _ in range(3)]

    assert len(set(ids(1))) == 3 and ids(1) == ids(1) != ids(2)
    assert all(len(id) == 36 for id in ids(1))


def test_callers_do_not_see_each_others_things(mock, things):
    things["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    things["security"] = [{"key": []}]
    client = mock(things, stateful=True)
    one, other = ({"Authorization": f"Bearer {word}"} for word in ("one-word", "other-word"))
    id = client.post("/things", json={"name": "mine"}, headers=one).json["id"]
    assert client.get(f"/things/{id}", headers=one).status_code == 200
    assert client.get(f"/things/{id}", headers=other).status_code == 404
    assert "one-word" not in str(client.api.world.store.snapshot())


def test_an_answer_shows_only_what_its_schema_lets_through(mock, things):
    thing = things["components"]["schemas"]["Thing"]
    thing["additionalProperties"] = False
    create = things["paths"]["/things"]["post"]["requestBody"]["content"]
    create["application/json"]["schema"] = {"type": "object"}
    client = mock(things, stateful=True)
    made = client.post("/things", json={"name": "x", "size": 9, "strange": 1, "made": "today"})
    assert made.status_code == 201
    assert set(made.json) <= {"id", "name", "size", "made"}
    assert len(made.json["name"]) > 1 and 3 <= made.json.get("size", 3) <= 5


def test_things_within_a_member_and_things_below_things(mock):
    thing = {"type": "object", "required": ["id"], "properties": {
        "id": {"type": "integer"}, "name": {"type": "string"}}}  # fmt: skip
    whole = {"type": "object", "required": ["pot"], "properties": {"pot": thing}}
    many = {"type": "array", "items": thing}

    def operation(schema: object, status: str = "200", body: object = None) -> dict:
        content = {"application/json": {"schema": schema}}
        found: dict = {"responses": {status: {"description": "", "content": content}}}
        if body:
            found["requestBody"] = {"content": {"application/json": {"schema": body}}}
        return found

    client = mock(openapi({
        "/shelves/{s}/pots": {"get": operation(many), "post": operation(whole, "201", whole)},
        "/shelves/{s}/pots/{pot_id}": {"get": operation(whole)},
    }), stateful=True)  # fmt: skip
    for name in ("a", "b"):
        made = client.post("/shelves/1/pots", json={"pot": {"id": 0, "name": name}, "by": "me"})
    made = client.post("/shelves/1/pots", json={"pot": {"id": 8, "name": "c"}})
    assert made.json == {"pot": {"id": 8, "name": "c"}}
    assert client.get("/shelves/1/pots/8").json == made.json
    assert client.get("/shelves/2/pots/8").status_code == 404
    assert {"id": 8, "name": "c"} in client.get("/shelves/1/pots").json
    assert client.get("/shelves/2/pots").json == []


def test_without_it_each_answer_stands_for_itself(mock, things):
    client = mock(things)
    assert client.get("/things/any").status_code == 200
    assert client.delete("/things/any").status_code == 204
    assert client.get("/things/any").status_code == 200


def test_a_preference_goes_before_what_is_kept(stateful):
    found = stateful.get("/things/none", headers={"Prefer": "code=200"})
    assert found.status_code == 200


def test_a_reset_forgets_the_things(stateful):
    id = stateful.post("/things", json={"name": "xx"}).json["id"]
    stateful.post("/_counterfoil/reset", json={"api": "things"})
    assert stateful.get(f"/things/{id}").status_code == 404

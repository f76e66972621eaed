import pytest

from mockserver.faults import faults_of
from mockserver.model import Answer, Refusal
from mockserver.schema_faults import schema_faults

from .conftest import Echo


class Json(Echo):
    """Answers in JSON, and refuses what is too short."""

    def shout(self, word, said):
        if len(said) < 2:
            raise Refusal("too short")
        return Answer(200, b'{"said": 1}', (("Content-Type", "application/json"),))


FAULTS = {change.fault.id: change for change in schema_faults(Json)}


@pytest.fixture
def ask(make_api):
    from mockserver.app import create_app
    from mockserver.journal import Journal

    def asking(what):
        api = make_api(FAULTS[f"echo.schema.{what}"] if what else Json)
        client = create_app({"": api}, Journal()).test_client()
        asked = [
            client.post("/say/a", data=b"bb"),
            client.post("/say/a", data=b"b"),
            client.post("/say/a", data="bé".encode()),
            client.put("/say/a"),
            client.post("/nowhere"),
        ]
        return [(answer.status_code, answer.content_type, answer.text) for answer in asked]

    return asking


CHANGED = {
    "status_unlisted": {0, 2},
    "type_unlisted": {0, 2},
    "body_emptied": {0, 2},
    "invalid_accepted": {1},
    "invalid_fails": {1},
    "method_accepted": {3},
    "path_accepted": {4},
    "valid_refused": {2},
}


def test_there_is_a_fault_for_each_and_none_is_listed_for_an_api_that_names_none():
    assert [id.removeprefix("echo.schema.") for id in FAULTS] == list(CHANGED)
    assert faults_of(Json) == {}
    sentences = {change.fault.sentence for change in FAULTS.values()}
    assert len(sentences) == len(FAULTS)


@pytest.mark.parametrize("what", CHANGED)
def test_a_fault_changes_the_answers_that_it_is_about_and_no_other(ask, what):
    honest, broken = ask(""), ask(what)
    changed = {nth for nth, pair in enumerate(zip(honest, broken, strict=True)) if len({*pair}) > 1}
    assert changed == CHANGED[what]
    assert [status for status, _, _ in honest] == [200, 400, 200, 405, 404]

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from mockserver import chances, create_app
from mockserver.chances import Chooser
from mockserver.faults import Impossible, UnknownName, fault, package_of, read_chance, read_chances
from mockserver.journal import Journal
from mockserver.model import Answer, Api, Call, Chance, Variant

from .conftest import LOUD, ROUTE, TWICE, Echo, Mock, say

MakeApi = Callable[..., Api]


# What is asked for.


@pytest.mark.parametrize(
    ("text", "chance"),
    [
        ("a.b.c", 1.0), ("a.b.c@1", 1.0), ("a.b.c@0", 0.0), ("a.b.c@0.25", 0.25),
        ("a.b.c@.5", 0.5), ("a.b.c@1e-3", 0.001),
    ],
)  # fmt: skip
def test_chance_is_read_from_what_stands_after_the_at_sign(text: str, chance: float) -> None:
    assert read_chance(text) == Chance("a.b.c", chance)


@pytest.mark.parametrize("number", ["2", "-1", "x", "nan", "", "inf", "1e999", "25%", "0.5@0.5"])
def test_what_is_no_chance_is_refused_with_an_example(number: str) -> None:
    with pytest.raises(Impossible) as caught:
        read_chance(f"a.b.c@{number}")
    assert str(caught.value) == (
        f"'a.b.c@{number}': after @ stands a chance from 0 to 1, like a.b.c@0.25"
    )
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, UnknownName)


def test_fault_has_one_chance() -> None:
    assert read_chances(["a@0.5", "b", "a@.5"]) == (Chance("a", 0.5), Chance("b"))
    with pytest.raises(Impossible, match="a is given two chances"):
        read_chances(["a@0.5", "a"])


# One request alone.


def test_request_that_asks_for_a_fault_breaks_alone(mock: Mock, journal: Journal) -> None:
    client = mock()
    assert [say(client), say(client, LOUD), say(client)] == ["a:b", "A:B", "a:b"]
    assert [entry.faults for entry in journal.entries()] == [(), (LOUD,), ()]


def test_request_may_ask_for_several_faults(mock: Mock, journal: Journal) -> None:
    client = mock()
    assert say(client, f" {LOUD} ", "", TWICE, LOUD) == "A:BB"
    assert journal.entries()[-1].faults == (LOUD, TWICE)


def test_request_may_ask_for_more_than_the_mock_has(mock: Mock, journal: Journal) -> None:
    client = mock(LOUD)
    assert [say(client), say(client, TWICE), say(client, LOUD)] == ["A:B", "A:BB", "A:B"]
    assert [entry.faults for entry in journal.entries()] == [(LOUD,), (LOUD, TWICE), (LOUD,)]


def test_header_is_named_in_the_journal_and_the_log(
    mock: Mock, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    say(mock(), LOUD, TWICE)
    assert journal.entries()[-1].remarks == (f"Counterfoil-Fault: {LOUD}, {TWICE}",)
    assert caplog.messages == [f"echo: Counterfoil-Fault: {LOUD}, {TWICE}"]


def test_admin_shows_the_faults_of_each_request(mock: Mock) -> None:
    client = mock()
    say(client, LOUD)
    say(client)
    shown = client.get("/_counterfoil/journal").json
    assert shown and [entry["faults"] for entry in shown["entries"]] == [[LOUD], []]


class Nosy(Echo):
    """Says which headers it was sent."""

    def answer(self, call: Call) -> Answer:
        return Answer(200, repr(sorted(call.request.headers)).encode())


def test_api_does_not_see_the_header(mock: Mock) -> None:
    broken = fault(LOUD, "shape", "It is the same.")(type("Broken", (Nosy,), {}))
    vars(sys.modules[f"{package_of(Nosy)}.faults"])["known"] = [broken]
    client = mock(api=Nosy)
    assert say(client, LOUD) == say(client)
    assert "Counterfoil" not in say(client, LOUD)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("echo.say.lout", "unknown fault 'echo.say.lout'; did you mean echo.say.loud?"),
        (f"{LOUD},echo.say.twic", "unknown fault 'echo.say.twic'; did you mean echo.say.twice?"),
        ("other.say.twice", "unknown fault 'other.say.twice'; did you mean echo.say.twice?"),
        (f"{LOUD}@0.5", f"unknown fault '{LOUD}@0.5'; did you mean {LOUD}?"),
        (" , ", "Counterfoil-Fault names no fault"),
        ("", "Counterfoil-Fault names no fault"),
        ("\xff\0", "unknown fault 'ÿ\\x00'; known are "),
        ("q" * 10_000, "unknown fault"),
    ],
)
@pytest.mark.parametrize("path", ["/say/a", "/say/crash", "/nowhere"])
def test_unknown_fault_is_refused_before_the_api_sees_the_request(
    mock: Mock, journal: Journal, path: str, asked: str, says: str
) -> None:
    client = mock(f"{TWICE}@1")
    answer = client.post(path, environ_overrides={"HTTP_COUNTERFOIL_FAULT": asked})
    assert (answer.status_code, answer.mimetype) == (400, "application/json")
    assert "X-Dressed" not in answer.headers
    assert answer.json and list(answer.json) == ["error"]
    assert answer.json["error"].startswith(says)
    [entry] = journal.entries()
    assert (entry.status, entry.faults, entry.path) == (400, (), path)
    assert entry.remarks == (f"Counterfoil-Fault: {answer.json['error']}",)
    assert say(client) == "a:bb"


def test_refusal_of_what_is_asked_for_shows_no_secret_in_the_journal(
    mock: Mock, journal: Journal
) -> None:
    say(mock(), "echo-key")
    [remark] = journal.entries()[-1].remarks
    assert "'<key>'" in remark and "echo-key" not in remark


def test_fault_of_routes_serves_its_paths_to_who_asks_for_it(mock: Mock, journal: Journal) -> None:
    client = mock()
    asked = {"Counterfoil-Fault": f"{ROUTE},{LOUD}"}
    assert client.post("/more/a", data=b"b", headers=asked).data == b"A:B"
    assert journal.entries()[-1].operation == "more"
    assert client.post("/more/a", data=b"b").status_code == 404
    assert client.post("/say/a", data=b"b", headers=asked).data == b"A:B"
    assert client.post("/elsewhere", headers=asked).status_code == 404
    wrong = client.put("/more/a", headers=asked)
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
    assert client.head("/say/a", headers=asked).status_code == 405


@pytest.mark.usefixtures("echo_faults")
def test_header_breaks_under_a_prefix_and_only_the_api_that_is_asked(
    make_api: MakeApi, journal: Journal
) -> None:
    other = type("Other", (Echo,), {"name": "other"})
    apis = {"/echo": make_api(), "/other": make_api(other)}
    client = create_app(apis, journal).test_client()
    asked = {"Counterfoil-Fault": f"{LOUD},{ROUTE}"}
    assert client.get("/echo/say/a", headers=asked).data == b"A:"
    assert client.post("/echo/more/a", headers=asked).data == b"A:"
    assert client.get("/echo", headers=asked).data == b"HOME:"
    assert client.get("/other/say/a").data == b"a:"


def test_variant_cannot_be_asked_to_break(make_api: MakeApi, journal: Journal) -> None:
    class Differs(Echo):
        variant = Variant("echo.say.differs", "It differs.")

    client = create_app({"": make_api(Differs)}, journal).test_client()
    answer = client.get("/say/a", headers={"Counterfoil-Fault": LOUD})
    assert answer.status_code == 400
    assert "no fault can be had with the variant echo.say.differs" in answer.text
    assert client.get("/say/a").data == b"a:"


@pytest.mark.usefixtures("echo_faults")
@pytest.mark.parametrize("most", [1, 2])
def test_instances_with_the_same_faults_are_one_and_few_are_kept(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(chances, "MOST_KEPT", most)
    app = create_app({"": make_api()}, Journal())
    chooser = Chooser(make_api(), "")

    def choose(listed: str) -> Api:
        with app.test_request_context(headers={"Counterfoil-Fault": listed}) as context:
            return chooser.choose(Call("say", context.request), "").api

    both = choose(f"{LOUD},{TWICE}")
    assert choose(f"{LOUD}, {TWICE},{LOUD}") is both
    assert choose(LOUD) is not both
    assert (choose(f"{LOUD},{TWICE}") is both) == (most == 2)


def test_request_without_the_header_is_served_by_the_api_itself(make_api: MakeApi) -> None:
    api = make_api()
    app = create_app({"": api}, Journal())
    with app.test_request_context() as context:
        assert Chooser(api, "").choose(Call("say", context.request), "").api is api

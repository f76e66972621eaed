from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from .caller import (
    APP,
    PUBLIC,
    WAYS,
    Build,
    Mock,
    Seen,
    Way,
    chat,
    chat_from,
    sign,
    signed,
    without,
)

SUCCESS = ["Action", "ID", "Msg", "Response", "RetCode", "SessionID", "Time"]


def array(**more: object) -> dict[str, object]:
    """Return a signed call whose lists are JSON arrays, as the platform's Go SDK sends them."""
    lists = {"Role": ["user", "assistant", "user"], "Content": ["Hi", "Yes?", "Hello"]}
    plain = {"Action": "RunMVChat", "PublicKey": PUBLIC, "AppID": APP, **more}
    texts = {name: str(value) for name, value in plain.items()}
    joined = {name: "".join(items) for name, items in lists.items()}
    return {**plain, **lists, "Signature": sign({**texts, **joined})}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_signed_chat_is_answered_in_each_way(mock: Mock, way: Way) -> None:
    seen = way(mock, signed(chat("Hello")))
    assert seen.status == 200
    assert seen.header("Content-Type") == "application/json"
    assert list(seen.fields) == SUCCESS, "the order of the document's example"
    assert seen["Action"] == "RunMVChatResponse"
    assert seen["Msg"] == "Fine"
    assert seen["Response"] == "Hello, 世界 🙂"
    assert seen["Time"] == 1767225600
    for name in ("RetCode", "ID", "SessionID", "Time"):
        assert type(seen[name]) is int
        assert 0 <= seen[name] < 2**31


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("count", [1, 2, 12])
def test_lists_begin_at_0_or_1_and_the_last_item_is_the_newest(
    mock: Mock, way: Way, first: int, count: int
) -> None:
    contents = [f"old {place}" for place in range(count - 1)]
    assert way(mock, signed(chat_from(first, *contents, "Last")))["Response"] == (
        "The last one answers."
    )


def test_twelve_messages_are_signed_as_texts_and_read_as_numbers(mock: Mock) -> None:
    parameters = chat(*["old"] * 10, "Last", "noise")
    parameters["Role.11"] = "assistant"
    assert mock.form(signed(parameters))["Response"] == "The last one answers."


def test_a_bare_role_and_content_are_lists_of_one(mock: Mock) -> None:
    parameters = without(chat(), "Role.0", "Content.0") | {"Role": "user", "Content": "Last"}
    assert mock.get(signed(parameters))["Response"] == "The last one answers."


def test_a_dialogue_of_the_assistant_alone_is_answered_too(mock: Mock) -> None:
    assert mock.form(signed(chat("Last") | {"Role.0": "assistant"}))["Response"] == (
        "The last one answers."
    )


def test_json_arrays_are_signed_as_their_items(mock: Mock) -> None:
    assert mock.json(array())["Response"] == "Hello, 世界 🙂"


def test_json_arrays_that_are_signed_as_flat_lists_are_refused(mock: Mock) -> None:
    wrong = sign(chat("Hi", "Yes?", "Hello") | {"Role.1": "assistant"})
    assert mock.json({**array(), "Signature": wrong}).code == 171


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("7", "7"),
        ("-0", "0"),
        ("1.0", "1"),
        ("100.00", "100"),
        ("1.50", "1.5"),
        ("0.10", "0.1"),
        ("1e2", "100"),
        ("1E+2", "100"),
        ("12.5e1", "125"),
        ("1.5e-3", "0.0015"),
        ("-2.0", "-2"),
        ("-0.0", "0"),
        ("0e9", "0"),
        ("1e20", "1" + "0" * 20),
        ("1234567890123456789012345678901.25", "1234567890123456789012345678901.25"),
        ("9" * 5000, "9" * 5000),
        ("true", "true"),
        ("false", "false"),
        ('"1.0"', "1.0"),
        ('""', ""),
    ],
    ids=lambda value: value[:20],
)
def test_json_values_are_signed_as_they_are_written_out(
    mock: Mock, written: str, text: str
) -> None:
    members = [f'"{name}": "{value}"' for name, value in signed(chat(Limit=text)).items()]
    body = "{" + ", ".join(members).replace(f'"Limit": "{text}"', f'"Limit": {written}') + "}"
    assert f'"Limit": {written},' in body
    assert mock.json(body.encode()).code == 0


def test_a_json_null_is_not_sent(mock: Mock) -> None:
    assert mock.json({**signed(chat()), "SessionID": None, "Region": None}).code == 0
    assert mock.json({**signed(without(chat(), "AppID")), "AppID": None}).code == 220


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_unknown_parameters_are_tolerated_and_covered(mock: Mock, way: Way) -> None:
    extra = {
        "Region": "cn-bj2",
        "Zone": "cn-bj2-04",
        "ProjectId": "p",
        "Prompt": "DTAUtpZW",
        "é": "",
    }
    parameters = chat() | extra
    assert way(mock, signed(parameters)).code == 0
    assert way(mock, {**signed(parameters), "Prompt": "changed"}).code == 171
    assert way(mock, {**signed(chat()), "Prompt": "added"}).code == 171


def split(mock: Mock, in_query: tuple[str, ...], kind: str) -> Seen:
    parameters = signed(chat())
    query = {name: parameters[name] for name in in_query}
    rest = without(parameters, *in_query)
    return mock.form(rest, query) if kind == "form" else mock.json(rest, query)


@pytest.mark.parametrize("kind", ["form", "json"])
@pytest.mark.parametrize(
    "in_query", [("Action",), ("Signature", "PublicKey"), ("Role.0",), tuple(signed(chat()))]
)
def test_query_and_body_are_taken_together(
    mock: Mock, in_query: tuple[str, ...], kind: str
) -> None:
    assert split(mock, in_query, kind).code == 0


@pytest.mark.parametrize("kind", ["form", "json"])
def test_a_parameter_in_query_and_body_may_have_the_same_value(mock: Mock, kind: str) -> None:
    query = {"Action": "RunMVChat"}
    send = mock.form if kind == "form" else mock.json
    assert send(signed(chat()), query).code == 0


@pytest.mark.parametrize("kind", ["form", "json"])
@pytest.mark.parametrize("name", ["AppID", "Content.0", "Prompt", "Signature"])
@pytest.mark.parametrize("meant", ["query", "body"])
def test_a_parameter_with_two_values_is_refused_whichever_was_signed(
    mock: Mock, kind: str, name: str, meant: str
) -> None:
    right = signed(chat(Prompt="a"))
    query = {name: right[name] if meant == "query" else "other"}
    body = right if meant == "body" else right | {name: "other"}
    seen = (mock.form if kind == "form" else mock.json)(body, query)
    assert (seen.code, seen["Message"]) == (230, f"Params [{name}] not available")


def test_a_parameter_with_two_values_is_refused_for_its_signature_first(mock: Mock) -> None:
    right = signed(chat()) | {"Signature": "0" * 40}
    assert mock.form(right, {"AppID": "other"}).code == 171


@pytest.mark.parametrize("kind", ["query", "form", "json"])
def test_a_name_that_comes_twice_must_mean_the_same(mock: Mock, kind: str) -> None:
    for second, code in (("x", 0), ("y", 230)):
        parameters = signed(chat(Prompt="x"))
        pairs = [*parameters.items(), ("Prompt", second)]
        form = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
        if kind == "json":
            text = "{" + ", ".join(f'"{name}": "{value}"' for name, value in pairs) + "}"
            assert mock.json(text.encode()).code == code
        elif kind == "form":
            assert mock.open(data=form, content_type="application/x-www-form-urlencoded").code == (
                code
            )
        else:
            assert mock.open("GET", query_string=form).code == code


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded; charset=UTF-8", "APPLICATION/X-WWW-FORM-URLENCODED", None],
)
def test_a_form_may_say_what_it_is_in_several_ways(mock: Mock, content_type: str | None) -> None:
    form = "&".join(f"{name}={quote(value)}" for name, value in signed(chat()).items())
    assert mock.open(data=form.encode(), content_type=content_type).code == 0


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", "application/xml"])
def test_a_body_of_another_type_is_not_read(mock: Mock, content_type: str) -> None:
    form = "&".join(f"{name}={value}" for name, value in signed(chat()).items())
    assert mock.open(data=form.encode(), content_type=content_type).code == 160
    assert mock.open(data=b"x", content_type=content_type, query_string=form).code == 0


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "text", ["a b", "a+b", "a%20b", "&=;#?/", "é中文🙂", "\r\n\t", "\0", "￿", "''\"\\", " around "]
)
def test_a_text_arrives_as_it_was_signed(mock: Mock, way: Way, text: str) -> None:
    assert way(mock, signed(chat(text))).code == 0


def test_utf_8_that_is_not_escaped_is_read_as_utf_8(mock: Mock) -> None:
    form = "&".join(f"{name}={value}" for name, value in signed(chat("中文")).items())
    seen = mock.open(data=form.encode(), content_type="application/x-www-form-urlencoded")
    assert seen.code == 0


def test_the_documents_example_answer_comes_to_its_question(build: Build) -> None:
    mock = build(fixtures=Path(__file__).parents[3] / "fixtures" / "genesis")
    seen = mock.ask("uOsqGAyA")
    assert (seen["Response"], seen["Msg"]) == ("EFZUczjm", "EWskKMcN")


def test_without_authentication_nobody_needs_a_key(build: Build) -> None:
    mock = build(authenticate=False)
    anyone = without(chat(AppID="any"), "PublicKey")
    session = str(mock.form(anyone)["SessionID"])
    assert mock.form({**anyone, "SessionID": session})["SessionID"] == int(session)
    assert mock.form({**anyone, "SessionID": session, "AppID": "other"}).code == 230


def test_a_mock_knows_the_callers_that_it_is_told(build: Build) -> None:
    mock = build(credentials={"public_key": "pk", "private_key": "sk", "other_app_id": "app"})
    assert mock.form(signed(chat(PublicKey="pk"), "sk")).code == 0
    assert mock.form(signed(chat(PublicKey="pk", AppID="app"), "sk")).code == 0
    assert mock.form(signed(chat())).code == 172

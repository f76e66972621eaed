from __future__ import annotations

import re
import uuid

import pytest

from .caller import (
    APP,
    OTHER_PRIVATE,
    PUBLIC,
    WAYS,
    Mock,
    Way,
    chat,
    chat_from,
    sign,
    signed,
    without,
)

DOCUMENTS_EXAMPLE = "Action=RunMVChat&Prompt=DTAUtpZW&AppID=gjvyCaRg&SessionID=3&Content=uOsqGAyA"

LISTS = ("Role.0", "Content.0")
REFUSED = {
    "no action": (signed(without(chat(), "Action")), 160, "Missing Action"),
    "empty action": (signed(chat(Action="")), 160, "Missing Action"),
    "unknown action": (signed(chat(Action="X")), 161, "Action [X] not found"),
    "action in small letters": (
        signed(chat(Action="runmvchat")),
        161,
        "Action [runmvchat] not found",
    ),
    "no key": (without(chat(), "PublicKey"), 220, "Missing params [PublicKey]"),
    "empty key": (signed(chat(PublicKey="")), 220, "Missing params [PublicKey]"),
    "unknown key": (signed(chat(PublicKey="nobody")), 172, "User Not Exists"),
    "no signature": (chat(), 170, "Missing Signature"),
    "empty signature": ({**chat(), "Signature": ""}, 170, "Missing Signature"),
    "wrong signature": ({**chat(), "Signature": "0" * 40}, 171, "Signature VerifyAC Error"),
    "other's signature": (signed(chat(), OTHER_PRIVATE), 171, "Signature VerifyAC Error"),
    "no role": (signed(without(chat(), "Role.0")), 220, "Missing params [Role.0]"),
    "no content": (signed(without(chat(), "Content.0")), 220, "Missing params [Content.0]"),
    "no lists": (signed(without(chat(), *LISTS)), 220, "Missing params [Role.0]"),
    "no app": (signed(without(chat(), "AppID")), 220, "Missing params [AppID]"),
    "empty app": (signed(chat(AppID="")), 220, "Missing params [AppID]"),
    "unknown app": (signed(chat(AppID="nothing")), 230, "Params [AppID] not available"),
    "unknown role": (signed(chat() | {"Role.0": "bot"}), 230, "Params [Role.0] not available"),
    "capital role": (signed(chat() | {"Role.0": "User"}), 230, "Params [Role.0] not available"),
    "empty role": (signed(chat() | {"Role.0": ""}), 230, "Params [Role.0] not available"),
    "second role unknown": (
        signed(chat("a", "b") | {"Role.1": "system"}),
        230,
        "Params [Role.1] not available",
    ),
    "role too many": (signed(chat() | {"Role.1": "user"}), 230, "Params [Role.1] not available"),
    "content too many": (
        signed(chat() | {"Content.1": "b"}),
        230,
        "Params [Content.1] not available",
    ),
    "hole": (
        signed(chat("a", "b", "c") | {"Role.4": "user", "Content.4": "e"}),
        230,
        "Params [Role.4] not available",
    ),
    "begins at 2": (signed(chat_from(2)), 230, "Params [Role.2] not available"),
    "one from 0, one from 1": (
        signed(without(chat(), "Content.0") | {"Content.1": "a"}),
        230,
        "Params [Role.0] not available",
    ),
    "bare and indexed": (signed(chat() | {"Role": "user"}), 230, "Params [Role.0] not available"),
    "index without end": (
        signed(chat() | {f"Role.{'9' * 5000}": "user"}),
        230,
        f"Params [Role.{'9' * 5000}] not available",
    ),
    "session no integer": (signed(chat(SessionID="abc")), 230, "Params [SessionID] not available"),
    "session a float": (signed(chat(SessionID="1.5")), 230, "Params [SessionID] not available"),
    "session with blank": (signed(chat(SessionID="1 ")), 230, "Params [SessionID] not available"),
    "session in other digits": (
        signed(chat(SessionID="１")),
        230,
        "Params [SessionID] not available",
    ),
    "session unknown": (signed(chat(SessionID="1")), 230, "Params [SessionID] not available"),
    "session negative": (signed(chat(SessionID="-1")), 230, "Params [SessionID] not available"),
    "session huge": (signed(chat(SessionID="9" * 5000)), 230, "Params [SessionID] not available"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_has_its_retcode_message_and_http_200(mock: Mock, case: str, way: Way) -> None:
    parameters, code, message = REFUSED[case]
    seen = way(mock, parameters)
    assert (seen.status, seen.code, seen["Message"]) == (200, code, message)
    assert seen.header("Content-Type") == "application/json"
    action = parameters.get("Action")
    echo = {"Action": f"{action}Response"} if action else {}
    assert seen.fields == {"RetCode": code, **echo, "Message": message}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Action", [], 160),
        ("Action", ["RunMVChat"], 161),
        ("Action", ["Run", "MVChat"], 161),
        ("PublicKey", [], 220),
        ("PublicKey", [PUBLIC], 172),
        ("Signature", [], 170),
        ("Role.0", ["user"], 230),
        ("AppID", [], 220),
        ("AppID", [APP], 230),
        ("SessionID", [], 230),
        ("SessionID", ["1"], 230),
    ],
)
def test_an_array_is_no_text(mock: Mock, name: str, value: list[str], code: int) -> None:
    covered = chat() | {name: "".join(value)}
    assert mock.json({"Signature": sign(covered), **covered, name: value}).code == code


def test_the_documents_own_example_request_is_refused(mock: Mock) -> None:
    seen = mock.open("GET", query_string=DOCUMENTS_EXAMPLE)
    assert seen.fields == {
        "RetCode": 220,
        "Action": "RunMVChatResponse",
        "Message": "Missing params [PublicKey]",
    }


# Everything is wrong with the first of these; each later one mends what was refused.
ORDER: list[tuple[int, dict[str, str | None]]] = [
    (160, {}),
    (161, {"Action": "NoSuchAction"}),
    (220, {"Action": "RunMVChat"}),
    (172, {"PublicKey": "nobody"}),
    (170, {"PublicKey": "counterfoil-public-key"}),
    (171, {"Signature": "wrong"}),
    (220, {"Signature": None}),
    (220, {"Role.0": "bot"}),
    (220, {"Content.1": "a"}),
    (230, {"AppID": "nothing"}),
    (230, {"Content.0": "b"}),
    (230, {"Role.1": "user"}),
    (230, {"Role.0": "user"}),
    (230, {"AppID": APP}),
    (0, {"SessionID": ""}),
]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_checks_come_in_the_gateways_order(mock: Mock, way: Way) -> None:
    parameters: dict[str, str] = {"SessionID": "x"}
    sign_it = False
    for step, (code, mended) in enumerate(ORDER):
        for name, value in mended.items():
            if value is None:
                sign_it = True
            else:
                parameters[name] = value
        if sign_it:
            parameters["Signature"] = sign(parameters)
        assert way(mock, parameters).code == code, f"step {step}: {mended}"


def test_an_unreadable_body_is_refused_after_everything_in_the_query(mock: Mock) -> None:
    for query, code in (
        ({}, 160),
        ({"Action": "X"}, 161),
        ({"Action": "RunMVChat"}, 220),
        (chat(), 170),
        ({**chat(), "Signature": "0"}, 171),
        (signed(without(chat(), "AppID")), 220),
        (signed(chat()), 230),
    ):
        seen = mock.json(b"{", query)
        assert seen.code == code
    assert seen["Message"] == "Params [body] not available"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_another_method_is_not_allowed(mock: Mock, method: str) -> None:
    seen = mock.open(method)
    assert seen.status == 405
    assert seen.header("Allow") == "GET, POST"
    assert method == "HEAD" or seen.code == 161


def test_another_path_is_not_there(mock: Mock) -> None:
    seen = mock.open("GET", "/nothing", query_string=signed(chat()))
    assert (seen.status, seen.code, seen["Action"]) == (404, 161, "RunMVChatResponse")


def test_every_response_has_a_request_id_of_its_own(mock: Mock) -> None:
    seen = [
        mock.ask(),
        mock.ask(),
        mock.get(chat()),
        mock.get(chat()),
        mock.json(b"{"),
        mock.open("PUT"),
        mock.open("GET", "/a"),
        mock.open("GET", "/b"),
        mock.open(data=b"x" * (16 * 1024 * 1024 + 1), content_type="application/json"),
    ]
    ids = [one.header("X-UCLOUD-REQUEST-UUID") for one in seen]
    assert len(set(ids)) == len(ids)
    for one in ids:
        assert one is not None
        assert re.fullmatch(r"[0-9a-f-]{36}", one)
        assert uuid.UUID(one).version == 4


def test_a_body_that_is_too_large_is_refused_as_that(mock: Mock) -> None:
    body = b"x" * (16 * 1024 * 1024 + 1)
    seen = mock.open(data=body, content_type="application/json", query_string=signed(chat()))
    assert (seen.status, seen.code) == (413, 230)

from __future__ import annotations

import pytest

from mockserver.apis.genesis import signature

from .caller import OTHER_PRIVATE, PRIVATE, WAYS, Mock, Way, chat, sign, signed, without

# The vectors of the platform's own SDKs.
PRIVATE_KEY = "46f09bb9fab4f12dfc160dae12273d5332b5debe"
PUBLIC_KEY = "ucloudsomeone@example.com1296235120854146120"
CREATE = {
    "Action": "CreateUHostInstance",
    "CPU": "2",
    "ChargeType": "Month",
    "DiskSpace": "10",
    "ImageId": "f43736e1-65a5-4bea-ad2e-8a46e18883c2",
    "LoginMode": "Password",
    "Memory": "2048",
    "Name": "Host01",
    "Password": "VUNsb3VkLmNu",
    "PublicKey": PUBLIC_KEY,
    "Quantity": "1",
    "Region": "cn-bj2",
    "Zone": "cn-bj2-04",
}
DESCRIBE = {
    "Action": "DescribeUHostInstance",
    "Limit": "10",
    "PublicKey": PUBLIC_KEY,
    "Region": "cn-bj2",
}


@pytest.mark.parametrize(
    ("parameters", "right"),
    [
        (CREATE, "4f9ef5df2abab2c6fccd1e9515cb7e2df8c6bb65"),
        (DESCRIBE, "cba5cf5ec4d4233d206b1b54951e3787350a642f"),
    ],
    ids=["create", "describe"],
)
def test_the_signature_is_that_of_the_platforms_sdks(
    parameters: dict[str, str], right: str
) -> None:
    assert signature.sign(parameters, PRIVATE_KEY) == right
    backwards = dict(reversed(parameters.items()))
    assert signature.sign({**backwards, "Signature": "anything"}, PRIVATE_KEY) == right
    assert sign(parameters, PRIVATE_KEY) == right, "the signer of these tests"


def test_names_are_sorted_as_texts() -> None:
    texts = {f"Role.{place}": str(place) for place in range(12)}
    order = "0 1 10 11 2 3 4 5 6 7 8 9".split()
    joined = "".join(f"Role.{place}{place}" for place in order)
    assert signature.joined(signature.by_name(signature.covered(texts))) == joined


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "name", ["Action", "PublicKey", "AppID", "SessionID", "Role.0", "Content.0", "Region", "Prompt"]
)
def test_no_parameter_can_be_changed_renamed_dropped_or_left_out(
    mock: Mock, way: Way, name: str
) -> None:
    parameters = chat(Region="r", Prompt="p", SessionID="")
    right = signed(parameters)
    assert way(mock, right).code == 0
    assert way(mock, right | {name: right[name] + "x"}).code != 0
    assert way(mock, without(right, name) | {name + "x": right[name]}).code != 0
    assert way(mock, signed(without(parameters, name)) | {name: right[name] or "x"}).code in (
        171,
        172,
    )
    if right[name]:
        assert way(mock, without(right, name)).code != 0


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_nothing_but_the_whole_signature_in_small_letters_is_right(mock: Mock, way: Way) -> None:
    parameters = chat()
    right = sign(parameters)
    assert way(mock, {**parameters, "Signature": right}).code == 0
    for wrong in (right.upper(), right[:-1], right[:1], f"{right}0", f" {right}", f"{right}\n"):
        assert way(mock, {**parameters, "Signature": wrong}).code == 171
    assert way(mock, signed(parameters, OTHER_PRIVATE)).code == 171
    assert way(mock, signed(parameters, "")).code == 171


def test_a_signature_in_an_array_is_wrong(mock: Mock) -> None:
    parameters = chat()
    assert mock.json({**parameters, "Signature": [sign(parameters)]}).code == 171
    assert mock.json({**parameters, "Signature": []}).code == 170


def test_the_order_of_sending_is_nothing_to_the_signature(mock: Mock) -> None:
    right = signed(chat("a", "b", Region="r"))
    assert mock.form(dict(reversed(right.items()))).code == 0
    assert mock.form(dict(sorted(right.items()))).code == 0


def test_names_and_values_are_joined_without_a_mark(mock: Mock) -> None:
    right = signed(chat(Region="r", Zone=""))
    moved = without(right, "Region", "Zone") | {"Regionr": "", "Zone": ""}
    assert mock.form(right).code == 0
    assert mock.form(moved).code == 0, "the vendor's design: both sign the same text"


def test_nested_json_is_signed_flattened_and_refused_for_its_value(mock: Mock) -> None:
    text = signature.digest(
        "ActionRunMVChatAppIDcounterfoil-appContent.0HelloFilterab1c2"
        "truedx"
        f"PublicKeycounterfoil-public-keyRole.0user{PRIVATE}"
    )
    nested = {"d": "x", "ab": [1, {"c": 2}, True]}
    seen = mock.json({**chat(), "Filter": nested, "Signature": text})
    assert (seen.code, seen["Message"]) == (230, "Params [Filter] not available")
    assert mock.json({**chat(), "Filter": nested, "Signature": "0" * 40}).code == 171

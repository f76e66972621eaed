from __future__ import annotations

from collections.abc import Callable

import pytest

from mockserver.clock import VirtualClock

from .caller import (
    OTHER_APP,
    OTHER_PRIVATE,
    OTHER_PUBLIC,
    WAYS,
    Build,
    Mock,
    Parameters,
    Way,
    chat,
    sign,
    signed,
    without,
)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_session_goes_on_for_those_who_name_it(mock: Mock, way: Way) -> None:
    session = way(mock, signed(chat()))["SessionID"]
    ids = set()
    for text in ("a", "a", "b"):
        seen = way(mock, signed(chat(text, SessionID=str(session))))
        assert seen["SessionID"] == session
        ids.add(seen["ID"])
    assert len(ids) == 3


def test_a_json_session_may_be_a_number(mock: Mock) -> None:
    session = mock.ask()["SessionID"]
    right = signed(chat(SessionID=str(session)))
    assert mock.json({**right, "SessionID": session})["SessionID"] == session
    assert mock.json({**right, "SessionID": float(session)})["SessionID"] == session


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_blank_or_absent_session_is_a_new_one(mock: Mock, way: Way) -> None:
    asked = [chat(), chat(), chat(SessionID=""), chat(SessionID="")]
    sessions = [way(mock, signed(one))["SessionID"] for one in asked]
    assert len(set(sessions)) == 4


def test_every_message_has_an_id_of_its_own(mock: Mock) -> None:
    seen = [mock.ask(text) for text in ("Hello", "Hello", "Known", "x") for _ in range(50)]
    for name in ("ID", "SessionID"):
        numbers = [one[name] for one in seen]
        assert len(set(numbers)) == 200
        assert all(0 < number < 2**31 for number in numbers)


def test_a_session_belongs_to_a_key_and_an_application(mock: Mock) -> None:
    session = str(mock.ask()["SessionID"])
    theirs = {"PublicKey": OTHER_PUBLIC}
    for asked, key in (
        (chat(AppID=OTHER_APP), None),
        (chat(**theirs), OTHER_PRIVATE),
        (chat(AppID=OTHER_APP, **theirs), OTHER_PRIVATE),
    ):
        sent = {**asked, "SessionID": session}
        seen = mock.form(signed(sent) if key is None else signed(sent, key))
        assert (seen.code, seen["Message"]) == (230, "Params [SessionID] not available")
        fresh = mock.form(signed(asked) if key is None else signed(asked, key))
        assert fresh.code == 0
        assert fresh["SessionID"] != int(session)
    assert mock.ask(SessionID=session)["SessionID"] == int(session)


REFUSED: dict[str, Callable[[Parameters], Parameters]] = {
    "action": lambda p: signed(p | {"Action": "X"}),
    "key": lambda p: signed(p | {"PublicKey": "nobody"}),
    "unsigned": lambda p: p,
    "signature": lambda p: {**p, "Signature": "0" * 40},
    "missing": lambda p: signed(without(p, "AppID")),
    "role": lambda p: signed(p | {"Role.0": "bot"}),
    "app": lambda p: signed(p | {"AppID": "x"}),
    "session": lambda p: signed(p | {"SessionID": "77"}),
}


def everything(mock: Mock) -> list[object]:
    """Return all that the answers to some honest calls hold, request ids included."""
    first = mock.ask("Hello")
    session = str(first["SessionID"])
    seen = [first, mock.ask("Hello"), mock.ask("x", SessionID=session), mock.get(signed(chat()))]
    return [(one.headers, one.body) for one in seen]


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_leaves_no_trace(build: Build, case: str) -> None:
    mock = build()
    for way in WAYS.values():
        for sent in (chat("Hello"), chat("x"), chat(SessionID="12345")):
            for _ in range(3):
                assert way(mock, REFUSED[case](sent)).code != 0
    store = mock.api.world.store
    assert everything(mock) == everything(build()), "not an id was used"
    assert mock.ask(SessionID="12345").code == 230, "nor a session made"
    scope = ("genesis", "counterfoil-public-key", "counterfoil-app")
    assert len(store.records(scope)) == 3


def test_a_refusal_moves_nothing_for_the_same_call_when_it_is_accepted(build: Build) -> None:
    def seen(mock: Mock) -> list[object]:
        session = mock.ask()["SessionID"]
        going_on = [mock.ask(SessionID=str(session)) for _ in range(2)]
        return [session, [(one.headers, one.body) for one in going_on]]

    expected = seen(build())
    mock = build()
    for _ in range(3):
        assert mock.ask(SessionID=str(expected[0])).code == 230, "not yet"
    assert seen(mock) == expected


def test_an_id_that_is_taken_is_not_given_again(
    mock: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockserver.apis.genesis.MOST_INTEGER", 40)
    seen = [mock.ask(f"q{place}") for place in range(30)]
    for name in ("ID", "SessionID"):
        assert len({one[name] for one in seen}) == 30
        assert all(1 <= one[name] <= 40 for one in seen)


def test_a_session_refused_is_unknown_again_and_again(mock: Mock) -> None:
    sent = chat(SessionID="12345")
    for wrong in ({**sent, "Signature": "0" * 40}, signed(sent), signed(sent)):
        assert mock.form(wrong).code in (171, 230)


def test_a_refused_turn_does_not_end_its_session(mock: Mock) -> None:
    session = str(mock.ask()["SessionID"])
    sent = chat(SessionID=session)
    assert mock.form({**sent, "Signature": sign(sent, "x")}).code == 171
    assert mock.form(signed(sent | {"Role.0": "bot"})).code == 230
    assert mock.form(signed(sent))["SessionID"] == int(session)


def test_time_is_the_clocks_and_has_32_bits(build: Build) -> None:
    clock = VirtualClock(1_700_000_000.9)
    mock = build(clock=clock)
    assert mock.ask()["Time"] == 1_700_000_000
    clock.sleep(61)
    assert mock.ask()["Time"] == 1_700_000_061
    for far in (1e12, float("inf")):
        clock.sleep(far)
        assert mock.ask()["Time"] == 2**31 - 1


def test_a_reset_forgets_sessions_and_starts_the_ids_again(mock: Mock) -> None:
    before = everything(mock)
    assert mock.open(path="/_counterfoil/reset").status == 200
    assert everything(mock) == before

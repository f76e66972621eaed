"""For each fault what to ask, what an honest server shows then, and what the faulty one shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .caller import (
    OTHER_APP,
    OTHER_PRIVATE,
    OTHER_PUBLIC,
    PRIVATE,
    Mock,
    Parameters,
    chat,
    chat_from,
    sign,
    signed,
    without,
)


class Script(NamedTuple):
    """`ask` returns what is seen; the two values are what it should be."""

    ask: Callable[[Mock], object]
    honest: object
    faulty: object


def code_of(sent: Parameters) -> Callable[[Mock], object]:
    """Send a form and look at its RetCode."""
    return lambda mock: mock.form(sent).fields.get("RetCode")


def given(signature: str | None) -> Parameters:
    """Return a chat with another signature, or none."""
    return chat() if signature is None else {**chat(), "Signature": signature}


def changed(name: str, value: str, **more: str) -> Callable[[Mock], object]:
    """Sign and send a chat, then send it again with one value changed, then one left out."""
    before = chat(**more)

    def ask(mock: Mock) -> object:
        right = signed(before)
        kept = {n: v for n, v in before.items() if n != name}
        left_out = {**before, "Signature": sign(kept)}
        return [mock.form(sent).code for sent in (right, right | {name: value}, left_out)]

    return ask


def session_changed(mock: Mock) -> object:
    first, second = (str(mock.ask()["SessionID"]) for _ in range(2))
    right = signed(chat(SessionID=first))
    seen = [mock.form(right), mock.form(right | {"SessionID": second})]
    return [one.code for one in seen]


def app_changed(mock: Mock) -> object:
    right = signed(chat())
    return [mock.form(sent).code for sent in (right, right | {"AppID": OTHER_APP})]


def renamed(mock: Mock) -> object:
    right = signed(chat(Region="r"))
    moved = without(right, "Region") | {"Zone": "r"}
    return [mock.form(sent).code for sent in (right, moved)]


def swapped(mock: Mock) -> object:
    """Send the same signed call with its two messages in either order."""
    right = signed(chat("a", "b"))
    back = dict(reversed(right.items()))
    return [mock.form(sent).code for sent in (right, back)]


def ways(sent: Parameters) -> Callable[[Mock], object]:
    """Send the same call in each way."""
    return lambda mock: [way(sent).code for way in (mock.get, mock.form, mock.json)]


def field(name: str) -> Callable[[Mock], object]:
    """Return a field of a success with its type, which is what equality forgets."""

    def ask(mock: Mock) -> object:
        fields = mock.ask("Hello").fields
        return (type(fields[name]).__name__, name in fields) if name in fields else "missing"

    return ask


def missing(name: str, kind: str) -> Script:
    return Script(field(name), (kind, True), "missing")


def typed(name: str, kind: str, faulty: str) -> Script:
    return Script(field(name), (kind, True), (faulty, True))


def refused(name: str) -> Callable[[Mock], object]:
    """Return a field of a refusal."""
    return lambda mock: mock.form(chat(Action="X")).fields.get(name, "missing")


def coded(sent: Parameters, honest: int, faulty: int) -> Script:
    return Script(code_of(sent), honest, faulty)


def at_times(code: int) -> Script:
    """Send many calls; the seed decides which of them fail."""

    def ask(mock: Mock) -> object:
        codes = [mock.ask(f"q{place}").code for place in range(40)]
        codes += [mock.ask("again").code for _ in range(40)]
        return sorted({str(one) for one in codes}), 10 < codes.count(0) < 70 or "all"

    return Script(ask, (["0"], "all"), (["0", str(code)], True))


def new_sessions(mock: Mock) -> object:
    return len({mock.ask(text)["SessionID"] for text in ("a", "b", "a")})


def ids(mock: Mock) -> object:
    return len({mock.ask(text)["ID"] for text in ("a", "b", "a", "c")})


def going_on(mock: Mock) -> object:
    """Return how far the SessionID of an answer is from the one sent."""
    session = mock.ask()["SessionID"]
    return "same" if mock.ask(SessionID=str(session))["SessionID"] == session else "another"


def after(mock: Mock) -> object:
    """Return how far a misquoted SessionID is off, and that the session itself still goes on."""
    session = mock.ask()["SessionID"]
    return [mock.ask(SessionID=str(session))["SessionID"] - session for _ in range(2)]


def continued_by(key: str, **others: str) -> Callable[[Mock], object]:
    def ask(mock: Mock) -> object:
        session = str(mock.ask()["SessionID"])
        return mock.form(signed(chat(SessionID=session, **others), key)).code

    return ask


def after_wrong_signature(mock: Mock) -> object:
    sent = chat(SessionID="12345")
    return [mock.form({**sent, "Signature": "0" * 40}).code, mock.form(signed(sent)).code]


def twice(mock: Mock) -> object:
    return [mock.ask(SessionID="12345").code for _ in range(2)]


def arrays(mock: Mock) -> object:
    plain = without(chat(), "Role.0", "Content.0")
    lists = {"Role": ["user", "user"], "Content": ["a", "b"]}
    right = sign(plain | {name: "".join(items) for name, items in lists.items()})
    return mock.json({**plain, **lists, "Signature": right}).code


def status_of(send: Callable[[Mock], Any]) -> Callable[[Mock], object]:
    return lambda mock: send(mock).status


def message_of(sent: Parameters, part: str) -> Callable[[Mock], object]:
    return lambda mock: part in mock.form(sent)["Message"]


def request_ids(mock: Mock) -> object:
    seen = {mock.ask().header("X-UCLOUD-REQUEST-UUID") for _ in range(3)}
    return "none" if seen == {None} else len(seen)


def asked_in_turn(*contents: str, **more: str) -> Callable[[Mock], object]:
    return lambda mock: [mock.ask(content, **more).code for content in contents]


def without_key(mock: Mock) -> object:
    return mock.form(without(chat(), "PublicKey")).code


NO_ROLE = signed(without(chat(), "Role.0"))
NO_CONTENT = signed(without(chat(), "Content.0"))
NO_APP = signed(without(chat(), "AppID"))
RIGHT = sign(chat())

SCRIPTS: dict[str, Script] = {
    "signature.any_accepted": coded(given("0" * 40), 171, 0),
    "signature.missing_accepted": coded(given(None), 170, 0),
    "signature.empty_accepted": coded(given(""), 170, 0),
    "signature.upper_case_accepted": coded(given(RIGHT.upper()), 171, 0),
    "signature.truncated_accepted": coded(given(RIGHT[:8]), 171, 0),
    "signature.other_callers_key_accepted": coded(given(sign(chat(), OTHER_PRIVATE)), 171, 0),
    "signature.content_not_covered": Script(changed("Content.0", "bye"), [0, 171, 171], [0, 0, 0]),
    "signature.role_not_covered": Script(changed("Role.0", "assistant"), [0, 171, 171], [0, 0, 0]),
    "signature.app_id_not_covered": Script(app_changed, [0, 171], [0, 0]),
    "signature.session_id_not_covered": Script(session_changed, [0, 171], [0, 0]),
    "signature.unknown_not_covered": Script(
        changed("Prompt", "b", Prompt="a"), [0, 171, 171], [0, 0, 0]
    ),
    "signature.names_not_covered": Script(renamed, [0, 171], [0, 0]),
    "signature.item_order_matters": Script(swapped, [0, 0], [0, 171]),
    "signature.sorted_by_number": Script(
        lambda mock: [mock.ask(*"abc").code, mock.ask(*"abcdefghijkl").code], [0, 0], [0, 171]
    ),
    "signature.non_ascii_refused": Script(
        lambda mock: [mock.ask("e").code, mock.ask("é").code], [0, 0], [0, 171]
    ),
    "signature.reserved_refused": Script(
        lambda mock: [mock.ask("a-b_c.d").code, mock.ask("a b").code], [0, 0], [0, 171]
    ),
    "signature.decodable_refused": Script(
        asked_in_turn("a b", "a+b", "%20"), [0, 0, 0], [0, 171, 171]
    ),
    "signature.surrounded_refused": Script(
        asked_in_turn("a b", " a", "a "), [0, 0, 0], [0, 171, 171]
    ),
    "signature.unknown_refused": Script(
        lambda mock: [mock.ask().code, mock.ask(Prompt="a").code], [0, 0], [0, 171]
    ),
    "signature.no_key_accepted": Script(
        lambda mock: [mock.form(given(sign(chat(), key))).code for key in ("", "x")],
        [171, 171],
        [0, 171],
    ),
    "signature.get_refused": Script(ways(signed(chat())), [0, 0, 0], [171, 0, 0]),
    "signature.post_refused": Script(ways(signed(chat())), [0, 0, 0], [0, 171, 171]),
    "signature.json_refused": Script(ways(signed(chat())), [0, 0, 0], [0, 0, 171]),
    "signature.remembered": Script(
        lambda mock: [
            mock.form(sent).code
            for sent in (given("0" * 40), given(RIGHT), chat("other", Signature=RIGHT))
        ],
        [171, 0, 171],
        [171, 0, 0],
    ),
    "signature.keyless_accepted": Script(without_key, 220, 0),
    "shape.retcode_missing": missing("RetCode", "int"),
    "shape.action_missing": missing("Action", "str"),
    "shape.msg_missing": missing("Msg", "str"),
    "shape.id_missing": missing("ID", "int"),
    "shape.session_id_missing": missing("SessionID", "int"),
    "shape.response_missing": missing("Response", "str"),
    "shape.time_missing": missing("Time", "int"),
    "shape.retcode_text": typed("RetCode", "int", "str"),
    "shape.retcode_boolean": typed("RetCode", "int", "bool"),
    "shape.retcode_float": typed("RetCode", "int", "float"),
    "shape.id_text": typed("ID", "int", "str"),
    "shape.session_id_text": typed("SessionID", "int", "str"),
    "shape.time_float": typed("Time", "int", "float"),
    "shape.time_text": typed("Time", "int", "str"),
    "shape.response_list": typed("Response", "str", "list"),
    "shape.msg_number": typed("Msg", "str", "int"),
    "shape.id_large": Script(lambda mock: mock.ask()["ID"] < 2**31, True, False),
    "shape.time_milliseconds": Script(lambda mock: mock.ask()["Time"], 1767225600, 1767225600000),
    "shape.message_on_success": Script(
        lambda mock: mock.ask("Hello").fields.get("Message"), None, "Fine"
    ),
    "shape.retcode_missing_on_refusal": Script(refused("RetCode"), 161, "missing"),
    "shape.retcode_text_on_refusal": Script(refused("RetCode"), 161, "161"),
    "shape.message_missing": Script(refused("Message"), "Action [X] not found", "missing"),
    "shape.message_empty": Script(refused("Message"), "Action [X] not found", ""),
    "shape.success_in_refusal": Script(refused("SessionID"), "missing", 1),
    "shape.content_type": Script(
        lambda mock: [
            seen.header("Content-Type") for seen in (mock.ask(), mock.form(chat(Action="X")))
        ],
        ["application/json"] * 2,
        ["text/html"] * 2,
    ),
    "shape.request_id_missing": Script(request_ids, 3, "none"),
    "shape.request_id_empty": Script(
        lambda mock: mock.ask().header("X-UCLOUD-REQUEST-UUID") == "", False, True
    ),
    "identity.request_id_repeated": Script(request_ids, 3, 1),
    "status.missing_action_161": coded(without(chat(), "Action"), 160, 161),
    "status.unknown_action_230": coded(chat(Action="X"), 161, 230),
    "status.missing_signature_171": coded(chat(), 170, 171),
    "status.wrong_signature_172": coded(given("0" * 40), 171, 172),
    "status.unknown_key_171": coded(chat(PublicKey="nobody"), 172, 171),
    "status.missing_parameter_230": coded(NO_APP, 220, 230),
    "status.missing_parameter_0": coded(NO_APP, 220, 0),
    "status.wrong_parameter_220": coded(signed(chat() | {"Role.0": "bot"}), 230, 220),
    "status.times_out": at_times(110),
    "status.gateway_fails": at_times(130),
    "status.unavailable": at_times(150),
    "status.refusals_400": Script(status_of(lambda mock: mock.form(NO_APP)), 200, 400),
    "status.signature_refusals_401": Script(
        lambda mock: [mock.form(sent).status for sent in (given(None), given("0"), NO_APP)],
        [200, 200, 200],
        [401, 401, 200],
    ),
    "status.parameters_checked_first": coded(without(chat(), "AppID"), 170, 220),
    "identity.id_repeated": Script(ids, 4, 2),
    "identity.id_always_1": Script(ids, 4, 1),
    "identity.session_reused": Script(new_sessions, 3, 1),
    "identity.session_misquoted": Script(after, [0, 0], [1, 1]),
    "identity.session_always_new": Script(going_on, "same", "another"),
    "state.other_app_continued": Script(continued_by(PRIVATE, AppID=OTHER_APP), 230, 0),
    "state.other_caller_continued": Script(
        continued_by(OTHER_PRIVATE, AppID=OTHER_APP, PublicKey=OTHER_PUBLIC), 230, 0
    ),
    "state.unknown_session_accepted": Script(
        lambda mock: mock.ask(SessionID="12345").fields.get("SessionID"), None, 12345
    ),
    "state.malformed_session_accepted": coded(signed(chat(SessionID="abc")), 230, 0),
    "state.blank_session_refused": coded(signed(chat(SessionID="")), 0, 230),
    "state.wrong_signature_makes_session": Script(after_wrong_signature, [171, 230], [171, 0]),
    "state.refused_session_made": Script(twice, [230, 230], [230, 0]),
    "lists.missing_role_accepted": coded(NO_ROLE, 220, 0),
    "lists.missing_content_accepted": coded(NO_CONTENT, 220, 0),
    "lists.missing_app_id_accepted": coded(NO_APP, 220, 0),
    "lists.absence_not_named": Script(message_of(NO_APP, "AppID"), True, False),
    "lists.unknown_role_accepted": coded(signed(chat() | {"Role.0": "bot"}), 230, 0),
    "lists.assistant_refused": Script(
        lambda mock: [
            mock.form(signed(chat() | {"Role.0": role})).code for role in ("user", "assistant")
        ],
        [0, 0],
        [0, 230],
    ),
    "lists.holes_accepted": coded(
        signed(without(chat("a", "b", "c"), "Role.1", "Content.1")), 230, 0
    ),
    "lists.unequal_accepted": coded(signed(chat() | {"Role.1": "user"}), 230, 0),
    "lists.from_1_refused": coded(signed(chat_from(1)), 0, 230),
    "lists.arrays_refused": Script(arrays, 0, 230),
    "action.echo_bare": Script(lambda mock: mock.ask()["Action"], "RunMVChatResponse", "RunMVChat"),
    "action.missing_on_refusal": Script(refused("Action"), "XResponse", "missing"),
    "action.wrong_on_refusal": Script(refused("Action"), "XResponse", "ErrorResponse"),
    "action.null_on_refusal": Script(refused("Action"), "XResponse", None),
    "action.unknown_accepted": coded(signed(chat(Action="X")), 161, 0),
    "action.case_ignored": Script(
        lambda mock: [mock.form(signed(chat(Action=name))).code for name in ("runmvchat", "X")],
        [161, 161],
        [0, 161],
    ),
}

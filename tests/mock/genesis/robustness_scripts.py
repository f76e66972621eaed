"""Scripts for the faults of robustness and of routes."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from .caller import PRIVATE, Mock, chat, signed
from .fault_scripts import RIGHT, Script, given, message_of, status_of

DEEP = b"[" * 10_000 + b"]" * 10_000


def bodies(*raw: bytes, kind: str = "application/json") -> Callable[[Mock], object]:
    """Send bodies beside a signed query string and look at the statuses."""

    def ask(mock: Mock) -> object:
        query = urlencode(signed(chat()))
        sent = [mock.open(data=body, content_type=kind, query_string=query) for body in raw]
        return [seen.status for seen in sent]

    return ask


def lone_surrogate(mock: Mock) -> object:
    return [mock.json(chat(text)).status for text in ("\ufffd", "\ud800")]


def elsewhere(mock: Mock) -> object:
    query = urlencode(signed(chat()))
    return [mock.open(method, "/any/where", query_string=query).code for method in ("GET", "POST")]


def by_other_methods(mock: Mock) -> object:
    sent = {"data": urlencode(signed(chat())), "content_type": "application/x-www-form-urlencoded"}
    return [mock.open(method, **sent).code for method in ("PUT", "PATCH", "DELETE")]


SCRIPTS: dict[str, Script] = {
    "robustness.nul": Script(status_of(lambda mock: mock.ask("a\0b")), 200, 500),
    "robustness.beyond_bmp": Script(
        lambda mock: [mock.ask(text).status for text in ("￿", "🙂")], [200, 200], [200, 500]
    ),
    "robustness.lone_surrogate": Script(lone_surrogate, [200, 200], [200, 500]),
    "robustness.quotes": Script(
        lambda mock: [mock.ask(text).status for text in ("its", "it's", '"')],
        [200, 200, 200],
        [200, 500, 500],
    ),
    "robustness.malformed": Script(
        bodies(b"{", b"[]", b"", b'{"a": 1, "a": 2}', DEEP), [200] * 5, [500, *[200] * 4]
    ),
    "robustness.no_object": Script(bodies(b"[]", b"{", b"", b"{}"), [200] * 4, [500, *[200] * 3]),
    "robustness.name_twice": Script(
        bodies(b'{"a": 1, "a": 2}', b'{"a": 1}', b"[]", b"{"), [200] * 4, [500, *[200] * 3]
    ),
    "robustness.content_type": Script(
        lambda mock: [
            bodies(b"{}", kind=kind)(mock)
            for kind in ("text/plain", "application/json; charset=utf-8")
        ],
        [[200], [200]],
        [[500], [200]],
    ),
    "robustness.nested": Script(status_of(lambda mock: mock.json(DEEP, signed(chat()))), 200, 500),
    "robustness.large": Script(status_of(lambda mock: mock.ask("x" * 2**20)), 200, 500),
    "robustness.trace_leaked": Script(
        message_of(signed(chat(SessionID="abc")), "Traceback"), False, True
    ),
    "robustness.body_trace_leaked": Script(
        lambda mock: "Traceback" in mock.json(b"{", signed(chat()))["Message"], False, True
    ),
    "robustness.key_in_msg": Script(lambda mock: PRIVATE in mock.ask()["Msg"], False, True),
    "robustness.signature_leaked": Script(message_of(given("0" * 40), RIGHT), False, True),
    "robustness.key_leaked": Script(message_of(given("0" * 40), PRIVATE), False, True),
    "routes.any_path_served": Script(elsewhere, [161, 161], [0, 0]),
    "routes.any_method_served": Script(by_other_methods, [161, 161, 161], [0, 0, 0]),
}

"""Faults that come in families: one function makes one breaking class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...faults import fault
from ...model import Answer, Api, Call, Refusal
from ...store import Record, Scope
from . import Emulator, fingerprint
from .conversation import Message
from .parameters import Parameters, Values
from .signature import Pairs, by_name, covered, digest, joined

Broken = type[Api]


def _named(change: Broken, rule: str) -> Broken:
    change.__name__ = change.__qualname__ = rule.title().replace("_", "")
    return change


def takes_signature(rule: str, sentence: str, takes: Callable[[str | None, str], bool]) -> Broken:
    """Break the signature: `takes` is given the signature sent and the right one."""

    # Not a method: two faults of this family may be in one class.
    def taken(values: Values, right: str) -> bool:
        given = values.get("Signature")
        return not isinstance(given, list) and takes(given, right)

    @fault(f"genesis.signature.{rule}", "signature", sentence)
    class Change(Emulator):
        def find_signature(self, values: Values) -> None:
            """Let those in whom `takes` lets in."""
            if not taken(values, ""):
                super().find_signature(values)

        def is_signed(self, call: Call, values: Values, private_key: str) -> bool:
            """Let those in whom `takes` lets in."""
            right = digest(joined(by_name(covered(values))) + private_key)
            return super().is_signed(call, values, private_key) or taken(values, right)

    return _named(Change, rule)


def leaves_out(rule: str, sentence: str, keep: Callable[[Pairs], Pairs]) -> Broken:
    """Break the signature: what `keep` does not keep may be left out of it, or changed later."""

    @fault(f"genesis.signature.{rule}_not_covered", "signature", sentence)
    class Change(Emulator):
        def is_signed(self, call: Call, values: Values, private_key: str) -> bool:
            """Remember right signatures with what is kept: nobody can undo a digest."""
            pairs = keep(by_name(covered(values)))
            given = values.get("Signature")
            scope, known = (self.name, f"signed but for {rule}"), repr((given, sorted(pairs)))
            if super().is_signed(call, values, private_key):
                self.world.store.change(scope, digest(known), lambda _: {"right": True})
                return True
            if self.world.store.read(scope, digest(known)) is not None:
                return True
            return given == digest(joined(pairs) + private_key)

    return _named(Change, f"{rule}_not_covered")


def signs_otherwise(rule: str, sentence: str, signed: Callable[[Pairs], str]) -> Broken:
    """Break the signature: it is made over the text that `signed` returns."""

    @fault(f"genesis.signature.{rule}", "signature", sentence)
    class Change(Emulator):
        def is_signed(self, call: Call, values: Values, private_key: str) -> bool:
            """Make the signature over another text."""
            return values.get("Signature") == digest(signed(covered(values)) + private_key)

    return _named(Change, rule)


def refuses_signed(rule: str, sentence: str, when: Callable[[Call], bool]) -> Broken:
    """Break the signature: right ones are wrong for some calls."""

    @fault(f"genesis.signature.{rule}", "signature", sentence)
    class Change(Emulator):
        def is_signed(self, call: Call, values: Values, private_key: str) -> bool:
            """Find every signature wrong."""
            return not when(call) and super().is_signed(call, values, private_key)

    return _named(Change, rule)


def changes_success(
    id: str, group: str, sentence: str, change: Callable[[dict[str, Any]], Mapping[str, Any]]
) -> Broken:
    """Break the fields of a success."""

    @fault(id, group, sentence)
    class Change(Emulator):
        def write(self, fields: dict[str, Any]) -> Answer:
            """Write other fields."""
            return super().write(dict(change(fields)))

    return _named(Change, id.rpartition(".")[2])


def lacks_field(rule: str, field: str) -> Broken:
    """Break a success: one field is missing."""
    return changes_success(
        f"genesis.shape.{rule}_missing",
        "shape",
        f"A success has no {field}.",
        lambda fields: {name: value for name, value in fields.items() if name != field},
    )


def sets_field(rule: str, sentence: str, field: str, change: Callable[[Any], object]) -> Broken:
    """Break a success: one field has another value."""
    return changes_success(
        f"genesis.shape.{rule}",
        "shape",
        sentence,
        lambda fields: {**fields, field: change(fields[field])},
    )


def changes_refusal(
    id: str, group: str, sentence: str, change: Callable[[dict[str, Any], Emulator], Any]
) -> Broken:
    """Break the fields of a refusal."""

    @fault(id, group, sentence)
    class Change(Emulator):
        def error_fields(self, call: Call, refusal: Refusal) -> dict[str, Any]:
            """Write other fields."""
            return dict(change(super().error_fields(call, refusal), self))

    return _named(Change, id.rpartition(".")[2])


def mistakes_retcode(what: str, right: int, wrong: int) -> Broken:
    """Break a refusal: it has another RetCode."""
    rule = what.lower().removeprefix("a ").removeprefix("an ").replace(" ", "_")
    return changes_refusal(
        f"genesis.status.{rule}_{wrong}",
        "status",
        f"{what} is answered with RetCode {wrong}, not {right}.",
        lambda fields, _: (
            {**fields, "RetCode": wrong} if fields.get("RetCode") == right else fields
        ),
    )


def fails_at_times(retcode: int, rule: str, message: str) -> Broken:
    """Break the gateway: some calls never reach the API, as the seed will have it."""

    @fault(
        f"genesis.status.{rule}",
        "status",
        f"A third of all calls is answered with RetCode {retcode}.",
    )
    class Change(Emulator):
        def answer(self, call: Call) -> Answer:
            """Draw a lot for each call, and a new one when it comes again."""
            asked = fingerprint(call.request)
            place = self.world.store.count((self.name, f"lots for {rule}"), asked)
            if self.world.number(rule, asked, place) % 3 == 0:
                raise Refusal(message, code=retcode)
            return super().answer(call)

    return _named(Change, rule)


def accepts_without(rule: str, name: str) -> Broken:
    """Break the lists: a required parameter is not missed."""

    @fault(f"genesis.lists.missing_{rule}_accepted", "lists", f"A call without {name} is accepted.")
    class Change(Emulator):
        def find_missing(self, values: Values) -> None:
            """Take it for sent."""
            super().find_missing({**values, name: values.get(name) or "sent"})

        def pair(self, roles: Mapping[int, str], contents: Mapping[int, str]) -> list[Message]:
            """Make up the list that is missing."""
            return super().pair(
                roles or dict.fromkeys(contents, "user"), contents or dict.fromkeys(roles, "")
            )

        def find_scope(self, values: Values) -> Scope:
            """Make up the application that is missing."""
            known = self.world.identities[0]["app_id"]
            return super().find_scope({**values, "AppID": values.get("AppID") or known})

    return _named(Change, f"missing_{rule}_accepted")


def finds_elsewhere(rule: str, sentence: str, is_open: Callable[[Scope, Scope], bool]) -> Broken:
    """Break the sessions: they are also looked for in scopes that `is_open` opens to a scope."""

    @fault(f"genesis.state.{rule}", "state", sentence)
    class Change(Emulator):
        def find_session(self, scope: Scope, values: Values) -> Record | None:
            """Look here, then elsewhere."""
            callers = self.world.identities
            everywhere = [
                (self.name, key["public_key"], app["app_id"]) for key in callers for app in callers
            ]
            for there in everywhere:
                if there != scope and is_open(scope, there):
                    try:
                        return super().find_session(there, values)
                    except Refusal:
                        continue
            return super().find_session(scope, values)

    return _named(Change, rule)


def crashes(rule: str, sentence: str, when: Callable[[Call, Parameters], bool]) -> Broken:
    """Break the server: some calls make it fail with HTTP 500."""

    @fault(f"genesis.robustness.{rule}", "robustness", sentence)
    class Change(Emulator):
        def answer(self, call: Call) -> Answer:
            """Fail before anything is looked at."""
            if when(call, self.read(call)):
                raise RuntimeError(f"the fault genesis.robustness.{rule}")
            return super().answer(call)

    return _named(Change, rule)

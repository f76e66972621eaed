"""Faults of the signature: who is let in, and who is kept out."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, unquote_plus

from ...faults import fault
from ...model import Call
from . import Emulator
from .fault_families import Broken, leaves_out, refuses_signed, signs_otherwise, takes_signature
from .parameters import Parameters, Values
from .signature import Pairs, by_name, joined


def _but(*names: str) -> Callable[[Pairs], Pairs]:
    def keep(pairs: Pairs) -> Pairs:
        return [pair for pair in pairs if pair[0].partition(".")[0] not in names]

    return keep


_DOCUMENTED = ("Action", "PublicKey", "Role", "Content", "AppID", "SessionID")


def _documented(pairs: Pairs) -> Pairs:
    return [pair for pair in pairs if pair[0].partition(".")[0] in _DOCUMENTED]


def _by_list(pairs: Pairs) -> str:
    return joined(sorted(pairs, key=lambda pair: pair[0].partition(".")[0]))


def _by_number(pairs: Pairs) -> str:
    def place(pair: tuple[str, str]) -> tuple[str, int, str]:
        name, _, index = pair[0].partition(".")
        return (name, len(index), index)

    return joined(sorted(pairs, key=place))


def _misread(pairs: Pairs) -> str:
    return joined(by_name(pairs)).encode("utf-8", "surrogatepass").decode("latin-1")


def _escaped(pairs: Pairs) -> str:
    def in_url(value: str) -> str:
        return quote(value.encode("utf-8", "surrogatepass"), safe="")

    return joined([(name, in_url(value)) for name, value in by_name(pairs)])


def _decoded_again(pairs: Pairs) -> str:
    return joined([(name, unquote_plus(value)) for name, value in by_name(pairs)])


def _stripped(pairs: Pairs) -> str:
    return joined([(name, value.strip()) for name, value in by_name(pairs)])


SIGNATURES: list[Broken] = [
    takes_signature("any_accepted", "Any signature is accepted.", lambda given, _: bool(given)),
    takes_signature("missing_accepted", "A missing signature is accepted.",
                    lambda given, _: given is None),
    takes_signature("empty_accepted", "An empty signature is accepted.",
                    lambda given, _: given == ""),
    takes_signature("upper_case_accepted", "A signature in upper case is accepted.",
                    lambda given, right: bool(given) and str(given).lower() == right),
    takes_signature("truncated_accepted", "The first characters of a signature are enough.",
                    lambda given, right: bool(given) and right.startswith(str(given))),
    leaves_out("content", "The signature does not cover Content.", _but("Content")),
    leaves_out("role", "The signature does not cover Role.", _but("Role")),
    leaves_out("app_id", "The signature does not cover AppID.", _but("AppID")),
    leaves_out("session_id", "The signature does not cover SessionID.", _but("SessionID")),
    leaves_out("unknown", "The signature covers no parameter that the document does not define.",
               _documented),
    leaves_out("names", "The signature covers the values of parameters but not their names.",
               lambda pairs: [("", value) for _, value in pairs]),
    signs_otherwise("item_order_matters", "List items are signed in the order they were sent.",
                    _by_list),
    signs_otherwise("sorted_by_number", "List items are signed in the order of their numbers.",
                    _by_number),
    signs_otherwise("non_ascii_refused", "A right signature over text beyond ASCII is refused.",
                    _misread),
    signs_otherwise("reserved_refused",
                    "A right signature over characters that a URL escapes is refused.", _escaped),
    signs_otherwise("decodable_refused",
                    "A right signature over what looks escaped, such as a plus sign, is refused.",
                    _decoded_again),
    signs_otherwise("surrounded_refused",
                    "A right signature over a value with spaces around it is refused.", _stripped),
    signs_otherwise("unknown_refused",
                    "A right signature over a parameter that the document does not define is "
                    "refused.", lambda pairs: joined(by_name(_documented(pairs)))),
    refuses_signed("get_refused", "A right signature is refused on GET.",
                   lambda call: call.request.method == "GET"),
    refuses_signed("post_refused", "A right signature is refused on POST.",
                   lambda call: call.request.method == "POST"),
    refuses_signed("json_refused", "A right signature is refused on JSON.",
                   lambda call: call.request.mimetype == "application/json"),
]  # fmt: skip


@fault("genesis.signature.other_callers_key_accepted", "signature")
class OtherCallersKeyAccepted(Emulator):
    """A signature made with another caller's private key is accepted."""

    def is_signed(self, call: Call, values: Values, private_key: str) -> bool:
        """Try the keys of all callers."""
        return any(super(OtherCallersKeyAccepted, self).is_signed(call, values, key)
                   for key in self.private_keys().values())  # fmt: skip


@fault("genesis.signature.no_key_accepted", "signature")
class NoKeyAccepted(Emulator):
    """A signature made without a private key is accepted."""

    def is_signed(self, call: Call, values: Values, private_key: str) -> bool:
        """Try the caller's key, then none."""
        return super().is_signed(call, values, private_key) or super().is_signed(call, values, "")


@fault("genesis.signature.remembered", "signature")
class SignatureRemembered(Emulator):
    """A signature that was right once is accepted with anything."""

    def is_signed(self, call: Call, values: Values, private_key: str) -> bool:
        """Look the signature up before it is made again."""
        scope, given = (self.name, "right signatures"), str(values.get("Signature"))
        if super().is_signed(call, values, private_key):
            self.world.store.change(scope, given, lambda _: {"right": True})
            return True
        return self.world.store.read(scope, given) is not None


@fault("genesis.signature.keyless_accepted", "signature")
class KeylessAccepted(Emulator):
    """A call without a PublicKey is accepted unsigned."""

    def authenticate(self, call: Call, parameters: Parameters) -> None:
        """Ask for a signature where there is a key to check it with."""
        if parameters.values.get("PublicKey", "") != "":
            super().authenticate(call, parameters)

"""The formats of texts and numbers: what is checked of them, and how one is made."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from jsonschema import FormatChecker

from .chance import Chance

_TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
_MOMENT = re.compile(rf"\d{{4}}-\d\d-\d\d[Tt ]{_TIME}([Zz]|[+-]\d\d:\d\d)")
_CLOCK = re.compile(rf"{_TIME}([Zz]|[+-]\d\d:\d\d)?")
_SPAN = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*\.?")


def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if not _MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or _CLOCK.fullmatch(value) is not None


def _is_span(value: object) -> bool:
    return not isinstance(value, str) or _SPAN.fullmatch(value) is not None


def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or _URI.fullmatch(value) is not None


def _is_host(value: object) -> bool:
    return not isinstance(value, str) or _HOST.fullmatch(value) is not None


def _is_uuid(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return str(UUID(value)) == value.lower()
    except ValueError:
        return False


def _is_base64(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


def _is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


CHECKED = FormatChecker(formats=["date", "email", "idn-email", "ipv4", "ipv6"])
"""What holds values to the formats that can be told from others."""

for _format, _check in (
    ("date-time", _is_moment),
    ("time", _is_time),
    ("duration", _is_span),
    ("uri", _is_uri),
    ("hostname", _is_host),
    ("uuid", _is_uuid),
    ("byte", _is_base64),
    ("int32", _is_int32),
    ("int64", _is_int64),
):
    CHECKED.checks(_format)(_check)


_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_WORDS = (
    "alder amber aspen basin birch brook cedar clay cliff coast coral crest delta dune ember fern "
    "field fjord flint forest frost glade grove harbor hazel heath hill isle ivy juniper lagoon "
    "lake larch laurel linen maple marsh meadow mesa mist moor moss oak olive opal orchard pearl "
    "pine plain pond prairie quartz rain reed ridge river rowan sage shore slate spruce stone "
    "stream summit thistle timber vale valley willow"
).split()


def word(chance: Chance) -> str:
    """Return a word."""
    return chance.one_of(_WORDS)


def text_of(format: str, chance: Chance) -> str | None:
    """Return a text of a format, None for a format of which nothing is known."""
    moment = _EPOCH - timedelta(seconds=chance.below(365 * 86400))
    bits = chance.bits()
    host = f"{word(chance)}.example.com"
    made = {
        "date-time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "date": moment.strftime("%Y-%m-%d"),
        "time": moment.strftime("%H:%M:%SZ"),
        "duration": f"P{1 + bits % 30}D",
        "email": f"{word(chance)}.{word(chance)}@example.com",
        "hostname": host,
        "ipv4": f"192.0.2.{1 + bits % 254}",
        "ipv6": f"2001:db8::{bits % 65536:x}",
        "uri": f"https://{host}/{word(chance)}",
        "uri-reference": f"/{word(chance)}",
        "uuid": str(UUID(int=bits, version=4)),
        "regex": f"^{word(chance)}$",
        "json-pointer": f"/{word(chance)}",
        "byte": base64.b64encode(word(chance).encode()).decode(),
        "binary": word(chance),
        "password": f"{word(chance)}-{bits % 10000:04}",
    }
    return made.get(_SAME.get(format, format))


_SAME = {
    "idn-email": "email", "idn-hostname": "hostname", "url": "uri", "iri": "uri",
    "iri-reference": "uri-reference",
}  # fmt: skip

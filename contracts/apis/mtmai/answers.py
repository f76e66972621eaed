"""What a client reads from answers, leniently: an odd shape is for the clauses about shapes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from ...model import Exchange

Resource = Mapping[str, Any]
"""A session or a message: an object that may have metadata."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in seconds, and the unit that it was written in: whole seconds, thousandths, …"""

    seconds: Fraction
    unit: Fraction

    @property
    def precision(self) -> Fraction:
        """The unit of the last digit that is not 0: who counts seconds may still write .000."""
        unit = self.unit
        while unit < 1 and self.seconds / unit % 10 == 0:
            unit *= 10
        return unit

    def before(self, other: Moment) -> bool:
        """Say whether this is earlier, also where one of the two was cut to a coarser unit."""
        return self.seconds < other.seconds and other.seconds - self.seconds >= self._slack(other)

    def same(self, other: Moment) -> bool:
        """Say whether both may be one time, written in two units."""
        return not self.before(other) and not other.before(self)

    def _slack(self, other: Moment) -> Fraction:
        return Fraction(0) if self.unit == other.unit else max(self.unit, other.unit)


_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)


def read_moment(text: object) -> Moment | None:
    """Return a time that is written as RFC 3339 says, its note on the space included; else None."""
    found = _DATE_TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, off_hours, off_minutes = found.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal()
    except ValueError:
        return None
    offset = int(off_hours or 0) * 3600 + int(off_minutes or 0) * 60
    whole = days * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second)
    whole += offset if sign == "-" else -offset
    unit = Fraction(1, 10 ** len(fraction or ""))
    return Moment(whole + int(fraction or 0) * unit, unit)


def members(exchange: Exchange) -> Resource:
    """Return the body as an object, an empty one where it is none."""
    try:
        return as_object(json.loads(exchange.body))
    except (ValueError, RecursionError):
        return {}


def as_object(value: object) -> Resource:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows(exchange: Exchange) -> list[Resource]:
    """Return the sessions of a list."""
    return _objects(members(exchange).get("rows"))


def messages(exchange: Exchange) -> list[Resource]:
    """Return the messages of a session."""
    return _objects(members(exchange).get("messages"))


def metadata(resource: Resource) -> Resource:
    """Return the metadata of a resource, an empty object where there is none."""
    return as_object(resource.get("metadata"))


def identifier(resource: Resource) -> str | None:
    """Return the id of a resource where it has one that can be sent."""
    found = metadata(resource).get("id")
    return found if isinstance(found, str) and found else None


def name_of(resource: Resource, otherwise: str) -> str:
    """Return the name of a session, and `otherwise` where it has none that is a string."""
    found = resource.get("name")
    return found if isinstance(found, str) else otherwise


def moment(resource: Resource, name: str) -> Moment | None:
    """Return `createdAt` or `updatedAt` of a resource where it is one."""
    return read_moment(metadata(resource).get(name))


def _objects(value: object) -> list[Resource]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

"""Times as they are written in a resource meta."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# RFC 3339, section 5.6: years have four digits, so this is where its time ends.
LAST = (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)

_SHAPE = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@lru_cache(maxsize=65_536)  # a list writes the times of all its sessions every time it is asked for
def rfc3339(microseconds: int) -> str:
    """Write a time since 1970 in UTC, always with six digits after the point."""
    moment = EPOCH + timedelta(microseconds=max(0, min(microseconds, LAST)))
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def is_rfc3339(text: str) -> bool:
    """Say whether `text` is a date-time of RFC 3339."""
    if not _SHAPE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:  # the thirtieth of February
        return False
    return True

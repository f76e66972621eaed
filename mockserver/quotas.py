"""How many requests a caller may send in a window of time, whatever the number of processes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .faults import Impossible
from .model import Api, Call
from .store import Record, Scope


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many requests in a window of so many seconds, which the first of them opens."""

    requests: int
    seconds: float


def scope_of_quotas(api: str) -> Scope:
    """Return where the windows of an API's callers are kept."""
    return (api, "quotas")


def read_limit(asked: object) -> Limit:
    """Return the limit that `N/SECONDS` names; raises Impossible."""
    requests, slash, seconds = asked.partition("/") if isinstance(asked, str) else ("", "", "")
    try:
        limit = Limit(int(requests), float(seconds))
    except ValueError:
        limit = Limit(-1, -1)
    if slash and 0 <= limit.requests < 2**31 and 0 < limit.seconds < math.inf:
        return limit
    raise Impossible(f"{asked!r} is no limit; say N/SECONDS, like 60/1 or 100/3600")


def take_one(api: Api, call: Call, limit: Limit) -> None:
    """Count a request for its credential; raises what the vendor answers to one too many."""
    world, now = api.world, api.world.clock.now()

    def one_more(before: Record | None) -> Record:
        if before is None or not before["since"] <= now < before["since"] + limit.seconds:
            return {"since": now, "requests": 1}
        return {**before, "requests": before["requests"] + 1}

    # A digest: credentials are not written into any store.
    whose = world.number("quota", limit.requests, limit.seconds, api.credential_of(call))
    window = world.store.change(scope_of_quotas(api.name), f"{whose:032x}", one_more)
    if window and window["requests"] > limit.requests:
        call.chaos.append("rate_limit")
        call.remarks.append(
            f"request {window['requests']} of a window of {limit.seconds:g} s, "
            f"in which {limit.requests} are let through"
        )
        raise api.throttled(window["since"] + limit.seconds - now)

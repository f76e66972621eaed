"""Three ways to say who one is: basic, bearer, and a cookie (the document, Authorization)."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from werkzeug.datastructures import Headers

from ...model import Identity

COOKIE = "hatchet"

_BLANK = r"(?:\s|%20|\+)"
IN_TEXT = re.compile(
    rf"""(?ix)
    (?: \bauthorization ["']? {_BLANK}* (?:[:=]|%3A) (?:{_BLANK}|["'])*
        (?:(?:basic|bearer){_BLANK}+)?
      | \b(?:basic|bearer) {_BLANK}+ (?=[^\s"'&;,<]{{16}})
      | \b{COOKIE} ["']? \s* [:=] \s* ["']?
    )
    (?P<secret> (?!(?:basic|bearer)\b) [^\s"'&;,<]+ )"""
)
"""Anybody's credentials, should they get into a text: a header, a cookie, or what looks like it."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brings. `nameless` is a cookie header that has no `NAME=` in it."""

    bearer: bytes | None
    basic: tuple[bytes, bytes] | None
    cookies: tuple[bytes, ...]
    nameless: bool

    def is_empty(self) -> bool:
        """Say whether there is nothing to look at."""
        return self.bearer is None and self.basic is None and not self.cookies


def read(headers: Headers) -> Credentials:
    """Return the credentials of a request; what cannot be read counts as not there."""
    return _read(headers.get("Authorization", ""), headers.get("Cookie", ""))


@lru_cache(64)
def _read(authorization: str, cookie: str) -> Credentials:
    scheme, _, value = authorization.strip().partition(" ")
    scheme, value = scheme.lower(), value.strip()
    pairs = [pair.strip() for pair in cookie.split(";") if pair.strip()]
    named = [pair.partition("=") for pair in pairs]
    return Credentials(
        bearer=_bytes(value) if scheme == "bearer" and value else None,
        basic=_basic(value) if scheme == "basic" else None,
        cookies=tuple(
            _bytes(value.strip().strip('"')) for name, _, value in named if name.strip() == COOKIE
        ),
        nameless=any(not equals for _, equals, _ in named),
    )


def same(given: bytes | None, secret: str) -> bool:
    """Compare without telling by the time it takes; nothing is never right."""
    return bool(given and secret) and hmac.compare_digest(given or b"", secret.encode())


def advice(brought: Credentials) -> str:
    """Return what to tell who is not let in: how to ask, never what would be right."""
    if not brought.is_empty():
        return "these credentials do not give access to this tenant"
    if brought.nameless:
        return f"the cookie has no name: send it as Cookie: {COOKIE}=<value>"
    return (
        "credentials are needed: Authorization: Bearer <token>, Authorization: Basic "
        f"<username:password in base64>, or Cookie: {COOKIE}=<value>"
    )


def diagnose(brought: Credentials, tenant: str, callers: Iterable[Identity]) -> str:
    """Say in one sentence what was wrong, for the mock's owner alone; never a secret."""
    known = {caller["tenant"]: caller for caller in callers}
    if tenant not in known:
        return f"no such tenant; known are {', '.join(known)}"
    if brought.is_empty():
        return advice(brought)
    for other, caller in known.items():
        if other != tenant and _any_of(brought, caller):
            return f"these are the credentials of the tenant {other}"
    if brought.basic is not None and same(brought.basic[0], known[tenant]["username"]):
        return "the username is right, the password is not"
    return "none of the credentials is the tenant's"


def _any_of(brought: Credentials, caller: Identity) -> bool:
    return (
        same(brought.bearer, caller["token"])
        or (brought.basic is not None and same(brought.basic[1], caller["password"]))
        or any(same(value, caller["cookie"]) for value in brought.cookies)
    )


def _basic(value: str) -> tuple[bytes, bytes] | None:
    try:
        username, colon, password = base64.b64decode(value, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (username, password) if colon else None


def _bytes(value: str) -> bytes:
    # A WSGI server hands over the bytes of a header as Latin-1.
    return value.encode("latin-1", "replace")

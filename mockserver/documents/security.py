"""Whether a request brings the credentials that a document asks for: they may be any."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from ..lean_flask import LeanRequest
from ..model import Refusal
from .document import Document, Endpoint
from .parameters import Sent

Scheme = Mapping[str, Any]

BEARERS = ("oauth2", "openIdConnect")
KNOWN = ("apiKey", "http", *BEARERS)


def unseen(document: Document) -> Iterable[tuple[str, str]]:
    """Yield the schemes of which a request shows nothing, and their types."""
    for name, scheme in document.schemes.items():
        if scheme.get("type") not in KNOWN:
            yield name, str(scheme.get("type"))


def authenticate(document: Document, endpoint: Endpoint, sent: Sent, request: LeanRequest) -> None:
    """Raise Refusal where a request fits none of the ways to be let in."""
    ways = endpoint.security
    if not ways or any(
        all(credential(document.schemes[name], sent, request) is not None for name in way)
        for way in ways
    ):
        return
    wanted = " or ".join(" and ".join(_told(name, document.schemes[name]) for name in way)
                         for way in ways)  # fmt: skip
    names = dict.fromkeys(name for way in ways for name in way)
    challenges = dict.fromkeys(_challenge(name, document.schemes[name]) for name in names)
    raise Refusal(
        f"credentials are missing: {wanted}",
        status=401,
        headers=tuple(("WWW-Authenticate", one) for one in challenges),
    )


def credential(scheme: Scheme, sent: Sent, request: LeanRequest) -> str | None:
    """Return what a request brings for a scheme, None where it brings nothing."""
    kind = scheme.get("type")
    if kind == "apiKey":
        return _api_key(scheme, sent, request)
    if kind not in KNOWN:
        return ""
    said, _, token = str(request.headers.get("Authorization", "")).partition(" ")
    wanted = "bearer" if kind in BEARERS else str(scheme.get("scheme", "")).lower()
    token = token.strip()
    if said.lower() != wanted or not token:
        return None
    return token if wanted != "basic" or _is_basic(token) else None


def _api_key(scheme: Scheme, sent: Sent, request: LeanRequest) -> str | None:
    name, place = str(scheme.get("name", "")), scheme.get("in")
    if place == "query":
        return next(iter(sent.query.get(name, ())), None) or None
    if place == "cookie":
        return sent.cookies.get(name) or None
    return request.headers.get(name) or None


def _is_basic(token: str) -> bool:
    try:
        return b":" in base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        return False


def _told(name: str, scheme: Scheme) -> str:
    if scheme.get("type") == "apiKey":
        return f"{scheme.get('in')} {scheme.get('name')} ({name})"
    kind = "bearer" if scheme.get("type") in BEARERS else scheme.get("scheme")
    return f"Authorization: {str(kind).capitalize()} … ({name})"


def _challenge(name: str, scheme: Scheme) -> str:
    """Return what is said of a scheme (RFC 9110, 11.6.1); for keys there is no registered one."""
    realm = "".join(char for char in name if char.isalnum() or char in " ._-")
    if scheme.get("type") == "apiKey":
        key = "".join(c for c in str(scheme.get("name")) if c.isalnum() or c in "._-")
        return f'ApiKey realm="{realm}", in="{scheme.get("in")}", name="{key}"'
    kind = "bearer" if scheme.get("type") in BEARERS else str(scheme.get("scheme", "bearer"))
    return f'{kind.capitalize()} realm="{realm}"'

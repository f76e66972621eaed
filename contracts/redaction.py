"""Keeping secrets out of whatever people read: each is shown as the name of its variable."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from .model import Contract, Exchange, Hidden

LEAST = 4
"""A shorter secret would be found in half of all texts; such a one is only hidden in its place."""


class Redaction:
    """Replaces secrets by labels, however they are written in a URL, a form, JSON or base64."""

    def __init__(self, hidden: Iterable[Hidden]) -> None:
        written: dict[str, str] = {}
        for secret in hidden:
            if len(secret.value) < LEAST:
                continue
            for form in _forms(secret.value):
                written[form] = secret.label
        # The longest first: one secret may be a part of another.
        self._written = sorted(written.items(), key=lambda pair: -len(pair[0]))

    def __call__(self, text: str) -> str:
        """Return `text` without the secrets."""
        for secret, label in self._written:
            text = text.replace(secret, label)
        return text


def redaction_for(
    contract: Contract, credentials: Mapping[str, str], exchanges: Iterable[Exchange]
) -> Redaction:
    """Return the redaction of all that a report says of these exchanges."""
    secret = {credential.name for credential in contract.credentials if credential.secret}
    known = [
        Hidden(value, f"${contract.variable(name)}", "")
        for name, value in credentials.items()
        if name in secret
    ]
    return Redaction([*known, *(h for exchange in exchanges for h in exchange.request.hidden)])


def _forms(value: str) -> set[str]:
    encoded = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()
    return {
        value, quote(value, safe=""), quote(value), quote_plus(value), json.dumps(value)[1:-1],
        repr(value)[1:-1], encoded,
    }  # fmt: skip

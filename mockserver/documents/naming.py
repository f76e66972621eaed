"""What a document's API is called: by its file, or by its title where the file says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

USUAL = frozenset(
    "openapi swagger api spec schema index oas oas3 openapi3 apidocs api-docs definition".split()
)
"""Names of files that say nothing of the API in them."""

MOST_NAME = 40


def name_of(path: Path, title: str, taken: Iterable[str]) -> str:
    """Return the name of an API: small letters, digits and hyphens, and none that is taken."""
    stem = _plain(path.stem)
    name = _plain(title) if stem in USUAL or not stem else stem
    name = (name or stem or "document")[:MOST_NAME].strip("-")
    return f"{name}-document" if name in set(taken) else name


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")

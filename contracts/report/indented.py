"""JSON with line breaks for people to read; between the tokens nothing is changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

DEEPEST = 12
"""What is nested deeper is not indented: it would be all margin."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')


def indented(said: str) -> str | None:
    """Return a JSON object or array in lines, None where the text is neither."""
    if said.lstrip()[:1] not in ("{", "[") or "\n" in said.strip():
        return None
    try:
        json.loads(said)
        return "".join(_written(said))
    except (ValueError, RecursionError):
        return None


def _written(said: str) -> Iterator[str]:
    depth, before = 0, ""
    for token in _TOKEN.findall(said):
        depth -= token in ("}", "]")
        empty = before + token in ("{}", "[]")
        if not empty and (before in ("{", "[", ",") or token in ("}", "]")):
            yield "\n" + "  " * depth
        yield f"{token} " if token == ":" else token
        depth += token in ("{", "[")
        if depth > DEEPEST:
            raise ValueError("nested too deep")
        before = token

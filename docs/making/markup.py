"""Markdown as the generated pages need it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MEANT = re.compile(r"([\\*_\[\]<>|#{}])")


def plain(text: str) -> str:
    """Return a text that says in Markdown what it says; what is in backticks stays code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return MEANT.sub(r"\\\1", text).replace("`", "\\`")
    return "".join(
        f"`{part}`" if place % 2 else MEANT.sub(r"\\\1", part).replace("\\<", "&lt;")
        for place, part in enumerate(parts)
    )


def code(text: str) -> str:
    """Return a text as code."""
    return f"`{text}`"


def breakable(id: str, attributes: str = "") -> str:
    """Return an id as code that a narrow column may break after a dot or an underscore."""
    letters = re.sub(r"([._])", r"\1<wbr>", id).replace("_", "&#95;")
    return f"<code{attributes}>{letters}</code>"


def anchor(id: str) -> str:
    """Return an id as code that can be linked to."""
    return breakable(id, f' id="{id}"')


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return a table; the columns in `right` are numbers."""
    rules = ["---:" if place in right else "---" for place, _ in enumerate(head)]
    lines = [head, rules, *rows]
    return "\n".join("| " + " | ".join(one) + " |" for one in lines)


def page(*blocks: str) -> str:
    """Return a page of blocks."""
    return "\n\n".join(block for block in blocks if block) + "\n"

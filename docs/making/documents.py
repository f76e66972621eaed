"""Pages that are documents at the top of the project, with links as they are from here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

SHOWN = {
    "README.md": "one-page.md",
    "ARCHITECTURE.md": "design.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}
TITLES = {"README.md": "On one page", "ARCHITECTURE.md": "Design"}


def document_pages(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each page."""
    for name, path in SHOWN.items():
        text = (root / name).read_text("utf-8")
        text = re.sub(r"\]\(([^):#]+\.md)", _from_here, text)
        if name in TITLES:
            text = f"# {TITLES[name]}\n{text.partition(chr(10))[2]}"
        yield path, text


def _from_here(found: re.Match[str]) -> str:
    target = found[1]
    return f"]({SHOWN.get(target, target.removeprefix('docs/'))}"

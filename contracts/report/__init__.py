"""What was found, for people and for machines; the file's ending says for whom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..runner import Outcome
from . import as_html, as_json, as_junit, as_sarif, text

FORMATS = {
    "html": as_html.render,
    "json": as_json.render,
    "sarif": as_sarif.render,
    "txt": text.render_all,
    "xml": as_junit.render,
}


def write(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write a report in the format that the ending of `path` names."""
    path.write_text(FORMATS[path.suffix.lstrip(".")](outcomes), encoding="utf-8")

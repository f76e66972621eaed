"""The report for people with a browser: one file that needs no other, and no script to be read."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..runner import Outcome
from . import page, text

TEMPLATES = Path(__file__).parent


def render(outcomes: Sequence[Outcome]) -> str:
    """Return the report of any number of APIs as a page."""
    style, script = (
        (TEMPLATES / f"report.{kind}.j2").read_text("utf-8").strip() for kind in ("css", "js")
    )
    return _ENVIRONMENT.get_template("report.html.j2").render(
        page=page.view(outcomes),
        style=Markup(style),
        script=Markup(script),
        # Were there a hole, the browser would still run no script but ours, and load nothing.
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'",
    )


def _hash(source: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


def _seen(value: Any) -> Any:
    """Return what the page shows of a value: every character of a text can be seen."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "\n".join(text.visible(line) for line in value.split("\n"))


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    finalize=_seen,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

"""The order of the pages; what nobody put in order comes last, so that no page is lost."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch
from typing import Any

ORDER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Start", ("index.md", "tutorial.md", "one-page.md")),
    ("Mocks", ("serving.md", "pytest.md", "mock-page.md", "intercept.md", "openapi.md")),
    ("Checks", ("vendor.md", "reports.md", "ci.md", "openapi-check.md", "writing-clauses.md")),
    ("APIs", ("apis/*.md",)),
    ("Commands", ("commands/index.md", "configuration.md", "commands/*.md")),
    ("Clauses and faults", ("promises/index.md", "promises/*.md")),
    ("Inside", ("design.md", "audit.md", "schemathesis.md", "performance.md", "contributing.md",
                "changes.md")),
)  # fmt: skip


def in_order(paths: Iterable[str]) -> list[dict[str, Any]]:
    """Return the navigation of these pages, a section of pages after the other."""
    left = list(paths)
    nav: list[dict[str, Any]] = []
    for title, patterns in ORDER:
        section = []
        for pattern in patterns:
            found = [path for path in left if fnmatch(path, pattern)]
            section += found
            left = [path for path in left if path not in found]
        if section:
            nav.append({title: section})
    return [*nav, {"More": left}] if left else nav

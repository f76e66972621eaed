"""A check in a step of GitHub Actions: annotations, a summary, a log that commands nothing."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence

import click

from contracts.report import github
from contracts.runner import Outcome


def say(report: str) -> None:
    """Print a report; in a step GitHub is kept from obeying what a target said in it."""
    click.echo(github.inert(report, secrets.token_hex(16)) if _in_step() else report)


def tell(outcomes: Sequence[Outcome]) -> None:
    """Print annotations and add to the summary, if this is a step."""
    if not _in_step():
        return
    for line in github.commands(outcomes):
        click.echo(line)
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        try:
            with open(path, "a", encoding="utf-8") as page:
                page.write(github.summary(outcomes))
        except OSError as problem:
            click.echo(f"no summary is written: {problem.strerror}", err=True)


def _in_step() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"

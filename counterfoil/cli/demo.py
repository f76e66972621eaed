"""`counterfoil demo`: what `make demo` shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from contracts.report import text, write
from contracts.target import Budget

from .. import catalogue
from ..orders import Order, contracts_of
from .check import exit_code, judge


@click.command("demo")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), default=Path("report"),
              show_default=True, help="The folder that reports go to.")  # fmt: skip
def command(reports: Path) -> None:
    """Serve all mocks on a socket, check them, and show the report.

    Exit codes: 0 kept, 1 broken, 3 could not be judged, 130 interrupted.
    """
    with _served() as url:
        click.echo(f"$ counterfoil check all --url {url}")
        outcomes = judge(contracts_of("all"), Order(url, (), "standard", 0, Budget(), {}, ()))
    click.echo(f"\n{text.summary(outcomes)}\n")
    reports.mkdir(parents=True, exist_ok=True)
    for ending in ("html", "txt", "json", "xml"):
        write(outcomes, reports / f"counterfoil.{ending}")
    click.echo("Each promise with its verdict, and how each broken one was seen:")
    click.echo(f"  {reports / 'counterfoil.html'}  (also .txt, .json and .xml)")
    sys.exit(exit_code(outcomes))


@contextmanager
def _served() -> Iterator[str]:
    """Serve all mocks in a process of their own, and yield where they are."""
    words = ["serve", "--port", "0", "--reply-after", "0.03"]
    click.echo(f"$ counterfoil {' '.join(words)}")
    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", *words],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in catalogue.here().mock_names()]
        if not lines[-1]:
            raise click.ClickException(f"the mocks did not start (exit code {process.wait()})")
        click.echo("".join(lines))
        api, url = lines[0].split()
        yield url.rstrip("/").removesuffix(f"/{api}")
    finally:
        process.terminate()
        process.wait(10)

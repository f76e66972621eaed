"""How far a run has come: a bar where there is a terminal, nothing elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from contracts.model import Verdict
from contracts.runner import Event, Judged, Judging, Started


class Progress:
    """Draws on standard error, so that results can be piped."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.fields[api]:8}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[broken]}{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("knocking", total=None, api="", broken="")
        self._broken = 0

    def __enter__(self) -> Progress:
        """Begin to draw."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def show(self, event: Event) -> None:
        """Draw what an event changes."""
        if isinstance(event, Started):
            name = event.contract.name
            self._bar.update(self._task, total=len(event.plan.clauses), api=name)
        elif isinstance(event, Judging):
            self._bar.update(self._task, description=event.clause.id)
        elif isinstance(event, Judged):
            self._broken += event.finding.verdict is Verdict.BROKEN
            broken = f"{self._broken} broken  " if self._broken else ""
            self._bar.update(self._task, advance=1, broken=broken)

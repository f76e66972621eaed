"""`counterfoil record`: a proxy before an API, and a file of what was exchanged."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mockserver.concealing import Concealer
from mockserver.faults import UnknownName
from mockserver.recording import Recorder
from mockserver.recording_file import Recording
from mockserver.server import AddressInUse
from mockserver.upstream import BadUpstream, Upstream

from .. import catalogue, wiring
from . import EXIT_UNJUDGED
from .options import Assignment


@click.command("record")
@click.argument("api")
@click.option("--upstream", required=True, metavar="URL", help="Where all requests go.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.har",
    help="What to write; a recording that is there already is kept, so name another.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8601,
    show_default=True,
    help="0 takes a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--credential",
    "credentials",
    multiple=True,
    type=Assignment(),
    help="What the file must not show; also from COUNTERFOIL_<API>_<NAME>.",
)
def command(
    api: str, upstream: str, out: Path, port: int, host: str,
    credentials: tuple[tuple[str, str], ...],
) -> None:  # fmt: skip
    """Pass requests on to an API as they are, and write what is exchanged to a HAR file.

    Let your client call the address that is printed instead of the API. Stop it with Ctrl-C; put
    the file in DIR/<api>/ and `counterfoil serve <api> --fixtures DIR` answers as the API did.

    Credentials are replaced by their names: those that are given, and whatever a header like
    Authorization or Cookie, or a signature, shows.

    Exit codes: 0 stopped, 2 wrong usage, 3 the file could not be written.
    """
    try:
        known = catalogue.here().mock(api)
        found = wiring.hidden_credentials(api, credentials)
        recording = Recording(_new(out), Concealer(found, known.concealed))
        recorder = Recorder(Upstream.at(upstream), recording, host, port)
        recorder.run(lambda: _announce(known.name, recorder))
    except (UnknownName, BadUpstream, AddressInUse) as problem:
        raise click.UsageError(str(problem)) from problem
    except OSError as problem:
        raise click.UsageError(f"{out}: {problem.strerror or problem}") from problem
    _tell(recording)
    if recorder.problem:
        click.echo(f"counterfoil: {recorder.problem}", err=True)
        sys.exit(EXIT_UNJUDGED)


def _new(out: Path) -> Path:
    """Return the path if nothing would be lost there."""
    if out.exists() and out.stat().st_size:
        raise click.UsageError(f"{out} is there already; remove it, or name another file")
    if not out.parent.is_dir():
        raise click.UsageError(f"{out}: there is no folder {out.parent}")
    return out


def _announce(api: str, recorder: Recorder) -> None:
    click.echo(f"{api:8} {recorder.url}/")
    upstream = recorder.upstream
    click.echo(
        f"recording {upstream.origin}{upstream.base}/ to {recorder.recording.path}", err=True
    )


def _tell(recording: Recording) -> None:
    plural = "" if recording.count == 1 else "s"
    click.echo(f"{recording.count} exchange{plural} in {recording.path}", err=True)
    if recording.unread:
        click.echo(
            f"{recording.unread} without the body, which could not be read; `_left_out` in the "
            "file says why",
            err=True,
        )
    if recording.dropped:
        click.echo(f"{recording.dropped} more passed on, for which there was no room", err=True)

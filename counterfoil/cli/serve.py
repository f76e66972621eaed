"""`counterfoil serve`: mocks on a socket."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import click

from mockserver import tls
from mockserver.chaos import KINDS, read_plan
from mockserver.faults import UnknownName
from mockserver.model import ChunkSize, Settings
from mockserver.reply_files import FixtureError
from mockserver.server import AddressInUse
from mockserver.store import StoreError
from mockserver.workers import WorkersFailed

from .. import catalogue, serving, wiring
from ..logs import Logging
from .options import Assignment, ConfigurationFile, ConfiguredServe, NoConfiguration

PEM = click.Path(path_type=Path, exists=True, dir_okay=False)


class Size(click.ParamType[ChunkSize]):
    """A number of bytes, or one of the ways to cut a stream."""

    name = "N|random|adversarial"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> ChunkSize:
        """Return the size; fails for anything else."""
        if value in ("random", "adversarial"):
            return value  # type: ignore[return-value]
        if str(value).isdecimal() and int(value) > 0:
            return int(value)
        self.fail(f"{value!r} is neither a number of bytes from 1 up nor random nor adversarial")


@click.command("serve", cls=ConfiguredServe)
@click.argument("apis", nargs=-1, metavar="[API|DOCUMENT…]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8600,
    show_default=True,
    help="0 takes a free one.",
)
@click.option(
    "--port-file",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Write the port into a file, once the mocks answer.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The same seed, the same bytes."
)
@click.option(
    "--reply-after",
    type=click.FloatRange(0),
    default=0.1,
    show_default=True,
    metavar="S",
    help="Seconds until an asynchronous reply is there.",
)
@click.option(
    "--chunk-delay",
    type=click.FloatRange(0),
    default=0.005,
    show_default=True,
    metavar="S",
    help="Seconds between the chunks of a stream.",
)
@click.option(
    "--chunk-size", type=Size(), default="24", show_default=True, help="How streams are cut."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="ID[@CHANCE]",
    help="Break in this way, always or (ID@0.25) one request in four; repeatable.",
)
@click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="ID",
    help="Serve an honest mock that differs in what the documents leave open; one an API.",
)
@click.option(
    "--latency",
    metavar="S|uniform:A,B|lognormal:MEDIAN,SIGMA",
    help="Seconds until the first byte; lognormal:MEDIAN,p95=S is known as well.",
)
@click.option("--chunk-latency", metavar="S|…", help="Seconds more between the chunks of a stream.")
@click.option(
    "--chaos",
    "connection",
    multiple=True,
    metavar="KIND[@CHANCE]",
    help=f"What happens to connections: {', '.join(KINDS)}; repeatable.",
)
@click.option("--rate-limit", metavar="N/S", help="Let each caller send N requests in S seconds.")
@click.option(
    "--fixtures",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder with a folder of fixtures for each API.",
)
@click.option(
    "--recorded-times", is_flag=True, help="Let what was recorded take as long as it took then."
)
@click.option(
    "--clock",
    type=click.Choice(["real", "virtual"]),
    default="real",
    show_default=True,
    help="Virtual time stands still until /_counterfoil/clock moves it.",
)
@click.option(
    "--strict", is_flag=True, help="Refuse a question that no fixture answers; make up nothing."
)
@click.option(
    "--stateful",
    is_flag=True,
    help="Let a document's mock keep what is created, and show, change and delete it.",
)
@click.option(
    "--state",
    default="memory",
    show_default=True,
    metavar="memory|sqlite:FILE|redis://…",
    help="Where conversations are kept; a file or a Redis server keeps them when this ends.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Serve in so many processes, with one state and one journal.",
)
@click.option(
    "--tls",
    "makes_certificate",
    is_flag=True,
    help="Serve https, with a certificate that is made for it.",
)
@click.option(
    "--tls-cert", type=PEM, metavar="FILE", help="Serve https with this certificate (PEM)."
)
@click.option("--tls-key", type=PEM, metavar="FILE", help="Its private key (PEM).")
@click.option(
    "--log",
    "log_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the log on standard error is written.",
)
@click.option("--log-requests", is_flag=True, help="Log every request.")
@click.option("--no-auth", is_flag=True, help="Let everybody in.")
@click.option(
    "--credential",
    "credentials",
    multiple=True,
    type=Assignment(),
    help="Who is let in; also from COUNTERFOIL_<API>_<NAME>.",
)
@click.option(
    "--admin-token",
    envvar="COUNTERFOIL_ADMIN_TOKEN",
    metavar="TOKEN",
    help="Lets other hosts use /_counterfoil.",
)
@ConfigurationFile
@NoConfiguration
def command(
    apis: tuple[str, ...], port: int, port_file: Path | None, host: str, seed: int,
    reply_after: float, chunk_delay: float, chunk_size: ChunkSize, faults: tuple[str, ...],
    variants: tuple[str, ...], latency: str | None, chunk_latency: str | None,
    connection: tuple[str, ...], rate_limit: str | None,
    fixtures: Path | None, recorded_times: bool, clock: str, strict: bool, stateful: bool,
    state: str, workers: int, makes_certificate: bool, tls_cert: Path | None, tls_key: Path | None,
    log_format: Literal["text", "json"], log_requests: bool, no_auth: bool,
    credentials: tuple[tuple[str, str], ...], admin_token: str | None,
    config: Path | None, no_config: bool,
) -> None:  # fmt: skip
    """Serve mocks of the named APIs, or of all; or of any OpenAPI document, by its file.

    One API is served at /, several at /<api>/. Stop it with Ctrl-C. Exit codes: 0 stopped, 2 wrong
    usage.

    A request that carries the header `Counterfoil-Fault: ID` (or several, with commas) breaks in
    that way, and no other request does.

    With --fault ID@CHANCE the seed decides for each request of a session, by its place in it: so
    the same requests break again. A session is a caller in a conversation, as far as the request
    says; the header `Counterfoil-Session: NAME` says it instead. Latency and chaos are drawn in
    the same way.

    [serve] of the nearest counterfoil.toml says what options are where none are given.

    A request that carries the header `Counterfoil-Chaos: KIND` (or several, with commas; also
    `latency=0.3` and `chunk_latency=uniform:0.1,0.5`) meets that alone.
    """
    chosen = tuple(apis) or tuple(catalogue.here().mock_names())
    logging = Logging(log_format, log_requests)
    logging.set_up()
    try:
        with _tls(host, makes_certificate, tls_cert, tls_key) as chain:
            wanted = serving.Serving(
                apis=chosen,
                host=host,
                port=port,
                seed=seed,
                settings=Settings(
                    authenticate=not no_auth,
                    reply_after=reply_after,
                    chunk_size=chunk_size,
                    chunk_delay=chunk_delay,
                    strict=strict,
                    stateful=stateful,
                    recorded_times=recorded_times,
                    watch=True,
                    chaos=_chaos(latency, chunk_latency, connection, rate_limit),
                ),
                credentials=wiring.served_credentials(chosen, dict(credentials)),
                faults=faults,
                variants=variants,
                fixtures=fixtures,
                virtual=clock == "virtual",
                state=state,
                admin_token=admin_token,
                tls=chain,
                logging=logging,
            )
            _serve(wanted, workers, port_file)
    except MISTAKES as problem:
        raise click.UsageError(str(problem)) from problem


def _chaos(
    latency: str | None, chunk_latency: str | None, connection: tuple[str, ...], limit: str | None
) -> dict[str, Any]:
    """Return the chaos that the options ask for; raises UnknownName."""
    asked = {
        "latency": latency,
        "chunk_latency": chunk_latency,
        "connection": list(connection) or None,
        "rate_limit": limit,
    }
    chaos = {name: value for name, value in asked.items() if value is not None}
    read_plan(chaos)
    return chaos


MISTAKES = (
    UnknownName, FixtureError, StoreError, AddressInUse, tls.TlsError, serving.ManyClocks,
    WorkersFailed,
)  # fmt: skip


def _serve(wanted: serving.Serving, workers: int, port_file: Path | None) -> None:
    def ready(made: wiring.Mocks, url: str, port: int) -> None:
        _announce(made, url, port, port_file)
        if wanted.admin_token is None and not wiring.is_loopback(url):
            click.echo("the admin pages are for this machine alone: no --admin-token", err=True)

    if workers > 1:
        serving.serve_by_workers(wanted, workers, ready)
    else:
        serving.serve(wanted, ready)


@contextmanager
def _tls(
    host: str, makes: bool, certificate: Path | None, key: Path | None
) -> Iterator[tls.Tls | None]:
    """Yield what is asked for; a certificate that is made is there as long as it is served."""
    if (certificate is None) != (key is None) or (makes and certificate):
        raise tls.TlsError("give --tls-cert and --tls-key together, or --tls alone")
    if certificate and key:
        yield tls.given(certificate, key)
    elif makes:
        with TemporaryDirectory(prefix="counterfoil-") as folder:
            hosts = {"localhost", "127.0.0.1", "::1", *_named(host)}
            chain, authority = tls.generated(Path(folder), sorted(hosts))
            click.echo(f"{'trust':8} {authority}", err=True)
            yield chain
    else:
        yield None


def _named(host: str) -> set[str]:
    """Return by what others know a machine that listens there: by its name, if everywhere."""
    if host not in ("0.0.0.0", "::"):
        return {host}
    name = socket.gethostname()
    return {name} if re.fullmatch(r"[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*", name) else set()


def _announce(made: wiring.Mocks, url: str, port: int, port_file: Path | None) -> None:
    if port_file is not None:
        # Whoever waits for the file reads a whole number, or nothing.
        beside = port_file.with_name(f".{port_file.name}.{os.getpid()}")
        beside.write_text(f"{port}\n", encoding="ascii")
        beside.replace(port_file)
    click.echo(f"{'admin':8} {url}/_counterfoil/", err=True)
    for api in made.emulators.values():
        for note in api.notes:
            click.echo(f"{api.name}: {note}", err=True)
    for prefix, api in made.emulators.items():
        variant = f"  variant {api.variant.id}" if api.variant else ""
        click.echo(f"{api.name:8} {url}{prefix}/{variant}")

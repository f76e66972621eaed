"""`counterfoil serve`: mocks on a socket."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mockserver.chaos import KINDS, check_here, read_plan
from mockserver.clock import RealClock, VirtualClock
from mockserver.delivery import CAN_CUT
from mockserver.faults import UnknownName, names
from mockserver.model import Api, ChunkSize, Settings
from mockserver.reply_files import FixtureError
from mockserver.server import AddressInUse, Server
from mockserver.store import StoreError
from mockserver.stores import open_store

from .. import wiring
from .options import Assignment


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


@click.command("serve")
@click.argument("apis", nargs=-1, metavar="[API…]")
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
    "--state",
    default="memory",
    show_default=True,
    metavar="memory|sqlite:FILE|redis://…",
    help="Where conversations are kept; a file or a Redis server keeps them when this ends.",
)
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
def command(
    apis: tuple[str, ...], port: int, port_file: Path | None, host: str, seed: int,
    reply_after: float, chunk_delay: float, chunk_size: ChunkSize, faults: tuple[str, ...],
    variants: tuple[str, ...], latency: str | None, chunk_latency: str | None,
    connection: tuple[str, ...], rate_limit: str | None,
    fixtures: Path | None, clock: str, strict: bool, state: str,
    no_auth: bool, credentials: tuple[tuple[str, str], ...], admin_token: str | None,
) -> None:  # fmt: skip
    """Serve mocks of the named APIs, or of all.

    One API is served at /, several at /<api>/. Stop it with Ctrl-C.

    A request that carries the header `Counterfoil-Fault: ID` (or several, with commas) breaks in
    that way, and no other request does.

    With --fault ID@CHANCE the seed decides for each request of a session, by its place in it: so
    the same requests break again. A session is a caller in a conversation, as far as the request
    says; the header `Counterfoil-Session: NAME` says it instead. Latency and chaos are drawn in
    the same way.

    A request that carries the header `Counterfoil-Chaos: KIND` meets that alone.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    chosen = list(apis) or names()
    try:
        store = open_store(state)
        made = wiring.mocks(
            chosen,
            store=store,
            clock=VirtualClock() if clock == "virtual" else RealClock(),
            seed=seed,
            settings=Settings(
                authenticate=not no_auth,
                reply_after=reply_after,
                chunk_size=chunk_size,
                chunk_delay=chunk_delay,
                strict=strict,
                watch=True,
                chaos=_chaos(latency, chunk_latency, connection, rate_limit),
            ),
            credentials=wiring.served_credentials(chosen, dict(credentials)),
            faults=faults,
            variants=variants,
            fixtures=fixtures,
            admin_token=admin_token,
        )
        server = Server(made.app.wsgi_app, host, port)
    except (UnknownName, FixtureError, StoreError, AddressInUse) as problem:
        raise click.UsageError(str(problem)) from problem
    server.run(lambda: _announce(made.emulators, server, port_file))
    store.close()


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
    check_here(read_plan(chaos), CAN_CUT)
    return chaos


def _announce(emulators: Mapping[str, Api], server: Server, port_file: Path | None) -> None:
    url = server.url
    if port_file is not None:
        # Whoever waits for the file reads a whole number, or nothing.
        beside = port_file.with_name(f".{port_file.name}.{os.getpid()}")
        beside.write_text(f"{server.port}\n", encoding="ascii")
        beside.replace(port_file)
    click.echo(f"{'admin':8} {url}/_counterfoil/", err=True)
    for prefix, api in emulators.items():
        variant = f"  variant {api.variant.id}" if api.variant else ""
        click.echo(f"{api.name:8} {url}{prefix}/{variant}")

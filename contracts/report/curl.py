"""A request as a command that works when the variables it names are set."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from ..model import Hidden, Request

MOST_ARGUMENT = 100_000
"""Bytes of a body that a shell takes on its command line, with room to spare."""


def render(request: Request, base_url: str) -> str:
    """Return the request as a `curl` command for a POSIX shell, secrets made from variables."""
    words = ["curl", "-sS", "-i", "--path-as-is", "--globoff"]
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != "GET" or request.body:
        words += ["-X", shlex.quote(request.method)]
    for name, value in _headers(request):
        words += ["-H", _quoted(f"{name}: {value}" if value else f"{name};", request.hidden)]
    url = _quoted(base_url + request.target, request.hidden)
    if not request.body:
        return " ".join([*words, url])
    if _fits_an_argument(request.body):
        body = _quoted(request.body.decode(), request.hidden)
        return " ".join([*words, "--data-binary", body, url])
    return f"{_printed(request.body)} | " + " ".join([*words, "--data-binary", "@-", url])


def _headers(request: Request) -> list[tuple[str, str]]:
    lines = list(request.headers)
    if request.body and not any(name.lower() == "content-type" for name, _ in lines):
        # curl would call the body a form.
        lines.append(("Content-Type", ""))
    return lines


def _fits_an_argument(body: bytes) -> bool:
    try:
        # curl reads a body that begins with @ from a file.
        return (
            len(body) <= MOST_ARGUMENT and b"\0" not in body and not body.decode().startswith("@")
        )
    except UnicodeDecodeError:
        return False


def _pieces(text: str, hidden: Iterable[Hidden]) -> list[tuple[str, Hidden | None]]:
    """Cut a text at its secrets."""
    pieces: list[tuple[str, Hidden | None]] = [(text, None)]
    for secret in sorted(hidden, key=lambda one: -len(one.value)):
        if not secret.value:
            continue
        cut: list[tuple[str, Hidden | None]] = []
        for piece, known in pieces:
            if known is not None:
                cut.append((piece, known))
                continue
            for place, part in enumerate(piece.split(secret.value)):
                if place:
                    cut.append((secret.value, secret))
                cut.append((part, None))
        pieces = cut
    return [(piece, known) for piece, known in pieces if piece]


def _quoted(text: str, hidden: Iterable[Hidden]) -> str:
    pieces = _pieces(text, hidden)
    return (
        "".join(known.in_shell() if known else shlex.quote(piece) for piece, known in pieces)
        or "''"
    )


def _printed(body: bytes) -> str:
    """Return a pipeline that writes any bytes; a long run of one byte is written by counting it."""
    run = max(_RUN.finditer(body), key=lambda match: len(match[0]), default=None)
    if run is None or len(body) <= MOST_ARGUMENT:
        return f"printf '{_octal(body)}'"
    count, byte = len(run[0]), _octal(run[0][:1])
    return (
        f"{{ printf '{_octal(body[: run.start()])}'; "
        f"head -c {count} /dev/zero | tr '\\000' '{byte}'; "
        f"printf '{_octal(body[run.end() :])}'; }}"
    )


_RUN = re.compile(rb"(.)\1{999,}", re.DOTALL)


def _octal(body: bytes) -> str:
    return "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\%" else f"\\{byte:03o}"
        for byte in body
    )

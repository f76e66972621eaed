"""A request as a command that works when the variables it names are set."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from ..model import Hidden, Request
from ..redaction import ALONE, LEAST

MOST_ARGUMENT = 100_000
"""Bytes of a body that a shell takes on its command line, with room to spare."""

LONG_RUN = re.compile(rb"(.)\1{999,}", re.DOTALL)
"""What is written by counting it: so many of one byte."""

# What curl sends of a URL as it stands there.
_PLAIN = re.compile(r"/[A-Za-z0-9/%?&=._~!$'()*+,;:@-]*")

Redact = Callable[[str], str]


def render(request: Request, base_url: str, redact: Redact = str) -> str:
    """Return the request as a `curl` command for a POSIX shell, secrets made from variables.

    Every character of it can be seen. What `redact` replaces besides has to be filled in by hand.
    """
    known = _Known(request.hidden, redact)
    words = ["curl", "-sS", "-i", "--path-as-is", "--globoff", *_method(request)]
    for line in _headers(request):
        words += ["-H", known.quoted(line)]
    url = [known.quoted(base_url + request.target)]
    if not _PLAIN.fullmatch(request.target):
        target = known.quoted(urlsplit(base_url).path + request.target)
        url = ["--request-target", target, known.quoted(f"{base_url}/")]
    if not request.body:
        empty = request.method in ("POST", "PUT", "PATCH")
        return " ".join([*words, *(["--data-binary", "''"] if empty else []), *url])
    if _fits_an_argument(request.body):
        body = known.quoted(request.body.decode())
        return " ".join([*words, "--data-binary", body, *url])
    return f"{known.printed(request.body)} | " + " ".join([*words, "--data-binary", "@-", *url])


def _method(request: Request) -> list[str]:
    if request.method == "HEAD" and not request.body:
        return ["--head"]
    if request.method == "HEAD":
        # curl would wait for the body that the answer to a HEAD announces and never has.
        return ["-X", "HEAD", "--ignore-content-length", "--max-time", "10"]
    return ["-X", shlex.quote(request.method)] if request.method != "GET" or request.body else []


def _headers(request: Request) -> list[str]:
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in request.headers]
    given = {name.lower() for name, _ in request.headers}
    # curl would call any body a form, and ask before it sends a large one.
    if "content-type" not in given and (request.body or request.method in ("POST", "PUT", "PATCH")):
        lines.append("Content-Type:")
    if "expect" not in given and len(request.body) > MOST_ARGUMENT:
        lines.append("Expect:")
    return lines


def _fits_an_argument(body: bytes) -> bool:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    # curl reads a body that begins with @ from a file.
    return len(body) <= MOST_ARGUMENT and text.isprintable() and not text.startswith("@")


class _Known:
    """What of a request is written in words of the shell's, and how the rest is shown."""

    def __init__(self, hidden: Iterable[Hidden], redact: Redact) -> None:
        self._redact = redact
        self._hidden = tuple(hidden)

    def quoted(self, text: str) -> str:
        """Return a text as one word of the shell's."""
        words = [
            known.in_shell() if known else _word(self._redact(piece))
            for piece, known in cut(text, self._hidden)
        ]
        return "".join(words) or "''"

    def printed(self, body: bytes) -> str:
        """Return a pipeline that writes any bytes."""
        steps: list[str] = []
        for piece, known in cut(body.decode("utf-8", "surrogateescape"), self._hidden):
            if known:
                steps.append(f"printf %s {known.in_shell()}")
            else:
                steps += _printing(self._redact(piece).encode("utf-8", "surrogateescape"))
        return steps[0] if len(steps) == 1 else f"{{ {'; '.join(steps)}; }}"


def cut(text: str, hidden: Iterable[Hidden]) -> list[tuple[str, Hidden | None]]:
    """Cut a text at its secrets, the longer ones first; return the pieces in their order."""
    known = {secret.value: secret for secret in hidden if secret.value}
    if not known:
        return [(text, None)] if text else []
    longest_first = sorted(known, key=len, reverse=True)
    pieces: list[tuple[str, Hidden | None]] = []
    end = 0
    for match in re.finditer("|".join(f"({_place(value)})" for value in longest_first), text):
        pieces += [(text[end : match.start()], None), (match[0], known[match[0]])]
        end = match.end()
    pieces.append((text[end:], None))
    return [(piece, secret) for piece, secret in pieces if piece]


def _place(value: str) -> str:
    return re.escape(value) if len(value) >= LEAST else ALONE.format(re.escape(value))


def _word(text: str) -> str:
    if text.isprintable():
        return shlex.quote(text)
    return f"\"$(printf '{_octal(text.encode('utf-8', 'surrogateescape'))}')\""


def _printing(body: bytes) -> list[str]:
    """Return the commands that write bytes; a long run of one byte is written by counting it."""
    steps, end = [], 0
    runs = LONG_RUN.finditer(body) if len(body) > MOST_ARGUMENT else ()
    for run in runs:
        if run.start() > end:
            steps.append(f"printf '{_octal(body[end : run.start()])}'")
        byte = f"\\{run[0][0]:03o}"
        steps.append(f"head -c {len(run[0])} /dev/zero | tr '\\000' '{byte}'")
        end = run.end()
    if end < len(body):
        steps.append(f"printf '{_octal(body[end:])}'")
    return steps


def _octal(body: bytes) -> str:
    written = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\%" else f"\\{byte:03o}"
        for byte in body
    )
    # A shell takes a format that begins with a hyphen for an option.
    return f"\\055{written[1:]}" if written.startswith("-") else written

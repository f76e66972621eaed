"""What requests ask for, as people type it: with characters that no URL has."""

from __future__ import annotations

import re

_OTHER = re.compile(rb"[\x80-\xff]")


def ascii_target(data: bytes) -> bytes:
    """Return what begins with a request line, with its target in ASCII (RFC 3986, 2.1).

    A curl command with a question in its URL sends the question as it was typed.
    """
    end = data.find(b"\r\n")
    line = data if end < 0 else data[:end]
    if line.isascii() or b" " not in line:
        return data  # something after it is not, or this is no HTTP
    return _OTHER.sub(lambda found: b"%%%02X" % found[0][0], line) + data[len(line) :]

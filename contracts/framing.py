"""Reading a delimited stream: a header, a delimiter, the answer, wherever the bytes were cut.

FramingError
├── Incomplete   the stream ended before it was whole
└── NotText      a part of it is not UTF-8
"""

from __future__ import annotations

from dataclasses import dataclass


class FramingError(Exception):
    """The bytes cannot be read as a delimited stream."""


class Incomplete(FramingError):
    """The stream ended without its delimiter.

    `received` counts the bytes that came, `begun` those at the end that may begin the delimiter.
    """

    def __init__(self, received: int, begun: int, delimiter: bytes) -> None:
        self.received = received
        self.begun = begun
        lacking = len(delimiter) - begun
        missing = f"the last {lacking} bytes of the delimiter" if begun else "the delimiter"
        super().__init__(
            f"the stream ended after {received} bytes; {missing} and whatever follows are missing"
        )


class NotText(FramingError):
    """The header or the answer is not UTF-8; `at` is the byte of that part where it goes wrong."""

    def __init__(self, part: str, at: int, reason: str) -> None:
        self.part = part
        self.at = at
        super().__init__(f"the {part} is not UTF-8: {reason} at byte {at}")


@dataclass(frozen=True, slots=True)
class Framed:
    """What stands before the first delimiter, and all that stands after it, byte for byte."""

    header_bytes: bytes
    answer_bytes: bytes

    @property
    def header(self) -> str:
        """The header as text; raises NotText."""
        return _text("header", self.header_bytes)

    @property
    def answer(self) -> str:
        """The answer as text; raises NotText."""
        return _text("answer", self.answer_bytes)


class Reader:
    """Reads one stream as it comes; what it finds does not depend on how the bytes were cut."""

    def __init__(self, delimiter: bytes) -> None:
        if not delimiter:
            raise ValueError("a delimiter has one byte or more")
        self._delimiter = delimiter
        self._header = bytearray()
        self._answer: bytearray | None = None

    @property
    def separated(self) -> bool:
        """Whether the delimiter has come, and so the header is whole."""
        return self._answer is not None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, any number of them."""
        if self._answer is not None:
            self._answer += chunk
            return
        # The delimiter may have begun in an earlier chunk; what lies before that was looked at.
        start = max(0, len(self._header) - len(self._delimiter) + 1)
        self._header += chunk
        place = self._header.find(self._delimiter, start)
        if place >= 0:
            self._answer = self._header[place + len(self._delimiter) :]
            del self._header[place:]

    def close(self) -> Framed:
        """Return what was read, now that the stream has ended; raises Incomplete."""
        if self._answer is None:
            raise Incomplete(len(self._header), self._begun(), self._delimiter)
        return Framed(bytes(self._header), bytes(self._answer))

    def _begun(self) -> int:
        lengths = range(len(self._delimiter) - 1, 0, -1)
        return next((n for n in lengths if self._header.endswith(self._delimiter[:n])), 0)


def _text(part: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotText(part, error.start, error.reason) from error

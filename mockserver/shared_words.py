"""Numbers that several processes have in common: each read and written at once, or not at all."""

from __future__ import annotations

import mmap
import os

WORD = 8
PAGE = 4096


class Words:
    """The beginning of a file as numbers of eight bytes, which outlive whoever wrote them.

    A number is one store of the processor, so a process that is killed leaves the one before or
    the one after. Who adds to a number holds a lock meanwhile.
    """

    def __init__(self, file: int, size: int = PAGE) -> None:
        """Map so many bytes of an open file; where it is shorter it gets zeros."""
        missing = size - os.fstat(file).st_size
        if missing > 0:
            # Written, not only made longer: a disk that is full says so now, and kills nobody.
            os.pwrite(file, bytes(missing), size - missing)
        self._map = mmap.mmap(file, size)
        self.integers = memoryview(self._map).cast("Q")
        self.floats = memoryview(self._map).cast("d")

    def same(self, first: slice, second: slice) -> bool:
        """Say whether two pieces of so many bytes are alike."""
        return self._map[first] == self._map[second]

    def close(self) -> None:
        """Let go of the file."""
        self.integers.release()
        self.floats.release()
        self._map.close()

"""Names for the members of families of faults."""

from __future__ import annotations

import re

from ....faults import fault
from .. import Emulator


def named(change: type[Emulator], id: str, group: str, sentence: str) -> type[Emulator]:
    """Name a class that a factory made after its fault."""
    change.__name__ = change.__qualname__ = "".join(re.split("[._]", id.title())[1:])
    change.__doc__ = sentence
    return fault(id, group, sentence)(change)

"""What a running mock logs, and how it is written."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import Literal

REQUESTS = "mockserver.requests"
"""The logger that has a line for each request, where that is asked for."""


@dataclass(frozen=True, slots=True)
class Logging:
    """How much is logged to standard error, and how: lines for people, or a JSON object each."""

    written: Literal["text", "json"] = "text"
    requests: bool = False

    def set_up(self) -> None:
        """Log so from now on, in this process."""
        handler = logging.StreamHandler(sys.stderr)
        if self.written == "json":
            from pythonjsonlogger.orjson import OrjsonFormatter

            handler.setFormatter(
                OrjsonFormatter(
                    "{levelname}{name}{message}",
                    style="{",
                    timestamp=True,
                    rename_fields={"levelname": "level", "name": "logger"},
                )
            )
        else:
            handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
        logging.getLogger(REQUESTS).setLevel(logging.INFO if self.requests else logging.WARNING)

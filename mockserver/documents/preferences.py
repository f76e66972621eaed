"""What a request prefers of an answer (RFC 7240): its status, its example, or one that is made."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import Refusal

_PAIR = re.compile(r'\s*([A-Za-z-]+)\s*(?:=\s*(?:"([^"]*)"|([^,;"]*)))?\s*(?:[,;]|$)')


@dataclass(frozen=True, slots=True)
class Wish:
    """The answer that a request asks for; None and "" leave it to the mock."""

    code: int | None = None
    example: str = ""
    dynamic: bool = False

    @property
    def applied(self) -> tuple[tuple[str, str], ...]:
        """The header that says what was heeded."""
        said = [f"code={self.code}"] if self.code else []
        said += [f"example={self.example}"] if self.example else []
        said += ["dynamic=true"] if self.dynamic else []
        return (("Preference-Applied", ", ".join(said)),) if said else ()


def wish_of(header: str) -> Wish:
    """Return what the header `Prefer` asks for; raises Refusal. What it says beyond is ignored."""
    if not header:
        return Wish()
    found = {
        match[1].lower(): (match[2] if match[2] is not None else match[3] or "").strip()
        for match in _PAIR.finditer(header)
    }
    code, dynamic = found.get("code"), found.get("dynamic", "false").lower()
    if code is not None and not (len(code) == 3 and code.isdecimal() and "200" <= code <= "599"):
        raise Refusal("Prefer: code should be a status from 200 to 599", status=400)
    if dynamic not in ("true", "false", ""):
        raise Refusal("Prefer: dynamic should be true or false", status=400)
    return Wish(
        int(code) if code is not None else None, found.get("example", ""), dynamic != "false"
    )

"""Which store a user means who writes one word for it."""

from __future__ import annotations

from .store import MemoryStore, Store, StoreError

FORMS = "memory, sqlite:FILE or redis://HOST:PORT/NUMBER"


def open_store(text: str) -> Store:
    """Open the store that `text` names in one of the FORMS."""
    kind, _, where = text.partition(":")
    if text == "memory":
        return MemoryStore()
    if kind == "sqlite" and where:
        from .sqlite_store import SqliteStore

        return SqliteStore(where)
    if kind in ("redis", "rediss") and where.startswith("//"):
        from .redis_store import RedisStore

        return RedisStore(text)
    # What was meant as an address may have a password in it.
    named = repr(text) if "@" not in text else f"What begins with {kind[:20]!r}"
    raise StoreError(f"{named} is no store. Name one of {FORMS}")

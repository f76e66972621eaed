"""mtmai: the chat sessions of a tenant, opened by any one of three ways to authenticate."""

from ...model import Contract, Credential
from .clauses import CLAUSES, DOCUMENT
from .driver import MtmaiDriver


def _caller(prefix: str, whose: str) -> tuple[Credential, ...]:
    """Return what one caller may bring: a tenant, and one way at least to open it."""
    return (
        Credential(f"{prefix}tenant", f"{whose} tenant id", required=not prefix, secret=False),
        Credential(f"{prefix}token", f"{whose} bearer token", required=False),
        Credential(f"{prefix}username", f"{whose} name", required=False, secret=False),
        Credential(f"{prefix}password", f"{whose} password", required=False),
        Credential(f"{prefix}cookie", f"the value of {whose} cookie", required=False),
    )


CONTRACT = Contract(
    name="mtmai",
    title="mtmai chat sessions",
    base_url=None,
    credentials=(*_caller("", "the caller's"), *_caller("other_", "a second caller's")),
    document=DOCUMENT,
    driver=MtmaiDriver,
    clauses=CLAUSES,
)

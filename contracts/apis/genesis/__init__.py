"""RunMVChat: one signed action of a gateway that answers errors with HTTP 200."""

from ...model import Contract, Credential
from .clauses import CLAUSES, DOCUMENT
from .driver import GenesisDriver

CONTRACT = Contract(
    name="genesis",
    title="RunMVChat",
    base_url="https://api.genesissai.com",
    credentials=(
        Credential("public_key", "the caller's public key", secret=False),
        Credential("private_key", "the key that signatures are made with; it is never sent"),
        Credential("app_id", "an application of the caller", secret=False),
        Credential("other_public_key", "a second caller", required=False, secret=False),
        Credential("other_private_key", "the second caller's key", required=False),
        Credential("other_app_id", "the second caller's application", required=False, secret=False),
    ),
    document=DOCUMENT,
    driver=GenesisDriver,
    clauses=CLAUSES,
)

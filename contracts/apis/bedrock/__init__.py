"""Bedrock Claude Chat: a message is queued under an id, and its reply is fetched later."""

from ...model import Contract, Credential
from .clauses import CLAUSES, DOCUMENT
from .driver import BedrockDriver

CONTRACT = Contract(
    name="bedrock",
    title="Bedrock Claude Chat published API",
    base_url=None,
    credentials=(
        Credential("api_key", "the key that the gateway knows, sent as x-api-key"),
        Credential("other_api_key", "a second caller's key", required=False),
    ),
    document=DOCUMENT,
    driver=BedrockDriver,
    clauses=CLAUSES,
)

"""Chat with the chatbot: one operation, answered whole or as a stream behind a magic number."""

from ...model import Contract, Credential
from .clauses import CLAUSES, DOCUMENT
from .driver import ChatbotDriver

CONTRACT = Contract(
    name="chatbot",
    title="Chat with the chatbot",
    base_url=None,
    credentials=(
        Credential("bot_uid", "the unique ID of a chatbot", secret=False),
        Credential("api_key", "the key to it, where one is asked for", required=False),
        Credential("other_bot_uid", "a second chatbot", required=False, secret=False),
        Credential("other_api_key", "the key to the second chatbot", required=False),
    ),
    document=DOCUMENT,
    driver=ChatbotDriver,
    clauses=CLAUSES,
)

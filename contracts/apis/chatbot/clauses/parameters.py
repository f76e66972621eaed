"""What may be asked, in which languages, and what is turned down."""

from __future__ import annotations

from hypothesis import strategies as st

from ....model import Basis, Exchange, clause, expect
from .. import requests
from ..driver import ChatbotDriver

BODY = "Body Parameters"
CODES = "Language Codes"
CHOICE = "our choice; the document does not say"

NOT_NOW = (425, 429)
"""Statuses of a request that is as it should be, and comes at a wrong moment."""


def must_grant(driver: ChatbotDriver, exchange: Exchange, what: str) -> Exchange:
    """Raise Broken where a right request was turned down, unless it only came too soon."""
    if exchange.status in NOT_NOW:
        driver.must(exchange)
    expect(driver.accepted(exchange), f"{what} was turned down: {driver.describe(exchange)}")
    return exchange


def must_refuse(driver: ChatbotDriver, body: object, what: str) -> None:
    """Raise Broken where a wrong question was answered; a right one must have been before."""
    driver.must(driver.ask())
    exchange = driver.post(body)
    expect(not driver.accepted(exchange), f"{what}, and it was answered")


@clause("chatbot.parameters.q_required", basis=Basis.DOCUMENTED, source=f"{BODY}: q", most=4,
        more=st.sampled_from([{}, {"language": "en"}, {"stream": False}]))  # fmt: skip
def q_required(driver: ChatbotDriver, more: dict[str, object]) -> None:
    """A request without q is refused."""
    must_refuse(driver, more, "there is no q")


@clause("chatbot.parameters.q_empty", basis=Basis.OBSERVED, source=CHOICE)
def q_empty(driver: ChatbotDriver) -> None:
    """An empty q is refused."""
    must_refuse(driver, {"q": ""}, "q is empty")


@clause("chatbot.parameters.q_string", basis=Basis.DOCUMENTED, source=f"{BODY}: q", most=6,
        value=requests.not_strings | st.none(),
        examples=({"value": None}, {"value": 5}))  # fmt: skip
def q_string(driver: ChatbotDriver, value: object) -> None:
    """A q that is not a string is refused."""
    must_refuse(driver, {"q": value}, f"q is {value!r}")


@clause("chatbot.parameters.conversation_string", basis=Basis.DOCUMENTED,
        source=f"{BODY}: conversation_uid", most=5, value=requests.not_strings)  # fmt: skip
def conversation_string(driver: ChatbotDriver, value: object) -> None:
    """A conversation_uid that is not a string is refused."""
    must_refuse(driver, {"q": "Hello", "conversation_uid": value}, f"conversation_uid is {value!r}")


@clause("chatbot.parameters.language_string", basis=Basis.DOCUMENTED, source=f"{BODY}: language",
        most=5, value=requests.not_strings)  # fmt: skip
def language_string(driver: ChatbotDriver, value: object) -> None:
    """A language that is not a string is refused."""
    must_refuse(driver, {"q": "Hello", "language": value}, f"language is {value!r}")


@clause("chatbot.parameters.stream_boolean", basis=Basis.DOCUMENTED, source=f"{BODY}: stream",
        most=7, value=requests.not_booleans, examples=({"value": "maybe"},))  # fmt: skip
def stream_boolean(driver: ChatbotDriver, value: object) -> None:
    """A stream flag that is not a boolean, nor spells one, is refused."""
    must_refuse(driver, {"q": "Hello", "stream": value}, f"stream is {value!r}")


@clause("chatbot.parameters.json", basis=Basis.DOCUMENTED, source=f"{BODY}: application/json",
        most=4, body=st.sampled_from([b"Hello", b'{"q": "Hello"', b"q=Hello", b"{'q': 'Hello'}"]),
)  # fmt: skip
def malformed(driver: ChatbotDriver, body: bytes) -> None:
    """A body that is not JSON is refused."""
    driver.must(driver.ask())
    exchange = driver.send_body(body, "application/json")
    expect(not driver.accepted(exchange), f"the body is {body!r}, and it was answered")


@clause("chatbot.parameters.object", basis=Basis.DOCUMENTED, source=BODY, most=5,
        value=st.sampled_from(["Hello", ["Hello"], [{"q": "Hello"}], 5, None]))  # fmt: skip
def not_object(driver: ChatbotDriver, value: object) -> None:
    """A body that is JSON and no object is refused."""
    must_refuse(driver, value, f"the body is {value!r}")


@clause("chatbot.parameters.bot_known", basis=Basis.IMPLIED, source="Path Parameters: bot_uid",
        most=3, bot=requests.uids)  # fmt: skip
def bot_known(driver: ChatbotDriver, bot: str) -> None:
    """A question to a bot that does not exist is refused."""
    driver.must(driver.ask())
    exchange = driver.at_bot(bot).ask()
    expect(not driver.accepted(exchange), f"there is no bot {bot}, and it answered")


@clause("chatbot.parameters.defaults", basis=Basis.DOCUMENTED, source=f"{BODY}: default", most=3,
        more=st.sampled_from([{"language": "auto"}, {"stream": False},
                              {"language": "auto", "stream": False}]),
        examples=({"more": {"language": "auto", "stream": False}},))  # fmt: skip
def defaults(driver: ChatbotDriver, more: dict[str, object]) -> None:
    """The defaults, auto and false, are accepted when they are spelled out."""
    driver.must(driver.ask())
    must_grant(driver, driver.ask(**more), f"{more}, which is the default,")


@clause("chatbot.parameters.languages", basis=Basis.DOCUMENTED, source=CODES)
def languages(driver: ChatbotDriver) -> None:
    """Every language code of the document's table is accepted."""
    for language in requests.LANGUAGES:
        must_grant(driver, driver.ask(language=language), f"the documented language {language}")


@clause("chatbot.parameters.language_known", basis=Basis.OBSERVED, source=CHOICE, most=6,
        language=requests.unknown_languages)  # fmt: skip
def language_known(driver: ChatbotDriver, language: str) -> None:
    """A language that is not in the document's table is refused."""
    must_refuse(driver, {"q": "Hello", "language": language}, f"there is no language {language!r}")

"""The links of a history: parents and children agree, and all lead from one root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from ....model import Basis, Clause, clause, expect
from .. import requests
from ..driver import BedrockDriver, Message, ids_in, items_of

LIFE = "fact sheet, The asynchronous life of a message: messageMap"
MAP = "Get a conversation history: messageMap"

Map = Mapping[str, Message]


def dangling(messages: Map) -> str:
    """Say which link leads to no message; nothing where each does."""
    for id, message in messages.items():
        parent = message.get("parent")
        if isinstance(parent, str) and parent not in messages:
            return f"the parent of {id}, {parent!r}, is no message"
        for child in ids_in(message.get("children")):
            if child not in messages:
                return f"the child of {id}, {child!r}, is no message"
    return ""


def disowned(messages: Map) -> str:
    """Say which message has a child that names another parent; nothing where none has."""
    for id, message in messages.items():
        for child in ids_in(message.get("children")):
            parent = messages[child].get("parent", id) if child in messages else id
            if parent != id:
                return f"{child} is a child of {id}, and its parent is {parent!r}"
    return ""


def unlisted(messages: Map) -> str:
    """Say which message its parent does not list once; nothing where each is."""
    for id, message in messages.items():
        parent = message.get("parent")
        if isinstance(parent, str) and "children" in messages.get(parent, {}):
            times = ids_in(messages[parent]["children"]).count(id)
            if times != 1:
                return f"{parent} is the parent of {id}, and lists it {times} times"
    return ""


def circular(messages: Map) -> str:
    """Say which message is among its own ancestors; nothing where none is."""
    up = {id: [message.get("parent")] for id, message in messages.items()}
    down = {id: ids_in(message.get("children")) for id, message in messages.items()}
    for links in (up, down):
        for id in messages:
            way = _way_back(links, id)
            if way:
                return f"it goes in a circle from {' to '.join(way)}"
    return ""


def _way_back(links: Mapping[str, list[Any]], start: str) -> list[str]:
    """Return a way along the links from a message back to itself; empty where there is none."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop()
        for next in (one for one in links[way[-1]] if isinstance(one, str)):
            if next == start:
                return [*way, start]
            if next in links and next not in seen:
                seen.add(next)
                ways.append([*way, next])
    return []


def orphaned(messages: Map) -> str:
    """Say which messages have no parent where one root should be; nothing where one has none."""
    roots = [id for id, message in messages.items() if message.get("parent", "") is None]
    if len(roots) == 1 or any("parent" not in message for message in messages.values()):
        return ""
    return f"one message is the root, and {' and '.join(roots) or 'none'} has no parent"


def _judged(rule: str, sentence: str, find: Callable[[Map], str]) -> Clause:
    def judged(driver: BedrockDriver, texts: list[str]) -> None:
        conversation = None
        for text in texts:
            asked = driver.ask(text, conversation)
            conversation = asked.conversation
            driver.reply(asked)
            wrong = find(driver.message_map(conversation))
            expect(not wrong, wrong)

    judged.__doc__ = sentence
    return clause(f"bedrock.map.{rule}", basis=Basis.OBSERVED, source=LIFE, most=1,
                  texts=st.lists(requests.plain_questions, min_size=1, max_size=3),
                  examples=({"texts": ["Hello", "Why?", "Go on."]},))(judged)  # fmt: skip


LINKS = [
    _judged("no_dangling_link", "Every parent and every child is a message of the map.", dangling),
    _judged("children_have_parent", "Every child has the message it is a child of as its parent.",
            disowned),
    _judged("parents_have_child", "Every parent lists the message as its child, once.", unlisted),
    _judged("no_circle", "No message is its own ancestor.", circular),
    _judged("one_root", "Exactly one message has no parent.", orphaned),
]  # fmt: skip


@clause("bedrock.map.root", basis=Basis.OBSERVED, source=LIFE,
        text=requests.plain_questions, most=1)  # fmt: skip
def root(driver: BedrockDriver, text: str) -> None:
    """The root is called system, has the role system, and says nothing."""
    asked = driver.answered(text)
    found = driver.message_map(asked.conversation)
    expect("system" in found, f"there is no system among {', '.join(found)}")
    role = found["system"].get("role", "system")
    expect(role == "system", f"the role of system is {role!r}")
    bodies = [item.get("body", "") for item in items_of(found["system"])]
    expect(not any(bodies), f"system says {bodies}")


@clause("bedrock.map.chain", basis=Basis.OBSERVED, source=LIFE,
        texts=st.lists(requests.plain_questions, min_size=1, max_size=2), most=2)  # fmt: skip
def chain(driver: BedrockDriver, texts: list[str]) -> None:
    """A new question is a child of what was the last message before it."""
    conversation = driver.answered().conversation
    for text in texts:
        before = driver.message_map(conversation)
        parents = {message.get("parent") for message in before.values()}
        ends = [id for id in before if id not in parents]
        asked = driver.ask(text, conversation)
        driver.reply(asked)
        found = driver.message_map(conversation).get(asked.message, {})
        parent = found.get("parent", ends[-1] if ends else None)
        expect(parent in ends, f"the parent of {asked.message} is {parent!r}, not of {ends}")


@clause("bedrock.map.grows_by_two", basis=Basis.OBSERVED, source=LIFE,
        texts=st.lists(requests.plain_questions, min_size=1, max_size=2), most=2)  # fmt: skip
def grows_by_two(driver: BedrockDriver, texts: list[str]) -> None:
    """Each exchange adds the question and its reply to the history, and nothing else."""
    conversation = driver.answered().conversation
    for text in texts:
        before = driver.message_map(conversation)
        driver.reply(driver.ask(text, conversation))
        new = set(driver.message_map(conversation)) - set(before)
        expect(len(new) == 2, f"one message and its reply added {len(new)}: {', '.join(new)}")

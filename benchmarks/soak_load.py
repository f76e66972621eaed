"""Clients of a soak: they talk with all four APIs, and remember what was acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import urllib.parse
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from . import ours
from .soak_findings import Event, Lost
from .wrk import Asked

PATIENCE = 10.0
"""Seconds in which what was acknowledged has to be there."""

LONGEST = 20
"""Messages of a conversation, after which another is begun."""

SHARED = 4
"""Conversations that all clients write into at once."""


@dataclass(slots=True)
class Ledger:
    """What was acknowledged, by API and conversation: what must be found there again."""

    bedrock: dict[str, dict[str, str]] = field(default_factory=dict)
    chatbot: dict[str, list[str]] = field(default_factory=dict)
    genesis: dict[int, str] = field(default_factory=dict)
    mtmai: dict[str, set[str]] = field(default_factory=dict)

    def messages(self) -> int:
        return (
            sum(map(len, self.bedrock.values())) + sum(map(len, self.chatbot.values()))
            + len(self.genesis) + len(self.mtmai)
        )  # fmt: skip

    def clear(self) -> None:
        for kept in (self.bedrock, self.chatbot, self.genesis, self.mtmai):
            kept.clear()


class Client:
    """One of them, on one keep-alive connection; whatever it draws is by its seed."""

    def __init__(self, url: str, number: int, shared: Ledger, caller: str = "") -> None:
        self._caller = caller
        self._where = urllib.parse.urlsplit(url)
        self._connection: http.client.HTTPConnection | None = None
        self._draw = random.Random(number)
        self._number = number
        self._said = 0
        self.own = Ledger()
        self.shared = shared
        self.events: list[Event] = []
        self.requests = 0
        self.refused = 0

    # What it does

    def run(self, until: Callable[[], bool], pause: float) -> None:
        """Do one thing after the other until it is told to stop."""
        steps: list[tuple[Callable[[], None], int]] = [
            (self.post_bedrock, 6), (self.post_shared, 2), (self.ask_chatbot, 4),
            (self.stream_chatbot, 2), (self.ask_genesis, 5), (self.name_mtmai, 4),
            (self.be_refused, 2),
        ]  # fmt: skip
        every, weights = [step for step, _ in steps], [weight for _, weight in steps]
        while not until():
            self._draw.choices(every, weights)[0]()
            time.sleep(pause * 2 * self._draw.random())

    def post_bedrock(self) -> None:
        open_ones = [id for id, said in self.own.bedrock.items() if len(said) < LONGEST]
        known = self._draw.choice(open_ones) if open_ones and self._draw.random() < 0.7 else ""
        self._post_bedrock(self.own, known)

    def post_shared(self) -> None:
        known = f"SHARED{self._draw.randrange(SHARED):020d}"
        if len(self.shared.bedrock.get(known, ())) < 3 * LONGEST:
            self._post_bedrock(self.shared, known)

    def _post_bedrock(self, ledger: Ledger, known: str) -> None:
        text = self._text()
        made = self.json("bedrock", "post", ours.bedrock_post(text, known, at="/bedrock"))
        if isinstance(made, dict) and made.get("messageId"):
            ledger.bedrock.setdefault(made["conversationId"], {})[made["messageId"]] = text

    def ask_chatbot(self) -> None:
        known = self._known_chatbot()
        text = self._text()
        made = self.json("chatbot", "post", ours.chatbot_post(text, known, at="/chatbot"))
        data = made.get("data") if isinstance(made, dict) else None
        if isinstance(data, dict) and isinstance(uid := data.get("conversation_uid"), str):
            self.own.chatbot.setdefault(uid, []).append(text)

    def stream_chatbot(self) -> None:
        text = self._text()
        asked = ours.chatbot_post(text, self._known_chatbot(), stream=True, at="/chatbot")
        status, body = self.ask("chatbot", "post", asked, {200})
        header, magic, answer = body.partition(b"645130146e8d07b175fd8b1d5682d520")
        if status == 200 and magic and answer:
            self.own.chatbot.setdefault(json.loads(header)["conversation_uid"], []).append(text)

    def _known_chatbot(self) -> str:
        some = [uid for uid, said in self.own.chatbot.items() if len(said) < LONGEST]
        return self._draw.choice(some) if some and self._draw.random() < 0.7 else ""

    def ask_genesis(self) -> None:
        some = list(self.own.genesis)
        known = self._draw.choice(some) if some and self._draw.random() < 0.7 else 0
        text = self._text()
        made = self.json("genesis", "post", ours.genesis_post(text, known, at="/genesis"))
        if isinstance(made, dict) and made.get("RetCode") == 0:
            self.own.genesis[made["SessionID"]] = text
        elif known and not isinstance(made, dict):
            self.own.genesis.pop(known)  # nobody knows which of the two it holds

    def name_mtmai(self) -> None:
        some, name = list(self.own.mtmai), self._text()
        if not some or self._draw.random() < 0.4:
            made = self.json("mtmai", "post", ours.mtmai_post(name, at="/mtmai"))
            if isinstance(made, dict):
                self.own.mtmai[made["metadata"]["id"]] = {name}
            return
        chat = self._draw.choice(some)
        made = self.json("mtmai", "put", ours.mtmai_put(chat, name, at="/mtmai"))
        # One that was not acknowledged may have been done, or not.
        self.own.mtmai[chat] = {name} if made is not None else self.own.mtmai[chat] | {name}

    def be_refused(self) -> None:
        """Ask for what every API refuses; how is a fault's to change."""
        no_json = Asked("POST", "", ours.JSON, "{no json")
        api, asked, right = self._draw.choice((
            ("bedrock", ours.bedrock_get("NOBODY", at="/bedrock"), 404),
            ("chatbot", ours.chatbot_post("", at="/chatbot"), 400),
            ("mtmai", ours.mtmai_post(at="/mtmai"), 400),
            ("genesis", no_json, 200),
        ))  # fmt: skip
        if api == "mtmai":
            asked = Asked("POST", asked.path, asked.headers, no_json.body)
        if api == "genesis":
            asked = Asked("POST", "/genesis/", no_json.headers, no_json.body)
        status, _ = self.ask(api, "refused", asked, {right})
        self.refused += status == right

    def _text(self) -> str:
        self._said += 1
        return f"What did client {self._number} say as number {self._said}?"

    # What was acknowledged

    def verify(self, ledger: Ledger, state: str) -> list[Lost]:
        """Look for all that was acknowledged; `state` is everything that the mocks remember."""
        self.hang_up()  # one that was idle for long may be closed by the server at any moment
        until = time.monotonic() + PATIENCE  # for all of it: a reply is there soon, or never
        lost = [
            one for id, said in ledger.bedrock.items() for one in self._bedrock(id, said, until)
        ]
        for chat, names in ledger.mtmai.items():
            body = self._read("mtmai", ours.mtmai_read(chat, at="/mtmai"))
            if not isinstance(body, dict) or body.get("name") not in names:
                lost.append(Lost("mtmai", f"chat {chat} named {sorted(names)}", str(body)[:300]))
        said_last = [("genesis", str(id), [text]) for id, text in ledger.genesis.items()]
        said_all = [("chatbot", uid, texts) for uid, texts in ledger.chatbot.items()]
        for api, id, texts in (*said_last, *said_all):
            gone = [text for text in texts if text not in state]
            lost += [Lost(api, f"{text} in {id}", "not among what it remembers") for text in gone]
        return lost

    def _bedrock(self, conversation: str, said: dict[str, str], until: float) -> list[Lost]:
        while True:
            body = self._read("bedrock", self._history(conversation))
            shown = body.get("messageMap", {}) if isinstance(body, dict) else {}
            lost = [
                Lost("bedrock", f"message {id} of {conversation}", str(shown.get(id))[:300])
                for id, text in said.items()
                if not _is_there(shown, id, text)
            ]
            if not lost or time.monotonic() > until:
                return lost
            time.sleep(0.1)

    def _history(self, conversation: str) -> Asked:
        return ours.bedrock_get(conversation, at="/bedrock", caller=self._caller)

    def _read(self, api: str, asked: Asked) -> Any:
        for _ in range(3):  # a connection may have been with a worker that was killed
            status, body = self.ask(api, "read", asked, {200, 404})
            if status:
                return json.loads(body)
        return None

    # How it asks

    def json(self, api: str, kind: str, asked: Asked) -> Any:
        """Return what was answered with 200, None for anything else."""
        status, body = self.ask(api, kind, asked, {200})
        return json.loads(body) if status == 200 else None

    def ask(self, api: str, kind: str, asked: Asked, right: Collection[int]) -> tuple[int, bytes]:
        """Send one request; an answer that is not right is an event, and so is none at all."""
        began = time.monotonic()
        self.requests += 1
        said = b""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(
                    self._where.hostname or "", self._where.port, timeout=30
                )
            self._connection.request(
                asked.method, asked.path, asked.body.encode() or None, dict(asked.headers)
            )
            answer = self._connection.getresponse()
            status, said = answer.status, answer.read()
            if answer.will_close:
                self.hang_up()
        except (OSError, http.client.HTTPException) as error:
            self.hang_up()
            status, said = 0, repr(error).encode()
        if status not in right:
            what = said[:300].decode("utf-8", "replace")
            self.events.append(Event(api, kind, began, time.monotonic(), status, what))
        return status, said

    def hang_up(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _is_there(shown: dict[str, Any], id: str, text: str) -> bool:
    """Say whether a history has the message, its text, and a reply to it."""
    message = shown.get(id)
    if not isinstance(message, dict) or message["content"][0]["body"] != text:
        return False
    return any(shown.get(child, {}).get("parent") == id for child in message["children"])


def together(works: Collection[Callable[[], None]]) -> None:
    """Do all of it at once, in threads; return when all is done."""
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

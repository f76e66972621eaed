"""How a client speaks to a published chat: post a message, wait, fetch the reply by its id."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from ...driver import Driver
from ...model import Exchange, NotReached, Request, shortened
from ...recipes import Step, changed

KEY_HEADER = "x-api-key"
JSON_TYPE = ("Content-Type", "application/json")
MODEL = "claude-v3-haiku"

PATIENCE = 60.0
"""Seconds of the target's clock within which a reply has to be there; no document names a bound."""

IMPATIENCE = 3.0
"""Once a reply never came, the least that is waited for others: a run has to end."""

DOWNTIME = 5.0
"""Where there was nothing but 5xx for so many seconds, no reply is waited for any longer."""

Message = Mapping[str, Any]
Content = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """The ids that a message was accepted under."""

    conversation: str
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    """Something done to a key before it is sent: in a recipe, and in a POSIX shell."""

    name: str
    then: tuple[Step, ...]
    shell: str

    def apply(self, key: str) -> str:
        """Return the key as it is sent."""
        return changed(key, self.then)


class BedrockDriver(Driver):
    """One key of the gateway."""

    secret_headers = frozenset({KEY_HEADER})
    volatile = frozenset(
        {"conversationId", "messageId", "id", "lastMessageId", "parent", "children", "botId"}
        | {"createTime"}
    )
    prose = frozenset({"body", "title"})

    waited_in_vain = False
    """Whether there was a reply that never came."""
    slowest: float | None = None
    """How long the slowest reply took that came at all."""
    usual = 0.0
    """How long the last reply took that came."""

    @property
    def patience(self) -> float:
        """Seconds that a clause waits for a reply that it only builds on."""
        if not self.waited_in_vain:
            return PATIENCE
        if self.slowest is None:
            return 0.0
        return min(PATIENCE, max(IMPATIENCE, 3 * self.slowest))

    def post(self, body: object, operation: str | None = "post_message") -> Exchange:
        """Post any JSON value as a message."""
        return self.send(self.post_request(json.dumps(body).encode(), operation))

    def post_request(self, body: bytes, operation: str | None = "post_message") -> Request:
        """Return the request that posts these bytes as JSON."""
        return self._with_key(Request("POST", "/conversation", (JSON_TYPE,), body, operation))

    def get(self, *steps: str, operation: str | None = None) -> Exchange:
        """Fetch the path of these steps, each percent-encoded whatever it holds."""
        return self.send(self.get_request(*steps, operation=operation))

    def get_request(self, *steps: str, operation: str | None = None) -> Request:
        """Return the request that fetches the path of these steps."""
        return self._with_key(Request("GET", path(*steps), operation=operation))

    def health(self) -> Exchange:
        """Ask whether the service is there."""
        return self.get("health", operation="health")

    def history(self, conversation: str) -> Exchange:
        """Fetch the history of a conversation that is expected to exist."""
        return self.get("conversation", conversation, operation="get_conversation")

    def message(self, asked: Asked) -> Exchange:
        """Fetch what became of a message that was accepted."""
        return self.get("conversation", asked.conversation, asked.message, operation="get_message")

    def ask(
        self,
        content: str | Content = "Hello",
        conversation: str | None = None,
        model: str = MODEL,
        **more: Any,
    ) -> Asked:
        """Post a message that has to be accepted for the case at hand to apply."""
        return self.accept(self.post(chat_input(content, conversation, model, **more)))

    def accept(self, exchange: Exchange) -> Asked:
        """Return the ids of an accepted message; without any the case at hand does not apply."""
        members = members_of(self.must(exchange))
        ids = [members.get("conversationId"), members.get("messageId")]
        if any(id in (None, "") or isinstance(id, (dict, list)) for id in ids):
            self.miss(f"no ids to go on with: {self.describe(exchange)}")
        return Asked(str(ids[0]), str(ids[1]))

    def wait(self, asked: Asked, within: float = PATIENCE, *, early: bool = True) -> list[Exchange]:
        """Fetch a message until its reply is there; return all answers, the last one included.

        Unless the `early` ones matter, it is not fetched before replies usually come.
        """
        began = self.clock.now()
        usual = 0.0 if early else self.usual
        crashes: list[float] = []

        def settled(exchange: Exchange) -> bool:
            crashes.append(exchange.at) if exchange.status >= 500 else crashes.clear()
            down = bool(crashes) and crashes[-1] - crashes[0] >= DOWNTIME
            return down or self.accepted(exchange)

        answers = self.eventually(lambda: self.message(asked), settled, within, usual)
        if self.accepted(answers[-1]):
            # Counted to the question: with the time that its answer takes, each wait would be
            # longer than the one before.
            self.usual = answers[-1].at - began
            self.slowest = max(self.slowest or 0.0, self.clock.now() - began)
        elif within > 0:
            self.waited_in_vain = True
        return answers

    def unanswered(self, asked: Iterable[Asked]) -> list[Asked]:
        """Wait for all replies at once; return what has none in the end."""
        began = self.clock.now()
        left = []
        for one in asked:
            rest = max(0.0, PATIENCE - (self.clock.now() - began))
            if not self.accepted(self.wait(one, rest, early=False)[-1]):
                left.append(one)
        return left

    def reply(self, asked: Asked) -> Exchange:
        """Wait for a reply that has to be there for the case at hand to apply."""
        return self.must(self.wait(asked, self.patience, early=False)[-1])

    def answered(self, content: str | Content = "Hello", model: str = MODEL) -> Asked:
        """Start a conversation and wait for the reply."""
        asked = self.ask(content, model=model)
        self.reply(asked)
        return asked

    def message_map(self, conversation: str) -> dict[str, Message]:
        """Fetch a history's messages by id; without any the case at hand does not apply."""
        exchange = self.must(self.history(conversation))
        found = map_in(exchange)
        if not found:
            self.miss(f"there is no messageMap to look at: {self.describe(exchange)}")
        return found

    def miss(self, reason: str) -> None:
        """Leave the case at hand: what it is about was not reached."""
        self.attempts.miss(reason)
        raise NotReached(reason)

    def existing(self, operation: str) -> Mapping[str, Any]:
        """Return a conversation to go on with: whether any other id is taken is left open."""
        if operation != "post_message":
            return super().existing(operation)
        return {"conversationId": self.answered().conversation}

    def say(self, text: str) -> Exchange:
        """Send any text as a question."""
        return self.post(chat_input(text))

    def probe(self) -> Exchange:
        """Send one plain request that an honest server accepts."""
        return super().send(self.post_request(json.dumps(chat_input("Hello")).encode()))

    def send_body(self, body: bytes, content_type: str | None) -> Exchange:
        """Send a body as it is where messages are posted."""
        request = self.post_request(body, operation=None)
        headers = (("Content-Type", content_type),) if content_type else ()
        return self.send(replace(request, headers=(*headers, *request.headers[1:])))

    def send(self, request: Request) -> Exchange:
        """Send a request; over the key's quota (the gateway documents 429) no case applies."""
        exchange = super().send(request)
        if exchange.status == 429:
            self.miss(f"the key is over its quota: {self.describe(exchange)}")
        return exchange

    def authorize(self, request: Request) -> Request:
        """Put the key on a request that was made elsewhere."""
        return self._with_key(self.without(request, KEY_HEADER))

    def with_changed_key(self, request: Request, change: Change) -> Request:
        """Return the request with the caller's key changed, still a secret of it."""
        key = change.apply(self.credentials["api_key"])
        whole = self.hidden("api_key")
        shell = f'"$(printf %s {whole.in_shell()} | {change.shell})"'
        hidden = replace(
            self.hidden("api_key", key, shell, change.then),
            label=f"<{whole.label} {change.name}>",
        )
        bare = self.without(request, KEY_HEADER)
        return replace(bare, headers=(*bare.headers, (KEY_HEADER, key)), hidden=(hidden,))

    def _with_key(self, request: Request) -> Request:
        line = (KEY_HEADER, self.credentials["api_key"])
        return replace(request, headers=(*request.headers, line), hidden=(self.hidden("api_key"),))

    def accepted(self, exchange: Exchange) -> bool:
        """Say whether what was asked for was done; leniently, other clauses are strict."""
        if not 200 <= exchange.status < 300:
            return False
        if exchange.request.operation is None:
            return True
        members = members_of(exchange)
        return not ({"errors", "detail"} & set(members)) or bool(
            {"conversationId", "messageMap", "message"} & set(members)
        )

    def describe(self, exchange: Exchange) -> str:
        """Say in a line how the request was answered."""
        said = members_of(exchange)
        for name in ("errors", "detail", "message"):
            if not self.accepted(exchange) and isinstance(said.get(name), (str, list)):
                return f"HTTP {exchange.status}, {name}: {shortened(said[name])}"
        return super().describe(exchange)


def path(*steps: str) -> str:
    """Return the raw path of these steps; everything but letters and digits is escaped."""
    return "".join(f"/{quote(step.encode('utf-8', 'surrogatepass'), safe='')}" for step in steps)


def chat_input(
    content: str | Content = "Hello",
    conversation: str | None = None,
    model: str = MODEL,
    **more: Any,
) -> dict[str, Any]:
    """Return a message as it is posted; a text alone is its whole content."""
    items = [text_item(content)] if isinstance(content, str) else list(content)
    body: dict[str, Any] = {"message": {"content": items, "model": model}}
    if conversation is not None:
        body["conversationId"] = conversation
    return {**body, **more}


def text_item(text: str) -> dict[str, Any]:
    """Return one item of text."""
    return {"contentType": "text", "body": text}


def members_of(exchange: Exchange) -> dict[str, Any]:
    """Return a JSON object's members; of anything else none."""
    try:
        found = json.loads(exchange.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def map_in(exchange: Exchange) -> dict[str, Message]:
    """Return the messages of a history by id; of anything else none."""
    found = members_of(exchange).get("messageMap")
    messages = found.items() if isinstance(found, dict) else ()
    return {id: message for id, message in messages if isinstance(message, dict)}


def message_in(exchange: Exchange) -> dict[str, Any]:
    """Return the message of a ChatOutput; of anything else an empty one."""
    found = members_of(exchange).get("message")
    return found if isinstance(found, dict) else {}


def lasting(message: Message) -> dict[str, Any]:
    """Return of a message what never changes: children come, and feedback is given later."""
    return {name: message.get(name) for name in ("role", "content", "model", "parent")}


def items_of(message: Message) -> list[dict[str, Any]]:
    """Return the items of a message's content that are objects."""
    content = message.get("content")
    return [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []


def ids_in(value: object) -> list[str]:
    """Return the texts of what should be a list of ids."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

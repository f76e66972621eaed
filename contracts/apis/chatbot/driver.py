"""How a client speaks to a chatbot: one question by POST, answered whole or as a framed stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn
from urllib.parse import quote

from ...driver import Driver
from ...framing import Framed, FramingError, Reader
from ...model import Exchange, Hidden, NotReached, Request, shortened

MAGIC = b"645130146e8d07b175fd8b1d5682d520"
JSON_TYPE = "application/json"
SUCCESS = "Success."
"""What `msg` is in the document's one answer."""

Members = Mapping[str, Any]


class ChatbotDriver(Driver):
    """One chatbot, and the key to it where there is one."""

    secret_headers = frozenset({"authorization"})
    volatile = frozenset({"conversation_uid", "request_id"})
    prose = frozenset({"answer", "system_message", "after"})

    def ask(self, q: object = "Hello", conversation: object = None, **more: object) -> Exchange:
        """Ask one question, in a conversation if one is given."""
        fields = {} if conversation is None else {"conversation_uid": conversation}
        return self.post({"q": q, **fields, **more})

    def post(self, body: object) -> Exchange:
        """Send any JSON value."""
        return self.send(self.request(json.dumps(body).encode()))

    def request(self, body: bytes, content_type: str | None = JSON_TYPE) -> Request:
        """Return the request that sends these bytes, with the key where there is one."""
        headers = (("Content-Type", content_type),) if content_type else ()
        path = f"/api/v1/backend/chatbot/{quote(self.credentials['bot_uid'], safe='')}/chat"
        return self.authorize(Request("POST", path, headers, body, "chat"))

    def authorize(self, request: Request) -> Request:
        """Put the key, where there is one, on a request that was made elsewhere."""
        if "api_key" not in self.credentials:
            return request
        return self.with_key(request, self.credentials["api_key"], self.hidden("api_key"))

    def with_key(self, request: Request, key: str, *hidden: Hidden) -> Request:
        """Return the request with this key in the place of any other; `hidden` if it is secret."""
        bare = self.without(request, "Authorization")
        line = ("Authorization", f"Bearer {key}")
        return replace(bare, headers=(*bare.headers, line), hidden=hidden)

    def other_bot(self) -> ChatbotDriver:
        """Return a client of the second bot, with the key to the first."""
        bot = {"bot_uid": self.credentials["other_bot_uid"]}
        return self._twin({**self.credentials, **bot})

    def other_caller(self) -> ChatbotDriver:
        """Return a client with the second set of credentials."""
        other = self.as_other()
        assert isinstance(other, ChatbotDriver)
        return other

    def at_bot(self, bot: str) -> ChatbotDriver:
        """Return a client of any bot, real or not."""
        return self._twin({**self.credentials, "bot_uid": bot})

    def _twin(self, credentials: Mapping[str, str]) -> ChatbotDriver:
        twin = self.with_credentials(credentials, self.prefix)
        assert isinstance(twin, ChatbotDriver)
        return twin

    def say(self, text: str) -> Exchange:
        """Send any text as a question."""
        return self.ask(text)

    def probe(self) -> Exchange:
        """Send one plain question that an honest server answers."""
        return self.ask()

    def send_body(self, body: bytes, content_type: str | None) -> Exchange:
        """Send a body as it is; it is not expected to be a question."""
        return self.send(replace(self.request(body, content_type), operation=None))

    def existing(self, operation: str) -> Mapping[str, Any]:
        """Return the bot, and a conversation with it where one can be had."""
        known = {"bot_uid": self.credentials["bot_uid"]}
        exchange = self.ask()
        uid = _conversation(exchange) if self.accepted(exchange) else None
        return {**known, "conversation_uid": uid} if uid else known

    def accepted(self, exchange: Exchange) -> bool:
        """Say whether the question was answered, by `code`; leniently, other clauses are strict."""
        if exchange.response is None or not 200 <= exchange.status < 300 or not exchange.body:
            return False
        members = _members(exchange.body)
        if members is not None:
            return _succeeded(members)
        header, magic, _ = exchange.body.partition(MAGIC)
        if magic:
            code = _number((_members(header) or {}).get("code", 0))
            return code in (0, None)
        # Nothing that can be read; a page for people is not an answer to a question.
        return exchange.response.media_type not in ("text/html", "application/xhtml+xml")

    @classmethod
    def reading(cls, exchange: Exchange) -> Any:
        """Return an answer as JSON values; a stream as its header and what stands after it."""
        if not is_stream(exchange):
            return super().reading(exchange)
        header, _, after = exchange.body.partition(MAGIC)
        return {
            "header": super().reading(_with_body(exchange, header)),
            "magic_numbers": exchange.body.count(MAGIC),
            "after": after.decode("utf-8", "surrogateescape"),
        }

    def describe(self, exchange: Exchange) -> str:
        """Say in a line how the question was answered."""
        members = _members(exchange.body)
        if exchange.response is None or members is None or "code" not in members:
            return super().describe(exchange)
        said = shortened(members.get("msg", ""))
        return f"HTTP {exchange.status}, code {shortened(members['code'])}: {said}"

    def miss(self, reason: str) -> NoReturn:
        """Leave the case at hand: what it is about was not reached."""
        self.attempts.miss(reason)
        raise NotReached(reason)

    def envelope(self, exchange: Exchange) -> Members:
        """Return the JSON object that an accepted question was answered with."""
        members = _members(self.must(exchange).body)
        if members is None:
            self.miss(f"the answer is no JSON object: {self.describe(exchange)}")
        return members

    def data(self, exchange: Exchange) -> Members:
        """Return `data` of the answer to an accepted question."""
        data = self.envelope(exchange).get("data")
        if not isinstance(data, dict):
            self.miss(f"data is no object: {self.describe(exchange)}")
        return data

    def stream(self, exchange: Exchange) -> Framed:
        """Return the parts of the stream that an accepted question was answered with."""
        try:
            return framed(self.must(exchange))
        except FramingError as error:
            self.miss(f"the answer is no stream: {error}")

    def header(self, exchange: Exchange) -> Members:
        """Return the JSON object that a stream begins with."""
        members = _members(self.stream(exchange).header_bytes)
        if members is None:
            self.miss(f"the stream's header is no JSON object: {self.describe(exchange)}")
        return members

    def fields(self, exchange: Exchange) -> Members:
        """Return the fields that go with an answer, whichever form it came in."""
        return self.header(exchange) if is_stream(exchange) else self.data(exchange)

    def conversation(self, exchange: Exchange) -> str:
        """Return the conversation that an accepted question belongs to."""
        uid = self.fields(exchange).get("conversation_uid")
        if not isinstance(uid, str) or not uid:
            self.miss(f"there is no conversation_uid: {self.describe(exchange)}")
        return uid


def framed(exchange: Exchange) -> Framed:
    """Read a body as a stream, chunk by chunk as it came; raises FramingError."""
    reader = Reader(MAGIC)
    for chunk in exchange.response.chunks if exchange.response else ():
        reader.feed(chunk.data)
    return reader.close()


def _with_body(exchange: Exchange, body: bytes) -> Exchange:
    assert exchange.response is not None
    return replace(exchange, response=replace(exchange.response, body=body))


def is_stream(exchange: Exchange) -> bool:
    """Say whether a body is a stream, well formed or not; JSON may quote the magic number."""
    return MAGIC in exchange.body and _members(exchange.body) is None


def _members(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _succeeded(members: Members) -> bool:
    code = _number(members.get("code"))
    answered = any(isinstance(found.get("answer"), str) for found in _objects(members))
    if code is None:
        return answered
    return code == 0 or (answered and members.get("msg") == SUCCESS)


def _number(code: object) -> float | None:
    """Return the number that a code is or spells; None for anything else."""
    if isinstance(code, bool) or not isinstance(code, (int, float, str)):
        return None
    try:
        return float(code)
    except (ValueError, OverflowError):
        return None if isinstance(code, str) else 1.0


def _objects(members: Members, depth: int = 3) -> Iterator[Members]:
    yield members
    for value in members.values():
        if isinstance(value, dict) and depth:
            yield from _objects(value, depth - 1)


def _conversation(exchange: Exchange) -> str | None:
    if is_stream(exchange):
        fields = _members(exchange.body.partition(MAGIC)[0]) or {}
    else:
        fields = (_members(exchange.body) or {}).get("data", {})
    uid = fields.get("conversation_uid") if isinstance(fields, dict) else None
    return uid if isinstance(uid, str) else None

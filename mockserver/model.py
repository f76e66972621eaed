"""The nouns of the mock: what an API module takes, and what it gives back."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import orjson

from .clock import Clock

if TYPE_CHECKING:
    from .journal import Caller
    from .lean_flask import LeanRequest
    from .replies import Replies, Reply
    from .scripted import Scripted
    from .store import Scope, Store
    from .switches import Switches

Identity = Mapping[str, str]
"""The credentials of one known caller, by the names that `credentials` lists."""

ChunkSize = int | Literal["random", "adversarial"]


BELOW = "path"
"""Under which name a call's `path` has all of it, below the API, where the API routes itself."""

SNAPSHOT_PATH = "/_counterfoil/state"
MOST_SNAPSHOT = 256 * 1024 * 1024
"""Where all that mocks remember is brought back, and how many bytes of it at most."""

PACES = "mockserver.paces"
"""Where a server says that it waits, and paces streams, for an application that leaves it to it."""

ON_ANY_CLOCK = "mockserver.on_any_clock"
"""Where such a server says that it lets time pass on a clock that is not the machine's, too."""

SCHEDULE = "mockserver.schedule"
"""Where an application leaves the chunks of a body, each with its delay."""

DELAY = "mockserver.delay"
"""Where an application says how many seconds the server shall wait before it answers."""

ENDING = "mockserver.ending"
"""Where an application says how the connection ends, if not well: a kind, and its amount."""


FEED = "mockserver.feed"
"""Where an application leaves what the server shall call for more of the body, again and again.

It gives bytes, none of them where there is nothing now, and None when the body is over.
"""

FEED_PAUSE = 0.05
"""Seconds until a feed that had nothing is asked again."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One documented operation; `path` is a Flask rule, relative to where the API is mounted."""

    name: str
    method: str
    path: str


class Chunk(NamedTuple):
    """Bytes that leave together, `delay` seconds after those before them."""

    delay: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client: the body whole, or as a schedule made before it starts."""

    status: int
    body: bytes | tuple[Chunk, ...]
    headers: tuple[tuple[str, str], ...] = ()

    def body_bytes(self) -> bytes:
        """Return the whole body."""
        if isinstance(self.body, bytes):
            return self.body
        return b"".join([chunk.data for chunk in self.body])

    def with_headers(self, *more: tuple[str, str]) -> Answer:
        """Return the same answer with `more` header lines after its own."""
        return replace(self, headers=(*self.headers, *more))


def member_of(answer: Answer, *names: str) -> str:
    """Return a text or a number deep within a JSON answer, "" where there is none."""
    return member_in(answer.body_bytes(), *names)


def member_in(text: bytes, *names: str) -> str:
    """Return a text or a number deep within JSON text, "" where there is none."""
    try:
        found = orjson.loads(text)
    except ValueError:
        return ""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return str(found) if isinstance(found, str | int) else ""


@dataclass(slots=True)
class Call:
    """One request on its way through an emulator.

    `operation` is None where no operation has this path and method. `remarks` is what the people
    who run the mock may know and the client may not: it goes to the journal and the log. `chaos`
    is what happened to its connection, and to its time.
    """

    operation: str | None
    request: LeanRequest
    path: Mapping[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    chaos: list[str] = field(default_factory=list)
    refusal: Refusal | None = None


class Refusal(Exception):
    """A request is turned down; the API's `refuse` is the one place that writes it.

    `status` is the HTTP status as a plain REST API would choose it; `code` and `detail` are the
    vendor's own, for `refuse` to read.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int = 400,
        code: int = 0,
        detail: object = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Settings:
    """How a mock is run, apart from what it knows. Times in seconds."""

    authenticate: bool = True
    reply_after: float = 0.1
    chunk_size: ChunkSize = 24
    chunk_delay: float = 0.005
    watch: bool = False
    """Whether fixtures are read again when their files are written again."""
    strict: bool = False
    """Whether a question that no fixture answers is refused; else a text is made up."""
    recorded_times: bool = False
    """Whether what was recorded takes as long as it took then; else as long as other replies."""
    stateful: bool = False
    """Whether a document's mock keeps what is created; else each answer stands for itself."""
    chaos: Mapping[str, Any] = field(default_factory=dict)
    """What may happen to connections, as `/_counterfoil/chaos` takes it."""


@dataclass(frozen=True, slots=True)
class World:
    """All that an emulator stands on; made by whoever runs it, and shared by its requests."""

    api: str
    seed: int
    clock: Clock
    store: Store
    replies: Replies
    identities: tuple[Identity, ...]
    settings: Settings
    scripted: Scripted
    switches: Switches
    chances: tuple[Chance, ...] = ()

    def number(self, *parts: object) -> int:
        """Return 128 bits that depend on the seed and `parts`, never on the order of calls."""
        return _number(self.seed, self.api, *parts)

    def digits(self, *parts: object) -> str:
        """Return 48 digits of base 16 that depend on the seed and `parts` in the same way."""
        return _digits(self.seed, self.api, *parts)


@lru_cache(1024, typed=True)
def _number(*parts: object) -> int:
    return int.from_bytes(blake2b(_joined(parts), digest_size=16).digest(), "big")


@lru_cache(1024, typed=True)
def _digits(*parts: object) -> str:
    return blake2b(_joined(parts), digest_size=24).hexdigest().upper()


def _joined(parts: tuple[object, ...]) -> bytes:
    return "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Fault:
    """One named way for an API to break; `sentence` says what then happens."""

    id: str
    sentence: str
    group: str


@dataclass(frozen=True, slots=True)
class Chance:
    """How likely a fault happens to a request; 1 is every request."""

    fault: str
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to differ that the documents leave open; run with these `settings`."""

    id: str
    sentence: str
    settings: Mapping[str, Any] = field(default_factory=dict)


class Api:
    """One vendor's behaviour, as small steps of which a fault replaces one.

    An instance holds no state of its own: conversations are in the world's store.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    base_url: ClassVar[str | None] = None
    """The address that the vendor documents, None where every deployment has its own."""
    operations: ClassVar[tuple[Operation, ...]]
    identities: ClassVar[tuple[Identity, ...]]
    """Whom the mock knows unless told otherwise: the first caller and the other one."""
    optional_credentials: ClassVar[frozenset[str]] = frozenset()
    """Names that an identity may have besides those that it has by default."""
    secrets: ClassVar[frozenset[str]] = frozenset()
    """Names of credentials that no journal or log may show."""
    secret_headers: ClassVar[frozenset[str]] = frozenset()
    """Headers, in small letters, that hold nothing but secrets, besides those that always do."""
    routes_itself: ClassVar[bool] = False
    """Whether `route` finds the operation of each call; `operations` are then for lists alone."""
    notes: ClassVar[tuple[str, ...]] = ()
    """What whoever starts the mock should know of it, a line each."""
    concealed: ClassVar[re.Pattern[str] | None] = None
    """What else no journal or log may show: where it matches, the group `secret` is blotted out."""
    reply_fields: ClassVar[frozenset[str]] = frozenset()
    """The vendor's own fields that an entry of `replies.yaml` may set."""

    replies_later: ClassVar[bool] = False
    """Whether a reply is fetched some time after the question: a delay is then its own affair."""

    fault: ClassVar[Fault | None] = None
    """What is wrong with a class that has one step replaced."""
    variant: ClassVar[Variant | None] = None
    """In what an honest class differs from the one that is served by default."""

    def __init__(self, world: World) -> None:
        self.world = world

    def answer(self, call: Call) -> Answer:
        """Answer one request for a known operation, or raise Refusal."""
        raise NotImplementedError

    def route(self, call: Call) -> None:
        """Say in the call which operation it is for, where this API routes itself; never raises."""

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Write a refusal in the vendor's shape; also unknown paths, methods and our own crash."""
        raise NotImplementedError

    def dress(self, call: Call, answer: Answer) -> Answer:
        """Add what the vendor puts on every response."""
        return answer

    def session_of(self, call: Call) -> str:
        """Return who calls, in which conversation, as far as the request says; never raises.

        A fault that happens by chance counts the requests of each session.
        """
        return str(call.request.headers.get("Authorization", ""))

    def scope_of_caller(self, identity: Identity) -> Scope:
        """Return what the scopes begin with that hold what a caller has stored."""
        raise NotImplementedError

    def credential_of(self, call: Call) -> str:
        """Return who calls, as far as the request says; never raises. A quota is counted by it."""
        return str(call.request.headers.get("Authorization", ""))

    def throttled(self, seconds: float) -> Refusal:
        """Return what refuses a caller who is over the limit for so many seconds more.

        This is the plain one, of RFC 6585 (4), for vendors that document none.
        """
        wait = str(max(1, math.ceil(seconds)))
        return Refusal("too many requests", status=429, headers=(("Retry-After", wait),))

    def conversation_of(self, call: Call) -> str:
        """Return the conversation that the request names, "" where it names none; never raises."""
        return ""

    def question_of(self, call: Call) -> str | None:
        """Return what the request asks, None where it asks nothing; never raises."""
        return None

    def conversation_begun(self, answer: Answer) -> str:
        """Return the conversation that an answer names, "" where it names none; never raises."""
        return ""

    def caller_of(self, refusal: Refusal | None) -> Caller:
        """Return what was made of the caller, by what the request was refused for, if it was."""
        if not self.world.settings.authenticate:
            return "not asked"
        return "refused" if refusal is not None and refusal.status in (401, 403) else "known"

    @classmethod
    def check_reply(cls, reply: Reply) -> None:
        """Raise ValueError for a fixture that the vendor could not answer with."""

    @classmethod
    def read_recording(cls, exchanges: list[dict[str, object]]) -> list[Reply]:
        """Return the question and answer pairs in the entries of a HAR file, in their order."""
        raise NotImplementedError

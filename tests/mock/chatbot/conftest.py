"""A chatbot in process: what it is asked by, and what is seen of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mockserver import create_app, emulator
from mockserver.clock import VirtualClock
from mockserver.journal import Journal
from mockserver.model import Settings
from mockserver.store import MemoryStore

MAGIC = b"645130146e8d07b175fd8b1d5682d520"
PATH = "/api/v1/backend/chatbot/{}/chat"

REPLIES = """
- {question: Ut minim ex, answer: answer, basis: documented, fields: {is_qa_mode: true}}
- {question: 営業時間は？, answer: 午前十時から午後六時まで 🕙, basis: authored}
- {question: Blanks?, answer: "  \\t around \\n", basis: authored}
- {question: Separator?, answer: "645130146e8d07b175fd8b1d5682d520é", basis: authored}
- question: References?
  answer: See there.
  basis: authored
  fields: {is_qa_mode: true, system_message: "Bitte wählen", related_docs: [{title: "Übersicht"}]}
- {pattern: "^ *Known", answer: This is known., basis: authored}
"""


@dataclass(frozen=True)
class Seen:
    """One response, and when each of its chunks arrived."""

    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: tuple[tuple[float, bytes], ...]

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.chunks)

    @property
    def type(self) -> str:
        return dict(self.headers).get("Content-Type", "")

    @property
    def fields(self) -> Any:
        return json.loads(self.body)

    @property
    def header(self) -> Any:
        return json.loads(self.body.partition(MAGIC)[0])

    @property
    def answer(self) -> str:
        return self.body.partition(MAGIC)[2].decode()

    @property
    def uid(self) -> Any:
        fields = self.header if self.type.startswith("text/") else self.fields["data"]
        return fields["conversation_uid"]


class Server:
    """One mock with a clock, a journal and a store of its own."""

    def __init__(self, fixtures: Path, faults: tuple[str, ...], options: dict[str, Any]) -> None:
        self.clock = VirtualClock()
        self.journal = Journal()
        self.store = MemoryStore()
        self.api = emulator(
            "chatbot",
            fixtures=fixtures,
            clock=self.clock,
            store=self.store,
            seed=options.pop("seed", 0),
            credentials=options.pop("credentials", None),
            faults=faults,
            settings=Settings(**options),
        )
        self.app = create_app({"": self.api}, self.journal)

    def ask(self, q: str, *, bot: str = "counterfoil-bot", key: str = "", **fields: object) -> Seen:
        return self.post(json.dumps({"q": q, **fields}).encode(), bot=bot, key=key)

    def post(
        self,
        raw: bytes,
        *,
        bot: str = "counterfoil-bot",
        key: str = "",
        content_type: str = "application/json",
    ) -> Seen:
        headers = {"Content-Type": content_type}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        return self.send("POST", PATH.format(bot), data=raw, headers=headers)

    def send(self, method: str, path: str, **request: Any) -> Seen:
        begun = self.clock.now()
        # The client waits for the first chunk before it returns.
        response = self.app.test_client().open(path, method=method, **request)
        chunks = tuple((self.clock.now() - begun, piece) for piece in response.iter_encoded())
        return Seen(response.status_code, tuple(response.headers.items()), chunks)


@pytest.fixture(scope="session")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fixtures")
    (folder / "replies.yaml").write_text(REPLIES, "utf-8")
    return folder


@pytest.fixture(scope="session")
def serve(fixtures: Path) -> Callable[..., Server]:
    def start(*faults: str, folder: Path = fixtures, **options: Any) -> Server:
        return Server(folder, faults, options)

    return start

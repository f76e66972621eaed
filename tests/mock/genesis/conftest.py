"""A mock of RunMVChat in process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mockserver import create_app, emulator
from mockserver.clock import VirtualClock
from mockserver.journal import Journal
from mockserver.model import Settings
from mockserver.store import MemoryStore

from .caller import Build, Mock

REPLIES = """
- {question: Hello, answer: "Hello, 世界 🙂", basis: authored, fields: {Msg: Fine}}
- {question: Last, answer: The last one answers., basis: authored}
- {pattern: "^Known", answer: This is known., basis: authored}
"""


@pytest.fixture(scope="session")
def replies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replies")
    (folder / "replies.yaml").write_text(REPLIES, "utf-8")
    return folder


@pytest.fixture(scope="session")
def build(replies: Path) -> Build:
    def made(
        *,
        seed: int = 0,
        faults: Iterable[str] = (),
        fixtures: Path = replies,
        authenticate: bool = True,
        clock: VirtualClock | None = None,
        **more: Any,
    ) -> Mock:
        api = emulator(
            "genesis",
            fixtures=fixtures,
            clock=clock or VirtualClock(),
            store=MemoryStore(),
            seed=seed,
            settings=Settings(authenticate=authenticate),
            faults=faults,
            **more,
        )
        journal = Journal()
        return Mock(api, create_app({"": api}, journal), journal)

    return made


@pytest.fixture
def mock(build: Build) -> Mock:
    return build()

"""Clients that openapi-python-client makes of our OpenAPI documents, once a session."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent


class Generated:
    """A generated client; `generated("api.default.chat")` is a module of it."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self.name = name
        self.problems = problems

    def __call__(self, module: str) -> Any:
        return importlib.import_module(f"{self.name}.{module}")

    def client(self, url: str, secret: str, **more: Any) -> Any:
        """Return a client that sends a secret, and raises for a status that is not documented."""
        found = self("client").AuthenticatedClient
        return found(base_url=url, token=secret, raise_on_unexpected_status=True, **more)


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Generated]]:
    """Make the client of an API, in a folder of its own and without asking the network."""
    folder = tmp_path_factory.mktemp("clients")
    sys.path.insert(0, str(folder))

    @cache
    def generate(api: str) -> Generated:
        from openapi_python_client import generate as write
        from openapi_python_client.config import Config, ConfigFile, MetaType

        name = f"{api}_client"
        config = Config.from_sources(
            ConfigFile(post_hooks=[]),
            MetaType.NONE,
            document_source=ROOT / "contracts" / "apis" / api / "openapi.yaml",
            file_encoding="utf-8",
            overwrite=False,
            output_path=folder / name,
        )
        return Generated(name, [f"{one.header}: {one.detail}" for one in write(config=config)])

    yield generate
    sys.path.remove(str(folder))

"""What a client's generator makes of each of our OpenAPI documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

APIS = Path(__file__).parent.parent.parent / "contracts" / "apis"
METHODS = {"get", "put", "post", "delete", "patch"}
NAMES = sorted(path.parent.name for path in APIS.glob("*/openapi.yaml"))


@pytest.mark.parametrize("api", NAMES)
def test_the_generator_warns_of_nothing_in_the_document(
    generated: Callable[[str], Any], api: str
) -> None:
    assert generated(api).problems == []


@pytest.mark.parametrize("api", NAMES)
def test_the_client_has_every_operation_of_the_document(
    generated: Callable[[str], Any], api: str
) -> None:
    document = yaml.safe_load((APIS / api / "openapi.yaml").read_text("utf-8"))
    operations = [
        one for path in document["paths"].values() for name, one in path.items() if name in METHODS
    ]
    assert operations
    for one in operations:
        words = "".join(f"_{c.lower()}" if c.isupper() else c for c in one["operationId"])
        flat = words.replace("_", "")
        folder = Path(generated(api)("api.default").__file__).parent
        assert flat in {path.stem.replace("_", "") for path in folder.glob("*.py")}, one

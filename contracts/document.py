"""An OpenAPI document as we read it: what it lists, how sure it is, what it permits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from .model import Basis, ContractError
from .schemas import METHODS, Json, Problem, Pruning, complaints, opened, permitted, plain, resolved

Pairs = Sequence[tuple[str, str]]
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """One API's document; `schemas` are the same promises, with and without what was only seen."""

    def __init__(self, path: Path) -> None:
        self._source: dict[str, Any] = yaml.load(path.read_text("utf-8"), _LOADER)
        if not str(self._source.get("openapi", "")).startswith("3."):
            raise ContractError(f"{path} is not an OpenAPI 3 document")

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The operations in the order of the document."""
        found = []
        for path, item in self._source["paths"].items():
            for method in METHODS:
                if method in item:
                    found.append(self._operation(path, method, item))
        return tuple(found)

    @property
    def described(self) -> dict[str, Any]:
        """The document in OpenAPI's own words: all that was promised or seen."""
        return plain(self._source)  # type: ignore[no-any-return]

    @property
    def promised(self) -> dict[str, Any]:
        """The document with nothing demanded of an answer that rests on observation alone."""
        return self._pruning.document

    @property
    def observes(self) -> bool:
        """Whether it says anything of an answer that was only seen, beyond that it may come."""
        return self._pruning.dropped

    @cached_property
    def lists_headers(self) -> bool:
        """Whether a header of a response is listed anywhere."""
        return any("headers" in response for response in self._responses())

    @cached_property
    def _pruning(self) -> Pruning:
        return Pruning(self._source)

    def _responses(self) -> Iterator[Mapping[str, Any]]:
        for item in self._source["paths"].values():
            for method in METHODS:
                for response in item.get(method, {}).get("responses", {}).values():
                    yield self._resolved(response)

    def _operation(self, path: str, method: str, item: Mapping[str, Any]) -> Operation:
        definition = item[method]
        parameters = {
            (found["in"], found["name"]): found
            for given in (*item.get("parameters", ()), *definition.get("parameters", ()))
            if (found := self._resolved(given))
        }
        body = self._resolved(definition.get("requestBody", {}))
        components = {"schemas": self._source.get("components", {}).get("schemas", {})}
        return Operation(
            id=definition["operationId"],
            method=method.upper(),
            path=path,
            promised=definition.get("x-basis", item.get("x-basis")) != Basis.OBSERVED,
            parameters=tuple(parameters.values()),
            bodies={kind: media.get("schema", {}) for kind, media in _items(body, "content")},
            body_required=body.get("required", False),
            components=components,
            permitted_components=permitted(components),
        )

    def _items(node: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    return node.get(name, {}).items()  # type: ignore[no-any-return]



"""The requests of a document's operations, made when they are asked for, a few kept at hand."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from ..model import ContractError
from ..openapi import Drawing
from ..samples import Sample
from .asking import Asking
from .outline import Listed, Outline

ALONE = rb"\ud800"
"""Half a surrogate pair as JSON escapes it; many a framework fails to say it back."""

AT_HAND = 8
"""Operations whose requests are kept; a run goes from one to the next."""


class Desk:
    """All requests of one document; it is the same for every run, and holds no answer."""

    def __init__(self, outline: Outline, values: Mapping[str, str]) -> None:
        self._outline = outline
        self._values = values
        self.listed = {one.id: one for one in outline.operations}
        self.at: dict[str, list[Listed]] = {}
        for one in outline.operations:
            if one.method in ("GET", "POST"):
                self.at.setdefault(one.path.rstrip("/"), []).append(one)
        for there in self.at.values():
            there.sort(key=lambda one: one.method)
        self._trouble: dict[str, str] = {}
        self._asking: OrderedDict[str, Asking] = OrderedDict()
        self._drawn: OrderedDict[tuple[str, int, int], list[Sample]] = OrderedDict()

    def asking(self, id: str) -> Asking:
        """Return the requests of an operation."""
        if id not in self._asking:
            self._asking[id] = Asking(self._outline, self.listed[id], self._values)
            if len(self._asking) > AT_HAND:
                self._asking.popitem(last=False)
        return self._asking[id]

    def trouble(self, id: str) -> str:
        """Say why nothing can be asked of an operation, "" where something can."""
        if id not in self._trouble:
            listed = self.listed[id]
            self._trouble[id] = listed.trouble
            try:
                made = self.asking(id)
                _ = made.plain, made.nobodys, made.basis
            except ContractError as problem:
                self._trouble[id] = str(problem)
            except Exception as error:
                # Whatever stands in a stranger's document, the other operations are judged.
                self._trouble[id] = f"{listed.where} is not understood: {type(error).__name__}"
        return self._trouble[id]

    def free(self, id: str) -> set[str]:
        """Return the path's parameters of which the document lists the values."""
        operation = self.asking(id).operation
        return {
            one["name"]
            for one in operation.parameters
            if one["in"] == "path" and "enum" in self._outline.requests.target(one["schema"])
        }

    def valid(self, id: str, seed: int, most: int) -> Iterator[Sample]:
        """Yield requests that conform: the plain ones, then drawn ones if those are too few."""
        asking = self.asking(id)
        plain = (*asking.plain[:1], *asking.nobodys, *asking.plain[1:])[:most]
        yield from plain
        if len(plain) < most:
            yield from self._drawn_for(id, seed, most - len(plain))

    def hard(self, id: str, seed: int, most: int) -> Iterator[Sample]:
        """Yield requests that servers trip over: what the schema forbids, and hostile texts."""
        asking = self.asking(id)
        made = (asking.wrong_bodies(), asking.lacking(), asking.strange(), asking.wrong_fields())
        wrong = [one for one, _ in chain(*made)]
        harder = [one for one in self._harder(id) if ALONE not in one.request.body]
        choice = random.Random(f"{seed} {id}")
        few = wrong[: most // 2]
        places = choice.sample(range(len(harder)), min(len(harder), most - len(few)))
        yield from few
        yield from (harder[place] for place in sorted(places))

    def alone(self, id: str, most: int) -> Iterator[Sample]:
        """Yield requests with half a surrogate pair in one text after another."""
        yield from [one for one in self._harder(id) if ALONE in one.request.body][:most]

    def _harder(self, id: str) -> list[Sample]:
        return [one for sample in self.asking(id).plain[-1:] for one in sample.harder()]

    def _drawn_for(self, id: str, seed: int, count: int) -> list[Sample]:
        key = (id, seed, count)
        if key not in self._drawn:
            self._drawn[key] = list(self._schemathesis(id, seed, count))
            if len(self._drawn) > 4 * AT_HAND:
                self._drawn.popitem(last=False)
        return self._drawn[key]

    def _schemathesis(self, id: str, seed: int, count: int) -> Iterator[Sample]:
        """Yield what Schemathesis draws; path and cookies are ours, files it has no say in.

        What is drawn where nothing plain comes to mind is the plainest that there is.
        """
        asking = self.asking(id)
        operation, basis = asking.operation, asking.basis
        drawable = [one for one in operation.parameters if one["in"] in ("query", "header")]
        kinds = {k: v for k, v in operation.bodies.items() if not k.startswith("multipart")}
        if count < 1 or basis is None or (operation.bodies and not kinds):
            return
        if not drawable and not kinds:
            return
        free = replace(
            operation, path="/", parameters=tuple(drawable), bodies=kinds, _validators={}
        )
        kept = {name for name, _ in basis.headers} - {one["name"] for one in drawable}
        headers = tuple(line for line in basis.headers if line[0] in kept)
        drawn = Drawing((free,), _document(free))
        for sample in drawn.samples(seed, count):
            yield replace(
                sample,
                operation=operation,
                path=basis.path,
                query=(*asking.fixed, *sample.query),
                headers=(*headers, *sample.headers),
                plain=not asking.plain,
            )


def _document(operation: Any) -> dict[str, Any]:
    """Return a document of one operation, with what it refers to and nothing else."""
    words = ("name", "in", "required", "style", "explode", "schema", "allowReserved")
    definition: dict[str, Any] = {
        "operationId": operation.id,
        "parameters": [
            {word: one[word] for word in words if word in one}
            if not one.get("content")
            else {"name": one["name"], "in": one["in"], "required": one.get("required", False),
                  "content": {"application/json": {"schema": one["schema"]}}}
            for one in operation.parameters
        ],
        "responses": {"default": {"description": "any"}},
    }  # fmt: skip
    if operation.bodies:
        definition["requestBody"] = {
            "required": operation.body_required,
            "content": {kind: {"schema": schema} for kind, schema in operation.bodies.items()},
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "one operation", "version": "1"},
        "paths": {"/": {operation.method.lower(): definition}},
        "components": operation.components,
    }

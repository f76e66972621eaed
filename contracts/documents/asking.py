"""Requests for one operation of a stranger's document: plain ones, drawn ones, wrong ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from ..document import Operation, is_form, is_json
from ..samples import Sample
from ..schemas import Json, complaints, validator, with_permissions
from .outline import Listed, Outline, written
from .plain import Unmade, plain
from .reading import mapping, resolved
from .spelling import in_path, spelt, text_of

NOBODYS = "counterfoil"
"""What stands where any text is good, and where no such text is listed."""

BOUNDARY = "counterfoil-boundary"
PREFIXES = {"label": ".", "matrix": ";{name}="}

Pairs = tuple[tuple[str, str], ...]


class Asking:
    """What may be sent for one operation; all of it is a function of the document and a seed."""

    def __init__(self, outline: Outline, listed: Listed, given: Mapping[str, str]) -> None:
        self.outline = outline
        self.listed = listed
        self._given = given

    @cached_property
    def kinds(self) -> dict[str, Json]:
        """The media types of a body that we can write, JSON first, and their schemas."""
        content = self.listed.body.get("content") or {}
        found = {}
        for given, media in content.items():
            kind = given.partition(";")[0].strip().lower()
            kind = "application/json" if kind in ("*/*", "application/*") else kind
            schema = self.outline.requests.of(mapping(media, self.listed.where).get("schema", {}))
            if _writable(kind):
                found[kind] = schema
        return dict(sorted(found.items(), key=lambda item: not is_json(item[0])))

    @cached_property
    def operation(self) -> Operation:
        """The operation as samples know it."""
        parameters = [self._parameter(one) for one in self.listed.parameters]
        known = {one["name"] for one in parameters if one["in"] == "path"}
        for name in self.listed.path_names:
            if name not in known:
                parameters.append({"name": name, "in": "path", "required": True, "schema": {}})
        needed = [one["schema"] for one in parameters] + list(self.kinds.values())
        components = self.outline.requests.components(needed)
        return Operation(
            id=self.listed.id,
            method=self.listed.method,
            path=self._path(),
            promised=True,
            parameters=tuple(parameters),
            bodies=self.kinds,
            body_required=self.listed.body.get("required") is True,
            components=components,
            permitted_components=with_permissions(components),
        )

    def _path(self) -> str:
        path = written(self.listed.path.partition("?")[0])
        for one in self.listed.parameters:
            style = one.get("style")
            if one["in"] == "path" and style in PREFIXES:
                spread = one.get("explode") is True and self._is_object(one)
                prefix = ";" if spread and style == "matrix" else PREFIXES[style]
                prefix = prefix.format(name=one["name"])
                path = path.replace(f"{{{one['name']}}}", f"{prefix}{{{one['name']}}}")
        return path

    def _is_object(self, parameter: Mapping[str, Any]) -> bool:
        schema = self.outline.requests.target(self.outline.requests.of(parameter.get("schema", {})))
        return isinstance(schema, dict) and schema.get("type") == "object"

    def _parameter(self, given: Mapping[str, Any]) -> dict[str, Any]:
        content = given.get("content") or {}
        schema = given.get("schema", {})
        if content:
            schema = (next(iter(content.values())) or {}).get("schema", {})
        made = {**given, "schema": self.outline.requests.of(schema)}
        examples = given.get("examples")
        shown = [given["example"]] if "example" in given else []
        if isinstance(examples, dict):
            shown += [value for value in map(self._shown, examples.values()) if value is not None]
        name = given["name"]
        for asked in (name, f"{self.listed.id}.{name}"):
            if asked in self._given:
                shown.insert(0, self._given[asked])
        if shown:
            made["shown"] = shown
        return made

    def _shown(self, example: Json) -> Json:
        if not isinstance(example, dict):
            return None
        return resolved(self.outline.source, example, self.listed.where).get("value")

    def value(self, parameter: Mapping[str, Any], *, whole: bool = False) -> Json:
        """Return the plain value of a parameter; raises Unmade."""
        if parameter.get("shown"):
            return parameter["shown"][0]
        schema = self.outline.requests.target(parameter["schema"])
        made = plain(self.outline.requests, parameter["schema"], whole=whole)
        # An empty list has no way to be written.
        if made == [] and isinstance(schema, dict):
            made = [plain(self.outline.requests, schema.get("items", {}))]
        return made

    @cached_property
    def plain(self) -> tuple[Sample, ...]:
        """Valid requests that hold what the document shows: the least, all there is, its examples.

        There are none where no valid value comes to mind.
        """
        made = []
        for whole in (False, True):
            try:
                made += list(self._written(whole))
            except Unmade:
                continue
        return tuple({one.request: one for one in made}.values())

    @cached_property
    def fixed(self) -> Pairs:
        """The query that is part of a path, as some documents tell operations apart."""
        return tuple(parse_qsl(self.listed.path.partition("?")[2], keep_blank_values=True))

    @cached_property
    def nobodys(self) -> tuple[Sample, ...]:
        """A valid request about a thing that there hardly is, where nothing is changed by it."""
        names = self.listed.path_names
        if not (self.listed.safe and names and self.plain):
            return ()
        schema = next(p["schema"] for p in self.operation.parameters if p["name"] == names[-1])
        target = self.outline.requests.target(schema)
        form = target.get("format") if isinstance(target, dict) else None
        texts = {None: f"{NOBODYS}-nobody", "uuid": "00000000-0000-4000-8000-000000000000"}
        judge = validator(schema, self.operation.components)
        for value in (texts.get(form), 2147483646):
            if value is not None and judge.is_valid(value):
                path = {**self.plain[0].path, names[-1]: str(value)}
                return (replace(self.plain[0], path=path, kept=frozenset(names[-1:])),)
        return ()

    @cached_property
    def basis(self) -> Sample | None:
        """All of a plain request but its body, None where no value of a parameter comes to mind."""
        try:
            return Sample(self.operation, **self._parameters(False))
        except Unmade:
            return None

    def _written(self, whole: bool) -> Iterator[Sample]:
        operation, parts = self.operation, self._parameters(whole)
        if not self.kinds:
            if self.listed.body.get("required") is True and self.listed.body.get("content"):
                raise Unmade
            yield Sample(operation, **parts)
            return
        if not (operation.body_required or whole):
            yield Sample(operation, **parts)
        for kind, schema in self.kinds.items():
            for value in self._bodies(kind, schema, whole):
                yield Sample(operation, **parts, **_body(kind, value, self._files(schema)))

    def _files(self, schema: Json) -> set[str]:
        """Return which fields of a form are files."""
        shapes = self.outline.requests
        properties = shapes.target(schema)
        properties = properties.get("properties", {}) if isinstance(properties, dict) else {}
        found = {}
        for name, inner in properties.items():
            target = shapes.target(inner)
            several = isinstance(target, dict) and "items" in target
            found[name] = shapes.target(target["items"]) if several else target
        return {name for name, target in found.items() if _is_file(target)}

    def _bodies(self, kind: str, schema: Json, whole: bool) -> Iterator[Json]:
        judge = validator(schema, self.operation.components)
        media = (self.listed.body.get("content") or {}).get(kind) or {}
        shown = [media["example"]] if "example" in media else []
        if isinstance(media.get("examples"), dict):
            shown += [self._shown(one) for one in media["examples"].values()]
        good = [value for value in shown if value is not None and judge.is_valid(value)]
        if not (good and whole):
            good += self._plain_bodies(schema, judge, whole)
        if not good:
            raise Unmade
        yield from good[:3]

    def _plain_bodies(self, schema: Json, judge: Any, whole: bool) -> list[Json]:
        for shown in (True, False):
            try:
                made = plain(self.outline.requests, schema, whole=whole, shown=shown)
            except Unmade:
                continue
            if judge.is_valid(made):
                return [made]
        return []

    def _parameters(self, whole: bool) -> dict[str, Any]:
        texts = {"query": [*self.fixed], "header": [], "cookie": []}
        path: dict[str, str] = {}
        for one in self.operation.parameters:
            if one["in"] == "path":
                path[one["name"]] = in_path(one, self.value(one))
            elif one.get("required") is True or (whole and one["in"] == "query"):
                try:
                    texts[one["in"]] += spelt(one, self.value(one))
                except Unmade:
                    if one.get("required") is True:
                        raise
        headers = [self._accept, *texts["header"]]
        if texts["cookie"]:
            headers.append(("Cookie", "; ".join(f"{n}={v}" for n, v in texts["cookie"])))
        return {"path": path, "query": tuple(texts["query"]), "headers": tuple(headers)}

    @cached_property
    def _accept(self) -> tuple[str, str]:
        kinds = [
            kind
            for status, response in self.listed.responses.items()
            if status.startswith("2") or status == "DEFAULT"
            for kind in response.get("content") or {}
            if kind.isascii() and kind.isprintable()
        ]
        return "Accept", ", ".join([*dict.fromkeys(kinds), "*/*;q=0.1"])

    def wrong_bodies(self) -> Iterator[tuple[Sample, str]]:
        """Yield requests whose bodies no reading of the schema permits, and what is wrong.

        What is wrong is the body, or something in it that is required: no server can do without.
        """
        for sample in self._with_json[-1:]:
            yield replace(sample, body=b'{"a": '), "a body that is not JSON"
            for value, what in _spoilt(sample.body):
                wrong = replace(sample, body=value)
                if self._forbidden(wrong):
                    yield wrong, what

    def wrong_fields(self) -> Iterator[tuple[Sample, str]]:
        """Yield requests with a field of a kind that the schema forbids, and that may be left out.

        A server that has no use for it need not look at it.
        """
        for sample, least in zip(self._with_json[:1], self._with_json[-1:], strict=True):
            needed = least.body if isinstance(least.body, dict) else {}
            optional = sample.body.keys() - needed.keys() if isinstance(sample.body, dict) else ()
            for name in sorted(optional):
                for value, what in _spoilt(sample.body[name], (name,)):
                    wrong = replace(sample, body={**sample.body, name: value})
                    if self._forbidden(wrong):
                        yield wrong, what

    def _forbidden(self, sample: Sample) -> bool:
        return any(self.operation.problems({}, sample.kind, sample.body, permitted=True))

    @property
    def _with_json(self) -> list[Sample]:
        samples = [one for one in self.plain if is_json(one.kind)]
        return sorted(samples, key=lambda one: -len(json.dumps(one.body)))

    def lacking(self) -> Iterator[tuple[Sample, str]]:
        """Yield requests without one thing that is required, and what that is."""
        for sample in self.plain[:1]:
            for one in self.operation.parameters:
                name = one["name"]
                if one.get("required") is not True or one["in"] != "query":
                    continue  # of headers, proxies and frameworks have their own
                fields = {name, *(n for n, _ in spelt(one, self.value(one)))}
                query = tuple(pair for pair in sample.query if pair[0] not in fields)
                if query != sample.query:
                    yield replace(sample, query=query), f"query parameter {name}"
            if sample.kind and self.operation.body_required:
                yield replace(sample, kind=None, body=None), "body"
        for sample in self._with_json[:1]:
            if isinstance(sample.body, dict):
                for name in sample.body:
                    rest = {key: value for key, value in sample.body.items() if key != name}
                    wrong = replace(sample, body=rest)
                    if self._forbidden(wrong):
                        yield wrong, f"{name} in the body"

    def strange(self) -> Iterator[tuple[Sample, str]]:
        """Yield requests with a parameter that its schema forbids, and what is wrong."""
        for sample in self.plain[:1]:
            for one in self.operation.parameters:
                if one["in"] != "query" or "content" in one:
                    continue
                judge = validator(one["schema"], self.operation.components)
                value = f"{NOBODYS}-no-value"
                if any(True for _ in complaints("", judge, value)) and not judge.is_valid([value]):
                    rest = tuple(pair for pair in sample.query if pair[0] != one["name"])
                    query = (*rest, (one["name"], value))
                    yield replace(sample, query=query), f"{one['name']}={value}"


def _writable(kind: str) -> bool:
    return is_json(kind) or is_form(kind) or kind in ("multipart/form-data", "text/plain",
                                                      "application/octet-stream")  # fmt: skip


def _is_file(schema: Json) -> bool:
    return isinstance(schema, dict) and (schema.get("format") == "binary" or not schema)


def _body(kind: str, value: Json, files: set[str]) -> dict[str, Any]:
    """Return a body's value as a sample has it."""
    if is_json(kind):
        return {"kind": kind, "body": value}
    fields = value if isinstance(value, dict) else {}
    if is_form(kind):
        pairs = tuple((n, text) for n, v in fields.items() for text in _texts(v))
        return {"kind": kind, "body": pairs}
    if kind == "multipart/form-data":
        return {"kind": f"{kind}; boundary={BOUNDARY}", "body": _multipart(fields, files)}
    return {"kind": kind, "body": text_of(value).encode("utf-8", "replace")}


def _multipart(fields: Mapping[str, Json], files: set[str]) -> bytes:
    lines = []
    for name, value in fields.items():
        for text in _texts(value):
            quoted = name.replace('"', "%22").replace("\r", "").replace("\n", "")
            file = '; filename="counterfoil.txt"' if name in files else ""
            lines.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{quoted}"{file}')
            lines.append(f"\r\n\r\n{text}\r\n")
    return "".join([*lines, f"--{BOUNDARY}--\r\n"]).encode("utf-8", "replace")


def _texts(value: Json) -> list[str]:
    return [text_of(item) for item in value] if isinstance(value, list) else [text_of(value)]


def _spoilt(value: Json, where: Sequence[str] = ()) -> Iterator[tuple[Json, str]]:
    """Yield the value with one part after another of a kind that no server takes for its own."""
    said = f"{'.'.join(('body', *where))} is "
    yield (
        ({NOBODYS: [1]}, f"{said}an object")
        if not isinstance(value, dict)
        else (
            [NOBODYS],
            f"{said}a list",
        )
    )
    if isinstance(value, str):
        yield f"{NOBODYS}-no-value", f"{said}{NOBODYS}-no-value"
    if isinstance(value, (int, float)):
        yield f"{NOBODYS}-no-value", f"{said}a text"
    if isinstance(value, dict) and len(where) < 3:
        for name, inner in value.items():
            for made, what in _spoilt(inner, (*where, name)):
                yield {**value, name: made}, what

"""What a document lists: its operations, who may call them, and what we leave alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ..model import ContractError, shortened
from ..schemas import METHODS, Json
from .reading import check_references, listing, mapping, read, resolved
from .shapes import KNOWN, TYPES, Shapes
from .swagger import as_openapi_3

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing (RFC 9110, section 9.2.1); TRACE is never sent."""

PLACES = ("path", "query", "header", "cookie")
OURS = ("accept", "content-type", "authorization", "host", "connection", "content-length",
        "content-encoding", "transfer-encoding", "expect", "upgrade", "te")  # fmt: skip
"""Headers that a parameter does not describe, says OpenAPI, and those that are HTTP's own."""

PLAIN_NAMES = ("openapi", "swagger", "api", "spec", "schema", "index", "api-docs", "document")
"""What a file is called that says nothing of whose document it is."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to be let in, under the name that its credential has."""

    credential: str
    kind: str
    """`bearer`, `basic`, or the place of a key: `header`, `query`, `cookie`."""
    name: str = ""


@dataclass(frozen=True, eq=False)
class Listed:
    """One operation as the document has it; what it refers to is read when it is judged.

    `security` are the ways to be let in, by what each needs; none at all is not asked for any.
    """

    id: str
    path: str
    method: str
    where: str
    definition: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any]
    responses: Mapping[str, Mapping[str, Any]]
    security: tuple[tuple[str, ...], ...]
    trouble: str = ""

    @property
    def label(self) -> str:
        """The operation as a reader of the document knows it."""
        return f"{self.method} {self.path}"

    @property
    def path_names(self) -> tuple[str, ...]:
        """The parameters of the path."""
        return tuple(re.findall(r"{([^{}]+)}", self.path))

    @property
    def safe(self) -> bool:
        """Whether a call changes nothing."""
        return self.method in SAFE

    def lists(self, *statuses: str) -> bool:
        """Say whether one of these statuses has a response of its own."""
        return any(status in self.responses for status in statuses)

    def response(self, status: int) -> Mapping[str, Any] | None:
        """Return what is listed for a status, None where nothing is."""
        codes = (str(status), f"{status // 100}XX", "DEFAULT")
        return next((self.responses[code] for code in codes if code in self.responses), None)


@dataclass(frozen=True, eq=False)
class Outline:
    """A document as the suite needs it; `remarks` is what its reader has to know, a line each."""

    name: str
    title: str
    operations: tuple[Listed, ...]
    schemes: Mapping[str, Scheme]
    requests: Shapes
    answers: Shapes
    base_path: str
    remarks: tuple[str, ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)


def outlined(path: Path) -> Outline:
    """Return what the document in a file lists; raises ContractError in one line."""
    source = read(path)
    try:
        swagger = "swagger" in source
        check_references(source)
        converted = as_openapi_3(source) if swagger else source
        return _Reader(converted, path, given=source).outline()
    except ContractError as problem:
        raise ContractError(f"{path}: {problem}") from None
    except RecursionError:
        raise ContractError(f"{path}: it is nested too deep to be read") from None


class _Reader:
    def __init__(self, source: Mapping[str, Any], path: Path, given: Mapping[str, Any]) -> None:
        self._source = source
        self._path = path
        self._given = given
        self._ids: set[str] = set()
        self._left_alone: set[str] = set()

    def outline(self) -> Outline:
        """Return the outline; raises ContractError where the document is not as OpenAPI says."""
        info = mapping(self._source.get("info"), "info")
        title = info.get("title") if isinstance(info.get("title"), str) else ""
        stem = self._path.name.partition(".")[0]
        name = slug((title if stem.lower() in PLAIN_NAMES else stem) or "") or "api"
        schemes = self._schemes()
        operations = tuple(self._operations(schemes))
        if not operations:
            raise ContractError("it lists no operation: `paths` is empty, or not there")
        return Outline(
            name=name[:40].strip("_"),
            title=" ".join((title or stem).split())[:80],
            operations=operations,
            schemes=schemes,
            requests=Shapes(self._source, "request"),
            answers=Shapes(self._source, "answer"),
            base_path=self._base_path(),
            remarks=tuple(self._remarks()),
            source=self._source,
        )

    def _schemes(self) -> dict[str, Scheme]:
        components = mapping(self._source.get("components"), "components")
        found: dict[str, Scheme] = {}
        where = "components.securitySchemes"
        for name, given in mapping(components.get("securitySchemes"), where).items():
            scheme = resolved(self._source, given, f"{where}.{name}")
            made = _scheme(slug(name) or "key", scheme)
            if made:
                found[name] = made
            else:
                kind = f"{scheme.get('type')} {scheme.get('scheme', '')}".strip()
                self._left_alone.add(f"security scheme {name} ({kind})")
        return found

    def _operations(self, schemes: Mapping[str, Scheme]) -> Iterator[Listed]:
        for path, given in mapping(self._source.get("paths"), "paths").items():
            if path.startswith("x-"):
                continue
            where = f"paths.{path}"
            if not path.startswith("/"):
                raise ContractError(f"{where}: a path begins with a slash")
            item = resolved(self._source, given, where)
            shared = listing(item.get("parameters"), f"{where}.parameters")
            for method in METHODS:
                if method == "trace" and method in item:
                    self._left_alone.add("method trace")
                elif method in item:
                    yield self._operation(path, method, item[method], shared, schemes)

    def _operation(
        self, path: str, method: str, given: Json, shared: list[Any],
        schemes: Mapping[str, Scheme],
    ) -> Listed:  # fmt: skip
        where = f"paths.{path}.{method}"
        definition = mapping(given, where)
        own = listing(definition.get("parameters"), f"{where}.parameters")
        body = resolved(self._source, definition.get("requestBody"), f"{where}.requestBody")
        mapping(body.get("content"), f"{where}.requestBody.content")
        responses = {
            status.upper(): resolved(self._source, one, f"{where}.responses.{status}")
            for status, one in mapping(definition.get("responses"), f"{where}.responses").items()
            if not status.startswith("x-")
        }
        for status, response in responses.items():
            mapping(response.get("content"), f"{where}.responses.{status}.content")
            mapping(response.get("headers"), f"{where}.responses.{status}.headers")
        needed = definition.get("security", self._source.get("security"))
        return Listed(
            id=self._id(definition.get("operationId"), path, method),
            path=path,
            method=method.upper(),
            where=where,
            definition=definition,
            parameters=tuple(self._parameters([*shared, *own], where)),
            body=body,
            responses=responses,
            security=tuple(
                tuple(mapping(one, f"{where}.security[{place}]"))
                for place, one in enumerate(listing(needed, f"{where}.security"))
            ),
            trouble=_trouble(path, method),
        )

    def _parameters(self, given: list[Any], where: str) -> Iterator[Mapping[str, Any]]:
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for place, one in enumerate(given):
            here = f"{where}.parameters[{place}]"
            parameter = resolved(self._source, one, here)
            name, inside = parameter.get("name"), parameter.get("in")
            if not isinstance(name, str) or inside not in PLACES:
                raise ContractError(
                    f"{here}: a parameter has a name, and is in {', '.join(PLACES)}"
                )
            mapping(parameter.get("content"), f"{here}.content")
            if inside != "header" or name.lower() not in OURS:
                found[inside, name] = parameter
        yield from found.values()

    def _id(self, given: Json, path: str, method: str) -> str:
        plain = slug(given) if isinstance(given, str) else ""
        name = plain or slug(f"{method} {path}")
        while name in self._ids:
            name += "_"
        self._ids.add(name)
        return name

    def _base_path(self) -> str:
        servers = self._source.get("servers")
        first = servers[0] if isinstance(servers, list) and servers else {}
        url = first.get("url") if isinstance(first, dict) else None
        try:
            return urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""
        except ValueError:
            return ""

    def _remarks(self) -> Iterator[str]:
        left = set(self._left_alone)
        strange: set[str] = set()
        for word in ("webhooks",):
            if word in self._source:
                left.add(word)
        for node in _operations_of(self._given):
            left |= {word for word in ("callbacks",) if word in node}
            for response in (node.get("responses") or {}).values():
                if isinstance(response, dict) and "links" in response:
                    left.add("links")
        for node in _schemas(self._given):
            strange |= {word for word in node if word not in KNOWN and word[:2] != "x-"}
            kind = node.get("type", "object")
            if isinstance(kind, str) and kind not in TYPES and kind != "file":
                strange.add(f"type: {kind}")
        if left:
            yield f"left alone: {', '.join(sorted(left))}"
        if strange:
            few = [shortened(word.encode(), 40) for word in sorted(strange)[:12]]
            more = f" and {len(strange) - 12} more" if len(strange) > 12 else ""
            yield f"not understood in schemas, and not judged: {', '.join(few)}{more}"


def _trouble(path: str, method: str) -> str:
    """Say why an operation is never called, "" for one that is."""
    if "#" in path:
        return "the document tells its path apart by a fragment"
    if method == "delete" and "{" not in path:
        return "it deletes, and its path does not say what: it is never called"
    return ""


def slug(text: str) -> str:
    """Return a name that clause ids, globs and environment variables can hold."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def _scheme(credential: str, scheme: Mapping[str, Any]) -> Scheme | None:
    kind, inside, name = (scheme.get(word) for word in ("type", "in", "name"))
    if kind == "apiKey" and inside in ("header", "query", "cookie") and isinstance(name, str):
        return Scheme(credential, inside, name)
    if kind == "http" and str(scheme.get("scheme")).lower() in ("basic", "bearer"):
        return Scheme(credential, str(scheme["scheme"]).lower())
    if kind in ("oauth2", "openIdConnect"):
        return Scheme(credential, "bearer")
    return None


def _operations_of(source: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for item in (source.get("paths") or {}).values():
        for method in METHODS:
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                yield item[method]


def _schemas(node: Json, name: str = "") -> Iterator[Mapping[str, Any]]:
    """Yield the schemas of a document, those within schemas too."""
    waiting: list[tuple[Json, str]] = [(node, name)]
    while waiting:
        node, name = waiting.pop()
        if isinstance(node, list):
            waiting += [(item, name if name in _LISTS else "") for item in node]
            continue
        if not isinstance(node, dict):
            continue
        if name in _MAPS:
            waiting += [(value, "schema") for value in node.values()]
            continue
        if name in _SINGLE or name in _LISTS:
            yield node
        for word, value in node.items():
            if word not in _DATA and word[:2] != "x-":
                waiting.append((value, word))


_MAPS = frozenset({"schemas", "definitions", "properties", "patternProperties", "$defs"})
_SINGLE = frozenset({"schema", "items", "additionalProperties", "not", "contains"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_DATA = frozenset({"example", "examples", "default", "enum", "const", "mapping", "discriminator",
                   "xml", "externalDocs"})  # fmt: skip


def written(path: str) -> str:
    """Return a path of a document as it goes over the wire, its parameters left open."""
    return "".join(
        piece if piece.startswith("{") else quote(piece, safe="/:@!$&'()*+,;=~%-._")
        for piece in re.split(r"({[^{}]+})", path)
    )

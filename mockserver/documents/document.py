"""What a document says of each operation, read when it is first asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .grammar import METHODS
from .loading import DocumentError
from .references import Files, Node
from .schemas import Direction, Schemas
from .survey import Survey, survey

STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}


@dataclass(frozen=True, slots=True, eq=False)
class Media:
    """A body of one media type: its schema by name, if it has one, and what stands beside it."""

    type: str
    node: Node
    urn: str | None
    loose: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a request, or a header of a response."""

    name: str
    place: str
    required: bool
    style: str
    explode: bool
    allow_empty: bool
    urn: str | None
    content: Media | None
    node: Node


@dataclass(frozen=True, slots=True)
class Documented:
    """A documented response: its status as it is written, its headers, its bodies by media type."""

    status: str
    headers: tuple[Parameter, ...]
    contents: Mapping[str, Media]


@dataclass(frozen=True, slots=True)
class Body:
    """The body that a request has, by media type."""

    required: bool
    contents: Mapping[str, Media]


class Endpoint:
    """One operation of a document."""

    def __init__(self, document: Document, name: str, method: str, path: str, at: Node) -> None:
        self._document = document
        self.name = name
        self.method = method.upper()
        self.path = path
        self._node = at

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, those of the path that the operation does not replace among them."""
        found: dict[tuple[str, str], Parameter] = {}
        for node in (self._document.item(self.path), self._node):
            for one in _children(node.get("parameters")):
                parameter = self._document.parameter(one)
                if parameter.place != "path" or f"{{{parameter.name}}}" in self.path:
                    found[parameter.name, parameter.place] = parameter
        return tuple(found.values())

    @cached_property
    def body(self) -> Body | None:
        """The body of a request, None where none is documented."""
        node = self._node.get("requestBody")
        if node is None:
            return None
        node = self._document.files.follow(node)
        contents = self._document.contents(node.get("content"), "request")
        return Body(node.value.get("required") is True, contents)

    @cached_property
    def responses(self) -> Mapping[str, Documented]:
        """The documented responses by status, in capitals where it is a range."""
        node = self._node.get("responses")
        return {
            status.upper() if status != "default" else status: self._document.response(status, one)
            for status, one in _members(node)
            if not status.startswith("x-")
        }

    @cached_property
    def security(self) -> tuple[tuple[str, ...], ...]:
        """The schemes that are wanted together, for each way to be let in; empty for none."""
        node = self._node.get("security") or self._document.root.get("security")
        return self._document.requirements(node)

    def response(self, status: int) -> Documented | None:
        """Return what is documented for a status: by number, by range, or by default."""
        found = self.responses
        return found.get(str(status)) or found.get(f"{status // 100}XX") or found.get("default")


class Document:
    """A document of OpenAPI 3.0 or 3.1, looked through once. Raises DocumentError."""

    def __init__(self, path: Path) -> None:
        self.files = Files(path)
        self.root = self.files.root
        version = _version(path, self.root.value)
        try:
            self.survey: Survey = survey(self.files)
            self._items = {
                name: self.files.follow(node)
                for name, node in _members(self.root.get("paths"))
                if name.startswith("/")
            }
            self.schemas = Schemas(self.files, version)
            self.endpoints = tuple(self._endpoints())
        except DocumentError as error:
            raise DocumentError(f"{path}: {error}") from error
        if not self.endpoints:
            raise DocumentError(f"{path}: no operation is in it, so there is nothing to serve")
        self.path = path
        self.title = str(self.root.value.get("info", {}).get("title", "")) or path.stem
        self.bases = tuple(dict.fromkeys(self._bases()))

    @cached_property
    def schemes(self) -> Mapping[str, Mapping[str, Any]]:
        """The security schemes by name."""
        components = self.root.get("components")
        node = components.get("securitySchemes") if components else None
        return {name: self.files.follow(one).value for name, one in _members(node)}

    def item(self, path: str) -> Node:
        """Return what stands at a path."""
        return self._items[path]

    def parameter(self, node: Node, header: str = "") -> Parameter:
        """Return a parameter; of a response's header, by its name."""
        at = self.files.follow(node)
        value = at.value
        place = "header" if header else value["in"]
        style = value.get("style", STYLES[place])
        content = next(iter(self.contents(at.get("content"), _way(header)).values()), None)
        schema = at.get("schema")
        return Parameter(
            name=header or value["name"],
            place=place,
            required=value.get("required") is True or place == "path",
            style=style,
            explode=value.get("explode", style in ("form", "deepObject")),
            allow_empty=value.get("allowEmptyValue") is True,
            urn=self.schemas.urn(schema, _way(header)) if schema else None,
            content=content,
            node=at,
        )

    def response(self, status: str, node: Node) -> Documented:
        """Return a documented response."""
        at = self.files.follow(node)
        headers = (
            self.parameter(one, name)
            for name, one in _members(at.get("headers"))
            if name.lower() not in ("content-type", "content-length", "transfer-encoding")
        )
        contents = self.contents(at.get("content"), "response")
        return Documented(status, tuple(headers), contents)

    def contents(self, node: Node | None, way: Direction) -> dict[str, Media]:
        """Return bodies by media type, in lower case."""
        found = {}
        for name, one in _members(node):
            schema = one.get("schema")
            urn = loose = None
            if schema is not None and schema.value is not None:
                urn = self.schemas.urn(schema, way)
                loose = self.schemas.urn(schema, "loose") if way == "response" else None
            found[name.lower()] = Media(name, one, urn, loose)
        return found

    def requirements(self, node: Node | None) -> tuple[tuple[str, ...], ...]:
        """Return the ways to be let in; raises DocumentError for a scheme that there is not."""
        found = []
        for one in _children(node):
            if not isinstance(one.value, dict):
                raise DocumentError(f"{self.files.where(one)}: should be an object")
            for name in one.value:
                if name not in self.schemes:
                    raise DocumentError(
                        f"{self.files.where(one)}: there is no security scheme {name!r}"
                    )
            found.append(tuple(one.value))
        return tuple(found)

    def _endpoints(self) -> Iterator[Endpoint]:
        taken: set[str] = set()
        for path, item in self._items.items():
            for method in METHODS:
                node = item.get(method)
                if node is None:
                    continue
                name = node.value.get("operationId") or f"{method.upper()} {path}"
                if name in taken:
                    name = f"{method.upper()} {path}"
                taken.add(name)
                endpoint = Endpoint(self, name, method, path, node)
                self._look_at(endpoint, node)
                yield endpoint

    def _look_at(self, endpoint: Endpoint, node: Node) -> None:
        """Raise DocumentError for what could not be served: found now, not when it is asked for."""
        for parent in (self._items[endpoint.path], node):
            for one in _children(parent.get("parameters")):
                at = self.files.follow(one)
                place = at.value.get("in")
                if place not in STYLES or not isinstance(at.value.get("name"), str):
                    where, known = self.files.where(one), ", ".join(STYLES)
                    raise DocumentError(f"{where}: a parameter has a name, and is in: {known}")
                if place == "path" and f"{{{at.value['name']}}}" not in endpoint.path:
                    what = "a path parameter that its path does not have"
                    self.survey.leave(what, self.files.where(one))
        if "#" in endpoint.path:
            self.survey.leave("a path with a #, which no client sends", self.files.where(node))
        for status, _ in _members(node.get("responses")):
            if not _STATUS.fullmatch(status) and not status.startswith("x-"):
                where = self.files.where(node)
                raise DocumentError(f"{where}: {status!r} is no status: say 200, 2XX or default")
        self.requirements(node.get("security") or self.root.get("security"))

    def _bases(self) -> Iterator[str]:
        """Yield the paths that servers have in front, the longest variables' defaults put in."""
        lists = [self.root, *self._items.values()]
        for node in (one.get("servers") for one in lists):
            for server in _children(node):
                yield _base(server.value)


_STATUS = re.compile(r"[1-5](\d\d|XX|xx)|default")


def _version(path: Path, value: Any) -> str:
    if not isinstance(value, dict):
        raise DocumentError(f"{path}: no OpenAPI document: it should be an object")
    if "swagger" in value:
        raise DocumentError(
            f"{path}: Swagger {value['swagger']} is not served; convert it to OpenAPI 3 first, "
            f"with: npx swagger2openapi {path.name} -o {path.stem}-3{path.suffix}"
        )
    version = value.get("openapi")
    if not isinstance(version, str) or not re.match(r"3\.[01]\b", version):
        said = f"openapi: {version}" if version is not None else "no member `openapi`"
        raise DocumentError(f"{path}: {said}; OpenAPI 3.0 and 3.1 are served")
    if not isinstance(value.get("paths", {}), dict):
        raise DocumentError(f"{path}: #/paths: should be an object")
    return version


def _base(server: Mapping[str, Any]) -> str:
    url = server.get("url", "/")
    variables = server.get("variables", {})
    for name, variable in variables.items() if isinstance(variables, dict) else ():
        if isinstance(variable, dict):
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    try:
        path = urlsplit(url).path if "//" in url else url
    except ValueError:
        return ""
    path = path.rstrip("/")
    return path if not path or path.startswith("/") else f"/{path}"


def _way(header: str) -> Direction:
    return "response" if header else "request"


def _children(node: Node | None) -> Iterator[Node]:
    if node is not None and isinstance(node.value, list):
        for place in range(len(node.value)):
            yield node.child(place)


def _members(node: Node | None) -> Iterator[tuple[str, Node]]:
    if node is not None and isinstance(node.value, dict):
        for name in node.value:
            yield name, node.child(name)

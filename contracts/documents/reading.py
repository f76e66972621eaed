"""A stranger's document from its file to plain values, whatever stands in the file."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ..model import ContractError, shortened
from ..schemas import Json

MOST_BYTES = 64 << 20
"""A larger file is no document that anybody wrote or reads."""

MOST_VALUES = 5_000_000
"""More values than this, aliases written out, is a document that was made to fill the memory."""

DEEPEST = 200
"""Nobody nests deeper, and what walks a document does so by recursion."""

DATA = frozenset({"example", "examples", "default", "enum", "const", "mapping"})
"""Words whose values are the user's own data, in which nothing is a word of OpenAPI's."""

VERSIONS = "OpenAPI 3.0 and 3.1 and Swagger 2.0 are read"


def read(path: Path) -> dict[str, Any]:
    """Return the document in a file of YAML or JSON; raises ContractError in one line."""
    text = _text(path)
    try:
        value = _parsed(text, path)
        _measured(value, path)
        value = _plainly(value)
    except RecursionError:
        raise ContractError(f"{path}: it is nested deeper than {DEEPEST} values") from None
    if not isinstance(value, dict):
        raise ContractError(f"{path}: it is {kind_of(value)}, and no OpenAPI document")
    _check_version(value, path)
    return value


def is_path(word: str) -> bool:
    """Say whether a word that stands where an API's name does is a document's path."""
    return Path(word).suffix.lower() in (".yaml", ".yml", ".json")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ContractError(f"{path}: it is larger than {MOST_BYTES >> 20} MiB")
        return path.read_text("utf-8-sig")
    except OSError as problem:
        raise ContractError(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError:
        raise ContractError(f"{path}: it is not UTF-8") from None


def _check_nesting(text: str) -> None:
    """Raise RecursionError for YAML that is nested so deep that its parser, which recurs, crashes.

    A quick look tells that most are not; what may be is parsed without being built.
    """
    depth = deepest = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
    if deepest <= DEEPEST and not re.search(
        rf"^ {{{DEEPEST}}}|(?:[-?:]\s+){{{DEEPEST}}}", text, re.M
    ):
        return
    depth = 0
    for event in yaml.parse(text, _loader()):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise RecursionError


def _parsed(text: str, path: Path) -> Json:
    if text.lstrip()[:1] == "{":
        try:
            return json.loads(text)
        except ValueError as problem:
            if path.suffix.lower() == ".json":
                raise ContractError(f"{path}: it is not JSON: {problem}") from None
    try:
        _check_nesting(text)
        return yaml.load(text, _loader())
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        said = shortened((problem.problem or problem.context or "").encode())
        raise ContractError(f"{path}{where}: it is not YAML: {said}") from None
    except (yaml.YAMLError, ValueError, TypeError) as problem:
        said = " ".join(str(problem).split())
        raise ContractError(f"{path}: it is not YAML: {shortened(said.encode())}") from None


@cache
def _loader() -> Any:
    """Return a loader that reads YAML 1.2, as OpenAPI asks: `no` and `12:30` are texts."""
    plain: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    kept = ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:null")
    resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag in kept]
        for first, found in plain.yaml_implicit_resolvers.items()
    }
    loader: Any = type("Yaml12", (plain,), {"yaml_implicit_resolvers": resolvers})
    for tag, pattern, firsts in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
        ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ):
        loader.add_implicit_resolver(
            f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(firsts)
        )
    return loader


def _measured(value: Json, path: Path) -> None:
    """Raise ContractError for what anchors make endless, or larger than any memory."""
    sizes: dict[int, int] = {}
    open_still: set[int] = set()
    deepest = 0

    def size(node: Json, depth: int) -> int:
        nonlocal deepest
        deepest = max(deepest, depth)
        if deepest > DEEPEST:
            raise RecursionError
        if not isinstance(node, (dict, list)):
            return 1
        if id(node) in open_still:
            raise ContractError(f"{path}: an anchor of it stands for what it is part of")
        if id(node) not in sizes:
            open_still.add(id(node))
            inner = node.values() if isinstance(node, dict) else node
            sizes[id(node)] = 1 + sum(size(item, depth + 1) for item in inner)
            open_still.discard(id(node))
        return sizes[id(node)]

    if size(value, 0) > MOST_VALUES:
        raise ContractError(f"{path}: its aliases written out are more than {MOST_VALUES:,} values")


def _plainly(node: Json) -> Json:
    """Return the node with every key a text, as in JSON; YAML has numbers for statuses."""
    if isinstance(node, dict):
        if all(isinstance(key, str) for key in node):
            for key, value in node.items():
                if isinstance(value, (dict, list)):
                    node[key] = _plainly(value)
            return node
        return {_key(key): _plainly(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plainly(item) for item in node]
    return node if isinstance(node, (str, int, float, bool, type(None))) else str(node)


def _key(key: object) -> str:
    return key if isinstance(key, str) else json.dumps(key, default=str)


def _check_version(value: Mapping[str, Any], path: Path) -> None:
    version = str(value.get("openapi", value.get("swagger", "")))
    known = version.startswith(("3.0", "3.1")) if "openapi" in value else version == "2.0"
    if not version:
        near = difflib.get_close_matches("openapi", value, n=1)
        hint = f"; is {near[0]!r} meant as 'openapi'?" if near else f"; {VERSIONS}"
        raise ContractError(f"{path}: it says neither `openapi: 3.…` nor `swagger: 2.0`{hint}")
    if not known:
        raise ContractError(f"{path}: its version is {shortened(version.encode(), 40)}; {VERSIONS}")


def kind_of(value: Json) -> str:
    """Return what a value is, in JSON's words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")


def mapping(node: Json, where: str) -> Mapping[str, Any]:
    """Return a node that has to be an object; nothing at all is an empty one."""
    if node is None:
        return {}
    if not isinstance(node, dict):
        raise ContractError(f"{where}: it is {kind_of(node)}, and should be an object")
    return node


def listing(node: Json, where: str) -> list[Any]:
    """Return a node that has to be a list; nothing at all is an empty one."""
    if node is None:
        return []
    if not isinstance(node, list):
        raise ContractError(f"{where}: it is {kind_of(node)}, and should be a list")
    return node


def pointed(source: Json, reference: str, where: str) -> Json:
    """Return what a reference names within the document; raises ContractError."""
    if not reference.startswith("#"):
        raise ContractError(
            f"{where}: $ref {shortened(reference.encode(), 100)} leads out of the document; "
            "bundle it into one file first"
        )
    node, steps = source, [_step(step) for step in reference.split("/")[1:]]
    for step in steps:
        if isinstance(node, dict) and step in node:
            node = node[step]
        elif isinstance(node, list) and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        else:
            near = difflib.get_close_matches(step, node, n=1) if isinstance(node, dict) else []
            hint = f"; did you mean {near[0]}?" if near else ""
            said = shortened(reference.encode(), 100)
            raise ContractError(f"{where}: $ref {said} names nothing{hint}")
    return node


def _step(step: str) -> str:
    from urllib.parse import unquote

    return unquote(step).replace("~1", "/").replace("~0", "~")


def resolved(source: Json, node: Json, where: str) -> Mapping[str, Any]:
    """Return the object that a node is or refers to; raises ContractError."""
    seen: set[str] = set()
    found = mapping(node, where)
    while isinstance(found.get("$ref"), str):
        reference = found["$ref"]
        if reference in seen:
            raise ContractError(f"{where}: $ref {shortened(reference.encode(), 100)} goes round")
        seen.add(reference)
        found = mapping(pointed(source, reference, where), where)
    return found


def check_references(source: Mapping[str, Any]) -> None:
    """Raise ContractError where a reference leads out of the document, or nowhere."""
    good: set[str] = set()
    for where, reference in _references(source, ""):
        if reference not in good:
            pointed(source, reference, where or "document")
            good.add(reference)


def _references(node: Json, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield where, node["$ref"]
        for name, value in node.items():
            named = where.endswith(".properties") or name not in DATA
            if isinstance(value, (dict, list)) and named and not name.startswith("x-"):
                yield from _references(value, f"{where}.{name}" if where else name)
    elif isinstance(node, list):
        for place, item in enumerate(node):
            if isinstance(item, (dict, list)):
                yield from _references(item, f"{where}[{place}]")

"""Swagger 2.0 in the words of OpenAPI 3.0, so that everything else knows one kind of document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..schemas import METHODS, Json
from .reading import listing, mapping, resolved

MOVED = {
    "#/definitions/": "#/components/schemas/",
    "#/responses/": "#/components/responses/",
    "#/parameters/": "#/components/parameters/",
}
STYLES = {"ssv": ("spaceDelimited", False), "pipes": ("pipeDelimited", False),
          "multi": ("form", True)}  # fmt: skip
FLOWS = {"implicit": "implicit", "password": "password", "application": "clientCredentials",
         "accessCode": "authorizationCode"}  # fmt: skip
JSON_TYPE = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
OF_SCHEMA = ("type", "format", "items", "default", "enum", "minimum", "maximum", "pattern",
             "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems",
             "maxItems", "uniqueItems", "multipleOf", "example", "x-example")  # fmt: skip


def as_openapi_3(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of Swagger 2.0 as one of OpenAPI 3.0; raises ContractError."""
    made: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": source.get("info", {}),
        "servers": [{"url": source.get("basePath") or "/"}],
        "components": {
            "schemas": _moved(mapping(source.get("definitions"), "definitions")),
            "securitySchemes": {
                name: _scheme(mapping(scheme, f"securityDefinitions.{name}"))
                for name, scheme in mapping(
                    source.get("securityDefinitions"), "securityDefinitions"
                ).items()
            },
        },
        "paths": {},
    }
    if "security" in source:
        made["security"] = source["security"]
    for path, item in mapping(source.get("paths"), "paths").items():
        if not path.startswith("x-"):
            made["paths"][path] = _item(source, item, f"paths.{path}")
    return made


def _item(source: Mapping[str, Any], given: Json, where: str) -> dict[str, Any]:
    item = resolved(source, given, where)
    shared = listing(item.get("parameters"), f"{where}.parameters")
    made: dict[str, Any] = {}
    for method in METHODS:
        if method in item:
            operation = mapping(item[method], f"{where}.{method}")
            made[method] = _operation(source, operation, shared, f"{where}.{method}")
    return made


def _operation(
    source: Mapping[str, Any], operation: Mapping[str, Any], shared: list[Any], where: str
) -> dict[str, Any]:
    own = listing(operation.get("parameters"), f"{where}.parameters")
    found = {
        (one.get("in"), one.get("name")): one
        for place, given in enumerate([*shared, *own])
        for one in [resolved(source, given, f"{where}.parameters[{place}]")]
    }
    made = {word: operation[word] for word in ("operationId", "security") if word in operation}
    made["parameters"] = [
        _parameter(one) for (kind, _), one in found.items() if kind not in ("body", "formData")
    ]
    consumes = _kinds(source, operation, "consumes", where)
    fields = [one for (kind, _), one in found.items() if kind == "formData"]
    bodies = [one for (kind, _), one in found.items() if kind == "body"]
    if bodies:
        schema = _moved(bodies[0].get("schema", {}))
        made["requestBody"] = {
            "required": bodies[0].get("required", False),
            "content": {kind: {"schema": schema} for kind in consumes or [JSON_TYPE]},
        }
    elif fields:
        made["requestBody"] = _form(fields, consumes)
    produces = _kinds(source, operation, "produces", where)
    made["responses"] = {
        status: _response(resolved(source, given, f"{where}.responses.{status}"), produces)
        for status, given in mapping(operation.get("responses"), f"{where}.responses").items()
        if not status.startswith("x-")
    }
    return made


def _kinds(
    source: Mapping[str, Any], operation: Mapping[str, Any], word: str, where: str
) -> list[str]:
    found = operation[word] if word in operation else source.get(word)
    return [kind for kind in listing(found, f"{where}.{word}") if isinstance(kind, str)]


def _parameter(one: Mapping[str, Any]) -> dict[str, Any]:
    kept = {word: one[word] for word in ("name", "in", "required") if word in one}
    kept["schema"] = _moved({word: one[word] for word in OF_SCHEMA if word in one})
    if "x-example" in kept["schema"]:
        kept["schema"].setdefault("example", kept["schema"].pop("x-example"))
    if one.get("type") == "array":
        usual = "form" if one.get("in") in ("query", "cookie") else "simple"
        style, explode = STYLES.get(str(one.get("collectionFormat")), (usual, False))
        kept |= {"style": style, "explode": explode}
    return kept


def _form(fields: list[Mapping[str, Any]], consumes: list[str]) -> dict[str, Any]:
    files = any(one.get("type") == "file" for one in fields)
    kinds = [kind for kind in consumes if kind in (FORM, MULTIPART)]
    properties = {str(one.get("name")): _parameter(one)["schema"] for one in fields}
    for schema in properties.values():
        if schema.get("type") == "file":
            schema |= {"type": "string", "format": "binary"}
    required = [str(one.get("name")) for one in fields if one.get("required") is True]
    schema = {"type": "object", "properties": properties, "required": required}
    return {
        "required": bool(required),
        "content": {kind: {"schema": schema} for kind in kinds or [MULTIPART if files else FORM]},
    }


def _response(given: Mapping[str, Any], produces: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    schema = given.get("schema")
    if isinstance(schema, dict):
        no_json = schema.get("type") == "file"
        listed = produces or ([] if no_json else [JSON_TYPE])
        inner = {} if no_json else _moved(schema)
        made["content"] = {kind: {"schema": inner} for kind in listed}
    headers = given.get("headers")
    if isinstance(headers, dict):
        made["headers"] = {
            name: {"schema": _moved(one)} for name, one in headers.items() if isinstance(one, dict)
        }
    return made


def _scheme(scheme: Mapping[str, Any]) -> dict[str, Any]:
    kind = scheme.get("type")
    if kind == "basic":
        return {"type": "http", "scheme": "basic"}
    if kind == "oauth2":
        flow = FLOWS.get(str(scheme.get("flow")), "implicit")
        return {"type": "oauth2", "flows": {flow: {}}}
    return dict(scheme)


def _moved(node: Json) -> Any:
    """Return a schema with its references where OpenAPI 3 has what they name."""
    if isinstance(node, list):
        return [_moved(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: _moved(value) for name, value in node.items()}
    reference = made.get("$ref")
    if isinstance(reference, str):
        for old, new in MOVED.items():
            if reference.startswith(old):
                made["$ref"] = new + reference.removeprefix(old)
    if made.get("x-nullable") is True:
        made["nullable"] = True
    return made

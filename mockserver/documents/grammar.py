"""Which members the objects of an OpenAPI document have, and of what kind each is.

`kind` is an object of that kind, `[kind]` a list of them, `{kind}` an object of them by name;
`left` is a member that a mock leaves alone, and says so. Source: the OpenAPI Specification, 3.0.3
and 3.1.0; JSON Schema, 2020-12.
"""

from __future__ import annotations

from collections.abc import Mapping

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_SAID = {"summary": "any", "description": "any", "externalDocs": "any", "deprecated": "flag"}

_HEADER = {
    **_SAID, "required": "flag", "style": "text", "explode": "flag", "schema": "schema",
    "content": "{media type}", "example": "any", "examples": "{example}",
    "allowEmptyValue": "flag", "allowReserved": "flag", "$ref": "any",
}  # fmt: skip

GRAMMAR: Mapping[str, Mapping[str, str]] = {
    "document": {
        "openapi": "text", "info": "info", "servers": "[server]", "paths": "paths",
        "components": "components", "security": "[security]", "tags": "any",
        "externalDocs": "any", "webhooks": "left", "jsonSchemaDialect": "left",
    },
    "info": {
        "title": "text", "summary": "any", "description": "any", "termsOfService": "any",
        "contact": "any", "license": "any", "version": "any",
    },
    "server": {"url": "text", "description": "any", "name": "any", "variables": "{variable}"},
    "variable": {"enum": "any", "default": "any", "description": "any"},
    "components": {
        "schemas": "{schema}", "responses": "{response}", "parameters": "{parameter}",
        "examples": "{example}", "requestBodies": "{body}", "headers": "{header}",
        "securitySchemes": "{scheme}", "links": "left", "callbacks": "left",
        "pathItems": "{path item}",
    },
    "path item": {
        "$ref": "any", "summary": "any", "description": "any", "servers": "[server]",
        "parameters": "[parameter]", **dict.fromkeys(METHODS, "operation"),
    },
    "operation": {
        **_SAID, "tags": "any", "operationId": "text", "parameters": "[parameter]",
        "requestBody": "body", "responses": "{response}", "callbacks": "left",
        "security": "[security]", "servers": "[server]",
    },
    "parameter": {**_HEADER, "name": "text", "in": "text"},
    "header": {**_HEADER, "name": "any", "in": "any"},
    "body": {
        "$ref": "any", "description": "any", "summary": "any", "required": "flag",
        "content": "{media type}",
    },
    "media type": {
        "schema": "schema", "example": "any", "examples": "{example}", "encoding": "{encoding}",
    },
    "encoding": {
        "contentType": "text", "headers": "left", "style": "text", "explode": "flag",
        "allowReserved": "flag",
    },
    "response": {
        "$ref": "any", "description": "any", "summary": "any", "headers": "{header}",
        "content": "{media type}", "links": "left",
    },
    "example": {
        "$ref": "any", "summary": "any", "description": "any", "value": "any",
        "externalValue": "left",
    },
    "scheme": {
        "$ref": "any", "type": "text", "description": "any", "name": "text", "in": "text",
        "scheme": "text", "bearerFormat": "any", "flows": "any", "openIdConnectUrl": "any",
    },
    "discriminator": {"propertyName": "text", "mapping": "{text}"},
    "schema": {
        "$ref": "any", "$defs": "{schema}", "$comment": "any", "title": "any", "description": "any",
        "default": "any", "example": "any", "examples": "any", "deprecated": "any",
        "externalDocs": "any", "readOnly": "flag", "writeOnly": "flag", "nullable": "flag",
        "discriminator": "discriminator", "xml": "left", "type": "type", "format": "text",
        "enum": "list", "const": "any", "multipleOf": "number", "maximum": "number",
        "minimum": "number", "exclusiveMaximum": "bound", "exclusiveMinimum": "bound",
        "maxLength": "count", "minLength": "count", "pattern": "text", "maxItems": "count",
        "minItems": "count", "uniqueItems": "flag", "maxProperties": "count",
        "minProperties": "count", "required": "names", "allOf": "[schema]", "anyOf": "[schema]",
        "oneOf": "[schema]", "not": "schema", "if": "schema", "then": "schema", "else": "schema",
        "items": "schema", "prefixItems": "[schema]", "contains": "schema", "minContains": "count",
        "maxContains": "count", "properties": "{schema}", "patternProperties": "{schema}",
        "additionalProperties": "schema", "propertyNames": "schema",
        "dependentSchemas": "{schema}", "dependentRequired": "any",
        "unevaluatedItems": "schema", "unevaluatedProperties": "schema",
        "contentEncoding": "text", "contentMediaType": "text", "contentSchema": "left",
        "$id": "left", "$anchor": "left", "$dynamicRef": "left", "$dynamicAnchor": "left",
        "$schema": "left", "$vocabulary": "left",
    },
}  # fmt: skip

OPEN = frozenset({"paths", "security"})
"""Kinds whose members have names of the author's own."""

TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})

FORMATS = frozenset(
    "date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri "
    "uri-reference iri iri-reference url uuid regex json-pointer int32 int64 float double byte "
    "binary password".split()
)
"""Formats that are made, and mostly checked; any other lets through whatever the type does."""

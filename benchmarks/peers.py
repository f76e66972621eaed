"""The mock servers of others that are on npm: installed beside us, each with the same two stubs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .processes import ROOT
from .wrk import Asked

FOLDER = ROOT / ".benchmarks"
"""Where they are installed, and their stubs written; git ignores it."""

PACKAGES = {
    "WireMock": "wiremock",
    "Prism": "@stoplight/prism-cli",
    "Mockoon": "@mockoon/cli",
    "aimock": "@copilotkit/aimock",
}

JSON = {"Content-Type": "application/json"}

FRESH = b'{"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08"}'

STORED_TEXT = "What was said is kept until it is asked for, and then it is the same. " * 7
STORED = json.dumps({"id": "m1", "role": "assistant", "body": STORED_TEXT}).encode()
"""About as long as a stored message of ours."""

ASKED = json.dumps({"message": {"content": [{"contentType": "text", "body": "How are you?"}],
                                "model": "claude-v3-haiku"}})  # fmt: skip

POST = Asked("POST", "/messages", JSON, ASKED)
GET = Asked("GET", "/messages/m1")


@dataclass(frozen=True, slots=True)
class Peer:
    """One of them: how it is started on a port, and what it is asked."""

    name: str
    version: str
    command: Callable[[int], Sequence[str]]
    post: Asked = POST
    get: Asked = GET


def installed() -> tuple[dict[str, str], list[str]]:
    """Return the version of each that is there, and what is said of those that are not.

    What is missing is installed first, all at once; where that fails, one after the other.
    """
    FOLDER.mkdir(exist_ok=True)
    if shutil.which("npm") is None:
        return {}, ["no npm here: none of the peers can be had"]
    missing = [package for package in PACKAGES.values() if not _version(package)]
    if missing and not _install(missing):
        for package in missing:
            _install([package])
    versions = {name: _version(package) for name, package in PACKAGES.items()}
    lost = [f"{name}: npm has no {PACKAGES[name]} for us" for name, v in versions.items() if not v]
    if shutil.which("java") is None and versions.pop("WireMock", ""):
        lost.append("WireMock: no Java here")
    return {name: version for name, version in versions.items() if version}, lost


def _install(packages: Sequence[str]) -> bool:
    words = ["npm", "install", "--no-fund", "--no-audit", "--silent", "--prefix", str(FOLDER)]
    return subprocess.run([*words, *packages], check=False, capture_output=True).returncode == 0


def _version(package: str) -> str:
    path = FOLDER / "node_modules" / package / "package.json"
    return str(json.loads(path.read_text("utf-8"))["version"]) if path.exists() else ""


def peers() -> tuple[list[Peer], list[str]]:
    """Return the peers that can be had here, ready to be started, and what cannot be had."""
    versions, lost = installed()
    made = {"WireMock": _wiremock, "Prism": _prism, "Mockoon": _mockoon, "aimock": _aimock}
    return [made[name](version) for name, version in versions.items()], lost


def program(name: str) -> str:
    return str(FOLDER / "node_modules" / ".bin" / name)


def _wiremock(version: str) -> Peer:
    head = {"Content-Type": "application/json"}
    fresh = {"status": 200, "headers": head, "body": '{"id":"{{randomValue type=\'UUID\'}}"}'}
    stored = {"status": 200, "headers": head, "body": STORED.decode()}
    stubs = [
        {"request": {"method": "POST", "url": POST.path},
         "response": {**fresh, "transformers": ["response-template"]}},
        {"request": {"method": "GET", "url": GET.path}, "response": stored},
    ]  # fmt: skip
    root = FOLDER / "wiremock-stubs"
    _written(root / "mappings" / "stubs.json", {"mappings": stubs})
    (jar,) = (FOLDER / "node_modules/wiremock/build").glob("wiremock-standalone-*.jar")
    return Peer(
        "WireMock",
        f"WireMock {version}",
        lambda port: (
            "java", "-jar", str(jar), "--port", str(port), "--bind-address", "127.0.0.1",
            "--root-dir", str(root), "--no-request-journal", "--disable-request-logging",
            "--disable-banner",
        ),
    )  # fmt: skip


def _prism(version: str) -> Peer:
    body = {"application/json": {"schema": {"type": "object"}}}
    uuid = {"type": "object", "required": ["id"], "properties":
            {"id": {"type": "string", "format": "uuid"}}}  # fmt: skip
    document = {
        "openapi": "3.0.3",
        "info": {"title": "messages", "version": "1"},
        "paths": {
            "/messages": {"post": {
                "requestBody": {"required": True, "content": body},
                "responses": {"200": _described({"schema": uuid})},
            }},
            "/messages/{id}": {"get": {
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "responses": {"200": _described({"example": json.loads(STORED)})},
            }},
        },
    }  # fmt: skip
    path = _written(FOLDER / "prism.json", document)
    return Peer(
        "Prism",
        f"Prism {version}",
        lambda port: (program("prism"), "mock", str(path), "-p", str(port), "-v", "silent"),
    )


def _described(content: dict[str, Any]) -> dict[str, Any]:
    return {"description": "as asked", "content": {"application/json": content}}


def _mockoon(version: str) -> Peer:
    routes = [
        _route(1, "post", POST.path, '{"id":"{{uuid}}"}', plain=False),
        _route(2, "get", "/messages/:id", STORED.decode(), plain=True),
    ]
    environment = {
        "uuid": _uuid(0), "lastMigration": 33, "name": "messages", "port": 3000,
        "hostname": "127.0.0.1", "endpointPrefix": "", "latency": 0, "routes": routes,
        "rootChildren": [{"type": "route", "uuid": route["uuid"]} for route in routes],
        "folders": [], "proxyMode": False, "proxyHost": "", "proxyRemovePrefix": False,
        "tlsOptions": {"enabled": False, "type": "CERT", "pfxPath": "", "certPath": "",
                       "keyPath": "", "caPath": "", "passphrase": ""},
        "cors": False, "headers": [], "proxyReqHeaders": [], "proxyResHeaders": [], "data": [],
        "callbacks": [],
    }  # fmt: skip
    path = _written(FOLDER / "mockoon.json", environment)
    return Peer(
        "Mockoon",
        f"Mockoon {version}",
        lambda port: (
            program("mockoon-cli"), "start", "--data", str(path), "--port", str(port),
            "--disable-log-to-file",
        ),
    )  # fmt: skip


def _route(number: int, method: str, endpoint: str, body: str, *, plain: bool) -> dict[str, Any]:
    response = {
        "uuid": _uuid(10 + number), "body": body, "latency": 0, "statusCode": 200, "label": "",
        "headers": [{"key": "Content-Type", "value": "application/json"}], "bodyType": "INLINE",
        "filePath": "", "databucketID": "", "sendFileAsBody": False, "rules": [],
        "rulesOperator": "OR", "disableTemplating": plain, "fallbackTo404": False,
        "default": True, "crudKey": "id", "callbacks": [],
    }  # fmt: skip
    return {
        "uuid": _uuid(number), "type": "http", "documentation": "", "method": method,
        "endpoint": endpoint.removeprefix("/"), "responses": [response], "responseMode": None,
        "streamingMode": None, "streamingInterval": 0,
    }  # fmt: skip


def _uuid(number: int) -> str:
    return f"8a2f4d0e-0001-4000-8000-{number:012d}"


def _aimock(version: str) -> Peer:
    """It speaks chat completions: its fresh id is a completion's, its GET the list of models."""
    fixtures = [
        {"match": {"model": f"model-{number}-of-a-list-that-is-about-as-long"},
         "response": {"content": "Fine."}} for number in range(4)
    ]  # fmt: skip
    fixtures.append({"match": {}, "response": {"content": "Fine."}})
    path = _written(FOLDER / "aimock.json", {"fixtures": fixtures})
    asked = {"model": "gpt-4", "messages": [{"role": "user", "content": "How are you?"}]}
    return Peer(
        "aimock",
        f"aimock {version}",
        lambda port: (
            program("llmock"), "-p", str(port), "-f", str(path), "--log-level", "silent",
        ),
        post=Asked("POST", "/v1/chat/completions", JSON, json.dumps(asked)),
        get=Asked("GET", "/v1/models"),
    )  # fmt: skip


def _written(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")
    return path

"""Serve OpenAPI documents: how fast they start, how many operations answer as they are documented.

`python -m benchmarks.documents FILE…` prints a table. An operation counts as answered when its
plainest valid request is answered with the status of success that is documented, and with a body
that fits its schema as openapi-schema-validator, which the mock does not use, has it.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jsonschema.exceptions import UnknownType
from openapi_schema_validator import OAS30ReadValidator, OAS31Validator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from counterfoil import wiring
from mockserver.documents.answers import usual
from mockserver.documents.chance import Chance
from mockserver.documents.document import Document, Endpoint, Parameter
from mockserver.documents.generation import Maker, Unmade
from mockserver.documents.media import FORM, MULTIPART, is_json, plain
from mockserver.journal import Journal

MOST_WAIT = 60.0


def started(path: Path) -> tuple[float, float]:
    """Return the seconds until a mock answers, and the MiB of its memory at most."""
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "port"
        began = time.perf_counter()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "counterfoil",
                "serve",
                "--port",
                "0",
                "--port-file",
                port,
                path,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not port.exists() and process.poll() is None:
            if time.perf_counter() - began > MOST_WAIT:
                break
            time.sleep(0.005)
        seconds = time.perf_counter() - began
        status = Path(f"/proc/{process.pid}/status").read_text() if port.exists() else ""
        most = next((int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM")), 0)
        process.send_signal(signal.SIGINT)
        process.wait(10)
    return seconds, most / 1024


class Caller:
    """Makes the plainest valid request for an operation, and asks a mock in this process."""

    def __init__(self, path: Path) -> None:
        self.document: Document = wiring.find(str(path)).document  # type: ignore[attr-defined]
        mocks = wiring.mocks([str(path)], journal=Journal(0))
        self._api = next(iter(mocks.emulators.values()))
        self._client = mocks.app.test_client()

    def ask(self, endpoint: Endpoint) -> Any:
        """Return what an operation answers."""
        path, query, headers, cookies = endpoint.path, [], {}, []
        for one in endpoint.parameters:
            if not one.required or (one.place == "header" and one.name.lower() == "accept"):
                continue
            text = self._texts(one, self._made(one))
            if one.place == "path":
                path = path.replace(f"{{{one.name}}}", quote(text[0][1] or "x", safe="~;=,"))
            elif one.place == "query":
                query += text
            elif one.place == "header":
                headers[one.name] = text[0][1]
            else:
                cookies.append(f"{one.name}={text[0][1]}")
        self._let_in(endpoint, query, headers, cookies)
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        data = self._body(endpoint, headers)
        path, _, always = path.partition("?")
        whole = "&".join(part for part in (always, urlencode(query)) if part)
        return self._client.open(
            path, method=endpoint.method, query_string=whole, headers=headers, data=data
        )

    def _maker(self) -> Maker:
        return Maker(self.document.schemas, Chance(self._api.world.number, "request"))

    def _made(self, one: Parameter) -> Any:
        for said in (one.node.value, one.content.node.value if one.content else {}):
            if "example" in said:
                return said["example"]
        urn = one.content.urn if one.content else one.urn
        return "x" if urn is None else self._maker().make({"$ref": urn})

    def _texts(self, one: Parameter, value: Any) -> list[tuple[str, str]]:
        if one.content is not None:
            return [(one.name, json.dumps(value))]
        if isinstance(value, list) and one.place == "query" and one.explode:
            return [(one.name, _text(item)) for item in value]
        if isinstance(value, dict) and one.style == "deepObject":
            return [(f"{one.name}[{key}]", _text(item)) for key, item in value.items()]
        if isinstance(value, dict) and one.place == "query" and one.explode:
            return [(key, _text(item)) for key, item in value.items()]
        if isinstance(value, dict):
            return [(one.name, ",".join(f"{key},{_text(item)}" for key, item in value.items()))]
        parts = value if isinstance(value, list) else [value]
        between = {"pipeDelimited": "|", "spaceDelimited": " "}.get(one.style, ",")
        return [(one.name, between.join(map(_text, parts)))]

    def _let_in(
        self, endpoint: Endpoint, query: list[Any], headers: dict[str, str], cookies: list[str]
    ) -> None:
        for name in endpoint.security[0] if endpoint.security else ():
            scheme = self.document.schemes[name]
            if scheme.get("type") == "apiKey":
                place, key = scheme["in"], scheme["name"]
                if place == "query":
                    query.append((key, "key"))
                elif place == "header":
                    headers[key] = "key"
                else:
                    cookies.append(f"{key}=key")
            elif scheme.get("scheme", "").lower() == "basic":
                headers["Authorization"] = "Basic " + base64.b64encode(b"user:word").decode()
            else:
                headers["Authorization"] = "Bearer token"

    def _body(self, endpoint: Endpoint, headers: dict[str, str]) -> Any:
        body = endpoint.body
        if body is None or not body.contents:
            return None
        media = next((one for one in body.contents.values() if is_json(one.type)), None)
        media = media or next(iter(body.contents.values()))
        kind = plain(media.type) if "*" not in media.type else "application/octet-stream"
        value = self._maker().make({"$ref": media.urn}) if media.urn else {}
        headers["Content-Type"] = kind
        if kind == MULTIPART:
            if not isinstance(value, dict):
                value = {"file": value}
            return {
                key: json.dumps(item) if isinstance(item, dict | list) else _text(item)
                for key, item in value.items()
            }
        if is_json(kind):
            return json.dumps(value)
        if kind == FORM:
            return urlencode(list(_pairs("", value)))
        return value if isinstance(value, str) else "x"


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _pairs(f"{name}[{key}]" if name else key, item)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _pairs(f"{name}[{place}]", item)
    else:
        yield name, _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class Judge:
    """Holds a body to its schema in the document as it stands, by a library of others."""

    def __init__(self, document: Document) -> None:
        self._root = document.root.value
        self._old = str(self._root["openapi"]).startswith("3.0")
        resource = DRAFT202012.create_resource(self._root)
        self._registry: Any = Registry().with_resource("document:all", resource)

    def fits(self, pointer: str, value: Any) -> str:
        """Return what is wrong with a value; "" where nothing is."""
        try:
            return self._wrong(OAS30ReadValidator if self._old else OAS31Validator, pointer, value)
        except UnknownType:  # null, which 3.0 does not know, but some of its documents do
            return self._wrong(OAS31Validator, pointer, value)

    def _wrong(self, kind: Any, pointer: str, value: Any) -> str:
        validator = kind(
            {"$ref": f"document:all#{quote(pointer[1:], safe='/~')}"},
            registry=self._registry,
            format_checker=oas30_format_checker,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = next(iter(validator.iter_errors(value)), None)
        return "" if found is None else f"{found.json_path}: {found.message}"[:150]


def outcome(caller: Caller, judge: Judge, endpoint: Endpoint) -> str:
    """Return "answered", or what happened instead."""
    try:
        answer = caller.ask(endpoint)
    except Unmade:
        return "no request could be made"
    status, documented = usual(endpoint)
    if answer.status_code != status:
        return f"{answer.status_code}: {answer.get_data(as_text=True)[:300]}"
    kind = answer.headers.get("Content-Type", "")
    media = documented.contents.get(kind.lower()) or next(iter(documented.contents.values()), None)
    if not answer.data or media is None or media.urn is None or not is_json(kind):
        return "answered"
    wrong = judge.fits(f"{media.node.pointer}/schema", answer.get_json())
    return f"does not fit: {wrong}" if wrong else "answered"


def main(files: list[str]) -> None:
    """Print a table of documents, and to standard error what went wrong."""
    print("| document | KiB | operations | seconds | MiB | answered |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for file in files:
        path = Path(file)
        seconds, memory = started(path)
        caller = Caller(path)
        judge = Judge(caller.document)
        began = time.perf_counter()
        found = {one.name: outcome(caller, judge, one) for one in caller.document.endpoints}
        asked = time.perf_counter() - began
        good, all_of_them = Counter(found.values())["answered"], len(found)
        size = path.stat().st_size // 1024
        print(f"| {path.name} | {size:,} | {all_of_them:,} | {seconds:.2f} | {memory:.0f} "
              f"| {good:,} ({100 * good / all_of_them:.1f} %) |", flush=True)  # fmt: skip
        print(f"{path.name}: asked in {asked:.1f} s", file=sys.stderr)
        for name, said in found.items():
            if said != "answered":
                print(f"  {name}: {said}", file=sys.stderr)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main(sys.argv[1:])

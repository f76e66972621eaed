"""What a journal keeps as HAR 1.2, for every tool that reads it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from .journal import Entry, Headers

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def as_har(entries: Iterable[Entry], origin: str) -> dict[str, Any]:
    """Return the exchanges as a HAR of requests to `origin`, their chunks in `_chunks`.

    Fields that begin with an underscore are ours, as section "Custom fields" of the format has it.
    """
    creator = {"name": "Counterfoil", "version": "0"}
    return {
        "log": {
            "version": "1.2",
            "creator": creator,
            "entries": [_entry(entry, origin) for entry in entries],
        }
    }


def _entry(entry: Entry, origin: str) -> dict[str, Any]:
    took = round(1000 * entry.chunks[-1][0], 3) if entry.chunks else 0.0
    return {
        "startedDateTime": datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="milliseconds"),
        "time": took,
        "request": _request(entry, origin),
        "response": _response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": took},
        "_api": entry.api,
        "_operation": entry.operation,
        "_session": entry.session,
        "_caller": entry.caller,
        "_fixture": entry.fixture,
        "_faults": list(entry.faults),
        "_chaos": list(entry.chaos),
        "_remarks": list(entry.remarks),
    }


def _request(entry: Entry, origin: str) -> dict[str, Any]:
    query = f"?{entry.query}" if entry.query else ""
    request: dict[str, Any] = {
        "method": entry.method,
        "url": f"{origin}{entry.path}{query}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _lines(entry.headers),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(entry.query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(entry.body.encode("utf-8", "replace")),
    }
    if entry.body:
        request["postData"] = {"mimeType": _kind(entry.headers), "text": entry.body}
    return request


def _response(entry: Entry) -> dict[str, Any]:
    size = sum(length for _, length in entry.chunks)
    return {
        "status": entry.status,
        "statusText": _PHRASES.get(entry.status, ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _lines(entry.answer_headers),
        "content": {"size": size, "mimeType": _kind(entry.answer_headers), "text": entry.answer},
        "redirectURL": next((v for k, v in entry.answer_headers if k.lower() == "location"), ""),
        "headersSize": -1,
        "bodySize": size,
        "_chunks": [{"at": at, "size": length} for at, length in entry.chunks],
    }


def _lines(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _kind(headers: Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")

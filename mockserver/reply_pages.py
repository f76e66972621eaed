"""/_counterfoil/replies: what the mocks were told to answer while they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from .faults import UnknownName
from .model import Api
from .reply_files import FixtureError
from .scripted import Scripted


def add_replies(pages: Blueprint, emulators: Mapping[str, Api]) -> None:
    """Add the pages that list replies, script one more, and take them away."""
    scripted = {api.name: api.world.scripted for api in emulators.values()}

    @pages.errorhandler(FixtureError)
    @pages.errorhandler(UnknownName)
    def refuse(problem: Exception) -> tuple[Response, int]:
        return jsonify(error=str(problem)), 400

    @pages.get("/replies")
    def list_replies() -> Response:
        return jsonify(replies=[kept for api in scripted for kept in _shown(api, scripted[api])])

    @pages.post("/replies")
    def script_reply() -> tuple[Response, int]:
        entry = request.get_json(silent=True)
        if not isinstance(entry, dict):
            raise FixtureError("a reply is a JSON object, like an entry of replies.yaml")
        api = entry.pop("api", next(iter(scripted)) if len(scripted) == 1 else None)
        if not isinstance(api, str) or api not in scripted:
            raise FixtureError(f"api should be one of {', '.join(scripted)}")
        return jsonify(api=api, id=scripted[api].add(entry)), 201

    @pages.delete("/replies")
    def clear_replies() -> Response:
        for kept in scripted.values():
            kept.clear()
        return jsonify(replies=[])

    @pages.delete("/replies/<api>/<id>")
    def remove_reply(api: str, id: str) -> tuple[Response, int]:
        if api in scripted and scripted[api].remove(id):
            return jsonify(api=api, id=id), 200
        return jsonify(error=f"{api} has no reply {id}"), 404


def _shown(api: str, scripted: Scripted) -> list[dict[str, Any]]:
    return [{"api": api, **kept} for kept in scripted.entries()]

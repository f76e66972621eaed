"""/_counterfoil/conversations: what the mocks remember of those who talked with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from .chaos import scope_of_chaos
from .journal import Redaction, redaction_of
from .model import Api
from .quotas import scope_of_quotas
from .store import Record, Scope

MOST_SHOWN = 100
"""Records of one API that are shown: those that were used last."""


def add_records(pages: Blueprint, emulators: Mapping[str, Api]) -> None:
    """Add the page that shows records as they stand, free of secrets."""
    apis = {api.name: api for api in emulators.values()}

    @pages.get("/conversations")
    def show_records() -> tuple[Response, int]:
        """Answer with the records of one API, or of each; the one that was used last is first."""
        name = request.args.get("api")
        if name is not None and name not in apis:
            return jsonify(error=f"api should be one of {', '.join(apis)}"), 400
        chosen = [apis[name]] if name else apis.values()
        return jsonify(conversations=[one for api in chosen for one in _shown(api)]), 200


def _shown(api: Api) -> list[dict[str, Any]]:
    redact = redaction_of(api)
    theirs = _latest(api)
    return [
        {
            "api": api.name,
            "scope": [redact(part) for part in scope[1:]],
            "key": redact(key),
            **_written(redact, record),
        }
        for scope, key, record in theirs[:MOST_SHOWN]
    ]


def _latest(api: Api) -> list[tuple[Scope, str, Record]]:
    """Return the last used records that somebody's requests made, not the switches of the mock."""
    chaos, quotas = scope_of_chaos(api.name), scope_of_quotas(api.name)
    ours = {api.world.switches.scope, api.world.scripted.scope, chaos, quotas}
    most = MOST_SHOWN + len(ours)
    while True:
        found = api.world.store.latest((api.name,), most)
        theirs = [one for one in found if one[0] not in ours]
        if len(theirs) >= MOST_SHOWN or len(found) < most:
            return theirs
        most *= 4  # there is a quota for each caller, known or not


def _written(redact: Redaction, record: Record) -> dict[str, Any]:
    """Return the beginning of a record as JSON, and how long all of it is."""
    text = json.dumps(record, ensure_ascii=False)
    return {"record": redact.beginning(text), "characters": len(text)}

"""/_counterfoil/faults: how the mocks break, switched on and off while they run."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request

from .chances import no_fault_in
from .faults import faults_of
from .model import Api
from .switches import TooMany


class BadSwitch(ValueError):
    """A body says nothing that could be switched; says what would have."""


def add_faults(pages: Blueprint, emulators: Mapping[str, Api]) -> None:
    """Add the pages that say what is on, switch faults on, and switch all off."""
    apis = {api.name: api for api in emulators.values()}

    @pages.errorhandler(BadSwitch)
    @pages.errorhandler(TooMany)
    def refuse(problem: Exception) -> tuple[Response, int]:
        return jsonify(error=str(problem)), 400

    @pages.get("/faults")
    def show_faults() -> Response:
        return jsonify(apis={name: _shown(api) for name, api in apis.items()})

    @pages.put("/faults")
    def switch_faults() -> Response:
        name, faults, session = _asked(apis)
        if apis[name].variant and faults:
            raise no_fault_in(apis[name].variant.id)  # type: ignore[union-attr]
        switches = apis[name].world.switches
        switches.set(faults, session)
        return jsonify(api=name, **switches.as_json())

    @pages.delete("/faults")
    def clear_faults() -> Response:
        for api in apis.values():
            api.world.switches.clear()
        return show_faults()


def _shown(api: Api) -> dict[str, object]:
    known = [
        {"id": change.fault.id, "group": change.fault.group, "sentence": change.fault.sentence}
        for change in faults_of(type(api)).values()
        if change.fault
    ]
    always = [api.fault.id] if api.fault else []
    return {"served_with": always, **api.world.switches.as_json(), "known": known}


def _asked(apis: Mapping[str, Api]) -> tuple[str, list[str], str | None]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or set(body) - {"api", "faults", "session"}:
        raise BadSwitch('send {"api": NAME, "faults": ["ID" or "ID@CHANCE", …]}, with a "session" '
                        "for one conversation alone")  # fmt: skip
    name = body.get("api", next(iter(apis)) if len(apis) == 1 else None)
    if not isinstance(name, str) or name not in apis:
        raise BadSwitch(f"api should be one of {', '.join(apis)}")
    faults, session = body.get("faults"), body.get("session")
    if not isinstance(faults, list) or not all(isinstance(fault, str) for fault in faults):
        raise BadSwitch('faults is a list of texts, "ID" or "ID@CHANCE"')
    if session is not None and not isinstance(session, str):
        raise BadSwitch("session is a text")
    return name, faults, session

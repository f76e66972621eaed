"""A contract made of any OpenAPI document: nothing is known of its server but what it says."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..model import Clause, Contract, ContractError, Credential
from .answers import Answers
from .desk import Desk
from .driver import DocumentContract, DocumentDriver
from .outline import Listed, Outline, outlined
from .promises import Promises, promised
from .reading import is_path as is_path

CALLS_AN_EXAMPLE = 8
CALLS_BESIDE = 7
"""Calls that an operation costs at most: for each example of the profile, and besides."""


def contract_of(
    path: Path, values: Mapping[str, str] | None = None, *, read_only: bool = False
) -> Contract:
    """Return the contract that the document in a file is; raises ContractError in one line.

    `values` are things that there are, by the parameters that name them, `NAME` or
    `OPERATION.NAME`. Of a contract that is `read_only` every call changes nothing.
    """
    outline = outlined(path)
    values = values or {}
    _check_values(values, outline)
    if read_only:
        kept = tuple(one for one in outline.operations if one.safe)
        if not kept:
            raise ContractError(f"{path}: every operation of it may change something")
        outline = replace(outline, operations=kept)
    outline = replace(outline, operations=tuple(sorted(outline.operations, key=_turn)))
    desk = Desk(outline, values)
    paths: set[str] = set()
    clauses: list[Clause] = []
    for listed in outline.operations:
        promises = Promises(outline, desk, listed, Answers(outline, listed))
        asks_oddly = listed.path not in paths and not read_only
        clauses += promised(outline.name, promises, first=asks_oddly)
        paths.add(listed.path)
    return DocumentContract(
        name=outline.name,
        title=outline.title,
        base_url=None,
        credentials=tuple(_credentials(outline)),
        document=path,
        driver=DocumentDriver,
        clauses=tuple(clauses),
        partial=True,
        outline=outline,
        values=values,
    )


def remarks_of(contract: Contract, url: str, examples: int) -> list[str]:
    """Return what a user has to know before a run, a line each."""
    assert isinstance(contract, DocumentContract)
    outline = contract.outline
    most = len(outline.operations) * (CALLS_AN_EXAMPLE * examples + CALLS_BESIDE) + 1
    said = list(outline.remarks)
    if outline.base_path and not url.rstrip("/").endswith(outline.base_path):
        said.append(
            f"the document's server stands at {outline.base_path}, and --url is taken as it is"
        )
    said.append(
        f"{len(outline.operations)} operations, {most:,} calls at most, "
        "and more to find the smallest case of what is broken; --max-calls sets a limit"
    )
    return said


def _turn(listed: Listed) -> tuple[bool, int, int]:
    """Return when an operation's turn is: what makes things before what is about them."""
    deletes = listed.method == "DELETE"
    depth = len(listed.path_names)
    order = ("POST", "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")
    return deletes, -depth if deletes else depth, order.index(listed.method)


def _credentials(outline: Outline) -> list[Credential]:
    found: dict[str, Credential] = {}
    for name, scheme in outline.schemes.items():
        about = {"bearer": "a token", "basic": "NAME:PASSWORD"}.get(scheme.kind, "a key")
        found[scheme.credential] = Credential(
            scheme.credential, f"{about} for {name}", required=False
        )
    return list(found.values())


def _check_values(values: Mapping[str, str], outline: Outline) -> None:
    known = {
        spelt
        for listed in outline.operations
        for name in (*listed.path_names, *(one["name"] for one in listed.parameters))
        for spelt in (name, f"{listed.id}.{name}")
    }
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ContractError(f"--value {name}: no operation has a parameter of that name{hint}")

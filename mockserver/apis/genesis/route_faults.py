"""Faults of routing: paths and methods that no document lists."""

from __future__ import annotations

from typing import ClassVar

from ...faults import fault
from ...model import Operation
from . import Emulator


@fault("genesis.routes.any_path_served", "routes")
class AnyPathServed(Emulator):
    """Whatever the path, a call is answered as it is at the root."""

    operations: ClassVar[tuple[Operation, ...]] = (
        *Emulator.operations,
        Operation("get_anywhere", "GET", "/<path:anywhere>"),
        Operation("post_anywhere", "POST", "/<path:anywhere>"),
    )


@fault("genesis.routes.any_method_served", "routes")
class AnyMethodServed(Emulator):
    """PUT, PATCH and DELETE are answered as POST is."""

    operations: ClassVar[tuple[Operation, ...]] = (
        *Emulator.operations,
        Operation("put_instead", "PUT", "/"),
        Operation("patch_instead", "PATCH", "/"),
        Operation("delete_instead", "DELETE", "/"),
    )

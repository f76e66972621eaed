"""The service as a whole: its health, and the paths and methods that it does not have."""

from __future__ import annotations

from hypothesis import strategies as st

from ....model import Basis, Exchange, Request, clause, expect
from .. import requests
from ..driver import BedrockDriver, members_of, path

ERRORS = "fact sheet, Errors"

WRONG = (
    ("PUT", "/conversation"), ("DELETE", "/conversation"), ("GET", "/conversation"),
    ("POST", "/health"), ("POST", "/conversation/nobody-made-this"),
    ("DELETE", "/conversation/nobody-made-this"), ("PATCH", "/conversation/nobody-made-this/x"),
    ("PUT", "/conversation/nobody-made-this/x"),
)  # fmt: skip
wrong = st.sampled_from(WRONG)


@clause("bedrock.health.ok", basis=Basis.OBSERVED, source="fact sheet, Operations")
def ok(driver: BedrockDriver) -> None:
    """The service says that its status is ok."""
    exchange = driver.health()
    expect(exchange.status == 200, f"health: {driver.describe(exchange)}")
    found = members_of(exchange).get("status")
    expect(found == "ok", f"the status of the service is {found!r}")


def _turned_down(exchange: Exchange) -> bool:
    return 300 <= exchange.status < 500


def _unknown(driver: BedrockDriver, name: str) -> Exchange:
    return driver.send(driver.authorize(Request("GET", path(name))))


@clause("bedrock.endpoint.unknown_path", basis=Basis.IMPLIED, source="published OpenAPI: paths",
        name=requests.paths, most=4)  # fmt: skip
def unknown_path(driver: BedrockDriver, name: str) -> None:
    """A path that does not exist is turned down without a server error."""
    exchange = _unknown(driver, name)
    expect(_turned_down(exchange), f"/{name} does not exist: {driver.describe(exchange)}")


@clause("bedrock.endpoint.unknown_path_404", basis=Basis.OBSERVED, source=ERRORS,
        name=requests.paths, most=4)  # fmt: skip
def unknown_path_404(driver: BedrockDriver, name: str) -> None:
    """A path that does not exist is answered with 404."""
    exchange = _unknown(driver, name)
    expect(exchange.status == 404, f"/{name} does not exist: {driver.describe(exchange)}")


def _wrong(driver: BedrockDriver, call: tuple[str, str]) -> Exchange:
    return driver.send(driver.authorize(Request(*call)))


@clause("bedrock.endpoint.wrong_method", basis=Basis.IMPLIED, source="published OpenAPI: paths",
        call=wrong, most=1, examples=tuple({"call": call} for call in WRONG))  # fmt: skip
def wrong_method(driver: BedrockDriver, call: tuple[str, str]) -> None:
    """A method that a path does not have is turned down without a server error."""
    exchange = _wrong(driver, call)
    expect(_turned_down(exchange), f"{' '.join(call)}: {driver.describe(exchange)}")


@clause("bedrock.endpoint.wrong_method_405", basis=Basis.OBSERVED, source=ERRORS,
        call=wrong, most=1, examples=tuple({"call": call} for call in WRONG))  # fmt: skip
def wrong_method_405(driver: BedrockDriver, call: tuple[str, str]) -> None:
    """A method that a path does not have is answered with 405, and Allow says which it has."""
    exchange = _wrong(driver, call)
    expect(exchange.status == 405, f"{' '.join(call)}: {driver.describe(exchange)}")
    response = exchange.response
    expect(response and response.header("Allow"), f"{' '.join(call)}: there is no Allow")

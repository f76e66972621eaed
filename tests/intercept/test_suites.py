import pytest

import contracts
import counterfoil
from contracts.drawing import Drawn
from contracts.model import Verdict
from contracts.runner import PROFILES, Plan, run
from contracts.target import Target
from counterfoil import wiring
from mockserver.asked import Asked
from mockserver.environment import Environments

from .clients import ThroughAsyncHttpx, ThroughHttpx, ThroughRequests

SAME = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH")


@pytest.fixture(scope="module")
def drawn():
    return {api: Drawn() for api in contracts.names()}


def told(environ):
    names = {name for name in environ if name.startswith("HTTP_")} | set(SAME)
    return {name: environ.get(name) for name in names}, environ["wsgi.input"].getvalue()


def meant(request):
    target, lines = request.extensions["target"], list(request.headers.raw)
    asked = Asked(request.method, target, lines, request.read(), "1.1", True)
    return told(Environments("https", ("", 0), ("", 0)).of(asked))


@pytest.mark.parametrize("client", [ThroughHttpx, ThroughAsyncHttpx, ThroughRequests])
@pytest.mark.parametrize("api", contracts.names())
def test_a_mock_in_place_of_the_vendor_keeps_every_clause_and_is_asked_what_was_meant(
    monkeypatch, drawn, api, client
):
    contract, known = contracts.load(api), wiring.all_credentials(api)
    mock = counterfoil.intercept(
        api, url=contract.base_url or "https://chat.example", clock="virtual", credentials=known
    )
    app, transport = mock.app, client()
    wanted, came = [], []

    def watched(environ, start):
        came.append(told(environ))
        return app(environ, start)

    def sent(request):
        wanted.append(meant(request))
        return handle(request)

    handle = transport.handle_request
    monkeypatch.setattr(mock, "app", watched)
    monkeypatch.setattr(transport, "handle_request", sent)
    with mock:
        target = Target(mock.url, clock=mock.clock, transport=transport)
        plan = Plan(contract.clauses, PROFILES["quick"], drawn=drawn[api])
        *_, outcome = run(contract, target, known, plan)
        target.close()
    assert outcome.trouble == ""
    assert {f.clause.id: f.reason for f in outcome.findings if f.verdict is not Verdict.KEPT} == {}
    assert len(outcome.findings) == len(contract.clauses)
    assert len(came) == target.calls > 100
    assert came == wanted


def test_a_fault_is_caught_through_a_client():
    contract, known = contracts.load("genesis"), wiring.all_credentials("genesis")
    fault, caught = "genesis.signature.any_accepted", "genesis.signature.wrong"
    clauses = tuple(clause for clause in contract.clauses if clause.id == caught)
    for client in (ThroughHttpx, ThroughAsyncHttpx, ThroughRequests):
        with counterfoil.intercept("genesis", clock="virtual", faults=[fault]) as mock:
            target = Target(mock.url, clock=mock.clock, transport=client())
            *_, outcome = run(contract, target, known, Plan(clauses, PROFILES["quick"]))
            target.close()
        assert outcome.verdict is Verdict.BROKEN


def test_raw_bytes_of_a_request_survive():
    with counterfoil.intercept("genesis") as mock:
        transport = ThroughHttpx()
        target = Target(mock.url, transport=transport)
        request = contracts.model.Request("GET", "/a//b/../%2f%zz/?b=2&a=1&a=%20+&&", [("X", "1")])
        target.send(request)
        target.close()
        entry = mock.journal.one()
        assert (entry.path, entry.query) == ("/a//b/..//%zz/", "b=2&a=1&a=%20+&&")

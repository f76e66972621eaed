"""No secret gets out: canary values are looked for in all that a full run leaves behind."""

import base64
import logging
from urllib.parse import quote

import pytest

import contracts
from contracts.redaction import redaction_for
from contracts.report import FORMATS
from contracts.runner import PROFILES, Plan, run
from contracts.target import Target
from counterfoil import wiring
from mockserver.clock import VirtualClock
from mockserver.faults import faults_of

APIS = contracts.names()
SIGNATURES_LOOKED_FOR = 400


def canaries(api):
    """Give every secret of an API a value of its own; the others stay as they are."""
    known = wiring.all_credentials(api)
    secret = {
        credential.name for credential in contracts.load(api).credentials if credential.secret
    }
    return known | {name: f"Canary-{name}~{api}+/é&x" if name.endswith("password") else
                    f"canary-{name.replace('_', '-')}-{api}-0123456789" for name in known
                    if name in secret}  # fmt: skip


def leaking(api):
    """Name faults that make many clauses fail, and those that tell what they should not."""
    wanted = ("leak", "secret", "any_accepted", "status", "500", "traceback", "tells", "echo")
    found = [id for id in faults_of(api) if any(word in id for word in wanted)]
    return found[:: max(1, len(found) // 6)]


def spelled(secret):
    data = secret.encode()
    return {secret, quote(secret, safe=""), base64.b64encode(data).decode().rstrip("=")}


@pytest.mark.parametrize("api", APIS)
def test_no_secret_is_in_any_report_log_or_journal_of_a_full_run(api, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = {name: value for name, value in canaries(api).items() if "anary" in value}
    assert secrets
    for fault in [None, *leaking(api)]:
        clock = VirtualClock()
        known = canaries(api)
        faults = [fault] if fault else []
        made = wiring.mocks([api], clock=clock, credentials=known, faults=faults)
        contract = contracts.load(api)
        target = Target("http://127.0.0.1:8600", app=made.app.wsgi_app, clock=clock)
        plan = Plan(contract.clauses, PROFILES["quick"], 0, command="counterfoil check")
        *_, outcome = run(contract, target, known, plan)
        left = {ending: render([outcome]) for ending, render in FORMATS.items()}
        left["journal"] = made.app.test_client().get("/_counterfoil/journal").text
        left["log"] = caplog.text
        exchanges = [
            exchange
            for finding in outcome.findings
            for exchange in (finding.failure.exchanges if finding.failure else ())
        ]
        left["repr"] = f"{exchanges!r} {target!r} {made!r}"
        hidden = {
            secret.value
            for exchange in exchanges
            for secret in exchange.request.hidden
            if len(secret.value) >= 16
        }
        for name, text in left.items():
            for secret in {*secrets.values(), *sorted(hidden)[:SIGNATURES_LOOKED_FOR]}:
                found = [way for way in spelled(secret) if way in text]
                assert not found, f"{found} is in the {name} of {fault or 'an honest run'}"
        assert len(left["json"]) > 10_000
        caplog.clear()


def test_a_canary_that_gets_out_is_found():
    told = f"it was {base64.b64encode(b'Canary, one').decode()}"
    assert any(way in told for way in spelled("Canary, one"))


@pytest.mark.parametrize(
    "word", ["max_tokens", "session_id", "token_count", "passwordless", "keys"]
)
def test_what_only_sounds_like_a_secret_is_shown(word):
    contract = contracts.load(APIS[0])
    redact = redaction_for(contract, canaries(APIS[0]), ())
    text = f'{{"{word}": "some value", "{word}": 4096}}'
    assert redact(text) == text

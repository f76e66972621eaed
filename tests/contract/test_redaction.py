from __future__ import annotations

import base64
import html
import json
import re
import time
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.driver import Driver
from contracts.model import Contract, Credential, Exchange, Hidden, Request, shortened
from contracts.redaction import LEAST, Redaction, redaction_for

LABEL = "$COUNTERFOIL_ECHO_KEY"

# Every character that some way of writing escapes, and some that none does.
secrets = st.text(
    st.sampled_from("abXY019-_.~ \"'\\/%&<>+=?#;:@{}[]$`!*()|^,éß中🙂\u200b\u202e"),
    min_size=LEAST,
    max_size=12,
).filter(lambda secret: len(set(secret)) > 2)

FORMS = {
    "as it is": lambda secret: secret,
    "in a URL": lambda secret: quote(secret, safe=""),
    "in a path": quote,
    "in a form": quote_plus,
    "in a query": lambda secret: urlencode({"key": secret}),
    "in lower-case hex": lambda secret: re.sub(
        "%..", lambda found: found[0].lower(), quote(secret, safe="")
    ),
    "in a URL in a URL": lambda secret: quote(quote(secret, safe=""), safe=""),
    "in JSON": json.dumps,
    "in JSON with its letters": lambda secret: json.dumps(secret, ensure_ascii=False),
    "in JSON with its slashes escaped": lambda secret: json.dumps(secret).replace("/", "\\/"),
    "in JSON in JSON": lambda secret: json.dumps(json.dumps(secret)),
    "in JSON in JSON in JSON": lambda secret: json.dumps(json.dumps({"a": json.dumps([secret])})),
    "in JSON in a URL": lambda secret: quote(json.dumps(secret)),
    "as orjson writes it": lambda secret: orjson.dumps([secret]).decode(),
    "as Python shows a text": repr,
    "as Python shows a text in ASCII": ascii,
    "as Python shows bytes": lambda secret: repr(secret.encode()),
    "as Python shows JSON": lambda secret: repr(json.dumps({"a": secret})),
    "in HTML": html.escape,
    "in HTML by numbers": lambda secret: secret.encode("ascii", "xmlcharrefreplace").decode(),
    "in HTML in a URL": lambda secret: quote(html.escape(secret), safe=""),
    "in HTML in JSON": lambda secret: json.dumps(html.escape(secret)).replace("&", "\\u0026"),
    "in a header": lambda secret: secret.encode().decode("latin-1"),
}  # fmt: skip


def redaction(secret: str) -> Redaction:
    return Redaction([Hidden(secret, LABEL, "")])


def plainly(text: str) -> str:
    """Return a text without what differs by the secret in it: which quotes, how many escapes."""
    return text.replace("'", '"').replace("\\", "")


SECRETS = ["counterfoil-private-key", 'it\'s "100%" C:\\new/é', "\\\\\\\\", "中文🙂密钥"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_hidden_however_it_is_written(form, secret):
    is_hidden(form, secret, "")


@settings(max_examples=200, deadline=None)
@given(
    form=st.sampled_from(sorted(FORMS)),
    secret=secrets,
    before=st.sampled_from(["", "a", "%", "\\", '"']),
)
@example(form="in HTML in JSON", secret="00&a", before="")
def test_any_secret_is_hidden_however_it_is_written_and_whatever_is_before_it(form, secret, before):
    is_hidden(form, secret, before)


def is_hidden(form: str, secret: str, before: str) -> None:
    around = FORMS[form]("Plain").replace("Plain", LABEL)
    shown = redaction(secret)(f"{before}{FORMS[form](secret)} after")
    assert plainly(shown) == plainly(f"{before}{around} after")


@settings(max_examples=100, deadline=None)
@given(
    user=st.sampled_from(["", "u", "us", "user", "a:b"]),
    after=st.sampled_from(["", "!", "!!", "!!!"]),
    secret=secrets,
)
@example(user="ann", after="", secret="pass-word>>??~~")
def test_a_secret_is_hidden_within_what_is_in_base64(user, after, secret):
    data = f"{user}:{secret}{after}".encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for written in (encode(data).decode(), quote_plus(encode(data).decode())):
            shown = redaction(secret)(f"Authorization: Basic {written}")
            assert shown.startswith("Authorization: Basic ")
            assert LABEL in shown
            rest = shown.removeprefix("Authorization: Basic ").partition(LABEL)
            # What is left of it holds less than one of its bytes at either end.
            assert len(rest[0]) <= -(-len(f"{user}:".encode()) * 8 // 6)
            assert len(rest[2]) <= -(-len(after.encode()) * 8 // 6) + 8


@settings(max_examples=100, deadline=None)
@given(secret=secrets, at=st.integers(LEAST, 12), text=st.booleans())
@example(secret="counterfoil-private-key", at=12, text=True)
@example(secret='counter\\"foil-é', at=10, text=True)
def test_a_secret_that_was_cut_off_is_hidden_as_far_as_it_was_shown(secret, at, text):
    begun = "x" * (160 - min(at, len(secret))) if not text else "x" * 159
    body = f"{begun}{secret} and much more" + "." * 200
    message = shortened(body.encode()) if not text else shortened(body[159 - 160 + at :])
    shown = redaction(secret)(message)
    for length in range(LEAST, len(secret) + 1):
        assert secret[:length] not in shown
    assert shown.endswith(" characters)")


def test_what_is_no_secret_is_left_alone():
    text = (
        'session_id=7&max_tokens=100 {"token_type": "bearer", "key": null} private-key … (9 bytes)'
    )
    assert redaction("counterfoil-private-key")(text) == text
    assert Redaction([])(text) == text
    assert Redaction([Hidden("", LABEL, "")])(text) == text


@given(st.text())
def test_a_text_without_the_secret_is_left_alone(text):
    if "coun" not in text:
        assert redaction("counterfoil-private-key")(text) == text


@pytest.mark.parametrize("secret", ["a", "42", "k&y"])
def test_a_short_secret_is_hidden_where_it_stands_alone_and_only_there(secret):
    redact = redaction(secret)
    for text in ("Bearer {}", '{{"key": "{}"}}', "key={}&b=c", "{}", "<{}>", "/{}/"):
        assert redact(text.format(secret)) == text.format(LABEL)
    for text in (f"x{secret}", f"{secret}x", f"1{secret}2"):
        assert redact(text) == text


def test_the_longer_of_two_secrets_is_hidden_as_a_whole():
    both = Redaction([Hidden("secret", "$SHORT", ""), Hidden("secret-longer", "$LONG", "")])
    assert both("a secret-longer, a secret") == "a $LONG, a $SHORT"
    assert (
        Redaction(reversed(list([Hidden("secret", "$A", ""), Hidden("secret-b", "$B", "")])))(
            "secret-b secret"
        )
        == "$B $A"
    )


def test_two_secrets_that_overlap_are_both_hidden():
    both = Redaction([Hidden("first-key", "$A", ""), Hidden("key-number-two", "$B", "")])
    assert both("see first-key-number-two.") == "see $B."


def test_a_label_is_not_taken_for_a_secret():
    odd = Redaction([Hidden("COUNTERFOIL", "$B", ""), Hidden("the-key", LABEL, "")])
    assert odd("the-key, COUNTERFOIL") == f"{LABEL}, $B"


LARGE = ["x", '"', "\\", "%25", "&#", "coun", "… (9 characters)", "\\u00"]


@pytest.mark.parametrize("part", LARGE)
def test_a_large_body_costs_little_whatever_is_in_it(part):
    redact = Redaction([Hidden("counterfoil-private-key", "$A", ""), Hidden('"%\\é' * 5, "$B", "")])
    text = part * ((1 << 18) // len(part))
    began = time.process_time()
    assert redact(f"{text} counterfoil-private-key") == f"{text} $A"
    assert time.process_time() - began < 2


def test_the_caller_and_the_requests_say_what_is_secret():
    contract = Contract(
        name="echo",
        title="Echo",
        base_url=None,
        credentials=(
            Credential("key", ""),
            Credential("user", "", secret=False),
            Credential("other_key", ""),
        ),
        document=Path(),
        driver=Driver,
        clauses=(),
    )
    request = Request("GET", "/", hidden=(Hidden("signature-of-it", "<signature>", ""),))
    known = {"key": "first-key", "user": "first-user", "other_key": "second-key", "x": "unknown"}
    redact = redaction_for(contract, known, [Exchange(request, None, 0.0, 0.0)])
    assert redact("first-key first-user second-key unknown signature-of-it") == (
        "$COUNTERFOIL_ECHO_KEY first-user $COUNTERFOIL_ECHO_OTHER_KEY unknown <signature>"
    )

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
import unicodedata
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

import pytest

from .caller import (
    OTHER_PRIVATE,
    PRIVATE,
    PUBLIC,
    Mock,
    Parameters,
    chat,
    chat_from,
    sign,
    signed,
    without,
)

TEXT = "a b/ü\r\n“+”"
PLAIN = chat(TEXT, *["x"] * 10, Region="", debug="true", Limit="3")


def sha1(text: str | bytes) -> str:
    return hashlib.sha1(text if isinstance(text, bytes) else text.encode()).hexdigest()


def joined(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(name + value for name, value in pairs)


def by_name(parameters: Parameters) -> list[tuple[str, str]]:
    return sorted(parameters.items())


def encoded(change: Callable[[str], str]) -> str:
    return sign({name: change(value) for name, value in PLAIN.items()})


def renamed(step: int) -> Parameters:
    found = {}
    for name, value in PLAIN.items():
        stem, dot, index = name.partition(".")
        found[f"{stem}.{int(index) + step}" if dot else name] = value
    return found


TEXT_SIGNED = joined(by_name(PLAIN))

MISTAKES = {
    "its letters should be lower case": sign(PLAIN).upper(),
    "there are blanks around it": sign(PLAIN) + "\n",
    "only its first 39 characters were sent": sign(PLAIN)[:39],
    "the private key was left out": sign(PLAIN, ""),
    "the private key was put first": sha1(PRIVATE + TEXT_SIGNED),
    "a line break follows the private key": sign(PLAIN, PRIVATE + "\n"),
    "it was made with a public key in place of the private one": sign(PLAIN, PUBLIC),
    "it was made with the private key that belongs to counterfoil-other-public-key": sign(
        PLAIN, OTHER_PRIVATE
    ),
    "the parameters were joined as they were sent, not sorted by name": sha1(
        joined(PLAIN.items()) + PRIVATE
    ),
    "the parameters were sorted without regard to case": sha1(
        joined(sorted(PLAIN.items(), key=lambda pair: pair[0].lower())) + PRIVATE
    ),
    "list items were sorted by number; names are sorted as texts, Role.10 before Role.2": sha1(
        joined(sorted(PLAIN.items(), key=lambda pair: (pair[0].partition(".")[0], len(pair[0]))))
        + PRIVATE
    ),
    "it covers nothing but Action and PublicKey": sign(
        {"Action": "RunMVChat", "PublicKey": PUBLIC}
    ),
    "it does not cover Role": sign({n: v for n, v in PLAIN.items() if "Role" not in n}),
    "it does not cover Content": sign({n: v for n, v in PLAIN.items() if "Content" not in n}),
    "it covers neither Role nor Content": sign({n: v for n, v in PLAIN.items() if "." not in n}),
    "it does not cover the parameters that the document does not define": sign(
        without(PLAIN, "debug", "Limit")
    ),
    "it does not cover the parameters with an empty value": sign(without(PLAIN, "Region")),
    "it covers the values but not the names of the parameters": sha1(
        "".join(value for _, value in by_name(PLAIN)) + PRIVATE
    ),
    "names and values were joined as name=value&…": sha1(
        "&".join(f"{n}={v}" for n, v in by_name(PLAIN)) + PRIVATE
    ),
    "it is SHA-256, not SHA-1": hashlib.sha256((TEXT_SIGNED + PRIVATE).encode()).hexdigest(),
    "it is MD5, not SHA-1": hashlib.md5((TEXT_SIGNED + PRIVATE).encode()).hexdigest(),
    "it is HMAC-SHA1; the private key goes to the end of the text instead": hmac.new(
        PRIVATE.encode(), TEXT_SIGNED.encode(), hashlib.sha1
    ).hexdigest(),
    "it is written in Base64, not in hexadecimal": base64.b64encode(
        hashlib.sha1((TEXT_SIGNED + PRIVATE).encode()).digest()
    ).decode(),
    "it was made over text in GBK, not in UTF-8": sha1(
        (TEXT_SIGNED + PRIVATE).encode("gbk", "replace")
    ),
    "it was made over text in UTF-16, not in UTF-8": sha1(
        (TEXT_SIGNED + PRIVATE).encode("utf-16-le")
    ),
    "a list was signed from 1 where it was sent from 0": sign(renamed(1)),
    "Role.0, Role.1, … were signed as one array Role": sign(
        {n: v for n, v in PLAIN.items() if "." not in n}
        | {"Role": "user" * 11, "Content": TEXT + "x" * 10}
    ),
    "it was made over True and False, not true and false": encoded(
        lambda value: "True" if value == "true" else value
    ),
    "it was made over LF where CR LF was sent": encoded(lambda text: text.replace("\r\n", "\n")),
    "it was made over text in Unicode normal form D": encoded(
        lambda text: unicodedata.normalize("NFD", text)
    ),
    "it was made over UTF-8 taken for Latin-1 and encoded again": encoded(
        lambda text: text.encode().decode("latin-1")
    ),
    "it was made over values escaped for a URL (%20 for a blank)": encoded(
        lambda text: quote(text, safe="")
    ),
    "it was made over values escaped for a URL (%20 for a blank, / as it is)": encoded(quote),
    "it was made over values escaped for a form (+ for a blank)": encoded(quote_plus),
    "it does not cover the parameter Content.3": sign(without(PLAIN, "Content.3")),
    "it does not cover the parameter AppID": sign(without(PLAIN, "AppID")),
    "it covers the parameter AppID with an empty value": sign(PLAIN | {"AppID": ""}),
    "it covers the parameter Limit as 3.0, not as 3": sign(PLAIN | {"Limit": "3.0"}),
    "it covers the value of Limit but not the name": sha1(
        TEXT_SIGNED.replace("Limit3", "3") + PRIVATE
    ),
    "it covers an empty SessionID, which was not sent": sign(PLAIN | {"SessionID": ""}),
    "it has 3 characters where 40 are right": "abc",
}


@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_usual_mistake_is_named_in_journal_and_log(
    mock: Mock, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen = mock.form({**PLAIN, "Signature": MISTAKES[sentence]})
    assert seen.fields == {
        "RetCode": 171,
        "Action": "RunMVChatResponse",
        "Message": "Signature VerifyAC Error",
    }, "the caller is told nothing"
    said = f"the signature is wrong: {sentence}"
    assert mock.last.remarks == (said,)
    assert caplog.messages == [f"genesis: {said}"]
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize(
    ("sent", "signed_over", "sentence"),
    [
        (chat("a b"), chat("a+b"), "a + was sent unescaped, and a form means a blank by it"),
        (chat("a\nb"), chat("a\r\nb"), "it was made over CR LF where LF was sent"),
        (chat(" a "), chat("a"), "it covers the parameter Content.0 without the blanks around it"),
        (chat("e\u0301"), chat("é"), "it was made over text in Unicode normal form C"),
        (chat_from(1), chat(), "a list was signed from 0 where it was sent from 1"),
    ],
)
def test_a_mistake_that_needs_a_text_of_its_own_is_named(
    mock: Mock, sent: Parameters, signed_over: Parameters, sentence: str
) -> None:
    assert mock.form({**sent, "Signature": sign(signed_over)}).code == 171
    assert mock.last.remarks == (f"the signature is wrong: {sentence}",)


def test_latin_1_is_named(mock: Mock) -> None:
    sent = chat("é")
    wrong = sha1((joined(by_name(sent)) + PRIVATE).encode("latin-1"))
    assert mock.form({**sent, "Signature": wrong}).code == 171
    assert mock.last.remarks == (
        "the signature is wrong: it was made over text in Latin-1, not in UTF-8",
    )


@pytest.mark.parametrize("gap", [",", ", "])
def test_an_array_that_was_signed_as_json_is_named(mock: Mock, gap: str) -> None:
    lists = {"Role": ["user", "user"], "Content": ["é", "b"]}
    plain = without(chat(), "Role.0", "Content.0")
    texts = {n: json.dumps(v, ensure_ascii=False, separators=(gap, ":")) for n, v in lists.items()}
    assert mock.json({**plain, **lists, "Signature": sign(plain | texts)}).code == 171
    assert mock.last.remarks == (
        "the signature is wrong: an array was signed as JSON, not as its items",
    )


def test_an_array_that_was_signed_as_flat_parameters_is_named(mock: Mock) -> None:
    flat = chat("a", "b")
    plain = without(chat(), "Role.0", "Content.0")
    lists = {"Role": ["user", "user"], "Content": ["a", "b"]}
    assert mock.json({**plain, **lists, "Signature": sign(flat)}).code == 171
    assert mock.last.remarks == (
        "the signature is wrong: an array was signed as Role.0, Role.1, …, not as Role",
    )


def test_what_no_usual_mistake_explains_is_answered_with_the_order(mock: Mock) -> None:
    assert mock.get({**chat("a", Prompt="p"), "Signature": "0" * 40}).code == 171
    assert mock.last.remarks == (
        "the signature is wrong: no usual mistake explains it; it should cover, in this order, "
        "Action, AppID, Content.0, Prompt, PublicKey, Role.0",
    )


def test_a_right_signature_is_not_remarked_on(mock: Mock, caplog: pytest.LogCaptureFixture) -> None:
    mock.ask()
    mock.form(signed(chat(AppID="nothing")))
    assert [entry.remarks for entry in mock.journal.entries()] == [(), ()]
    assert caplog.messages == []


def test_one_of_four_hundred_parameters_is_still_found(mock: Mock) -> None:
    many = chat(**{f"X{place}": f"value {place}" for place in range(400)})
    assert mock.form({**many, "Signature": sign(without(many, "X317"))}).code == 171
    assert mock.last.remarks == ("the signature is wrong: it does not cover the parameter X317",)


@pytest.mark.parametrize(
    "extra",
    [
        {f"X{place}": "y" for place in range(60_000)},
        {"X" * 1000 + str(place): "y" * 1000 for place in range(500)},
        {"X": "é " * 500_000},
        {f"Role.{place}": "user" for place in range(1, 50_000)},
    ],
    ids=["many", "long", "large", "list"],
)
def test_a_large_call_is_not_diagnosed_for_long(mock: Mock, extra: dict[str, str]) -> None:
    sent = {**chat(), **extra, "Signature": "0" * 40}
    body = "&".join(f"{quote(name)}={quote(value)}" for name, value in sent.items()).encode()
    begun = time.process_time()
    seen = mock.open(data=body, content_type="application/x-www-form-urlencoded")
    assert seen.code == 171
    assert time.process_time() - begun < 5, "it takes less than a second"
    assert len(mock.last.remarks[0]) < 4000


def test_names_cannot_write_lines_of_their_own_into_the_log(
    mock: Mock, caplog: pytest.LogCaptureFixture
) -> None:
    sent = chat(**{"X\nERROR all is lost \x1b[31m": "", "Y" * 500: "", "Z\u202e": ""})
    mock.form({**sent, "Signature": "0" * 40})
    (message,) = caplog.messages
    assert message.isprintable()
    assert "X\\nERROR" in message
    assert "Y" * 61 not in message


def test_no_signature_is_kept(mock: Mock) -> None:
    right = signed(chat())
    mock.get(right)
    mock.form(right)
    mock.json(right)
    mock.json({**right, "Signature": [right["Signature"]]})
    mock.open(data=json.dumps(right, indent=1).encode(), content_type="application/json")
    kept = mock.journal.as_json()
    assert right["Signature"] not in repr(kept)
    assert all("<hidden>" in entry["query"] + entry["body"] for entry in kept)


def test_the_private_key_is_nowhere(mock: Mock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tries: list[Parameters] = [{**PLAIN, "Signature": wrong} for wrong in MISTAKES.values()]
    # Callers who send the key itself, as a name, a value or a signature.
    tries += [
        {**chat(PrivateKey=PRIVATE), "Signature": "0" * 40},
        {**chat(**{PRIVATE: "x"}), "Signature": "0" * 40},
        {**chat(PRIVATE), "Signature": PRIVATE},
        signed(chat(PRIVATE, SessionID=PRIVATE)),
        signed(chat(Action=PRIVATE)),
    ]
    for sent in tries:
        for seen in (mock.get(sent), mock.form(sent), mock.json(sent)):
            if PRIVATE not in sent.values() and PRIVATE not in sent:
                assert PRIVATE.encode() not in seen.body
    kept = repr(mock.journal.as_json()) + caplog.text
    assert len(mock.journal.entries()) == 3 * len(tries)
    assert PRIVATE not in kept
    assert OTHER_PRIVATE not in kept
    for sent in tries:
        assert sign(without(sent, "Signature")) not in kept, "nor the signature that would be right"

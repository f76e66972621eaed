from __future__ import annotations

import base64
import html
import json
import re
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree

import pytest
from jsonschema import Draft4Validator

import contracts
from contracts.driver import Driver
from contracts.model import (
    BaselineEntry,
    Basis,
    Chunk,
    Clause,
    Contract,
    Credential,
    Exchange,
    Failure,
    Finding,
    Hidden,
    Request,
    Response,
    Verdict,
)
from contracts.report import FORMATS, github
from contracts.runner import Outcome, Plan

URL = "http://echo.test"
SARIF = json.loads((Path(__file__).parent / "sarif/sarif-2.1.0-rtm.5.json").read_text("utf-8"))

RENDERERS: dict[str, Callable[[list[Outcome]], str]] = {
    **FORMATS,
    "commands": lambda outcomes: "\n".join(github.commands(outcomes)),
    "summary": github.summary,
}

HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)><!-- </section></main></html>",
    "ends of elements": "</script></style></pre></title></textarea>]]></svg>--><![CDATA[",
    "quotes": "\"'`' onclick=\"x\" {{ 7*7 }} {% raw %} &quot;&#39;&amp; &lt;script&gt;",
    "escapes of a terminal": "\x1b[2J\x1b]0;title\x07\x1b[31mred\x9b1m",
    "control characters": "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)])),
    "lines": "a\nb\r\nc\rd\u2028e\u2029f\x0bg\x0ch\x85i",
    "half surrogates": "\ud800 \udfff \udc80",
    "no characters": "\ufffe\uffff\ufdd0\U0010ffff\U000e0001",
    "directions": "\u202egnp.exe\u202c \u2066a\u2069\u200f\u061c",
    "not seen": "a\u200bb\ufeffc\u00add\u2060",
    "end of character data": "]]>]]&gt;<x/>&bogus;",
    "commands of GitHub": "::error file=a::b\n::stop-commands::x\n##[error]c ##[add-mask]d %0A%25",
    "Markdown": "~~~~\n```\n# h\n[a](javascript:b) ![c](http://d/e) | f | @g <!-- `h` ~~~~~",
    "ours": "\nbroken:\n  echo.say.same\n    found:    x\n    rerun: rm -rf .\nlikewise: a",
    "templates": "{0} {1} ${7*7} #{x} %s %(a)s \\u003cscript\\u003e \\ud800",
}  # fmt: skip
PLAIN = "a plain answer"


@pytest.fixture
def clause() -> Clause:
    where = f"{Path(__file__).resolve().as_posix()}:1"
    return Clause(
        "echo.say.same", "It is kept.", "Say", Basis.DOCUMENTED, lambda: None, where=where
    )


def exchange_of(said: str) -> Exchange:
    """Return an exchange all of which repeats a text, its chunks cut within characters."""
    body = said.encode("utf-8", "surrogatepass")
    header = body.decode("latin-1")
    cuts = [body[:3], body[3:10], body[10:]]
    chunks = tuple(Chunk(0.1 * n, part) for n, part in enumerate(cuts))
    request = Request(
        "POST", f"/{quote(body)}?q={quote_plus(body)}", (("X-A", header),), b"\xff" + body
    )
    headers = (("Content-Type", header), ("Location", header), (f"X-{header}", header))
    return Exchange(request, Response(200, headers, body, chunks), 0.0, 0.5)


def outcomes_of(said: str, clause: Clause) -> list[Outcome]:
    """Return outcomes that say a text in every place that a target has a hand in."""
    exchange = exchange_of(said)
    silent = Exchange(exchange.request, None, 0.0, 1.0, f"no HTTP: {said}")
    failures = (Failure(f"it said {said}", (exchange, exchange_of("before"), silent, exchange)),
                Failure(said, (silent,)), Failure(said, ()))  # fmt: skip
    entry = BaselineEntry(clause.id, URL, "known", "2025-01-31")
    findings = [
        Finding(clause, verdict, failure.message, failure=failure, baseline=baseline)
        for verdict in (Verdict.BROKEN, Verdict.DEVIATION, Verdict.UNTESTED)
        for failure in failures
        for baseline in ((None, entry) if verdict is Verdict.BROKEN else (None,))
    ]
    body = said.encode("utf-8", "surrogatepass")
    dead = Exchange(exchange.request, Response(500, (), body, (Chunk(0.0, body),)), 0.0, 1.0)
    findings += [Finding(clause, Verdict.BROKEN, said, failure=Failure(said, (dead,)))] * 3
    findings += [Finding(clause, Verdict.UNTESTED, f"it is {said}")] * 3
    findings += [Finding(clause, Verdict.ERROR, f"KeyError in x (y.py:1): {said}")]
    key = Credential("key", "a key")
    contract = Contract("echo", "Echo", None, (key,), Path("openapi.yaml"), Driver, (clause,))
    plan = Plan((clause,), command="counterfoil check echo --mock")
    whole = Outcome(contract, plan, URL, findings, calls=7, duration=1.0, trouble=f"not: {said}")
    return [whole, Outcome(contract, plan, URL, findings[:1], interrupted=True)]


class Skeleton(HTMLParser):
    """What of a page is markup; it fails where an element is not closed in its place."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.markup: list[Any] = []
        self.shown: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        # How large and how late a chunk is may be drawn.
        drawn = "svg" in self.open or tag == "svg"
        self.markup.append((tag, [name for name, _ in attrs] if drawn else attrs))
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_pi = unknown_decl = handle_comment

    def handle_data(self, data):
        self.shown.append(data)
        if self.open and self.open[-1] in ("script", "style"):
            self.markup.append(data)


def structure(kind: str, shown: str) -> Any:
    """Return what of a report is ours, and fails where it is none of its kind."""
    assert shown.encode("utf-8")
    if kind == "json":
        return skeleton(json.loads(shown))
    if kind == "sarif":
        assert shown.isascii()
        value = json.loads(shown)
        assert [error.message for error in Draft4Validator(SARIF).iter_errors(value)] == []
        return skeleton(value)
    if kind == "xml":
        return [(one.tag, sorted(one.attrib)) for one in ElementTree.fromstring(shown).iter()]
    assert all(line.isprintable() for line in shown.split("\n"))
    if kind == "html":
        page = Skeleton(shown)
        assert all(line.isprintable() for text in page.shown for line in text.split("\n"))
        return page.markup
    if kind == "commands":
        return [re.match("::(error|notice|warning) [^:]*::", line)[0] for line in shown.split("\n")]
    if kind == "summary":
        return [line if quoted else None for quoted, line in outside(shown)]
    return [re.match(" *[a-z]*", line)[0] for line in shown.split("\n") if line[:8] != " " * 8]


def skeleton(value: Any) -> Any:
    """Return JSON without what its texts say; what is known of a body's bytes is one thing."""
    if isinstance(value, dict):
        names = {"body_base64": "body"}
        return {names.get(name, name): skeleton(member) for name, member in value.items()}
    if isinstance(value, list):
        return [skeleton(item) for item in value]
    return type(value).__name__


def outside(page: str) -> Iterator[tuple[bool, str]]:
    """Yield the lines of a page in Markdown, and whether each is outside of code."""
    quoting = False
    for line in page.split("\n"):
        fence = line.startswith("~~~~")
        assert not (quoting and fence and line != "~~~~")
        yield fence or not quoting, line
        quoting ^= fence
    assert not quoting


@pytest.mark.parametrize("kind", RENDERERS)
@pytest.mark.parametrize("content", HOSTILE)
def test_what_a_target_says_changes_nothing_of_what_is_ours(kind, content, clause):
    said = HOSTILE[content]
    render = RENDERERS[kind]
    shown = structure(kind, render(outcomes_of(f"{PLAIN} {said}", clause)))
    assert shown == structure(kind, render(outcomes_of(PLAIN, clause)))


@pytest.mark.parametrize("kind", RENDERERS)
def test_the_comparison_would_see_what_is_added(kind, clause):
    render = RENDERERS[kind]
    ours = outcomes_of(PLAIN, clause)
    more = outcomes_of(PLAIN, clause)
    more[0].findings.append(more[0].findings[0])
    assert structure(kind, render(ours)) != structure(kind, render(more))


@pytest.mark.parametrize("kind", RENDERERS)
@pytest.mark.parametrize("unit", ["x", "<", "é\x00", '{"a": [1, \''], ids=repr)
def test_a_mebibyte_of_text_makes_no_report_slow_or_invalid(kind, unit, clause):
    said = (unit * (1 << 20))[: 1 << 20]
    body = said.encode()
    response = Response(200, (("X-B", said[:99_999]),), body, (Chunk(0.0, body),))
    request = Request("POST", "/say", (), body)
    failure = Failure(f"it said {said!r}", (Exchange(request, response, 0.0, 0.1),))
    findings = [Finding(clause, Verdict.BROKEN, failure.message, failure=failure)]
    contract = Contract("echo", "Echo", None, (), Path("openapi.yaml"), Driver, (clause,))
    began = time.monotonic()
    shown = RENDERERS[kind]([Outcome(contract, Plan((clause,)), URL, findings)])
    assert time.monotonic() - began < 20
    structure(kind, shown)
    if kind in ("sarif", "commands", "summary"):
        assert len(shown) < 20_000


FORMS: dict[str, Callable[[str], str]] = {
    "plainly": str,
    "in a URL": lambda secret: quote(secret, safe=""),
    "in JSON": json.dumps,
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in Basic credentials": lambda secret: base64.b64encode(f"us:{secret}:x".encode()).decode(),
    "in HTML": html.escape,
    "as Python shows it": repr,
}


def echoed(said: str, hidden: tuple[Hidden, ...]) -> Iterator[Failure]:
    """Yield what was found of a server that repeats a text, for each place where it may."""
    body = f"before {said} after".encode()
    target = f"/say?key={quote_plus(html.unescape(said))}"
    # What we send is escaped once.
    request = Request("POST", target, (("X-Key", said),), body, hidden=hidden)
    plain = Request("GET", "/say", hidden=hidden)

    def answer(status: int = 200, body: bytes = b"", *chunks: bytes, **headers: str) -> Exchange:
        cut = tuple(Chunk(0.1 * n, part) for n, part in enumerate(chunks or (body,)))
        lines = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return Exchange(plain, Response(status, lines, body, cut), 0.0, 0.5)

    middle = len(body) // 2
    yield Failure("no", (answer(200, body),))
    yield Failure("no", (answer(200, b"\xff" + body),))
    yield Failure("no", (answer(200, body, body[:middle], body[middle:]),))
    yield Failure("no", (answer(200, body, *(bytes([b]) for b in body)),))
    yield Failure("no", (answer(401, b"", Location=said, X_Echo=f"it is {said}"),))
    yield Failure("no", (answer(200, b"", Set_Cookie=f"session={said}; Path=/"),))
    yield Failure("no", (answer(500, body),))
    yield Failure("no", (answer(200, body, X_Echo=said), answer()))
    yield Failure("no", (Exchange(request, None, 0.0, 1.0, "silence"),))
    yield Failure("no", (Exchange(plain, None, 0.0, 1.0, f"no HTTP: {said}"),))
    yield Failure(f"the answer is {said!r}", (answer(),))


SECRETS = [
    (name, credential.name)
    for name in contracts.names()
    for credential in contracts.load(name).credentials
    if credential.secret
]


def texts(kind: str, shown: str) -> str:
    """Return all that a report says, as its reader reads it, and as it is written."""
    said = [shown]
    if kind in ("json", "sarif"):
        value = json.loads(shown)
        said.append(json.dumps(value, ensure_ascii=False))
        said += ["\n".join(strings(value))]
    if kind == "xml":
        root = ElementTree.fromstring(shown)
        said += [text or "" for one in root.iter() for text in (one.text, *one.attrib.values())]
    if kind == "html":
        said += ["".join(Skeleton(shown).shown)]
    return "\n".join(said)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from strings(member)
            if name == "body_base64":
                yield base64.b64decode(member).decode("utf-8", "replace")
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("api", "name"), SECRETS, ids=map(".".join, SECRETS))
def test_no_credential_is_in_any_report_wherever_a_target_repeats_it(api, name, form):
    contract = contracts.load(api)
    secret = f"canary-{name}/7f3e&9d0c=\"é'"
    said = FORMS[form](secret)
    clauses = contract.clauses[:3]
    hidden = (Hidden("ab12cd34ef56ab12cd34", "<signature>", '"$(sign)"'),)
    plan = Plan(clauses, command=f"counterfoil check {api} --url {URL}")
    found = [
        Finding(clauses[n % 3], Verdict.BROKEN, failure.message, failure=failure)
        for n, failure in enumerate(echoed(f"{said} {hidden[0].value}", hidden))
    ]
    found.append(Finding(clauses[0], Verdict.UNTESTED, said, failure=found[0].failure))
    found.append(Finding(clauses[1], Verdict.UNTESTED, f"it was turned down: {said}"))
    found.append(Finding(clauses[2], Verdict.ERROR, f"KeyError in x (y.py:1): {said}"))
    one = Outcome(contract, plan, URL, found, trouble=said, credentials={name: secret})
    # The middle of it, as it stands in each of these forms.
    core = base64.b64encode(secret.encode()).decode()[4:24]
    for kind, render in RENDERERS.items():
        shown = texts(kind, render([one]))
        for told in (secret, said, f"canary-{name}", "7f3e&9d0c", core, hidden[0].value):
            assert told not in shown, kind

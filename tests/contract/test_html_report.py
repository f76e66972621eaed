from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

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
    Request,
    Response,
    Verdict,
)
from contracts.report import as_html
from contracts.report.indented import indented
from contracts.report.timeline import timeline
from contracts.runner import Outcome, Plan

URL = "http://echo.test"
VOID = {"meta", "br", "input", "link", "img", "hr"}


class Page(HTMLParser):
    """A page as a browser reads it; fails where a tag is not closed in its place."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str]]] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        found = (tag, {name: value or "" for name, value in attrs})
        self.elements.append(found)
        if tag not in VOID:
            self.open.append(found)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, (tag, self.open[-3:], self.getpos())
        self.open.pop()

    def handle_data(self, data):
        self.texts.append((tuple(tag for tag, _ in self.open), data))

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self) -> str:
        hidden = {"style", "script", "title"}
        shown = (data for within, data in self.texts if not hidden & set(within))
        return " ".join(" ".join(shown).split())


def clause(rule: str, basis: Basis = Basis.DOCUMENTED) -> Clause:
    sentence = f"What {rule} says is <b>kept</b>."
    return Clause(f"echo.say.{rule}", sentence, "Say, 1 & 2", basis, lambda: None)


def exchange(body: bytes = b"answer", *times: float, **more: Any) -> Exchange:
    size = -(-len(body) // max(1, len(times)))
    chunks = tuple(Chunk(at, body[n * size : (n + 1) * size]) for n, at in enumerate(times))
    response = Response(200, (("Content-Type", "a/b"),), body, chunks or (Chunk(0.0, body),))
    request = more.get("request", Request("POST", "/say", (("X-A", "b"),), b"question"))
    return Exchange(request, response, 1.0, max([0.5, *times]))


def finding(rule: str, verdict: Verdict, *exchanges: Exchange, **more: Any) -> Finding:
    basis = Basis.OBSERVED if verdict is Verdict.DEVIATION else Basis.DOCUMENTED
    failure = Failure(f"{rule} differs", exchanges) if exchanges else None
    reason = more.pop("reason", f"{rule} differs" if verdict is not Verdict.KEPT else "")
    return Finding(clause(rule, basis), verdict, reason, 3, 4, 0.5, failure, **more)


def outcome(*findings: Finding, name: str = "echo", **more: Any) -> Outcome:
    clauses = tuple(one.clause for one in findings)
    key = Credential("key", "a key")
    contract = Contract(
        name, f"The {name} API", None, (key,), Path("openapi.yaml"), Driver, clauses
    )
    plan = Plan(clauses, seed=7, command=f"counterfoil check {name} --url {URL}")
    more.setdefault("accepted", {"say": 11})
    return Outcome(contract, plan, URL, list(findings), calls=70, duration=1.23, **more)


KNOWN = BaselineEntry("echo.say.known", URL, "mended in spring", "2025-01-31")
EVERYTHING = outcome(
    finding("fine", Verdict.KEPT),
    finding("torn", Verdict.BROKEN, exchange(b"one"), exchange(b"two")),
    finding("odd", Verdict.DEVIATION, exchange()),
    finding("flaky", Verdict.UNTESTED, exchange(), reason="seen once: flaky differs"),
    finding("idle", Verdict.UNTESTED, reason="it needs KEY"),
    finding("ours", Verdict.ERROR, reason="KeyError in same (a.py:1): 1"),
    finding("known", Verdict.BROKEN, exchange(), baseline=KNOWN),
)


def page(*outcomes: Outcome) -> Page:
    return Page(as_html.render(outcomes or [EVERYTHING]))


def section(source: str, heading: str) -> str:
    """Return the source of one group of findings."""
    groups = re.split(r'<section class="(?:group|clauses)"', source)[1:-1]
    (found,) = (one for one in groups if f"</span> {heading} <span" in one)
    return found


def test_the_page_needs_no_other_file_and_no_host():
    found = page()
    assert found.all("img", "link", "iframe", "object", "base", "form") == []
    for tag, attributes in found.elements:
        assert not {"src", "srcset", "style", "action"} & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes), tag
        assert attributes.get("href", "#").startswith("#")
    style = "".join(data for within, data in found.texts if "style" in within)
    assert "url(" not in style and "@import" not in style


def test_only_our_own_script_and_style_may_run():
    found = page()
    (policy,) = (m["content"] for m in found.all("meta") if "http-equiv" in m)
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        (source,) = (data for within, data in found.texts if within[-1:] == (tag,))
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_verdict_and_every_count_are_seen_at_a_glance():
    source = as_html.render([EVERYTHING])
    found = Page(source)
    shown = found.text
    assert "✗ broken The echo API" in shown
    figures = re.search(r"1 ✗ broken 1 ! error 1 ≠ deviation 1 \? seen once 1 ~ accepted "
                        r"1 – untested 1 ✓ kept", shown)  # fmt: skip
    assert figures
    assert "Judged http://echo.test" in shown and "Seed 7" in shown and "70 in 1.2 s" in shown
    assert "standard (20 cases a clause)" in shown and "say 11" in shown
    bars = re.search(r'<svg class="bar"[^>]*>(.*?)</svg>', source, re.DOTALL)[1]
    assert bars.count("<rect") == 7
    assert sum(float(width) for width in re.findall(r'width="([\d.]+)%"', bars)) == pytest.approx(
        100, abs=0.01
    )


@pytest.mark.parametrize(
    ("heading", "rule"),
    [
        ("Broken", "torn"),
        ("Could not be judged", "ours"),
        ("Deviations", "odd"),
        ("Seen once", "flaky"),
        ("Accepted", "known"),
        ("Untested", "idle"),
    ],
)
def test_what_stands_otherwise_is_in_a_section_of_its_own(heading, rule):
    found = section(as_html.render([EVERYTHING]), heading)
    for other in EVERYTHING.findings:
        own = other.clause.id == f"echo.say.{rule}"
        assert (f"<code>{other.clause.id}</code>" in found) is own


def test_an_accepted_finding_says_why_and_since_when():
    assert "mended in spring (since 2025-01-31)" in page().text


def test_a_failure_shows_both_sides_the_exchanges_and_the_commands():
    found = section(as_html.render([EVERYTHING]), "Broken")
    shown = " ".join(re.sub(r"<[^>]+>", " ", found).split())
    assert (
        "Promised What torn says is &lt;b&gt;kept&lt;/b&gt;. (documented: Say, 1 &amp; 2)" in shown
    )
    assert "Found torn differs" in shown
    assert "Request POST http://echo.test/say" in shown and "X-A: b" in shown
    assert "Response HTTP 200 OK after 0.500 s" in shown and "Content-Type: a/b" in shown
    assert "1 exchange before it POST /say → 200" in shown
    assert "curl -sS -i --path-as-is" in shown
    assert "counterfoil check echo --url http://echo.test --only echo.say.torn" in shown


def test_alike_earlier_exchanges_are_one_and_only_the_last_are_shown():
    before = [exchange(b"poll")] * 4 + [exchange(b"%d" % n) for n in range(30)]
    found = page(outcome(finding("torn", Verdict.BROKEN, *before, exchange())))
    assert "34 exchanges before it" in found.text
    assert found.text.count("→ 200") == 25
    few = page(outcome(finding("torn", Verdict.BROKEN, *before[:4], exchange())))
    assert "(4 times)" in few.text


def test_every_clause_is_listed_by_basis_and_subject_with_its_numbers():
    findings = [
        Finding(Clause(f"echo.{subject}.rule", f"Of {subject}.", "A", basis, lambda: None),
                Verdict.KEPT, "", 11, 22, 0.331)
        for basis in Basis for subject in ("read", "write")
    ]  # fmt: skip
    shown = page(outcome(*findings)).text
    row = "Of {0}. echo.{0}.rule A ✓ kept 11 22 0.33"
    both = f"read {row.format('read')} write {row.format('write')}"
    heads = "Clause Source Verdict Examples Calls Seconds"
    for basis in Basis:
        assert f"{str(basis).capitalize()} 2 kept {heads} {both}" in shown


def test_several_apis_are_in_one_page_each_with_its_verdict():
    fine = outcome(finding("fine", Verdict.KEPT), name="fine")
    dead = outcome(finding("idle", Verdict.UNTESTED), name="dead", trouble="nobody answers")
    shown = page(EVERYTHING, fine, dead).text
    assert "✗ broken 3 APIs" in shown
    assert "The fine API ✓ kept 1 kept" in shown and "The dead API – not judged 1 untested" in shown
    assert "Not judged: nobody answers" in shown


def test_every_link_leads_to_one_place():
    found = page(EVERYTHING, EVERYTHING, outcome(finding("fine", Verdict.KEPT), name="fine"))
    places = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(places) == len(set(places))
    named = [a[name] for _, a in found.elements for name in ("aria-labelledby",) if name in a]
    links = [attributes["href"][1:] for attributes in found.all("a")]
    assert set(named) | set(links) <= set(places) and len(links) > 6


def test_the_page_can_be_read_by_ear_and_without_a_mouse():
    found = page(EVERYTHING, EVERYTHING)
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))
    assert [tag for tag, _ in found.elements if tag in ("header", "main", "footer")] == [
        "header", "main", "footer"
    ]  # fmt: skip
    assert found.all("html")[0]["lang"] == "en"
    for attributes in found.all("th"):
        assert attributes["scope"] in ("col", "row", "rowgroup")
    for attributes in found.all("pre"):  # what scrolls can be reached, and says what it is
        assert attributes["tabindex"] == "0" and attributes["aria-label"]
    for attributes in found.all("svg"):
        assert attributes["role"] == "img" and attributes["aria-label"]
    assert len(found.all("caption")) == len(found.all("table")) - source_tables(found)


def source_tables(found: Page) -> int:
    """Count the tables that a labelled group names: those of chunks."""
    return sum(one.get("class") == "chunks" for one in found.all("table"))


def test_a_badge_says_its_word_beside_its_colour():
    badges = re.findall(r'class="badge is-([a-z-]+)"><span[^>]*>.</span> ([a-z ]+)</span>',
                        as_html.render([EVERYTHING]))  # fmt: skip
    assert {kind for kind, _ in badges} == {
        "broken", "error", "deviation", "seen-once", "accepted", "untested", "kept"
    }  # fmt: skip
    assert all(kind == word.replace(" ", "-") for kind, word in badges)


def test_a_stream_is_drawn_along_its_time_axis():
    found = timeline(exchange(b"x" * 12, 0.1, 0.4, 1.0))
    assert found is not None
    assert found.sentence == (
        "3 chunks, 12 bytes: the first after 100 ms, the last after 1.00 s, "
        "the longest pause 600 ms"
    )
    assert [bar.x for bar in found.bars] == [11.4, 39.6, 96.0]
    assert [bar.label for bar in found.bars] == ["4 B"] * 3
    assert [tick.label for tick in found.ticks] == ["0 ms", "250 ms", "500 ms", "750 ms", "1.00 s"]
    assert [(row.at, row.pause, row.size) for row in found.rows] == [
        ("100 ms", "100 ms", 4), ("400 ms", "300 ms", 4), ("1.00 s", "600 ms", 4)
    ]  # fmt: skip
    source = as_html.render(
        [outcome(finding("torn", Verdict.BROKEN, exchange(b"x" * 12, 0.1, 0.4, 1.0)))]
    )
    assert re.findall(r'<rect class="chunk" x="([\d.]+)%"', source) == ["11.4", "39.6", "96.0"]
    assert source.count("the longest pause 600 ms") == 2


def test_larger_chunks_have_higher_bars():
    chunks = (Chunk(0.0, b"x" * 16), Chunk(0.5, b"x" * 4), Chunk(1.0, b""))
    found = timeline(Exchange(Request("GET", "/"), Response(200, (), b"x" * 20, chunks), 0.0, 1.0))
    assert [bar.height for bar in found.bars] == [48.0, 24.0, 2.0]


def test_many_chunks_are_drawn_together_where_they_came_together():
    found = timeline(exchange(b"x" * 5000, *(n / 5000 for n in range(5000))))
    assert len(found.bars) <= 241 and len(found.rows) == 200 and found.left_out == 4800
    assert all(2 <= bar.x <= 96 for bar in found.bars)
    assert "5000 chunks" in found.sentence


def test_chunks_that_came_at_once_are_listed_and_not_drawn():
    found = timeline(exchange(b"x" * 4, 0.0, 0.0))
    assert found.bars == () and len(found.rows) == 2
    assert found.sentence == "2 chunks, 4 bytes, all 0 ms after the request"
    assert timeline(exchange(b"x")) is None
    assert "by one" not in page(outcome(finding("torn", Verdict.BROKEN, exchange()))).text


def test_an_answer_that_is_json_is_indented_and_its_tokens_are_left_as_they_are():
    said = '{"a":[1.50,{"b":"x, {y}: [z]","b":{}}],"c":[] ,"\\u00e9":1e400}'
    shown = indented(said)
    assert "".join(shown.split()) == "".join(said.split())
    assert '\n  "a": [\n    1.50,\n    {\n      "b": "x, {y}: [z]",\n      "b": {}\n' in shown
    assert json.loads(shown) == json.loads(said)


NO_JSON = ("", "no", "1", '"a"', "{", '{"a":1} x', "[" * 99999, "[" * 20 + "]" * 20)


@pytest.mark.parametrize("said", NO_JSON, ids=range(len(NO_JSON)))
def test_what_is_no_json_to_look_at_is_left_as_it_is(said):
    assert indented(said) is None


def test_a_large_body_is_cut_and_says_so():
    found = page(outcome(finding("torn", Verdict.BROKEN, exchange(b"x" * 50_000))))
    assert "50000 bytes, the first 12000 characters" in found.text
    assert "x" * 12_000 in found.text and "x" * 12_001 not in found.text


def test_a_missing_response_says_why():
    silence = Exchange(Request("GET", "/"), None, 0.0, 30.0, "no whole answer after 30 s")
    shown = page(outcome(finding("torn", Verdict.BROKEN, silence))).text
    assert "No response after 30.000 s no whole answer after 30 s" in shown

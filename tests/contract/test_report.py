from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contracts.driver import Driver
from contracts.model import (
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
    clause,
)
from contracts.report import FORMATS, as_json, as_junit, curl, text, write
from contracts.runner import Outcome, Plan
from contracts.target import Target

SECRET = 'it\'s "the" 100% secret\\key/é🙂'
URL = "http://echo.test"


@clause("echo.say.same", basis=Basis.DOCUMENTED, source="Say")
def same(driver: Driver) -> None:
    """What is said is answered."""


def contract(*clauses: Clause) -> Contract:
    key = Credential("key", "a key")
    return Contract("echo", "Echo", None, (key,), Path("openapi.yaml"), Driver, clauses)


def exchange(body: bytes = b"answer", request: Request | None = None, **headers: str) -> Exchange:
    lines = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    response = Response(200, lines, body, (Chunk(0.25, body),))
    return Exchange(request or Request("POST", "/say", (), b"question"), response, 1.0, 0.5)


def outcome(*findings: Finding, **more: Any) -> Outcome:
    more.setdefault("credentials", {"key": SECRET})
    whole = contract(*(finding.clause for finding in findings))
    plan = Plan(whole.clauses, command="counterfoil check echo --url http://echo.test")
    return Outcome(whole, plan, URL, list(findings), calls=7, duration=1.23456, **more)


def broken(*exchanges: Exchange, message: str = "it differs", **more: Any) -> Outcome:
    failure = Failure(message, exchanges)
    finding = Finding(same, Verdict.BROKEN, message, 3, 4, 0.5, failure)
    return outcome(finding, **more)


def rendered(one: Outcome) -> dict[str, str]:
    return {ending: render([one]) for ending, render in FORMATS.items()}


EVERY_VERDICT = outcome(
    Finding(same, Verdict.KEPT, "", 20, 20, 0.1),
    Finding(same, Verdict.BROKEN, "it differs", 3, 4, 0.5, Failure("it differs", (exchange(),))),
    Finding(same, Verdict.DEVIATION, "a bit", 3, 4, 0.5, Failure("a bit", (exchange(),))),
    Finding(same, Verdict.UNTESTED, "seen once: it", 1, 2, 0.1, Failure("it", (exchange(),))),
    Finding(same, Verdict.UNTESTED, "it needs KEY"),
    Finding(same, Verdict.ERROR, "KeyError in same (a.py:1): 1"),
)


def test_the_json_report_has_the_documented_fields():
    found = json.loads(as_json.render([EVERY_VERDICT]))
    assert set(found) >= {
        "api", "target", "seed", "profile", "verdict", "calls", "accepted", "began", "duration_s",
        "clauses"
    }  # fmt: skip
    assert (found["api"], found["target"], found["verdict"]) == ("echo", URL, "broken")
    assert (found["seed"], found["profile"], found["calls"]) == (0, "standard", 7)
    assert found["duration_s"] == 1.235
    for one in found["clauses"]:
        assert set(one) >= {
            "id", "sentence", "source", "basis", "verdict", "reason", "examples", "calls", "failure"
        }  # fmt: skip
        if one["failure"]:
            assert set(one["failure"]) >= {"message", "exchange", "curl", "rerun"}
    assert [one["verdict"] for one in found["clauses"]] == [
        "kept", "broken", "deviation", "untested", "untested", "error"
    ]  # fmt: skip
    failure = found["clauses"][1]["failure"]
    assert failure["rerun"] == (
        "counterfoil check echo --url http://echo.test --only echo.say.same"
    )
    assert failure["exchange"]["request"]["body"] == "question"
    assert failure["exchange"]["response"]["body"] == "answer"
    assert failure["exchange"]["response"]["chunks"] == [{"at_s": 0.25, "size": 6}]


def test_the_json_report_of_several_apis_is_a_list_of_reports():
    assert (
        json.loads(as_json.render([EVERY_VERDICT, EVERY_VERDICT]))
        == [json.loads(as_json.render([EVERY_VERDICT]))] * 2
    )


def test_a_body_that_is_no_text_is_in_the_json_report_byte_for_byte():
    found = json.loads(as_json.render([broken(exchange(b"\xff\x00\xfe"))]))
    response = found["clauses"][0]["failure"]["exchange"]["response"]
    assert base64.b64decode(response["body_base64"]) == b"\xff\x00\xfe"


def test_an_exchange_without_an_answer_is_in_every_report():
    silence = Exchange(Request("GET", "/"), None, 0.0, 30.0, "no whole answer after 30 s")
    shown = rendered(broken(exchange(), silence))
    assert all("no whole answer after 30 s" in one for one in shown.values())
    failure = json.loads(shown["json"])["clauses"][0]["failure"]
    assert failure["exchange"]["response"] is None
    assert [one["response"]["body"] for one in failure["before"]] == ["answer"]


def test_a_failure_without_an_exchange_is_reported():
    for shown in rendered(broken()).values():
        assert "it differs" in shown and "--only echo.say.same" in shown


def test_the_text_report_shows_what_was_promised_found_sent_and_answered():
    shown = text.render(broken(exchange(b"first"), exchange(b"answer", Content_Type="a/b")))
    assert shown == (
        "Echo (echo) at http://echo.test\n"
        "\n"
        "broken:\n"
        "  echo.say.same\n"
        "    promised: What is said is answered.\n"
        "              (documented: Say)\n"
        "    found:    it differs\n"
        "    after 1 exchange:\n"
        "      POST /say -> 200 first\n"
        "    exchange:\n"
        "      > POST http://echo.test/say\n"
        "      > question\n"
        "      < HTTP 200\n"
        "      < Content-Type: a/b\n"
        "      < answer\n"
        "    curl:  curl -sS -i --path-as-is --globoff -X POST -H Content-Type: "
        "--data-binary question http://echo.test/say\n"
        "    rerun: counterfoil check echo --url http://echo.test --only echo.say.same\n"
        "\n"
        "\n"
        "echo: broken (1 broken; 7 calls in 1.2 s; standard, seed 0)\n"
    )


def test_the_text_report_shows_the_last_exchanges_before_and_counts_what_is_alike():
    before = [exchange(b"poll")] * 3 + [exchange(str(n).encode()) for n in range(9)]
    lines = text.render(broken(*before, exchange())).splitlines()
    begin = lines.index("    after 12 exchanges:")
    assert lines[begin + 1] == "      POST /say -> 200 1"
    assert lines[begin + 9] == "    exchange:"
    few = text.render(broken(*[exchange(b"poll")] * 3, exchange()))
    assert "      POST /say -> 200 poll (3 times)\n" in few


def test_a_run_that_could_not_be_judged_fails_in_every_report():
    skipped = Finding(same, Verdict.UNTESTED, "nobody answers")
    for one in (
        outcome(skipped, trouble="nobody answers"),
        outcome(skipped, interrupted=True),
    ):
        shown = rendered(one)
        assert json.loads(shown["json"])["verdict"] == "untested"
        (suite,) = ElementTree.fromstring(shown["xml"])
        assert suite.get("errors") == "1"
        (error,) = suite.findall("testcase/error")
        assert error.get("message") == (one.trouble or "the run was interrupted")
    assert "not judged: nobody answers\n" in text.render(outcome(trouble="nobody answers"))


# What a target may say to whoever reads of it: every kind of character, and what looks like ours.
STRANGE = st.text(
    st.one_of(
        st.sampled_from("\x00\x07\x08\t\n\r\x1b\x7f\x85\x9b\u200b\u200f\u202e\u2028\u2066\ufeff"),
        st.sampled_from("]<>&'\"\\/%é中🙂\U000e0041\ufffe\uffff\ud800\udfff"),
        st.characters(),
    ),
    max_size=20,
)
FORGED = "\nbroken:\n  echo.say.same\r\n    found:    nothing\n    rerun: rm -rf .\x1b[2K\u2028]]>"
strange = st.one_of(
    STRANGE, st.just(FORGED), st.just("\x1b]0;title\x07"), STRANGE.map("]]>{}".format)
)
bodies = st.one_of(st.binary(max_size=40), strange.map(lambda s: s.encode("utf-8", "replace")))


@st.composite
def strange_exchanges(draw: st.DrawFn) -> Exchange:
    """Draw an exchange all of which a target may have had a hand in."""
    header = strange.map(lambda said: said.encode("utf-8", "replace").decode("latin-1"))
    raw = draw(strange).encode("utf-8", "replace")
    request = Request("POST", f"/{quote(raw)}", (("X-A", draw(header)),), draw(bodies))
    if draw(st.booleans()):
        return Exchange(request, None, 0.0, 1.0, draw(strange))
    lines = (("Content-Type", draw(header)), ("Location", draw(header)), ("X-B", draw(header)))
    body = draw(bodies)
    return Exchange(request, Response(200, lines, body, (Chunk(0.0, body),)), 0.0, 1.0)


@st.composite
def strange_outcomes(draw: st.DrawFn) -> Outcome:
    """Draw an outcome with findings of every verdict, all of which say what a target said."""
    findings = []
    for verdict in Verdict:
        said = draw(strange)
        failure = Failure(said, tuple(draw(st.lists(strange_exchanges(), max_size=3))))
        reason = "" if verdict is Verdict.KEPT else said
        seen = verdict in (Verdict.BROKEN, Verdict.DEVIATION) or draw(st.booleans())
        findings.append(Finding(same, verdict, reason, failure=failure if seen else None))
    trouble = draw(strange)
    return outcome(*findings, trouble=trouble and f"the trouble is {trouble}")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strange_outcomes())
def test_the_junit_report_is_well_formed_and_complete_whatever_was_said(found):
    root = ElementTree.fromstring(as_junit.render([found, found]).encode("utf-8"))
    assert (root.tag, [suite.tag for suite in root]) == ("testsuites", ["testsuite"] * 2)
    for suite in root:
        assert set(suite.attrib) == {
            "name", "tests", "failures", "errors", "skipped", "timestamp", "time"
        }  # fmt: skip
        assert f"{suite.get('timestamp')}+00:00" == found.began.isoformat()
        results = Counter(child.tag for case in suite for child in case)
        assert int(suite.get("tests", "")) == len(suite) == 5 + bool(found.trouble)
        assert int(suite.get("failures", "")) == results["failure"] == 1
        assert int(suite.get("errors", "")) == results["error"] == 1 + bool(found.trouble)
        assert int(suite.get("skipped", "")) == results["skipped"] == 1
        assert results["system-out"] == 1
        for case in suite:
            assert case.tag == "testcase"
            assert set(case.attrib) == {"classname", "name", "time"}
            assert float(case.get("time", "")) >= 0
            assert len(case) <= 1
            assert all(set(child.attrib) <= {"message", "type"} for child in case)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strange_outcomes())
def test_the_json_report_is_json_in_utf_8_whatever_was_said(found):
    written = as_json.render([found]).encode("utf-8")
    read = json.loads(written)
    assert [one["verdict"] for one in read["clauses"]] == list(Verdict)
    said = read["clauses"][1]["reason"]
    assert said == found.findings[1].reason


OURS = re.compile(
    r"(?:Echo \(echo\) at http://echo\.test"
    r"|(?:broken|untested|could not be judged for a mistake of ours"
    r"|deviations from what was observed \(nothing documented is broken\)"
    r"|seen once, and not when repeated):"
    r"|  (?:kept      )?echo\.say\.same"
    r"|    promised: What is said is answered\."
    r"|              \(documented: Say\)"
    r"|    (?:found:    |curl:  |after \d exchanges?:|exchange:|rerun: counterfoil check echo ).*"
    r"|      (?:[<>] |POST /).*"
    r"|        .*|    \S.*"
    r"|not judged: .*"
    r"|echo: .*)?"
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strange_outcomes())
def test_the_text_report_shows_every_character_and_no_line_that_is_not_ours(found):
    shown = text.render(found)
    lines = shown.split("\n")
    assert all(line.isprintable() for line in lines)
    assert shown.encode("utf-8")
    for line in lines:
        assert OURS.fullmatch(line), line
    # Each of these is said exactly as often as we say it.
    seen = sum(finding.failure is not None for finding in found.findings[1:])
    assert sum(line.startswith("    rerun: ") for line in lines) == seen
    assert sum(line.startswith("    found: ") for line in lines) == 2
    assert sum(line.startswith("  echo.say.same") for line in lines) == 4
    assert sum(line.startswith("echo: ") for line in lines) == 1
    once = found.findings[list(Verdict).index(Verdict.UNTESTED)].failure is not None
    assert lines.count("broken:") == 1
    assert lines.count("seen once, and not when repeated:") == once
    assert lines.count("untested:") == (not once)


@pytest.mark.parametrize("verdict", [Verdict.UNTESTED, Verdict.ERROR])
def test_a_long_reason_that_is_broken_into_lines_looks_like_none_of_ours(verdict):
    for length in range(60, 100):
        reason = f"{'x' * length} rerun: rm -rf . found:    nothing echo.say.same"
        lines = text.render(outcome(Finding(same, verdict, reason))).split("\n")
        begin = lines.index("  echo.say.same") + 1
        assert lines[begin].startswith("    x")
        assert all(line.startswith(" " * 8) for line in lines[begin + 1 : lines.index("", begin)])


def test_a_forged_answer_stays_in_its_line():
    shown = text.render(broken(exchange(FORGED.encode(), Location=FORGED), message=FORGED))
    escaped = r"\nbroken:\n  echo.say.same\r\n    found:    nothing\n    rerun: rm -rf ."
    assert f"    found:    {escaped}\\x1b[2K\\u2028]]>\n" in shown
    assert f"      < {escaped}\\x1b[2K\\u2028]]>\n" in shown
    assert f"      < Location: {escaped}\\x1b[2K\\u2028]]>\n" in shown


def test_a_long_body_is_cut_in_the_text_report_and_whole_in_the_json_report():
    shown = rendered(broken(exchange(b"x" * 5000)))
    assert f"< {'x' * text.MOST_BODY}… (5000 bytes)\n" in shown["txt"]
    assert "x" * 5000 in shown["json"]


ECHOES = {
    "plainly": lambda secret: secret,
    "in a URL": lambda secret: quote(secret, safe=""),
    "in a form": quote_plus,
    "in JSON": json.dumps,
    "in JSON with its letters": lambda secret: json.dumps({"a": secret}, ensure_ascii=False),
    "in JSON in JSON": lambda secret: json.dumps({"a": json.dumps(secret)}),
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in Basic credentials": lambda secret: base64.b64encode(f"us:{secret}:x".encode()).decode(),
    "as Python shows it": repr,
    "as Python shows its bytes": lambda secret: repr(secret.encode()),
    "in HTML": html.escape,
}  # fmt: skip


def places(said: str) -> Iterator[Outcome]:
    """Yield outcomes with a text in every place that a target's answer or a request has."""
    body = said.encode("utf-8", "surrogatepass")
    header = said.encode("utf-8", "surrogatepass").decode("latin-1")
    request = Request("POST", f"/{quote(said)}?q={quote_plus(said)}", (("X-A", header),), body)
    yield broken(exchange(body))
    yield broken(exchange(b"\xff" + body))
    yield broken(exchange(b"", X_B=header, Location=header, WWW_Authenticate=header))
    yield broken(exchange(b"", request))
    yield broken(exchange(b"", Request("PUT", "/", (), b"\xff\n" + body)))
    yield broken(exchange(b"", request), exchange(body), exchange())
    silence = Exchange(Request("GET", "/"), None, 0.0, 1.0, f"not HTTP: {said}")
    yield broken(silence)
    yield broken(silence, exchange())
    yield broken(exchange(), message=f"it differs: {said!r}")
    yield broken(message=said)
    for verdict in (Verdict.UNTESTED, Verdict.ERROR, Verdict.DEVIATION):
        yield outcome(Finding(same, verdict, said))
    yield outcome(trouble=said)


@pytest.mark.parametrize("form", ECHOES)
@pytest.mark.parametrize(
    "secret",
    ["counterfoil-private-key", SECRET, "pass", "p@ss w0rd", "中文密钥", "a\\b\\\\c", "q'\"q"],
)
def test_no_secret_reaches_a_report_however_a_server_says_it(form, secret):
    said = ECHOES[form](secret)
    around = ECHOES[form]("Q").split("Q")[0]
    for one in places(f"before {said} after"):
        one.credentials = {"key": secret}
        for ending, shown in rendered(one).items():
            if ending == "json":
                shown = "\n".join(texts_in(json.loads(shown)))
            for undone in (shown, html.unescape(shown), shown.replace("\\\\", "\\")):
                assert said[len(around) :] not in undone, ending
                assert secret not in undone.replace(one.rerun("echo.say.same"), ""), ending


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value, what is in base64 also as what it says."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from texts_in(member)
            if name == "body_base64":
                yield base64.b64decode(member).decode("utf-8", "replace")
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    else:
        yield str(value)


@pytest.mark.parametrize("secret", ["a", "k7", "k&y"])
def test_a_short_secret_is_hidden_in_its_place_and_leaves_the_rest_readable(secret):
    header = ("Authorization", f"Bearer {secret}")
    request = Request("GET", "/b", (header,), hidden=(Hidden(secret, "$K", '"${K}"'),))
    one = broken(exchange(b"an answer like any", request), credentials={"key": secret})
    for shown in rendered(one).values():
        assert f"Bearer {secret}" not in shown
        assert "an answer like any" in shown
    assert "> Authorization: Bearer $COUNTERFOIL_ECHO_KEY\n" in text.render(one)
    assert """-H 'Authorization: Bearer '"${K}" http://echo.test/b\n""" in text.render(one)


def test_harmless_fields_are_not_masked():
    body = {"session_id": 12, "max_tokens": 100, "token_count": 7, "key": "k", "password": None}
    request = Request("POST", "/say?session_id=12&max_tokens=100", (), json.dumps(body).encode())
    for ending, shown in rendered(broken(exchange(json.dumps(body).encode(), request))).items():
        plain = shown if ending != "json" else "\n".join(texts_in(json.loads(shown)))
        plain = html.unescape(plain)
        assert "/say?session_id=12&max_tokens=100" in plain
        if ending != "sarif":  # which shows the first words of an answer
            packed = "".join(plain.split())
            assert packed.count("".join(json.dumps(body).split())) >= 2, ending


def test_what_was_signed_for_a_request_is_hidden_wherever_it_is_said():
    signature = Hidden("ab12cd34ef56", "<signature>", '"$(sign)"')
    request = Request("GET", "/?Signature=ab12cd34ef56", hidden=(signature,))
    one = broken(exchange(b"wrong: ab12cd34ef56", request), message="'ab12cd34ef56' is wrong")
    for shown in rendered(one).values():
        assert "ab12cd34ef56" not in shown
    assert "    found:    '<signature>' is wrong\n" in text.render(one)


def test_a_cookie_that_a_server_sets_is_not_shown():
    one = broken(exchange(b"", Set_Cookie="session=lets-you-in; Path=/; HttpOnly"))
    for shown in rendered(one).values():
        assert "lets-you-in" not in shown
    assert "session=<cookie>; Path=/; HttpOnly" in as_json.render([one])


@pytest.mark.parametrize("ending", FORMATS)
def test_a_report_is_written_in_the_format_that_its_name_says(tmp_path, ending):
    path = tmp_path / f"report.{ending}"
    one = broken(exchange(), message="\ud800 é")
    write([one], path)
    assert path.read_text("utf-8") == FORMATS[ending]([one])


def test_several_apis_are_summed_up_in_a_table():
    shown = text.render_all([EVERY_VERDICT, outcome(trouble="no")])
    assert re.search(r"^echo +broken +1 +1 +1 +2 +1 +7 +1\.2$", shown, re.MULTILINE)
    assert re.search(r"^echo +not judged +0 +0 +0 +0 +0 +7 +1\.2$", shown, re.MULTILINE)


# The commands, run by a shell.


@pytest.fixture
def asked(recorder, tmp_path):
    """Run a command and send its request: what of both arrived at a server."""
    where = shutil.which("curl")
    assert where, "curl is not on this machine; `make test` installs it, these tests run it"

    def behave(line, received):
        body = b"" if received.method == "HEAD" else b"ok"
        line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body)
        if received.method == "HEAD":
            line.close()

    server = recorder(behave)
    # No certificates are needed, and to load them takes a while.
    target = Target(f"{server.url}/v1", transport=httpx.HTTPTransport(verify=False))

    def both(request: Request, shell: str = "sh", **variables: str) -> tuple[Any, Any, str]:
        command = curl.render(request, target.url)
        script = tmp_path / "command"
        script.write_text(command, encoding="utf-8")
        done = subprocess.run(
            [shell, script],
            capture_output=True,
            env={"PATH": str(Path(where).parent) + ":/usr/bin:/bin", "HOME": "/none", **variables},
            timeout=30,
        )
        assert (done.returncode, done.stderr) == (0, b""), (done, command)
        assert done.stdout.startswith(b"HTTP/1.1 200 OK")
        by_curl = server.received[-1]
        target.send(request)
        return by_curl, server.received[-1], command

    with closing(target):
        yield both


def same_request(by_curl: Any, by_us: Any, request: Request) -> None:
    """Hold what curl sent against what we sent: all of it, but for how curl calls itself."""
    assert by_curl.method == by_us.method == request.method
    assert by_curl.target == by_us.target == f"/v1{request.target}"
    assert by_curl.body == by_us.body == request.body
    given = {name.lower() for name, _ in request.headers}
    own = {"user-agent", "accept"} - given

    def kept(received: Any) -> list[tuple[str, bytes]]:
        lines = [(name.decode().lower(), value) for name, value in received.headers]
        return sorted(line for line in lines if line[0] not in own)

    assert kept(by_curl) == kept(by_us)
    wanted = [(name.encode(), value.encode()) for name, value in request.headers]
    for received in (by_curl, by_us):
        lines = [line for line in received.headers if line[0].decode().lower() in given]
        # Whoever sends it may put the host first.
        assert sorted(lines) == sorted(wanted)
        assert [one for one in lines if one[0] != b"Host"] == [
            one for one in wanted if one[0] != b"Host"
        ]


names = st.one_of(
    st.sampled_from(["Content-Type", "Accept", "Cookie", "Authorization", "X-Key", "x-key"]),
    st.text("abcXYZ019-_.!#$%&'*+^`|~", min_size=1, max_size=8).map("X-{}".format),
)
values = st.one_of(
    st.sampled_from(["", 'a/b; charset="utf-8"', "it's", "$HOME `ls` $(ls)", "a\tb", "@x", "\\n"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), max_size=9),
    st.text("'\"\\$`!*? ;:@%\t-", max_size=9),
).map(lambda value: value.strip(" \t"))
pieces = st.sampled_from(
    [b"'", b'"', b"\\", b"%", b"%s", b"\\n", b"\n", b"\r\n", b"\0", b"@", b"-", b"$HOME", b"`ls`",
     b"\xff", b"\xc3", "é中🙂".encode(), "\u202e\u2028".encode(), b"\\0101", b"7", b"!", b" ",
     b"x" * 50]
)  # fmt: skip
requests = st.builds(
    Request,
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20).map("/{}".format),
    st.lists(st.tuples(names, values), max_size=4).map(tuple),
    st.lists(pieces, max_size=8).map(b"".join) | st.binary(max_size=30),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(request_=requests)
@example(request_=Request("GET", "/"))
@example(request_=Request("POST", "/"))
@example(request_=Request("PUT", "/", (("Content-Type", ""),)))
@example(request_=Request("POST", "/", (), b"@/etc/passwd"))
@example(request_=Request("POST", "/", (), b"-n"))
@example(request_=Request("POST", "/", (), b"-n\0"))
@example(request_=Request("POST", "/", (("Host", "elsewhere.example"),), b"\0"))
@example(request_=Request("HEAD", "/", (), b"body"))
@example(request_=Request("GET", "/a/../b//c%2F%00?q={a,b}[1-3]#frag\\|^`<>\"'"))
def test_the_command_sends_byte_for_byte_what_was_sent(asked, request_):
    by_curl, by_us, command = asked(request_)
    same_request(by_curl, by_us, request_)
    assert command.isprintable()


LARGE = {
    "as large as fits a command line": b"a b" * 33_000,
    "one long run": b"x" * (1 << 20),
    "a long run of what a shell knows": b'{"a": "' + b"'" * 300_000 + b'"}',
    "a long run of hyphens": b"-" * 200_000,
    "a long run of nothing": b"\0" * 200_000 + b"end",
    "two long runs": b"[" * 100_000 + b"]" * 100_000,
    "runs that follow each other": b"".join(bytes([n]) * 1500 for n in range(256)),
    "no run at all": bytes(n * n // 7 % 251 for n in range(150_000)),
}


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE)
def test_the_command_sends_a_large_body_byte_for_byte(asked, body):
    request = Request("POST", "/", (("Content-Type", "a/b"),), body)
    by_curl, by_us, command = asked(request)
    same_request(by_curl, by_us, request)
    assert len(command) < 6 * 150_000


SECRETS = ["counterfoil-key", 'it\'s "100%" C:\\n é🙂 $HOME `ls`', "a", "-n", "@x", "%s"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("body", [b"{}", b"{}\n", b"\xff{}", b"@{}", b"x" * 120_000 + b"-{}-"])
def test_the_command_makes_secrets_from_their_variables(asked, secret, body):
    hidden = (Hidden(secret, "$KEY", '"${KEY}"'),)
    whole = body.replace(b"{}", secret.encode())
    request = Request("POST", "/", (("X-Key", secret), ("X-A", "b")), whole, hidden=hidden)
    by_curl, by_us, command = asked(request, KEY=secret)
    same_request(by_curl, by_us, request)
    if len(secret) > 3:
        assert secret not in command and command.count('"${KEY}"') == 2


@pytest.mark.parametrize("secret", ["ab12cd34ef56", "%41-and-more"])
def test_the_command_makes_a_secret_in_a_url_from_its_variable(asked, secret):
    hidden = (Hidden(secret, "$KEY", '"$(printf %s "${KEY}" | cut -c2-)"'),)
    request = Request("GET", f"/?a=b&Signature={secret}&c=d|", hidden=hidden)
    by_curl, by_us, command = asked(request, KEY=f"x{secret}")
    same_request(by_curl, by_us, request)
    assert secret not in command


SHELLS = [shell for shell in ("bash", "dash", "zsh", "ksh", "mksh") if shutil.which(shell)]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_means_the_same_to_other_shells(asked, shell):
    for body in (b"it's", b"-\0\\0101%s\xff\n", b"\n" * 120_000 + b"!", "é\u202e".encode()):
        request = Request("POST", "/a|b", (("X-A", "\u200bé'\\$!"),), body)
        by_curl, by_us, _ = asked(request, shell)
        same_request(by_curl, by_us, request)


def test_what_is_secret_in_a_command_and_cannot_be_made_is_left_out():
    request = Request("POST", f"/{quote(SECRET)}", (("X-A", json.dumps(SECRET)),), SECRET.encode())
    shown = as_json.render([broken(exchange(b"", request))])
    written = json.loads(shown)["clauses"][0]["failure"]["curl"]
    assert written.count("$COUNTERFOIL_ECHO_KEY") == 3
    assert "secret" not in written

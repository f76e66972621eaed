"""The page in a browser, beside mocks that run: what is seen of it, and what it does."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from counterfoil import wiring
from mockserver.clock import VirtualClock
from mockserver.journal import Entry, Journal
from mockserver.model import Settings
from mockserver.server import Server

CHAT = "/chatbot/api/v1/backend/chatbot/counterfoil-bot/chat"
HEALTH = "/bedrock/health"
KEY = {"x-api-key": "counterfoil-api-key"}
NOT_OK = "bedrock.health.not_ok"
HOSTILE = "<img src=x onerror='window.hurt=1'></td></script><script>window.hurt=1</script>\u202e"
MOST_ROWS = 80
MOST_NODES = 2500
"""Elements of the whole page, however long the journal is."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium here")
    from playwright.sync_api import sync_playwright

    there = ["--no-sandbox", "--host-resolver-rules=MAP mock.example 127.0.0.1"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=there)
        yield chromium
        chromium.close()


@dataclass
class Mock:
    """Two mocks on a socket, and one who talks with them."""

    url: str
    journal: Journal
    client: httpx.Client

    def chat(self, question: str, **more: Any) -> httpx.Response:
        return self.client.post(CHAT, json={"q": question, **more})

    def write(self, count: int, **fields: Any) -> None:
        plain: dict[str, Any] = {
            "at": 1767225600.0, "api": "chatbot", "operation": "chat", "session": "",
            "caller": "known", "method": "POST", "path": "/a", "query": "", "headers": (),
            "body": "", "status": 200, "answer_headers": (), "answer": "", "chunks": ((0.0, 1),),
            "fixture": "", "remarks": (), "faults": (),
        }  # fmt: skip
        for _ in range(count):
            self.journal.write(0.001, Entry(0, **{**plain, **fields}))


@pytest.fixture
def serve() -> Iterator[Callable[..., Mock]]:
    running: list[Any] = []

    def start(port: int = 0, **options: Any) -> Mock:
        made = wiring.mocks(["chatbot", "bedrock"], journal=Journal(), **options)
        server = Server(made.app.wsgi_app, port=port)
        client = httpx.Client(base_url=server.url, timeout=10)
        running.extend([client, server])
        server.__enter__()
        return Mock(server.url, made.journal, client)

    yield start
    for one in running:
        one.__exit__(None, None, None)


@pytest.fixture
def mock(serve: Callable[..., Mock]) -> Mock:
    return serve(settings=Settings(chunk_delay=0.01))


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens the page; nothing may go wrong in it, nor be kept from it by its policy."""
    contexts: list[Any] = []
    problems: list[str] = []

    def opened(address: str, **options: Any) -> Any:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else 0)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    expected = re.compile("Failed to load resource|net::ERR")
    assert [problem for problem in problems if not expected.search(problem)] == []


@pytest.fixture
def page(mock: Mock, open_page: Callable[..., Any]) -> Any:
    shown = open_page(f"{mock.url}/_counterfoil/")
    shown.get_by_text("live", exact=True).wait_for()
    return shown


def row(page: Any, number: int) -> Any:
    return page.locator(f'tr[data-number="{number}"]')


def go(page: Any, view: str) -> None:
    page.get_by_role("link", name=re.compile(f"^{view}")).click()
    page.get_by_role("heading", name=view, exact=True).wait_for()


def until(page: Any, expression: str) -> None:
    """Wait until an expression is true; the page's policy lets Playwright not wait by itself."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def nodes(page: Any) -> int:
    return int(page.evaluate("document.querySelectorAll('*').length"))


# The journal.


def test_a_request_appears_while_the_page_is_open(mock: Mock, page: Any) -> None:
    page.get_by_text("Nothing was asked yet.").wait_for()
    mock.chat("Ut minim ex")
    row(page, 1).wait_for()
    assert "POST" in row(page, 1).inner_text() and "200" in row(page, 1).inner_text()
    mock.client.get(HEALTH)
    row(page, 2).wait_for()
    assert "403" in row(page, 2).inner_text()
    shown = page.locator("tr[data-number]").evaluate_all("rows => rows.map(r => r.dataset.number)")
    assert shown == ["2", "1"], "the newest is first"
    page.get_by_text("2 exchanges").wait_for()


def test_an_exchange_is_shown_side_by_side_with_its_stream(mock: Mock, page: Any) -> None:
    mock.chat("When is the museum open?", stream=True)
    row(page, 1).click()
    drawing = page.get_by_role("img", name=re.compile("The stream along time: .* pieces, .* bytes"))
    drawing.wait_for()
    assert drawing.locator(".piece").count() > 3
    asked = page.get_by_role("region", name="Request")
    assert '{\n  "q": "When is the museum open?",\n  "stream": true\n}' in asked.inner_text()
    assert "Content-Typeapplication/json" in asked.inner_text()
    assert "Tuesday to Sunday" in page.get_by_role("region", name="Answer").inner_text()
    assert "replies.yaml, entry 2" in page.locator(".facts").inner_text()


def test_numbers_in_json_are_shown_as_they_were_sent(mock: Mock, page: Any) -> None:
    mock.write(1, body='{"a":12345678901234567890,"a":1.00,"b":[],"c":"{,}\\""}')
    row(page, 1).click()
    text = page.get_by_role("region", name="Request").locator("pre").inner_text()
    assert text == ('{\n  "a": 12345678901234567890,\n  "a": 1.00,\n  "b": [],\n  "c": "{,}\\""\n}')


def test_remarks_and_the_caller_are_shown(mock: Mock, page: Any) -> None:
    mock.write(1, remarks=("the signature is wrong: it was made for another key",),
               caller="refused", faults=("a.b.c",), status=403)  # fmt: skip
    row(page, 1).click()
    page.get_by_text("the signature is wrong: it was made for another key").wait_for()
    facts = page.locator(".facts").inner_text()
    assert "refused" in facts and "a.b.c" in facts


def test_the_server_filters(mock: Mock, page: Any) -> None:
    mock.write(3)
    mock.write(1, status=404, answer="a needle")
    mock.write(3)
    row(page, 7).wait_for()
    page.get_by_role("searchbox", name="Text").fill("needle")
    page.get_by_text("1 exchange", exact=True).wait_for()
    assert page.locator("tr[data-number]").count() == 1
    mock.write(1, status=404, answer="another needle")
    row(page, 8).wait_for()
    page.get_by_label("Status").fill("500")
    page.get_by_text("No exchange that is kept is like this.").wait_for()
    page.get_by_role("button", name="Show all").click()
    page.get_by_text("8 exchanges").wait_for()


def test_ten_thousand_entries_are_a_window_of_rows(mock: Mock, page: Any) -> None:
    mock.write(10_000, body="x" * 100)
    page.get_by_text("10,000 exchanges").wait_for()
    assert page.get_by_role("table").first.get_attribute("aria-rowcount") == "10001"
    assert 10 < page.locator("#body tr").count() <= MOST_ROWS
    assert nodes(page) <= MOST_NODES
    page.locator("#scroller").focus()
    page.keyboard.press("End")
    row(page, 1).wait_for()
    assert page.evaluate("document.activeElement.textContent") == "1"
    assert row(page, 1).get_attribute("aria-rowindex") == "10001"
    assert page.locator("#body tr").count() <= MOST_ROWS and nodes(page) <= MOST_NODES
    page.keyboard.press("PageUp")
    mock.write(5)
    until(page, "document.querySelector('#news').textContent.includes('5 new exchanges, 10,000')")
    assert page.evaluate("document.activeElement.closest('tr').dataset.number") != "1"
    assert mock.journal.kept == 10_000 and page.get_by_text("10,000 exchanges").count() == 1


def test_who_reads_further_down_stays_where_they_are(mock: Mock, page: Any) -> None:
    mock.write(500)
    page.get_by_text("500 exchanges").wait_for()
    page.locator("#scroller").evaluate("one => { one.scrollTop = 2800; }")
    row(page, 400).wait_for()
    place = row(page, 395).bounding_box()["y"]
    mock.write(30)
    page.get_by_text("530 exchanges").wait_for()
    assert abs(row(page, 395).bounding_box()["y"] - place) < 1
    page.get_by_role("button", name="Show the newest").click()
    row(page, 530).wait_for()


def test_a_journal_that_is_cleared_is_empty(mock: Mock, page: Any) -> None:
    mock.write(3)
    row(page, 3).wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("Nothing was asked yet.").wait_for()
    assert mock.journal.kept == 0
    mock.write(1)
    row(page, 4).wait_for()


def test_the_page_goes_on_with_a_mock_that_is_started_anew(
    serve: Callable[..., Mock], open_page: Callable[..., Any]
) -> None:
    first = Server(wiring.mocks(["chatbot"], journal=Journal()).app.wsgi_app)
    with first:
        httpx.get(f"{first.url}/a")
        httpx.get(f"{first.url}/b")
        page = open_page(f"{first.url}/_counterfoil/")
        row(page, 2).wait_for()
    page.get_by_text("not answering").wait_for()
    mock = serve(port=first.port)
    mock.write(3, path="/anew")
    page.get_by_text("live", exact=True).wait_for()
    row(page, 3).wait_for()
    assert page.locator("tr[data-number]").count() == 3
    assert "/anew" in row(page, 1).inner_text()


# Whatever comes is text.


def hurt(page: Any) -> object:
    page.wait_for_timeout(200)
    made = page.evaluate("document.querySelectorAll('main img, main script').length")
    return page.evaluate("window.hurt") or made


def test_a_hostile_exchange_does_not_run(mock: Mock, page: Any) -> None:
    headers = ((HOSTILE, HOSTILE), ("__proto__", "constructor"))
    mock.write(
        1, body=HOSTILE, answer=f'{{"a": "{HOSTILE}"}}', headers=headers, answer_headers=headers,
        session=HOSTILE, path=HOSTILE, method=HOSTILE, operation=HOSTILE, fixture=HOSTILE,
        remarks=(HOSTILE,), faults=(HOSTILE, "__proto__"), query=HOSTILE, api=HOSTILE,
        chunks=((0.0, 1), (1.0, 2)),
    )  # fmt: skip
    row(page, 1).click()
    page.locator(".ticket").wait_for()
    assert hurt(page) in (None, 0)
    body = page.get_by_role("region", name="Request").locator("pre").inner_text()
    assert body == HOSTILE.replace("\u202e", "\\u202e")


@pytest.mark.parametrize("body", ["[" * 16_000 + "]" * 380, "\0\x1b[31m\x07", '{"a":' * 3000],
                         ids=["lists", "controls", "objects"])  # fmt: skip
def test_a_body_that_is_odd_is_shown(mock: Mock, page: Any, body: str) -> None:
    mock.write(1, body=body)
    row(page, 1).click()
    shown = page.get_by_role("region", name="Request").locator("pre").inner_text()
    assert shown == re.sub("[\0-\x1f]", lambda char: chr(0x2400 + ord(char[0])), body)


def test_hostile_conversations_sessions_and_replies_do_not_run(mock: Mock, page: Any) -> None:
    mock.chat(HOSTILE)
    mock.client.put(
        "/_counterfoil/faults", json={"api": "bedrock", "faults": [NOT_OK], "session": HOSTILE}
    )
    mock.client.post(
        "/_counterfoil/replies", json={"api": "chatbot", "contains": HOSTILE, "answer": HOSTILE}
    )
    shown = {"Conversations": "characters", "Faults": "session <img", "Replies": "… <img"}
    for view, text in shown.items():
        go(page, view)
        page.get_by_text(text).first.wait_for()
        for summary in page.locator("#records summary").all():
            if summary.is_visible():
                summary.click()
        assert hurt(page) in (None, 0), view


# Switches, replies, the clock.


def test_a_fault_that_is_switched_on_breaks_the_next_request(mock: Mock, page: Any) -> None:
    honest = mock.client.get(HEALTH, headers=KEY).text
    go(page, "Faults")
    page.get_by_text("none is on: the mocks are honest").wait_for()
    page.locator("#faults-api").select_option("bedrock")
    page.get_by_label("Find").fill("health not_ok")
    assert page.locator("#faults-known li:visible").count() == 1
    page.get_by_role("switch", name=re.compile(NOT_OK)).check()
    page.get_by_text("everybody").locator("visible=true").last.wait_for()
    page.get_by_role("button", name=f"Switch off {NOT_OK}, everybody").wait_for()
    assert mock.client.get(HEALTH, headers=KEY).text != honest
    page.get_by_role("button", name=f"Switch off {NOT_OK}, everybody").click()
    page.get_by_text("none is on: the mocks are honest").wait_for()
    assert page.evaluate("document.activeElement.id") == "faults-title"
    assert mock.client.get(HEALTH, headers=KEY).text == honest


def test_a_fault_is_switched_on_for_one_session(mock: Mock, page: Any) -> None:
    honest = mock.client.get(HEALTH, headers=KEY).text
    go(page, "Faults")
    page.locator("#faults-api").select_option("bedrock")
    page.locator("#faults-whom").select_option("one")
    page.get_by_label("Find").fill(NOT_OK)
    page.get_by_role("switch", name=re.compile(NOT_OK)).click()
    page.get_by_text("Name the session that the fault is for.").wait_for()
    assert not page.get_by_role("switch", name=re.compile(NOT_OK)).is_checked()
    page.locator("#faults-session").fill("mine")
    page.get_by_role("switch", name=re.compile(NOT_OK)).check()
    page.get_by_role("button", name=f"Switch off {NOT_OK}, session mine").wait_for()
    assert mock.client.get(HEALTH, headers=KEY).text == honest
    mine = {**KEY, "Counterfoil-Session": "mine"}
    assert mock.client.get(HEALTH, headers=mine).text != honest
    page.get_by_role("button", name="Switch all off").click()
    page.get_by_text("none is on: the mocks are honest").wait_for()
    assert mock.client.get(HEALTH, headers=mine).text == honest


def test_a_scripted_reply_is_answered(mock: Mock, page: Any) -> None:
    go(page, "Replies")
    form = page.get_by_role("form", name="Script a reply")
    form.get_by_label("API").select_option("chatbot")
    form.get_by_label("Text of the question").fill("weather")
    form.get_by_label("Answer").fill("Rain, later sun.")
    form.get_by_text("How it is given").click()
    form.get_by_label("Times").fill("1")
    form.get_by_role("button", name="Script it").click()
    page.get_by_text("1 scripted").wait_for()
    assert "Rain, later sun." in mock.chat("How is the weather?").text
    assert "Rain, later sun." not in mock.chat("How is the weather?").text
    form.get_by_label("Text of the question").fill("x")
    form.get_by_label("Further keys, as JSON").fill('{"colour": 1}')
    form.get_by_role("button", name="Script it").click()
    page.get_by_text("unknown key 'colour'").wait_for()
    page.get_by_role("button", name="Remove s1").click()
    page.get_by_text("none is scripted").wait_for()


def test_conversations_follow_what_is_said(mock: Mock, page: Any) -> None:
    go(page, "Conversations")
    page.get_by_text("nobody has talked with the mocks yet").wait_for()
    begun = mock.chat("Ut minim ex").json()["data"]["conversation_uid"]
    page.get_by_text(begun).click()
    record = page.locator("#records pre")
    assert '"Ut minim ex"' in record.inner_text()
    mock.chat("And what then?", conversation_uid=begun)
    page.get_by_text("And what then?").wait_for()
    assert record.count() == 1, "it stays open"


def test_a_virtual_clock_is_moved(
    serve: Callable[..., Mock], open_page: Callable[..., Any]
) -> None:
    clock = VirtualClock()
    page = open_page(f"{serve(clock=clock).url}/_counterfoil/#clock")
    page.get_by_text("2026-01-01 00:00:00 UTC", exact=True).wait_for()
    page.get_by_role("button", name="1 day").click()
    page.get_by_text("2026-01-02 00:00:00 UTC", exact=True).wait_for()
    assert clock.now() == 1767225600 + 86400


def test_a_real_clock_offers_no_hand(page: Any) -> None:
    go(page, "Clock")
    page.get_by_text("start the mock with --clock virtual to move it").wait_for()
    assert page.get_by_role("button", name="Move it forward").count() == 0


def test_reset_asks_first_and_forgets_all(mock: Mock, page: Any) -> None:
    mock.chat("Ut minim ex")
    mock.client.put("/_counterfoil/faults", json={"api": "bedrock", "faults": [NOT_OK]})
    row(page, 1).wait_for()
    page.get_by_role("button", name="Reset…").click()
    page.get_by_role("button", name="Leave it").click()
    assert mock.journal.kept == 1
    page.get_by_role("button", name="Reset…").click()
    page.get_by_role("button", name="Forget it all").click()
    page.get_by_text("Nothing was asked yet.").wait_for()
    state = mock.client.get("/_counterfoil/faults").json()["apis"]["bedrock"]
    assert (mock.journal.kept, state["faults"]) == (0, [])


# Who cannot point, see, or reach the machine.


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def tab_to(page: Any, selector: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("one => document.activeElement.matches(one)", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}")


def test_everything_is_reached_by_keyboard(mock: Mock, page: Any) -> None:
    mock.write(30)
    mock.write(1, body="the one")
    row(page, 31).wait_for()
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tab_to(page, "#body a")
    assert focused(page) == "31"
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    assert focused(page) == "30"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "focus is seen"
    mock.write(40)
    page.get_by_text("71 exchanges").wait_for()
    assert focused(page) == "30", "focus is kept when newer ones come"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.get_by_text("the one").wait_for()
    assert page.evaluate("document.activeElement.id") == "detail-title"
    page.keyboard.press("Escape")
    until(page, "document.activeElement.textContent === '31'")


def test_a_fault_is_switched_by_keyboard(mock: Mock, page: Any) -> None:
    tab_to(page, "nav a[href='#faults']")
    page.keyboard.press("Enter")
    until(page, "document.activeElement.id === 'faults-title'")
    tab_to(page, "#faults-find")
    page.keyboard.type("shape")
    tab_to(page, "#faults-known input")
    page.keyboard.press("Space")
    page.get_by_role("button", name=re.compile("^Switch off")).wait_for()
    assert page.evaluate("document.activeElement.type") == "checkbox", "focus is kept"


def test_a_screen_reader_finds_landmarks_names_and_a_polite_count(mock: Mock, page: Any) -> None:
    mock.write(3)
    row(page, 3).wait_for()
    for role in ("banner", "navigation", "main", "search"):
        assert page.get_by_role(role).count() == 1, role
    page.get_by_role("table", name=re.compile("^Exchanges, the newest first")).wait_for()
    assert page.get_by_role("link", name="Journal", exact=True).get_attribute("aria-current")
    live = page.locator("[aria-live]")
    until(page, "document.querySelector('[aria-live]').textContent !== ''")
    assert [one.get_attribute("aria-live") for one in live.all()] == ["polite"]
    assert live.text_content() == "3 new exchanges, 3 in all"
    unnamed = page.evaluate("""[...document.querySelectorAll('input, select, textarea, button')]
        .filter((one) => !(one.labels?.length || one.textContent.trim() || one.ariaLabel))
        .length""")
    assert unnamed == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_schemes(
    mock: Mock, open_page: Callable[..., Any], scheme: str
) -> None:
    page = open_page(f"{mock.url}/_counterfoil/", color_scheme=scheme)
    colours = page.evaluate("""(names) => Object.fromEntries(names.map((name) => [name,
        getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()]))""",
        ["paper", "sheet", "faint", "chosen", "warn-back", "ink", "soft", "accent", "good", "poor",
         "bad", "on-accent"])  # fmt: skip
    pairs = [(one, back) for one in ("ink", "soft", "accent", "good", "poor", "bad")
             for back in ("paper", "sheet")]  # fmt: skip
    pairs += [("ink", "chosen"), ("soft", "chosen"), ("ink", "warn-back"), ("poor", "warn-back"),
              ("soft", "faint"), ("on-accent", "accent")]  # fmt: skip
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 reckons it."""

    def light(colour: str) -> float:
        digits = colour.lstrip("#")
        digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        lin = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * lin[0] + 0.7152 * lin[1] + 0.0722 * lin[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_narrow_window_shows_everything_without_scrolling_sideways(
    mock: Mock, open_page: Callable[..., Any]
) -> None:
    mock.chat("When is the museum open?", stream=True)
    mock.write(1, path="/a" * 300, session="s" * 300, headers=(("h" * 300, "v" * 900),))
    page = open_page(f"{mock.url}/_counterfoil/", viewport={"width": 390, "height": 844})
    row(page, 2).wait_for()
    for place in [
        "journal",
        "journal/1",
        "journal/2",
        "conversations",
        "faults",
        "chaos",
        "replies",
    ]:
        page.goto(f"{mock.url}/_counterfoil/#{place}")
        page.wait_for_timeout(300)
        wide = page.evaluate("""[...document.querySelectorAll('html, body, main, .detail')]
            .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.tagName)""")
        assert wide == [], place
    page.goto(f"{mock.url}/_counterfoil/#journal/1")
    page.get_by_role("link", name="Back to the journal").click()
    row(page, 1).wait_for()


def test_nothing_moves_for_who_wants_no_motion(mock: Mock, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{mock.url}/_counterfoil/", reduced_motion="reduce")
    page.get_by_text("Nothing was asked yet.").wait_for()
    mock.write(1)
    row(page, 1).wait_for()
    assert page.evaluate("document.getAnimations().length") == 0


def test_the_token_is_asked_for_once(
    serve: Callable[..., Mock], open_page: Callable[..., Any]
) -> None:
    mock = serve(admin_token="sesame")
    mock.write(1)
    page = open_page(mock.url.replace("127.0.0.1", "mock.example") + "/_counterfoil/")
    page.get_by_role("dialog", name="The token, please").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("textbox", name="Token").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("That is not the token of this mock.").wait_for()
    page.get_by_role("textbox", name="Token").fill("sesame")
    page.keyboard.press("Enter")
    row(page, 1).wait_for()
    page.get_by_text("live", exact=True).wait_for()
    page.reload()
    row(page, 1).wait_for()
    assert page.get_by_role("dialog").count() == 0
    assert page.context.cookies() == [] and page.evaluate("localStorage.length") == 0
    assert "sesame" not in page.content() + page.url


# What happens to connections, and what is taken away.


def test_chaos_is_switched_on_shown_and_off_again(mock: Mock, page: Any) -> None:
    go(page, "Chaos")
    page.get_by_text("none is on: connections are sound").wait_for()
    page.get_by_label("Until the first byte").fill("0.01")
    page.get_by_label("Rate limit").fill("3/60")
    page.get_by_label("Bytes a second, drip").fill("5000")
    page.locator("#chaos-api").select_option("chatbot")
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_text("everybody: connection drip:5000 · latency 0.01 · rate limit 3/60").wait_for()
    assert [mock.chat("Ut minim ex").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert mock.client.get(HEALTH, headers=KEY).status_code == 200
    assert mock.journal.entries()[0].chaos == ("latency=0.01", "drip=5000")
    go(page, "Journal")
    page.locator("#by-chaos").select_option("rate_limit")
    row(page, 1).wait_for(state="detached")
    row(page, 4).get_by_text("chaos").wait_for()
    row(page, 4).click()
    page.get_by_role("button", name="rate_limit").wait_for()
    go(page, "Chaos")
    page.get_by_role("button", name="Switch off the chaos of chatbot, everybody").click()
    page.get_by_text("none is on: connections are sound").wait_for()
    assert mock.chat("Ut minim ex").status_code == 200
    assert mock.journal.entries()[-1].chaos == ()


def test_chaos_is_for_one_session_by_chance_and_wrong_chaos_is_told(mock: Mock, page: Any) -> None:
    go(page, "Chaos")
    page.locator("#chaos-api").select_option("bedrock")
    page.locator("#chaos-whom").select_option("one")
    page.get_by_role("switch", name="truncated").check()
    page.get_by_label("Chance, truncated").fill("0.5")
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_text("Name the session that it is for.").wait_for()
    page.locator("#chaos-session").fill("mine")
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_role("button", name="Switch off the chaos of bedrock, session mine").wait_for()
    on = mock.client.get("/_counterfoil/chaos").json()["apis"]["bedrock"]
    assert (on["everywhere"], on["sessions"]) == ({}, {"mine": {"connection": ["truncated@0.5"]}})
    page.get_by_label("Until the first byte").fill("soon")
    page.get_by_role("button", name="Switch it on").click()
    page.locator("#chaos-problem").get_by_text("soon").wait_for()
    page.get_by_role("button", name="Switch all off").click()
    page.get_by_text("none is on: connections are sound").wait_for()


def test_chaos_from_the_start_is_shown_and_can_be_put_off(
    serve: Callable[..., Mock], open_page: Callable[..., Any]
) -> None:
    mock = serve(settings=Settings(chaos={"latency": "0.01", "connection": ["drip:9000"]}))
    page = open_page(f"{mock.url}/_counterfoil/#chaos")
    page.get_by_text("from the start: connection drip:9000 · latency 0.01").first.wait_for()
    assert page.get_by_role("switch", name="drip").is_checked()
    assert page.get_by_label("Bytes a second, drip").input_value() == "9000"
    page.get_by_role("switch", name="drip").uncheck()
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_text("everybody: connection none · latency 0.01").first.wait_for()
    mock.chat("Ut minim ex")
    assert mock.journal.entries()[-1].chaos == ("latency=0.01",)


def test_the_journal_is_saved_as_har_as_it_is_filtered(
    serve: Callable[..., Mock], open_page: Callable[..., Any]
) -> None:
    mock = serve(admin_token="sesame")
    mock.write(2)
    mock.write(1, status=404)
    page = open_page(mock.url.replace("127.0.0.1", "mock.example") + "/_counterfoil/")
    page.get_by_role("textbox", name="Token").fill("sesame")
    page.keyboard.press("Enter")
    row(page, 3).wait_for()
    saved = []
    for status in ("", "404"):
        page.get_by_label("Status").fill(status)
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as HAR").click()
        assert download.value.suggested_filename == "journal.har"
        saved.append(json.loads(download.value.path().read_text("utf-8"))["log"]["entries"])
    assert [[one["response"]["status"] for one in entries] for entries in saved] == [
        [200, 200, 404], [404],
    ]  # fmt: skip


def test_a_reply_is_changed_and_answers_in_turn_or_with_an_error(mock: Mock, page: Any) -> None:
    go(page, "Replies")
    form = page.get_by_role("form", name="Script a reply")
    form.get_by_label("API").select_option("chatbot")
    form.get_by_label("Text of the question").fill("weather")
    form.get_by_label("Answer", exact=True).fill("Rain.")
    form.get_by_text("How it is given").click()
    form.get_by_label("Then, in turn").fill("Sun.\nSnow.")
    form.get_by_role("button", name="Script it").click()
    page.get_by_role("button", name="Change s1").click()
    assert form.get_by_label("Then, in turn").input_value() == "Sun.\nSnow."
    assert "Rain.\n… Sun.\n… Snow." in page.locator("#replies-rows").inner_text()
    form.get_by_label("Then, in turn").fill("Hail.")
    form.get_by_label("Delay").fill("0.01")
    form.get_by_role("button", name="Change s1").click()
    page.get_by_role("button", name="Remove s2").wait_for()
    page.get_by_text("1 scripted").wait_for()
    said = [mock.chat("How is the weather?").json()["data"]["answer"] for _ in range(3)]
    assert said == ["Rain.", "Hail.", "Hail."]
    page.get_by_role("button", name="Change s2").click()
    form.get_by_role("button", name="Leave it as it is").click()
    assert form.get_by_label("Text of the question").input_value() == ""
    page.get_by_role("button", name="Change s2").click()
    form.get_by_label("Answer", exact=True).fill("")
    form.get_by_label("Then, in turn").fill("")
    form.get_by_label("HTTP code").fill("503")
    form.get_by_label("Its message").fill("Later")
    form.get_by_role("button", name="Change s2").click()
    page.get_by_role("button", name="Change s3").wait_for()
    refused = mock.chat("How is the weather?")
    assert (refused.status_code, refused.json()["msg"]) == (503, "Later.")
    page.get_by_role("button", name="Change s3").click()
    assert form.get_by_label("HTTP code").input_value() == "503"
    assert form.get_by_label("Delay").input_value() == "0.01"


def test_what_the_form_has_no_field_for_is_kept_when_a_reply_is_changed(
    mock: Mock, page: Any
) -> None:
    entries: list[dict[str, Any]] = [
        {"pattern": "^a", "answers": ["1\n2", "3\n4"], "times": 3, "fields": {"is_qa_mode": True}},
        {"question": "b", "error": {"status": 500, "code": 7, "message": "no"}, "session": "mine"},
    ]
    for entry in entries:
        made = mock.client.post("/_counterfoil/replies", json={"api": "chatbot", **entry})
        assert made.status_code == 201
    go(page, "Replies")
    for old, new in (("s1", "s3"), ("s2", "s4")):
        page.get_by_role("button", name=f"Change {old}").click()
        page.get_by_role("form").get_by_role("button", name=f"Change {old}").click()
        page.get_by_role("button", name=f"Remove {new}").wait_for()
    kept = mock.client.get("/_counterfoil/replies").json()["replies"]
    assert [one["entry"] for one in kept] == [{**one, "basis": "authored"} for one in entries]

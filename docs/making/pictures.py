"""Pictures of the mocks' page and of a report, by a browser: `python -m docs.making.pictures`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from counterfoil import wiring
from mockserver.model import Settings
from mockserver.server import Server

IMAGES = Path(__file__).parent.parent / "images"
WIDTH, HEIGHT = 1120, 630
CHAT = "/chatbot/api/v1/backend/chatbot/counterfoil-bot/chat"
KEY = {"x-api-key": "counterfoil-api-key"}
FAULT = "genesis.signature.any_accepted"
QUESTION = "When is the museum open?"


def take(folder: Path) -> None:
    """Take all pictures anew; raises LookupError where there is no browser."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        raise LookupError("there is no chromium here; `make tools` installs it")
    with sync_playwright() as playwright, _served() as url:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT},
            color_scheme="light",
            reduced_motion="reduce",
        )
        page.goto(f"{url}/_counterfoil/")
        page.get_by_text("live", exact=True).wait_for()
        _take_journal(page, folder)
        _take_replies(page, folder)
        _take_faults(page, folder)
        _take_report(page, folder)
        browser.close()


@contextmanager
def _served() -> Iterator[str]:
    """Serve all mocks, and talk with them for a while."""
    mocks = wiring.mocks(
        ["bedrock", "chatbot", "genesis", "mtmai"],
        settings=Settings(chunk_delay=0.03, reply_after=0.0),
    )
    with Server(mocks.app.wsgi_app) as server:
        with httpx.Client(base_url=server.url) as client:
            _talk(client)
        yield server.url


def _talk(client: httpx.Client) -> None:
    content = [{"contentType": "text", "body": "hello"}]
    said = {"content": content, "model": "claude-v3-haiku"}
    body = {"conversationId": "mine", "message": said}
    tenant = wiring.default_credentials("mtmai")["tenant"]
    chats, token = f"/mtmai/api/v1/tenants/{tenant}/chats", {"authorization": "Bearer wrong"}
    client.get("/bedrock/health", headers=KEY)
    client.post("/bedrock/conversation", headers=KEY, json=body)
    client.get("/bedrock/conversation/mine", headers=KEY)
    client.get("/bedrock/conversation/yours", headers=KEY)
    client.get("/bedrock/health", headers={**KEY, "Counterfoil-Fault": "bedrock.health.not_ok"})
    client.post(chats, headers=token, json={"name": "Travel plans"})
    client.post(
        "/genesis/",
        data={
            "Action": "RunMVChat",
            "PublicKey": "counterfoil-public-key",
            "AppID": "counterfoil-app",
            "Role.0": "user",
            "Content.0": "Hello",
            "Signature": "0" * 40,
        },
    )
    client.post(CHAT, json={"q": QUESTION})
    client.post(CHAT, json={"q": QUESTION, "stream": True})


def _take_journal(page: Any, folder: Path) -> None:
    page.locator('tr[data-number="9"]').click()
    page.get_by_role("img", name="The stream along time").wait_for()
    _shoot(page, folder / "mock-page.png", 600)


def _take_replies(page: Any, folder: Path) -> None:
    page.get_by_role("link", name="Replies").click()
    form = page.get_by_role("form", name="Script a reply")
    form.get_by_label("API").select_option("chatbot")
    for question, answer in (("ticket", "Twelve euros; under 18 nothing."), ("weather", "Sunny.")):
        form.get_by_label("Text of the question").fill(question)
        form.get_by_label("Answer").fill(answer)
        form.get_by_role("button", name="Script it").click()
        page.get_by_text(answer).locator("visible=true").last.wait_for()
    page.get_by_text("2 scripted").wait_for()
    _shoot(page, folder / "mock-replies.png", 490)


def _take_faults(page: Any, folder: Path) -> None:
    page.get_by_role("link", name="Faults").click()
    page.locator("#faults-api").select_option("chatbot")
    page.get_by_label("Find").fill("magic")
    page.locator("#faults-chance").fill("0.25")
    page.get_by_role("switch").locator("visible=true").first.check()
    page.get_by_role("button", name="Switch off chatbot.").first.wait_for()
    _shoot(page, folder / "mock-faults.png", 515)


def _take_report(page: Any, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        report = Path(made) / "report.html"
        words = ["check", "genesis", "--mock", "--only", "genesis.signature.*", "--fault", FAULT]
        done = subprocess.run(
            [sys.executable, "-m", "counterfoil", *words, "--report", str(report)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 1:
            raise RuntimeError(f"the mock was not found to be broken: {done.stderr}")
        page.goto(report.as_uri())
    _shoot(page, folder / "report.png", HEIGHT)
    found = page.locator("article.finding").first
    found.scroll_into_view_if_needed()
    found.screenshot(path=folder / "report-finding.png", animations="disabled", caret="hide")


def _shoot(page: Any, path: Path, height: int) -> None:
    """Take the upper part of a page, which is what there is something in."""
    part = {"x": 0, "y": 0, "width": WIDTH, "height": height}
    page.screenshot(path=path, clip=part, animations="disabled", caret="hide")


if __name__ == "__main__":
    take(IMAGES)

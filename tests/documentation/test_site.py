"""The documentation is built as CI builds it, and every link and picture in it leads somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import contracts
from counterfoil.cli import COMMANDS
from docs.making.order import in_order
from docs.making.pictures import take
from docs.making.transcripts import COMMANDS as TRANSCRIPTS
from docs.making.transcripts import FOLDER, IN_README, in_readme, transcript, without_times
from mockserver.faults import faults_of

ROOT = Path(__file__).parent.parent.parent
LEAST = 25
"""Pages that there are at least."""

PICTURE = 150_000
"""Bytes that a picture may have."""


class Links(HTMLParser):
    """What a page links to, and which of its places can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.fetched: list[str] = []
        self.places = {"", "__top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        link = given.get("href") or given.get("src")
        if link and tag != "base":
            self.targets.append(link)
            if tag not in ("a", "area") and given.get("rel") not in ("next", "prev", "canonical"):
                self.fetched.append(link)


def build(folder: Path, config: Path = ROOT / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    words = ["-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(folder)]
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "docs"
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    return folder


def read(site: Path) -> dict[Path, Links]:
    return {path: Links(path.read_text("utf-8")) for path in site.rglob("*.html")}


def dead(pages: dict[Path, Links]) -> Iterator[str]:
    for page, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if file.is_dir():
                file = file / "index.html"
            place = unquote(parts.fragment)
            if not file.exists() or (file in pages and place not in pages[file].places):
                yield f"{page.name}: {target}"


def test_every_link_anchor_and_picture_of_the_site_is_there(site: Path) -> None:
    pages = {path.resolve(): links for path, links in read(site).items() if path.stem != "404"}
    assert len(pages) > LEAST
    assert list(dead(pages)) == []


def test_a_link_a_place_and_a_picture_that_are_not_there_are_found(tmp_path: Path) -> None:
    page = (tmp_path / "a.html").resolve()
    page.write_text('<h1 id="x"><a href="#x"><a href="#y"><a href="b.html"><img src="c.png">')
    assert list(dead({page: Links(page.read_text())})) == [
        "a.html: #y", "a.html: b.html", "a.html: c.png",
    ]  # fmt: skip


def test_a_page_with_a_place_that_is_not_there_is_not_built(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# A\n\n[there](#nowhere)\n")
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    validation = config[config.index("validation:") : config.index("hooks:")]
    (tmp_path / "mkdocs.yml").write_text(f"site_name: A\n{validation}")
    done = build(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert done.returncode == 1 and "#nowhere" in done.stderr


def test_nothing_is_fetched_from_elsewhere_to_read_a_page(site: Path) -> None:
    fetched = {link for links in read(site).values() for link in links.fetched}
    assert fetched and not [link for link in fetched if urlsplit(link).netloc]
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheet.read_text("utf-8"))


def test_every_command_api_clause_and_fault_has_its_place(site: Path) -> None:
    for name in COMMANDS:
        text = (site / "commands" / f"{name}.html").read_text("utf-8")
        assert "Exit codes" in text and f"counterfoil {name}" in text
    for name in contracts.names():
        assert (site / "apis" / f"{name}.html").exists()
        clauses = Links((site / "promises" / f"{name}-clauses.html").read_text("utf-8"))
        assert {clause.id for clause in contracts.load(name).clauses} <= clauses.places
        faults = Links((site / "promises" / f"{name}-faults.html").read_text("utf-8"))
        assert {one.fault.id for one in faults_of(name).values() if one.fault} <= faults.places


def test_the_tables_that_pages_ask_for_are_filled_in(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not re.search(r"<!-- (operations|credentials|promises|costs)", page.read_text())


def test_no_page_is_lost_where_nobody_put_it_in_order() -> None:
    nav = in_order(["zzz.md", "index.md", "apis/x.md", "commands/serve.md", "commands/index.md"])
    assert nav == [
        {"Start": ["index.md"]},
        {"APIs": ["apis/x.md"]},
        {"Commands": ["commands/index.md", "commands/serve.md"]},
        {"More": ["zzz.md"]},
    ]


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs" / "images").glob("*.png"))
    assert pictures
    for path in pictures:
        assert path.stat().st_size < PICTURE, path.name


def test_pictures_are_taken_by_the_script_that_takes_them(tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("there is no chromium here")
    take(tmp_path)
    kept = {path.name for path in (ROOT / "docs" / "images").glob("*.png")}
    assert {path.name for path in tmp_path.iterdir()} == kept


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_is_what_is_printed(name: str) -> None:
    kept = (FOLDER / name).read_text("utf-8")
    assert without_times(transcript(name)) == without_times(kept)


@pytest.mark.parametrize("command", IN_README)
def test_a_transcript_of_the_readme_is_written_where_it_is_shown(command: str) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    once = in_readme(readme, command, "printed\nnow")
    assert once.count("```text\nprinted\nnow\n```\n") == 1
    assert once.count("```") == readme.count("```")
    with pytest.raises(LookupError, match="shows no transcript"):
        in_readme(readme.replace("```text", "```"), command, "printed")


def test_make_builds_the_site_and_takes_the_pictures() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "-m mkdocs build --strict" in makefile
    assert "-m docs.making.pictures" in makefile and "-m docs.making.transcripts" in makefile

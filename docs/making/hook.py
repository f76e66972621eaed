"""What MkDocs calls while it builds: pages made of the code, and the order of all pages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from docs.making.commands import command_pages  # noqa: E402
from docs.making.documents import document_pages  # noqa: E402
from docs.making.facts import with_facts  # noqa: E402
from docs.making.order import in_order  # noqa: E402
from docs.making.promises import promise_pages  # noqa: E402


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made of the code, and put all pages in order."""
    for path, text in (*command_pages(), *promise_pages(), *document_pages(ROOT)):
        files.append(File.generated(config, path, content=text))
    config.nav = in_order([file.src_uri for file in files.documentation_pages()])
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in the tables that a page asks for."""
    return with_facts(markdown, Path(page.file.src_uri).stem)

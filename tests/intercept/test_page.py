import contextlib
import io
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/intercept.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL)


def test_what_the_page_shows_is_what_is_printed():
    names = {}
    for code, shown in BLOCKS:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "docs/intercept.md", "exec"), names)
        assert printed.getvalue() == shown
    assert sum(bool(shown) for _, shown in BLOCKS) == 4


def test_the_test_that_the_page_shows_passes(counterfoil):
    names = {}
    for code, _ in BLOCKS:
        if "def test_" in code:
            exec(compile(f"import httpx\n{code}", "docs/intercept.md", "exec"), names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    test(counterfoil)

"""What a caller of mtmai may send, and what it must not."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from ...hostile import texts
from .driver import CHATS, OPERATIONS, READS, WRITES

NAMES = ("Travel plans", "旅行计划", "x", "Ideas, 2nd round")

plain_names = st.sampled_from(NAMES)
names = plain_names | texts(min_size=1, max_size=40)

operations = st.sampled_from(sorted(OPERATIONS))
reads = st.sampled_from(READS)
writes = st.sampled_from(WRITES)
about_a_chat = st.sampled_from(CHATS)

unknown_ids = st.uuids(version=4).map(str)

two_names = st.lists(plain_names, min_size=2, max_size=2, unique=True)


def _is_odd(text: str) -> bool:
    """Say whether a text is surely nobody's id, and yet one segment of a path."""
    # A proxy may resolve dots, and join empty segments, also where they are escaped.
    is_segment = not {"", ".", ".."} & set(re.split(r"[/\\]", text.strip()))
    return is_segment and re.search(r"[^\w\s.-]", text.strip()) is not None


odd_ids = st.one_of(
    st.sampled_from(["null", "undefined", "a/messages", "a\u0000", "x" * 2000, "🙂", "%"]),
    texts(min_size=1, max_size=30).filter(_is_odd),
)

BROKEN_JSON = (b"{", b'{"name":', b'{"name": "x"', b"{'name': 'x'}", b"name=x", b"\xff\xfe", b"[1,")
WRONG_NAMES: tuple[object, ...] = (
    7,
    0,
    1.5,
    True,
    False,
    [],
    ["Travel plans"],
    {"text": "Travel plans"},
)

bodies: st.SearchStrategy[dict[str, str]] = st.just({}) | plain_names.map(lambda n: {"name": n})

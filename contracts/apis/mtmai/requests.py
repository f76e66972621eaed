"""What a caller of mtmai may send, and what it must not."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from ...hostile import texts
from .driver import CHANGES, CHATS, OPERATIONS, READS, WRITES

NAMES = ("Travel plans", "旅行计划", "x", "Ideas, 2nd round", "🙂")

plain_names = st.sampled_from(NAMES)
names = plain_names | texts(min_size=1, max_size=40)

operations = st.sampled_from(sorted(OPERATIONS))
reads = st.sampled_from(READS)
writes = st.sampled_from(WRITES)
about_a_chat = st.sampled_from(CHATS)

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=8, max_size=30)
changes = st.sampled_from(CHANGES)
unknown_ids = st.uuids(version=4).map(str)

two_names = st.lists(plain_names, min_size=2, max_size=2, unique=True)


def _is_a_segment(text: str) -> bool:
    # A proxy may resolve dots, and join empty segments, also where they are escaped.
    return not {"", ".", ".."} & set(re.split(r"[/\\]", text.strip()))


odd_ids = st.one_of(
    st.sampled_from(
        ["0", "-1", "null", "undefined", "a/messages", "a\u0000", "x" * 2000, "🙂", "%"]
    ),
    texts(min_size=1, max_size=30).filter(_is_a_segment),
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

"""What a caller of RunMVChat may send, and what it must not."""

from __future__ import annotations

from hypothesis import strategies as st

from ...hostile import texts
from .driver import WAYS

ways = st.sampled_from(WAYS)
roles = st.sampled_from(["user", "assistant"])
# No document says that a message of blanks is taken.
contents = texts(min_size=1, max_size=40).filter(lambda text: text.strip())
questions = st.one_of(st.sampled_from(["Hello", "What is a counterfoil?"]), contents)


@st.composite
def conversations(draw: st.DrawFn, least: int = 1, most: int = 5) -> list[tuple[str, str]]:
    """Draw messages, oldest first, the last one the user's."""
    earlier = draw(st.lists(st.tuples(roles, contents), min_size=least - 1, max_size=most - 1))
    return [*earlier, ("user", draw(questions))]


wrong_roles = st.sampled_from(["system", "User", "USER", "bot", "tool", "user ", "", "0"]) | texts(
    min_size=1, max_size=10
).filter(lambda text: text not in ("user", "assistant"))
not_integers = st.sampled_from(["abc", "1.5", "1e3", "0x10", "１", "1 2", "--1", "true", "null"])
names = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", min_size=3, max_size=12).map("X{}".format)
hex_digests = st.text("0123456789abcdef", min_size=40, max_size=40)

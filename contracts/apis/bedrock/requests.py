"""What a caller of a published chat may send, and what it must not."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ...hostile import texts
from .driver import MODEL, text_item

MODELS = (
    "claude-instant-v1", "claude-v2", "claude-v3-sonnet", "claude-v3.5-sonnet", "claude-v3-haiku",
    "claude-v3-opus", "mistral-7b-instruct", "mixtral-8x7b-instruct", "mistral-large",
)  # fmt: skip
# One transparent pixel, and "notes": both are what they say they are.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
IMAGE = {"contentType": "image", "mediaType": "image/png", "body": PIXEL}
ATTACHMENT = {"contentType": "attachment", "fileName": "notes.txt", "body": "bm90ZXM="}

models = st.sampled_from(MODELS)
other_models = models.filter(lambda name: name != MODEL)
questions = st.one_of(
    st.sampled_from(["Hello", " What is a counterfoil? ", "one\ntwo\t three\r\n", "Why?"]),
    texts(max_size=40).map("Say {} again".format),
    texts(max_size=40).map(" {}.".format),
)
plain_questions = st.sampled_from(["Hello", "What is a counterfoil?", "Why?", "Go on.", "Thanks!"])

_companions = st.sampled_from([IMAGE, ATTACHMENT]) | questions.map(text_item)
contents = st.lists(_companions, max_size=2).flatmap(
    lambda before: questions.map(lambda text: [*before, text_item(text)])
)
"""Content as a caller may send it, a text last; a picture needs a model of the third generation."""

ODD = (
    "   ", "'''", '"""', "\n\n", "\r\n\t", "🙂🙂", "%%%", "%25%20", "%2F%2e", "....", ".hidden.",
    "a;b=c", "?q=1", "#top", "<b>&amp;", "\\\\", "é\u0301\u202e", "null", "-1", "*", "$gt",
    "x" * 1000,
)  # fmt: skip

_texts = texts(min_size=1, max_size=30).map(lambda text: text.replace("/", ":"))
_odd = st.sampled_from(ODD) | _texts


@st.composite
def unmade_ids(draw: st.DrawFn) -> str:
    """Draw ids that nobody made, odd in every way but for slashes."""
    # Others may have made a conversation called "%"; nobody made one that is called like this.
    return f"{draw(_odd)}nobody made this{draw(_odd)}" if draw(st.booleans()) else draw(_repeated)


_repeated = st.sampled_from(ODD).map(lambda text: (text * 9)[: max(9, len(text))])
unmade_message_ids = st.one_of(_odd, st.sampled_from(ODD), unmade_ids()).filter(
    lambda id: id not in (".", "..", "system", "instruction")
)
own_ids = (st.sampled_from(ODD[:10]) | _texts).map("counterfoil {}".format)
paths = st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=12).map("no-{}".format)

not_texts: st.SearchStrategy[Any] = st.sampled_from([5, 1.5, True, {}, {"a": 1}, [], ["a"]])
not_objects: st.SearchStrategy[Any] = st.sampled_from([None, "hi", 5, True, ["hi"]])
not_lists: st.SearchStrategy[Any] = st.sampled_from([None, "hi", 5, False, {"0": text_item("hi")}])
not_booleans: st.SearchStrategy[Any] = st.sampled_from([None, [], [True], {}, {"a": 1}])
not_read_as_booleans: st.SearchStrategy[Any] = st.sampled_from(["maybe", "", "2", 2, -1, 0.5])
wrong_models: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["", "no-model", "CLAUDE-V2", "claude-v2 ", "claude", None, 5, [MODEL], {}]),
    texts(min_size=1, max_size=12),
)
wrong_content_types: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["", "audio", "TEXT", "text ", "text/plain", None, 5, ["text"], {}]),
    texts(min_size=1, max_size=12),
)
not_json = st.sampled_from(
    [b"{", b'{"message":', b'{"message": 1,}', b"{'message': 1}", b"{}{}", b"message", b"[1,", b'"']
)
not_an_object = st.sampled_from([b"[]", b'"text"', b"12", b"true", b"null", b""])

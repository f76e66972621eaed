"""What a caller of a chatbot may send, and what it must not."""

from __future__ import annotations

from hypothesis import strategies as st

from ...hostile import texts

LANGUAGES = (
    "auto", "en", "fr", "es", "ru", "zh-Hans", "zh-Hant", "ar", "de", "jp", "pt", "hi", "ko", "it",
    "uk",
)  # fmt: skip
"""The document's table; Japanese is `jp`, whatever other standards say."""

INVITING = (
    "Hello",
    "Ut minim ex",
    "Gibt es eine Garderobe?",
    "馆里有中文讲解吗？",
    "Можно ли фотографировать в залах?",
    "هل يوجد مدخل للكراسي المتحركة؟",
    "Which emoji suit a family visit?",
    "Which separator do your streams use?",
    "What does your API return?",
    "Send me an answer with blanks around it.",
)
"""Questions whose answers, if they do what is asked, are hard to frame, encode or cut."""

plain = st.sampled_from(["Hello", "Ut minim ex", "When do you open?"])
contents = texts(min_size=1, max_size=40).filter(lambda text: text.strip())
questions = plain | contents
inviting = st.sampled_from(INVITING) | contents
languages = st.sampled_from(LANGUAGES)
unknown_languages = st.sampled_from(
    ["ja", "zh", "EN", "zh-hans", "zh_Hans", "en-US", "english", "xx", "au", "jp "]
)
not_strings = st.sampled_from([5, 1.5, True, ["Hello"], {"text": "Hello"}])
not_booleans = st.sampled_from(["maybe", "stream", 2, -1, 1.5, [True], {"stream": True}])
"""Not among them: the usual spellings of a boolean, which a server may read as one."""

uids = st.uuids(version=4).map(str)

LONG = "Расскажите подробно, как ухаживать за механическими часами."
"""A question that invites an answer so long that it takes a while to write."""

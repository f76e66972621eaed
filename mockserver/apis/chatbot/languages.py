"""The language codes of the document, and which locale a made-up answer is written in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Language = Literal[
    "auto",
    "en",
    "fr",
    "es",
    "ru",
    "zh-Hans",
    "zh-Hant",
    "ar",
    "de",
    "jp",
    "pt",
    "hi",
    "ko",
    "it",
    "uk",
]
"""The table Language Codes of the document, in its order; Japanese is `jp` there, not `ja`."""

LOCALES: Mapping[str, str] = MappingProxyType(
    {
        "en": "en_US",
        "fr": "fr_FR",
        "es": "es_ES",
        "ru": "ru_RU",
        "zh-Hans": "zh_CN",
        "zh-Hant": "zh_TW",
        "ar": "ar_AA",
        "de": "de_DE",
        "jp": "ja_JP",
        # Faker knows names and places in pt, hi and ko, but no running text: it answers in Latin.
        "pt": "pt_PT",
        "hi": "hi_IN",
        "ko": "ko_KR",
        "it": "it_IT",
        "uk": "uk_UA",
    }
)
"""Faker's locale for each language code but `auto`."""

# The first that is found anywhere in the question decides. Letters tell no more than this: what is
# written in Latin letters counts as English, and Chinese characters count as simplified ones.
_LETTERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("[\u3041-\u30ff]"), "jp"),
    (re.compile("[\uac00-\ud7a3\u1100-\u11ff]"), "ko"),
    (re.compile("[\u4e00-\u9fff\u3400-\u4dbf]"), "zh-Hans"),
    (re.compile("[\u0600-\u06ff]"), "ar"),
    (re.compile("[\u0900-\u097f]"), "hi"),
    (re.compile("[\u0404\u0406\u0407\u0454\u0456\u0457\u0490\u0491]"), "uk"),
    (re.compile("[\u0400-\u04ff]"), "ru"),
)


def locale_of(language: str, question: str) -> str:
    """Return the locale to answer in; `auto` is determined by the letters of the question."""
    if language != "auto":
        return LOCALES[language]
    if question.isascii():
        return LOCALES["en"]
    for letters, written in _LETTERS:
        if letters.search(question):
            return LOCALES[written]
    return LOCALES["en"]

"""What the mocks answer from: their shape, their variety, and that they hold no secret."""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = Path(__file__).resolve().parent.parent
APIS = sorted(folder.name for folder in (ROOT / "fixtures").iterdir() if folder.is_dir())
RECORDINGS = sorted((ROOT / "fixtures").glob("*/*.har"))
OURS = [path for path in RECORDINGS if path.stem in ("authored", "documented")]
MAGIC = "645130146e8d07b175fd8b1d5682d520"

MATCHERS = ("question", "contains", "pattern")
BASES = ("documented", "observed", "authored")
FACES = {"mtmai": "messages"}
FIELDS = {
    "genesis": {"Msg"},
    "bedrock": set(),
    "chatbot": {"is_qa_mode", "system_message", "related_docs"},
    "mtmai": {"version", "team"},
}
ENVELOPES = {
    "genesis": {"RetCode", "Action", "Message"},
    "bedrock": {"conversationId", "messageId"},
    "chatbot": {"code", "data", "msg", "request_id"},
    "mtmai": {"errors"},
}
every_api = pytest.mark.parametrize("api", APIS)
every_recording = pytest.mark.parametrize(
    "path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name}"
)
our_recordings = pytest.mark.parametrize(
    "path", OURS, ids=lambda path: f"{path.parent.name}/{path.name}"
)


def replies_text(api: str) -> str:
    return (ROOT / "fixtures" / api / "replies.yaml").read_text("utf-8")


@cache
def replies_of(api: str) -> list[dict[str, Any]]:
    entries = yaml.safe_load(replies_text(api))
    assert isinstance(entries, list)
    return entries


def texts_of(api: str) -> list[str]:
    spoken = [[entry] if "answer" in entry else entry["messages"] for entry in replies_of(api)]
    return [part["answer" if "answer" in part else "content"] for parts in spoken for part in parts]


def claims(entry: dict[str, Any], question: str) -> bool:
    if "pattern" in entry:
        return re.search(entry["pattern"], question) is not None
    return entry.get("question") == question or entry.get("contains", "\0") in question


@cache
def entries_of(path: Path) -> list[dict[str, Any]]:
    entries = json.loads(path.read_bytes())["log"]["entries"]
    assert entries
    return list(entries)


def body_of(entry: dict[str, Any]) -> bytes:
    content = entry["response"]["content"]
    if content.get("encoding") == "base64":
        return base64.b64decode(content["text"], validate=True)
    return str(content.get("text", "")).encode("utf-8")


def speaks_json(entry: dict[str, Any]) -> bool:
    """Say whether the response has a body and calls it JSON (one to HEAD has none)."""
    return "json" in entry["response"]["content"]["mimeType"] and body_of(entry) != b""


def accepted(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    for entry in entries_of(path):
        if entry["response"]["status"] == 200 and speaks_json(entry):
            yield entry, json.loads(body_of(entry))


def header(message: dict[str, Any], name: str) -> list[str]:
    return [one["value"] for one in message["headers"] if one["name"].lower() == name]


# Replies


def test_there_are_fixtures() -> None:
    assert APIS
    assert {path.parent.name for path in RECORDINGS} == set(APIS)


@every_api
def test_replies_open_with_a_comment_that_names_every_key(api: str) -> None:
    comment = replies_text(api).partition("\n\n")[0]
    assert all(line.startswith("#") for line in comment.splitlines())
    for key in (*MATCHERS, FACES.get(api, "answer"), "basis", "about", "fields", *BASES):
        assert key in comment


@every_api
def test_replies_are_at_least_fourteen_and_no_mapping_has_a_key_twice(api: str) -> None:
    assert len(replies_of(api)) >= 14
    document = yaml.compose(replies_text(api), Loader=yaml.SafeLoader)
    assert isinstance(document, yaml.SequenceNode)
    for node in document.value:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"line {node.start_mark.line + 1}"


@every_api
def test_reply_has_the_allowed_keys_and_one_matcher(api: str) -> None:
    face = FACES.get(api, "answer")
    for entry in replies_of(api):
        matchers = [key for key in MATCHERS if key in entry]
        assert len(matchers) == 1, entry
        assert isinstance(entry[matchers[0]], str) and entry[matchers[0]]
        assert set(entry) - {matchers[0], "about", "fields"} == {face, "basis"}, entry
        assert entry["basis"] in BASES
        assert "\n" not in entry.get("about", "one line")
        assert set(entry.get("fields", {})) <= FIELDS.get(api, set(entry.get("fields", {})))


@pytest.mark.parametrize("api", [api for api in APIS if FACES.get(api) == "messages"])
def test_message_has_the_allowed_keys(api: str) -> None:
    for message in [message for entry in replies_of(api) for message in entry["messages"]]:
        assert {"role", "content"} <= set(message) <= {"role", "content", "source", "config"}
        assert message["role"] in ("system", "user", "assistant")
        assert set(message.get("config", {})) <= {"message_type", "source"}


@every_api
def test_texts_are_strings_that_every_encoding_on_the_way_can_carry(api: str) -> None:
    for text in texts_of(api):
        assert isinstance(text, str) and text, "no empty string"
        assert "\0" not in text
        assert text.encode("utf-8").decode("utf-8") == text, "no lone surrogate"


@every_api
def test_patterns_compile_and_ask_for_something(api: str) -> None:
    patterns = [entry["pattern"] for entry in replies_of(api) if "pattern" in entry]
    assert patterns
    assert not [pattern for pattern in patterns if re.compile(pattern).search("")]


@every_api
def test_no_exact_question_is_claimed_by_two_replies(api: str) -> None:
    for question in [entry["question"] for entry in replies_of(api) if "question" in entry]:
        assert sum(claims(entry, question) for entry in replies_of(api)) == 1, question


def test_documents_examples_are_replies() -> None:
    found = {
        (api, entry.get("question"), entry["answer"]): entry["fields"]
        for api in ("genesis", "chatbot")
        for entry in replies_of(api)
        if entry["basis"] == "documented"
    }
    assert found == {
        ("genesis", "uOsqGAyA", "EFZUczjm"): {"Msg": "EWskKMcN"},
        ("chatbot", "Ut minim ex", "answer"): {
            "is_qa_mode": True,
            "system_message": "",
            "related_docs": [],
        },
    }


@every_api
def test_observed_replies_were_observed(api: str) -> None:
    observed = [entry for entry in replies_of(api) if entry["basis"] == "observed"]
    if observed:
        seen = (ROOT / "fixtures" / api / "observed.har").read_text("utf-8")
        bodies = [body_of(entry).decode("utf-8", "replace") for entry in json_log(seen)]
        for entry in observed:
            assert any(json.dumps(entry["answer"])[1:-1] in body for body in bodies), entry


def json_log(text: str) -> list[dict[str, Any]]:
    return list(json.loads(text)["log"]["entries"])


# Variety: script, characters that tell a language from its neighbours, and those that it lacks

LANGUAGES = {
    "French": ("LATIN", "çœ", "ãõñ"),
    "Spanish": ("LATIN", "ñ¡¿", ""),
    "Russian": ("CYRILLIC", "ыэъё", "іїєґ"),
    "Ukrainian": ("CYRILLIC", "їєґ", "ыэъё"),
    "Simplified Chinese": ("CJK", "这们车发里门对会", "這們車發裡門對會"),
    "Traditional Chinese": ("CJK", "這們車發裡門對會", "这们车发里门对会"),
    "Arabic": ("ARABIC", "", ""),
    "Hebrew": ("HEBREW", "", ""),
    "Japanese": ("HIRAGANA", "", ""),
    "Hindi": ("DEVANAGARI", "", ""),
    "Korean": ("HANGUL", "", ""),
}


@every_api
@pytest.mark.parametrize("language", LANGUAGES)
def test_replies_speak(api: str, language: str) -> None:
    script, own, foreign = LANGUAGES[language]

    def spoken(text: str) -> bool:
        letters = [unicodedata.name(char, "") for char in text if char.isalpha()]
        mine = sum(name.startswith(script) for name in letters)
        return (
            len(letters) >= 20
            and mine > len(letters) / 3
            and (not own or any(char in own for char in text.lower()))
            and not any(char in foreign for char in text)
        )

    assert any(spoken(text) for text in texts_of(api))


def has(text: str, *parts: str) -> bool:
    return all(part in text for part in parts)


def json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def is_long_prose(text: str) -> bool:
    return len(text) >= 4000 and text.count("\n\n") >= 5 and len(set(text.split())) >= 300


def is_joined_emoji_with_skin(text: str) -> bool:
    return has(text, "\u200d") and any("\U0001f3fb" <= char <= "\U0001f3ff" for char in text)


def has_letters_and_notes_of_the_upper_planes(text: str) -> bool:
    names = [unicodedata.name(char, "") for char in text if ord(char) > 0xFFFF]
    return "𝔘𝔫𝔦" in text and any(name.startswith("MUSICAL SYMBOL") for name in names)


def has_code_fence(text: str) -> bool:
    return re.search(r"^(```|~~~)\w+\n(.*\n)+?\1$", text, re.MULTILINE) is not None


def is_set_off_by_blanks(text: str) -> bool:
    return text.strip() != "" and text[0].isspace() and text[-1].isspace()


def steers_direction(text: str) -> bool:
    kinds = {unicodedata.bidirectional(char) for char in text}
    steering = {"LRI", "RLI", "FSI", "LRE", "RLE", "LRO", "RLO"}
    return bool(kinds & steering) and any(mark in text for mark in "\u200e\u200f\u061c")


TRAITS: dict[str, Callable[[str], bool]] = {
    "English in ASCII": lambda text: text.isascii() and len(re.findall(r"[a-z]+ ", text)) >= 20,
    "a long answer": is_long_prose,
    "one blank": lambda text: text == " ",
    "only newlines": lambda text: text != "" and set(text) == {"\n"},
    "a zero-width space": lambda text: text == "\u200b",
    "JSON with escapes": lambda text: bool(json_object(text)) and r"\"" in text,
    "the magic number": lambda text: MAGIC in text and text != MAGIC,
    "joined emoji with skin": is_joined_emoji_with_skin,
    "upper planes": has_letters_and_notes_of_the_upper_planes,
    "combining marks": lambda text: (
        any(map(unicodedata.combining, text)) and not unicodedata.is_normalized("NFC", text)
    ),
    "tab and CR LF": lambda text: has(text, "\t", "\r\n"),
    "Markdown": has_code_fence,
    "form-looking": lambda text: has(text, "a=b", "&c=%20+"),
    "blanks at both ends": is_set_off_by_blanks,
    "bidi marks": steers_direction,
    "HTML": lambda text: has(text, "<script", "</script>", "&lt;") or has(text, "<img", "&", "</"),
}


@every_api
@pytest.mark.parametrize("trait", TRAITS)
def test_some_reply_is(api: str, trait: str) -> None:
    assert any(TRAITS[trait](text) for text in texts_of(api))


@every_api
def test_some_reply_looks_like_the_vendors_own_envelope(api: str) -> None:
    assert any(ENVELOPES.get(api, set()) == set(json_object(text)) for text in texts_of(api))


# Recordings


@our_recordings
def test_recording_is_a_har_of_ours(path: Path) -> None:
    text = path.read_bytes().decode("utf-8")
    assert text.startswith('{\n "log": {\n  "version": "1.2",'), "indented by one blank"
    assert json.loads(text)["log"]["creator"]["name"] == "counterfoil"


@every_recording
def test_recorded_exchange_has_what_har_asks_for(path: Path) -> None:
    for entry in entries_of(path):
        assert {"startedDateTime", "time", "cache", "timings"} <= set(entry)
        assert {"send", "wait", "receive"} <= set(entry["timings"])
        asked, answered = entry["request"], entry["response"]
        shared = {"httpVersion", "cookies", "headers", "headersSize", "bodySize"}
        assert shared | {"method", "url", "queryString"} <= set(asked)
        assert shared | {"status", "statusText", "content", "redirectURL"} <= set(answered)
        assert not {"text", "params"} <= set(asked.get("postData", {})), "one or the other"


@every_recording
def test_recorded_exchange_says_which_case_it_is_and_how_it_is_known(path: Path) -> None:
    for entry in entries_of(path):
        assert entry["comment"].strip()
        assert entry["_basis"] in BASES
        assert path.stem not in BASES or entry["_basis"] == path.stem


@every_recording
def test_recorded_body_decodes_and_has_the_size_that_it_says(path: Path) -> None:
    for entry in entries_of(path):
        assert entry["response"]["content"]["size"] in (-1, len(body_of(entry))), entry["comment"]
        if speaks_json(entry):
            json.loads(body_of(entry))


@our_recordings
def test_recorded_lengths_times_and_queries_agree(path: Path) -> None:
    times = [entry["startedDateTime"] for entry in entries_of(path)]
    assert times == sorted(times)
    for entry in entries_of(path):
        asked, answered = entry["request"], entry["response"]
        sent = asked.get("postData", {}).get("text", "").encode("utf-8")
        assert asked["bodySize"] == len(sent)
        assert answered["bodySize"] == len(body_of(entry))
        assert header(asked, "content-length") in ([], [str(len(sent))])
        assert header(answered, "content-length") in ([], [str(len(body_of(entry)))])
        assert header(answered, "content-type") == [answered["content"]["mimeType"]]
        query = parse_qsl(urlsplit(asked["url"]).query, keep_blank_values=True)
        assert query == [(one["name"], one["value"]) for one in asked["queryString"]]


def chunked(path: Path) -> list[dict[str, Any]]:
    return [entry for entry in entries_of(path) if "_chunks" in entry["response"]]


@every_recording
def test_recorded_chunks_are_the_body_in_order_of_time(path: Path) -> None:
    for entry in chunked(path):
        chunks = entry["response"]["_chunks"]
        assert all(set(chunk) == {"at", "size"} and chunk["size"] > 0 for chunk in chunks)
        assert sum(chunk["size"] for chunk in chunks) == len(body_of(entry))
        assert all(0 <= early["at"] <= late["at"] for early, late in pairwise(chunks))


def test_recorded_streams_are_cut_in_the_header_the_magic_number_and_a_character() -> None:
    cut_in = set()
    for entry in chunked(ROOT / "fixtures" / "chatbot" / "authored.har"):
        body = body_of(entry)
        start = body.index(MAGIC.encode())
        for at in accumulate(chunk["size"] for chunk in entry["response"]["_chunks"][:-1]):
            cut_in.add("header" if at < start else "number" if at < start + 32 else "answer")
            if body[at] & 0xC0 == 0x80:
                cut_in.add("character")
    assert cut_in == {"header", "number", "answer", "character"}


@pytest.mark.parametrize("name", ["documented.har", "authored.har"])
def test_recorded_streams_have_a_newline_before_the_magic_number_and_none_after(name: str) -> None:
    path = ROOT / "fixtures" / "chatbot" / name
    replies = {entry.get("question"): entry["answer"] for entry in replies_of("chatbot")}
    streams = [entry for entry in entries_of(path) if not speaks_json(entry)]
    assert streams
    for entry in streams:
        head, _, answer = body_of(entry).decode("utf-8").partition("\n" + MAGIC)
        asked = json.loads(entry["request"]["postData"]["text"])
        assert asked["stream"] is True
        assert json.loads(head)["question"] == asked["q"]
        assert answer == replies.get(asked["q"], answer)
        assert head == head.strip() and MAGIC not in head


# Ids: what is read was made before, in the same file


def test_genesis_ids_are_used_once_and_sessions_are_continued_that_were_given() -> None:
    sessions: set[int] = set()
    ids: list[int] = []
    for entry, answer in accepted(ROOT / "fixtures" / "genesis" / "authored.har"):
        if answer["RetCode"] != 0:
            continue
        sent = sent_session(entry)
        assert answer["SessionID"] == int(sent) if sent else answer["SessionID"] not in sessions
        assert not sent or int(sent) in sessions
        sessions.add(answer["SessionID"])
        ids.append(answer["ID"])
    assert ids == sorted(set(ids)) and max(ids) < 2**31


def sent_session(entry: dict[str, Any]) -> str:
    post = entry["request"].get("postData", {"text": urlsplit(entry["request"]["url"]).query})
    flat = json_object(post["text"]) or dict(parse_qsl(post["text"]))
    return str(flat.get("SessionID", ""))


def test_chatbot_conversations_are_continued_that_were_given() -> None:
    given: set[str] = set()
    for entry in entries_of(ROOT / "fixtures" / "chatbot" / "authored.har"):
        if entry["response"]["status"] == 200:
            head = body_of(entry).decode("utf-8").partition("\n" + MAGIC)[0]
            answer = json.loads(head)
            uid = answer.get("data", answer)["conversation_uid"]
            sent = json.loads(entry["request"]["postData"]["text"]).get("conversation_uid")
            assert sent == uid and uid in given if sent else uid not in given
            given.add(uid)


def test_bedrock_ids_are_read_that_were_given_and_links_agree() -> None:
    given: set[str] = set()
    for entry, answer in accepted(ROOT / "fixtures" / "bedrock" / "authored.har"):
        segments = unquote(urlsplit(entry["request"]["url"]).path).split("/")[2:]
        assert set(segments) <= given, entry["comment"]
        if "messageId" in answer:
            assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", answer["messageId"])
            given |= set(answer.values())
        for name, message in answer.get("messageMap", {}).items():
            assert all(answer["messageMap"][one]["parent"] == name for one in message["children"])
        if "message" in answer:
            assert answer["message"]["parent"] == segments[1]


def test_mtmai_chats_are_read_that_were_created() -> None:
    created: set[str] = set()
    for entry, answer in accepted(ROOT / "fixtures" / "mtmai" / "authored.har"):
        chats = urlsplit(entry["request"]["url"]).path.split("/")[6:7]
        assert set(chats) <= created, entry["comment"]
        if entry["request"]["method"] == "POST":
            created.add(answer["metadata"]["id"])
        if "rows" in answer:
            assert {row["metadata"]["id"] for row in answer["rows"]} == created


# What a recorded answer owes to the contract


@cache
def contract_of(api: str) -> dict[str, Any]:
    path = ROOT / "contracts" / "apis" / api / "openapi.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(document, dict)
    return document


def operation_of(api: str, entry: dict[str, Any]) -> tuple[str, str] | None:
    """Return the path template and method of the operation that was asked, if it is one."""
    method, path = entry["request"]["method"].lower(), urlsplit(entry["request"]["url"]).path
    for template, item in contract_of(api)["paths"].items():
        if method in item and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            return template, method
    return None


def schema_of_success(api: str, template: str, method: str) -> Draft202012Validator | None:
    """Return what an accepted answer must be, or None where the contract leaves that open."""
    resource = Resource.from_contents(contract_of(api), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:contract", resource)
    pointer = f"#/paths/{template.replace('~', '~0').replace('/', '~1')}/{method}/responses/200"
    found = registry.resolver("urn:contract").lookup(pointer).contents
    while "$ref" in found:
        pointer = found["$ref"]
        found = registry.resolver("urn:contract").lookup(pointer).contents
    if "schema" not in found["content"]["application/json"]:
        return None
    return Draft202012Validator(
        {"$ref": f"urn:contract{pointer}/content/application~1json/schema"},
        registry=registry,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


@every_recording
def test_recorded_success_has_the_shape_that_the_contract_asks_for(path: Path) -> None:
    api, judged = path.parent.name, 0
    for entry, answer in accepted(path):
        operation = operation_of(api, entry)
        assert operation or path not in OURS, f"{entry['comment']}: no operation of the contract"
        schema = operation and schema_of_success(api, *operation)
        if schema:
            judged += 1
            assert not [error.message for error in schema.iter_errors(answer)], entry["comment"]
    assert judged


@every_api
def test_every_operation_has_a_recorded_success(api: str) -> None:
    recorded = {
        operation_of(api, entry)
        for path in OURS
        if path.parent.name == api
        for entry, _ in accepted(path)
    }
    methods = {"get", "post", "put", "patch", "delete"}
    promised = {
        (template, method)
        for template, item in contract_of(api)["paths"].items()
        for method in methods & set(item)
    }
    assert promised and promised <= recorded


# Secrets

CREDENTIALS = re.compile(
    r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|eyJ[\w-]{8,}\.eyJ[\w-]{8,}|\bsk-[\w-]{20,}"
    r"|\bgh[pousr]_\w{20,}|\bxox[abpr]-[\w-]{10,}|\b[0-9a-f]{40}\b|\b[0-9a-f]{64}\b"
    r"|\b(?:Bearer|Basic) (?!REDACTED\b)[\w+/=.~-]{12,}|://[^/\s:@\"]+:[^/\s@\"]+@"
)


@pytest.mark.parametrize("credential", ["AKIA" + "A1B2" * 4, "ab12" * 10, "Bearer " + "x9" * 10])
def test_credentials_are_known_when_seen(credential: str) -> None:
    assert CREDENTIALS.search(f'"value": "{credential}"')


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "fixtures").glob("*/*.*")),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_no_fixture_holds_what_looks_like_a_credential(path: Path) -> None:
    assert not CREDENTIALS.findall(path.read_text("utf-8"))


@our_recordings
def test_recorded_credentials_are_redacted(path: Path) -> None:
    named = {"authorization", "x-api-key", "cookie", "signature", "publickey"}
    for entry in entries_of(path):
        asked = entry["request"]
        text = asked.get("postData", {}).get("text", "")
        body = json_object(text) or dict(parse_qsl(text))
        pairs = [(one["name"], one["value"]) for one in asked["headers"] + asked["queryString"]]
        for name, value in pairs + list(body.items()):
            if name.lower() in named:
                assert re.fullmatch(r"(Bearer |Basic |hatchet=)?REDACTED", value), entry["comment"]

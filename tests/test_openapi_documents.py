"""The OpenAPI documents: valid, sourced, and neither stricter nor laxer than the vendors' words."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).parent.parent / "contracts" / "apis"
APIS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name[0] not in "_.")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
BASES = ("documented", "implied", "observed")
MAGIC_NUMBER = "645130146e8d07b175fd8b1d5682d520"
DELETED = object()

each_api = pytest.mark.parametrize("api", APIS)


@cache
def read(api: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / api / "openapi.yaml").read_text("utf-8"))
    return document


def pointer(*steps: str | int) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def at(document: dict[str, Any], place: str) -> Any:
    node: Any = document
    for step in place.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        node = node[int(name)] if isinstance(node, list) else node[name]
    return node


def validator(document: dict[str, Any], place: str) -> Draft202012Validator:
    registry: Registry[Any] = Registry().with_resource(
        "urn:document", DRAFT202012.create_resource(document)
    )
    return Draft202012Validator(
        {"$ref": f"urn:document#{place}"}, registry=registry, format_checker=FormatChecker()
    )


def schema(api: str, name: str) -> Draft202012Validator:
    return validator(read(api), pointer("components", "schemas", name))


def response_schema(api: str, path: str, method: str, media_type: str) -> Draft202012Validator:
    document = read(api)
    place = pointer("paths", path, method, "responses", "200")
    while "$ref" in at(document, place):
        place = at(document, place)["$ref"].removeprefix("#")
    return validator(document, place + pointer("content", media_type, "schema"))


def patched(target: Any, patch: Any) -> Any:
    # RFC 7396, section 2
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), value)
    return result


def with_permissions(node: Any) -> Any:
    if isinstance(node, list):
        return [with_permissions(item) for item in node]
    if not isinstance(node, dict):
        return node
    rest = {name: value for name, value in node.items() if name != "x-permitted"}
    merged = patched(rest, node.get("x-permitted", {}))
    return {name: with_permissions(value) for name, value in merged.items()}


def request_schemas(api: str, name: str) -> tuple[Draft202012Validator, Draft202012Validator]:
    place = pointer("components", "schemas", name)
    document = read(api)
    return validator(document, place), validator(with_permissions(document), place)


def nodes(node: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    yield place, node
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(node, dict):
        inner = node.items()
    elif isinstance(node, list):
        inner = enumerate(node)
    for step, value in inner:
        if step not in ("example", "examples"):
            yield from nodes(value, place + pointer(step))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield pointer("paths", path, method), item[method]


def basis_is_due(document: dict[str, Any]) -> Iterator[str]:
    for path, item in document["paths"].items():
        yield pointer("paths", path)
        yield from (pointer("paths", path, "parameters", i) for i, _ in numbered(item))
    for place, operation in operations(document):
        yield place
        yield from (place + pointer("parameters", i) for i, _ in numbered(operation))
        yield from (place + pointer("responses", status) for status in operation["responses"])
        if "requestBody" in operation:
            yield place + "/requestBody"
    for kind, components in document["components"].items():
        yield from (pointer("components", kind, name) for name in components)


def numbered(holder: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    yield from enumerate(holder.get("parameters", []))


def examples(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for place, node in nodes(document):
        if not isinstance(node, dict) or "/schemas/" in place or "/x-permitted" in place:
            continue
        if "example" in node:
            yield place, node["example"]
        for entry in node.get("examples", {}).values():
            yield place, entry["value"]


def test_there_is_a_document_in_every_folder() -> None:
    assert APIS
    assert [api for api in APIS if not (FOLDER / api / "openapi.yaml").is_file()] == []


@each_api
def test_document_is_valid_openapi_3_1(api: str) -> None:
    document = read(api)
    assert document["openapi"] == "3.1.0"
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@each_api
def test_operation_ids_are_unique_and_in_snake_case(api: str) -> None:
    ids = [operation["operationId"] for _, operation in operations(read(api))]
    assert len(set(ids)) == len(ids) > 0
    assert [name for name in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


@each_api
def test_basis_and_source_stand_wherever_they_are_due(api: str) -> None:
    document = read(api)
    due = [place for place in basis_is_due(document) if "$ref" not in at(document, place)]
    assert due
    assert [p for p in due if not {"x-basis", "x-source"} <= at(document, p).keys()] == []


@each_api
def test_every_basis_is_one_of_the_three_words_and_says_why(api: str) -> None:
    stated = [(p, n) for p, n in nodes(read(api)) if isinstance(n, dict) and "x-basis" in n]
    assert [place for place, node in stated if node["x-basis"] not in BASES] == []
    assert [place for place, node in stated if not node.keys() & {"x-source", "x-note"}] == []


@each_api
def test_extensions_are_the_four_that_the_heading_explains(api: str) -> None:
    names = {n for _, node in nodes(read(api)) if isinstance(node, dict) for n in node}
    assert {name for name in names if name.startswith("x-")} <= {
        "x-basis",
        "x-source",
        "x-note",
        "x-permitted",
    }


@each_api
def test_permissions_are_observed_and_stand_in_request_schemas_only(api: str) -> None:
    document = read(api)
    permitted = {p: n["x-permitted"] for p, n in nodes(document) if has(n, "x-permitted")}
    assert [p for p, n in permitted.items() if n["x-basis"] != "observed" or not n["x-note"]] == []
    reached = [place for root in response_roots(document) for place in reachable(document, root)]
    assert [
        place
        for place in permitted
        if any(place == root or place.startswith(root + "/") for root in reached)
    ] == []


def has(node: Any, name: str) -> bool:
    return isinstance(node, dict) and name in node


def response_roots(document: dict[str, Any]) -> Iterator[str]:
    for place, _ in nodes(document):
        if re.search(r"/responses/[^/]+/content/[^/]+/schema$", place):
            yield place


def reachable(document: dict[str, Any], root: str) -> set[str]:
    found: set[str] = set()
    todo = [root]
    while todo:
        place = todo.pop()
        if place in found:
            continue
        found.add(place)
        for _, node in nodes(at(document, place)):
            if has(node, "$ref"):
                todo.append(node["$ref"].removeprefix("#"))
    return found


@each_api
def test_observed_responses_promise_nothing_of_their_bodies(api: str) -> None:
    document = read(api)
    observed = [
        node
        for place, node in nodes(document)
        if re.search(r"/responses/[^/]+$", place) and node.get("x-basis") == "observed"
    ]
    bodies = [media for node in observed for media in node.get("content", {}).values()]
    assert [media for media in bodies if "schema" in media] == []


@each_api
def test_response_objects_stay_open(api: str) -> None:
    document = read(api)
    closed = [
        place
        for root in response_roots(document)
        for place in reachable(document, root)
        for _, node in nodes(at(document, place))
        if has(node, "additionalProperties") and node["additionalProperties"] is False
    ]
    assert closed == []


@each_api
def test_every_example_is_valid_under_its_schema(api: str) -> None:
    document = read(api)
    found = list(examples(document))
    assert found
    broken = [
        f"{place}: {error.message}"
        for place, value in found
        if "schema" in at(document, place)
        for error in validator(document, place + "/schema").iter_errors(value)
    ]
    assert broken == []


@each_api
def test_every_operation_with_a_body_shows_an_example_of_it(api: str) -> None:
    document = read(api)
    shown = {place for place, _ in examples(document)}
    for place, operation in operations(document):
        if "requestBody" in operation:
            body = operation["requestBody"]
            root = body["$ref"].removeprefix("#") if "$ref" in body else place + "/requestBody"
            for media_type in at(document, root)["content"]:
                assert root + pointer("content", media_type) in shown


def changed(value: Any, *steps: str | int, to: Any = DELETED) -> Any:
    result = copy.deepcopy(value)
    inner = result
    for step in steps[:-1]:
        inner = inner[step]
    if to is DELETED:
        del inner[steps[-1]]
    else:
        inner[steps[-1]] = to
    return result


GENESIS_DOCUMENTED = {
    "Action": "RunMVChatResponse",
    "ID": 6,
    "Msg": "EWskKMcN",
    "Response": "EFZUczjm",
    "RetCode": 0,
    "SessionID": 6,
    "Time": 3,
}
GENESIS_REFUSAL = {"RetCode": 171, "Message": "Signature VerifyAC Error"}
CHATBOT_DOCUMENTED: dict[str, Any] = {
    "code": 0,
    "data": {
        "answer": "answer",
        "conversation_uid": "f05f1800-a728-4e23-adb8-69abd55b5dcb",
        "is_qa_mode": True,
        "question": "Ut minim ex",
        "system_message": "",
    },
    "msg": "Success.",
    "request_id": "25a40914-d8d9-4b0f-a92d-b8844bfc9852",
}
CHATBOT_STREAM = (
    '{"answer": "", "question": "Ut minim ex", "related_docs": [], "conversation_uid": '
    '"9628808a-dbb6-42c3-aba6-9fe5b772c724", "is_qa_mode": true, "system_message": ""}\n'
    f"{MAGIC_NUMBER}answer"
)
BEDROCK_MESSAGE = {
    "role": "string",
    "content": [
        {"contentType": "text", "mediaType": "string", "fileName": "string", "body": "string"}
    ],
    "model": "claude-instant-v1",
    "children": ["string"],
    "feedback": {"thumbsUp": True, "category": "string", "comment": "string"},
    "usedChunks": [{"content": "string", "contentType": "s", "source": "string", "rank": 0}],
    "parent": "string",
    "thinkingLog": [{"role": "string", "content": [{"contentType": "text", "body": "string"}]}],
}
BEDROCK_CONVERSATION = {
    "id": "string",
    "title": "string",
    "createTime": 0,
    "messageMap": {"property1": BEDROCK_MESSAGE, "property2": BEDROCK_MESSAGE},
    "lastMessageId": "string",
    "botId": "string",
    "shouldContinue": True,
}
MTMAI_METADATA = {
    "id": "7f0d5c3e-4a1b-4c53-9d43-0a6f2f1f6b11",
    "createdAt": "2024-12-01T09:30:00.123456789Z",
    "updatedAt": "2024-12-01T10:30:00+01:00",
}
MTMAI_SESSION = {"metadata": MTMAI_METADATA, "name": "n", "version": "v1", "team": "t"}
MTMAI_MESSAGE = {"metadata": MTMAI_METADATA, "role": "user", "content": "hello"}

GENESIS = ("genesis", "/", "get", "application/json")
CHATBOT = ("chatbot", "/api/v1/backend/chatbot/{bot_uid}/chat", "post")


@pytest.mark.parametrize(
    "body",
    [
        GENESIS_DOCUMENTED,
        {**GENESIS_DOCUMENTED, "Message": ""},
        {**GENESIS_DOCUMENTED, "More": None},
        GENESIS_REFUSAL,
        {**GENESIS_REFUSAL, "Action": "RunMVChatResponse"},
        {"RetCode": -1, "Message": "no"},
    ],
)
def test_genesis_response_is_valid(body: Any) -> None:
    response_schema(*GENESIS).validate(body)


@pytest.mark.parametrize(
    "body",
    [
        *(changed(GENESIS_DOCUMENTED, name) for name in GENESIS_DOCUMENTED),
        *(changed(GENESIS_REFUSAL, name) for name in GENESIS_REFUSAL),
        *(
            changed(GENESIS_DOCUMENTED, name, to=value)
            for name in ("RetCode", "ID", "SessionID", "Time")
            for value in ("0", True, None, 0.5)
        ),
        *(changed(GENESIS_DOCUMENTED, name, to=1) for name in ("Msg", "Response", "Action")),
        changed(GENESIS_DOCUMENTED, "Action", to="RunMVChat"),
        changed(GENESIS_DOCUMENTED, "RetCode", to=230),
        changed(GENESIS_REFUSAL, "Message", to=""),
        changed(GENESIS_REFUSAL, "RetCode", to=0),
        changed(GENESIS_REFUSAL, "RetCode", to="171"),
        [GENESIS_DOCUMENTED],
        None,
    ],
)
def test_genesis_near_miss_is_not_valid(body: Any) -> None:
    assert not response_schema(*GENESIS).is_valid(body)


@pytest.mark.parametrize(
    "body",
    [
        CHATBOT_DOCUMENTED,
        changed(CHATBOT_DOCUMENTED, "data", "related_docs", to=[]),
        {"code": 40001, "data": None, "msg": "q is missing", "request_id": "r"},
        {"code": 1},
    ],
)
def test_chatbot_envelope_is_valid(body: Any) -> None:
    response_schema(*CHATBOT, "application/json").validate(body)


@pytest.mark.parametrize(
    "body",
    [
        *(changed(CHATBOT_DOCUMENTED, name) for name in CHATBOT_DOCUMENTED),
        *(changed(CHATBOT_DOCUMENTED, "data", name) for name in CHATBOT_DOCUMENTED["data"]),
        changed(CHATBOT_DOCUMENTED, "code", to="0"),
        changed(CHATBOT_DOCUMENTED, "code", to=None),
        changed(CHATBOT_DOCUMENTED, "data", to=None),
        changed(CHATBOT_DOCUMENTED, "data", "is_qa_mode", to="true"),
        changed(CHATBOT_DOCUMENTED, "data", "answer", to=None),
        changed(CHATBOT_DOCUMENTED, "data", "conversation_uid", to=""),
        changed(CHATBOT_DOCUMENTED, "data", "system_message", to=None),
        changed(CHATBOT_DOCUMENTED, "request_id", to=7),
        CHATBOT_DOCUMENTED["data"],
    ],
)
def test_chatbot_near_miss_is_not_valid(body: Any) -> None:
    assert not response_schema(*CHATBOT, "application/json").is_valid(body)


def test_chatbot_stream_holds_the_magic_number() -> None:
    stream = response_schema(*CHATBOT, "text/plain")
    stream.validate(CHATBOT_STREAM)
    assert not stream.is_valid(CHATBOT_STREAM.replace(MAGIC_NUMBER, ""))
    assert not stream.is_valid(CHATBOT_STREAM.replace(MAGIC_NUMBER, MAGIC_NUMBER.upper()))


@pytest.mark.parametrize("kind", ["text/event-stream", "application/octet-stream", "text/*"])
def test_chatbot_stream_may_come_under_other_types(kind: str) -> None:
    document = read("chatbot")
    operation = document["paths"][CHATBOT[1]]["post"]
    assert kind in operation["responses"]["200"]["content"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("MessageRequestedResponse", {"conversationId": "string", "messageId": "string"}),
        ("Conversation", BEDROCK_CONVERSATION),
        ("Conversation", changed(BEDROCK_CONVERSATION, "createTime", to=1795289514132.0)),
        ("Conversation", changed(BEDROCK_CONVERSATION, "botId", to=None)),
        ("ChatOutput", {"conversationId": "s", "message": BEDROCK_MESSAGE, "createTime": 0}),
        *(
            ("MessageOutput", changed(BEDROCK_MESSAGE, field, to=None))
            for field in ("feedback", "usedChunks", "parent", "thinkingLog")
        ),
        ("MessageOutput", changed(BEDROCK_MESSAGE, "model", to="claude-v3.5-sonnet-v2")),
        (
            "MessageOutput",
            changed(
                BEDROCK_MESSAGE,
                "thinkingLog",
                0,
                "content",
                0,
                to={"contentType": "toolUse", "body": {"toolUseId": "t", "name": "n", "input": {}}},
            ),
        ),
        ("NotThere", {"errors": ["No conversation found with id: x"]}),
        ("NotThere", {"detail": "Message m not found in conversation c"}),
        (
            "HTTPValidationError",
            {"detail": [{"loc": ["body", 3], "msg": "m", "type": "t", "input": {}, "ctx": {}}]},
        ),
    ],
)
def test_bedrock_response_is_valid(name: str, body: Any) -> None:
    schema("bedrock", name).validate(body)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("MessageRequestedResponse", {"conversationId": "string"}),
        ("MessageRequestedResponse", {"conversationId": "string", "messageId": None}),
        *(("Conversation", changed(BEDROCK_CONVERSATION, name)) for name in BEDROCK_CONVERSATION),
        ("Conversation", changed(BEDROCK_CONVERSATION, "createTime", to="0")),
        ("Conversation", changed(BEDROCK_CONVERSATION, "createTime", to=None)),
        ("Conversation", changed(BEDROCK_CONVERSATION, "shouldContinue", to=0)),
        ("Conversation", changed(BEDROCK_CONVERSATION, "messageMap", to=[BEDROCK_MESSAGE])),
        ("Conversation", changed(BEDROCK_CONVERSATION, "messageMap", "property2", "role")),
        *(("MessageOutput", changed(BEDROCK_MESSAGE, name)) for name in BEDROCK_MESSAGE),
        ("MessageOutput", changed(BEDROCK_MESSAGE, "model", to="claude-v9")),
        ("MessageOutput", changed(BEDROCK_MESSAGE, "children", to=None)),
        ("MessageOutput", changed(BEDROCK_MESSAGE, "content", to="string")),
        ("MessageOutput", changed(BEDROCK_MESSAGE, "content", 0, "contentType", to="Text")),
        ("MessageOutput", changed(BEDROCK_MESSAGE, "content", 0, "body", to=None)),
        ("MessageOutput", changed(BEDROCK_MESSAGE, "feedback", "comment")),
        ("MessageOutput", changed(BEDROCK_MESSAGE, "usedChunks", 0, "rank", to="0")),
        ("NotThere", {"message": "Not Found"}),
        ("NotThere", {"errors": "No conversation found with id: x"}),
        ("HTTPValidationError", {}),
        ("HTTPValidationError", {"detail": "Field required"}),
        ("HTTPValidationError", {"detail": [{"loc": "body", "msg": "m", "type": "t"}]}),
        ("HTTPValidationError", {"detail": [{"loc": ["body"], "msg": "m"}]}),
    ],
)
def test_bedrock_near_miss_is_not_valid(name: str, body: Any) -> None:
    assert not schema("bedrock", name).is_valid(body)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ChatSession", MTMAI_SESSION),
        ("ChatSession", {"name": "", "version": ""}),
        ("ChatSession", {"name": "n", "version": "v", "team": None, "metadata": None}),
        ("ChatSessionList", {}),
        ("ChatSessionList", {"rows": [MTMAI_SESSION], "metadata": MTMAI_METADATA}),
        ("ChatMessages", {"messages": []}),
        ("ChatMessages", {"messages": [{**MTMAI_MESSAGE, "config": {"source": "web"}}]}),
        ("APIErrors", {"errors": [{"description": "d", "code": 1, "field": "name"}]}),
        ("APIError", {"description": "d"}),
    ],
)
def test_mtmai_response_is_valid(name: str, body: Any) -> None:
    schema("mtmai", name).validate(body)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ChatSession", changed(MTMAI_SESSION, "name")),
        ("ChatSession", changed(MTMAI_SESSION, "version")),
        ("ChatSession", changed(MTMAI_SESSION, "version", to=1)),
        *(("ChatSession", changed(MTMAI_SESSION, "metadata", n)) for n in MTMAI_METADATA),
        ("ChatSession", changed(MTMAI_SESSION, "metadata", "createdAt", to="2024-12-01 09:30")),
        ("ChatSession", changed(MTMAI_SESSION, "metadata", "createdAt", to=1733045400)),
        ("ChatSession", changed(MTMAI_SESSION, "metadata", "id", to="i" * 37)),
        ("ChatSessionList", [MTMAI_SESSION]),
        ("ChatSessionList", {"rows": [changed(MTMAI_SESSION, "name")]}),
        ("ChatMessages", {"messages": [changed(MTMAI_MESSAGE, "role", to="bot")]}),
        *(("ChatMessages", {"messages": [changed(MTMAI_MESSAGE, n)]}) for n in MTMAI_MESSAGE),
        ("APIErrors", {"errors": [{"code": 1}]}),
        ("APIErrors", {"description": "d"}),
        ("APIError", {"errors": [{"description": "d"}]}),
    ],
)
def test_mtmai_near_miss_is_not_valid(name: str, body: Any) -> None:
    assert not schema("mtmai", name).is_valid(body)


DIALOGUE = {"Action": "RunMVChat", "AppID": "app", "Role.0": "user", "Content.0": "hello"}
ASKED = {"Role.1": "assistant", "Content.1": "yes?"}
TEXT = {"contentType": "text", "body": "hello"}
IMAGE = {"contentType": "image", "mediaType": "image/png", "body": "iVBORw0KGgo="}
FILE = {"contentType": "attachment", "fileName": "notes.txt", "body": "bm90ZXM="}


def message(*content: dict[str, Any], model: str = "claude-v3-haiku") -> dict[str, Any]:
    return {"message": {"content": list(content), "model": model}}


@pytest.mark.parametrize(
    ("api", "name", "body"),
    [
        ("genesis", "RunMVChatRequest", DIALOGUE),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, **ASKED, "SessionID": 7}),
        ("bedrock", "ChatInput", message(TEXT, FILE, model="mistral-large")),
        ("bedrock", "ChatInput", {**message(IMAGE, TEXT), "conversationId": None}),
        ("chatbot", "ChatRequest", {"q": "why?", "language": "jp", "stream": True}),
        ("mtmai", "ChatSessionUpdate", {}),
        ("mtmai", "ChatSessionUpdate", {"name": "n"}),
    ],
)
def test_request_is_sent_as_valid(api: str, name: str, body: Any) -> None:
    for each in request_schemas(api, name):
        each.validate(body)


@pytest.mark.parametrize(
    ("api", "name", "body"),
    [
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "Prompt": "DTAUtpZW"}),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "SessionID": ""}),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "SessionID": "x"}),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "Content.0": ""}),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "Content.0": 5}),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "Role.3": "user", "Content.3": "c"}),
        ("genesis", "RunMVChatRequest", {"Action": "RunMVChat", "AppID": "app", **ASKED}),
        ("bedrock", "ChatInput", message(TEXT, model="claude-v3.5-sonnet-v2")),
        ("bedrock", "ChatInput", message(IMAGE, model="claude-v2")),
        ("bedrock", "ChatInput", message()),
        ("bedrock", "ChatInput", message({**TEXT, "zzz": 1})),
        ("bedrock", "ChatInput", message({"contentType": "image", "body": "AAAA"})),
        ("bedrock", "ChatInput", message({"contentType": "attachment", "body": "AAAA"})),
        ("bedrock", "ChatInput", message({**FILE, "fileName": None})),
        ("bedrock", "ChatInput", message({**IMAGE, "mediaType": "nonsense"})),
        ("bedrock", "ChatInput", message({**IMAGE, "body": ""})),
        *(
            ("bedrock", "ChatInput", {**message(TEXT), "continueGenerate": value})
            for value in (0, 1, 1.0, "true", "yes", "off")
        ),
        ("chatbot", "ChatRequest", {"q": " "}),
        ("chatbot", "ChatRequest", {"q": "why?", "language": "ja"}),
        ("chatbot", "ChatRequest", {"q": "why?", "stream": "true"}),
        ("chatbot", "ChatRequest", {"q": "why?", "conversation_uid": None}),
        ("chatbot", "ChatRequest", {"q": "why?", "temperature": 1}),
        ("mtmai", "ChatSessionUpdate", {"name": None}),
        ("mtmai", "ChatSessionUpdate", {"metadata": {}}),
        ("mtmai", "ChatSessionUpdate", {"team": "t"}),
    ],
)
def test_request_is_neither_sent_as_valid_nor_has_to_be_refused(
    api: str, name: str, body: Any
) -> None:
    sent, accepted = request_schemas(api, name)
    assert not sent.is_valid(body)
    accepted.validate(body)


@pytest.mark.parametrize(
    ("api", "name", "body"),
    [
        *(("genesis", "RunMVChatRequest", changed(DIALOGUE, name)) for name in DIALOGUE),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "Action": "Other"}),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "Role.0": "system"}),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "Role.1": "user"}),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "Role.2": "user", "Content.2": "gap"}),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, **ASKED, "Role.17": "robot"}),
        ("genesis", "RunMVChatRequest", {**DIALOGUE, "Content.0": {}}),
        ("bedrock", "ChatInput", {}),
        ("bedrock", "ChatInput", message(TEXT, model="claude-v9")),
        ("bedrock", "ChatInput", message({"body": "no type"})),
        ("bedrock", "ChatInput", message({**TEXT, "body": None})),
        ("bedrock", "ChatInput", message({**IMAGE, "mediaType": None})),
        ("bedrock", "ChatInput", message({**IMAGE, "body": 5})),
        ("bedrock", "ChatInput", {**message(TEXT), "conversationId": 1}),
        ("bedrock", "ChatInput", {**message(TEXT), "continueGenerate": None}),
        ("chatbot", "ChatRequest", {}),
        ("chatbot", "ChatRequest", {"q": None}),
        ("chatbot", "ChatRequest", {"q": ["why?"]}),
        ("chatbot", "ChatRequest", {"q": "why?", "stream": []}),
        ("chatbot", "ChatRequest", []),
        ("mtmai", "ChatSessionUpdate", {"name": 1}),
        ("mtmai", "ChatSessionUpdate", []),
        ("mtmai", "ChatSessionUpdate", "name"),
    ],
)
def test_request_has_to_be_refused(api: str, name: str, body: Any) -> None:
    for each in request_schemas(api, name):
        assert not each.is_valid(body)

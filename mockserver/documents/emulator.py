"""A document as an API: one request from its path to its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from ..model import BELOW, Answer, Api, Call, Identity, Operation, Refusal, World
from ..replies import Reply
from ..store import Scope
from . import security
from .answers import Answers, as_json, usual
from .bodies import Unreadable, read_body
from .document import Document, Documented, Endpoint, Media
from .loading import DocumentError
from .media import acceptable, is_json, written
from .naming import name_of
from .parameters import Sent, parameter_problems
from .paths import SLASH, Found, Paths
from .preferences import Wish, wish_of
from .problems import Problem, problem_details
from .resources import Outcome, Resources
from .schemas import fits
from .shapes import inside, listed, overlaid, worded

PROBLEM_JSON = "application/problem+json"

MOST_SAID = 5
"""Problems of one request that are said in one sentence; a list has more of them."""


class DocumentApi(Api):
    """What a document says, kept; a class is made of this one for each document."""

    routes_itself: ClassVar[bool] = True
    identities: ClassVar[tuple[Identity, ...]] = ({}, {})
    reply_fields: ClassVar[frozenset[str]] = frozenset({"status"})
    query_keys: ClassVar[tuple[str, ...]] = ()
    document: ClassVar[Document]
    paths: ClassVar[Paths]

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._by_name = {one.name: one for one in self.document.endpoints}
        self._answers = Answers(self.document, world.number)
        self._resources = Resources(self.document, world) if world.settings.stateful else None

    def answer(self, call: Call) -> Answer:
        """Answer a request as the document says, or refuse it."""
        endpoint, values = self.find(call)
        sent = Sent(call.request, values)
        if self.world.settings.authenticate:
            security.authenticate(self.document, endpoint, sent, call.request)
        wish = wish_of(call.request.headers.get("Prefer", ""))
        body = self.read(endpoint, call, sent)
        scripted = self.world.replies.find(question(call))
        if scripted is not None:
            return self.scripted(endpoint, scripted)
        return self.documented(endpoint, call, wish, values, body)

    # A request comes in

    def route(self, call: Call) -> None:
        """Say whose path and method it is, if it is anybody's."""
        found = self.look(call)
        call.operation = found.endpoint.name if found.endpoint else None

    def look(self, call: Call) -> Found:
        """Return who answers, or which methods would be."""
        query = call.request.query_string.decode("latin-1")
        return self.paths.find(call.request.method, path_of(call), query)

    def find(self, call: Call) -> tuple[Endpoint, Mapping[str, str]]:
        """Return whose path and method it is; refuse what is nobody's."""
        found = self.look(call)
        if found.endpoint is not None:
            values = {name: one.replace(SLASH, "/") for name, one in found.values.items()}
            return found.endpoint, values
        if found.allowed:
            raise Refusal(
                f"the document has no {call.request.method} for this path",
                status=405,
                headers=(("Allow", ", ".join(found.allowed)),),
            )
        raise Refusal("the document has no such path", status=404)

    def read(self, endpoint: Endpoint, call: Call, sent: Sent) -> Any:
        """Return the body; refuse a request that is not as documented, with all that is wrong."""
        schemas = self.document.schemas
        problems = list(parameter_problems(endpoint, sent, schemas, self.query_keys))
        unreadable = False
        body = None
        try:
            body, wrong = read_body(endpoint, call.request, schemas)
            problems += wrong
        except Unreadable as error:
            problems.append(Problem("body", "", "", str(error)))
            unreadable = True
        if problems:
            raise self.invalid(endpoint, problems, unreadable)
        return body

    def invalid(self, endpoint: Endpoint, problems: list[Problem], unreadable: bool) -> Refusal:
        """Return the refusal of a request that is not as documented: 400 or 422, as there is."""
        # A body that fits no schema is 422 where there is a choice; what cannot be read is 400.
        mostly = any(one.place == "body" for one in problems) and not unreadable
        order = (422, 400) if mostly else (400, 422)
        status = next((one for one in order if str(one) in endpoint.responses), 400)
        more = f" (and {len(problems) - MOST_SAID} more)" if len(problems) > MOST_SAID else ""
        said = "; ".join(map(str, problems[:MOST_SAID])) + more
        if not {"400", "422"} & set(endpoint.responses):
            said += "; the document has neither 400 nor 422 here"
        return Refusal(said, status=status, detail=problems)

    # An answer

    def documented(
        self, endpoint: Endpoint, call: Call, wish: Wish, values: Mapping[str, str], body: Any
    ) -> Answer:
        """Answer as documented; with what is kept of things, where things are kept."""
        status, documented = self._answers.status(endpoint, wish)
        media = self.choose_media(documented, call)
        outcome = None
        if self._resources is not None and wish == Wish():
            outcome = self._resources.act(endpoint, self.scope(call), path_of(call), values, body)
        place = f"{call.request.method} {path_of(call)}"
        place += f"?{call.request.query_string.decode('latin-1')}" if wish.dynamic else ""
        value: Any = None
        if media is not None:
            made = self._answers.value(endpoint, media, wish, place)
            call.remarks.extend(made.remarks)
            value = made.value if outcome is None else self.shown(media, made.value, outcome)
        answer = self._answers.write(status, documented, media, value, place)
        if outcome is not None and outcome.location and status == 201:
            kept = tuple(line for line in answer.headers if line[0].lower() != "location")
            answer = Answer(answer.status, answer.body, (*kept, ("Location", outcome.location)))
        return answer.with_headers(*wish.applied)

    def choose_media(self, documented: Documented, call: Call) -> Media | None:
        """Return of which type the body is, None where there is none; refuse what is not taken."""
        made = self._answers.media(documented)
        if not made:
            if documented.contents:
                call.remarks.append(
                    f"{', '.join(documented.contents)}: not made without an example"
                )
            return None
        wanted = acceptable(made, str(call.request.headers.get("Accept", "")))
        if not wanted:
            known = ", ".join(one.type for one in made)
            raise Refusal(f"nothing that is accepted is made here; there is {known}", status=406)
        return wanted[0]

    def shown(self, media: Media, made: Any, outcome: Outcome) -> Any:
        """Return an answer that shows what is kept, as far as its schema lets it."""
        resources = self._resources
        if resources is None or media.urn is None or not is_json(media.type):
            return made
        fitting = partial(fits, self.document.schemas.validator(media.urn))
        if outcome.thing is not None:
            path = resources.place_of_thing(media)
            shown = overlaid(made, outcome.thing, path, fitting)
            resources.keep(outcome, inside(shown, path))
            return shown
        place = resources.place_of_list(media) if outcome.things is not None else None
        if outcome.things is None or place is None:
            return made
        return listed(made, [dict(one) for one in outcome.things], place, fitting)

    def scripted(self, endpoint: Endpoint, reply: Reply) -> Answer:
        """Answer what somebody scripted, whatever the document says."""
        status, documented = usual(endpoint)
        status = int(reply.fields.get("status", status))
        documented = endpoint.response(status) or documented
        media = next(iter(self._answers.media(documented)), None)
        kind = written(media.type) if media else "application/json"
        return Answer(status, reply.answer.encode("utf-8", "replace"), (("Content-Type", kind),))

    # Refusals

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Write a refusal in the document's own shape if it has one, else as a problem."""
        problems = refusal.detail if isinstance(refusal.detail, list) else []
        call.remarks.extend(map(str, problems[:10]))
        details = problem_details(refusal.status, refusal.reason, problems)
        endpoint = self._by_name.get(call.operation or "")
        documented = (
            endpoint.response(refusal.status) if endpoint and refusal.status < 500 else None
        )
        kind, value = PROBLEM_JSON, details
        if endpoint is not None and documented is not None:
            kind, value = self.in_its_shape(endpoint, documented, details)
        return Answer(refusal.status, as_json(value), (("Content-Type", kind), *refusal.headers))

    def in_its_shape(
        self, endpoint: Endpoint, documented: Documented, details: dict[str, Any]
    ) -> tuple[str, Any]:
        """Return a documented error with our words in it, and its media type."""
        for media in documented.contents.values():
            if not is_json(media.type) or media.urn is None:
                continue
            validator = self.document.schemas.validator(media.urn)
            if media.type.lower() == PROBLEM_JSON and fits(validator, details):
                return media.type, details
            try:
                made = self._answers.value(endpoint, media, Wish(dynamic=True), "refusal").value
            except Refusal:
                break
            words = str(details["detail"])
            return written(media.type), worded(made, words, partial(fits, validator))
        return PROBLEM_JSON, details

    # Who calls

    def credential_of(self, call: Call) -> str:
        """Return what a request brings to be let in, whichever way."""
        sent = Sent(call.request, {})
        schemes = self.document.schemes.values()
        brought = [security.credential(one, sent, call.request) for one in schemes]
        return repr([call.request.headers.get("Authorization", ""), *brought])

    def session_of(self, call: Call) -> str:
        """Return who calls: a document knows of no conversations."""
        return self.credential_of(call)

    def scope(self, call: Call) -> Scope:
        """Return where the things of a caller are; credentials are not written there."""
        authenticates = self.world.settings.authenticate
        brought = self.credential_of(call) if authenticates else ""
        return (self.name, "things", f"{self.world.number('caller', brought):032x}")

    def scope_of_caller(self, identity: Identity) -> Scope:
        """Return where the things of all callers are: none is known by name."""
        return (self.name, "things")

    def question_of(self, call: Call) -> str | None:
        """Return the method and the path: what a scripted reply is to."""
        return question(call)

    @classmethod
    def check_reply(cls, reply: Reply) -> None:
        """Raise ValueError for a reply that is no answer of a document."""
        if reply.messages:
            raise ValueError("a document's reply has an answer (the body as a text), not messages")
        status = reply.fields.get("status", 200)
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise ValueError("status should be a number from 200 to 599")

    @classmethod
    def read_recording(cls, exchanges: list[dict[str, Any]]) -> list[Reply]:
        """Return what was answered to each method and path."""
        return [
            Reply(
                "question",
                f"{one['request']['method']} {urlsplit(one['request']['url']).path or '/'}",
                str(one["response"]["content"].get("text", "")),
                str(one.get("_basis", "observed")),
                fields={"status": one["response"]["status"]},
            )
            for one in exchanges
        ]


def document_api(path: Path, taken: Iterable[str] = ()) -> type[DocumentApi]:
    """Return the API class of a document, under a name that is not taken; raises DocumentError."""
    try:
        stat = path.stat()
    except OSError as error:
        raise DocumentError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    return _made(path, (stat.st_mtime_ns, stat.st_size), tuple(sorted(taken)))


@lru_cache(8)
def _made(path: Path, stamp: tuple[int, int], taken: tuple[str, ...]) -> type[DocumentApi]:
    # Asked for several times on the way to a mock, and by each worker: read once.
    document = Document(path)
    keys = [one for one in document.schemes.values() if one.get("type") == "apiKey"]
    return type(
        "Emulator",
        (DocumentApi,),
        {
            "name": name_of(path, document.title, taken),
            "title": document.title,
            "operations": tuple(
                Operation(one.name, one.method, one.path) for one in document.endpoints
            ),
            "notes": tuple(_notes(document)),
            "document": document,
            "paths": Paths(document.endpoints, document.bases),
            "query_keys": tuple(
                str(one.get("name", "")) for one in keys if one.get("in") == "query"
            ),
            "secret_headers": frozenset(
                str(one.get("name", "")).lower() for one in keys if one.get("in") == "header"
            ),
            "concealed": _concealed(
                [str(one.get("name", "")) for one in keys], document.survey.passwords
            ),
        },
    )


def _notes(document: Document) -> Iterator[str]:
    """Yield what is left alone, and where it stands, so that nobody waits for it."""
    if bases := [base for base in document.bases if base]:
        yield f"served at / and below {', '.join(bases)}, as its servers have it"
    for line in document.survey.lines():
        yield f"left alone: {line}"
    for name, kind in security.unseen(document):
        yield f"not looked for: security scheme {name} ({kind})"


def _concealed(keys: Iterable[str], passwords: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds keys in a query, and members that are passwords in forms and in JSON."""
    names = sorted({name for name in (*keys, *passwords) if name})
    if not names:
        return None
    named = "|".join(map(re.escape, names))
    # A group may stand only once in a pattern, so what is before it says how it goes on.
    part = rf'(?P<part>\bname="(?:{named})"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)'
    member = rf'(?<![\w-])(?:{named})"\s*:\s*(?P<quote>")'
    pair = rf"(?<![\w-])(?:{named})="
    goes_on = r'(?(quote)(?:[^"\\]|\\.)+|(?(part)[^\r\n]+|[^&\s"]+))'
    return re.compile(rf"(?:{part}|{member}|{pair})(?P<secret>{goes_on})")


def path_of(call: Call) -> str:
    """Return the path of a request below where the API is mounted.

    A slash that is part of a value, as `%2F` is, stays written so: it parts nothing.
    """
    below = call.path.get(BELOW, "/")
    raw = str(call.request.environ.get("RAW_URI", "")).partition("?")[0]
    if "%2f" not in raw.lower() or not raw.startswith("/"):
        return below
    mount = call.request.path.removesuffix(below)
    parts = [unquote(part).replace("/", SLASH) for part in raw.split("/")]
    return "/".join(parts).removeprefix(mount)


def question(call: Call) -> str:
    """Return the method and the path of a request."""
    return f"{call.request.method} {path_of(call)}"

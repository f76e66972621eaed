"""The clauses of mtmai without its mock: honest servers keep all of them, however they differ."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import contracts
from contracts.apis.mtmai import driver as mtmai
from contracts.apis.mtmai.answers import read_moment
from contracts.apis.mtmai.driver import CHANGES, NOTHING, MtmaiDriver, basic, bearer, made_up
from contracts.drawing import Drawn
from contracts.model import ContractError, Exchange, NotReached, Request, Response, Verdict
from contracts.report import curl
from contracts.runner import PROFILES, Outcome, Plan, choose, run
from contracts.target import Target

CONTRACT = contracts.load("mtmai")
TENANT = "3f6c1f0e-8d0a-4c57-9b53-5a8f0c6f7f10"
OTHER_TENANT = "9a1b7c3e-2f4d-4b6a-8c1e-0d2f4a6b8c0e"
FIRST = {
    "tenant": TENANT,
    "token": 'to%s"ken$1`x',
    "username": "ann",
    "password": "pass'wörd \\n$(x)",
    "cookie": "cookie-of-ann",
}
SECOND = {
    "tenant": OTHER_TENANT,
    "token": "token-of-ben",
    "username": "ben",
    "password": "password-of-ben",
    "cookie": "cookie-of-ben",
}
BOTH = FIRST | {f"other_{name}": value for name, value in SECOND.items()}


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def microseconds(time: float) -> str:
    return (datetime(2024, 12, 1) + timedelta(seconds=time)).isoformat() + "Z"


def seconds_in_lower_case(time: float) -> str:
    return microseconds(int(time))[:19].lower() + "z"


def trimmed_nanoseconds_in_shanghai(time: float) -> str:
    moment = datetime(2024, 12, 1, tzinfo=timezone(timedelta(hours=8))) + timedelta(seconds=time)
    digits = f"{moment.microsecond:06d}789".rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{digits}+08:00"


@dataclass(frozen=True)
class Manners:
    """What the documents leave to a server; the defaults are the plainest."""

    refusal: int = 403
    refusal_body: Any = field(default_factory=lambda: {"description": "no", "code": None})
    wrong_method: int = 405
    time: Callable[[float], str] = microseconds
    id: Callable[[int], str] = "00000000-0000-4000-8000-{:012d}".format
    kind: str = "application/json"
    extra: Mapping[str, Any] = field(default_factory=dict)
    metadata_in: frozenset[str] = frozenset({"POST", "PUT", "GET", "list"})
    leaves_out_what_is_empty: bool = False
    order: Callable[[list[Any]], list[Any]] = list
    messages: Sequence[tuple[str, str]] = ()
    escapes: bool = True
    sees: Callable[[str, str], bool] = lambda tenant, asked: tenant == asked
    renames: bool = True


VARIANTS = {
    "plain": Manners(messages=[("system", "Hello"), ("user", "你好"), ("assistant", "")]),
    "short_ids_and_another_zone": Manners(
        refusal=401,
        refusal_body="no",
        time=trimmed_nanoseconds_in_shanghai,
        id="chat_{}".format,
        extra={"team": None, "colour": [1], "updated": {"by": "ann"}},
        messages=[("user", "Hello")],
        order=lambda rows: rows[::-1],
        escapes=False,
    ),
    "as_little_as_is_allowed": Manners(
        wrong_method=404,
        time=seconds_in_lower_case,
        id="{}".format,
        kind="Application/JSON; charset=utf-8",
        metadata_in=frozenset({"POST", "PUT", "GET"}),
        leaves_out_what_is_empty=True,
        order=lambda rows: sorted(rows, key=json.dumps),
    ),
}


@dataclass
class Refusal(Exception):
    status: int
    body: Any


class Server:
    """An honest server, small enough to see that it is one."""

    def __init__(self, manners: Manners, clock: Clock) -> None:
        self.manners = manners
        self.clock = clock
        self.chats: dict[str, dict[str, dict[str, Any]]] = {TENANT: {}, OTHER_TENANT: {}}
        self.made = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        self.clock.time += 0.001
        try:
            status, body = 200, self.answer(environ)
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        text = json.dumps(body, ensure_ascii=self.manners.escapes).encode("utf-8", "replace")
        start_response(f"{status} -", [("content-type", self.manners.kind)])
        return iter([text])

    def answer(self, environ: Mapping[str, Any]) -> Any:
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        found = re.fullmatch(r"/api/v1/tenants/([^/]+)/chats(?:/([^/]+)(/messages)?)?", path)
        if not found:
            raise Refusal(404, {"errors": [{"description": "no such path"}]})
        tenant, chat, messages = found.groups()
        method = environ["REQUEST_METHOD"]
        if method not in ("GET",) if messages else method not in ("GET", "PUT" if chat else "POST"):
            raise Refusal(self.manners.wrong_method, None)
        if not any(self.manners.sees(own, tenant) for own in self.let_in(environ)):
            raise Refusal(self.manners.refusal, self.manners.refusal_body)
        chats = self.chats.setdefault(tenant, {})
        if chat and chat not in chats:
            raise Refusal(404, "not found")
        if messages:
            return self.show_messages(chats[chat])
        if method == "GET":
            return self.show(chats[chat], "GET") if chat else self.show_list(chats)
        return self.write(chats, chat, self.read_body(environ))

    def let_in(self, environ: Mapping[str, Any]) -> list[str]:
        shown = {environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_COOKIE")}
        tenants = []
        for caller in (FIRST, SECOND):
            pair = f"{caller['username']}:{caller['password']}".encode()
            ways = {
                f"Bearer {caller['token']}",
                f"Basic {base64.b64encode(pair).decode()}",
                f"hatchet={caller['cookie']}",
            }
            if shown & ways:
                tenants.append(caller["tenant"])
        return tenants

    def read_body(self, environ: Mapping[str, Any]) -> dict[str, Any]:
        try:
            body = json.loads(environ["wsgi.input"].read())
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("name"), str | None):
            raise Refusal(400, {"errors": [{"description": "malformed", "hint": 1}]})
        return body

    def write(self, chats: dict[str, Any], chat: str | None, body: dict[str, Any]) -> Any:
        if chat is None:
            self.made += 1
            chat = self.manners.id(self.made)
            chats[chat] = {"id": chat, "name": "Unnamed", "version": "1", "at": self.clock.time}
            chats[chat]["began"] = self.clock.time
            method = "POST"
        else:
            chats[chat]["at"] = self.clock.time
            method = "PUT"
        if body.get("name") is not None and (method == "POST" or self.manners.renames):
            chats[chat]["name"] = body["name"]
        return self.show(chats[chat], method)

    def show(self, chat: Mapping[str, Any], where: str) -> dict[str, Any]:
        shown = {"version": chat["version"], **self.manners.extra, "name": chat["name"]}
        if where in self.manners.metadata_in:
            shown["metadata"] = self.metadata(chat["id"], chat["began"], chat["at"])
        return shown

    def metadata(self, id: str, created: float, updated: float) -> dict[str, str]:
        time = self.manners.time
        return {"createdAt": time(created), "updatedAt": time(updated), "id": id, "etag": "x"}

    def show_list(self, chats: Mapping[str, Any]) -> dict[str, Any]:
        rows = self.manners.order([self.show(chat, "list") for chat in chats.values()])
        return {} if self.manners.leaves_out_what_is_empty and not rows else {"rows": rows}

    def show_messages(self, chat: Mapping[str, Any]) -> dict[str, Any]:
        if self.manners.leaves_out_what_is_empty and not self.manners.messages:
            return {}
        began = chat["began"]
        return {
            "messages": [
                {
                    "content": content,
                    "role": role,
                    "source": None,
                    "metadata": self.metadata(f"{chat['id'][-12:]}/{place}", began, began + place),
                }
                for place, (role, content) in enumerate(self.manners.messages)
            ]
        }


def judged(
    manners: Manners,
    seed: int = 0,
    only: Sequence[str] = (),
    credentials: Any = None,
    drawn: Drawn | None = None,
) -> Outcome:
    clock = Clock()
    target = Target("http://variant.invalid", app=Server(manners, clock), clock=clock)
    plan = Plan(choose(CONTRACT.clauses, only), PROFILES["quick"], seed, drawn=drawn)
    *_, outcome = run(CONTRACT, target, credentials or BOTH, plan)
    assert isinstance(outcome, Outcome)
    return outcome


def found(outcome: Outcome) -> dict[str, str]:
    return {
        finding.clause.id: f"{finding.verdict}: {finding.reason}"
        for finding in outcome.findings
        if finding.verdict is not Verdict.KEPT
    }


# Without messages, or without metadata in the list, there is nothing for these to judge.
NOT_REACHED = {
    "mtmai.update.keeps_messages", "mtmai.messages.role", "mtmai.messages.content",
    "mtmai.messages.metadata", "mtmai.messages.times", "mtmai.messages.order",
    "mtmai.messages.id_unique", "mtmai.messages.stable", "mtmai.messages.own",
    "mtmai.list.created", "mtmai.list.once", "mtmai.list.same", "mtmai.update.seen_by_list",
    "mtmai.update.still_listed", "mtmai.state.follows_every_change",
}  # fmt: skip


EXPECTED: dict[str, tuple[set[str], set[str]]] = {
    "plain": (set(), set()),
    "short_ids_and_another_zone": (
        {"mtmai.messages.order", "mtmai.auth.forbidden_body"},
        {"mtmai.auth.refused_with_403"},
    ),
    "as_little_as_is_allowed": (
        NOT_REACHED,
        {"mtmai.list.metadata_present", "mtmai.messages.present"},
    ),
}
"""What does not apply to a variant, and where it deviates from what was only observed."""


DRAWN = Drawn()
"""What the seeds draw, drawn once for all the servers that are held to it."""


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", VARIANTS)
def test_an_honest_server_that_is_different_keeps_every_clause(name: str, seed: int) -> None:
    outcome = judged(VARIANTS[name], seed, drawn=DRAWN)
    assert outcome.trouble == ""
    assert outcome.verdict is Verdict.KEPT
    not_applicable, deviations = EXPECTED[name]
    assert not [said for said in found(outcome).values() if said.startswith(("broken", "error"))]
    assert {f.clause.id for f in outcome.findings if f.verdict is Verdict.DEVIATION} == deviations
    assert found(outcome).keys() - deviations <= not_applicable


@pytest.mark.parametrize(
    "given",
    [
        {"tenant": TENANT, "token": FIRST["token"]},
        {"tenant": TENANT, "username": FIRST["username"], "password": FIRST["password"]},
        {"tenant": TENANT, "cookie": FIRST["cookie"], "token": ""},
        {"tenant": TENANT, "cookie": FIRST["cookie"], "other_tenant": OTHER_TENANT},
    ],
)
def test_one_way_to_authenticate_and_no_second_caller_is_enough(given: dict[str, str]) -> None:
    outcome = judged(VARIANTS["plain"], credentials=given, only=["mtmai.[acgmlstu]*"])
    untested = {id: said for id, said in found(outcome).items() if said.startswith("untested")}
    assert found(outcome) == untested
    assert {id.rsplit(".", 1)[0] for id in untested} == {"mtmai.auth", "mtmai.tenant"}


@pytest.mark.parametrize(
    ("lie", "broken"),
    [
        (replace(Manners(), sees=lambda own, asked: True), "mtmai.tenant.reads"),
        (replace(Manners(), id="x".format), "mtmai.create.id_unique"),
        (replace(Manners(), id=("x" * 30 + "{:07d}").format), "mtmai.metadata.id_length"),
        (replace(Manners(), time=lambda time: f"{time}"), "mtmai.metadata.times"),
        (replace(Manners(), time=lambda time: microseconds(-time)), "mtmai.update.never_back"),
        (replace(Manners(), kind="text/html"), "mtmai.answer.content_type"),
        (replace(Manners(), refusal=404), "mtmai.auth.nothing_reads"),
        (replace(Manners(), refusal_body=["no"]), "mtmai.auth.forbidden_body"),
        (replace(Manners(), extra={"version": 1}), "mtmai.session.version"),
        (replace(Manners(), renames=False), "mtmai.state.follows_every_change"),
        (replace(Manners(), messages=[("bot", "")]), "mtmai.messages.role"),
        (replace(Manners(), order=lambda rows: rows * 2), "mtmai.list.once"),
    ],
)
def test_the_same_server_with_one_lie_breaks_the_clause_about_it(lie: Manners, broken: str) -> None:
    (finding,) = judged(lie, only=[broken]).findings
    assert finding.verdict is Verdict.BROKEN


def test_a_way_that_is_refused_is_found_and_does_not_hide_the_rest() -> None:
    wrong = BOTH | {"token": "not-the-token"}
    outcome = judged(VARIANTS["plain"], credentials=wrong, only=["mtmai.auth.*", "mtmai.get.*"])
    broken = {f.clause.id for f in outcome.findings if f.verdict is Verdict.BROKEN}
    assert broken == {"mtmai.auth.bearer"}


def client(**given: str) -> MtmaiDriver:
    clock = Clock()
    app = Server(VARIANTS["plain"], clock)
    return MtmaiDriver(CONTRACT, Target("http://variant.invalid", app=app, clock=clock), given)


def test_no_way_to_authenticate_is_an_error_that_says_what_to_set() -> None:
    for given in ({}, {"token": ""}, {"username": "ann"}, {"password": "p"}, {"other_token": "t"}):
        with pytest.raises(ContractError, match="set COUNTERFOIL_MTMAI_TOKEN, or .*_COOKIE"):
            client(tenant=TENANT, **given)


def test_a_client_prefers_bearer_to_basic_and_basic_to_the_cookie() -> None:
    ways = client(**FIRST).ways
    assert ways == ("bearer", "basic", "cookie")
    assert client(tenant=TENANT, username="a", password="b", cookie="c").ways == ("basic", "cookie")


def test_a_second_caller_without_a_way_or_of_the_same_tenant_does_not_apply() -> None:
    with pytest.raises(NotReached, match="no way to authenticate"):
        client(**FIRST, other_tenant=OTHER_TENANT, other_username="ben").other()
    with pytest.raises(NotReached, match="the first one's"):
        client(**FIRST, other_tenant=TENANT, other_token="t").other()


def test_path_segments_are_percent_encoded_whole() -> None:
    request = client(**FIRST | {"tenant": "a/b"}).request("chat_messages", "é /?#..%00\x00")
    path = "/api/v1/tenants/a%2Fb/chats/%C3%A9%20%2F%3F%23..%2500%00/messages"
    assert (request.method, request.target) == ("GET", path)


def shell(word: str, **given: str) -> str:
    variables = {CONTRACT.variable(name): value for name, value in given.items()}
    printed = subprocess.run(
        ["sh", "-c", f"printf %s {word}"], env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True, check=True,
    )  # fmt: skip
    assert printed.stderr == b""
    return printed.stdout.decode()


@pytest.mark.parametrize("way", mtmai.WAYS)
@pytest.mark.parametrize("prefix", ["", "other_"])
def test_the_secrets_of_a_request_are_known_and_a_shell_makes_them_anew(
    way: mtmai.Way, prefix: str
) -> None:
    caller = client(**BOTH).other() if prefix else client(**BOTH)
    request = caller.showing(caller.proof(way)).request("chat_list")
    (secret,) = request.hidden
    assert sum(secret.value in value for _, value in request.headers) == 1
    assert shell(secret.shell, **BOTH) == secret.value
    command = curl.render(request, "http://variant.invalid")
    for name in ("token", "password", "cookie"):
        assert caller.credentials[name] not in command
    assert secret.value not in command
    assert f"COUNTERFOIL_MTMAI_{prefix}{mtmai.WAYS[way][-1]}".upper() in command


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_secret_that_was_changed_is_hidden_and_a_shell_changes_it_alike(
    change: mtmai.Change,
) -> None:
    given = FIRST | {"token": "Ab1", "password": "Zy 2'"}
    caller = client(**given)
    for proof in (
        bearer(caller.word("token", change)),
        basic(caller.word("username"), caller.word("password", change)),
    ):
        (secret,) = proof.hidden
        assert proof.headers[0][1].endswith(f" {secret.value}")
        assert shell(secret.shell, **given) == secret.value


def test_what_is_made_up_is_not_hidden_and_nothing_is_nothing() -> None:
    assert bearer(made_up("nobody")).hidden == ()
    request = client(**FIRST).showing(NOTHING).request("chat_list")
    assert {name for name, _ in request.headers} == {"Accept"}
    assert request.hidden == ()


def test_authorize_replaces_what_a_request_brought_along() -> None:
    brought = (("authorization", "Bearer x"), ("X-A", "1"), ("COOKIE", "hatchet=x"))
    request = client(tenant=TENANT, cookie="mine").authorize(Request("GET", "/", brought))
    assert request.headers == (("X-A", "1"), ("Cookie", "hatchet=mine"))
    assert [secret.value for secret in request.hidden] == ["mine"]


def exchange(status: int, body: bytes = b"", kind: str = "application/json") -> Exchange:
    response = Response(status, (("Content-Type", kind),), body)
    return Exchange(Request("GET", "/"), response, 0.0, 0.0)


@pytest.mark.parametrize(
    ("status", "body", "accepted"),
    [
        (200, b"{}", True), (200, b"", True), (200, b"nonsense", True), (201, b"[]", True),
        (202, b"null", True), (204, b"", True), (200, b'{"errors": []}', True),
        (301, b"{}", False), (400, b"{}", False), (403, b'{"rows": []}', False),
        (404, b"", False), (500, b"{}", False),
    ],
)  # fmt: skip
def test_accepted_goes_by_the_status_and_bears_odd_bodies(
    status: int, body: bytes, accepted: bool
) -> None:
    assert client(**FIRST).accepted(exchange(status, body)) is accepted


def test_no_answer_is_not_accepted_and_an_answer_without_an_id_does_not_apply() -> None:
    caller = client(**FIRST)
    assert not caller.accepted(Exchange(Request("GET", "/"), None, 0.0, 1.0, "it broke off"))
    for body in (b"", b"[]", b"{}", b'{"metadata": 1}', b'{"metadata": {"id": 7}}', b"[" * 9999):
        with pytest.raises(NotReached):
            caller.id_of(exchange(200, body))


@pytest.mark.parametrize(
    "text",
    [
        "2024-12-01T00:00:00Z", "2024-12-01t08:00:00.000+08:00", "2024-11-30T23:59:60z",
        "2024-11-30 19:00:00.0-05:00", "2024-12-01T00:00:00.000000000-00:00",
    ],
)  # fmt: skip
def test_all_spellings_of_a_time_are_read_alike(text: str) -> None:
    first, moment = read_moment("2024-12-01T00:00:00Z"), read_moment(text)
    assert first and moment and first.seconds == moment.seconds
    assert first.same(moment)


@pytest.mark.parametrize(
    "text",
    [
        "", "2024-12-01", "2024-12-01T00:00:00", "2024-12-01T00:00:00+0800", "20241201T000000Z",
        "2024-12-01T24:00:00Z", "2024-02-30T00:00:00Z", "2024-13-01T00:00:00Z",
        "Sun, 01 Dec 2024 00:00:00 +0000", "2024-12-01T00:00Z", "2024-12-01T00:00:00.Z",
        "２０２４-12-01T00:00:00Z", "2024-12-01T00:00:00Z\n", "1733011200", 1733011200, None,
    ],
)  # fmt: skip
def test_what_is_not_rfc_3339_is_no_time(text: object) -> None:
    assert read_moment(text) is None


@pytest.mark.parametrize(
    ("earlier", "later", "before"),
    [
        ("00:00:00Z", "00:00:01Z", True), ("00:00:00.1Z", "00:00:00.2Z", True),
        ("00:00:00.123456789Z", "00:00:00.123456790Z", True),
        ("00:00:00.999Z", "00:00:01Z", False), ("00:00:00Z", "00:00:00.9Z", False),
        ("00:00:00.123Z", "00:00:00.123456Z", False), ("00:00:01Z", "00:00:01Z", False),
        ("00:00:00.5Z", "00:00:01.75Z", True),
    ],
)  # fmt: skip
def test_a_time_that_was_cut_to_a_coarser_unit_is_not_earlier(
    earlier: str, later: str, before: bool
) -> None:
    first, second = read_moment(f"2024-12-01T{earlier}"), read_moment(f"2024-12-01T{later}")
    assert first and second
    assert first.before(second) is before
    assert first.same(second) is not before
    assert not second.before(first)


@pytest.mark.parametrize(
    ("text", "precision"),
    [(".000", 1), ("", 1), (".500", 0.1), (".217", 0.001), (".120000", 0.01), (".000001", 1e-6)],
)
def test_the_precision_of_a_time_is_that_of_its_last_digit(text: str, precision: float) -> None:
    moment = read_moment(f"2024-12-01T00:00:10{text}Z")
    assert moment and float(moment.precision) == precision

import asyncio
import gc
import importlib.util
import subprocess
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpcore
import httpx
import pytest
import requests
import responses
import respx
from requests.adapters import HTTPAdapter

import counterfoil

HERE = "https://a.example"
GETTERS = pytest.mark.parametrize("get", [httpx.get, requests.get], ids=["httpx", "requests"])
REFUSED = (httpx.ConnectError, requests.ConnectionError)


def intercepted(url=HERE, **options):
    return counterfoil.intercept("bedrock", url=url, **options)


def health(get, url=HERE, key="counterfoil-api-key", **how):
    return get(f"{url}/health", headers={"x-api-key": key}, **how)


def methods():
    pools = (httpcore.ConnectionPool, httpcore.HTTPProxy, httpcore.SOCKSProxy)
    later = (httpcore.AsyncConnectionPool, httpcore.AsyncHTTPProxy, httpcore.AsyncSOCKSProxy)
    return [
        HTTPAdapter.send,
        *(getattr(pool, "handle_request", None) for pool in pools),  # SOCKS is an extra
        *(getattr(pool, "handle_async_request", None) for pool in later),
        *("handle_request" in vars(pool) for pool in pools),
    ]


@pytest.fixture(autouse=True)
def all_is_put_back():
    before = methods()
    yield
    assert methods() == before


@GETTERS
def test_an_unknown_host_is_refused_and_the_error_names_it_and_what_is_known(get):
    with intercepted(), counterfoil.intercept("genesis"), pytest.raises(REFUSED) as raised:
        get("https://me:secret@other.example:8443/path?key=secret")
    assert str(raised.value) == (
        "nobody answers at https://other.example:8443; intercepted: bedrock at https://a.example; "
        "genesis at https://api.genesissai.com "
        '(to let it out: passing=["other.example"], or unknown="pass")'
    )
    assert raised.value.request is not None


@GETTERS
def test_what_is_asked_below_another_path_or_by_another_scheme_is_unknown(get):
    with intercepted(f"{HERE}/v1"):
        assert health(get, f"{HERE}/v1").status_code == 200
        for url in (HERE, f"{HERE}/v2", "http://a.example/v1"):
            with pytest.raises(REFUSED, match="nobody answers at"):
                health(get, url)


@GETTERS
@pytest.mark.parametrize("how", [{"unknown": "pass"}, {"passing": ["127.0.0.1"]}])
def test_what_goes_elsewhere_goes_out_where_that_is_asked_for(get, how):
    with counterfoil.mock("bedrock") as real, intercepted(**how) as mock:
        assert health(get, real.url).json() == {"status": "ok"}
        assert health(get).json() == {"status": "ok"}
        assert (len(real.journal), len(mock.journal)) == (1, 1)
        if "passing" in how:
            with pytest.raises(REFUSED):
                get("http://localhost:1")


def test_what_an_async_client_sends_elsewhere_goes_out_or_is_refused():
    async def asked(url):
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{url}/_counterfoil/state")).status_code

    with counterfoil.mock("bedrock") as real:
        with intercepted(unknown="pass"):
            assert asyncio.run(asked(real.url)) == 200
        with intercepted(), pytest.raises(httpx.ConnectError, match="nobody answers at"):
            asyncio.run(asked(real.url))


@GETTERS
def test_several_are_open_at_once_and_each_answers_for_its_own(get):
    with intercepted() as one, intercepted("https://b.example") as other:
        health(get), health(get, "https://b.example"), health(get, "https://b.example")
        assert (len(one.journal), len(other.journal)) == (1, 2)


@GETTERS
def test_of_two_at_one_address_the_inner_one_answers_and_then_the_outer_one_again(get):
    with intercepted() as outer:
        with intercepted() as inner:
            health(get)
        health(get)
        assert (len(inner.journal), len(outer.journal)) == (1, 1)


@GETTERS
def test_they_may_be_closed_in_any_order(get):
    one, other = intercepted(), intercepted("https://b.example")
    one.__enter__(), other.__enter__()
    one.__exit__(None, None, None)
    with pytest.raises(REFUSED):
        health(get)
    assert health(get, "https://b.example").status_code == 200
    other.__exit__(None, None, None)


@GETTERS
def test_threads_have_each_its_own(get):
    both, lengths = threading.Barrier(2, timeout=10), []

    def work(times):
        with intercepted() as mock:
            both.wait()
            for _ in range(times):
                assert health(get).status_code == 200
            both.wait()
            lengths.append((times, len(mock.journal)))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (3, 5)))
    assert sorted(lengths) == [(3, 3), (5, 5)]


@GETTERS
def test_opened_and_closed_by_many_threads_nothing_goes_out_and_all_is_put_back(get):
    def work(number):
        for _ in range(5):
            with intercepted(f"https://{number}.example") as mock:
                assert health(get, mock.url).status_code == 200

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


@GETTERS
def test_a_thread_that_opened_none_is_answered_by_the_one_that_is_open(get):
    with intercepted() as mock, ThreadPoolExecutor(4) as pool:
        assert [one.status_code for one in pool.map(lambda _: health(get), range(20))] == [200] * 20
        assert len(mock.journal) == 20


def test_tasks_have_each_its_own():
    async def work(times):
        with intercepted() as mock:
            async with httpx.AsyncClient() as client:
                for _ in range(times):
                    await asyncio.sleep(0)
                    assert (await health(client.get)).status_code == 200
            return len(mock.journal)

    async def both():
        return await asyncio.gather(work(3), work(5))

    assert asyncio.run(both()) == [3, 5]


@GETTERS
def test_an_exception_puts_all_back_and_takes_the_journal_along(get):
    with pytest.raises(KeyError) as raised, intercepted():
        health(get)
        raise KeyError("x")
    assert "the journal of bedrock:" in raised.value.__notes__[0]
    assert "/health" in raised.value.__notes__[0]


def test_one_library_alone_is_intercepted_where_that_is_asked_for():
    with counterfoil.mock("bedrock") as real, intercepted(real.url, library="requests") as mock:
        assert health(httpx.get, real.url).status_code == 200
        assert len(mock.journal) == 0
        assert health(requests.get, real.url).status_code == 200
        assert (len(mock.journal), len(real.journal)) == (1, 1)
    with counterfoil.mock("bedrock") as real, intercepted(real.url, library="httpx") as mock:
        assert health(requests.get, real.url).status_code == 200
        assert health(httpx.get, real.url).status_code == 200
        assert (len(mock.journal), len(real.journal)) == (1, 1)


@pytest.mark.parametrize(
    ("lacking", "how", "message"),
    [
        (["respx"], {}, "to intercept httpx takes respx, which is not installed: "
         "pip install 'counterfoil[intercept]' (or intercept library=\"requests\" alone)"),
        (["responses"], {}, "to intercept requests takes responses, which is not installed: "
         "pip install 'counterfoil[intercept]' (or intercept library=\"httpx\" alone)"),
        (["requests"], {"library": "requests"}, "to intercept requests takes requests, which is "
         "not installed: pip install 'counterfoil[intercept]'"),
        (["httpx", "requests"], {}, "nothing to intercept is installed, httpx or requests: "
         "pip install 'counterfoil[intercept]'"),
    ],
)  # fmt: skip
def test_a_library_that_lacks_is_told_in_a_line(monkeypatch, lacking, how, message):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "counterfoil.interception.find_spec", lambda name: None if name in lacking else found(name)
    )
    with pytest.raises(ImportError) as raised:
        intercepted(**how)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("lacking", "get"), [("respx", "requests"), ("requests", "httpx")], ids=["requests", "httpx"]
)
def test_who_has_one_library_alone_does_without_the_other(lacking, get):
    code = f"""
import sys
sys.modules[{lacking!r}] = None
import counterfoil, importlib.util, {get}
import counterfoil.interception as own
found = importlib.util.find_spec
own.find_spec = lambda name: None if name == {lacking!r} else found(name)
how = dict(library={get!r}) if {lacking!r} == "respx" else dict()
with counterfoil.intercept("bedrock", url="https://a.example", **how) as mock:
    assert {get}.get(mock.url + "/health").status_code == 403
loaded = {{name.partition(".")[0] for name in sys.modules}}
assert not loaded & {{"hypothesis", "schemathesis", "contracts", "jsonschema"}}, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"unknown": "ignore"}, "an unknown host is to refuse or to pass, not 'ignore'"),
        ({"passing": "localhost"}, r"passing is a list of hosts: \['localhost'\]"),
        ({"library": "urllib"}, "a library is httpx or requests, not 'urllib'"),
        ({"sead": 1}, "a mock has no option 'sead'; did you mean 'seed'?"),
    ],
)
def test_a_wrong_option_is_told_in_a_line(how, message):
    with pytest.raises(TypeError, match=message):
        intercepted(**how)


@pytest.mark.parametrize("inner", ["respx", "counterfoil"])
def test_mocks_of_respx_are_there_beside_it(inner):
    theirs = respx.mock(assert_all_called=False)
    theirs.get("https://b.example/").respond(418)
    theirs.get(f"{HERE}/health").pass_through()
    ours = intercepted(unknown="pass")
    with ExitStack() as stack:
        for one in (theirs, ours) if inner == "counterfoil" else (ours, theirs):
            stack.enter_context(one)
        assert httpx.get("https://b.example/").status_code == 418
        assert health(httpx.get).json() == {"status": "ok"}


@pytest.mark.parametrize("inner", ["responses", "counterfoil"])
def test_mocks_of_responses_are_there_beside_it(inner):
    theirs = responses.RequestsMock()
    ours = intercepted(unknown="pass")
    with ExitStack() as stack:
        for one in (theirs, ours) if inner == "counterfoil" else (ours, theirs):
            stack.enter_context(one)
        theirs.get("https://b.example/", status=418)
        assert requests.get("https://b.example/").status_code == 418
        if inner == "counterfoil":
            assert health(requests.get).json() == {"status": "ok"}


def test_a_client_that_goes_by_a_proxy_or_by_a_transport_of_its_own_is_answered():
    class Once(httpx.HTTPTransport):
        asked = 0

        def handle_request(self, request):
            self.asked += 1
            return super().handle_request(request)

    with intercepted() as mock:
        with httpx.Client(proxy="http://proxy.example:3128") as client:
            assert health(client.get).status_code == 200
        with httpx.Client(transport=Once()) as client:
            assert health(client.get).status_code == 200
            assert client._transport.asked == 1
        proxies = {"https": "http://proxy.example:3128"}
        assert health(requests.get, proxies=proxies).status_code == 200
        assert len(mock.journal) == 3


def test_the_adapter_of_a_session_retries_as_it_would():
    retrying = HTTPAdapter(max_retries=requests.adapters.Retry(3, status_forcelist=[429]))
    with intercepted(chaos={"rate_limit": "1/60"}) as mock, requests.Session() as session:
        session.mount("https://", retrying)
        assert health(session.get).status_code == 200
        with pytest.raises(requests.exceptions.RetryError):
            health(session.get)
        assert [entry.status for entry in mock.journal] == [200] + [429] * 4
    with intercepted() as mock, requests.Session() as session, mock.chaos(connection=["reset"]):
        session.mount("https://", retrying)
        with pytest.raises(requests.ConnectionError):
            health(session.get)
        assert len(mock.journal) == 4


def test_nothing_of_a_request_is_kept_but_in_the_journal():
    with intercepted():
        kept = [weakref.ref(health(get)) for get in (httpx.get, requests.get) for _ in range(3)]
        gc.collect()
        assert sum(ref() is not None for ref in kept) <= 1  # what responses had last


def test_it_steers_as_a_mock_on_a_socket_does(counterfoil):
    mock = counterfoil.intercept("bedrock", url=HERE, clock="virtual", reply_after=5)
    mock.reply("Now?", "Later.")
    known = {"x-api-key": mock.credentials["api_key"]}
    part = {"contentType": "text", "body": "Now?"}
    asked = {"message": {"content": [part], "model": "claude-v3-haiku"}}
    with httpx.Client(base_url=mock.url, headers=known) as client:
        found = client.post("/conversation", json=asked).json()
        where = f"/conversation/{found['conversationId']}/{found['messageId']}"
        assert client.get(where).status_code == 404
        mock.clock.advance(6)
        assert client.get(where).json()["message"]["content"][0]["body"] == "Later."
    mock.assert_all_replied()
    with mock.fault("bedrock.health.not_ok"):
        assert health(requests.get).json() != {"status": "ok"}
    mock.journal.one(operation="post_message")


def test_no_warning_is_left_behind():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with intercepted(), httpx.Client() as client, requests.Session() as session:
            health(client.get), health(session.get)
        gc.collect()
    assert seen == []


@GETTERS
def test_a_thread_that_opened_none_is_answered_by_the_last_one_opened(get):
    with intercepted() as outer, intercepted() as inner, ThreadPoolExecutor(1) as pool:
        assert pool.submit(health, get).result().status_code == 200
        assert (len(outer.journal), len(inner.journal)) == (0, 1)


@GETTERS
def test_a_host_that_any_of_them_lets_out_goes_out(get):
    with counterfoil.mock("bedrock") as real, intercepted(passing=["127.0.0.1"]):
        with intercepted("https://b.example"):
            assert health(get, real.url).status_code == 200


@GETTERS
def test_the_vendor_is_named_as_the_host_without_its_usual_port(get):
    with intercepted([HERE, "http://a.example:8080"]) as mock:
        health(get), health(get, "http://a.example:8080")
        hosts = [dict(entry.headers)["Host"] for entry in mock.journal]
    assert hosts == ["a.example", "a.example:8080"]


@GETTERS
def test_an_answer_that_is_read_in_several_parts_is_whole(get):
    post = httpx.post if get is httpx.get else requests.post
    with counterfoil.intercept("chatbot", url=HERE) as mock:
        mock.reply("Hello", "long " * 60_000)
        where = f"{HERE}/api/v1/backend/chatbot/counterfoil-bot/chat"
        answer = post(where, json={"q": "Hello", "stream": False}).json()["data"]["answer"]
    assert answer == "long " * 60_000


def test_an_answer_knows_the_adapter_that_it_was_asked_by():
    with intercepted(), requests.Session() as session:
        assert health(session.get).connection is session.get_adapter(HERE)

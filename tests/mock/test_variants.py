import sys
from contextlib import suppress
from types import ModuleType

import pytest

import contracts
from contracts.model import NotReached, Request
from contracts.target import Target
from counterfoil import wiring
from mockserver.clock import VirtualClock
from mockserver.faults import UnknownName, find_api, names, package_of
from mockserver.variants import variant, variants_of

VARIANTS = [id for api in names() for id in variants_of(api)]

each_api = pytest.mark.parametrize("api", names())


@each_api
def test_an_api_has_a_dozen_variants_and_more(api):
    assert len(variants_of(api)) >= 12


@each_api
def test_every_variant_has_the_name_of_its_api_and_a_sentence_of_its_own(api):
    found = [change.variant for change in variants_of(api).values()]
    for one in found:
        assert one.id.startswith(f"{api}.") and one.id.replace(".", "_").isidentifier()
        assert one.id == one.id.lower()
        assert one.sentence.endswith(".") and one.sentence[0].isupper()
    assert len({one.sentence for one in found}) == len(found)


@each_api
def test_a_variant_is_no_fault_and_an_emulator_of_its_api(api):
    for change in variants_of(api).values():
        assert issubclass(change, find_api(api))
        assert change.fault is None


def test_an_api_without_a_module_of_variants_has_none(echo):
    assert variants_of(echo) == {}


def test_one_id_for_two_variants_is_an_error(monkeypatch, echo):
    module = ModuleType("variants")
    for name in ("One", "Other"):
        setattr(module, name, variant("echo.same", "Is the same.")(type(name, (echo,), {})))
    monkeypatch.setitem(sys.modules, f"{package_of(echo)}.variants", module)
    with pytest.raises(ValueError, match=r"two variants have the id echo\.same"):
        variants_of(echo)


def test_an_unknown_variant_is_told_the_nearest_one():
    with pytest.raises(UnknownName, match=r"did you mean genesis\.counted_ids\?"):
        wiring.mocks(["genesis"], variant="genesis.counted_id")


def raw_answers(id):
    """Ask what the API is asked for, and return every answer with its bytes and its times."""
    api, clock = id.partition(".")[0], VirtualClock()
    known = wiring.all_credentials(api)
    asks_default = id.endswith(".default")
    made = wiring.mocks([api], clock=clock, credentials=known, variant="" if asks_default else id)
    contract = contracts.load(api)
    target = Target("http://127.0.0.1:8600", app=made.app.wsgi_app, clock=clock)
    driver = contract.driver(contract, target, known)
    with suppress(NotReached):  # it was throttled
        TALKS[api](driver)
        driver.send(driver.authorize(Request("GET", "/nothing/here")))
    target.close()
    return [(e.response.status, e.response.headers, e.response.chunks) for e in driver.exchanges]


def talk_to_genesis(driver):
    first = driver.chat("Où est la clé?")
    driver.chat("Où est la clé?", first.json()["SessionID"])
    driver.post([("Action", "clé <b>"), *driver.plain([])[:1], *driver.plain([])[2:]])
    driver.chat("Go on", 7)
    driver.chat(" ")
    driver.post(driver.plain([("user", "Hello")], first=1))
    driver.post([p for p in driver.plain([("user", "Hello")]) if p[0] != "AppID"])
    for app_id in ("nobody", driver.credentials["other_app_id"]):
        there = driver.with_credentials({**driver.credentials, "app_id": app_id})
        there.chat("Hello")
        there.chat("Go on", first.json()["SessionID"])


def talk_to_bedrock(driver):
    asked = driver.answered("Où est la clé?")
    driver.history(asked.conversation)
    again = driver.ask("Où est la clé?", asked.conversation)
    driver.history(again.conversation)
    driver.wait(again)
    driver.history(again.conversation)
    text = {"contentType": "text", "body": "Mine"}
    driver.post({"conversationId": "my own", "message": {"content": [text], "model": "claude-v2"}})
    for model in ("claude-v3.5-sonnet-v2", "no-model"):
        driver.post({"message": {"content": [], "model": model}})
    driver.post({"message": {"content": [], "model": "claude-v2"}, "continueGenerate": 1})
    driver.get("health", "")
    driver.get("conversation", "nobody's")
    driver.send(driver.without(driver.get_request("health"), "x-api-key"))


def talk_to_a_chatbot(driver):
    for stream in (False, True):
        driver.ask("Où est la clé?", stream=stream)
    driver.ask(f"Is 645130146e8d07b175fd8b1d5682d520 {'very ' * 500}long?", stream=True)
    for odd in ({"stream": None}, {"language": "xx"}, {"more": 1}, {"q": ""}, {"q": " "}):
        driver.ask(**{"q": "Hello", **odd})
    driver.ask("Go on", "nobody's")
    driver.send_body(b'{"q": "Hello"}', "text/plain")
    driver.send(driver.without(driver.request(b'{"q": "Hello"}'), "Authorization"))


BODIES = ({"name": "Où <b>?"}, {"name": "A"}, {"name": "A"}, {})


def talk_to_mtmai(driver):
    chats = [driver.id_of(driver.create(body)) for body in BODIES]
    driver.chats()
    for chat in chats:
        driver.messages(chat)
    driver.clock.sleep(0.001)
    driver.update(chats[0], {"name": "Où <b>?"})
    driver.create({"name": "", "metadata": 7})
    driver.create({"name": "", "more": 1})
    driver.create({"name": ""})
    driver.get("nobody's")
    driver.other().at(driver.tenant).chats()
    driver.send(driver.without(driver.request("chat_list"), "Authorization"))


TALKS = {
    "genesis": talk_to_genesis,
    "bedrock": talk_to_bedrock,
    "chatbot": talk_to_a_chatbot,
    "mtmai": talk_to_mtmai,
}


@pytest.fixture(scope="module")
def by_default():
    return {api: raw_answers(f"{api}.default") for api in names()}


@pytest.mark.parametrize("id", VARIANTS)
def test_a_variant_answers_in_other_bytes_or_at_another_time(id, by_default):
    assert raw_answers(id) != by_default[id.partition(".")[0]]


@pytest.mark.parametrize("id", VARIANTS)
def test_a_variant_answers_the_same_to_the_same(id):
    assert raw_answers(id) == raw_answers(id)

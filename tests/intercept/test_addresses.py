import httpx
import pytest
import requests
import yaml

import contracts
import counterfoil
from counterfoil.interception.addresses import Origin, read_address
from mockserver.faults import find_api

APIS = contracts.names()


@pytest.mark.parametrize("api", APIS)
def test_a_mock_knows_the_address_that_the_document_says(api):
    contract = contracts.load(api)
    document = yaml.safe_load(contract.document.read_text("utf-8"))
    assert find_api(api).base_url == contract.base_url
    if contract.base_url:
        assert [server["url"] for server in document["servers"]] == [contract.base_url]


@pytest.mark.parametrize("api", [api for api in APIS if not find_api(api).base_url])
def test_an_api_without_a_documented_address_needs_one(api):
    with pytest.raises(ValueError) as raised:
        counterfoil.intercept(api)
    assert str(raised.value) == (
        f"{api} has no documented address, every deployment has its own: "
        f'intercept("{api}", url="https://…")'
    )


@pytest.mark.parametrize(
    ("written", "url", "taken"),
    [
        ("https://a.example", "https://a.example/x", True),
        ("https://a.example", "https://a.example:443", True),
        ("https://a.example", "https://A.EXAMPLE/", True),
        ("https://a.example", "http://a.example/", False),
        ("https://a.example", "https://a.example:8443/", False),
        ("https://a.example", "https://b.a.example/", False),
        ("https://a.example:8443/", "https://a.example:8443/x", True),
        ("https://a.example/v1/", "https://a.example/v1/x", True),
        ("https://a.example/v1", "https://a.example/v1?x", True),
        ("https://a.example/v1", "https://a.example/v1", True),
        ("https://a.example/v1", "https://a.example/v12", False),
        ("https://a.example/v1", "https://a.example/", False),
        ("a.example", "http://a.example/x", True),
        ("a.example", "https://a.example/x", True),
        ("a.example", "https://a.example:8443/x", False),
        ("a.example:8443", "https://a.example:8443/x", True),
        ("http://[::1]:80", "http://[::1]/x", True),
        ("https://bücher.example", "https://xn--bcher-kva.example/x", True),
    ],
)
def test_an_address_takes_what_is_sent_to_it_and_nothing_else(written, url, taken):
    sent = httpx.URL(url)
    port = sent.port or {"http": 80, "https": 443}[sent.scheme]
    origin = Origin(sent.scheme, sent.raw_host.decode(), port)
    assert read_address(written).takes(origin, sent.raw_path.decode()) is taken


@pytest.mark.parametrize(
    "text",
    ["", "https://", "ftp://a.example", "a.example/path", "https://a.example?x=1",
     "https://a.example:x", "https://a b", "https://me:secret@a.example"],
)  # fmt: skip
def test_what_is_no_address_is_told_in_a_line_without_secrets(text):
    with pytest.raises(ValueError) as raised:
        counterfoil.intercept("bedrock", url=text)
    assert "is no address; write https://host/path, or a host alone" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_mock_stands_at_several_addresses_and_below_a_path():
    hosts = ["https://a.example/stage", "b.example"]
    with counterfoil.intercept("bedrock", url=hosts) as mock:
        known = {"x-api-key": mock.credentials["api_key"]}
        for url in ("https://a.example/stage", "https://b.example", "http://b.example"):
            assert httpx.get(f"{url}/health", headers=known).json() == {"status": "ok"}
            assert requests.get(f"{url}/health", headers=known).json() == {"status": "ok"}
        assert mock.url == "https://a.example/stage"
        assert {entry.path for entry in mock.journal} == {"/health"}
        assert repr(mock) == "<mock of bedrock in place of https://a.example/stage>"


def test_the_same_code_asks_a_mock_on_a_socket_and_one_in_place_of_the_vendor():
    def health(mock):
        known = {"x-api-key": mock.credentials["api_key"]}
        answer = httpx.get(f"{mock.url}/health", headers=known)
        same = [(k, v) for k, v in answer.headers.raw if k != b"Date"]
        return answer.status_code, answer.reason_phrase, same, answer.content

    with counterfoil.mock("bedrock") as mock, counterfoil.mock("bedrock") as other:
        with counterfoil.intercept("bedrock", url=other.url) as intercepted:
            assert health(intercepted) == health(intercepted)
            within = health(intercepted)
        assert len(intercepted.journal) == 3
        assert len(other.journal) == 0
        assert health(mock) == within

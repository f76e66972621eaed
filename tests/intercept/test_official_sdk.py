import logging

import pytest
import requests
from ucloud.client import Client
from ucloud.core import exc

import counterfoil


def sdk(mock, **config):
    known = {name: mock.credentials[name] for name in ("public_key", "private_key")}
    return Client({"region": "cn-bj2", **known, **config}, logger=logging.getLogger("official-sdk"))


def said(mock, client, text="Hello", **more):
    asked = {"AppID": mock.credentials["app_id"], "Role": ["user"], "Content": [text], **more}
    return client.invoke("RunMVChat", asked)


def test_the_vendors_sdk_is_answered_at_the_documented_address():
    with counterfoil.intercept("genesis") as mock:
        mock.reply("Hello", "From nowhere: 你好")
        client = sdk(mock, base_url="https://api.genesissai.com")
        first = said(mock, client)
        assert (first["RetCode"], first["Response"]) == (0, "From nowhere: 你好")
        again = said(mock, client, "And then?", SessionID=first["SessionID"])
        assert again["SessionID"] == first["SessionID"]
        with pytest.raises(exc.RetCodeException):
            said(mock, client, AppID="nothing")
        assert len(mock.journal) == 3
        mock.assert_all_replied()


def test_the_vendors_sdk_as_it_is_installed_is_answered_where_it_goes_by_itself():
    with counterfoil.intercept("genesis", url="https://api.ucloud.cn") as mock:
        assert said(mock, sdk(mock))["RetCode"] == 0
        mock.journal.one(operation="run_mv_chat_post")


def test_the_vendors_sdk_meets_a_connection_that_breaks():
    with counterfoil.intercept("genesis") as mock:
        client = sdk(mock, base_url=mock.url)
        with mock.chaos(connection=["reset"]), pytest.raises(requests.ConnectionError):
            said(mock, client)
        assert {entry.chaos for entry in mock.journal} == {("reset",)}
        assert said(mock, client)["RetCode"] == 0

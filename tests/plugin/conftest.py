import textwrap

import pytest

ASK = """
import httpx

def ask(mock, text, **more):
    body = {"message": {"content": [{"contentType": "text", "body": text}],
                        "model": "claude-v3-haiku"}, **more}
    return httpx.post(f"{mock.url}/conversation", json=body, headers=headers(mock)).json()

def reply(mock, made):
    path = f"/conversation/{made['conversationId']}/{made['messageId']}"
    return httpx.get(mock.url + path, headers=headers(mock))

def headers(mock):
    return {"x-api-key": mock.credentials["api_key"]}
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A user's project: `project(test_file, *options)` runs its tests and returns the result."""
    # In a pipeline pytest prints more of a message than elsewhere.
    for name in ("PYTEST_XDIST_WORKER_COUNT", "CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\naddopts = -p no:schemathesis -p no:cacheprovider")
    pytester.makepyfile(asking=ASK)

    def run(text="", *options, how=pytester.runpytest_inprocess):
        if text:
            lines = "from asking import ask, reply, headers\n" + textwrap.dedent(text)
            pytester.makepyfile(test_mine=lines)
        return how(*options)

    return run

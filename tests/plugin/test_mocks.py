import subprocess
import sys

import httpx
import pytest

import counterfoil
from counterfoil.running import Mock
from mockserver.faults import UnknownName
from mockserver.reply_files import FixtureError
from mockserver.server import AddressInUse

QUESTION = {"contentType": "text", "body": "Hello"}


def headers(mock):
    return {"x-api-key": mock.credentials["api_key"]}


def ask(mock, text, **more):
    content = [{"contentType": "text", "body": text}]
    body = {"message": {"content": content, "model": "claude-v3-haiku"}, **more}
    return httpx.post(f"{mock.url}/conversation", json=body, headers=headers(mock)).json()


def read(mock, made):
    path = f"/conversation/{made['conversationId']}/{made['messageId']}"
    return httpx.get(mock.url + path, headers=headers(mock))


def said(answer):
    return answer.json()["message"]["content"][0]["body"]


# In a with block.


def test_a_mock_runs_within_its_block_alone():
    with counterfoil.mock("bedrock") as mock:
        assert httpx.get(f"{mock.url}/health", headers=headers(mock)).json() == {"status": "ok"}
        url = mock.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    with pytest.raises(RuntimeError, match="use it in a with block"):
        _ = mock.url


@pytest.mark.parametrize("api", ["genesis", "bedrock", "chatbot", "mtmai"])
def test_every_api_has_a_mock_with_two_callers(api):
    with counterfoil.mock(api) as mock:
        others = {name for name in mock.credentials if name.startswith("other_")}
        assert others == {f"other_{name}" for name in set(mock.credentials) - others}
        assert httpx.get(f"{mock.url}/_counterfoil/health").json() == {"status": "ok"}


def test_two_mocks_have_a_port_and_a_state_each():
    with counterfoil.mock("bedrock") as one, counterfoil.mock("bedrock") as other:
        made = ask(one, "Hello")
        one.clock.advance(1)
        other.clock.advance(1)
        assert one.url != other.url
        assert read(one, made).status_code == 200
        assert read(other, made).status_code == 404
        assert len(one.journal) == 2 and len(other.journal) == 1


def test_replies_come_when_the_clock_has_moved_and_not_before():
    with counterfoil.mock("bedrock", reply_after=3600) as mock:
        made = ask(mock, "Hello")
        assert read(mock, made).status_code == 404
        mock.clock.advance(3599)
        assert read(mock, made).status_code == 404
        mock.clock.advance(2)
        assert read(mock, made).status_code == 200


def test_a_virtual_clock_stands_still_and_a_clock_moves_forward_alone():
    with counterfoil.mock("bedrock", clock="virtual") as mock:
        before = mock.clock.now()
        ask(mock, "Hello")
        assert mock.clock.now() == before
        with pytest.raises(ValueError, match="moves forward only"):
            mock.clock.advance(-1)


def test_the_clock_is_moved_over_the_admin_api_as_well():
    with counterfoil.mock("bedrock") as mock:
        before = mock.clock.now()
        moved = httpx.post(f"{mock.url}/_counterfoil/clock", json={"advance": 100})
        assert moved.json()["now"] >= before + 100
        assert mock.clock.now() >= before + 100


# What it is told to answer.


def test_scripted_replies_are_given_by_question_predicate_and_kind():
    with counterfoil.mock("bedrock", reply_after=0) as mock:
        mock.reply(answer="anything")
        mock.reply("Hello", "Good day")
        mock.reply(contains="weather", answer=["sun", "rain"])
        mock.reply(str.isupper, "Do not shout")
        mock.reply("Broken", error={"status": 503}, times=1)
        texts = ["Hello", "the weather?", "the weather?", "HELP", "other"]
        answers = [said(read(mock, ask(mock, text))) for text in texts]
        assert answers == ["Good day", "sun", "rain", "Do not shout", "anything"]
        assert "errors" in ask(mock, "Broken")
        assert "conversationId" in ask(mock, "Broken")
        mock.assert_all_replied()
        mock.journal.clear()
        mock.assert_all_replied()
        mock.reset()
        mock.reply("Hello", "Good day")
        with pytest.raises(AssertionError, match="given 0 of 1 times"):
            mock.assert_all_replied()


def test_what_is_no_reply_says_so():
    with counterfoil.mock("bedrock") as mock:
        with pytest.raises(FixtureError, match="unknown key 'anwser'"):
            mock.reply("Hello", anwser="x")
        with pytest.raises(UnknownName, match="unknown fault"):
            mock.reply("Hello", "x", fault="nonsense")


def test_a_reply_that_nobody_asked_for_is_missed_and_the_journal_is_shown():
    with counterfoil.mock("bedrock") as mock:
        mock.reply("Hello", "Good day")
        mock.reply("Bye", ["See you", "Farewell"])
        mock.reply(str.isupper, "Do not shout")
        ask(mock, "Hello")
        ask(mock, "Bye")
        with pytest.raises(AssertionError) as missed:
            mock.assert_all_replied()
    assert str(missed.value).splitlines()[:4] == [
        "scripted and not asked for:",
        "  scripted, s2, question 'Bye': given 1 of 2 times",
        "  scripted, p1, a predicate: given 0 of 1 times",
        "the journal of bedrock:",
    ]


# How it is told to break.


def test_faults_are_on_until_the_end_of_their_block():
    with counterfoil.mock("bedrock") as mock:
        health = f"{mock.url}/health"
        with mock.fault("bedrock.key.not_required"):
            assert httpx.get(health).status_code == 200
            with mock.fault("bedrock.health.not_ok"):
                assert httpx.get(health).json() != {"status": "ok"}
            assert httpx.get(health).json() == {"status": "ok"}
        assert httpx.get(health).status_code == 403
        mock.fault("bedrock.key.not_required")
        assert httpx.get(health).status_code == 200
        assert [one.faults for one in mock.journal.all(fault="bedrock.key.not_required")]
        mock.reset()
        assert httpx.get(health).status_code == 403
        assert len(mock.journal) == 1
        with pytest.raises(UnknownName, match=r"did you mean bedrock\.key\.not_required"):
            mock.fault("bedrock.key.not_requird")


def test_chaos_is_on_until_the_end_of_its_block():
    with counterfoil.mock("bedrock") as mock:
        with mock.chaos(connection=["reset"]), pytest.raises(httpx.TransportError):
            httpx.get(f"{mock.url}/health", headers=headers(mock))
        assert httpx.get(f"{mock.url}/health", headers=headers(mock)).status_code == 200
        assert mock.journal.one(chaos="reset").chaos


# What it was asked.


def test_the_journal_finds_what_is_asked_for():
    with counterfoil.mock("bedrock") as mock:
        made = ask(mock, "Hello")
        httpx.get(f"{mock.url}/health")
        entry = mock.journal.one(operation="post_message")
        assert entry.session == made["conversationId"] and "Hello" in entry.body
        assert mock.journal.last(status=403).operation == "health"
        mock.journal.none(operation="get_message")
        assert [one.number for one in mock.journal] == [1, 2]
        assert len(mock.journal.all(since=1)) == 1
        assert mock.journal.wait(2)[0] == entry
        mock.journal.clear()
        assert not len(mock.journal)


def test_the_journal_shows_all_where_something_is_missing():
    with counterfoil.mock("bedrock") as mock:
        ask(mock, "Hello")
        httpx.get(f"{mock.url}/health", headers={"x-api-key": "wrong-key-of-mine"})
        with pytest.raises(AssertionError) as none:
            mock.journal.one(operation="get_message")
        with pytest.raises(AssertionError) as some:
            mock.journal.none(operation="health")
        with pytest.raises(AssertionError) as late:
            mock.journal.wait(3, timeout=0.05)
        with pytest.raises(AssertionError, match=r"an exchange with status=500 was expected"):
            mock.journal.last(status=500)
    first, head, *lines = str(none.value).splitlines()
    assert first == "one exchange with operation='get_message' was expected, and there are none"
    assert head == "the journal of bedrock:"
    assert lines[0].split() == ["1", "POST", "/conversation", "200", "post_message", "known",
                                "made", "up"]  # fmt: skip
    assert "Hello" in lines[1] and "conversationId" in lines[2]
    assert mock.credentials["api_key"] not in str(none.value)
    assert "wrong-key-of-mine" not in str(none.value)
    assert [line for line in str(some.value).splitlines() if line.startswith(">")] == [
        line for line in str(some.value).splitlines() if "/health" in line
    ]
    assert str(late.value).startswith("3 exchanges did not come within 0.05 s, and there are 2")


def test_what_no_journal_could_have_is_not_looked_for():
    with counterfoil.mock("bedrock") as mock:
        with pytest.raises(ValueError, match="did you mean 'post_message'"):
            mock.journal.none(operation="post_mesage")
        with pytest.raises(TypeError, match="did you mean 'operation'"):
            mock.journal.all(operaton="health")


def test_an_exception_that_leaves_the_block_takes_the_journal_along():
    with pytest.raises(KeyError) as problem, counterfoil.mock("bedrock") as mock:
        ask(mock, "Hello")
        raise KeyError("mine")
    assert problem.value.__notes__[0].startswith("the journal of bedrock:\n   1  POST")
    with pytest.raises(AssertionError) as problem, counterfoil.mock("bedrock") as mock:
        mock.journal.one()
    assert not hasattr(problem.value, "__notes__")


# How it is made.


def test_options_are_those_of_serve(tmp_path):
    state = tmp_path / "state"
    with counterfoil.mock("bedrock", state=f"sqlite:{state}", credentials={"api_key": "mine"}) as a:
        made = ask(a, "Hello")
    with counterfoil.mock("bedrock", state=f"sqlite:{state}", credentials={"api_key": "mine"}) as b:
        b.clock.advance(1)
        assert read(b, made).status_code == 200
        assert b.credentials["api_key"] == "mine"
    (tmp_path / "bedrock").mkdir()
    (tmp_path / "bedrock" / "replies.yaml").write_text(
        "- {question: Hello, answer: from a file, basis: authored}\n"
    )
    with counterfoil.mock("bedrock", fixtures=str(tmp_path), reply_after=0) as mock:
        assert said(read(mock, ask(mock, "Hello"))) == "from a file"
    with counterfoil.mock("bedrock", authenticate=False) as mock:
        assert httpx.get(f"{mock.url}/health").status_code == 200


def test_what_no_mock_is_made_of_says_so():
    with pytest.raises(TypeError, match="no option 'sed'; did you mean 'seed'"):
        Mock("bedrock", sed=1)
    with pytest.raises(TypeError, match="real or virtual"):
        Mock("bedrock", clock="slow")
    with pytest.raises(UnknownName, match="did you mean bedrock"):
        Mock("bedrok")


@pytest.mark.parametrize("api", ["bedrock", "nothing"])
def test_a_mock_that_does_not_come_to_be_lets_go_of_its_store(api, monkeypatch):
    closed = []
    monkeypatch.setattr("mockserver.store.MemoryStore.close", lambda store: closed.append(store))
    with counterfoil.mock("genesis") as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises((AddressInUse, UnknownName)), counterfoil.mock(api, port=port):
            pass
        assert len(closed) == 1
    assert len(closed) == 2


def test_the_same_seed_gives_the_same_answers():
    def answers(seed):
        with counterfoil.mock("bedrock", seed=seed, clock="virtual", reply_after=0) as mock:
            return said(read(mock, ask(mock, "What is new?")))

    assert answers(1) == answers(1) != answers(2)


# As fixtures.


def test_fixtures_give_mocks_of_a_scope(project):
    result = project(
        """
        import pytest

        seen = []

        def test_of_the_test(counterfoil):
            mock = counterfoil.mock("bedrock")
            other = counterfoil.mock("mtmai", clock="virtual")
            ask(mock, "Hello")
            assert mock.url != other.url
            seen.append(mock.url)

        def test_of_another(counterfoil):
            assert len(counterfoil.mock("bedrock").journal) == 0

        @pytest.fixture(scope="session")
        def shared(counterfoil_session):
            return counterfoil_session.mock("bedrock")

        def test_shared_once(shared):
            ask(shared, "Hello")
            seen.append(shared)

        def test_shared_twice(shared):
            assert len(shared.journal) == 1
            assert seen[-1] is shared
        """
    )
    result.assert_outcomes(passed=4)


def test_a_test_that_fails_prints_what_its_mocks_were_asked(project):
    result = project(
        """
        import pytest

        @pytest.fixture(scope="session")
        def shared(counterfoil_session):
            return counterfoil_session.mock("bedrock")

        def test_before(shared):
            ask(shared, "asked before")

        def test_fails(shared, counterfoil):
            ask(shared, "asked now")
            ask(counterfoil.mock("bedrock"), "asked of mine")
            assert not shared
        """
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- mock of bedrock -*", "the journal of bedrock:", "*POST*"])
    text = result.stdout.str()
    assert "asked now" in text and "asked of mine" in text and "asked before" not in text
    assert "counterfoil-api-key" not in text


def test_a_journal_that_the_message_shows_is_not_printed_twice(project):
    result = project(
        """
        def test_fails(counterfoil):
            counterfoil.mock("bedrock").journal.one()
        """
    )
    result.assert_outcomes(failed=1)
    assert result.stdout.str().count("the journal of bedrock") == 1


def test_a_test_whose_setup_another_plugin_ends_is_reported_as_ever(project, pytester):
    pytester.makeconftest("""
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_setup(item):
            if "first" in item.name:
                pytest.skip("not here")
    """)
    done = project("def test_first(): pass\ndef test_second(): pass")
    done.assert_outcomes(skipped=1, passed=1)


def test_workers_share_neither_port_nor_state(project, pytester):
    result = project(
        """
        import pytest

        @pytest.fixture(scope="session")
        def shared(counterfoil_session):
            return counterfoil_session.mock("bedrock")

        @pytest.mark.parametrize("number", range(12))
        def test_each(shared, number, counterfoil, worker_id):
            mock = counterfoil.mock("bedrock")
            ask(mock, "Hello")
            mock.journal.one()
            with open(f"{worker_id}.url", "a") as file:
                print(shared.url, file=file)
        """,
        "-n3",
        how=pytester.runpytest_subprocess,
    )
    result.assert_outcomes(passed=12)
    urls = [set(file.read_text().split()) for file in pytester.path.glob("*.url")]
    assert len(urls) > 1
    assert all(len(one) == 1 for one in urls)
    assert len(set.union(*urls)) == len(urls)


# What it costs who does not use it.

HEAVY = ("flask", "werkzeug", "pydantic", "faker", "mockserver", "contracts", "hypothesis", "httpx")


def test_the_plugin_imports_nothing_heavy_until_a_fixture_is_used():
    code = (
        "import sys, counterfoil, counterfoil.pytest_plugin;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_mock_does_not_need_the_checker():
    code = (
        "import sys;"
        "[sys.modules.__setitem__(name, None) for name in ('hypothesis', 'schemathesis', 'httpx')];"
        "import counterfoil, urllib.request;"
        "mock = counterfoil.mock('bedrock').__enter__();"
        "print(urllib.request.urlopen(mock.url + '/_counterfoil/health').status);"
        "mock.__exit__(None, None, None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "200"


def test_the_front_door_has_what_it_says_and_nothing_else():
    assert all(getattr(counterfoil, name) for name in counterfoil.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'mok'"):
        _ = counterfoil.mok
